// Segments (and points, as marks) over time: ground truth against one or several result streams, one panel a video,
// rows by label; and anchors by length.
#pragma once

#include <string>
#include <vector>

#include "libtal/io/record.h"
#include "libtal/io/thumbnail.h"
#include "libtal/plot/canvas.h"

namespace tal::plot {

struct Found {
  Segment segment;  // seconds
  double score = 0;
  std::string label;
  bool point = false;
};

struct Track {
  std::string name;  // "found", or the name of a result stream
  std::vector<Found> found;
};

struct TimelineVideo {
  std::string video;
  double duration = 0;  // seconds; 0 = unknown: the last end of a segment is taken
  std::vector<Annotation> truth;
  std::vector<Track> tracks;
  bool truth_given = false;                // whether an empty truth is one
  std::vector<Thumbnail> thumbnails = {};  // in order of time
};

struct TimelineStyle {
  double width = 1000;        // logical pixels
  std::size_t top_k = 500;    // best segments drawn per track and row
  std::size_t max_rows = 12;  // rows (labels) per video; 0: all
  double positive = 0.5;      // anchors: tIoU from which an anchor covers a truth
  std::string title;
  std::string remark;  // below the title, e.g. what was left out
};

// Thumbnails stand in a strip at their times; those that would cover another one are left out. SVG and HTML only.
// What is left out (top_k, max_rows) is counted in the picture. Scores outside [0, 1] are scaled per track by their own
// range; where height is the score, a track has one scale in all rows and videos.
Canvas draw_timeline(const std::vector<TimelineVideo>& videos, const TimelineStyle& style);

// Each segment of a video's first track as a line at the height of its length (logarithmic); those whose tIoU with a
// truth reaches `positive` stand out, and the caption says how many truths are covered.
Canvas draw_anchors(const std::vector<TimelineVideo>& videos, const TimelineStyle& style);

}  // namespace tal::plot
