// What ETP's networks are trained on, by value: kinds of proposals, ratios, targets, loss weights; late fusion against
// one network after the other; the paper's constants.
#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "libtal/base/error.h"
#include "libtal/models/etp/etp_an_model.h"
#include "libtal/models/etp/etp_ln_model.h"
#include "libtal/models/etp/etp_rn_model.h"
#include "libtal/models/etp/proposal_sampling.h"
#include "libtal/segment/suppress.h"
#include "libtal/train/options.h"
#include "tests/nn/etp_reference.h"
#include "tests/nn/small_set.h"

using namespace tal;
using tal::test::ActionSet;
using tal::test::worst;

namespace {

// Two videos with ground truths and proposals at chosen places. Video 0: [10, 20] x and [30, 50] y; video 1: [5, 25] x.
ActionSet placed() {
  ActionSet set(2, 60, 1);
  set.video(0).truths = {{{10, 20}, 0}, {{30, 50}, 1}};
  set.video(1).truths = {{{5, 25}, 0}};
  for (const auto& [start, end] : {std::pair{10.5, 20.0},
                                   {13.0, 20.0},
                                   {15.0, 20.0},
                                   {18.0, 20.0},
                                   {19.5, 20.5},
                                   {22.0, 28.0},
                                   {32.0, 48.0},
                                   {0.0, 60.0}})
    set.video(0).proposals.push_back({{start, end}, 0.5});
  for (const auto& [start, end] : {std::pair{5.0, 13.0}, {40.0, 55.0}})
    set.video(1).proposals.push_back({{start, end}, 0.5});
  return set;
}

// By hand, tIoU of the proposals above: 0.95, 0.7, 0.5, 0.2, 1/21, 0, 0.8 (with the second truth), 1/3 (with the
// second); 0.4, 0.
const std::vector<std::int64_t> kPositives = {0, 1, 6}, kIncomplete = {2, 7}, kBackground = {4, 5};  // of video 0

template <class M>
std::unique_ptr<M> built(const ActionSet& set, const std::string& settings = "{}") {
  auto model = std::make_unique<M>();
  model->settings().read_json(settings);
  model->build(set.inputs());
  return model;
}

std::vector<Sample> seeded(std::vector<Sample> samples) {
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].seed = Random::of(3, i).bits();
  return samples;
}

Batch batch_of(const Model& model, const TrainingSet& set) {
  Random random(1);
  return model.make_batch(set, seeded(model.samples(set, 0)), random, 0);
}

