// Sensor recordings cut into windows.
#include <algorithm>
#include <cmath>

#include "libtal/base/number.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/base/time_rows.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/feature_support.h"
#include "libtal/formats/formats.h"
#include "libtal/io/csv.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

const std::initializer_list<std::string_view> kSignalFiles = {".txt.gz", ".csv.gz", ".tsv.gz", ".txt", ".csv", ".tsv"};

std::int64_t whole(double value, const char* option) {
  if (!(value >= 1) || value != std::floor(value) || value > 1e9)
    throw UsageError(std::string(option) + " must be a whole number of samples");
  return static_cast<std::int64_t>(value);
}

// Rows of two files that stand side by side are of one time: Error where a column of times or numbers, called the same
// in both, says otherwise.
void check_beside(const std::vector<RowPlaces>& first, const std::vector<RowPlaces>& other, const std::string& path) {
  for (const auto& one : first)
    for (const auto& two : other) {
      if (one.name != two.name || one.values.size() < 2 || one.values.size() != two.values.size()) continue;
      const double step = (one.values.back() - one.values.front()) / static_cast<double>(one.values.size() - 1);
      for (std::size_t i = 0; i < one.values.size(); ++i)
        if (std::abs(two.values[i] - one.values[i]) > 0.75 * std::abs(step))
          throw Error("'" + two.name + "' is " + format_number(two.values[i]) + ", but " +
                      format_number(one.values[i]) + " in the same row of " + path +
                      ": files of one recording are put side by side, row by row. Cut them to the same times, join "
                      "them where one goes on where the other ends, or let --pattern make recordings of them")
              .at_line("", two.lines[i]);
    }
}

// The files of one recording side by side.
FeatureMatrix read_channels(const std::vector<FeatureItem>& items, const ImportOptions& options,
                            LeftOutColumns& left_out, const Note& note) {
  const SignalImport& s = options.signals;
  NumberTableOptions numbers;
  numbers.non_finite = options.features.non_finite != "fail";
  std::vector<FeatureMatrix> parts;
  std::vector<RowPlaces> places;  // of the first file
  FeatureMatrix all;
  for (const auto& item : items) {
    try {
      NumberTable table =
          parse_number_table({item.path, inflate_if_gzip(read_file(item.path))}, s.channels, options.dialect, numbers);
      const auto& offset = options.features.offset;
      const bool begins = !offset && parts.empty();  // the others are held against the first
      check_places(table.places, {s.rate, "--rate", 0, 0, offset.value_or(0), begins}, item.path, note);
      check_rate_column(table.facts, s.rate, "--rate");
      left_out.add(table.left_out, table.counting, table.facts);
      if (table.values.rows == 0) throw table.header.empty() ? Error("no samples") : no_rows(table);
      parts.push_back(std::move(table.values));
      if (parts.back().rows != parts.front().rows)
        throw Error(std::to_string(parts.back().rows) + " samples, but " + items.front().path + " has " +
                    std::to_string(parts.front().rows));
      if (parts.size() == 1) places = std::move(table.places);
      else check_beside(places, table.places, items.front().path);
    } catch (Error& error) {
      throw error.at_line(item.path, error.line());
    }
    all.dim += parts.back().dim;
  }
  all.rows = parts.front().rows;
  all.values.reserve(static_cast<std::size_t>(all.rows * all.dim));
  for (std::int64_t r = 0; r < all.rows; ++r)
    for (const auto& part : parts) all.values.insert(all.values.end(), part.row(r), part.row(r) + part.dim);
  return all;
}

// Annotations of --labels by video, with whatever else the table says of the video.
std::map<std::string, Record> read_labels(const ImportOptions& options, const ImportSink& sink) {
  std::map<std::string, Record> labels;
  if (options.signals.labels.empty()) return labels;
  ImportOptions table = options;
  if (table.fps == 0) table.fps = options.signals.rate;
  // A recording may be named by its file, as in the column of a table that a program wrote.
  const ImportSink collect{
      [&](Record& record) {
        const std::string name(without_ending(record.video(), kSignalFiles));
        if (!labels.emplace(name, std::move(record)).second)
          throw Error("stands in the table with and without the ending of its file").at_video(name);
      },
      sink.error, sink.note};
  read_segments_csv(load_sources({options.signals.labels}, ""), table, collect);
  return labels;
}

void statistics_row(const FeatureMatrix& samples, std::int64_t start, std::int64_t window, const std::string& statistic,
                    std::vector<float>& out) {
  const auto sample = [&](std::int64_t i) { return samples.row(std::min(start + i, samples.rows - 1)); };
  if (statistic == "raw") {
    for (std::int64_t i = 0; i < window; ++i) out.insert(out.end(), sample(i), sample(i) + samples.dim);
    return;
  }
  for (std::int64_t c = 0; c < samples.dim; ++c) {
    if (statistic == "raw-by-channel") {
      for (std::int64_t i = 0; i < window; ++i) out.push_back(sample(i)[c]);
      continue;
    }
    double sum = 0, squares = 0, low = sample(0)[c], high = low;
    for (std::int64_t i = 0; i < window; ++i) {
      const double value = sample(i)[c];
      sum += value, squares += value * value;
      low = std::min(low, value), high = std::max(high, value);
    }
    const double n = static_cast<double>(window), mean = sum / n;
    if (statistic == "mean") out.push_back(static_cast<float>(mean));
    else if (statistic == "min") out.push_back(static_cast<float>(low));
    else if (statistic == "max") out.push_back(static_cast<float>(high));
    else if (statistic == "energy") out.push_back(static_cast<float>(squares / n));
    else {  // std in a second pass: sums of squares cancel
      double spread = 0;
      for (std::int64_t i = 0; i < window; ++i) spread += (sample(i)[c] - mean) * (sample(i)[c] - mean);
      out.push_back(static_cast<float>(std::sqrt(spread / n)));
    }
  }
}

}  // namespace

