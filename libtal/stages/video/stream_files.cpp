#include "libtal/stages/video/stream_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"

namespace tal {

std::string sidecar_of(const std::string& npy) {
  return std::filesystem::path(npy).replace_extension(".json").string();
}

nlohmann::ordered_json source_state(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) throw_errno(path, errno);
  return {{"bytes", state.st_size},
          {"modified", static_cast<std::int64_t>(state.st_mtim.tv_sec) * 1000000000 + state.st_mtim.tv_nsec}};
}

}  // namespace tal
