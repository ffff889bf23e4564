// What of an encoder's parameters is compared, and how two streams differ.
#include "libtal/io/feature_settings.h"

#include <boost/test/unit_test.hpp>

using namespace tal;

BOOST_AUTO_TEST_SUITE(feature_settings)

BOOST_AUTO_TEST_CASE(without_how_it_was_computed) {
  BOOST_TEST(tal::feature_settings("hog-hof/2 side=60 flow=dis") == "hog-hof/2 side=60 flow=dis");
  BOOST_TEST(tal::feature_settings("i3d/1 layer=a weights=sha256:1 device=cuda precision=BFloat16 torch=2.1 batch=8 "
                                   "[resize short side 256 (pillow), batch=3] flow=tvl1") ==
             "i3d/1 layer=a weights=sha256:1 [resize short side 256 (pillow), batch=3] flow=tvl1");
}

BOOST_AUTO_TEST_CASE(differences_by_name) {
  const auto of = [](const char* a, const char* b) {
    const auto all = settings_differences(a, b);
    return first_sides(all) + " | " + second_sides(all);
  };
  BOOST_TEST(of("e/1 a=1 b=2 [x y]", "e/1 b=2 a=1 [x y]") == "nothing of the kind | nothing of the kind");
  BOOST_TEST(of("e/1 a=1 [x y]", "f/2 a=1 [x z]") == "e/1, [x y] | f/2, [x z]");
  BOOST_TEST(of("e/1 a=1", "e/1 b=2 c=3") == "a=1 | b=2, c=3");
  BOOST_TEST(of("e/1 a=1", "e/1") == "a=1 | nothing of the kind");
}

BOOST_AUTO_TEST_SUITE_END()
