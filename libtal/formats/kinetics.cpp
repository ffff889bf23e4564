// Kinetics' tables (Kay et al., 2017; ActivityNet's crawler): label, youtube_id, time_start, time_end, split, and
// further columns, which stay beside the segment. The tables of test videos have no label. Times are seconds of the
// whole video.
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/row_table.h"

namespace tal {

void read_kinetics(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    RowTable table(source, options, "Kinetics");
    const int video = table.need("youtube_id"), start = table.need("time_start"), end = table.need("time_end");
    const int label = table.take("label"), split = table.take("split");
    table.each_video(source, options, sink, video, "youtube_id",
                     [&](const NamedTable::Row& row, const std::string& id) {
                       const Segment segment{field_number(table.field(row, start), '.', "time_start"),
                                             field_number(table.field(row, end), '.', "time_end")};
                       check_segment(segment);
                       VideoInfo said;
                       if (split >= 0 && !is_missing(table.field(row, split))) said.subset = table.field(row, split);
                       if (label >= 0 && is_missing(table.field(row, label)))
                         throw missing_value(table.field(row, label), "leave the field empty").at_field("label");
                       auto& entry = rows.at(id);
                       entry.facts.add(known_of(id, options, said), line_name(source.name, row.line));
                       entry.has_annotations = true;
                       append_item(entry.annotations, segment, std::nullopt, label < 0 ? "" : table.field(row, label),
                                   {}, table.others(row));
                     });
  }
  rows.emit(options, sink);
}

Fit looks_like_kinetics(const FileLook& file) {
  return file.has_columns({"youtube_id", "time_start", "time_end"}) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
