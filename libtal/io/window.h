// The part of a video that a record is of, in live and sliding use: its member "window".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libtal/io/record.h"

namespace tal {

struct Window {
  std::int64_t index = 0;
  double start = 0, end = 0;  // seconds of the video; start < end
  bool final = false;         // nothing of the video follows
};

// nullopt: the record is of the whole video. Error with its field when index, start or end are missing or wrong.
std::optional<Window> window_of(const Record& record);

// The windows of one video as they come, to tell what is missing between them.
class WindowOrder {
 public:
  // What did not come before this window, "windows 1 to 3 are missing" or "4 s to 8 s are in no window"; "": all did.
  // Windows may be apart, where a stride leaves frames out, but by no more than they were before. One that is not
  // behind the last one is none to tell of.
  std::string gap(const Window& window);
  const std::optional<Window>& last() const { return last_; }

 private:
  std::optional<Window> last_;
  double step_ = 0;  // the longest so far, seconds from start to start; 0: not known
};

}  // namespace tal
