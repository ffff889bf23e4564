// Rows, tail rules and row <-> seconds (formulas/time-rows.json).
#include "libtal/base/time_rows.h"
#include "libtal/io/features.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/io/record.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(time_rows)

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string folder = test::parity_dir();
  if (test::skip_without(folder, "reference cases")) return;
  const auto file = test::load(folder + "/formulas/time-rows.json");
  const double absolute = file["tolerance"]["abs"], relative = file["tolerance"]["rel"];
  const auto rate = [](const nlohmann::json& fps) {
    return fps.is_array() ? fps[0].get<double>() / fps[1].get<double>() : fps.get<double>();
  };
  for (const auto& item : file["cases"]) {
    const auto& in = item["input"];
    const auto& expected = item["expected"];
    const std::string name = item["name"], kind = in["kind"];
    const auto same = [&](double got, const nlohmann::json& want, const char* what) {
      const double w = want;
      BOOST_TEST((std::fabs(got - w) <= absolute + relative * std::fabs(w)),
                 name << ": " << what << " " << got << " against " << w);
    };
    RowTime time;
    if (kind == "rescaled") {
      FeatureStream stream;
      stream.name = "x", stream.rows = in["T"];
      time = row_time(stream, in["duration"].get<double>());
      for (std::size_t i = 0; i < in["x"].size(); ++i)
        same(time.seconds(in["x"][i].get<double>()), expected["x_seconds"][i], "seconds");
      for (std::size_t i = 0; i < in["seconds"].size(); ++i)
        same(time.row(in["seconds"][i]), expected["seconds_x"][i], "row");
      continue;
    }
    time.stride = in["stride"], time.window = in["window"], time.fps = rate(in["fps"]),
    time.offset = in.value("offset", 0.0);
    if (kind == "rows") {
      const Rows rows = feature_rows(in["frames"], time.window, time.stride, tail_rule(in["tail"]));
      BOOST_TEST_REQUIRE(rows.starts.size() == expected["rows"].get<std::size_t>(), name);
      same(rows.padded, expected["padded"], "padded");
      for (std::size_t i = 0; i < rows.starts.size(); ++i) {
        same(rows.starts[i], expected["starts"][i], "start");
        same((rows.starts[i] + time.window / 2) / time.fps, expected["centre_seconds"][i], "centre");
      }
    } else if (kind == "to_seconds") {
      for (std::size_t i = 0; i < in["row"].size(); ++i)
        same(time.seconds(in["row"][i].get<double>() + 0.5), expected["row_seconds"][i], "row");
      for (std::size_t i = 0; i < in["segments"].size(); ++i) {
        const Segment s = time.seconds(Segment{in["segments"][i][0], in["segments"][i][1]});
        same(s.start, expected["segments"][i][0], "start"), same(s.end, expected["segments"][i][1], "end");
      }
    } else if (kind == "to_rows") {
      for (std::size_t i = 0; i < in["seconds"].size(); ++i) {
        same(time.row(in["seconds"][i]), expected["x"][i], "x");
        BOOST_TEST(time.nearest(in["seconds"][i], in["rows"]) == expected["nearest"][i].get<std::int64_t>(), name);
      }
    } else {
      BOOST_ERROR("kind that is not known here: " << kind);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
