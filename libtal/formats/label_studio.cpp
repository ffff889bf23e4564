// Label Studio: exports (JSON and JSON-MIN), tasks with predictions, what its server sends. Timeline ranges are frames
// that count from 1, both ends included; regions of sound are seconds; labels of time series are in the unit of the
// series' time column.
#include <nlohmann/json.hpp>

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
#include "libtal/formats/label_studio_parts.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/table.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

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

// A list, or the one object that some tools write in its place.
std::vector<JsonNode> single_or_all(const JsonNode& node) {
  return node.is_object() ? std::vector<JsonNode>{node} : node.items();
}

// What stands in an annotation's member "annotator" where Label Studio takes no such name: it knows numbers and mail
// addresses.
constexpr char kAnnotatorMember[] = "tal_annotator";

class LabelStudioReader {
 public:
  LabelStudioReader(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows)
      : tree_(source), source_(source), options_(options), sink_(sink), rows_(rows) {}

  void read() {
    const JsonNode root = tree_.root();
    if (!root.is_list()) {
      each_task(root, [&] { read_one(root); });
    } else {
      several_ = root.items().size() > 1;
      for (const auto& task : root.items()) each_task(task, [&] { read_one(task); });
    }
    if (milliseconds_ > 0)
      sink_.note(source_.name + ": times of a series are milliseconds since 1970, which become seconds");
    if (!assumed_.empty())
      sink_.note(source_.name + ": " + std::to_string(assumed_.size()) +
                 (assumed_.size() == 1 ? " task names" : " tasks name") +
                 " several media and not which one the regions are of, taken for those of " +
                 (assumed_.size() == 1 ? "" : "the usual name, the first is ") + first_assumed_);
  }
  // Tasks that nobody has annotated, which is not the same as that nothing happens in their videos.
  std::size_t not_annotated() const { return not_annotated_; }

 private:
  struct Medium {
    VideoRows::Entry* entry;
    std::optional<double> counted;  // frames a second, of the task
  };
  struct Task {
    JsonNode holder, data;  // holder: has id and meta
    std::vector<MediaTag> tags;
    std::vector<TaskMedium> media;
    std::vector<std::optional<Medium>> seen;  // of media that something is said of
    bool annotated = false, proposed = false;
  };
  // A result, or of JSON-MIN one of a tag's values.
  struct Piece {
    JsonNode value;
    ResultMedium medium;
    std::string id, from;
    JsonNode whole;  // what is shown of it where it is refused
  };
  // What stands in each annotation or proposal of one list of results.
  struct Holder {
    Members members;
    bool proposal = false;
    std::optional<double> score;
  };

  template <class Fn>
  void each_task(const JsonNode& task, const Fn& fn) {
    try {
      fn();
    } catch (const Error& error) {
      sink_.error(tree_.placed(error), task.json());
    }
  }

  void read_one(const JsonNode& node) {
    if (!node.is_object()) throw Error("must be a task: an object").at_field(node.path());
    const bool sent = node.find("annotation") && !node.find("annotations");
    const bool whole = sent || node.find("annotations") || node.find("completions") || node.find("predictions") ||
                       (node.find("data") && node.at("data").is_object());
    if (!whole) return read_min(node);
    const auto holder = sent ? node.find("task") : std::optional(node);
    const auto data = holder ? holder->find("data") : std::nullopt;
    Task task = task_of(holder ? *holder : node, data ? *data : node, config_of(node));
    std::vector<JsonNode> annotations;
    if (sent) annotations.push_back(node.at("annotation"));
    for (const char* list : {"annotations", "completions"})
      if (const auto some = node.find(list))
        for (const auto& annotation : single_or_all(*some)) annotations.push_back(annotation);
    std::size_t with_results = 0;
    std::vector<std::string> without_results;
    for (const auto& annotation : annotations) {
      if (const auto cancelled = annotation.find("was_cancelled"); cancelled && cancelled->is_true()) {
        rows_.leave_out("cancelled annotation", "cancelled annotations", "that of video '" + name_of(task) + "'");
        continue;
      }
      task.annotated = true;
      if (read_annotation(annotation, task)) ++with_results;
      else without_results.push_back(annotation.path());
    }
    for (const auto& each : without_results)
      if (with_results > 0)
        rows_.leave_out("annotation without regions beside others of its task",
                        "annotations without regions beside others of their tasks",
                        each + " of video '" + name_of(task) + "'");
    if (const auto predictions = node.find("predictions"))
      for (const auto& prediction : single_or_all(*predictions))
        if (prediction.is_object()) read_prediction(prediction, task);  // else an id alone
    if (const auto drafts = node.find("drafts"); drafts && drafts->is_list())
      for (const auto& draft : drafts->items())
        rows_.leave_out("draft, which nobody has submitted,", "drafts, which nobody has submitted,",
                        draft.path() + " of video '" + name_of(task) + "'");
    finish(task);
  }

