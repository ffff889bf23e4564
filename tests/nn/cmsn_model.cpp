// CMSN as a model: windows decoded by themselves and stitched, against plain loops; validation of both phases; C3D's
// weights and frames of videos.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/io/npy.h"
#include "libtal/models/cmsn/cmsn_model.h"
#include "libtal/models/core/model_file.h"
#include "libtal/nn/named_weights.h"
#include "libtal/nn/tensors.h"
#include "libtal/train/options.h"
#include "libtal/train/validation.h"
#include "tests/nn/frame_files.h"
#include "tests/nn/small_set.h"
#include "tests/unit/action_stages_reference.h"
#ifdef TAL_HAVE_VIDEO
#include "libtal/video/frame_reader.h"
#include "libtal/video/synth_render.h"
#endif

using namespace tal;
using tal::test::ActionSet;
using tal::test::image;
using tal::test::record_of;
using tal::test::train;

namespace {

using tal::test::Folder;
using tal::test::message_of;

using Pair = std::pair<std::int64_t, std::int64_t>;

// The record's proposals in snippets of one second -> score.
std::map<Pair, double> pairs_of(const Record& record) {
  std::map<Pair, double> pairs;
  for (const auto& p : record.proposals())
    pairs[{std::llround(p.segment.start), std::llround(p.segment.end)}] = p.score;
  return pairs;
}

std::vector<std::uint8_t> most_probable(const torch::Tensor& probability) {
  const auto best = probability.argmax(1);
  std::vector<std::uint8_t> stages;
  for (std::int64_t t = 0; t < best.size(0); ++t)
    stages.push_back(static_cast<std::uint8_t>(best[t].item<std::int64_t>()));
  return stages;
}

// 64 frames of 24 x 20 pixels at 8 a second; their brightness follows the stages of an action of three seconds.
class Brightness : public test::FrameSet {
 public:
  Brightness(const Folder& folder, std::size_t videos, const FrameContract& contract) {
    inputs_.frames = contract;
    Random random(3);
    for (std::size_t v = 0; v < videos; ++v) {
      Video video;
      video.id = "v" + std::to_string(v), video.rows = 64, video.duration = 8, video.time = frame_time(8);
      const double start = 2 + random.uniform();
      video.truths.push_back({{start, start + 3}, 0});
      const auto stages = action_stage_labels({{8 * start, 8 * start + 24}}, 64);
      const auto values = [&](std::int64_t t, std::int64_t y, std::int64_t x, std::int64_t c) {
        return 30 + 35 * stages[static_cast<std::size_t>(t)] +
               (3 * y + 5 * x + 7 * c + static_cast<std::int64_t>(v)) % 11;
      };
      add(video, image(folder / (video.id + ".npy"), 64, 20, 24, 3, values), 8);
    }
  }
};

constexpr const char* kSmallClips =
    R"({"input":"clips","frame-height":20,"frame-width":24,"crop":16,"width":0.0625,"hidden":16,"lstm-hidden":8,"window":4,"evaluation-hidden":16,"pooled-length":2,"dropout":0})";

// C3D's weights at a sixteenth of its width, as a file with what else a checkpoint has.
std::map<std::string, torch::Tensor> write_c3d(
    const std::string& path, const std::function<void(std::map<std::string, torch::Tensor>&)>& change = {}) {
  torch::manual_seed(9);
  C3d network(1.0 / 16, 0);
  std::map<std::string, torch::Tensor> weights = weights_of(*network);
  weights["fc6.weight"] = torch::randn({4, 8}), weights["fc7.bias"] = torch::zeros({4}),
  weights["fc8.weight"] = torch::randn({3, 4});
  if (change) change(weights);
  write_tensors(path, weights, {});
  return weights;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cmsn_model)

BOOST_AUTO_TEST_CASE(windows_by_themselves_and_stitched_against_loops) {
  torch::manual_seed(3);
  const std::int64_t window = 12, rows = 53, step = 6;
  ActionSet set(3, rows, 4, /*noise=*/0.6);
  CmsnModel model;
  model.settings().read_json(
      R"({"hidden":8,"lstm-hidden":8,"window":12,"evaluation-hidden":4,"pooled-length":2,"dropout":0})");
  model.build(set.inputs());
  train(model, set, 25, 1e-2, 4);
  auto& network = dynamic_cast<CmsnImpl&>(model.network());
  torch::NoGradGuard guard;
  std::size_t several = 0;
  for (std::size_t v = 0; v < set.size(); ++v) {
    const auto sequence = set.sequence(v);
    std::map<Pair, double> of_windows;
    std::vector<std::vector<double>> sum(rows, std::vector<double>(6, 0));
    std::vector<double> weights(rows, 0);
    for (std::int64_t first = 0;; first += step) {
      auto x = torch::zeros({1, 4, window});
      const auto n = std::min(window, rows - first);
      for (std::int64_t t = 0; t < n; ++t) x[0].select(1, t).copy_(sequence.x[first + t]);
      const auto p = torch::softmax(30 * network.stages_of(x).outputs[0], 1).narrow(0, 0, n);  // s = 30
      for (const auto& c : reference::action_candidates(most_probable(p), 0.09)) {
        auto& best = of_windows[{first + c.first, first + c.end}];
        several += best > 0;
        best = std::max(best, c.preset);
      }
      for (std::int64_t t = 0; t < n; ++t) {
        const auto w = static_cast<double>(std::min(t + 1, window - t));
        for (std::int64_t k = 0; k < 6; ++k)
          sum[static_cast<std::size_t>(first + t)][static_cast<std::size_t>(k)] += w * p[t][k].item<double>();
        weights[static_cast<std::size_t>(first + t)] += w;
      }
      if (first + window >= rows) break;
    }
    std::vector<std::uint8_t> stitched;
    for (std::size_t t = 0; t < sum.size(); ++t)
      stitched.push_back(static_cast<std::uint8_t>(std::max_element(sum[t].begin(), sum[t].end()) - sum[t].begin()));
    const auto close = [](const std::map<Pair, double>& got, const std::map<Pair, double>& want) {
      return got.size() == want.size() &&
             std::equal(got.begin(), got.end(), want.begin(), [](const auto& a, const auto& b) {
               return a.first == b.first && std::fabs(a.second - b.second) < 1e-9;
             });
    };
    Record record = record_of(sequence);
    model.propose(record, sequence);
    BOOST_TEST(pairs_of(record).size() > 10u);
    BOOST_TEST(record.proposals().size() == pairs_of(record).size());  // none stands twice
    BOOST_TEST(close(pairs_of(record), of_windows));
    const std::string probabilities(*record.raw("maps"));
    for (const char* split : {"true", "false"}) {
      std::map<Pair, double> want;
      for (const auto& c : reference::action_candidates(
               stitched, 0.09, split == std::string("true") ? RunEnd::kOrder : RunEnd::kBackground))
        want[{c.first, c.end}] = c.preset;
      model.inference().set("decode", "stitched"), model.inference().set("split", split);
      model.propose(record, sequence);
      BOOST_TEST(close(pairs_of(record), want), "stitched, split=" << split);
    }
    BOOST_TEST(std::string(*record.raw("maps")) == probabilities);  // the whole video's in both
    model.inference().set("decode", "windows"), model.inference().set("split", "true");
  }
  BOOST_TEST(several > 0u, "some candidate is of two windows");
}

// In its second phase the validation hears the evaluation subnet: a constant one is no better than the preset scores
// alone, a trained one is.
BOOST_AUTO_TEST_CASE(validation_judges_the_phase_that_is_trained) {
  torch::manual_seed(5);
  const Folder folder;
  ActionSet set(6, 150, 1, /*noise=*/0.8), held(3, 150, 7, 0.8);
  CmsnModel model;
  model.settings().read_json(
      R"({"hidden":16,"lstm-hidden":16,"window":48,"evaluation-hidden":32,"pooled-length":4,"dropout":0.1})");
  model.build(set.inputs());
  train(model, set, 15, 5e-3, 4, 0);
  train(model, set, 15, 1e-3, 4, 1);

  Validation validation("auto", ""), losses("loss", "");
  for (std::size_t v = 0; v < held.size(); ++v) {
    const auto sequence = held.sequence(v);
    Record record = Record::make(sequence.video);
    record.set_number("duration", sequence.duration);
    nlohmann::json features;
    for (const auto& [name, from, dim] : {std::tuple("a", 0, 3), std::tuple("b", 3, 1)}) {
      const auto rows = sequence.x.narrow(1, from, dim).contiguous();
      const std::string path = folder / (sequence.video + "." + name + ".npy");
      write_npy(path, rows.const_data_ptr<float>(), rows.size(0), dim);
      features[name] = {{"path", path}, {"dim", dim}, {"stride", 1}, {"window", 1}, {"fps", 1}};
    }
    record.set_raw("features", features.dump());
    std::vector<Annotation> annotations;
    for (const auto& truth : held.video(v).truths) annotations.push_back({truth.segment, "x"});
    record.set_annotations(annotations);
    validation.add(record), losses.add(record);
  }
  const TrainOptions options;
  const auto metric = [&](std::size_t phase) { return validation.evaluate(model, options, 1, phase).front().second; };
  const auto loss = [&](std::size_t phase) { return losses.evaluate(model, options, 1, phase).front().second; };
  const double preset = metric(0), judged = metric(1), stage_loss = loss(0), judged_loss = loss(1);
  {
    torch::NoGradGuard guard;
    model.network().named_parameters()["evaluation.fc3.weight"].zero_();
  }
  BOOST_TEST(metric(0) == preset);
  BOOST_TEST(loss(0) == stage_loss);
  BOOST_TEST(std::fabs(metric(1) - preset) < 0.5,
             "a constant factor changes nothing but the scores' lower bound: " << metric(1) << " and " << preset);
  BOOST_TEST(judged > preset + 1, "AUC " << judged << " with the evaluation subnet, " << preset << " by preset scores");
  BOOST_TEST(judged_loss > loss(1), "negative losses " << judged_loss << " and " << loss(1));
}

// 5.1 and Tables 3, 5 and 6; the others as 5.1 says.
struct PaperRow {
  std::string loss;
  double n, m;
  std::string input;
  int frozen, epochs, evaluation_epochs;
};

// A preset over the training's defaults, as tal-train has them.
nlohmann::json settings_with(CmsnModel& model, const std::vector<Preset>& presets) {
  static TrainOptions train;
  train = {};
  settings_of(train).read_json(model.training_defaults());
  Settings all = model.settings();
  all.nest("train", settings_of(train));
  for (const auto& preset : presets) all.read_json(preset.settings);
  all.nest("inference", model.inference());
  return nlohmann::json::parse(all.json());
}

void check_row(const nlohmann::json& set, const PaperRow& row) {
  BOOST_TEST(set["loss"] == row.loss);
  BOOST_TEST(set["n"] == row.n);
  BOOST_TEST(set["m"] == row.m);
  BOOST_TEST(set["input"] == row.input);
  BOOST_TEST(set["frozen"] == row.frozen);
  BOOST_TEST(set["train.epochs"] == row.epochs);
  BOOST_TEST(set["evaluation-epochs"] == row.evaluation_epochs);
  const nlohmann::json same = {{"hidden", 512},
                               {"dropout", 0.5},
                               {"window", 96},
                               {"evaluation-hidden", 2048},
                               {"fps", 0.0},
                               {"frame-height", 128},
                               {"frame-width", 171},
                               {"crop", 112},
                               {"train.optimizer", "adam"},
                               {"train.lr", 1e-4},
                               {"train.weight-decay", 5e-4},
                               {"train.batch", 1},
                               {"inference.decay", 0.09},
                               {"inference.decode", "windows"},
                               {"inference.split", true}};
  for (const auto& [name, value] : same.items())
    BOOST_TEST(set[name] == value, name << ": " << set[name] << ", not " << value);
}

// At a size that a test can afford: one step of the stages.
void one_step(CmsnModel& model, const Folder& folder) {
  torch::manual_seed(2);
  std::unique_ptr<TrainingSet> set;
  if (model.frames()) {
    write_c3d(folder / "c3d.safetensors");
    model.settings().read_json(kSmallClips);
    model.settings().set("c3d-weights", folder / "c3d.safetensors");
    model.settings().set("fps", "8");
    model.check_start();
    set = std::make_unique<Brightness>(folder, 1, *model.frames());
  } else {
    model.settings().read_json(R"({"hidden":8,"lstm-hidden":4,"window":16,"evaluation-hidden":8,"pooled-length":2})");
    set = std::make_unique<ActionSet>(1, 60, 1);
  }
  model.build(set->inputs());
  model.initialise();
  model.network().train();
  const auto before = model.network().named_parameters()["stages.classifier.weight"].clone();
  torch::optim::Adam optimizer(model.parameters(0).front().parameters, torch::optim::AdamOptions(1e-3));
  Random random(1);
  const auto samples = model.samples(*set, 0);
  const auto losses = model.loss(model.make_batch(*set, std::span(samples).first(1), random, 0), 0);
  losses.loss.backward();
  optimizer.step();
  BOOST_TEST(std::isfinite(losses.loss.item<double>()));
  BOOST_TEST(!torch::equal(before, model.network().named_parameters()["stages.classifier.weight"]));
}

BOOST_AUTO_TEST_CASE(presets_are_rows_of_the_papers_tables) {
  const std::map<std::string, PaperRow> paper = {
      {"c3d", {"vmcl", 0.15, 0.1, "clips", 2, 3, 4}},
      {"c3d-ucf101", {"vmcl", 0.15, 0.1, "clips", 8, 3, 4}},
      {"two-stream", {"vmcl", 0.15, 0.1, "features", 2, 12, 10}},
      {"table5-softmax", {"softmax", 0.15, 0.1, "features", 2, 12, 0}},
      {"table5-lmcl", {"lmcl", 0.15, 0.1, "features", 2, 12, 0}},
      {"table5-vmcl", {"vmcl", 0.15, 0.1, "features", 2, 12, 0}},
      {"angular", {"angular", 0.15, 0.1, "features", 2, 12, 0}},
      {"eq7", {"vmcl", 0.15, 0.1, "features", 2, 12, 0}},
      {"table6-1", {"vmcl", 0.1, 0.1, "features", 2, 12, 0}},
      {"table6-2", {"vmcl", 0.15, 0.1, "features", 2, 12, 0}},
      {"table6-3", {"vmcl", 0.18, 0.12, "features", 2, 12, 0}},
      {"table6-4", {"vmcl", 0.25, 0.8, "features", 2, 12, 0}},
  };
  const Folder folder;
  const auto presets = CmsnModel().presets();
  BOOST_TEST(presets.size() == paper.size());
  const auto c3d = std::find_if(presets.begin(), presets.end(), [](const Preset& p) { return p.name == "c3d"; });
  BOOST_TEST_REQUIRE((c3d != presets.end()));
  for (const auto& preset : presets) {
    BOOST_TEST_CONTEXT(preset.name) {
      const auto found = paper.find(preset.name);
      BOOST_TEST_REQUIRE((found != paper.end()));
      CmsnModel model;
      const auto set = settings_with(model, {preset});
      check_row(set, found->second);
      BOOST_TEST(set["margin-form"] == (preset.name == "eq7" ? "eq7" : "worked"));
      one_step(model, folder);
      if (found->second.evaluation_epochs > 0) continue;
      // 5.3: on the C3D network.
      PaperRow row = found->second;
      row.input = "clips", row.epochs = 3;
      CmsnModel on_c3d;
      check_row(settings_with(on_c3d, {*c3d, preset}), row);
      one_step(on_c3d, folder);
    }
  }
}

BOOST_AUTO_TEST_CASE(stages_alone) {
  torch::manual_seed(6);
  ActionSet set(2, 60, 1);
  CmsnModel model;
  model.settings().read_json(
      R"({"hidden":4,"lstm-hidden":4,"window":16,"evaluation-hidden":4,"pooled-length":2,"evaluation-epochs":0})");
  model.build(set.inputs());
  BOOST_TEST(model.phases().size() == 1u);
  BOOST_TEST(model.proposes());
  BOOST_TEST(!model.scores());
}

BOOST_AUTO_TEST_CASE(a_network_that_diverged_is_said) {
  torch::manual_seed(7);
  ActionSet set(1, 60, 1);
  CmsnModel model;
  model.settings().read_json(R"({"hidden":4,"lstm-hidden":4,"window":16,"evaluation-hidden":4,"pooled-length":2})");
  model.build(set.inputs());
  model.network().eval();
  const auto spoil = [&](const char* name, float value) {
    torch::NoGradGuard guard;
    model.network().named_parameters()[name].fill_(value);
  };
  const auto sequence = set.sequence(0);
  Record record = record_of(sequence, {{1, 5}});
  spoil("evaluation.fc3.weight", 3e38f), spoil("evaluation.fc2.bias", 3e38f),
      spoil("evaluation.fc3.bias", -std::numeric_limits<float>::infinity());
  BOOST_TEST(message_of([&] {
               model.score(record, sequence);
             }).starts_with("model 'cmsn': its IoU scores are not finite; a training that diverged"));
  spoil("stages.classifier.weight", std::numeric_limits<float>::quiet_NaN());
  BOOST_TEST(message_of([&] {
               model.propose(record, sequence);
             }).starts_with("model 'cmsn': its stages' probabilities are not finite; a training that diverged"));
  Random random(1);
  const auto samples = model.samples(set, 1);
  BOOST_TEST(message_of([&] {
               model.loss(model.make_batch(set, samples, random, 1), 1);
             }).starts_with("video 'v0': model 'cmsn': what the network computes is not finite"));
  auto odd = set.sequence(0);
  odd.x = odd.x.clone(), odd.x[3][1] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(message_of([&] { model.propose(record, odd); }) == "features: values that are not finite");
}

BOOST_AUTO_TEST_CASE(frozen_convolutions_stay_at_the_given_weights) {
  const Folder folder;
  const auto given = write_c3d(folder / "c3d.safetensors");
  torch::manual_seed(1);
  CmsnModel model;
  model.settings().read_json(kSmallClips);
  model.settings().set("c3d-weights", folder / "c3d.safetensors");
  model.settings().set("fps", "8");
  model.check_start();
  const Brightness set(folder, 6, *model.frames());
  model.build(set.inputs());
  model.initialise();
  const auto now = [&](const std::string& name) { return model.network().named_parameters()["extractor." + name]; };
  for (const auto& [name, tensor] : given)
    if (name.starts_with("conv")) BOOST_TEST(torch::equal(now(name), tensor), name);
  const auto ends = train(model, set, 40, 3e-3, 3);
  BOOST_TEST(ends.second < 0.6 * ends.first, "stages " << ends.first << " -> " << ends.second);
  for (const auto& [name, tensor] : given)
    if (name.starts_with("conv"))
      BOOST_TEST(torch::equal(now(name), tensor) == (name.starts_with("conv1a") || name.starts_with("conv2a")), name);
  const auto evaluation = train(model, set, 10, 3e-3, 3, 1);
  BOOST_TEST(evaluation.second < evaluation.first);
  // The stages of the frames come out: snippets of a second.
  double found = 0;
  for (std::size_t v = 0; v < set.size(); ++v) {
    Record record = Record::make(set.video(v).id);
    model.propose(record, set.sequence(v));
    BOOST_TEST(record.duration().value() == 8);
    BOOST_TEST(nlohmann::json::parse(*record.raw("maps"))["cmsn"]["shape"] == (std::vector<int>{8, 6}));
    const auto count = record.proposals().size();
    model.score(record, set.sequence(v));
    BOOST_TEST(record.proposals().size() == count);
    for (const auto& p : record.proposals())
      BOOST_TEST((p.segment.start >= 0 && p.segment.end <= 8 && p.score >= 0 && p.score <= 1));
    found += test::best_tiou(record, set.video(v).truths.front().segment) >= 0.5;
  }
  BOOST_TEST(found >= 4, found << " of 6 found");

  // The file keeps what frames it saw.
  save_model(folder / "m.safetensors", model, "{}");
  std::filesystem::remove(folder / "c3d.safetensors");  // only a new training needs it
  const auto loaded = load_model(folder / "m.safetensors");
  BOOST_TEST((loaded->inputs().frames == FrameContract{.fps = 8, .side = 20, .resize = "stretch", .width = 24}));
  BOOST_TEST(torch::equal(loaded->network().named_parameters()["extractor.conv1a.weight"], given.at("conv1a.weight")));
}

BOOST_AUTO_TEST_CASE(crops_of_windows) {
  const Folder folder;
  CmsnModel model;
  model.settings().read_json(kSmallClips);
  model.settings().read_json(R"({"fps":8,"c3d-weights":"random","frozen":0})");
  const Brightness set(folder, 1, *model.frames());
  model.build(set.inputs());
  Random random(1);
  auto samples = model.samples(set, 0);
  BOOST_TEST_REQUIRE(samples.size() == 3u);  // 8 snippets in windows of 4 that overlap by half
  const auto windows = [&](std::uint64_t seed) {
    for (auto& sample : samples) sample.seed = seed++;
    return model.make_batch(set, samples, random, 0).at("x");
  };
  const auto x = windows(1);
  BOOST_TEST((x.sizes() == torch::IntArrayRef({3, 3, 32, 16, 16})));
  BOOST_TEST(x.scalar_type() == torch::kByte);
  BOOST_TEST(torch::equal(x, windows(1)));
  const auto crop_at = [&](std::int64_t first, std::int64_t y, std::int64_t left) {
    std::vector<std::uint8_t> bytes(32 * 16 * 16 * 3);
    set.frames(0).copy(first, 32, {y, left, 16, 16}, bytes.data());
    return torch::tensor(bytes, torch::kByte).view({32, 16, 16, 3}).permute({3, 0, 1, 2});
  };
  // Each window is the video at some place; the places differ.
  std::set<std::pair<std::int64_t, std::int64_t>> places;
  for (std::uint64_t seed = 1; seed < 40; seed += 3) {
    const auto drawn = windows(seed);
    for (std::int64_t k = 0; k < 3; ++k) {
      int found = 0;
      for (std::int64_t y = 0; y <= 4; ++y)
        for (std::int64_t left = 0; left <= 8; ++left)
          if (torch::equal(drawn[k], crop_at(16 * k, y, left))) ++found, places.insert({y, left});
      BOOST_TEST(found >= 1);
    }
  }
  BOOST_TEST(places.size() > 10u);
  model.settings().set("random-crop", "false");
  for (std::int64_t k = 0; k < 3; ++k) BOOST_TEST(torch::equal(windows(1)[k], crop_at(16 * k, 2, 4)));
}

BOOST_AUTO_TEST_CASE(c3d_weights_are_needed_and_checked) {
  const Folder folder;
  const auto start = [&](const std::string& more) {
    CmsnModel model;
    model.settings().read_json(kSmallClips);
    model.settings().read_json(more);
    return message_of([&] { model.check_start(); });
  };
  const auto from = [&](const std::string& name) { return start(R"({"c3d-weights":")" + (folder / name) + "\"}"); };
  BOOST_TEST(start("{}").starts_with("c3d-weights: missing; C3D starts from weights"));
  BOOST_TEST(start(R"({"c3d-weights":"random"})")
                 .starts_with("c3d-weights: random weights would stay random in the first 2 convolutions"));
  BOOST_TEST(start(R"({"c3d-weights":"random","frozen":0})") == "no error");
  BOOST_TEST(from("none.safetensors").find("none.safetensors") != std::string::npos);
  write_c3d(folder / "good.safetensors");
  BOOST_TEST(from("good.safetensors") == "no error");
  write_c3d(folder / "short.safetensors", [](auto& w) { w.erase("conv3b.weight"); });
  BOOST_TEST(
      from("short.safetensors").find("1 tensors are missing: conv3b.weight [16, 16, 3, 3, 3]") != std::string::npos,
      from("short.safetensors"));
  write_c3d(folder / "odd.safetensors", [](auto& w) {
    w["conv1a.weight"] = torch::zeros({4, 2, 3, 3, 3}), w["conv9.bias"] = torch::zeros({1});
  });
  const auto odd = from("odd.safetensors");
  BOOST_TEST(odd.find("conv1a.weight [4, 2, 3, 3, 3] where the network has [4, 3, 3, 3, 3]") != std::string::npos, odd);
  BOOST_TEST(odd.find("conv9.bias [1]") != std::string::npos, odd);
  BOOST_TEST(message_of([&] {
               CmsnModel features;
               features.check_start();
             }) == "no error");
  BOOST_TEST(message_of([&] {
               CmsnModel large;
               large.settings().read_json(R"({"input":"clips","crop":130})");
               large.check_settings();
             }) == "crop: is larger than the frames");
}

