// What the readers of JSON formats share: a file that has been checked, with the places of its members, and values with
// errors that name their field.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/base/segment.h"
#include "libtal/io/text_file.h"

namespace tal {

namespace dom = simdjson::dom;

constexpr std::size_t kDeepestJson = 1000;  // lists and objects in each other; the parser takes 1024

// A text that has been checked to be JSON (check_json_file, check_json_line), parsed. Whole numbers beyond 64 bits keep
// their digits (raw_json, number_of). Error for what the parser does not take. The text need not outlive it.
class DomText {
 public:
  explicit DomText(std::string_view text);
  const dom::element& root() const { return root_; }

 private:
  std::string marked_;
  dom::parser parser_;
  dom::element root_;
};

// A JSON file, and where its members stand. Error, with line and path of the place, for what is no JSON and for members
// that stand twice. The source must outlive it.
class JsonFile {
 public:
  explicit JsonFile(const SourceText& source);
  const dom::element& root() const { return parsed_.root(); }
  dom::object object() const;  // Error when the file is none
  dom::array list() const;
  // The error with the line of the member that these names lead to through objects. A column where the line does not
  // help.
  Error at(const Error& error, const std::vector<std::string_view>& names) const;
  // The error with the line of the text that an element begins with: `byte` of text().
  Error at_byte(const Error& error, std::size_t byte) const;
  std::string_view text() const { return text_; }

 private:
  const std::string name_;
  const std::string_view text_;
  const DomText parsed_;
};

// Where the elements of a list begin, which stands at `begin` of a text that has been checked.
std::vector<std::size_t> element_places(std::string_view text, std::size_t begin);

// The member as it stands in the file, without blanks; whole numbers beyond 64 bits keep their digits.
std::string raw_json(dom::element element);
std::optional<std::string_view> text_of(dom::element element);  // a string; nullopt for anything else
std::string_view string_of(dom::element element, const std::string& field);
bool is_number(dom::element element);
double number_of(dom::element element, std::string_view field);  // also one that is written as a string
Segment segment_of(dom::element element, const std::string& field);
dom::object object_of(dom::element element, const std::string& field);
dom::array list_of(dom::element element, const std::string& field);
std::optional<dom::element> member_of(const dom::object& object, std::string_view name);  // nullopt also for null

// Appends "key":value, with a comma where one is due.
void append_member(std::string& out, std::string_view key, std::string_view json);

}  // namespace tal
