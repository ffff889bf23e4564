// Reference cases of network layers (TAL_PARITY_DIR/nn or another folder of it): inputs, weights, options, expected
// outputs and gradients, in float64.
//
//   for_each_case("rpn_backbone", [](NnCase& c) {
//     Backbone net(c.input("x").size(1), ...);
//     c.load(*net);                                       // every weight has its parameter and the other way round
//     c.check({{"y", net->forward(c.input("x"))}}, *net); // outputs, then gradients of the case's scalar
//   });
#pragma once

#include <torch/torch.h>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <set>

#include "libtal/nn/tensors.h"
#include "tests/support.h"

namespace tal::test {

class NnCase {
 public:
  std::string topic, name;
  nlohmann::json options;  // numbers and texts
  std::string scalar;      // "loss", "sum of ..." or ""

  bool has_input(const std::string& key) const { return inputs.count(key); }
  const torch::Tensor& input(const std::string& key) const { return inputs.at(key); }
  const torch::Tensor& weight(const std::string& key) const { return weights.at(key); }
  const torch::Tensor& expected(const std::string& key) const { return wanted.at(key); }
  bool has_weight(const std::string& key) const { return weights.count(key); }
  std::int64_t integer(const std::string& key, std::int64_t otherwise = 0) const {
    return static_cast<std::int64_t>(number(key, static_cast<double>(otherwise)));
  }
  double number(const std::string& key, double otherwise = 0) const {
    return options.contains(key) ? options.at(key).get<double>() : otherwise;
  }
  std::string text(const std::string& key, const std::string& otherwise = "") const {
    return options.contains(key) ? options.at(key).get<std::string>() : otherwise;
  }

  // Makes the module double and gives every parameter and buffer the case's weight. rename: module's name -> the case's
  // name.
  using Rename = std::function<std::string(const std::string&)>;
  void load(torch::nn::Module& module, const Rename& rename = {}) {
    module.to(torch::kDouble);
    torch::NoGradGuard guard;
    std::set<std::string> used;
    const auto put = [&](const std::string& own, torch::Tensor& tensor) {
      const std::string key = rename ? rename(own) : own;
      if (own.size() > 19 && own.substr(own.size() - 19) == "num_batches_tracked" && !weights.count(key)) return;
      BOOST_REQUIRE_MESSAGE(weights.count(key), where()
                                                    << ": no weight '" << key << "' for the parameter '" << own << "'");
      BOOST_REQUIRE_MESSAGE(weights.at(key).sizes() == tensor.sizes(), where()
                                                                           << ": '" << key << "' has another shape");
      tensor.copy_(weights.at(key));
      used.insert(key);
    };
    for (auto& item : module.named_parameters()) put(item.key(), item.value());
    for (auto& item : module.named_buffers()) put(item.key(), item.value());
    for (const auto& [key, tensor] : weights)
      BOOST_REQUIRE_MESSAGE(used.count(key), where() << ": weight '" << key << "' has no parameter");
  }

  // Compares with expected.KEY within the file's tolerance; integers exactly.
  void compare(const std::string& what, const torch::Tensor& got, const torch::Tensor& want) {
    const auto shape = [](const torch::Tensor& t) { return (std::ostringstream() << t.sizes()).str(); };
    if (got.numel() != want.numel() || (got.dim() && want.dim() && got.sizes() != want.sizes())) {
      BOOST_ERROR(where() << ": " << what << " has shape " << shape(got) << ", not " << shape(want));
      return;
    }
    const auto g = got.detach().cpu().to(torch::kDouble).reshape(-1), w = want.to(torch::kDouble).reshape(-1);
    ++compared;
    if (!want.numel()) return;
    if (!want.is_floating_point()) {
      BOOST_TEST(torch::equal(g, w), where() << ": " << what << " differs");
      return;
    }
    const bool fast = got.scalar_type() != torch::kDouble;
    const double limit_abs = fast ? abs32 : abs64, limit_rel = fast ? rel32 : rel64;
    const auto allowed = limit_abs + limit_rel * (w.abs() + 0.05 * w.abs().max());
    const auto excess = ((g - w).abs() - allowed).max().item<double>();
    BOOST_TEST(excess <= 0, where() << ": " << what << " differs by up to " << (g - w).abs().max().item<double>());
  }

