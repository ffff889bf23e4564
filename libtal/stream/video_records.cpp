#include "libtal/stream/video_records.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/video_id.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/record.h"
#include "libtal/io/text_file.h"

namespace tal {
namespace {

// way_out: what tells them apart.
void refuse_twins(const std::vector<std::string>& files, int folders, const std::string& way_out) {
  std::map<std::string, std::string> ids;
  for (const auto& file : files) {
    const auto [first, fresh] = ids.try_emplace(video_id(file, folders), file);
    if (fresh) continue;
    if (first->second == file) throw UsageError("--videos: '" + file + "' is given twice");
    const bool one_folder =
        std::filesystem::path(file).parent_path() == std::filesystem::path(first->second).parent_path();
    throw UsageError("--videos: two files give the video id '" + first->first + "', '" + first->second + "' and '" +
                     file + "': " + (one_folder ? "records (-i) say ids of their own" : way_out));
  }
}

bool is_picture(const std::string& path) {
  return without_ending(path, {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".ppm"}) != path;
}

// A folder, with what it has instead of being a video, and a picture.
void refuse_no_video(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (!fs::is_directory(path, failed)) {
    if (!is_picture(path)) return;
    throw UsageError("--videos: '" + path + "' is a picture: " +
                     picture_advice((fs::path(path).parent_path() / "").string(), fs::path(path).extension().string()));
  }
  std::size_t files = 0, folders = 0, pictures = 0;
  std::string picture;
  for (fs::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed)) {
    ++(at->is_directory(failed) ? folders : files);
    if (is_picture(at->path().string())) ++pictures, picture = at->path().string();
  }
  const std::string glob = (fs::path(path) / "").string();
  throw UsageError("--videos: '" + path + "' is a folder" +
                   (pictures > 0 && pictures == files
                        ? " of pictures: " + picture_advice(glob, fs::path(picture).extension().string())
                    : files > 0   ? ": name its files, " + glob + "*"
                    : folders > 0 ? " of folders: name the files in them, " + glob + "*/*"
                                  : " without a file"));
}

Record record_of(const std::string& file, int folders) try {
  Record record = Record::make(video_id(file, folders));
  record.set_text("path", file);
  return record;
} catch (const Error& error) {
  const bool name = error.message().find(kForeignText) != std::string::npos;  // advice for what stands in a file
  throw UsageError("--videos: '" + file + "': " +
                   (name ? "its name is not valid UTF-8, which ids and records are: rename it, or name a link to it"
                         : error.message()));
}

}  // namespace

VideoList::VideoList(const std::string& input, const std::vector<std::string>& videos, StreamMeter* meter,
                     int id_folders)
    : videos_(videos), meter_(meter), id_folders_(id_folders) {
  if (videos.empty()) reader_.emplace(input, meter);
  for (const auto& file : videos) refuse_no_video(file);
  refuse_twins(videos, id_folders, "--id-folders keeps folders in the ids, and records say ids of their own");
  for (const auto& file : videos) (void)record_of(file, id_folders);  // before the first one is worked on
}

std::optional<VideoLine> VideoList::read() {
  if (!reader_) {
    if (at_ == videos_.size()) return std::nullopt;
    const std::string line = record_of(videos_[at_], id_folders_).str();
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
  for (const auto& file : files) refuse_no_video(file);
  refuse_twins(files, 0, "records (video and path) say ids of their own");
  std::string lines;
  for (const auto& file : files) {
    record_of(file, 0).write(lines);
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
