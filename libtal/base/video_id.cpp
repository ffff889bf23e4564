#include "libtal/base/video_id.h"

#include <algorithm>

namespace tal {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; }

bool ends_with(std::string_view name, std::string_view ending) {
  return name.size() > ending.size() && std::equal(ending.begin(), ending.end(), name.end() - ending.size(),
                                                   [](char a, char b) { return a == lower(b); });
}

}  // namespace

std::string_view without_ending(std::string_view name, std::initializer_list<std::string_view> endings) {
  for (const auto ending : endings)
    if (ends_with(name, ending)) return name.substr(0, name.size() - ending.size());
  return name;
}

std::string video_id(std::string_view path) {
  if (const auto slash = path.find_last_of("/\\"); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  // Containers and streams that FFmpeg reads under these names.
  return std::string(
      without_ending(path, {".mp4",  ".m4v", ".avi",  ".mkv", ".webm", ".mov",  ".mpg",   ".mpeg", ".mpe",  ".m2v",
                            ".wmv",  ".asf", ".flv",  ".f4v", ".3gp",  ".3g2",  ".ogv",   ".ogg",  ".ts",   ".mts",
                            ".m2ts", ".vob", ".divx", ".dv",  ".mxf",  ".mjpg", ".mjpeg", ".rm",   ".rmvb", ".y4m",
                            ".h264", ".264", ".h265", ".265", ".hevc", ".gif",  ".qt",    ".nut",  ".sdp",  ".m3u8"}));
}

}  // namespace tal
