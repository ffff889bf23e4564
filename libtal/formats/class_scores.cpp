// Scores of whole videos as an array [videos, classes], such as UntrimmedNet's on THUMOS14 (uNet_test.npy).
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/tables.h"
#include "libtal/formats/formats.h"
#include "libtal/io/csv.h"
#include "libtal/io/features.h"

namespace tal {
namespace {

NumberTable table_of(const SourceText& source, const ImportOptions& options, const ImportSink& sink) {
  const bool npy = source.text.starts_with("\x93NUMPY");
  if (!npy && source.text.find('\0') != std::string::npos) throw Error("neither an .npy array nor a table of text");
  if (!npy) {
    NumberTableOptions text{column_names("video"), {}, {}, true};
    text.fault = [&](Error& error, std::string_view row) { sink.error(error, with_return(source, row)); };
    for (const auto& [number, label] : options.tables.classes) text.values.insert(label);
    return parse_number_table(source, {}, options.dialect, text);
  }
  const NpyHeader header = parse_npy_header(source.text);
  NumberTable table;
  table.values = matrix_from_npy(source.text, header);  // says what is wrong
  const auto rows = table.values.rows, dim = table.values.dim;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < dim; ++c)
      table.doubles.push_back(npy_element(source.text, header, header.fortran ? c * rows + r : r * dim + c));
  return table;
}

// The scores as the file has them: records hold doubles.
std::vector<double> row_scores(const NumberTable& table, std::int64_t row) {
  const auto dim = static_cast<std::ptrdiff_t>(table.values.dim);
  const auto first = table.doubles.begin() + static_cast<std::ptrdiff_t>(row) * dim;
  std::vector<double> scores(first, first + dim);
  for (std::size_t c = 0; c < scores.size(); ++c)
    if (!std::isfinite(scores[c]))
      throw Error("row " + std::to_string(row) + ", column " + std::to_string(c) + " is not finite",
                  Error::Kind::kNotFinite);
  return scores;
}

struct Column {
  std::int64_t index;
  std::string label;
};

// The columns that are classes, in the order of the numbers: all of them, or those that --classes names.
std::vector<Column> numbered_columns(std::int64_t count, const ImportOptions& options) {
  std::vector<Column> columns;
  const auto& classes = options.tables.classes;
  for (std::int64_t c = 0; c < count; ++c) {
    const std::int64_t number = c + options.class_offset;
    if (classes.empty()) columns.push_back({c, std::to_string(number)});
    else if (const auto found = classes.find(number); found != classes.end()) columns.push_back({c, found->second});
  }
  for (const auto& [number, label] : classes)
    if (number < options.class_offset || number >= options.class_offset + count)
      throw Error("class " + std::to_string(number) + ", '" + label + "', has no column: the " + std::to_string(count) +
                  " columns are numbered from " + std::to_string(options.class_offset) +
                  " (--class-offset 1 counts from 1)");
  return columns;
}

// A table with a row a class, or a segment, is none of scores of whole videos, and a column of labels none of a class.
void refuse_other_tables(const NumberTable& table) {
  const auto& header = table.header;
  const auto kinds = row_columns(header);
  const auto column = [&](RowColumn kind) { return std::find(kinds.begin(), kinds.end(), kind) - kinds.begin(); };
  const auto found = [&](RowColumn kind) { return column(kind) < std::ssize(kinds); };
  const auto name = [&](RowColumn kind) { return "'" + header[static_cast<std::size_t>(column(kind))] + "'"; };
  if (found(RowColumn::kStart) && found(RowColumn::kEnd))
    throw Error(name(RowColumn::kStart) + " and " + name(RowColumn::kEnd) +
                " look like times of segments: --from detections-csv reads these; where they are classes, --classes "
                "says so");
  const bool score = std::any_of(header.begin(), header.end(),
                                 [](const auto& each) { return is_one_of(column_names("score"), each); });
  if (found(RowColumn::kLabel) && score)
    throw Error(name(RowColumn::kLabel) +
                " beside a score looks like a row for each class: a table of class scores has a row for each video and "
                "a column for each class (pandas: df.pivot)");
  if (!found(RowColumn::kLabel) || header.size() < 2) return;
  const auto label = static_cast<std::size_t>(column(RowColumn::kLabel));
  bool whole = true;  // as scores hardly are
  for (std::size_t i = label; i < table.doubles.size(); i += header.size())
    whole = whole && table.doubles[i] == std::floor(table.doubles[i]);
  if (whole)
    throw Error(name(RowColumn::kLabel) +
                " is called like the label of the row and holds whole numbers: leave it out of the file, or, where it "
                "is a class, say so with --classes");
}

// The columns by the header's names: labels, or numbers of --classes.
std::vector<Column> named_columns(const NumberTable& table, const ImportOptions& options) {
  const auto& header = table.header;
  const auto& classes = options.tables.classes;
  const bool numbers = std::all_of(header.begin(), header.end(), [](const auto& name) { return class_number(name); });
  if (options.class_offset != 0 && !(numbers && !classes.empty()))
    throw Error("the header names the classes: --class-offset has no effect");
  std::set<std::string> labels;
  for (const auto& [number, label] : classes) labels.insert(label);
  if (classes.empty()) refuse_other_tables(table);
  std::vector<Column> columns;
  std::set<std::string> found;
  for (std::size_t c = 0; c < header.size(); ++c) {
    std::string label = header[c];
    if (label.empty()) throw Error("the header has no name for column " + std::to_string(c + 1) + " of the scores");
    if (numbers && !classes.empty()) {
      const bool known = classes.count(*class_number(label) + options.class_offset) > 0;
      label = known ? label_of(label, options) : "";
    } else if (options.tables.codes.count(label) > 0) {
      label = label_of(label, options);
    } else if (!classes.empty() && labels.count(label) == 0) {
      label.clear();
    }
    if (label.empty()) continue;
    if (!found.insert(label).second) throw Error("two columns are of class '" + label + "'");
    if (const auto second = second_of(header, header[c]); !second.empty())
      throw Error("column '" + second + "' is what pandas makes of a second column '" + header[c] +
                  "': two columns are of one class");
    columns.push_back({static_cast<std::int64_t>(c), label});
  }
  for (const auto& label : labels)
    if (found.count(label) == 0) {
      const auto near = nearest(label, header);
      throw Error("class '" + label + "' of --classes has no column: the header names '" +
                  joined_first(header, 8, "', '") + "'" +
                  (near.empty() ? "" : " (is it '" + std::string(near) + "'?)"));
    }
  return columns;
}

std::string id_at(const SourceText& source, std::uint64_t line, const std::string& name, FileIds& ids) try {
  return ids.id(name, line_name(source.name, line));
} catch (Error& error) {
  throw error.at_line(source.name, line);
}

// Which video each row is of: by the table, by --videos, or by both, which must say the same.
std::vector<std::string> videos_of(const NumberTable& table, const SourceText& source, const ImportOptions& options) {
  const auto& listed = options.tables.rows;
  if (table.values.rows == 0 && !table.header.empty()) throw no_rows(table);
  if (table.row_names.empty() && listed.empty())
    throw UsageError("--from class-scores needs --videos FILE, or a column video in the table");
  if (!listed.empty() && table.values.rows != static_cast<std::int64_t>(listed.size()))
    throw Error("the array has " + std::to_string(table.values.rows) + " rows, --videos names " +
                std::to_string(listed.size()) + ": row and video would not belong together");
  if (table.row_names.empty()) return listed;
  std::vector<std::string> videos;
  std::set<std::string> seen;
  FileIds ids(options.id_folders);
  for (std::size_t row = 0; row < table.row_names.size(); ++row) {
    if (table.faulty.count(static_cast<std::int64_t>(row)) > 0) {
      videos.emplace_back();
      continue;
    }
    videos.push_back(id_at(source, table.lines[row], table.row_names[row], ids));
    const auto& video = videos.back();
    const auto fail = [&](const std::string& what) {
      throw Error(what).at_video(video).at_line(source.name, table.lines[row]);
    };
    if (is_empty_or_missing(video))
      throw(video.empty() ? Error("empty") : missing_value(video))
          .at_field("video")
          .at_line(source.name, table.lines[row]);
    if (!listed.empty() && listed[row] != video)
      fail("--videos names '" + listed[row] + "' for row " + std::to_string(row + 1));
    if (!seen.insert(video).second) fail("stands in the table twice");
  }
  return videos;
}

// What columns beside the scores say of the videos.
class RowFacts {
 public:
  RowFacts(const NumberTable& table, const SourceText& source, const TableDialect& dialect) {
    facts_.source = source.name;
    for (const auto& fact : table.facts) facts_.header.push_back(fact.name);
    for (std::size_t row = 0; row < table.lines.size() && !table.facts.empty(); ++row) {
      auto& fields = facts_.rows.emplace_back(NamedTable::Row{table.lines[row], {}}).fields;
      for (const auto& fact : table.facts) fields.push_back(fact.fields[row]);
    }
    columns_.emplace(facts_, ImportOptions{}, true);
    decimal_ = facts_.decimal_of(columns_->numbers(), dialect);
  }
  VideoInfo of(std::size_t row) const {
    return facts_.header.empty() ? VideoInfo{} : columns_->read(facts_.rows[row], decimal_);
  }
  std::uint64_t line(std::size_t row) const { return facts_.rows.empty() ? 0 : facts_.rows[row].line; }

