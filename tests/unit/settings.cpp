// Settings: what is read, what is refused and in which words.
#include "libtal/base/settings.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/base/error.h"

using namespace tal;

namespace {

struct Options {
  std::int64_t heads = 8;
  double dropout = 0.5, lr = 1e-3, decay = 0.9;
  std::string attention = "soft";
  bool unit = true;
  std::vector<std::int64_t> widths{128, 64};
  std::vector<double> scales{0.5, 0.25};
  std::vector<std::string> branches{"a"};
  std::int64_t filters = 4;
};

Settings settings_of(Options& o) {
  Settings s;
  s.add("heads", &o.heads, "").between(1, 64).with("attention", {"multi-head", "both"});
  s.add("dropout", &o.dropout, "").at_least(0).below(1).with("unit", {"true"});
  s.add("lr", &o.lr, "").above(0);
  s.add("decay", &o.decay, "").without("attention", {"none"});
  s.add("attention", &o.attention, "", {"soft", "multi-head", "both", "none"});
  s.add("unit", &o.unit, "");
  s.add("widths", &o.widths, "").count(2, 2).at_least(1);
  s.add("scales", &o.scales, "").above(0);
  s.add("branches", &o.branches, "", {"a", "b", "c"}).count(1, 2);
  s.add("filters", &o.filters, "").at_least(1).with("branches", {"b", "c"});
  return s;
}

std::string refused(Settings& s, const char* name, const char* value) {
  try {
    s.set(name, value);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(ranges) {
  Options o;
  Settings s = settings_of(o);
  BOOST_TEST(refused(s, "heads", "0") == "setting 'heads': must be 1 to 64, not 0");
  BOOST_TEST(refused(s, "heads", "65") == "setting 'heads': must be 1 to 64, not 65");
  BOOST_TEST(refused(s, "dropout", "1") == "setting 'dropout': must be at least 0 and less than 1, not 1");
  BOOST_TEST(refused(s, "lr", "0") == "setting 'lr': must be more than 0, not 0");
  BOOST_TEST(refused(s, "widths", "3") == "setting 'widths': has 1 values; must be 2 values, each 1 or more");
  BOOST_TEST(refused(s, "widths", "3,0") == "setting 'widths': must be 2 values, each 1 or more, not 0");
  BOOST_TEST(refused(s, "scales", "0.5,-1") == "setting 'scales': must be more than 0, not -1");
  BOOST_TEST(refused(s, "branches", "d") == "setting 'branches': 'd' is none of a, b, c");
  BOOST_TEST(refused(s, "branches", "") == "setting 'branches': has 0 values; must be 1 to 2 values");
  BOOST_TEST(refused(s, "header", "1") == "unknown setting 'header' (did you mean 'heads'?)");
  for (const char* text : {"nan", "inf", "1e999"}) BOOST_TEST(!refused(s, "lr", text).empty(), text);
  // Nothing of what was refused stays.
  BOOST_TEST(o.heads == 8);
  BOOST_TEST(o.dropout == 0.5);
  BOOST_TEST(o.lr == 1e-3);
  BOOST_TEST((o.widths == std::vector<std::int64_t>{128, 64}));
  BOOST_TEST((o.scales == std::vector<double>{0.5, 0.25}));
  BOOST_TEST((o.branches == std::vector<std::string>{"a"}));
  // The ends that belong to a range.
  for (const char* text : {"1", "64"}) BOOST_TEST(refused(s, "heads", text).empty(), text);
  for (const char* text : {"0", "0.999"}) BOOST_TEST(refused(s, "dropout", text).empty(), text);
}

BOOST_AUTO_TEST_CASE(ranges_in_json) {
  Options o;
  Settings s = settings_of(o);
  try {
    s.read_json(R"({"heads":0})");
    BOOST_FAIL("0 heads were taken");
  } catch (const Error& error) {
    BOOST_TEST(error.field() == "heads");
    BOOST_TEST(error.message() == "must be 1 to 64, not 0");
  }
  BOOST_TEST(o.heads == 8);
}

BOOST_AUTO_TEST_CASE(effects) {
  Options o;
  Settings s = settings_of(o);
  BOOST_TEST(*s.without_effect("heads") ==
             "has no effect with attention=soft (it is for attention=multi-head or both)");
  BOOST_TEST(!s.without_effect("decay"));
  s.set("attention", "both");
  BOOST_TEST(!s.without_effect("heads"));
  s.set("attention", "none");
  BOOST_TEST(*s.without_effect("decay") == "has no effect with attention=none (it is for attention other than none)");
  s.set("unit", "false");
  BOOST_TEST(*s.without_effect("dropout") == "has no effect with unit=false (it is for unit=true)");
  BOOST_TEST(!s.without_effect("lr"));
  // Of a list, any element does.
  BOOST_TEST(*s.without_effect("filters") == "has no effect with branches=a (it is for branches=b or c)");
  s.set("branches", "a,c");
  BOOST_TEST(!s.without_effect("filters"));
}

// Of alternatives one is enough.
BOOST_AUTO_TEST_CASE(alternatives) {
  Options o;
  Settings s = settings_of(o);
  std::int64_t rows = 3;
  s.add("rows", &rows, "").with_any({{"unit", {"true"}}, {"attention", {"none"}, false}}).without("lr", {"0"});
  s.set("unit", "true"), s.set("attention", "none");
  BOOST_TEST(!s.without_effect("rows"));
  s.set("unit", "false"), s.set("attention", "both");
  BOOST_TEST(!s.without_effect("rows"));
  s.set("attention", "none");
  BOOST_TEST(*s.without_effect("rows") ==
             "has no effect with unit=false and attention=none (it is for unit=true or attention other than none and "
             "lr other than 0)");
}

// A condition names a setting of its own group before one of the groups around it.
BOOST_AUTO_TEST_CASE(groups) {
  Options outer, inner;
  Settings s = settings_of(outer);
  s.nest("inference", settings_of(inner));
  s.set("attention", "both");
  BOOST_TEST(!s.without_effect("heads"));
  BOOST_TEST(!!s.without_effect("inference.heads"));
  Settings only;
  double top = 1;
  only.add("top", &top, "").with("unit", {"true"});
  Settings around = settings_of(outer);
  around.nest("inference", only);
  BOOST_TEST(!around.without_effect("inference.top"));
  around.set("unit", "false");
  BOOST_TEST(!!around.without_effect("inference.top"));
  Settings beside = settings_of(outer);
  beside.append(only);
  BOOST_TEST((beside.has("top") && !beside.has("inference.top")));
  BOOST_TEST(!!beside.without_effect("top"));
}

BOOST_AUTO_TEST_SUITE_END()
