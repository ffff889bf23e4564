#include "libtal/stream/video_records.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "libtal/base/error.h"
#include "libtal/io/record.h"

namespace tal {

void read_videos_as_records(const std::vector<std::string>& files) {
  std::set<std::string> ids;
  std::string lines;
  for (const auto& file : files) {
    const auto id = std::filesystem::path(file).stem().string();
    if (!ids.insert(id).second) throw UsageError("--videos: two files give the video id '" + id + "'");
    Record record = Record::make(id);
    record.set_text("path", file);
    record.write(lines);
    lines += '\n';
  }
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> spool(std::tmpfile(), std::fclose);
    if (!spool || std::fwrite(lines.data(), 1, lines.size(), spool.get()) != lines.size() || std::fflush(spool.get()) != 0 || ::dup2(fileno(spool.get()), STDIN_FILENO) < 0)
      throw_errno("temporary file", errno);
  }
  if (::lseek(STDIN_FILENO, 0, SEEK_SET) < 0) throw_errno("temporary file", errno);
}

}  // namespace tal
