// A small harness: a case measures its subject and its baseline in the same run, interleaved, minimum of several
// rounds.
#pragma once

#include <functional>
#include <string>

namespace tal::bench {

struct Case {
  std::string name;      // "nms/greedy-2000", stable
  std::string what;      // one line
  std::string baseline;  // what it is compared with
  std::string unit;      // of the printed values: "ms", "MB/s", ...
  double work = 0;       // 0: values are milliseconds per call; else work / seconds (e.g. megabytes for MB/s)
  int rounds = 5;
  std::function<void()> subject, reference;  // reference null: only the value is shown
  std::function<bool()> available;           // null: always; false: the case is listed as skipped
};

// Called from a static initialiser: make() builds inputs lazily, only when the case is selected.
struct Register {
  Register(std::string name, std::function<Case()> make);
};

}  // namespace tal::bench
