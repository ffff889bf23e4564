// Video files named on the command line, as the records that a stage reads.
#pragma once

#include <string>
#include <vector>

namespace tal {

// From here on stdin holds one record a file, {"video": name without folder and extension, "path": file}. UsageError when two files give one
// video id. Error when no temporary file can be made.
void read_videos_as_records(const std::vector<std::string>& files);

}  // namespace tal
