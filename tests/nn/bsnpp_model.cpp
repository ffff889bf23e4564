// BSN++ and BMN as models: samples, batches, training steps, proposals, windows, ensembles.
#include "libtal/models/bsnpp/bsnpp_model.h"

#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/models/bmn/bmn_model.h"

namespace {

using namespace tal;

// Videos whose features tell where the truths are: channel 0 inside, channels 1 and 2 at the boundaries.
class Synthetic : public TrainingSet {
 public:
  Synthetic(std::size_t videos, std::int64_t rows, std::uint64_t seed) {
    inputs_.streams = {{"s", 4, 1, 1, 0, 1, "", ""}};
    Random random(seed);
    for (std::size_t v = 0; v < videos; ++v) {
      Video video;
      video.id = std::string("v").append(std::to_string(v)), video.rows = rows,
      video.duration = static_cast<double>(rows);
      const double length = (0.1 + 0.4 * random.uniform()) * static_cast<double>(rows),
                   start = random.uniform() * (static_cast<double>(rows) - length);
      video.truths = {{{start, start + length}, 0}};
      auto x = torch::zeros({rows, 4});
      for (std::int64_t r = 0; r < rows; ++r) {
        const double centre = static_cast<double>(r) + 0.5;
        x[r][0] = centre > start && centre < start + length ? 1 : 0;
        x[r][1] = std::exp(-0.1 * (centre - start) * (centre - start));
        x[r][2] = std::exp(-0.1 * (centre - start - length) * (centre - start - length));
        x[r][3] = random.normal() * 0.1;
      }
      videos_.push_back(video);
      features_.push_back(x);
    }
  }
  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t index) const override { return videos_[index]; }
  torch::Tensor rows(std::size_t index, std::int64_t first, std::int64_t count) const override {
    const auto& x = features_[index];
    auto out = torch::zeros({count, 4});
    const std::int64_t last = std::min(first + count, x.size(0));
    if (last > first) out.narrow(0, 0, last - first).copy_(x.narrow(0, first, last - first));
    return out;
  }
  Sequence sequence(std::size_t index) const {
    return {videos_[index].id, videos_[index].duration, videos_[index].time, features_[index]};
  }
  std::vector<Video> videos_;

 private:
  InputContract inputs_;
  std::vector<torch::Tensor> features_;
};

template <class M>
void small(M& model, std::int64_t rows, const std::string& more = "{}") {
  auto settings = model.settings();
  const std::string t = std::to_string(rows);
  settings.read_json(R"({"rows":)" + t + R"(,"durations":)" + t +
                     R"(,"samples":8,"base-filters":16,"reduced-filters":8,"proposal-filters":16,"head-filters":8})");
  settings.read_json(more);
}

double train(Model& model, const TrainingSet& set, int epochs) {
  torch::optim::Adam optimizer(model.network().parameters(), 5e-3);
  double last = 0;
  auto samples = model.samples(set, 0);
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (std::size_t begin = 0; begin < samples.size(); begin += 8) {
      std::span<Sample> part(samples.data() + begin, std::min<std::size_t>(8, samples.size() - begin));
      for (auto& s : part) s.seed = static_cast<std::uint64_t>(epoch) * 1000 + s.video;
      Random random(1);
      optimizer.zero_grad();
      const auto loss = model.loss(model.make_batch(set, part, random, 0), 0);
      loss.loss.backward();
      optimizer.step();
      last = loss.loss.item<double>();
      BOOST_REQUIRE(std::isfinite(last));
    }
  return last;
}

double best_overlap(const std::vector<Proposal>& proposals, const Segment& truth) {
  const auto best = std::max_element(proposals.begin(), proposals.end(),
                                     [](const auto& a, const auto& b) { return a.score < b.score; });
  return tiou(best->segment, truth);
}

