// What becomes of points in time ({"at": T}) where the next stage needs segments.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "libtal/io/record.h"

namespace tal {

class PointRule {
 public:
  // keep; drop; or a number: the seconds that a segment around each point lasts, inside the video. UsageError.
  explicit PointRule(const std::string& option);
  // The annotations and proposals of a record; all else of an item stays.
  void apply(Record& record);
  // What was done, "" when nothing was.
  std::string note() const;

 private:
  bool drop_ = false;
  std::optional<double> length_;
  std::size_t points_ = 0;
};

}  // namespace tal
