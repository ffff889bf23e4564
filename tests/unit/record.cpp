// The record: byte-exact pass-through, typed fields, and errors that name the field.
#include "libtal/io/record.h"
#include "libtal/base/digest.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "libtal/base/error.h"

using namespace tal;

namespace {

std::string error_of(
    std::string_view line,
    void (*use)(Record&) = [](Record& r) { r.proposals(), r.annotations(), r.duration(), r.fps(), r.features(); }) {
  Record record;
  try {
    record.parse(line);
    use(record);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(untouched_lines_pass_byte_for_byte) {
  for (const char* line : {R"({"video":"a"})", R"( { "video" : "a" , "x":[1 , 2.50,"\u00e9"] ,"duration":1e1 } )",
                           R"({"x":{"y":[[],{}]},"video":"\u0061b","z":null})"}) {
    Record record;
    record.parse(line);
    std::string text = line;
    while (text.back() == ' ') text.pop_back();
    BOOST_TEST(record.str() == text);
  }
}

BOOST_AUTO_TEST_CASE(changed_fields_are_spliced) {
  Record record;
  record.parse(
      R"({ "video":"a", "n" : 1.50 ,"proposals":[{"segment":[1.0,2.0],"score":0.50,"who":"me"}], "z":[ 1 ] })");
  auto proposals = record.proposals();
  BOOST_TEST(proposals.size() == 1u);
  record.set_proposals(proposals);
  BOOST_TEST(record.str() ==
             R"({ "video":"a", "n" : 1.50 ,"proposals":[{"segment":[1.0,2.0],"score":0.50,"who":"me"}], "z":[ 1 ] })");
  proposals = record.proposals();
  proposals[0].score = 0.25;
  proposals[0].label = record.keep("dive");
  record.set_proposals(proposals);
  record.set_number("duration", 10);
  BOOST_TEST(
      record.str() ==
      R"({ "video":"a", "n" : 1.50 ,"proposals":[{"segment":[1.0,2.0],"score":0.25,"who":"me","label":"dive"}], "z":[ 1 ],"duration":10})");
  record.remove("n");
  BOOST_TEST(record.str().find("\"n\"") == std::string::npos);
  BOOST_TEST(!record.has("n"));
}

// "scores" of a proposal: appended, or changed where they stand; every other byte stays.
BOOST_AUTO_TEST_CASE(scores_are_spliced) {
  const auto with_scores = [](const std::string& proposal) {
    Record record;
    record.parse(R"({"video":"a","proposals":[)" + proposal + "]}");
    auto proposals = record.proposals();
    proposals[0].scores = record.keep_scores({{"unit", 0.25}, {"q\"", 2}});
    record.set_proposals(proposals);
    return std::string(*record.raw("proposals"));
  };
  BOOST_TEST(with_scores(R"({"segment":[1,2],"note":7.0 })") ==
             R"([{"segment":[1,2],"note":7.0,"scores":{"unit":0.25,"q\"":2}}])");
  BOOST_TEST(with_scores(R"({"scores":{ "a" : 1.50, "unit":9, "b":2 },"note":7.0, "segment":[1,2]})") ==
             R"([{"scores":{"a":1.50,"unit":0.25,"b":2,"q\"":2},"note":7.0, "segment":[1,2]}])");
  BOOST_TEST(with_scores(R"({"segment":[1,2],"scores":{}})") ==
             R"([{"segment":[1,2],"scores":{"unit":0.25,"q\"":2}}])");
  BOOST_CHECK_THROW(with_scores(R"({"segment":[1,2],"scores":[1]})"), Error);

  Record record = Record::make("v");
  Proposal proposal;
  proposal.segment = {1, 2}, proposal.score = 0.5, proposal.label = "x";
  proposal.scores = record.keep_scores({{"iou", 1}});
  proposal.extra = R"("n":1)";
  std::string out;
  append_proposal(out, proposal);
  BOOST_TEST(out == R"({"segment":[1,2],"score":0.5,"label":"x","scores":{"iou":1},"n":1})");
  const auto scores = named_scores(proposal);
  BOOST_TEST((scores.size() == 1 && scores[0].name == "iou" && scores[0].value == 1));
}

