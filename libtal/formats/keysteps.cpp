// Ego-Exo4D's keysteps (Grauman et al., CVPR 2024): keystep_train.json,
//
//   {"annotations": {"TAKE_UID": {"take_name", "scenario", "segments": [{"start_time": 3.2, "end_time": 8.1,
//     "step_name": "Get ingredients", "step_unique_id": 83, "is_essential": true, ...}]}}, "taxonomy": {...}}
//
// A take's uid is the video, the name of a step its label; all else of a segment stays beside it, and of a take in the
// record. The taxonomy is left out, which is said.
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/recognise.h"

namespace tal {
namespace {

std::string steps_of(dom::element element) {
  std::string out;
  std::size_t index = 0;
  for (dom::element each : list_of(element, "segments")) {
    const std::string place = "segments[" + std::to_string(index++) + "]";
    const auto step = object_of(each, place);
    const auto start = member_of(step, "start_time"), end = member_of(step, "end_time");
    const auto name = member_of(step, "step_name");
    if (!start) throw Error("missing").at_field(place + ".start_time");
    if (!end) throw Error("missing").at_field(place + ".end_time");
    if (!name) throw Error("missing").at_field(place + ".step_name");
    const Segment segment{number_of(*start, place + ".start_time"), number_of(*end, place + ".end_time")};
    check_segment(segment, place);
    const auto label = string_of(*name, place + ".step_name");
    if (label.empty()) throw Error("empty").at_field(place + ".step_name");
    std::string extra;
    for (auto [key, value] : step)
      if (key != "start_time" && key != "end_time" && key != "step_name" && key != "segment" && key != "label")
        append_member(extra, key, raw_json(value));
    append_item(out, segment, std::nullopt, label, {}, extra);
  }
  return out;
}

}  // namespace

void read_keysteps(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  bool taxonomy = false;
  for (const auto& source : sources) {
    const JsonFile file(source);
    const auto annotations = member_of(file.object(), "annotations");
    dom::object takes;
    if (!annotations || annotations->get(takes))
      throw file.at(Error("must be an object").at_field("annotations"), {"annotations"});
    taxonomy = taxonomy || member_of(file.object(), "taxonomy");
    for (auto [uid, value] : takes) {
      const std::string video = options.prefix.value_or("") + std::string(uid);
      try {
        if (uid.empty()) throw Error("a video's id is empty");
        if (rows.find(video)) throw Error("the video stands in another file too");
        const auto take = object_of(value, "annotations");
        const auto segments = member_of(take, "segments");
        if (!segments) throw Error("missing").at_field("segments");
        std::string steps = steps_of(*segments), further;
        auto& entry = rows.at(video);
        entry.facts.add(known_of(video, options), source.name);
        entry.has_annotations = true;
        entry.annotations = std::move(steps);
        for (auto [key, member] : take)
          if (key != "segments") append_member(further, key, raw_json(member));
        if (!further.empty()) entry.further.emplace_back("take", "{" + further + "}");
      } catch (Error& error) {
        std::string text = "{\"annotations\":{";
        append_json_string(text, uid);
        sink.error(file.at(error.at_video(video), {"annotations", uid}), text + ":" + raw_json(value) + "}}");
      }
    }
  }
  if (taxonomy) sink.note("the taxonomy of the steps is left out");
  rows.emit(options, sink);
}

Fit looks_like_keysteps(const FileLook& file) {
  return file.has("annotations.*.segments.[].start_time") && file.has("annotations.*.segments.[].step_name")
             ? Fit::kOwn
             : Fit::kNone;
}

}  // namespace tal
