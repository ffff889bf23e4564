// The JSON formats: ActivityNet's annotation, result and classification files and the layouts that grew out of them.
#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/row_table.h"
#include "libtal/io/json_check.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

// One list of {"segment","label","score",...}; members that are none of these are kept. Without a label, a label_id is
// one where --classes says what it means. Of annotations, --columns may name the member that is the label.
std::string items_of(dom::element element, std::string_view name, bool scored, const ImportOptions& options) {
  const std::string field(name);
  dom::array array;
  if (element.get(array)) throw Error("must be a list").at_field(field);
  const std::string named = scored ? "label" : named_column(options, "label", "label");
  std::string out;
  std::size_t index = 0;
  for (dom::element item : array) {
    const std::string place = field + "[" + std::to_string(index++) + "]";
    dom::object object;
    if (item.get(object)) throw Error("must be an object").at_field(place);
    std::optional<Segment> segment;
    std::optional<double> score;
    std::string label, extra;
    std::optional<std::int64_t> number;
    for (auto [key, value] : object) {
      if (key == "segment" && !segment) {
        segment = segment_of(value, place + ".segment");
      } else if (key == named) {
        const std::string at = place + "." + named;
        label = named != "label" && is_number(value) ? raw_json(value) : std::string(string_of(value, at));
        if (label.empty()) throw Error("empty").at_field(at);
      } else if (key == "label") {
        throw Error("stands beside '" + named + "', which --columns label names, and would be lost")
            .at_field(place + ".label");
      } else if (key == "score" && scored) {
        score = number_of(value, place + ".score");
      } else {
        if (std::int64_t id = 0; key == "label_id" && !value.get(id)) number = id;
        append_member(extra, key, raw_json(value));
      }
    }
    if (!segment) throw Error("missing").at_field(place + ".segment");
    if (label.empty() && named != "label") throw Error("missing").at_field(place + "." + named);
    if (scored && !score) throw Error("missing").at_field(place + ".score");
    if (label.empty() && number && !options.tables.classes.empty()) try {
        label = label_of(std::to_string(*number), options);
      } catch (const Error& error) {
        throw Error(error.message()).at_field(place + ".label_id");
      }
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
    try {
      append_item(out, segment, std::nullopt, label_of(std::to_string(id), options));
    } catch (const Error& error) {
      throw Error(error.message()).at_field(place + "[0]");
    }
  }
  return "[" + out + "]";
}

// A file of another of these formats, by the key that it has.
void refuse_other_format(const JsonFile& file, std::string_view key) {
  dom::object inner;
  for (const auto& [other, formats] :
       {std::pair{"database", "activitynet-gt"}, {"results", "activitynet-results or activitynet-classification"}})
    if (key != other && !file.object()[other].get(inner))
      throw file.at(
          Error(std::string("has \"") + other + "\", not \"" + std::string(key) + "\": it is for --from " + formats),
          {other});
}

// Calls fn(video, value, beside) for each member of `key`'s object, or of the file's when it has no such key. beside:
// what stands beside `key` in the file, as JSON text; fn may take it. seen: the videos of the files before, with their
// files; one that comes again is a fault.
template <class Fn>
void for_each_video(const SourceText& source, const char* key, std::unordered_map<std::string, std::string>& seen,
                    const ImportSink& sink, const Fn& fn) {
  const JsonFile file(source);
  dom::object videos = file.object();
  std::string beside;
  dom::element inner;
  const bool below = !file.object()[key].get(inner);
  if (below) {
    if (inner.get(videos)) throw file.at(Error("must be an object").at_field(key), {key});
    for (auto [name, value] : file.object()) {
      if (name == key) continue;
      beside += beside.empty() ? "{" : ",";
      append_json_string(beside, name);
      beside += ':' + raw_json(value);
    }
    if (!beside.empty()) beside += '}';
  } else {
    refuse_other_format(file, key);
  }
  for (auto [video, value] : videos) {
    try {
      if (video.empty()) throw Error("a video's id is empty");
      const auto [before, added] = seen.emplace(video, source.name);
      if (!added) throw Error("the video stands in " + before->second + " too");
      fn(std::string(video), value, beside);
    } catch (Error& error) {
      const auto names = below ? std::vector<std::string_view>{key, video} : std::vector<std::string_view>{video};
      std::string text = "{";  // a file of its own, as this format is read
      append_json_string(text, video);
      sink.error(file.at(error.at_video(video), names), text + ':' + raw_json(value) + '}');
    }
  }
}

// The members of a video in an annotation file, as fields of a record. What is null, or a rate of 0, is not known and
// left out, counted.
class VideoMembers {
 public:
  VideoMembers(Record& record, const ImportOptions& options, std::size_t& unknown)
      : record_(record), options_(options), unknown_(unknown) {}

