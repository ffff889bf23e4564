// Reference cases of the points detectors (TAL_PARITY_DIR/points): configurations under the published code's own names
// as ours, and what a case expects.
#pragma once

#include <torch/torch.h>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <set>

#include "libtal/data/weight_maps.h"
#include "libtal/data/weights.h"
#include "libtal/models/core/model_file.h"
#include "libtal/models/points/point_targets.h"
#include "libtal/models/points/points.h"
#include "libtal/nn/named_weights.h"
#include "libtal/nn/tensors.h"
#include "libtal/segment/suppress.h"
#include "tests/support.h"

namespace tal::test {

struct PointCase {
  using Json = nlohmann::json;
  std::string topic, name;
  Json config, entry;
  std::string reference;  // repository
  std::map<std::string, torch::Tensor> tensors;
  double abs_ = 0, rel_ = 0;      // of what is computed in float64
  double abs32_ = 0, rel32_ = 0;  // in float32, and of the published suppression
  int compared = 0;

  bool opentad() const { return config.contains("detector"); }
  const torch::Tensor& at(const std::string& key) const { return tensors.at(name + "." + key); }
  bool has(const std::string& key) const { return tensors.count(name + "." + key); }
  std::string where() const { return topic + " " + name; }

  static std::vector<std::int64_t> list(const Json& value) {
    return value.is_array() ? value.get<std::vector<std::int64_t>>()
                            : std::vector<std::int64_t>{value.get<std::int64_t>()};
  }

