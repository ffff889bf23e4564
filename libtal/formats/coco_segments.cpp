// Segments in the layout of COCO (Lin et al., 2014), as data sets of videos have it: lists that refer to each other by
// numbers,
//
//   {"videos": [{"id": 1, "file_name": "a.mp4", "duration": 9.5, "fps": 25, "subset": "train"}],
//    "categories": [{"id": 3, "name": "run"}],
//    "annotations": [{"id": 7, "video_id": 1, "category_id": 3, "segment": [1, 2]}]}
//
// start and end (start_time and end_time, start_sec and end_sec) do as well as segment, and label as category_id. A
// list of results, [{"video_id", "category_id", "segment", "score"}], has neither videos nor categories: --classes
// names them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/time_columns.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/formats.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

// An id as text: numbers and strings are both in use.
std::string id_text(dom::element element, const std::string& field) {
  if (const auto text = text_of(element)) return std::string(*text);
  double number = 0;
  if (element.get(number)) throw Error("must be a number or a string").at_field(field);
  return raw_json(element);
}

std::optional<dom::element> first_of(const dom::object& object, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto value = member_of(object, name)) return value;
  return std::nullopt;
}

using SameElements = std::function<bool(dom::element, dom::element)>;

bool same_json(dom::element a, dom::element b) {
  double x = 0, y = 0;
  if (!a.get(x) && !b.get(y)) return std::abs(x - y) <= 1e-5 * std::max(std::abs(x), std::abs(y));
  return raw_json(a) == raw_json(b);
}

// The first of the members that mean one thing; Error at `place` where another says otherwise.
std::optional<dom::element> agreed(const dom::object& object, std::initializer_list<const char*> names,
                                   const std::string& place, const SameElements& same = same_json) {
  std::optional<dom::element> found;
  std::string first;
  for (const char* name : names) {
    const auto value = member_of(object, name);
    if (!value) continue;
    if (!found) found = value, first = name;
    else if (!same(*found, *value))
      throw Error(raw_json(*value) + ", but '" + first + "' says " + raw_json(*found) + ": leave one of them out")
          .at_field(place + "." + name);
  }
  return found;
}

bool same_files(dom::element a, dom::element b) {
  const auto x = text_of(a), y = text_of(b);
  return x && y && video_id(*x) == video_id(*y);
}

struct CocoVideo {
  std::string id, annotations, proposals, others;
  VideoInfo info;
};

class CocoReader {
 public:
  CocoReader(const SourceText& source, const ImportOptions& options, const ImportSink& sink)
      : file_(source), options_(options), sink_(sink) {}

  void read() {
    dom::object root;
    if (file_.root().get(root)) {
      scored_ = true;
      items(file_.list(), "", 0);
    } else {
      const auto list = member_of(root, "annotations");
      if (!list) throw file_.at(Error("missing").at_field("annotations"), {});
      each(root, {"videos"}, [&](const dom::object& video, const std::string& place) { add_video(video, place); });
      each(root, {"categories"},
           [&](const dom::object& category, const std::string& place) { add_category(category, place); });
      dom::array annotations;
      if (list->get(annotations)) throw file_.at(Error("must be a list").at_field("annotations"), {"annotations"});
      items(annotations, "annotations", find_member(file_.text(), {"annotations"}));
    }
    for (const auto& key : order_) {
      const CocoVideo& video = videos_.at(key);
      Record record = Record::make(video.id);
      set_info(record, known_of(video.id, options_, video.info));
      record.set_raw(scored_ ? "proposals" : "annotations",
                     "[" + (scored_ ? video.proposals : video.annotations) + "]");
      if (!video.others.empty()) record.set_raw("coco", "{" + video.others + "}");
      sink_.record(record);
    }
  }

 private:
  // fn(object, place) for each element of a list, where there is one.
  template <class Fn>
  void each(const dom::object& root, std::initializer_list<const char*> names, Fn&& fn) {
    const auto list = first_of(root, names);
    if (!list) return;
    const std::string name = *names.begin();
    std::size_t index = 0;
    dom::array array;
    if (list->get(array)) throw file_.at(Error("must be a list").at_field(name), {name});
    for (dom::element element : array) {
      const std::string place = name + "[" + std::to_string(index++) + "]";
      try {
        fn(object_of(element, place), place);
      } catch (Error& error) {
        throw file_.at_byte(error, element_places(file_.text(), find_member(file_.text(), {name})).at(index - 1));
      }
    }
  }

  void add_video(const dom::object& video, const std::string& place) {
    const auto id = member_of(video, "id");
    if (!id) throw Error("missing").at_field(place + ".id");
    const std::string key = id_text(*id, place + ".id");
    (void)agreed(video, {"file_name", "video_name"}, place, same_files);
    (void)agreed(video, {"fps", "frame_rate"}, place);
    (void)agreed(video, {"num_frames", "frames"}, place);
    (void)agreed(video, {"subset", "split"}, place, [](dom::element a, dom::element b) {
      const auto x = text_of(a), y = text_of(b);
      return x && y && same_subset(std::string(*x), std::string(*y));
    });
    const auto name = first_of(video, {"file_name", "video_name", "name", "youtube_id"});
    CocoVideo entry;
    entry.id = id_of(name ? string_of(*name, place + ".file_name") : std::string_view(key), options_);
    for (auto [member, value] : video) {
      if (value.is_null() || member == "id") continue;
      const std::string field = place + "." + std::string(member);
      if (member == "duration") entry.info.duration = positive(number_of(value, field), field);
      else if (member == "fps" || member == "frame_rate") entry.info.fps = positive(number_of(value, field), field);
      else if (member == "num_frames" || member == "frames")
        entry.info.frames = whole_number(number_of(value, field), raw_json(value), field);
      else if (member == "subset" || member == "split") entry.info.subset = string_of(value, field);
      else append_member(entry.others, member, raw_json(value));
    }
    if (!names_.insert(entry.id).second)
      throw Error("another video has this name too").at_field(place).at_video(entry.id);
    if (!videos_.emplace(key, std::move(entry)).second)
      throw Error("another video has this id too").at_field(place + ".id");
    order_.push_back(key);
  }

