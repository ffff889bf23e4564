// tal-plot: what is drawn from which records, and its options.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/stages/plot_view.h"

namespace tal::plot {

struct PlotOptions {
  double width = 1000;
  double scale = 2;
  std::string format = "auto", theme = "auto", title;
  std::vector<std::string> videos;  // drawn ones; empty = the first max_videos
  std::size_t max_videos = 20, top_k = 500, max_rows = 12;
  double min_score = 0, positive = 0.5;
  std::string ground_truth, with;
  std::vector<std::string> streams;  // heatmap: feature streams to draw
  bool each_row = false;             // heatmap: a colour range for each row
  std::vector<std::string> files;    // curves: results; heatmap: .npy arrays; stats: what --stats wrote
  ThumbnailOptions thumbnails;       // timeline, compare: not in PNG
  ViewOptions view;
};

ToolInfo plot_info();  // of tal-plot
// Subcommands timeline, curves, heatmap, anchors, compare, view, stats with their options.
void register_options(const Options& table, PlotOptions& options);

// Draws what the chosen subcommand says into the tool's output.
void run_plot(Tool& tool, const PlotOptions& options);

}  // namespace tal::plot
