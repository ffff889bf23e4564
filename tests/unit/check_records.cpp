// Every class of fault is found with its place, repairs are exact, and a foreign stage is judged by what it does.
#include "libtal/stages/check.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <random>
#include <set>
#include <utility>

#include "libtal/base/error.h"

using namespace tal;

namespace {

std::vector<std::string> faults(const std::string& line, CheckOptions options = {}, const KnownNames* known = nullptr) {
  std::vector<std::string> out;
  RecordChecker checker(
      options, [&](const Fault& fault) { out.push_back(fault.kind + " " + fault.field); }, known);
  checker.line(line, "stdin", 1);
  return out;
}

using List = std::vector<std::string>;

std::set<std::string> broken(const std::string& command) {
  std::set<std::string> out;
  for (const auto& promise : certify_stage(command, 5))
    if (!promise.kept) out.insert(promise.name.substr(0, promise.name.find(':')));
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_records)

BOOST_AUTO_TEST_CASE(every_class_in_one_pass) {
  BOOST_TEST(
      (faults("{\"video\":\"v\",\"duration\":10,\"annotations\":[{\"segment\":[4,2],\"label\":\"a\"},{\"segment\":[3,3]"
              ",\"label\":\"b\"},"
              "{\"segment\":[9,10.8],\"label\":\"c\"},{\"segment\":[11,12],\"label\":\"c\"},{\"segment\":[1,2],"
              "\"label\":\"d\"},"
              "{\"segment\":[1,2],\"label\":\"d\"},{\"segment\":[1.5,3],\"label\":\"d\"},{\"segment\":[-1,0.5],"
              "\"label\":\"e\"},{\"segment\":[5,6]}]}") ==
       List{"reversed annotations[0].segment", "empty annotations[1].segment", "past-end annotations[2].segment",
            "after-end annotations[3].segment", "duplicated annotations[5].segment", "negative annotations[7].segment",
            "bad-label annotations[8].label", "overlapping annotations[6].segment"}));
  // What touches does not overlap.
  BOOST_TEST((faults(R"({"video":"v","annotations":[{"segment":[0,9],"label":"a"},{"segment":[2,5],"label":"a"},)"
                     R"({"segment":[5,7],"label":"a"},{"segment":[9,10],"label":"a"}]})") ==
              List{"overlapping annotations[1].segment", "overlapping annotations[2].segment"}));
  BOOST_TEST((faults("{\"video\":\"v\",") == List{"broken-line "}));
  BOOST_TEST((faults("{\"duration\":1}") == List{"bad-video video"}));
  BOOST_TEST((faults("{\"video\":\"v\",\"duration\":-1}") == List{"bad-duration duration"}));
  BOOST_TEST((faults("{\"video\":\"v\",\"duration\":10,\"fps\":25,\"frames\":500}") == List{"frames-disagree frames"}));
  BOOST_TEST(faults("{\"video\":\"v\",\"duration\":10,\"fps\":25,\"frames\":250,\"annotations\":[{\"segment\":[0,10],"
                    "\"label\":\"a\"}]}")
                 .empty());
}

BOOST_AUTO_TEST_CASE(tiers_are_told_apart) {
  const auto line = [](const std::string& one, const std::string& other) {
    return R"({"video":"v","annotations":[{"segment":[1,2],"label":"a","tier":")" + one +
           R"("},{"segment":[1,2],"label":"a","tier":")" + other + R"("}]})";
  };
  BOOST_TEST(faults(line("x", "y")).empty());
  BOOST_TEST((faults(line("x", "x")) == List{"duplicated annotations[1].segment"}));
}

