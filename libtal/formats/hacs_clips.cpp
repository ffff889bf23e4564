// HACS Clips (Zhao et al., ICCV 2019): clips of two seconds that show an action, or do not,
//
//   classname,youtube_id,subset,start,end,label        Archery,a2X2hz1G6i8,training,15.5,17.5,1
//
// label is 1 or -1. What is not shown is no annotation: such clips are left out, counted; their videos stay. The clips
// of the test set may have neither class nor label.
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/row_table.h"

namespace tal {

void read_hacs_clips(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  std::size_t negative = 0;
  for (const auto& source : sources) {
    RowTable table(source, options, "HACS Clips");
    const int name = table.need("classname"), video = table.need("youtube_id"), subset = table.take("subset"),
              start = table.need("start"), end = table.need("end"), shown = table.need("label");
    table.each_video(
        source, options, sink, video, "youtube_id", [&](const NamedTable::Row& row, const std::string& id) {
          const Segment segment{field_number(table.field(row, start), '.', "start"),
                                field_number(table.field(row, end), '.', "end")};
          check_segment(segment);
          const std::string &label = table.field(row, name), &sign = table.field(row, shown);
          const bool unknown = is_empty_or_missing(label) && is_empty_or_missing(sign);
          const auto number = class_number(sign);
          if (!unknown && number != 1 && number != -1)
            throw Error("'" + sign + "' is neither 1 (the clip shows the class) nor -1 (it does not)")
                .at_field("label");
          if (!unknown && is_empty_or_missing(label)) throw Error("empty").at_field("classname");
          VideoInfo said;
          if (subset >= 0 && !is_empty_or_missing(table.field(row, subset))) said.subset = table.field(row, subset);
          auto& entry = rows.at(id);
          entry.facts.add(known_of(id, options, said), line_name(source.name, row.line));
          entry.has_annotations = true;
          if (number == -1) ++negative;
          else append_item(entry.annotations, segment, std::nullopt, unknown ? "" : label, {}, table.others(row));
        });
  }
  if (negative > 0)
    sink.note(std::to_string(negative) + (negative == 1 ? " clip that does" : " clips that do") +
              " not show the class (label -1) left out");
  rows.emit(options, sink);
}

Fit looks_like_hacs_clips(const FileLook& file) {
  return file.has_columns({"classname", "youtube_id", "start", "end", "label"}) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
