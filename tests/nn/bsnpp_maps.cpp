// label: parity
// Formulas around the maps: labels, sampling, fusion of passes and models, windows.
#include "libtal/models/maps/map_labels.h"

#include "libtal/base/error.h"
#include "libtal/models/bsnpp/bsnpp.h"
#include "libtal/models/bsnpp/bsnpp_model.h"
#include "libtal/nn/tensors.h"
#include "tests/nn/parity_nn.h"

namespace {

using namespace tal;
using Json = nlohmann::json;

struct Checker {
  std::string name;
  double absolute, relative;
  void operator()(const std::string& what, double got, double want) const {
    if (std::abs(got - want) > absolute + relative * std::abs(want))
      BOOST_ERROR(name << ": " << what << " is " << got << ", not " << want);
  }
  void operator()(const std::string& what, const std::vector<double>& got, const Json& want) const {
    BOOST_REQUIRE_MESSAGE(got.size() == want.size(),
                          name << ": " << what << " has " << got.size() << " values, not " << want.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      (*this)(what + "[" + std::to_string(i) + "]", got[i], want[i].get<double>());
  }
  void map(const std::string& what, const std::vector<double>& flat, const Json& want) const {
    std::size_t at = 0;
    for (const auto& row : want)
      for (const auto& value : row) {
        BOOST_REQUIRE(at < flat.size());
        (*this)(what, flat[at++], value.get<double>());
      }
    BOOST_TEST(at == flat.size(), name << ": " << what);
  }
};

torch::Tensor row_of(const Json& values) { return torch::tensor(values.get<std::vector<double>>(), torch::kDouble); }
torch::Tensor map_of(const Json& rows) {
  std::vector<torch::Tensor> all;
  for (const auto& row : rows) all.push_back(row_of(row));
  return torch::stack(all);
}
std::vector<double> values_of(const torch::Tensor& t) {
  const auto flat = t.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

void maps_case(const Json& in, const Json& want, const Checker& check) {
  const auto pass = [&](const char* key) {
    return torch::stack({row_of(in.at(key).at("start")), row_of(in.at(key).at("end"))}).unsqueeze(0);
  };
  const auto fused = fuse_passes(pass("forward"), pass("backward").flip(2).flip(1))[0];
  check("H_start", values_of(fused[0]), want.at("H_start"));
  check("H_end", values_of(fused[1]), want.at("H_end"));
  const auto m_cc = map_of(in.at("M_cc")), m_cr = map_of(in.at("M_cr"));
  const auto boundary = boundary_map(fused[0], fused[1], m_cc.size(0));
  check.map("M_b", values_of(boundary), want.at("M_b"));
  check.map("score", values_of(map_scores(boundary, m_cr, m_cc)), want.at("score"));
  const std::int64_t rows = in.at("T");
  const double offset = in.at("offset"), duration = in.at("duration");
  MapWindow window{{offset, offset + duration}, 0, rows, rows, {fused[0], fused[1], boundary, m_cr, m_cc}};
  Record record = Record::make("v");
  write_map_proposals(record, 0, {window}, "bsnpp", {});
  const auto& proposals = record.proposals();
  BOOST_REQUIRE_MESSAGE(proposals.size() == want.at("proposals").size(), check.name);
  for (std::size_t k = 0; k < proposals.size(); ++k) {
    const auto& row = want.at("proposals")[k];
    const auto j = row[0].get<std::int64_t>(), i = row[1].get<std::int64_t>();
    check("start of a proposal", proposals[k].segment.start, row[2]);
    check("end of a proposal", proposals[k].segment.end, row[3]);
    check("score of a proposal", proposals[k].score, row[4]);
    const auto scores = named_scores(proposals[k]);
    BOOST_REQUIRE(scores.size() == 3u);
    check("its boundary score", scores[0].value, boundary[j][i].item<double>());
    check("its classification score", scores[1].value, m_cc[j][i].item<double>());
    check("its regression score", scores[2].value, m_cr[j][i].item<double>());
  }
}

void labels_case(const Json& in, const Json& want, const Checker& check) {
  const std::int64_t rows = in.at("T"), durations = in.at("D");
  const double scale = static_cast<double>(rows) / in.at("duration").get<double>();
  std::vector<Segment> truths;
  for (const auto& s : in.at("ground_truth"))
    truths.push_back({s[0].get<double>() * scale, s[1].get<double>() * scale});
  const auto shares = boundary_shares(truths, rows), labels = boundary_labels(truths, rows, false),
             nearest = boundary_labels(truths, rows, true);
  check("share_start", shares.start, want.at("share_start"));
  check("share_end", shares.end, want.at("share_end"));
  check("start", labels.start, want.at("start"));
  check("end", labels.end, want.at("end"));
  check.map("confidence", confidence_labels(truths, rows, durations), want.at("confidence"));
  for (std::size_t i = 0; i < labels.start.size(); ++i)
    BOOST_TEST((nearest.start[i] >= labels.start[i] && nearest.end[i] >= labels.end[i]));
  for (const Segment& t : truths)
    if (t.start >= 0 && t.start < static_cast<double>(rows))
      BOOST_TEST(nearest.start[static_cast<std::size_t>(t.start)] == 1.0);
}

void sampling_case(const Json& in, const Json& want, const Checker& check) {
  const auto map = map_of(in.at("confidence"));
  const std::int64_t rows = map.size(1), durations = map.size(0);
  const auto confidence = values_of(map);
  std::array<std::array<std::int64_t, 3>, 2> count{};
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t i = 0; i + j < rows; ++i) {
      const double c = confidence[static_cast<std::size_t>(j * rows + i)];
      if (c > 0.7) ++count[0][static_cast<std::size_t>(scale_bin(j + 1, rows))];
      if (c < 0.3) ++count[1][static_cast<std::size_t>(scale_bin(j + 1, rows))];
    }
  std::array<std::int64_t, 2> sum{};
  for (std::size_t side = 0; side < 2; ++side) {
    const auto& expected = want.at(side == 0 ? "positive" : "negative");
    const auto shares = scale_shares(count[side], in.at("lambda"));
    std::vector<double> probability;
    for (std::size_t bin = 0; bin < 3; ++bin) {
      BOOST_TEST(shares.count[bin] == expected.at("count")[bin].get<std::int64_t>());
      probability.push_back(shares.count[bin] ? shares.share[bin] / static_cast<double>(shares.count[bin]) : 0);
      sum[side] += count[side][bin];
    }
    check("r", {shares.ratio.begin(), shares.ratio.end()}, expected.at("r"));
    check("r_prime", {shares.weight.begin(), shares.weight.end()}, expected.at("r_prime"));
    check("share", {shares.share.begin(), shares.share.end()}, expected.at("share"));
    check("probability", probability, expected.at("probability"));
  }
  // What is drawn: keep x positives and negatives, never anything between the thresholds; bins as often as their shares
  // say.
  SamplingOptions o;
  o.lambda = in.at("lambda");
  const std::int64_t each = std::min(sum[0], sum[1]);
  if (!want.at("keep").is_null()) {
    check("keep", static_cast<double>(each) / static_cast<double>(sum[0]), want.at("keep").at("positive"));
    check("keep", static_cast<double>(each) / static_cast<double>(sum[1]), want.at("keep").at("negative"));
  } else {
    BOOST_TEST(each == 0, check.name);
  }
  for (const auto rule : {SamplingOptions::Rule::kIou, SamplingOptions::Rule::kScale}) {
    o.rule = rule;
    Random random(7);
    std::array<std::int64_t, 3> bins{};
    const int rounds = 400;
    for (int round = 0; round < rounds; ++round) {
      const auto drawn = draw_proposals(confidence, rows, durations, o, random);
      std::int64_t positive = 0, negative = 0;
      for (std::size_t k = 0; k < drawn.size(); ++k) {
        if (drawn[k] == 0) continue;
        BOOST_REQUIRE((confidence[k] > 0.7 || confidence[k] < 0.3));
        const auto times = static_cast<std::int64_t>(drawn[k]);
        (confidence[k] > 0.7 ? positive : negative) += times;
        if (confidence[k] > 0.7)
          bins[static_cast<std::size_t>(scale_bin(static_cast<std::int64_t>(k) / rows + 1, rows))] += times;
        if (rule == SamplingOptions::Rule::kIou) BOOST_REQUIRE(times == 1);
      }
      BOOST_REQUIRE((positive == each && negative == each));
    }
    if (rule == SamplingOptions::Rule::kScale && each > 0) {
      const auto shares = scale_shares(count[0], o.lambda);
      const double draws = static_cast<double>(each * rounds);
      for (std::size_t bin = 0; bin < 3; ++bin)  // five standard deviations
        BOOST_TEST(std::abs(static_cast<double>(bins[bin]) / draws - shares.share[bin]) <= 5 * std::sqrt(0.25 / draws));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bsnpp_maps)

BOOST_AUTO_TEST_CASE(formulas) {
  const std::string dir = test::parity_dir();
  if (test::skip_without(dir, "TAL_PARITY_DIR")) return;
  const auto file = test::load(dir + "/formulas/bsnpp-maps.json");
  std::map<std::string, int> seen;
  for (const auto& item : file.at("cases")) {
    const Checker check{item.at("name"), file.at("tolerance").at("abs"), file.at("tolerance").at("rel")};
    const auto& in = item.at("input");
    const auto& want = item.at("expected");
    const std::string kind = in.at("kind");
    ++seen[kind];
    if (kind == "maps") maps_case(in, want, check);
    else if (kind == "labels") labels_case(in, want, check);
    else if (kind == "sampling") sampling_case(in, want, check);
    else if (kind == "scale") BOOST_TEST(multi_scale_rows(in.at("duration")) == want.at("rows").get<std::int64_t>());
    else if (kind == "fusion") {
      std::vector<std::vector<MapWindow>> models;
      for (const auto& map : in.at("maps")) {
        const auto m = map_of(map);
        models.push_back({MapWindow{{0, 1}, 0, m.size(1), m.size(1), {m[0], m[0], m, m, m}}});
      }
      const auto fused = fuse_maps(models, in.at("weights").get<std::vector<double>>());
      for (const auto& got : {fused[0].maps.boundary, fused[0].maps.regression, fused[0].maps.classification})
        check.map("map", values_of(got), want.at("map"));
    } else BOOST_ERROR("unknown kind " << kind);
  }
  BOOST_TEST(!seen.empty());
}

BOOST_AUTO_TEST_CASE(windows) {
  using Starts = std::vector<std::int64_t>;
  const auto same = [](const Starts& got, const Starts& want) {
    BOOST_TEST(got == want, boost::test_tools::per_element());
  };
  same(window_starts(100, 100, 0.75), {0});
  same(window_starts(7, 100, 0.75), {0});
  same(window_starts(101, 100, 0.75), {0, 1});
  same(window_starts(160, 100, 0.75), {0, 25, 50, 60});
  same(window_starts(200, 100, 0), {0, 100});
  same(window_starts(13, 4, 0.9), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  BOOST_CHECK_THROW(window_starts(10, 4, 1), Error);
}

BOOST_AUTO_TEST_CASE(three_levels_are_balanced) {
  Random random(3);
  std::vector<double> confidence(400);
  for (auto& c : confidence) c = random.uniform();
  double high = 0, other = 0;
  for (int round = 0; round < 200; ++round) {
    const auto drawn = draw_three_levels(confidence, 20, 20, 0.9, 0.3, random);
    for (std::int64_t j = 0; j < 20; ++j)
      for (std::int64_t i = 0; i < 20; ++i) {
        const auto k = static_cast<std::size_t>(j * 20 + i);
        if (i + j >= 20) BOOST_REQUIRE(drawn[k] == 0.0f);
        else if (confidence[k] > 0.9) BOOST_REQUIRE(drawn[k] == 1.0f);
        (confidence[k] > 0.9 ? high : other) += drawn[k];
      }
  }
  BOOST_TEST(std::abs(other / high - 2) < 0.1);
}

BOOST_AUTO_TEST_CASE(ensembles_that_do_not_fit) {
  const auto maps = [](std::int64_t rows) {
    const auto m = torch::rand({rows, rows}, torch::kDouble);
    return std::vector<MapWindow>{{{0, 10}, 0, rows, rows, {m[0], m[0], m, m, m}}};
  };
  const std::vector<std::vector<MapWindow>> same{maps(5), maps(5)}, other{maps(5), maps(6)};
  const std::vector<double> weights{0.6, 0.4}, negative{1, -1}, zero{0, 0}, one{1};
  BOOST_CHECK_THROW(fuse_maps(other, weights), Error);
  BOOST_CHECK_THROW(fuse_maps(same, negative), UsageError);
  BOOST_CHECK_THROW(fuse_maps(same, zero), UsageError);
  BOOST_CHECK_THROW(fuse_maps(same, one), UsageError);
  auto shifted = same;
  shifted[1][0].time = {20, 30};
  BOOST_CHECK_THROW(fuse_maps(shifted, weights), Error);
  shifted[1][0].time = {1, 11};  // less than a row of 2 s: streams of one video begin a little apart
  BOOST_TEST(fuse_maps(shifted, weights)[0].time.start == 0.0);
  const std::vector<std::string> names{"a", "b"};
  BOOST_CHECK_EXCEPTION(fuse_maps(other, weights, names), Error, [](const Error& e) {
    return e.message().find("'b' are 6 x 6") != std::string::npos && e.message().find("'a' 5 x 5") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(map_files) {
  const auto folder = std::filesystem::temp_directory_path() / ("tal-maps-" + std::to_string(getpid()));
  const auto m = torch::rand({3, 5});
  const std::vector<MapWindow> windows{{{0, 10}, 0, 5, 5, {m[0], m[1], m, m * 0.5, m * 0.25}},
                                       {{8, 18}, 4, 5, 3, {m[1], m[2], m, m, m}}};
  save_maps(folder, "v", "bmn", windows);
  const auto read = load_maps(folder, "v");
  BOOST_REQUIRE(read.size() == 2u);
  BOOST_TEST(torch::equal(read[0].maps.regression, m * 0.5));
  BOOST_TEST(torch::equal(read[1].maps.start, m[1]));
  BOOST_TEST((read[1].time == Segment{8, 18} && read[1].first == 4 && read[1].extent == 5 && read[1].used == 3));
  const auto fails = [&](const std::string& video, const std::string& words) {
    BOOST_CHECK_EXCEPTION(load_maps(folder, video), Error,
                          [&](const Error& e) { return std::string(e.what()).find(words) != std::string::npos; });
  };
  fails("w", "w.maps.safetensors");  // missing
  std::filesystem::copy(map_file(folder, "v"), map_file(folder, "w"));
  fails("w", "holds the maps of video 'v', not of 'w'");
  write_tensors(map_file(folder, "u"), {{"0/start", m[0]}}, {{"format", "tal-model/1"}});
  fails("u", "no file of maps");
  save_maps(folder, "t", "bmn", {{{0, 10}, 0, 5, 5, {m[0], m[1], m, m, m.slice(0, 1)}}});
  fails("t", "do not fit each other");
  save_maps(folder, "s", "bmn", {{{0, 10}, 0, 5, 5, {m[0], m[1], m / 0, m, m}}});
  fails("s", "no finite numbers");
  BOOST_CHECK_THROW(save_maps(folder, "../x", "bmn", windows), Error);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(scales) {
  const std::int64_t rows[] = {10, 20, 40}, wrong[] = {10, 20};
  BOOST_TEST(multi_scale_rows(30, rows) == 10);
  BOOST_TEST(multi_scale_rows(30.1, rows) == 20);
  BOOST_TEST(multi_scale_rows(120, rows) == 20);
  BOOST_TEST(multi_scale_rows(121, rows) == 40);
  BOOST_CHECK_THROW(multi_scale_rows(5, wrong), Error);
}

BOOST_AUTO_TEST_SUITE_END()
