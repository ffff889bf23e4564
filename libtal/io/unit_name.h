// The unit that the name of a column states: "start_ms", "Begin Time - msec", "Duration (min)", "endFrame".
#pragma once

#include <string>
#include <string_view>

namespace tal {

struct UnitName {
  std::string base;    // the other words, in lower case: "begin-time"
  std::string unit;    // "seconds", "milliseconds", "minutes", ...; "frames" (also samples); "": none is stated
  double seconds = 1;  // of one unit; of frames nothing is known
};
UnitName unit_name(std::string_view column);

}  // namespace tal