  static std::vector<MediaTag> config_of(const JsonNode& node) {
    std::optional<JsonNode> label_config = node.find("label_config");
    if (const auto project = node.find("project"); project && !label_config)
      label_config = project->find("label_config");
    return label_config ? media_tags(label_config->text()) : std::vector<MediaTag>();
  }

  Task task_of(const JsonNode& holder, const JsonNode& data, std::vector<MediaTag> tags) {
    Task task{holder, data, std::move(tags), {}, {}};
    task.media = media_of_task(data, task.tags);
    task.seen.resize(task.media.size());
    if (task.media.size() == 1) (void)seen(task, 0);  // what is wrong with it is wrong with the task
    return task;
  }

  // What has been read says that somebody saw these videos, though nothing happens in them, or that nobody did.
  void finish(Task& task) {
    const bool any = std::any_of(task.seen.begin(), task.seen.end(), [](const auto& each) {
      return each && (each->entry->has_annotations || each->entry->has_proposals);
    });
    for (const std::size_t i : shown_media(task.media)) {
      if (any && !(task.media[i].tag && task.media[i].tag->labelled)) continue;
      auto& entry = *seen(task, i).entry;
      entry.has_annotations = entry.has_annotations || task.annotated;
      entry.has_proposals = entry.has_proposals || task.proposed;
    }
    if (!task.annotated) ++not_annotated_;
  }

  // The task's video, for what is said of it.
  static std::string name_of(const Task& task) {
    for (const auto& each : task.seen)
      if (each) return each->entry->video;
    return task.media[0].address;
  }

  Medium& seen(Task& task, std::size_t i) {
    if (task.seen[i]) return *task.seen[i];
    const TaskMedium& medium = task.media[i];
    std::string otherwise = file_stem(source_, {".json"});
    if (const auto id = task.holder.find("id"); id && several_) otherwise += "-" + id->words();
    const auto meta = task.holder.find("meta");
    const auto stated = i == 0 && meta ? meta->find(kVideoMember) : std::nullopt;
    auto& entry = rows_.medium(medium.address, otherwise, source_, 0, stated ? stated->words() : "");
    std::vector<std::pair<std::string, std::string>> facts;
    if (i == 0 && meta && meta->is_object())
      for (const auto& [name, value] : meta->members())
        if (name.starts_with(kFactPrefix)) facts.emplace_back(name, value.words());
    rows_.kept_facts(entry, facts, source_.name);
    std::optional<double> rate = medium.tag ? medium.tag->framerate : std::nullopt;
    const auto own = task.data.find(medium.tag ? medium.tag->rate_member : "framerate");
    if (own && !rate && own->is_number() && own->number() > 0) rate = own->number();
    // What is kept as a fact, or known of the video, has all digits.
    const auto known = entry.facts.info.fps;
    const bool rounded = rate && known && std::abs(*known - *rate) <= 1e-3 * *known;
    if (rate) options_.other_rates->see(entry.video, *rate, options_.fps);
    if (rate && !known && !(options_.fps > 0)) {
      VideoInfo said;
      said.fps = rate;
      rows_.fact(entry, said, source_.name);
    }
    return task.seen[i].emplace(Medium{&entry, rounded ? known : rate});
  }

  Medium& medium_of(Task& task, const Piece& piece) {
    ResultMedium said = piece.medium;
    if (said.type.empty()) said.type = label_member(piece.value, "");
    const auto chosen = medium_of_result(task.media, said);
    Medium& medium = seen(task, chosen.index);
    if (chosen.assumed && assumed_.insert(task.data.path()).second && assumed_.size() == 1)
      first_assumed_ = "'" + task.media[chosen.index].member + "' of video '" + medium.entry->video + "'";
    return medium;
  }

