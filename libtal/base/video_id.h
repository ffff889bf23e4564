// The video that a file's name means. One rule for all who ask: a video on the command line, a name in a table or list,
// a file of features or proposals.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace tal {

// The name behind the last '/' or '\' (paths of Windows too), without the ending of a video file in upper or lower
// case: "D:\clips\v_1.MP4" -> "v_1". Other endings stay: "v_1.5fps" is an id.
std::string video_id(std::string_view path);

// `name` without one of the endings, in upper or lower case, when something stands before it.
std::string_view without_ending(std::string_view name, std::initializer_list<std::string_view> endings);

}  // namespace tal
