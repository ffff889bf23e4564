#include "libtal/io/row_column.h"

#include <algorithm>

#include "libtal/io/table.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

using NameList = std::vector<std::string>;

bool is_in(const NameList& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const NameList kNumberNames = {"index", "idx", "row", "row-id", "row-idx", "row-index", "row-number"};
const NameList kTimeNames = {
    "time", "timestamp", "time-stamp", "timestamps", "t", "ts", "date", "datetime", "date-time", "elapsed",
    "elapsed-time", "time-elapsed", "epoch", "epoch-time", "unix-time", "unixtime", "unix", "unix-timestamp", "utc",
    "utc-time", "system-time", "timecode", "sensor-time", "seconds-elapsed",
    // of other languages, as lower_case() leaves them
    "zeit", "datum", "temps", "tiempo", "fecha", "tijd", "\u0412\u0440\u0435\u043c\u044f",
    "\u0432\u0440\u0435\u043c\u044f", "\u65f6\u95f4", "\u6642\u9593", "\u6642\u523b", "\uc2dc\uac04"};
const NameList kIndexNames = {"...1",       "id",          "ids",
                              "no",         "no.",         "nr",
                              "nr.",        "num",         "number",
                              "rownames",   "rowname",     "row.names",
                              "row-names",  "sample-id",   "sample-idx",
                              "snippet-id", "snippet-idx", "clip-id",
                              "clip-idx",   "segment-id",  "segment-idx",
                              "level-0",    "column1",     "sr-no",
                              "s.no",       "s-no",        "--index-level-0--",
                              "window-id",  "window-idx"};
const NameList kMayIndexNames = {"n",      "sample", "snippet", "clip",    "segment", "obs",     "observation",
                                 "window", "item",   "count",   "counter", "seq",     "sequence"};
const NameList kRateNames = {
    "fps",           "frame-rate",  "framerate",  "video-fps",    "frames-per-second",  "video-frame-rate",
    "sampling-rate", "sample-rate", "samplerate", "samplingrate", "sampling-frequency", "sample-frequency"};
const NameList kLengthNames = {"duration",       "length",       "video-duration", "media-duration", "clip-duration",
                               "total-duration", "video-length", "num-frames",     "n-frames",       "nb-frames",
                               "numframes",      "nframes",      "frame-count",    "total-frames",   "video-frames"};
const NameList kVideoNames = {"video",      "video-id",  "video-name",   "videoid",        "videoname",
                              "file",       "filename",  "file-name",    "subject",        "subject-id",
                              "user",       "user-id",   "participant",  "participant-id", "session",
                              "session-id", "recording", "recording-id", "trial",          "trial-id"};
const NameList kSubsetNames = {"subset", "split"};

// Who looks for a label under a name.
enum LabelReader : unsigned { kNoReader = 0, kSegments = 1, kSamples = 2, kPredictions = 4 };
struct LabelName {
  const char* name;
  unsigned readers;
};
constexpr LabelName kLabelNames[] = {
    {"label", kSegments | kSamples},
    {"action-label", kSegments | kSamples},
    {"label-idx", kSegments | kSamples},
    {"cls", kSegments | kSamples},
    {"class", kSegments | kSamples},
    {"class-name", kSegments | kSamples},
    {"action", kSegments | kSamples},
    {"activity", kSegments | kSamples},
    {"behavior", kSegments | kSamples},
    {"behaviour", kSegments | kSamples},
    {"type", kSegments},  // which may as well be the kind of an event
    {"annotation", kSamples},
    {"state", kSamples},
    {"target", kSamples},
    {"ground-truth", kSamples},
    {"labels", kSamples},
    {"activity-label", kSamples},
    {"true-label", kSamples},
    {"y-true", kSamples},
    {"prediction", kPredictions},
    {"predicted", kPredictions},
    {"pred", kPredictions},
    {"predicted-label", kPredictions},
    {"predictions", kPredictions},
    {"pred-label", kPredictions},
    {"y-pred", kPredictions},
    {"classes", kNoReader},
    {"actions", kNoReader},
    {"activities", kNoReader},
    {"behaviors", kNoReader},
    {"behaviours", kNoReader},
    {"annotations", kNoReader},
    {"states", kNoReader},
    {"targets", kNoReader},
    {"gt", kNoReader},
    {"category", kNoReader},
    {"categories", kNoReader},
    {"gesture", kNoReader},
    {"gestures", kNoReader},
    {"event", kNoReader},
    {"events", kNoReader},
    {"tag", kNoReader},
    {"tags", kNoReader},
    {"verb", kNoReader},
    {"verbs", kNoReader},
    {"verb-class", kNoReader},
    {"noun", kNoReader},
    {"nouns", kNoReader},
    {"noun-class", kNoReader},
    {"predicted-class", kNoReader},
    {"pred-class", kNoReader},
    {"true-class", kNoReader},
    {"action-class", kNoReader},
    {"activity-class", kNoReader},
    {"gt-label", kNoReader},
};

NameList label_names_of(LabelReader reader) {
  NameList out;
  for (const auto& [name, readers] : kLabelNames)
    if ((readers & reader) != 0) out.emplace_back(name);
  return out;
}

// The words of a name but for its unit: "start_frame" -> start.
NameList words_of(const std::string& base) {
  NameList words(1);
  for (const char c : base)
    if (c == '-') words.emplace_back();
    else words.back() += c;
  return words;
}

// What a name says of a row's beginning or end. sure: without the other one, too.
struct Bound {
  bool start = false, sure = false;
};

bool as_bound(const std::string& name, Bound& out) {
  static const NameList sure_starts = {"start", "begin", "startframe", "starttime", "startrow", "startindex"};
  static const NameList sure_ends = {"end", "endframe", "endtime", "endrow", "endindex"};
  static const NameList starts = {"from", "first", "t0", "onset"}, ends = {"to", "last", "t1", "offset", "stop"};
  static const NameList beside = {"row",    "time", "timestamp", "index",   "idx",     "sample",
                                  "window", "clip", "segment",   "snippet", "chunk",   "t",
                                  "f",      "id",   "no",        "pos",     "position"};
  int bounds = 0;
  for (const auto& word : words_of(unit_name(name).base)) {
    if (is_in(beside, word)) continue;
    const bool start = is_in(sure_starts, word) || is_in(starts, word);
    if (!start && !is_in(sure_ends, word) && !is_in(ends, word)) return false;
    out = {start, is_in(sure_starts, word) || is_in(sure_ends, word)}, ++bounds;
  }
  return bounds == 1;
}

RowColumn column_of_video(const std::string& name) {
  const UnitName parts = unit_name(name);
  const std::string plain = plain_name(name);
  const auto called = [&](const NameList& names) { return is_in(names, plain) || is_in(names, parts.base); };
  if (is_in(kRateNames, plain)) return RowColumn::kRate;
  if (is_in(kLengthNames, plain) || (!parts.counts() && called(kLengthNames))) return RowColumn::kLength;
  if (called(kVideoNames)) return RowColumn::kName;
  if (called(kSubsetNames)) return RowColumn::kSubset;
  return is_label_name(name) ? RowColumn::kLabel : RowColumn::kValue;
}

bool is_sure_index(std::string_view name) { return is_in(kIndexNames, plain_name(name)); }

}  // namespace

