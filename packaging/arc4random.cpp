// Of tools with the C++ runtime inside (TAL_STATIC_RUNTIME). The runtime of a new distribution asks its C library for
// this function, which older ones lack, for a std::random_device that nothing here uses.
#include <unistd.h>

#include <cstdlib>

extern "C" __attribute__((visibility("hidden"))) unsigned int arc4random() {
  unsigned int number = 0;
  if (getentropy(&number, sizeof number) != 0) std::abort();
  return number;
}
