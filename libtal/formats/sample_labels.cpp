// Tables with a label a row, a sample of a sensor recording each: columns of the recording (video, subject, session,
// ...; none: a file is one), of the time or number of the sample, and of the label. Runs of equal labels are segments,
// [first / rate, end / rate); those of --background, and of empty labels, are none. A column of predictions becomes
// proposals without a score. --rate counts the samples as they come, and times or numbers of the samples beside it must
// agree with it. The name of a column of times may say its unit.
#include <algorithm>
#include <cmath>
#include <map>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/same_columns.h"
#include "libtal/data/time_columns.h"
#include "libtal/formats/feature_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/label_runs.h"
#include "libtal/formats/row_table.h"
#include "libtal/io/row_column.h"
#include "libtal/io/table.h"
#include "libtal/io/time_text.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

const std::vector<std::string>& sample_names(const std::string& role) {
  static const std::map<std::string, std::vector<std::string>> names = {
      {"video", {"video", "recording", "session", "subject", "participant", "file", "filename", "id"}},
      {"label", sample_label_names()},
      {"prediction", prediction_names()},
      {"time", {"time", "timestamp", "t", "seconds", "time-s"}}};
  return names.at(role);
}

// The column of a role: that of --columns, else one with a usual name. -1: none. Error where columns of labels
// contradict each other.
int sample_column(const NamedTable& table, const ImportOptions& options, const std::string& role, const Note& note) {
  const auto named = options.columns.find(role);
  const bool labels = role == "label" || role == "prediction";
  if (named == options.columns.end()) {
    if (labels) return texts_column(table, options, role, sample_names(role), true, note);
    const int column = table.find(sample_names(role));
    refuse_second(table, column);
    return column;
  }
  const int column = table.find({named->second});
  if (column < 0)
    throw Error("no column '" + named->second + "' (--columns " + role + ")").at_line(table.source, table.header_line);
  return column;
}

// Numbers of the samples and not their times: "frame", "index".
bool numbers_samples(const std::string& name) { return unit_name(name).counts() || is_number_name(name); }

// The column of times, which may have its unit in its name; none of numbers but where --columns names it.
TimeColumn sample_times(const NamedTable& table, const ImportOptions& options, const Note& note) {
  TimeColumn out{sample_column(table, options, "time", note), {}};
  const auto fits = [&](const std::string& name) {
    const UnitName parts = unit_name(name);
    return !numbers_samples(name) && !parts.shares() &&
           (is_one_of(sample_names("time"), parts.base) || is_place_name(name));
  };
  for (std::size_t c = 0; c < table.header.size() && !out.found(); ++c)
    if (fits(table.header[c])) out.column = static_cast<int>(c);
  if (!out.found()) return out;
  const std::string& name = table.header[static_cast<std::size_t>(out.column)];
  out.name = unit_name(name);
  if (!(options.signals.rate > 0) && (numbers_samples(name) || out.name.shares()))
    throw Error("'" + name + "' " + (out.name.shares() ? "has shares" : "numbers the samples") +
                " and no times: give --rate, or --columns time=NAME")
        .at_line(table.source, table.header_line);
  return out;
}

// Columns that number the samples, beside which --rate counts them.
std::vector<int> sample_numbers(const NamedTable& table, const std::vector<int>& but) {
  std::vector<int> out;
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c)
    if (numbers_samples(table.header[static_cast<std::size_t>(c)]) && std::find(but.begin(), but.end(), c) == but.end())
      out.push_back(c);
  return out;
}

// "session" beside "subject": what has several of another in one recording does not tell recordings apart.
void check_recordings(const NamedTable& table, const ImportOptions& options, int video) {
  for (const int other : others_called(table, options, "video", sample_names("video"), video)) {
    if (plain_name(table.header[static_cast<std::size_t>(other)]) == "id") continue;  // it may be the sample's
    std::map<std::string, std::string> known;
    for (const auto& row : table.rows) {
      if (!table.is_whole(row)) continue;
      const auto &name = table.field(row, video), &said = table.field(row, other);
      const auto& first = known.emplace(name, said).first->second;
      if (first != said)
        throw Error("'" + table.header[static_cast<std::size_t>(video)] + "' '" + name + "' is of '" +
                    table.header[static_cast<std::size_t>(other)] + "' '" + first + "' and of '" + said +
                    "': which column names the recordings (--columns video=NAME)? Join both in one where it takes two")
            .at_field("video")
            .at_line(table.source, row.line);
    }
  }
}

struct SampleRecording {
  explicit SampleRecording(const std::vector<std::string>& background) : truth(background), predicted(background) {}
  LabelRuns truth, predicted;
  std::vector<double> times;
  std::vector<std::uint64_t> lines;
  bool clock = false, timed = true;            // written as times of the clock; all of them are times
  std::map<int, std::vector<double>> numbers;  // by column; NaN: none
};

