// Every suppression rule and option against reference cases (segments-nms.json).
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/io/record.h"
#include "libtal/segment/suppress.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(nms)

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string folder = test::parity_dir();
  if (test::skip_without(folder, "reference cases")) return;
  const auto file = test::load(folder + "/segments-nms.json");
  const double absolute = file["tolerance"]["abs"], relative = file["tolerance"]["rel"];
  std::size_t cases = 0;
  for (const auto& item : file["cases"]) {
    const auto& given = item["input"]["options"];
    BOOST_REQUIRE_MESSAGE(!given.contains("preset") || !given.contains("method"),
                          item["name"] << ": both a preset and a method");
    SuppressOptions o =
        given.contains("preset") ? preset_of(given["preset"]) : defaults_of(given.value("method", "greedy"));
    for (const auto& [key, value] : given.items()) {
      if (key == "method" || key == "preset") continue;
      else if (key == "threshold") o.threshold = value;
      else if (key == "inclusive") o.inclusive = value;
      else if (key == "sigma") o.sigma = value;
      else if (key == "alpha") o.alpha = value;
      else if (key == "low") o.low = value;
      else if (key == "high") o.high = value;
      else if (key == "voting") o.voting = value;
      else if (key == "voting-weight") o.voting_weight = value;
      else if (key == "ties") o.ties = value;
      else if (key == "pre-top-k") o.pre_top_k = value;
      else if (key == "top-k") o.top_k = value;
      else if (key == "min-score") o.min_score = value;
      else if (key == "min-duration") o.min_duration = value;
      else if (key == "class-agnostic") o.class_agnostic = value;
      else BOOST_ERROR("option of the reference that is not known here: " << key);
    }
    Record record;
    record.parse(item["input"]["record"].dump());
    const auto out = suppress(record.proposals(), record.duration().value_or(0), o);
    const auto& expected = item["expected"]["proposals"];
    const std::string name = item["name"];
    BOOST_TEST_REQUIRE(out.size() == expected.size(),
                       name << ": " << out.size() << " kept, expected " << expected.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto near = [&](double a, double b) { return std::fabs(a - b) <= absolute + relative * std::fabs(b); };
      BOOST_TEST(
          (near(out[i].score, expected[i]["score"]) && near(out[i].segment.start, expected[i]["segment"][0]) &&
           near(out[i].segment.end, expected[i]["segment"][1]) && out[i].label == expected[i].value("label", "")),
          name << ": proposal " << i);
    }
    ++cases;
  }
  BOOST_TEST(cases > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
