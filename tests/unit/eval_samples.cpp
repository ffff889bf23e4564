// Sample-wise scores, on timelines that can be written out.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <initializer_list>

#include "../support.h"
#include "libtal/base/error.h"
#include "libtal/eval/samples.h"

using namespace tal;
using namespace tal::eval;

namespace {

struct Part {
  double start, end;
  const char* label;
  double score = 0;
};

void add(Dataset& data, const char* video, double duration, const std::vector<Part>& truth,
         const std::vector<Part>& found) {
  std::vector<Truth> truths;
  for (const auto& t : truth) truths.push_back({{t.start, t.end}, data.labels.id(t.label)});
  data.add_truth(video, "", duration, 0, truths);
  const auto id = data.video(video);
  for (const auto& f : found) data.predictions.push_back({{f.start, f.end}, f.score, data.labels.id(f.label), id});
}

SampleResult judged(Dataset& data, const SampleRules& rules, const Filter& filter = {}) {
  data.index();
  return evaluate_samples(select(data, filter), rules);
}

SampleRules rules_at(double rate) {
  SampleRules rules;
  rules.rate = rate;
  return rules;
}

void near(double got, double want) { BOOST_CHECK_MESSAGE(std::abs(got - want) < 1e-12, got << " instead of " << want); }

void same(const SampleScores& got, double precision, double recall, double f1) {
  near(got.precision, precision), near(got.recall, recall), near(got.f1, f1);
}

using Counts2 = std::vector<std::vector<std::uint64_t>>;

}  // namespace

BOOST_AUTO_TEST_SUITE(eval_samples)

// Ten samples of a second: truth null null a a a a b b null null, detections null a a a a null b b b null.
BOOST_AUTO_TEST_CASE(one_timeline_by_hand) {
  Dataset data;
  add(data, "v", 10, {{2, 6, "a"}, {6, 8, "b"}}, {{1, 5, "a", 0.9}, {6, 9, "b", 0.8}, {0, 10, "a", 0.3}});
  const SampleResult r = judged(data, rules_at(1));
  BOOST_CHECK_EQUAL(r.samples, 10u);
  BOOST_CHECK_EQUAL(r.detections, 2u);  // 0.3 is not above 0.3
  BOOST_CHECK_EQUAL(r.contested, 0u);
  BOOST_REQUIRE_EQUAL(r.classes.size(), 3u);
  BOOST_CHECK(r.classes[0].null && !r.classes[1].null);
  BOOST_CHECK_EQUAL(r.classes[1].label, "a");
  BOOST_CHECK(r.confusion == (Counts2{{2, 1, 1}, {1, 3, 0}, {0, 0, 2}}));
  same(r.classes[0].scores, 2.0 / 3, 2.0 / 4, 4.0 / 7);
  same(r.classes[1].scores, 3.0 / 4, 3.0 / 4, 6.0 / 8);
  same(r.classes[2].scores, 2.0 / 3, 1, 4.0 / 5);
  near(r.accuracy, 0.7);
  same(r.with_null.macro, (2.0 / 3 + 3.0 / 4 + 2.0 / 3) / 3, (0.5 + 0.75 + 1) / 3, (4.0 / 7 + 0.75 + 0.8) / 3);
  same(r.without_null.macro, (3.0 / 4 + 2.0 / 3) / 2, 0.875, 0.775);
}

// Three detections over one sample each two; a list by falling score is 0.9, 0.7, 0.5.
BOOST_AUTO_TEST_CASE(who_wins_an_overlap) {
  for (const bool highest : {true, false}) {
    Dataset data;
    add(data, "v", 4, {{0, 1, "a"}, {1, 2, "b"}, {2, 3, "c"}}, {{0, 3, "b", 0.7}, {1, 4, "c", 0.5}, {0, 2, "a", 0.9}});
    SampleRules rules = rules_at(1);
    rules.highest_wins = highest;
    const SampleResult r = judged(data, rules);
    // highest: a a b c; lowest: b c c c. Truth: a b c null; classes null, a, b, c.
    BOOST_REQUIRE_EQUAL(r.classes.size(), 4u);
    const Counts2 best = {{0, 0, 0, 1}, {0, 1, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}};
    const Counts2 last = {{0, 0, 0, 1}, {0, 0, 1, 0}, {0, 0, 0, 1}, {0, 0, 0, 1}};
    BOOST_CHECK(r.confusion == (highest ? best : last));
  }
}

BOOST_AUTO_TEST_CASE(of_equal_scores_the_later_wins) {
  for (const bool highest : {true, false}) {
    Dataset data;
    add(data, "v", 2, {{0, 1, "a"}, {1, 2, "b"}}, {{0, 2, "a", 0.5}, {0, 2, "b", 0.5}});
    SampleRules rules = rules_at(1);
    rules.highest_wins = highest;
    const SampleResult r = judged(data, rules);
    BOOST_CHECK(r.confusion == (Counts2{{0, 1}, {0, 1}}));  // no null anywhere: no class of its own
  }
}

