// CMSN's candidates: against the letter of the paper; the capped search against sorting all pairs; sequences in no
// order at all; sizes that must not explode.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>

#include "libtal/base/error.h"
#include "libtal/base/random.h"
#include "libtal/segment/action_stages.h"
#include "tests/unit/action_stages_reference.h"

using namespace tal;

namespace {

std::vector<std::uint8_t> random_stages(Random& random, std::size_t n, double background, double repeat) {
  std::vector<std::uint8_t> stages(n);
  for (std::size_t t = 0; t < n; ++t) {
    if (t && random.uniform() < repeat) stages[t] = stages[t - 1];
    else stages[t] = random.uniform() < background ? 0 : static_cast<std::uint8_t>(1 + random.below(5));
  }
  return stages;
}

bool same(const std::vector<ActionCandidate>& a, const std::vector<ActionCandidate>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.end == y.end && x.preset == y.preset;
  });
}

bool by_place(const ActionCandidate& a, const ActionCandidate& b) {
  return a.first != b.first ? a.first < b.first : a.end < b.end;
}

// All pairs of each run, sorted by preset, cut.
std::vector<ActionCandidate> capped_by_sorting(const std::vector<std::uint8_t>& stages, double decay, std::size_t cap,
                                               RunEnd ends) {
  const auto all = action_candidates(stages, decay, 0, ends);
  std::vector<ActionCandidate> kept;
  for (const auto& run : action_runs(stages, ends)) {
    std::vector<ActionCandidate> own;
    for (const auto& c : all)
      if (c.first >= run.first && c.end <= run.end) own.push_back(c);
    std::stable_sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.preset > b.preset; });
    if (own.size() > cap) own.resize(cap);
    std::sort(own.begin(), own.end(), by_place);
    kept.insert(kept.end(), own.begin(), own.end());
  }
  return kept;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(action_stages)

BOOST_AUTO_TEST_CASE(all_pairs_against_the_letter_of_the_paper) {
  Random random(12);
  for (int round = 0; round < 300; ++round) {
    const auto sequence = random_stages(random, 1 + random.below(70), round % 3 ? 0.1 : 0.0, round % 2 ? 0.6 : 0.2);
    for (const auto ends : {RunEnd::kOrder, RunEnd::kBackground})
      BOOST_TEST(same(action_candidates(sequence, kPresetDecay, 0, ends),
                      reference::action_candidates(sequence, kPresetDecay, ends)),
                 "round " << round);
  }
}

BOOST_AUTO_TEST_CASE(cap_keeps_the_best_of_every_run) {
  Random random(11);
  for (int round = 0; round < 400; ++round) {
    const auto sequence = random_stages(random, 5 + random.below(90), round % 3 ? 0.1 : 0.0, round % 2 ? 0.6 : 0.2);
    for (const double decay : {0.09, 0.0, 0.03, 0.5, 1.0})
      for (const std::size_t cap : {1u, 3u, 10u, 200u})
        for (const auto ends : {RunEnd::kOrder, RunEnd::kBackground})
          BOOST_TEST(same(action_candidates(sequence, decay, static_cast<std::int64_t>(cap), ends),
                          capped_by_sorting(sequence, decay, cap, ends)),
                     "round " << round << ", decay " << decay << ", cap " << cap);
  }
}

BOOST_AUTO_TEST_CASE(labels_decode_to_their_instances) {
  // The candidate of preset 1 in each run is the instance, to the snippet.
  const std::vector<Segment> instances = {{10, 22}, {60, 69}, {100, 145}};
  const auto best = action_candidates(action_stage_labels(instances, 200), kPresetDecay, 1);
  BOOST_TEST_REQUIRE(best.size() == instances.size());
  for (std::size_t i = 0; i < best.size(); ++i) {
    BOOST_TEST(best[i].preset == 1.0);
    BOOST_TEST(best[i].first == static_cast<std::int64_t>(instances[i].start));
    BOOST_TEST(best[i].end == static_cast<std::int64_t>(instances[i].end));
  }
}

