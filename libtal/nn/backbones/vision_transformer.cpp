#include "libtal/nn/backbones/vision_transformer.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/data/weight_maps.h"
#include "libtal/data/weights.h"
#include "libtal/nn/backbones/state.h"
#include "libtal/nn/channel_norm.h"
#include "libtal/nn/named_weights.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

torch::Tensor zeros(at::IntArrayRef shape) { return torch::zeros(shape); }

// Over channels; root: by the root of the mean square, without mean and bias (Zhang and Sennrich, arXiv 1910.07467).
struct TokenNormImpl : torch::nn::Module {
  TokenNormImpl(std::int64_t channels, double eps, bool root) : epsilon(eps) {
    weight = register_parameter("weight", torch::ones({channels}));
    if (!root) bias = register_parameter("bias", zeros({channels}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    if (bias.defined()) return at::layer_norm(x, {x.size(-1)}, weight, bias, epsilon);
    const auto wide = x.to(torch::kFloat);
    return (wide * (wide.square().mean(-1, true) + epsilon).rsqrt()).to(x.scalar_type()) * weight;
  }
  double epsilon;
  torch::Tensor weight, bias;
};
TORCH_MODULE(TokenNorm);

struct ScaleImpl : torch::nn::Module {
  explicit ScaleImpl(std::int64_t channels) { gamma = register_parameter("gamma", torch::ones({channels})); }
  torch::Tensor forward(const torch::Tensor& x) { return x * gamma; }
  torch::Tensor gamma;
};
TORCH_MODULE(Scale);

// [B, N, D] -> [B, heads, N, D / heads]
torch::Tensor heads_of(const torch::Tensor& x, std::int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}
torch::Tensor attended(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  return at::scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2);
}

// sin and cos of position / 10000^(2 i / D), alternating over the channels, in double: [N, D].
torch::Tensor sines(std::int64_t positions, std::int64_t dim) {
  const auto channel = torch::arange(dim, torch::kLong);
  const auto rate = torch::pow(10000.0, (channel.div(2, "floor") * 2).to(torch::kDouble) / static_cast<double>(dim));
  const auto angle = torch::arange(positions, torch::kDouble).unsqueeze(1) / rate;
  return torch::where(channel.remainder(2) == 0, angle.sin(), angle.cos()).to(torch::kFloat);
}

}  // namespace

namespace {

// Positions of tokens without a learned table, [moments * rows * columns, D].
torch::Tensor fixed_positions(const VitOptions& o, std::int64_t moments, std::int64_t rows, std::int64_t columns) {
  const std::int64_t side = o.sine_side;
  if (side == 0 || (side == rows && side == columns)) return sines(moments * rows * columns, o.dim);
  const auto known = sines(moments * side * side, o.dim).reshape({moments, side, side, o.dim}).permute({0, 3, 1, 2});
  return at::upsample_bicubic2d(known, {rows, columns}, /*align_corners=*/false)
      .permute({0, 2, 3, 1})
      .reshape({moments * rows * columns, o.dim});
}

}  // namespace

