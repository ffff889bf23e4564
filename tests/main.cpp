#define BOOST_TEST_MODULE tal
#include <boost/test/unit_test.hpp>
