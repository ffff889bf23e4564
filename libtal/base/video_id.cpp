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

std::vector<std::string_view> several_files(std::string_view name) {
  for (const char separator : {';', '|', ','}) {
    std::vector<std::string_view> files;
    for (std::string_view rest = name; !rest.empty();) {
      const auto end = std::min(rest.find(separator), rest.size());
      auto part = rest.substr(0, end);
      while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
      while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
      const auto slash = part.find_last_of("/\\");
      if (const auto base = part.substr(slash == std::string_view::npos ? 0 : slash + 1); video_id(base) != base)
        files.push_back(part);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (files.size() > 1) return files;
  }
  return {};
}

void VideoNames::add(const std::string& name) {
  if (names_.insert(name).second) by_id_[video_id(name)].push_back(name);
}

const std::string* VideoNames::find(const std::string& name) const {
  if (const auto found = names_.find(name); found != names_.end()) return &*found;
  const auto same = by_id_.find(video_id(name));
  return same != by_id_.end() && same->second.size() == 1 ? &same->second.front() : nullptr;
}

}  // namespace tal
