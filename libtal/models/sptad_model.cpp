#include "libtal/models/sptad_model.h"

#include <algorithm>

#include "libtal/base/error.h"

namespace tal {

std::vector<std::int64_t> clip_starts(std::int64_t rows, std::int64_t clip, std::int64_t stride) {
  std::vector<std::int64_t> starts = {0};
  while (starts.back() + stride + clip <= rows) starts.push_back(starts.back() + stride);
  if (starts.back() + clip < rows) starts.push_back(rows - clip);
  return starts;
}

Settings SptadModel::settings() {
  Settings s = settings_of(options_);
  s.add("clip", &clip_, "Rows of a clip, a multiple of 8");
  s.add("train-stride", &train_stride_, "Rows between the starts of training clips");
  s.add("shift", &shift_, "Training clips start up to so many rows earlier or later, at random");
  s.add("inside", &inside_, "Smallest share of an action inside a clip for it to be a ground truth of the clip");
  s.add("empty-clips", &empty_clips_, "Train on clips without an action too");
  return s;
}

Settings SptadModel::inference() {
  Settings s;
  s.add("test-stride", &test_stride_, "Rows between the starts of clips");
  s.add("detections", &detections_, "Detections of a clip (0: as many as proposals)");
  s.add("min-score", &min_score_, "Detections below are left out");
  s.add("clip-scores", &clip_scores_, "Multiply by the clip's class probabilities, if the model has them");
  s.add("clips-at-once", &clips_at_once_, "Clips that pass through the network together");
  return s;
}

std::string SptadModel::training_defaults() const {
  return R"({"optimizer":"adamw","lr":1e-4,"weight-decay":1e-4,"epochs":16,"batch":16,"schedule":"step","milestones":[12],"gamma":0.1})";
}

std::map<std::string, std::string> SptadModel::presets() const {
  return {{"thumos14", R"({"clip":256,"train-stride":30,"proposals":50})"},
          {"activitynet", R"({"clip":768,"train-stride":768,"proposals":100})"},
          {"single-level", R"({"pyramid":"single"})"},
          {"high-level", R"({"pyramid":"high"})"},
          {"heads-1", R"({"stages":1})"},
          {"heads-2", R"({"stages":2})"},
          {"heads-6", R"({"stages":6})"},
          {"no-clip-head", R"({"clip-head":false})"}};
}

void SptadModel::build(const InputContract& inputs) {
  if (inputs.classes.empty()) throw Error("SP-TAD gives labelled detections and needs classes: no annotation has a label");
  check(options_);
  if (clip_ < 8 || clip_ % 8) throw Error("must be a multiple of 8, not " + std::to_string(clip_)).at_field("clip");
  if (train_stride_ < 1) throw Error("must be 1 or more").at_field("train-stride");
  if (shift_ < 0) throw Error("must be 0 or more").at_field("shift");
  if (!(inside_ > 0 && inside_ <= 1)) throw Error("must lie in (0, 1]").at_field("inside");
  inputs_ = inputs;
  network_ = SptadFeatureNet(inputs.dim(), static_cast<std::int64_t>(inputs.classes.size()), options_);
}

std::vector<SptadModel::ClipTruth> SptadModel::truths_in(const TrainingSet::Video& video, std::int64_t first) const {
  std::vector<ClipTruth> found;
  const double size = static_cast<double>(clip_);
  for (const auto& truth : video.truths) {
    if (truth.label < 0) continue;
    const double start = video.time.row(truth.segment.start) - static_cast<double>(first), end = video.time.row(truth.segment.end) - static_cast<double>(first);
    const Segment part{std::clamp(start, 0.0, size), std::clamp(end, 0.0, size)};
    if (part.length() > 0 && part.length() >= inside_ * (end - start)) found.push_back({{part.start / size, part.end / size}, truth.label});
  }
  return found;
}

std::vector<Sample> SptadModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v)
    for (const std::int64_t first : clip_starts(set.video(v).rows, clip_, train_stride_))
      if (empty_clips_ || !truths_in(set.video(v), first).empty()) all.push_back({v, first, clip_, 0});
  return all;
}

Batch SptadModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  std::vector<torch::Tensor> clips;
  std::vector<std::vector<ClipTruth>> truths;
  std::size_t most = 0;
  for (const auto& sample : samples) {
    const auto& video = set.video(sample.video);
    std::int64_t first = sample.first;
    if (shift_ > 0) {
      const auto moved = first - shift_ + static_cast<std::int64_t>(Random(sample.seed).below(static_cast<std::uint64_t>(2 * shift_ + 1)));
      first = std::clamp<std::int64_t>(moved, 0, std::max<std::int64_t>(0, video.rows - clip_));
    }
    clips.push_back(set.rows(sample.video, first, clip_).t());  // [C, clip]
    truths.push_back(truths_in(video, first));
    most = std::max(most, truths.back().size());
    batch.videos.push_back(video.id);
  }
  const auto size = static_cast<std::int64_t>(truths.size()), width = static_cast<std::int64_t>(most);
  auto segments = torch::zeros({size, width, 2}), labels = torch::zeros({size, width}, torch::kLong), count = torch::zeros({size}, torch::kLong);
  auto segment = segments.accessor<float, 3>();
  auto label = labels.accessor<std::int64_t, 2>();
  for (std::int64_t b = 0; b < size; ++b) {
    const auto& own = truths[static_cast<std::size_t>(b)];
    for (std::size_t k = 0; k < own.size(); ++k) {
      const auto g = static_cast<std::int64_t>(k);
      segment[b][g][0] = static_cast<float>(own[k].segment.start), segment[b][g][1] = static_cast<float>(own[k].segment.end);
      label[b][g] = own[k].label;
    }
    count[b] = static_cast<std::int64_t>(own.size());
  }
  batch.tensors = {{"x", torch::stack(clips)}, {"segments", segments}, {"labels", labels}, {"count", count}};
  return batch;
}