  // The frames of the timeline are counted at the task's own rate, whatever the video's is.
  double rate_of(const Medium& medium, std::string_view field) {
    return medium.counted && !(options_.fps > 0) ? *medium.counted : rows_.rate(*medium.entry, field);
  }

  // Whether it says anything.
  bool read_annotation(const JsonNode& annotation, Task& task) {
    Holder holder;
    if (const auto id = annotation.find("id")) holder.members.some("annotation", id->words());
    if (const auto by = annotation.find("completed_by")) {
      const auto mail = by->find("email");
      holder.members.some("annotator", mail ? mail->words() : by->is_object() ? by->at("id").words() : by->words());
    } else if (const auto ours = annotation.find(kAnnotatorMember)) {
      holder.members.some("annotator", ours->words());
    }
    if (const auto truth = annotation.find("ground_truth"); truth && truth->is_true())
      holder.members.json("ground_truth", "true");
    return read_results(annotation, holder, task);
  }

  void read_prediction(const JsonNode& prediction, Task& task) {
    Holder holder;
    if (const auto version = prediction.find("model_version")) holder.members.some("model_version", version->words());
    if (const auto stated = prediction.find("score")) holder.score = stated->number();
    holder.proposal = task.proposed = true;
    (void)read_results(prediction, holder, task);
  }

  bool read_results(const JsonNode& from, const Holder& holder, Task& task) {
    const auto results = from.find("result");
    if (!results) return false;
    const auto words = [](const JsonNode& result, const char* member) {
      const auto value = result.find(member);
      return value ? value->words() : "";
    };
    std::vector<std::vector<Piece>> regions;
    std::map<std::string, std::size_t> by_id;
    for (const auto& result : single_or_all(*results)) {
      const auto value = result.find("value");
      if (!value) {
        if (words(result, "type") == "relation")
          rows_.leave_out("relation between regions", "relations between regions", result.path());
        continue;
      }
      const std::string id = words(result, "id");
      const auto [found, fresh] = by_id.emplace(id, regions.size());
      const bool own = fresh || id.empty();
      const std::size_t region = own ? regions.size() : found->second;
      if (own) regions.emplace_back();
      regions[region].push_back({*value,
                                 {words(result, "to_name"), words(result, "source"), words(result, "type")},
                                 id,
                                 words(result, "from_name"),
                                 result});
    }
    for (const auto& region : regions) read_region(region, holder, task);
    return !regions.empty();
  }

  // The results of one region: labels, and what else somebody said of it, which is the member answers.
  void read_region(const std::vector<Piece>& pieces, const Holder& holder, Task& task) {
    const auto timed = [](const Piece& piece) { return has_times(piece.value); };
    std::vector<const Piece*> sources;
    const auto is_source = [&](const Piece& piece) {
      return std::find(sources.begin(), sources.end(), &piece) != sources.end();
    };
    for (const auto& piece : pieces)
      if (timed(piece) && !label_member(piece.value, piece.medium.type).empty()) sources.push_back(&piece);
    // Without labels a choice says what it is, else a text.
    for (const char* instead : {"choices", "text"})
      for (const auto& piece : pieces)
        if (sources.empty() && timed(piece) && piece.value.find(instead)) sources.push_back(&piece);
    for (const auto& piece : pieces)
      if (sources.empty() && timed(piece)) sources.push_back(&piece);
    if (sources.empty()) {
      for (const auto& piece : pieces) guard(piece, [&] { read_whole(piece, holder, task); });
      return;
    }
    Members members = holder.members;
    members.some("id", pieces[0].id);
    std::string comment, answers;
    for (const auto& piece : pieces) {
      const auto meta = piece.whole.find("meta");
      if (const auto text = meta && meta->is_object() ? meta->find("text") : std::nullopt; text && comment.empty())
        comment = comment_of(*text);
      const bool labels = !label_member(piece.value, piece.medium.type).empty();
      const bool instead = is_source(piece) && !labels_of(piece).empty();
      if (const auto answer = labels || instead ? "" : answer_of(piece); !answer.empty())
        answers += (answers.empty() ? "" : ",") + answer;
    }
    members.some("comment", comment);
    if (!answers.empty()) members.json("answers", "[" + answers + "]");
    for (const Piece* piece : sources) guard(*piece, [&] { read_timed(*piece, holder, members, task); });
  }

