// Training in half types: the losses of every model are computed in float32 and outside autocast, which refuses some of
// them on CUDA ("unsafe to autocast"), and come near those of float32. On the processor, in bfloat16.
#include <boost/test/unit_test.hpp>

#include <ATen/autocast_mode.h>
#include <ATen/record_function.h>

#include <cmath>
#include <map>
#include <set>

#include "libtal/models/core/factory.h"
#include "libtal/models/core/model.h"
#include "libtal/nn/device.h"
#include "libtal/train/trainer.h"
#include "tests/nn/small_set.h"

namespace {

using namespace tal;

// Networks that learn in a moment, without dropout.
using Pairs = std::vector<std::string>;
Pairs small_maps(Pairs more) {
  for (const char* pair : {"samples=4", "base-filters=8", "reduced-filters=8", "proposal-filters=8", "head-filters=4",
                           "rows=32", "durations=32"})
    more.emplace_back(pair);
  return more;
}
const std::map<std::string, Pairs> kSmall = {
    {"rpn", {"width=16", "hidden=8", "rows=32"}},
    {"bsnpp", small_maps({"first-filters=8", "generator-filters=8", "attention-filters=4"})},
    {"bmn", small_maps({"boundary-filters=8"})},
    {"cmsn", {"hidden=8", "lstm-hidden=8", "evaluation-hidden=8", "window=32", "dropout=0"}},
    {"etp-an", {"hidden=8", "kernel=3", "dropout=0"}},
    {"etp-rn", {"hidden=8"}},
    {"etp-ln", {"dropout=0"}},
    {"sptad",
     {"clip=64", "dim=16", "heads=2", "hidden=4", "ffn=16", "stages=2", "proposals=8", "roi-rows=4", "stem-filters=8"}},
    {"points", {"dims=16", "head-dims=8", "stem=1", "levels=4", "heads=2", "windows=5", "droppath=0", "quality=true"}},
    {"segment-classifier", {"hidden=8", "dropout=0"}},
};
// What a loss is made of, by LibTorch's names.
const std::set<std::string> kLossOperations = {"aten::binary_cross_entropy",
                                               "aten::binary_cross_entropy_with_logits",
                                               "aten::cross_entropy_loss",
                                               "aten::nll_loss",
                                               "aten::nll_loss_nd",
                                               "aten::log_softmax",
                                               "aten::log_sigmoid",
                                               "aten::smooth_l1_loss",
                                               "aten::l1_loss",
                                               "aten::mse_loss",
                                               "aten::kl_div"};

std::set<std::string> seen, unsafe;  // of a LossWatch

std::unique_ptr<at::ObserverContext> look_at(const at::RecordFunction& called) {
  const std::string name = called.name();
  if (!kLossOperations.count(name)) return nullptr;
  seen.insert(name);
  if (at::autocast::is_autocast_enabled(at::kCPU) &&
      !c10::impl::tls_local_dispatch_key_set().excluded_.has(c10::DispatchKey::AutocastCPU))
    unsafe.insert(name + " under autocast");
  for (const auto& input : called.inputs())
    if (input.isTensor() && input.toTensor().defined() &&
        (input.toTensor().scalar_type() == at::kBFloat16 || input.toTensor().scalar_type() == at::kHalf))
      unsafe.insert(name + " of a half type");
  return nullptr;
}

// This thread's calls of kLossOperations, while it lives.
class LossWatch {
 public:
  LossWatch()
      : handle_(at::addThreadLocalCallback(
            at::RecordFunctionCallback(look_at).needsInputs(true).scopes({at::RecordScope::FUNCTION}))) {
    seen.clear(), unsafe.clear();
  }
  ~LossWatch() { at::removeCallback(handle_); }

