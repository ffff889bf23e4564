#include "libtal/io/time_text.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/io/digits.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

bool digit_at(std::string_view text, std::size_t at) { return at < text.size() && is_digit(text[at]); }
bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

// Takes a number without a sign off the text, its decimals behind a point or a comma; nullopt: there is none.
std::optional<double> take_number(std::string_view& text) {
  std::size_t end = digits_at(text, 0);
  if (end == 0 || end > 15) return std::nullopt;
  std::string number(text.substr(0, end));
  if (end < text.size() && (text[end] == '.' || text[end] == ',') && digit_at(text, end + 1)) {
    const std::size_t decimals = digits_at(text, end + 1);
    number += '.' + std::string(text.substr(end + 1, decimals));
    end += 1 + decimals;
  }
  text.remove_prefix(end);
  return parse_number(number);
}

// Seconds of a unit's word; 0: it is none.
double seconds_of_unit(std::string_view word) {
  const std::string lower = lower_case(word);
  if (lower == "d" || lower == "day" || lower == "days") return 86400;
  if (lower == "m") return 60;
  const UnitName unit = unit_name(lower);
  return unit.base.empty() && !unit.unit.empty() && !unit.counts() && !unit.shares() ? unit.seconds(1) : 0;
}

std::optional<double> in_units(std::string_view text) {
  text = trim(text);
  const bool iso = begins_alike(text, "PT") || (begins_alike(text, "P") && digit_at(text, 1));
  if (iso) text.remove_prefix(1);
  double total = 0, last = std::numeric_limits<double>::infinity();
  bool any = false, of_day = !iso;  // behind the T of ISO 8601; before it M is a month
  while (!text.empty()) {
    if (iso && ascii_lower(text.front()) == 't') text.remove_prefix(1), of_day = true;
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    text = trim(text);
    const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
    const auto letters = static_cast<std::size_t>(end - text.begin());
    const auto word = text.substr(0, iso ? std::min<std::size_t>(letters, 1) : letters);
    const double unit = seconds_of_unit(word);
    if (unit == 0 || unit >= last || (!of_day && unit < 86400)) return std::nullopt;
    text = trim(text.substr(word.size()));
    total += *number * unit, last = unit, any = true;
  }
  return any ? std::optional(total) : std::nullopt;
}

bool is_clock(std::string_view text) {
  const auto n = digits_at(text, 0);
  return n > 0 && n + 1 < text.size() && text[n] == ':' && digit_at(text, n + 1);
}

// Takes "1 days ", "1 day, " (Python) or "1." (.NET) before a time of the clock off the text; nullopt: not there.
std::optional<double> take_days(std::string_view& text) {
  std::string_view rest = text;
  const auto n = digits_at(rest, 0);
  if (n == 0 || n > 9) return std::nullopt;
  const double days = parse_number(rest.substr(0, n));
  rest.remove_prefix(n);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (std::count(rest.begin(), rest.end(), ':') != 2) return std::nullopt;  // 1.02:03 are minutes
  } else {
    rest = trim(rest);
    if (!begins_alike(rest, "day")) return std::nullopt;
    rest.remove_prefix(3);
    if (!rest.empty() && ascii_lower(rest.front()) == 's') rest.remove_prefix(1);
    if (rest.starts_with(',')) rest.remove_prefix(1);
    rest = trim(rest);
    if (rest.starts_with('+')) rest.remove_prefix(1);
  }
  if (!is_clock(rest)) return std::nullopt;
  text = rest;
  return days;
}

// Digits with one sign between at most: most fields of most tables, and none of the forms below.
bool is_plain_number(std::string_view text) {
  const auto whole = digits_at(text, 0);
  if (whole == 0 || whole == text.size()) return whole > 0;
  return (text[whole] == '.' || text[whole] == ',') && whole + 1 + digits_at(text, whole + 1) == text.size();
}