  // Every expected output must be among `got` unless named in `without`; then the gradients of the case's scalar with
  // respect to every input and weight that has one.
  void check(const std::map<std::string, torch::Tensor>& got, torch::nn::Module* module, const Rename& rename = {},
             const std::set<std::string>& without = {}) {
    for (const auto& [key, want] : wanted) {
      if (without.count(key)) continue;
      BOOST_REQUIRE_MESSAGE(got.count(key), where() << ": no output '" << key << "' was computed");
      compare(key, got.at(key), want);
    }
    if (gradients.empty()) return;
    torch::Tensor objective;
    if (scalar == "loss") {
      objective = got.at("loss").sum();
    } else {
      for (const auto& [key, up] : upstream) {
        const auto term = (got.at(key) * up).sum();
        objective = objective.defined() ? objective + term : term;
      }
    }
    BOOST_REQUIRE_MESSAGE(objective.defined(), where() << ": nothing to differentiate");
    for (auto& [key, tensor] : inputs)
      if (tensor.grad().defined()) tensor.mutable_grad().reset();
    if (module) module->zero_grad();
    objective.backward();
    std::map<std::string, torch::Tensor> have;
    for (auto& [key, tensor] : inputs) have[key] = tensor.grad();
    if (module)
      for (auto& item : module->named_parameters())
        have[rename ? rename(item.key()) : item.key()] = item.value().grad();
    for (auto& [key, tensor] : weights)
      if (!module) have[key] = tensor.grad();
    for (const auto& [key, want] : gradients) {
      BOOST_REQUIRE_MESSAGE(have.count(key), where() << ": no tensor for the gradient of '" << key << "'");
      compare("gradient of " + key, have[key].defined() ? have[key] : torch::zeros_like(want, torch::kDouble), want);
    }
  }
  // Everything that was loaded in float32: the files' numbers are exact in it.
  void narrow(torch::nn::Module* module = nullptr) {
    for (auto& [key, tensor] : inputs) {
      const bool leaf = tensor.requires_grad();
      if (tensor.is_floating_point()) tensor = tensor.detach().to(torch::kFloat).requires_grad_(leaf);
    }
    if (module) module->to(torch::kFloat);
  }
  void check(const std::map<std::string, torch::Tensor>& got, torch::nn::Module& module, const Rename& rename = {},
             const std::set<std::string>& without = {}) {
    check(got, &module, rename, without);
  }
  void check(const std::map<std::string, torch::Tensor>& got) { check(got, nullptr); }

  std::string where() const { return topic + " " + name; }

  std::map<std::string, torch::Tensor> inputs, weights, wanted, upstream, gradients;
  double abs64 = 0, rel64 = 0, abs32 = 0, rel32 = 0;
  int compared = 0;
};

inline void for_each_case(const std::string& topic, const std::function<void(NnCase&)>& test,
                          const std::string& folder = "nn") {
  const std::string dir = parity_dir();
  if (skip_without(dir, "TAL_PARITY_DIR")) return;
  const auto manifest = test::load(dir + "/" + folder + "/manifest.json").at("topics").at(topic);
  const auto file = read_tensors(dir + "/" + folder + "/" + manifest.at("file").get<std::string>());
  int cases = 0;
  for (const auto& [name, entry] : manifest.at("cases").items()) {
    NnCase c;
    c.topic = topic, c.name = name, c.options = entry.value("options", nlohmann::json::object()),
    c.scalar = entry.value("scalar", "");
    const auto& t = manifest.at("tolerance");
    c.abs64 = t.at("float64").at("abs"), c.rel64 = t.at("float64").at("rel");
    c.abs32 = t.at("float32").at("abs"), c.rel32 = t.at("float32").at("rel");
    for (const auto& [key, tensor] : file.tensors) {
      const bool shared = key.rfind("weight.", 0) == 0;  // by all cases of the file
      if (!shared && key.rfind(name + ".", 0) != 0) continue;
      const std::string rest = shared ? key : key.substr(name.size() + 1), kind = rest.substr(0, rest.find('.')),
                        own = rest.substr(rest.find('.') + 1);
      const auto wide = tensor.is_floating_point() ? tensor.to(torch::kDouble) : tensor;
      if (kind == "input") c.inputs[own] = wide.clone();
      if (kind == "weight") c.weights[own] = wide.clone();
      if (kind == "expected") c.wanted[own] = wide;
      if (kind == "upstream") c.upstream[own] = wide;
      if (kind == "grad") c.gradients[own] = wide;
      if (kind == "option" && !c.options.contains(own)) c.options[own] = wide.item<double>();
      BOOST_REQUIRE_MESSAGE(
          (std::set<std::string>{"input", "weight", "expected", "upstream", "grad", "option"}.count(kind)),
          c.where() << ": key of an unknown kind: " << key);
    }
    for (auto& [key, tensor] : c.inputs)
      if (c.gradients.count(key)) tensor.requires_grad_();
    for (auto& [key, tensor] : c.weights)
      if (c.gradients.count(key)) tensor.requires_grad_();
    test(c);
    BOOST_TEST((c.compared > 0 || c.wanted.empty()), c.where() << ": nothing was compared");
    ++cases;
  }
  BOOST_TEST(cases > 0);
}

}  // namespace tal::test
