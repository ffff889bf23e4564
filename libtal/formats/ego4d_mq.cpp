// Ego4D's moment queries (Grauman et al., CVPR 2022; EGO4D/episodic-memory, MQ):
//
//   moments_train.json       {"videos": [{"video_uid", "split", "clips": [{"clip_uid", "video_start_sec",
//   "video_end_sec",
//                              "annotations": [{"annotator_uid", "labels": [{"label", "start_time", "end_time",
//                              "primary"}]}]}]}]}
//   clip_annotations.json    {CLIP: {"video_id", "clip_id", "duration", "fps", "subset", "annotations": [{"label",
//                              "start_time", "end_time"}]}}, which its code makes of the first (parent_start_sec and
//                              parent_end_sec where there is no duration)
//   submissions              {"challenge", "detect_results" (or "detection"): {CLIP: [{"label", "score", "segment"}]}}
//
// A clip is a video; times are seconds of the clip. --where primary=true takes the labels that the benchmark counts.
#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/formats.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

// One label: what --where leaves out is counted.
class MomentLabels {
 public:
  MomentLabels(const ImportOptions& options, std::size_t& left_out, std::size_t& taken)
      : options_(options), left_out_(left_out), taken_(taken) {}

  void add(dom::element element, const std::string& place, std::string_view annotator) {
    const auto object = object_of(element, place);
    if (!selected(object)) {
      ++left_out_;
      return;
    }
    ++taken_;
    std::optional<double> start, end;
    std::string label, extra;
    if (!annotator.empty()) {
      std::string json;
      append_json_string(json, annotator);
      append_member(extra, "annotator", json);
    }
    for (auto [key, value] : object) {
      const std::string field = place + "." + std::string(key);
      if (key == "start_time") start = number_of(value, field);
      else if (key == "end_time") end = number_of(value, field);
      else if (key == "label") label = value.is_null() ? "" : string_of(value, field);
      else append_member(extra, key, raw_json(value));
    }
    if (!start) throw Error("missing").at_field(place + ".start_time");
    if (!end) throw Error("missing").at_field(place + ".end_time");
    check_segment({*start, *end}, place);
    append_item(items_, {*start, *end}, std::nullopt, label, {}, extra);
  }
  const std::string& items() const { return items_; }

 private:
  bool selected(const dom::object& object) const {
    if (options_.where_column.empty()) return true;
    dom::element value;
    if (object[options_.where_column].get(value)) return false;
    const auto text = text_of(value);
    return (text ? std::string(*text) : raw_json(value)) == options_.where_value;
  }
  const ImportOptions& options_;
  std::size_t &left_out_, &taken_;
  std::string items_;
};

// What beside a clip's times and labels stands in it.
void keep_members(Record& record, const dom::object& clip, std::initializer_list<std::string_view> known) {
  std::string kept;
  for (auto [key, value] : clip)
    if (std::find(known.begin(), known.end(), key) == known.end()) append_member(kept, key, raw_json(value));
  if (!kept.empty()) record.set_raw("ego4d", "{" + kept + "}");
}

class EgoReader {
 public:
  EgoReader(const SourceText& source, const ImportOptions& options, const ImportSink& sink)
      : file_(source), name_(source.name), options_(options), sink_(sink) {}

  void read() {
    const auto root = file_.object();
    if (const auto videos = member_of(root, "videos")) return moments(*videos);
    for (const char* key : {"detect_results", "detection", "results"})
      if (const auto results = member_of(root, key)) return detections(*results, key);
    for (auto [clip, value] : root) clip_annotations(clip, value);
  }
  void report() const {
    if (left_out_ > 0 && taken_ == 0)
      throw Error("--where: no label's '" + options_.where_column + "' is '" + options_.where_value + "'")
          .at_line(name_, 0);
  }

 private:
  Record start(const std::string& clip, const VideoInfo& own) {
    if (clip.empty()) throw Error("empty").at_field("clip");
    Record record = Record::make(options_.prefix.value_or("") + clip);
    set_info(record, known_of(record.video(), options_, own));
    return record;
  }

  void moments(dom::element videos) {
    std::size_t v = 0;
    for (dom::element video : list_of(videos, "videos")) {
      const std::string place = "videos[" + std::to_string(v++) + "]";
      try {
        const auto object = object_of(video, place);
        const auto uid = member_of(object, "video_uid"), split = member_of(object, "split"),
                   clips = member_of(object, "clips");
        if (!clips) throw Error("missing").at_field(place + ".clips");
        std::size_t c = 0;
        for (dom::element clip : list_of(*clips, place + ".clips"))
          moments_clip(clip, place + ".clips[" + std::to_string(c++) + "]",
                       uid ? string_of(*uid, place + ".video_uid") : std::string_view(),
                       split ? string_of(*split, place + ".split") : std::string_view());
      } catch (Error& error) {
        const auto begin = element_places(file_.text(), find_member(file_.text(), {"videos"})).at(v - 1);
        sink_.error(file_.at_byte(error, begin), "{\"videos\":[" + raw_json(video) + "]}");
      }
    }
  }

