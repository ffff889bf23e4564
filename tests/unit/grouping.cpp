// Algorithm 1 by events equals the paper's loop, written out literally, on random curves.
#include "libtal/segment/grouping.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"

using namespace tal;

namespace {

// The loop as the paper prints it; quadratic.
std::set<std::pair<std::int64_t, std::int64_t>> literal(const std::vector<double>& curve, std::int64_t min,
                                                        std::int64_t max, double threshold, bool keep,
                                                        std::int64_t& rounds) {
  using Part = std::pair<std::int64_t, std::int64_t>;
  const auto n = static_cast<std::int64_t>(curve.size());
  std::vector<Part> set;
  std::set<Part> out;
  for (std::int64_t i = 0; i < n; ++i)
    if (curve[static_cast<std::size_t>(i)] >= threshold) set.emplace_back(i, i);
  const auto fits = [&](const Part& c) { return c.second - c.first + 1 > min && c.second - c.first + 1 < max; };
  rounds = 0;
  while (set.size() > 1) {
    ++rounds;
    for (auto& c : set) c = {std::max<std::int64_t>(0, c.first - 1), std::min(n - 1, c.second + 1)};
    std::vector<Part> merged;
    for (const auto& c : set) {
      if (!merged.empty() && c.first <= merged.back().second)
        merged.back().second = std::max(merged.back().second, c.second);
      else merged.push_back(c);
    }
    set.clear();
    for (const auto& c : merged) {
      if (fits(c)) out.insert(c);
      if (!fits(c) || keep) set.push_back(c);
    }
  }
  if (set.size() == 1 && fits(set[0])) out.insert(set[0]);
  return out;
}

// Every proposal of every curve, then the plain greedy loop: by falling score, against all that were kept (of its
// label, if by_label).
std::vector<Proposal> merged_plainly(const std::vector<Curve>& curves, const GroupingOptions& o, bool by_label) {
  std::vector<Proposal> all, kept;
  for (const auto& curve : curves)
    for (const auto& values : {curve.values, smooth_curve(curve.values, o.sigma)})
      for (const auto& e : group_components(values, o.min, static_cast<std::int64_t>(values.size()) + 1, 0.5, false)) {
        Proposal p;
        p.segment = {static_cast<double>(e.first), static_cast<double>(e.end)}, p.score = e.score,
        p.label = curve.label;
        all.push_back(p);
      }
  std::stable_sort(all.begin(), all.end(), [](const Proposal& a, const Proposal& b) { return a.score > b.score; });
  for (const auto& p : all)
    if (std::none_of(kept.begin(), kept.end(), [&](const Proposal& k) {
          return (!by_label || k.label == p.label) && tiou(k.segment, p.segment) > o.merge_nms;
        }))
      kept.push_back(p);
  return kept;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grouping)

BOOST_AUTO_TEST_CASE(one_suppression_over_the_proposals_of_all_curves) {
  std::uint64_t state = 7;
  const auto uniform = [&] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  };
  GroupingOptions o;
  o.sigma = 1, o.merge_nms = 0.6;
  std::size_t differ = 0;
  for (int trial = 0; trial < 200; ++trial) {
    // Two classes that rise together with the same bounds or nearly, and their mean.
    std::vector<Curve> curves = {
        {"dive", std::vector<double>(60, 0.1)}, {"jump", std::vector<double>(60, 0.1)}, {"", std::vector<double>(60)}};
    for (int k = 0; k < 4; ++k) {
      const auto first = static_cast<std::size_t>(50 * uniform()), count = static_cast<std::size_t>(3 + 7 * uniform());
      for (std::size_t i = first; i < std::min<std::size_t>(60, first + count); ++i)
        curves[0].values[i] = 0.5 + 0.5 * uniform(), curves[1].values[i] = 0.5 + 0.5 * uniform();
    }
    for (std::size_t i = 0; i < 60; ++i) curves[2].values[i] = (curves[0].values[i] + curves[1].values[i]) / 2;
    for (const bool by_label : {false, true}) {
      o.merge_nms_by = by_label ? "label" : "all";
      Record record = Record::make("v");
      const auto got = propose_from_curves(record, curves, {1, 1, 1, 0}, o), want = merged_plainly(curves, o, by_label);
      BOOST_TEST_REQUIRE(got.size() == want.size(), "trial " << trial << " by label " << by_label);
      for (std::size_t i = 0; i < want.size(); ++i)
        BOOST_TEST(
            (got[i].segment == want[i].segment && got[i].label == want[i].label && got[i].score == want[i].score));
      differ += by_label && got.size() != merged_plainly(curves, o, false).size();
    }
  }
  BOOST_TEST(differ > 100u);  // the choice matters
}

