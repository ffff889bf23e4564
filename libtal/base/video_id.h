// The video that a file's name means. One rule for all who ask: a video on the command line, a name in a table or list,
// a file of features or proposals.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tal {

// The name behind the last '/' or '\' (paths of Windows too), without the ending of a video or sound file in upper or
// lower case: "D:\clips\v_1.MP4" -> "v_1". Other endings stay: "v_1.5fps" is an id. folders: how many of the path's
// last folders stand before it, "a/v_1.mp4" -> "a_v_1" with 1.
// Of the address of a media file its path counts: "https://x/v%201.mp4?sig=1" -> "v 1".
std::string video_id(std::string_view path, int folders = 0);

// The path of a media file's address, host and all, without scheme, parameters and fragment, its %20 and the like as
// characters. Of an address of YouTube the video's id. Any other name as it is: in "https://x/watch?v=1" it is the
// parameter that names the video.
std::string address_path(std::string_view name);
std::string without_escapes(std::string_view text);  // of %20 and the like

// Whether a name has the ending of a video or sound file, which video_id() takes off.
bool is_media_file(std::string_view name);

// The ids of the names in one table, list or command line, where files of one name in different folders are not to
// become one video unseen.
class FileIds {
 public:
  // folders: as in video_id(); -1: 0, and such files are an Error.
  explicit FileIds(int folders = -1) : folders_(folders) {}
  // place: of the name ("t.csv:3"), for the Error, which names both files and --id-folders; "": not known.
  std::string id(std::string_view name, const std::string& place = "");

 private:
  struct First {
    std::string name, place;
  };
  int folders_;
  std::unordered_map<std::string, First> first_;  // by id, the name with the most folders
};
// Whether the name ends as that of a file of sound alone.
bool is_sound(std::string_view path);

// The files that a field names which lists several, separated by ';', '|' or ','; none where it names one.
std::vector<std::string_view> several_files(std::string_view name);

// Values of videos under the names that somebody wrote: a name that stands there means that video, any other one the
// video of the same id. Entries stay where they are.
template <class Value>
class VideoMap {
 public:
  using Entry = std::pair<const std::string, Value>;
  VideoMap() = default;
  VideoMap(VideoMap&&) noexcept = default;
  VideoMap& operator=(VideoMap&&) noexcept = default;

  // The entry of this name, and whether it is new.
  template <class... Arguments>
  std::pair<Entry*, bool> try_emplace(const std::string& name, Arguments&&... arguments) {
    const auto [place, fresh] = entries_.try_emplace(name, std::forward<Arguments>(arguments)...);
    if (fresh) by_id_[video_id(name)].push_back(&*place);
    return {&*place, fresh};
  }
  // nullptr: there is none, or there are several of this id and none of this name.
  const Entry* find(const std::string& name) const {
    if (const auto found = entries_.find(name); found != entries_.end()) return &*found;
    const auto same = by_id_.find(video_id(name));
    return same != by_id_.end() && same->second.size() == 1 ? same->second.front() : nullptr;
  }
  Entry* find(const std::string& name) { return const_cast<Entry*>(std::as_const(*this).find(name)); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::unordered_map<std::string, Value> entries_;
  std::unordered_map<std::string, std::vector<Entry*>> by_id_;
};

// `name` without one of the endings, in upper or lower case, when something stands before it.
std::string_view without_ending(std::string_view name, std::initializer_list<std::string_view> endings);

}  // namespace tal
