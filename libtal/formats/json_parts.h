// A JSON file as a tree whose values know their path, for readers of files that nest deeply. A fault is told by
// throwing Error at the value's path; placed() adds the line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/formats/dom_parts.h"

namespace tal {

// A value of a tree that outlives it.
class JsonNode {
 public:
  JsonNode(dom::element value, std::string path) : value_(value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }  // "tasks[3].annotations[0]"
  bool is_object() const;
  bool is_list() const;
  bool is_text() const;
  bool is_number() const;
  bool is_true() const;

  // A member of an object: nullopt when it is not there or null, or this is no object. at(): Error "missing". Both look
  // at one member after the other.
  std::optional<JsonNode> find(std::string_view member) const;
  JsonNode at(std::string_view member) const;
  // Of a list, and of an object, in the file's order. Error for what is no list, no object.
  std::vector<JsonNode> items() const;
  std::vector<std::pair<std::string, JsonNode>> members() const;

  double number() const;      // also of a text; Error for anything else
  std::string text() const;   // Error unless it is a text
  std::string words() const;  // a text, or a number or truth value as JSON; "" for anything else
  std::string json() const;

 private:
  dom::element value_;
  std::string path_;
};

class JsonTree {
 public:
  // Error as JsonFile. The source must outlive the tree.
  explicit JsonTree(const SourceText& source) : source_(source), file_(source) {}
  JsonNode root() const { return {file_.root(), ""}; }
  // The error with the line of its field, and the column where the line does not help.
  Error placed(const Error& error) const;

 private:
  const SourceText& source_;
  const JsonFile file_;
};

}  // namespace tal
