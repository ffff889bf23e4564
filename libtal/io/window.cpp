#include "libtal/io/window.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

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

std::string WindowOrder::gap(const Window& window) {
  constexpr double kSame = 1 + 1e-6;  // starts are rounded
  if (last_ && window.index <= last_->index) return "";
  const std::int64_t next = last_ ? last_->index + 1 : 0;
  const double step = last_ ? window.start - last_->start : 0;
  std::string missing;
  if (window.index > next + 1)
    missing = "windows " + std::to_string(next) + " to " + std::to_string(window.index - 1) + " are missing";
  else if (window.index > next) missing = "window " + std::to_string(next) + " is missing";
  else if (last_ && window.start > last_->end && step_ > 0 && step > kSame * step_)
    missing = format_number(last_->end) + " s to " + format_number(window.start) + " s are in no window";
  if (missing.empty()) step_ = std::max(step_, step);
  last_ = window;
  return missing;
}

}  // namespace tal
