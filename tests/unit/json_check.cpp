// The check of JSON that nobody reads against a full parser.
#include "libtal/io/json_check.h"

#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include <random>
#include <string>

#include "libtal/base/error.h"

namespace {

bool accepts(const std::string& text) {
  try {
    tal::check_json(text);
    return true;
  } catch (const tal::Error&) {
    return false;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_check)

BOOST_AUTO_TEST_CASE(words) {
  for (const char* good :
       {"0", "-0", "-0.0e+10", "1E5", "12.50", "true", "false", "null", "\"\"", "\"a\\\"\\u00e9\\/\"", "[]", "{}",
        "[ ]", "{ }", "[[],{}]", "{\"a\" :\t[1 , 2]\r\n, \"b\":{\"c\":null}}", "1e99"})
    BOOST_TEST(accepts(good), good);
  for (const char* bad :
       {"",         " ",         " 1",         "1 ",        "01",      "-",           "+1",    "1.",     ".5",
        "1e",       "1e+",       "0x1",        "nan",       "NaN",     "Infinity",    "1e999", "-1e999", "tru",
        "truex",    "nul",       "\"",         "\"\\",      "\"\\q\"", "\"\\u12g4\"", "[",     "]",      "[1",
        "[1,",      "[1,]",      "[,1]",       "[1 2]",     "[1}",     "{",           "}",     "{1}",    "{\"a\"}",
        "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "{\"a\":1]", "{a:1}",   "1,2",         "[]]",   "{}{}",   "'a'"})
    BOOST_TEST(!accepts(bad), bad);
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  BOOST_TEST(accepts(nested(1000000)));
  BOOST_TEST(!accepts(nested(1000000) + "]"));
}

BOOST_AUTO_TEST_CASE(two_members_of_one_name) {
  for (const char* good : {R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})", R"([{"a":1,"b":2},{"b":1,"a":2},{"a":1}])",
                           R"({"":1,"a":2})", R"([{"a":1},{"a":1,"b":{"a":1,"b":2}},{"b":1}])"})
    BOOST_TEST(accepts(good), good);
  for (const char* bad : {R"({"a":1,"a":1})", R"([{"a":1,"b":2},{"a":1,"b":2,"a":3}])", R"({"a":{"b":1,"c":2,"b":3}})",
                          R"({"a":1,"\u0061":2})", R"({"\ud83d\ude00":1,"\uD83D\uDE00":2})", R"({"":1,"":2})",
                          R"([{"b":1,"a":2},{"b":1,"c":2,"b":3}])", "{\"\xc3\xa9\":1,\"\\u00e9\":2}",
                          R"({"\\":1,"\u005c":2})", R"({"\n":1,"\u000a":2})"})
    BOOST_TEST(!accepts(bad), bad);
  std::string large = "{", twice;
  for (int i = 0; i < 1000; ++i) large += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  twice = large + ",\"k17\":0}";
  BOOST_TEST(accepts(large + "}"));
  BOOST_TEST(!accepts(twice));
  BOOST_TEST(accepts("[" + large + "}," + large + "}]"));
  BOOST_TEST(!accepts("[" + large + "}," + twice + "]"));
}

BOOST_AUTO_TEST_CASE(files_and_places) {
  const auto fault = [](const std::string& text, bool comments = false) {
    try {
      tal::check_json_file({"f", text}, comments);
    } catch (const tal::Error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  BOOST_TEST(fault("\xef\xbb\xbf {\"a\":1}\r\n") == "none");
  BOOST_TEST(fault("{\"a\":{\"b.c\":[0,\n {\"d\":NaN}]}}") ==
             "f:2: a.b.c[1].d: 'NaN' is not a value of JSON (numbers are finite and written plainly) (column 7): "
             "JSON has no infinite numbers and no NaN; leave the member out, or write a number");
  BOOST_TEST(fault("[1,[2,3,]]") ==
             "f:1: [1][2]: ']' is not a value of JSON (numbers are finite and written plainly) (column 9): "
             "the comma before it is one too many");
  BOOST_TEST(fault("{\"a\":1,\n\"b\":{\"c\":1,\"c\":2}}") == "f:2: b: the key 'c' stands twice here (column 12)");
  BOOST_TEST(fault("{\"a\":\"b\tc\"}") == "f:1: a: not valid JSON: a control character in a string (column 8)");
  BOOST_TEST(fault(R"(["\ud83d\ude00","\\ud83d"])") == "none");
  for (const char* half : {R"(["\ud83d"])", R"(["\ude00"])", R"(["\ud83d\u0041"])"})
    BOOST_TEST(fault(half).find("half of a character") != std::string::npos, half);
  BOOST_TEST(fault(" \n") == "f: empty: JSON was expected");
  BOOST_TEST(fault("{\"a\":1} x").find("something follows the value (column 8)") != std::string::npos);
  BOOST_TEST(fault("// c\n{\"a\": /* \"a\":2 */ \"//\"}\n", true) == "none");
  BOOST_TEST(fault("// c\n{\"a\":1}") != "none");
  BOOST_TEST(fault("{\"a\":1 /* }", true) != "none");
  const std::string text = R"({"x":{"v":{"v":1}},"v" : {"x":2}})";
  BOOST_TEST(tal::find_member(text, {"v"}) == text.find("{\"x\":2"));
  BOOST_TEST(tal::find_member(text, {"x", "v", "v"}) == text.find("1"));
  BOOST_TEST(tal::find_member(text, {"w"}) == text.size());
  const std::string lists = R"({"a":[1,[2, {"b":3}]],"c.d":{"e":4}})";
  BOOST_TEST(tal::find_path(lists, "a[1][1].b") == lists.find("3"));
  BOOST_TEST(tal::find_path(lists, "a[1][0]") == lists.find("2"));
  BOOST_TEST(tal::find_path(lists, "c.d.e") == lists.find("4"));
  BOOST_TEST(tal::find_path(lists, "a[1][7].x") == lists.find("[2"));  // the innermost place that is there
  BOOST_TEST(tal::find_path(lists, "z") == 0u);
}

BOOST_AUTO_TEST_CASE(damaged_texts_as_a_parser_sees_them) {
  const std::string seeds[] = {
      R"([{"segment":[12.5,30],"score":0.25,"label":"Run \"x\""},{"segment":[1e1,2E+1],"x":{"y":[true,false,null,[],{}]}}])",
      R"({"a" : -0.125e-3, "b\u00e9" :[ [ ], { } , "\\"]})", "-12.75e+2", R"("a\/b\n")"};
  const std::string alphabet = "\"\\{}[],:0159.-+eEtrufalsn /x ";
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::size_t accepted = 0, refused = 0;
  for (int round = 0; round < 60000; ++round) {
    std::string text = seeds[below(std::size(seeds))];
    for (std::size_t changes = below(4); changes-- > 0 && !text.empty();) {
      const std::size_t at = below(text.size());
      const char c = alphabet[below(alphabet.size())];
      switch (below(3)) {
        case 0: text[at] = c; break;
        case 1: text.insert(at, 1, c); break;
        default: text.erase(at, 1 + below(3));
      }
    }
    if (text.empty() || text.front() == ' ' || text.back() == ' ') continue;
    const bool expected = nlohmann::json::accept(text);
    BOOST_TEST_REQUIRE(accepts(text) == expected, text);
    ++(expected ? accepted : refused);
  }
  BOOST_TEST(accepted > 5000u);
  BOOST_TEST(refused > 5000u);
}