// What differs in any member is another one: two at one time, whom only an overlap is said of.
BOOST_AUTO_TEST_CASE(equal_in_all_members) {
  const auto line = [](const std::string& list, const std::string& one, const std::string& other) {
    return R"({"video":"v",")" + list + R"(":[{"segment":[1,2],"label":"a")" + one +
           R"(},{"label":"a","segment":[1,2.0])" + other + "}]}";
  };
  const List same = {"duplicated annotations[1].segment"}, apart = {"overlapping annotations[1].segment"};
  CheckOptions dedup;
  dedup.fix = {"dedup"};
  const auto kept = [&](const std::string& text) {
    RecordChecker checker(dedup, [](const Fault&) {});
    return *checker.line(text, "stdin", 1) == text;
  };
  for (const auto& [one, other] : {std::pair{R"(,"modifiers":"left")", R"(,"modifiers":"right")"},
                                   {R"(,"low":100,"high":200)", ""},
                                   {R"(,"score":0.5)", R"(,"score":0.25)"},
                                   {R"(,"x":{"y":[1]})", R"(,"x":{"y":[1,null]})"}}) {
    BOOST_TEST((faults(line("annotations", one, other)) == apart), one);
    BOOST_TEST(kept(line("annotations", one, other)), one);
  }
  for (const auto& [one, other] : {std::pair{"", ""},
                                   {R"(,"low":100,"high":2e2)", R"(,"high":200,"low":100.0)"},
                                   {R"(,"tier":null)", ""},
                                   {R"(,"x":"\u0061")", R"(,"x":"a")"}}) {
    BOOST_TEST((faults(line("annotations", one, other)) == same), one);
    BOOST_TEST(!kept(line("annotations", one, other)), one);
  }
  // Points do not overlap.
  BOOST_TEST(faults(R"({"video":"v","annotations":[{"at":1,"label":"a","team":"x"},{"at":1,"label":"a"}]})").empty());
  // Proposals may differ in their scores.
  BOOST_TEST((faults(line("proposals", R"(,"score":1,"scores":{"a":1})", R"(,"score":2)")) ==
              List{"duplicated proposals[1].segment"}));
  BOOST_TEST(faults(line("proposals", R"(,"score":1,"id":1)", R"(,"score":1,"id":2)")).empty());
}

BOOST_AUTO_TEST_CASE(points) {
  const std::string line =
      R"({"video":"v","duration":10,"annotations":[{"at":3,"label":"a"},{"at":3,"label":"b"},{"segment":[2,4],"label":"a"},)"
      R"({"at":3,"label":"a"},{"at":10.5,"label":"a"},{"at":12,"label":"a"},{"at":-1,"label":"a"},{"at":"4","label":"a"},)"
      R"({"at":5,"segment":[5,6],"label":"a"},{"at":6}],"proposals":[{"at":1,"score":0.1},{"at":2,"score":0.2}]})";
  CheckOptions options;
  options.tolerance = 1;
  BOOST_TEST((faults(line, options) == List{"duplicated annotations[3].at", "after-end annotations[5].at",
                                            "negative annotations[6].at", "bad-segment annotations[7].at",
                                            "bad-segment annotations[8].at", "bad-label annotations[9].label"}));
  options.fix = {"drop", "dedup", "sort"};
  RecordChecker checker(options, [](const Fault&) {});
  BOOST_TEST(
      checker.line(line, "stdin", 1).value() ==
      R"({"video":"v","duration":10,"annotations":[{"segment":[2,4],"label":"a"},{"at":3,"label":"a"},{"at":3,"label":"b"},)"
      R"({"at":10.5,"label":"a"}],"proposals":[{"at":2,"score":0.2},{"at":1,"score":0.1}]})");
}

BOOST_AUTO_TEST_CASE(ground_truth_and_stream) {
  const KnownNames known{{"a", "b"}, {"Run"}};
  List kinds;
  RecordChecker checker(
      {}, [&](const Fault& fault) { kinds.push_back(fault.kind + " " + std::to_string(fault.line)); }, &known);
  checker.line("{\"video\":\"a\",\"proposals\":[{\"segment\":[0,1],\"label\":\"Jump\"}]}", "stdin", 1);
  checker.line("not json", "stdin", 2);
  checker.line("{\"video\":\"a\"}", "stdin", 3);
  checker.line("{\"video\":\"z\"}", "stdin", 4);
  checker.end("stdin");
  BOOST_TEST(
      (kinds == List{"unknown-label 1", "broken-line 2", "duplicate-video 3", "unknown-video 4", "missing-video 0"}));
}