Losses SptadModel::loss(const Batch& batch, std::size_t) {
  const ClipTruths truths{batch.at("segments"), batch.at("labels"), batch.at("count")};
  const auto output = network_->forward(batch.at("x"));
  const auto set = set_loss(output.detections, truths, options_.weights);
  Losses losses;
  losses.loss = set.loss;
  const auto last = set.parts[-1];
  losses.parts = {{"focal", last[0]}, {"l1", last[1]}, {"giou", last[2]}};
  if (output.clip_logits.defined()) {
    const auto activity = activity_loss(output.clip_logits, clip_labels(truths, output.clip_logits.size(1)));
    losses.loss = losses.loss + options_.activity_weight * activity;
    losses.parts.emplace_back("activity", activity);
  }
  return losses;
}

std::pair<torch::Tensor, torch::Tensor> SptadModel::detect(const torch::Tensor& clips) {
  const auto output = network_->forward(clips.to(device));
  auto scores = output.detections.logits[-1].to(torch::kFloat).sigmoid();
  if (clip_scores_ && output.clip_logits.defined()) scores = scores * output.clip_logits.to(torch::kFloat).sigmoid().unsqueeze(1);
  return {scores.cpu().contiguous(), output.detections.segments[-1].to(torch::kFloat).cpu().contiguous()};
}

void SptadModel::propose(Record& record, const Sequence& sequence) {
  if (test_stride_ < 1) throw Error("must be 1 or more").at_field("test-stride");
  if (clips_at_once_ < 1) throw Error("must be 1 or more").at_field("clips-at-once");
  if (detections_ < 0) throw Error("must be 0 or more").at_field("detections");
  const torch::NoGradGuard guard;
  const std::int64_t rows = sequence.x.size(0), classes = static_cast<std::int64_t>(inputs_.classes.size());
  const auto starts = rows > 0 ? clip_starts(rows, clip_, test_stride_) : std::vector<std::int64_t>{};
  auto x = sequence.x.t();  // [C, T]
  if (rows < clip_) x = torch::constant_pad_nd(x, {0, clip_ - rows});
  std::vector<Proposal> found;
  for (std::size_t begin = 0; begin < starts.size(); begin += static_cast<std::size_t>(clips_at_once_)) {
    const std::size_t end = std::min(starts.size(), begin + static_cast<std::size_t>(clips_at_once_));
    std::vector<torch::Tensor> clips;
    for (std::size_t k = begin; k < end; ++k) clips.push_back(x.narrow(1, starts[k], clip_));
    const auto [scores, segments] = detect(torch::stack(clips));
    const auto segment = segments.accessor<float, 3>();
    const std::int64_t pairs = scores.size(1) * classes;
    std::vector<std::int64_t> order(static_cast<std::size_t>(pairs));
    const auto kept = static_cast<std::ptrdiff_t>(std::min(pairs, detections_ ? detections_ : scores.size(1)));
    for (std::size_t k = begin; k < end; ++k) {
      const auto b = static_cast<std::int64_t>(k - begin);
      const float* score = scores.const_data_ptr<float>() + b * pairs;  // [N, K]
      for (std::int64_t i = 0; i < pairs; ++i) order[static_cast<std::size_t>(i)] = i;
      std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](auto a, auto c) { return score[a] != score[c] ? score[a] > score[c] : a < c; });
      for (std::ptrdiff_t i = 0; i < kept; ++i) {
        const std::int64_t pair = order[static_cast<std::size_t>(i)], n = pair / classes;
        if (!(score[pair] >= min_score_)) break;
        const auto seconds = [&](double fraction) {
          return std::clamp(sequence.time.seconds(static_cast<double>(starts[k]) + fraction * static_cast<double>(clip_)), 0.0, sequence.duration);
        };
        Proposal detection;
        detection.segment = {seconds(segment[b][n][0]), seconds(segment[b][n][1])};
        if (!(detection.segment.length() > 0)) continue;  // outside the video
        detection.score = score[pair];
        detection.label = record.keep(inputs_.classes[static_cast<std::size_t>(pair % classes)]);
        found.push_back(detection);
      }
    }
  }
  record.set_proposals(found);
}

}  // namespace tal
