// AudioSet's segments (Gemmeke et al., ICASSP 2017): ten seconds of a video, and all that is heard in them,
//
//   # YTID, start_seconds, end_seconds, positive_labels
//   --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"
//
// The labels are the ontology's. Each is an annotation of the whole segment.
#include <algorithm>

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
    for (const auto& row : table.rows()) {
      std::string id;
      guard_row(source, row.line, "", row.raw, sink, [&] {
        table.check_width(row);
        if (table.field(row, video).empty()) throw Error("empty").at_field("YTID");
        id = options.prefix.value_or("") + video_field(table.table(), row, video);
        try {
          const Segment segment{field_number(table.field(row, start), '.', "start_seconds"),
                                field_number(table.field(row, end), '.', "end_seconds")};
          check_segment(segment);
          std::string items;
          std::string_view rest = table.field(row, labels);
          while (!rest.empty()) {
            const auto comma = std::min(rest.find(','), rest.size());
            if (const auto label = trim(rest.substr(0, comma)); !label.empty())
              append_item(items, segment, std::nullopt, label, {}, table.others(row));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
          }
          if (items.empty()) throw Error("empty").at_field("positive_labels");
          auto& entry = rows.at(id);
          entry.facts.add(known_of(id, options), line_name(source.name, row.line));
          entry.has_annotations = true;
          entry.annotations += (entry.annotations.empty() ? "" : ",") + items;
        } catch (Error& error) {
          throw error.at_video(id);
        }
      });
    }
  }
  rows.emit(options, sink);
}

Fit looks_like_audioset(const FileLook& file) {
  return file.has_columns({"YTID", "start_seconds", "end_seconds", "positive_labels"}) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
