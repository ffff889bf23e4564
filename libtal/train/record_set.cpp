#include "libtal/train/record_set.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "libtal/base/error.h"
#include "libtal/models/core/stream_header.h"

namespace tal {

void RecordSet::add(const Record& record) {
  if (!options_.subset.empty() && record.text("subset") != options_.subset) return;
  record.require_whole_video();
  Entry entry;
  Video& video = entry.video;
  video.id = record.video();
  video.path = record.text("path").value_or("");
  video.duration = record.duration().value_or(0);
  if (options_.frames) {
    inputs_.frames = options_.frames;
    entry.frames = load_frames(record, *options_.frames, options_.frame_cache);
    video.rows = entry.frames->count();
    video.time = frame_time(entry.frames->fps());
    if (!record.has("duration")) video.duration = entry.frames->duration();
  } else {
    add_features(record, entry);
  }
  for (const auto& annotation : record.annotations(/*zero_length=*/true)) {
    if (annotation.label == "Ambiguous" || annotation.segment.length() <= 0) continue;
    video.truths.push_back({annotation.segment, -1});
    entry.labels.push_back(annotation.label);
  }
  if (record.has_proposals())
    for (const auto& proposal : record.proposals()) video.proposals.push_back({proposal.segment, proposal.score});
  instances_ += video.truths.size();
  videos_.push_back(std::move(entry));
}

void RecordSet::add_features(const Record& record, Entry& entry) {
  Video& video = entry.video;
  if (inputs_.streams.empty() && options_.streams.empty())
    for (const auto& stream : record.features()) options_.streams.push_back(stream.name);
  if (options_.streams.empty())
    throw Error(record.has("path") ? "missing; these settings train on features, not on the frames of videos"
                                   : "missing; training needs features")
        .at_field("features");
  const bool first = inputs_.streams.empty();
  for (const auto& name : options_.streams) {
    FeatureStream stream = select_stream(record, name);
    check_stream_header(stream, options_.policy.get());
    FeatureRows rows(stream);
    stream.rows = rows.rows(), stream.dim = rows.dim();
    if (first) inputs_.streams.push_back(contract_of(stream));
    else
      check_contract(inputs_.streams[entry.features.streams()], contract_of(stream), options_.policy.get(),
                     options_.first);
    // What the first record leaves open, the first that says it says for all.
    auto& settings = inputs_.streams[entry.features.streams()].settings;
    if (settings.empty()) settings = stream.settings;
    entry.features.add(stream, std::move(rows), record.duration());
  }
  entry.features.settle(options_.fit);
  video.rows = entry.features.rows(), video.time = entry.features.time();
}

void RecordSet::finish() {
  if (videos_.empty())
    throw Error(options_.subset.empty() ? "no record to train on"
                                        : "no record of subset '" + options_.subset + "' to train on");
  if (instances_ == 0) throw Error("no record has annotations to train on");
  if (options_.classes.empty()) {
    std::set<std::string> labels;
    for (const auto& entry : videos_)
      for (const auto& label : entry.labels)
        if (!label.empty()) labels.insert(label);
    inputs_.classes.assign(labels.begin(), labels.end());
  } else {
    inputs_.classes = options_.classes;
  }
  number_labels();
  if (options_.standardize && options_.frames) throw Error("standardize is for columns of features, not for frames");
  if (options_.standardize) measure_columns();
}

void RecordSet::finish(const InputContract& model) {
  for (std::size_t i = 0; i < std::min(model.streams.size(), inputs_.streams.size()); ++i)
    check_contract(model.streams[i], inputs_.streams[i], model.policy.get());
  inputs_.classes = model.classes, inputs_.mean = model.mean, inputs_.scale = model.scale;
  number_labels();
}

void RecordSet::number_labels() {
  for (auto& entry : videos_) {
    for (std::size_t k = 0; k < entry.labels.size(); ++k) {
      const auto found = std::find(inputs_.classes.begin(), inputs_.classes.end(), entry.labels[k]);
      if (found != inputs_.classes.end()) entry.video.truths[k].label = found - inputs_.classes.begin();
      else ++(entry.labels[k].empty() ? unlabelled_ : unknown_);
    }
    entry.labels.clear();
  }
}

// Two passes over the files: means, then deviations (a constant column keeps its scale).
void RecordSet::measure_columns() {
  const auto dim = static_cast<std::size_t>(inputs_.dim());
  std::vector<double> mean(dim, 0), square(dim, 0);
  double count = 0;
  const auto each = [&](auto&& take) {
    for (std::size_t v = 0; v < videos_.size(); ++v)
      for (std::int64_t first = 0; first < videos_[v].video.rows; first += 4096) {
        const auto block = rows(v, first, std::min<std::int64_t>(4096, videos_[v].video.rows - first));
        const float* values = block.data_ptr<float>();
        for (std::int64_t t = 0; t < block.size(0); ++t)
          for (std::size_t c = 0; c < dim; ++c) take(c, static_cast<double>(*values++));
      }
  };
  for (const auto& entry : videos_) count += static_cast<double>(entry.video.rows);
  each([&](std::size_t c, double x) { mean[c] += x / count; });
  each([&](std::size_t c, double x) { square[c] += (x - mean[c]) * (x - mean[c]) / count; });
  for (std::size_t c = 0; c < dim; ++c) {
    inputs_.mean.push_back(static_cast<float>(mean[c]));
    inputs_.scale.push_back(square[c] > 1e-12 ? static_cast<float>(1 / std::sqrt(square[c])) : 1.0f);
  }
}

const Frames& RecordSet::frames(std::size_t index) const {
  const auto& frames = videos_[index].frames;
  return frames ? *frames : TrainingSet::frames(index);
}

torch::Tensor RecordSet::rows(std::size_t index, std::int64_t first, std::int64_t count) const {
  const Entry& entry = videos_[index];
  try {
    return entry.features.copy(inputs_, first, count);
  } catch (Error& error) {
    throw error.at_video(entry.video.id);
  }
}

}  // namespace tal
