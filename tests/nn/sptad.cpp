// label: parity
// SP-TAD block by block against the reference cases, the batched forms against one proposal at a time, and the model on
// clips.
#include "libtal/models/sptad/sptad.h"

#include "libtal/base/error.h"
#include "libtal/models/sptad/sptad_model.h"
#include "libtal/nn/interval_rows.h"
#include "libtal/train/run_settings.h"
#include "tests/nn/parity_nn.h"

namespace {

using namespace tal;
using tal::test::NnCase;

torch::Tensor one(const torch::Tensor& x) { return x.reshape({1}); }

std::vector<torch::Tensor> inputs_of(NnCase& c, const std::string& prefix) {
  std::vector<torch::Tensor> found;
  for (int k = 0; c.has_input(prefix + std::to_string(k)); ++k) found.push_back(c.input(prefix + std::to_string(k)));
  return found;
}

// The reference's names: the first normalisation stands beside the attention, whose unit holds it here.
std::string reference_name(const std::string& own) {
  std::string name = own;
  const auto replace = [&](const std::string& from, const std::string& to) {
    if (const auto at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
  };
  replace("self_attn.attn.", "self_attn.");
  replace("self_attn.norm.", "norm1.");
  return name;
}

// Sizes from the weights of one stage.
SptadOptions options_of(NnCase& c, const std::string& stage) {
  SptadOptions o;
  o.dim = c.weight(stage + "cls.weight").size(1), o.heads = c.integer("heads"), o.roi_rows = c.integer("rows"),
  o.roi_points = c.integer("sampling");
  o.hidden = c.weight(stage + "interaction.norm1.weight").size(0), o.ffn = c.weight(stage + "ffn.fc1.weight").size(0);
  o.weights = {c.number("w_cls", 2), c.number("w_l1", 5), c.number("w_giou", 2), c.number("alpha", 0.25),
               c.number("gamma", 2)};
  return o;
}

ClipTruths truths_of(NnCase& c) { return {c.input("gt"), c.input("label"), c.input("count")}; }

// 1-D RoIAlign of one segment, point by point. levels [C, T_k], segment (centre, length) -> [rows, C].
torch::Tensor align_one(const std::vector<torch::Tensor>& levels, double centre, double length, std::int64_t rows,
                        std::int64_t points) {
  const auto& level = levels[static_cast<std::size_t>(pyramid_level(length, static_cast<std::int64_t>(levels.size())))];
  const auto size = static_cast<double>(level.size(1));
  const double start = centre - length / 2 - length / 5, end = centre + length / 2 + length / 5;
  auto out = torch::zeros({rows, level.size(0)}, level.options());
  for (std::int64_t m = 0; m < rows * points; ++m) {
    const double x =
        size * (start + (end - start) * (static_cast<double>(m) + 0.5) / static_cast<double>(rows * points)) - 0.5;
    if (x < -1 || x > size) continue;
    const double place = std::min(std::max(x, 0.0), size - 1), low = std::floor(place),
                 high = std::min(low + 1, size - 1);
    const auto value = level.select(1, static_cast<std::int64_t>(low)) * (1 - (place - low)) +
                       level.select(1, static_cast<std::int64_t>(high)) * (place - low);
    out[m / points] += value / static_cast<double>(points);
  }
  return out;
}

SptadOptions small_options() {
  SptadOptions o;
  o.stages = 2, o.proposals = 6, o.dim = 16, o.heads = 4, o.roi_rows = 4, o.hidden = 8, o.ffn = 24, o.stem_filters = 12;
  return o;
}

// Two videos of 6 columns; column `label` is 1 inside an action.
class ClipSet : public TrainingSet {
 public:
  ClipSet() {
    inputs_.streams = {{"f", 6, 1, 1, 0, 1, "", ""}};
    inputs_.classes = {"a", "b"};
    add("long", 50, {{{4, 10}, 0}, {{30, 44}, 1}, {{46, 47}, -1}});
    add("short", 12, {{{2, 9}, 1}});
  }
  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t i) const override { return videos_[i]; }
  torch::Tensor rows(std::size_t i, std::int64_t first, std::int64_t count) const override {
    return torch::constant_pad_nd(features_[i], {0, 0, 0, count}).narrow(0, first, count).clone();
  }
  Sequence sequence(std::size_t i) const { return {videos_[i].id, videos_[i].duration, videos_[i].time, features_[i]}; }

 private:
  void add(const std::string& id, std::int64_t rows, const std::vector<TruthSegment>& truths) {
    Video video;
    video.id = id, video.rows = rows, video.duration = static_cast<double>(rows), video.truths = truths;
    auto x = torch::zeros({rows, 6});
    for (const auto& truth : truths)
      if (truth.label >= 0)
        x.narrow(0, static_cast<std::int64_t>(truth.segment.start), static_cast<std::int64_t>(truth.segment.length()))
            .select(1, truth.label)
            .fill_(1);
    videos_.push_back(video), features_.push_back(x);
  }
  InputContract inputs_;
  std::vector<Video> videos_;
  std::vector<torch::Tensor> features_;
};

void configure(SptadModel& model, const std::vector<const char*>& more = {}) {
  Settings s = model.settings();
  for (const char* pair : {"stages=2", "proposals=6", "dim=16", "heads=4", "roi-rows=4", "hidden=8", "ffn=24",
                           "stem-filters=12", "clip=16", "train-stride=8"})
    s.set_pair(pair);
  for (const char* pair : more) s.set_pair(pair);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sptad)

BOOST_AUTO_TEST_CASE(pyramid) {
  test::for_each_case("sptad_pyramid", [](NnCase& c) {
    const auto levels = inputs_of(c, "level");
    std::vector<std::int64_t> channels;
    for (const auto& level : levels) channels.push_back(level.size(1));
    TemporalPyramid net(channels, "inter", c.weight("lateral.0.bias").size(0));
    c.load(*net);
    const auto p = net->forward(levels);
    c.check({{"p0", p[0]}, {"p1", p[1]}, {"p2", p[2]}, {"p3", p[3]}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(segments_of_interest) {
  test::for_each_case("sptad_soi_align", [](NnCase& c) {
    const auto levels = inputs_of(c, "p");
    const auto segments = c.input("segments");
    c.check({{"y", roi_align_1d(PyramidRows(levels), segments, c.integer("rows"), c.integer("sampling"))},
             {"level", pyramid_levels(segments.select(2, 1), static_cast<std::int64_t>(levels.size()))}});
  });
}

BOOST_AUTO_TEST_CASE(interaction) {
  test::for_each_case("sptad_interaction", [](NnCase& c) {
    DynamicInteraction net(c.input("q").size(2), c.weight("norm1.weight").size(0), c.input("soi").size(2));
    c.load(*net);
    c.check({{"y", net->forward(c.input("q"), c.input("soi"))}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(stage) {
  test::for_each_case("sptad_stage", [](NnCase& c) {
    SptadStage net(c.weight("cls.bias").size(0), options_of(c, ""));
    c.load(*net, reference_name);
    const auto out = net->forward(c.input("q"), c.input("segments"), PyramidRows(inputs_of(c, "p")));
    c.check({{"logit", out.logits}, {"delta", out.deltas}, {"segments", out.segments}, {"q", out.q}}, *net,
            reference_name);
  });
}

BOOST_AUTO_TEST_CASE(set_losses) {
  test::for_each_case("sptad_loss", [](NnCase& c) {
    const SetWeights weights{c.number("w_cls"), c.number("w_l1"), c.number("w_giou"), c.number("alpha"),
                             c.number("gamma")};
    const auto set = set_loss({c.input("logit").unsqueeze(0), c.input("pred").unsqueeze(0)}, truths_of(c), weights);
    c.check({{"match", set.match[0]}, {"cost", set.cost[0]}, {"parts", set.parts[0]}, {"loss", one(set.loss)}});
  });
}

BOOST_AUTO_TEST_CASE(head) {
  test::for_each_case("sptad_head", [](NnCase& c) {
    SptadOptions o = options_of(c, "stages.0.");
    o.stages = 0, o.proposals = c.weight("proposals.features").size(0);
    while (c.has_weight("stages." + std::to_string(o.stages) + ".cls.weight")) ++o.stages;
    SptadHead net(c.weight("stages.0.cls.bias").size(0), o);
    c.load(*net, reference_name);
    const auto out = net->forward(inputs_of(c, "p"));
    const auto set = set_loss(out, truths_of(c), o.weights);
    std::map<std::string, torch::Tensor> got{{"loss", one(set.loss)}};
    for (std::int64_t k = 0; k < o.stages; ++k) {
      const std::string stage = std::to_string(k);
      got["logit" + stage] = out.logits[k], got["segments" + stage] = out.segments[k],
                    got["match" + stage] = set.match[k], got["parts" + stage] = set.parts[k];
    }
    c.check(got, *net, reference_name);
  });
}

BOOST_AUTO_TEST_CASE(clip_class) {
  test::for_each_case("sptad_clip_class", [](NnCase& c) {
    ClipClassifier net(c.weight("fc.weight").size(1), c.weight("fc.bias").size(0));
    c.load(*net);
    const auto logits = net->forward(inputs_of(c, "level"));
    c.check({{"prob", logits.sigmoid()}, {"loss", one(activity_loss(logits, c.input("label")))}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(formula_cases) {
  const std::string dir = test::parity_dir();
  if (test::skip_without(dir, "TAL_PARITY_DIR")) return;
  int checked = 0;
  const auto file = test::load(dir + "/formulas/sptad-boxes.json");
  const auto tensor = [](const nlohmann::json& rows, std::vector<std::int64_t> shape) {
    std::vector<double> values;
    for (const auto& row : rows)
      for (double v : row) values.push_back(v);
    return torch::tensor(values, torch::kDouble).view(shape);
  };
  const auto close = [](const torch::Tensor& got, const torch::Tensor& want, const char* what) {
    BOOST_TEST(torch::allclose(got.reshape(-1), want.reshape(-1), 1e-9, 1e-9), what);
  };
  for (const auto& item : file.at("cases")) {
    const auto &in = item.at("input"), &want = item.at("expected");
    const std::string kind = in.at("kind");
    BOOST_TEST_CONTEXT(item.at("name").get<std::string>()) {
      if (kind == "giou") {
        close(giou(tensor(in["a"], {-1, 2}), tensor(in["b"], {-1, 2})),
              torch::tensor(want["giou"].get<std::vector<double>>(), torch::kDouble), "giou"),
            ++checked;
      } else if (kind == "decode") {
        const auto moved = decode_segments(tensor(in["segments"], {-1, 2}), tensor(in["deltas"], {-1, 2}));
        close(moved, tensor(want["segments"], {-1, 2}), "segments"),
            close(segment_ends(moved), tensor(want["ends"], {-1, 2}), "ends"), ++checked;
      } else if (kind == "align") {
        std::vector<torch::Tensor> levels;
        for (const auto& level : in["features"])
          levels.push_back(tensor(level, {1, static_cast<std::int64_t>(level.size()), -1}).transpose(1, 2));
        const auto segments = tensor(in["segments"], {1, -1, 2});
        const auto got = roi_align_1d(PyramidRows(levels), segments, in["rows"], in["sampling"])[0];
        BOOST_TEST(torch::equal(pyramid_levels(segments.select(2, 1), static_cast<std::int64_t>(levels.size()))[0],
                                torch::tensor(want["level"].get<std::vector<std::int64_t>>(), torch::kLong)));
        for (std::size_t n = 0; n < want["values"].size(); ++n)
          close(got[static_cast<std::int64_t>(n)], tensor(want["values"][n], {-1}), "values");
        ++checked;
      } else if (kind == "loss") {
        const auto g = static_cast<std::int64_t>(in["ground_truth"].size());
        const ClipTruths truths{
            g ? tensor(in["ground_truth"], {1, g, 2}) : torch::zeros({1, 0, 2}, torch::kDouble),
            torch::tensor(in["classes"].get<std::vector<std::int64_t>>(), torch::kLong).view({1, g}),
            torch::tensor({g}, torch::kLong)};
        std::vector<torch::Tensor> logits, segments;
        for (const auto& s : in["stages"]) {
          const auto n = static_cast<std::int64_t>(s["segments"].size());
          logits.push_back(tensor(s["logits"], {1, n, -1})), segments.push_back(tensor(s["segments"], {1, n, 2}));
        }
        const SetWeights weights{in["lambda"]["cls"], in["lambda"]["l1"], in["lambda"]["giou"], 0.25, 2};
        const auto set = set_loss({torch::stack(logits), torch::stack(segments)}, truths, weights);
        for (std::size_t s = 0; s < logits.size(); ++s) {
          const auto& w = want["stages"][s];
          const auto part = set.parts[static_cast<std::int64_t>(s)];
          close(
              part,
              torch::tensor({w["focal"].get<double>(), w["l1"].get<double>(), w["giou"].get<double>()}, torch::kDouble),
              "parts");
          close((part * torch::tensor({weights.classification, weights.l1, weights.giou}, torch::kDouble)).sum(),
                torch::tensor(w["loss"].get<double>(), torch::kDouble), "loss of a stage");
          BOOST_TEST(torch::equal(set.match[static_cast<std::int64_t>(s)][0],
                                  torch::tensor(w["assignment"].get<std::vector<std::int64_t>>(), torch::kLong)));
        }
        const auto clip = torch::tensor(in["clip_logits"].get<std::vector<double>>(), torch::kDouble).unsqueeze(0);
        const auto act = activity_loss(clip, clip_labels(truths, clip.size(1)));
        BOOST_TEST(std::abs(act.item<double>() - want["act"].get<double>()) < 1e-9);
        BOOST_TEST(std::abs((set.loss + in["lambda"]["act"].get<double>() * act).item<double>() -
                            want["total"].get<double>()) < 1e-7);
        ++checked;
      } else if (kind != "level" && kind != "matching") {  // those are in tests/parity/sptad_boxes.cpp
        BOOST_ERROR("unknown kind " << kind);
      }
    }
  }
  BOOST_TEST(checked > 0);
}

// One clip and one proposal at a time, and the dynamic layers written out.
BOOST_AUTO_TEST_CASE(batched_is_one_at_a_time) {
  torch::manual_seed(3);
  const std::int64_t clips = 3, count = 9, d = 10, hidden = 4, rows = 5, points = 2;
  std::vector<torch::Tensor> levels;
  for (const std::int64_t size : {24, 12, 6, 3})
    levels.push_back(torch::randn({clips, d, size}, torch::kDouble).requires_grad_());
  // Long, short and reaching out of the clip.
  const auto segments = torch::rand({clips, count, 2}, torch::kDouble) * torch::tensor({1.4, 1.2}, torch::kDouble) -
                        torch::tensor({0.2, -0.01}, torch::kDouble);
  const auto q = torch::randn({clips, count, d}, torch::kDouble);
  DynamicInteraction net(d, hidden, rows);
  net->to(torch::kDouble);
  const auto parameters = net->named_parameters();
  const auto norm = [&](const torch::Tensor& x, const std::string& name) {
    return torch::layer_norm(x, {x.size(-1)}, parameters[name + ".weight"], parameters[name + ".bias"], 1e-5).relu();
  };

  const auto fast = net->forward(q, roi_align_1d(PyramidRows(levels), segments, rows, points));
  std::vector<torch::Tensor> plain;
  for (std::int64_t b = 0; b < clips; ++b) {
    std::vector<torch::Tensor> own;
    for (const auto& level : levels) own.push_back(level[b]);
    for (std::int64_t n = 0; n < count; ++n) {
      const auto aligned =
          align_one(own, segments[b][n][0].item<double>(), segments[b][n][1].item<double>(), rows, points);
      const auto made = torch::linear(q[b][n], parameters["dynamic.weight"], parameters["dynamic.bias"]);
      auto h = norm(torch::mm(aligned, made.narrow(0, 0, d * hidden).view({d, hidden})), "norm1");
      h = norm(torch::mm(h, made.narrow(0, d * hidden, d * hidden).view({hidden, d})), "norm2");
      plain.push_back(norm(torch::linear(h.reshape(-1), parameters["out.weight"], parameters["out.bias"]), "norm3"));
    }
  }
  const auto reference = torch::stack(plain).view_as(fast);
  BOOST_TEST(torch::allclose(fast, reference, 1e-10, 1e-10));
  const auto upstream = torch::randn_like(fast);
  const auto wanted = torch::autograd::grad({reference}, levels, {upstream}),
             got = torch::autograd::grad({fast}, levels, {upstream});
  for (std::size_t k = 0; k < levels.size(); ++k)
    BOOST_TEST(torch::allclose(got[k], wanted[k], 1e-9, 1e-9), "gradient of level " << k);
}

BOOST_AUTO_TEST_CASE(pyramids_of_table_5) {
  torch::manual_seed(1);
  const auto x = torch::randn({2, 5, 32});
  for (const auto& [kind, lengths] : std::map<std::string, std::vector<std::int64_t>>{
           {"inter", {32, 16, 8, 4}}, {"high", {8, 4, 2, 1}}, {"single", {8}}}) {
    SptadOptions o = small_options();
    o.pyramid = kind;
    TemporalPyramid pyramid(std::vector<std::int64_t>{5, 5, 5}, kind, o.dim);
    const auto levels = pyramid->forward({x, torch::max_pool1d(x, 2, 2), torch::max_pool1d(x, 4, 4)});
    BOOST_REQUIRE_EQUAL(levels.size(), lengths.size());
    for (std::size_t k = 0; k < levels.size(); ++k) BOOST_TEST(levels[k].size(2) == lengths[k]);
    for (const char* downsample : {"conv", "max"}) {
      o.downsample = downsample, o.stem_layers = *downsample == 'c' ? 1 : 0;
      SptadFeatureNet net(5, 3, o);
      const auto out = net->forward(x);
      BOOST_TEST(out.detections.logits.sizes() == torch::IntArrayRef({2, 2, 6, 3}));
      BOOST_TEST(out.detections.segments.sizes() == torch::IntArrayRef({2, 2, 6, 2}));
      (out.detections.logits.sum() + out.detections.segments.sum() + out.clip_logits.sum()).backward();
      for (const auto& item : net->named_parameters())
        BOOST_TEST(item.value().grad().defined(), kind << ": no gradient reaches " << item.key());
    }
  }
}

// Table 5's other rows worked by hand: one column, lateral convolutions that multiply by 1, 2 and 3. Only the last
// level may take part.
BOOST_AUTO_TEST_CASE(pyramids_of_the_last_level_by_value) {
  const auto unused = torch::full({1, 1, 32}, std::numeric_limits<float>::quiet_NaN());
  const std::vector<torch::Tensor> levels = {unused, unused.narrow(2, 0, 16),
                                             torch::tensor({1.f, 3.f, 2.f, 8.f, 5.f, 4.f, 7.f, 6.f}).view({1, 1, 8})};
  const auto pyramid_of = [&](const char* kind, const std::vector<float>& factors) {
    const torch::NoGradGuard guard;
    TemporalPyramid net(std::vector<std::int64_t>{1, 1, 1}, kind, 1);
    for (std::size_t k = 0; k < factors.size(); ++k) {
      net->named_parameters()["lateral." + std::to_string(k) + ".weight"].fill_(factors[k]);
      net->named_parameters()["lateral." + std::to_string(k) + ".bias"].fill_(0);
    }
    std::vector<std::vector<float>> rows;
    for (const auto& level : net->forward(levels))
      rows.emplace_back(level.data_ptr<float>(), level.data_ptr<float>() + level.numel());
    return rows;
  };
  using Rows = std::vector<std::vector<float>>;
  // Maxima of two and four rows: 3 8 5 7 and 8 7. From the top: 3 x (8 7); 2 x (3 8 5 7) + (24 24 21 21); 1 x level +
  // (30 30 40 40 31 31 35 35).
  BOOST_CHECK(
      (pyramid_of("high", {1, 2, 3}) == Rows{{31, 33, 42, 48, 36, 35, 42, 41}, {30, 40, 31, 35}, {24, 21}, {24}}));
  BOOST_CHECK((pyramid_of("single", {2}) == Rows{{2, 6, 4, 16, 10, 8, 14, 12}}));
}

BOOST_AUTO_TEST_CASE(clips_of_a_sequence) {
  using List = std::vector<std::int64_t>;
  BOOST_TEST(clip_starts(5, 16, 8) == List{0}, boost::test_tools::per_element());
  BOOST_TEST(clip_starts(16, 16, 8) == List{0}, boost::test_tools::per_element());
  BOOST_TEST(clip_starts(32, 16, 8) == (List{0, 8, 16}), boost::test_tools::per_element());
  BOOST_TEST(clip_starts(35, 16, 8) == (List{0, 8, 16, 19}), boost::test_tools::per_element());
  BOOST_TEST(clip_starts(40, 16, 30) == (List{0, 24}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(start_of_the_segments) {
  BOOST_TEST(torch::equal(initial_segments(3, "even", {1}), torch::tensor({{0.5f, 1.0f}, {0.5f, 1.0f}, {0.5f, 1.0f}})));
  const auto ends = segment_ends(initial_segments(4, "even", {0.2}));
  BOOST_TEST(torch::allclose(ends, torch::tensor({{0.1f, 0.3f}, {0.3f, 0.5f}, {0.5f, 0.7f}, {0.7f, 0.9f}})));
  const auto close = segment_ends(initial_segments(8, "even", {0.6}));  // they overlap, and stay inside the clip
  BOOST_TEST((close.min().item<double>() >= 0 && close.max().item<double>() <= 1));
  BOOST_TEST((close.select(1, 0).diff().gt(0).all().item<bool>()));
}

BOOST_AUTO_TEST_CASE(random_start_of_the_segments) {
  torch::manual_seed(4);
  const auto drawn = initial_segments(4000, "random", {0.1, 0.5});
  torch::manual_seed(4);
  BOOST_TEST(torch::equal(drawn, initial_segments(4000, "random", {0.1, 0.5})));
  BOOST_TEST(!torch::equal(drawn, initial_segments(4000, "random", {0.1, 0.5})));
  const auto length = drawn.select(1, 1), ends = segment_ends(drawn);
  BOOST_TEST((ends.min().item<double>() >= -1e-6 && ends.max().item<double>() <= 1 + 1e-6));
  // Uniform: mean and deviation of the length, and of where the free share of the clip is cut.
  const double third = 1 / std::sqrt(12.0);
  const auto place = ends.select(1, 0) / (1 - length);
  for (const auto& [values, low, high] : {std::tuple{length, 0.1, 0.5}, {place, 0.0, 1.0}}) {
    BOOST_TEST((values.min().item<double>() >= low - 1e-6 && values.max().item<double>() <= high + 1e-6));
    BOOST_TEST(std::abs(values.mean().item<double>() - (low + high) / 2) < 0.02 * (high - low));
    BOOST_TEST(std::abs(values.std().item<double>() - third * (high - low)) < 0.02 * (high - low));
  }
  BOOST_TEST((initial_segments(50, "random", {0.25}).select(1, 1) == 0.25).all().item<bool>());  // any one size

  SptadModel model;  // they are what a new network holds
  configure(model);
  Settings settings = model.settings();
  settings.set_pair("initial-segments=random"), settings.set_pair("initial-length=0.05,1");
  torch::manual_seed(8);
  model.build(ClipSet().inputs());
  const auto own = model.network().named_parameters()["detector.head.proposals.segments"].detach();
  BOOST_TEST((own.select(1, 1).max() - own.select(1, 1).min()).item<double>() > 0.1);
}

BOOST_AUTO_TEST_CASE(batches) {
  const ClipSet set;
  SptadModel model;
  configure(model);
  model.build(set.inputs());
  const auto samples = model.samples(set, 0);
  std::vector<std::int64_t> firsts;
  for (const auto& s : samples) firsts.push_back(s.first);
  // [8, 24) holds a third of the first action; [24, 40), [32, 48) and the last, [34, 50), enough of the second; the
  // short video is one padded clip.
  BOOST_TEST(firsts == (std::vector<std::int64_t>{0, 24, 32, 34, 0}), boost::test_tools::per_element());
  Random random(1);
  const auto batch = model.make_batch(set, samples, random, 0);
  BOOST_TEST(batch.at("x").sizes() == torch::IntArrayRef({5, 6, 16}));
  BOOST_TEST(batch.at("count").sum().item<std::int64_t>() == 5);
  BOOST_TEST(std::abs(batch.at("segments")[1][0][0].item<double>() - (30.0 - 24) / 16) < 1e-6);
  BOOST_TEST(std::abs(batch.at("segments")[1][0][1].item<double>() - (40.0 - 24) / 16) < 1e-6);  // cut off at the
                                                                                                 // clip's end
  BOOST_TEST(batch.at("labels")[1][0].item<std::int64_t>() == 1);
  BOOST_TEST(batch.at("x")[4].narrow(1, 12, 4).abs().sum().item<double>() == 0);
}

// Rows resized to the clip, point by point: row i of `count` lies at (i + 1/2) rows / count - 1/2 of the source, whose
// end rows go on.
double resized(const torch::Tensor& x, std::int64_t count, std::int64_t i, std::int64_t column) {
  const auto last = static_cast<double>(x.size(0) - 1);
  const double at = std::clamp(
                   (static_cast<double>(i) + 0.5) * static_cast<double>(x.size(0)) / static_cast<double>(count) - 0.5,
                   0.0, last),
               low = std::floor(at);
  return (1 - (at - low)) * x[static_cast<std::int64_t>(low)][column].item<double>() +
         (at - low) * x[static_cast<std::int64_t>(std::min(low + 1, last))][column].item<double>();
}

BOOST_AUTO_TEST_CASE(rescaled_videos) {
  const auto hand = resize_rows(torch::tensor({{0.f}, {10.f}}), 4);
  BOOST_TEST(torch::equal(hand, torch::tensor({{0.f}, {2.5f}, {7.5f}, {10.f}})));
  const ClipSet set;
  SptadModel model;
  configure(model, {"input=rescale"});
  torch::manual_seed(1);
  model.build(set.inputs());
  const auto samples = model.samples(set, 0);
  BOOST_TEST_REQUIRE(samples.size() == 2u);  // one a video
  Random random(1);
  const auto batch = model.make_batch(set, samples, random, 0);
  for (std::int64_t v = 0; v < 2; ++v) {  // 50 rows shrink, 12 rows grow to 16
    const auto x = set.rows(static_cast<std::size_t>(v), 0, set.video(static_cast<std::size_t>(v)).rows);
    for (std::int64_t i = 0; i < 16; ++i)
      for (std::int64_t c = 0; c < 6; ++c)
        BOOST_TEST(std::abs(batch.at("x")[v][c][i].item<double>() - resized(x, 16, i, c)) < 1e-6);
  }
  const auto near = [](const torch::Tensor& segment, double start, double end) {
    return std::abs(segment[0].item<double>() - start) < 1e-6 && std::abs(segment[1].item<double>() - end) < 1e-6;
  };
  BOOST_TEST(batch.at("count")[0].item<std::int64_t>() == 2);  // all actions whole, whatever their share of the video
  BOOST_TEST(near(batch.at("segments")[0][0], 4.0 / 50, 10.0 / 50));
  BOOST_TEST(near(batch.at("segments")[0][1], 30.0 / 50, 44.0 / 50));
  BOOST_TEST(near(batch.at("segments")[1][0], 2.0 / 12, 9.0 / 12));

  // Detections: the network's segments, as shares of the whole video.
  model.network().eval();
  Settings inference = model.inference();
  inference.set_pair("min-score=0"), inference.set_pair("detections=12");
  const torch::NoGradGuard guard;
  const auto out = dynamic_cast<SptadNetImpl&>(model.network()).forward(batch.at("x")).detections.segments[-1];
  for (std::int64_t v = 0; v < 2; ++v) {
    const auto& video = set.video(static_cast<std::size_t>(v));
    Record record = Record::make(video.id);
    model.propose(record, set.sequence(static_cast<std::size_t>(v)));
    BOOST_TEST(!record.proposals().empty());
    for (const auto& p : record.proposals()) {
      bool found = false;
      for (std::int64_t n = 0; n < out.size(1); ++n) {
        const double rows = static_cast<double>(video.rows);
        const double start = std::clamp(out[v][n][0].item<double>() * rows, 0.0, rows),
                     end = std::clamp(out[v][n][1].item<double>() * rows, 0.0, rows);
        found = found || (std::abs(p.segment.start - start) < 1e-4 && std::abs(p.segment.end - end) < 1e-4);
      }
      BOOST_TEST(found, video.id << ": " << p.segment.start << " .. " << p.segment.end);
    }
  }
}

// 3.2.2: class probabilities times the clip's, which are worked out of features, weights and nothing else.
BOOST_AUTO_TEST_CASE(clip_scores_by_value) {
  const ClipSet set;
  SptadModel model;
  configure(model, {"stem-layers=0", "downsample=max", "initial-length=0.3"});  // the levels are the features, maxima
                                                                                // of two rows, of four rows
  torch::manual_seed(6);
  model.build(set.inputs());
  model.network().eval();
  Settings inference = model.inference();
  inference.set_pair("min-score=0"), inference.set_pair("detections=12");  // all pairs of 6 proposals and 2 classes
  using Key = std::tuple<double, double, std::string>;
  const auto detections = [&](const char* setting) {
    inference.set_pair(setting);
    Record record = Record::make("short");
    model.propose(record, set.sequence(1));  // one clip: 12 rows and 4 of zeros
    std::map<Key, double> scores;
    for (const auto& p : record.proposals()) scores[{p.segment.start, p.segment.end, std::string(p.label)}] = p.score;
    return scores;
  };
  const auto plain = detections("clip-scores=false"), adjusted = detections("clip-scores=true");
  BOOST_TEST_REQUIRE(plain.size() == adjusted.size());
  BOOST_TEST(plain.size() > 4u);

  const auto x = set.rows(1, 0, 16);
  std::vector<double> means;
  for (const std::int64_t step : {1, 2, 4})
    for (std::int64_t c = 0; c < 6; ++c) {
      double sum = 0;
      for (std::int64_t t = 0; t < 16; t += step) {
        double most = x[t][c].item<double>();
        for (std::int64_t k = 1; k < step; ++k) most = std::max(most, x[t + k][c].item<double>());
        sum += most;
      }
      means.push_back(sum * static_cast<double>(step) / 16);
    }
  const auto weight = model.network().named_parameters()["detector.clip.fc.weight"],
             bias = model.network().named_parameters()["detector.clip.fc.bias"];
  std::map<std::string, double> probability;
  for (std::int64_t k = 0; k < 2; ++k) {
    double logit = bias[k].item<double>();
    for (std::size_t c = 0; c < means.size(); ++c)
      logit += weight[k][static_cast<std::int64_t>(c)].item<double>() * means[c];
    probability[set.inputs().classes[static_cast<std::size_t>(k)]] = 1 / (1 + std::exp(-logit));
  }
  BOOST_TEST(std::abs(probability["a"] - probability["b"]) > 0.01);
  for (const auto& [key, score] : plain)
    BOOST_TEST(std::abs(adjusted.at(key) - score * probability.at(std::get<2>(key))) < 1e-6);
}

BOOST_AUTO_TEST_CASE(learns_and_proposes) {
  torch::manual_seed(2);
  const ClipSet set;
  SptadModel model;
  configure(model);
  model.build(set.inputs());
  Random random(1);
  const auto batch = model.make_batch(set, model.samples(set, 0), random, 0);
  torch::optim::AdamW optimizer(model.network().parameters(), torch::optim::AdamWOptions(2e-3));
  model.network().train();
  for (int step = 0; step < 250; ++step) {
    optimizer.zero_grad();
    model.loss(batch, 0).loss.backward();
    optimizer.step();
  }
  model.network().eval();
  Settings inference = model.inference();
  inference.set_pair("test-stride=8");
  for (std::size_t v = 0; v < set.size(); ++v) {
    Record record = Record::make(set.video(v).id);
    model.propose(record, set.sequence(v));
    for (const auto& truth : set.video(v).truths) {
      if (truth.label < 0) continue;
      double best = 0, score = 0;
      for (const auto& p : record.proposals()) {
        BOOST_TEST((p.segment.start >= 0 && p.segment.end <= set.video(v).duration && p.score >= 0.001));
        if (p.label == set.inputs().classes[static_cast<std::size_t>(truth.label)] && p.score > score) score = p.score;
        if (p.label == set.inputs().classes[static_cast<std::size_t>(truth.label)])
          best = std::max(best, p.score > 0.3 ? tiou(p.segment, truth.segment) : 0.0);
      }
      BOOST_TEST(best > 0.7,
                 set.video(v).id << ": tIoU " << best << " of class " << truth.label << ", best score " << score);
    }
  }
}

namespace {

// What tal-train makes of presets.
struct PresetRun {
  explicit PresetRun(const std::vector<std::string>& presets) : settings(model, train) {
    settings.apply_presets(presets);
  }
  std::string value(const std::string& name) {
    if (name.starts_with("train.")) return settings_of(train).value_text(name.substr(6));
    return name.starts_with("inference.") ? model.inference().value_text(name.substr(10))
                                          : model.settings().value_text(name);
  }
  // Losses before and after a step on one clip. Widths and frames are small; what the preset sets stays.
  std::pair<double, double> step() {
    Settings small = model.settings();
    const bool frames = model.frames().has_value();
    for (const char* pair : {"dim=16", "heads=2", "hidden=4", "ffn=16", "roi-rows=4"}) small.set_pair(pair);
    if (frames)
      for (const char* pair : {"size=16", "crop=16", "backbone-width=0.03125"}) small.set_pair(pair);
    else small.set_pair("stem-filters=8");
    InputContract inputs;
    inputs.classes = {"a", "b", "c"};
    inputs.frames = model.frames();
    if (!frames) inputs.streams = {{"f", 6, 1, 1, 0, 1, "", ""}};
    torch::manual_seed(3);
    model.build(inputs);
    model.network().train();
    const std::int64_t clip = std::stoll(value("clip"));
    Batch batch;
    batch.tensors = {{"x", frames ? torch::randint(0, 256, {2, model.frames()->channels(), clip, 16, 16}, torch::kByte)
                                  : torch::randn({2, 6, clip})},
                     {"segments", torch::tensor({{{0.1f, 0.3f}, {0.5f, 0.6f}}, {{0.2f, 0.9f}, {0.f, 0.f}}})},
                     {"labels", torch::tensor({{0, 2}, {1, 0}}, torch::kLong)},
                     {"count", torch::tensor({2, 1}, torch::kLong)}};
    std::vector<torch::Tensor> parameters;
    for (const auto& group : model.parameters(0))
      parameters.insert(parameters.end(), group.parameters.begin(), group.parameters.end());
    torch::optim::SGD optimizer(parameters, torch::optim::SGDOptions(1e-3));
    const auto loss = model.loss(batch, 0).loss;
    loss.backward();
    optimizer.step();
    return {loss.item<double>(), model.loss(batch, 0).loss.item<double>()};
  }

  SptadModel model;
  TrainOptions train;
  RunSettings settings;
};

}  // namespace

// Presets against the text of the paper: 4.1 for what all rows share, then Tables 1 to 8 row by row.
BOOST_AUTO_TEST_CASE(presets_are_rows_of_the_tables) {
  using Values = std::map<std::string, std::string>;
  const Values shared = {{"pyramid", "\"inter\""},
                         {"dim", "256"},
                         {"stages", "4"},
                         {"clip-head", "true"},
                         {"train.optimizer", "\"adamw\""},
                         {"train.weight-decay", "0.0001"},
                         {"train.batch", "16"},
                         {"train.lr", "0.0001"},
                         {"train.schedule", "\"step\""},
                         {"train.milestones", "[12.0]"},
                         {"train.gamma", "0.1"},
                         {"train.epochs", "16"}};
  const Values pixels = {
      {"input", "\"clips\""},         {"size", "112"},        {"crop", "96"},           {"flip", "true"},
      {"modalities", "\"rgb+flow\""}, {"backbone-lr", "1.0"}, {"backbone-width", "1.0"}};
  const Values thumos = {{"clip", "256"},
                         {"train-stride", "30"},
                         {"inference.test-stride", "128"},
                         {"inside", "0.5"},
                         {"proposals", "50"}};
  const auto both = [](Values all, const Values& more) {
    for (const auto& [name, value] : more) all[name] = value;
    return all;
  };
  const Values full = both(both(both(shared, pixels), thumos), {{"fps", "10.0"}, {"frames", "0"}});
  struct Row {
    std::vector<std::string> presets;
    Values values;
  };
  const std::vector<Row> rows = {
      {{"thumos14"}, both(both(shared, thumos), {{"input", "\"windows\""}})},
      {{"activitynet"}, both(shared, {{"input", "\"rescale\""}, {"clip", "768"}, {"proposals", "100"}})},
      {{"thumos14-clips"}, full},
      {{"activitynet-clips"}, both(both(shared, pixels), {{"frames", "768"}, {"clip", "768"}, {"proposals", "100"}})},
      {{"thumos14-clips", "table3-rgb"}, both(full, {{"modalities", "\"rgb\""}})},
      {{"thumos14-clips", "table4-0"}, both(full, {{"backbone-lr", "0.0"}})},
      {{"thumos14-clips", "table4-1e-6"}, both(full, {{"backbone-lr", "0.01"}})},  // times 1e-4
      {{"thumos14-clips", "table4-1e-5"}, both(full, {{"backbone-lr", "0.1"}})},
      {{"thumos14-clips", "table4-1e-4"}, full},
      {{"thumos14-clips", "table5-single"}, both(full, {{"pyramid", "\"single\""}})},
      {{"thumos14-clips", "table5-high"}, both(full, {{"pyramid", "\"high\""}})},
      {{"thumos14-clips", "table5-inter"}, full},
      {{"thumos14-clips", "table6-1"}, both(full, {{"stages", "1"}})},
      {{"thumos14-clips", "table6-2"}, both(full, {{"stages", "2"}})},
      {{"thumos14-clips", "table6-4"}, full},
      {{"thumos14-clips", "table6-6"}, both(full, {{"stages", "6"}})},
      {{"thumos14-clips", "table7-without"}, both(full, {{"clip-head", "false"}})},
      {{"thumos14-clips", "table7-with"}, full},
      {{"thumos14-clips", "table8-224"}, both(full, {{"clip", "224"}, {"inference.test-stride", "112"}})},
      {{"thumos14-clips", "table8-256"}, full},
      {{"thumos14-clips", "table8-288"}, both(full, {{"clip", "288"}, {"inference.test-stride", "144"}})},
      {{"thumos14-clips", "table8-320"}, both(full, {{"clip", "320"}, {"inference.test-stride", "160"}})},
  };
  std::set<std::string> tested, known;
  for (const auto& row : rows) {
    tested.insert(row.presets.back());
    BOOST_TEST_CONTEXT(row.presets.back()) {
      PresetRun run(row.presets);
      for (const auto& [name, value] : row.values)
        BOOST_TEST(run.value(name) == value, name << " is " << run.value(name) << ", the paper has " << value);
      const auto [before, after] = run.step();
      BOOST_TEST((std::isfinite(before) && std::isfinite(after) && after != before),
                 "losses " << before << ", " << after);
    }
  }
  for (const auto& preset : SptadModel().presets()) known.insert(preset.name);
  BOOST_TEST(tested == known, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_diverged_network_says_so) {
  const ClipSet set;
  SptadModel model;
  configure(model);
  model.build(set.inputs());
  model.network().eval();
  {
    const torch::NoGradGuard guard;
    model.network().named_parameters()["detector.head.stages.0.cls.bias"].fill_(
        std::numeric_limits<float>::quiet_NaN());
    model.network().named_parameters()["detector.head.stages.1.cls.bias"].fill_(
        std::numeric_limits<float>::quiet_NaN());
  }
  Record record = Record::make("long");
  BOOST_CHECK_EXCEPTION(model.propose(record, set.sequence(0)), Error, [](const Error& e) {
    return e.message().starts_with("model 'sptad': what the network computes is not finite");
  });
}

BOOST_AUTO_TEST_CASE(settings_that_contradict) {
  const ClipSet set;
  const auto message = [&](const std::vector<const char*>& pairs) -> std::string {
    try {
      SptadModel model;
      configure(model, pairs);
      model.build(set.inputs());
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  };
  BOOST_TEST(message({}) == "no error");
  BOOST_TEST(message({"clip=20"}) == "clip: must be a multiple of 8 for input=windows, not 20");
  BOOST_TEST(message({"heads=3"}) == "heads: 16 columns cannot be shared out among 3 heads");
  BOOST_TEST(message({"stem-layers=0"}) ==
             "stem-layers: strided convolutions need at least one stem layer; downsample=max needs none");
  BOOST_TEST(
      message({"initial-length=0.1,0.5"}) ==
      "initial-length: segments that are spread evenly have one length; initial-segments=random draws between two");
  BOOST_TEST(message({"initial-segments=random", "initial-length=0.5,0.1"}) ==
             "initial-length: the first length is above the second");
  BOOST_TEST(message({"pyramid=high"}) ==
             "clip: must be 32 or more for pyramid=high: its last level is pooled three times");
  BOOST_TEST(message({"pyramid=high", "clip=32"}) == "no error");
  for (const char* pair : {"train-stride=0", "shift=-1", "inside=1.1", "inside=-1", "stages=0", "alpha=2", "gamma=-1",
                           "initial-length=0", "initial-length=1.5", "l1-weight=-1", "proposals=0", "stem-layers=-1",
                           "clip=0", "pyramid=full", "input=features", "initial-length=0.1,0.2,0.3"})
    BOOST_TEST(message({pair}).find("setting '" + std::string(pair).substr(0, std::string(pair).find('=')) + "'") !=
                   std::string::npos,
               pair << ": " << message({pair}));
  SptadModel model;
  InputContract unlabelled = set.inputs();
  unlabelled.classes.clear();
  BOOST_CHECK_THROW(model.build(unlabelled), Error);
}

// Settings of another input, or of a part that is not there, have no effect, and say so.
BOOST_AUTO_TEST_CASE(settings_without_effect) {
  const auto idle = [](const std::vector<const char*>& given) {
    SptadModel model;
    Settings all = model.settings();
    all.nest("inference", model.inference());
    for (const char* pair : given) all.set_pair(pair);
    std::set<std::string> names;
    for (const auto& entry : all.entries())
      if (all.without_effect(entry.name)) names.insert(entry.name);
    return names;
  };
  using Names = std::set<std::string>;
  const auto with = [](Names names, const Names& more) {
    names.insert(more.begin(), more.end());
    return names;
  };
  const Names frames = {"modalities",
                        "fps",
                        "frames",
                        "size",
                        "resize",
                        "flow-method",
                        "crop",
                        "flip",
                        "backbone-width",
                        "backbone-lr",
                        "backbone-freeze-bn",
                        "backbone-bn-momentum",
                        "backbone-checkpointing",
                        "backbone-rgb",
                        "backbone-flow"};
  const Names rows = {"stem-layers", "stem-filters", "downsample"};
  const auto check = [&](const std::vector<const char*>& given, const Names& wanted) {
    BOOST_TEST(idle(given) == wanted, boost::test_tools::per_element());
  };
  check({}, frames);
  check({"input=rescale"}, with(frames, {"train-stride", "shift", "inside", "inference.test-stride"}));
  check({"stem-layers=0", "downsample=max"}, with(frames, {"stem-filters"}));
  check({"clip-head=false"}, with(frames, {"activity-weight", "inference.clip-scores"}));
  check({"input=clips"}, with(rows, {"flow-method", "backbone-flow"}));
  check({"input=clips", "modalities=flow"}, with(rows, {"backbone-rgb"}));
  check({"input=clips", "modalities=rgb+flow", "frames=64"}, with(rows, {"fps"}));
  check({"input=clips", "modalities=rgb+flow", "backbone-freeze-bn=true"}, with(rows, {"backbone-bn-momentum"}));
  check({"input=clips", "modalities=rgb+flow", "backbone-lr=0"},
        with(rows, {"backbone-freeze-bn", "backbone-bn-momentum", "backbone-checkpointing"}));
}

BOOST_AUTO_TEST_SUITE_END()