#ifdef TAL_HAVE_VIDEO

// 5.1: frames as they come, resized to 128 x 171.
BOOST_AUTO_TEST_CASE(every_frame_of_a_video_stretched) {
  const Folder folder;
  SynthVideoOptions options;
  options.duration = 3, options.fps = 15, options.width = 64, options.height = 48, options.actions = 1,
  options.min_action = 1, options.max_action = 1.5, options.noise = 0;
  write_video(folder / "v.avi", draw(options, 5, 0));
  CmsnModel model;
  model.settings().set("input", "clips");
  const auto contract = *model.frames();
  BOOST_TEST(
      (contract ==
       FrameContract{.fps = 0, .count = 0, .side = 128, .resize = "stretch", .modalities = "rgb", .width = 171}));
  const auto frames = open_frames(folder / "v.avi", contract, folder / "cache");
  BOOST_TEST(frames->count() == 45);
  BOOST_TEST(frames->fps() == 15);
  BOOST_TEST(frames->height() == 128);
  BOOST_TEST(frames->width() == 171);
  // Kept frames say the rate again; another width is another file.
  const auto kept = open_frames(folder / "v.avi", contract, folder / "cache");
  BOOST_TEST(kept->fps() == 15);
  BOOST_TEST(kept->count() == 45);
  auto narrow = contract;
  narrow.width = 64, narrow.side = 48;
  const auto same_size = open_frames(folder / "v.avi", narrow, folder / "cache");
  BOOST_TEST(same_size->width() == 64);
  // Without resizing, every decoded frame once, in order: as the sampler at the stated rate gives them.
  narrow.fps = 15;
  const auto sampled = open_frames(folder / "v.avi", narrow, "");
  BOOST_TEST_REQUIRE(sampled->count() == 45);
  std::vector<std::uint8_t> a(45 * 48 * 64 * 3), b(a.size());
  same_size->copy(0, 45, {0, 0, 48, 64}, a.data()), sampled->copy(0, 45, {0, 0, 48, 64}, b.data());
  BOOST_TEST((a == b));
}

#endif

BOOST_AUTO_TEST_SUITE_END()
