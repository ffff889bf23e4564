// Section 3.7 of the RPN paper against numbers worked out from its formulas.
#include <boost/test/unit_test.hpp>

#include "libtal/fusion/rpn_scoring.h"
#include "tests/support.h"

using namespace tal;
using tal::test::load;

BOOST_AUTO_TEST_SUITE(rpn_scoring)

namespace {

struct Case {
  std::string name;
  std::vector<double> start, end, actionness;
  UnitScores scores() const { return {start, end, actionness}; }
  SegmentEstimate estimate;
  bool kl_ev = false;
};

Case case_of(const nlohmann::json& item) {
  const auto& in = item.at("input");
  Case c{item.at("name"), in.at("start"), in.at("end"), in.at("actionness"), {}, in.at("kl_ev")};
  c.estimate.anchor = {in["anchor"][0], in["anchor"][1]};
  c.estimate.ds = in["offsets"][0], c.estimate.de = in["offsets"][1];
  c.estimate.has_alpha = !in["alpha"].is_null();
  if (c.estimate.has_alpha) c.estimate.alpha_start = in["alpha"][0], c.estimate.alpha_end = in["alpha"][1];
  return c;
}

}  // namespace

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string dir = tal::test::parity_dir();
  if (tal::test::skip_without(dir, "TAL_PARITY_DIR")) return;
  int cases = 0;
  const auto file = load(dir + "/formulas/rpn-scoring.json");
  const double absolute = file.at("tolerance").at("abs"), relative = file.at("tolerance").at("rel");
  const auto close = [&](double got, double want, const char* what) {
    BOOST_TEST(std::abs(got - want) <= absolute + relative * std::abs(want), what << ": " << got << ", not " << want);
  };
  for (const auto& item : file.at("cases")) {
    const Case c = case_of(item);
    const auto &in = item.at("input"), &want = item.at("expected");
    const std::int64_t rows = c.scores().rows();
    BOOST_TEST_CONTEXT(c.name) {
      BOOST_TEST(unit_peaks(c.start) == want.at("start_rows").get<std::vector<std::int64_t>>(),
                 boost::test_tools::per_element());
      BOOST_TEST(unit_peaks(c.end) == want.at("end_rows").get<std::vector<std::int64_t>>(),
                 boost::test_tools::per_element());
      if (c.estimate.has_alpha) {
        const RowEstimate e = row_estimate(c.estimate, rows);
        close(e.mu_start, want["mu"][0], "mu"), close(e.mu_end, want["mu"][1], "mu");
        close(e.sigma_start, want["sigma"][0], "sigma"), close(e.sigma_end, want["sigma"][1], "sigma");
      }
      // The cases' densities are per row, ours per anchor length: L^/2 times as much for each of the two.
      const double per_length = static_cast<double>(rows * rows) / 4, scale = c.kl_ev ? per_length : 1;
      const auto all = unit_candidates(c.scores(), c.estimate, c.kl_ev);
      BOOST_REQUIRE_EQUAL(all.size(), want.at("candidates").size());
      for (std::size_t k = 0; k < all.size(); ++k) {
        const auto& w = want["candidates"][k];
        BOOST_TEST(all[k].start == w["rows"][0].get<std::int64_t>());
        BOOST_TEST(all[k].end == w["rows"][1].get<std::int64_t>());
        close(all[k].iou, w["iou"], "iou"), close(all[k].sof, w["sof"], "sof"), close(all[k].sob, w["sob"], "sob");
        if (c.estimate.has_alpha) close(all[k].kl, w["kl"].get<double>() * per_length, "kl");
        close(all[k].score, w["score"].get<double>() * scale, "score");
      }
      const auto best = best_candidate(c.scores(), c.estimate, c.kl_ev);
      BOOST_REQUIRE(best.has_value() == !want.at("best").is_null());
      const double unit = best ? best->score : 0;
      if (best)
        BOOST_TEST(
            (best->start == want["best"][0].get<std::int64_t>() && best->end == want["best"][1].get<std::int64_t>()),
            "best candidate");
      close(unit, want["p_unit"].get<double>() * scale, "p'");
      for (std::size_t k = 0; k < in["betas"].size(); ++k)
        close(fused_score(in["betas"][k], in["segment_score"], unit / scale), want["P"][k], "P");
      const Segment segment = segment_location(c.estimate);
      close(segment.start, want["segment_location"][0], "s_S"), close(segment.end, want["segment_location"][1], "e_S");
      if (best) {
        const Segment u = unit_location(*best, c.estimate.anchor, rows);
        close(u.start, want["unit_location"][0], "s_U"), close(u.end, want["unit_location"][1], "e_U");
      }
      const Segment p = fused_location(c.estimate, best, rows);
      close(p.start, want["fused_location"][0], "s_p"), close(p.end, want["fused_location"][1], "e_p");
      ++cases;
    }
  }
  BOOST_TEST(cases > 0);
}