template <class M>
void learns(const std::string& more) {
  torch::manual_seed(4);
  M model;
  small(model, 24, more);
  const Synthetic set(32, 50, 1), unseen(8, 50, 2);
  model.build(set.inputs());
  train(model, set, 25);
  model.network().eval();
  double sum = 0;
  for (std::size_t v = 0; v < unseen.size(); ++v) {
    Record record = Record::make(unseen.video(v).id);
    model.propose(record, unseen.sequence(v));
    BOOST_TEST(record.proposals().size() == 24u * 25 / 2);
    sum += best_overlap(record.proposals(), unseen.video(v).truths[0].segment);
  }
  BOOST_TEST(sum / 8 > 0.6, model.name() << ": mean tIoU of the best proposal " << sum / 8);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bsnpp_model)

BOOST_AUTO_TEST_CASE(bsnpp_learns) {
  learns<BsnppModel>(R"({"first-filters":16,"generator-filters":16,"attention-filters":4})");
}
BOOST_AUTO_TEST_CASE(bmn_learns) { learns<BmnModel>(R"({"boundary-filters":16})"); }

// What a video is to the network does not depend on the others of its mini-batch; what is drawn of it does.
BOOST_AUTO_TEST_CASE(batches) {
  BsnppModel model;
  small(model, 16, R"({"first-filters":8,"generator-filters":8})");
  const Synthetic set(6, 40, 3);
  model.build(set.inputs());
  const auto samples = model.samples(set, 0);
  BOOST_REQUIRE(samples.size() == 6u);
  Random a(1), b(2), c(1);
  const auto whole = model.make_batch(set, samples, a, 0),
             part = model.make_batch(set, std::span(samples).subspan(4), b, 0),
             again = model.make_batch(set, samples, c, 0);
  for (const auto& [name, tensor] : part.tensors)
    if (name != "sampled") BOOST_TEST(torch::equal(whole.at(name).slice(0, 4), tensor), name);
  BOOST_TEST(torch::equal(whole.at("sampled"), again.at("sampled")));
  BOOST_TEST(whole.at("x").sizes() == (std::vector<std::int64_t>{6, 4, 16}));
  BOOST_TEST(whole.at("boundary").sum().item<float>() >= 12.0f);  // every boundary has its row
}

// Every rule of sampling, by value: the positives and negatives of the whole mini-batch (3.4.1), one video of which has
// hardly any negative and one no positive.
BOOST_AUTO_TEST_CASE(sampling_over_the_mini_batch) {
  Synthetic set(3, 16, 3);
  set.videos_[0].truths = {{{0, 16}, 0}, {{0, 8}, 0}, {{8, 16}, 0}, {{4, 12}, 0}};
  set.videos_[1].truths = {{{3.5, 4.5}, 0}};
  set.videos_[2].truths = {{{2, 7}, 0}};
  const auto drawn = [&](const std::string& sampling) {
    BsnppModel model;
    small(model, 16, R"({"first-filters":8,"generator-filters":8,"sampling":")" + sampling + "\"}");
    model.build(set.inputs());
    const auto samples = model.samples(set, 0);
    Random random(5);
    return model.make_batch(set, samples, random, 0);
  };
  const auto none = drawn("none"), iou = drawn("iou"), scale = drawn("scale");
  const auto valid = boundary_matching_table({16, 16, 1, 1, 0, false})->valid();
  const auto positive = none.at("iou").gt(0.7).logical_and(valid), negative = none.at("iou").lt(0.3).logical_and(valid);
  const auto sum = [](const torch::Tensor& values, const torch::Tensor& chosen) {
    return values.masked_select(chosen).sum().item<float>();
  };
  const float positives = positive.sum().item<float>(), negatives = negative.sum().item<float>();
  BOOST_TEST((positive[1].sum().item<float>() == 0 &&
              negative[0].sum().item<float>() < positive[0].sum().item<float>() && positives < negatives));
  BOOST_TEST(torch::equal(none.at("sampled"), positive.logical_or(negative).to(torch::kFloat)));  // none: every one of
                                                                                                  // both, once
  BOOST_TEST(torch::equal(iou.at("sampled").masked_select(positive),
                          torch::ones({static_cast<std::int64_t>(positives)})));  // iou: all of the fewer
  for (const auto& batch : {iou, scale}) {
    const auto& s = batch.at("sampled");
    BOOST_TEST((sum(s, positive) == positives && sum(s, negative) == positives));  // as many of each, over the three
                                                                                   // videos
    BOOST_TEST(s.sum().item<float>() == 2 * positives);                            // and nothing else
    BOOST_TEST(s[1].sum().item<float>() > 0);  // a video without positives lends its negatives
  }
  BOOST_TEST(iou.at("sampled").max().item<float>() == 1.0f);
  BOOST_TEST(scale.at("sampled").max().item<float>() > 1.0f);  // with repetition
  // Scales: the shares of the bins follow Eq. (4) of the mini-batch's positives, over many draws.
  std::array<std::int64_t, 3> count{};
  for (std::int64_t j = 0; j < 16; ++j)
    count[static_cast<std::size_t>(scale_bin(j + 1, 16))] += positive.select(1, j).sum().item<std::int64_t>();
  const auto shares = scale_shares(count, 0.15);
  std::array<double, 3> seen{};
  BsnppModel model;
  small(model, 16, R"({"first-filters":8,"generator-filters":8})");
  model.build(set.inputs());
  const auto samples = model.samples(set, 0);
  Random random(6);
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    const auto s = model.make_batch(set, samples, random, 0).at("sampled");
    for (std::int64_t j = 0; j < 16; ++j)
      seen[static_cast<std::size_t>(scale_bin(j + 1, 16))] += sum(s.select(1, j), positive.select(1, j));
  }
  for (std::size_t bin = 0; bin < 3; ++bin)
    BOOST_TEST(std::abs(seen[bin] / (kRounds * positives) - shares.share[bin]) < 0.03);
}

