// The protocols' rules and what tal-eval says beyond their scores, on data small enough to work out by hand.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/eval/bootstrap.h"
#include "libtal/eval/diagnosis.h"
#include "libtal/eval/explain.h"
#include "libtal/eval/oracle.h"
#include "libtal/eval/ties.h"

using namespace tal;
using namespace tal::eval;

namespace {

struct Instance {
  double start, end;
  const char* label;
};
struct Found {
  double start, end, score;
  const char* label;
};

void add(Dataset& data, const char* video, double duration, const std::vector<Instance>& instances,
         const std::vector<Found>& found) {
  std::vector<Truth> truths;
  for (const auto& i : instances) truths.push_back({{i.start, i.end}, data.labels.id(i.label)});
  data.add_truth(video, "", duration, 10, truths);
  const auto id = data.video(video);
  data.videos[id].predicted = true;
  for (const auto& f : found) data.predictions.push_back({{f.start, f.end}, f.score, data.labels.id(f.label), id});
}

Protocol protocol(std::vector<double> tiou, const Matching& matching = Matching::kActivityNet) {
  Protocol p;
  p.name = "custom", p.tiou = std::move(tiou), p.matching = matching,
  p.ties = matching.by_truth ? Ties::kVideo : Ties::kReversed;
  return p;
}

void near(double got, double want) { BOOST_CHECK_MESSAGE(std::abs(got - want) < 1e-12, got << " instead of " << want); }

}  // namespace

BOOST_AUTO_TEST_SUITE(eval_analysis)

// In v class a has two instances, so that k = 1 looks at its first two predictions: a miss and a hit. b's one
// prediction hits. In w a has one instance, found at rank 2.
BOOST_AUTO_TEST_CASE(recall_at_kx_by_hand) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {20, 30, "a"}, {40, 50, "b"}},
      {{60, 70, 0.9, "a"}, {0, 10, 0.8, "a"}, {61, 71, 0.7, "a"}, {20, 30, 0.6, "a"}, {41, 49, 0.5, "b"}});
  add(data, "w", 100, {{0, 10, "a"}}, {{50, 60, 0.9, "a"}, {0, 10, 0.8, "a"}});
  data.index();
  const RecallAtK r = recall_at_k(select(data, {}), {0.5, 0.9}, {1, 2}, Ties::kInput);
  near(r.classes[0][0][0], 1.0 / 3), near(r.classes[1][0][0], 1);
  near(r.recall[0][0], 2.0 / 4), near(r.class_mean[0][0], (1.0 / 3 + 1) / 2);
  near(r.recall[1][0], 1), near(r.class_mean[1][0], 1);
  near(r.recall[1][1], 3.0 / 4), near(r.class_mean[1][1], 1.0 / 2);  // b's has tIoU 0.8
}

// At 10 frames per second [0, 0.9] is the frames 0 to 9 and [0.5, 1.4] the frames 5 to 14: five of fifteen. In seconds
// it is 0.4 of 1.4, less than 0.3.
BOOST_AUTO_TEST_CASE(frames_are_counted_with_both_ends) {
  Dataset data;
  add(data, "v", 100, {{0, 0.9, ""}}, {{0.5, 1.4, 0.5, ""}});
  data.index();
  Protocol p = protocol({0.3, 0.34});
  p.proposals = p.thumos_frames = p.filter.class_agnostic = true;
  const Evaluated run = evaluate(data, p, 1);
  near(run.curve.recall[0].back(), 1);
  near(run.curve.recall[1].back(), 0);
}

BOOST_AUTO_TEST_CASE(between_the_points_of_a_curve) {
  const std::vector<double> x = {1, 2, 4}, y = {0, 0.5, 0.7};
  near(interpolate(x, y, 1.5), 0.25);
  near(interpolate(x, y, 2), 0.5);
  near(interpolate(x, y, 3), 0.6);
  near(interpolate(x, y, 5), 0.8);
  near(interpolate(x, y, 0), -0.5);
}