  void add_category(const dom::object& category, const std::string& place) {
    const auto id = member_of(category, "id"), name = member_of(category, "name");
    if (!id) throw Error("missing").at_field(place + ".id");
    if (!name) throw Error("missing").at_field(place + ".name");
    if (!categories_.emplace(id_text(*id, place + ".id"), std::string(string_of(*name, place + ".name"))).second)
      throw Error("another category has this id too").at_field(place + ".id");
  }

  // begin: where the list begins in the text.
  void items(const dom::array& list, const std::string& name, std::size_t begin) {
    std::size_t index = 0;
    for (dom::element element : list) {
      const std::string place = name + "[" + std::to_string(index++) + "]";
      try {
        add_item(object_of(element, place), place);
      } catch (Error& error) {
        const auto at = element_places(file_.text(), begin).at(index - 1);
        sink_.error(file_.at_byte(error, at), raw_json(element));
      }
    }
  }

  void add_item(const dom::object& item, const std::string& place) {
    const auto video = agreed(item, {"video_id", "video"}, place, [&](dom::element a, dom::element b) {
      const auto known = videos_.find(id_text(a, place + ".video_id"));
      const auto other = text_of(b);
      return same_json(a, b) || (known != videos_.end() && other && id_of(*other, options_) == known->second.id);
    });
    if (!video) throw Error("missing").at_field(place + ".video_id");
    const std::string key = id_text(*video, place + ".video_id");
    auto found = videos_.find(key);
    if (found == videos_.end()) {
      if (!scored_) throw Error("'" + key + "' is none of the videos").at_field(place + ".video_id");
      CocoVideo entry;
      entry.id = id_of(key, options_);
      found = videos_.emplace(key, std::move(entry)).first;
      order_.push_back(key);
    }
    try {
      const Segment segment = times_of(item, place);
      std::optional<double> score;
      if (const auto value = member_of(item, "score")) score = number_of(*value, place + ".score");
      else if (scored_) throw Error("missing").at_field(place + ".score");
      std::string extra;
      for (auto [member, value] : item)
        if (!is_known(member)) append_member(extra, member, raw_json(value));
      append_item(scored_ ? found->second.proposals : found->second.annotations, segment, score,
                  label_of_item(item, place), {}, extra);
    } catch (Error& error) {
      throw error.at_video(found->second.id);
    }
  }

  bool is_known(std::string_view member) const {
    static const std::set<std::string_view> known = {"id",          "video_id",   "video",    "segment",   "start",
                                                     "end",         "start_time", "end_time", "start_sec", "end_sec",
                                                     "category_id", "label",      "score"};
    return known.count(member) > 0;
  }

  static Segment times_of(const dom::object& item, const std::string& place) {
    const auto start = agreed(item, {"start", "start_time", "start_sec"}, place),
               end = agreed(item, {"end", "end_time", "end_sec"}, place);
    if (const auto member = member_of(item, "segment")) {
      const Segment segment = segment_of(*member, place + ".segment");
      for (const auto& [time, own, name] :
           {std::tuple(start, segment.start, "start"), std::tuple(end, segment.end, "end")})
        if (time && !same_time(number_of(*time, place + "." + name), own))
          throw Error(format_number(own) + " is its " + name + ", but the member '" + name + "' says " +
                      raw_json(*time) + ": leave one of them out")
              .at_field(place + ".segment");
      return segment;
    }
    if (!start || !end) throw Error("missing, and no start and end").at_field(place + ".segment");
    const Segment segment{number_of(*start, place + ".start"), number_of(*end, place + ".end")};
    check_segment(segment, place);
    return segment;
  }

  std::string label_of_item(const dom::object& item, const std::string& place) const {
    const auto label = member_of(item, "label");
    std::string own = label ? std::string(string_of(*label, place + ".label")) : "";
    const auto category = member_of(item, "category_id");
    if (!category) return own;
    const std::string key = id_text(*category, place + ".category_id");
    if (label && categories_.empty()) return own;
    const auto found = categories_.find(key);
    if (found == categories_.end() && categories_.empty()) return label_of(key, options_);
    if (found == categories_.end())
      throw Error("'" + key + "' is none of the categories").at_field(place + ".category_id");
    if (label && own != found->second)
      throw Error("'" + own + "', but category_id " + key + " is '" + found->second + "': leave one of them out")
          .at_field(place + ".label");
    return found->second;
  }

  const JsonFile file_;
  const ImportOptions& options_;
  const ImportSink& sink_;
  bool scored_ = false;
  std::vector<std::string> order_;
  std::map<std::string, CocoVideo> videos_;
  std::map<std::string, std::string> categories_;
  std::set<std::string> names_;
};

}  // namespace

void read_coco_segments(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  for (const auto& source : sources) CocoReader(source, options, sink).read();
}

Fit looks_like_coco_segments(const FileLook& file) {
  const bool truth = file.has("videos.[]") && file.has("annotations.[].video_id") &&
                     (file.has("annotations.[].segment") || file.has("annotations.[].start") ||
                      file.has("annotations.[].start_time") || file.has("annotations.[].start_sec"));
  const bool results = file.has("[].video_id") && file.has("[].segment") && file.has("[].score");
  return truth || results ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