// Elements of one shape are not parsed one by one: what breaks the shape must be seen all the same.
BOOST_AUTO_TEST_CASE(damaged_lists_of_one_shape_as_a_parser_sees_them) {
  std::mt19937 random(11);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto number = [&] {
    static const char* const odd[] = {"0",
                                      "-0",
                                      "0.5",
                                      "-0.0",
                                      "1e5",
                                      "2.5E-7",
                                      "01",
                                      "1.",
                                      "-",
                                      "1.5e",
                                      "12345678901",
                                      ".5",
                                      "-7.25",
                                      "123456789012345678",
                                      "-0.1234567890123456789012345678",
                                      "1234567890123456789012345678901",
                                      "12345678901234567890123456789012",
                                      "17.123456789012345678901234567890",
                                      "00.5",
                                      "1e999",
                                      "0.00000001",
                                      "-1.0000000000001",
                                      "+1"};
    return below(12) == 0 ? std::string(odd[below(std::size(odd))])
                          : std::to_string(static_cast<double>(random()) / (1 << below(24)));
  };
  const auto word = [&] {
    static const char* const odd[] = {
        "\"a\\\"b\"", "\"\"", "\"\\u00e9\"", "\"\\q\"", "\"a label of more than thirty-two bytes\"", "null"};
    return below(12) == 0 ? std::string(odd[below(std::size(odd))]) : "\"label" + std::to_string(below(1000)) + "\"";
  };
  const auto element = [&](std::size_t kind) {
    switch (kind) {
      case 0: return number();
      case 1: return word();
      case 2: return "[" + number() + "," + number() + "]";
      case 3: return "{\"segment\": [" + number() + ", " + number() + "], \"label\": " + word() + "}";
      case 4: return "{\"segment\":[" + number() + "," + number() + "],\"score\":" + number() + "}";
      default:
        return "{\"score\":" + number() + ",\"values\":{\"iou_classification\":" + number() +
               ",\"iou_regression\":" + number() + "},\"label\":" + word() + ",\"difficult\":true}";
    }
  };
  const std::string alphabet = "\"\\{}[],:0159.-+eE /x ";
  std::size_t accepted = 0, refused = 0;
  for (int round = 0; round < 60000; ++round) {
    const std::size_t kind = below(6), other = below(8) == 0 ? below(6) : kind;
    std::string text = "{\"proposals\":[";
    const char* const comma = below(2) == 0 ? "," : ", ";
    for (std::size_t i = 0, count = 1 + below(12); i < count; ++i)
      text += (i ? comma : "") + element(below(4) == 0 ? other : kind);
    text += "],\"what follows is long enough\":\"for the fast way up to the list's end\"}";
    for (std::size_t changes = below(3); changes-- > 0;) {
      const std::size_t at = below(text.size() - 80);
      const char c = alphabet[below(alphabet.size())];
      switch (below(3)) {
        case 0: text[at] = c; break;
        case 1: text.insert(at, 1, c); break;
        default: text.erase(at, 1 + below(3));
      }
    }
    if (text.front() == ' ') continue;
    const bool expected = nlohmann::json::accept(text);
    BOOST_TEST_REQUIRE(accepts(text) == expected, text);
    ++(expected ? accepted : refused);
  }
  BOOST_TEST(accepted > 10000u);
  BOOST_TEST(refused > 10000u);
  std::string list = "[";
  for (int i = 0; i < 50; ++i) list += R"({"segment":[1.5,2.5],"score":0.25},)";
  for (const char* last :
       {R"({"segment":[1.5,2.5],"score":0.2x}])", R"({"segment":[1.5,2.5],"score":01}  ,  {"a":1}])"})
    BOOST_CHECK_EXCEPTION(tal::check_json(list + last + "                                        ", "proposals"),
                          tal::Error, [](const tal::Error& e) {
                            BOOST_TEST_MESSAGE(e.what());
                            return std::string(e.what()).find("proposals[50].score") != std::string::npos;
                          });
  BOOST_CHECK_EXCEPTION(tal::check_json(list + R"({"segment":[1.5,2.5],"segment":[1.5,2.5]},{"score":1,"score":1}])"),
                        tal::Error, [](const tal::Error& e) { return e.kind() == tal::Error::Kind::kRepeatedKey; });
}

BOOST_AUTO_TEST_SUITE_END()
