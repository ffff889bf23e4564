// wyhash against its author's test vectors, and the edges of its blocks.
#include "libtal/base/digest.h"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace tal;

BOOST_AUTO_TEST_SUITE(digest)

BOOST_AUTO_TEST_CASE(published_vectors) {  // test_vector.cpp of version 4.2; the seed is the number of the line
  BOOST_TEST(wyhash("", 0) == 0x93228a4de0eec5a2u);
  BOOST_TEST(wyhash("a", 1) == 0xc5bac3db178713c4u);
  BOOST_TEST(wyhash("abc", 2) == 0xa97f2f7b1d9b3314u);
  BOOST_TEST(wyhash("message digest", 3) == 0x786d1f1df3801df4u);
}

BOOST_AUTO_TEST_CASE(every_byte_counts) {
  std::string text;
  std::set<std::uint64_t> seen;
  for (int size = 0; size < 200; ++size) {
    BOOST_TEST(seen.insert(wyhash(text)).second);
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string other = text;
      other[at] ^= 1;
      BOOST_REQUIRE(seen.insert(wyhash(other)).second);
    }
    text += static_cast<char>(size * 37);
  }
}

BOOST_AUTO_TEST_CASE(as_digits) {
  BOOST_TEST(hex16(0) == "0000000000000000");
  BOOST_TEST(hex16(0x0123456789abcdefu) == "0123456789abcdef");
}

BOOST_AUTO_TEST_SUITE_END()