// A date at the beginning of the text: three numbers between two of the same sign, one of which is a year.
bool begins_with_date(std::string_view text) {
  const auto a = digits_at(text, 0);
  if (a == 0 || a >= text.size() || std::string_view("-/.").find(text[a]) == std::string_view::npos) return false;
  const auto b = digits_at(text, a + 1);
  if (b == 0 || b > 2 || a + 1 + b >= text.size() || text[a + 1 + b] != text[a]) return false;
  const auto c = digits_at(text, a + 2 + b);
  return (a == 4 && c > 0 && c <= 2) || (a <= 2 && (c == 4 || (c == 2 && text[a] != '.')));
}

Error no_clock(std::string_view text, const std::string& why) {
  return Error(in_quotes(text) + " is no time of the clock (hh:mm:ss.mmm or mm:ss): " + why, Error::Kind::kNotFinite);
}

// The numbers between colons; the last may have decimals.
std::vector<double> clock_parts(std::string_view text) {
  std::vector<double> parts;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const auto colon = rest.find(':');
    more = colon != std::string_view::npos;
    std::string_view part = rest.substr(0, colon);
    const bool whole = digits_at(part, 0) == part.size() && part.size() < 10;
    const auto number = whole || !more ? take_number(part) : std::nullopt;
    if (!number || !part.empty()) throw no_clock(text, "a part of it is no number");
    parts.push_back(*number);
    if (more) rest.remove_prefix(colon + 1);
  }
  return parts;
}

double in_seconds(std::string_view text, const std::vector<double>& parts) {
  if (parts.back() >= 60) throw no_clock(text, "there are 60 seconds in a minute");
  if (parts.size() == 3 && parts[1] >= 60) throw no_clock(text, "there are 60 minutes in an hour");
  double seconds = 0;
  for (const double part : parts) seconds = seconds * 60 + part;
  return seconds;
}

// SMPTE ST 12-1: frames are counted at the whole rate; a drop-frame code leaves out two numbers (at 60: four) at the
// beginning of each minute but every tenth.
double timecode_seconds(std::string_view text, std::optional<double> fps) {
  if (!fps)
    throw no_clock(text,
                   "frames behind the seconds need the frame rate: give --time frames and --fps, or a column fps");
  std::string plain(text);
  const auto drop = plain.find(';');
  if (drop != std::string::npos) plain[drop] = ':';
  auto parts = clock_parts(plain);
  const double frame = parts.back(), rate = std::round(*fps);
  parts.pop_back();
  if (parts.size() != 3 || frame != std::floor(frame)) throw no_clock(text, "a time code is hh:mm:ss:ff");
  if (frame >= rate)
    throw no_clock(text, "its second has " + format_number(rate) + " frames, at " + format_number(*fps));
  double count = in_seconds(text, parts) * rate + frame;
  if (drop != std::string::npos) {
    if (*fps == rate || (rate != 30 && rate != 60))
      throw no_clock(text, "numbers of frames are dropped at 29.97 and 59.94 frames a second alone, not at " +
                               format_number(*fps));
    const double minutes = parts[0] * 60 + parts[1];
    if (std::fmod(minutes, 10) != 0 && parts[2] == 0 && frame < rate / 15)
      throw no_clock(text, "a drop-frame code leaves this number of a frame out, as the first " +
                               format_number(rate / 15) + " of each minute but every tenth");
    count -= rate / 15 * (minutes - std::floor(minutes / 10));
  }
  return count / *fps;
}

}  // namespace

bool is_timecode(std::string_view text) {
  text = trim(text);
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (!is_clock(text) || text.find_first_not_of("0123456789:;") != std::string_view::npos) return false;
  return (colons == 3 && text.find(';') == std::string_view::npos) ||
         (colons == 2 && std::count(text.begin(), text.end(), ';') == 1 && text.find(';') > text.rfind(':'));
}

