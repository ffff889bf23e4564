// Shots between cuts, against scenes worked out by hand and a literal reading of every frame.
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <random>
#include <vector>

#include "libtal/segment/shots.h"

namespace {

using namespace tal;

using Spans = std::vector<std::pair<std::int64_t, std::int64_t>>;
Spans spans_of(const std::vector<Shot>& shots) {
  Spans spans;
  for (const auto& shot : shots) spans.push_back({shot.first, shot.end});
  return spans;
}

// A row by itself: inside a shot it is no transition, or the first row of one with a shot before it.
Spans row_by_row(const std::vector<double>& cuts, double threshold) {
  Spans spans;
  bool open = false;
  std::int64_t from = 0;
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(cuts.size()); ++row) {
    const bool transition = cuts[static_cast<std::size_t>(row)] > threshold;
    if (!open && !transition) open = true, from = row;
    if (open && transition) spans.push_back({from, row + 1}), open = false;
  }
  if (open) spans.push_back({from, static_cast<std::int64_t>(cuts.size())});
  if (spans.empty() && !cuts.empty()) spans.push_back({0, static_cast<std::int64_t>(cuts.size())});
  return spans;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shots)

BOOST_AUTO_TEST_CASE(by_hand) {
  // A hard cut behind row 2, a fade over rows 5 to 7.
  const std::vector<double> cuts = {0.1, 0.0, 0.9, 0.1, 0.2, 0.6, 0.8, 0.7, 0.0, 0.3};
  const auto shots = shots_between(cuts, 0.5);
  BOOST_TEST((spans_of(shots) == Spans{{0, 3}, {3, 6}, {8, 10}}));
  BOOST_TEST(shots[0].score == 0.9);
  BOOST_TEST(shots[1].score == 0.8);
  BOOST_TEST(shots[2].score == 0.8);
  // At the threshold itself there is no cut.
  BOOST_TEST((spans_of(shots_between({0.5, 0.5, 0.5}, 0.5)) == Spans{{0, 3}}));
  BOOST_TEST((spans_of(shots_between({0.9, 0.9, 0.1, 0.1}, 0.5)) == Spans{{2, 4}}));
  BOOST_TEST((spans_of(shots_between({0.1, 0.1, 0.9, 0.9}, 0.5)) == Spans{{0, 3}}));
  const auto all = shots_between({0.9, 0.9}, 0.5);
  BOOST_TEST((spans_of(all) == Spans{{0, 2}} && all[0].score == 1));
  BOOST_TEST(shots_between({}, 0.5).empty());
}

BOOST_AUTO_TEST_CASE(every_row) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<double> cuts(random() % 12);
    for (double& cut : cuts) cut = static_cast<double>(random() % 4) / 4;
    BOOST_TEST((spans_of(shots_between(cuts, 0.5)) == row_by_row(cuts, 0.5)));
  }
}

BOOST_AUTO_TEST_SUITE_END()
