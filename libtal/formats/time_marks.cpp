#include "libtal/formats/time_marks.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {

TimeMarks time_marks(const ExportRow& row, const std::string& video) {
  for (const double seconds : {row.segment.start, row.segment.end})
    if (!(seconds >= 0 && seconds < 1e9))
      throw Error(format_number(seconds) + " s cannot be written as a time mark")
          .at_field(row.place + ".segment")
          .at_video(video);
  const long long start = std::llround(row.segment.start * 1000);
  return {start, std::max(start + 1, std::llround(row.segment.end * 1000))};
}

std::string score_text(const ExportRow& row) {
  if (!row.score) return "";
  char text[512];
  std::snprintf(text, sizeof text, std::fabs(*row.score) < 1000 ? " %.3g" : " %.0f", *row.score);
  return text;
}

}  // namespace tal
