// Readers and writers of libtal/formats/formats.h on small texts worked out by hand.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>

#include "libtal/data/mat_file.h"
#include "libtal/data/tables.h"
#include "libtal/formats/formats.h"

namespace {

using namespace tal;

struct Result {
  std::vector<Record> records;
  std::vector<std::string> errors;
};

Result read(Reader reader, const std::string& name, const std::string& text, const ImportOptions& options = {},
            bool go_on = false) {
  Result result;
  const ImportSink sink{[&](Record& record) { result.records.push_back(std::move(record)); },
                        [&](const Error& error, std::string_view) {
                          if (!go_on) throw error;
                          result.errors.push_back(error.what());
                        },
                        [](const std::string&) {}};
  reader({{name, text}}, options, sink);
  return result;
}

std::string fault(Reader reader, const std::string& name, const std::string& text, const ImportOptions& options = {}) {
  try {
    read(reader, name, text, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string write(const std::string& format, const std::vector<Record>& records, const ExportOptions& options = {}) {
  const auto& formats = export_formats();
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; });
  const auto writer = found->make(options);
  std::string out;
  for (const auto& record : records) {
    Record again;  // what a pipe carries is the text
    again.parse(record.str());
    writer->add(again, out);
  }
  writer->end(out);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(convert_formats)

BOOST_AUTO_TEST_CASE(activitynet_gt_keeps_everything) {
  const std::string text =
      R"({"version":"X","taxonomy":[1],"database":{"a":{"duration":9.5,"subset":"training","url":"u",
    "annotations":[{"label":"B","segment":[0.01,12.644405017160688],"id":"k"}]},"b":{"duration":1,"subset":"testing","annotations":[]}}})";
  const auto got = read(read_activitynet_gt, "f", text);
  BOOST_REQUIRE_EQUAL(got.records.size(), 2u);
  BOOST_TEST(got.records[0].annotations().at(0).segment.end == 12.644405017160688);
  const auto out = write("activitynet-gt", got.records);
  BOOST_TEST(out ==
             "{\"database\":{\"a\":{\"annotations\":[{\"segment\":[0.01,12.644405017160688],\"label\":\"B\",\"id\":"
             "\"k\"}],\"duration\":9.5,"
             "\"subset\":\"training\",\"url\":\"u\"}\n,\"b\":{\"annotations\":[],\"duration\":1,\"subset\":\"testing\"}"
             "\n},\"version\":\"X\",\"taxonomy\":[1]}\n");
  const auto again = read(read_activitynet_gt, "f", out);
  BOOST_TEST(write("activitynet-gt", again.records) == out);
}

BOOST_AUTO_TEST_CASE(activitynet_gt_layouts) {
  auto got = read(read_activitynet_gt, "f",
                  R"({"database":{"a":{"subset":"test","annotations":[{"segment":["18.6","24.8"],"label":"J"}]}}})");
  BOOST_TEST(got.records.at(0).annotations().at(0).segment.start == 18.6);
  got = read(read_activitynet_gt, "f",
             R"({"v_a":{"duration_second":2,"duration_frame":48,"annotations":[],"feature_frame":32}})");
  BOOST_TEST(got.records.at(0).str() ==
             R"({"video":"v_a","duration":2,"frames":48,"annotations":[],"feature_frame":32})");
  got = read(read_activitynet_gt, "f",  // COIN
             R"({"database":{"c":{"annotation":[{"id":"126","segment":[24.0,27.0],"label":"turn"}],"class":"Lock"}}})");
  BOOST_TEST(got.records.at(0).str() ==
             R"({"video":"c","annotations":[{"segment":[24,27],"label":"turn","id":"126"}],"class":"Lock"})");
  ImportOptions options;
  options.tables.classes = {{12, "HighJump"}};
  got = read(read_activitynet_gt, "f", R"({"a":{"actions":[[12,1,2.5]]}})", options);
  BOOST_TEST(got.records.at(0).annotations().at(0).label == "HighJump");
}

