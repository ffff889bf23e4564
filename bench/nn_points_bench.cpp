// ActionFormer and TriDet at the size of THUMOS14, against the same networks in plain LibTorch: channels first, a
// convolution for every layer, norms written out, windows of keys and values laid side by side.
#include <torch/torch.h>

#include <cmath>
#include <memory>

#include "bench/bench.h"
#include "libtal/models/points/point_targets.h"
#include "libtal/models/points/points.h"

namespace tal::bench {
namespace {

constexpr std::int64_t kRows = 2304, kColumns = 2048, kClasses = 20;

using Parameters = torch::OrderedDict<std::string, torch::Tensor>;

class PlainPoints {
 public:
  PlainPoints(PointsNetImpl& net, const PointsOptions& o) : p_(net.named_parameters()), o_(o) {}

  // x [B, T, C], all rows inside -> logits and offsets of all levels, [B, T_l, ..].
  std::vector<PointLevel> forward(const torch::Tensor& rows) {
    auto x = rows.transpose(1, 2);
    for (std::int64_t i = 0; i < o_.embed_layers; ++i)
      x = torch::relu(norm(conv(x, "embedding.convolution" + std::to_string(i)), "embedding.norm" + std::to_string(i)));
    for (std::int64_t i = 0; i < o_.stem; ++i) x = block(x, "stem" + std::to_string(i) + ".", 1);
    std::vector<torch::Tensor> levels = {x};
    for (std::int64_t l = 1; l < o_.levels; ++l)
      levels.push_back(x = block(x, "branch" + std::to_string(l - 1) + ".", 2));
    std::vector<PointLevel> out(levels.size());
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const auto f = norm(levels[l], "neck_norm" + std::to_string(l));
      out[l].lengths.assign(static_cast<std::size_t>(f.size(0)), f.size(2));
      out[l].logits = head(f, "class_head.");
      out[l].offsets = torch::relu(head(f, "distance_head.") * p_["scale" + std::to_string(l)]);
      if (o_.head == "trident")
        out[l].starts = head(f.detach(), "start_head."), out[l].ends = head(f.detach(), "end_head.");
    }
    return out;
  }

