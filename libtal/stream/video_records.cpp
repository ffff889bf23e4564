#include "libtal/stream/video_records.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/video_id.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

std::string id_of(const std::string& file) { return video_id(file); }

void refuse_twins(const std::vector<std::string>& files) {
  std::set<std::string> ids;
  for (const auto& file : files)
    if (!ids.insert(id_of(file)).second)
      throw UsageError("--videos: two files give the video id '" + id_of(file) + "'");
}

Record record_of(const std::string& file) try {
  Record record = Record::make(id_of(file));
  record.set_text("path", file);
  return record;
} catch (const Error& error) {
  throw UsageError("--videos: '" + file + "': " + error.message());
}

}  // namespace

VideoList::VideoList(const std::string& input, const std::vector<std::string>& videos, StreamMeter* meter)
    : videos_(videos), meter_(meter) {
  if (videos.empty()) reader_.emplace(input, meter);
  refuse_twins(videos);
  for (const auto& file : videos) (void)record_of(file);  // before the first one is worked on
}

std::optional<VideoLine> VideoList::read() {
  if (!reader_) {
    if (at_ == videos_.size()) return std::nullopt;
    const std::string line = record_of(videos_[at_]).str();
    if (meter_) meter_->record();
    return VideoLine{line, "--videos", ++at_};
  }
  std::string_view line;
  if (!reader_->next(line)) return std::nullopt;
  return VideoLine{std::string(line), reader_->source(), reader_->line_number()};
}

std::optional<VideoLine> VideoList::next() {
  if (!ahead_) return read();
  auto video = std::exchange(ahead_, std::nullopt);
  return video;
}

bool VideoList::at_end() {
  if (!ahead_) ahead_ = read();
  return !ahead_;
}

bool VideoList::would_block() const { return !ahead_ && reader_ && reader_->would_block(); }

void read_videos_as_records(const std::vector<std::string>& files) {
  refuse_twins(files);
  std::string lines;
  for (const auto& file : files) {
    record_of(file).write(lines);
    lines += '\n';
  }
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> spool(std::tmpfile(), std::fclose);
    if (!spool || std::fwrite(lines.data(), 1, lines.size(), spool.get()) != lines.size() ||
        std::fflush(spool.get()) != 0 || ::dup2(fileno(spool.get()), STDIN_FILENO) < 0)
      throw_errno("temporary file", errno);
  }
  if (::lseek(STDIN_FILENO, 0, SEEK_SET) < 0) throw_errno("temporary file", errno);
}

}  // namespace tal
