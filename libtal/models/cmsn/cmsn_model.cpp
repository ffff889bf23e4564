#include "libtal/models/cmsn/cmsn_model.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <map>

#include "libtal/base/error.h"
#include "libtal/io/maps.h"
#include "libtal/io/score_check.h"
#include "libtal/models/core/frame_clips.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

// Candidates of a window sorted into the three training sets of 3.4, equally many drawn from each.
constexpr double kBig = 0.6, kMiddle = 0.2;

struct Example {
  RowRange range;
  double iou = 0;
};

double best_tiou(const RowRange& range, const std::vector<Segment>& truths) {
  double best = 0;
  for (const auto& truth : truths)
    best = std::max(best, tiou({static_cast<double>(range.first), static_cast<double>(range.end)}, truth));
  return best;
}

std::vector<Example> balanced_examples(const std::vector<ActionCandidate>& candidates,
                                       const std::vector<Segment>& truths, std::int64_t snippets, Random& random) {
  std::vector<Example> big, middle, small;
  const auto sort_in = [&](const RowRange& range) {
    const double iou = best_tiou(range, truths);
    (iou > kBig ? big : iou > kMiddle ? middle : small).push_back({range, iou});
  };
  for (const auto& c : candidates) sort_in(c);
  if (big.empty())
    for (const auto& truth : truths) {
      const auto limit = static_cast<double>(snippets);
      const auto first = static_cast<std::int64_t>(std::floor(std::clamp(truth.start, 0.0, limit))),
                 last = static_cast<std::int64_t>(std::ceil(std::clamp(truth.end, 0.0, limit)));
      if (last > first) sort_in({first, last});
    }
  const std::size_t n = std::max<std::size_t>(1, big.size());
  std::vector<Example> examples = big;
  for (auto* set : {&middle, &small}) {
    const auto drawn = random.choose(std::move(*set), n);
    examples.insert(examples.end(), drawn.begin(), drawn.end());
  }
  return examples;
}

// The proposal with its preset and IoU scores beside those that it had, and their product as its score.
Proposal with_iou(Record& record, const Proposal& from, double iou) {
  Proposal p = from;
  p.scores = record.keep_scores({{"preset", from.score}, {"iou", iou}});
  p.score = from.score * iou;
  return p;
}

// Rows or frames of a sequence.
std::int64_t rows_of(const Sequence& sequence) {
  return sequence.frames ? sequence.frames->count() : sequence.x.size(0);
}

void require_finite(const torch::Tensor& output, const Sequence& sequence, const char* what) {
  if (all_finite({output})) return;
  if (!sequence.frames && !all_finite({sequence.x})) throw Error("values that are not finite").at_field("features");
  throw Error(
      std::string("model 'cmsn': its ") + what +
      " are not finite; a training that diverged leaves such a model (a lower train.lr or train.clip may help)");
}

}  // namespace

std::vector<ActionCandidate> CmsnModel::candidates(const torch::Tensor& scores) const {
  const auto best = scores.argmax(1).to(torch::kByte).contiguous();
  const std::span<const std::uint8_t> stages(best.const_data_ptr<std::uint8_t>(),
                                             static_cast<std::size_t>(best.numel()));
  return action_candidates(stages, decay_, cap_, split_ ? RunEnd::kOrder : RunEnd::kBackground);
}

Settings CmsnModel::settings() {
  Settings s = settings_of(options_);
  s.add("c3d-weights", &c3d_weights_,
        "Weights that C3D starts from: a file as the encoder c3d reads it, or the word random")
      .with("input", {"clips"});
  s.add("fps", &frames_.fps, "Frames per second (0: the video's own, every frame)")
      .between(0, 1000)
      .with("input", {"clips"});
  s.add("frame-height", &frames_.side, "Pixels that frames are resized to").between(16, 4096).with("input", {"clips"});
  s.add("frame-width", &frames_.width, "Pixels that frames are resized to").between(16, 4096).with("input", {"clips"});
  s.add("crop", &crop_, "Pixels of the square that the network sees, of the frames' centre")
      .between(16, 4096)
      .with("input", {"clips"});
  s.add("random-crop", &random_crop_, "Each window of the training is cropped at a place of its own instead")
      .with("input", {"clips"});
  s.add("window", &window_, "Snippets of a window, 1 row or 8 frames each; windows overlap by half")
      .between(2, 1 << 16);
  return s;
}

