#include "libtal/formats/feature_support.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <regex>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/name_groups.h"
#include "libtal/data/source_files.h"
#include "libtal/data/time_columns.h"
#include "libtal/io/folder.h"
#include "libtal/io/npy.h"
#include "libtal/io/npz.h"
#include "libtal/io/row_column.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

namespace fs = std::filesystem;

bool ends_with_any(std::string_view name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const std::string& ending) { return without_ending(name, {ending}) != name; });
}

void check_file_name(const std::string& text, const char* field) {
  if (text.empty() || text == "." || text == ".." || text.find('/') != std::string::npos ||
      text.find('\0') != std::string::npos)
    throw Error("'" + text + "' cannot be part of a file name").at_field(field);
}

void check_format(const char* option, const std::string& format, std::size_t groups) {
  try {
    check_groups(format, groups);
  } catch (const Error& error) {
    throw UsageError(std::string(option) + ": " + error.message() + (groups == 0 ? " of --pattern" : ""));
  }
}

}  // namespace

std::vector<FeatureFile> list_feature_files(const std::vector<std::string>& paths,
                                            const std::vector<std::string>& endings, const Note& note, int folders) {
  std::vector<FeatureFile> files;
  for (const auto& path : paths) {
    if (path == "-") throw UsageError("this format reads files and folders, not stdin: name them");
    if (!fs::is_directory(path)) {
      files.push_back({path, folders > 0 ? path : fs::path(path).filename().string(), false});
      continue;
    }
    std::vector<FeatureFile> found;
    const auto folder = files_of(path, true, [&](const std::string& name) { return ends_with_any(name, endings); });
    folder.refuse_dangling();
    if (const auto left_out = folder.note(); !left_out.empty()) note(left_out);
    for (const auto& file : folder.paths)
      found.push_back({file, fs::path(file).lexically_relative(path).generic_string(), true});
    if (found.empty()) throw Error("no file of this format in this folder").at_line(path, 0);
    std::sort(found.begin(), found.end(),
              [](const FeatureFile& a, const FeatureFile& b) { return natural_less(a.name, b.name); });
    files.insert(files.end(), found.begin(), found.end());
  }
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.path);
  if (const auto copies = same_copies(names, note); !copies.empty())
    std::erase_if(files, [&](const FeatureFile& file) { return copies.count(file.path) > 0; });
  return files;
}

void FeatureItems::add(const std::optional<FeatureName>& name, const std::string& path, const std::string& array) {
  if (!name) {
    ++unmatched;
    return;
  }
  for (const std::string& text : {name->video, name->stream})
    if (!simdjson::validate_utf8(text.data(), text.size()))
      throw Error("the name of an array or file is not UTF-8", Error::Kind::kNotUtf8);
  auto& list = items[name->video];
  if (list.empty()) order.push_back(name->video);
  list.push_back({path, array, name->stream});
}

void FeatureItems::report(const std::string& what, const ImportSink& sink) const {
  if (unmatched > 0) sink.note(std::to_string(unmatched) + " " + what + " do not match --pattern");
  for (const auto& note : notes) sink.note(note);
  std::vector<std::string> arrays;
  for (const auto& [name, count] : left_out) arrays.push_back(name + (count > 1 ? " x " + std::to_string(count) : ""));
  if (!arrays.empty()) sink.note("left out, for they are no rows of features: " + joined_first(arrays, 8));
  if (order.empty()) throw Error(unmatched > 0 ? "nothing matches --pattern" : "no array is a stream of features");
}

void FeatureItems::check_files() const {
  std::map<std::string, std::pair<std::string, std::string>> owners;
  for (const auto& [video, list] : items)
    for (const auto& item : list) {
      const std::pair own(video, item.stream);
      const auto& owner = owners.emplace(feature_file(video, item.stream), own).first->second;
      if (owner != own)
        throw Error("'" + item.stream + "' of '" + video + "' and '" + owner.second + "' of '" + owner.first +
                    "' would both be written to " + feature_file(video, item.stream) + ": give other names (--stream)");
    }
}

