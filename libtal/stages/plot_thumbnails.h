// Thumbnails for the pictures of tal-plot that show videos.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/io/thumbnail.h"

namespace tal::plot {

struct ThumbnailOptions {
  int count = 0;     // for each video
  double room = 16;  // MiB that they take in the page or picture, all together
};

void register_thumbnails(const Options& table, ThumbnailOptions& options);

// Of each of these files, evenly over its length; thinned where they take more room than there is. "": no file. What
// cannot be opened is a warning, fewer than asked for are a note.
std::vector<std::vector<Thumbnail>> make_thumbnails(Tool& tool, const ThumbnailOptions& options,
                                                    const std::vector<std::string>& paths);

}  // namespace tal::plot
