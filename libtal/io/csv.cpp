#include "libtal/io/csv.h"

#include <charconv>
#include <cmath>

#include "libtal/base/error.h"

namespace tal {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

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
  return !text.empty() && end == text.data() + text.size() && (error == std::errc() || error == std::errc::result_out_of_range);
}

std::string shown(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + (text.size() > 40 ? "...'" : "'"); }

}  // namespace

NumberTable parse_number_table(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  NumberTable table;
  char separator = 0;
  std::int64_t columns = 0;
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const auto newline = text.find('\n');
    const std::string_view line = trim(text.substr(0, newline));
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    if (line.empty()) continue;
    if (separator == 0) {
      separator = line.find(',') != line.npos ? ',' : line.find(';') != line.npos ? ';' : line.find('\t') != line.npos ? '\t' : ' ';
      bool all_numbers = true;
      double value;
      for_each_field(line, separator, [&](std::string_view field) {
        ++columns;
        all_numbers = all_numbers && read_number(field, value);
        if (field.size() > 1 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
        table.header.emplace_back(field);
      });
      if (!all_numbers) continue;
      table.header.clear();
    }
    std::int64_t column = 0;
    for_each_field(line, separator, [&](std::string_view field) {
      double value = 0;
      if (++column > columns) return;
      const bool read = read_number(field, value);
      if (!read || !std::isfinite(static_cast<float>(value)))
        throw Error("column " + std::to_string(column) + ": " + shown(field) + (read ? " is not finite" : " is not a number")).at_line("", number);
      table.values.values.push_back(static_cast<float>(value));
    });
    if (column != columns)
      throw Error(std::to_string(column) + " columns, the first line has " + std::to_string(columns)).at_line("", number);
    ++table.values.rows;
  }
  table.values.dim = columns;
  return table;
}

}  // namespace tal
