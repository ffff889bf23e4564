// SHA-256 against the examples of FIPS 180-4 and RFC 6234, and pieces against the whole.
#include "libtal/base/sha256.h"

#include <boost/test/unit_test.hpp>

using namespace tal;

BOOST_AUTO_TEST_SUITE(sha256)

BOOST_AUTO_TEST_CASE(published_examples) {
  BOOST_TEST(tal::sha256("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  BOOST_TEST(tal::sha256("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(tal::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
             "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  BOOST_TEST(tal::sha256(std::string(1000000, 'a')) ==
             "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

BOOST_AUTO_TEST_CASE(any_pieces_give_the_same) {
  // Every length around the block's edges, cut anywhere.
  std::string text;
  for (int i = 0; i < 200; ++i) text += static_cast<char>(i * 37);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    for (std::size_t cut = 0; cut <= size; cut += 13) {
      Sha256 hash;
      hash.update(std::string_view(text).substr(0, cut));
      hash.update(std::string_view(text).substr(cut, size - cut));
      BOOST_REQUIRE_EQUAL("sha256:" + hash.hex(), tal::sha256(std::string_view(text).substr(0, size)));
    }
  }
}

BOOST_AUTO_TEST_CASE(form) {
  BOOST_TEST(is_sha256(tal::sha256("x")));
  BOOST_TEST(!is_sha256("sha256:12"));
  BOOST_TEST(!is_sha256("sha256:" + std::string(64, 'G')));
  BOOST_TEST(!is_sha256("fnv1a64:0000000000000000"));
}

BOOST_AUTO_TEST_SUITE_END()
