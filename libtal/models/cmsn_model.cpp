#include "libtal/models/cmsn_model.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/maps.h"
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
  for (const auto& truth : truths) best = std::max(best, tiou({static_cast<double>(range.first), static_cast<double>(range.last)}, truth));
  return best;
}

std::vector<Example> balanced_examples(const std::vector<StageCandidate>& candidates, const std::vector<Segment>& truths, std::int64_t snippets, Random& random) {
  std::vector<Example> big, middle, small;
  const auto sort_in = [&](const RowRange& range) {
    const double iou = best_tiou(range, truths);
    (iou > kBig ? big : iou > kMiddle ? middle : small).push_back({range, iou});
  };
  for (const auto& c : candidates) sort_in({c.start, c.end});
  if (big.empty())
    for (const auto& truth : truths) {
      const auto limit = static_cast<double>(snippets);
      const auto first = static_cast<std::int64_t>(std::floor(std::clamp(truth.start, 0.0, limit))), last = static_cast<std::int64_t>(std::ceil(std::clamp(truth.end, 0.0, limit)));
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
  const auto had = proposal_scores(from);
  Proposal p = from;
  if (!had.empty()) p.source = {};  // written anew: a second "scores" would not be JSON
  std::string parts = "\"scores\":{";
  for (const auto& [name, value] : had) {
    if (name == "preset" || name == "iou") continue;
    append_json_string(parts, name), parts += ':';
    append_number(parts, value), parts += ',';
  }
  parts += "\"preset\":";
  append_number(parts, from.score), parts += ",\"iou\":";
  append_number(parts, iou), parts += '}';
  p.extra = record.keep(parts);
  p.score = from.score * iou;
  return p;
}

}  // namespace

std::vector<StageCandidate> CmsnModel::candidates(const torch::Tensor& scores) const {
  const auto best = scores.argmax(1).to(torch::kByte).contiguous();
  const std::span<const std::uint8_t> stages(best.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(best.numel()));
  return stage_candidates(stages, decay_, cap_, split_ ? RunEnd::kOrder : RunEnd::kBackground);
}

Settings CmsnModel::settings() {
  Settings s = settings_of(options_);
  s.add("window", &window_, "Snippets of a window; windows overlap by half");
  s.add("evaluation-epochs", &evaluation_epochs_, "Epochs of the evaluation subnet, after train.epochs of the stages (0: as many)");
  return s;
}

Settings CmsnModel::inference() {
  Settings s;
  s.add("decay", &decay_, "Decay rate i of the preset score, a snippet");
  s.add("cap", &cap_, "Candidates kept of each run, best preset scores first (0: all)");
  s.add("split", &split_, "A run of stages also ends where End or Follow gives way to Ready or Start: for actions that touch each other");
  s.add("without-pes", &without_pes_, "Score by the preset score alone");
  return s;
}

std::vector<Preset> CmsnModel::presets() const {
  return {
      {"table5-softmax", "Table 5: softmax", R"({"loss":"softmax"})"},
      {"table5-lmcl", "Table 5: constant margin", R"({"loss":"lmcl"})"},
      {"table5-vmcl", "Table 5: variable margins", R"({"loss":"vmcl"})"},
      {"angular", "Eq. (8): margins of the angle", R"({"loss":"angular"})"},
      {"eq7", "Margins of Eq. (7) as printed", R"({"margin-form":"eq7"})"},
      {"table6-1", "Table 6: n 0.1, m 0.1", R"({"n":0.1,"m":0.1})"},
      {"table6-2", "Table 6: n 0.15, m 0.1", R"({"n":0.15,"m":0.1})"},
      {"table6-3", "Table 6: n 0.18, m 0.12", R"({"n":0.18,"m":0.12})"},
      {"table6-4", "Table 6: n 0.25, m 0.8", R"({"n":0.25,"m":0.8})"},
      {"c3d", "Table 2: C3D", R"({"input":"clips","train.epochs":3,"evaluation-epochs":4})"},
      {"c3d-ucf101", "Table 3: C3D frozen at its UCF101 weights", R"({"input":"clips","frozen":8,"train.epochs":3,"evaluation-epochs":4})"},
  };
}

void CmsnModel::build(const InputContract& inputs) {
  if (window_ < 2) throw Error("must be 2 or more").at_field("window");
  if (options_.frozen < 0 || options_.frozen > 8) throw Error("must be 0 to 8").at_field("frozen");
  if (options_.pooled_length < 1) throw Error("must be 1 or more").at_field("pooled-length");
  const std::int64_t frame = 3 * options_.frame_height * options_.frame_width;
  if (options_.input == "clips" && inputs.dim() != frame)
    throw Error("rows of " + std::to_string(inputs.dim()) + " values are not frames of 3 x " + std::to_string(options_.frame_height) + " x " +
                std::to_string(options_.frame_width)).at_field("input");
  inputs_ = inputs;
  network_ = Cmsn(inputs.dim(), options_);
}

