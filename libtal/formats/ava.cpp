// AVA (Gu et al., CVPR 2018): a row without header for each action of each box at a second of a video,
//
//   0f39OWEqJ24,0902,0.031,0.162,0.670,0.995,12,0      video, second, x1, y1, x2, y2 (shares), action, person
//
// Rows are points; box and person stay beside them. Results have a score in the place of the person, which then has a
// decimal point in some row. A row with empty fields says that nobody is seen in that second.
#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/io/table.h"

namespace tal {
namespace {

constexpr std::size_t kBox = 2, kAction = 6, kLast = 7;

bool is_ava_number(std::string_view text) { return is_table_number(text, '.'); }

bool fits_ava(const std::vector<std::string_view>& fields) {
  if (fields.size() != kAction + 1 && fields.size() != kLast + 1) return false;
  if (fields[0].empty() || !is_ava_number(fields[1])) return false;
  return std::all_of(fields.begin() + kBox, fields.end(),
                     [](auto field) { return field.empty() || is_ava_number(field); });
}

std::vector<std::string_view> ava_fields(const RowReader& reader) {
  return {reader.fields().begin(), reader.fields().end()};
}

// Whether the last fields are scores.
bool has_ava_scores(const SourceText& source) {
  RowReader reader(utf8_text(source), source.name, ',');
  while (reader.next()) {
    const auto fields = ava_fields(reader);
    if (fields.size() == kLast + 1 && fields[kLast].find('.') != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

void read_ava(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    const bool scored = has_ava_scores(source);
    RowReader reader(utf8_text(source), source.name, ',');
    while (reader.next()) {
      const auto fields = ava_fields(reader);
      guard_row(source, reader.line(), fields[0], reader.raw(), sink, [&] {
        if (fields.size() != kAction + 1 && fields.size() != kLast + 1)
          throw Error("must be 'video,second,x1,y1,x2,y2,action[,person or score]', not " +
                      std::to_string(fields.size()) + " fields");
        if (scored && fields.size() != kLast + 1) throw Error("missing; other rows have one").at_field("score");
        const std::string id = options.prefix.value_or("") + std::string(fields[0]);
        if (fields[0].empty()) throw Error("empty").at_field("video");
        const double second = field_number(fields[1], '.', "second");
        const bool nobody = std::all_of(fields.begin() + kBox, fields.end(), [](auto field) { return field.empty(); });
        std::string extra = "\"box\":[";
        std::optional<double> score;
        std::string label;
        if (!nobody) {
          for (std::size_t k = kBox; k < kAction; ++k) {
            if (k > kBox) extra += ',';
            append_number(extra, field_number(fields[k], '.', "box"));
          }
          extra += ']';
          (void)field_number(fields[kAction], '.', "action");
          label = label_of(fields[kAction], options);
          if (scored) score = field_number(fields[kLast], '.', "score");
          else if (fields.size() > kLast && !fields[kLast].empty())
            extra += ",\"person\":" +
                     std::to_string(whole_number(field_number(fields[kLast], '.', "person"), fields[kLast], "person"));
        }
        auto& entry = rows.at(id);
        entry.facts.add(known_of(id, options), line_name(source.name, reader.line()));
        (scored ? entry.has_proposals : entry.has_annotations) = true;
        if (!nobody) append_point(scored ? entry.proposals : entry.annotations, second, score, label, {}, extra);
      });
    }
  }
  rows.emit(options, sink);
}

Fit looks_like_ava(const FileLook& file) {
  const auto lines = file.lines(20);
  const auto looks = [](std::string_view line) {
    RowReader reader(line, "", ',');
    try {
      return reader.next() && fits_ava(ava_fields(reader)) && reader.fields()[1].size() == 4;  // seconds as 0902
    } catch (const Error&) {
      return false;
    }
  };
  return !lines.empty() && std::all_of(lines.begin(), lines.end(), looks) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
