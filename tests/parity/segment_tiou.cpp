// Overlap of segments against parity/segments-tiou.json.
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/base/segment.h"
#include "tests/support.h"

using nlohmann::json;
using tal::Segment;

BOOST_AUTO_TEST_SUITE(segment_tiou)

BOOST_AUTO_TEST_CASE(all_cases) {
  const auto folder = tal::test::parity_dir();
  if (tal::test::skip_without(folder, "parity folder")) return;
  const json all = tal::test::load(folder + "/segments-tiou.json");
  const double abs = all["tolerance"]["abs"], rel = all["tolerance"]["rel"];
  std::size_t compared = 0;
  const auto check = [&](const std::string& name, const json& a, const json& b, const json& want, bool inclusive) {
    const Segment x{a[0].get<double>(), a[1].get<double>()}, y{b[0].get<double>(), b[1].get<double>()};
    const double got = inclusive ? tal::tiou_inclusive(x, y) : tal::tiou(x, y), value = want.get<double>();
    BOOST_CHECK_MESSAGE(std::abs(got - value) <= abs + rel * std::abs(value),
                        name << ": " << got << " instead of " << value);
    ++compared;
  };
  for (const auto& item : all["cases"]) {
    const auto &a = item["input"]["a"], &b = item["input"]["b"];
    for (const char* key : {"tiou", "tiou_inclusive"}) {
      if (!item["expected"].contains(key)) continue;
      const auto& want = item["expected"][key];
      const bool inclusive = std::string(key) == "tiou_inclusive";
      if (want.is_number()) {
        check(item["name"], a, b, want, inclusive);
        continue;
      }
      BOOST_REQUIRE(want.size() == a.size());
      for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = 0; j < b.size(); ++j) check(item["name"], a[i], b[j], want[i][j], inclusive);
    }
  }
  BOOST_CHECK(compared > 0);
}

BOOST_AUTO_TEST_SUITE_END()
