// The shortest text of a double (numbers.json).
#include <boost/test/unit_test.hpp>

#include <cstring>

#include "libtal/base/number.h"
#include "tests/support.h"

BOOST_AUTO_TEST_SUITE(numbers)

BOOST_AUTO_TEST_CASE(shortest_texts) {
  const std::string folder = tal::test::parity_dir();
  if (tal::test::skip_without(folder, "reference cases")) return;
  for (const auto& item : tal::test::load(folder + "/numbers.json")["cases"]) {
    const std::uint64_t bits = std::stoull(item["input"]["bits"].get<std::string>(), nullptr, 16);
    double value, back;
    std::memcpy(&value, &bits, 8);
    const std::string text = tal::format_number(value), expected = item["expected"]["text"];
    back = nlohmann::json::parse(text).get<double>();
    BOOST_TEST((std::memcmp(&back, &value, 8) == 0), text);
    BOOST_TEST(text.size() <= expected.size(), text << " against " << expected);
  }
}

BOOST_AUTO_TEST_SUITE_END()