 private:
  const torch::Tensor* find(const std::string& name) { return p_.contains(name) ? &p_[name] : nullptr; }
  torch::Tensor conv(const torch::Tensor& x, const std::string& name, std::int64_t stride = 1) {
    const auto& w = p_[name + ".weight"];
    const auto* bias = find(name + ".bias");
    return torch::conv1d(x, w, bias ? *bias : torch::Tensor(), stride, w.size(2) / 2, 1, x.size(1) / w.size(1));
  }
  torch::Tensor norm(const torch::Tensor& x, const std::string& name) {
    const auto centred = x - x.mean(1, true);
    const auto y = centred / torch::sqrt(centred.square().mean(1, true) + 1e-5);
    return y * p_[name + ".weight"].reshape({1, -1, 1}) + p_[name + ".bias"].reshape({1, -1, 1});
  }
  torch::Tensor scaled(const torch::Tensor& x, const std::string& name) {
    const auto* scale = find(name + ".scale");
    return scale ? x * scale->reshape({1, -1, 1}) : x;
  }
  torch::Tensor perceptron(const torch::Tensor& x, const std::string& at) {
    return conv(torch::gelu(conv(x, at + "mlp.widen")), at + "mlp.narrow");
  }
  torch::Tensor block(const torch::Tensor& x, const std::string& at, std::int64_t stride) {
    const auto skip = stride == 2 ? torch::max_pool1d(x, 3, 2, 1) : x;
    return o_.neck == "attention" ? attention(x, skip, at, stride) : perception(skip, at);
  }
  torch::Tensor attention(const torch::Tensor& x, const torch::Tensor& skip, const std::string& at,
                          std::int64_t stride) {
    const auto y = norm(x, at + "norm1");
    const auto input = [&](const std::string& name) {
      return conv(norm(conv(y, at + name + "_conv", stride), at + name + "_norm"), at + name);
    };
    const auto q = input("query"), k = input("key"), v = input("value");
    const std::int64_t B = q.size(0), E = q.size(1), T = q.size(2), H = o_.heads, d = E / H, w = o_.windows[0];
    const auto around = [&](const torch::Tensor& z, double fill) {  // [B, H, d, T, w]
      return torch::constant_pad_nd(z, {w / 2, w / 2}, fill).unfold(2, w, 1).reshape({B, H, d, T, w});
    };
    auto scores = (q.reshape({B, H, d, T, 1}) * around(k, 0)).sum(2) * std::pow(static_cast<double>(d), -0.5);
    const auto inside = torch::constant_pad_nd(torch::ones({T}), {w / 2, w / 2}).unfold(0, w, 1);  // [T, w]
    scores = scores.masked_fill(inside == 0, -1e9).softmax(3);
    const auto attended = (scores.unsqueeze(2) * around(v, 0)).sum(4).reshape({B, E, T});
    const auto a = skip + scaled(conv(attended, at + "out"), at + "drop_attention");
    return a + scaled(perceptron(norm(a, at + "norm2"), at), at + "drop_mlp");
  }
  torch::Tensor perception(const torch::Tensor& x, const std::string& at) {
    const auto y = norm(x, at + "norm");
    const auto u = conv(y, at + "instant") * torch::relu(conv(y.mean(2, true), at + "global")) +
                   (conv(y, at + "narrow") + conv(y, at + "wide")) * conv(y, at + "psi") + y;
    const auto v = x + scaled(u, at + "drop_out");
    const auto normed = torch::group_norm(v, 16, p_[at + "group_weight"], p_[at + "group_bias"]);
    return v + scaled(perceptron(normed, at), at + "drop_mlp");
  }
  torch::Tensor head(const torch::Tensor& features, const std::string& at) {
    auto x = features;
    for (std::int64_t i = 0; i < o_.head_layers; ++i)
      x = torch::relu(norm(conv(x, at + "convolution" + std::to_string(i)), at + "norm" + std::to_string(i)));
    return conv(x, at + "output").transpose(1, 2);
  }
  Parameters p_;
  PointsOptions o_;
};

struct Detector {
  PointsOptions options;
  PointsNet net{nullptr};
  torch::Tensor x;
  explicit Detector(const std::string& neck, std::int64_t batch) {
    torch::manual_seed(1);
    options.neck = neck, options.head = neck == "sgp" ? "trident" : "plain";
    if (neck == "sgp") options.windows = {1}, options.feed_forward = 768, options.sgp_init = 0.1;
    net = PointsNet(std::vector<std::int64_t>{kColumns}, kClasses, options);
    x = torch::randn({batch, kRows, kColumns});
  }
};

Case video(const std::string& neck, const std::string& name) {
  auto detector = std::make_shared<Detector>(neck, 1);
  detector->net->eval();
  Case c{name,
         (neck == "sgp" ? "TriDet" : "ActionFormer") + std::string(", a video of 2,304 rows of 2,048 values"),
         "the same network in plain LibTorch, channels first",
         "ms",
         0,
         3};
  c.subject = [detector] {
    const torch::NoGradGuard guard;
    (void)detector->net->forward(detector->x, {kRows});
  };
  c.reference = [detector] {
    const torch::NoGradGuard guard;
    (void)PlainPoints(*detector->net, detector->options).forward(detector->x);
  };
  return c;
}

Case train_step(const std::string& neck, const std::string& name) {
  auto detector = std::make_shared<Detector>(neck, 2);
  detector->options.droppath = 0.1;
  detector->net->eval();  // the same work in both: no branch is dropped
  std::vector<std::int64_t> rows;
  for (std::int64_t l = 0, n = kRows; l < detector->options.levels; ++l, n = (n + 1) / 2) rows.push_back(n);
  const PointLossOptions losses;
  std::vector<std::vector<GridSegment>> segments(2);
  for (std::size_t b = 0; b < 2; ++b)
    for (int k = 0; k < 30; ++k)
      segments[b].push_back({{70.0 * k + 3, 70.0 * k + 10 + 40.0 * (k % 5)}, static_cast<std::int64_t>(k % kClasses)});
  std::vector<torch::Tensor> classes, distances;
  for (const auto& one : segments) {
    const auto targets = assign_points(grid_points(rows, "adjacent"), one, kClasses, losses);
    classes.push_back(targets.classes), distances.push_back(targets.distances);
  }
  const auto hot = torch::stack(classes), away = torch::stack(distances);
  const auto step = [detector, hot, away, segments, losses](const std::vector<PointLevel>& levels) {
    detector->net->zero_grad();
    point_losses(levels, hot, away, segments, 100, losses).loss.backward();
  };
  Case c{name,
         (neck == "sgp" ? "TriDet" : "ActionFormer") + std::string(", forward and backward of two such videos"),
         "the same network in plain LibTorch, channels first",
         "ms",
         0,
         2};
  c.subject = [detector, step] { step(detector->net->forward(detector->x, {kRows, kRows})); };
  c.reference = [detector, step] { step(PlainPoints(*detector->net, detector->options).forward(detector->x)); };
  return c;
}

const Register points_video("points/video", [] { return video("attention", "points/video"); });
const Register points_train("points/train-step", [] { return train_step("attention", "points/train-step"); });
const Register points_video_sgp("points/video-tridet", [] { return video("sgp", "points/video-tridet"); });
const Register points_train_sgp("points/train-step-tridet",
                                [] { return train_step("sgp", "points/train-step-tridet"); });

}  // namespace
}  // namespace tal::bench