Settings CmsnModel::inference() {
  Settings s;
  s.add("decode", &decode_,
        "Candidates of every window by itself, as the paper, or of the windows' probabilities stitched together",
        {"windows", "stitched"})
      .of_stages({"propose"});
  s.add("split", &split_,
        "A sequence also ends where Confirm, End or Follow gives way to Ready or Start; false: at Background alone, "
        "which makes one of actions that touch")
      .of_stages({"propose"});
  s.add("decay", &decay_, "Decay rate i of the preset score, a snippet").between(0, 1).of_stages({"propose"});
  s.add("cap", &cap_, "Candidates kept of each sequence, best preset scores first (0: all)")
      .between(0, 1 << 30)
      .of_stages({"propose"});
  return s;
}

std::vector<Preset> CmsnModel::presets() const {
  return {
      {"c3d", "Tables 1, 3 and 4, C3D from ActivityNet's weights; needs c3d-weights",
       R"({"input":"clips","frozen":2,"train.epochs":3,"evaluation-epochs":4})"},
      {"c3d-ucf101", "Table 3, C3D frozen at UCF-101's weights; needs c3d-weights",
       R"({"input":"clips","frozen":8,"train.epochs":3,"evaluation-epochs":4})"},
      {"two-stream", "Tables 2 and 4, features of two streams",
       R"({"input":"features","train.epochs":12,"evaluation-epochs":10})"},
      {"table5-softmax", "Table 5, softmax loss, without PES; add to c3d",
       R"({"loss":"softmax","evaluation-epochs":0})"},
      {"table5-lmcl", "Table 5, LMCL, without PES; add to c3d", R"({"loss":"lmcl","evaluation-epochs":0})"},
      {"table5-vmcl", "Table 5, VMCL, without PES; add to c3d",
       R"({"loss":"vmcl","margin-form":"worked","n":0.15,"m":0.1,"evaluation-epochs":0})"},
      {"angular", "Eq. (8), VMCL of the angle, without PES", R"({"loss":"angular","evaluation-epochs":0})"},
      {"eq7", "Eq. (7) as printed, without PES", R"({"loss":"vmcl","margin-form":"eq7","evaluation-epochs":0})"},
      {"table6-1", "Table 6, n = 0.1, m = 0.1, without PES; add to c3d",
       R"({"loss":"vmcl","margin-form":"worked","n":0.1,"m":0.1,"evaluation-epochs":0})"},
      {"table6-2", "Table 6, n = 0.15, m = 0.1, without PES; add to c3d",
       R"({"loss":"vmcl","margin-form":"worked","n":0.15,"m":0.1,"evaluation-epochs":0})"},
      {"table6-3", "Table 6, n = 0.18, m = 0.12, without PES; add to c3d",
       R"({"loss":"vmcl","margin-form":"worked","n":0.18,"m":0.12,"evaluation-epochs":0})"},
      {"table6-4", "Table 6, n = 0.25, m = 0.8, without PES; add to c3d",
       R"({"loss":"vmcl","margin-form":"worked","n":0.25,"m":0.8,"evaluation-epochs":0})"},
  };
}

std::optional<FrameContract> CmsnModel::frames() const {
  if (!sees_frames()) return {};
  return frames_;
}

void CmsnModel::check_settings() const {
  if (sees_frames() && crop_ > std::min(frames_.side, frames_.width))
    throw Error("is larger than the frames").at_field("crop");
}

void CmsnModel::check_start() const {
  if (!sees_frames()) return;
  const auto refuse = [](const std::string& why) { throw Error(why).at_field("c3d-weights"); };
  if (c3d_weights_.empty())
    refuse(
        "missing; C3D starts from weights, a file that tal-extract --encoder c3d:FILE takes, or says 'random' and is "
        "trained from random ones");
  if (c3d_weights_ != kRandomWeights) return load_c3d_weights(*C3d(options_.width, options_.frozen), c3d_weights_);
  if (options_.frozen > 0)
    refuse("random weights would stay random in the first " + std::to_string(options_.frozen) +
           " convolutions (frozen); name a file of weights");
}

void CmsnModel::build(const InputContract& inputs) {
  check_settings();
  if (inputs.frames != frames()) throw Error("the inputs are not those that the settings ask for").at_field("input");
  inputs_ = inputs;
  network_ = Cmsn(inputs.dim(), options_);
}

void CmsnModel::initialise() {
  if (sees_frames() && !c3d_weights_.empty() && c3d_weights_ != kRandomWeights)
    load_c3d_weights(*network_->extractor, c3d_weights_);
}