// The kit excuses what meets an Ambiguous segment and is no hit: [6, 14] is left out, [0, 10] counts all the same.
BOOST_AUTO_TEST_CASE(ambiguous_segments_excuse_misses_alone) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {5, 15, "Ambiguous"}, {20, 30, "a"}},
      {{0, 10, 0.9, "a"}, {6, 14, 0.8, "a"}, {50, 60, 0.7, "a"}, {20, 30, 0.6, "a"}});
  data.index();
  near(evaluate(data, protocol({0.5}, Matching::kThumosOfficial), 1).score, (1 + 2.0 / 3) / 2);
  near(evaluate(data, protocol({0.5}), 1).score, (1 + 2.0 / 4) / 2);  // ActivityNet's rules excuse nothing
}

// [5, 15] has tIoU 1/3 with both instances and takes the one listed last, so that [0, 10] finds its own.
BOOST_AUTO_TEST_CASE(of_equal_overlaps_the_instance_listed_last) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {10, 20, "a"}}, {{5, 15, 0.9, "a"}, {0, 10, 0.8, "a"}});
  data.index();
  near(evaluate(data, protocol({0.3}), 1).score, 1);
  Dataset other;
  add(other, "v", 100, {{10, 20, "a"}, {0, 10, "a"}}, {{5, 15, 0.9, "a"}, {0, 10, 0.8, "a"}});
  other.index();
  near(evaluate(other, protocol({0.3}), 1).score, 0.5);
}

// Two proposals a video on average of v, which has an instance: with the two of u, which has none, only the half of
// v's own are looked at, and the second one finds nothing.
BOOST_AUTO_TEST_CASE(proposals_without_ground_truth_count) {
  for (const int others : {0, 2}) {
    Dataset data;
    add(data, "v", 100, {{0, 10, ""}}, {{50, 60, 0.9, ""}, {0, 10, 0.8, ""}});
    for (int i = 0; i < others; ++i) data.predictions.push_back({{0, 10}, 0.5, kNoLabel, data.video("u")});
    data.index();
    Protocol p = protocol({0.5});
    p.proposals = p.filter.class_agnostic = true, p.max_avg = 2;
    const Evaluated run = evaluate(data, p, 1);
    near(run.curve.recall[0].back(), others > 0 ? 0 : 1);
    BOOST_CHECK_EQUAL(run.curve.predictions, 2u + static_cast<unsigned>(others));
  }
}

// Two detections of one score, a miss in v and a hit in w, and two instances: 1/2 when the hit is ranked first, else
// 1/4. w stands first in the input.
BOOST_AUTO_TEST_CASE(orders_of_equal_scores) {
  Dataset data;
  add(data, "w", 100, {{0, 10, "a"}}, {{0, 10, 0.5, "a"}});
  add(data, "v", 100, {{0, 10, "a"}}, {{50, 60, 0.5, "a"}});
  data.index();
  Protocol p = protocol({0.5});
  for (const auto& [ties, score] : {std::pair{Ties::kInput, 0.5}, {Ties::kReversed, 0.25}, {Ties::kVideo, 0.25}}) {
    p.ties = ties;
    near(evaluate(data, p, 1).score, score);
  }
  Dataset other;  // the other way round
  add(other, "v", 100, {{0, 10, "a"}}, {{0, 10, 0.5, "a"}});
  add(other, "w", 100, {{0, 10, "a"}}, {{50, 60, 0.5, "a"}});
  other.index();
  near(evaluate(other, p, 1).score, 0.5);
}

// One instance [0, 10]; a hit [0, 9], a duplicate [0, 8], a miss [50, 60], all of one score, and a later hit of a
// second instance.
BOOST_AUTO_TEST_CASE(range_of_ties_by_hand) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {20, 30, "a"}},
      {{0, 9, 0.5, "a"}, {50, 60, 0.5, "a"}, {0, 8, 0.5, "a"}, {20, 30, 0.1, "a"}});
  data.index();
  const Protocol p = protocol({0.5});
  const Evaluated run = evaluate(data, p, 1);
  BOOST_CHECK_EQUAL(run.matched.tied, 3u);
  const TieRange range = tie_range(run, p, 1);
  BOOST_CHECK(range.exact);
  near(range.highest, 0.5 * 1 + 0.5 * 0.5);   // hit first: precisions 1 and 2/4
  near(range.lowest, 0.5 * 0.5 + 0.5 * 0.5);  // miss, hit, duplicate, hit: precisions 1/2 and 2/4
}