  template <class Fn>
  void guard(const Piece& piece, const Fn& fn) {
    try {
      fn();
    } catch (const Error& error) {
      sink_.error(tree_.placed(error), piece.whole.json());
    }
  }

  // The members of a value that say when, or where in the picture.
  static bool says_when(std::string_view member) {
    for (const char* name : {"ranges", "start", "end", "instant", "channel", "sequence", "framesCount", "duration"})
      if (member == name) return true;
    return false;
  }
  // The result without its times; "": it says nothing else.
  static std::string answer_of(const Piece& piece) {
    Members value, answer;
    if (piece.value.is_object())
      for (const auto& [name, each] : piece.value.members())
        if (!says_when(name)) value.json(name, each.json());
    if (value.str().empty()) return "";
    return '{' +
           answer.some("from_name", piece.from)
               .some("type", piece.medium.type)
               .json("value", '{' + value.str() + '}')
               .str() +
           '}';
  }

  // What is said of the whole task.
  void read_whole(const Piece& piece, const Holder& holder, Task& task) {
    const bool choices = piece.medium.type == "choices" && !holder.proposal;
    const Medium& medium = medium_of(task, piece);
    if (!choices)
      return rows_.leave_out("result without times", "results without times",
                             piece.value.path() + " of video '" + medium.entry->video + "'");
    medium.entry->has_annotations = true;
    for (const auto& label : labels_of(piece)) rows_.whole(*medium.entry, label);
  }

  // One object an annotation: data and, under the names of the tags, lists of values.
  void read_min(const JsonNode& node) {
    if (!is_min(node))
      throw Error(
          "is no task of Label Studio: neither data, annotations or predictions, nor, as in JSON-MIN, a medium "
          "with its regions")
          .at_field(node.path());
    Task task = task_of(node, node, {});
    Holder holder;
    if (const auto id = node.find("annotation_id")) holder.members.some("annotation", id->words());
    if (const auto by = node.find("annotator")) holder.members.some("annotator", by->words());
    task.annotated = node.find("annotation_id") || node.find("annotator");
    // It has no ids: results of the same times are of one region.
    std::vector<std::vector<Piece>> regions;
    std::map<std::string, std::size_t> by_times;
    for (const auto& [name, list] : node.members()) {
      if (const auto choices = list.find("choices"); choices && choices->is_list() && !has_times(list)) {
        const Piece piece{list, {"", "", "choices"}, "", name, list};
        guard(piece, [&] { read_whole(piece, holder, task); });
        task.annotated = true;
      }
      if (!list.is_list() && !has_times(list)) {
        tell_of_text(name, list, task);
        continue;
      }
      for (const auto& value : single_or_all(list)) {
        if (!has_times(value)) {
          if (value.is_text() || value.find("text"))  // of a text area: JSON-MIN does not say of which region
            rows_.leave_out("text without times", "texts without times",
                            value.path() + " of video '" + name_of(task) + "'");
          continue;
        }
        task.annotated = true;
        std::string times;
        for (const auto& [member, each] : value.members())
          if (says_when(member)) times += member + each.json();
        const auto [found, fresh] = by_times.emplace(times, regions.size());
        if (fresh) regions.emplace_back();
        regions[found->second].push_back({value, {}, "", name, value});
      }
    }
    for (const auto& region : regions) read_region(region, holder, task);
    finish(task);
  }

  // A choice alone for the whole is a text here, and so are members of the task's data.
  void tell_of_text(const std::string& name, const JsonNode& value, const Task& task) {
    static const std::vector<std::string> known = {"created-at", "updated-at", "annotator"};
    if (!value.is_text() || is_usual_medium(name) || is_one_of(known, name) || names_medium(value.text())) return;
    rows_.leave_out("member of a task that may be a choice", "members of tasks that may be choices",
                    value.path() + ", '" + value.text() + "', of video '" + name_of(task) + "'");
  }