  PointsOptions options() const {
    PointsOptions o;
    o.mask = "reference";
    if (opentad()) return opentad_options(o);
    const auto& m = config.at("model");
    const auto& train = config.at("train_cfg");
    const std::string backbone = m.at("backbone_type");
    const auto arch = list(m.at("backbone_arch"));
    const auto dims = list(m.at("embd_dim"));
    o.dims = std::accumulate(dims.begin(), dims.end(), std::int64_t{0});
    if (dims.size() > 1) o.stream_dims = dims;
    o.embed_layers = arch[0], o.embed_kernel = m.at("embd_kernel_size");
    o.neck = backbone == "convTransformer" ? "attention"
             : backbone == "SGP"           ? "sgp"
             : backbone == "DynE"          ? "dyn"
                                           : "pool";
    o.stem = arch.size() == 3 ? arch[1] : 0, o.levels = arch.back() + 1;
    if (m.value("use_abs_pe", false)) o.position_rows = m.at("max_seq_len");
    o.heads = m.value("n_head", 4);
    for (const char* key : {"n_mha_win_size", "n_sgp_win_size", "n_encoder_win_size"})
      if (m.contains(key)) o.windows = list(m.at(key));
    o.relative_bias = m.value("use_rel_pe", false);
    for (const char* key : {"sgp_mlp_dim", "mlp_dim"})
      if (m.contains(key)) o.feed_forward = m.at(key);
    o.sgp_factor = m.value("k", 1.0);
    o.downsample = m.value("downsample_type", "max") == "avg" ? "average" : "max";
    o.neck_norm = o.neck == "pool" && m.value("fpn_norm", "groupnorm") == "groupnorm" ? "group" : "layer";
    const bool trident = m.value("use_trident_head", false);
    o.head = trident ? "trident" : m.value("dyn_head_flag", false) ? "dynamic" : "plain";
    if (o.head == "dynamic") o.gate_tau = m.at("dyn_head").at("tau");
    o.head_dims = m.at("head_dim"), o.head_kernel = m.at("head_kernel_size");
    o.head_layers = m.at("head_num_layers").get<std::int64_t>() - 1;
    o.boundary_kernel = m.value("boudary_kernel_size", 3), o.bins = m.value("num_bins", 16);
    o.droppath = o.neck == "pool" ? 0 : train.value("droppath", 0.0);
    return o;
  }
  PointsOptions opentad_options(PointsOptions o) const {
    const auto& d = config.at("detector");
    const auto &p = d.at("projection"), &head = d.at("rpn_head");
    const std::string type = p.at("type");
    o.code = "opentad";
    o.dims = p.at("out_channels");
    const auto arch = list(p.at("arch"));
    o.embed_layers = arch[0], o.stem = arch[1], o.levels = arch[2] + 1;
    o.embed_kernel = p.contains("conv_cfg") ? p.at("conv_cfg").at("kernel_size").get<std::int64_t>() : 3;
    o.neck = type == "Conv1DTransformerProj" ? "attention"
             : type == "TriDetProj"          ? "sgp"
             : type == "DynEProj"            ? "dyn"
             : type == "MambaProj"           ? "dbm"
             : type == "CausalProj"          ? "causal"
                                             : "pool";
    if (p.value("use_abs_pe", false)) o.position_rows = p.at("max_seq_len");
    if (p.contains("attn_cfg"))
      o.heads = p.at("attn_cfg").at("n_head"), o.windows = list(p.at("attn_cfg").at("n_mha_win_size"));
    for (const char* key : {"sgp_win_size", "encoder_win_size"})
      if (p.contains(key)) o.windows = list(p.at(key));
    o.heads = p.value("num_head", o.heads);
    for (const char* key : {"sgp_mlp_dim", "mlp_dim"})
      if (p.contains(key)) o.feed_forward = p.at(key);
    o.sgp_factor = p.value("k", 1.0);
    o.droppath = o.neck == "pool" ? 0 : 0.1;
    o.head = head.at("type") == "TriDetHead" ? "trident" : head.at("type") == "TDynHead" ? "dynamic" : "plain";
    if (o.head == "dynamic") o.gate_tau = head.at("dyn_head_cfg").at("tau");
    o.head_dims = head.at("feat_channels"), o.head_layers = head.at("num_convs");
    for (const char* key : {"kernel_size", "head_kernel_size"}) o.head_kernel = head.value(key, o.head_kernel);
    o.boundary_kernel = head.value("boundary_kernel_size", 3), o.bins = head.value("num_bins", 16);
    return o;
  }
  PointLossOptions loss_options() const {
    PointLossOptions o;
    const auto& m = config.at("model");
    const auto& ranges = m.at("regression_range");
    o.ranges = ranges.size() > 1 && ranges[1][0].get<double>() == 2 ? "overlapping" : "adjacent";
    o.smoothing = entry.at("options").at("label_smoothing"), o.loss_weight = entry.at("options").at("loss_weight");
    o.quality_power = m.value("iou_weight_power", 0.2);
    if (m.value("dyn_head_flag", false)) o.distance_of = "class";
    if (m.contains("assigner")) o.distance_target = "cheapest", o.center_radius = m.at("assigner").at("center_radius");
    return o;
  }
  std::vector<std::int64_t> stream_dims() const {
    return list(opentad() ? config.at("detector").at("projection").at("in_channels")
                          : config.at("model").at("input_dim"));
  }
  std::int64_t classes() const {
    return opentad() ? config.at("detector").at("rpn_head").at("num_classes") : config.at("model").at("num_classes");
  }
  std::vector<std::int64_t> lengths() const {
    const auto& n = at("input.lengths");
    return {n.data_ptr<std::int64_t>(), n.data_ptr<std::int64_t>() + n.numel()};
  }
  // [B, T, C], to the rows that the reference pads to.
  torch::Tensor padded_rows() const {
    const auto rows = at("input.feats").transpose(1, 2);
    return torch::constant_pad_nd(rows, {0, 0, 0, entry.at("padded").get<std::int64_t>() - rows.size(1)}).contiguous();
  }

  // The reference's weights under our names, as tal-convert makes them.
  std::map<std::string, torch::Tensor> renamed(std::map<std::string, std::string>* metadata = nullptr) const {
    std::deque<std::string> storage;
    std::map<std::string, torch::Tensor> own;
    std::vector<TensorView> views;
    for (const auto& [key, tensor] : tensors)
      if (key.starts_with("weight.")) {
        own.emplace(key.substr(7), tensor.contiguous());
        views.push_back(view_of(key.substr(7), own.at(key.substr(7))));
      }
    const auto* map = recognised_map(views);
    BOOST_REQUIRE_MESSAGE(map, where() << ": the checkpoint is not recognised");
    auto result = rename_tensors(views, parse_rules({"--map " + map->name, map->rules}), map->name);
    BOOST_TEST(result.unmatched.empty(),
               where() << ": no rule for " << (result.unmatched.empty() ? "" : result.unmatched[0]));
    std::map<std::string, std::string> facts;
    map->complete(views, result.tensors, {}, facts, storage);
    if (metadata) *metadata = facts;
    std::map<std::string, torch::Tensor> weights;
    for (const auto& view : result.tensors) weights[view.name] = tensor_of(view);
    return weights;
  }
  void load(torch::nn::Module& net) const { load_weights(net, renamed(), where()); }

