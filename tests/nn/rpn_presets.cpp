// The RPN's presets against the rows of its paper's tables, typed from the paper; each built and trained for one step.
#include <boost/test/unit_test.hpp>

#include <map>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/models/rpn/rpn_model.h"
#include "tests/nn/small_set.h"

using namespace tal;

namespace {

// A row as the paper prints it: table, "shared" or "unshared", model, L, times, gamma.
struct PaperRow {
  const char *preset, *backbone, *model;
  int l, times;
  double gamma;
};
// Table 1. (ev) is scoring, so KL(ev) and KL are one model.
const PaperRow kTable1[] = {
    {"table1-shared-A-12x3-0.25", "shared", "A", 12, 3, 0.25},
    {"table1-shared-A-12x3-0.35", "shared", "A", 12, 3, 0.35},
    {"table1-shared-A-14x2-0.25", "shared", "A", 14, 2, 0.25},
    {"table1-shared-A-14x2-0.35", "shared", "A", 14, 2, 0.35},
    {"table1-shared-B-12x3-0.2", "shared", "B", 12, 3, 0.20},
    {"table1-shared-B-12x3-0.25", "shared", "B", 12, 3, 0.25},
    {"table1-shared-B-12x3-0.35", "shared", "B", 12, 3, 0.35},
    {"table1-shared-B-14x2-0.2", "shared", "B", 14, 2, 0.20},
    {"table1-shared-B-14x2-0.25", "shared", "B", 14, 2, 0.25},
    {"table1-shared-B-14x2-0.35", "shared", "B", 14, 2, 0.35},
    {"table1-shared-B-14x3-0.2", "shared", "B", 14, 3, 0.20},
    {"table1-shared-B-14x3-0.25", "shared", "B", 14, 3, 0.25},
    {"table1-shared-B-14x3-0.35", "shared", "B", 14, 3, 0.35},
    {"table1-B-14x3-0.2", "unshared", "B", 14, 3, 0.20},
    {"table1-B-14x3-0.25", "unshared", "B", 14, 3, 0.25},
    {"table1-B-14x3-0.3", "unshared", "B", 14, 3, 0.30},
    {"table1-B2-14x3-0.2", "unshared", "B2", 14, 3, 0.20},
    {"table1-B2-14x3-0.25", "unshared", "B2", 14, 3, 0.25},
    {"table1-B2-14x3-0.3", "unshared", "B2", 14, 3, 0.30},
    {"table1-B2-i3d", "unshared", "B2", 14, 3, 0.25},
    {"table1-B2-heads1", "unshared", "B2 *", 14, 3, 0.25},
    {"table1-B2-heads2", "unshared", "B2 **", 14, 3, 0.25},
    {"table1-B2-mtl", "unshared", "B2 MTL", 14, 3, 0.25},
    {"table1-B2-mtl-heads1", "unshared", "B2 MTL *", 14, 3, 0.25},
    {"table1-B2-mtl-heads2", "unshared", "B2 MTL **", 14, 3, 0.25},
    {"table1-B2-kl-mtl", "unshared", "B2 KL MTL", 14, 3, 0.25},
};
// Table 3 and the baselines of Table 4; "128": the dagger; "-RNN", "-attention", "-units": what is left out.
const PaperRow kTable3[] = {
    {"table3-A-0.2", "unshared", "A", 14, 3, 0.20},
    {"table3-A-0.25", "unshared", "A", 14, 3, 0.25},
    {"table3-A2-0.2", "unshared", "A2", 14, 3, 0.20},
    {"table3-A2-0.25", "unshared", "A2", 14, 3, 0.25},
    {"table3-B-0.2", "unshared", "B", 14, 3, 0.20},
    {"table3-B-0.25", "unshared", "B", 14, 3, 0.25},
    {"table3-B2-0", "unshared", "B2", 14, 3, 0.00},
    {"table3-B2-0.2", "unshared", "B2", 14, 3, 0.20},
    {"table3-B2-0.25", "unshared", "B2", 14, 3, 0.25},
    {"table3-B2-0.3", "unshared", "B2", 14, 3, 0.30},
    {"table3-B2-mtl", "unshared", "B2 MTL", 14, 3, 0.25},
    {"table3-B2-kl-mtl", "unshared", "B2 KL MTL", 14, 3, 0.25},
    {"table3-B2-kl-mtl-128", "unshared", "B2 KL MTL 128", 14, 3, 0.25},
    {"table3-B2-kl-mtl-128-heads1", "unshared", "B2 KL MTL 128 *", 14, 3, 0.25},
    {"table3-B2-kl-mtl-128-heads2", "unshared", "B2 KL MTL 128 **", 14, 3, 0.25},
    {"table4-attention", "unshared", "B2 -RNN -units", 14, 3, 0.25},
    {"table4-rnn", "unshared", "B2 -attention -units", 14, 3, 0.25},
    {"table4-rnn-attention", "unshared", "B2 -units", 14, 3, 0.25},
    {"table4-rnn-attention-128", "unshared", "B2 128 -units", 14, 3, 0.25},
    {"table4-rnn-attention-128-heads1", "unshared", "B2 128 * -units", 14, 3, 0.25},
    {"table4-rnn-attention-mtl", "unshared", "B2 MTL -units", 14, 3, 0.25},
};

// The settings of a model with a preset, by name, as JSON; "train." values too.
struct Chosen {
  RpnModel model;
  double lr = 0, decay = 0;
  nlohmann::json values;
  explicit Chosen(const std::string& json) {
    Settings settings = model.settings();
    settings.add("train.lr", &lr, "");
    settings.add("train.weight-decay", &decay, "");
    settings.read_json(json);
    values = nlohmann::json::parse(settings.json());
  }
};

void check_row(const PaperRow& row, bool thumos, const nlohmann::json& s) {
  const std::string model = std::string(row.model) + " ";
  const auto has = [&](const std::string& word) { return model.find(" " + word + " ") != std::string::npos; };
  BOOST_TEST(s["variant"] == model.substr(0, model.find(' ')));
  BOOST_TEST(s["shared"] == (std::string(row.backbone) == "shared"));
  BOOST_TEST(s["vicinity-backbone"] == "inception");
  BOOST_TEST(s["anchor-rows"] == row.l);
  BOOST_TEST(s["vicinity-rows"] == row.l * row.times);
  BOOST_TEST(s["gamma"] == row.gamma);
  BOOST_TEST(s["regression"] == (has("KL") ? "kl" : "smooth-l1"));
  BOOST_TEST(s["weighting"] == (has("MTL") ? "mtl" : "sum"));
  BOOST_TEST(s["recurrence"] == (has("-RNN") ? "none" : "bilstm"));
  BOOST_TEST(s["hidden"] == 384);
  BOOST_TEST(s["attention"] == (has("-attention") ? "none" : has("*") || has("**") ? "multi-head" : "soft"));
  BOOST_TEST(s["attention-units"] == (has("**") ? 2 : 1));
  BOOST_TEST(s["heads"] == 8);
  BOOST_TEST(s["unit"] == !has("-units"));
  BOOST_TEST(s["examples"] == 10);
  BOOST_TEST(s["positive-tiou"] == 0.7);
  BOOST_TEST(s["negative-low"] == 0.1);
  BOOST_TEST(s["negative-high"] == 0.3);
  // 4.2.
  const std::vector<double> activitynet{1, 3.0 / 4, 1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 50, 1.0 / 100},
      of_thumos{1.0 / 2,  3.0 / 8,  1.0 / 4,  1.0 / 8,  1.0 / 16, 3.0 / 16,
                1.0 / 32, 3.0 / 32, 5.0 / 32, 1.0 / 64, 1.0 / 128};
  BOOST_TEST(s["scales"].get<std::vector<double>>() == (thumos ? of_thumos : activitynet),
             boost::test_tools::per_element());
  BOOST_TEST(s["rows"] == (!thumos ? 100 : has("128") ? 128 : 256));
  BOOST_TEST(s["input"] == (thumos ? "windows" : "rescale"));
  if (thumos) BOOST_TEST(s["stride"] == (has("128") ? 64 : 128));
  BOOST_TEST(s["train.lr"] == (thumos || has("KL") ? 1e-4 : 1e-3));
  BOOST_TEST(s["train.weight-decay"] == (thumos ? 1e-5 : 1e-9));
  // Captions of Tables 1 and 3: lower thresholds 0.8, 0.55 and, with two units, 0.65; beta of the best models.
  BOOST_TEST(s["val-nms"] == (!thumos ? "rpn" : has("**") ? "rpn-thumos14-2" : "rpn-thumos14"));
  if (!has("-units")) BOOST_TEST(s["val-beta"] == (!thumos ? 0.2 : has("**") ? 0.9 : 0.8));
  BOOST_TEST(s["val-kl-ev"] == has("KL"));
}

std::map<std::string, std::string> presets_by_name() {
  std::map<std::string, std::string> all;
  for (const auto& preset : RpnModel().presets()) all[preset.name] = preset.settings;
  return all;
}

template <class Visit>
void each_row(Visit visit) {
  for (const PaperRow& row : kTable1) visit(row, false);
  for (const PaperRow& row : kTable3) visit(row, true);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rpn_presets)

BOOST_AUTO_TEST_CASE(values_of_the_tables) {
  const auto presets = presets_by_name();
  BOOST_TEST(presets.size() == std::size(kTable1) + std::size(kTable3));
  each_row([&](const PaperRow& row, bool thumos) {
    BOOST_TEST_CONTEXT(row.preset) {
      BOOST_TEST_REQUIRE(presets.count(row.preset) == 1u);
      check_row(row, thumos, Chosen(presets.at(row.preset)).values);
    }
  });
}

// At full size, on a video that fills a window; the loss is finite and every parameter that it reaches moves.
BOOST_AUTO_TEST_CASE(built_and_trained_for_a_step) {
  const auto presets = presets_by_name();
  const test::ActionSet set(1, 260, 7);
  each_row([&](const PaperRow& row, bool) {
    BOOST_TEST_CONTEXT(row.preset) {
      Chosen chosen(presets.at(row.preset));
      chosen.model.settings().set("examples", "2");
      torch::manual_seed(1);
      chosen.model.build(set.inputs());
      auto samples = chosen.model.samples(set, 0);
      BOOST_TEST_REQUIRE(!samples.empty());
      samples.resize(1);
      chosen.model.network().train();
      torch::optim::Adam optimizer(chosen.model.network().parameters(),
                                   torch::optim::AdamOptions(chosen.lr).weight_decay(chosen.decay));
      Random random(0);
      const Losses losses = chosen.model.loss(chosen.model.make_batch(set, samples, random, 0), 0);
      BOOST_TEST(std::isfinite(losses.loss.item<double>()));
      losses.loss.backward();
      std::vector<torch::Tensor> before;
      for (const auto& parameter : chosen.model.network().parameters()) before.push_back(parameter.detach().clone());
      optimizer.step();
      std::size_t k = 0, moved = 0;
      for (const auto& parameter : chosen.model.network().parameters()) {
        moved += !torch::equal(parameter.detach(), before[k++]);
        BOOST_TEST(torch::isfinite(parameter).all().item<bool>());
      }
      BOOST_TEST(moved * 10 >= k * 7, moved << " of " << k << " parameters moved");  // all but an unused vicinity
                                                                                     // backbone, and what ReLU shuts
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