BOOST_AUTO_TEST_CASE(errors_have_a_kind) {
  const auto kind_of = [](std::string_view line) {
    Record record;
    try {
      record.parse(line);
    } catch (const Error& error) {
      return static_cast<int>(error.kind());
    }
    return -1;
  };
  using Kind = Error::Kind;
  BOOST_TEST(kind_of("{\"video\":\"\xff\"}") == static_cast<int>(Kind::kNotUtf8));
  BOOST_TEST(kind_of(R"({"video":"v","x":NaN})") == static_cast<int>(Kind::kNotFinite));
  BOOST_TEST(kind_of(R"({"video":"v","x":1,"x":2})") == static_cast<int>(Kind::kRepeatedKey));
  BOOST_TEST(kind_of(R"({"video":"v)") == static_cast<int>(Kind::kOther));
  try {
    throw_errno("x.npy", ENOENT);
  } catch (Error& error) {
    BOOST_TEST((error.kind() == Kind::kNoFile && error.file() == "x.npy"));
    error.in_file("around.zip");  // the innermost place stays
    BOOST_TEST(error.message() == "'x.npy': No such file or directory");
  }
}

BOOST_AUTO_TEST_CASE(points) {
  Record record;
  const std::string line =
      R"({"video":"a","annotations":[{"at": 3.50,"label":"pass"},{"segment":[1,2],"label":"run"}],"proposals":[{"score":0.5,"at":4.0,"who":1}]})";
  record.parse(line);
  const auto truth = record.annotations(false, Points::kTaken);
  BOOST_TEST_REQUIRE(truth.size() == 2u);
  BOOST_TEST(truth[0].point);
  BOOST_TEST(truth[0].segment.start == 3.5);
  BOOST_TEST(truth[0].segment.end == 3.5);
  BOOST_TEST(!truth[1].point);
  auto found = record.proposals(Points::kTaken);
  BOOST_TEST_REQUIRE(found.size() == 1u);
  BOOST_TEST(found[0].point);
  record.set_proposals(found);
  record.set_annotations(truth);
  BOOST_TEST(
      record.str() ==
      R"({"video":"a","annotations":[{"at":3.5,"label":"pass"},{"segment":[1,2],"label":"run"}],"proposals":[{"score":0.5,"at":4.0,"who":1}]})");
  found[0].segment = {5, 5}, found[0].score = 0.25;
  Proposal made;
  made.segment = {7, 7}, made.score = 1, made.point = true;
  found.push_back(made);
  record.set_proposals(found);
  BOOST_TEST(*record.raw("proposals") == R"([{"score":0.25,"at":5,"who":1},{"at":7,"score":1}])");
  found[0].point = false;
  BOOST_CHECK_THROW(record.set_proposals(found), Error);

  // Who needs lengths gets none.
  BOOST_TEST(error_of(line, [](Record& r) { r.annotations(true); }) ==
             "video 'a': annotations[0].at: a point in time has no length; this step needs segments (tal-convert "
             "--points drop "
             "leaves points out, --points S makes them S seconds long)");
  BOOST_TEST(
      error_of(line, [](Record& r) { r.require_scored_proposals(); }) ==
      "video 'a': proposals[0].at: a point in time has no length; this step needs segments (tal-convert --points drop "
      "leaves points out, --points S makes them S seconds long)");
  const auto take = [](Record& r) { r.annotations(false, Points::kTaken), r.proposals(Points::kTaken); };
  BOOST_TEST(error_of(R"({"video":"a","annotations":[{"at":1,"segment":[1,2]}]})", take) ==
             "video 'a': annotations[0].at: stands beside segment; it is one or the other");
  BOOST_TEST(error_of(R"({"video":"a","proposals":[{"segment":[1,2],"at":1}]})", take) ==
             "video 'a': proposals[0].at: stands beside segment; it is one or the other");
  BOOST_TEST(error_of(R"({"video":"a","annotations":[{"at":"1"}]})", take) ==
             "video 'a': annotations[0].at: '\"1\"' is not a finite number");
  BOOST_TEST(error_of(R"({"video":"a","proposals":[{"at":[1,1]}]})", take) ==
             "video 'a': proposals[0].at: '[' is not a finite number");
}

BOOST_AUTO_TEST_CASE(history_is_appended) {
  Record record;
  record.parse(R"({"video":"a","history":[{"tool":"x"}]})");
  record.append_history(R"({"tool":"y"})");
  // One member but history: its hash is that of "a" in quotes, seeded with the hash of its key.
  std::uint64_t member = wyhash("\"a\"", wyhash("video"));
  std::string bytes;
  for (int k = 0; k < 8; ++k, member >>= 8) bytes += static_cast<char>(member & 255);
  const std::string digest = hex16(wyhash(bytes));
  BOOST_TEST(record.digest() == digest);
  BOOST_TEST(record.str() ==
             R"({"video":"a","history":[{"tool":"x"},{"tool":"y","in":")" + digest + R"(","out":")" + digest + "\"}]}");
}