  // Whether it is one at all: an annotation, regions, or a medium that nobody labelled yet beside plain facts.
  static bool is_min(const JsonNode& task) {
    if (task.find("annotation_id") || task.find("annotator")) return true;
    bool medium = false, regions = false, others = false;
    for (const auto& [name, value] : task.members()) {
      medium = medium || (value.is_text() && (is_usual_medium(name) || names_medium(value.text())));
      if (!value.is_list() && !value.is_object()) continue;
      const auto items = single_or_all(value);
      const bool any = std::any_of(items.begin(), items.end(),
                                   [](const auto& item) { return has_times(item) || item.find("choices"); });
      (any ? regions : others) = true;
    }
    return regions || (medium && !others);
  }

  // What somebody wrote beside a region: a text, or a list of them.
  static std::string comment_of(const JsonNode& text) {
    if (!text.is_list()) return text.is_text() ? text.text() : "";
    std::string out;
    for (const auto& line : text.items())
      if (line.is_text()) (out += out.empty() ? "" : "\n") += line.text();
    return out;
  }
  static bool has_times(const JsonNode& value) {
    return value.find("ranges") || value.find("sequence") || (value.find("start") && value.find("end"));
  }

  // The member of a result's value that has the labels of its region: that of its type, or one whose name says it. "":
  // it has none.
  static std::string label_member(const JsonNode& value, const std::string& type) {
    const auto is_labels = [](std::string_view name) { return name.ends_with("labels"); };
    if (is_labels(type) && value.find(type)) return type;
    for (const char* name : {"timelinelabels", "labels", "timeserieslabels", "videolabels"})
      if (value.find(name)) return name;
    if (value.is_object())
      for (const auto& [name, list] : value.members())
        if (is_labels(name)) return name;
    return "";
  }
  // Labels, else choices, else a text.
  static std::vector<std::string> labels_of(const Piece& piece) {
    std::vector<std::string> labels;
    std::string member = label_member(piece.value, piece.medium.type);
    for (const char* instead : {"choices", "text"})
      if (member.empty() && piece.value.find(instead)) member = instead;
    const auto list = member.empty() ? std::nullopt : piece.value.find(member);
    if (!list) return labels;
    if (list->is_text()) labels = {list->text()};
    else if (list->is_list())
      for (const auto& label : list->items())
        if (label.is_text()) labels.push_back(label.text());
    if (member == "text" && !labels.empty()) labels = {joined(labels, "\n")};
    return labels;
  }

  void read_timed(const Piece& piece, const Holder& holder, Members members, Task& task) {
    const JsonNode& value = piece.value;
    Medium& medium = medium_of(task, piece);
    auto& entry = *medium.entry;
    (holder.proposal ? entry.has_proposals : entry.has_annotations) = true;
    try {
      ToolEvent event;
      if (!piece.from.empty()) event.tier = piece.from;
      event.proposal = holder.proposal;
      event.score = holder.score;
      if (const auto stated = piece.whole.find("score"); holder.proposal && stated) event.score = stated->number();
      std::vector<Segment> segments;
      std::string kind = "timelinelabels";
      if (const auto ranges = value.find("ranges")) {
        segments = of_ranges(*ranges, medium);
      } else if (const auto sequence = value.find("sequence")) {
        segments = of_rectangles(*sequence, value, medium);
      } else {
        const bool series = label_member(value, piece.medium.type) == "timeserieslabels" || value.find("instant");
        kind = series ? "timeserieslabels" : "labels";
        segments.push_back({time(value.at("start"), series, entry), time(value.at("end"), series, entry)});
        const auto instant = value.find("instant");
        event.point = instant && instant->is_true() && segments[0].start == segments[0].end;
      }
      if (const auto channel = value.find("channel")) members.some("channel", channel->words());
      event.members = members.text("type", kind).str();
      auto labels = labels_of(piece);
      if (labels.empty()) labels.emplace_back();
      for (const auto& segment : segments) {
        event.segment = segment;
        for (const auto& label : labels) {
          event.label = label;
          rows_.add(entry, event, value.path());
        }
      }
    } catch (Error& error) {
      throw error.at_video(entry.video);
    }
  }

  std::vector<Segment> of_ranges(const JsonNode& ranges, const Medium& medium) {
    std::vector<Segment> segments;
    const double fps = rate_of(medium, ranges.path());
    for (const auto& range : single_or_all(ranges))
      segments.push_back({(range.at("start").number() - 1) / fps, range.at("end").number() / fps});
    return segments;
  }

