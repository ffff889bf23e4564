#include "libtal/base/video_id.h"

#include <algorithm>

#include "libtal/base/text.h"

namespace tal {
namespace {

std::string_view file_name(std::string_view path) { return path.substr(path.find_last_of("/\\") + 1); }

}  // namespace

std::string_view without_ending(std::string_view name, std::initializer_list<std::string_view> endings) {
  for (const auto ending : endings)
    if (name.size() > ending.size() && ends_alike(name, ending)) return name.substr(0, name.size() - ending.size());
  return name;
}

namespace {

std::string_view without_sound(std::string_view name) {
  return without_ending(name, {".wav", ".flac", ".mp3", ".m4a", ".aac", ".oga", ".opus", ".wma", ".aif", ".aiff"});
}

}  // namespace

bool is_sound(std::string_view path) {
  path = file_name(path);
  return without_sound(path) != path;
}

std::string video_id(std::string_view path) {
  path = file_name(path);
  if (const auto name = without_sound(path); name != path) return std::string(name);
  // Containers and streams that FFmpeg reads under these names.
  return std::string(
      without_ending(path, {".mp4",  ".m4v", ".avi",  ".mkv", ".webm", ".mov",  ".mpg",   ".mpeg", ".mpe",  ".m2v",
                            ".wmv",  ".asf", ".flv",  ".f4v", ".3gp",  ".3g2",  ".ogv",   ".ogg",  ".ts",   ".mts",
                            ".m2ts", ".vob", ".divx", ".dv",  ".mxf",  ".mjpg", ".mjpeg", ".rm",   ".rmvb", ".y4m",
                            ".h264", ".264", ".h265", ".265", ".hevc", ".gif",  ".qt",    ".nut",  ".sdp",  ".m3u8"}));
}

std::vector<std::string_view> several_files(std::string_view name) {
  for (const char separator : {';', '|', ','}) {
    std::vector<std::string_view> files;
    for (std::string_view rest = name; !rest.empty();) {
      const auto end = std::min(rest.find(separator), rest.size());
      const auto part = trim(rest.substr(0, end));
      if (video_id(part) != file_name(part)) files.push_back(part);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (files.size() > 1) return files;
  }
  return {};
}

}  // namespace tal
