#include "libtal/formats/dom_parts.h"

#include <algorithm>
#include <charconv>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/io/json_check.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

// Whole numbers beyond 64 bits, which the parser does not know, are shown to it as texts behind this mark, so that they
// keep their digits where a member passes through.
constexpr std::string_view kBigMark = "\x01int:", kBigEscape = "\"\\u0001int:";

bool is_big(std::string_view number) {
  std::int64_t as_signed = 0;
  std::uint64_t as_unsigned = 0;
  const char *begin = number.data(), *end = begin + number.size();
  return number.size() > 18 && std::from_chars(begin, end, as_signed).ec != std::errc() &&
         std::from_chars(begin, end, as_unsigned).ec != std::errc();
}

// The text, which is JSON, with such numbers marked.
std::string with_marks(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"';) i += text[i] == '\\' ? 2 : 1;
      i = std::min(i + 1, text.size());
      out += text.substr(begin, i - begin);
      continue;
    }
    while (i < text.size() && (text[i] == '-' || (text[i] >= '0' && text[i] <= '9'))) ++i;
    const auto digits = text.substr(begin, i - begin);
    const bool whole = i == text.size() || (text[i] != '.' && text[i] != 'e' && text[i] != 'E');
    // What follows '.' or 'e' is no number of its own.
    const char before = begin > 0 ? text[begin - 1] : ' ';
    const bool own = before != '.' && before != 'e' && before != 'E' && before != '+';
    if (whole && own && is_big(digits)) ((out += kBigEscape) += digits) += '"';
    else out += digits.empty() ? text.substr(i++, 1) : digits;
  }
  return out;
}

}  // namespace

std::string raw_json(dom::element element) {
  std::string text = simdjson::minify(element);
  for (auto at = text.find(kBigEscape); at != std::string::npos; at = text.find(kBigEscape, at)) {
    text.erase(at, kBigEscape.size());
    text.erase(text.find('"', at), 1);
  }
  return text;
}

std::optional<std::string_view> text_of(dom::element element) {
  std::string_view text;
  if (element.get(text) || text.starts_with(kBigMark)) return std::nullopt;
  return text;
}

bool is_number(dom::element element) { return element.is_number() || (element.is_string() && !text_of(element)); }

DomText::DomText(std::string_view text) {
  auto code = parser_.parse(text.data(), text.size()).get(root_);
  if (code) {  // it is JSON, so it is such numbers that the parser does not know
    marked_ = with_marks(text);
    code = parser_.parse(marked_).get(root_);
  }
  if (code) throw Error("not valid JSON, or nested too deeply");
}

JsonFile::JsonFile(const SourceText& source) try
    : name_(source.name), text_(check_json_file(source, false, kDeepestJson)), parsed_(text_) {
} catch (Error& error) {
  throw error.at_line(source.name, error.line());
}

dom::object JsonFile::object() const {
  dom::object object;
  if (root().get(object)) throw Error("must be one JSON object").at_line(name_, 1);
  return object;
}

dom::array JsonFile::list() const {
  dom::array list;
  if (root().get(list)) throw Error("must be a JSON list").at_line(name_, 1);
  return list;
}

Error JsonFile::at(const Error& error, const std::vector<std::string_view>& names) const {
  return at_byte(error, find_member(text_, names));
}

Error JsonFile::at_byte(const Error& error, std::size_t byte) const {
  const auto [line, column] = place_of(text_, byte);
  const std::string where = column > 80 ? " (column " + std::to_string(column) + ")" : "";
  Error placed(error.message() + where, error.kind());
  return placed.at_field(error.field()).at_video(error.video()).at_line(name_, line);
}

std::vector<std::size_t> element_places(std::string_view text, std::size_t begin) {
  std::vector<std::size_t> places;
  int depth = 0;
  bool due = true;  // an element is
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (depth == 1 && due && c != ']') places.push_back(i), due = false;
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"';) i += text[i] == '\\' ? 2 : 1;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) break;
    } else if (c == ',' && depth == 1) {
      due = true;
    }
  }
  return places;
}

double number_of(dom::element element, std::string_view field) {
  double value = 0;
  if (!element.get(value)) return value;
  std::string_view text;  // G-TAD's thumos_gt.json writes times as strings
  if (!element.get(text)) {
    if (text.starts_with(kBigMark)) text.remove_prefix(kBigMark.size());
    try {
      return parse_number(trim(text));
    } catch (Error& error) {
      throw error.at_field(field);
    }
  }
  throw Error("must be a number").at_field(field);
}

Segment segment_of(dom::element element, const std::string& field) {
  dom::array array;
  if (element.get(array) || array.size() != 2) throw Error("must be [start, end]").at_field(field);
  const Segment segment{number_of(array.at(0), field + "[0]"), number_of(array.at(1), field + "[1]")};
  check_segment(segment, field);
  return segment;
}

std::string_view string_of(dom::element element, const std::string& field) {
  const auto text = text_of(element);
  if (!text) throw Error("must be a string").at_field(field);
  return *text;
}

dom::object object_of(dom::element element, const std::string& field) {
  dom::object object;
  if (element.get(object)) throw Error("must be an object").at_field(field);
  return object;
}

dom::array list_of(dom::element element, const std::string& field) {
  dom::array list;
  if (element.get(list)) throw Error("must be a list").at_field(field);
  return list;
}

std::optional<dom::element> member_of(const dom::object& object, std::string_view name) {
  dom::element value;
  if (object[name].get(value) || value.is_null()) return std::nullopt;
  return value;
}

void append_member(std::string& out, std::string_view key, std::string_view json) {
  if (!out.empty()) out += ',';
  append_json_string(out, key);
  out += ':';
  out += json;
}

}  // namespace tal
