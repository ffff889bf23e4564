#include "libtal/formats/json_parts.h"

#include "libtal/io/json_check.h"

namespace tal {

bool JsonNode::is_object() const { return value_.is_object(); }
bool JsonNode::is_list() const { return value_.is_array(); }
bool JsonNode::is_text() const { return text_of(value_).has_value(); }
bool JsonNode::is_number() const { return tal::is_number(value_); }
bool JsonNode::is_true() const {
  bool value = false;
  return !value_.get(value) && value;
}

std::optional<JsonNode> JsonNode::find(std::string_view member) const {
  dom::object object;
  if (value_.get(object)) return std::nullopt;
  const auto found = member_of(object, member);
  if (!found) return std::nullopt;
  return JsonNode(*found, path_.empty() ? std::string(member) : path_ + '.' + std::string(member));
}

JsonNode JsonNode::at(std::string_view member) const {
  if (auto found = find(member)) return *std::move(found);
  const std::string name(member);
  if (!is_object()) throw Error("must be an object with '" + name + "'").at_field(path_);
  throw Error("missing").at_field(path_.empty() ? name : path_ + '.' + name);
}

std::vector<JsonNode> JsonNode::items() const {
  std::vector<JsonNode> out;
  for (const dom::element item : list_of(value_, path_))
    out.emplace_back(item, path_ + '[' + std::to_string(out.size()) + ']');
  return out;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
  std::vector<std::pair<std::string, JsonNode>> out;
  for (const auto [key, value] : object_of(value_, path_)) {
    std::string name(key);
    JsonNode node(value, path_.empty() ? name : path_ + '.' + name);
    out.emplace_back(std::move(name), std::move(node));
  }
  return out;
}

double JsonNode::number() const { return number_of(value_, path_); }
std::string JsonNode::text() const { return std::string(string_of(value_, path_)); }
std::string JsonNode::words() const {
  if (const auto text = text_of(value_)) return std::string(*text);
  return is_number() || value_.is_bool() ? json() : "";
}
std::string JsonNode::json() const { return raw_json(value_); }

Error JsonTree::placed(const Error& error) const {
  if (error.line() > 0 || error.field().empty()) return Error(error).at_line(source_.name, 0);
  return file_.at_byte(error, find_path(file_.text(), error.field()));
}

}  // namespace tal
