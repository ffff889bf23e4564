// The RPN at the size of its paper (T = 100, C = 10,240, M_B2, L = 14, L^ = 42, 900 anchors): the re-associated form
// against the plain one.
#include <torch/torch.h>

#include <memory>

#include "bench/bench.h"
#include "libtal/base/random.h"
#include "libtal/models/rpn/rpn.h"
#include "libtal/segment/anchors.h"

namespace tal::bench {
namespace {

constexpr std::int64_t kRows = 100, kChannels = 10240;

std::vector<Segment> paper_anchors() {
  return make_anchors(
      kRows, std::vector<double>{1, 3.0 / 4, 1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 50, 1.0 / 100});
}

struct Video {
  RpnOptions options;
  RpnNetwork network{nullptr};
  RpnInput input;
  std::vector<Segment> anchors = paper_anchors();
};

RpnInput input_of(const RpnOptions& options, const torch::Tensor& x, const std::vector<std::vector<Segment>>& anchors) {
  RpnInput input{x, {}, {}};
  RpnNetworkImpl::Planner planner(options, x.size(0));
  for (std::size_t v = 0; v < anchors.size(); ++v)
    planner.add({static_cast<std::int64_t>(v) * kRows, static_cast<std::int64_t>(v + 1) * kRows}, anchors[v]);
  planner.finish(input);
  return input;
}

std::shared_ptr<Video> paper_video() {
  torch::manual_seed(1);
  auto video = std::make_shared<Video>();
  video->network = RpnNetwork(kChannels, video->options);
  video->input = input_of(video->options, normalise_rows(torch::randn({kRows, kChannels}).abs()), {video->anchors});
  return video;
}

Case backbone() {
  auto video = paper_video();
  Case c{"rpn/backbone",
         "both backbones, T = 100, C = 10240, 900 anchors, M_B2",
         "every anchor and vicinity resampled, then conv1d",
         "ms",
         0,
         2};
  c.subject = [video] {
    const torch::NoGradGuard guard;
    (void)video->network->backbones(video->input);
  };
  c.reference = [video] {  // 60 anchors at a time: all rows together would take 2 GB
    const torch::NoGradGuard guard;
    for (std::size_t k = 0; k < video->anchors.size(); k += 60)
      (void)video->network->direct_backbones(
          video->input.x, std::vector<Segment>(video->anchors.begin() + static_cast<std::ptrdiff_t>(k),
                                               video->anchors.begin() + static_cast<std::ptrdiff_t>(k + 60)));
  };
  return c;
}
const Register backbone_case("rpn/backbone", backbone);

// The products of both BiLSTMs over all 900 anchors, 278 GFLOP: every row with the input weights and the recurrent
// weights of both directions.
void lstm_products(const RpnOptions& o, std::int64_t anchors) {
  const torch::NoGradGuard guard;
  const auto w_input = torch::ones({o.width, 8 * o.hidden}), w_state = torch::ones({o.hidden, 4 * o.hidden});
  for (const std::int64_t length : {o.anchor_rows, o.vicinity_rows}) {
    const std::int64_t rows = anchors * length, part = rows / 6;  // parts: memory, not speed
    const auto x = torch::ones({part, o.width}), h = torch::ones({part, o.hidden});
    for (int k = 0; k < 6; ++k) {
      (void)torch::mm(x, w_input);
      (void)torch::mm(h, w_state), (void)torch::mm(h, w_state);
    }
  }
}

Case video() {
  auto video = paper_video();
  Case c{"rpn/video",
         "the whole network on one video, T = 100, C = 10240, M_B2, L = 14, L^ = 42",
         "the BiLSTMs' arithmetic as large matrix products",
         "ms",
         0,
         3};
  c.subject = [video] {
    const torch::NoGradGuard guard;
    (void)video->network->forward({normalise_rows(video->input.x), video->input.anchors, video->input.vicinities});
  };
  c.reference = [video] { lstm_products(video->options, static_cast<std::int64_t>(video->anchors.size())); };
  return c;
}
const Register video_case("rpn/video", video);

// Four videos with two ground truths each, 10 + 10 anchors a ground truth.
struct Step {
  RpnOptions options;
  RpnNetwork network{nullptr};
  std::vector<std::vector<Segment>> anchors;
  RpnInput input;
  RpnTargets targets;
};

std::shared_ptr<Step> training_step() {
  constexpr std::int64_t kVideos = 4;
  torch::manual_seed(1);
  Random random(1);
  auto step = std::make_shared<Step>();
  step->network = RpnNetwork(kChannels, step->options);
  const std::vector<Segment> all = paper_anchors();
  std::vector<float> positive, unit;
  for (std::int64_t v = 0; v < kVideos; ++v) {
    const std::vector<Segment> truths{{5 + 10 * random.uniform(), 40 + 10 * random.uniform()},
                                      {60 + 10 * random.uniform(), 80 + 10 * random.uniform()}};
    auto& chosen = step->anchors.emplace_back();
    const auto take = [&](std::uint32_t index, bool is_positive) {
      chosen.push_back(all[index]), positive.push_back(is_positive);
      const UnitLabels labels = unit_labels(all[index], step->options.vicinity_rows, truths);
      for (const auto* row : {&labels.start, &labels.end, &labels.actionness})
        unit.insert(unit.end(), row->begin(), row->end());
    };
    for (const AnchorPool& pool : draw_examples(anchor_pools(label_anchors(all, truths)), 10, random)) {
      for (const std::uint32_t index : pool.positives) take(index, true);
      for (const std::uint32_t index : pool.negatives) take(index, false);
    }
  }
  const auto n = static_cast<std::int64_t>(positive.size());
  step->targets = {torch::tensor(positive), torch::randn({n, 2}) * 0.1,
                   torch::tensor(unit).view({n, 3, step->options.vicinity_rows})};
  step->input =
      input_of(step->options, normalise_rows(torch::randn({kVideos * kRows, kChannels}).abs()), step->anchors);
  return step;
}

Case train_step() {
  auto step = training_step();
  Case c{"rpn/train-step",
         "planning, loss and gradients of four videos, " + std::to_string(step->targets.positive.size(0)) +
             " anchors, C = 10240, M_B2",
         "the same over resampled anchors and vicinities",
         "ms",
         0,
         2};
  const auto learn = [step](const RpnOutput& output, const RpnTargets& targets) {
    rpn_losses(output, targets, *step->network).total.backward();
    step->network->zero_grad();
  };
  c.subject = [step, learn] {
    learn(step->network->forward(input_of(step->options, step->input.x, step->anchors)), step->targets);
  };
  c.reference = [step, learn] {
    // Video by video, gradients add up: all rows together would take 5 GB.
    std::int64_t first = 0;
    for (std::size_t v = 0; v < step->anchors.size(); ++v) {
      const auto count = static_cast<std::int64_t>(step->anchors[v].size());
      const auto part = [&](const torch::Tensor& t) { return t.narrow(0, first, count); };
      learn(
          step->network->direct(step->input.x.narrow(0, static_cast<std::int64_t>(v) * kRows, kRows), step->anchors[v]),
          {part(step->targets.positive), part(step->targets.offset), part(step->targets.unit)});
      first += count;
    }
  };
  return c;
}
const Register train_case("rpn/train-step", train_step);

}  // namespace
}  // namespace tal::bench
