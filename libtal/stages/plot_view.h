// tal-plot view: the page that plays the videos of a stream (libtal/plot/view_page.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/stages/plot_thumbnails.h"

namespace tal::plot {

struct ViewOptions {
  std::string theme = "auto", title;
  std::vector<std::string> videos;  // shown ones; empty = the first max_videos
  std::size_t max_videos = 0;       // 0: all
  std::string ground_truth;
  std::optional<double> min_score;  // where the page's threshold stands first
  std::string videos_root;          // folder of the videos; "": as the records say
  ThumbnailOptions thumbnails;
};

void register_options(const Options& table, ViewOptions& options);

// Reads the records, looks for their videos, and writes the page into the tool's output.
void run_view(Tool& tool, const ViewOptions& options);

}  // namespace tal::plot
