// ETP's Algorithm 1, smoothing and the curves of a video (formulas/etp-algorithm1.json).
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/segment/grouping.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(etp)

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string folder = test::parity_dir();
  if (test::skip_without(folder, "reference cases")) return;
  const auto file = test::load(folder + "/formulas/etp-algorithm1.json");
  const double tolerance = file["tolerance"]["abs"], relative = file["tolerance"]["rel"];
  const auto near = [&](double got, const nlohmann::json& want) {
    return std::fabs(got - want.get<double>()) <= tolerance + relative * std::fabs(want.get<double>());
  };
  int cases = 0;
  for (const auto& item : file["cases"]) {
    const auto& in = item["input"];
    const auto& expected = item["expected"];
    const std::string name = item["name"], kind = in["kind"];
    if (kind == "curve") {
      for (const bool keep : {false, true}) {
        std::int64_t rounds = -1;
        const auto got = group_components(in["curve"], in["min"], in["max"], in["threshold"], keep, &rounds);
        const char* variant = keep ? "keep_growing" : "move";
        const auto& want = expected[variant];
        BOOST_TEST_REQUIRE(got.size() == want.size(), name << " " << variant);
        for (std::size_t i = 0; i < got.size(); ++i)
          BOOST_TEST((got[i].first == want[i][0].get<std::int64_t>() &&
                      got[i].end == want[i][1].get<std::int64_t>() + 1 && near(got[i].score, want[i][2])),
                     name << " " << variant << " " << i);
        BOOST_TEST(rounds == expected["iterations"][variant].get<std::int64_t>(),
                   name << " " << variant << " rounds " << rounds);
      }
    } else if (kind == "smooth") {
      const auto got = smooth_curve(in["curve"], in["sigma"]);
      const auto& want = expected["curve"];
      BOOST_TEST_REQUIRE(got.size() == want.size(), name);
      for (std::size_t i = 0; i < got.size(); ++i) BOOST_TEST(near(got[i], want[i]), name);
    } else if (kind == "video") {
      std::vector<Curve> curves;
      GroupingOptions options;
      options.threshold = in["threshold"].dump(), options.min = in["min"], options.max = in["max"],
      options.sigma = in["sigma"];
      // float columns would round the reference's doubles: the curves are built directly
      const auto& scores = in["scores"];
      Curve mean{"", {}};
      for (std::size_t k = 0; k < scores.size(); ++k)
        curves.push_back({std::to_string(k), scores[k].get<std::vector<double>>()});
      for (std::size_t i = 0; i < curves[0].values.size(); ++i) {
        double sum = 0;
        for (const auto& curve : curves) sum += curve.values[i];
        mean.values.push_back(sum / static_cast<double>(curves.size()));
      }
      curves.push_back(mean);
      options.keep_growing = in["keep_growing"];
      const double fps =
          in["fps"].is_array() ? in["fps"][0].get<double>() / in["fps"][1].get<double>() : in["fps"].get<double>();
      const auto got = group_curves(curves, options);
      const auto& want = expected["proposals"];
      BOOST_TEST_REQUIRE(got.size() == want.size(), name);
      for (std::size_t i = 0; i < got.size(); ++i) {
        const auto& e = got[i].extent;
        BOOST_TEST(
            (near(e.score, want[i]["score"]) && near(static_cast<double>(e.first) / fps, want[i]["segment"][0]) &&
             near(static_cast<double>(e.end) / fps, want[i]["segment"][1])),
            name << ": proposal " << i);
        const auto& label = want[i]["class"];
        BOOST_TEST(got[i].curve == (label.is_null() ? curves.size() - 1 : label.get<std::size_t>()),
                   name << ": class of " << i);
      }
    } else {
      BOOST_ERROR("kind that is not known here: " << kind);
    }
    ++cases;
  }
  BOOST_TEST(cases > 0);
}

BOOST_AUTO_TEST_SUITE_END()