BOOST_AUTO_TEST_CASE(training_windows) {
  BsnppModel model;
  small(model, 20, R"({"first-filters":8,"generator-filters":8,"input":"windows","train-overlap":0.75})");
  Synthetic set(2, 65, 3);
  set.videos_[0].truths = {{{31, 36}, 0}};
  set.videos_[1].truths.clear();
  model.build(set.inputs());
  auto samples = model.samples(set, 0);
  std::vector<std::int64_t> first;
  for (const auto& s : samples) {
    BOOST_TEST(s.video == 0u);
    BOOST_TEST(s.count == 20);
    first.push_back(s.first);
  }
  BOOST_TEST(first == (std::vector<std::int64_t>{20, 25, 30}), boost::test_tools::per_element());
  Random random(1);
  const auto batch = model.make_batch(set, samples, random, 0);
  for (int k = 0; k < 3; ++k) {
    BOOST_TEST(batch.at("boundary")[k][0][31 - first[static_cast<std::size_t>(k)]].item<float>() == 1.0f);
    BOOST_TEST(batch.at("iou")[k].max().item<float>() == 1.0f);  // rows 31 .. 35 are the truth
  }
  set.videos_[0].truths = {{{10, 40}, 0}};         // longer than a window: all that it touches
  BOOST_TEST(model.samples(set, 0).size() == 8u);  // starts 0, 5, .. 35 of 0, 5, .. 45
}

BOOST_AUTO_TEST_CASE(windows_have_no_duplicates) {
  torch::manual_seed(1);
  BmnModel model;
  small(model, 20, R"({"boundary-filters":8,"input":"windows"})");
  const Synthetic set(1, 65, 3);
  model.build(set.inputs());
  model.network().eval();
  model.inference().read_json(R"({"overlap":0.75,"maps":"inline"})");
  Record record = Record::make("v0");
  model.propose(record, set.sequence(0));
  std::set<std::pair<double, double>> segments;
  for (const auto& p : record.proposals()) {
    BOOST_TEST(segments.insert({p.segment.start, p.segment.end}).second);
    BOOST_TEST((p.segment.start >= 0 && p.segment.end <= 65));
  }
  // Starts 0 .. 45 by 5: every proposal of up to 15 rows lies in some window.
  for (int length = 1; length <= 15; ++length)
    for (int start = 0; start + length <= 65; ++start) BOOST_REQUIRE(segments.count({start, start + length}));
  BOOST_TEST(record.raw("maps")->substr(0, 16) == R"({"0":{"rows":20,)");

  Record brief = Record::make("v1");  // shorter than a window: padding is no video
  Sequence few = set.sequence(0);
  few.x = few.x.slice(0, 0, 7).contiguous(), few.duration = 7;
  model.propose(brief, few);
  BOOST_TEST(brief.proposals().size() == 28u);
}

