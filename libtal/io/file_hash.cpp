#include "libtal/io/file_hash.h"

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <tuple>

#include "libtal/base/sha256.h"
#include "libtal/io/npy.h"

namespace tal {

std::string file_hash(const std::string& path) {
  using Identity = std::tuple<dev_t, ino_t, off_t, time_t, long>;
  static std::mutex mutex;
  static std::map<Identity, std::string> known;
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) return sha256(MappedFile(path).bytes());  // which says why not
  const Identity identity{state.st_dev, state.st_ino, state.st_size, state.st_mtim.tv_sec, state.st_mtim.tv_nsec};
  const std::lock_guard lock(mutex);
  auto& hash = known[identity];
  if (hash.empty()) hash = sha256(MappedFile(path).bytes());
  return hash;
}

}  // namespace tal