// A live stream's video stands in it once a window.
BOOST_AUTO_TEST_CASE(windows_of_one_video) {
  List found;
  RecordChecker checker({},
                        [&](const Fault& fault) { found.push_back(fault.kind + " " + std::to_string(fault.line)); });
  const auto window = [](int index) {
    return R"({"video":"v","window":{"index":)" + std::to_string(index) + R"(,"start":0,"end":4,"final":false}})";
  };
  checker.line(window(0), "stdin", 1);
  checker.line(window(1), "stdin", 2);
  BOOST_TEST(found.empty());
  checker.line(window(1), "stdin", 3);
  checker.line(R"({"video":"w"})", "stdin", 4);
  BOOST_TEST((found == List{"duplicate-video 3"}));
}

// What is missing between windows, by their numbers, and by their times where these say more.
BOOST_AUTO_TEST_CASE(missing_windows) {
  const auto said = [](const std::vector<std::pair<int, double>>& windows, double length, int last = -1) {
    List out;
    RecordChecker checker({}, [&](const Fault& fault) { out.push_back(fault.kind + ": " + fault.message); });
    for (const auto& [index, start] : windows)
      checker.line(R"({"video":"v","window":{"index":)" + std::to_string(index) + R"(,"start":)" +
                       std::to_string(start) + R"(,"end":)" + std::to_string(start + length) + R"(,"final":)" +
                       (index == last ? "true" : "false") + "}}",
                   "stdin", 1);
    return out;
  };
  BOOST_TEST(said({{0, 0}, {1, 4}, {2, 8}}, 4, 2).empty());
  BOOST_TEST((said({{0, 0}, {2, 8}}, 4, 2) == List{"missing-window: before it, window 1 is missing"}));
  BOOST_TEST((said({{3, 12}, {4, 16}}, 4) == List{"missing-window: before it, windows 0 to 2 are missing"}));
  BOOST_TEST(
      (said({{0, 0}, {1, 4}, {2, 12}, {3, 16}}, 4) == List{"missing-window: before it, 8 s to 12 s are in no window"}));
  // With a stride longer than a window all are apart.
  BOOST_TEST(said({{0, 0}, {1, 10}, {2, 20}, {3, 30}}, 4).empty());
  BOOST_TEST((said({{0, 0}, {1, 4}, {0, 0}}, 4, 1) ==
              List{"duplicate-video: stands in the stream before, with the same record",
                   "window-order: is 0 after 1: windows come in order"}));
  BOOST_TEST((said({{0, 0}, {1, 4}, {2, 8}}, 4, 1) == List{"window-order: follows the final window, 1"}));
}

BOOST_AUTO_TEST_CASE(ends_behind_the_video_within_the_tolerance) {
  CheckOptions options;
  const std::string line = R"({"video":"v","duration":10,"annotations":[{"segment":[1,12],"label":"a"}]})";
  for (const auto& [tolerance, wanted] : {std::pair{0.0, 1}, {1.9, 1}, {2.0, 0}, {3.0, 0}}) {
    options.tolerance = tolerance;
    BOOST_TEST(faults(line, options).size() == static_cast<std::size_t>(wanted), tolerance);
  }
}

BOOST_AUTO_TEST_CASE(features_and_hashes) {
  BOOST_TEST((faults("{\"video\":\"v\",\"duration\":10,\"features\":{\"f\":{\"path\":\"/nonexistent/"
                     "x.npy\",\"rows\":100,\"dim\":4,\"stride\":16,\"window\":16,"
                     "\"fps\":25,\"weights\":\"sha256:12\"}}}") ==
              List{"bad-hash features.f.weights", "rows-disagree features.f.rows", "bad-file features.f.path"}));
}

