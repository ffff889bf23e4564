#include "libtal/base/video_id.h"

#include <algorithm>
#include <cctype>

#include "libtal/base/error.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

std::string_view file_name(std::string_view path) { return path.substr(path.find_last_of("/\\") + 1); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 32);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// Behind the "://" of an address; 0: it is none.
std::size_t behind_scheme(std::string_view name) {
  const auto colon = name.find("://");
  if (colon == std::string_view::npos || colon < 2) return 0;
  const bool scheme = std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(colon),
                                  [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '-' || c == '.'; });
  return scheme ? colon + 3 : 0;
}

}  // namespace

std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool two = text[i] == '%' && i + 2 < text.size();
    const int high = two ? hex_digit(text[i + 1]) : -1, low = two ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

std::string_view without_ending(std::string_view name, std::initializer_list<std::string_view> endings) {
  for (const auto ending : endings)
    if (name.size() > ending.size() && ends_alike(name, ending)) return name.substr(0, name.size() - ending.size());
  return name;
}

namespace {

std::string_view without_sound(std::string_view name) {
  return without_ending(
      name, {".wav", ".flac", ".mp3", ".m4a",  ".aac",  ".oga", ".opus", ".wma",  ".aif",  ".aiff", ".caf",  ".au",
             ".snd", ".w64",  ".ac3", ".ec3",  ".eac3", ".mka", ".mp2",  ".mpa",  ".m4b",  ".amr",  ".aifc", ".bwf",
             ".ape", ".wv",   ".tta", ".weba", ".spx",  ".ra",  ".dts",  ".adts", ".rf64", ".thd",  ".mlp",  ".mpc"});
}

std::string_view without_media_ending(std::string_view file) {
  if (const auto name = without_sound(file); name != file) return name;
  // Containers and streams that FFmpeg reads under these names; those of cameras, recorders and discs among them.
  return without_ending(
      file,
      {".mp4",  ".m4v",  ".avi",  ".mkv",   ".webm", ".mov",    ".mpg",  ".mpeg", ".mpe",  ".m2v", ".wmv",    ".asf",
       ".flv",  ".f4v",  ".3gp",  ".3g2",   ".ogv",  ".ogg",    ".ts",   ".mts",  ".m2ts", ".vob", ".divx",   ".dv",
       ".mxf",  ".mjpg", ".rm",   ".mjpeg", ".rmvb", ".y4m",    ".h264", ".264",  ".h265", ".265", ".hevc",   ".gif",
       ".qt",   ".nut",  ".sdp",  ".m3u8",  ".360",  ".insv",   ".lrv",  ".lrf",  ".dav",  ".m2t", ".m1v",    ".mpv",
       ".mod",  ".tod",  ".ogm",  ".ogx",   ".wtv",  ".ivf",    ".apng", ".amv",  ".obu",  ".av1", ".vvc",    ".266",
       ".h266", ".avc",  ".h261", ".h263",  ".mp4v", ".mpeg4",  ".mj2",  ".mjp2", ".mk3d", ".m2p", ".tp",     ".trp",
       ".evo",  ".vro",  ".nsv",  ".svi",   ".wm",   ".xvid",   ".3gpp", ".3gp2", ".ismv", ".swf", ".dvr-ms", ".nuv",
       ".gxf",  ".pva",  ".vc1",  ".cavs",  ".dif",  ".mpegts", ".m4p",  ".mpg2", ".mpeg2"});
}

bool is_media_path(std::string_view path) {
  path = file_name(path);
  return without_media_ending(path) != path;
}

}  // namespace

namespace {

// The id in an address of YouTube: /watch?v=ID&t=30s, youtu.be/ID?t=3, /embed/ID, /shorts/ID, /live/ID, /v/ID; "":
// none.
std::string_view youtube_id(std::string_view address) {
  const auto slash = std::min(address.find('/'), address.size());
  std::string_view host = address.substr(0, slash), rest = address.substr(std::min(slash + 1, address.size()));
  rest = rest.substr(0, rest.find('#'));
  for (const std::string_view sub : {"www.", "m.", "music."})
    if (host.starts_with(sub)) host.remove_prefix(sub.size());
  const auto mark = std::min(rest.find('?'), rest.size());
  std::string_view path = rest.substr(0, mark), id;
  if (host == "youtu.be") {
    id = path;
  } else if (host == "youtube.com" || host == "youtube-nocookie.com") {
    for (const std::string_view folder : {"embed/", "shorts/", "live/", "v/"})
      if (path.starts_with(folder)) id = path.substr(folder.size());
    std::string_view query = path == "watch" ? rest.substr(std::min(mark + 1, rest.size())) : "";
    while (!query.empty()) {
      const auto end = std::min(query.find('&'), query.size());
      if (query.substr(0, end).starts_with("v=")) id = query.substr(2, end - 2);
      query.remove_prefix(std::min(end + 1, query.size()));
    }
  }
  return id.substr(0, id.find('/'));
}

}  // namespace