struct VisionTransformer::Block : torch::nn::Module {
  explicit Block(const VitOptions& o) : heads(o.heads), quick_gelu(o.quick_gelu), gated(o.gated) {
    const auto D = o.dim;
    norm1 = register_module("norm1", TokenNorm(D, o.epsilon, o.root_mean_square));
    norm2 = register_module("norm2", TokenNorm(D, o.epsilon, o.root_mean_square));
    const auto attention = register_module("attn", std::make_shared<torch::nn::Module>());
    qkv = attention->register_module("qkv", Dense(D, 3 * D, o.qkv_bias));
    proj = attention->register_module("proj", Dense(D, D, true));
    if (o.qk_norm)
      q_norm = attention->register_module("q_norm", TokenNorm(D, o.epsilon, o.root_mean_square)),
      k_norm = attention->register_module("k_norm", TokenNorm(D, o.epsilon, o.root_mean_square));
    const auto perceptron = register_module("mlp", std::make_shared<torch::nn::Module>());
    fc1 = perceptron->register_module(o.gated ? "w12" : "fc1", Dense(D, (o.gated ? 2 : 1) * o.hidden, true));
    fc2 = perceptron->register_module(o.gated ? "w3" : "fc2", Dense(o.hidden, D, true));
    if (o.layer_scale) ls1 = register_module("ls1", Scale(D)), ls2 = register_module("ls2", Scale(D));
  }
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& attention_scale,
                        const torch::Tensor& perceptron_scale) {
    // The last layer of a branch adds the residual itself where nothing stands between.
    const auto add = [](const torch::Tensor& to, Dense& last, const torch::Tensor& y, Scale& by,
                        const torch::Tensor& scale) {
      if (!by && !scale.defined()) return last->added_to(to, y);
      auto out = last->forward(y);
      if (by) out = by->forward(out);
      return to + (scale.defined() ? out * scale : out);
    };
    const auto middle = add(x, proj, attention(norm1->forward(x)), ls1, attention_scale);
    return add(middle, fc2, hidden(norm2->forward(middle)), ls2, perceptron_scale);
  }
  torch::Tensor hidden(const torch::Tensor& x) {  // of the perceptron
    if (!quick_gelu && !gated) return fc1->gelu(x);
    const auto y = fc1->forward(x);
    if (quick_gelu) return y * torch::sigmoid(1.702 * y);
    const auto halves = y.chunk(2, -1);
    return torch::silu(halves[0]) * halves[1];
  }
  torch::Tensor attention(const torch::Tensor& x) {  // before the projection
    auto parts = qkv->forward(x).chunk(3, 2);
    if (q_norm) parts[0] = q_norm->forward(parts[0]), parts[1] = k_norm->forward(parts[1]);
    return attended(heads_of(parts[0], heads), heads_of(parts[1], heads), heads_of(parts[2], heads));
  }

  std::int64_t heads;
  bool quick_gelu, gated;
  TokenNorm norm1{nullptr}, norm2{nullptr}, q_norm{nullptr}, k_norm{nullptr};
  Dense qkv{nullptr}, proj{nullptr}, fc1{nullptr}, fc2{nullptr};
  Scale ls1{nullptr}, ls2{nullptr};
};

// The mean of the tokens asks all of them.
struct VisionTransformer::Pooling : torch::nn::Module {
  explicit Pooling(const VitOptions& o) : heads(o.pool_heads) {
    constexpr double kEpsilon = 1e-5;
    for (auto* norm : {&norm1_q, &norm1_k, &norm1_v})
      *norm = register_module(norm == &norm1_q   ? "norm1_q"
                              : norm == &norm1_k ? "norm1_k"
                                                 : "norm1_v",
                              TokenNorm(o.dim, kEpsilon, false));
    const auto cross = register_module("cross_attn", std::make_shared<torch::nn::Module>());
    q = cross->register_module("q", Dense(o.dim, o.dim, false));
    k = cross->register_module("k", Dense(o.dim, o.dim, false));
    v = cross->register_module("v", Dense(o.dim, o.dim, false));
    q_bias = cross->register_parameter("q_bias", zeros({o.dim}));
    k_bias = cross->register_parameter("k_bias", zeros({o.dim}));
    v_bias = cross->register_parameter("v_bias", zeros({o.dim}));
    proj = cross->register_module("proj", Dense(o.dim, o.pooled, true));
  }
  torch::Tensor forward(const torch::Tensor& x) {  // [B, N, D] -> [B, pooled]
    const auto ask = q->forward(norm1_q->forward(x.mean(1, true))) + q_bias,
               keys = k->forward(norm1_k->forward(x)) + k_bias, values = v->forward(norm1_v->forward(x)) + v_bias;
    return proj->forward(attended(heads_of(ask, heads), heads_of(keys, heads), heads_of(values, heads))).squeeze(1);
  }

  std::int64_t heads;
  TokenNorm norm1_q{nullptr}, norm1_k{nullptr}, norm1_v{nullptr};
  Dense q{nullptr}, k{nullptr}, v{nullptr}, proj{nullptr};
  torch::Tensor q_bias, k_bias, v_bias;
};