BOOST_AUTO_TEST_CASE(ensembles_and_scales) {
  torch::manual_seed(1);
  const Synthetic set(2, 65, 3);
  BsnppModel a;
  BmnModel b;
  small(a, 20, R"({"first-filters":8,"generator-filters":8})");
  small(b, 20);
  for (MapModel* model : {static_cast<MapModel*>(&a), static_cast<MapModel*>(&b)})
    model->build(set.inputs()), model->network().eval();
  const auto text = [&](const std::vector<MapModel*>& models, const std::vector<double>& weights) {
    Record record = Record::make("v0");
    std::vector<std::vector<MapWindow>> maps;
    for (MapModel* model : models) maps.push_back(model->map_windows(set.sequence(0)));
    write_map_proposals(record, set.sequence(0).duration, fuse_maps(maps, weights), "ensemble", models[0]->output());
    return record.str();
  };
  Record alone = Record::make("v0");
  a.propose(alone, set.sequence(0));
  BOOST_TEST(text({&a}, {1}) == alone.str());
  BOOST_TEST(text({&a, &b}, {1, 0}) == alone.str());
  BOOST_TEST(text({&a, &b}, {3, 1}) == text({&a, &b}, {0.75, 0.25}));
  BOOST_TEST(text({&a, &b}, {1, 1}) != alone.str());
  BOOST_TEST((a.map_sizes() == b.map_sizes() && a.map_extent() == "whole videos"));

  a.inference().read_json(R"({"scales":"duration","top-k":50,"min-score":0})");
  Record scaled = Record::make("v0");
  a.propose(scaled, set.sequence(0));  // 65 s: 80 rows, at most 20 long
  BOOST_TEST(scaled.proposals().size() == 50u);
  for (const auto& p : scaled.proposals()) BOOST_TEST(p.segment.length() <= 20 * 65.0 / 80 + 1e-9);
  BOOST_CHECK_THROW(text({&a, &b}, {1, 1}), Error);  // 80 rows against 20
  using Sizes = std::vector<std::pair<std::int64_t, std::int64_t>>;
  BOOST_TEST((a.map_sizes() == Sizes{{20, 30}, {20, 80}, {20, 100}}));
  a.inference().read_json(R"({"scale-rows":[8,16,24],"top-k":0})");
  BOOST_TEST((a.map_sizes() == Sizes{{8, 8}, {16, 16}, {20, 24}}));
  a.propose(scaled, set.sequence(0));
  BOOST_TEST(scaled.proposals().size() == 16u * 17 / 2);
}

