#include "libtal/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "libtal/base/error.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

template <class Fn>
void for_each_field(std::string_view line, char separator, Fn&& fn) {
  if (separator == ' ') {
    while (!(line = trim(line)).empty()) {
      const auto end = std::min(line.find_first_of(" \t"), line.size());
      fn(line.substr(0, end));
      line.remove_prefix(end);
    }
    return;
  }
  for (;;) {
    const auto end = line.find(separator);
    fn(trim(line.substr(0, end)));
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 1);
  }
}

bool read_number(std::string_view text, double& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument) return false;
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(text).c_str(), nullptr);  // 0 or infinity
  return true;
}

bool is_number(std::string_view text) {
  double value;
  return read_number(text, value);
}

char separator_of(std::string_view line) {
  for (const char separator : {',', ';', '\t'})
    if (line.find(separator) != line.npos) return separator;
  return ' ';
}

std::string_view unquoted(std::string_view field) {
  return field.size() > 1 && field.front() == '"' && field.back() == '"' ? field.substr(1, field.size() - 2) : field;
}

// Indices of the columns that are asked for by name or number; all when none is.
std::vector<std::size_t> choose_columns(const std::vector<std::string>& names, const std::vector<std::string>& asked) {
  std::vector<std::size_t> chosen;
  if (asked.empty())
    for (std::size_t i = 0; i < names.size(); ++i) chosen.push_back(i);
  for (const auto& column : asked) {
    const auto named = std::find(names.begin(), names.end(), column);
    std::size_t index = static_cast<std::size_t>(named - names.begin());
    if (named == names.end()) {
      const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), index);
      if (error != std::errc() || end != column.data() + column.size() || index < 1 || index > names.size())
        throw Error("no column '" + column + "' (there are " + std::to_string(names.size()) + ")");
      --index;
    }
    chosen.push_back(index);
  }
  return chosen;
}

std::string shown(std::string_view text) {
  return "'" + std::string(text.substr(0, 40)) + (text.size() > 40 ? "...'" : "'");
}

}  // namespace

NumberTable parse_number_table(std::string_view text, const std::vector<std::string>& columns) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  NumberTable table;
  char separator = 0;
  std::size_t width = 0;
  std::vector<std::size_t> chosen;  // indices of the fields that are read
  std::vector<std::string_view> fields;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const auto newline = text.find('\n');
    const std::string_view line = trim(text.substr(0, newline));
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    if (line.empty()) continue;
    const bool first = separator == 0;
    if (first) separator = separator_of(line);
    fields.clear();
    for_each_field(line, separator, [&](std::string_view field) { fields.push_back(field); });
    if (first) {
      width = fields.size();
      const bool header =
          !std::all_of(fields.begin(), fields.end(), [](std::string_view field) { return is_number(field); });
      std::vector<std::string> names;
      for (const auto field : fields) names.emplace_back(header ? unquoted(field) : std::string_view());
      try {
        chosen = choose_columns(names, columns);
      } catch (Error& error) {
        throw error.at_line("", number);
      }
      if (header) {
        for (const auto index : chosen) table.header.push_back(names[index]);
        continue;
      }
    }
    if (fields.size() != width)
      throw Error(std::to_string(fields.size()) + " columns, the first line has " + std::to_string(width))
          .at_line("", number);
    for (const auto index : chosen) {
      double value = 0;
      const bool read = read_number(fields[index], value);
      if (!read || !std::isfinite(static_cast<float>(value)))
        throw Error("column " + std::to_string(index + 1) + ": " + shown(fields[index]) +
                        (read ? " is not finite" : " is not a number"),
                    Error::Kind::kNotFinite)
            .at_line("", number);
      table.values.values.push_back(static_cast<float>(value));
    }
    ++table.values.rows;
  }
  table.values.dim = static_cast<std::int64_t>(chosen.size());
  return table;
}

}  // namespace tal