VisionTransformer::VisionTransformer(const VitOptions& o) : options_(o) {
  if (o.dim % o.heads != 0)
    throw Error("transformer: " + std::to_string(o.heads) + " heads do not divide " + std::to_string(o.dim) +
                " channels");
  std::vector<std::int64_t> kernel = {o.dim, 3, o.patch, o.patch};
  if (o.tubelet > 0) kernel.insert(kernel.begin() + 2, o.tubelet);
  patch_ = place("patch_embed.proj", Dense(kernel, o.patch_bias));
  const auto row = [&](const char* name, std::int64_t rows) {
    return register_parameter(name, zeros({1, rows, o.dim}));
  };
  if (o.class_token) class_token_ = row("cls_token", 1);
  if (o.registers > 0) registers_ = row("register_tokens", o.registers);
  if (o.positions > 0) table_ = row("pos_embed", o.positions);
  if (o.places > 0) {
    places_ = row("pos_embed_spatial", o.places), moments_ = row("pos_embed_temporal", o.moments);
    if (o.class_token) class_position_ = row("pos_embed_cls", 1);
  }
  if (o.pre_norm) pre_norm_ = place("pre_norm", channel_norm(o.dim, o.epsilon));
  for (std::int64_t k = 0; k < o.depth; ++k)
    blocks_.push_back(place("blocks." + std::to_string(k), std::make_shared<Block>(o)));
  if (o.norm) norm_ = place("norm", channel_norm(o.dim, o.epsilon));
  if (o.pool_heads > 0) pooling_ = place("clip_projector", std::make_shared<Pooling>(o));
  const std::int64_t pooled = o.pool_heads > 0 ? o.pooled : o.dim;
  if (o.mean_norm) mean_norm_ = place("fc_norm", channel_norm(pooled, o.pool_heads > 0 ? 1e-5 : o.epsilon));
  if (o.projection > 0) projection_ = register_parameter("projection", zeros({o.dim, o.projection}));
  if (o.classes > 0) head_ = place("head", torch::nn::Linear(pooled, o.classes));
}

