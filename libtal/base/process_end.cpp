#include "libtal/base/process_end.h"

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace tal {
namespace {

std::atomic<bool> libraries_stay{false};

void end_now(int status, void*) {
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

void leave_libraries_open() { libraries_stay = true; }

void end_without_libraries() {
  if (libraries_stay) ::on_exit(end_now, nullptr);  // what was registered last runs first
}

}  // namespace tal