BOOST_AUTO_TEST_CASE(repairs) {
  CheckOptions options;
  options.fix = {"clip", "dedup", "order"};
  std::vector<Fault> found;
  RecordChecker checker(options, [&](const Fault& fault) { found.push_back(fault); });
  // The order of keys, white space, spellings of numbers and unknown members stay as they are.
  BOOST_TEST(
      *checker.line(
          R"({"video":"v", "x": 1.0,"duration":10,"proposals":[ {"score":5e-1, "segment": [4,2],"big":12345678901234567890,"t":"],[\"}"} ,{"segment":[8,12]},)"
          R"({"segment":[8,10]}, {"a" : 1.50,"segment":[1.0,2]}]})",
          "stdin", 1) ==
      R"({"video":"v", "x": 1.0,"duration":10,"proposals":[{"score":5e-1, "segment": [2,4],"big":12345678901234567890,"t":"],[\"}"},{"segment":[8,10]},)"
      R"({"a" : 1.50,"segment":[1.0,2]}]})");
  BOOST_TEST(found.size() == 3);
  BOOST_TEST(std::all_of(found.begin(), found.end(), [](const Fault& fault) { return fault.fixed; }));
  BOOST_TEST(
      *checker.line(R"({"video":"u","duration":3,"annotations":[{"video":"own","label":"a\\","se\u0067ment":[1, 4]}]})",
                    "stdin", 2) ==
      R"({"video":"u","duration":3,"annotations":[{"video":"own","label":"a\\","se\u0067ment":[1,3]}]})");
  // A line that is no record passes as it is.
  const std::string twice =
      R"({"video":"v","duration":1,"annotations":[{"segment":[2,1],"label":"a"}],"annotations":[]})";
  BOOST_TEST(*checker.line(twice, "stdin", 3) == twice);
  BOOST_TEST(*checker.line("{\"video\":\"w\", \"annotations\":[ ]}", "stdin", 2) ==
             "{\"video\":\"w\", \"annotations\":[ ]}");
}

BOOST_AUTO_TEST_CASE(members_that_stand_twice) {
  BOOST_TEST((faults(R"({"video":"v","a":1,"a":2,"x":{"y":[0,{"z":1,"z":1}]},"annotations":[{"segment":[1,2],)"
                     R"("segment":[5,6],"label":"a","\u006cabel":"b"}]})") ==
              List{"duplicate-key a", "duplicate-key x.y[1].z", "duplicate-key annotations[0].segment",
                   "duplicate-key annotations[0].label"}));
  BOOST_TEST(faults(R"({"video":"v","x":[{"a":1},{"a":1},{"b":{"a":1}}]})").empty());
}

BOOST_AUTO_TEST_CASE(types) {
  BOOST_TEST(
      (faults(R"({"video":"v","path":3,"subset":[],"duration":"10","fps":"25","frames":-1,"maps":[],"window":)"
              R"({"index":"0"},"history":[{"tool":"t"},{"args":[]},{"tool":"t","args":[1]}]})") ==
       List{"bad-duration duration", "bad-fps fps", "bad-field path", "bad-field subset", "bad-field maps",
            "bad-frames frames", "bad-window window.index", "bad-history history[1]", "bad-history history[2].args"}));
  BOOST_TEST((faults(R"({"video":"v","maps":{"a":{},"b":[1],"path":"f","c":3,"d":"f","e":null}})") ==
              List{"bad-field maps.c", "bad-field maps.d", "bad-field maps.e"}));
  BOOST_TEST((faults(R"({"video":"v","proposals":[{"segment":[1,2],"score":"0.5","label":7,"scores":"x"},)"
                     R"({"segment":["1",2]},{"segment":[3,4],"scores":{"a":"y","b":1,"c":true}},4]})") ==
              List{"bad-label proposals[0].label", "bad-score proposals[0].score", "bad-score proposals[0].scores",
                   "bad-segment proposals[1].segment", "bad-score proposals[2].scores.a",
                   "bad-score proposals[2].scores.c", "bad-segment proposals[3].segment"}));
  BOOST_TEST(
      (faults(R"({"video":"v","classification":[{"label":"a","score":1},{"label":"a","score":"1"},{"score":1}]})") ==
       List{"bad-classification classification[1].score", "duplicated classification[1].label",
            "bad-classification classification[2].label"}));
  BOOST_TEST((faults(R"({"video":"v","features":{"a":{"rows":1.5,"path":[]},"b":{},"c":3,"d":{"rows":0}}})") ==
              List{"bad-features features.a.path", "bad-features features.a.rows", "bad-features features.b",
                   "bad-features features.c"}));
  // Rows that travel in the record: two floats are no 2 x 4.
  BOOST_TEST((faults(R"({"video":"v","features":{"a":{"rows":2,"dim":4,"data":"AACAPwAAgD8="}}})") ==
              List{"bad-features features.a"}));
}