  // Key frames of a rectangle: it is there from one that is enabled to the next that is not, else to the video's end.
  std::vector<Segment> of_rectangles(const JsonNode& sequence, const JsonNode& value, Medium& medium) {
    auto& entry = *medium.entry;
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
    const double fps = rate_of(medium, sequence.path());
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
  bool several_ = false;
  std::set<std::string> assumed_;  // tasks whose regions may be of several media
  std::string first_assumed_;
  std::size_t milliseconds_ = 0, not_annotated_ = 0;
};

// "3" as a number, for Label Studio's own numbers; any other text as it is.
nlohmann::ordered_json number_or_text(const std::string& text) {
  constexpr std::size_t kMostDigits = 15;
  const bool digits = !text.empty() && text.size() <= kMostDigits &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (text.size() > 1 && text.front() == '0')) return text;
  return parse_integer(text);
}

// Rows of one result: the same labels at one time or more. Rows that were read of one region have its id.
struct Region {
  const ExportRow* row = nullptr;  // the first one, which has what they all have
  std::string type, id;            // id "": the rows have none
  std::vector<Segment> times;
  std::vector<std::string> labels;
  bool answered = false;  // the answers stand beside another result of this id
};

// The ids of a holder's results: each names one region.
class RegionIds {
 public:
  void reserve(const std::string& id) { stated_.insert(id); }
  // about: what results of one region have in common; kind: what each of them has for itself.
  void name(Region& region, const std::string& about, const std::string& kind, const std::string& otherwise,
            std::size_t number) {
    if (region.id.empty()) {
      do region.id = otherwise + std::to_string(number++);
      while (stated_.count(region.id) > 0 || taken_.count(region.id) > 0);
    } else if (const auto known = taken_.find(region.id); known != taken_.end()) {
      if (known->second.about == about && known->second.kinds.insert(kind).second) {
        region.answered = true;
        return;
      }
      const std::string stated = region.id;
      std::size_t copy = 2;
      do region.id = stated + '-' + std::to_string(copy++);
      while (stated_.count(region.id) > 0 || taken_.count(region.id) > 0);
    }
    taken_[region.id] = {about, {kind}};
  }

 private:
  struct Taken {
    std::string about;
    std::set<std::string> kinds;
  };
  std::set<std::string> stated_;
  std::map<std::string, Taken> taken_;
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
                         other_answers_.having("answers that are none of this format, which are left out"),
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
      const RowMembers members(record, chosen);
      const auto rows = export_rows(record, chosen, Points::kTaken);
      not_held_.see(record.video(), rows, members, true, [&](std::string_view name) { return held(name, proposals); });
      auto holders = holders_of(record, rows, members, proposals, member);
      if (const auto choices = proposals ? nlohmann::ordered_json() : choices_of(record); !choices.empty())
        holders[0]["result"].push_back({{"id", "choices"},
                                        {"from_name", "choice"},
                                        {"to_name", member == "csv" ? "ts" : member},
                                        {"type", "choices"},
                                        {"value", {{"choices", choices}}}});
      task[proposals ? "predictions" : "annotations"] = std::move(holders);
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
  static Held held(std::string_view member, bool proposals) {
    if (member == "answers") return Held::kAll;
    if (member == "ground_truth") return proposals ? Held::kNo : Held::kNumber;
    for (const char* text : {"tier", "type", "comment", "channel"})
      if (member == text) return Held::kText;
    const bool of_holder = proposals ? member == "model_version" : member == "annotation" || member == "annotator";
    return of_holder ? Held::kText : Held::kNo;
  }
  // Labels of the whole video that somebody gave it: those that are sure.
  static nlohmann::ordered_json choices_of(const Record& record) {
    nlohmann::ordered_json choices = nlohmann::ordered_json::array();
    for (const auto& each : record.classification())
      if (each.score == 1) choices.push_back(each.label);
    return choices;
  }

