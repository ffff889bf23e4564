#include "libtal/models/sptad/sptad_model.h"

#include <algorithm>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/models/core/frame_clips.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/tensors.h"

namespace tal {

std::vector<std::int64_t> clip_starts(std::int64_t rows, std::int64_t clip, std::int64_t stride) {
  std::vector<std::int64_t> starts = {0};
  while (starts.back() + stride + clip <= rows) starts.push_back(starts.back() + stride);
  if (starts.back() + clip < rows) starts.push_back(rows - clip);
  return starts;
}

std::vector<std::int64_t> SptadModel::starts(std::int64_t rows, std::int64_t stride) const {
  return input().whole_video() ? std::vector<std::int64_t>{0} : clip_starts(rows, clip_, stride);
}

const SptadInput& SptadModel::input() const {
  if (input_ == "clips") return frames_;
  return input_ == "rescale" ? whole_videos_ : windows_;
}

Settings SptadModel::settings() {
  Settings s;
  s.add("input", &input_,
        "What the network sees: windows of feature rows, all rows of a video resized to one clip, or clips of video "
        "frames",
        {"windows", "rescale", "clips"});
  s.add("clip", &clip_, "Rows of a clip, a multiple of 8; sampled frames, a multiple of 16, for input=clips")
      .between(8, 1 << 20);
  s.add("train-stride", &train_stride_, "Rows between the starts of training clips")
      .between(1, 1 << 20)
      .without("input", {"rescale"});
  s.add("shift", &shift_, "Training clips start up to so many rows earlier or later, at random")
      .between(0, 1 << 20)
      .without("input", {"rescale"});
  s.add("inside", &inside_,
        "An action is a ground truth of a clip when more than this share of it lies inside, or all of it")
      .between(0, 1)
      .without("input", {"rescale"});
  s.add("empty-clips", &empty_clips_, "Train on clips without an action too");
  s.append(settings_of(options_)).append(settings_of_levels(options_)).append(frames_.settings());
  return s;
}

Settings SptadModel::inference() {
  Settings s;
  s.add("test-stride", &test_stride_, "Rows between the starts of clips")
      .between(1, 1 << 20)
      .without("input", {"rescale"});
  s.add("detections", &detections_, "Detections of a clip (0: as many as proposals)").between(0, 1 << 20);
  s.add("min-score", &min_score_, "Detections below are left out").between(0, 1);
  s.add("clip-scores", &clip_scores_, "Multiply by the clip's class probabilities").with("clip-head", {"true"});
  s.add("clips-at-once", &clips_at_once_,
        "Clips that pass through the network together (0: 16 of features, 1 of frames)")
      .between(0, 4096);
  return s;
}

std::string SptadModel::training_defaults() const {
  return R"({"optimizer":"adamw","lr":1e-4,"weight-decay":1e-4,"epochs":16,"batch":16,"schedule":"step","milestones":[12],"gamma":0.1})";
}

// TV-L1 is the flow that the published flow weights of I3D have seen; the paper says nothing of it, nor of BatchNorm.
std::vector<Preset> SptadModel::presets() const {
  return {
      {"thumos14", "Table 1's setting on features: windows of 256 rows",
       R"({"input":"windows","clip":256,"train-stride":30,"proposals":50,"inference.test-stride":128})"},
      {"activitynet", "Table 2's setting on features: every video resized to 768 rows",
       R"({"input":"rescale","clip":768,"proposals":100})"},
      {"thumos14-clips", "Table 1, SP-TAD: two streams end to end; needs backbone-rgb and backbone-flow",
       R"({"input":"clips","modalities":"rgb+flow","flow-method":"tvl1","frames":0,"fps":10,"size":112,"crop":96,"clip":256,"train-stride":30,"proposals":50,"backbone-freeze-bn":true,"inference.test-stride":128})"},
      {"activitynet-clips",
       "Table 2, SP-TAD: two streams end to end, 768 frames of every video; needs backbone-rgb and backbone-flow",
       R"({"input":"clips","modalities":"rgb+flow","flow-method":"tvl1","frames":768,"size":112,"crop":96,"clip":768,"proposals":100,"backbone-freeze-bn":true})"},
      {"table3-rgb", "Table 3: RGB frames alone, for speed; add to thumos14-clips",
       R"({"input":"clips","modalities":"rgb"})"},
      {"table4-0", "Table 4, learning rate of the backbones 0; add to thumos14-clips",
       R"({"input":"clips","backbone-lr":0})"},
      {"table4-1e-6", "Table 4, learning rate of the backbones 1e-6; add to thumos14-clips",
       R"({"input":"clips","backbone-lr":0.01})"},
      {"table4-1e-5", "Table 4, learning rate of the backbones 1e-5; add to thumos14-clips",
       R"({"input":"clips","backbone-lr":0.1})"},
      {"table4-1e-4", "Table 4, learning rate of the backbones 1e-4: that of the detector",
       R"({"input":"clips","backbone-lr":1})"},
      {"table5-single", "Table 5, Single Level: the backbone's last level alone", R"({"pyramid":"single"})"},
      {"table5-high", "Table 5, High Level TFP: a pyramid on the last level", R"({"pyramid":"high"})"},
      {"table5-inter", "Table 5, Inter Level TFP: a pyramid on three levels", R"({"pyramid":"inter"})"},
      {"table6-1", "Table 6, 1 head", R"({"stages":1})"},
      {"table6-2", "Table 6, 2 heads", R"({"stages":2})"},
      {"table6-4", "Table 6, 4 heads", R"({"stages":4})"},
      {"table6-6", "Table 6, 6 heads", R"({"stages":6})"},
      {"table7-without", "Table 7, no action classification head", R"({"clip-head":false})"},
      {"table7-with", "Table 7, with the action classification head", R"({"clip-head":true})"},
      {"table8-224", "Table 8, clips of 224 frames, half overlapping at test",
       R"({"clip":224,"inference.test-stride":112})"},
      {"table8-256", "Table 8, clips of 256 frames, half overlapping at test",
       R"({"clip":256,"inference.test-stride":128})"},
      {"table8-288", "Table 8, clips of 288 frames, half overlapping at test",
       R"({"clip":288,"inference.test-stride":144})"},
      {"table8-320", "Table 8, clips of 320 frames, half overlapping at test",
       R"({"clip":320,"inference.test-stride":160})"},
  };
}

void SptadModel::check_settings() const {
  check(options_);
  const std::int64_t unit = input().unit();
  if (clip_ % unit)
    throw Error("must be a multiple of " + std::to_string(unit) + " for input=" + input_ + ", not " +
                std::to_string(clip_))
        .at_field("clip");
  if (options_.pyramid == "high" && clip_ < 4 * unit)
    throw Error("must be " + std::to_string(4 * unit) +
                " or more for pyramid=high: its last level is pooled three times")
        .at_field("clip");
  input().check_settings();
}

void SptadModel::build(const InputContract& inputs) {
  check_settings();
  if (inputs.classes.empty())
    throw Error("SP-TAD gives labelled detections and needs classes: no annotation has a label");
  inputs_ = inputs;
  network_ = input().make_network(inputs, options_);
  weights_ = network_->parameters();
  for (const auto& buffer : network_->buffers()) weights_.push_back(buffer);
}

std::vector<SptadModel::ClipTruth> SptadModel::truths_in(const TrainingSet::Video& video, std::int64_t first) const {
  std::vector<ClipTruth> found;
  const double size = static_cast<double>(extent(video.rows));
  for (const auto& truth : video.truths) {
    if (truth.label < 0) continue;
    const double start = video.time.row(truth.segment.start) - static_cast<double>(first),
                 end = video.time.row(truth.segment.end) - static_cast<double>(first);
    const Segment part{std::clamp(start, 0.0, size), std::clamp(end, 0.0, size)};
    const bool whole = input().whole_video() || (start >= 0 && end <= size);  // 4.2: a truth's tIoA is above 0.5
    if (part.length() > 0 && (whole || part.length() > inside_ * (end - start)))
      found.push_back({{part.start / size, part.end / size}, truth.label});
  }
  return found;
}

std::vector<Sample> SptadModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v)
    for (const std::int64_t first : starts(set.video(v).rows, train_stride_))
      if (empty_clips_ || !truths_in(set.video(v), first).empty())
        all.push_back({v, first, extent(set.video(v).rows), 0});
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
    Random random(sample.seed);
    if (shift_ > 0 && !input().whole_video()) {
      const auto moved =
          first - shift_ + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * shift_ + 1)));
      first = std::clamp<std::int64_t>(moved, 0, std::max<std::int64_t>(0, video.rows - clip_));
    }
    clips.push_back(input().training_clip(set, sample.video, first, clip_, random));
    truths.push_back(truths_in(video, first));
    most = std::max(most, truths.back().size());
    batch.videos.push_back(video.id);
  }
  const auto size = static_cast<std::int64_t>(truths.size()), width = static_cast<std::int64_t>(most);
  auto segments = torch::zeros({size, width, 2}), labels = torch::zeros({size, width}, torch::kLong),
       count = torch::zeros({size}, torch::kLong);
  auto segment = segments.accessor<float, 3>();
  auto label = labels.accessor<std::int64_t, 2>();
  for (std::int64_t b = 0; b < size; ++b) {
    const auto& own = truths[static_cast<std::size_t>(b)];
    for (std::size_t k = 0; k < own.size(); ++k) {
      const auto g = static_cast<std::int64_t>(k);
      segment[b][g][0] = static_cast<float>(own[k].segment.start),
      segment[b][g][1] = static_cast<float>(own[k].segment.end);
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
  require_finite(*this, batch, {output.detections.logits, output.detections.segments, output.clip_logits});
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
  const auto found = replayed_(clips, device, weights_, [&](const torch::Tensor& x) -> std::vector<torch::Tensor> {
    const auto output = network_->forward(x);
    auto scores = output.detections.logits[-1].to(torch::kFloat).sigmoid();
    if (clip_scores_ && output.clip_logits.defined())
      scores = scores * output.clip_logits.to(torch::kFloat).sigmoid().unsqueeze(1);
    return {scores, output.detections.segments[-1]};
  });
  return {on_host(found[0]), on_host(found[1])};
}

std::vector<std::function<void(Record&)>> SptadModel::propose_together(std::span<const Sequence> sequences) {
  const torch::NoGradGuard guard;
  struct Detected {
    std::int64_t first = 0;
    torch::Tensor scores, segments;  // [N, K], [N, 2]
  };
  std::vector<std::vector<Detected>> detected(sequences.size());
  std::vector<std::pair<std::size_t, Detected*>> clips;  // of all sequences
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::int64_t rows = input().rows(sequences[i]);
    if (rows < 1) continue;
    for (const auto first : starts(rows, test_stride_)) detected[i].push_back({first, {}, {}});
    for (auto& clip : detected[i]) clips.emplace_back(i, &clip);
  }
  const auto at_once = clips_at_once_ ? static_cast<std::size_t>(clips_at_once_)
                                      : std::max(sequences.size(), static_cast<std::size_t>(input().clips_at_once()));
  for (std::size_t begin = 0; begin < clips.size(); begin += at_once) {
    const std::size_t end = std::min(clips.size(), begin + at_once);
    std::vector<torch::Tensor> x;
    for (std::size_t k = begin; k < end; ++k)
      x.push_back(input().test_clip(sequences[clips[k].first], clips[k].second->first, clip_));
    const auto [scores, segments] = detect(stack_clips(x));
    for (std::size_t k = begin; k < end; ++k) {
      const auto b = static_cast<std::int64_t>(k - begin);
      clips[k].second->scores = scores[b], clips[k].second->segments = segments[b];
    }
  }
  std::vector<std::function<void(Record&)>> rest;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto& s = sequences[i];
    rest.emplace_back([this, own = std::move(detected[i]), rows = input().rows(s), seen = s.frames != nullptr,
                       place = Sequence{s.video, s.duration, s.time, {}}](Record& record) {
      if (seen && !record.has("duration")) record.set_number("duration", place.duration);  // of the decoded video
      std::vector<Proposal> found;
      for (const auto& clip : own)
        add_detections(finite_on_host(*this, clip.scores), finite_on_host(*this, clip.segments), place, clip.first,
                       rows, record, found);
      record.set_proposals(found);
    });
  }
  return rest;
}

