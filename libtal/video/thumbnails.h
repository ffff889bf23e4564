// Small pictures of a video, evenly over its length.
#pragma once

#include <string>
#include <vector>

#include "libtal/io/thumbnail.h"

namespace tal {

// `count` pictures as JPEG, kThumbnailHeight pixels high, one of each of as many equal parts of the video: the nearest
// before the part's middle that can be decoded by itself, or the first of the part where none of it can, which takes as
// long as decoding what is before it; fewer where a part has no picture that can be decoded. Time 0 is the video's
// first picture. Error (with the path) when the file holds no video that can be decoded, or says no duration.
inline constexpr int kThumbnailHeight = 72;
std::vector<Thumbnail> make_thumbnails(const std::string& path, int count);

}  // namespace tal