 private:
  at::CallbackHandle handle_;
};

// Videos with a positive, an incomplete and a background proposal for each action.
test::ActionSet proposed(std::size_t videos) {
  test::ActionSet set(videos, 96, 3);
  for (std::size_t v = 0; v < videos; ++v)
    for (const auto& [segment, label] : set.video(v).truths)
      for (const auto& [start, end] : {std::pair{0.05, 1.0}, {0.5, 1.0}, {-0.7, -0.2}})
        set.video(v).proposals.push_back(
            {{segment.start + start * segment.length(), segment.start + end * segment.length()}, 0.5});
  return set;
}

std::unique_ptr<Model> built(const std::string& name, const TrainingSet& set) {
  torch::manual_seed(1);
  auto model = make_model(name);
  Settings settings = model->settings();
  for (const auto& pair : kSmall.at(name)) settings.set_pair(pair);
  model->build(set.inputs());
  model->network().train();
  return model;
}

double loss_of(const std::string& name, const TrainingSet& set, std::size_t phase, c10::ScalarType type) {
  const auto model = built(name, set);
  model->begin_phase(phase);
  auto samples = model->samples(set, phase);
  samples.resize(std::min<std::size_t>(samples.size(), 6));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].seed = Random::of(3, i).bits();
  Random random(4);
  const Batch batch = model->make_batch(set, samples, random, phase);
  model->begin_step(model->step_total(set, samples, phase));
  torch::Tensor loss;
  {
    const Autocast autocast(at::kCPU, type);
    loss = model->loss(batch, phase).loss;
  }
  BOOST_TEST(loss.scalar_type() == at::kFloat);
  loss.backward();
  for (const auto& parameter : model->network().parameters())
    if (parameter.grad().defined()) BOOST_TEST(parameter.grad().isfinite().all().item<bool>());
  return loss.item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(half_training)

BOOST_AUTO_TEST_CASE(all_models_are_here) {
  for (const auto& factory : model_factories()) BOOST_TEST(kSmall.count(factory.name) == 1u, factory.name);
}

BOOST_AUTO_TEST_CASE(the_watch_notices) {
  const auto x = torch::rand({4}), label = torch::ones({4});
  const LossWatch watch;
  const auto loss = [&] { return torch::binary_cross_entropy(widened(x), label); };
  {
    const Autocast autocast(at::kCPU, at::kBFloat16);
    const OwnPrecision own;
    loss();
  }
  BOOST_TEST(seen.size() == 1u);
  BOOST_TEST(unsafe.empty());
  {
    const Autocast autocast(at::kCPU, at::kBFloat16);
    loss();
  }
  torch::smooth_l1_loss(x.to(at::kBFloat16), label.to(at::kBFloat16));
  BOOST_TEST((unsafe == std::set<std::string>{"aten::binary_cross_entropy under autocast",
                                              "aten::smooth_l1_loss of a half type"}));
}

// Of bfloat16's 8 bits, 2^-8 a product: within 3 % + 0.01 after the layers of the small networks.
BOOST_AUTO_TEST_CASE(losses_are_in_float32_outside_autocast) {
  const auto set = proposed(6);
  std::set<std::string> all;
  for (const auto& [name, settings] : kSmall)
    for (std::size_t phase = 0; phase < make_model(name)->phases().size(); ++phase)
      BOOST_TEST_CONTEXT(name << ", phase " << phase) {
        const double full = loss_of(name, set, phase, at::kFloat);
        const LossWatch watch;
        const double half = loss_of(name, set, phase, at::kBFloat16);
        for (const auto& what : unsafe) BOOST_TEST(false, what);
        all.insert(seen.begin(), seen.end());
        BOOST_TEST(half != full, "bfloat16 is used");
        BOOST_TEST(std::abs(half - full) <= 0.03 * std::abs(full) + 0.01, half << ", not " << full);
      }
  for (const char* operation : {"aten::binary_cross_entropy", "aten::cross_entropy_loss", "aten::smooth_l1_loss",
                                "aten::log_sigmoid", "aten::binary_cross_entropy_with_logits"})
    BOOST_TEST(all.count(operation) == 1u, operation << " is watched");
}

// A few steps of tal-train's own loop: weights move apart with the steps, the mean of the losses by 10 % + 0.05 at
// most.
BOOST_AUTO_TEST_CASE(every_model_trains_in_bfloat16) {
  const auto set = proposed(6);
  for (const auto& [name, settings] : kSmall) BOOST_TEST_CONTEXT(name) {
      const auto mean_of = [&, &name = name](const std::string& precision) {
        const auto model = built(name, set);
        TrainRun run;
        run.options.precision = precision;
        run.options.epochs = 1, run.options.batch = 3, run.options.samples_per_epoch = 12;
        TrainEvents events;
        double sum = 0;
        int steps = 0;
        events.step = [&](const StepReport& report) { sum += report.loss, ++steps; };
        Communicator alone;
        train(*model, set, run, {}, events, alone);
        for (const auto& parameter : model->network().parameters()) BOOST_TEST(parameter.isfinite().all().item<bool>());
        return sum / steps;
      };
      const double full = mean_of("float32"), half = mean_of("bfloat16");
      BOOST_TEST(full != half);
      BOOST_TEST(std::abs(half - full) <= 0.1 * std::abs(full) + 0.05, half << ", not " << full);
    }
}

BOOST_AUTO_TEST_CASE(half_types_are_widened_and_no_others) {
  const auto x = torch::randn({3});
  BOOST_TEST(widened(x.to(at::kBFloat16)).scalar_type() == at::kFloat);
  BOOST_TEST(widened(x.to(at::kHalf)).scalar_type() == at::kFloat);
  BOOST_TEST(widened(x.to(at::kDouble)).scalar_type() == at::kDouble);
  BOOST_TEST(widened(x).is_same(x));
  BOOST_TEST(!widened({}).defined());
}

BOOST_AUTO_TEST_SUITE_END()
