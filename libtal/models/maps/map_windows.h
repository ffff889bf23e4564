// What becomes of the maps of map-based models (BSN++, BMN): proposals, ensembles, and maps kept in records and files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/io/record.h"
#include "libtal/models/maps/proposal_maps.h"

namespace tal {

// The maps of one stretch of a video.
struct MapWindow {
  Segment time;             // seconds that rows 0 .. T cover, evenly
  std::int64_t first = 0;   // row of the stream where the stretch begins
  std::int64_t extent = 0;  // rows of the stream that the T rows stand for; 0: the whole video
  std::int64_t used = 0;    // rows of the maps that are the video's; the others are padding
  ProposalMaps maps;
};

// What proposals are made of maps, and what else is written. Fixed by the model file, --set or an option.
struct MapOutputOptions {
  double min_score = 0;
  std::int64_t top_k = 0;     // 0: all valid proposals
  std::string maps = "none";  // "inline": the record's `maps`; else a folder for files VIDEO.maps.safetensors
};
Settings settings_of(MapOutputOptions& options);

// Eq. (8) of every valid proposal, with its factors as scores {"boundary", "cls", "reg"}; of proposals of the same rows
// in several windows the best one stays. Segments are clipped to 0 .. duration (0: unknown). model: who made the maps,
// for their file.
void write_map_proposals(Record& record, double duration, const std::vector<MapWindow>& windows,
                         const std::string& model, const MapOutputOptions& options);

// The same proposals alone: segment and score.
std::vector<Proposal> map_proposals(double duration, const std::vector<MapWindow>& windows,
                                    const MapOutputOptions& options);

// Improvement A: element by element sum_k w_k map_k / sum_k w_k of the boundary and confidence maps of several sources
// of one video. Error, with both sides named, when the windows are not the same; UsageError for weights that are
// negative, all 0 or not one each. names: of the sources, for messages; empty: "model 1" and so on.
std::vector<double> normalised_weights(std::span<const double> weights, std::size_t count);
std::vector<MapWindow> fuse_maps(std::span<const std::vector<MapWindow>> sources, std::span<const double> weights,
                                 std::span<const std::string> names = {});

// Maps as files: safetensors, tensors "K/start" and so on of window K; the metadata name format, video, model and
// windows.
std::string map_file(const std::string& folder, const std::string& video);
void save_maps(const std::string& folder, const std::string& video, const std::string& model,
               const std::vector<MapWindow>& windows);
// Error that names the file when it is missing, no file of maps, another video's, or when its maps do not fit each
// other.
std::vector<MapWindow> load_maps(const std::string& folder, const std::string& video);

}  // namespace tal
