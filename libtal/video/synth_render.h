// Synthetic videos (libtal/data/synth_video.h) as files.
#pragma once

#include <string>

#include "libtal/data/synth_video.h"

namespace tal {

// Renders and encodes: Motion JPEG in .avi, MPEG-4 (part 2, with predicted frames) in .mp4. The file appears under its
// name when it is complete; the same video gives the same bytes. Error when the file cannot be written.
void write_video(const std::string& path, const SynthVideo& video);

}  // namespace tal