// KL(ev) by hand: 8 rows, the anchor is rows 2 to 6. Start row 2 and end row 5; M_S says rows 2.5 and 6, with
// deviations of a quarter and of half an anchor length: the densities per anchor length are N(0; 1/4) = 4 / sqrt(2 pi)
// and, an eighth of a length off, N(1/8; 1/2) = 2 / sqrt(2 pi) exp(-1/32).
BOOST_AUTO_TEST_CASE(kl_per_anchor_length) {
  const std::vector<double> start{0, 0, 0.9, 0, 0, 0, 0, 0}, end{0, 0, 0, 0, 0, 0.8, 0, 0}, act{0, 0, 1, 1, 1, 1, 0, 0};
  SegmentEstimate estimate{{10, 20}, -0.125, 0};
  estimate.has_alpha = true, estimate.alpha_start = 2 * std::log(0.25), estimate.alpha_end = 2 * std::log(0.5);
  const UnitScores scores{start, end, act};
  const double want = 8 / (2 * std::acos(-1.0)) * std::exp(-1.0 / 32);
  const auto with = best_candidate(scores, estimate, true), without = best_candidate(scores, estimate, false);
  BOOST_TEST_REQUIRE((with && without));
  BOOST_TEST(with->kl == want, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(with->score == want, boost::test_tools::tolerance(1e-12));  // overlap, foreground and background are 1
  BOOST_TEST(without->score == 1.0);
  // The same clues on a finer vicinity: the same score.
  std::vector<double> fine_start(16, 0), fine_end(16, 0), fine_act(16, 0);
  fine_start[4] = 0.9, fine_end[11] = 0.8;
  for (int r = 4; r < 12; ++r) fine_act[static_cast<std::size_t>(r)] = 1;
  estimate.ds = -0.0625, estimate.de = 0.0625;  // both means on the rows' centres
  const auto fine = best_candidate({fine_start, fine_end, fine_act}, estimate, true);
  BOOST_TEST_REQUIRE(fine.has_value());
  BOOST_TEST(fine->score == 8 / (2 * std::acos(-1.0)), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(product_score(0.25, 0.5) == 0.125);
}

// Not in the reference cases: results that are turned around.
BOOST_AUTO_TEST_CASE(turned_around) {
  SegmentEstimate estimate{{10, 20}, -0.9, 0.9};  // M_S: [19, 11]
  BOOST_TEST((fused_location(estimate, std::nullopt, 40) == Segment{10, 20}));
  const UnitCandidate one_row{20, 20};  // unit: [15.25, 15.25], row 0.5
  estimate.ds = 0, estimate.de = 0;     // M_S: [10, 20], clamped to [14.75, 15.75]
  const Segment narrow = fused_location(estimate, one_row, 40);
  BOOST_TEST(narrow.start == 14.75);
  BOOST_TEST(narrow.end == 15.75);
  estimate.ds = -0.9, estimate.de = 0.9;  // clamped to [15.75, 14.75]: turned around, and so is M_S
  BOOST_TEST((fused_location(estimate, one_row, 40) == Segment{10, 20}));
  estimate.ds = -0.58, estimate.de = 0.4;  // M_S [15.8, 16]; clamped to [15.75, 15.75]: empty
  const Segment stands = fused_location(estimate, one_row, 40);
  BOOST_TEST(stands.start == 15.8, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(stands.end == 16.0, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
