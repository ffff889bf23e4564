// The JSON formats: ActivityNet's annotation, result and classification files and the layouts that grew out of them.
#include <simdjson.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "libtal/base/number.h"
#include "libtal/data/import_support.h"

namespace tal {
namespace {

namespace dom = simdjson::dom;

std::uint64_t line_at(std::string_view text, std::size_t byte) {
  return 1 + static_cast<std::uint64_t>(
                 std::count(text.begin(), text.begin() + static_cast<long>(std::min(byte, text.size())), '\n'));
}

// Line of the first `"key"`; 0 when it is written with escapes. For messages only.
std::uint64_t line_of_key(std::string_view text, std::string_view key) {
  const auto found = text.find('"' + std::string(key) + '"');
  return found == std::string_view::npos ? 0 : line_at(text, found);
}

dom::object parse_object(dom::parser& parser, const SourceText& source) {
  dom::element root;
  if (const auto code = parser.parse(source.text).get(root)) {
    try {  // simdjson does not say where
      const auto parsed = nlohmann::json::parse(source.text);
      (void)parsed;
    } catch (const nlohmann::json::parse_error& error) {
      throw Error("not valid JSON here").at_line(source.name, line_at(source.text, error.byte));
    } catch (const std::exception&) {
    }
    throw Error(std::string("not valid JSON: ") + simdjson::error_message(code)).at_line(source.name, 0);
  }
  dom::object object;
  if (root.get(object)) throw Error("must be one JSON object").at_line(source.name, 1);
  return object;
}

double number_of(dom::element element, std::string_view field) {
  double value = 0;
  if (!element.get(value)) return value;
  std::string_view text;  // G-TAD's thumos_gt.json writes times as strings
  if (!element.get(text)) {
    try {
      return parse_number(text);
    } catch (Error& error) {
      throw error.at_field(field);
    }
  }
  throw Error("must be a number").at_field(field);
}

Segment segment_of(dom::element element, const std::string& field) {
  dom::array array;
  if (element.get(array) || array.size() != 2) throw Error("must be [start, end]").at_field(field);
  const Segment segment{number_of(array.at(0), field + "[0]"), number_of(array.at(1), field + "[1]")};
  check_segment(segment, field);
  return segment;
}

std::string_view string_of(dom::element element, const std::string& field) {
  std::string_view text;
  if (element.get(text)) throw Error("must be a string").at_field(field);
  return text;
}

// One list of {"segment","label","score",...}; members that are none of these are kept.
std::string items_of(dom::element element, const std::string& field, bool scored) {
  dom::array array;
  if (element.get(array)) throw Error("must be a list").at_field(field);
  std::string out;
  std::size_t index = 0;
  for (dom::element item : array) {
    const std::string place = field + "[" + std::to_string(index++) + "]";
    dom::object object;
    if (item.get(object)) throw Error("must be an object").at_field(place);
    std::optional<Segment> segment;
    std::optional<double> score;
    std::string_view label;
    std::string extra;
    for (auto [key, value] : object) {
      if (key == "segment" && !segment) {
        segment = segment_of(value, place + ".segment");
      } else if (key == "label") {
        label = string_of(value, place + ".label");
      } else if (key == "score" && scored) {
        score = number_of(value, place + ".score");
      } else {
        if (!extra.empty()) extra += ',';
        append_json_string(extra, key);
        extra += ':' + simdjson::minify(value);
      }
    }
    if (!segment) throw Error("missing").at_field(place + ".segment");
    if (scored && !score) throw Error("missing").at_field(place + ".score");
    append_item(out, *segment, score, label, {}, extra);
  }
  return "[" + out + "]";
}

// MultiTHUMOS: [class number, start, end]
std::string actions_of(dom::element element, const ImportOptions& options) {
  dom::array array;
  if (element.get(array)) throw Error("must be a list").at_field("actions");
  std::string out;
  std::size_t index = 0;
  for (dom::element item : array) {
    const std::string place = "actions[" + std::to_string(index++) + "]";
    dom::array row;
    std::int64_t id = 0;
    if (item.get(row) || row.size() != 3 || row.at(0).get(id))
      throw Error("must be [class, start, end]").at_field(place);
    const Segment segment{number_of(row.at(1), place + "[1]"), number_of(row.at(2), place + "[2]")};
    check_segment(segment, place);
    append_item(out, segment, std::nullopt, label_of(std::to_string(id), options));
  }
  return "[" + out + "]";
}

// Calls fn(video, value) for each member; a repeated id is a fault. What stands beside `key` in the file is returned as
// JSON text.
template <class Fn>
std::string for_each_video(const SourceText& source, const char* key, const ImportSink& sink, const Fn& fn) {
  dom::parser parser;
  const dom::object root = parse_object(parser, source);
  dom::object videos = root;
  std::string beside;
  dom::element inner;
  if (!root[key].get(inner)) {
    if (inner.get(videos))
      throw Error("must be an object").at_field(key).at_line(source.name, line_of_key(source.text, key));
    for (auto [name, value] : root) {
      if (name == key) continue;
      beside += beside.empty() ? "{" : ",";
      append_json_string(beside, name);
      beside += ':' + simdjson::minify(value);
    }
    if (!beside.empty()) beside += '}';
  }
  std::unordered_set<std::string> seen;
  for (auto [video, value] : videos) {
    try {
      if (video.empty()) throw Error("a video's id is empty");
      if (!seen.insert(std::string(video)).second) throw Error("the video stands in the file twice");
      fn(std::string(video), value, beside);
    } catch (Error& error) {
      error.at_video(video).at_line(source.name, line_of_key(source.text, video));
      sink.error(error, simdjson::minify(value));
    }
  }
  return beside;
}

}  // namespace

void read_activitynet_gt(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  for (const auto& source : sources) {
    for_each_video(source, "database", sink, [&](const std::string& video, dom::element value, std::string& beside) {
      dom::object object;
      if (value.get(object)) throw Error("must be an object with \"annotations\"");
      Record record = Record::make(options.prefix.value_or("") + video);
      for (auto [key, member] : object) {
        if (key == "annotations") record.set_raw("annotations", items_of(member, "annotations", false));
        else if (key == "actions") record.set_raw("annotations", actions_of(member, options));
        else if (key == "duration" || key == "duration_second") record.set_number("duration", number_of(member, key));
        else if (key == "duration_frame") record.set_raw("frames", simdjson::minify(member));
        else if (key == "subset") record.set_text("subset", string_of(member, "subset"));
        else if (key == "video" || key == "history" || key == "proposals" || key == "features" || key == "window")
          throw Error("this member has another meaning in a record").at_field(key);
        else record.set_raw(key, simdjson::minify(member));
      }
      if (!record.has("annotations")) throw Error("missing").at_field("annotations");
      if (!beside.empty()) record.set_raw("activitynet", std::exchange(beside, {}));  // once a file
      sink.record(record);
    });
  }
}

void read_activitynet_results(const std::vector<SourceText>& sources, const ImportOptions& options,
                              const ImportSink& sink) {
  for (const auto& source : sources) {
    for_each_video(source, "results", sink, [&](const std::string& video, dom::element value, std::string& beside) {
      Record record = Record::make(options.prefix.value_or("") + video);
      record.set_raw("proposals", items_of(value, "results", true));
      if (!beside.empty()) record.set_raw("activitynet", std::exchange(beside, {}));
      sink.record(record);
    });
  }
}

void read_activitynet_classification(const std::vector<SourceText>& sources, const ImportOptions& options,
                                     const ImportSink& sink) {
  for (const auto& source : sources) {
    for_each_video(source, "results", sink, [&](const std::string& video, dom::element value, std::string&) {
      std::vector<ClassScore> scores;
      const auto take = [&](dom::element item, const std::string& place) {
        dom::object object;
        dom::element label, score;
        if (item.get(object)) throw Error("must be an object").at_field(place);
        if (object["label"].get(label) && object["class"].get(label)) throw Error("missing").at_field(place + ".label");
        if (object["score"].get(score)) throw Error("missing").at_field(place + ".score");
        scores.push_back({std::string(string_of(label, place + ".label")), number_of(score, place + ".score")});
      };
      dom::array array;
      if (value.get(array)) {
        take(value, "results");  // one class a video: {"class": ..., "score": ...}
      } else {
        std::size_t index = 0;
        for (dom::element item : array) take(item, "results[" + std::to_string(index++) + "]");
      }
      Record record = Record::make(options.prefix.value_or("") + video);
      record.set_classification(scores);
      sink.record(record);
    });
  }
}

std::unordered_map<std::string, VideoInfo> parse_json_videos(const SourceText& source) {
  std::unordered_map<std::string, VideoInfo> out;
  const ImportSink sink{nullptr, [](const Error& error, std::string_view) { throw error; }, nullptr};
  for_each_video(source, "database", sink, [&](const std::string& video, dom::element value, std::string&) {
    VideoInfo& info = out[video];
    std::int64_t frames = 0;
    if (!value.get(frames)) {  // {"video": frames}
      info.frames = frames;
      return;
    }
    dom::object object;
    if (value.get(object)) throw Error("must be an object or a number of frames");
    dom::element member;
    if (!object["duration"].get(member) || !object["duration_second"].get(member))
      info.duration = number_of(member, "duration");
    if (!object["fps"].get(member)) info.fps = number_of(member, "fps");
    if (!object["duration_frame"].get(member) && !member.get(frames)) info.frames = frames;
    if (!object["subset"].get(member)) info.subset = string_of(member, "subset");
  });
  return out;
}

std::vector<std::string> parse_json_names(const SourceText& source) {
  dom::parser parser;
  dom::array array;
  if (parser.parse(source.text).get(array)) throw Error("must be a JSON list of names").at_line(source.name, 0);
  std::vector<std::string> names;
  for (dom::element item : array) {
    std::string_view name;
    if (item.get(name)) throw Error("must be a list of names").at_line(source.name, 0);
    names.emplace_back(name);
  }
  return names;
}

}  // namespace tal
