// Charades (Sigurdsson et al., ECCV 2016): Charades_v1_train.csv with the actions of a video in one field,
//
//   id,subject,scene,...,actions,length          ...,c077 12.10 18.00;c079 11.80 17.30,16.62
//
// and the results of localization (Charades_v1_localize.m), a line for each of 25 time points of a video,
//
//   YSKX3 1 0.0018 0.2523 ...                    the scores of c000, c001, ... at (1 - 1) / 25 of the length
//
// The points become proposals without length. Of the table, the other columns are the record's member "charades".

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/row_table.h"

namespace tal {
namespace {

constexpr int kTimePoints = 25;

// "c077": the class of --classes with that id, as Charades_v1_classes.txt has them, or else with the number 77, whose
// name may begin with the same word.
std::string charades_label(const std::string& word, const ImportOptions& options) {
  if (options.tables.classes.empty()) return word;
  if (!options.tables.codes.empty()) return label_of(word, options);
  const bool numbered =
      word.size() == 4 && word[0] == 'c' && word.find_first_not_of("0123456789", 1) == std::string::npos;
  if (!numbered) throw Error("'" + word + "' is no class as c077").at_field("actions");
  std::string label = label_of_number(std::stoi(word.substr(1)), options);
  if (label.starts_with(word + " ")) label.erase(0, 5);
  return label;
}

std::string charades_actions(std::string_view text, const ImportOptions& options) {
  std::string out;
  for (const auto action : split_fields(text, ';')) {
    const auto words = split_blanks(action);
    if (words.empty()) continue;
    if (words.size() != 3) throw Error("must be 'CLASS START END', separated by ';'").at_field("actions");
    const Segment segment{field_number(words[1], '.', "actions"), field_number(words[2], '.', "actions")};
    check_segment(segment, "actions");
    append_item(out, segment, std::nullopt, charades_label(std::string(words[0]), options));
  }
  return out;
}

std::string class_word(std::size_t number) {
  std::string digits = std::to_string(number);
  return "c" + std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
}

}  // namespace

void read_charades(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  for (const auto& source : sources) {
    RowTable table(source, options, "Charades");
    const int video = table.need("id"), actions = table.need("actions"), length = table.take("length");
    for (const auto& row : table.rows()) {
      guard_row(source, row.line, "", row.raw, sink, [&] {
        table.check_width(row);
        const std::string id = options.prefix.value_or("") + table.field(row, video);
        if (table.field(row, video).empty()) throw Error("empty").at_field("id");
        Record record = Record::make(id);
        try {
          VideoInfo said;
          if (length >= 0 && !table.field(row, length).empty())
            said.duration = positive(field_number(table.field(row, length), '.', "length"), "length");
          set_info(record, known_of(id, options, said));
          record.set_raw("annotations", "[" + charades_actions(table.field(row, actions), options) + "]");
          if (const auto others = table.others(row); !others.empty()) record.set_raw("charades", "{" + others + "}");
        } catch (Error& error) {
          throw error.at_video(id);
        }
        sink.record(record);
      });
    }
  }
}

void read_charades_results(const std::vector<SourceText>& sources, const ImportOptions& options,
                           const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    std::size_t width = 0;
    std::uint64_t first = 0;  // line
    each_line_of_words(source, sink, [&](const auto& words, std::uint64_t line) {
      if (words.size() < 3) throw Error("must be 'video point score score ...'");
      if (first == 0) first = line, width = words.size();
      if (words.size() != width)
        throw Error(std::to_string(words.size() - 2) + " scores, but line " + std::to_string(first) + " has " +
                    std::to_string(width - 2) + ": one a class was expected; was the file cut off?")
            .at_field("score");
      const std::string id = options.prefix.value_or("") + std::string(words[0]);
      const auto point = whole_number(field_number(words[1], '.', "point"), words[1], "point");
      if (point < 1 || point > kTimePoints)
        throw Error(std::to_string(point) + " is not among 1 to " + std::to_string(kTimePoints)).at_field("point");
      const VideoInfo info = known_of(id, options);
      if (!info.duration)
        throw Error("the points share the video's length: give --durations, such as the records of Charades' table")
            .at_field("duration");
      const double at = static_cast<double>(point - 1) * *info.duration / kTimePoints;
      auto& entry = rows.at(id);
      std::string items = entry.proposals;
      for (std::size_t k = 2; k < words.size(); ++k)
        append_point(items, at, field_number(words[k], '.', "score"), charades_label(class_word(k - 2), options));
      entry.facts.add(info, line_name(source.name, line));
      entry.has_proposals = true;
      entry.proposals = std::move(items);
    });
  }
  rows.emit(options, sink);
}

Fit looks_like_charades(const FileLook& file) {
  return file.has_columns({"id", "actions", "scene", "script"}) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