const std::vector<std::string>& segment_label_names() {
  static const NameList names = label_names_of(kSegments);
  return names;
}
const std::vector<std::string>& sample_label_names() {
  static const NameList names = label_names_of(kSamples);
  return names;
}
const std::vector<std::string>& prediction_names() {
  static const NameList names = label_names_of(kPredictions);
  return names;
}

bool is_label_name(std::string_view name) {
  static const NameList names = [] {
    NameList all;
    for (const auto& each : kLabelNames) all.emplace_back(each.name);
    return all;
  }();
  if (is_one_of(names, name)) return true;
  // Their numbers or names: "event_id", "activityName".
  const std::string plain = plain_name(name);
  for (const std::string_view what : {"id", "ids", "idx", "index", "code", "num", "number", "name", "names"}) {
    if (plain.size() <= what.size() || !plain.ends_with(what)) continue;
    std::string_view rest(plain);
    rest.remove_suffix(what.size());
    while (!rest.empty() && std::string_view("-. ").find(rest.back()) != std::string_view::npos) rest.remove_suffix(1);
    if (is_one_of(names, rest)) return true;
  }
  return false;
}

bool is_video_fact(RowColumn column) {
  return column == RowColumn::kRate || column == RowColumn::kLength || column == RowColumn::kName ||
         column == RowColumn::kSubset;
}

bool is_unnamed(std::string_view name) { return name.empty() || name.starts_with("Unnamed: "); }

bool is_index_name(std::string_view name) {
  return name == "X" || name == "X1" || is_sure_index(name) || is_in(kMayIndexNames, plain_name(name));
}

bool is_number_name(std::string_view name) {
  const UnitName parts = unit_name(name);
  return name == "#" || (parts.base.empty() && parts.unit == "frames") || is_in(kNumberNames, parts.base);
}

bool is_place_name(std::string_view name) {
  const UnitName parts = unit_name(name);
  if (is_number_name(name) || is_in(kTimeNames, parts.base) || is_in(kTimeNames, plain_name(name))) return true;
  return parts.base.empty() && name.size() > 1 && (parts.unit == "seconds" || parts.unit == "milliseconds");
}

std::vector<RowColumn> row_columns(const std::vector<std::string>& names) {
  std::vector<RowColumn> out(names.size(), RowColumn::kValue);
  bool any_start = false, any_end = false;
  for (const auto& name : names)
    if (Bound bound; as_bound(name, bound)) (bound.start ? any_start : any_end) = true;
  // "y" is a label, but for the one between x and z.
  const bool axes = names.size() < 2 || std::any_of(names.begin(), names.end(), [](const auto& name) {
                      return plain_name(name) == "x" || plain_name(name) == "z";
                    });
  // t0, t1, t2, ... are values.
  const bool many = std::any_of(names.begin(), names.end(), [](const auto& name) { return plain_name(name) == "t2"; });
  for (std::size_t c = 0; c < names.size(); ++c) {
    const auto& name = names[c];
    if (is_sure_index(name)) out[c] = RowColumn::kIndex;
    else if (is_place_name(name)) out[c] = RowColumn::kPlace;
    else if (is_index_name(name)) out[c] = RowColumn::kMayIndex;
    else if (Bound bound; as_bound(name, bound)) {
      const bool numbered = plain_name(name) == "t0" || plain_name(name) == "t1";
      if (bound.sure || (any_start && any_end && !(numbered && many)))
        out[c] = bound.start ? RowColumn::kStart : RowColumn::kEnd;
    } else {
      out[c] = plain_name(name) == "y" && !axes ? RowColumn::kLabel : column_of_video(name);
    }
  }
  return out;
}

}  // namespace tal