// By hand, from 3.2 and Eq. (1): Ready Start Confirm Confirm End, then at once the next action: Start End Follow.
BOOST_AUTO_TEST_CASE(two_touching_actions_by_hand) {
  const std::vector<std::uint8_t> sequence = {0, kReady, kStart, kConfirm, kConfirm, kEnd, kStart, kEnd, kFollow, 0};
  using Runs = std::vector<RowRange>;
  BOOST_TEST((action_runs(sequence) == Runs{{1, 6}, {6, 9}}));
  BOOST_TEST((action_runs(sequence, RunEnd::kBackground) == Runs{{1, 9}}));
  // Snippets 1, 2, 3 open and 4, 5 close; first Start 2, last End 5. Snippet 6 opens, 7 and 8 close; first Start 6,
  // last End 7.
  const double near = 1 - 0.09;
  const std::vector<ActionCandidate> want = {{1, 5, near * near}, {1, 6, near}, {2, 5, near}, {2, 6, 1},
                                             {3, 5, near * near}, {3, 6, near}, {6, 8, 1},    {6, 9, near}};
  BOOST_TEST(same(action_candidates(sequence), want));
  // As one run every opening meets the closings of both actions, and the last End is the second action's.
  const auto merged = action_candidates(sequence, kPresetDecay, 0, RunEnd::kBackground);
  BOOST_TEST(merged.size() == 3u * 4 + 2);
  BOOST_TEST((merged[4].first == 2 && merged[4].end == 5 && std::abs(merged[4].preset - (1 - 0.09 * 3)) < 1e-15));
}

BOOST_AUTO_TEST_CASE(actions_that_touch_are_runs_of_their_own) {
  const std::vector<Segment> instances = {{10, 22}, {22, 31}, {36, 60}, {58, 62}};  // the first two touch, the third
                                                                                    // follows closely, the last
                                                                                    // overlaps it
  const auto sequence = action_stage_labels(instances, 80);
  BOOST_TEST(action_runs(sequence, RunEnd::kBackground).size() == 1u);
  BOOST_TEST(action_runs(sequence).size() == 4u);
  const auto best = action_candidates(sequence, kPresetDecay, 1);
  BOOST_TEST_REQUIRE(best.size() == instances.size());
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(best[i].preset == 1.0);
    BOOST_TEST(best[i].first == static_cast<std::int64_t>(instances[i].start));
    BOOST_TEST(std::abs(best[i].end - static_cast<std::int64_t>(instances[i].end)) <= (i == 2 ? 2 : 0));  // the overlap
                                                                                                          // is the
                                                                                                          // nearer
                                                                                                          // centre's
  }
  // A slip back to Confirm or from Ready to Ready ends nothing; Confirm, End or Follow before Start or Ready does.
  using Runs = std::vector<RowRange>;
  BOOST_TEST((action_runs(std::vector<std::uint8_t>{0, 2, 3, 2, 3, 4, 3, 4, 0, 5, 5, 1, 2, 4, 2, 1}) ==
              Runs{{1, 3}, {3, 8}, {9, 11}, {11, 14}, {14, 16}}));
  BOOST_TEST(action_runs({}).empty());
}

BOOST_AUTO_TEST_CASE(degenerate_sequences) {
  for (const std::uint8_t stage : {0, 1, 2, 4, 5})
    BOOST_TEST(action_candidates(std::vector<std::uint8_t>(50, stage)).empty(), "stage " << int(stage));
  const std::vector<std::uint8_t> confirm(100, kConfirm);
  BOOST_TEST(action_candidates(confirm).size() == 50u * 50u);  // every opening with every closing
  BOOST_TEST(action_candidates({}).empty());
  BOOST_TEST(action_stage_labels({{3, 3}, {5, 4}}, 10) == std::vector<std::uint8_t>(10, kBackground));
  BOOST_TEST(action_stage_labels({{-1e18, 1e18}}, 3) == std::vector<std::uint8_t>(3, kConfirm));
  BOOST_CHECK_THROW(action_candidates(std::vector<std::uint8_t>{6}), Error);
  BOOST_CHECK_THROW(action_candidates(confirm, -0.1), Error);
}

BOOST_AUTO_TEST_CASE(one_run_of_a_hundred_thousand_snippets_with_a_cap) {
  // Without best-first search this would be 2.5e9 pairs.
  const auto candidates = action_candidates(std::vector<std::uint8_t>(100000, kConfirm), kPresetDecay, 1000);
  BOOST_TEST(candidates.size() == 1000u);
  std::vector<std::uint8_t> mixed(100000);
  Random random(3);
  for (auto& s : mixed) s = static_cast<std::uint8_t>(1 + random.below(5));
  BOOST_TEST(action_candidates(mixed, kPresetDecay, 5000, RunEnd::kBackground).size() == 5000u);
}

BOOST_AUTO_TEST_SUITE_END()