BOOST_AUTO_TEST_CASE(typed_fields) {
  Record record;
  record.parse(
      R"({"video":"a","duration":12.5,"fps":[30000,1001],"subset":"v\u0061l","annotations":[{"segment":[0,1],"label":"b\"c"}],)"
      R"("features":{"rgb":{"path":"x.npy","rows":3,"dim":2,"stride":16,"window":16,"fps":25,"classes":["p","q"]}},)"
      R"("classification":[{"label":"k","score":0.5}],"proposals":[{"label":"\u00e9","score":1,"segment":[ 0.5 , 3 ],"scores":{"unit":0.25}}]})");
  BOOST_TEST(*record.duration() == 12.5);
  BOOST_TEST(record.fps()->value() == 30000.0 / 1001);
  BOOST_TEST(*record.text("subset") == "val");
  BOOST_TEST(record.annotations()[0].label == "b\"c");
  const auto streams = record.features();
  BOOST_TEST(streams.size() == 1u);
  BOOST_TEST(streams[0].rows == 3);
  BOOST_TEST(streams[0].classes[1] == "q");
  BOOST_TEST(record.classification()[0].score == 0.5);
  const auto& proposal = record.proposals()[0];
  BOOST_TEST(proposal.label == "\xc3\xa9");
  BOOST_TEST(proposal.segment.end == 3);
  BOOST_TEST(named_scores(proposal)[0].value == 0.25);
  record.set_feature("flow", R"({"path":"y.npy"})");
  BOOST_TEST(record.features().size() == 2u);
}

BOOST_AUTO_TEST_CASE(errors_name_the_place) {
  BOOST_TEST(error_of(R"({"video":"v_x","proposals":[{"segment":[1,2],"score":1},{"segment":[4.0,2.1]}]})") ==
             "video 'v_x': proposals[1].segment: end 2.1 is not after start 4.0");
  BOOST_TEST(error_of(R"({"video":"v","proposals":[{"score":1}]})") == "video 'v': proposals[0].segment: missing");
  BOOST_TEST(error_of(R"({"video":"v","proposals":[{"segment":[1,2],"score":NaN}]})").find("proposals[0].score") !=
             std::string::npos);
  BOOST_TEST(error_of(R"({"video":"v","proposals":[{"segment":[1,1e999],"score":1}]})")
                 .find("'1e999' is not a finite number") != std::string::npos);
  BOOST_TEST(error_of(R"({"video":"v","annotations":[{"segment":[3,3],"label":"a"}]})") ==
             "video 'v': annotations[0].segment: end 3 is not after start 3");
  BOOST_TEST(error_of(R"({"video":"v","duration":-1})") == "video 'v': duration: must be positive, not -1");
  BOOST_TEST(error_of(R"({"video":"v","duration":"12"})").find("duration: ") != std::string::npos);
  BOOST_TEST(error_of(R"({"duration":1})") == "video: missing");
  BOOST_TEST(error_of(R"({"video":7})") == "video: must be a string");
  BOOST_TEST(error_of(R"({"video":"v","x":1,"x":2})") == "video 'v': x: the key stands twice in the record");
  for (const char* bad :
       {"", "[]", "7", "{", R"({"video":"v")", R"({"video":"v"} x)", R"({"video":"v",})", "{\"video\":\"\xff\"}",
        "nonsense", R"({"video":"v" "x":1})", R"({"video":"v","proposals":{}})", R"({"video":"v","proposals":[1]})"})
    BOOST_TEST(!error_of(bad).empty(), bad);
  // Depth is no danger: what nobody reads is skipped without recursion, what is read must have its type.
  const std::string nest = std::string(100000, '[') + std::string(100000, ']') + "}";
  BOOST_TEST(error_of("{\"video\":\"v\",\"x\":" + nest).empty());
  BOOST_TEST(!error_of("{\"video\":\"v\",\"proposals\":" + nest).empty());
}

