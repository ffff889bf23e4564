#include "libtal/base/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/base/number_advice.h"
#include "libtal/base/text.h"

namespace tal {

void append_number(std::string& out, double value) {
  if (!std::isfinite(value))
    throw Error(std::isnan(value) ? "the number is NaN" : "the number is infinite", Error::Kind::kNotFinite);
  char text[40];
  if (value == 0 && std::signbit(value)) {
    out += "-0.0";
    return;
  }
  if (std::fabs(value) < 1e15 && value == static_cast<double>(static_cast<std::int64_t>(value))) {
    const auto end = std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value)).ptr;
    out.append(text, end);
    return;
  }
  const double magnitude = std::fabs(value);
  if (magnitude >= 1e-4 && magnitude < 1e16) {  // the range in which people expect plain digits
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
    out.append(text, end);
    return;
  }
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  for (const char* p = text; p != end; ++p) {
    out += *p;
    if (*p != 'e') continue;
    ++p;
    if (*p == '-') out += '-';
    ++p;                                    // the sign is always written
    while (*p == '0' && p + 1 != end) ++p;  // "e-05" -> "e-5"
    out.append(p, static_cast<const char*>(end));
    break;
  }
}

std::string format_number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

double parse_number(std::string_view text) {
  double value = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (end - begin > 1 && begin[0] == '+' && begin[1] != '-') ++begin;
  auto result = std::from_chars(begin, end, value);
  if (result.ec == std::errc::result_out_of_range && result.ptr == end) {  // 1e-400 is 0, as in JSON
    value = std::strtod(std::string(begin, end).c_str(), nullptr);
    if (std::abs(value) < 1) result.ec = std::errc();
  }
  if (begin == end || result.ec != std::errc() || result.ptr != end || !std::isfinite(value))
    throw Error("'" + with_invisible_named(text) + "' is not a finite number" + number_advice(text),
                Error::Kind::kNotFinite);
  return value;
}

std::int64_t parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size())
    throw Error("'" + std::string(text) + "' is not a whole number");
  return value;
}

double parse_fraction(std::string_view text) {
  try {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return parse_number(text);
    const double denominator = parse_number(text.substr(slash + 1));
    if (denominator == 0) throw Error("'" + std::string(text) + "' divides by zero");
    return parse_number(text.substr(0, slash)) / denominator;
  } catch (const Error& error) {
    throw UsageError(error.message());
  }
}

std::vector<double> linspace(double start, double stop, std::size_t n) {
  std::vector<double> values(n);
  if (n == 0) return values;
  const double step = n > 1 ? (stop - start) / static_cast<double>(n - 1) : 0;
  for (std::size_t i = 0; i < n; ++i) values[i] = start + static_cast<double>(i) * step;
  if (n > 1) values[n - 1] = stop;
  return values;
}

std::vector<double> parse_number_list(std::string_view text) {
  std::vector<double> values;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    if (trim(item).find_first_of(" \t;") != std::string_view::npos)
      throw UsageError("'" + std::string(item) + "': numbers are separated by commas, 0.3,0.5");
    const auto colon = item.find(':');
    if (colon == std::string_view::npos) {
      values.push_back(parse_fraction(item));
    } else {
      const auto second = item.find(':', colon + 1);
      if (second == std::string_view::npos)
        throw UsageError("'" + std::string(item) + "' is not a range: use START:STEP:STOP");
      const double start = parse_fraction(item.substr(0, colon));
      const double step = parse_fraction(item.substr(colon + 1, second - colon - 1));
      const double stop = parse_fraction(item.substr(second + 1));
      if (!(step > 0) || stop < start)
        throw UsageError("'" + std::string(item) + "' is not a range: STEP must be positive and STOP not before START");
      const double count = std::floor((stop - start) / step + 1e-9) + 1;
      if (count > 1e6) throw UsageError("'" + std::string(item) + "' has more than a million values");
      // A range that does not end on STOP ends on its last step before it.
      const double last = std::fabs(start + (count - 1) * step - stop) <= 1e-9 * std::fabs(stop) + 1e-12
                              ? stop
                              : start + (count - 1) * step;
      for (double value : linspace(start, last, static_cast<std::size_t>(count))) values.push_back(value);
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return values;
}

}  // namespace tal
