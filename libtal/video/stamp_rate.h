// Which constant rates the time stamps of pictures can come from.
#pragma once

#include <cstdint>
#include <limits>

namespace tal {

class StampRate {
 public:
  // slack: seconds that a time stamp may be off, by rounding to the container's clock.
  explicit StampRate(double slack = 0) : slack_(slack) {}
  // The time of the next picture, seconds from the first one on, which is not given.
  void add(double time);
  // Whether one rate explains all of them, three pictures or more: at a constant rate time k is k steps, less what
  // rounding takes. Where the clock is coarse for the rate, too many would.
  bool constant() const;
  // Frames a second, once constant(): of all that explain them a whole number, one of NTSC's, or the simplest fraction.
  double rate() const;

 private:
  double slack_;
  std::int64_t count_ = 0;
  double shortest_ = 0, longest_ = std::numeric_limits<double>::infinity();  // seconds, steps that explain all
};

}  // namespace tal