template <class Act>
std::string fault(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(etp_training)

BOOST_AUTO_TEST_CASE(kinds_of_proposals) {
  const auto set = placed();
  std::vector<std::int64_t> positives, incomplete, background;
  for (std::size_t i = 0; i < set.video(0).proposals.size(); ++i) {
    const auto kind = kind_of(best_match(set.video(0), set.video(0).proposals[i].segment).tiou);
    if (kind == kPositiveKind) positives.push_back(static_cast<std::int64_t>(i));
    if (kind == kIncompleteKind) incomplete.push_back(static_cast<std::int64_t>(i));
    if (kind == kBackgroundKind) background.push_back(static_cast<std::int64_t>(i));
  }
  BOOST_TEST(positives == kPositives);
  BOOST_TEST(incomplete == kIncomplete);
  BOOST_TEST(background == kBackground);
  BOOST_TEST(best_match(set.video(0), {32, 48}).truth == 1);
  BOOST_TEST((kind_of(0.7) == kPositiveKind && kind_of(0.3) == kIncompleteKind && !kind_of(0.1) && !kind_of(0.299) &&
              kind_of(0.0999) == kBackgroundKind));
}

BOOST_AUTO_TEST_CASE(refinement_learns_from_every_positive_and_incomplete_proposal) {
  const auto set = placed();
  const auto model = built<EtpRnModel>(set, R"({"unit-length":4,"hidden":4})");
  std::vector<std::pair<std::uint32_t, std::int64_t>> items;
  for (const auto& sample : model->samples(set, 0)) items.emplace_back(sample.video, sample.item);
  const std::vector<std::pair<std::uint32_t, std::int64_t>> want = {{0, 0}, {0, 1}, {0, 2}, {0, 6}, {0, 7}, {1, 0}};
  BOOST_TEST((items == want));
}

BOOST_AUTO_TEST_CASE(refinement_draws_for_ground_truths) {
  const auto set = placed();
  // Without made examples a ground truth has only the kinds that it has proposals of: the second video's has no
  // positive one.
  const auto real = built<EtpRnModel>(set, R"({"unit-length":4,"hidden":4,"draw":"truths","samples-per-truth":2})");
  std::vector<std::pair<std::uint32_t, std::int64_t>> items;
  for (const auto& sample : real->samples(set, 0)) items.emplace_back(sample.video, sample.item);
  BOOST_TEST((items == std::vector<std::pair<std::uint32_t, std::int64_t>>{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {1, 1}}));
  const auto made =
      built<EtpRnModel>(set, R"({"unit-length":4,"hidden":4,"draw":"truths","samples-per-truth":2,"made":0.5})");
  BOOST_TEST(made->samples(set, 0).size() == 6u);
}

BOOST_AUTO_TEST_CASE(targets_are_snapped_to_the_unit_grid) {
  // Units of 4 s each 2 s. The ground truth [5, 12.5] becomes [4, 14], the proposal [6.5, 13] (tIoU 6/8) [6, 14].
  ActionSet set(1, 60, 1);
  set.video(0).truths = {{{5, 12.5}, 0}};
  set.video(0).proposals = {{{6.5, 13}, 0.5}};
  const auto snapped =
      batch_of(*built<EtpRnModel>(set, R"({"unit-length":4,"hidden":4})"), set).at("target").to(torch::kDouble);
  BOOST_TEST(worst(snapped, torch::tensor({{(9.0 - 10) / 8, std::log(10.0 / 8)}}, torch::kDouble)) < 1e-6);
  const auto plain = batch_of(*built<EtpRnModel>(set, R"({"unit-length":4,"hidden":4,"snap-target":false})"), set)
                         .at("target")
                         .to(torch::kDouble);
  BOOST_TEST(worst(plain, torch::tensor({{(8.75 - 10) / 8, std::log(7.5 / 8)}}, torch::kDouble)) < 1e-6);
}

BOOST_AUTO_TEST_CASE(localization_takes_proposals_alone_at_one_to_one_to_four) {
  const auto set = placed();
  const auto model = built<EtpLnModel>(set, R"({"groups-per-truth":20})");
  // The second video's ground truth has no positive proposal: no group.
  const auto samples = model->samples(set, 0);
  BOOST_TEST(samples.size() == 40u);
  for (const auto& sample : samples) BOOST_TEST(sample.video == 0u);
  const auto batch = batch_of(*model, set);
  const auto kinds = batch.at("kind");
  const auto count = [&](std::int64_t kind) { return kinds.eq(kind).sum().item<std::int64_t>(); };
  BOOST_TEST(count(kPositiveKind) == 40);
  BOOST_TEST(count(kBackgroundKind) == 40);
  BOOST_TEST(count(kIncompleteKind) == 160);
  std::set<std::int64_t> seen;
  for (std::int64_t m = 0; m < kinds.size(0); ++m) {
    const Segment segment{batch.at("proposals")[m][0].item<double>(), batch.at("proposals")[m][1].item<double>()};
    const auto& all = set.video(0).proposals;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.segment == segment; });
    BOOST_TEST_REQUIRE((found != all.end()), "a proposal of the record: " << segment.start << " to " << segment.end);
    const auto i = static_cast<std::int64_t>(found - all.begin()), kind = kinds[m].item<std::int64_t>();
    const auto& own = kind == kPositiveKind ? kPositives : kind == kIncompleteKind ? kIncomplete : kBackground;
    BOOST_TEST((std::find(own.begin(), own.end(), i) != own.end()), "kind " << kind << " proposal " << i);
    if (kind == kBackgroundKind) continue;
    seen.insert(i);
    BOOST_TEST(batch.at("label")[m].item<std::int64_t>() == (i < 4 ? 0 : 1));
    BOOST_TEST(batch.at("gt")[m][0].item<double>() == (i < 4 ? 10.0 : 30.0));
  }
  BOOST_TEST(seen.size() == 5u);  // every positive and incomplete one comes up
}