BOOST_AUTO_TEST_CASE(overlaps_with_all_and_not_the_neighbour_alone) {
  const auto overlaps = [](const std::string& annotations) {
    std::vector<std::string> texts;
    RecordChecker checker({}, [&](const Fault& fault) { texts.push_back(fault.field + " " + fault.message); });
    checker.line(R"({"video":"v","annotations":[)" + annotations + "]}", "stdin", 1);
    return texts;
  };
  BOOST_TEST((overlaps(R"({"segment":[0,5],"label":"a"},{"segment":[1,2],"label":"a"},{"segment":[3,9],"label":"a"},)"
                       R"({"segment":[4,4.5],"label":"a"},{"segment":[4,6],"label":"b"})") ==
              List{"annotations[1].segment overlaps annotations[0] of the same class 'a'",
                   "annotations[2].segment overlaps annotations[0] of the same class 'a'",
                   "annotations[3].segment overlaps annotations[0], annotations[2] of the same class 'a'"}));
  // What only touches is not among them, though another one reaches further.
  BOOST_TEST(
      (overlaps(R"({"segment":[0,10],"label":"a"},{"segment":[0.5,2],"label":"a"},{"segment":[2,3],"label":"a"})") ==
       List{"annotations[1].segment overlaps annotations[0] of the same class 'a'",
            "annotations[2].segment overlaps annotations[0] of the same class 'a'"}));
}

BOOST_AUTO_TEST_CASE(drops_sorts_and_leaves_twins_out) {
  CheckOptions options;
  options.fix = {"clip", "drop", "dedup", "sort"};
  std::vector<Fault> found;
  RecordChecker checker(options, [&](const Fault& fault) { found.push_back(fault); });
  const auto kinds = [&] {
    List out;
    for (const auto& fault : std::exchange(found, {})) out.push_back(fault.kind + (fault.fixed ? " fixed" : ""));
    return out;
  };
  const std::string line =
      R"({"video":"v","duration":10,"annotations":[{"segment":[8,12],"label":"b"},{"segment":[5,2],"label":"a"},)"
      R"({"segment":[3,3],"label":"a"},{"segment":[1,2],"label":"a","label":"b"},{"segment":[0,1.0],"label":"a"}],)"
      R"("proposals":[{"segment":[1,2],"score":0.1},{"segment":[1,2],"score":0.7},{"segment":[3,4],"score":0.9},)"
      R"({"segment":[3,4.5],"score":"x"},{"segment":[11,12],"score":1}]})";
  BOOST_TEST(
      checker.line(line, "stdin", 1).value() ==
      R"({"video":"v","duration":10,"annotations":[{"segment":[0,1.0],"label":"a"},{"segment":[8,10],"label":"b"}],)"
      R"("proposals":[{"segment":[3,4],"score":0.9},{"segment":[1,2],"score":0.7}]})");
  BOOST_TEST(
      (kinds() == List{"duplicate-key fixed", "past-end fixed", "reversed fixed", "empty fixed", "unsorted fixed",
                       "duplicated fixed", "bad-score fixed", "after-end fixed", "unsorted fixed"}));
  // The same record once more goes, whatever made it; another one of the video stays, and stays a fault.
  BOOST_TEST(!checker.line(line, "stdin", 2).has_value());
  BOOST_TEST((kinds() == List{"duplicate-key fixed", "duplicate-video fixed"}));
  BOOST_TEST(checker.line(R"({"video":"v","duration":11})", "stdin", 3).value() == R"({"video":"v","duration":11})");
  BOOST_TEST((kinds() == List{"duplicate-video"}));
  BOOST_TEST(!checker.line("{\"video\":", "stdin", 4).has_value());
  BOOST_TEST(!checker.line(R"({"video":"w","a":1,"a":2})", "stdin", 5).has_value());
  BOOST_TEST((kinds() == List{"broken-line fixed", "duplicate-key fixed"}));
}