 private:
  NamedTable facts_;
  std::optional<VideoColumns> columns_;
  char decimal_ = '.';
};

}  // namespace

std::vector<std::string> row_videos(const SourceText& source, int id_folders) {
  std::vector<std::string> videos;
  std::set<std::string> seen;
  FileIds ids(id_folders);
  for (const auto& [name, line] : parse_video_list(source)) {
    videos.push_back(id_at(source, line, name, ids));
    if (!seen.insert(videos.back()).second)
      throw Error("stands in the list twice").at_video(videos.back()).at_line(source.name, line);
  }
  if (videos.empty()) throw Error("no videos").at_line(source.name, 0);
  return videos;
}

void read_class_scores(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  if (sources.size() != 1) throw UsageError("class-scores is one array: name one file");
  const SourceText& source = sources[0];
  NumberTable table;
  std::vector<std::string> videos;
  std::vector<Column> columns;
  try {
    table = table_of(source, options, sink);
    videos = videos_of(table, source, options);
    columns = table.header.empty() ? numbered_columns(table.values.dim, options) : named_columns(table, options);
  } catch (Error& error) {
    throw error.at_line(source.name, error.line());
  }
  const std::int64_t dim = table.values.dim;
  if (const auto left = dim - static_cast<std::int64_t>(columns.size()); left > 0)
    sink.note(std::to_string(left) + " of " + std::to_string(dim) + " columns are no classes of --classes, left out");
  LeftOutColumns left_out;
  left_out.add(table.left_out, table.counting, table.facts);
  left_out.note(sink);
  const RowFacts facts(table, source, options.dialect);
  for (std::int64_t row = 0; row < table.values.rows; ++row) {
    if (table.faulty.count(row) > 0) continue;
    const std::string video = options.prefix.value_or("") + videos[static_cast<std::size_t>(row)];
    const auto place = static_cast<std::size_t>(row);
    guard_row(source, facts.line(place), video, video, sink, [&] {
      const auto scores = row_scores(table, row);
      std::vector<ClassScore> classification;
      for (const auto& [index, label] : columns)
        classification.push_back({label, scores[static_cast<std::size_t>(index)]});
      Record record = Record::make(video);
      set_info(record, facts.of(place));
      record.set_classification(classification);
      sink.record(record);
    });
  }
}

}  // namespace tal