BOOST_AUTO_TEST_CASE(a_run_without_a_proposal_says_why) {
  const auto said = [](const GroupingTally& tally, const GroupingOptions& o) {
    try {
      tally.require_proposals(o);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  GroupingOptions o;
  o.threshold = "0.8,0.5";
  GroupingTally none;
  BOOST_TEST(said(none, o) == "");  // no record, no fault
  none.add({}, 0);
  BOOST_TEST(said(none, o) == "no proposal in the only record: there are no rows (--allow-empty accepts that)");
  none.add({{"a", {0.1, 0.25}}, {"", {0.3125, 0}}}, 0);
  BOOST_TEST(
      said(none, o) ==
      "no proposal in any of 2 records: the highest score is 0.3125, the threshold 0.5 (--allow-empty accepts that)");
  none.add({{"a", {0.7}}}, 0);
  o.max = 9;
  BOOST_TEST(said(none, o) ==
             "no proposal in any of 3 records: the highest score is 0.7 and reaches the threshold 0.5, but no "
             "component has more than 2 and fewer than 9 rows (--allow-empty accepts that)");
  none.add({}, 1);  // one proposal anywhere is enough
  BOOST_TEST(said(none, o) == "");
}

BOOST_AUTO_TEST_CASE(events_equal_the_literal_loop) {
  std::uint64_t state = 99;
  const auto uniform = [&] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  };
  for (int trial = 0; trial < 3000; ++trial) {
    const auto n = static_cast<std::size_t>(uniform() * 80);
    const double density = uniform() * uniform();
    std::vector<double> curve(n);
    for (auto& v : curve) v = uniform() < density ? 1.0 : 0.0;
    const auto min = static_cast<std::int64_t>(uniform() * 12);
    const auto max = min + static_cast<std::int64_t>(uniform() * 40);
    for (const bool keep : {false, true}) {
      std::int64_t expected_rounds, rounds;
      const auto expected = literal(curve, min, max, 0.5, keep, expected_rounds);
      const auto got = group_components(curve, min, max, 0.5, keep, &rounds);
      BOOST_TEST_REQUIRE(got.size() == expected.size(), "trial " << trial << " keep " << keep);
      BOOST_TEST_REQUIRE(rounds == expected_rounds, "trial " << trial << " keep " << keep);
      auto want = expected.begin();
      for (const auto& e : got) {
        BOOST_REQUIRE((e.first == want->first && e.end == want->second + 1));
        ++want;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_record_gets_proposals_in_seconds) {
  // Rows of 1 s: rows 3..6 are active.
  const float values[] = {0, 0, 0, 1, 1, 1, 1, 0, 0, 0};
  Record record = Record::make("v");
  record.set_number("duration", 10);
  FeatureStream stream;
  stream.name = "x", stream.rows = 10, stream.dim = 1, stream.stride = 25, stream.window = 25, stream.fps = Rate{25, 1};
  stream.classes = {"dive"};
  stream.data = base64_encode({reinterpret_cast<const char*>(values), sizeof values});
  record.set_feature("x", feature_json(stream));
  GroupingOptions options;
  GroupingTally tally;
  options.curve = "dive", options.sigma = 0;
  propose_by_grouping(record, options, tally);
  BOOST_TEST_REQUIRE(record.proposals().size() == 1u);
  // Round 1: every seed grows, all four meet: rows 2..7, i.e. seconds 2 to 8.
  BOOST_TEST(record.proposals()[0].segment.start == 2.0);
  BOOST_TEST(record.proposals()[0].segment.end == 8.0);
  BOOST_TEST(record.proposals()[0].label == "dive");
  BOOST_TEST(std::fabs(record.proposals()[0].score - 4.0 / 6) < 1e-12);
  options.curve = "div";
  BOOST_CHECK_EXCEPTION(propose_by_grouping(record, options, tally), Error, [](const Error& e) {
    return std::string(e.what()).find("did you mean 'dive'?") != std::string::npos;
  });
}

// Six rows above the threshold become one component in the first round. Without --max it may be as long as the curve;
// with it, it is shorter.
BOOST_AUTO_TEST_CASE(a_component_as_long_as_the_curve) {
  GroupingOptions options;
  options.sigma = 0;
  for (const auto& [max, wanted] : {std::pair{0, 1u}, {7, 1u}, {6, 0u}}) {
    options.max = max;
    const auto found = group_curves({{"a", std::vector<double>(6, 1.0)}}, options);
    BOOST_TEST_REQUIRE(found.size() == wanted, "max " << max);
    if (wanted > 0) BOOST_TEST((found[0].extent.first == 0 && found[0].extent.end == 6 && found[0].extent.score == 1));
  }
}

// The last row may reach beyond the video's end, a proposal does not; what lies there altogether is none.
BOOST_AUTO_TEST_CASE(proposals_end_with_the_video) {
  const std::vector<Curve> curves = {{"a", {0, 0, 0, 0, 0, 0, 1, 1, 1, 1}}};
  GroupingOptions options;
  options.sigma = 0;
  for (const double duration : {8.25, 6.5, 4.5}) {
    Record record = Record::make("v");
    record.set_number("duration", duration);
    const auto found = propose_from_curves(record, curves, {1, 1, 1, 0}, options);  // rows of one second
    if (duration < 5) {
      BOOST_TEST(found.empty());
      continue;
    }
    BOOST_TEST_REQUIRE(found.size() == 1u);
    BOOST_TEST(found[0].segment.end == duration);
  }
}

BOOST_AUTO_TEST_SUITE_END()
