// Every class of fault is found with its place, repairs are exact, and a foreign stage is judged by what it does.
#include "libtal/stages/check.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

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
  BOOST_TEST((faults("{\"video\":\"v\",") == List{"broken-line "}));
  BOOST_TEST((faults("{\"duration\":1}") == List{"bad-video video"}));
  BOOST_TEST((faults("{\"video\":\"v\",\"duration\":-1}") == List{"bad-duration duration"}));
  BOOST_TEST((faults("{\"video\":\"v\",\"duration\":10,\"fps\":25,\"frames\":500}") == List{"frames-disagree frames"}));
  BOOST_TEST(faults("{\"video\":\"v\",\"duration\":10,\"fps\":25,\"frames\":250,\"annotations\":[{\"segment\":[0,10],"
                    "\"label\":\"a\"}]}")
                 .empty());
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
      checker.line(
          R"({"video":"v", "x": 1.0,"duration":10,"proposals":[ {"score":5e-1, "segment": [4,2],"big":12345678901234567890,"t":"],[\"}"} ,{"segment":[8,12]},)"
          R"({"segment":[8,10]}, {"a" : 1.50,"segment":[1.0,2]}]})",
          "stdin", 1) ==
      R"({"video":"v", "x": 1.0,"duration":10,"proposals":[{"score":5e-1, "segment": [2,4],"big":12345678901234567890,"t":"],[\"}"},{"segment":[8,10]},)"
      R"({"a" : 1.50,"segment":[1.0,2]}]})");
  BOOST_TEST(found.size() == 3);
  BOOST_TEST(std::all_of(found.begin(), found.end(), [](const Fault& fault) { return fault.fixed; }));
  BOOST_TEST(
      checker.line(R"({"video":"u","duration":3,"annotations":[{"video":"own","label":"a\\","se\u0067ment":[1, 4]}]})",
                   "stdin", 2) ==
      R"({"video":"u","duration":3,"annotations":[{"video":"own","label":"a\\","se\u0067ment":[1,3]}]})");
  // A line that is no record passes as it is.
  const std::string twice =
      R"({"video":"v","duration":1,"annotations":[{"segment":[2,1],"label":"a"}],"annotations":[]})";
  BOOST_TEST(checker.line(twice, "stdin", 3) == twice);
  BOOST_TEST(checker.line("{\"video\":\"w\", \"annotations\":[ ]}", "stdin", 2) ==
             "{\"video\":\"w\", \"annotations\":[ ]}");
}

BOOST_AUTO_TEST_CASE(replays) {
  BOOST_TEST(replay("{\"video\":\"v\",\"history\":[{\"tool\":\"tal-propose\",\"args\":[\"--method\",\"grouping\"]},{"
                    "\"tool\":\"tal-nms\",\"args\":[\"it's\"]}]}") ==
             "tal-propose --method grouping | tal-nms 'it'\\''s'");
  BOOST_CHECK_THROW(replay("{\"video\":\"v\"}"), Error);
}

BOOST_AUTO_TEST_CASE(stages) {
  const auto cat = broken("cat");
  BOOST_TEST((cat == std::set<std::string>{"a broken record ends it with status 1"}));
  BOOST_TEST(broken("sort -r").count("order kept"));
  BOOST_TEST(broken("sed -u 's/1\\.0/1/'").count("unknown fields pass byte for byte"));
  BOOST_TEST(broken("head -n 5").count("no record lost or added"));
  BOOST_TEST(broken("cat; exit 3").count("status 0 on good records"));
}

BOOST_AUTO_TEST_SUITE_END()
