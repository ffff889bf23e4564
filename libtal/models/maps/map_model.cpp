#include "libtal/models/maps/map_model.h"

#include <algorithm>
#include <map>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/interval_rows.h"

namespace tal {
namespace F = torch::nn::functional;
namespace {

// Rows [first, first + length) of [R, C] as [C, length], zeros behind the last row.
torch::Tensor window(const torch::Tensor& rows, std::int64_t first, std::int64_t length) {
  const std::int64_t count = std::min(length, rows.size(0) - first);
  return F::pad(rows.narrow(0, first, count).t(), F::PadFuncOptions({0, length - count}));
}

// Truths in the rows of a sample: `scale` rows of the network for one of the stream.
std::vector<Segment> truth_rows(const TrainingSet::Video& video, double first, double scale) {
  std::vector<Segment> truths;
  for (const auto& truth : video.truths)
    truths.push_back(
        {(video.time.row(truth.segment.start) - first) * scale, (video.time.row(truth.segment.end) - first) * scale});
  return truths;
}

// A whole truth, or a part of one that no window could hold.
bool holds_truth(const std::vector<Segment>& truths, double length) {
  return std::any_of(truths.begin(), truths.end(), [&](const Segment& t) {
    return (t.start >= 0 && t.end <= length) || (t.length() > length && t.start < length && t.end > 0);
  });
}

// Maps of a network whose training diverged would become proposals without scores.
void require_finite_maps(const Model& model, const ProposalMaps& maps) {
  if (!all_finite({maps.start, maps.end, maps.regression, maps.classification}))
    throw Error("model '" + model.name() +
                "': the network's output is no number: its training has diverged, or its weights are damaged");
}

constexpr std::size_t kTogether = 8;  // windows of one video in one pass: bounds the memory of long videos

}  // namespace

Settings MapModel::settings() {
  Settings s = network_settings();
  s.add("input", &input_.input,
        "What the network sees: the whole video rescaled to its rows, or windows of as many rows",
        {"rescale", "windows"});
  s.add("train-overlap", &input_.train_overlap, "Overlap of training windows, share of their length")
      .at_least(0)
      .below(1)
      .with("input", {"windows"});
  return s;
}

Settings MapModel::inference() {
  Settings s = network_inference();
  s.add("window", &inference_.window,
        "Rows of the stream in a window (0: the whole video when it is rescaled, else as trained)")
      .between(0, 1 << 24);
  s.add("overlap", &inference_.overlap, "Overlap of windows, share of their length")
      .at_least(0)
      .below(1)
      .with_any({{"input", {"windows"}, true}, {"window", {"0"}, false}});
  s.add("scales", &inference_.scales, "Rows of a rescaled video: as trained (fixed), or by its duration",
        {"fixed", "duration"})
      .with("input", {"rescale"});
  s.add("scale-rows", &inference_.scale_rows, "Rows of videos up to 30 s, up to 120 s, and longer ones")
      .between(4, kMostRows)
      .count(3, 3)
      .with("scales", {"duration"});
  s.append(settings_of(inference_.output));
  return s;
}

std::vector<Sample> MapModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    if (video.truths.empty() || video.rows < 1) continue;
    if (input_.input == "rescale") {
      all.push_back({v, 0, video.rows, 0});
      continue;
    }
    for (const std::int64_t first : window_starts(video.rows, rows(), input_.train_overlap))
      if (holds_truth(truth_rows(video, static_cast<double>(first), 1), static_cast<double>(rows())))
        all.push_back({v, first, rows(), 0});
  }
  return all;
}

Batch MapModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random, std::size_t) const {
  const std::int64_t t = rows(), d = durations();
  std::vector<torch::Tensor> x, boundary;
  std::vector<double> confidence;  // [B][D][T]
  Batch batch;
  for (const Sample& sample : samples) {
    const auto& video = set.video(sample.video);
    const bool rescale = input_.input == "rescale";
    const auto features = set.rows(sample.video, sample.first, sample.count);  // zeros outside the video
    x.push_back(rescale ? resize_rows(features, t).t() : features.t());
    const auto truths = truth_rows(video, static_cast<double>(sample.first),
                                   rescale ? static_cast<double>(t) / static_cast<double>(sample.count) : 1.0);
    const auto labels = boundary_labels(truths, t, nearest_labels());
    boundary.push_back(torch::stack({torch::tensor(labels.start), torch::tensor(labels.end)}).to(torch::kFloat));
    const auto own = confidence_labels(truths, t, d);
    confidence.insert(confidence.end(), own.begin(), own.end());
    batch.videos.push_back(video.id);
  }
  const auto map = [&](const auto& values) { return torch::tensor(values).to(torch::kFloat).view({-1, d, t}); };
  batch.tensors = {{"x", torch::stack(x)},
                   {"boundary", torch::stack(boundary)},
                   {"iou", map(confidence)},
                   {"sampled", map(draw(confidence, random))}};
  return batch;
}

