// The training loop on a small in-memory set: determinism, resuming, accumulation, averaging, faults; model files.
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>

#include "libtal/base/error.h"
#include "libtal/models/core/model_file.h"
#include "libtal/nn/tensors.h"
#include "libtal/train/batch_loader.h"
#include "libtal/train/checkpoint.h"
#include "libtal/train/tensorboard.h"
#include "libtal/train/trainer.h"
#include "tests/nn/parity_nn.h"
#include "tests/support.h"

namespace {

using tal::test::Folder;
using tal::test::message_of;

using namespace tal;

// Videos of 40 rows and 4 columns with two actions; column `label` is high inside an action of that class.
class SmallSet : public TrainingSet {
 public:
  explicit SmallSet(bool broken = false) {
    inputs_.streams = {{"f", 4, 1, 1, 0, 1, "", ""}};
    inputs_.classes = {"a", "b"};
    Random random(7);
    for (int v = 0; v < 6; ++v) {
      Video video;
      video.id = std::string("v").append(std::to_string(v));
      video.duration = 40, video.rows = 40;
      const double first = 2 + static_cast<double>(random.below(8)), second = 22 + static_cast<double>(random.below(6));
      video.truths = {{{first, first + 9}, 0}, {{second, second + 8}, 1}};
      torch::Tensor x = torch::zeros({40, 4});
      auto values = x.accessor<float, 2>();
      for (std::int64_t t = 0; t < 40; ++t) {
        for (std::int64_t c = 0; c < 4; ++c) values[t][c] = static_cast<float>(0.3 * random.normal());
        for (const auto& truth : video.truths)
          if (static_cast<double>(t) >= truth.segment.start && static_cast<double>(t) < truth.segment.end)
            values[t][truth.label] += 1;
      }
      if (broken && v == 3) values[5][1] = std::numeric_limits<float>::infinity();
      videos_.push_back(video);
      features_.push_back(x);
    }
  }
  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t i) const override { return videos_[i]; }
  torch::Tensor rows(std::size_t i, std::int64_t first, std::int64_t count) const override {
    return features_[i].narrow(0, first, count).clone();
  }

 private:
  InputContract inputs_;
  std::vector<Video> videos_;
  std::vector<torch::Tensor> features_;
};

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<Model> small_model(const TrainingSet& set, const std::string& settings = "{}") {
  torch::manual_seed(1);
  auto model = make_model("segment-classifier");
  model->settings().read_json(R"({"hidden":8,"levels":[1,2]})");
  model->settings().read_json(settings);
  model->build(set.inputs());
  return model;
}

TrainRun small_run() {
  TrainRun run;
  run.options.epochs = 3, run.options.batch = 7, run.options.lr = 0.01;
  run.seed = 5;
  return run;
}

std::string trained_bytes(const Folder& folder, const TrainingSet& set, const TrainRun& run,
                          const std::string& settings = "{}", const TrainEvents& events = {},
                          const Validator& validate = {}) {
  auto model = small_model(set, settings);
  Communicator alone;
  train(*model, set, run, validate, events, alone);
  save_model(folder / "model.safetensors", *model, "{}");
  return bytes_of(folder / "model.safetensors");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trainer)

BOOST_AUTO_TEST_CASE(it_learns) {
  const SmallSet set;
  auto run = small_run();
  run.options.epochs = 40;
  auto model = small_model(set);
  Communicator alone;
  const double before = mean_loss(*model, set, 0, 16, 3);
  train(*model, set, run, {}, {}, alone);
  BOOST_TEST(mean_loss(*model, set, 0, 16, 3) < 0.5 * before);
}

BOOST_AUTO_TEST_CASE(same_seed_same_bytes_whatever_the_workers) {
  const Folder folder;
  const SmallSet set;
  auto run = small_run();
  const auto first = trained_bytes(folder, set, run);
  run.options.workers = 3;
  BOOST_TEST((trained_bytes(folder, set, run) == first));
  run.seed = 6;
  BOOST_TEST((trained_bytes(folder, set, run) != first));
}