  // Annotations by who made them, predictions by their model: as many as there are among the rows, at least one.
  nlohmann::ordered_json holders_of(const Record& record, const std::vector<ExportRow>& rows, const RowMembers& members,
                                    bool proposals, std::string& data) {
    struct Holder {
      nlohmann::ordered_json json;
      std::vector<const ExportRow*> rows;
    };
    std::vector<Holder> holders;
    std::map<std::string, std::size_t> known;
    for (const auto& row : rows) {
      auto json = holder_of(row, members, proposals);
      const auto [found, fresh] = known.emplace(json.dump(), holders.size());
      if (fresh) holders.push_back({std::move(json), {}});
      holders[found->second].rows.push_back(&row);
    }
    if (holders.empty())
      holders.push_back(
          {proposals ? nlohmann::ordered_json{{"model_version", "tal"}} : nlohmann::ordered_json::object(), {}});
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (auto& holder : holders) {
      holder.json["result"] = results_of(record, holder.rows, members, proposals, data);
      out.push_back(std::move(holder.json));
    }
    return out;
  }
  static nlohmann::ordered_json holder_of(const ExportRow& row, const RowMembers& members, bool proposal) {
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    if (proposal) {
      out["model_version"] = members.text(row, "model_version").value_or("tal");
      return out;
    }
    if (const auto id = members.text(row, "annotation")) out["id"] = number_or_text(*id);
    if (const auto by = members.text(row, "annotator")) {
      const auto name = number_or_text(*by);
      if (name.is_number()) out["completed_by"] = name;
      else if (by->find('@') != std::string::npos) out["completed_by"]["email"] = *by;
      else out[kAnnotatorMember] = *by;
    }
    if (const auto truth = members.json(row, "ground_truth"); truth == "true") out["ground_truth"] = true;
    return out;
  }

