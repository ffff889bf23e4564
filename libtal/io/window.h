// The part of a video that a record is of, in live and sliding use: its member "window".
#pragma once

#include <cstdint>
#include <optional>

#include "libtal/io/record.h"

namespace tal {

struct Window {
  std::int64_t index = 0;
  double start = 0, end = 0;  // seconds of the video; start < end
  bool final = false;         // nothing of the video follows
};

// nullopt: the record is of the whole video. Error with its field when index, start or end are missing or wrong.
std::optional<Window> window_of(const Record& record);

}  // namespace tal
