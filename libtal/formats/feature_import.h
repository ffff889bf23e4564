// Feature files of other tools and sensor recordings -> records with `features`. Unlike the annotation formats these
// open their files one after the other: a folder of features is larger than memory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libtal/formats/formats.h"
#include "libtal/io/features.h"

namespace tal {

// What a file (path below the folder that was named) or an array of an HDF5 file or archive belongs to. nullopt:
// --pattern does not match. UsageError for a pattern that is no regular expression; Error when a name cannot be part of
// a file name.
struct FeatureName {
  std::string video, stream;
};
std::optional<FeatureName> feature_name(const std::string& file, const FeatureImport& options,
                                        const std::string& usual_stream);

// The video that a file is called after, without folders and the ending of files of numbers, packed by gzip or not.
// folders: as in video_id().
std::string feature_file_id(const std::string& name, int folders = 0);

// Both readers: UsageError when the options contradict each other; Error when there is no file, or (features) one does
// not open; what is wrong with a video goes to sink.error.

// paths: files (.npy, .npz, .csv, .txt, HDF5, MATLAB) and folders of them.
void read_features(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink);
// paths: text files of columns and folders of them, gzip or not. The files of one video lie side by side: their columns
// follow each other in the order of the file names.
void read_signals(const std::vector<std::string>& paths, const ImportOptions& options, const ImportSink& sink);

// Rows of windows over [samples, channels]: the window of row g starts at sample starts[g]; samples behind the end
// repeat the last one. statistics, each over the window: raw (all samples, [w, channels] flattened), raw-by-channel
// ([channels, w] flattened), mean, std (of the population), min, max, energy (mean square).
FeatureMatrix window_features(const FeatureMatrix& samples, const std::vector<double>& starts, std::int64_t window,
                              const std::vector<std::string>& statistics);

}  // namespace tal