std::string address_path(std::string_view name) {
  if (const auto begin = behind_scheme(name); begin > 0) {
    if (const auto id = youtube_id(name.substr(begin)); !id.empty()) return std::string(id);
    const auto path = name.substr(begin, name.find_first_of("?#", begin) - begin);
    if (is_media_path(path)) return without_escapes(path);
  }
  return std::string(name);
}

bool is_sound(std::string_view path) {
  const std::string whole = address_path(path);
  path = file_name(whole);
  return without_sound(path) != path;
}

namespace {

// The folders of a path, the last one first, without "." and what comes before a root.
std::vector<std::string_view> folders_of(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_suffix(file_name(path).size());
  while (!path.empty()) {
    path.remove_suffix(1);
    const auto folder = file_name(path);
    if (!folder.empty() && folder != ".") out.push_back(folder);
    path.remove_suffix(folder.size());
  }
  return out;
}

// Whether the folders of one lie in those of the other: "clips/v.mp4", "/data/clips/v.mp4", "v.mp4".
bool may_be_one(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
}

// "/home/a/v.mp4", "C:\data\v.mp4", "\\server\v.mp4", "file:///home/a/v.mp4"
bool is_whole_path(std::string_view path) {
  const bool drive = path.size() > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
  return drive || path.starts_with('/') || path.starts_with("\\\\") || path.starts_with("file:/");
}

}  // namespace

std::string FileIds::id(std::string_view given, const std::string& place) {
  const std::string name = address_path(given);
  const int kept = std::max(folders_, 0);
  std::string id = video_id(name, kept);
  const auto folders = folders_of(name);
  if (folders_ == 0 || (folders_ < 0 && folders.empty())) return id;
  const auto [found, fresh] = first_.try_emplace(id, First{name, place});
  First& first = found->second;
  const auto before = folders_of(first.name);
  const bool one_name = video_id(name) == video_id(first.name);
  if (fresh || (one_name && may_be_one(folders, before))) {
    if (folders.size() > before.size()) first = {name, place};
    return id;
  }
  const std::string both =
      "'" + name + "' and '" + first.name + "'" + (first.place.empty() ? "" : " (" + first.place + ")");
  if (!one_name) throw Error(both + " would both be video '" + id + "'").at_field("video");
  const std::string more = std::to_string(kept + 1);
  const std::string apart =
      "--id-folders " + more + " keeps the folder in their ids ('" + video_id(name, kept + 1) + "')";
  throw Error(both + " are files of one name in different folders: " +
              (is_whole_path(name) && is_whole_path(first.name)
                   ? "as one file on several machines --id-folders 0 takes them for one video; " + apart
                   : apart + ", --id-folders 0 takes them for one video"))
      .at_field("video");
}

std::string video_id(std::string_view path, int folders) {
  const std::string whole = behind_scheme(path) > 0 ? address_path(path) : std::string();
  if (!whole.empty()) path = whole;
  std::string id(without_media_ending(file_name(path)));
  for (const auto folder : folders_of(path)) {
    if (folders-- <= 0) break;
    id.insert(0, std::string(folder) + '_');
  }
  return id;
}

bool is_media_file(std::string_view name) { return is_media_path(address_path(name)); }

std::vector<std::string_view> several_files(std::string_view name) {
  for (const char separator : {';', '|', ','}) {
    std::vector<std::string_view> files;
    for (std::string_view rest = name; !rest.empty();) {
      const auto end = std::min(rest.find(separator), rest.size());
      const auto part = trim(rest.substr(0, end));
      if (is_media_file(part)) files.push_back(part);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (files.size() > 1) return files;
  }
  return {};
}

}  // namespace tal