// Videos of different lengths in one pass of the network: each gets what it gets alone, and its own error.
BOOST_AUTO_TEST_CASE(several_videos_together) {
  for (const std::string settings :
       {R"({"top-k":0})", R"({"window":30})", R"({"scales":"duration","scale-rows":[8,16,24]})"}) {
    torch::manual_seed(1);
    const Synthetic set(5, 65, 3);
    BsnppModel model;
    small(model, 20, R"({"first-filters":8,"generator-filters":8})");
    model.build(set.inputs());
    model.network().eval();
    model.inference().read_json(settings);
    std::vector<Sequence> sequences;
    for (std::size_t v = 0; v < 5; ++v) sequences.push_back(set.sequence(v));
    const auto shorten = [](Sequence& s, std::int64_t rows) {
      s.x = s.x.slice(0, 0, rows).contiguous(), s.duration = static_cast<double>(rows);
    };
    shorten(sequences[1], 20), shorten(sequences[3], 0), shorten(sequences[4], 41);
    const auto rest = model.propose_together(sequences);
    BOOST_REQUIRE(rest.size() == 5u);
    for (std::size_t v = 0; v < 5; ++v) {
      Record alone = Record::make("v"), together = Record::make("v");
      if (v == 3) {
        BOOST_CHECK_THROW(rest[v](together), Error);
        continue;
      }
      model.propose(alone, sequences[v]);
      rest[v](together);
      BOOST_REQUIRE(alone.proposals().size() == together.proposals().size());
      // The order of equal scores may differ by rounding; the segments are the same ones.
      std::map<std::pair<double, double>, double> scores;
      for (const auto& p : alone.proposals()) scores[{p.segment.start, p.segment.end}] = p.score;
      for (const auto& p : together.proposals()) {
        const auto found = scores.find({p.segment.start, p.segment.end});
        BOOST_REQUIRE((found != scores.end()));
        BOOST_TEST(std::abs(found->second - p.score) < 1e-6);
      }
    }
  }
}

// A window that holds the whole video is the video.
BOOST_AUTO_TEST_CASE(one_window) {
  torch::manual_seed(1);
  const Synthetic set(1, 65, 3);
  BsnppModel model;
  small(model, 20, R"({"first-filters":8,"generator-filters":8})");
  model.build(set.inputs());
  model.network().eval();
  const auto text = [&](const std::string& settings) {
    model.inference().read_json(settings);
    Record record = Record::make("v0");
    model.propose(record, set.sequence(0));
    return record.str();
  };
  const std::string whole = text("{}");
  BOOST_TEST(text(R"({"window":65,"overlap":0.9})") == whole);
  BOOST_TEST(text(R"({"window":1000})") == whole);
  BOOST_TEST(text(R"({"window":64})") != whole);
  // Windows at rows 0, 20, 25, rescaled from 40 rows to 20: two rows of the stream a map row; even and odd ones never
  // coincide.
  Record record = Record::make("v0");
  model.inference().read_json(R"({"window":40,"overlap":0.5})");
  model.propose(record, set.sequence(0));
  std::set<std::pair<double, double>> segments;
  for (const auto& p : record.proposals()) BOOST_TEST(segments.insert({p.segment.start, p.segment.end}).second);
  BOOST_TEST(segments.size() == 3u * 210 - 55);  // 10 map rows of the first window are the second's
}

// An action across the seam of two windows is found, once, when they overlap; without overlap no window holds it.
BOOST_AUTO_TEST_CASE(action_at_a_seam) {
  torch::manual_seed(4);
  BmnModel model;
  small(model, 20, R"({"boundary-filters":16,"input":"windows"})");
  const Synthetic set(32, 60, 1);
  model.build(set.inputs());
  train(model, set, 6);
  model.network().eval();
  auto x = torch::zeros({40, 4});
  for (std::int64_t r = 0; r < 40; ++r) {
    const double centre = static_cast<double>(r) + 0.5;
    x[r][0] = centre > 16 && centre < 25 ? 1 : 0;
    x[r][1] = std::exp(-0.1 * (centre - 16) * (centre - 16));
    x[r][2] = std::exp(-0.1 * (centre - 25) * (centre - 25));
  }
  const auto count = [&](double overlap, const Segment& wanted) {
    model.inference().read_json(R"({"overlap":)" + std::to_string(overlap) + "}");
    Record record = Record::make("v");
    model.propose(record, {"v", 40, {}, x});
    return std::count_if(record.proposals().begin(), record.proposals().end(),
                         [&](const auto& p) { return p.segment == wanted; });
  };
  BOOST_TEST(count(0, {16, 25}) == 0);
  BOOST_TEST(count(0.5, {16, 25}) == 1);
  BOOST_TEST(count(0.75, {16, 25}) == 1);
  model.inference().read_json(R"({"overlap":0.75})");
  Record record = Record::make("v");
  model.propose(record, {"v", 40, {}, x});
  BOOST_TEST(best_overlap(record.proposals(), {16, 25}) > 0.6);
}