std::string MapModel::map_extent() const {
  if (input_.input == "windows")
    return "windows of " + std::to_string(inference_.window > 0 ? inference_.window : rows()) + " rows";
  return inference_.window > 0 ? "rescaled windows of " + std::to_string(inference_.window) + " rows" : "whole videos";
}

std::vector<std::pair<std::int64_t, std::int64_t>> MapModel::map_sizes() const {
  const auto size = [&](std::int64_t t) { return std::pair(std::min(durations(), t), t); };
  if (inference_.scales == "fixed")
    return {size(input_.input == "windows" && inference_.window > 0 ? inference_.window : rows())};
  std::vector<std::pair<std::int64_t, std::int64_t>> sizes;
  for (const std::int64_t t : inference_.scale_rows) sizes.push_back(size(t));
  return sizes;
}

std::int64_t MapModel::network_rows(std::int64_t extent, double duration) const {
  if (input_.input == "windows") {
    if (inference_.scales != "fixed")
      throw Error("scales: windows have the rows that the model was trained on; '" + inference_.scales +
                  "' is for rescaled videos");
    return extent;
  }
  if (inference_.scales == "fixed") return rows();
  return multi_scale_rows(duration, inference_.scale_rows);
}

MapModel::Plan MapModel::plan(const Sequence& sequence) const {
  const std::int64_t count = sequence.x.size(0);
  if (count < 1) throw Error("the features have no rows");
  const bool rescale = input_.input == "rescale";
  if (rescale && inference_.scales == "duration" && !(sequence.duration > 0))
    throw Error("missing: rows by duration need it").at_field("duration");
  const std::int64_t wanted = inference_.window > 0 ? inference_.window : rescale ? count : rows();
  const std::int64_t extent = rescale ? std::min(wanted, count) : wanted;  // rows of the stream in a window
  const std::int64_t length = network_rows(
      extent, extent < count ? sequence.time.seconds({0, static_cast<double>(extent)}).length() : sequence.duration);
  if (length < least_rows())
    throw Error("window: the network needs windows of at least " + std::to_string(least_rows()) + " rows, not " +
                std::to_string(length));
  Plan plan;
  for (const std::int64_t first : window_starts(count, extent, inference_.overlap)) {
    const double start = static_cast<double>(first);
    const Segment time = sequence.time.seconds({start, start + static_cast<double>(extent)});
    plan.windows.push_back({time, first, extent, rescale ? length : std::min(extent, count - first), {}});
    plan.x.push_back(rescale ? resize_rows(sequence.x.narrow(0, first, extent), length).t()
                             : window(sequence.x, first, extent));
  }
  return plan;
}

void MapModel::infer_windows(std::span<Plan> plans, std::size_t together) {
  std::map<std::int64_t, std::pair<std::vector<MapWindow*>, std::vector<torch::Tensor>>> of_rows;
  for (auto& plan : plans)
    for (std::size_t k = 0; k < plan.windows.size(); ++k) {
      auto& [windows, x] = of_rows[plan.x[k].size(1)];
      windows.push_back(&plan.windows[k]);
      x.push_back(plan.x[k]);
    }
  for (const auto& [rows, same] : of_rows) {
    const auto& [windows, x] = same;
    for (std::size_t begin = 0; begin < x.size(); begin += together) {
      const std::size_t count = std::min(together, x.size() - begin);
      const auto maps = infer(torch::stack(at::TensorList(x).slice(begin, count)).to(device));
      for (std::size_t k = 0; k < count; ++k) windows[begin + k]->maps = maps[k];
    }
  }
}

std::vector<MapWindow> MapModel::map_windows(const Sequence& sequence) {
  Plan one = plan(sequence);
  infer_windows({&one, 1}, kTogether);
  for (const auto& window : one.windows) require_finite_maps(*this, window.maps);
  return std::move(one.windows);
}

std::vector<std::function<void(Record&)>> MapModel::propose_together(std::span<const Sequence> sequences) {
  std::vector<Plan> plans(sequences.size());
  std::vector<std::optional<Error>> faults(sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) try {
      plans[i] = plan(sequences[i]);
    } catch (const Error& error) {
      faults[i] = error;
    }
  infer_windows(plans, std::max(kTogether, sequences.size()));
  std::vector<std::function<void(Record&)>> rest;
  for (std::size_t i = 0; i < sequences.size(); ++i)
    rest.emplace_back([this, duration = sequences[i].duration, windows = std::move(plans[i].windows),
                       fault = std::move(faults[i])](Record& record) {
      if (fault) throw Error(*fault);
      for (const auto& window : windows) require_finite_maps(*this, window.maps);
      write_map_proposals(record, duration, windows, name(), inference_.output);
    });
  return rest;
}

void MapModel::propose(Record& record, const Sequence& sequence) {
  write_map_proposals(record, sequence.duration, map_windows(sequence), name(), inference_.output);
}

}  // namespace tal
