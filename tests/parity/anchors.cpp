// Anchors, vicinities, labels, pools and unit labels of RPN (formulas/rpn-anchors.json).
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/base/number.h"
#include "libtal/segment/anchors.h"
#include "tests/support.h"

using namespace tal;

namespace {

using Json = nlohmann::json;

struct Checker {
  double absolute, relative;
  bool near(double got, const Json& want) const {
    return std::fabs(got - want.get<double>()) <= absolute + relative * std::fabs(want.get<double>());
  }
  bool near(const Segment& got, const Json& want) const { return near(got.start, want[0]) && near(got.end, want[1]); }
};

std::vector<double> scales_of(const Json& texts) {
  std::vector<double> scales;
  for (const auto& text : texts) scales.push_back(parse_fraction(text.get<std::string>()));
  return scales;
}

std::vector<Segment> segments_of(const Json& pairs) {
  std::vector<Segment> out;
  for (const auto& pair : pairs) out.push_back({pair[0], pair[1]});
  return out;
}

void check_geometry(const Checker& check, const std::string& name, const Json& in, const Json& expected) {
  const auto scales = scales_of(in["scales"]);
  const std::int64_t rows = in["T"];
  const auto anchors = make_anchors(rows, scales);
  BOOST_TEST_REQUIRE(anchors.size() == expected["count"].get<std::size_t>(), name);
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const std::size_t t = i / scales.size(), k = i % scales.size();
    BOOST_TEST((check.near(anchors[i], expected["anchors"][t][k]) &&
                check.near(vicinity_of(anchors[i]), expected["vicinity"][t][k])),
               name << ": anchor " << t << ", " << k);
    if (expected.contains("clipped"))  // the large sets leave it out
      BOOST_TEST(check.near(clip_to_window(anchors[i], static_cast<double>(rows)), expected["clipped"][t][k]),
                 name << ": clipped " << t << ", " << k);
  }
}

void check_labels(const Checker& check, const std::string& name, const Json& in, const Json& expected) {
  const auto scales = scales_of(in["scales"]);
  const auto truths = segments_of(in["ground_truth"]);
  const auto labels = label_anchors(make_anchors(in["T"], scales), truths);
  const auto named = [&](std::size_t i) { return Json{i / scales.size(), i % scales.size()}; };
  Json positive = Json::array(), negative = Json::array(), best = Json::array(), pools = Json::array();
  for (std::size_t i = 0; i < labels.role.size(); ++i) {
    const std::size_t t = i / scales.size(), k = i % scales.size();
    BOOST_TEST((check.near(labels.best_tiou[i], expected["best_tiou"][t][k]) &&
                labels.best_truth[i] == expected["best_gt"][t][k].get<int>()),
               name << ": best ground truth of " << t << ", " << k);
    if (labels.role[i] == AnchorRole::positive) positive.push_back(named(i));
    if (labels.role[i] == AnchorRole::hard_negative) negative.push_back(named(i));
  }
  for (const auto a : labels.best_anchor) best.push_back(named(static_cast<std::size_t>(a)));
  for (const auto& pool : anchor_pools(labels))
    pools.push_back({{"positives", pool.positives.size()}, {"negatives", pool.negatives.size()}});
  BOOST_TEST((positive == expected["positive"]), name << ": positives");
  BOOST_TEST((negative == expected["negative"]), name << ": hard negatives");
  BOOST_TEST((best == expected["best_anchor"]), name << ": best anchors");
  BOOST_TEST((pools == expected["pool"]), name << ": pools");
}

void check_units(const Checker& check, const std::string& name, const Json& in, const Json& expected) {
  const Segment anchor{in["anchor"][0], in["anchor"][1]};
  BOOST_TEST(check.near(vicinity_of(anchor), expected["vicinity"]), name << ": vicinity");
  const auto units = unit_labels(anchor, in["vicinity_rows"], segments_of(in["ground_truth"]));
  BOOST_TEST((Json(units.start) == expected["start"]), name << ": start");
  BOOST_TEST((Json(units.end) == expected["end"]), name << ": end");
  BOOST_TEST((Json(units.actionness) == expected["actionness"]), name << ": actionness");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(anchors)

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string folder = test::parity_dir();
  if (test::skip_without(folder, "reference cases")) return;
  const auto file = test::load(folder + "/formulas/rpn-anchors.json");
  const Checker check{file["tolerance"]["abs"], file["tolerance"]["rel"]};
  std::size_t cases = 0;
  for (const auto& item : file["cases"]) {
    const std::string name = item["name"], kind = item["input"]["kind"];
    if (kind == "anchors") check_geometry(check, name, item["input"], item["expected"]);
    else if (kind == "labels") check_labels(check, name, item["input"], item["expected"]);
    else if (kind == "units") check_units(check, name, item["input"], item["expected"]);
    else BOOST_ERROR("kind that is not known here: " << kind);
    ++cases;
  }
  BOOST_TEST(cases > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