BOOST_AUTO_TEST_CASE(faults_name_their_place) {
  BOOST_TEST(
      fault(read_activitynet_gt, "f.json", "{\n\"a\":{\"annotations\":[{\"segment\":[5,4],\"label\":\"x\"}]}}") ==
      "f.json:2: video 'a': annotations[0].segment: end 4 is before start 5");
  BOOST_TEST(
      fault(read_activitynet_gt, "f.json", "{\n\"a\":{\"annotations\":[{\"segment\":[NaN,4]}]}}").find("f.json:2:") ==
      0u);
  BOOST_TEST(fault(read_activitynet_gt, "f.json", R"({"a":{"annotations":[]},"a":{"annotations":[]}})").find("twice") !=
             std::string::npos);
  BOOST_TEST(fault(read_activitynet_results, "f.json", R"({"results":{"a":[{"segment":[1,2],"label":"x"}]}})") ==
             "f.json:1: video 'a': results[0].score: missing");
  BOOST_TEST(fault(read_thumos14_results, "r.txt", "v 1 2 7 0.5\n\nv 1 x 7 0.5\n").find("r.txt:3: video 'v': end: ") ==
             0u);
  BOOST_TEST(fault(read_thumos14_results, "r.txt", "v 1 2 7\n").find("4 words") != std::string::npos);
  BOOST_TEST(fault(read_segments_csv, "s.csv", "video,start,end\nv,1\n") == "s.csv:2: 2 fields, but the header has 3");
  BOOST_TEST(fault(read_segments_csv, "s.csv", "a,start,end\nv,1,2\n").find("--columns video=NAME") !=
             std::string::npos);
  BOOST_TEST(
      fault(read_detections_csv, "s.csv", "video,start,end,score\nv,1,nan,1\n").find("s.csv:2: video 'v': end: ") ==
      0u);
  BOOST_TEST(fault(read_ssn_proposals, "l.txt", "# 1\nv\n1\n1\n1\n3 0 0.5\n2\n3 1 1 0 1\n")
                 .find("l.txt:9: video 'v': the file ends") == 0u);
  BOOST_TEST(fault(read_ssn_proposals, "l.txt", "# 1\nv\n9\n1\n1\n3 0 5\n0\n").find("relative times") ==
             std::string::npos);
  ImportOptions unit;
  unit.unit_duration = true;
  BOOST_TEST(fault(read_ssn_proposals, "l.txt", "# 1\nv\n9\n1\n1\n3 0 5\n0\n", unit).find("--time frames") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_fault_that_is_skipped_leaves_the_rest) {
  const auto got = read(read_thumos14_results, "r.txt", "v 1 2 7 0.5\nv 3 2 7 0.5\nw 1 2 8 0.25\n", {}, true);
  BOOST_TEST(got.errors.size() == 1u);
  BOOST_TEST(got.records.size() == 2u);
  ImportOptions unit;
  unit.unit_duration = true;
  const auto list = read(read_ssn_proposals, "l", "# 1\nv\n1\n1\n1\n3 0 x\n0\n# 2\nw\n1\n1\n0\n0\n", unit, true);
  BOOST_TEST(list.errors.size() == 1u);
  BOOST_REQUIRE_EQUAL(list.records.size(), 1u);
  BOOST_TEST(list.records[0].video() == "w");
}

BOOST_AUTO_TEST_CASE(thumos14_round_trip) {
  ImportOptions options;
  options.tables.classes = {{7, "BaseballPitch"}, {9, "BasketballDunk"}};
  const std::string text = "v 62.3 64.7333333333 9 0.0865174\nv 1 2 7 2.97884e-06\n";
  const auto got = read(read_thumos14_results, "r.txt", text, options);
  BOOST_TEST(got.records.at(0).proposals().at(0).label == "BasketballDunk");
  ExportOptions to;
  to.classes = options.tables.classes;
  BOOST_TEST(write("thumos14-results", got.records, to) ==
             "v 62.3 64.7333333333 9 0.0865174\nv 1 2 7 2.97884e-6\n");  // the same numbers, shortest text
  to.classes = {{1, "other"}};
  BOOST_CHECK_THROW(write("thumos14-results", got.records, to), Error);
}

BOOST_AUTO_TEST_CASE(thumos14_gt_files) {
  const auto got = read(read_thumos14_gt, "d/GolfSwing_val.txt", "video_1  155.2 160.6 \r\nvideo_2 1 2\nvideo_1 3 4\n");
  BOOST_REQUIRE_EQUAL(got.records.size(), 2u);
  BOOST_TEST(
      got.records[0].str() ==
      R"({"video":"video_1","subset":"validation","annotations":[{"segment":[155.2,160.6],"label":"GolfSwing"},{"segment":[3,4],"label":"GolfSwing"}]})");
  BOOST_TEST(read(read_thumos14_gt, "d/GolfSwing_test.txt", "video_1 1 2\n").records.at(0).str() ==
             R"({"video":"video_1","subset":"test","annotations":[{"segment":[1,2],"label":"GolfSwing"}]})");
  BOOST_TEST(read(read_thumos14_gt, "d/detclasslist.txt", "7 BaseballPitch\n").records.empty());
}

BOOST_AUTO_TEST_CASE(ssn_times) {
  const std::string frames = "# 0\nimgs\n5\n1\n1\n3 1 2\n1\n3 0.5 1.0 1 4\n";
  ImportOptions options;
  options.time = "frames";
  options.fps = 2;
  auto got = read(read_ssn_proposals, "l", frames, options);
  BOOST_TEST(
      got.records.at(0).str() ==
      R"({"video":"imgs","frames":5,"annotations":[{"segment":[0.5,1],"label":"3"}],"proposals":[{"segment":[0.5,2],"scores":{"label":3,"iou":0.5,"overlap":1}}]})");
  // Every sixth frame of 30.
  got = read(read_ssn_proposals, "l", "# 0\nimgs\n5\n6\n0\n0\n", options);
  BOOST_TEST(got.records.at(0).str() == R"({"video":"imgs","frames":30,"annotations":[],"proposals":[]})");
  options = {};
  options.tables.videos["imgs"].duration = 10;
  got = read(read_ssn_proposals, "l", "# 0\nimgs\n5\n1\n0\n1\n3 1 1 0.2 0.4\n", options);
  BOOST_TEST(got.records.at(0).proposals().at(0).segment.end == 4);
  BOOST_TEST(*got.records.at(0).duration() == 10);
}

BOOST_AUTO_TEST_CASE(bsn_round_trip_is_exact) {
  ImportOptions options;
  options.tables.videos["v"].duration = 224.49;
  const std::string text =
      "xmin,xmax,xmin_score,xmax_score,score\n0.1,0.7000000000000001,0.95,0.96,0.97\n0.3333333333333333,0."
      "98765432109876543,0.5,0.25,0.1\n";
  const auto got = read(read_bsn_proposals, "d/v.csv", text, options);
  BOOST_TEST(got.records.at(0).proposals().at(0).segment.start == 0.1 * 224.49);
  BOOST_TEST(write("bsn-proposals", got.records) ==
             "xmin,xmax,xmin_score,xmax_score,score\n0.1,0.7000000000000001,0.95,0.96,0.97\n0.3333333333333333,0."
             "9876543210987654,0.5,0.25,0.1\n");
}

// The imported number comes back where the time is still the one that it made; of an end that a stage has moved to
// 100 of 200 s it is 0.5, whatever was read.
BOOST_AUTO_TEST_CASE(bsn_times_that_have_moved) {
  std::vector<Record> records(1);
  records[0].parse(
      R"({"video":"v","duration":200,"proposals":[{"segment":[20,100],"score":0.5,"scores":{"xmin":0.1,"xmax":0.7}}]})");
  BOOST_TEST(write("bsn-proposals", records) == "xmin,xmax,score\n0.1,0.5,0.5\n");
}

BOOST_AUTO_TEST_CASE(csv_quotes_and_columns) {
  const auto got = read(read_segments_csv, "s", "video,start,end,label\n\"a,\"\"b\",1,2,\"x, y\"\n");
  BOOST_TEST(got.records.at(0).video() == "a,\"b");
  BOOST_TEST(
      write("csv", got.records) ==
      "video,start,end,label,score,duration,subset,fps,frames,tier,subject,at\n\"a,\"\"b\",1,2,\"x, y\",,,,,,,,\n");
  BOOST_TEST(
      write("tsv", got.records) ==
      "video\tstart\tend\tlabel\tscore\tduration\tsubset\tfps\tframes\ttier\tsubject\tat\n\"a,\"\"b\"\t1\t2\t\"x, "
      "y\"\t\t\t\t\t\t\t\t\n");
  ImportOptions options;
  options.columns = {{"video", "who"}, {"start", "from"}, {"end", "till"}};
  options.time = "frames";
  options.where_column = "keep";
  options.where_value = "1";
  const auto other =
      read(read_segments_csv, "s", "who,from,till,fps,keep\nv.mp4,30,60,30,1\nv.mp4,0,9,30,0\n", options);
  BOOST_TEST(other.records.at(0).str() == R"({"video":"v","fps":30,"annotations":[{"segment":[1,2]}]})");
}

// Points have a column of their own, and go out and in again beside segments.
BOOST_AUTO_TEST_CASE(points_in_tables) {
  const auto points = [](const std::string& table, const ImportOptions& options = {}) -> std::string {
    try {
      return std::string(read(read_segments_csv, "s", table, options).records.at(0).raw("annotations").value_or(""));
    } catch (const Error& error) {
      return error.what();
    }
  };
  const auto named = [](std::map<std::string, std::string> columns, const std::string& time = "", double fps = 0) {
    ImportOptions options;
    options.columns = std::move(columns), options.time = time, options.fps = fps;
    return options;
  };
  for (const char* column : {"at", "time", "timestamp", "event_time", "Time (s)", "position"})
    BOOST_TEST(points("video," + std::string(column) + ",label\nv,1.5,a\nv,0,b\n") ==
               R"([{"at":1.5,"label":"a"},{"at":0,"label":"b"}])");
  BOOST_TEST(points("video,position_ms,label\nv,1500,a\n") == R"([{"at":1.5,"label":"a"}])");
  BOOST_TEST(points("video,when,label\nv,50,a\n", named({{"at", "when"}}, "frames", 25)) ==
             R"([{"at":2,"label":"a"}])");
  BOOST_TEST(points("video,start,label\nv,1,a\n", named({{"at", "start"}})) == R"([{"at":1,"label":"a"}])");
  // Where there are starts and ends, rows that have neither are points, by a column that is called so.
  BOOST_TEST(points("video,start,end,label,time\nv,1,2,a,7\n") == R"([{"segment":[1,2],"label":"a"}])");
  BOOST_TEST(points("video,start,end,label,at\nv,1,2,a,\nv,,,b,7\n") ==
             R"([{"segment":[1,2],"label":"a"},{"at":7,"label":"b"}])");
  // A time and a length may be a segment, a start alone one whose end is missing, a large number a date.
  BOOST_TEST(
      points("video,time,duration,label\nv,1,2,a\n").find("--columns start=NAME, or the time of points with at=") !=
      std::string::npos);
  BOOST_TEST(points("video,time,duration,label\nv,1,2,a\n", named({{"at", "time"}})) == R"([{"at":1,"label":"a"}])");
  BOOST_TEST(points("video,time,duration,label\nv,1,2,a\n", named({{"start", "time"}})) ==
             R"([{"segment":[1,3],"label":"a"}])");
  BOOST_TEST(points("video,start,label\nv,1,a\n").find("no column is known to be the end") != std::string::npos);
  BOOST_TEST(points("video,time,label\nv,1700000000,a\n").find("s:2: video 'v': at: 1700000000 s after") == 0u);
  std::vector<Record> records(2);
  records[0].parse(
      R"({"video":"v","duration":9,"annotations":[{"at":1.25,"label":"a","tier":"t"},{"segment":[0,0],"label":"b"},)"
      R"({"at":0}]})");
  records[1].parse(R"({"video":"w","proposals":[{"at":0.1,"score":0.5,"label":"a"},{"segment":[1,2],"score":0.25}]})");
  for (const char* format : {"csv", "tsv"}) {
    const auto back = read(read_detections_csv, "s", write(format, records));
    BOOST_REQUIRE_EQUAL(back.records.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(back.records[i].str() == records[i].str());
  }
  const std::string text = write("csv", records);
  BOOST_TEST(text.find("\nv,,,a,,9,,,,t,,1.25\n") != std::string::npos, text);
  BOOST_TEST(points(text + "v,1,2,a,,9,,,,,,7\n").find("at: has a start or an end, too") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(subtitles_and_elan) {
  Record record = Record::make("v");
  record.set_raw("proposals",
                 R"([{"segment":[3661.5,3662.25],"score":0.5,"label":"a<b"},{"segment":[1,1],"score":1,"label":"c"}])");
  ExportOptions options;
  record.set_raw("annotations", R"([{"segment":[0,2],"label":"x"},{"segment":[1,3],"label":"y"}])");
  options.segments = "annotations";
  const auto elan = write(
      "elan",
      [&] {
        std::vector<Record> r;
        r.push_back(Record::make("v"));
        r[0].parse(record.str());
        return r;
      }(),
      options);
  BOOST_TEST(elan.find("TIER_ID=\"annotations\"") != std::string::npos);
  BOOST_TEST(elan.find("TIER_ID=\"annotations 2\"") != std::string::npos);  // they overlap
  record.set_raw(
      "proposals",
      R"([{"segment":[3661.5,3662.25],"score":0.5,"label":"a<b"},{"segment":[1,1.0001],"score":1,"label":"c"}])");
  std::vector<Record> records;
  records.push_back(std::move(record));
  BOOST_TEST(write("webvtt", records) ==
             "WEBVTT\n\n00:00:01.000 --> 00:00:01.001\nc 1\n\n01:01:01.500 --> 01:01:02.250\na&lt;b 0.5\n");
  BOOST_TEST(write("srt", records) ==
             "1\n00:00:01,000 --> 00:00:01,001\nc 1\n\n2\n01:01:01,500 --> 01:01:02,250\na(b 0.5\n\n");
}

BOOST_AUTO_TEST_CASE(tables_of_videos_and_classes) {
  auto videos = parse_videos({"d", "a.mp4\n51.5\nb.mp4\n2\n"});
  BOOST_TEST(*videos.at("a").duration == 51.5);
  videos = parse_videos(
      {"d", "video,numFrame,seconds,fps,rfps,subset,featureFrame\nv_a,418,14.07,30.0,29.7,training,400\n"});
  BOOST_TEST(*videos.at("v_a").fps == 29.7);
  BOOST_TEST(videos.at("v_a").subset == "training");
  BOOST_CHECK_THROW(parse_videos({"d", "a.mp4\n51.5\nb.mp4\n"}), Error);
  videos = parse_videos({"d",
                         "{\"video\":\"a\",\"duration\":51.5,\"subset\":\"test\"}\n\n{\"video\":\"b\",\"fps\":[30000,"
                         "1001],\"frames\":418}\n"});
  BOOST_TEST(*videos.at("a").duration == 51.5);
  BOOST_TEST(videos.at("a").subset == "test");
  BOOST_TEST(*videos.at("b").fps == 30000 / 1001.0);
  BOOST_TEST(*videos.at("b").frames == 418);
  for (const char* bad :
       {"{\"video\":\"b\",\"frames\":1.5}", "{\"video\":\"b\",\"duration\":-1}", "{\"video\":\"b\"", "{\"frames\":1}"})
    BOOST_CHECK_EXCEPTION(parse_videos({"d", std::string("{\"video\":\"a\"}\n") + bad + "\n"}), Error,
                          [](const Error& error) { return error.line() == 2 && error.source() == "d"; });
  BOOST_TEST(parse_classes({"c", "7 BaseballPitch\n9 Basketball Dunk\n\n"}).at(9) == "Basketball Dunk");
  BOOST_TEST(parse_classes({"c", "[\"x\",\"y\"]"}).at(1) == "y");
  BOOST_TEST(parse_classes({"c", "action\nApplying sunscreen\nBMX\n"}).at(0) == "Applying sunscreen");
  BOOST_CHECK_THROW(parse_classes({"c", "1 a\n1 b\n"}), Error);
}

BOOST_AUTO_TEST_CASE(mat_files_that_are_wrong) {
  BOOST_CHECK_THROW(parse_mat(""), Error);
  std::string head(128, ' ');
  head.replace(0, 10, "MATLAB 5.0");
  head.replace(124, 4, std::string("\0\1IM", 4));
  BOOST_TEST(parse_mat(head).empty());
  BOOST_CHECK_THROW(parse_mat(head + std::string("\x0e\0\0\0\xff\0\0\0", 8)), Error);     // longer than the file
  BOOST_CHECK_THROW(parse_mat(head + std::string("\x0f\0\0\0\4\0\0\0abcd", 12)), Error);  // not zlib
  // [1 2; 3 4] of class double, stored as uint8 in column order, name `m`
  std::string body(
      "\6\0\0\0\x08\0\0\0\6\0\0\0\0\0\0\0"
      "\5\0\0\0\x08\0\0\0\2\0\0\0\2\0\0\0"
      "\1\0\1\0m\0\0\0"
      "\2\0\4\0\1\3\2\4",
      48);
  const auto arrays = parse_mat(head + std::string("\x0e\0\0\0\x30\0\0\0", 8) + body);
  BOOST_REQUIRE_EQUAL(arrays.size(), 1u);
  BOOST_TEST(arrays[0].name == "m");
  BOOST_TEST(arrays[0].at(0, 1) == 2);
  BOOST_TEST(arrays[0].at(1, 0) == 3);
}

// --columns: a format's row says the roles; one without --columns has none.
BOOST_AUTO_TEST_CASE(roles_of_columns) {
  const auto said = [](const std::string& name, const std::string& role) -> std::string {
    const auto& formats = import_formats();
    const auto format = std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == name; });
    try {
      check_column_role(*format, role);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  for (const auto& format : import_formats()) {
    const bool takes = std::find(format.options.begin(), format.options.end(), "--columns") != format.options.end();
    BOOST_TEST(takes == !format.columns.empty(), format.name);
  }
  for (const char* role : {"video", "start", "end", "length", "label", "tier", "duration", "fps", "frames", "subset"})
    BOOST_TEST(said("segments-csv", role) == "");
  BOOST_TEST(said("segments-csv", "score") ==
             "--columns: score has no effect with --from segments-csv, which reads video, start, end, length, label, "
             "duration, fps, frames, subset, at, tier, subject; it is for detections-csv");
  BOOST_TEST(said("detections-csv", "score") == "");
  BOOST_TEST(said("signals", "tier").find("it is for segments-csv, detections-csv") != std::string::npos);
  BOOST_TEST(said("sample-labels", "prediction") == "");
  BOOST_TEST(said("raven", "start").find("has no effect with --from raven, which reads label") != std::string::npos);
  BOOST_TEST(said("raven", "colour") == "--columns: unknown role 'colour'");
}

BOOST_AUTO_TEST_CASE(no_reader_fails_on_damaged_bytes) {
  // Every prefix and many single-byte changes of a valid text: a fault is an Error, never anything else.
  ImportOptions options;
  options.unit_duration = true;
  options.tables.rows = {"v", "w"};
  const std::pair<const char*, std::string> seeds[] = {
      {"activitynet-gt",
       R"({"version":"1","database":{"a":{"duration":3,"annotations":[{"segment":["1",2],"label":"x"}]}}})"},
      {"activitynet-results", R"({"results":{"a":[{"segment":[1,2],"score":0.5,"label":"x"}]}})"},
      {"activitynet-classification", R"({"results":{"a":[{"score":0.5,"label":"x"}]}})"},
      {"thumos14-gt", "video_1 1 2\nvideo_2 3 4\n"},
      {"moments", R"({"a.avi":{"timestamps":[[50,100]],"fps":25,"num_frames":250,"sentences":["x"]}})"},
      {"moments", R"({"qid":1,"query":"a","duration":5,"vid":"v","relevant_windows":[[1,2]]})"},
      {"moments", "v 1 2##x\n"},
      {"ass", "[Events]\nFormat: Start, End, Style, Text\nDialogue: 0:00:01.00,0:00:02.00,D,{\\i1}a\\Nb\n"},
      {"thumos14-results", "v 1 2 7 0.5\n"},
      {"ssn-proposals", "# 1\nv\n1\n1\n1\n3 0 0.5\n2\n3 1 1 0 1\n3 0.5 1 0 1\n"},
      {"bsn-proposals", "xmin,xmax,score\n0.1,0.2,1\n"},
      {"segments-csv", "video,start,end,label,duration\n\"v\",1,2,x,9\n"},
      {"detections-csv", "video,start,end,score\nv,1,2,0.5\n"},
      {"class-scores", "0.5,1,2\n3,4,5\n"},
      {"class-scores",
       std::string("\x93NUMPY\x01\x00\x3c\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n\1\2\3\4",
                   74)},
      {"scnn-mat", "MATLAB 5.0 and no more"},
      {"multithumos", "video_test_1 1 2\nvideo_validation_2 3 4\n"},
      {"50salads", "53704269 268768513 cut\n1,30,start,0\n"},
      {"breakfast", "1-30 SIL\n31-150 take_cup\n"},
      {"sample-labels", "video,time,label\nv,0,a\nv,1,b\nv,2,b\n"},
      {"soccernet", R"({"UrlLocal":"g","annotations":[{"gameTime":"1 - 00:12","label":"a","position":"12051"}]})"},
      {"spotting-json", R"([{"video":"v","fps":25,"num_frames":9,"events":[{"frame":3,"label":"a","score":1}]}])"},
      {"epic-kitchens", "video_id,start_timestamp,stop_timestamp,verb_class,noun_class\nP,00:00:01.5,00:00:02,0,3\n"},
      {"epic-results", R"({"results":{"P":[{"verb":3,"noun":2,"segment":[1,2],"score":0.5}]}})"},
      {"ego4d-mq",
       R"({"videos":[{"split":"val","clips":[{"clip_uid":"C","annotations":[{"labels":[{"label":"a","start_time":1,"end_time":2}]}]}]}]})"},
      {"charades", "id,actions,length\nA,c001 1.5 2;c002 3 4,9\n"},
      {"charades-results", "A 1 0.5 0.25\n"},
      {"ava", "v,0902,0.1,0.2,0.3,0.4,12,7\nw,0903,,,,,,\n"},
      {"kinetics", "label,youtube_id,time_start,time_end,split\na,v,1,2,val\n"},
      {"coco-segments",
       R"({"videos":[{"id":1,"name":"v"}],"categories":[{"id":3,"name":"run"}],"annotations":[{"video_id":1,"category_id":3,"segment":[1,2]}]})"}};
  std::size_t faults = 0;
  for (const auto& seed : seeds) {
    const std::string name = seed.first, text = seed.second;
    const auto& formats = import_formats();
    const auto format = std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == name; });
    const auto attempt = [&](const std::string& bytes) {
      try {
        read(format->reader, "f", bytes, options);
      } catch (const Error& error) {
        BOOST_TEST(!error.source().empty(), name << ": " << error.what());
        ++faults;
      }
    };
    for (std::size_t n = 0; n < text.size(); ++n) attempt(text.substr(0, n));
    for (std::size_t n = 0; n < text.size(); ++n)
      for (const char c : {'\0', '"', '-', '9', '\n', ',', '\xff'}) {
        std::string changed = text;
        changed[n] = c;
        attempt(changed);
      }
  }
  BOOST_TEST(faults > 500u);
}

BOOST_AUTO_TEST_SUITE_END()