// Every preset: the values that the report states (3.3, 3.4, 4.1, 5.1), what the row changes, and one step of training
// on the published sizes' small relatives.
template <class M>
void check_presets(const std::map<std::string, nlohmann::json>& rows, const nlohmann::json& published,
                   const std::string& sizes) {
  const Synthetic set(2, 40, 3);
  std::set<std::string> names;
  for (const auto& preset : M().presets()) BOOST_TEST_CONTEXT(preset.name) {
      names.insert(preset.name);
      BOOST_REQUIRE(rows.count(preset.name) == 1u);
      M model;
      auto settings = model.settings();
      settings.read_json(preset.settings);
      auto want = published;
      want.update(rows.at(preset.name));
      const auto got = nlohmann::json::parse(settings.json());
      for (const auto& [name, value] : want.items())
        BOOST_TEST(got.at(name) == value, name << " is " << got.at(name) << ", not " << value);
      small(model, 16, sizes);
      model.build(set.inputs());
      train(model, set, 1);
      model.network().eval();
      Record record = Record::make("v0");
      model.propose(record, set.sequence(0));
      BOOST_TEST(!record.proposals().empty());
    }
  BOOST_TEST(names.size() == rows.size());
}

BOOST_AUTO_TEST_CASE(presets_of_bsnpp) {
  using Json = nlohmann::json;
  const Json published = {{"rows", 100},
                          {"durations", 100},
                          {"samples", 32},
                          {"first-filters", 256},
                          {"base-filters", 256},
                          {"generator-filters", 512},
                          {"reduced-filters", 128},
                          {"proposal-filters", 512},
                          {"generator", "nested"},
                          {"deep-supervision", true},
                          {"train-backward", false},
                          {"branches", {"position", "channel", "aggregated"}},
                          {"sampling", "scale"},
                          {"scale-ratio", 0.15},
                          {"positive", 0.7},
                          {"negative", 0.3},
                          {"relation-weight", 10},
                          {"l2", 1e-4},
                          {"train-overlap", 0.75},
                          {"input", "rescale"}};
  const Json plain = {{"branches", {"plain"}}, {"sampling", "none"}};
  const auto with = [&](Json base, const char* name, const Json& value) {
    base[name] = value;
    return base;
  };
  check_presets<BsnppModel>({{"activitynet", Json::object()},
                             {"windows", {{"input", "windows"}}},
                             {"baseline", with(plain, "generator", "plain")},
                             {"cbg-u-net", with(plain, "generator", "u-net")},
                             {"cbg-nested", plain},
                             {"prb-position", with(plain, "branches", {"position"})},
                             {"prb-channel", with(plain, "branches", {"channel"})},
                             {"prb-both", with(plain, "branches", {"position", "channel"})},
                             {"prb", {{"sampling", "none"}}},
                             {"iou-sampling", {{"sampling", "iou"}}}},
                            published, R"({"first-filters":8,"generator-filters":8})");
  // 5.1: Adam, batch 16, 0.001 for 7 epochs, 0.0001 for 3.
  BOOST_TEST((Json::parse(BsnppModel().training_defaults()) == Json{{"optimizer", "adam"},
                                                                    {"lr", 1e-3},
                                                                    {"batch", 16},
                                                                    {"epochs", 10},
                                                                    {"schedule", "step"},
                                                                    {"milestones", {7}},
                                                                    {"gamma", 0.1}}));
  // Improvement C.
  BsnppModel model;
  BOOST_TEST(Json::parse(model.inference().json()).at("scale-rows") == Json({30, 80, 100}));
}

