// CMSN's stage labels, margins, candidates and preset scores (formulas/cmsn-stages.json, whose runs end at Background
// alone).
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/segment/action_stages.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(action_stages)

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string folder = test::parity_dir();
  if (test::skip_without(folder, "reference cases")) return;
  const auto file = test::load(folder + "/formulas/cmsn-stages.json");
  const double tolerance = file["tolerance"]["abs"];
  int cases = 0;
  for (const auto& item : file["cases"]) {
    const auto& in = item["input"];
    const auto& expected = item["expected"];
    const std::string name = item["name"], kind = in["kind"];
    if (kind == "stages") {
      std::vector<Segment> instances;
      for (const auto& i : in["instances"]) instances.push_back({i[0], i[1]});
      BOOST_TEST(action_stage_labels(instances, in["snippets"]) == expected["stages"].get<std::vector<std::uint8_t>>(),
                 name);
    } else if (kind == "margins") {
      const auto got =
          action_stage_margins(in["form"] == "eq7" ? MarginForm::kEq7 : MarginForm::kWorked, in["m"], in["n"]);
      for (std::size_t j = 0; j < kActionStages; ++j)
        for (std::size_t i = 0; i < kActionStages; ++i)
          BOOST_TEST(std::fabs(got[j][i] - expected["margin"][j][i].get<double>()) <= tolerance,
                     name << " " << j << " " << i);
    } else if (kind == "candidates") {
      const auto stages = in["stages"].get<std::vector<std::uint8_t>>();
      std::vector<RowRange> runs;
      for (const auto& run : expected["runs"]) runs.push_back({run[0], run[1]});
      BOOST_TEST((action_runs(stages, RunEnd::kBackground) == runs), name << ": runs");
      const auto got = action_candidates(stages, kPresetDecay, in["cap"].is_null() ? 0 : in["cap"].get<std::int64_t>(),
                                         RunEnd::kBackground);
      const auto& want = expected["candidates"];
      BOOST_TEST_REQUIRE(got.size() == want.size(), name);
      for (std::size_t k = 0; k < got.size(); ++k)
        BOOST_TEST((got[k].first == want[k][0].get<std::int64_t>() && got[k].end == want[k][1].get<std::int64_t>() &&
                    std::fabs(got[k].preset - want[k][2].get<double>()) <= tolerance),
                   name << ": candidate " << k);
    } else {
      BOOST_ERROR("kind that is not known here: " << kind);
    }
    ++cases;
  }
  BOOST_TEST(cases > 0);
}

BOOST_AUTO_TEST_SUITE_END()
