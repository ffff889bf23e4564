// The unit that the name of a column states: "start_ms", "Begin Time - msec", "Duration (min)", "endFrame".
#pragma once

#include <string>
#include <string_view>

namespace tal {

struct UnitName {
  std::string base;  // the other words, in lower case: "begin-time"
  std::string unit;  // "seconds", "milliseconds", "minutes", ...; "clock", "frames" (also samples), "per cent"; "":
                     // none
  double factor = 1, divisor = 1;  // to seconds; frames keep their number, per cent become shares
  double seconds(double value) const { return value * factor / divisor; }
  bool counts() const { return unit == "frames"; }
  bool shares() const { return unit == "per cent"; }
};
UnitName unit_name(std::string_view column);

}  // namespace tal