BOOST_AUTO_TEST_CASE(stopped_anywhere_resumes_to_the_same_bytes) {
  const Folder folder;
  const SmallSet set;
  for (const char* optimizer : {"adam", "adamw", "sgd"}) {
    auto run = small_run();
    run.options.optimizer = optimizer, run.options.ema = 0.9, run.options.schedule = "cosine", run.options.warmup = 3;
    // A validator whose best epoch lies before the end.
    int call = 0;
    const Validator validate = [&](Model&, std::size_t) { return Metrics{{"score", call++ == 1 ? 2.0 : 1.0}}; };
    const auto whole = trained_bytes(folder, set, run, "{}", {}, validate);
    for (const std::int64_t stop_after : {1, 4, 7, 8}) {
      run.checkpoint = folder / std::string("c").append(std::to_string(stop_after));
      run.resume = false;
      call = 0;
      TrainEvents events;
      std::int64_t done = 0;
      events.step = [&](const StepReport&) { ++done; };
      events.stopped = [&] { return done == stop_after; };
      auto interrupted = small_model(set);
      Communicator alone;
      BOOST_TEST(train(*interrupted, set, run, validate, events, alone).stopped);
      torch::manual_seed(99);  // a new process
      run.resume = true;
      BOOST_TEST((trained_bytes(folder, set, run, "{}", {}, validate) == whole),
                 optimizer << " stopped after " << stop_after);
    }
  }
}

BOOST_AUTO_TEST_CASE(accumulation_is_the_same_gradient) {
  const Folder folder;
  const SmallSet set;
  auto run = small_run();
  run.options.optimizer = "sgd", run.options.epochs = 1;
  const char* plain = R"({"norm":"none","dropout":0})";
  const auto whole = (trained_bytes(folder, set, run, plain), read_tensors(folder / "model.safetensors"));
  run.options.accumulate = 3;
  const auto parts = (trained_bytes(folder, set, run, plain), read_tensors(folder / "model.safetensors"));
  for (const auto& [name, tensor] : whole.tensors)
    BOOST_TEST((tensor - parts.tensors.at(name)).abs().max().item<float>() < 1e-5f, name);
}