std::vector<Phase> CmsnModel::phases() const {
  std::vector<Phase> all = {{"stages"}};
  if (options_.evaluation_epochs > 0)
    all.push_back({.name = "evaluation", .epochs = options_.evaluation_epochs, .validate_scores = true});
  return all;
}

std::vector<ParameterGroup> CmsnModel::parameters(std::size_t phase) {
  ParameterGroup group;
  for (const auto& item : network_->named_parameters())
    if ((item.key().rfind("evaluation.", 0) == 0) == (phase == 1) && item.value().requires_grad())
      group.parameters.push_back(item.value());
  return {group};
}

std::vector<std::int64_t> CmsnModel::window_starts(std::int64_t rows) const {
  std::vector<std::int64_t> starts;
  const std::int64_t length = window_ * scale(), step = std::max<std::int64_t>(1, window_ / 2) * scale();
  for (std::int64_t first = 0; first < rows; first += step) {
    starts.push_back(first);
    if (first + length >= rows) break;
  }
  return starts;
}

std::vector<Sample> CmsnModel::samples(const TrainingSet& set, std::size_t phase) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    if (phase == 1 && video.truths.empty()) continue;  // nothing to compare a candidate with
    for (const auto first : window_starts(video.rows)) all.push_back({v, first, window_ * scale(), 0});
  }
  return all;
}

torch::Tensor CmsnModel::training_window(const TrainingSet& set, const Sample& sample) const {
  if (!sees_frames()) return set.rows(sample.video, sample.first, sample.count).t();
  const Frames& frames = set.frames(sample.video);
  Random random(sample.seed);
  return frame_clip(frames, sample.first, sample.count,
                    random_crop_ ? random_crop(frames, crop_, random) : centre_crop(frames, crop_));
}

torch::Tensor CmsnModel::window_of(const Sequence& sequence, std::int64_t first) const {
  const std::int64_t length = window_ * scale();
  if (const auto& frames = sequence.frames) return frame_clip(*frames, first, length, centre_crop(*frames, crop_));
  const auto rows = sequence.x.slice(0, first, first + length).t();
  return torch::constant_pad_nd(rows, {0, length - rows.size(1)});
}

Batch CmsnModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  std::vector<torch::Tensor> windows, labels;
  std::vector<double> truths;  // start, end, in snippets of the window; `counts` of them a window
  std::vector<std::int64_t> counts, seeds, valid;
  for (const auto& sample : samples) {
    const auto& video = set.video(sample.video);
    windows.push_back(training_window(set, sample));
    const auto snippet = [&](double seconds) {
      return (video.time.row(seconds) - static_cast<double>(sample.first)) / static_cast<double>(scale());
    };
    std::vector<Segment> instances;
    for (const auto& truth : video.truths)
      instances.push_back({snippet(truth.segment.start), snippet(truth.segment.end)});
    const auto stages = action_stage_labels(instances, window_);
    const auto inside = std::min(window_, snippets(video.rows - sample.first));
    std::vector<std::int64_t> label(stages.begin(), stages.begin() + inside);
    label.resize(static_cast<std::size_t>(window_), -1);  // beyond the video: left out
    labels.push_back(torch::tensor(label, torch::kLong));
    for (const auto& instance : instances)
      for (const double value : {instance.start, instance.end}) truths.push_back(value);
    counts.push_back(static_cast<std::int64_t>(instances.size())), valid.push_back(inside),
        seeds.push_back(static_cast<std::int64_t>(sample.seed));
    batch.videos.push_back(video.id);
  }
  batch.tensors = {{"x", stack_clips(windows)},
                   {"label", torch::stack(labels)},
                   {"truth", torch::tensor(truths, torch::kDouble).view({-1, 2})},
                   {"truth-count", torch::tensor(counts, torch::kLong)},
                   {"valid", torch::tensor(valid, torch::kLong)},
                   {"seed", torch::tensor(seeds, torch::kLong)}};
  return batch;
}

Losses CmsnModel::loss(const Batch& batch, std::size_t phase) {
  return phase == 0 ? stage_loss(batch) : evaluation_phase_loss(batch);
}

Losses CmsnModel::stage_loss(const Batch& batch) {
  const auto out = network_->stages_of(batch.at("x"));
  const auto& label = batch.at("label");
  Losses losses;
  losses.loss = network_->stages->classifier->loss(out.outputs, label);
  const auto known = label.ge(0);
  const auto right = out.outputs.detach().argmax(-1).eq(label).logical_and(known);
  losses.parts = {{"accuracy", right.sum().to(torch::kFloat) / known.sum().clamp_min(1)}};
  return losses;
}

