// What tal-check finds in a record that a file of another format has become: what no tool takes is refused, what
// published files are known to have is counted and told once.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal {

class ImportCheck {
 public:
  ImportCheck();
  // Error at the field of the first fault that no tool takes. The others are counted.
  void check(const Record& record);
  // A line for each kind of fault that was counted, such as "2 segments without length, the first is
  // annotations[0].segment of video 'v'".
  template <class Tell>
  void report(Tell tell) const {
    for (const auto& [kind, found] : counted_) tell(text_of(kind, found));
  }

 private:
  struct Counted {
    std::uint64_t count = 0;
    std::string video, field;  // of the first one
  };
  static std::string text_of(const std::string& kind, const Counted& found);
  void take(const Fault& fault);

  RecordChecker checker_;
  std::map<std::string, Counted> counted_;
  std::string field_, message_;  // of the record's first fault that is refused
};

}  // namespace tal
