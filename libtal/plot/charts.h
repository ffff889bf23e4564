// Curves (evaluation results, training logs) and heat maps (dense maps, feature streams).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libtal/plot/canvas.h"

namespace tal::plot {

struct Curve {
  std::string name;
  std::vector<Point> points;  // ascending x; a y that is NaN interrupts the curve
};

struct Chart {
  std::string title, x_label, y_label;
  std::vector<Curve> curves;
};

// Reads one JSON value or JSON lines into charts; `name` tells several files apart ("" when there is one). Understood:
// "an" with "ar" (and "recall", one row a tIoU), "tiou" with "map", classes with "recall" and "precision", "protocols"
// with these (their curves are named after them), logs: objects with "step" or "epoch" and numbers, and the CSV that
// tal-eval
// --curves writes (an,ar,recall@T... or label,tiou,score,recall,precision). Charts of the same title share axes. Throws
// Error with the place when the text is neither JSON nor such a CSV, or holds none of these.
void read_curves(const std::string& text, const std::string& source, const std::string& name,
                 std::vector<Chart>& charts);

Canvas draw_charts(const std::vector<Chart>& charts, double width, const std::string& title);

// A matrix of finite numbers, row by row; columns run along x.
struct Matrix {
  std::string title;
  int rows = 0, columns = 0;
  std::vector<double> values;
  std::string x_label, y_label;
  double x_low = 0, x_high = 0;  // values at the left and right edge; equal: column numbers
  bool time = false;             // x in seconds
};

// All matrices below one another; large ones are averaged down to at most one cell a pixel. Each has its own colour
// range, written beside it. each_row: every row has its own range, for rows that are not of one kind.
Canvas draw_heatmaps(const std::vector<Matrix>& maps, double width, const std::string& title, const std::string& remark,
                     bool each_row = false);

// A JSON value as matrices: [[..],[..]], [..], {"path":"x.npy"},
// {"data":base64,"shape":[..],"dtype":"float32"|"float16"}, or an object of those by name; three dimensions are a list
// of matrices. Throws Error naming the place (ragged rows, no numbers, a file that cannot be read).
void read_maps(const std::string& json, const std::string& title, std::vector<Matrix>& maps);

// An .npy array of one to three dimensions as matrices. Error with the path for anything else.
void read_npy_maps(const std::string& path, const std::string& title, std::vector<Matrix>& maps);

}  // namespace tal::plot