Losses CmsnModel::evaluation_phase_loss(const Batch& batch) {
  ActionStageOutputs out;
  {
    // Frozen: no dropout, no statistics, no gradients.
    torch::NoGradGuard guard;
    const bool training = network_->is_training();
    network_->eval();
    out = network_->stages_of(batch.at("x"));
    network_->train(training);
  }
  const auto host = [&](const char* name) { return batch.at(name).cpu().contiguous(); };
  require_finite(*this, batch, {out.outputs});
  const auto outputs = out.outputs.cpu(), truth = host("truth"), counts = host("truth-count"), valid = host("valid"),
             seeds = host("seed");
  std::vector<torch::Tensor> pooled;
  std::vector<float> iou;
  std::int64_t at = 0;
  for (std::int64_t b = 0; b < outputs.size(0); ++b) {
    std::vector<Segment> truths;
    for (std::int64_t k = 0; k < counts[b].item<std::int64_t>(); ++k, ++at)
      truths.push_back({truth[at][0].item<double>(), truth[at][1].item<double>()});
    const auto snippets = valid[b].item<std::int64_t>();
    Random random(static_cast<std::uint64_t>(seeds[b].item<std::int64_t>()));
    std::vector<RowRange> ranges;
    for (const auto& example :
         balanced_examples(candidates(outputs[b].narrow(0, 0, snippets)), truths, snippets, random))
      ranges.push_back(example.range), iou.push_back(static_cast<float>(example.iou));
    if (!ranges.empty()) pooled.push_back(network_->evaluation->pool(out.cnn[b], ranges));
  }
  Losses losses;
  const auto count = torch::tensor(static_cast<float>(iou.size()));
  if (pooled.empty()) {  // no candidate and no ground truth: nothing to learn from
    losses.loss = torch::zeros({}, out.cnn.options());
    for (const auto& parameter : network_->evaluation->parameters()) losses.loss = losses.loss + 0 * parameter.sum();
    losses.parts = {{"candidates", count}};
    return losses;
  }
  const auto score = network_->evaluation->forward(torch::cat(pooled)), target = torch::tensor(iou).to(score.device());
  losses.loss = evaluation_loss(score, target);
  losses.parts = {{"candidates", count}, {"error", (score - target).detach().abs().mean()}};
  return losses;
}

template <class F>
void CmsnModel::over_windows(const Sequence& sequence, F&& use) {
  constexpr std::size_t kWindowsAtATime = 8;
  const auto starts = window_starts(rows_of(sequence));
  const std::size_t together = sees_frames() ? 1 : kWindowsAtATime;
  const auto some = [&](std::size_t k) { return std::span(starts).subspan(k, std::min(together, starts.size() - k)); };
  const auto read = [&](std::size_t k) {
    std::vector<torch::Tensor> windows;
    for (const auto first : some(k)) windows.push_back(window_of(sequence, first));
    return stack_clips(windows);
  };
  std::future<torch::Tensor> next;
  if (!starts.empty()) next = std::async(std::launch::async, read, 0);
  for (std::size_t k = 0; k < starts.size(); k += together) {
    const auto windows = next.get();
    if (k + together < starts.size()) next = std::async(std::launch::async, read, k + together);
    use(windows.to(device), some(k));
  }
}

CmsnModel::Decoding CmsnModel::decode(const Sequence& sequence) {
  const auto count = snippets(rows_of(sequence));
  auto sum = torch::zeros({count, static_cast<std::int64_t>(kActionStages)}), weight = torch::zeros({count, 1});
  const auto own =
      torch::minimum(torch::arange(1, window_ + 1), torch::arange(window_, 0, -1)).to(torch::kFloat).unsqueeze(1);
  std::map<std::pair<std::int64_t, std::int64_t>, double> found;  // of all windows: pair of snippets -> its best preset
                                                                  // score
  over_windows(sequence, [&](const torch::Tensor& windows, std::span<const std::int64_t> firsts) {
    const auto out = network_->stages_of(windows);
    const auto probability = on_host(network_->stages->classifier->probabilities(out.outputs));
    require_finite(probability, sequence, "stages' probabilities");
    for (std::size_t k = 0; k < firsts.size(); ++k) {
      const auto first = firsts[k] / scale(), n = std::min(window_, count - first);
      const auto of_window = probability[static_cast<std::int64_t>(k)].narrow(0, 0, n);
      sum.narrow(0, first, n) += own.narrow(0, 0, n) * of_window;
      weight.narrow(0, first, n) += own.narrow(0, 0, n);
      if (decode_ != "windows") continue;
      for (const auto& c : candidates(of_window)) {
        double& preset = found[{first + c.first, first + c.end}];
        preset = std::max(preset, c.preset);
      }
    }
  });
  Decoding decoding{(sum / weight).contiguous(), {}};
  if (decode_ != "windows") decoding.candidates = candidates(decoding.probability);
  for (const auto& [pair, preset] : found) decoding.candidates.push_back({pair.first, pair.second, preset});
  return decoding;
}