std::vector<ParameterGroup> CmsnModel::parameters(std::size_t phase) {
  ParameterGroup group;
  for (const auto& item : network_->named_parameters())
    if ((item.key().rfind("evaluation.", 0) == 0) == (phase == 1) && item.value().requires_grad()) group.parameters.push_back(item.value());
  return {group};
}

std::vector<Sample> CmsnModel::samples(const TrainingSet& set, std::size_t phase) const {
  std::vector<Sample> all;
  const std::int64_t length = window_ * scale(), step = std::max<std::int64_t>(1, window_ / 2) * scale();
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    if (phase == 1 && video.truths.empty()) continue;  // nothing to compare a candidate with
    for (std::int64_t first = 0; first < video.rows; first += step) {
      all.push_back({v, first, length, 0});
      if (first + length >= video.rows) break;
    }
  }
  return all;
}

Batch CmsnModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  std::vector<torch::Tensor> rows, labels;
  std::vector<double> truths;  // start, end, in snippets of the window; `counts` of them a window
  std::vector<std::int64_t> counts, seeds, valid;
  for (const auto& sample : samples) {
    const auto& video = set.video(sample.video);
    rows.push_back(set.rows(sample.video, sample.first, sample.count));
    const auto snippet = [&](double seconds) { return (video.time.row(seconds) - static_cast<double>(sample.first)) / static_cast<double>(scale()); };
    std::vector<Segment> instances;
    for (const auto& truth : video.truths) instances.push_back({snippet(truth.segment.start), snippet(truth.segment.end)});
    const auto stages = stage_labels(instances, window_);
    const auto inside = std::min(window_, snippets(video.rows - sample.first));
    std::vector<std::int64_t> label(stages.begin(), stages.begin() + inside);
    label.resize(static_cast<std::size_t>(window_), -1);  // beyond the video: left out
    labels.push_back(torch::tensor(label, torch::kLong));
    for (const auto& instance : instances)
      for (const double value : {instance.start, instance.end}) truths.push_back(value);
    counts.push_back(static_cast<std::int64_t>(instances.size())), valid.push_back(inside), seeds.push_back(static_cast<std::int64_t>(sample.seed));
    batch.videos.push_back(video.id);
  }
  batch.tensors = {{"x", torch::stack(rows)}, {"label", torch::stack(labels)}, {"truth", torch::tensor(truths, torch::kDouble).view({-1, 2})}, {"truth-count", torch::tensor(counts, torch::kLong)},
                   {"valid", torch::tensor(valid, torch::kLong)}, {"seed", torch::tensor(seeds, torch::kLong)}};
  return batch;
}