std::string feature_file(const std::string& video, const std::string& stream) { return video + "." + stream + ".npy"; }

namespace {

bool is_whole(double value) { return value == std::floor(value); }

// Numbers and not times: of rows, of frames, of what an id or an unnamed column counts, of rows in "start_row".
bool are_numbers(const RowPlaces& places) {
  const UnitName parts = unit_name(places.name);
  if (places.column == RowColumn::kStart || places.column == RowColumn::kEnd)
    return parts.counts() || ("-" + parts.base + "-").find("-row-") != std::string::npos;
  return is_number_name(places.name) || is_unnamed(places.name) || is_index_name(places.name);
}

// Numbers of frames: so many are from row to row as the stride says. "sample" may as well number the rows.
bool counts_frames(const RowPlaces& places) {
  return unit_name(places.name).counts() && lower_case(places.name).find("frame") != std::string::npos;
}

// A step that others are compared with, besides the middle one, and how long they may be. Numbers that go on by 1 leave
// nothing out, but for frames, which are rounded, as what counts otherwise is; the last window of a video may be moved.
// Times tremble: of a few, a middle one.
struct LeastStep {
  double step, longest;
};
LeastStep least_step(const RowPlaces& places, const std::vector<double>& steps) {
  constexpr std::size_t kFew = 4;  // of which the gap may be the upper middle one
  constexpr double kTrembling = 2.5;
  const bool numbers = are_numbers(places) && std::all_of(places.values.begin(), places.values.end(), is_whole);
  if (!numbers) {
    const double step = middle(steps, steps.size() <= kFew);
    return {step, kTrembling * step};
  }
  const double all = *std::min_element(steps.begin(), steps.end());
  if (all == 1 && !unit_name(places.name).counts()) return {1, 1};
  const double least = *std::min_element(steps.begin(), steps.end() - 1);
  return {least, std::max(least + 1, kGap * least)};
}

// As the table has it, more or less: a date and time too.
std::string place_text(const RowPlaces& places, std::size_t row) {
  constexpr double kYear = 365 * 86400.0;
  const double value = places.values[row];
  if (!places.clock || value < kYear) return format_number(value);
  const auto whole = static_cast<std::time_t>(value);
  std::tm parts{};
  char text[32];
  gmtime_r(&whole, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text + (value > static_cast<double>(whole)
                     ? format_number(std::round((value - static_cast<double>(whole)) * 1e3) / 1e3).substr(1)
                     : "");
}

std::vector<double> steps_of(const RowPlaces& places) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < places.values.size(); ++i) steps.push_back(places.values[i] - places.values[i - 1]);
  return steps;
}

void check_gaps(const RowPlaces& places, const std::vector<double>& steps, double step, double longest) {
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i] > longest && (i + 1 == steps.size() || steps[i + 1] >= kMadeUp * step))
      throw Error("'" + places.name + "' goes from " + place_text(places, i) + " to " + place_text(places, i + 1) +
                  ", where a row is " + format_number(step) +
                  " behind the one before: rows are missing. Fill them in, or leave the column out of the file "
                  "where the rows are evenly spaced all the same")
          .at_line("", places.lines[i + 1]);
}

// What one second is in a column: by its unit; where its name says none, the one of the usual units whose rate fits
// best, of which frames are one for bounds. step: from row to row; 0: not known.
double second_of(const RowPlaces& places, double step, const RowClock& clock) {
  const UnitName unit = unit_name(places.name);
  const double wanted = *clock.rate;
  if (places.clock) return 1;
  if (!unit.unit.empty()) return 1 / unit.seconds(1);
  if (step <= 0) return 1;
  std::vector<double> seconds = {1.0, 1e3, 1e6, 1e9};
  if (clock.stride > 0 && places.column != RowColumn::kPlace) seconds.push_back(wanted * clock.stride);
  const auto off = [&](double second) { return std::abs(std::log(second / step / wanted)); };
  return *std::min_element(seconds.begin(), seconds.end(), [&](double a, double b) { return off(a) < off(b); });
}