torch::Tensor CmsnModel::cnn_features(const Sequence& sequence) {
  const auto count = snippets(rows_of(sequence));
  auto features = torch::zeros({count, options_.hidden}, torch::TensorOptions().device(device));
  over_windows(sequence, [&](const torch::Tensor& windows, std::span<const std::int64_t> firsts) {
    const auto cnn = network_->cnn_of(windows);
    for (std::size_t k = 0; k < firsts.size(); ++k) {
      // From a quarter on: what is before is nearer to the middle of the window before.
      const auto first = firsts[k] / scale(), skip = first > 0 ? window_ / 4 : 0,
                 n = std::min(window_, count - first) - skip;
      if (n > 0) features.narrow(0, first + skip, n).copy_(cnn[static_cast<std::int64_t>(k)].narrow(0, skip, n));
    }
  });
  return features;
}

void CmsnModel::propose(Record& record, const Sequence& sequence) {
  record.require_whole_video();
  torch::NoGradGuard guard;
  if (sequence.frames && !record.has("duration"))
    record.set_number("duration", sequence.duration);  // of the decoded video
  const auto [probability, candidates] = decode(sequence);
  std::vector<Proposal> proposals;
  const double rows_a_snippet = static_cast<double>(scale());
  for (const auto& c : candidates) {
    Proposal p;
    p.segment = sequence.time.seconds(
        Segment{static_cast<double>(c.first) * rows_a_snippet, static_cast<double>(c.end) * rows_a_snippet});
    p.segment.start = std::max(p.segment.start, 0.0);
    if (sequence.duration > 0) p.segment.end = std::min(p.segment.end, sequence.duration);
    if (!(p.segment.end > p.segment.start)) continue;
    p.score = c.preset;
    proposals.push_back(p);
  }
  record.set_proposals(proposals);
  if (probability.size(0) == 0) return;
  const float* const values = probability.const_data_ptr<float>();
  FloatMap map{{probability.size(0), probability.size(1)}, {values, values + probability.numel()}, {}, {}};
  map.columns = {kActionStageNames.begin(), kActionStageNames.end()};
  set_float_map(record, "cmsn", map);
}

void CmsnModel::score(Record& record, const Sequence& sequence) {
  std::vector<Proposal> proposals = record.require_proposals();
  check_factors(proposals, "the product with the IoU score");
  if (proposals.empty() || rows_of(sequence) == 0) return;
  torch::NoGradGuard guard;
  constexpr std::size_t kGroup = 4096;  // candidates that are pooled at a time
  const auto features = cnn_features(sequence);
  std::vector<RowRange> ranges;
  for (const auto& p : proposals) {
    // At least the snippet at the start, inside the video.
    const auto snippet = [&](double seconds) { return sequence.time.row(seconds) / static_cast<double>(scale()); };
    const double limit = static_cast<double>(features.size(0)), slack = 1e-6;  // candidates come back to their snippets
    const auto first =
        static_cast<std::int64_t>(std::floor(std::clamp(snippet(p.segment.start) + slack, 0.0, limit - 1)));
    const auto last = static_cast<std::int64_t>(std::ceil(std::clamp(snippet(p.segment.end) - slack, 0.0, limit)));
    ranges.push_back({first, std::max(last, first + 1)});
  }
  for (std::size_t begin = 0; begin < ranges.size(); begin += kGroup) {
    const auto own = std::span(ranges).subspan(begin, std::min(kGroup, ranges.size() - begin));
    const auto scores =
        network_->evaluation->forward(network_->evaluation->pool(features, own)).cpu().to(torch::kDouble).contiguous();
    require_finite(scores, sequence, "IoU scores");
    for (std::size_t i = 0; i < own.size(); ++i)
      proposals[begin + i] = with_iou(record, proposals[begin + i], scores.const_data_ptr<double>()[i]);
  }
  record.set_proposals(proposals);
}

}  // namespace tal
