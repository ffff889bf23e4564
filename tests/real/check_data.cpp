// The faults of the published annotations are those that their users know.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>

#include "libtal/base/error.h"
#include "libtal/data/tables.h"
#include "libtal/formats/formats.h"
#include "libtal/stages/check.h"
#include "tests/support.h"

using namespace tal;

namespace {

SourceText load(const std::string& path) { return load_sources({test::data_dir() + "/" + path}, "").at(0); }

std::vector<std::string> lines(const std::string& format, const std::string& path, const ImportOptions& options = {}) {
  const auto& formats = import_formats();
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; });
  std::vector<std::string> out;
  const ImportSink sink{[&](Record& record) {
                          if (const auto* info = options.tables.find(record.video());
                              info && info->duration && !record.has("duration"))
                            record.set_number("duration", *info->duration);
                          out.push_back(record.str());
                        },
                        [](const Error& error, std::string_view) { throw error; }, [](const std::string&) {}};
  found->reader(load_sources({test::data_dir() + "/" + path}, found->extension), options, sink);
  return out;
}

struct Faults {
  std::map<std::string, std::map<std::string, std::size_t>> videos;  // class -> video -> count
  std::vector<Fault> all;
  std::size_t count(const std::string& kind) const {
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const Fault& f) { return f.kind == kind; }));
  }
};

Faults check(const std::vector<std::string>& records, CheckOptions options = {},
             std::vector<std::string>* repaired = nullptr) {
  Faults out;
  RecordChecker checker(std::move(options), [&](const Fault& fault) {
    ++out.videos[fault.kind][fault.video];
    out.all.push_back(fault);
  });
  std::uint64_t number = 0;
  for (const auto& line : records) {
    auto fixed = checker.line(line, "records", ++number);
    if (repaired && fixed) repaired->push_back(std::move(*fixed));
  }
  return out;
}

using Counts = std::map<std::string, std::size_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(check_data)

BOOST_AUTO_TEST_CASE(thumos14_has_thirty_segments_behind_the_end) {
  if (test::skip_without(test::data_dir(), "THUMOS14")) return;
  std::vector<std::string> records;
  for (const std::string set : {"test", "val"}) {
    ImportOptions options;
    options.tables.videos =
        parse_videos(load("thumos14/" + std::string(set == "val" ? "validation" : "test") + "_durations.txt"));
    for (auto& line : lines("thumos14-gt", "thumos14/annotations_" + set, options)) records.push_back(std::move(line));
  }
  BOOST_TEST(records.size() == 413u);
  const auto faults = check(records);
  BOOST_TEST((faults.videos.at("after-end") == Counts{{"video_test_0000270", 22},
                                                      {"video_test_0000814", 3},
                                                      {"video_test_0001081", 1},
                                                      {"video_validation_0000364", 2},
                                                      {"video_validation_0000856", 2}}));
  BOOST_TEST(faults.count("empty") == 0u);  // no segment is empty or reversed
  BOOST_TEST(faults.count("reversed") == 0u);
  BOOST_TEST(faults.count("broken-line") == 0u);
  // The one that lies furthest out ends at 713.7 s.
  const auto latest = std::find_if(faults.all.begin(), faults.all.end(), [](const Fault& f) {
    return f.message.find("starts at 706.3,") != std::string::npos;
  });
  BOOST_REQUIRE(latest != faults.all.end());
  BOOST_TEST(latest->message.find("the video ends at 176.") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(activitynet_has_twelve_empty_segments_and_one_that_ends_late) {
  if (test::skip_without(test::data_dir(), "ActivityNet")) return;
  const auto records = lines("activitynet-gt", "activitynet/activity_net.v1-3.reconstructed.min.json");
  BOOST_TEST(records.size() == 19994u);
  CheckOptions options;
  options.tolerance = 0.5;
  const auto faults = check(records, options);
  BOOST_TEST(faults.count("empty") == 12u);
  BOOST_TEST(faults.videos.at("empty").count("2IRQ5fPwHV8") == 1u);
  BOOST_REQUIRE(faults.count("past-end") >= 1u);
  const auto late =
      std::find_if(faults.all.begin(), faults.all.end(), [](const Fault& f) { return f.video == "m--b-Ltjm_Y"; });
  BOOST_REQUIRE(late != faults.all.end());
  BOOST_TEST(late->kind == "past-end");
  BOOST_TEST_MESSAGE(late->text());
  std::string seen;
  for (const auto& [kind, videos] : faults.videos) seen += " " + kind + ":" + std::to_string(faults.count(kind));
  BOOST_TEST_MESSAGE(seen);

  // Clipping repairs what lies past the end, and nothing else changes.
  options.fix = {"clip"};
  std::vector<std::string> repaired;
  check(records, options, &repaired);
  std::size_t changed = 0;
  for (std::size_t i = 0; i < records.size(); ++i) changed += records[i] != repaired[i];
  BOOST_TEST(changed == faults.videos.at("past-end").size());
  options.fix.clear();
  BOOST_TEST(check(repaired, options).count("past-end") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
