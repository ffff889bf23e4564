// I3D and SP-TAD at the size of their papers, against the same layers called plainly and the proposals one at a time.
#include <torch/torch.h>

#include <memory>

#include "bench/bench.h"
#include "libtal/models/sptad/sptad.h"
#include "tests/nn/i3d_reference.h"

namespace tal::bench {
namespace {

constexpr std::int64_t kClasses = 20, kCrop = 96, kClip = 256;

// 3.1.3 written out: one clip, one proposal after the other; only the self-attention sees them together.
torch::Tensor head_one_at_a_time(SptadHeadImpl& head, const std::vector<torch::Tensor>& pyramid,
                                 const SptadOptions& o) {
  const auto parameters = head.named_parameters();
  std::vector<torch::Tensor> scores;
  for (std::int64_t b = 0; b < pyramid.front().size(0); ++b) {
    std::vector<torch::Tensor> own;
    for (const auto& level : pyramid) own.push_back(level.narrow(0, b, 1));
    auto segments = parameters["proposals.segments"].unsqueeze(0), q = parameters["proposals.features"].unsqueeze(0),
         logits = torch::Tensor();
    for (const auto& stage : head.named_children()["stages"]->children()) {
      const auto parts = stage->named_children();
      q = parts["self_attn"]->as<AttentionUnit>()->forward(q);
      std::vector<torch::Tensor> features, moved, classes;
      for (std::int64_t n = 0; n < o.proposals; ++n) {
        auto one = q.narrow(1, n, 1);
        const auto segment = segments.narrow(1, n, 1);
        const auto rows = roi_align_1d(PyramidRows(own), segment, o.roi_rows, o.roi_points);
        one = parts["norm2"]->as<torch::nn::LayerNorm>()->forward(
            one + parts["interaction"]->as<DynamicInteraction>()->forward(one, rows));
        one = parts["norm3"]->as<torch::nn::LayerNorm>()->forward(one + parts["ffn"]->as<Perceptron>()->forward(one));
        classes.push_back(parts["cls"]->as<torch::nn::Linear>()->forward(one));
        moved.push_back(decode_segments(segment, parts["reg"]->as<Perceptron>()->forward(one)));
        features.push_back(one);
      }
      q = torch::cat(features, 1), segments = torch::cat(moved, 1), logits = torch::cat(classes, 1);
    }
    scores.push_back(logits);
  }
  return torch::cat(scores);
}

Case i3d_forward() {
  torch::manual_seed(1);
  auto net = std::make_shared<I3d>(I3dOptions{});
  (*net)->eval();
  const auto x = torch::rand({1, 3, 64, kCrop, kCrop}) * 2 - 1;
  Case c{"i3d/forward",
         "I3D, 64 RGB frames of 96 x 96, BatchNorm folded, channels last",
         "the same layers one by one: padding, convolution, BatchNorm, ReLU",
         "frames/s",
         64,
         3};
  c.subject = [net, x] {
    const torch::NoGradGuard guard;
    (void)(*net)->forward(x);
  };
  c.reference = [net, x] {
    const torch::NoGradGuard guard;
    (void)reference::PlainI3d(**net).forward(x);
  };
  return c;
}
const Register i3d_case("i3d/forward", i3d_forward);

Case head() {
  torch::manual_seed(1);
  const SptadOptions options;
  auto net = std::make_shared<SptadHead>(kClasses, options);
  std::vector<torch::Tensor> pyramid;
  for (const std::int64_t rows : {128, 64, 32, 16}) pyramid.push_back(torch::randn({2, options.dim, rows}));
  Case c{"sptad/head",
         "four stages, 50 proposals, pyramids of two clips of 256 frames",
         "one clip and one proposal after the other",
         "ms",
         0,
         5};
  c.subject = [net, pyramid] {
    const torch::NoGradGuard guard;
    (void)(*net)->forward(pyramid);
  };
  c.reference = [net, pyramid, options] {
    const torch::NoGradGuard guard;
    (void)head_one_at_a_time(**net, pyramid, options);
  };
  return c;
}
const Register head_case("sptad/head", head);

Case video() {
  torch::manual_seed(1);
  const SptadOptions options;
  auto net = std::make_shared<SptadPixelNet>(FrameContract{}, kClasses, options, BackboneOptions{});
  (*net)->eval();
  const auto x = torch::randint(0, 256, {1, kClip, kCrop, kCrop, 3}, torch::kByte).permute({0, 4, 1, 2, 3});
  Case c{"sptad/video",
         "the whole network from pixels, a clip of 256 RGB frames",
         "plain I3D layers, proposals one after the other",
         "frames/s",
         kClip,
         2};
  c.subject = [net, x] {
    const torch::NoGradGuard guard;
    (void)(*net)->forward(x);
  };
  c.reference = [net, x, options] {
    const torch::NoGradGuard guard;
    const auto levels =
        reference::PlainI3d(*(*net)->backbones().front().second).forward(x.to(torch::kFloat) / 127.5 - 1);
    std::vector<torch::Tensor> rows;
    for (const auto& level : levels) rows.push_back(level.flatten(3).mean(3));
    const auto parts = (*net)->detector()->named_children();
    (void)head_one_at_a_time(*parts["head"]->as<SptadHead>(), parts["pyramid"]->as<TemporalPyramid>()->forward(rows),
                             options);
    (void)parts["clip"]->as<ClipClassifier>()->forward(rows);
  };
  return c;
}
const Register video_case("sptad/video", video);

}  // namespace
}  // namespace tal::bench