BOOST_AUTO_TEST_CASE(faults) {
  const Folder folder;
  const SmallSet good, broken(true);
  auto run = small_run();
  BOOST_TEST(message_of([&] { trained_bytes(folder, broken, run); }).find("'v3'") != std::string::npos);
  BOOST_TEST(message_of([&] { trained_bytes(folder, broken, run); }).find("not finite") != std::string::npos);
  run.checkpoint = folder / "other";
  trained_bytes(folder, good, run);
  run.resume = true, run.options.lr = 0.5;
  const auto refused = message_of([&] { trained_bytes(folder, good, run); });
  BOOST_TEST(refused.find("another run: train.lr was 0.01, is 0.5") != std::string::npos, refused);
  std::ofstream(folder / "other", std::ios::binary) << "not a checkpoint";
  BOOST_TEST(message_of([&] { trained_bytes(folder, good, run); }).find("other'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(schedules) {
  TrainOptions o;
  o.lr = 1;
  BOOST_TEST(lr_factor(o, 99, 10, 100) == 1);
  o.schedule = "step", o.milestones = {2, 5};
  BOOST_TEST(lr_factor(o, 19, 10, 100) == 1);
  BOOST_TEST(lr_factor(o, 20, 10, 100) == 0.1);
  BOOST_TEST(lr_factor(o, 50, 10, 100) == 0.01, boost::test_tools::tolerance(1e-12));
  o.step_every = 5, o.min_lr = 0.05;
  BOOST_TEST(lr_factor(o, 4, 10, 100) == 1);
  BOOST_TEST(lr_factor(o, 11, 10, 100) == 0.05);
  o = {};
  o.lr = 1, o.schedule = "cosine", o.warmup = 4;
  BOOST_TEST(lr_factor(o, 0, 10, 104) == 0.25);
  BOOST_TEST(lr_factor(o, 54, 10, 104) == 0.5, boost::test_tools::tolerance(1e-12));
  // Made for 100 epochs, ended after 60: half way down at epoch 50 still.
  o = {};
  o.lr = 1, o.schedule = "cosine", o.epochs = 60, o.schedule_epochs = 100;
  BOOST_TEST(lr_factor(o, 500, 10, 600) == 0.5, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(lr_factor(o, 599, 10, 600) > 0.34);
  o.schedule_epochs = 50;
  BOOST_CHECK_THROW(check_options(o), UsageError);
}

BOOST_AUTO_TEST_CASE(batches_come_in_order_and_faults_with_them) {
  for (const int workers : {0, 1, 4}) {
    BatchLoader loader(
        [](std::int64_t i) {
          if (i == 17) throw Error("seventeen");
          return Batch{{{"i", torch::tensor(i, torch::kLong)}}, {}};
        },
        3, 30, workers);
    for (std::int64_t i = 3; i < 17; ++i) BOOST_TEST(loader.next().at("i").item<std::int64_t>() == i);
    BOOST_CHECK_THROW(loader.next(), Error);
  }
}

BOOST_AUTO_TEST_CASE(model_files_say_what_does_not_match) {
  const Folder folder;
  const SmallSet set;
  auto model = small_model(set);
  const std::string path = folder / "m.safetensors";
  save_model(path, *model, "{}");
  auto again = load_model(path);
  save_model(folder / "again.safetensors", *again, "{}");
  BOOST_TEST((bytes_of(path) == bytes_of(folder / "again.safetensors")));
  BOOST_TEST(again->settings().value_text("hidden") == "8");
  auto file = read_tensors(path);
  const auto with = [&](const std::function<void(TensorFile&)>& change) {
    TensorFile other = file;
    change(other);
    write_tensors(folder / "bad", other.tensors, other.metadata);
    return message_of([&] { load_model(folder / "bad"); });
  };
  BOOST_TEST(with([](auto& f) { f.metadata.erase("format"); }).find("no model of this toolchain") != std::string::npos);
  BOOST_TEST(with([](auto& f) { f.metadata["format"] = "tal-model/9"; }).find("'tal-model/9'") != std::string::npos);
  BOOST_TEST(with([](auto& f) {
               f.metadata["model"] = "segment-clasifier";
             }).find("did you mean 'segment-classifier'") != std::string::npos);
  BOOST_TEST(with([](auto& f) {
               f.tensors.erase("fc1.bias");
             }).find("no tensor 'fc1.bias', which the model needs as [8]") != std::string::npos);
  BOOST_TEST(with([](auto& f) {
               f.tensors["fc1.bias"] = torch::zeros({9});
             }).find("'fc1.bias' is [9], the model needs [8]") != std::string::npos);
  BOOST_TEST(with([](auto& f) { f.tensors["more"] = torch::zeros({2}); }).find("'more' [2] belongs to nothing") !=
             std::string::npos);
  BOOST_TEST(with([](auto& f) { f.metadata["settings"] = R"({"hiden":3})"; }).find("did you mean 'hidden'") !=
             std::string::npos);
  BOOST_TEST(with([](auto& f) { f.metadata["inputs"] = "{"; }).find("damaged") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(types_that_no_network_has_name_their_file) {
  const Folder folder;
  const std::string path = folder / "odd.safetensors";
  write_safetensors(path, {{"f8", Dtype::kF8E4M3, {2}, "ab"}}, {});
  BOOST_CHECK_EXCEPTION(read_tensors(path), Error, [&](const Error& error) {
    return std::string(error.what()) == "'" + path + "': tensor 'f8': dtype F8_E4M3 is not supported here";
  });
}

BOOST_AUTO_TEST_CASE(contracts_name_both_sides) {
  const StreamContract trained{"f", 4, 16, 16, 0, 25, "", "", "hog-hof/2 side=60 flow=block [crop 224, RGB]"};
  StreamContract other = trained;
  check_contract(trained, other);
  other.dim = 5;
  BOOST_TEST(message_of([&] { check_contract(trained, other); }) ==
             "features.f.dim: the model was trained on 4, this stream has 5");
  other = trained, other.fps = 30;
  BOOST_TEST(message_of([&] { check_contract(trained, other); }) ==
             "features.f.fps: the model was trained on 25, this stream has 30; tal-extract --fps 25 samples every "
             "video at one rate (--accept-features takes it as it is)");
  other = trained, other.settings = "hog-hof/2 side=90 flow=dis [crop 224, RGB]";
  BOOST_TEST(message_of([&] { check_contract(trained, other); }) ==
             "features.f.settings: the model was trained on side=60, flow=block, this stream has side=90, flow=dis "
             "(--accept-features takes it as it is)");
  std::vector<std::string> said;
  const auto keep = [&](const std::string& text) { said.push_back(text); };
  const FeaturePolicy strict(false, keep, keep), accepting(true, keep, keep);
  BOOST_CHECK_THROW(check_contract(trained, other, &strict), Error);
  check_contract(trained, other, &accepting), check_contract(trained, other, &accepting);
  BOOST_TEST(said.size() == 1);  // once, however many videos
  BOOST_TEST(said.at(0).find("flow=dis; taken as it is (--accept-features)") != std::string::npos);
  other.dim = 5;  // but for the columns, which no network takes
  BOOST_CHECK_THROW(check_contract(trained, other, &accepting), Error);
  other = trained, other.settings = "";
  check_contract(trained, other);
  check_contract(trained, other, &strict), check_contract(trained, other, &strict);
  BOOST_TEST(said.size() == 2);
  StreamContract old = trained;
  old.settings = "";
  check_contract(old, trained, &strict), check_contract(old, trained, &strict);  // a model that does not know
  BOOST_TEST(said.size() == 3);
  BOOST_TEST(said.at(2).find("it is not known what the model was trained on") != std::string::npos, said.at(2));
  check_contract(old, other, &strict);  // neither does
  BOOST_TEST(said.size() == 3);
}

BOOST_AUTO_TEST_CASE(crc_of_the_standard) {
  BOOST_TEST(crc32c("123456789") == 0xe3069283u);  // RFC 3720
}

// LibTorch's optimisers are what the papers' settings mean.
BOOST_AUTO_TEST_CASE(optimisers_agree_with_the_reference) {
  test::for_each_case("optim", [](test::NnCase& c) {
    auto p = c.input("p").clone().set_requires_grad(true);
    const auto a = c.input("A"), b = c.input("b");
    const double lr = c.number("lr"), decay = c.number("weight_decay");
    const std::tuple<double, double> betas{c.number("beta1", 0.9), c.number("beta2", 0.999)};
    std::unique_ptr<torch::optim::Optimizer> optimizer;
    if (c.text("kind") == "sgd")
      optimizer = std::make_unique<torch::optim::SGD>(
          std::vector{p}, torch::optim::SGDOptions(lr).momentum(c.number("momentum")).weight_decay(decay));
    else if (c.text("kind") == "adam")
      optimizer = std::make_unique<torch::optim::Adam>(
          std::vector{p}, torch::optim::AdamOptions(lr).betas(betas).eps(c.number("eps")).weight_decay(decay));
    else if (c.text("kind") == "adamw")
      optimizer = std::make_unique<torch::optim::AdamW>(
          std::vector{p}, torch::optim::AdamWOptions(lr).betas(betas).eps(c.number("eps")).weight_decay(decay));
    BOOST_REQUIRE_MESSAGE(optimizer, c.where() << ": kind that is not known here: " << c.text("kind"));
    std::vector<torch::Tensor> path, gradients;
    for (std::int64_t k = 0; k < c.expected("param").size(0); ++k) {
      gradients.push_back(a.matmul(p.detach()) - b);
      p.mutable_grad() = gradients.back();
      optimizer->step();
      path.push_back(p.detach().clone());
    }
    std::map<std::string, torch::Tensor> got = {{"param", torch::stack(path)}, {"gradient", torch::stack(gradients)}};
    const auto state = optimizer_state(*optimizer);
    for (const auto& [name, tensor] : state.at(0)) got[name] = tensor;
    c.check(got);
  });
}

BOOST_AUTO_TEST_SUITE_END()
