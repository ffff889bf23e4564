// Times as people and programs write them, beside numbers of seconds.
#pragma once

#include <optional>
#include <string_view>

namespace tal {

enum class TimeForm {
  kNone,   // a plain number, or no time at all
  kClock,  // a colon between digits: hh:mm:ss.mmm, mm:ss, hh:mm:ss:ff
  kUnits,  // numbers with units, the largest first: "1h2m3.5s", "12 s", "900ms"; ISO 8601's "PT1M2S"
  kDays,   // pandas' and .NET's "1 days 02:03:04.5", "1.02:03:04"
  kStamp,  // a date, with or without a time: "2026-11-29T10:00:05Z"
};
TimeForm time_form(std::string_view text);

// Seconds of a text of the first three kinds. A comma may separate decimals. fps: frames per second of a time code
// hh:mm:ss:ff (hh:mm:ss;ff drops numbers of frames); nullopt: not known. Error for other texts, as 00:75:00, for a time
// code without fps, and for dates, which says what to do.
double written_seconds(std::string_view text, std::optional<double> fps = {});
// Whether a text is a time code.
bool is_timecode(std::string_view text);

// Seconds since 1970 of a date and time as ISO 8601 and RFC 3339 write it, with a blank for the T too and with or
// without a zone (without: UTC). nullopt: none.
std::optional<double> stamp_seconds(std::string_view text);

}  // namespace tal
