#include "libtal/eval/dataset.h"

#include "libtal/base/error.h"

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

Selection select(const Dataset& data, const Filter& filter) {
  Selection s;
  s.data = &data;
  s.class_agnostic = filter.class_agnostic;
  s.ambiguous_is_positive = filter.ambiguous_is_positive;
  s.state.assign(data.videos.size(), State::kOutside);
  s.class_of.assign(data.labels.size(), -1);
  Counts& c = s.counts;
  if (filter.class_agnostic) s.class_label = {kNoLabel}, s.class_instances = {0};
  for (const auto& name : filter.exclude)
    if (const auto id = data.video_names.find(name); id != Names::kNone)
      s.state[id] = filter.count_excluded ? State::kExcludedCounted : State::kExcluded;
  for (const std::uint32_t id : data.truth_order) {
    const Video& video = data.videos[id];
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
    for (const auto& truth : data.truths_of(id)) {
      c.ambiguous += truth.label == kAmbiguous;
      if (!s.is_instance(truth)) continue;
      any = true;
      ++c.instances;
      c.zero_length += truth.segment.length() == 0;
      if (filter.class_agnostic) {
        s.class_of[truth.label] = 0;
        ++s.class_instances[0];
        continue;
      }
      std::int32_t& cls = s.class_of[truth.label];
      if (cls < 0) {
        cls = static_cast<std::int32_t>(s.class_label.size());
        s.class_label.push_back(truth.label);
        s.class_instances.push_back(0);
      }
      ++s.class_instances[static_cast<std::size_t>(cls)];
    }
    c.videos_with_instances += any;
  }
  if (c.instances == 0) {
    std::string why = "the ground truth is empty: ";
    if (data.truth_order.empty()) why += "no record has annotations";
    else if (c.videos == 0 && c.excluded > 0) why += "every video is excluded";
    else if (c.videos == 0) why += "no video of subset '" + filter.subset + "'";
    else why += "no instance in " + std::to_string(c.videos) + " videos";
    throw Error(why);
  }
  std::vector<std::uint8_t> seen(data.labels.size(), 0);
  for (std::uint32_t id = 0; id < data.videos.size(); ++id) {
    const auto mine = data.predictions_of(id);
    if (s.state[id] == State::kExcluded || mine.empty()) continue;
    c.predictions += mine.size();
    if (s.state[id] == State::kOutside) ++c.unknown_videos, c.unknown_video_predictions += mine.size();
    for (const auto index : mine) {
      const auto label = data.predictions[index].label;
      if (label == kNoLabel || s.class_of[label] >= 0) continue;
      ++c.unknown_label_predictions;
      if (!seen[label]) seen[label] = 1, ++c.unknown_labels;
    }
  }
  return s;
}

}  // namespace tal::eval
