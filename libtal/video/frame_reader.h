// Video files as frames for networks: decoded once, sampled by time stamp, shrunk, flow between samples; kept as mapped
// files.
#pragma once

#include <memory>
#include <string>

#include "libtal/io/frames.h"

namespace tal {

// cache: a folder that keeps the frames for the next run (.npy files and a .json a video; a video that changed is read
// anew); "": a temporary file that nobody else sees. Error names the video's path: not decodable, truncated or corrupt
// (with the last good time stamp), or frames in the cache that do not belong together. UsageError for a flow method
// that this build lacks.
std::shared_ptr<const Frames> open_frames(const std::string& path, const FrameContract& contract,
                                          const std::string& cache);

}  // namespace tal