  nlohmann::ordered_json results_of(const Record& record, const std::vector<const ExportRow*>& rows,
                                    const RowMembers& members, bool proposals, std::string& data) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    RegionIds ids;
    for (const auto* row : rows)
      if (const auto id = members.text(*row, "id")) ids.reserve(*id);
    for (auto& region : regions_of(record, rows, members, data)) {
      const auto of_row = [&](const char* member) { return members.json(*region.row, member).value_or("") + '\n'; };
      std::string about = of_row("comment") + of_row("answers");
      for (const auto& time : region.times) about += format_number(time.start) + ' ' + format_number(time.end) + '\n';
      ids.name(region, about, of_row("tier") + of_row("type"), proposals ? "p" : "a", out.size() + 1);
      const auto labels = result(record, region, members);
      out.push_back(labels);
      for (const auto& answer :
           region.answered ? std::vector<nlohmann::ordered_json>() : answers_of(record, region, members)) {
        nlohmann::ordered_json beside = {{"id", region.id}};
        beside.update(answer);
        beside["id"] = region.id;
        beside["to_name"] = labels["to_name"];
        beside["value"] = labels["value"];
        beside["value"].erase(region.type);
        beside["value"].update(answer["value"]);
        out.push_back(std::move(beside));
      }
    }
    return out;
  }

  // data: the member of the task's data that names the medium, which follows from the types.
  std::vector<Region> regions_of(const Record& record, const std::vector<const ExportRow*>& rows,
                                 const RowMembers& members, std::string& data) {
    struct Draft {
      Region whole;
      std::vector<std::pair<Segment, std::vector<std::string>>> labels;  // at each time
    };
    std::vector<Draft> drafts;
    std::map<std::string, std::size_t> known;
    for (const auto* row : rows) {
      const auto id = members.text(*row, "id");
      std::string all = std::to_string(row->point) + std::to_string(row->label.empty());
      all += row->score ? format_number(*row->score) : "";
      for (const auto& [name, json] : members.others(*row)) all += '\n' + name + '\n' + json;
      const auto [found, fresh] = known.emplace(id ? all : "row " + std::to_string(known.size()), drafts.size());
      if (fresh) drafts.push_back({{row, type_of(record, *row, members, data), id.value_or(""), {}, {}}, {}});
      auto& at_times = drafts[found->second].labels;
      auto at = std::find_if(at_times.begin(), at_times.end(), [&](const auto& each) {
        return each.first.start == row->segment.start && each.first.end == row->segment.end;
      });
      if (at == at_times.end()) at = at_times.insert(at, {row->segment, {}});
      if (!row->label.empty()) at->second.push_back(row->label);
    }
    std::vector<Region> regions;
    for (auto& [whole, labels] : drafts) {
      const std::size_t first = regions.size();
      for (auto& at : labels) {
        const auto same = std::find_if(regions.begin() + static_cast<std::ptrdiff_t>(first), regions.end(),
                                       [&](const Region& region) { return region.labels == at.second; });
        // Sound and series have a time each.
        if (same != regions.end() && whole.type == "timelinelabels") {
          same->times.push_back(at.first);
          continue;
        }
        whole.times = {at.first}, whole.labels = std::move(at.second);
        regions.push_back(whole);
      }
    }
    return regions;
  }

  std::string type_of(const Record& record, const ExportRow& row, const RowMembers& members, std::string& data) {
    std::string type = members.text(row, "type").value_or(data == "audio" ? "labels" : "timelinelabels");
    if (type != "labels" && type != "timeserieslabels" && std::exchange(type, "timelinelabels") != "timelinelabels")
      other_types_.add(record.video());
    data = type == "timelinelabels" ? "video" : type == "labels" ? "audio" : "csv";
    return type;
  }

  nlohmann::ordered_json result(const Record& record, const Region& region, const RowMembers& members) {
    const ExportRow& row = *region.row;
    const bool frames = region.type == "timelinelabels";
    nlohmann::ordered_json out, value;
    out["id"] = region.id;
    out["from_name"] = members.text(row, "tier").value_or(frames ? "videoLabels" : "label");
    out["to_name"] = frames ? "video" : region.type == "labels" ? "audio" : "ts";
    out["type"] = region.type;
    if (frames) {
      const auto rate = record.fps();
      if (!rate)
        throw Error("missing: Label Studio's timeline counts frames (--durations with an fps column gives them)")
            .at_field("fps")
            .at_video(record.video());
      if (row.point) points_.add(record.video());
      for (const auto& time : region.times) value["ranges"].push_back(range_of(record, time, row.point, rate->value()));
    } else {
      value["start"] = region.times[0].start, value["end"] = region.times[0].end;
      if (region.type == "timeserieslabels") value["instant"] = row.point;
    }
    if (const auto channel = members.text(row, "channel")) value["channel"] = number_or_text(*channel);
    value[region.type] = region.labels;
    out["value"] = std::move(value);
    if (row.score) out["score"] = *row.score;
    if (const auto comment = members.text(row, "comment"); comment && !comment->empty())
      out["meta"]["text"] = nlohmann::ordered_json::array({*comment});
    return out;
  }

  nlohmann::ordered_json range_of(const Record& record, const Segment& time, bool point, double rate) {
    const long long first = std::llround(time.start * rate) + 1, end = std::llround(time.end * rate);
    if (!point && (changes_when_rounded(time.start * rate) || changes_when_rounded(time.end * rate) || end < first))
      rounded_.add(record.video());
    return {{"start", first}, {"end", std::max(first, end)}};
  }

  // What somebody said of a region beside its labels, as the reader keeps it.
  std::vector<nlohmann::ordered_json> answers_of(const Record& record, const Region& region,
                                                 const RowMembers& members) {
    const auto text = members.json(*region.row, "answers");
    if (!text) return {};
    const auto answers = nlohmann::ordered_json::parse(*text, nullptr, false);
    const auto is_answer = [](const auto& each) {
      return each.is_object() && each.contains("value") && each["value"].is_object();
    };
    if (answers.is_array() && std::all_of(answers.begin(), answers.end(), is_answer))
      return {answers.begin(), answers.end()};
    other_answers_.add(record.video());
    return {};
  }

  CountedVideos points_, rounded_, other_types_, other_answers_;
  NotHeld not_held_;
  bool begun_ = false;
};

}  // namespace

void read_label_studio(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  std::size_t not_annotated = 0;
  for (const auto& source : sources) {
    if (const char first = first_character(utf8_text(source)); first != '{' && first != '[' && first != '\0')
      throw Error(
          "is no JSON: of Label Studio's exports JSON and JSON-MIN are read, and not its tables: export the "
          "project as JSON")
          .at_line(source.name, 1);
    LabelStudioReader reader(source, options, sink, rows);
    reader.read();
    not_annotated += reader.not_annotated();
  }
  if (not_annotated > 0)
    sink.note(std::to_string(not_annotated) + (not_annotated == 1 ? " task" : " tasks") +
              " that nobody has annotated: no annotations");
  rows.emit();
}

std::unique_ptr<ExportWriter> make_label_studio_writer(const ExportOptions& options) {
  return std::make_unique<LabelStudioWriter>(options);
}

}  // namespace tal
