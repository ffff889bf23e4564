#include "libtal/models/sptad_model.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

// Bytes [C, clip, crop, crop], stored as Frames gives them: channels last.
torch::Tensor frame_clip(const Frames& frames, std::int64_t first, std::int64_t count, const FrameCrop& crop) {
  auto bytes = torch::empty({count, crop.height, crop.width, frames.channels()}, torch::kByte);
  frames.copy(first, count, crop, bytes.data_ptr<std::uint8_t>());
  return bytes.permute({3, 0, 1, 2});
}

// [B, C, ...] without giving up channels-last bytes.
torch::Tensor stack_clips(const std::vector<torch::Tensor>& clips) {
  if (clips.front().dim() != 4) return torch::stack(clips);
  std::vector<torch::Tensor> last;
  for (const auto& clip : clips) last.push_back(clip.permute({1, 2, 3, 0}));
  return torch::stack(last).permute({0, 4, 1, 2, 3});
}

}  // namespace

std::vector<std::int64_t> clip_starts(std::int64_t rows, std::int64_t clip, std::int64_t stride) {
  std::vector<std::int64_t> starts = {0};
  while (starts.back() + stride + clip <= rows) starts.push_back(starts.back() + stride);
  if (starts.back() + clip < rows) starts.push_back(rows - clip);
  return starts;
}

Settings SptadModel::settings() {
  Settings s = settings_of(options_);
  s.add("input", &input_, "What the network sees: rows of features, or clips of video frames", {"features", "clips"});
  s.add("modalities", &frames_.modalities, "Frames as pictures, optical flow, or both (input clips)", {"rgb", "flow", "rgb+flow"});
  s.add("fps", &frames_.fps, "Sampled frames per second (input clips)");
  s.add("frames", &frames_.count, "Sampled frames of every video, whatever its length; 0: as many as fps gives (input clips)");
  s.add("size", &frames_.side, "Pixels that frames are resized to (input clips)");
  s.add("resize", &frames_.resize, "Frames become squares, or keep their shape and the shorter side is resized (input clips)", {"square", "short"});
  s.add("flow-method", &frames_.flow, "How optical flow is computed (input clips)", {"block", "dis", "farneback", "tvl1"});
  s.add("crop", &crop_, "Pixels of the square that the network sees: at random in training, else the centre (input clips)");
  s.add("flip", &flip_, "Mirror half of the training clips (input clips)");
  s.nest("", settings_of(backbone_));
  s.add("clip", &clip_, "Rows of a clip, a multiple of 8; sampled frames, a multiple of 16, for input clips");
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
  s.add("clips-at-once", &clips_at_once_, "Clips that pass through the network together (0: 16 of features, 1 of frames)");
  return s;
}

std::string SptadModel::training_defaults() const {
  return R"({"optimizer":"adamw","lr":1e-4,"weight-decay":1e-4,"epochs":16,"batch":16,"schedule":"step","milestones":[12],"gamma":0.1})";
}

std::vector<Preset> SptadModel::presets() const {
  return {{"thumos14", "Table 1 on features: clips of 256 rows, 50 proposals", R"({"clip":256,"train-stride":30,"proposals":50})"},
          {"activitynet", "Table 2 on features: 768 rows a video, 100 proposals", R"({"clip":768,"train-stride":768,"proposals":100})"},
          {"thumos14-clips", "Table 1 from frames", R"({"input":"clips","clip":256,"train-stride":30,"proposals":50,"backbone-freeze-bn":true})"},
          {"activitynet-clips", "Table 2 from frames", R"({"input":"clips","frames":768,"clip":768,"train-stride":768,"proposals":100,"backbone-freeze-bn":true})"},
          {"single-level", "Table 5: the last level alone", R"({"pyramid":"single"})"},
          {"high-level", "Table 5: pyramid of the last level", R"({"pyramid":"high"})"},
          {"heads-1", "Table 6: one detection head", R"({"stages":1})"},
          {"heads-2", "Table 6: two detection heads", R"({"stages":2})"},
          {"heads-6", "Table 6: six detection heads", R"({"stages":6})"},
          {"no-clip-head", "Table 7: no classification head", R"({"clip-head":false})"}};
}

void SptadModel::build(const InputContract& inputs) {
  if (inputs.classes.empty()) throw Error("SP-TAD gives labelled detections and needs classes: no annotation has a label");
  check(options_);
  if (clip_ < 8 || clip_ % 8) throw Error("must be a multiple of 8, not " + std::to_string(clip_)).at_field("clip");
  if (train_stride_ < 1) throw Error("must be 1 or more").at_field("train-stride");
  if (shift_ < 0) throw Error("must be 0 or more").at_field("shift");
  if (!(inside_ > 0 && inside_ <= 1)) throw Error("must lie in (0, 1]").at_field("inside");
  const auto classes = static_cast<std::int64_t>(inputs.classes.size());
  inputs_ = inputs;
  if (!inputs.frames) {
    if (input_ == "clips") throw Error("input=clips sees the frames of videos, not features");
    network_ = std::make_shared<SptadFeatureNetImpl>(inputs.dim(), classes, options_);
    return;
  }
  if (input_ != "clips" || *inputs.frames != frames_) throw Error("the frames are not those that the settings ask for");
  check(backbone_);
  if (clip_ % 16) throw Error("must be a multiple of 16 for input=clips, not " + std::to_string(clip_)).at_field("clip");
  if (crop_ < 1 || crop_ > frames_.side) throw Error("must lie in 1.." + std::to_string(frames_.side) + ", the size of the frames").at_field("crop");
  network_ = std::make_shared<SptadPixelNetImpl>(frames_, classes, options_, backbone_);
}