// Two tied detections compete for two instances: [0, 10] wants either, [0, 6] only the first. If the larger comes first
// it takes [0, 10] (tIoU 1) and the other finds nothing left.
BOOST_AUTO_TEST_CASE(range_of_ties_of_competitors) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {1, 12, "a"}}, {{0, 10, 0.5, "a"}, {0, 6, 0.5, "a"}});
  data.index();
  const Protocol p = protocol({0.5});
  const TieRange range = tie_range(evaluate(data, p, 1), p, 1);
  near(range.highest, 1);
  near(range.lowest, 0.5);
  BOOST_CHECK(!range.exact);  // what is taken hangs on the order, so that later detections might matter
}

// All orders of up to seven detections, tried one by one, never leave the range, and attain it where it is said to be
// exact.
BOOST_AUTO_TEST_CASE(range_of_ties_against_all_orders) {
  std::uint64_t state = 7;
  const auto uniform = [&] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  };
  int exact = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<Instance> instances;
    for (int i = 0; i < 1 + trial % 3; ++i) instances.push_back({10.0 * i, 10.0 * i + 6 + 6 * uniform(), "a"});
    std::vector<Found> found;
    for (int i = 0; i < 6; ++i) {
      const auto& near_to = instances[static_cast<std::size_t>(uniform() * static_cast<double>(instances.size()))];
      found.push_back({near_to.start - 4 * uniform(), near_to.end + 4 * uniform(), i < 4 ? 0.5 : 0.3, "a"});
    }
    for (const Matching& rules : {Matching::kActivityNet, Matching::kThumosOfficial}) {
      const Protocol p = protocol({0.5}, rules);
      double low = 2, high = -1;
      std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
      TieRange range;
      bool first = true;
      do {
        Dataset data;
        std::vector<Found> permuted;
        for (const auto i : order) permuted.push_back(found[i]);
        add(data, "v", 100, instances, permuted);
        data.index();
        const Evaluated run = evaluate(data, p, 1);
        low = std::min(low, run.score), high = std::max(high, run.score);
        if (first) range = tie_range(run, p, 1);
        first = false;
      } while (std::next_permutation(order.begin(), order.end()));
      BOOST_CHECK_MESSAGE(range.lowest <= low + 1e-12 || !range.exact,
                          trial << ": " << range.lowest << " above " << low);
      BOOST_CHECK_MESSAGE(range.highest >= high - 1e-12 || !range.exact,
                          trial << ": " << range.highest << " below " << high);
      if (!range.exact) continue;
      ++exact;
      near(range.lowest, low), near(range.highest, high);
    }
  }
  BOOST_CHECK_GT(exact, 60);
}

// Proposals: instance [0, 10] is reached by one of three tied proposals, so that it is found at rank 1 to 3 of 3.
BOOST_AUTO_TEST_CASE(range_of_ties_of_proposals) {
  Dataset data;
  add(data, "v", 100, {{0, 10, ""}}, {{50, 60, 0.5, ""}, {0, 10, 0.5, ""}, {70, 80, 0.5, ""}});
  data.index();
  Protocol p = protocol({0.5});
  p.proposals = p.filter.class_agnostic = true, p.max_avg = 3;
  const Evaluated run = evaluate(data, p, 1);
  BOOST_CHECK_EQUAL(run.proposal.tied, 3u);
  // 100 points, AN up to 3: found from the 34th point on when first, only at the 100th when last (a proposal is used
  // when int(3 j / 100) says so).
  const TieRange range = tie_range(run, p, 1);
  BOOST_CHECK_LT(range.lowest, run.score);
  BOOST_CHECK_GT(range.highest, run.score);
  near(range.highest, 100 * (66 * 0.03 + 0.015) / 3);
  near(range.lowest, 100 * 0.015 / 3);
}