FeatureMatrix window_features(const FeatureMatrix& samples, const std::vector<double>& starts, std::int64_t window,
                              const std::vector<std::string>& statistics) {
  FeatureMatrix out;
  for (const double start : starts)
    for (const auto& statistic : statistics)
      statistics_row(samples, static_cast<std::int64_t>(start), window, statistic, out.values);
  out.rows = static_cast<std::int64_t>(starts.size());
  out.dim = out.rows == 0 ? 0 : static_cast<std::int64_t>(out.values.size()) / out.rows;
  return out;
}

void read_signals(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink) {
  const FeatureImport& f = options.features;
  const SignalImport& s = options.signals;
  if (!(s.rate > 0)) throw UsageError("--from signals needs --rate, the samples per second");
  for (auto each = s.statistics.begin(); each != s.statistics.end(); ++each)
    if (std::find(s.statistics.begin(), each, *each) != each)
      throw UsageError("--signal-features: '" + *each + "' stands there twice");
  const std::int64_t window = whole(f.window, "--window"), stride = whole(f.stride, "--stride");
  if (!f.inline_data && f.out_dir.empty())
    throw UsageError("the rows of signals are new: give --out-dir DIR or --inline");
  prepare_output(f);
  FeatureItems videos;
  FileIds ids(options.id_folders);
  for (const auto& file :
       list_feature_files(paths, {kSignalFiles.begin(), kSignalFiles.end()}, sink.note, f.id_folders)) {
    if (f.pattern.empty()) (void)ids.id(file.path);
    videos.add(feature_name(file.name, f, "signals"), file.path);
  }
  videos.report("files", sink);
  if (!f.out_dir.empty()) videos.check_files();
  auto labels = read_labels(options, sink);
  const auto labelled = [&](const std::string& name) { return labels.count(options.prefix.value_or("") + name) > 0; };
  const auto reason_of = [&](const std::vector<std::string>& names) {  // by the labels that are left
    Spellings known(true);
    for (const auto& [video, record] : labels) known.add(video);
    return known.reason(names);
  };
  std::vector<std::string> prefixed;
  for (const auto& name : videos.order) prefixed.push_back(options.prefix.value_or("") + name);
  if (!labels.empty() && std::none_of(videos.order.begin(), videos.order.end(), labelled))
    throw Error("names none of the recordings: '" + labels.begin()->first + "' there, '" +
                (videos.order.empty() ? "" : options.prefix.value_or("") + videos.order.front()) + "' here" +
                reason_of(prefixed))
        .at_line(s.labels, 0);
  std::vector<std::string> unlabelled;
  LeftOutColumns left_out;
  for (const auto& name : videos.order) {
    const std::string video = options.prefix.value_or("") + name;
    const auto& items = videos.items.at(name);
    try {
      FeatureMatrix samples = read_channels(items, options, left_out, sink.note);
      if (f.non_finite != "fail") treat_non_finite(samples, f, video, items.front().stream, sink);
      const Rows rows =
          feature_rows(samples.rows, static_cast<double>(window), static_cast<double>(stride), tail_rule(s.tail));
      Record record = Record::make(video);
      const double first = f.offset.value_or(0), end = first + static_cast<double>(samples.rows);
      record.set_number("duration", end / s.rate);
      record.set_number("fps", s.rate);
      if (end == std::floor(end)) record.set_number("frames", end);
      if (const auto found = labels.find(video); found != labels.end()) {
        for (const auto key : {"subset", "annotations"})
          if (const auto raw = found->second.raw(key)) record.set_raw(key, std::string(*raw));
        labels.erase(found);
      } else {
        unlabelled.push_back(video);
      }
      FeatureStream stream;
      stream.name = items.front().stream;
      stream.stride = static_cast<double>(stride), stream.window = static_cast<double>(window);
      stream.fps = Rate{s.rate, 1}, stream.offset = first;
      stream.settings = "signals/1 channels=" + (s.channels.empty() ? "all" : joined(s.channels, ",")) +
                        " values=" + joined(s.statistics, ",");
      if (rows.shifted) stream.last_start = first + rows.starts.back();
      store_rows(window_features(samples, rows.starts, window, s.statistics), video, f, stream);
      record.set_feature(stream.name, feature_json(stream));
      sink.record(record);
    } catch (Error& error) {
      sink.error(error.at_video(video).at_line(items.front().path, 0), items.front().path);
    }
  }
  left_out.note(sink);
  if (!s.labels.empty() && !unlabelled.empty())
    sink.note(std::to_string(unlabelled.size()) + " recordings have no row in " + s.labels + reason_of(unlabelled));
  if (!labels.empty())
    sink.note(std::to_string(labels.size()) + " recordings of " + s.labels +
              " have no signals: " + labels.begin()->first + (labels.size() > 1 ? " ..." : ""));
}

}  // namespace tal