// Annotations by start, then end, then label; proposals by score, of equals the first stays first.
BOOST_AUTO_TEST_CASE(sorted_as_people_read_them) {
  CheckOptions options;
  options.fix = {"sort"};
  RecordChecker checker(options, [](const Fault&) {});
  BOOST_TEST(
      checker
          .line(R"({"video":"v","annotations":[{"segment":[2,3],"label":"b"},{"segment":[2,3],"label":"a"},)"
                R"({"segment":[1,9],"label":"b"},{"segment":[1,4],"label":"c"}],"proposals":[)"
                R"({"segment":[1,2],"score":0.5},{"segment":[0,1],"score":0.5},{"segment":[5,6],"score":0.75}]})",
                "stdin", 1)
          .value() ==
      R"({"video":"v","annotations":[{"segment":[1,4],"label":"c"},{"segment":[1,9],"label":"b"},)"
      R"({"segment":[2,3],"label":"a"},{"segment":[2,3],"label":"b"}],"proposals":[)"
      R"({"segment":[5,6],"score":0.75},{"segment":[1,2],"score":0.5},{"segment":[0,1],"score":0.5}]})");
}

BOOST_AUTO_TEST_CASE(the_record_against_its_video) {
  List kinds;
  const VideoProbe probe = [](const std::string&) { return VideoFacts{4, 25, 100}; };
  RecordChecker checker(
      {}, [&](const Fault& fault) { kinds.push_back(fault.kind + " " + fault.field); }, nullptr, probe);
  const std::string path =
      std::string(R"("path":")") + std::filesystem::read_symlink("/proc/self/exe").string() + '"';  // any file that is
                                                                                                    // there
  checker.line(R"({"video":"a",)" + path + R"(,"duration":10,"fps":30,"frames":300})", "stdin", 1);
  BOOST_TEST((kinds == List{"duration-disagrees duration", "fps-disagrees fps", "frames-disagree frames"}));
  kinds.clear();
  checker.line(R"({"video":"b",)" + path + R"(,"duration":4.5,"fps":[24999,1000],"frames":99})", "stdin", 2);
  checker.line(R"({"video":"c","path":"/nowhere/x.mp4","duration":10})", "stdin", 3);
  BOOST_TEST(kinds.empty());
}