Losses CmsnModel::loss(const Batch& batch, std::size_t phase) { return phase == 0 ? stage_loss(batch) : evaluation_phase_loss(batch); }

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
  StageOutputs out;
  {
    // Frozen: no dropout, no statistics, no gradients.
    torch::NoGradGuard guard;
    const bool training = network_->is_training();
    network_->eval();
    out = network_->stages_of(batch.at("x"));
    network_->train(training);
  }
  const auto host = [&](const char* name) { return batch.at(name).cpu().contiguous(); };
  const auto outputs = out.outputs.cpu(), truth = host("truth"), counts = host("truth-count"), valid = host("valid"), seeds = host("seed");
  std::vector<torch::Tensor> pooled;
  std::vector<float> iou;
  std::int64_t at = 0;
  for (std::int64_t b = 0; b < outputs.size(0); ++b) {
    std::vector<Segment> truths;
    for (std::int64_t k = 0; k < counts[b].item<std::int64_t>(); ++k, ++at) truths.push_back({truth[at][0].item<double>(), truth[at][1].item<double>()});
    const auto snippets = valid[b].item<std::int64_t>();
    Random random(static_cast<std::uint64_t>(seeds[b].item<std::int64_t>()));
    std::vector<RowRange> ranges;
    for (const auto& example : balanced_examples(candidates(outputs[b].narrow(0, 0, snippets)), truths, snippets, random))
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
void CmsnModel::over_windows(const torch::Tensor& rows, F&& use) {
  constexpr std::int64_t kWindowsAtATime = 8;
  const std::int64_t length = window_ * scale(), step = std::max<std::int64_t>(1, window_ / 2) * scale(), total = rows.size(0);
  std::vector<std::int64_t> firsts;
  for (std::int64_t first = 0; first < total; first += step) {
    firsts.push_back(first);
    if (first + length >= total) break;
  }
  const std::int64_t together = options_.input == "clips" ? 1 : kWindowsAtATime;
  for (std::size_t k = 0; k < firsts.size(); k += static_cast<std::size_t>(together)) {
    std::vector<torch::Tensor> windows;
    for (std::size_t j = k; j < std::min(firsts.size(), k + static_cast<std::size_t>(together)); ++j) {
      auto window = rows.narrow(0, firsts[j], std::min(length, total - firsts[j]));
      if (window.size(0) < length) window = torch::constant_pad_nd(window, {0, 0, 0, length - window.size(0)});
      windows.push_back(window);
    }
    use(torch::stack(windows).to(device), std::span(firsts).subspan(k, windows.size()));
  }
}

torch::Tensor CmsnModel::stage_probabilities(const torch::Tensor& rows) {
  const auto count = snippets(rows.size(0));
  auto sum = torch::zeros({count, static_cast<std::int64_t>(kActionStages)}), weight = torch::zeros({count, 1});
  const auto own = torch::minimum(torch::arange(1, window_ + 1), torch::arange(window_, 0, -1)).to(torch::kFloat).unsqueeze(1);
  over_windows(rows, [&](const torch::Tensor& windows, std::span<const std::int64_t> firsts) {
    const auto out = network_->stages_of(windows);
    const auto probability = on_host(network_->stages->classifier->probabilities(out.outputs));
    for (std::size_t k = 0; k < firsts.size(); ++k) {
      const auto first = firsts[k] / scale(), n = std::min(window_, count - first);
      sum.narrow(0, first, n) += own.narrow(0, 0, n) * probability[static_cast<std::int64_t>(k)].narrow(0, 0, n);
      weight.narrow(0, first, n) += own.narrow(0, 0, n);
    }
  });
  return sum / weight;
}

torch::Tensor CmsnModel::cnn_features(const torch::Tensor& rows) {
  const auto count = snippets(rows.size(0));
  auto features = torch::zeros({count, options_.hidden}, torch::TensorOptions().device(device));
  over_windows(rows, [&](const torch::Tensor& windows, std::span<const std::int64_t> firsts) {
    const auto cnn = network_->cnn_of(windows);
    for (std::size_t k = 0; k < firsts.size(); ++k) {
      // From a quarter on: what is before is nearer to the middle of the window before.
      const auto first = firsts[k] / scale(), skip = first > 0 ? window_ / 4 : 0, n = std::min(window_, count - first) - skip;
      if (n > 0) features.narrow(0, first + skip, n).copy_(cnn[static_cast<std::int64_t>(k)].narrow(0, skip, n));
    }
  });
  return features;
}

void CmsnModel::propose(Record& record, const Sequence& sequence) {
  record.require_whole_video();
  torch::NoGradGuard guard;
  std::vector<Proposal> proposals;
  torch::Tensor probability = torch::zeros({0, static_cast<std::int64_t>(kActionStages)});
  if (sequence.x.size(0) > 0) probability = stage_probabilities(sequence.x).contiguous();
  const double rows_a_snippet = static_cast<double>(scale());
  for (const auto& c : candidates(probability)) {
    Proposal p;
    p.segment = sequence.time.seconds(Segment{static_cast<double>(c.start) * rows_a_snippet, static_cast<double>(c.end) * rows_a_snippet});
    p.segment.start = std::max(p.segment.start, 0.0);
    if (sequence.duration > 0) p.segment.end = std::min(p.segment.end, sequence.duration);
    if (!(p.segment.end > p.segment.start)) continue;
    p.score = c.preset;
    proposals.push_back(p);
  }
  record.set_proposals(proposals);
  if (probability.size(0) == 0) return;
  const std::string columns = R"({"columns":["background","ready","start","confirm","end","follow"],)";
  set_map(record, "cmsn", columns + float_map_members({probability.size(0), probability.size(1)}, probability.const_data_ptr<float>()) + "}");
}

void CmsnModel::score(Record& record, const Sequence& sequence) {
  std::vector<Proposal> proposals = record.require_proposals();
  if (proposals.empty() || sequence.x.size(0) == 0 || without_pes_) return;
  torch::NoGradGuard guard;
  constexpr std::size_t kGroup = 4096;  // candidates that are pooled at a time
  const auto features = cnn_features(sequence.x);
  std::vector<RowRange> ranges;
  for (const auto& p : proposals) {
    // At least the snippet at the start, inside the video.
    const auto snippet = [&](double seconds) { return sequence.time.row(seconds) / static_cast<double>(scale()); };
    const double limit = static_cast<double>(features.size(0)), slack = 1e-6;  // candidates come back to their snippets
    const auto first = static_cast<std::int64_t>(std::floor(std::clamp(snippet(p.segment.start) + slack, 0.0, limit - 1)));
    const auto last = static_cast<std::int64_t>(std::ceil(std::clamp(snippet(p.segment.end) - slack, 0.0, limit)));
    ranges.push_back({first, std::max(last, first + 1)});
  }
  for (std::size_t begin = 0; begin < ranges.size(); begin += kGroup) {
    const auto own = std::span(ranges).subspan(begin, std::min(kGroup, ranges.size() - begin));
    const auto scores = network_->evaluation->forward(network_->evaluation->pool(features, own)).cpu().to(torch::kDouble).contiguous();
    for (std::size_t i = 0; i < own.size(); ++i) proposals[begin + i] = with_iou(record, proposals[begin + i], scores.const_data_ptr<double>()[i]);
  }
  record.set_proposals(proposals);
}

}  // namespace tal
