// The time contract of feature rows: which frames a row covers, and which second a row describes (row <-> seconds).
// Unit: frames at the sampled rate, counted from 0; window w, stride s, offset o in frames.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/segment.h"

namespace tal {

enum class TailRule { drop, pad, shift };
TailRule tail_rule(const std::string& name);  // UsageError for anything but drop, pad, shift

struct Rows {
  std::vector<double> starts;  // first frame of each row
  double padded = 0;           // frames of the last row that repeat the last frame
  bool shifted = false;        // the last start is frames - w, not a multiple of the stride
};
// drop: floor((frames - w) / s) + 1 rows. pad: one more row when frames remain, its missing frames repeat the last one.
// shift: one more row that ends with the last frame. Shorter than a window: no row (drop), one padded row (pad, shift).
Rows feature_rows(std::int64_t frames, double window, double stride, TailRule tail);

// Row coordinates: row g is [g, g + 1], its centre g + 0.5 describes (o + g s + w / 2) / fps seconds.
struct RowTime {
  double stride = 1, window = 1, fps = 1, offset = 0;
  double seconds(double row) const { return (offset + (row - 0.5) * stride + 0.5 * window) / fps; }
  double row(double seconds) const { return (seconds * fps - offset - 0.5 * window) / stride + 0.5; }
  // The row whose centre is nearest, clamped to 0 .. rows - 1.
  std::int64_t nearest(double seconds, std::int64_t rows) const;
  Segment seconds(const Segment& rows) const { return {seconds(rows.start), seconds(rows.end)}; }
};

}  // namespace tal
