// What a stream's files are called and how the video behind them is known again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tal {

// "a/v.hog-hof.npy" -> "a/v.hog-hof.json".
std::string sidecar_of(const std::string& npy);

// {"bytes","modified"}: size and time of change (nanoseconds) of a file; a finished stream is taken up again only for
// the same file. Error when there is none.
nlohmann::ordered_json source_state(const std::string& path);

}  // namespace tal