std::vector<LayerInfo> VisionTransformer::layers() const {
  std::vector<LayerInfo> out;
  for (std::int64_t k = 1; k <= options_.depth; ++k) out.push_back({"block" + std::to_string(k), options_.dim});
  out.push_back({"tokens", options_.dim});
  out.push_back({"pool", options_.pool_heads > 0 ? options_.pooled : options_.dim});
  if (options_.projection > 0) out.push_back({"projection", options_.projection});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor VisionTransformer::positions(std::int64_t moments, std::int64_t rows, std::int64_t columns) {
  const std::int64_t tokens = moments * rows * columns, first = options_.class_token ? 1 : 0;
  const auto refuse = [&](std::int64_t known) {
    return Error("transformer: the input has " + std::to_string(tokens) + " tokens, the weights know " +
                 std::to_string(known) + " positions");
  };
  if (places_.defined()) {
    if (moments != options_.moments || rows * columns != options_.places)
      throw refuse(options_.moments * options_.places);
    const auto all = (places_.unsqueeze(1) + moments_.unsqueeze(2)).reshape({1, tokens, options_.dim});
    return class_position_.defined() ? torch::cat({class_position_, all}, 1) : all;
  }
  if (!table_.defined()) {
    const auto all = fixed_positions(options_, moments, rows, columns).to(patch_->weight.device()).unsqueeze(0);
    return first ? torch::constant_pad_nd(all, {0, 0, 1, 0}) : all;
  }
  const std::int64_t known = table_.size(1) - first;
  if (known == tokens) return table_;
  const auto side = std::llround(std::sqrt(static_cast<double>(known)));
  if (options_.tubelet > 0 || side * side != known) throw refuse(known);
  const auto grid = table_.slice(1, first).reshape({1, side, side, options_.dim}).permute({0, 3, 1, 2});
  // The networks with registers were made with antialiasing, the others without.
  const auto places = grid.to(torch::kFloat);
  const auto ratio = [&](std::int64_t size) -> std::optional<double> {
    if (options_.resize_offset == 0) return std::nullopt;
    return (static_cast<double>(size) + options_.resize_offset) / static_cast<double>(side);
  };
  const auto resized =
      (options_.registers > 0
           ? at::_upsample_bicubic2d_aa(places, {rows, columns}, /*align_corners=*/false)
           : at::upsample_bicubic2d(places, {rows, columns}, /*align_corners=*/false, ratio(rows), ratio(columns)))
          .permute({0, 2, 3, 1})
          .reshape({1, tokens, options_.dim})
          .to(table_.scalar_type());
  return first ? torch::cat({table_.slice(1, 0, 1), resized}, 1) : resized;
}

std::int64_t VisionTransformer::side() const {
  if (!table_.defined() || options_.tubelet > 0) return 0;
  const std::int64_t known = table_.size(1) - (options_.class_token ? 1 : 0);
  const auto places = std::llround(std::sqrt(static_cast<double>(known)));
  return places * places == known ? places * options_.patch : 0;
}

std::int64_t VisionTransformer::frames(std::int64_t side) const {
  if (options_.tubelet == 0) return 0;
  if (options_.moments > 0) return options_.moments * options_.tubelet;
  const std::int64_t places = side / options_.patch * (side / options_.patch);
  if (!table_.defined() || places == 0) return 0;
  return (table_.size(1) - (options_.class_token ? 1 : 0)) / places * options_.tubelet;
}

torch::Tensor VisionTransformer::embed(const torch::Tensor& input) {
  const std::int64_t p = options_.patch, t = std::max<std::int64_t>(1, options_.tubelet);
  const auto x = options_.tubelet > 0 ? input : input.unsqueeze(2);
  const std::int64_t B = x.size(0), moments = x.size(2) / t, rows = x.size(3) / p, columns = x.size(4) / p;
  // Pixels of each token in the order of the weights; the convolution is then one product.
  const auto pixels = x.reshape({B, 3, moments, t, rows, p, columns, p})
                          .permute({0, 2, 4, 6, 1, 3, 5, 7})
                          .reshape({B, moments * rows * columns, 3 * t * p * p});
  auto tokens = patch_->forward(pixels);
  if (class_token_.defined())
    tokens = torch::cat({class_token_.to(tokens.scalar_type()).expand({B, -1, -1}), tokens}, 1);
  tokens = tokens + positions(moments, rows, columns);
  if (registers_.defined())  // behind the class's, without a position
    tokens = torch::cat(
        {tokens.slice(1, 0, 1), registers_.to(tokens.scalar_type()).expand({B, -1, -1}), tokens.slice(1, 1)}, 1);
  return pre_norm_ ? pre_norm_->forward(tokens) : tokens;
}

torch::Tensor VisionTransformer::block(std::size_t index, const torch::Tensor& tokens,
                                       const torch::Tensor& attention_scale, const torch::Tensor& perceptron_scale) {
  return blocks_.at(index)->forward(tokens, attention_scale, perceptron_scale);
}

std::vector<torch::Tensor> VisionTransformer::block_parameters(std::int64_t index) const {
  return blocks_.at(static_cast<std::size_t>(index))->parameters();
}

torch::Tensor VisionTransformer::patches(const torch::Tensor& tokens) const {
  return tokens.slice(1, (options_.class_token ? 1 : 0) + options_.registers);
}

torch::Tensor VisionTransformer::forward(torch::Tensor x, std::string_view layer) {
  const auto side = multiple_of(options_.patch);
  if (options_.tubelet > 0)
    check_shape(x, {kAny, 3, multiple_of(options_.tubelet), side, side}, "transformer: clips [B, 3, T, H, W]");
  else check_shape(x, {kAny, 3, side, side}, "transformer: pictures [B, 3, H, W]");
  x = embed(x);
  for (std::size_t k = 0; k < blocks_.size(); ++k) {
    x = block(k, x);
    if (layer == "block" + std::to_string(k + 1)) return patches(x).mean(1);
  }
  if (pooling_) {
    if (layer == "tokens") return patches(x).mean(1);
    x = pooling_->forward(x);
  } else if (mean_norm_) {
    x = patches(x).mean(1);
    if (layer == "tokens") return x;
  } else if (norm_) {
    x = norm_->forward(x);
    if (layer == "tokens") return patches(x).mean(1);
    // VideoMAE's classifiers without a norm of the mean read the first token.
    const bool first = options_.class_token || layer == "logits" || layer == "scores";
    x = first ? x.select(1, 0) : x.mean(1);
  } else {
    x = patches(x).mean(1);
    if (layer == "tokens") return x;
  }
  if (mean_norm_) x = mean_norm_->forward(x);
  if (layer == "pool") return x;
  if (layer == "projection") return x.matmul(projection_);
  return classify(head_->forward(x), layer);
}

// ---- weights ----

namespace {

// Takes NAME.q, NAME.k, NAME.v (and biases; VideoMAE's keys have none) for NAME.qkv.
void join_qkv(VitState& state, const std::string& at) {
  const auto take = [&](const std::string& name) {
    const auto found = state.find(at + name);
    if (found == state.end()) return torch::Tensor();
    const auto tensor = found->second;
    state.erase(found);
    return tensor;
  };
  if (state.count(at + "q.weight")) {
    const auto q = take("q.weight"), k = take("k.weight"), v = take("v.weight");
    if (!k.defined() || !v.defined()) throw Error("'" + at + "q.weight' has no key or no value beside it");
    state[at + "qkv.weight"] = torch::cat({q, k, v});
  }
  auto q = take("q.bias"), k = take("k.bias"), v = take("v.bias");
  if (!q.defined() && !v.defined()) return;
  if (!q.defined() || !v.defined()) throw Error("'" + at + "' has a bias of the queries or of the values alone");
  state[at + "qkv.bias"] = torch::cat({q, k.defined() ? k : torch::zeros_like(q), v});
}

std::int64_t extent(const VitState& state, const std::string& name, std::int64_t axis) {
  const auto found = state.find(name);
  if (found == state.end()) throw Error("tensor '" + name + "' is missing");
  if (found->second.dim() <= axis) throw Error("tensor '" + name + "' has the shape " + tensor_shape(found->second));
  return found->second.size(axis);
}

}  // namespace

VitState tidy_vit_state(VitState state) {
  for (auto& [name, tensor] : state)
    if (tensor.is_floating_point()) tensor = tensor.to(torch::kFloat);
  for (std::int64_t k = 0; state.count("blocks." + std::to_string(k) + ".norm1.weight"); ++k)
    join_qkv(state, "blocks." + std::to_string(k) + ".attn.");
  for (const char* name : {"cls_token", "pos_embed", "register_tokens"})
    if (const auto found = state.find(name); found != state.end() && found->second.dim() < 3)
      found->second = found->second.reshape({1, -1, found->second.size(-1)});
  if (const auto linear = state.find("projection.weight"); linear != state.end()) {
    state["projection"] = linear->second.t().contiguous();
    state.erase("projection.weight");
  }
  return state;
}

VitFile read_vit_file(const std::string& file) {
  auto state = read_state(file);
  std::vector<TensorView> names;
  for (const auto& [name, tensor] : state) names.push_back({name, Dtype::kF32, tensor.sizes().vec(), {}});
  const auto* map = recognised_map(names);
  if (!map) return {std::move(state), ""};
  const auto rules = parse_rules({"--map " + map->name, map->rules});
  VitState renamed;
  for (const auto& view : names) {
    const auto one = rename_tensors({view}, rules, map->name);
    if (one.dropped > 0) continue;
    const auto& name = one.tensors.empty() ? view.name : one.tensors[0].name;
    if (!renamed.emplace(name, state.at(view.name)).second)
      throw Error("two tensors are '" + name + "', one of them '" + view.name + "'");
  }
  return {tidy_vit_state(std::move(renamed)), map->name};
}

void initialise_transformer(VisionTransformer& network) {
  const torch::NoGradGuard guard;
  // Numbers of its own: the same transformer beside whatever else the run's seed has made before.
  const auto random = at::detail::createCPUGenerator(at::detail::getDefaultCPUGenerator().current_seed());
  for (const auto& item : network.named_parameters()) {
    auto values = item.value();
    if (item.key() == "patch_embed.proj.weight") {
      const double bound = 1 / std::sqrt(static_cast<double>(values[0].numel()));
      values.uniform_(-bound, bound, random);
    } else if (item.key().ends_with(".weight") && values.dim() == 2) {
      values.normal_(0, 0.02, random);
    }
  }
}

VitOptions vit_options(const VitState& state, VitOptions o) {
  const auto has = [&](const std::string& name) { return state.count(name) > 0; };
  const std::string patch = "patch_embed.proj.weight", first = "blocks.0.";
  o.dim = extent(state, patch, 0);
  const bool clips = state.at(patch).dim() == 5;
  o.tubelet = clips ? extent(state, patch, 2) : 0, o.patch = extent(state, patch, clips ? 4 : 3);
  o.depth = 0;
  while (has("blocks." + std::to_string(o.depth) + ".norm1.weight")) ++o.depth;
  o.gated = has(first + "mlp.w12.weight");
  o.hidden = o.gated ? extent(state, first + "mlp.w12.weight", 0) / 2 : extent(state, first + "mlp.fc1.weight", 0);
  o.patch_bias = has("patch_embed.proj.bias"), o.class_token = has("cls_token"), o.pre_norm = has("pre_norm.weight");
  o.registers = has("register_tokens") ? extent(state, "register_tokens", 1) : 0;
  o.positions = has("pos_embed") ? extent(state, "pos_embed", 1) : 0;
  if (has("pos_embed_spatial"))
    o.places = extent(state, "pos_embed_spatial", 1), o.moments = extent(state, "pos_embed_temporal", 1);
  o.root_mean_square = !has(first + "norm1.bias"), o.qkv_bias = has(first + "attn.qkv.bias");
  o.qk_norm = has(first + "attn.q_norm.weight"), o.layer_scale = has(first + "ls1.gamma");
  o.norm = has("norm.weight"), o.mean_norm = has("fc_norm.weight");
  o.pooled =
      has("clip_projector.cross_attn.proj.weight") ? extent(state, "clip_projector.cross_attn.proj.weight", 0) : 0;
  if (o.pooled == 0) o.pool_heads = 0;
  o.projection = has("projection") ? extent(state, "projection", 1) : 0;
  o.classes = has("head.weight") ? extent(state, "head.weight", 0) : 0;
  return o;
}

}  // namespace tal
