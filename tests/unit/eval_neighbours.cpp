// The protocols of neighbouring fields, on data small enough to work out by hand.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../support.h"
#include "libtal/base/error.h"
#include "libtal/eval/epic.h"
#include "libtal/eval/evaluate.h"
#include "libtal/eval/events.h"

using namespace tal;
using namespace tal::eval;
using Json = nlohmann::ordered_json;

namespace {

struct Part {
  double start, end;
  const char* label;
  double score = 1;
  bool shown = true;
};

void add(Dataset& data, const char* video, double duration, double fps, const std::vector<Part>& truth,
         const std::vector<Part>& found) {
  std::vector<Truth> truths;
  for (const auto& t : truth) truths.push_back({{t.start, t.end}, data.labels.id(t.label), t.shown});
  data.add_truth(video, "", duration, fps, truths);
  const auto id = data.video(video);
  for (const auto& f : found) data.predictions.push_back({{f.start, f.end}, f.score, data.labels.id(f.label), id});
}

// The report with its score, which must be the same when every video counts twice.
template <class Make>
Json judged(Dataset& data, Make&& make) {
  data.index();
  const Selection s = select(data, {});
  const std::unique_ptr<Measured> measured = make(s);
  Json out;
  measured->report(out);
  const std::vector<std::uint32_t> twice(data.videos.size(), 2);
  BOOST_CHECK_CLOSE(measured->score(), measured->score(&twice), 1e-9);
  BOOST_CHECK_EQUAL(out["scores"].at(measured->score_name()).get<double>(), measured->score());
  return out;
}

Json named(const Json& list, const char* key, const std::string& name) {
  for (const auto& item : list)
    if (item[key] == name) return item;
  throw std::runtime_error("no " + name);
}

void near(double got, double want) { BOOST_CHECK_MESSAGE(std::abs(got - want) < 1e-12, got << " instead of " << want); }

template <class Run>
void refuses(Run&& run, const std::string& field, const std::string& words) {
  try {
    run();
    BOOST_ERROR("taken: " + field);
  } catch (const Error& error) {
    BOOST_CHECK_EQUAL(error.field(), field);
    BOOST_CHECK_MESSAGE(error.message().find(words) != std::string::npos, error.what());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eval_neighbours)

// Ten frames: truth aaabbbcc--, found aabbbbcbaa. Six are right. The runs are abc and abcba: two edits of five. a, b
// and c are found with IoU 2/3, 3/4 and 1/2; the second b and a are false.
BOOST_AUTO_TEST_CASE(segmentation_by_hand) {
  Dataset data;
  add(data, "v", 10, 1, {{0, 3, "a"}, {3, 6, "b"}, {6, 8, "c"}, {8, 10, "background"}},
      {{0, 2, "a"}, {2, 6, "b"}, {6, 7, "c"}, {7, 8, "b"}, {8, 10, "a"}});
  SegmentationRules rules;
  const auto make = [&](const Selection& s) { return segmentation(s, {0.1, 0.7}, rules); };
  Json r = judged(data, make);
  near(r["scores"]["accuracy"], 60), near(r["scores"]["edit"], 60);
  near(r["scores"]["f1@10"], 75), near(r["scores"]["f1@70"], 25);
  BOOST_CHECK_EQUAL(r["overlaps"][1]["tp"], 1);
  BOOST_CHECK_EQUAL(r["overlaps"][1]["fp"], 4);
  BOOST_CHECK_EQUAL(r["overlaps"][1]["fn"], 2);
  // The background counts: runs abc- and abcba.
  rules.count_background = true;
  r = judged(data, make);
  near(r["scores"]["edit"], 60);
  BOOST_CHECK_EQUAL(r["overlaps"][0]["fn"], 1);
}

// Frames without a label are background; the better of two detections has a frame; what lies behind the end is false.
BOOST_AUTO_TEST_CASE(segmentation_gaps_and_overlaps) {
  Dataset data;
  add(data, "v", 4, 2, {{0, 2, "a"}}, {{0, 2, "b", 0.3}, {0, 2, "a", 0.7}, {4, 6, "a"}});
  const Json r = judged(data, [](const Selection& s) { return segmentation(s, {0.5}, {}); });
  BOOST_CHECK_EQUAL(r["frames"], 8);
  BOOST_CHECK_EQUAL(r["behind_the_end"], 4);
  near(r["scores"]["accuracy"], 100), near(r["scores"]["edit"], 50);
  near(r["scores"]["f1@50"], 100 * 2.0 / 3);
}

// A detection whose best instance another one has is false even where a free one would do.
BOOST_AUTO_TEST_CASE(segmentation_takes_the_best_or_none) {
  Dataset data;
  add(data, "v", 8, 1, {{0, 6, "a"}, {6, 7, "x"}, {7, 8, "a"}}, {{0, 3, "a"}, {3, 4, "y"}, {4, 8, "a"}});
  const Json r = judged(data, [](const Selection& s) { return segmentation(s, {0.1}, {}); });
  BOOST_CHECK_EQUAL(r["overlaps"][0]["tp"], 1);
  BOOST_CHECK_EQUAL(r["overlaps"][0]["fp"], 2);
  BOOST_CHECK_EQUAL(r["overlaps"][0]["fn"], 2);
}

// A second of ten frames: 15 of the first video's are behind its end, 5 under two detections; a gap of ten lies before
// them. Neither side of the second has a segment: edit 100.
BOOST_AUTO_TEST_CASE(segmentation_behind_the_end_and_without_segments) {
  Dataset data;
  add(data, "v", 2, 10, {{0, 2, "a"}}, {{0, 1.5, "a", 0.9}, {3, 4, "b", 0.8}, {3.5, 4.5, "a", 0.7}});
  add(data, "w", 2, 10, {}, {});
  add(data, "u", 2, 10, {}, {{1.5, 2.5, "b"}});
  const auto make = [](const Selection& s) { return segmentation(s, {0.5}, {}); };
  const Json r = judged(data, make);
  BOOST_CHECK_EQUAL(r["behind_the_end"], 15 + 5);
  BOOST_CHECK_EQUAL(r["videos_without_segments"], 1);
  near(named(r["by_video"], "video", "w")["edit"], 100), near(named(r["by_video"], "video", "u")["edit"], 0);
  Json settings;
  const Selection s = select(data, {});
  make(s)->conventions(settings);
  BOOST_CHECK_EQUAL(settings["edit_of_no_segments"], 100);
}

BOOST_AUTO_TEST_CASE(segmentation_needs_a_rate) {
  Dataset data;
  add(data, "v", 8, 0, {{0, 6, "a"}}, {});
  const auto run = [&](SegmentationRules rules) {
    judged(data, [&](const Selection& s) { return segmentation(s, {0.1}, rules); });
  };
  refuses([&] { run({}); }, "fps", "--rate");
  run({.rate = 10});
}

// Samples null null a a, found null a a a. Chance agreement is (2 * 1 + 2 * 3) / 16.
BOOST_AUTO_TEST_CASE(agreement_of_samples) {
  Dataset data;
  add(data, "v", 4, 1, {{2, 4, "a"}}, {{1, 4, "a"}});
  const Json r = judged(data, [](const Selection& s) { return samples_protocol(s, {}); });
  near(r["accuracy"], 0.75), near(r["balanced_accuracy"], 0.75), near(r["cohen_kappa"], 0.5);
  near(r["matthews"], 4 / std::sqrt(8.0 * 6));
  near(r["micro"]["f1"], 0.75), near(r["micro_without_null"]["precision"], 2.0 / 3);
  near(r["weighted"]["recall"], 0.75), near(r["weighted_without_null"]["f1"], 0.8);
  near(r["by_video"][0]["accuracy"], 0.75), near(r["by_video"][0]["f1"], (2.0 / 3 + 0.8) / 2);
}

// The event of 10 s is in the frame 20. Of the detections there (0.3) and 2 s later (0.9), the better one has the
// window of 5 s; in that of 1 s it is false, so that precision is 1/2.
BOOST_AUTO_TEST_CASE(spotting_by_hand) {
  Dataset data;
  add(data, "v", 0, 0, {{10, 10, "g"}},
      {{10.4, 10.4, "g", 0.3}, {12, 12, "g", 0.9}, {50, 50, "other", 0.9}, {60, 60, "g", -1}});
  const auto make = [](const Selection& s) { return spotting(s, {{"g", "h"}, 2}); };
  const Json r = judged(data, make), &scores = r["scores"];
  near(scores["at1_map"], 0.5 / 2), near(scores["at3_map"], 0.5 / 2), near(scores["at4_map"], 1.0 / 2);
  // Tight: .5 .5 .5 1 1 by the trapezoid rule, h counts as 0; loose: all 1.
  near(scores["tight_map"], (0.5 + 0.5 + 0.75 + 1) / 4 / 2), near(scores["loose_map"], 0.5);
  BOOST_CHECK_EQUAL(r["not_counted"], 2);
  near(scores["loose_map_visible"], 0.5), near(scores["loose_map_unshown"], 0);
}

BOOST_AUTO_TEST_CASE(spotting_of_what_is_not_shown) {
  Dataset data;
  add(data, "v", 0, 0, {{10, 10, "g", 1, false}, {100, 100, "g"}},
      {{10, 10, "g", 0.9}, {100, 100, "g", 0.8}, {54.5, 54.5, "g", 0.95}, {55, 55, "g", 0.85}});
  // The middle is at 55 s: the false ones before and on it are of the first and of the second.
  const Json r = judged(data, [](const Selection& s) { return spotting(s, {{"g"}, 2}); });
  near(r["scores"]["at1_map_unshown"], 0.5), near(r["scores"]["tight_map_unshown"], 2 * 0.5);
  near(r["scores"]["at1_map_visible"], 0.5), near(r["classes"][0]["tight_unshown"], 0.5);
  Dataset other;
  add(other, "v", 0, 0, {{10, 10, "goal"}}, {});
  refuses([&] { judged(other, [](const Selection& s) {
                  return spotting(s, {soccernet_classes(), 1});
                }); },
          "annotations[0].label", "none of the protocol's classes");
}

// One hit, one detection of another class in the place of an event, one event found too long.
BOOST_AUTO_TEST_CASE(sound_events_by_hand) {
  Dataset data;
  add(data, "v", 5, 0, {{0, 1, "a"}, {2, 4, "b"}}, {{0.1, 1.3, "a"}, {2.1, 4.3, "b"}, {0, 1.1, "c"}});
  SoundRules rules;
  const Json r = judged(data, [&](const Selection& s) { return sound_events(s, rules, 2); });
  const Json& event = r["event_based"];
  near(event["precision"], 1.0 / 3), near(event["recall"], 0.5), near(event["f1"], 0.4);
  near(event["substitution_rate"], 0.5), near(event["deletion_rate"], 0), near(event["insertion_rate"], 0.5);
  near(r["event_based_macro"]["f1"], 0.5);  // of c, whose recall is 0/0, there is none
  BOOST_CHECK(named(r["event_classes"], "label", "c")["f1"].is_null());
  const Json& segment = r["segment_based"];
  near(segment["precision"], 3.0 / 7), near(segment["recall"], 1), near(segment["error_rate"], 4.0 / 3);
  near(named(r["segment_classes"], "label", "b")["specificity"], 2.0 / 3);
  rules.collars.onset_only = true;
  near(judged(data, [&](const Selection& s) { return sound_events(s, rules, 1); })["event_based"]["recall"], 1);
}

BOOST_AUTO_TEST_CASE(largest_matching_of_a_graph) {
  // The first takes 0, which the second needs.
  const auto match = largest_matching({{0, 1}, {0}}, {0, 1}, 3);
  BOOST_CHECK((match == std::vector<std::size_t>{1, 0, kFree}));
  // Two of them move on for the third; 3 finds nothing free.
  const auto chain = largest_matching({{0, 1}, {1, 2}, {0}, {0}}, {0, 1, 2, 3}, 3);
  BOOST_CHECK((chain == std::vector<std::size_t>{2, 0, 1}));
}

// An hour. a is found once; once more where b is, which it triggers on. Rates: one false positive and, of b's 10 s, one
// trigger = 360 an hour.
BOOST_AUTO_TEST_CASE(psds_by_hand) {
  Dataset data;
  add(data, "v", 3600, 0, {{0, 10, "a"}, {20, 30, "b"}}, {{0, 10, "a"}, {20, 30, "a"}});
  data.index();
  const Selection s = select(data, {});
  const PsdsTruth truth(s);
  PsdsSetting setting{"x", 0.5, 0.5, 0.3, 0, 0, 100};
  const SoundOperatingPoint point = truth.judge(data.predictions, setting);
  const std::vector<std::vector<double>> counts = {{1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
  BOOST_CHECK(point.counts == counts);
  near(point.found_share[0], 1), near(point.false_rate[0], 1), near(point.cross_rate[0][1], 360);
  near(psds_curve({point}, setting).score, 0.5 * 99 / 100);  // mean of 1 from a rate of 1 on, and 0
  setting.spread_weight = 1;
  near(psds_curve({point}, setting).score, 0);
  setting.spread_weight = 0, setting.cross_weight = 1;
  near(psds_curve({point}, setting).rate[1], 1 + 360 / 2.0);
  near(psds_curve({point}, setting, PsdsVersion::k053).rate[1], 1 + 360.0);
  const auto f1 = psds_f1(point);
  near(f1[0], 2.0 / 3);
  BOOST_CHECK(std::isnan(f1[1]));
}

// The second a only touches its detection, which 0.3.0 takes for a hit where no share of it is asked for; the third has
// no length. c has no event of a length, and is no class of 0.5.3's.
BOOST_AUTO_TEST_CASE(psds_of_versions) {
  Dataset data;
  add(data, "v", 3600, 0, {{0, 10, "a"}, {20, 30, "a"}, {40, 40, "a"}, {50, 60, "b"}, {70, 70, "c"}},
      {{0, 10, "a"}, {30, 35, "a"}, {40, 40, "a"}, {60, 70, "b"}});
  data.index();
  const Selection s = select(data, {});
  const PsdsSetting setting{"x", 0, 0, 0, 1, 0, 100};
  const PsdsTruth before(s), after(s, PsdsVersion::k053);
  BOOST_CHECK((before.classes() == std::vector<std::string>{"a", "b", "c"}));
  BOOST_CHECK((after.classes() == std::vector<std::string>{"a", "b"}));
  const auto old_point = before.judge(data.predictions, setting), point = after.judge(data.predictions, setting);
  near(old_point.found_share[0], 1), near(old_point.found_share[1], 1), near(old_point.false_rate[0], 0);
  near(point.found_share[0], 0.5), near(point.found_share[1], 0), near(point.false_rate[0], 1);
  near(point.false_rate[1], 1);
  Dataset one;
  add(one, "v", 3600, 0, {{0, 10, "a"}}, {{0, 10, "a"}});
  one.index();
  const Selection single = select(one, {});
  const auto found = PsdsTruth(single, PsdsVersion::k053).judge(one.predictions, setting);
  near(psds_curve({found}, setting).score, 1);
  BOOST_CHECK(std::isnan(psds_curve({found}, setting, PsdsVersion::k053).score));
}

// Two detections cover an event together; a detection that is right for too little of it is false.
BOOST_AUTO_TEST_CASE(psds_criteria) {
  Dataset data;
  add(data, "v", 3600, 0, {{0, 10, "a"}}, {{0, 4, "a"}, {6, 10, "a"}, {9, 29, "a"}});
  data.index();
  const Selection s = select(data, {});
  const SoundOperatingPoint point = PsdsTruth(s).judge(data.predictions, {"x", 0.7, 0.7, 0.3, 0, 0, 100});
  near(point.counts[0][0], 1), near(point.counts[0][1], 1);
  Dataset timeless;
  add(timeless, "v", 0, 0, {{0, 10, "a"}}, {});
  timeless.index();
  const Selection without = select(timeless, {});
  refuses([&] { PsdsTruth{without}; }, "duration", "missing");
}

// Points at 0, 2, 4 and 6 s. a is on at 2 and 4, both ends included; the best score is false.
BOOST_AUTO_TEST_CASE(frame_scores_by_hand) {
  Dataset data;
  add(data, "v", 8, 0, {{2, 4, "a"}}, {{0, 0, "a", 0.9}, {2, 2, "a", 0.8}, {4, 4, "a", 0.1}});
  const auto make = [](const Selection& s) { return frame_scores(s, {{"a", "b"}, 4}); };
  Json r = judged(data, make);
  near(r["scores"]["map"], (1.0 / 2 + 2.0 / 3) / 2), near(r["scores"]["weighted_ap"], (1.0 / 2 + 2.0 / 3) / 2);
  BOOST_CHECK(r["scores"]["map_as_written"].is_null());
  BOOST_CHECK_EQUAL(r["without_score"], 1);
  // A segment scores the points that it covers.
  Dataset covered;
  add(covered, "v", 8, 0, {{2, 4, "a"}}, {{1, 5, "a", 0.5}});
  near(judged(covered, make)["scores"]["map"], 1);
  Dataset beside;
  add(beside, "v", 8, 0, {{2, 4, "a"}}, {{1, 1, "a", 0.5}});
  refuses([&] { judged(beside, make); }, "proposals", "none of the 4 points");
}

BOOST_AUTO_TEST_CASE(epic_by_hand) {
  Dataset data;
  add(data, "v", 100, 0, {{0, 10, "0,1"}, {20, 30, "0,2"}}, {{0, 10, "0,1", 0.9}, {20, 30, "0,1", 0.8}});
  const auto make = [](const Selection& s) { return epic(s, {}, {0.5}, Ties::kReversed, 1); };
  const Json r = judged(data, make);
  near(r["scores"]["verb_map"], 1), near(r["scores"]["noun_map"], 0.5), near(r["scores"]["action_map"], 0.5);
  Dataset bad;
  add(bad, "v", 100, 0, {{0, 10, "0,1"}}, {{0, 10, "0", 0.9}});
  refuses([&] { judged(bad, make); }, "proposals[0].label", "a verb and a noun");
}

BOOST_AUTO_TEST_CASE(points_and_segments_of_records) {
  const auto read = [](const char* list, const std::string& text, Reads::Times times, bool scores = true) {
    Record record;
    record.parse("{\"video\":\"v\",\"" + std::string(list) + "\":" + text + "}");
    return read_events(record, list, {times, scores});
  };
  using enum Reads::Times;
  const auto points = read("annotations", R"([{"at":1.5,"label":"g","visibility":"not shown"},{"at":2}])", kPoints);
  BOOST_CHECK_EQUAL(points[0].segment.start, 1.5);
  BOOST_CHECK_EQUAL(points[0].segment.end, 1.5);
  BOOST_CHECK(!points[0].shown);
  BOOST_CHECK(points[1].shown);
  BOOST_CHECK_EQUAL(read("proposals", R"([{"at":1,"score":0.5},{"segment":[0,1],"score":0.5}])", kEither).size(), 2u);
  BOOST_CHECK_EQUAL(read("proposals", R"([{"segment":[0,1]}])", kSegments, false)[0].score, 1);
  refuses([&] { read("proposals", R"([{"segment":[0,1]}])", kSegments); }, "proposals[0].score", "missing");
  refuses([&] { read("proposals", R"([{"at":1}])", kPoints); }, "proposals[0].score", "missing");
  refuses([&] { read("annotations", R"([{"at":1}])", kSegments); }, "annotations[0].at", "needs segments");
  refuses([&] { read("annotations", R"([{"at":1},{"segment":[0,1]}])", kPoints); }, "annotations[1].at",
          "points in time");
  refuses([&] { read("annotations", R"([{"at":"1"}])", kPoints); }, "annotations[0].at", "finite number");
  refuses([&] { read("annotations", R"([{"at":1,"segment":[0,1]}])", kEither); }, "annotations[0].at",
          "beside segment");
  refuses([&] { read("annotations", R"([{"at":1,"label":3}])", kPoints); }, "annotations[0].label", "string");
}

BOOST_AUTO_TEST_SUITE_END()
