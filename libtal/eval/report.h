// One report object, four ways to print it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace tal::eval {

// Compact JSON with shortest round-trip numbers.
std::string to_json(const nlohmann::ordered_json& value);
// format: text, json, csv, markdown. The report is the object of --format json.
std::string render(const nlohmann::ordered_json& report, const std::string& format);

}  // namespace tal::eval
