#include "libtal/eval/dataset.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <set>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"

namespace tal::eval {

std::uint32_t Names::id(std::string_view text) {
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  const auto next = static_cast<std::uint32_t>(texts_.size());
  texts_.emplace_back(text);
  ids_.emplace(texts_.back(), next);
  return next;
}

std::uint32_t Names::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? kNone : found->second;
}

Dataset::Dataset() {
  labels.id("");
  labels.id("Ambiguous");
}

std::uint32_t Dataset::video(std::string_view name) {
  const std::uint32_t id = video_names.id(name);
  if (id == videos.size()) videos.emplace_back();
  return id;
}

void Dataset::add_truth(std::string_view name, std::string_view subset, double duration, double fps,
                        std::span<const Truth> instances) {
  const std::uint32_t id = video(name);
  Video& entry = videos[id];
  if (entry.in_truth) throw Error("the video stands twice in the ground truth").at_video(name);
  entry.in_truth = true;
  entry.subset = subset;
  if (duration > 0) entry.duration = duration;
  if (fps > 0) entry.fps = fps;
  entry.truth_begin = static_cast<std::uint32_t>(truths.size());
  truths.insert(truths.end(), instances.begin(), instances.end());
  entry.truth_end = static_cast<std::uint32_t>(truths.size());
  truth_order.push_back(id);
}

void Dataset::index() {
  std::vector<std::uint32_t> next(videos.size() + 1, 0);
  for (const auto& prediction : predictions) ++next[prediction.video + 1];
  for (std::size_t v = 0; v < videos.size(); ++v) {
    next[v + 1] += next[v];
    videos[v].first = next[v], videos[v].last = next[v + 1];
  }
  by_video.resize(predictions.size());
  for (std::uint32_t i = 0; i < predictions.size(); ++i) by_video[next[predictions[i].video]++] = i;
}

std::span<const Truth> Dataset::truths_of(std::uint32_t id) const {
  return std::span(truths).subspan(videos[id].truth_begin, videos[id].truth_end - videos[id].truth_begin);
}

std::span<const std::uint32_t> Dataset::predictions_of(std::uint32_t id) const {
  return std::span(by_video).subspan(videos[id].first, videos[id].last - videos[id].first);
}

namespace {

// The class of a label, made at its first instance.
std::size_t class_at(Selection& s, std::uint32_t label) {
  std::int32_t& cls = s.class_of[label];
  if (cls < 0 && s.class_agnostic) cls = 0;
  if (cls < 0) {
    cls = static_cast<std::int32_t>(s.class_label.size());
    s.class_label.push_back(label);
    s.class_instances.push_back(0);
  }
  return static_cast<std::size_t>(cls);
}

}  // namespace

std::uint32_t find_video(const Dataset& data, const std::string& name) {
  const auto id = data.video_names.find(name);
  return id != Names::kNone ? id : data.video_names.find(video_id(name));
}