  void add(std::string_view key, dom::element member) {
    const bool fact = key == "duration" || key == "duration_second" || key == "fps" || key == "frames" ||
                      key == "duration_frame" || key == "subset";
    if (fact && is_unknown(key, member)) {
      ++unknown_;
      return;
    }
    if (key == "annotations" || (key == "annotation" && member.is_array()))  // COIN's name
      set("annotations", items_of(member, key, false, options_), key);
    else if (key == "actions") set("annotations", actions_of(member, options_), key);
    else if (key == "duration" || key == "duration_second")
      set("duration", format_number(positive(number_of(member, key), key)), key);
    else if (key == "fps" && !member.is_array()) set("fps", format_number(positive(rate_of(member), key)), key);
    else if (key == "duration_frame" || key == "frames") set("frames", std::to_string(count_of(member, key)), key);
    else if (key == "subset") record_.set_text("subset", string_of(member, "subset"));
    else if (key == "video" || key == "history" || key == "proposals" || key == "features" || key == "window" ||
             key == "activitynet")
      throw Error("this member has another meaning in a record").at_field(key);
    else record_.set_raw(key, raw_json(member));
  }

 private:
  static bool is_unknown(std::string_view key, dom::element member) {
    double value = 1;
    return member.is_null() || (key == "fps" && !member.get(value) && value == 0);
  }
  static double rate_of(dom::element member) {
    const auto text = text_of(member);
    return text ? field_rate(trim(*text), '.', "fps") : number_of(member, "fps");
  }
  static std::int64_t count_of(dom::element member, std::string_view key) {
    return whole_number(number_of(member, key), raw_json(member), key);
  }
  // duration and duration_second are one field.
  void set(const char* field, std::string json, std::string_view key) {
    if (const auto had = record_.raw(field); had && *had != json)
      throw Error("the member states " + std::string(field) + " once more, and otherwise").at_field(key);
    record_.set_raw(field, std::move(json));
  }

  Record& record_;
  const ImportOptions& options_;
  std::size_t& unknown_;
};

// "segment(frames)", as ActionFormer's files have it beside "segment", says the same where the frame rate is known; a
// frame or two, and a rate of 30 for 29.97, are rounding.
void check_frames_of(dom::element annotations, double fps) {
  dom::array list;
  if (annotations.get(list)) return;
  std::size_t index = 0;
  for (dom::element item : list) {
    const std::string place = "annotations[" + std::to_string(index++) + "]";
    dom::object object;
    dom::element segment;
    if (item.get(object) || object["segment"].get(segment)) continue;
    for (auto [key, value] : object) {
      const UnitName name = unit_name(key);
      if (!name.counts() || name.base != "segment" || value.is_null()) continue;
      const std::string field = place + "." + std::string(key);
      const Segment own = segment_of(segment, place + ".segment"), frames = segment_of(value, field);
      const auto differ = [&](double seconds, double count) {
        return std::abs(seconds - count / fps) > std::max(2 / fps, 0.01 * std::abs(seconds));
      };
      if (differ(own.start, frames.start) || differ(own.end, frames.end))
        throw Error(raw_json(value) + " frames at " + format_number(fps) + " fps are not the seconds of \"segment\", " +
                    raw_json(segment) + ": mend the fps or the segment, or leave one of them out")
            .at_field(field);
    }
  }
}

// Of YouCook2: annotations with a sentence and without a label.
std::size_t unlabelled_sentences(const dom::object& video) {
  std::size_t count = 0;
  dom::array list;
  if (video["annotations"].get(list)) return 0;
  for (dom::element item : list) {
    dom::object object;
    dom::element member;
    count += !item.get(object) && object["label"].get(member) && !object["sentence"].get(member);
  }
  return count;
}

}  // namespace

void read_activitynet_gt(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  std::unordered_map<std::string, std::string> seen;
  for (const auto& source : sources) {
    std::size_t unknown = 0, sentences = 0;
    const auto read = [&](const std::string& video, dom::element value, std::string& beside) {
      dom::object object;
      if (value.get(object)) throw Error("must be an object with \"annotations\"");
      Record record = Record::make(options.prefix.value_or("") + video);
      VideoMembers members(record, options, unknown);
      for (auto [key, member] : object) members.add(key, member);
      if (!record.has("annotations")) throw Error("missing").at_field("annotations");
      if (options.columns.count("label") == 0) sentences += unlabelled_sentences(object);
      if (dom::element list; info_of(record).fps && !object["annotations"].get(list))
        check_frames_of(list, *info_of(record).fps);
      if (!beside.empty()) record.set_raw("activitynet", std::exchange(beside, {}));  // once a file
      sink.record(record);
    };
    for_each_video(source, "database", seen, sink, read);
    if (unknown > 0)
      sink.note(source.name + ": left out " + std::to_string(unknown) +
                (unknown == 1 ? " fact of a video that is" : " facts of videos that are") +
                " null, or a frame rate of 0");
    if (sentences > 0)
      sink.note(source.name + ": " + std::to_string(sentences) +
                (sentences == 1 ? " annotation has" : " annotations have") +
                " no label but a sentence; --columns label=sentence takes it for the label");
  }
}

