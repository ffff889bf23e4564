// Label Studio: exports (JSON and JSON-MIN), tasks with predictions, what its server sends. Timeline ranges are frames
// that count from 1, both ends included; regions of sound are seconds; labels of time series are in the unit of the
// series' time column.
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/json_parts.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/table.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

// Members of a task's data that name its medium.
constexpr const char* kMedia[] = {"video", "video_url", "audio", "audio_url", "url", "csv", "timeseries", "ts"};
constexpr double kUsualRate = 24;  // of a <Video> whose configuration says none

// "2020-10-14 20:42:25.233" (or T, and Z at its end), UTC, as seconds since 1970; nullopt: no such text.
std::optional<double> date_seconds(std::string_view text) {
  const auto part = [&](std::size_t at, std::size_t size) -> int {
    int value = 0;
    for (std::size_t i = at; i < at + size; ++i) {
      if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const int year = part(0, 4), month = part(5, 2), day = part(8, 2);
  if (year < 0 || month < 1 || day < 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const double days = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
  std::string_view clock = text.substr(std::min<std::size_t>(10, text.size()));
  if (!clock.empty() && (clock.front() == 'T' || clock.front() == ' ')) clock.remove_prefix(1);
  if (clock.ends_with('Z')) clock.remove_suffix(1);
  try {
    return days * 86400 + (clock.empty() ? 0 : written_seconds(clock));
  } catch (const Error&) {
    return std::nullopt;
  }
}

// What the labelling configuration tells of the media.
struct LabelConfig {
  std::string media;                // the member of a task's data
  std::optional<double> framerate;  // nullopt: there is no configuration, or no video in it, or each task says it in
  std::string rate_member = "framerate";  // this member of its data
};

// A list, or the one object that some tools write in its place.
std::vector<JsonNode> single_or_all(const JsonNode& node) {
  return node.is_object() ? std::vector<JsonNode>{node} : node.items();
}

LabelConfig parse_config(const std::string& xml) {
  LabelConfig config;
  pugi::xml_document document;
  if (!document.load_string(xml.c_str())) return config;
  const auto found = document.find_node([](const pugi::xml_node& node) {
    const std::string_view name = node.name();
    return name == "Video" || name == "Audio" || name == "AudioPlus" || name == "TimeSeries";
  });
  const std::string_view value = found.attribute("value").value();
  if (value.starts_with('$')) config.media = value.substr(1);
  if (std::string_view(found.name()) == "Video") {
    const auto stated = found.attribute("framerate") ? found.attribute("framerate") : found.attribute("frameRate");
    if (const std::string_view text = stated.value(); text.starts_with('$')) config.rate_member = text.substr(1);
    else config.framerate = stated.as_double(kUsualRate) > 0 ? stated.as_double(kUsualRate) : kUsualRate;
  }
  return config;
}

class LabelStudioReader {
 public:
  LabelStudioReader(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows)
      : tree_(source), source_(source), options_(options), sink_(sink), rows_(rows) {}

  void read() {
    const JsonNode root = tree_.root();
    each_task(root, [&] {
      std::optional<JsonNode> label_config = root.find("label_config");
      if (const auto project = root.find("project"); project && !label_config)
        label_config = project->find("label_config");
      if (label_config) config_ = parse_config(label_config->text());
    });
    if (!root.is_list()) {
      each_task(root, [&] { read_one(root); });
    } else {
      several_ = root.items().size() > 1;
      for (const auto& task : root.items()) each_task(task, [&] { read_one(task); });
    }
    if (milliseconds_ > 0)
      sink_.note(source_.name + ": times of a series are milliseconds since 1970, which become seconds");
  }

 private:
  template <class Fn>
  void each_task(const JsonNode& task, const Fn& fn) {
    try {
      fn();
    } catch (const Error& error) {
      sink_.error(tree_.placed(error), task.json());
    }
  }

  void read_one(const JsonNode& task) {
    if (!task.is_object()) throw Error("must be a task: an object").at_field(task.path());
    const bool sent = task.find("annotation") && !task.find("annotations");
    const bool whole = sent || task.find("annotations") || task.find("completions") || task.find("predictions") ||
                       (task.find("data") && task.at("data").is_object());
    if (!whole) return read_min(task);
    const auto holder = sent ? task.find("task") : std::optional(task);
    const auto data = holder ? holder->find("data") : std::nullopt;
    auto& entry = video(holder ? *holder : task, data ? *data : task, source_member(task));
    if (sent) read_annotation(task.at("annotation"), entry);
    for (const char* list : {"annotations", "completions"})
      if (const auto annotations = task.find(list))
        for (const auto& annotation : single_or_all(*annotations)) read_annotation(annotation, entry);
    if (const auto predictions = task.find("predictions"))
      for (const auto& prediction : single_or_all(*predictions))
        if (prediction.is_object()) read_prediction(prediction, entry);  // else an id alone
  }

  // The member of the data that the first result names: "source": "$url".
  static std::string source_member(const JsonNode& task) {
    for (const char* list : {"annotations", "completions", "predictions"}) {
      const auto annotations = task.find(list);
      if (!annotations || !annotations->is_list()) continue;
      for (const auto& annotation : annotations->items())
        if (const auto results = annotation.find("result"); results && results->is_list())
          for (const auto& result : results->items())
            if (const auto source = result.find("source"); source && source->words().starts_with('$'))
              return source->words().substr(1);
    }
    return "";
  }

  VideoRows::Entry& video(const JsonNode& task, const JsonNode& data, const std::string& named) {
    std::string media;
    const auto take = [&](std::string_view member) {
      const auto value = media.empty() && !member.empty() ? data.find(member) : std::nullopt;
      if (value && value->is_text()) media = value->text();
    };
    take(config_.media), take(named);
    for (const char* member : kMedia) take(member);
    if (media.empty() && data.is_object())
      for (const auto& [member, value] : data.members())
        if (value.is_text() && media.empty() && video_id(media_name(value.text())) != media_name(value.text()))
          media = value.text();
    std::string otherwise = file_stem(source_, {".json"});
    if (const auto id = task.find("id"); id && several_) otherwise += "-" + id->words();
    const auto meta = task.find("meta");
    const auto stated = meta ? meta->find(kVideoMember) : std::nullopt;
    auto& entry = rows_.video(media, otherwise, source_, 0, stated ? stated->words() : "");
    std::vector<std::pair<std::string, std::string>> facts;
    if (meta && meta->is_object())
      for (const auto& [name, value] : meta->members())
        if (name.starts_with(kFactPrefix)) facts.emplace_back(name, value.words());
    rows_.kept_facts(entry, facts, source_.name);
    std::optional<double> rate = config_.framerate;
    if (const auto own = data.find(config_.rate_member); own && !rate && own->is_number() && own->number() > 0)
      rate = own->number();
    // What is kept as a fact, or known of the video, has all digits.
    const auto known = entry.facts.info.fps;
    const bool rounded = rate && known && std::abs(*known - *rate) <= 1e-3 * *known;
    counted_ = rounded ? known : rate;
    if (rate) options_.other_rates->see(entry.video, *rate, options_.fps);
    if (rate && !known && !(options_.fps > 0)) {
      VideoInfo said;
      said.fps = rate;
      rows_.fact(entry, said, source_.name);
    }
    return entry;
  }

  // The frames of the timeline are counted at the task's own rate, whatever the video's is.
  double rate_of(VideoRows::Entry& entry, std::string_view field) {
    return counted_ && !(options_.fps > 0) ? *counted_ : rows_.rate(entry, field);
  }

  void read_annotation(const JsonNode& annotation, VideoRows::Entry& entry) {
    if (const auto cancelled = annotation.find("was_cancelled"); cancelled && cancelled->is_true())
      return rows_.leave_out("cancelled annotation", "cancelled annotations", "that of video '" + entry.video + "'");
    Members members;
    if (const auto id = annotation.find("id")) members.some("annotation", id->words());
    if (const auto by = annotation.find("completed_by")) {
      const auto mail = by->find("email");
      members.some("annotator", mail ? mail->words() : by->is_object() ? by->at("id").words() : by->words());
    }
    read_results(annotation, entry, members, false, std::nullopt);
  }

  void read_prediction(const JsonNode& prediction, VideoRows::Entry& entry) {
    Members members;
    if (const auto version = prediction.find("model_version")) members.some("model_version", version->words());
    std::optional<double> score;
    if (const auto stated = prediction.find("score")) score = stated->number();
    entry.has_proposals = true;
    read_results(prediction, entry, members, true, score);
  }

  void read_results(const JsonNode& holder, VideoRows::Entry& entry, const Members& members, bool proposal,
                    const std::optional<double>& score) {
    const auto results = holder.find("result");
    if (!results) return;
    // A region and its labels may be results of their own, with one id.
    std::set<std::string> labelled;
    for (const auto& result : single_or_all(*results)) {
      const auto id = result.find("id"), value = result.find("value");
      if (id && value && !labels_of(*value, type_of(result)).empty()) labelled.insert(id->words());
    }
    for (const auto& result : single_or_all(*results)) try {
        const auto value = result.find("value");
        if (!value) continue;  // a relation between regions
        Members own = members;
        if (const auto id = result.find("id")) own.some("id", id->words());
        if (const auto meta = result.find("meta"); meta && meta->is_object())
          if (const auto text = meta->find("text")) own.some("comment", comment_of(*text));
        const auto labels = labels_of(*value, type_of(result));
        const auto id = result.find("id");
        if (labels.empty() && has_times(*value) && id && labelled.count(id->words())) continue;
        ToolEvent event;
        if (const auto from = result.find("from_name")) event.tier = from->words();
        event.proposal = proposal;
        event.score = score;
        if (const auto stated = result.find("score"); proposal && stated) event.score = stated->number();
        read_value(*value, type_of(result), labels, event, own, entry);
      } catch (Error& error) {
        sink_.error(tree_.placed(error.at_video(entry.video)), result.json());
      }
  }

  // One object an annotation: data and, under the names of the tags, lists of values.
  void read_min(const JsonNode& task) {
    if (!is_min(task))
      throw Error(
          "is no task of Label Studio: neither data, annotations or predictions, nor, as in JSON-MIN, a medium "
          "with its regions")
          .at_field(task.path());
    auto& entry = video(task, task, "");
    Members members;
    if (const auto id = task.find("annotation_id")) members.some("annotation", id->words());
    if (const auto by = task.find("annotator")) members.some("annotator", by->words());
    for (const auto& [name, list] : task.members()) {
      if (const auto choices = list.find("choices"); choices && choices->is_list())
        for (const auto& choice : choices->items()) rows_.whole(entry, choice.words());
      if (!list.is_list() && !has_times(list)) {
        tell_of_text(name, list, entry);
        continue;
      }
      for (const auto& value : single_or_all(list)) try {
          if (!has_times(value)) {
            if (value.is_text() || value.find("text"))  // of a text area: JSON-MIN does not say of which region
              rows_.leave_out("text without times", "texts without times",
                              value.path() + " of video '" + entry.video + "'");
            continue;
          }
          ToolEvent event;
          event.tier = name;
          read_value(value, "", labels_of(value, ""), event, members, entry);
        } catch (Error& error) {
          sink_.error(tree_.placed(error.at_video(entry.video)), value.json());
        }
    }
  }

  // A choice alone for the whole is a text here, and so are members of the task's data.
  void tell_of_text(const std::string& name, const JsonNode& value, const VideoRows::Entry& entry) {
    static const std::vector<std::string> known = {"created-at", "updated-at", "annotator"};
    if (!value.is_text() || is_medium(name) || is_one_of(known, name)) return;
    const std::string text = value.text();
    if (video_id(media_name(text)) != text) return;  // another medium
    rows_.leave_out("member of a task that may be a choice", "members of tasks that may be choices",
                    value.path() + ", '" + text + "', of video '" + entry.video + "'");
  }

  // Whether it is one at all: an annotation, regions, or a medium that nobody labelled yet beside plain facts.
  static bool is_min(const JsonNode& task) {
    if (task.find("annotation_id") || task.find("annotator")) return true;
    bool medium = false, regions = false, others = false;
    for (const auto& [name, value] : task.members()) {
      medium = medium || (value.is_text() && (is_medium(name) || video_id(media_name(value.text())) != value.text()));
      if (!value.is_list() && !value.is_object()) continue;
      const auto items = single_or_all(value);
      const bool any = std::any_of(items.begin(), items.end(),
                                   [](const auto& item) { return has_times(item) || item.find("choices"); });
      (any ? regions : others) = true;
    }
    return regions || (medium && !others);
  }
  static bool is_medium(std::string_view member) {
    return std::find(std::begin(kMedia), std::end(kMedia), member) != std::end(kMedia);
  }

  // What somebody wrote beside a region: a text, or a list of them.
  static std::string comment_of(const JsonNode& text) {
    if (!text.is_list()) return text.is_text() ? text.text() : "";
    std::string out;
    for (const auto& line : text.items())
      if (line.is_text()) (out += out.empty() ? "" : "\n") += line.text();
    return out;
  }
  static std::string type_of(const JsonNode& result) {
    const auto type = result.find("type");
    return type ? type->words() : "";
  }
  static bool has_times(const JsonNode& value) {
    return value.find("ranges") || value.find("sequence") || (value.find("start") && value.find("end"));
  }

  static std::vector<std::string> labels_of(const JsonNode& value, const std::string& type) {
    std::vector<std::string> labels;
    const auto take = [&](const std::optional<JsonNode>& list) {
      if (!list || !labels.empty()) return;
      if (list->is_text()) labels = {list->text()};
      if (!list->is_list()) return;
      for (const auto& label : list->items()) {
        if (!label.is_text()) return labels.clear();
        labels.push_back(label.text());
      }
    };
    if (!type.empty()) take(value.find(type));
    for (const char* name : {"timelinelabels", "labels", "timeserieslabels", "videolabels", "choices"})
      take(value.find(name));
    if (value.is_object() && labels.empty())
      for (const auto& [name, list] : value.members())
        if (name.ends_with("labels")) take(list);
    if (const auto text = value.find("text"); text && labels.empty()) {
      if (text->is_text()) labels = {text->text()};
      else take(text), labels.empty() ? void() : labels.assign(1, joined(labels, "\n"));
    }
    return labels;
  }

  void read_value(const JsonNode& value, const std::string& type, const std::vector<std::string>& labels,
                  ToolEvent event, Members members, VideoRows::Entry& entry) {
    std::vector<Segment> segments;
    std::string kind = "timelinelabels";
    const std::string& field = value.path();
    if (const auto ranges = value.find("ranges")) {
      const double fps = rate_of(entry, ranges->path());
      for (const auto& range : single_or_all(*ranges))
        segments.push_back({(range.at("start").number() - 1) / fps, range.at("end").number() / fps});
    } else if (const auto sequence = value.find("sequence")) {
      segments = of_rectangles(*sequence, value, entry);
    } else if (value.find("start") && value.find("end")) {
      const bool series = type == "timeserieslabels" || value.find("timeserieslabels") || value.find("instant");
      kind = series ? "timeserieslabels" : "labels";
      segments.push_back({time(value.at("start"), series, entry), time(value.at("end"), series, entry)});
      const auto instant = value.find("instant");
      event.point = instant && instant->is_true() && segments[0].start == segments[0].end;
      if (const auto channel = value.find("channel")) members.some("channel", channel->words());
    } else if (type == "choices" && !event.proposal) {
      for (const auto& label : labels) rows_.whole(entry, label);
      return;
    } else {
      return rows_.leave_out("result without times", "results without times",
                             value.path() + " of video '" + entry.video + "'");
    }
    event.members = members.text("type", kind).str();
    for (const auto& segment : segments) {
      event.segment = segment;
      for (const auto& label : labels.empty() ? std::vector<std::string>{""} : labels) {
        event.label = label;
        rows_.add(entry, event, field);
      }
    }
  }

  // Key frames of a rectangle: it is there from one that is enabled to the next that is not, else to the video's end.
  std::vector<Segment> of_rectangles(const JsonNode& sequence, const JsonNode& value, VideoRows::Entry& entry) {
    struct Key {
      double frame;
      bool enabled;
    };
    std::vector<Key> keys;
    std::optional<double> stated;
    for (const auto& item : sequence.items()) {
      const auto enabled = item.find("enabled"), time = item.find("time");
      keys.push_back({item.at("frame").number(), !enabled || enabled->is_true()});
      if (time && time->number() > 0) stated = keys.back().frame / time->number();
    }
    std::stable_sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.frame < b.frame; });
    if (stated && !(options_.fps > 0) && !entry.facts.info.fps) {
      VideoInfo said;
      said.fps = std::round(*stated * 1e6) / 1e6;
      rows_.fact(entry, said, source_.name);
    }
    const double fps = rate_of(entry, sequence.path());
    std::vector<Segment> segments;
    const Key* first = nullptr;  // of a stretch that is enabled
    for (const auto& key : keys) {
      if (key.enabled && !first) first = &key;
      if (!key.enabled && first)
        segments.push_back({(std::exchange(first, nullptr)->frame - 1) / fps, key.frame / fps});
    }
    if (first) {
      const auto frames = value.find("framesCount");
      segments.push_back({(first->frame - 1) / fps, std::max(keys.back().frame, frames ? frames->number() : 0) / fps});
    }
    return segments;
  }

  double time(const JsonNode& value, bool series, VideoRows::Entry& entry) {
    if (series && value.is_text())
      if (const auto date = date_seconds(value.text())) return *date;
    const double number = value.number();
    if (!series) return number;
    if (options_.time == "frames") return number / rows_.rate(entry, value.path());
    constexpr double kMilliseconds = 1e11;  // as seconds it would be the year 5138
    if (!options_.time.empty() || std::abs(number) < kMilliseconds) return number;
    ++milliseconds_;
    return number / 1000;
  }

  const JsonTree tree_;
  const SourceText& source_;
  const ImportOptions& options_;
  const ImportSink& sink_;
  ToolRows& rows_;
  std::optional<double> counted_;  // frames a second, of the task
  LabelConfig config_;
  bool several_ = false;
  std::size_t milliseconds_ = 0;
};

// A list of tasks: annotations, and proposals as predictions.
class LabelStudioWriter : public OnceWriter {
 public:
  explicit LabelStudioWriter(const ExportOptions& options) : OnceWriter(options) {}
  void end(std::string& out) override { out += begun_ ? "\n]\n" : "[]\n"; }

 protected:
  std::string remarks() const override {
    return joined_notes({points_.having("points, which last a frame in a timeline"),
                         rounded_.having("times between two frames, which a timeline rounds to whole ones"),
                         other_types_.having("types that this format does not know, which are timelinelabels"),
                         not_held_.note()});
  }
  bool holds_list(const Record& record, bool proposals) const override {
    return options().segments == "auto" || OnceWriter::holds_list(record, proposals);
  }
  bool holds_of_video(const Record& record, std::string_view member) const override {
    if (member == "classification") {
      const auto classes = record.classification();
      return writes(record, "annotations") &&
             std::all_of(classes.begin(), classes.end(), [](const auto& each) { return each.score == 1; });
    }
    return is_kept_fact(member) || member == "media" || (member == "path" && !record.has("media"));
  }
  void write(const Record& record, std::string& out) override {
    const std::string media = media_of(record);
    nlohmann::ordered_json task;
    task["data"] = nlohmann::ordered_json::object();
    std::string member = is_sound(media) ? "audio" : "video";
    for (const char* segments : {"annotations", "proposals"}) {
      const bool proposals = std::string_view(segments) == "proposals";
      if (!writes(record, segments)) continue;
      ExportOptions chosen = options();
      chosen.segments = segments;
      if (!proposals) chosen.min_score.reset(), chosen.top_k = 0;
      nlohmann::ordered_json results = nlohmann::ordered_json::array();
      const RowMembers members(record, chosen);
      const auto rows = export_rows(record, chosen, Points::kTaken);
      not_held_.see(record.video(), rows, members, true, [](std::string_view name) {
        return name == "tier" || name == "type" || name == "comment" ? Held::kText : Held::kNo;
      });
      for (const auto& row : rows) results.push_back(result(record, row, members, proposals, results.size(), member));
      if (const auto choices = proposals ? nlohmann::ordered_json() : choices_of(record); !choices.empty())
        results.push_back({{"id", "choices"},
                           {"from_name", "choice"},
                           {"to_name", member == "csv" ? "ts" : member},
                           {"type", "choices"},
                           {"value", {{"choices", choices}}}});
      nlohmann::ordered_json holder;
      if (proposals) holder["model_version"] = "tal";
      holder["result"] = std::move(results);
      task[proposals ? "predictions" : "annotations"] = nlohmann::ordered_json::array({std::move(holder)});
    }
    task["data"][member] = media;
    if (const auto rate = record.fps(); rate && member == "video") task["data"]["framerate"] = rate->value();
    if (!names_video(record, media)) task["meta"][kVideoMember] = record.video();
    for (const auto& [name, value] : kept_facts(record)) task["meta"][name] = value;
    out += (begun_ ? ",\n" : "[\n") + task.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    begun_ = true;
  }

 private:
  bool writes(const Record& record, const char* segments) const {
    return record.has(segments) && (options().segments == "auto" || options().segments == segments);
  }
  // Labels of the whole video that somebody gave it: those that are sure.
  static nlohmann::ordered_json choices_of(const Record& record) {
    nlohmann::ordered_json choices = nlohmann::ordered_json::array();
    for (const auto& each : record.classification())
      if (each.score == 1) choices.push_back(each.label);
    return choices;
  }
  nlohmann::ordered_json result(const Record& record, const ExportRow& row, const RowMembers& members, bool proposal,
                                std::size_t number, std::string& data) {
    std::string type = members.text(row, "type").value_or(data == "audio" ? "labels" : "timelinelabels");
    if (type != "labels" && type != "timeserieslabels" && std::exchange(type, "timelinelabels") != "timelinelabels")
      other_types_.add(record.video());
    const bool frames = type == "timelinelabels";
    const std::string to = frames ? "video" : type == "labels" ? "audio" : "ts";
    data = type == "timeserieslabels" ? "csv" : to;
    nlohmann::ordered_json out, value;
    out["id"] = members.text(row, "id").value_or((proposal ? "p" : "a") + std::to_string(number + 1));
    out["from_name"] = members.text(row, "tier").value_or(frames ? "videoLabels" : "label");
    out["to_name"] = to;
    out["type"] = type;
    if (frames) {
      const auto rate = record.fps();
      if (!rate)
        throw Error("missing: Label Studio's timeline counts frames (--durations with an fps column gives them)")
            .at_field("fps")
            .at_video(record.video());
      if (row.point) points_.add(record.video());
      const long long first = std::llround(row.segment.start * rate->value()) + 1;
      const long long last = std::max(first, std::llround(row.segment.end * rate->value()));
      const bool short_of_one = std::llround(row.segment.end * rate->value()) < first;
      if (!row.point && (changes_when_rounded(row, rate->value()) || short_of_one)) rounded_.add(record.video());
      value["ranges"] = nlohmann::ordered_json::array({{{"start", first}, {"end", last}}});
    } else {
      value["start"] = row.segment.start, value["end"] = row.segment.end;
      if (type == "timeserieslabels") value["instant"] = row.point;
    }
    value[type] = row.label.empty() ? nlohmann::ordered_json::array() : nlohmann::ordered_json::array({row.label});
    out["value"] = std::move(value);
    if (row.score) out["score"] = *row.score;
    if (const auto comment = members.text(row, "comment"); comment && !comment->empty())
      out["meta"]["text"] = nlohmann::ordered_json::array({*comment});
    return out;
  }

  CountedVideos points_, rounded_, other_types_;
  NotHeld not_held_;
  bool begun_ = false;
};

}  // namespace

void read_label_studio(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) {
    if (const char first = first_character(utf8_text(source)); first != '{' && first != '[' && first != '\0')
      throw Error("is no JSON: of Label Studio's exports JSON and JSON-MIN are read, not its tables")
          .at_line(source.name, 1);
    LabelStudioReader(source, options, sink, rows).read();
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_label_studio_writer(const ExportOptions& options) {
  return std::make_unique<LabelStudioWriter>(options);
}

}  // namespace tal
