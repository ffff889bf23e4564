// Scores of whole videos as an array [videos, classes], such as UntrimmedNet's on THUMOS14 (uNet_test.npy).
#include <set>

#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/io/csv.h"
#include "libtal/io/features.h"

namespace tal {
namespace {

FeatureMatrix scores_of(const SourceText& source, const TableDialect& dialect) {
  const bool npy = source.text.starts_with("\x93NUMPY");
  if (!npy && source.text.find('\0') != std::string::npos) throw Error("neither an .npy array nor a table of text");
  FeatureMatrix scores = npy ? matrix_from_npy(source.text) : parse_number_table(source, {}, dialect).values;
  check_finite(scores);
  return scores;
}

struct Column {
  std::int64_t index;
  std::string label;
};

// The columns that are classes, in the order of the numbers: all of them, or those that --classes names.
std::vector<Column> columns_of(std::int64_t count, const ImportOptions& options, const ImportSink& sink) {
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
  if (const auto left = count - static_cast<std::int64_t>(columns.size()); left > 0)
    sink.note(std::to_string(left) + " of " + std::to_string(count) + " columns are no classes of --classes, left out");
  return columns;
}

}  // namespace

std::vector<std::string> row_videos(const SourceText& source) {
  std::vector<std::string> videos;
  std::set<std::string> seen;
  for (const auto& [name, line] : parse_video_list(source)) {
    videos.push_back(video_id(name));
    if (!seen.insert(videos.back()).second)
      throw Error("stands in the list twice").at_video(videos.back()).at_line(source.name, line);
  }
  if (videos.empty()) throw Error("no videos").at_line(source.name, 0);
  return videos;
}

void read_class_scores(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  if (sources.size() != 1) throw UsageError("class-scores is one array: name one file");
  const SourceText& source = sources[0];
  const auto& videos = options.tables.rows;
  FeatureMatrix scores;
  std::vector<Column> columns;
  try {
    scores = scores_of(source, options.dialect);
    if (scores.rows != static_cast<std::int64_t>(videos.size()))
      throw Error("the array has " + std::to_string(scores.rows) + " rows, --videos names " +
                  std::to_string(videos.size()) + ": row and video would not belong together");
    columns = columns_of(scores.dim, options, sink);
  } catch (Error& error) {
    throw error.at_line(source.name, error.line());
  }
  for (std::int64_t row = 0; row < scores.rows; ++row) {
    const std::string video = options.prefix.value_or("") + videos[static_cast<std::size_t>(row)];
    guard_row(source, 0, video, "", sink, [&] {
      std::vector<ClassScore> classification;
      for (const auto& [index, label] : columns) classification.push_back({label, scores.at(row, index)});
      Record record = Record::make(video);
      record.set_classification(classification);
      sink.record(record);
    });
  }
}

}  // namespace tal
