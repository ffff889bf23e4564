// Unit-level candidates and locations of the RPN by hand. Against reference numbers: tests/parity/rpn_scoring.cpp.
#include "libtal/fusion/rpn_scoring.h"

#include <boost/test/unit_test.hpp>

using namespace tal;

BOOST_AUTO_TEST_SUITE(rpn_scoring)

BOOST_AUTO_TEST_CASE(peaks_by_hand) {
  const auto peaks = [](const std::vector<double>& scores) { return unit_peaks(scores); };
  using Rows = std::vector<std::int64_t>;
  BOOST_TEST((peaks({0.5, 0.4, 0.6, 0.6, 0.7, 0.3, 0.49, 0.5}) == Rows{0, 4, 7}));  // equal neighbours are no peak
  BOOST_TEST((peaks({0.3, 0.49, 0.3}) == Rows{}));
  BOOST_TEST((peaks({0.3, 0.5, 0.3}) == Rows{1}));
  BOOST_TEST((peaks({0.5}) == Rows{0}));
  BOOST_TEST((peaks({}) == Rows{}));
}

// The anchor is rows 2 to 6 of eight, and so are the rows from the start peak to the end peak.
BOOST_AUTO_TEST_CASE(factors_by_hand) {
  const std::vector<double> start{0, 0, 1, 0, 0, 0, 0, 0}, end{0, 0, 0, 0, 0, 1, 0, 0.5},
      actionness{0, 0, 1, 0.5, 0.5, 1, 0.5, 0.5};
  SegmentEstimate estimate;
  estimate.anchor = {10, 18};
  const auto all = unit_candidates({start, end, actionness}, estimate, false);
  BOOST_TEST_REQUIRE(all.size() == 2u);
  BOOST_TEST((all[0].start == 2 && all[0].end == 5));
  BOOST_TEST(all[0].iou == 1);
  BOOST_TEST(all[0].sof == (1 + 0.5 + 0.5 + 1) / 4);
  BOOST_TEST(all[0].sob == (1 + 1 + 0.5 + 0.5) / 4);
  BOOST_TEST(all[0].score == 0.75 * 0.75);
  BOOST_TEST((all[1].start == 2 && all[1].end == 7));
  BOOST_TEST(all[1].iou == 4.0 / 6, boost::test_tools::tolerance(1e-15));
  const auto best = best_candidate({start, end, actionness}, estimate, false);
  BOOST_TEST_REQUIRE(best.has_value());
  BOOST_TEST(best->end == 5);
}

// The vicinity of [10, 18] is [6, 22]: eight rows of two seconds, whose centres are 7, 9, ... 21.
BOOST_AUTO_TEST_CASE(locations_by_hand) {
  SegmentEstimate estimate;
  estimate.anchor = {10, 18};
  const UnitCandidate candidate{2, 5};
  BOOST_TEST((unit_location(candidate, estimate.anchor, 8) == Segment{11, 17}));
  BOOST_TEST((segment_location(estimate) == Segment{10, 18}));
  BOOST_TEST((fused_location(estimate, candidate, 8) == Segment{10, 18}));  // within a row of the unit's
  estimate.ds = 0.5, estimate.de = -0.5;
  BOOST_TEST((segment_location(estimate) == Segment{6, 22}));
  BOOST_TEST((fused_location(estimate, candidate, 8) == Segment{9, 19}));  // not further
  BOOST_TEST((fused_location(estimate, std::nullopt, 8) == Segment{6, 22}));
  estimate.ds = -2, estimate.de = 2;  // turned around
  BOOST_TEST((segment_location(estimate) == Segment{26, 2}));
  BOOST_TEST((fused_location(estimate, candidate, 8) == Segment{13, 15}));
  BOOST_TEST((fused_location(estimate, std::nullopt, 8) == Segment{10, 18}));  // the anchor
}

BOOST_AUTO_TEST_SUITE_END()
