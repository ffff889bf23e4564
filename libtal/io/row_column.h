// Columns of a table of numbers that are none of its values, by their names: what numbers, times or bounds a row, and
// what is said of the whole video. One rule, wherever in the table a column stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tal {

enum class RowColumn {
  kValue,
  kPlace,     // numbers or times the rows: "index", "frame", "time (ms)"
  kIndex,     // numbers whatever it is of, and is never a value: "id", "row.names", "no"
  kMayIndex,  // may be an index, where it counts the rows: "X", "n", "sample"
  kStart,     // where a row begins and ends: "start_row", "t_end", "from" beside "to"
  kEnd,
  kRate,    // of the video: "fps", "sampling_rate"
  kLength,  // of the video: "duration", "num_frames"
  kName,    // of the video, or who is in it: "video", "subject_id"
  kSubset,  // of the video: "split"
  kLabel,   // of the row: "label", "class_id", "prediction"
};

// What each column is. Names that may be others' are bounds as a pair only: "from" and "to", "t0" and "t1" without
// "t2".
std::vector<RowColumn> row_columns(const std::vector<std::string>& names);

// How columns of labels are called, in the order in which they are looked for: of segments, of samples, and of what was
// predicted for samples. One table, of which is_label_name() knows the rest too.
const std::vector<std::string>& segment_label_names();
const std::vector<std::string>& sample_label_names();
const std::vector<std::string>& prediction_names();
// Whether a column of this name holds labels or their numbers, whoever reads it: "Activity", "gesture_id", "y_true".
bool is_label_name(std::string_view name);

// Says one thing of the whole video.
bool is_video_fact(RowColumn column);

// "" and "Unnamed: 0".
bool is_unnamed(std::string_view name);
// kPlace; kIndex and kMayIndex.
bool is_place_name(std::string_view name);
bool is_index_name(std::string_view name);
// Of such a name: whether it is one of numbers of rows or frames and not of times.
bool is_number_name(std::string_view name);

}  // namespace tal