BOOST_AUTO_TEST_CASE(replays) {
  BOOST_TEST(replay("{\"video\":\"v\",\"history\":[{\"tool\":\"tal-propose\",\"args\":[\"--method\",\"grouping\"]},{"
                    "\"tool\":\"tal-nms\",\"args\":[\"it's\"]}]}") ==
             "tal-propose --method grouping | tal-nms 'it'\\''s'");
  BOOST_CHECK_THROW(replay("{\"video\":\"v\"}"), Error);

  // What changed between two steps, or behind the last one, and told nobody.
  Record record;
  record.parse(R"({"video":"v","duration":3})");
  record.append_history(R"({"tool":"a","files":{"m.safetensors":"sha256:0"}})");
  const std::string first = record.str();
  BOOST_TEST(replay(first) == "a\n#   a read m.safetensors sha256:0");
  record.parse(first);
  record.set_number("duration", 4);
  const std::string edited = record.str();
  BOOST_TEST(replay(edited).starts_with("a | FOREIGN-STAGE\n"));
  record.parse(edited);
  record.append_history(R"({"tool":"b"})");
  BOOST_TEST(replay(record.str()).starts_with("a | FOREIGN-STAGE | b\n"));
  record.parse(first);
  record.set_number("duration", 4);
  record.append_history(R"({"tool":"b"})");
  BOOST_TEST(replay(record.str()).starts_with("a | b\n"));
}

BOOST_AUTO_TEST_CASE(stages) {
  const auto cat = broken("cat");
  BOOST_TEST((cat == std::set<std::string>{"a broken record ends it with a status that is not 0"}));
  BOOST_TEST(broken("sort -r").count("order kept"));
  const auto rewritten = broken("sed -u 's/1\\.0/1/'"), changed = broken("sed -u 's/1\\.0/2/'");
  BOOST_TEST(rewritten.count("unknown fields pass byte for byte"));
  BOOST_TEST(!rewritten.count("unknown fields keep their values"));
  BOOST_TEST(changed.count("unknown fields keep their values"));
  BOOST_TEST(broken("head -n 5").count("no record lost or added"));
  BOOST_TEST(broken("cat; exit 3").count("status 0 on good records"));
}

