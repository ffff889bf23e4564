// What the sources of Record share: its state, and the reading of JSON values. For record*.cpp alone.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/json_check.h"
#include "libtal/io/record.h"

namespace tal::record_parts {

namespace sj = simdjson;
using JsonValue = sj::ondemand::value;
using JsonArray = sj::ondemand::array;
using JsonObject = sj::ondemand::object;
using JsonDocument = sj::ondemand::document;

constexpr std::size_t kParserPadding = sj::SIMDJSON_PADDING;  // readable bytes that must follow a text

// One parser per thread for each of the two levels: a record's line, and one field's value inside it.
sj::ondemand::parser& line_parser();
sj::ondemand::parser& field_parser();

// Of what fail() says where no more is known; json_fault() knows the place.
inline constexpr char kBrokenJson[] = "not valid JSON: commas, brackets or keys are missing or too many";
[[noreturn]] void fail(sj::error_code code);  // Error in the words of a user

template <class T>
T take(sj::simdjson_result<T>&& result) {
  T out;
  if (const auto code = std::move(result).get(out)) fail(code);
  return out;
}

// Nothing but white space is left behind the value.
inline bool at_end(JsonDocument& document) { return document.current_location().error() == sj::OUT_OF_BOUNDS; }

inline bool opens_container(char c) { return c == '[' || c == '{'; }

inline std::string_view trim_end(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string shorten(std::string_view text);  // at most 40 bytes of it, for messages that quote the input

Error not_finite(std::string_view text);  // that was due to be a finite number

// The number at `v`; its text is returned too. Error when it is not finite or no number.
double number_at(JsonValue& v, std::string_view& token);
// [start, end] in seconds. Error (with the texts of the input) when it is not two finite numbers, or reversed.
Segment segment_at(JsonValue& v, bool zero_length);

// The text; Error `wanted` for anything else. Escapes that make no character are kBrokenJson.
std::string_view string_at(JsonValue& v, const char* wanted = "must be a string");
void append_segment(std::string& out, const Segment& segment);            // [start,end]
void append_times(std::string& out, const Segment& segment, bool point);  // "segment":[start,end], or "at":start
[[noreturn]] void refuse_point();                                         // where a step needs segments

std::string indexed(const char* name, std::size_t index, const char* member = nullptr);  // name[index].member

// Runs body; an Error gets the field name, a simdjson exception cannot happen (error codes only).
template <class Body>
auto in_field(const std::string& field, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (Error& error) {
    throw error.at_field(field);
  }
}

// Calls body(document) on the JSON text of one field. Text inside the record's line is followed by readable bytes;
// changed text is copied to get its padding.
template <class Body>
void with_value(std::string_view raw, bool padded, Body&& body) {
  std::string copy;
  if (!padded) {
    copy.reserve(raw.size() + kParserPadding);
    copy.assign(raw);
    raw = copy;
  }
  JsonDocument document;
  const sj::padded_string_view text(raw.data(), raw.size(), raw.size() + kParserPadding);
  if (const auto code = field_parser().iterate(text).get(document)) fail(code);
  body(document);
  if (!at_end(document)) throw Error("not valid JSON");
}

// A member's name, its escapes undone. The view lives until the parser's next document.
inline std::string_view name_of(sj::ondemand::field& field) {
  const char* const begin = field.key().raw();
  const char* end = begin;
  while (*end != '"' && *end != '\\') ++end;
  if (*end == '"') return {begin, static_cast<std::size_t>(end - begin)};
  return take(field.unescaped_key());
}

// body(key, value) for every member of an object.
template <class Body>
void each_member(JsonObject& object, Body&& body) {
  for (auto member : object) {
    sj::ondemand::field field;
    if (const auto code = std::move(member).get(field)) fail(code);
    const std::string_view key = name_of(field);
    JsonValue item = field.value();
    body(key, item);
  }
}

}  // namespace tal::record_parts

namespace tal {

struct Record::State {
  struct Field {
    std::string_view key;
    std::size_t begin, end;  // of the value, in `line`
    bool changed = false, removed = false;
    std::string text;  // the new value, or the value of an appended field
    std::string_view raw(const std::string& line) const {
      return changed ? std::string_view(text) : std::string_view(line).substr(begin, end - begin);
    }
  };
  std::string line;  // capacity at least size + padding
  std::vector<Field> fields;
  std::size_t original = 0;  // fields[0, original) stand in `line`
  std::size_t close = 0;     // offset of the last '}'
  std::string video;
  std::deque<std::string> kept;
  std::deque<std::vector<NamedScore>> kept_scores;
  bool modified = false, made = false;  // made: here, not read
  bool proposals_parsed = false;
  bool repeated_keys = false;  // Record::take_repeated_keys
  std::shared_ptr<const FilePlaces> places;
  std::vector<Proposal> proposals;
  std::optional<std::size_t> first_point;  // among the proposals

  const Field* find(std::string_view key) const {
    for (const auto& field : fields)
      if (!field.removed && field.key == key) return &field;
    return nullptr;
  }

  // Error with field and video when the value is not JSON.
  void check(const Field& field) const;
  // The error of a parser that knows no place, as json_fault() says it of the line; any other as it is.
  Error placed(const Error& error) const;
  std::string digest(bool as_it_came) const;

  void hold(std::string_view text);  // forgets the record before, and takes the line
  void scan();                       // `fields` from `line`
  void scan_field(record_parts::sj::ondemand::field& field);
  std::string_view keep(std::string_view text);  // Record::keep

  void parse_proposals();  // once
  class ProposalReader;

  // body(document) on the value of a field, if it is there; errors name field and video.
  template <class Body>
  void read(const char* key, Body&& body) const {
    const auto* field = find(key);
    if (!field) return;
    try {
      record_parts::with_value(field->raw(line), !field->changed, body);
    } catch (Error& error) {
      throw(field->changed ? error : placed(error)).at_field(key).at_video(video);
    }
  }

  // The objects of a list, each by body(object, index); errors name the element.
  template <class T, class Body>
  std::vector<T> objects(const char* key, Body&& body) const {
    std::vector<T> out;
    read(key, [&](record_parts::JsonDocument& document) {
      record_parts::JsonArray array;
      if (document.get_array().get(array)) throw Error("must be a list");
      for (auto element : array) {
        record_parts::in_field(record_parts::indexed(key, out.size()), [&] {
          record_parts::JsonObject object;
          if (element.get_object().get(object)) throw Error("must be an object");
          out.push_back(body(object, out.size()));
        });
      }
    });
    return out;
  }
};

}  // namespace tal