std::optional<FrameContract> SptadModel::frames() const {
  if (input_ != "clips") return {};
  if (!(frames_.fps > 0 && frames_.fps <= 1000)) throw Error("must lie in (0, 1000]").at_field("fps");
  if (frames_.count < 0) throw Error("must be 0 or more").at_field("frames");
  if (frames_.side < 8 || frames_.side > 4096) throw Error("must lie in 8..4096").at_field("size");
  return frames_;
}

void SptadModel::initialise() {
  if (input_ != "clips") return;
  for (auto& [modality, net] : static_cast<SptadPixelNetImpl&>(*network_).backbones())
    if (const auto& path = modality == "rgb" ? backbone_.rgb : backbone_.flow; !path.empty()) load_i3d_weights(*net, read_tensors(path).tensors, path);
}

std::vector<ParameterGroup> SptadModel::parameters(std::size_t) {
  if (input_ != "clips") return {{network_->parameters(), 1, 1}};
  auto& net = static_cast<SptadPixelNetImpl&>(*network_);
  std::vector<ParameterGroup> groups = {{net.detector()->parameters(), 1, 1}};
  if (backbone_.lr == 0) return groups;
  groups.push_back({{}, backbone_.lr, 1});
  for (const auto& [modality, backbone] : net.backbones())
    for (const auto& parameter : backbone->parameters())
      if (parameter.requires_grad()) groups[1].parameters.push_back(parameter);
  return groups;
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

torch::Tensor SptadModel::training_clip(const TrainingSet& set, std::size_t video, std::int64_t first, Random& random) const {
  if (input_ != "clips") return set.rows(video, first, clip_).t();  // [C, clip]
  const Frames& frames = set.frames(video);
  const auto draw = [&](std::int64_t room) { return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(room) + 1)); };
  FrameCrop crop{draw(frames.height() - crop_), draw(frames.width() - crop_), crop_, crop_};
  crop.flip = flip_ && random.below(2) == 1;
  return frame_clip(frames, first, clip_, crop);
}

torch::Tensor SptadModel::test_clip(const Sequence& sequence, std::int64_t first) const {
  if (sequence.frames) {
    const Frames& frames = *sequence.frames;
    return frame_clip(frames, first, clip_, {(frames.height() - crop_) / 2, (frames.width() - crop_) / 2, crop_, crop_});
  }
  const auto rows = sequence.x.t().slice(1, first, first + clip_);  // [C, T]
  return rows.size(1) < clip_ ? torch::constant_pad_nd(rows, {0, clip_ - rows.size(1)}) : rows;
}

Batch SptadModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  std::vector<torch::Tensor> clips;
  std::vector<std::vector<ClipTruth>> truths;
  std::size_t most = 0;
  for (const auto& sample : samples) {
    const auto& video = set.video(sample.video);
    std::int64_t first = sample.first;
    Random random(sample.seed);
    if (shift_ > 0) {
      const auto moved = first - shift_ + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * shift_ + 1)));
      first = std::clamp<std::int64_t>(moved, 0, std::max<std::int64_t>(0, video.rows - clip_));
    }
    clips.push_back(training_clip(set, sample.video, first, random));
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
  batch.tensors = {{"x", stack_clips(clips)}, {"segments", segments}, {"labels", labels}, {"count", count}};
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
  return {on_host(scores), on_host(output.detections.segments[-1])};
}

void SptadModel::propose(Record& record, const Sequence& sequence) {
  if (test_stride_ < 1) throw Error("must be 1 or more").at_field("test-stride");
  if (clips_at_once_ < 0) throw Error("must be 0 or more").at_field("clips-at-once");
  if (detections_ < 0) throw Error("must be 0 or more").at_field("detections");
  const torch::NoGradGuard guard;
  const std::int64_t rows = sequence.frames ? sequence.frames->count() : sequence.x.size(0), classes = static_cast<std::int64_t>(inputs_.classes.size());
  const auto starts = rows > 0 ? clip_starts(rows, clip_, test_stride_) : std::vector<std::int64_t>{};
  const auto at_once = static_cast<std::size_t>(clips_at_once_ ? clips_at_once_ : sequence.frames ? 1 : 16);
  if (sequence.frames && !record.has("duration")) record.set_number("duration", sequence.duration);  // of the decoded video
  std::vector<Proposal> found;
  for (std::size_t begin = 0; begin < starts.size(); begin += at_once) {
    const std::size_t end = std::min(starts.size(), begin + at_once);
    std::vector<torch::Tensor> clips;
    for (std::size_t k = begin; k < end; ++k) clips.push_back(test_clip(sequence, starts[k]));
    const auto [scores, segments] = detect(stack_clips(clips));
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
