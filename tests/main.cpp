#define BOOST_TEST_MODULE tal
#include <boost/test/unit_test.hpp>

namespace tal::test {
extern const char* const kSourceDir;
const char* const kSourceDir = TAL_SOURCE_DIR;
}  // namespace tal::test
