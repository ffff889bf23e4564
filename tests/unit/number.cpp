// Numbers as text, and the option syntax.
#include "libtal/base/number.h"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <limits>

#include "libtal/base/error.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(number)

BOOST_AUTO_TEST_CASE(shortest_text_reads_back) {
  BOOST_TEST(format_number(3) == "3");
  BOOST_TEST(format_number(0.1) == "0.1");
  BOOST_TEST(format_number(-0.0) == "-0.0");
  BOOST_TEST(format_number(1e22) == "1e22");
  BOOST_TEST(format_number(1e-7) == "1e-7");
  BOOST_TEST(format_number(5e-324) == "5e-324");
  std::uint64_t bits = 88172645463325252ull;
  for (int i = 0; i < 100000; ++i) {
    bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
    double value;
    std::memcpy(&value, &bits, 8);
    if (!(value - value == 0)) continue;
    const double back = parse_number(format_number(value));
    BOOST_REQUIRE(std::memcmp(&back, &value, 8) == 0);
  }
  BOOST_CHECK_THROW(format_number(std::numeric_limits<double>::quiet_NaN()), Error);
  BOOST_CHECK_THROW(format_number(std::numeric_limits<double>::infinity()), Error);
}

BOOST_AUTO_TEST_CASE(option_syntax) {
  BOOST_TEST(parse_fraction("3/4") == 0.75);
  const auto range = parse_number_list("0.5:0.05:0.95");
  BOOST_TEST(range.size() == 10u);
  BOOST_TEST(range[8] == 0.8999999999999999);  // what linspace gives
  BOOST_TEST(range[9] == 0.95);
  BOOST_TEST(parse_number_list("0.3,0.5,3/4").size() == 3u);
  for (const char* bad : {"", "a", "1/0", "1:2", "2:1:1", "1:0:2", "0.5,", "nan", "1:-1:3", "0:1e-9:1"})
    BOOST_CHECK_THROW(parse_number_list(bad), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