BOOST_AUTO_TEST_CASE(nothing_but_made_examples_is_refused) {
  auto set = placed();
  BOOST_TEST(fault([&] { built<EtpRnModel>(set, R"({"draw":"truths","made":1})"); }).find("made: ") == 0);
  BOOST_TEST(fault([&] { built<EtpLnModel>(set, R"({"made":1})"); }).find("made: ") == 0);
  const auto refinement = built<EtpRnModel>(set, R"({"hidden":4,"draw":"truths","made":0.5})");
  const auto localization = built<EtpLnModel>(set, R"({"made":0.5})");
  // Incomplete proposals are enough to refine by, not to classify by; a positive one of an unknown class is not,
  // either.
  set.video(0).proposals = {{{15, 20}, 0.5}}, set.video(1).proposals.clear();
  BOOST_TEST(fault([&] { refinement->samples(set, 0); }) == "");
  BOOST_TEST(fault([&] { localization->samples(set, 0); }) ==
             "proposals: etp-ln learns from proposals with a tIoU of 0.7 and more with a ground truth of a known "
             "class, and none of the 1 of the records has that");
  set.video(0).proposals.push_back({{10, 20}, 0.5});
  BOOST_TEST(fault([&] { localization->samples(set, 0); }) == "");
  set.video(0).truths[0].label = -1;
  BOOST_TEST(fault([&] { localization->samples(set, 0); }) != "");
  set.video(0).proposals = {{{22, 28}, 0.5}};
  BOOST_TEST(fault([&] { refinement->samples(set, 0); }) ==
             "proposals: etp-rn learns from proposals with a tIoU of 0.3 and more with a ground truth, and none of the "
             "1 of the records has that");
  set.video(0).proposals.clear();
  for (const Model* model :
       {static_cast<const Model*>(refinement.get()), static_cast<const Model*>(localization.get())})
    BOOST_TEST(fault([&] { model->samples(set, 0); }) ==
               "proposals: " + model->name() +
                   " learns from the proposals of another stage (tal-propose), and no record has any");
}

BOOST_AUTO_TEST_CASE(weights_of_the_losses) {
  // One positive (class 0), one background, one incomplete of class 1; K = 2. By hand: cross entropies log 3 and log(2
  // + e) - 1; hinges max(0, 1 - 0.25) and max(0, 1 + 0.5), both kept; the location (0.5, 2) against the target (0, 0):
  // 0.125 + 1.5.
  const auto cls = torch::tensor({{0.0, 0.0, 0.0}, {0.0, 0.0, 1.0}, {9.0, 9.0, 9.0}}, torch::kDouble);
  const auto comp = torch::tensor({{0.25, 7.0}, {7.0, 7.0}, {7.0, 0.5}}, torch::kDouble),
             reg = torch::tensor({{0.5, 2.0}, {9.0, 9.0}, {9.0, 9.0}}, torch::kDouble);
  const auto same = torch::tensor({{1.0, 3.0}, {1.0, 3.0}, {1.0, 3.0}}, torch::kDouble);
  const LocalizationTruth truth{torch::tensor({0, 0, 1}), torch::tensor({1, 0, -1}), same, same};
  const double classification = (std::log(3.0) + std::log(2 + std::exp(1.0)) - 1) / 2, completeness = (0.75 + 1.5) / 2,
               location = 0.125 + 1.5;
  BOOST_TEST(std::fabs(localization_loss(cls, comp, reg, truth).loss.item<double>() -
                       (classification + 0.1 * completeness + 0.1 * location)) < 1e-12);
  BOOST_TEST(std::fabs(localization_loss(cls, comp, reg, truth, 0.5, 3).loss.item<double>() -
                       (classification + 0.5 * completeness + 3 * location)) < 1e-12);

  // The settings reach the loss: with the parts that the model reports, for both of its networks.
  const auto set = placed();
  torch::manual_seed(4);
  const auto model = built<EtpLnModel>(set, R"({"comp-weight":0.5,"loc-weight":3})");
  const auto losses = model->loss(batch_of(*model, set), 0);
  double want = 0;
  for (const auto& [name, value] : losses.parts)
    want += (name == "completeness" ? 0.5 : name == "location" ? 3.0 : 1.0) * value.item<double>();
  BOOST_TEST(std::fabs(losses.loss.item<double>() - want) < 1e-4 * want);
}