// At 50 samples a second 0.58 s is 28.999999999999996 in double and 1.1 s 55.00000000000001: what was made of samples
// [29, 55) is these, of a detection with the same times too, whose start is rounded down and whose end up. A detection
// touches whole samples, an annotation has those whose middle lies in it.
BOOST_AUTO_TEST_CASE(times_to_samples) {
  BOOST_CHECK_LT(0.58 * 50, 29);
  BOOST_CHECK_GT(1.1 * 50, 55);
  {
    Dataset data;
    add(data, "v", 1.12, {{0.58, 1.1, "a"}}, {{0.58, 1.1, "a", 1}});
    const SampleResult r = judged(data, rules_at(50));
    BOOST_CHECK(r.confusion == (Counts2{{30, 0}, {0, 26}}));
  }
  Dataset data;
  add(data, "v", 10, {{2.4, 5.4, "a"}}, {{2.6, 5.1, "a", 1}});
  const SampleResult r = judged(data, rules_at(1));
  BOOST_CHECK_EQUAL(r.classes[1].samples, 3u);    // 2, 3, 4: middles 2.5 to 4.5
  BOOST_CHECK_EQUAL(r.classes[1].predicted, 4u);  // 2 to 5
}

BOOST_AUTO_TEST_CASE(what_reaches_beyond_the_video_is_cut) {
  Dataset data;
  add(data, "v", 4, {{3, 9, "a"}}, {{-2, 1, "a", 1}, {3, 70, "a", 1}, {9, 12, "a", 1}});
  const SampleResult r = judged(data, rules_at(1));
  BOOST_CHECK(r.confusion == (Counts2{{2, 1}, {0, 1}}));
}

// Two videos are pooled; one without detections, one excluded with all that is its. A label of detections alone is a
// class without samples; Ambiguous is none.
BOOST_AUTO_TEST_CASE(videos_and_labels_that_count) {
  Dataset data;
  add(data, "u", 3, {{0, 1, "a"}, {1, 2, "Ambiguous"}}, {{0, 2, "x", 1}});
  add(data, "v", 2, {{0, 1, "a"}}, {});
  add(data, "w", 100, {{0, 50, "b"}}, {{0, 50, "b", 1}});
  data.predictions.push_back({{0, 1}, 1, data.labels.id("a"), data.video("elsewhere")});
  data.predictions.push_back({{0, 1}, 2, kNoLabel, data.video("u")});
  Filter filter;
  filter.exclude = {"w"};
  const SampleResult r = judged(data, rules_at(1), filter);
  BOOST_REQUIRE_EQUAL(r.classes.size(), 3u);
  BOOST_CHECK_EQUAL(r.classes[2].label, "x");
  BOOST_CHECK(r.confusion == (Counts2{{2, 0, 1}, {1, 0, 1}, {0, 0, 0}}));
  BOOST_CHECK_EQUAL(r.detections, 1u);
  same(r.classes[1].scores, 0, 0, 0);
  same(r.classes[2].scores, 0, 0, 0);
  near(r.classes[0].scores.precision, 2.0 / 3);
}

// Classes that are nowhere count as 0/0 says: scikit-learn's zero_division. b is in the ground truth alone: its
// precision is undefined, recall and F1 are 0.
BOOST_AUTO_TEST_CASE(undefined_scores) {
  for (const double undefined : {0.0, 1.0}) {
    Dataset data;
    add(data, "v", 2, {{0, 1, "a"}, {1, 2, "b"}}, {{0, 2, "a", 1}});
    SampleRules rules = rules_at(1);
    rules.undefined = undefined;
    rules.classes = {"nowhere", "b"};
    const SampleResult r = judged(data, rules);
    BOOST_REQUIRE_EQUAL(r.classes.size(), 3u);
    BOOST_CHECK_EQUAL(r.classes[0].label, "nowhere");
    BOOST_CHECK_EQUAL(r.classes[1].label, "b");
    same(r.classes[0].scores, undefined, undefined, undefined);
    same(r.classes[1].scores, undefined, 0, 0);
    same(r.classes[2].scores, 0.5, 1, 2.0 / 3);
    near(r.with_null.macro.f1, (undefined + 2.0 / 3) / 3);
  }
}

// Annotations of two classes over the same sample: the last one of the file.
BOOST_AUTO_TEST_CASE(contested_samples) {
  Dataset data;
  add(data, "v", 4, {{0, 3, "a"}, {2, 4, "b"}, {3, 4, "b"}}, {});
  const SampleResult r = judged(data, rules_at(1));
  BOOST_CHECK_EQUAL(r.contested, 1u);
  BOOST_CHECK_EQUAL(r.classes[1].samples, 2u);
  BOOST_CHECK_EQUAL(r.classes[2].samples, 2u);
}

BOOST_AUTO_TEST_CASE(class_agnostic) {
  Dataset data;
  add(data, "v", 4, {{0, 1, "a"}, {1, 2, "b"}}, {{0, 3, "c", 1}});
  Filter filter;
  filter.class_agnostic = true;
  const SampleResult r = judged(data, rules_at(1), filter);
  BOOST_CHECK(r.confusion == (Counts2{{1, 1}, {0, 2}}));
}

BOOST_AUTO_TEST_CASE(a_video_needs_a_duration) {
  Dataset data;
  add(data, "v", 0, {{0, 1, "a"}}, {});
  data.index();
  BOOST_CHECK_EQUAL(test::message_of([&] { evaluate_samples(select(data, {}), rules_at(1)); }),
                    "video 'v': duration: missing; samples are cut out of it");
  Dataset large;
  add(large, "v", 1e9, {{0, 1, "a"}}, {});
  large.index();
  BOOST_CHECK_EQUAL(test::message_of([&] { evaluate_samples(select(large, {}), rules_at(1000)); }),
                    "video 'v': duration: too many samples at this rate");
}

BOOST_AUTO_TEST_SUITE_END()