  void moments_clip(dom::element element, const std::string& place, std::string_view video, std::string_view split) {
    const auto clip = object_of(element, place);
    const auto uid = member_of(clip, "clip_uid");
    if (!uid) throw Error("missing").at_field(place + ".clip_uid");
    const std::string name(string_of(*uid, place + ".clip_uid"));
    try {
      VideoInfo own;
      own.subset = split;
      own.duration = length_of(clip, "video_start_sec", "video_end_sec", place);
      Record record = start(name, own);
      if (const auto annotations = member_of(clip, "annotations")) {
        MomentLabels labels(options_, left_out_, taken_);
        std::size_t a = 0;
        for (dom::element annotation : list_of(*annotations, place + ".annotations")) {
          const std::string at = place + ".annotations[" + std::to_string(a++) + "]";
          const auto object = object_of(annotation, at);
          const auto by = member_of(object, "annotator_uid"), list = member_of(object, "labels");
          if (!list) throw Error("missing").at_field(at + ".labels");
          std::size_t l = 0;
          for (dom::element label : list_of(*list, at + ".labels"))
            labels.add(label, at + ".labels[" + std::to_string(l++) + "]",
                       by ? string_of(*by, at + ".annotator_uid") : std::string_view());
        }
        record.set_raw("annotations", "[" + labels.items() + "]");
      }
      std::string kept;
      if (!video.empty()) append_json_string(kept, video), kept = "\"video_uid\":" + kept;
      for (auto [key, value] : clip)
        if (key != "clip_uid" && key != "annotations") append_member(kept, key, raw_json(value));
      if (!kept.empty()) record.set_raw("ego4d", "{" + kept + "}");
      sink_.record(record);
    } catch (Error& error) {
      throw error.at_video(name);
    }
  }

  void clip_annotations(std::string_view name, dom::element element) {
    try {
      const auto clip = object_of(element, "");
      const auto list = member_of(clip, "annotations");
      if (!list) throw Error("missing").at_field("annotations");
      VideoInfo own;
      if (const auto duration = member_of(clip, "duration"))
        own.duration = positive(number_of(*duration, "duration"), "duration");
      else own.duration = length_of(clip, "parent_start_sec", "parent_end_sec", "");
      if (const auto fps = member_of(clip, "fps")) own.fps = positive(number_of(*fps, "fps"), "fps");
      if (const auto subset = member_of(clip, "subset")) own.subset = string_of(*subset, "subset");
      Record record = start(std::string(name), own);
      MomentLabels labels(options_, left_out_, taken_);
      std::size_t index = 0;
      for (dom::element label : list_of(*list, "annotations"))
        labels.add(label, "annotations[" + std::to_string(index++) + "]", "");
      record.set_raw("annotations", "[" + labels.items() + "]");
      keep_members(record, clip, {"annotations", "duration", "fps", "subset"});
      sink_.record(record);
    } catch (Error& error) {
      std::string text = "{";
      append_json_string(text, name);
      sink_.error(file_.at(error.at_video(name), {name}), text + ":" + raw_json(element) + "}");
    }
  }

  void detections(dom::element results, std::string_view key) {
    for (auto [name, list] : object_of(results, std::string(key))) try {
        Record record = start(std::string(name), {});
        std::string items;
        std::size_t index = 0;
        for (dom::element element : list_of(list, std::string(key))) {
          const std::string place = std::string(key) + "[" + std::to_string(index++) + "]";
          const auto item = object_of(element, place);
          const auto segment = member_of(item, "segment"), score = member_of(item, "score"),
                     label = member_of(item, "label");
          if (!segment) throw Error("missing").at_field(place + ".segment");
          if (!score) throw Error("missing").at_field(place + ".score");
          std::string extra;
          for (auto [member, value] : item)
            if (member != "segment" && member != "score" && member != "label")
              append_member(extra, member, raw_json(value));
          append_item(items, segment_of(*segment, place + ".segment"), number_of(*score, place + ".score"),
                      label ? string_of(*label, place + ".label") : std::string_view(), {}, extra);
        }
        record.set_raw("proposals", "[" + items + "]");
        sink_.record(record);
      } catch (Error& error) {
        std::string text = "{\"" + std::string(key) + "\":{";
        append_json_string(text, name);
        sink_.error(file_.at(error.at_video(name), {key, name}), text + ":" + raw_json(list) + "}}");
      }
  }

  // The time between two members; nullopt where one is missing.
  static std::optional<double> length_of(const dom::object& clip, const char* begin, const char* end,
                                         std::string place) {
    const auto first = member_of(clip, begin), last = member_of(clip, end);
    if (!first || !last) return std::nullopt;
    if (!place.empty()) place += ".";
    return positive(number_of(*last, place + end) - number_of(*first, place + begin), place + end);
  }

  const JsonFile file_;
  const std::string name_;
  const ImportOptions& options_;
  const ImportSink& sink_;
  std::size_t left_out_ = 0, taken_ = 0;
};

}  // namespace

void read_ego4d_mq(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  for (const auto& source : sources) {
    EgoReader reader(source, options, sink);
    reader.read();
    reader.report();
  }
}

Fit looks_like_ego4d_mq(const FileLook& file) {
  const bool clips =
      file.has("videos.[].clips.[].clip_uid") || file.has("detect_results.*.[]") || file.has("detection.*.[].segment");
  return clips || file.has("*.annotations.[].start_time") ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