BOOST_AUTO_TEST_CASE(kinds_of_predictions) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {40, 50, "b"}},
      {{0, 10, 0.9, "a"},     // true positive
       {0, 9, 0.8, "a"},      // double detection
       {40, 50, 0.7, "a"},    // wrong label
       {0, 30, 0.6, "a"},     // localization: tIoU 1/3 with its own label
       {40, 70, 0.5, "a"},    // confusion: tIoU 1/3 with the other
       {80, 90, 0.4, "a"},    // background
       {9.5, 20, 0.3, "a"},   // background: tIoU 0.5/20
       {40, 50, 0.2, "c"}});  // no class: not ranked
  data.index();
  const Evaluated run = evaluate(data, protocol({0.5}), 1);
  const Diagnosis d = diagnose(run, detad_scales(false), 2);
  const std::vector<Kind> want = {Kind::kTruePositive, Kind::kDoubleDetection, Kind::kWrongLabel, Kind::kLocalization,
                                  Kind::kConfusion,    Kind::kBackground,      Kind::kBackground, Kind::kIgnored};
  BOOST_REQUIRE_EQUAL(d.kinds.size(), 1u);
  BOOST_CHECK(d.kinds[0] == want);
  // Class a has one instance: range k holds the k-th prediction.
  BOOST_CHECK_EQUAL(d.profile[0][static_cast<std::size_t>(Kind::kTruePositive)], 1);
  BOOST_CHECK_EQUAL(d.profile[4][static_cast<std::size_t>(Kind::kConfusion)], 1);
  BOOST_CHECK_EQUAL(d.profile[6][static_cast<std::size_t>(Kind::kBackground)], 1);
  double all = 0;
  for (const auto& range : d.profile)
    for (const double count : range) all += count;
  BOOST_CHECK_EQUAL(all, 7);
  near(d.f1[0], 2.0 / (1 + 2)), near(d.threshold[0], 0.9), near(d.precision[0], 1), near(d.recall[0], 0.5);
}

// Of instances with the same segment the first of the file says which kind a detection is, as in DETAD.
BOOST_AUTO_TEST_CASE(kinds_on_instances_that_share_a_segment) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "b"}, {0, 10, "a"}}, {{0, 10, 0.9, "a"}, {0, 9, 0.8, "a"}, {0, 9, 0.7, "b"}});
  data.index();
  const Diagnosis d = diagnose(evaluate(data, protocol({0.5}), 1), detad_scales(false), 1);
  const std::vector<Kind> want = {Kind::kTruePositive, Kind::kWrongLabel, Kind::kTruePositive};
  BOOST_CHECK(d.kinds[0] == want);
}

// The same as a protocol's own rule: 2 classes of 3 and 1 instances, a finds one of 3 behind an error, b is perfect.
BOOST_AUTO_TEST_CASE(normalised_matching) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {20, 30, "a"}, {60, 70, "a"}, {40, 50, "b"}},
      {{80, 90, 0.9, "a"}, {0, 10, 0.8, "a"}, {40, 50, 0.7, "b"}});
  data.index();
  Matching normalised;
  normalised.normalised = true;
  const Evaluated run = evaluate(data, protocol({0.5}, normalised), 1);
  near(run.detection.ap[0][0], 0.4 / 3), near(run.detection.ap[1][0], 1);
  const TieRange range = tie_range(run, protocol({0.5}, normalised), 1);
  near(range.lowest, run.score), near(range.highest, run.score);
}

// Instances listed twice, to a millisecond, count once, and those of no length not at all.
BOOST_AUTO_TEST_CASE(instances_that_are_the_same) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {0.0005, 10, "a"}, {0, 10, "b"}, {20, 20, "a"}, {0.002, 10, "a"}}, {});
  data.index();
  Filter filter;
  const Selection all = select(data, filter);
  BOOST_CHECK_EQUAL(all.counts.instances, 5u);
  filter.same_within = 1e-3;
  const Selection some = select(data, filter);
  BOOST_CHECK_EQUAL(some.counts.instances, 3u);
  BOOST_CHECK_EQUAL(some.counts.merged, 2u);
}

// What the coverage line says of the data.
BOOST_AUTO_TEST_CASE(duplicates_and_segments_outside) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {0, 10, "a"}, {90, 101, "a"}},
      {{1, 2, 0.5, "a"}, {1, 2, 0.4, "a"}, {1, 2, 0.4, "b"}, {-1, 2, 0.3, "a"}, {99, 100.0005, 0.2, "a"}});
  data.index();
  const Counts c = select(data, {}).counts;
  BOOST_CHECK_EQUAL(c.duplicate_instances, 1u);
  BOOST_CHECK_EQUAL(c.outside_instances, 1u);
  BOOST_CHECK_EQUAL(c.duplicate_predictions, 1u);
  BOOST_CHECK_EQUAL(c.outside_predictions, 1u);
}