constexpr double kSame = 0.002, kNear = 0.02;  // of the rate

// Whether the last row is nearer to the one before than a stride, as the last window of a video is that was moved back
// to end with it. Frames are exact where the stride is whole; times tremble, and what the step before makes up for is
// that.
bool last_is_moved(const RowPlaces& places, const std::vector<double>& steps, const RowClock& clock) {
  if (clock.stride <= 0 || steps.empty()) return false;
  const double last = steps.back();
  if (counts_frames(places))  // two numbers one behind the other may count rows
    return last < clock.stride - (is_whole(clock.stride) ? 0.5 : 1) && (steps.size() > 1 || last > 1);
  if (!clock.rate) return false;
  if (steps.size() == 1) return last < kMadeUp * second_of(places, last, clock) / *clock.rate;
  const double usual = middle({steps.begin(), steps.end() - 1}), before = steps[steps.size() - 2];
  return last < kMadeUp * usual && last + before < (1 + kMadeUp) * usual;
}

// Steps that may be compared with the stride.
std::size_t whole_steps(const std::vector<double>& steps, bool moved) { return steps.size() - (moved ? 1 : 0); }

void check_rate(const RowPlaces& places, const std::vector<double>& steps, const RowClock& clock,
                const std::string& path, const Note& note) {
  const std::size_t whole = whole_steps(steps, last_is_moved(places, steps, clock));
  if (whole == 0) return;
  // The mean, for steps are rounded; there is no gap in it.
  const double mean = (places.values[whole] - places.values.front()) / static_cast<double>(whole);
  const double own = second_of(places, mean, clock) / mean, off = std::abs(own / *clock.rate - 1);
  if (off <= kSame) return;
  const std::string what = "'" + places.name + "' rises by " + format_number(mean) + " from row to row, which is " +
                           format_number(std::round(own * 1e4) / 1e4) + " rows a second, but " + clock.option + " is " +
                           format_number(*clock.rate);
  if (off > kNear)
    throw Error(what + ": give the rate of the column, or leave it out of the file").at_line("", places.lines[1]);
  note(path + ": " + what);
}

void check_stride(const RowPlaces& places, const std::vector<double>& steps, const RowClock& clock) {
  const double stride = clock.stride;
  const std::size_t whole = whole_steps(steps, last_is_moved(places, steps, clock));
  if (whole == 0) return;
  const double mean = (places.values[whole] - places.values[0]) / static_cast<double>(whole);
  const double most = std::max(kNear * stride, 1 / static_cast<double>(whole)) + 1e-9;
  if (std::abs(mean - stride) <= most) return;
  throw Error("'" + places.name + "' rises by " + format_number(mean) + " from row to row, but --stride is " +
              format_number(stride) +
              ": give the stride of the column; where it numbers the rows and not frames, call it index")
      .at_line("", places.lines[1]);
}

// Frames count from 0 or 1, and may be those in the middle of the rows, where they are not called their beginnings.
void check_offset(const RowPlaces& places, const RowClock& clock) {
  const double first = places.values.front(), off = first - clock.offset;
  if (std::abs(off) <= (places.column == RowColumn::kPlace ? std::max(clock.stride, clock.window) : 1)) return;
  throw Error("'" + places.name + "' begins with " + format_number(first) +
              ", but --offset, where the first row begins, is " + format_number(clock.offset) +
              ": give the offset of the column")
      .at_line("", places.lines.front());
}

