// A report as one page to look at.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace tal::eval {

// One HTML file without scripts or any reference to the network, light or dark as the reader's system is, that a phone
// shows without scrolling sideways. report: that of --format json; of detections also `precision_recall`
// ({"recall":[..],"precision":[[..] per threshold]}).
std::string page_of(const nlohmann::ordered_json& report);

}  // namespace tal::eval