BOOST_AUTO_TEST_CASE(late_fusion_by_value) {
  torch::manual_seed(5);
  const auto set = placed();
  const auto model = built<EtpLnModel>(set);
  auto& streams = dynamic_cast<EtpLnStreamsImpl&>(model->network());
  BOOST_TEST_REQUIRE(streams.networks.size() == 2u);  // late fusion is the default
  model->network().eval();
  {
    torch::NoGradGuard guard;
    for (auto& item : model->network().named_parameters()) item.value().copy_(0.3 * torch::randn_like(item.value()));
  }
  const auto sequence = set.sequence(0);
  const std::vector<Segment> proposals = {{10, 20}, {31, 47.5}};
  const auto first = reference::score_one_by_one(streams.networks[0], sequence.x.narrow(1, 0, 3), proposals);
  const auto second = reference::score_one_by_one(streams.networks[1], sequence.x.narrow(1, 3, 1), proposals);
  for (const auto& [text, w] : {std::pair{"", 0.5}, {"3,1", 0.75}, {"0,2", 0.0}}) {
    model->inference().set("fusion-weights", text);
    Record record = Record::make("v0");
    record.set_number("duration", 60);
    std::vector<Proposal> given(2);
    for (std::size_t m = 0; m < 2; ++m) given[m].segment = proposals[m], given[m].score = 0.5;
    record.set_proposals(given);
    model->score(record, sequence);
    const auto& found = record.proposals();
    BOOST_TEST_REQUIRE(found.size() == 4u);  // all K classes
    const auto p = (w * torch::softmax(first.cls, 1) + (1 - w) * torch::softmax(second.cls, 1)).to(torch::kDouble);
    const auto rank = p.narrow(1, 0, 2) * torch::exp((w * first.comp + (1 - w) * second.comp).to(torch::kDouble));
    const auto moved = move_proposals(torch::tensor({{10.0, 20.0}, {31.0, 47.5}}, torch::kDouble),
                                      (w * first.reg + (1 - w) * second.reg).to(torch::kDouble));
    for (std::size_t k = 0; k < 4; ++k) {
      const std::int64_t m = static_cast<std::int64_t>(k) / 2, c = found[k].label == "x" ? 0 : 1;
      BOOST_TEST(std::fabs(found[k].score - rank[m][c].item<double>()) < 1e-4 * (1 + rank[m][c].item<double>()),
                 "weights " << text);
      BOOST_TEST(std::fabs(found[k].segment.start - std::max(0.0, moved[m][0].item<double>())) < 1e-3);
      BOOST_TEST(std::fabs(found[k].segment.end - std::min(60.0, moved[m][1].item<double>())) < 1e-3);
    }
    BOOST_TEST((found[0].label != found[1].label && found[0].score >= found[1].score));
  }
}

namespace {

// A model with its defaults, then presets, as tal-train sets it.
template <class M>
struct Configured {
  explicit Configured(const std::vector<std::string>& presets = {}) {
    all = model.settings();
    all.nest("inference", model.inference());
    all.nest("train", settings_of(train));
    const auto defaults = nlohmann::json::parse(model.training_defaults());
    for (const auto& [name, value] : defaults.items()) all.read_json(nlohmann::json{{"train." + name, value}}.dump());
    for (const auto& name : presets) {
      const auto known = model.presets();
      const auto found = std::find_if(known.begin(), known.end(), [&](const Preset& p) { return p.name == name; });
      BOOST_TEST_REQUIRE((found != known.end()), name);
      all.read_json(found->settings);
    }
  }
  std::string operator[](const std::string& name) const { return all.value_text(name); }
  double iterations() const {
    return static_cast<double>(train.epochs * train.samples_per_epoch) / static_cast<double>(train.batch);
  }
  double rate(std::int64_t step) const {
    return train.lr *
           lr_factor(train, step, train.samples_per_epoch / train.batch, static_cast<std::int64_t>(iterations()));
  }

  M model;
  TrainOptions train;
  Settings all;
};

void is(double value, double want) { BOOST_TEST(std::fabs(value - want) <= 1e-9 * want, value << " is " << want); }

// Built on a small set, one optimiser step: a finite loss and weights that have moved.
template <class M>
void takes_a_step(Configured<M>& of, const TrainingSet& set) {
  torch::manual_seed(1);
  of.model.build(set.inputs());
  of.model.network().train();
  std::vector<torch::Tensor> before;
  for (const auto& parameter : of.model.network().parameters()) before.push_back(parameter.detach().clone());
  torch::optim::SGD optimizer(of.model.network().parameters(), torch::optim::SGDOptions(0.1));
  const auto losses = of.model.loss(batch_of(of.model, set), 0);
  losses.loss.backward();
  optimizer.step();
  BOOST_TEST(std::isfinite(losses.loss.template item<double>()));
  const auto after = of.model.network().parameters();
  std::size_t moved = 0;
  for (std::size_t k = 0; k < before.size(); ++k) moved += !torch::equal(before[k], after[k]);
  BOOST_TEST(moved > before.size() / 2, moved << " of " << before.size() << " parameters moved");
}

}  // namespace