void SptadModel::propose(Record& record, const Sequence& sequence) { propose_together({&sequence, 1}).front()(record); }

void SptadModel::add_detections(const torch::Tensor& scores, const torch::Tensor& segments, const Sequence& sequence,
                                std::int64_t first, std::int64_t rows, Record& record,
                                std::vector<Proposal>& found) const {
  const std::int64_t proposals = scores.size(0), classes = scores.size(1), pairs = proposals * classes;
  const float* score = scores.const_data_ptr<float>();
  const auto segment = segments.accessor<float, 2>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(pairs));
  std::iota(order.begin(), order.end(), 0);
  const auto kept = static_cast<std::ptrdiff_t>(std::min(pairs, detections_ ? detections_ : proposals));
  std::partial_sort(order.begin(), order.begin() + kept, order.end(),
                    [&](auto a, auto c) { return score[a] != score[c] ? score[a] > score[c] : a < c; });
  const auto seconds = [&](double fraction) {
    return std::clamp(sequence.time.seconds(static_cast<double>(first) + fraction * static_cast<double>(extent(rows))),
                      0.0, sequence.duration);
  };
  for (std::ptrdiff_t i = 0; i < kept; ++i) {
    const std::int64_t pair = order[static_cast<std::size_t>(i)], n = pair / classes;
    if (score[pair] < min_score_) break;
    Proposal detection;
    detection.segment = {seconds(segment[n][0]), seconds(segment[n][1])};
    if (!(detection.segment.length() > 0)) continue;  // outside the video
    detection.score = score[pair];
    detection.label = record.keep(inputs_.classes[static_cast<std::size_t>(pair % classes)]);
    found.push_back(detection);
  }
}

}  // namespace tal