TimeForm time_form(std::string_view text) {
  text = trim(text);
  if (text.empty() || !(digit_at(text, 0) || begins_alike(text, "P")) || is_plain_number(text)) return TimeForm::kNone;
  if (begins_with_date(text)) return TimeForm::kStamp;
  if (std::string_view rest = text; take_days(rest)) return TimeForm::kDays;
  if (is_clock(text)) return TimeForm::kClock;
  return in_units(text) ? TimeForm::kUnits : TimeForm::kNone;
}

double written_seconds(std::string_view text, std::optional<double> fps) {
  text = trim(text);
  switch (time_form(text)) {
    case TimeForm::kUnits: return *in_units(text);
    case TimeForm::kDays: {
      std::string_view rest = text;
      const double days = *take_days(rest);
      return 86400 * days + in_seconds(text, clock_parts(rest));
    }
    case TimeForm::kStamp:
      throw Error(in_quotes(text) +
                      " is a date and time, and no time of the video: write the seconds from the video's start "
                      "(pandas: (t - t0).dt.total_seconds())",
                  Error::Kind::kNotFinite);
    default: break;
  }
  if (is_timecode(text)) return timecode_seconds(text, fps);
  const bool zone = text.ends_with('Z');  // of a time of day that is written in UTC
  const auto parts = clock_parts(text.substr(0, text.size() - zone));
  if (parts.size() > 3) throw no_clock(text, "it has more than hours, minutes and seconds");
  return in_seconds(text, parts);
}

std::optional<double> stamp_seconds(std::string_view text) {
  text = trim(text);
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    for (std::size_t i = at; i < at + size; ++i) value = 10 * value + (text[i] - '0');
    return value;
  };
  // "2026-11-29T10:00:05"
  constexpr std::string_view kForm = "0000-00-00 00:00:00";
  if (text.size() < kForm.size() - 3) return std::nullopt;
  const bool to_minutes = text.size() < kForm.size() || text[16] != ':';
  for (std::size_t i = 0; i < (to_minutes ? 16 : kForm.size()); ++i) {
    const bool same = kForm[i] == '0' ? digit_at(text, i)
                      : i == 10       ? text[i] == ' ' || ascii_lower(text[i]) == 't'
                                      : text[i] == kForm[i] || (kForm[i] == '-' && text[i] == '/');
    if (!same) return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day day{year{number(0, 4)}, month(static_cast<unsigned>(number(5, 2))),
                           std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const int hour = number(11, 2), minute = number(14, 2), second = to_minutes ? 0 : number(17, 2);
  if (!day.ok() || hour > 24 || minute > 59 || second > 60) return std::nullopt;
  double seconds = 3600.0 * hour + 60.0 * minute + second;
  std::string_view rest = text.substr(to_minutes ? 16 : kForm.size());
  if (!to_minutes && rest.size() > 1 && (rest[0] == '.' || rest[0] == ',') && digit_at(rest, 1)) {
    const auto decimals = digits_at(rest, 1);
    seconds += parse_number("0." + std::string(rest.substr(1, decimals)));
    rest.remove_prefix(1 + decimals);
  }
  rest = trim(rest);
  if (begins_alike(rest, "UTC") || begins_alike(rest, "GMT")) rest.remove_prefix(3);
  else if (begins_alike(rest, "Z")) rest.remove_prefix(1);
  else if (!rest.empty() && (rest[0] == '+' || rest[0] == '-') && digits_at(rest, 1) >= 2) {
    const double sign = rest[0] == '-' ? 1 : -1;  // east of Greenwich it is later
    const auto two = [&](std::size_t at) { return 10.0 * (rest[at] - '0') + (rest[at + 1] - '0'); };
    const std::size_t at = rest.size() > 3 && rest[3] == ':' ? 4 : 3;
    const bool minutes = digit_at(rest, at) && digit_at(rest, at + 1);
    seconds += sign * (3600 * two(1) + (minutes ? 60 * two(at) : 0));
    rest.remove_prefix(minutes ? at + 2 : 3);
  }
  if (!rest.empty()) return std::nullopt;
  return static_cast<double>(sys_days(day).time_since_epoch().count()) * 86400.0 + seconds;
}

}  // namespace tal
