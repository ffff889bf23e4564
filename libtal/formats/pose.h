// Poses as features: the tables of DeepLabCut (Mathis et al., 2018) and SLEAP (Pereira et al., 2022).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/formats/formats.h"

namespace tal {

// The poses of one video. A point that is missing is NaN.
struct PoseTable {
  std::string video;
  std::vector<std::string> columns;      // "nose.x", "mouse1.nose.likelihood"
  std::vector<std::int64_t> frames;      // of each row, as the file has them
  std::vector<std::vector<float>> rows;  // [frames][columns]
};

// name: of the file, for messages, and for the video where the table does not say it. Error with the line.
std::vector<PoseTable> parse_deeplabcut_csv(const SourceText& source);
std::vector<PoseTable> parse_sleap_csv(const SourceText& source);
// DeepLabCut's pandas table, SLEAP's analysis file or project. Error for another HDF5 file.
std::vector<PoseTable> read_pose_hdf5(const std::string& path);

// Files of poses, by their endings.
inline constexpr char kPoseEndings[] = ".csv|.h5|.hdf5|.slp";
// given: files and folders. Consecutive frames get the time contract stride 1; others (labelled images) stay rows
// without one, with their numbers in the stream's member "frames".
void read_pose(const std::vector<std::string>& given, const ImportOptions& options, const ImportSink& sink);
Fit looks_like_pose(const FileLook& file);

}  // namespace tal