// Times of rows are those of the video, from its beginning; those of a day or since 1970 say nothing of it. Those of
// samples may be a little late, those of rows in the middle of them.
void check_first_time(const RowPlaces& places, double step, const RowClock& clock) {
  constexpr double kHour = 3600;
  const bool rows = clock.stride > 0;
  const double fps = rows ? *clock.rate * clock.stride : *clock.rate;
  const double first = places.values.front() / second_of(places, step, clock);
  if (is_point_in_time(first) || (places.clock && first >= kHour)) return;
  const double frames = first * fps, off = std::abs(frames - clock.offset);
  const double late = std::max(rows ? 1.0 : 2.0, (rows ? 0.05 : 0.1) * fps);
  if (off <= (rows && places.column == RowColumn::kPlace ? std::max({clock.stride, clock.window, late}) : late)) return;
  const std::string what = "'" + places.name + "' begins with " + place_text(places, 0) + ", but the first " +
                           (rows ? "row" : "sample") + " would be at " +
                           format_number(std::round(clock.offset / fps * 1e6) / 1e6) + " s: --offset " +
                           format_number(std::round(frames)) + " puts it where the column says";
  throw Error(what + (rows ? ", or leave the column out of the file" : ", --offset 0 leaves it at 0"))
      .at_line("", places.lines.front());
}

// Bounds of frames or times, of which the end may be the last frame or the one behind it. Times are rounded: their mean
// counts, without that of the last window, which may end with the video.
void check_bounds(const RowPlaces& start, const RowPlaces& end, const RowClock& clock) {
  const bool frames = counts_frames(start) && counts_frames(end);
  const std::size_t rows = std::min(start.values.size(), end.values.size()), whole = rows > 1 ? rows - 1 : rows;
  const auto length = [&](std::size_t row) { return end.values[row] - start.values[row]; };
  double sum = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (length(row) < 0)
      throw Error("'" + end.name + "' " + place_text(end, row) + " is before '" + start.name + "' " +
                  place_text(start, row))
          .at_line("", end.lines[row]);
    if (row < whole) sum += length(row);
    if (!frames || clock.window <= 0 || std::abs(length(row) - clock.window) <= 1 || row >= whole) continue;
    throw Error("'" + start.name + "' " + place_text(start, row) + " to '" + end.name + "' " + place_text(end, row) +
                " are not the " + format_number(clock.window) +
                " frames that a row covers: give --window (or --stride)")
        .at_line("", end.lines[row]);
  }
  if (frames || are_numbers(start) || are_numbers(end) || clock.window <= 0 || !clock.rate || rows == 0) return;
  const double mean = sum / static_cast<double>(whole), fps = *clock.rate * clock.stride;
  RowClock windows = clock;
  windows.rate = fps / clock.window;
  const double second = rows > 1 ? second_of(start, middle(steps_of(start)), clock) : second_of(start, mean, windows);
  const double covered = mean / second * fps;
  if (std::abs(covered - clock.window) <= std::max(1.0, kNear * clock.window) + 1e-6) return;
  throw Error("'" + start.name + "' " + place_text(start, 0) + " to '" + end.name + "' " + place_text(end, 0) +
              (rows > 2 ? " and so on" : "") + " are " + format_number(std::round(covered * 100) / 100) +
              " frames at " + format_number(fps) + " a second, not the " + format_number(clock.window) +
              " that a row covers: give --window (or --stride)")
      .at_line("", end.lines[0]);
}

void check_place(const RowPlaces& places, const RowClock& clock, const std::string& path, const Note& note) {
  const std::vector<double> steps = steps_of(places);
  const bool frames = counts_frames(places) && clock.stride > 0 && !places.values.empty();
  if (frames && !steps.empty()) check_stride(places, steps, clock);
  if (frames && places.column != RowColumn::kEnd) check_offset(places, clock);
  const bool times = clock.rate && !are_numbers(places) && !frames && !places.values.empty();
  const double step = steps.empty() ? 0 : middle(steps);
  if (steps.size() > 1) {
    check_gaps(places, steps, step, kGap * step);
    const auto [least, longest] = least_step(places, steps);
    check_gaps(places, steps, least, longest);
  }
  if (times && step > 0) check_rate(places, steps, clock, path, note);
  if (times && clock.begins && places.column != RowColumn::kEnd) check_first_time(places, step, clock);
}

}  // namespace