// Ego4D's recall: the order of the input, not of the scores, and strictly above the threshold.
BOOST_AUTO_TEST_CASE(recall_at_kx_in_the_order_of_the_input) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}}, {{0, 5, 0.1, "a"}, {0, 10, 0.9, "a"}});
  data.index();
  const Selection s = select(data, {});
  const RecallAtK file = recall_at_k(s, {0.4, 0.5}, {1, 2}, Ties::kInput, {true, true});
  near(file.recall[0][0], 1), near(file.recall[0][1], 0);  // tIoU of the first is 0.5
  near(file.recall[1][1], 1);
  near(recall_at_k(s, {0.5}, {1}, Ties::kInput, {true, false}).recall[0][0], 1);
}

// Two classes with 3 and 1 instances: N = 2. Class a finds one of 3 at rank 2 behind a background error: precision_N =
// R N / (R N + F) = (2/3) / (2/3 + 1) = 0.4, AP_N = 1/3 * 0.4. Class b is perfect: AP_N = 1.
BOOST_AUTO_TEST_CASE(normalized_precision_and_its_gains) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {20, 30, "a"}, {60, 70, "a"}, {40, 50, "b"}},
      {{80, 90, 0.9, "a"}, {0, 10, 0.8, "a"}, {40, 50, 0.7, "b"}});
  data.index();
  const Diagnosis d = diagnose(evaluate(data, protocol({0.5}), 1), detad_scales(false), 1);
  near(d.average_map_n, (0.4 / 3 + 1) / 2);
  near(d.sensitivity_base, d.average_map_n);
  near(d.gain[static_cast<std::size_t>(Kind::kBackground)], (1.0 / 3 + 1) / 2 - d.average_map_n);
  near(d.gain[static_cast<std::size_t>(Kind::kConfusion)], 0);
}

// Sensitivity to length: two short instances, of which one is found behind an error, and a long one found first. For
// the short bucket the detection of the long one is left out, and the other way round; the error stays in both.
BOOST_AUTO_TEST_CASE(sensitivity_by_length) {
  Dataset data;
  add(data, "v", 1000, {{0, 10, "a"}, {20, 30, "a"}, {100, 200, "a"}},
      {{100, 200, 0.9, "a"}, {500, 510, 0.8, "a"}, {0, 10, 0.7, "a"}});
  data.index();
  const Diagnosis d = diagnose(evaluate(data, protocol({0.5}), 1), detad_scales(false), 1);
  BOOST_REQUIRE_EQUAL(d.sensitivity.size(), 3u);
  const Characteristic& length = d.sensitivity[1];
  BOOST_CHECK_EQUAL(length.name, "length");
  BOOST_CHECK_EQUAL(length.buckets[0].name, "0-30 s");
  BOOST_CHECK_EQUAL(length.buckets[0].instances, 2u);
  BOOST_CHECK_EQUAL(length.buckets[2].instances, 1u);
  near(length.buckets[0].recall[0], 0.5);
  near(length.buckets[0].average_map_n, 0.5 * (1.5 / 2.5));  // R = 1/2, N = 3, F = 1
  near(length.buckets[2].average_map_n, 1);
  near(length.buckets[4].average_map_n, 0);
  near(length.buckets[0].false_negatives, 0.5);
  near(length.buckets[2].false_negatives, 0);
  near(length.buckets[4].false_negatives, 0);
  near(d.false_negatives, 1.0 / 3);
  const Characteristic& coverage = d.sensitivity[0];
  BOOST_CHECK_EQUAL(coverage.buckets[0].instances, 3u);  // 0.01, 0.01 and 0.1 of 1000 s
  BOOST_CHECK_EQUAL(d.sensitivity[2].buckets[1].name, "2-4");
  BOOST_CHECK_EQUAL(d.sensitivity[2].buckets[1].instances, 3u);
  BOOST_CHECK_EQUAL(detad_scales(true).length.bucket_name(4), "over 18 s");
  BOOST_CHECK_EQUAL(detad_scales(true).length.bucket(3), 0u);  // a bucket holds its end
}

