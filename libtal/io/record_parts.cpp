// JSON values as Record reads them.
#include "libtal/io/record_parts.h"

#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal::record_parts {
namespace {

constexpr std::size_t kMaxLine = std::size_t{1} << 30;

}  // namespace

sj::ondemand::parser& line_parser() {
  thread_local sj::ondemand::parser parser(kMaxLine + 64);
  return parser;
}

sj::ondemand::parser& field_parser() {
  thread_local sj::ondemand::parser parser(kMaxLine + 64);
  return parser;
}

void fail(sj::error_code code) {
  switch (code) {
    case sj::UTF8_ERROR: throw Error(kForeignText, Error::Kind::kNotUtf8);
    case sj::DEPTH_ERROR: throw Error("not valid JSON: nested too deeply");
    case sj::INCOMPLETE_ARRAY_OR_OBJECT: throw Error("not valid JSON: the line ends inside an array or object");
    case sj::UNCLOSED_STRING: throw Error("not valid JSON: a string is not closed");
    case sj::CAPACITY: throw Error("the line is longer than 1 GiB");
    case sj::EMPTY: throw Error("empty");
    default: throw Error(kBrokenJson);  // the parser's own words name no place
  }
}

std::string shorten(std::string_view text) {
  text = trim_end(text);
  return text.size() > 40 ? std::string(text.substr(0, 40)) + "..." : std::string(text);
}

Error not_finite(std::string_view text) {
  return Error("'" + shorten(text) + "' is not a finite number", Error::Kind::kNotFinite);
}

double number_at(JsonValue& v, std::string_view& token) {
  token = trim_end(v.raw_json_token());
  double out = 0;
  if (v.get_double().get(out) || !std::isfinite(out)) throw not_finite(token);
  return out;
}

std::string_view string_at(JsonValue& v, const char* wanted) {
  const bool text = v.raw_json_token().starts_with('"');
  std::string_view out;
  if (v.get_string().get(out)) throw Error(text ? kBrokenJson : wanted);
  return out;
}

Segment segment_at(JsonValue& v, bool zero_length) {
  JsonArray array;
  if (v.get_array().get(array)) throw Error("must be [start, end], not '" + shorten(v.raw_json_token()) + "'");
  Segment segment;
  std::string_view tokens[2];
  std::size_t count = 0;
  for (auto element : array) {
    JsonValue number;
    if (const auto code = element.get(number)) fail(code);
    if (count == 2) throw Error("must have two numbers, [start, end]");
    (count == 0 ? segment.start : segment.end) = number_at(number, tokens[count]);
    ++count;
  }
  if (count != 2) throw Error("must have two numbers, [start, end]");
  if (segment.end < segment.start || (!zero_length && segment.end == segment.start))
    throw Error("end " + shorten(tokens[1]) + " is not after start " + shorten(tokens[0]));
  return segment;
}

void append_segment(std::string& out, const Segment& segment) {
  out += '[';
  append_number(out, segment.start);
  out += ',';
  append_number(out, segment.end);
  out += ']';
}

void append_times(std::string& out, const Segment& segment, bool point) {
  if (point) append_number(out += "\"at\":", segment.start);
  else append_segment(out += "\"segment\":", segment);
}

void refuse_point() {
  throw Error(
      "a point in time has no length; this step needs segments (tal-convert --points drop leaves points out, "
      "--points S makes them S seconds long)");
}

std::string indexed(const char* name, std::size_t index, const char* member) {
  std::string out = name + ("[" + std::to_string(index) + "]");
  if (member) (out += '.') += member;
  return out;
}

}  // namespace tal::record_parts