std::string feature_file_id(const std::string& name, int folders) {
  const auto plain = without_ending(name, {".gz"});
  return video_id(without_ending(plain, {".npy", ".npz", ".csv", ".txt", ".tsv", ".h5", ".hdf5", ".hdf", ".mat"}),
                  folders);
}

double middle(std::vector<double> values, bool lower) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>((values.size() - (lower ? 1 : 0)) / 2);
  std::nth_element(values.begin(), half, values.end());
  return *half;
}

void check_places(const std::vector<RowPlaces>& places, const RowClock& clock, const std::string& path,
                  const Note& note) {
  const auto first = [&](RowColumn column) {
    return std::find_if(places.begin(), places.end(), [&](const auto& each) { return each.column == column; });
  };
  const auto start = first(RowColumn::kStart), end = first(RowColumn::kEnd);
  for (const auto& each : places)  // ends are the same as starts, but for those behind the video
    if (each.column != RowColumn::kEnd || start == places.end()) check_place(each, clock, path, note);
  if (start != places.end() && end != places.end() && unit_name(start->name).unit == unit_name(end->name).unit)
    check_bounds(*start, *end, clock);
}

std::optional<double> moved_last_row(const std::vector<RowPlaces>& places, const RowClock& clock) {
  for (const auto column : {RowColumn::kStart, RowColumn::kPlace})
    for (const auto& each : places) {
      const bool frames = counts_frames(each);
      if (each.column != column || (!frames && (are_numbers(each) || !clock.rate))) continue;
      const auto steps = steps_of(each);
      if (!last_is_moved(each, steps, clock)) return std::nullopt;
      const double frame = frames ? 1 : second_of(each, middle(steps), clock) / (*clock.rate * clock.stride);
      return clock.offset + std::round((each.values.back() - each.values.front()) / frame);
    }
  return std::nullopt;
}

void check_rate_column(const std::vector<VideoFact>& facts, double fps, const std::string& option) {
  for (const auto& fact : facts) {
    if (fact.column != RowColumn::kRate || fact.fields.empty() || !is_table_number(fact.fields.front(), '.')) continue;
    const bool samples = plain_name(fact.name).starts_with("sampl");
    const double said = table_number(fact.fields.front(), '.');
    if (samples == (option == "--rate") && fps > 0 && std::abs(said / fps - 1) > kNear)
      throw Error("'" + fact.name + "' is " + format_number(said) + ", but " + option + " is " + format_number(fps) +
                  ": give what the column says, or leave it out of the file")
          .at_line("", fact.line);
  }
}

void prepare_output(const FeatureImport& options) {
  if (options.inline_data && !options.out_dir.empty()) throw UsageError("--inline and --out-dir exclude each other");
  if (options.half && !options.inline_data && options.out_dir.empty())
    throw UsageError("--half has no effect without --inline or --out-dir");
  if (!options.out_dir.empty()) fs::create_directories(options.out_dir);
}

namespace {

// float16 would make them infinite.
void check_half(const FeatureMatrix& matrix, const std::string& stream) {
  constexpr float kMost = 65504;
  for (const float value : matrix.values)
    if (std::isfinite(value) && std::abs(value) > kMost)
      throw Error(format_number(static_cast<double>(value)) + " does not fit --half, which holds up to 65504")
          .at_field("features." + stream);
}

}  // namespace