// What nobody reads is not passed on broken: fields when a record is read, proposals when they are read or written.
BOOST_AUTO_TEST_CASE(unread_json_is_checked) {
  for (const char* broken : {"{5}", "[1,2}", "{\"a\" 1}", "[1 2]", "[1,]", "[01]", "[\"\\q\"]", "{\"a\":{5}"}) {
    const std::string text = broken;
    Record record;
    BOOST_CHECK_THROW(record.parse("{\"video\":\"a\",\"x\":" + text + "}"), Error);
    for (const auto& line : {"{\"video\":\"a\",\"proposals\":" + text + "}",
                             "{\"video\":\"a\",\"proposals\":[{\"segment\":[1,2],\"x\":" + text + "}]}"}) {
      BOOST_CHECK_THROW((record.parse(line), record.proposals()), Error);
      std::string out;
      BOOST_CHECK_THROW((record.parse(line), record.write(out)), Error);
      BOOST_TEST(out.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(members_that_stand_twice) {
  const auto fault = [](const std::string& line) {
    try {
      Record record;
      record.parse(line);
      record.proposals();
    } catch (const Error& error) {
      return std::string(error.kind() == Error::Kind::kRepeatedKey ? "twice: " : "other: ") + error.what();
    }
    return std::string("none");
  };
  for (const auto& [inside, place] :
       {std::pair{R"("annotations":[{"segment":[1,2],"label":"a"},{"segment":[1,2],"segment":[3,4]}])",
                  "annotations[1]"},
        {R"("features":{"x":{"path":"a","rows":1,"dim":1,"rows":2}})", "features.x"},
        {R"("features":{"x":{"path":"a"},"x":{"path":"b"}})", "features"},
        {R"("classification":[{"label":"a","score":1,"score":0}])", "classification[0]"},
        {R"("mine":[[{"a":{"b":1,"b":1}}]])", "mine[0][0].a"},
        {R"("proposals":[{"segment":[1,2]},{"segment":[1,2],"score":1,"score":0}])", "proposals[1]"},
        {R"("proposals":[{"segment":[1,2],"score":1,"sc\u006fre":0}])", "proposals[0]"},
        {R"("proposals":[{"segment":[1,2],"mine":1,"mine":0}])", "proposals[0]"},
        {R"("proposals":[{"segment":[1,2],"scores":{"a":1,"a":0}}])", "proposals[0]"}}) {
    const std::string got = fault(std::string("{\"video\":\"v\",") + inside + "}");
    BOOST_TEST(got.find("twice: video 'v': " + std::string(place) + ": the key") == 0u, got);
  }
  BOOST_TEST(fault(R"({"video":"v","proposals":[{"segment":[1,2],"sc\u006fre":0.5},{"score":1,"segment":[1,2]}]})") ==
             "none");
  Record record;
  record.parse(R"({"video":"v","proposals":[{"segment":[1,2],"sc\u006fre":0.5}]})");
  BOOST_TEST(record.proposals()[0].score == 0.5);
}

BOOST_AUTO_TEST_SUITE_END()