// Two instances of one class, N = 2: the second is found behind 36 and 38 errors, at normalised precisions of 2/38 and
// 2/40. The former is above 0.05, so that the instance is found; the latter is not, and the instance is missed,
// although its recall counts it.
BOOST_AUTO_TEST_CASE(false_negatives_need_precision) {
  for (const int errors : {36, 38}) {
    Dataset data;
    std::vector<Found> found = {{0, 10, 1, "a"}};
    for (int i = 0; i < errors; ++i) found.push_back({200.0 + i, 201.0 + i, 0.5, "a"});
    found.push_back({20, 50, 0.1, "a"});
    add(data, "v", 1000, {{0, 10, "a"}, {20, 50, "a"}}, found);
    data.index();
    Scales scales = detad_scales(false);
    scales.length.ends = {10, 30};
    const Diagnosis d = diagnose(evaluate(data, protocol({0.5, 0.9}), 1), scales, 1);
    const Characteristic& length = d.sensitivity[1];
    BOOST_CHECK_EQUAL(length.buckets[1].name, "10-30 s");
    near(length.buckets[0].false_negatives, 0);
    near(length.buckets[1].recall[0], 1);
    near(length.buckets[1].false_negatives, errors == 36 ? 0 : 1);
    near(d.false_negatives, errors == 36 ? 0 : 0.5);
  }
}

// Labels first, then boundaries, then ranking; each row keeps what came before.
BOOST_AUTO_TEST_CASE(waterfall) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {40, 50, "b"}},
      {{60, 70, 0.9, "a"},    // background, ranked first
       {0, 10, 0.5, "b"},     // wrong label
       {44, 56, 0.4, "b"}});  // tIoU 6/16 with b
  data.index();
  const Protocol p = protocol({0.5});
  const Evaluated run = evaluate(data, p, 1);
  near(run.score, 0);
  const auto steps = oracle(run, p, "all", 1);
  BOOST_REQUIRE_EQUAL(steps.size(), 3u);
  near(steps[0].score, (0.5 + 0) / 2);  // a: behind the background error
  near(steps[1].score, (0.5 + 1) / 2);
  near(steps[2].score, 1);  // the error's score is 0
  near(steps[2].gain, 0.25);
  const auto alone = oracle(run, p, "boundaries", 1);
  BOOST_REQUIRE_EQUAL(alone.size(), 1u);
  near(alone[0].score, (0 + 0.5) / 2);  // b: [44, 56] becomes [40, 50] behind [0, 10], which overlaps no b
}

// A duplicate of the first instance does not come before the only detection of the second, whatever their overlaps.
BOOST_AUTO_TEST_CASE(perfect_ranking_puts_duplicates_behind) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {40, 50, "a"}},
      {{0, 10, 0.9, "a"}, {0, 9.5, 0.8, "a"}, {41, 48, 0.7, "a"}, {80, 90, 0.95, "a"}});
  data.index();
  const Protocol p = protocol({0.5});
  const auto steps = oracle(evaluate(data, p, 1), p, "ranking", 1);
  BOOST_REQUIRE_EQUAL(steps.size(), 1u);
  near(steps[0].score, 1);
}

// The kit's two codes: [0, 10] found by A [0, 5] (tIoU exactly 0.5, score 0.9) and by B [0, 9] (score 0.1).
BOOST_AUTO_TEST_CASE(two_protocols) {
  Dataset data;
  add(data, "u", 100, {{0, 10, "a"}}, {{0, 5, 0.9, "a"}});
  add(data, "v", 100, {{0, 10, "a"}, {20, 30, "Ambiguous"}}, {{20, 30, 0.5, "a"}, {0, 9, 0.4, "a"}});
  data.index();
  const Protocol a = protocol({0.5}), b = protocol({0.5}, Matching::kThumosOfficial);
  const Evaluated run = evaluate(data, a, 1);
  near(run.score, 0.5 * 1 + 0.5 * (2.0 / 3));
  const Explanation e = explain(run, a, b, 1);
  near(e.other.score, 0.5 * 0.5);  // the first is a false positive, the Ambiguous one is excused, the last a hit at 1/2
  BOOST_REQUIRE_EQUAL(e.disagreements.size(), 1u);
  BOOST_CHECK_EQUAL(e.disagreements[0].rule, "threshold");
  BOOST_CHECK(e.disagreements[0].first_finds);
  BOOST_CHECK(e.disagreements[0].why.find("exactly at the threshold") != std::string::npos);
  BOOST_REQUIRE_EQUAL(e.rules.size(), 5u);
  double sum = 0;
  for (const auto& rule : e.rules) sum += rule.change;
  near(sum, e.other.score - run.score);
  near(e.rules[0].score, 0.5 * (1.0 / 3));  // strict alone: hit at rank 3
  BOOST_CHECK_EQUAL(e.rules[0].instances, 1u);
  BOOST_CHECK_EQUAL(e.rules[3].rule, "Ambiguous");
  near(e.rules[3].score, 0.5 * 0.5);
}