namespace {

void exclude(Selection& s, const Filter& filter) {
  for (const auto& name : filter.exclude)
    if (const auto id = find_video(*s.data, name); id != Names::kNone)
      s.state[id] = filter.count_excluded ? State::kExcludedCounted : State::kExcluded;
}

constexpr double kRoundedTime = 1e-3;  // seconds

bool is_outside(const Video& video, const Segment& segment) {
  return segment.start < -kRoundedTime || (video.duration > 0 && segment.end > video.duration + kRoundedTime);
}

// Of the truths of one video, before `g`: one that Filter::same_within takes for the same.
bool is_merged(const Selection& s, const Video& video, std::uint32_t g, double within) {
  if (within < 0) return false;
  const Truth& truth = s.data->truths[g];
  if (truth.segment.length() <= 0) return true;
  for (std::uint32_t other = video.truth_begin; other < g; ++other) {
    const Truth& before = s.data->truths[other];
    if (s.is_instance(other) && before.label == truth.label &&
        std::abs(before.segment.start - truth.segment.start) <= within &&
        std::abs(before.segment.end - truth.segment.end) <= within)
      return true;
  }
  return false;
}

struct SameEvent {
  std::uint32_t label;
  double start, end;
  auto operator<=>(const SameEvent&) const = default;
};

std::uint64_t duplicates(std::vector<SameEvent>& events) {
  std::sort(events.begin(), events.end());
  std::uint64_t n = 0;
  for (std::size_t i = 1; i < events.size(); ++i) n += events[i] == events[i - 1];
  return n;
}

// Takes the ground-truth videos of the subset that are not excluded, and their classes.
void choose_videos(Selection& s, const Filter& filter) {
  Counts& c = s.counts;
  for (const std::uint32_t id : s.data->truth_order) {
    const Video& video = s.data->videos[id];
    if (!filter.all_subsets && video.subset != filter.subset) continue;
    if (s.state[id] != State::kOutside) {
      ++c.excluded;
      continue;
    }
    s.state[id] = State::kEvaluated;
    s.videos.push_back(id);
    ++c.videos;
    c.covered += video.predicted;
    bool any = false;
    std::vector<SameEvent> events;
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      const Truth& truth = s.data->truths[g];
      c.ambiguous += truth.label == kAmbiguous;
      if (!s.counts_as_instance(truth)) continue;
      events.push_back({truth.label, truth.segment.start, truth.segment.end});
      c.outside_instances += is_outside(video, truth.segment);
      if (is_merged(s, video, g, filter.same_within)) {
        ++c.merged;
        continue;
      }
      any = true;
      ++c.instances;
      c.zero_length += truth.segment.length() == 0;
      const std::size_t cls = class_at(s, truth.label);
      ++s.class_instances[cls];
      s.truth_class[g] = static_cast<std::int32_t>(cls);
    }
    c.videos_with_instances += any;
    c.duplicate_instances += duplicates(events);
  }
}

void count_predictions(Selection& s) {
  Counts& c = s.counts;
  std::vector<std::uint8_t> seen(s.data->labels.size(), 0);
  std::vector<SameEvent> events;
  for (std::uint32_t id = 0; id < s.data->videos.size(); ++id) {
    const auto mine = s.data->predictions_of(id);
    if (!s.used(id) || mine.empty()) continue;
    c.predictions += mine.size();
    if (s.state[id] == State::kOutside) ++c.unknown_videos, c.unknown_video_predictions += mine.size();
    events.clear();
    for (const auto index : mine) {
      const Prediction& p = s.data->predictions[index];
      events.push_back({p.label, p.segment.start, p.segment.end});
      c.outside_predictions += is_outside(s.data->videos[id], p.segment);
    }
    c.duplicate_predictions += duplicates(events);
    for (const auto index : mine) {
      const auto label = s.data->predictions[index].label;
      if (label == kNoLabel || s.class_of[label] >= 0) continue;
      ++c.unknown_label_predictions;
      if (!seen[label]) seen[label] = 1, ++c.unknown_labels;
    }
  }
}

// " (there are 'training', 'validation')"
std::string subsets_there(const Dataset& data) {
  std::set<std::string> names;
  for (const auto id : data.truth_order)
    if (!data.videos[id].subset.empty()) names.insert("'" + data.videos[id].subset + "'");
  if (names.empty()) return " (no video has a subset)";
  return " (there " + std::string(names.size() > 1 ? "are " : "is ") + joined_first({names.begin(), names.end()}, 8) +
         ")";
}

std::string why_empty(const Selection& s, const Filter& filter) {
  if (s.data->truth_order.empty()) return "no record has annotations";
  if (s.counts.videos == 0 && s.counts.excluded > 0) return "every video is excluded";
  if (s.counts.videos == 0) return "no video of subset '" + filter.subset + "'" + subsets_there(*s.data);
  return "no instance in " + std::to_string(s.counts.videos) + " videos";
}

}  // namespace

Selection select(const Dataset& data, const Filter& filter) {
  Selection s;
  s.data = &data;
  s.class_agnostic = filter.class_agnostic;
  s.ambiguous_is_positive = filter.ambiguous_is_positive;
  s.state.assign(data.videos.size(), State::kOutside);
  s.class_of.assign(data.labels.size(), -1);
  s.truth_class.assign(data.truths.size(), -1);
  if (filter.class_agnostic) s.class_label = {kNoLabel}, s.class_instances = {0};
  exclude(s, filter);
  choose_videos(s, filter);
  if (s.counts.instances == 0) throw Error("the ground truth is empty: " + why_empty(s, filter));
  count_predictions(s);
  return s;
}

}  // namespace tal::eval
