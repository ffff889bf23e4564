// Small pictures of a video, evenly over its length.
#pragma once

#include <string>
#include <vector>

#include "libtal/io/thumbnail.h"

namespace tal {

// `count` pictures as JPEG, kThumbnailHeight pixels high, of the middles of as many equal parts of the video: in each
// part the nearest picture before its middle that can be decoded by itself, so that only these are decoded, however
// long the video is; fewer where several parts share one. Time 0 is the video's first picture. Error (with the path)
// when the file holds no video that can be decoded, or says no duration.
inline constexpr int kThumbnailHeight = 72;
std::vector<Thumbnail> make_thumbnails(const std::string& path, int count);

}  // namespace tal