  void compare(const std::string& what, const torch::Tensor& got, const torch::Tensor& want, bool single) {
    ++compared;
    BOOST_REQUIRE_MESSAGE(got.sizes() == want.sizes(),
                          where() << ": " << what << " is " << got.sizes() << ", not " << want.sizes());
    if (!want.numel()) return;
    const auto g = got.detach().to(torch::kDouble), w = want.to(torch::kDouble);
    if (!want.is_floating_point()) {
      BOOST_TEST(torch::equal(g, w), where() << ": " << what << " differs");
      return;
    }
    const auto allowed = (single ? abs32_ : abs_) + (single ? rel32_ : rel_) * (w.abs() + 0.05 * w.abs().max());
    const auto excess = ((g - w).abs() / allowed).max().item<double>();
    BOOST_TEST(excess <= 1, where() << ": " << what << " differs by " << excess << " times what is allowed");
  }
  void compare_levels(const std::vector<PointLevel>& levels, bool single) {
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const auto n = std::to_string(l);
      const auto& level = levels[l];
      const auto T = level.logits.size(1);
      auto inside = torch::zeros({level.logits.size(0), T});
      for (std::size_t b = 0; b < level.lengths.size(); ++b)
        inside[static_cast<std::int64_t>(b)].slice(0, 0, level.lengths[b]).fill_(1);
      compare("mask" + n, inside, at("expected.mask" + n), single);
      const auto of = [&](const torch::Tensor& x) { return x * inside.unsqueeze(2).to(x.scalar_type()); };
      compare("logits" + n, of(level.logits), of(at("expected.logits" + n)), single);
      const bool trident = level.starts.defined();
      compare("offsets" + n, of(level.offsets), of(at((trident ? "expected.bins" : "expected.offsets") + n)), single);
      if (!trident) continue;
      compare("start" + n, of(level.starts), of(at("expected.start" + n).transpose(1, 2)), single);
      compare("end" + n, of(level.ends), of(at("expected.end" + n).transpose(1, 2)), single);
      const auto all = torch::ones({level.logits.size(0), T, level.logits.size(2)}).nonzero();
      const auto distances = trident_distances(level, all.select(1, 0), all.select(1, 1), all.select(1, 2))
                                 .reshape({level.logits.size(0), T, level.logits.size(2), 2});
      const auto pairs = [&](const torch::Tensor& x) {
        return x * inside.unsqueeze(2).unsqueeze(3).to(x.scalar_type());
      };
      compare("distances" + n, pairs(distances), pairs(at("expected.distances" + n).transpose(1, 2)), single);
    }
  }
  std::vector<std::vector<GridSegment>> segments() const {
    std::vector<std::vector<GridSegment>> all;
    const auto counts = at("input.counts"), labels = at("input.labels"),
               values = at("input.segments").to(torch::kDouble);
    std::int64_t k = 0;
    for (std::int64_t b = 0; b < counts.numel(); ++b) {
      all.emplace_back();
      for (std::int64_t i = 0; i < counts[b].item<std::int64_t>(); ++i, ++k)
        all.back().push_back(
            {{values[k][0].item<double>(), values[k][1].item<double>()}, labels[k].item<std::int64_t>()});
    }
    return all;
  }
};

inline void for_each_point_case(const std::set<std::string>& kinds, const std::function<void(PointCase&)>& test) {
  const std::string dir = parity_dir();
  if (skip_without(dir, "TAL_PARITY_DIR")) return;
  const auto manifest = load(dir + "/points/manifest.json");
  int cases = 0;
  for (const auto& [topic, facts] : manifest.at("topics").items()) {
    std::map<std::string, torch::Tensor> tensors;
    for (const auto& [name, entry] : facts.at("cases").items()) {
      if (!kinds.count(entry.at("kind"))) continue;
      if (tensors.empty()) tensors = read_tensors(dir + "/points/" + facts.at("file").get<std::string>()).tensors;
      PointCase c;
      c.topic = topic, c.name = name, c.entry = entry, c.config = facts.value("config", nlohmann::json::object());
      c.reference = facts.at("reference").at("repository"), c.tensors = tensors;
      const auto& t = facts.at("tolerance");
      c.abs_ = t.at("float64").at("abs"), c.rel_ = t.at("float64").at("rel");
      c.abs32_ = t.at("float32").at("abs"), c.rel32_ = t.at("float32").at("rel");
      test(c);
      BOOST_TEST(c.compared > 0, c.where() << ": nothing was compared");
      ++cases;
    }
  }
  BOOST_TEST(cases > 0);
}

}  // namespace tal::test