void read_activitynet_results(const std::vector<SourceText>& sources, const ImportOptions& options,
                              const ImportSink& sink) {
  std::unordered_map<std::string, std::string> seen;
  for (const auto& source : sources) {
    const auto read = [&](const std::string& video, dom::element value, std::string& beside) {
      Record record = Record::make(options.prefix.value_or("") + video);
      record.set_raw("proposals", items_of(value, "results", true, options));
      if (!beside.empty()) record.set_raw("activitynet", std::exchange(beside, {}));
      sink.record(record);
    };
    for_each_video(source, "results", seen, sink, read);
  }
}

void read_activitynet_classification(const std::vector<SourceText>& sources, const ImportOptions& options,
                                     const ImportSink& sink) {
  std::unordered_map<std::string, std::string> seen;
  for (const auto& source : sources) {
    for_each_video(source, "results", seen, sink, [&](const std::string& video, dom::element value, std::string&) {
      std::vector<ClassScore> scores;
      const auto take = [&](dom::element item, const std::string& place) {
        dom::object object;
        dom::element label, score, segment;
        if (item.get(object)) throw Error("must be an object").at_field(place);
        if (!object["segment"].get(segment))
          throw Error("a class score is of the whole video: --from activitynet-results reads segments")
              .at_field(place + ".segment");
        dom::element other;
        if (!object["label"].get(label) && !object["class"].get(other) && raw_json(label) != raw_json(other))
          throw Error(raw_json(other) + ", but 'label' says " + raw_json(label) + ": leave one of them out")
              .at_field(place + ".class");
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

namespace {

// Numbers alone, {"video": 1500}, are frames, as THUMOS14's lists have them; seconds when one is no whole number.
class NumbersAlone {
 public:
  void see(dom::element value) {
    if (!value.is_number()) return;
    ++numbers_;
    seconds_ = seconds_ || !(value.is_int64() || value.is_uint64());
  }
  VideoInfo read(dom::element value) const {
    double number = 0;
    VideoInfo info;
    if (value.get(number)) throw Error("must be an object, or a number of frames or seconds");
    if (seconds_) info.duration = positive(number, "duration");
    else if (number < 0) throw Error("a number of frames must not be negative");
    else info.frames = static_cast<std::int64_t>(number);
    return info;
  }
  void note(const std::string& source, const Note& note) const {
    if (numbers_ > 0 && !seconds_ && note)
      note(source +
           ": whole numbers alone are taken for numbers of frames; seconds are written {\"duration\":10}, or 10.0");
  }

 private:
  std::size_t numbers_ = 0;
  bool seconds_ = false;
};

// The facts that an object states of its video. Error when there is none, nor what else annotation files have.
VideoInfo stated_facts(const std::string& video, const dom::object& object) {
  const ImportOptions none;
  Record record = Record::make(video);
  std::size_t unknown = 0;
  VideoMembers members(record, none, unknown);
  bool known = false;
  std::string others;
  for (auto [key, member] : object) {
    bool fact = false;
    for (const char* each : {"duration", "duration_second", "fps", "frames", "duration_frame", "subset"})
      fact = fact || key == each;
    if (fact) members.add(key, member);
    else others += (others.empty() ? "'" : "', '") + std::string(key);
    known = known || fact || key == "annotations" || key == "annotation" || key == "actions";
  }
  if (!known) throw Error("no duration, fps, frames or subset here" + (others.empty() ? "" : ", but " + others + "'"));
  return info_of(record);
}

}  // namespace

std::unordered_map<std::string, VideoInfo> parse_json_videos(const SourceText& source, const Note& note,
                                                             int id_folders) {
  FileIds ids(id_folders);
  std::unordered_map<std::string, StatedVideo> stated;
  std::unordered_map<std::string, std::string> written;
  const ImportSink sink{nullptr, [](const Error& error, std::string_view) { throw error; }, nullptr};
  const auto each = [&](auto&& fn) {
    std::unordered_map<std::string, std::string> seen;
    for_each_video(source, "database", seen, sink, fn);
  };
  NumbersAlone numbers;
  each([&](const std::string&, dom::element value, std::string&) { numbers.see(value); });
  each([&](const std::string& video, dom::element value, std::string&) {
    dom::object object;
    const VideoInfo info = value.get(object) ? numbers.read(value) : stated_facts(video, object);
    const std::string id = ids.id(video);
    stated[id].add(info, "another member of this video");
    if (id != video) written.emplace(video, id);
  });
  numbers.note(source.name, note);
  std::unordered_map<std::string, VideoInfo> out;
  for (const auto& [video, known] : stated) out.emplace(video, known.info);
  if (out.empty()) throw Error("names no video").at_line(source.name, 0);
  add_other_names(out, written);
  return out;
}

}  // namespace tal