BOOST_AUTO_TEST_CASE(presets_of_bmn) {
  using Json = nlohmann::json;
  const Json published = {{"rows", 100},
                          {"durations", 100},
                          {"samples", 32},
                          {"per-bin", 3},
                          {"widen", 0.5},
                          {"base-filters", 256},
                          {"reduced-filters", 128},
                          {"boundary-filters", 256},
                          {"proposal-filters", 512},
                          {"head-filters", 128},
                          {"positive", 0.7},
                          {"negative", 0.3},
                          {"class-threshold", 0.9},
                          {"regression-weight", 10},
                          {"form", "paper"},
                          {"input", "rescale"}};
  check_presets<BmnModel>({{"activitynet", Json::object()},
                           {"public", {{"form", "public"}, {"layout", "start-duration"}, {"groups", 4}}},
                           {"windows", {{"input", "windows"}}}},
                          published, R"({"boundary-filters":8})");
}

// What a setting's condition says is so: the setting changes nothing where it is refused.
BOOST_AUTO_TEST_CASE(settings_without_effect) {
  const auto why = [](const std::string& settings, const std::string& name) {
    BsnppModel model;
    auto all = model.settings();
    all.nest("inference", model.inference());
    all.read_json(settings);
    return all.without_effect(name).value_or("");
  };
  BOOST_TEST(why("{}", "attention-filters") == "");
  BOOST_TEST(why(R"({"branches":["aggregated"]})", "attention-filters") == "");
  BOOST_TEST(why(R"({"branches":["channel","plain"]})", "attention-filters").find("branches=channel,plain") !=
             std::string::npos);
  BOOST_TEST(why(R"({"generator":"u-net"})", "deep-supervision").find("generator=u-net") != std::string::npos);
  BOOST_TEST(why(R"({"sampling":"iou"})", "scale-ratio").find("sampling=iou") != std::string::npos);
  BOOST_TEST(why("{}", "train-overlap").find("input=rescale") != std::string::npos);
  BOOST_TEST(why(R"({"input":"windows"})", "inference.scales").find("input=windows") != std::string::npos);
  BOOST_TEST(why("{}", "inference.scale-rows").find("scales=fixed") != std::string::npos);
}

// A diverged network's output is no proposals.
BOOST_AUTO_TEST_CASE(no_numbers) {
  const Synthetic set(1, 30, 3);
  BsnppModel model;
  small(model, 12, R"({"first-filters":8,"generator-filters":8})");
  model.build(set.inputs());
  model.network().eval();
  {
    const torch::NoGradGuard guard;
    model.network().named_parameters()["prb.position.conv3.bias"].fill_(std::nan(""));
  }
  Record record = Record::make("v0");
  BOOST_CHECK_EXCEPTION(model.propose(record, set.sequence(0)), Error,
                        [](const Error& e) { return e.message().find("no number") != std::string::npos; });
  BsnppModel windows;
  small(windows, 12, R"({"first-filters":8,"generator-filters":8,"input":"windows"})");
  windows.build(set.inputs());
  windows.network().eval();
  windows.inference().read_json(R"({"window":3})");
  BOOST_CHECK_EXCEPTION(windows.propose(record, set.sequence(0)), Error,
                        [](const Error& e) { return e.message().find("at least 4 rows") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(odd_features) {
  torch::manual_seed(1);
  const Synthetic set(1, 30, 3);
  BsnppModel model;
  small(model, 12, R"({"first-filters":8,"generator-filters":8})");
  model.build(set.inputs());
  model.network().eval();
  for (const std::int64_t rows : {1, 2, 3}) {
    for (const double value : {0.0, 5.0}) {
      Record record = Record::make("v");
      Sequence sequence{"v", static_cast<double>(rows), {}, torch::full({rows, 4}, value)};
      model.propose(record, sequence);
      BOOST_TEST(record.proposals().size() == 78u);
      for (const auto& p : record.proposals())
        BOOST_TEST((std::isfinite(p.score) && p.score >= 0 && p.segment.end <= static_cast<double>(rows)));
    }
  }
  Record record = Record::make("v");
  BOOST_CHECK_THROW(model.propose(record, {"v", 1, {}, torch::zeros({0, 4})}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