namespace {

void interpolate_column(FeatureMatrix& matrix, std::int64_t column) {
  const auto at = [&](std::int64_t row) -> float& {
    return matrix.values[static_cast<std::size_t>(row * matrix.dim + column)];
  };
  std::int64_t before = -1;  // the last finite row
  for (std::int64_t row = 0; row <= matrix.rows; ++row) {
    if (row < matrix.rows && !std::isfinite(at(row))) continue;
    for (std::int64_t gap = before + 1; gap < row; ++gap) {
      if (before < 0) at(gap) = row < matrix.rows ? at(row) : 0;
      else if (row == matrix.rows) at(gap) = at(before);
      else
        at(gap) =
            at(before) + (at(row) - at(before)) * static_cast<float>(gap - before) / static_cast<float>(row - before);
    }
    before = row;
  }
}

}  // namespace

void treat_non_finite(FeatureMatrix& matrix, const FeatureImport& options, const std::string& video,
                      const std::string& stream, const ImportSink& sink) {
  const auto bad = [](float value) { return !std::isfinite(value); };
  const auto count = std::count_if(matrix.values.begin(), matrix.values.end(), bad);
  if (count == 0) return;
  if (options.non_finite == "fail") {
    const auto first = std::find_if(matrix.values.begin(), matrix.values.end(), bad) - matrix.values.begin();
    const Error error =
        not_finite(first / matrix.dim, first % matrix.dim, matrix.values[static_cast<std::size_t>(first)]);
    throw Error(error.message() + "; so are " + std::to_string(count) + " of " + std::to_string(matrix.values.size()) +
                    " values: --non-finite says what they become",
                error.kind())
        .at_field("features." + stream);
  }
  if (options.non_finite == "zero") std::replace_if(matrix.values.begin(), matrix.values.end(), bad, 0.0f);
  else
    for (std::int64_t column = 0; column < matrix.dim; ++column) interpolate_column(matrix, column);
  sink.note(video + ": " + stream + ": " + std::to_string(count) + " values were not finite and are " +
            (options.non_finite == "zero" ? "0 now" : "interpolated now"));
}

void store_rows(const FeatureMatrix& matrix, const std::string& video, const FeatureImport& options,
                FeatureStream& stream) {
  if (matrix.rows == 0 || matrix.dim == 0) throw Error("no rows").at_field("features." + stream.name);
  stream.rows = matrix.rows, stream.dim = matrix.dim;
  if (options.half) check_half(matrix, stream.name);
  if (!options.inline_data) {
    check_file_name(video, "video");
    check_file_name(stream.name, "features");
    stream.path = (fs::path(options.out_dir) / feature_file(video, stream.name)).string();
    write_npy(stream.path, matrix.values.data(), matrix.rows, matrix.dim, options.half);
    return;
  }
  if (options.half) stream.dtype = "float16";
  stream.data = inline_rows(matrix.values, options.half);
}

std::optional<FeatureName> feature_name(const std::string& file, const FeatureImport& options,
                                        const std::string& usual_stream) {
  const std::string stream = options.stream.empty() ? usual_stream : options.stream;
  if (options.pattern.empty()) {
    if (!options.id.empty()) throw UsageError("--id needs --pattern");
    check_format("--stream", stream, 0);
    return FeatureName{feature_file_id(file, options.id_folders), stream};
  }
  if (file.size() > kMaxMatched) throw Error("a name of " + std::to_string(file.size()) + " bytes is too long");
  std::regex pattern;
  try {
    pattern.assign(options.pattern);
  } catch (const std::regex_error&) {
    throw UsageError("--pattern: '" + options.pattern + "' is not a regular expression");
  }
  const std::string id = !options.id.empty() ? options.id : pattern.mark_count() > 0 ? "$1" : "$&";
  check_format("--id", id, pattern.mark_count());
  check_format("--stream", stream, pattern.mark_count());
  std::smatch match;
  if (!std::regex_search(file, match, pattern)) return std::nullopt;
  FeatureName name{match.format(id), match.format(stream)};
  if (name.video.empty()) throw Error("'" + file + "' gives no video: its part '" + id + "' of --pattern is empty");
  if (name.stream.empty())
    throw Error("'" + file + "' gives no stream: its part '" + stream + "' of --pattern is empty");
  return name;
}

}  // namespace tal
