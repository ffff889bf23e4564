// A vision transformer of clips as tal-extract runs it, against the same network in plain LibTorch calls.
#ifdef TAL_HAVE_ENCODE
#include <torch/torch.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "bench/bench.h"
#include "libtal/base/error.h"
#include "libtal/encoder/networks/factory.h"

namespace tal::bench {
namespace {

using Weights = std::map<std::string, torch::Tensor>;

// VideoMAE (arXiv 2203.12602): x [B, 3, T, H, W] -> [B, D]. positions [1, N, D].
torch::Tensor plain(const Weights& w, const torch::Tensor& positions, std::int64_t depth, std::int64_t heads,
                    const torch::Tensor& x) {
  const auto linear = [&](const std::string& name, const torch::Tensor& y) {
    return torch::linear(y, w.at(name + ".weight"), w.at(name + ".bias"));
  };
  const auto norm = [&](const std::string& name, const torch::Tensor& y) {
    return torch::layer_norm(y, {y.size(-1)}, w.at(name + ".weight"), w.at(name + ".bias"), 1e-6);
  };
  auto tokens = torch::conv3d(x, w.at("patch_embed.proj.weight"), w.at("patch_embed.proj.bias"), {2, 16, 16})
                    .flatten(2)
                    .transpose(1, 2) +
                positions;
  for (std::int64_t k = 0; k < depth; ++k) {
    const std::string at = "blocks." + std::to_string(k) + ".";
    const auto all = linear(at + "attn.qkv", norm(at + "norm1", tokens));
    const auto parts = all.reshape({all.size(0), all.size(1), 3, heads, -1}).permute({2, 0, 3, 1, 4});
    const auto seen = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2).flatten(2);
    tokens = tokens + linear(at + "attn.proj", seen);
    tokens = tokens + linear(at + "mlp.fc2", torch::gelu(linear(at + "mlp.fc1", norm(at + "norm2", tokens))));
  }
  return norm("fc_norm", tokens.mean(1));
}

// The fixed table of sines and cosines.
torch::Tensor sine_table(std::int64_t positions, std::int64_t dim) {
  auto table = torch::empty({1, positions, dim});
  auto values = table.accessor<float, 3>();
  for (std::int64_t p = 0; p < positions; ++p)
    for (std::int64_t c = 0; c < dim; ++c) {
      const double angle =
          static_cast<double>(p) / std::pow(10000.0, static_cast<double>(c / 2 * 2) / static_cast<double>(dim));
      values[0][p][c] = static_cast<float>(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  return table;
}

const Register network("extract/vit-b", [] {
  const auto& recipe = *find_recipe("videomae-b");
  const std::shared_ptr<EncoderNetwork> network = make_encoder_network(recipe, 0);
  auto weights = std::make_shared<Weights>();
  const torch::NoGradGuard guard;
  torch::manual_seed(1);
  for (auto& item : network->named_parameters()) {
    if (item.key().find("norm") == std::string::npos) item.value().normal_(0, 0.02);
    (*weights)[item.key()] = item.value().clone();
  }
  network->prepare();
  const auto& t = recipe.transformer;
  const auto positions = sine_table(recipe.clip / 2 * 14 * 14, t.dim);
  const auto x = torch::randn({1, 3, recipe.clip, 224, 224});
  const auto ours = network->forward(x, "pool"), theirs = plain(*weights, positions, t.depth, t.heads, x);
  if ((ours - theirs).abs().max().item<double>() > 1e-4 * theirs.abs().max().item<double>())
    throw Error("extract/vit-b: the two networks differ");
  Case c{"extract/vit-b",
         "VideoMAE-B, a clip of 16 frames of 224 x 224",
         "the same network in plain LibTorch calls",
         "frames/s",
         static_cast<double>(recipe.clip),
         3};
  c.subject = [=] {
    const torch::InferenceMode inference;
    (void)network->forward(x, "pool");
  };
  c.reference = [=] {
    const torch::InferenceMode inference;
    (void)plain(*weights, positions, t.depth, t.heads, x);
  };
  return c;
});

}  // namespace
}  // namespace tal::bench
#endif
