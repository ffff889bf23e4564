// What formats share that show times to the millisecond and labels to people: subtitles, ELAN.
#pragma once

#include <string>

#include "libtal/formats/export_support.h"

namespace tal {

// A row's times, rounded. Nothing lasts less than a millisecond: players show no such cue, and ELAN knows no
// annotation without length.
struct TimeMarks {
  long long start, end;  // milliseconds
};
// Error, with the row's place, for times that cannot be written.
TimeMarks time_marks(const ExportRow& row, const std::string& video);

// Behind a label, for people: three digits, " 0.873"; "" without a score.
std::string score_text(const ExportRow& row);

}  // namespace tal