// Who writes without end takes neither memory nor more time than it is given.
BOOST_AUTO_TEST_CASE(endless_stages) {
  const auto begun = std::chrono::steady_clock::now();
  for (const char* command : {"yes", "yes >&2", "head -n 1; cat /dev/zero"}) {
    std::size_t kept = 0, bytes = 0;
    for (const auto& promise : certify_stage(command, 0.5))
      kept += promise.kept, bytes += promise.detail.size() + promise.complaint.size();
    BOOST_TEST(kept < 8U, command);
    BOOST_TEST(bytes < 100000U, command);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  BOOST_TEST(took.count() < 60);
}

BOOST_AUTO_TEST_CASE(what_stages_say) {
  std::string all;
  for (const auto& promise : certify_stage("echo one >&2; seq 9 >&2; exit 3", 5))
    if (promise.name.starts_with("status 0")) all = promise.complaint;
  BOOST_TEST(all == "4\n5\n6\n7\n8\n9");
  BOOST_CHECK_EXCEPTION(certify_stage("no-such-program-here", 5), Error, [](const Error& error) {
    return error.message().starts_with("--stage: 'no-such-program-here' cannot be started: ");
  });
}

// Lists without faults are read in another way than the others; what is said, told and repaired is the same.
BOOST_AUTO_TEST_CASE(lists_without_faults_by_the_reference) {
  std::mt19937 random(7);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  const auto pick = [&](const List& words) { return words[random() % words.size()]; };
  const auto number = [&](double most) { return std::to_string(std::floor(random() % 1000 * most / 10) / 100); };
  const auto item = [&](unsigned rarely) {
    std::string out = "{";
    const auto member = [&](const std::string& text) { out += (out.size() > 1 ? "," : "") + text; };
    const std::string odd = one_in(rarely) ? pick({"\"scroe\":1",
                                                   "\"labels\":[]",
                                                   "\"score\":\"x\"",
                                                   "\"scores\":{\"x\":null}",
                                                   "\"label\":7",
                                                   "\"segment\":[3,1]",
                                                   "\"segment\":[1,1]",
                                                   "\"segment\":[-1,2]",
                                                   "\"segment\":[9,11]",
                                                   "\"segment\":[11,12]",
                                                   "\"segment\":[1]",
                                                   "\"segment\":[1,2,3]",
                                                   "\"at\":11",
                                                   "\"at\":true",
                                                   "\"label\":\"\\u0430\"",
                                                   "\"label\":\"\"",
                                                   "\"big\":123456789012345678901234567890",
                                                   "\"label\":\"Lond Jump\"",
                                                   "\"n\":1e999",
                                                   "\"s\":\"\\ud800\""})
                                           : "";
    const auto own = [&](const std::string& name) { return !odd.starts_with("\"" + name + "\""); };
    const bool timed = own("segment") && own("at");
    if (!odd.empty()) member(odd);
    if (timed && one_in(12)) {
      member("\"at\":" + number(10));
    } else if (timed) {
      const double start = random() % 80 / 8.0;
      member("\"segment\":[" + std::to_string(start) + "," + std::to_string(start + (1 + random() % 8) / 8.0) + "]");
    }
    if (own("label") && !one_in(rarely))
      member("\"label\":\"" + pick({"a", "b", "Long Jump", "\\u00e9", "c\\n"}) + "\"");
    if (own("score") && one_in(2)) member("\"score\":" + number(1));
    if (own("scores") && one_in(4)) member("\"scores\":{\"x\":" + number(1) + ",\"y\":1e-3}");
    if (one_in(3)) member("\"tier\":" + pick({"\"t\"", "\"u\"", "null", "3"}));
    if (one_in(6)) member("\"channel\":" + pick({"1", "[1,2]"}));
    if (one_in(6)) member("\"note\":{\"segment\":[4,2]}");
    return out + "}";
  };
  const auto record = [&](std::size_t number) {
    std::string out = "{\"video\":\"v" + std::to_string(number) + "\"";
    const unsigned rarely = one_in(2) ? 1000000 : 12;
    if (!one_in(3)) out += ",\"duration\":" + pick({"10", "11.5", "200"});
    for (const char* key : {"annotations", "proposals"}) {
      if (one_in(5)) continue;
      out += std::string(" , \"") + key + "\" : [";
      for (std::size_t n = random() % 6, i = 0; i < n; ++i) out += (i > 0 ? ", " : "") + item(rarely);
      out += one_in(rarely) ? ",4]" : " ]";
    }
    if (one_in(rarely)) out += ",\"annotations\":[]";
    return out + ",\"x\":1.50}";
  };
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 4000; ++i) lines.push_back(record(i));
  const KnownNames known{{"v1", "v2"}, {"a", "b", "Long Jump"}};
  std::size_t quiet = 0;
  for (const List& fix : {List{}, {"drop"}, {"clip", "order", "dedup"}, {"sort", "drop"}}) {
    for (const auto* names : {static_cast<const KnownNames*>(nullptr), &known}) {
      List said[2];
      for (const bool one_by_one : {false, true}) {
        List& out = said[one_by_one];
        CheckOptions options;
        options.fix = fix, options.one_by_one = one_by_one, options.tolerance = 1;
        options.seen = [&](const std::string& label, double end) { out.push_back(label + std::to_string(end)); };
        RecordChecker checker(
            options, [&](const Fault& fault) { out.push_back(fault.text() + (fault.fixed ? " fixed" : "")); }, names);
        for (std::size_t i = 0; i < lines.size(); ++i) {
          const std::size_t before = out.size();
          out.push_back(checker.line(lines[i], "stdin", i + 1).value_or("left out"));
          quiet += out.size() == before + 1;
        }
        out.push_back(checker.unchecked().text());
        for (const auto& each : checker.misspelt()) out.push_back(each);
      }
      BOOST_TEST(said[0].size() == said[1].size());
      for (std::size_t i = 0; i < std::min(said[0].size(), said[1].size()); ++i)
        BOOST_REQUIRE_MESSAGE(said[0][i] == said[1][i], said[0][i] << "\nby the reference:\n" << said[1][i]);
    }
  }
  BOOST_TEST(quiet > 1000);
}

BOOST_AUTO_TEST_SUITE_END()
