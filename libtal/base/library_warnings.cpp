#include "libtal/base/library_warnings.h"

#include <atomic>

namespace tal {
namespace {

std::atomic<bool> warnings_wanted{false};

}  // namespace

void want_library_warnings(bool wanted) { warnings_wanted = wanted; }

bool library_warnings_wanted() { return warnings_wanted; }

}  // namespace tal
