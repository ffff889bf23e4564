// How the video behind a stream's files is known again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tal {

// {"bytes","modified"}: size and time of change (nanoseconds) of a file; a finished stream is taken up again only for
// the same file. Error when there is none.
nlohmann::ordered_json source_state(const std::string& path);

}  // namespace tal