// Of a sample that --rate places: no matter of what day, and whatever it is.
void add_time(SampleRecording& recording, std::string_view text, char decimal) {
  constexpr double kDay = 86400;
  const TimeForm form = time_form(text);
  std::optional<double> at;
  try {
    at = form == TimeForm::kStamp ? stamp_seconds(text) : field_seconds(text, decimal, "time");
  } catch (const Error&) {  // it places nothing
  }
  recording.timed = recording.timed && at;
  recording.clock = recording.clock || form != TimeForm::kNone;
  auto& times = recording.times;
  const bool of_day = at && form == TimeForm::kClock && !times.empty();
  times.push_back(at.value_or(0) + (of_day ? kDay * std::max(0.0, std::round((times.back() - *at) / kDay)) : 0));
}

// Where times tell that samples are missing or too many: what the mean of all steps would hide in a few of them.
void check_steps(const SampleRecording& recording, const std::string& column) {
  constexpr double kTwice = 1.25;  // of the step in the middle
  const auto& times = recording.times;
  std::vector<double> steps;
  for (std::size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  const double step = middle(steps, true);
  const auto fail = [&](std::size_t i, const std::string& what) {
    throw Error("'" + column + "' goes from " + format_number(times[i]) + " to " + format_number(times[i + 1]) +
                ", where a sample is " + format_number(step) + " behind the one before: " + what)
        .at_field("time")
        .at_line("", recording.lines[i + 1]);
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    if (steps[i] > kGap * step && (last || steps[i + 1] >= kMadeUp * step))
      fail(i, "samples are missing. Fill them in, or make a file of each part");
    if (!last && steps[i] + steps[i + 1] < kTwice * step) fail(i, "a sample is too many. Delete it");
  }
}

// Samples a second, by the times of a recording; what they do not tell evenly is an Error.
double sample_rate(const SampleRecording& recording, const std::string& column, const UnitName& unit) {
  const auto& times = recording.times;
  if (times.size() < 2)
    throw Error("one sample tells no rate: give --rate").at_field("time").at_line("", recording.lines.at(0));
  for (std::size_t i = 1; i < times.size(); ++i)
    if (!(times[i] > times[i - 1]))
      throw Error("'" + format_number(times[i]) + "' is not behind '" + format_number(times[i - 1]) +
                  "' of the sample before: a sample is doubled or out of order")
          .at_field("time")
          .at_line("", recording.lines[i]);
  check_steps(recording, column);
  const double step = (times.back() - times.front()) / static_cast<double>(times.size() - 1);
  for (std::size_t i = 0; i < times.size(); ++i)
    if (std::abs(times[i] - times.front() - static_cast<double>(i) * step) > 0.51 * step)
      throw Error("the samples are not evenly spaced by their times: '" + format_number(times[i]) +
                  "' is far from where sample " + std::to_string(i + 1) + " of " + std::to_string(times.size()) +
                  " would be; --rate counts them as they come, where the file has no such column")
          .at_field("time")
          .at_line("", recording.lines[i]);
  const double rate = 1 / (recording.clock ? step : unit.seconds(step)), whole = std::round(rate);
  return std::abs(rate - whole) < 1e-6 * rate ? whole : rate;
}

// Numbers of the samples, which --rate counts as they come: Error where they leave some out or do not rise.
void check_numbers(const SampleRecording& recording, const NamedTable& table, double rate, const Note& note) {
  for (const auto& [column, numbers] : recording.numbers) {
    if (std::any_of(numbers.begin(), numbers.end(), [](double number) { return std::isnan(number); })) continue;
    const std::string& name = table.header[static_cast<std::size_t>(column)];
    for (std::size_t i = 1; i < numbers.size(); ++i)
      if (!(numbers[i] > numbers[i - 1]))
        throw Error("'" + name + "' goes from " + format_number(numbers[i - 1]) + " to " + format_number(numbers[i]) +
                    ": a sample is doubled or out of order, or another recording begins, whose name no column says; "
                    "leave the column out of the file where the rows are evenly spaced all the same")
            .at_line("", recording.lines[i]);
    check_places({{name, numbers, recording.lines}}, {rate, "--rate"}, table.source, note);
  }
}

double optional_number(const std::string& text) {
  return is_table_number(text, '.') ? table_number(text, '.') : std::nan("");
}

std::string recording_id(const std::string& name, const ImportOptions& options) {
  std::string file(without_ending(without_ending(name, {".gz"}), {".csv", ".tsv", ".txt"}));
  return id_of(file, options);
}

void read_samples(const SourceText& source, const ImportOptions& options, const ImportSink& sink, VideoRows& rows) {
  const NamedTable table = parse_named_table(source, options.dialect);
  const auto role = [&](const char* name) { return sample_column(table, options, name, sink.note); };
  const int video = role("video"), label = role("label"), prediction = role("prediction");
  const TimeColumn times = sample_times(table, options, sink.note);
  const int time = times.column;
  check_recordings(table, options, video);
  if (options.features.offset && !(options.signals.rate > 0))
    throw UsageError("--offset needs --rate: without it the column of times says when the first sample is");
  if (label < 0 && prediction < 0)
    throw Error("no column of labels among '" + joined_first(table.header, 12, "', '") +
                "': --columns label=NAME names it")
        .at_line(source.name, table.header_line);
  if (time < 0 && !(options.signals.rate > 0))
    throw Error("no column of times: give --rate, or --columns time=NAME").at_line(source.name, table.header_line);
  const char decimal = table.decimal_of({time}, options.dialect);
  const auto numbers =
      options.signals.rate > 0 ? sample_numbers(table, {video, label, prediction}) : std::vector<int>();
  if (time >= 0 && !(options.signals.rate > 0)) note_units(table, {times}, sink.note);
  const int date = time < 0 || options.signals.rate > 0 ? -1 : date_column(table, {video, time});
  std::vector<std::string> order;
  std::map<std::string, SampleRecording> recordings;
  std::uint64_t before = table.header_line;
  for (const auto& row : table.rows) {
    if (table.header.size() == 1 && row.line > before + 1)
      throw Error("blank: in a table of one column the label is missing").at_line(source.name, before + 1);
    before = row.line;
    std::string id;
    guard_row(source, row.line, "", row.raw, sink, [&] {
      table.check_width(row);
      id = video < 0 ? recording_id(source.name, options) : id_of(video_field(table, row, video), options);
      if (id.empty()) throw Error("empty").at_field("video");
      try {
        const bool placed = options.signals.rate > 0;
        const double at = time >= 0 && !placed ? field_seconds(table.field(row, time), decimal, "time") : 0;
        const bool clock = time >= 0 && time_form(table.field(row, time)) != TimeForm::kNone;
        const auto text = [&](int column) {
          const std::string& field = table.field(row, column);
          const auto& background = options.background;
          if (is_missing(field) && std::find(background.begin(), background.end(), field) == background.end() &&
              !has_class(options, field))
            throw missing_value(field, "give --background " + field +
                                           " where it is what samples have that are in no segment, or, where a class "
                                           "is called so, --classes a list that has it")
                .at_field("label");
          return !field.empty() && is_class_id(field, options) ? label_of(field, options) : field;
        };
        const std::string truth = label >= 0 ? text(label) : "", predicted = prediction >= 0 ? text(prediction) : "";
        const auto [found, fresh] = recordings.try_emplace(id, options.background);
        if (fresh) order.push_back(id);
        if (label >= 0) found->second.truth.add(truth);
        if (prediction >= 0) found->second.predicted.add(predicted);
        if (time >= 0 && placed) add_time(found->second, table.field(row, time), decimal);
        else found->second.times.push_back(at), found->second.clock |= clock;
        for (const int column : numbers)
          found->second.numbers[column].push_back(optional_number(table.field(row, column)));
        found->second.lines.push_back(row.line);
      } catch (Error& error) {
        throw error.at_video(id);
      }
    });
  }
  for (const auto& id : order) {
    const SampleRecording& recording = recordings.at(id);
    guard_row(source, recording.lines.front(), id, "", sink, [&] {
      constexpr double kHour = 3600;
      const auto seconds = [&](double at) { return recording.clock ? at : times.name.seconds(at); };
      if (date >= 0 && seconds(recording.times.front()) >= kHour)
        throw Error("times of day, as the column '" + table.header[static_cast<std::size_t>(date)] +
                    "' of dates says: --rate counts the samples from the recording's start")
            .at_field("time");
      const std::string column = time < 0 ? "" : table.header[static_cast<std::size_t>(time)];
      double rate = options.signals.rate;
      if (!(rate > 0) && is_point_in_time(seconds(recording.times.front())))
        throw Error("'" + column + "' begins with " + format_number(recording.times.front()) +
                    ": points in time (since 1970), and no times of the recording: --rate counts the samples from its "
                    "start, or subtract that")
            .at_field("time");
      try {
        if (time >= 0 && rate > 0 && recording.timed)
          check_places({{column, recording.times, recording.lines, recording.clock}},
                       {rate, "--rate", 0, 0, options.features.offset.value_or(0), !options.features.offset},
                       source.name, sink.note);
        if (rate > 0) check_numbers(recording, table, rate, sink.note);
        else rate = sample_rate(recording, column, times.name);
      } catch (Error& error) {
        throw error.at_line(source.name, error.line());
      }
      const double first = options.signals.rate > 0 ? options.features.offset.value_or(0)
                                                    : std::round(seconds(recording.times.front()) * rate);
      auto& entry = rows.at(id);
      if (entry.has_annotations || entry.has_proposals) throw Error("the recording stands in another file too");
      VideoInfo info = known_of(id, options);
      if (!info.duration) info.duration = (first + static_cast<double>(recording.lines.size())) / rate;
      entry.facts.add(info, source.name);
      entry.has_annotations = label >= 0, entry.has_proposals = prediction >= 0;
      check_background(options.background, {&recording.truth, &recording.predicted});
      recording.truth.append_segments(rate, entry.annotations, first);
      recording.predicted.append_segments(rate, entry.proposals, first);
    });
  }
}

}  // namespace

void read_sample_labels(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) read_samples(source, options, sink, rows);
  rows.emit(options, sink);
}

}  // namespace tal
