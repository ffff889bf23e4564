// The video that a file's name means. One rule for all who ask: a video on the command line, a name in a table or list,
// a file of features or proposals.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tal {

// The name behind the last '/' or '\' (paths of Windows too), without the ending of a video file in upper or lower
// case: "D:\clips\v_1.MP4" -> "v_1". Other endings stay: "v_1.5fps" is an id.
std::string video_id(std::string_view path);

// The files that a field names which lists several, separated by ';', '|' or ','; none where it names one.
std::vector<std::string_view> several_files(std::string_view name);

// Names of videos as somebody wrote them: a name that stands there means that video, any other one the video of the
// same id.
class VideoNames {
 public:
  void add(const std::string& name);
  // nullptr: there is none, or there are several of this id and none of this name.
  const std::string* find(const std::string& name) const;

 private:
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, std::vector<std::string>> by_id_;
};

// `name` without one of the endings, in upper or lower case, when something stands before it.
std::string_view without_ending(std::string_view name, std::initializer_list<std::string_view> endings);

}  // namespace tal
