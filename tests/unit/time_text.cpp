// Times as people and programs write them; names with what shows nothing.
#include "libtal/io/time_text.h"

#include <boost/test/unit_test.hpp>

#include <string>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"

using namespace tal;

namespace {

template <class Body>
std::string fault_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(time_text)

BOOST_AUTO_TEST_CASE(times_with_units) {
  // By hand: 1 h = 3600 s, 1 min = 60 s.
  const std::pair<const char*, double> right[] = {{"12s", 12},
                                                  {"13.5 s", 13.5},
                                                  {"1h2m3s", 3723},
                                                  {"1h 2min 3.5sec", 3723.5},
                                                  {"2min", 120},
                                                  {"900ms", 0.9},
                                                  {"1S 5ms", 1.005},
                                                  {"250us", 0.00025},
                                                  {"PT1M2.5S", 62.5},
                                                  {"PT1H", 3600},
                                                  {"P1DT1S", 86401},
                                                  {"1d", 86400},
                                                  {"0,5 s", 0.5},
                                                  {"0 days 00:00:01.5", 1.5},
                                                  {"1 day, 0:00:02", 86402},
                                                  {"1.02:03:04", 93784},
                                                  {"2 days +00:01:00", 172860}};
  for (const auto& [text, seconds] : right) {
    BOOST_TEST((time_form(text) == TimeForm::kUnits || time_form(text) == TimeForm::kDays), text);
    BOOST_TEST(written_seconds(text) == seconds, text);
  }
  for (const char* none : {"12", "1.5", "s", "12 x", "3s 1h", "1h 1h", "12s6", "P", "PT", "video 3", "", "1e3", "5 fps",
                           "10 frames", "5 %", "P1M", "P1H", "PT1D2", "P1Y"})
    BOOST_TEST((time_form(none) == TimeForm::kNone), none);
}

BOOST_AUTO_TEST_CASE(time_codes) {
  BOOST_TEST(is_timecode("00:01:02:12"));
  BOOST_TEST(is_timecode("00:01:02;12"));
  BOOST_TEST(!is_timecode("00:01:02.12"));
  BOOST_TEST(!is_timecode("1:02:03"));
  BOOST_TEST(written_seconds("00:01:02:12", 25) == 62.48);
  // Without drops, 29.97 counts 30 numbers a second: frame 30 * 60 = 1800 is at 1800 * 1001 / 30000 s.
  BOOST_TEST(written_seconds("00:01:00:00", 30000 / 1001.0) == 60.06, boost::test_tools::tolerance(1e-12));
  // With drops, after ten minutes 18 numbers are left out: frame 17982, which is 599.9994 s.
  BOOST_TEST(written_seconds("00:10:00;00", 30000 / 1001.0) == 17982 * 1001 / 30000.0,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(written_seconds("00:01:00;02", 30000 / 1001.0) == 1800 * 1001 / 30000.0,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(written_seconds("01:00:00;00", 60000 / 1001.0) == 215784 * 1001 / 60000.0,
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(fault_of([] { written_seconds("00:01:02:12"); }).find("--fps") != std::string::npos);
  BOOST_TEST(fault_of([] { written_seconds("00:01:02:25", 25); }).find("25 frames") != std::string::npos);
  BOOST_TEST(fault_of([] { written_seconds("00:01:02;12", 25); }).find("dropped") != std::string::npos);
  // Numbers that a drop-frame code leaves out.
  for (const char* text : {"00:01:00;00", "00:01:00;01", "01:59:00;01"})
    BOOST_TEST(fault_of([&] { written_seconds(text, 30000 / 1001.0); }).find("leaves this number") !=
               std::string::npos);
  BOOST_TEST(fault_of([] { written_seconds("00:01:00;03", 60000 / 1001.0); }).find("first 4") != std::string::npos);
  BOOST_TEST(written_seconds("00:01:00;04", 60000 / 1001.0) == 60.06, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(fault_of([] { written_seconds("1:2:3:4:5", 25); }).find("no time of the clock") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(dates) {
  // date -u -d 2026-11-29T10:00:05 +%s
  for (const char* same :
       {"2026-11-29T10:00:05Z", "2026-11-29 10:00:05", "2026-11-29T11:00:05+01:00", "2026-11-29T04:30:05-0530",
        "2026/11/29 10:00:05 UTC", "2026-11-29t10:00:05z", "2026-11-29T12:00:05+02"})
    BOOST_TEST(stamp_seconds(same).value_or(0) == 1795946405.0, same);
  BOOST_TEST(stamp_seconds("2026-11-29T10:00:05.250Z").value_or(0) == 1795946405.25);
  BOOST_TEST(stamp_seconds("2026-11-29T10:00").value_or(0) == 1795946400.0);
  for (const char* none : {"2026-11-29", "2026-13-29T10:00:05", "2026-11-29T10:61:05", "2026-11-29T10:00:05X",
                           "10:00:05", "29.11.2026 10:00:05", ""})
    BOOST_TEST(!stamp_seconds(none), none);
  for (const char* stamp : {"2026-11-29T10:00:05Z", "2026-11-29", "29.11.2026 10:00", "11/29/2026 10:00", "11/29/26"}) {
    BOOST_TEST((time_form(stamp) == TimeForm::kStamp), stamp);
    BOOST_TEST(fault_of([&] { written_seconds(stamp); }).find("is a date and time") != std::string::npos, stamp);
  }
  BOOST_TEST((time_form("1.02.5") == TimeForm::kNone));
}

BOOST_AUTO_TEST_CASE(what_shows_nothing) {
  for (const std::string blank :
       {" ", "\t", "\u00a0", "\u200b", "\u3000", "\ufeff", "\u00ad", "\u202f", "\u200e", "\u2060", "\u2028"})
    BOOST_TEST(trim(blank + "a b" + blank + blank) == "a b");
  BOOST_TEST(trim("\u00e9\u3042") == "\u00e9\u3042");
  BOOST_TEST(trim("\u00a0").empty());
  BOOST_TEST(trim("\xa0\xc2") == "\xa0\xc2");  // no UTF-8
  BOOST_TEST(with_invisible_named("v\u200b1") == "v<U+200B>1");
  BOOST_TEST(with_invisible_named("\u00e9 \u3042") == "\u00e9 \u3042");
  BOOST_TEST(loose_form("Long Jump") == loose_form("long_jump\u200b"));
  BOOST_TEST(loose_form("Caf\u00e9") == loose_form("Cafe\u0301"));
  BOOST_TEST(loose_form("1-1") != loose_form("11"));
  BOOST_TEST(loose_form("run") != loose_form("runs"));
}

BOOST_AUTO_TEST_CASE(folders_of_files) {
  BOOST_TEST(video_id("a/v2.mp4", 1) == "a_v2");
  BOOST_TEST(video_id("x\\a\\v2.mp4", 2) == "x_a_v2");
  BOOST_TEST(video_id("/v2.mp4", 3) == "v2");
  BOOST_TEST(video_id("./a/./v2.mp4", 1) == "a_v2");
  FileIds ids;
  BOOST_TEST(ids.id("v2.mp4") == "v2");
  BOOST_TEST(ids.id("a/v2.mp4", "t:2") == "v2");
  BOOST_TEST(ids.id("/data/a/v2.avi", "t:3") == "v2");  // may be the same
  BOOST_TEST(
      fault_of([&] { ids.id("b/v2.mp4"); }) ==
      "video: 'b/v2.mp4' and '/data/a/v2.avi' (t:3) are files of one name in different folders: --id-folders 1 keeps "
      "the folder in their ids ('b_v2'), --id-folders 0 takes them for one video");
  FileIds kept(1), joined(0);
  BOOST_TEST(kept.id("a/v2.mp4") == "a_v2");
  BOOST_TEST(kept.id("b/v2.mp4") == "b_v2");
  BOOST_TEST(fault_of([&] { kept.id("a_v2.mp4"); }).find("would both be video 'a_v2'") != std::string::npos);
  BOOST_TEST(fault_of([&] { kept.id("x/a/v2.mp4"), kept.id("y/a/v2.mp4"); }).find("--id-folders 2") !=
             std::string::npos);
  BOOST_TEST(joined.id("a/v2.mp4") == joined.id("b/v2.mp4"));
}

BOOST_AUTO_TEST_SUITE_END()
