// AudioSet's segments (Gemmeke et al., ICASSP 2017): ten seconds of a video, and all that is heard in them,
//
//   # YTID, start_seconds, end_seconds, positive_labels
//   --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"
//
// The labels are the ontology's ids, which --classes (class_labels_indices.csv, ontology.json) names. Each is an
// annotation of the whole segment.

#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/row_table.h"

namespace tal {

void read_audioset(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    RowTable table(source, options, "AudioSet");
    const int video = table.need("YTID"), start = table.need("start_seconds"), end = table.need("end_seconds"),
              labels = table.need("positive_labels");
    table.each_video(source, options, sink, video, "YTID", [&](const NamedTable::Row& row, const std::string& id) {
      const Segment segment{field_number(table.field(row, start), '.', "start_seconds"),
                            field_number(table.field(row, end), '.', "end_seconds")};
      check_segment(segment);
      std::string items;
      for (const auto label : split_fields(table.field(row, labels), ','))
        if (!label.empty()) append_item(items, segment, std::nullopt, label_of(label, options), {}, table.others(row));
      if (items.empty()) throw Error("empty").at_field("positive_labels");
      auto& entry = rows.at(id);
      entry.facts.add(known_of(id, options), line_name(source.name, row.line));
      entry.has_annotations = true;
      entry.annotations += (entry.annotations.empty() ? "" : ",") + items;
    });
  }
  rows.emit(options, sink);
}

Fit looks_like_audioset(const FileLook& file) {
  return file.has_columns({"YTID", "start_seconds", "end_seconds", "positive_labels"}) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
