#include "libtal/stages/video/stream_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"

namespace tal {

nlohmann::ordered_json source_state(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) throw_errno(path, errno);
  return {{"bytes", state.st_size},
          {"modified", static_cast<std::int64_t>(state.st_mtim.tv_sec) * 1000000000 + state.st_mtim.tv_nsec}};
}

}  // namespace tal
