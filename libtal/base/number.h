// Numbers as text: shortest round-trip output, and the option syntax of the command line
// (fractions "3/4", inclusive ranges "0.5:0.05:0.95", lists "0.3,0.5,0.7").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

// Appends the shortest decimal text that reads back to the same finite double ("3", "0.1", "1e22", "-0.0").
// Never longer than Python's repr. Throws Error for NaN and infinity, which JSON cannot carry.
void append_number(std::string& out, double value);
std::string format_number(double value);

// Whole text as a finite double (Error::Kind::kNotFinite otherwise), or as an integer; throws Error naming the text.
double parse_number(std::string_view text);
std::int64_t parse_integer(std::string_view text);

// Option values. Throw UsageError. parse_fraction: "0.75" or "3/4".
double parse_fraction(std::string_view text);

// "0.5:0.05:0.95" (inclusive, as numpy's linspace generates it: start + i * ((stop - start) / (n - 1))), lists, and
// any mix of both separated by commas. UsageError for anything else and for more than a million values of a range.
std::vector<double> parse_number_list(std::string_view text);

// numpy.linspace(start, stop, n), the last value exactly stop.
std::vector<double> linspace(double start, double stop, std::size_t n);

}  // namespace tal
