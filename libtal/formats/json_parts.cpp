#include "libtal/formats/json_parts.h"

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/io/json_check.h"

namespace tal {

namespace dom = simdjson::dom;

bool JsonNode::is_object() const { return value_.is_object(); }
bool JsonNode::is_list() const { return value_.is_array(); }
bool JsonNode::is_text() const { return value_.is_string(); }
bool JsonNode::is_number() const { return value_.is_number(); }
bool JsonNode::is_true() const {
  bool value = false;
  return !value_.get(value) && value;
}

std::optional<JsonNode> JsonNode::find(std::string_view member) const {
  dom::object object;
  dom::element found;
  if (value_.get(object) || object.at_key(member).get(found) || found.is_null()) return std::nullopt;
  return JsonNode(found, path_.empty() ? std::string(member) : path_ + '.' + std::string(member));
}

JsonNode JsonNode::at(std::string_view member) const {
  if (auto found = find(member)) return *std::move(found);
  const std::string name(member);
  if (!is_object()) throw Error("must be an object with '" + name + "'").at_field(path_);
  throw Error("missing").at_field(path_.empty() ? name : path_ + '.' + name);
}

std::vector<JsonNode> JsonNode::items() const {
  dom::array list;
  if (value_.get(list)) throw Error("must be a list").at_field(path_);
  std::vector<JsonNode> out;
  for (const dom::element item : list) out.emplace_back(item, path_ + '[' + std::to_string(out.size()) + ']');
  return out;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
  dom::object object;
  if (value_.get(object)) throw Error("must be an object").at_field(path_);
  std::vector<std::pair<std::string, JsonNode>> out;
  for (const auto [key, value] : object) {
    std::string name(key);
    JsonNode node(value, path_.empty() ? name : path_ + '.' + name);
    out.emplace_back(std::move(name), std::move(node));
  }
  return out;
}

double JsonNode::number() const {
  double value = 0;
  std::string_view text;
  if (!value_.get(value)) return value;
  if (value_.get(text)) throw Error("must be a number").at_field(path_);
  try {
    return parse_number(trim(text));
  } catch (Error& error) {
    throw error.at_field(path_);
  }
}

std::string JsonNode::text() const {
  std::string_view text;
  if (value_.get(text)) throw Error("must be a string").at_field(path_);
  return std::string(text);
}

std::string JsonNode::words() const {
  std::string_view text;
  if (!value_.get(text)) return std::string(text);
  return value_.is_number() || value_.is_bool() ? json() : "";
}

std::string JsonNode::json() const { return simdjson::minify(value_); }

JsonTree::JsonTree(const SourceText& source) : source_(source) {
  constexpr std::size_t kDeepest = 1000;  // the parser takes 1024
  text_ = check_json_file(source, false, kDeepest);
  if (const auto code = parser_.parse(text_.data(), text_.size()).get(root_))  // it is JSON: a number beyond 64 bits
    throw Error(std::string("not readable: ") + simdjson::error_message(code)).at_line(source.name, 0);
}

Error JsonTree::placed(const Error& error) const {
  if (error.line() > 0 || error.field().empty()) return Error(error).at_line(source_.name, 0);
  const auto [line, column] = place_of(text_, find_path(text_, error.field()));
  const std::string where = column > 80 ? " (column " + std::to_string(column) + ")" : "";
  Error placed(error.message() + where, error.kind());
  return placed.at_field(error.field()).at_video(error.video()).at_line(source_.name, line);
}

}  // namespace tal
