// Every protocol against independently computed results (parity/eval-*.json).
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/eval/detection.h"
#include "libtal/eval/proposal.h"
#include "libtal/eval/ties.h"
#include "tests/support.h"

using namespace tal;
using namespace tal::eval;
using nlohmann::json;

namespace {

double rate_of(const json& record) {
  if (!record.contains("fps") || record["fps"].is_null()) return 0;
  const auto& fps = record["fps"];
  return fps.is_array() ? fps[0].get<double>() / fps[1].get<double>() : fps.get<double>();
}

Dataset dataset(const json& input) {
  Dataset data;
  for (const auto& record : input["ground_truth"]) {
    std::vector<Truth> truths;
    for (const auto& a : record["annotations"])
      truths.push_back({{a["segment"][0].get<double>(), a["segment"][1].get<double>()},
                        data.labels.id(a["label"].get<std::string>())});
    const auto subset =
        record.contains("subset") && record["subset"].is_string() ? record["subset"].get<std::string>() : "";
    data.add_truth(record["video"].get<std::string>(), subset, 0, rate_of(record), truths);
  }
  for (const auto& record : input["predictions"]) {
    const auto id = data.video(record["video"].get<std::string>());
    data.videos[id].predicted = true;
    if (data.videos[id].fps == 0) data.videos[id].fps = rate_of(record);
    for (const auto& p : record["proposals"])
      data.predictions.push_back({{p["segment"][0].get<double>(), p["segment"][1].get<double>()},
                                  p["score"].get<double>(),
                                  p.contains("label") ? data.labels.id(p["label"].get<std::string>()) : kNoLabel,
                                  id});
  }
  data.index();
  return data;
}

Filter filter_of(const json& input) {
  Filter filter;
  if (input.contains("subset") && input["subset"].is_string())
    filter.all_subsets = false, filter.subset = input["subset"];
  if (input.contains("exclude"))
    for (const auto& name : input["exclude"]) filter.exclude.insert(name.get<std::string>());
  if (input.value("exclude_known_bad", false))
    filter.exclude.insert({"video_test_0000270", "video_test_0001292", "video_test_0001496"});
  filter.class_agnostic = input.value("class-agnostic", false);
  return filter;
}

Ties ties_of(const json& input, Ties standard) {
  const auto text = input.value("ties", "");
  if (text.empty()) return standard;
  BOOST_REQUIRE_MESSAGE(text == "reversed" || text == "input" || text == "video", "unknown order of ties: " << text);
  return text == "reversed" ? Ties::kReversed : text == "input" ? Ties::kInput : Ties::kVideo;
}

struct Checker {
  double abs = 0, rel = 0;
  std::string where;
  void near(double got, double want, const std::string& what) const {
    BOOST_CHECK_MESSAGE(std::abs(got - want) <= abs + rel * std::abs(want),
                        where << ": " << what << ": " << got << " instead of " << want);
  }
  void equal(std::uint64_t got, const json& want, const std::string& what) const {
    BOOST_CHECK_MESSAGE(got == want.get<std::uint64_t>(),
                        where << ": " << what << ": " << got << " instead of " << want);
  }
  // Keys absent from `expected` are not compared.
  void near_key(double got, const json& expected, const char* key) const {
    if (expected.contains(key)) near(got, expected[key], key);
  }
  void equal_key(std::uint64_t got, const json& expected, const char* key) const {
    if (expected.contains(key)) equal(got, expected[key], key);
  }
  void list_key(const std::vector<double>& got, const json& expected, const std::string& key) const {
    if (expected.contains(key)) list(got, expected[key], key);
  }
  void matrix_key(const std::vector<std::vector<double>>& got, const json& expected, const char* key) const {
    if (!expected.contains(key)) return;
    BOOST_REQUIRE_MESSAGE(got.size() == expected[key].size(), where << ": " << key << ": size " << got.size());
    for (std::size_t i = 0; i < got.size(); ++i) list(got[i], expected[key][i], key);
  }
  void list(const std::vector<double>& got, const json& want, const std::string& what) const {
    BOOST_REQUIRE_MESSAGE(got.size() == want.size(), where << ": " << what << ": size " << got.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      near(got[i], want[i].get<double>(), what + "[" + std::to_string(i) + "]");
  }
  void counts(const Counts& c, const json& e) const {
    const std::pair<const char*, std::uint64_t> flat[] = {
        {"videos", c.videos},       {"videos_with_instances", c.videos_with_instances},
        {"instances", c.instances}, {"ambiguous", c.ambiguous},
        {"excluded", c.excluded},   {"predictions", c.predictions}};
    for (const auto& [name, value] : flat) equal_key(value, e, name);
    if (e.contains("unknown"))
      equal(c.unknown_videos, e["unknown"]["videos"], "unknown videos"),
          equal(c.unknown_labels, e["unknown"]["labels"], "unknown labels");
    if (e.contains("unknown_predictions")) {
      equal(c.unknown_video_predictions, e["unknown_predictions"]["videos"], "predictions of unknown videos");
      equal(c.unknown_label_predictions, e["unknown_predictions"]["labels"], "predictions of unknown labels");
    }
  }
};

// Position of a class in the results of a selection.
std::size_t class_index(const Selection& s, const json& label) {
  const auto id = s.data->labels.find(label.get<std::string>());
  BOOST_REQUIRE_MESSAGE(id != Names::kNone && s.class_of[id] >= 0, "no such class: " << label);
  return static_cast<std::size_t>(s.class_of[id]);
}

template <class Body>
void for_cases(const char* file, Body&& body) {
  const auto folder = tal::test::parity_dir();
  if (tal::test::skip_without(folder, "parity folder")) return;
  const json all = tal::test::load(folder + "/" + file);
  std::size_t done = 0;
  for (const auto& item : all["cases"]) {
    Checker check{all["tolerance"]["abs"], all["tolerance"]["rel"], item["name"]};
    const Dataset data = dataset(item["input"]);
    body(item["input"], item["expected"], data, check);
    ++done;
  }
  BOOST_CHECK(done > 0);
}

void detection(const char* file, const Matching& matching, Ties standard) {
  for_cases(file, [&](const json& input, const json& expected, const Dataset& data, const Checker& check) {
    const Selection s = select(data, filter_of(input));
    check.counts(s.counts, expected);
    for (const int jobs : {1, 3}) {
      const Matched m = match(s, input["tiou"].get<std::vector<double>>(), matching, ties_of(input, standard), jobs);
      const DetectionResult r = detection_result(m);
      check.list_key(r.map, expected, "map");
      check.near_key(r.average, expected, "average_map");
      const json classes = expected.value("classes", json::array());
      BOOST_REQUIRE(!expected.contains("classes") || r.ap.size() == classes.size());
      for (const auto& want : classes) {
        const std::size_t c = class_index(s, want["label"]);
        check.list_key(r.ap[c], want, "ap");
        check.equal_key(s.class_instances[c], want, "instances");
        check.equal_key(m.classes[c].size(), want, "predictions");
      }
      // Whatever the order of ties: the range holds the value. With one threshold it is attained, with several it
      // bounds.
      Protocol protocol;
      protocol.matching = matching, protocol.ties = ties_of(input, standard), protocol.tiou = m.tiou,
      protocol.filter = filter_of(input);
      const TieRange range = tie_range(evaluate(data, protocol, jobs), protocol, jobs);
      BOOST_CHECK_MESSAGE(range.lowest <= r.average + 1e-12 && r.average <= range.highest + 1e-12,
                          check.where << ": " << r.average << " outside " << range.lowest << " .. " << range.highest);
    }
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eval_protocols)

BOOST_AUTO_TEST_CASE(activitynet_detection) {
  detection("eval-activitynet-detection.json", Matching::kActivityNet, Ties::kReversed);
}
BOOST_AUTO_TEST_CASE(thumos14_detection) {
  detection("eval-thumos14-detection.json", Matching::kActivityNet, Ties::kReversed);
}
BOOST_AUTO_TEST_CASE(thumos14_official) {
  detection("eval-thumos14-official.json", Matching::kThumosOfficial, Ties::kVideo);
}

BOOST_AUTO_TEST_CASE(activitynet_proposal) {
  for_cases("eval-activitynet-proposal.json",
            [](const json& input, const json& expected, const Dataset& data, const Checker& check) {
              const Selection s = select(data, filter_of(input));
              check.counts(s.counts, expected);
              ProposalRules rules;
              rules.ties = ties_of(input, Ties::kReversed) == Ties::kInput ? TieOrder::kInput : TieOrder::kReversed;
              for (const int jobs : {1, 2}) {
                rules.jobs = jobs;
                const auto r = activitynet_curve(match_proposals(s, input["tiou"].get<std::vector<double>>(), rules),
                                                 input["max_avg_proposals"].get<double>());
                check.near_key(r.auc, expected, "auc");
                check.list_key(r.ar, expected, "ar");
                if (r.predictions > 0) check.list_key(r.an, expected, "an");
                check.matrix_key(r.recall, expected, "recall");
                if (expected.contains("ar_at"))
                  for (const auto& [key, value] : expected["ar_at"].items())
                    check.near(r.ar[static_cast<std::size_t>(std::stoi(key) - 1)], value, "AR@" + key);
              }
            });
}

BOOST_AUTO_TEST_CASE(thumos14_proposal) {
  for_cases("eval-thumos14-proposal.json",
            [](const json& input, const json& expected, const Dataset& data, const Checker& check) {
              Filter filter = filter_of(input);
              filter.ambiguous_is_positive = input.value("ambiguous_positives", true);
              const Selection s = select(data, filter);
              ProposalRules rules;
              rules.inclusive_frames = true;
              rules.videos_from_proposals = input.value("videos_from_proposals", true);
              rules.ties = ties_of(input, Ties::kReversed) == Ties::kInput ? TieOrder::kInput : TieOrder::kReversed;
              const auto r = thumos_curve(match_proposals(s, input["tiou"].get<std::vector<double>>(), rules));
              check.equal_key(r.videos, expected, "videos");
              check.equal_key(r.instances, expected, "instances");
              check.equal_key(r.predictions, expected, "predictions");
              check.list_key(r.an, expected, "an");
              check.list_key(r.ar, expected, "ar");
              check.matrix_key(r.recall, expected, "recall");
              const json ar_at = expected.value("ar_at", json::object());
              for (const auto& [key, value] : ar_at.items())
                check.near(interpolate(r.an, r.ar, std::stod(key)), value, "AR@" + key);
            });
}

BOOST_AUTO_TEST_CASE(recall_at_kx) {
  for_cases("eval-recall-at-kx.json",
            [](const json& input, const json& expected, const Dataset& data, const Checker& check) {
              const Selection s = select(data, filter_of(input));
              check.counts(s.counts, expected);
              const auto r = recall_at_k(s, input["tiou"].get<std::vector<double>>(),
                                         input["k"].get<std::vector<int>>(), ties_of(input, Ties::kInput));
              const json classes = s.class_agnostic ? json::array() : expected.value("classes", json::array());
              BOOST_REQUIRE(classes.empty() || classes.size() == r.classes.size());
              for (const auto& want : classes)
                check.equal_key(s.class_instances[class_index(s, want["label"])], want, "instances");
              for (std::size_t i = 0; i < r.k.size(); ++i) {
                const auto k = std::to_string(r.k[i]);
                if (expected.contains("recall")) check.list_key(r.recall[i], expected["recall"], k);
                if (expected.contains("recall_class_mean"))
                  check.list_key(r.class_mean[i], expected["recall_class_mean"], k);
                for (const auto& want : classes)
                  if (want.contains("recall"))
                    check.list_key(r.classes[class_index(s, want["label"])][i], want["recall"], k);
              }
            });
}

BOOST_AUTO_TEST_SUITE_END()