// By rank, A takes the first instance, which B needs; by ground truth the first instance takes B, and A is left with
// the second.
BOOST_AUTO_TEST_CASE(two_directions_of_matching) {
  Dataset data;
  add(data, "v", 100, {{0, 10, "a"}, {4, 11, "a"}}, {{1, 10.5, 0.9, "a"}, {0, 10, 0.8, "a"}});
  data.index();
  const Protocol a = protocol({0.6}), b = protocol({0.6}, Matching::kThumosOfficial);
  const Evaluated run = evaluate(data, a, 1);
  near(run.score, 0.5);
  const Explanation e = explain(run, a, b, 1);
  near(e.other.score, 1);
  BOOST_REQUIRE_EQUAL(e.disagreements.size(), 1u);
  BOOST_CHECK_EQUAL(e.disagreements[0].rule, "matching");
  BOOST_CHECK(!e.disagreements[0].first_finds);
  BOOST_CHECK(e.disagreements[0].why.find("is given to instance [0, 10] instead") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bootstrap_and_paired_comparison) {
  Dataset good, bad;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "v" + std::to_string(i);
    const double score = (7 * i) % 40, shift = i % 4 ? 0 : 30;
    add(good, name.c_str(), 100, {{0, 10, "a"}}, {{shift, shift + 10, score, "a"}});
    add(bad, name.c_str(), 100, {{0, 10, "a"}}, {{i % 4 ? 30.0 : 0.0, i % 4 ? 40.0 : 10.0, score, "a"}});
  }
  good.index(), bad.index();
  const Protocol p = protocol({0.5, 0.7});
  const Evaluated a = evaluate(good, p, 1), b = evaluate(bad, p, 1);
  const auto scores = [](const std::vector<Resampled>& draws) {
    std::vector<double> out;
    for (const auto& draw : draws) out.push_back(draw.score);
    return out;
  };
  const auto draws = scores(bootstrap(a, p, 200, 3, 1));
  BOOST_CHECK(draws == scores(bootstrap(a, p, 200, 3, 4)));
  BOOST_CHECK(draws != scores(bootstrap(a, p, 200, 4, 1)));
  const Interval i = interval(draws);
  BOOST_CHECK_LE(i.low, a.score);
  BOOST_CHECK_GE(i.high, a.score);
  BOOST_CHECK_LT(i.low, i.high);
  const auto other = scores(bootstrap(b, p, 200, 3, 1));
  near(bootstrap_p_value(draws, other), 2 * (0 + 1) / 201.0);  // better in every draw
  near(bootstrap_p_value(draws, draws), 1);
  // Each video once: the score itself.
  const Resampled once = resampled(a, p, std::vector<std::uint32_t>(40, 1));
  near(once.score, a.score), near(once.map[1], a.detection.map[1]), near(once.class_ap[0], a.score);
  // A class that no video of a sample holds has no value there.
  BOOST_CHECK(std::isnan(resampled(a, p, std::vector<std::uint32_t>(40, 0)).class_ap[0]));
  BOOST_CHECK(std::isnan(interval({NAN, NAN}).low));
  near(interval({4, 1, 2, 3, 5}).low, 1.1);
  near(interval({4, 1, 2, 3, 5}).high, 4.9);
}

BOOST_AUTO_TEST_SUITE_END()
