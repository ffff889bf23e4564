// Anchors: hand-worked values, ceilings against exhaustive search, draws.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

#include "libtal/base/random.h"
#include "libtal/segment/anchors.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(anchors)

BOOST_AUTO_TEST_CASE(geometry_by_hand) {
  const std::vector<double> scales{1, 0.5};
  const auto a = make_anchors(4, scales);
  BOOST_TEST_REQUIRE(a.size() == 8u);
  BOOST_TEST((a[0] == Segment{-1.5, 2.5}));
  BOOST_TEST((a[1] == Segment{-0.5, 1.5}));
  BOOST_TEST((a[7] == Segment{2.5, 4.5}));
  BOOST_TEST((vicinity_of(a[1]) == Segment{-1.5, 2.5}));
  BOOST_TEST((clip_to_window(a[0], 4) == Segment{0, 2.5}));
}

BOOST_AUTO_TEST_CASE(windows_cover_every_row) {
  BOOST_TEST((window_starts(100, 256, 128) == std::vector<std::int64_t>{0}));
  BOOST_TEST((window_starts(256, 256, 128) == std::vector<std::int64_t>{0}));
  BOOST_TEST((window_starts(257, 256, 128) == std::vector<std::int64_t>{0, 128}));
  BOOST_TEST((window_starts(600, 256, 128) == std::vector<std::int64_t>{0, 128, 256, 384}));
  BOOST_TEST((window_starts(600, 256, 0) == std::vector<std::int64_t>{0}));
}

BOOST_AUTO_TEST_CASE(roles) {
  const std::vector<Segment> anchors{{0, 10}, {0, 7}, {0, 3}, {0, 5}, {50, 60}}, truths{{0, 10}, {52, 53}, {80, 90}};
  const auto labels = label_anchors(anchors, truths);
  using enum AnchorRole;
  BOOST_TEST((labels.role == std::vector<AnchorRole>{positive, positive, hard_negative, neither, positive}));
  BOOST_TEST((labels.best_anchor == std::vector<std::int64_t>{0, 4, -1}));  // tIoU 0.1 only, but the best there is;
                                                                            // nothing meets the third
  BOOST_TEST(labels.best_truth[4] == 1);
  // Whichever stands first may be the best one; of a truth that nothing meets there is none.
  const std::vector<Segment> wide_last{{0, 10}, {0, 20}}, wide_first{{0, 20}, {0, 10}}, early{{0, 1}}, late{{30, 31}};
  BOOST_TEST((label_anchors(wide_last, early).role == std::vector<AnchorRole>{positive, neither}));
  BOOST_TEST((label_anchors(wide_first, early).role == std::vector<AnchorRole>{neither, positive}));
  BOOST_TEST((label_anchors(wide_first, late).role == std::vector<AnchorRole>{neither, neither}));
  const auto none = label_anchors(anchors, {}, {0, 0, 0});
  BOOST_TEST((std::count(none.role.begin(), none.role.end(), neither) == 5 && none.best_truth[0] == -1));
}

BOOST_AUTO_TEST_CASE(draws_depend_on_the_seed_alone) {
  AnchorPool pool;
  for (std::uint32_t i = 0; i < 40; ++i) pool.positives.push_back(i), pool.negatives.push_back(100 + i);
  pool.negatives.resize(4);
  Random one(7), same(7), other(8);
  const auto a = draw_examples({pool}, 10, one)[0], b = draw_examples({pool}, 10, same)[0],
             c = draw_examples({pool}, 10, other)[0];
  BOOST_TEST((a.positives == b.positives && a.positives != c.positives));
  BOOST_TEST(std::set<std::uint32_t>(a.positives.begin(), a.positives.end()).size() == 10u);
  BOOST_TEST(a.negatives.size() == 4u);
}

namespace {

// (truth, threshold) pairs that the best `budget` anchors reach, by trying every subset.
std::uint64_t exhaustive(const std::vector<Segment>& anchors, const std::vector<Segment>& truths,
                         const std::vector<double>& thresholds, unsigned budget) {
  std::uint64_t best = 0;
  for (unsigned subset = 0; subset < 1u << anchors.size(); ++subset) {
    if (static_cast<unsigned>(__builtin_popcount(subset)) > budget) continue;
    std::uint64_t reached = 0;
    for (const auto& truth : truths) {
      double t = 0;
      for (std::size_t a = 0; a < anchors.size(); ++a)
        if (subset >> a & 1) t = std::max(t, tiou(anchors[a], truth));
      for (const double threshold : thresholds) reached += t >= threshold;
    }
    best = std::max(best, reached);
  }
  return best;
}

}  // namespace

BOOST_AUTO_TEST_CASE(ceiling_against_every_subset) {
  const std::vector<double> thresholds{0.55, 0.65, 0.75, 0.85, 0.95};
  const std::vector<std::uint32_t> budgets{1, 2, 3, 4, 9};
  Random random(3);
  int overlapping_exact = 0, overlapping = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<Segment> anchors, apart, any;
    for (int i = 0; i < 9; ++i) {
      const double start = random.uniform() * 80;
      anchors.push_back({start, start + 5 + 20 * random.uniform()});
    }
    for (int i = 0; i < 4; ++i) {
      const double start = 25.0 * i + 5 * random.uniform(), free = random.uniform() * 60;
      apart.push_back({start, start + 5 + 15 * random.uniform()});
      any.push_back({free, free + 5 + 30 * random.uniform()});
    }
    CeilingCounts exact, bound;
    add_ceiling(exact, anchors, apart, thresholds, budgets);
    add_ceiling(bound, anchors, any, thresholds, budgets);
    for (std::size_t b = 0; b < budgets.size(); ++b) {
      BOOST_TEST(exact.reached_at[b] == exhaustive(anchors, apart, thresholds, budgets[b]));
      const auto best = exhaustive(anchors, any, thresholds, budgets[b]);
      BOOST_TEST((bound.reached_at[b] <= best && (budgets[b] < any.size() || bound.reached_at[b] == best)));
      ++overlapping, overlapping_exact += bound.reached_at[b] == best;
    }
    std::uint64_t total = 0;
    for (const auto count : exact.reached) total += count;
    BOOST_TEST(total == exact.reached_at.back());  // enough anchors: recall at every threshold
  }
  BOOST_TEST(overlapping_exact > overlapping * 9 / 10);
}

BOOST_AUTO_TEST_CASE(ceiling_counts_add_up) {
  const std::vector<Segment> anchors{{0, 10}, {20, 30}}, truths{{0, 10}, {21, 29}, {50, 60}, {3, 3}};
  const std::vector<double> thresholds{0.5, 0.9};
  const std::vector<std::uint32_t> budgets{1, 10};
  CeilingCounts one, two;
  add_ceiling(one, anchors, truths, thresholds, budgets);
  BOOST_TEST((one.reached == std::vector<std::uint64_t>{2, 1}));
  BOOST_TEST((one.reached_at == std::vector<std::uint64_t>{2, 3}));
  add_ceiling(two, one);
  add_ceiling(two, one);
  BOOST_TEST((two.videos == 2u && two.truths == 8u && two.anchors == 4u && two.reached_at[1] == 6u));
}

BOOST_AUTO_TEST_SUITE_END()
