#include "libtal/io/window.h"

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"

namespace tal {

std::optional<Window> window_of(const Record& record) {
  const auto raw = record.raw("window");
  if (!raw) return std::nullopt;
  const auto json = nlohmann::json::parse(*raw, nullptr, false);
  if (!json.is_object()) throw Error("must be an object with index, start and end").at_field("window");
  const auto member = [&](const char* key, bool right, const char* what) {
    if (!right) throw Error(json.contains(key) ? what : "missing").at_field(std::string("window.") + key);
    return json[key];
  };
  const auto is_number = [&](const char* key) { return json.contains(key) && json[key].is_number(); };
  Window window;
  window.index = member("index", json.contains("index") && json["index"].is_number_integer(), "must be a whole number");
  window.start = member("start", is_number("start"), "must be a number");
  window.end = member("end", is_number("end"), "must be a number");
  if (json.contains("final")) window.final = member("final", json["final"].is_boolean(), "must be true or false");
  if (!(window.start < window.end)) throw Error("ends before it starts").at_field("window");
  return window;
}

}  // namespace tal