BOOST_AUTO_TEST_CASE(defaults_are_the_papers) {
  // 4.2: SGD with momentum 0.9, rate 0.1, a tenth after every 5k iterations; 20k iterations of 128 proposals; 2 x 512
  // units; 64 frames.
  const Configured<EtpRnModel> rn;
  BOOST_TEST((rn["train.optimizer"] == "\"sgd\"" && rn["train.momentum"] == "0.9" && rn["train.batch"] == "128" &&
              rn["train.weight-decay"] == "0.0"));
  is(rn.iterations(), 20000), is(rn.rate(0), 0.1), is(rn.rate(4999), 0.1), is(rn.rate(5000), 0.01),
      is(rn.rate(19999), 1e-4);
  BOOST_TEST((rn["hidden"] == "512" && rn["unit-length"] == "64.0" && rn["non-local"] == "true" &&
              rn["snap-target"] == "true" && rn["draw"] == "\"proposals\""));
  BOOST_TEST((rn["made"] == "0.0" && rn["inference.strength"] == "1.0"));
  // 90k iterations, the rate falls until it is less than 1e-5; Eq. (9) with 0.1 and 0.1; all K scores p exp(s),
  // regression on, both modalities' scores fused.
  const Configured<EtpLnModel> ln;
  BOOST_TEST(
      (ln["train.optimizer"] == "\"sgd\"" && ln["train.momentum"] == "0.9" && ln["train.weight-decay"] == "0.0"));
  is(ln.iterations(), 90000), is(ln.rate(0), 0.1), is(ln.rate(24999), 1e-5), is(ln.rate(25000), 1e-6),
      is(ln.rate(89999), 1e-6);
  BOOST_TEST((ln["comp-weight"] == "0.1" && ln["loc-weight"] == "0.1" && ln["fusion"] == "\"late\"" &&
              ln["non-local"] == "true" && ln["dropout"] == "0.0" && ln["made"] == "0.0"));
  BOOST_TEST((ln["inference.top-classes"] == "0" && ln["inference.regress"] == "true" &&
              ln["inference.proposal-weight"] == "0.0" && ln["inference.fusion-weights"] == "[]"));
  // Every frame by itself; one suppression over all proposals of all curves; the mean of the classes' scores; one
  // threshold; emitted components leave.
  const Configured<EtpAnModel> an;
  BOOST_TEST((an["kernel"] == "1" && an["inference.merge-nms-by"] == "\"all\"" &&
              an["inference.average"] == "\"mean\"" && an["inference.keep-growing"] == "false"));
  BOOST_TEST(an["inference.threshold"] == "\"0.5\"");
  // "We empirically set the NMS threshold to 0.36", each class by itself.
  for (const Model* model : {static_cast<const Model*>(&an.model), static_cast<const Model*>(&rn.model),
                             static_cast<const Model*>(&ln.model)}) {
    const auto nms = preset_of(model->suppression());
    BOOST_TEST((nms.method == "greedy" && nms.threshold == 0.36 && !nms.class_agnostic));
  }
}

BOOST_AUTO_TEST_CASE(presets_have_the_values_of_the_papers_tables) {
  const auto set = placed();
  for (const int length : {16, 32, 64, 128}) {  // Fig. 7
    Configured<EtpRnModel> of({"unit-" + std::to_string(length)});
    is(std::stod(of["unit-length"]), length), is(of.iterations(), 20000);
    BOOST_TEST(of["hidden"] == "512");
    takes_a_step(of, set);
  }
  for (const auto& [name, setting, value] : {std::tuple{"nlpf", "non-local", "true"},
                                             {"stpf", "non-local", "false"},
                                             {"late-fusion", "fusion", "\"late\""},
                                             {"early-fusion", "fusion", "\"early\""}}) {
    Configured<EtpLnModel> of({name});
    BOOST_TEST(of[setting] == value, name);
    is(of.iterations(), 90000);
    BOOST_TEST((of["comp-weight"] == "0.1" && of["loc-weight"] == "0.1"));
    takes_a_step(of, set);
    BOOST_TEST(dynamic_cast<EtpLnStreamsImpl&>(of.model.network()).networks.size() ==
               (std::string(name) == "early-fusion" ? 1u : 2u));
    BOOST_TEST(of.model.network().named_parameters().contains("stream0.non_local.theta.weight") ==
               (std::string(name) != "stpf"));
  }
  Configured<EtpRnModel> refinement({"small"});
  Configured<EtpLnModel> localization({"small"});
  takes_a_step(refinement, set), takes_a_step(localization, set);
  // No preset is left out above.
  BOOST_TEST(refinement.model.presets().size() == 5u);
  BOOST_TEST(localization.model.presets().size() == 5u);
  BOOST_TEST(EtpAnModel().presets().empty());
}

BOOST_AUTO_TEST_SUITE_END()
