// Encoded videos whose actions have exactly known times: a shape moves over a textured background, and the kind of its
// motion is the action's class. Between actions the shape rests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/io/record.h"

namespace tal {

// The classes: sweep (left-right and back), bounce (up-down under gravity), circle, shake (fast and small), grow (in
// and out).
const std::vector<std::string>& synth_motion_classes();

struct SynthVideoOptions {
  double duration = 20;                     // seconds
  double fps = 25;                          // frames per second, 1..120
  int width = 160, height = 120;            // pixels, even, 32..4096
  int actions = 3;                          // actions in a video, at least 0; fewer when they do not fit
  double min_action = 1.5, max_action = 4;  // seconds
  double min_gap = 1;                       // seconds of rest before, between and after actions
  double noise = 2;                         // standard deviation of the pixel noise (0..255 scale)
  double rest_motion = 0;  // 0: the shape stands still between actions; 1: it drifts about as fast as an action moves
                           // it
};

void check_options(const SynthVideoOptions& options);  // UsageError when they make no sense

// One video, drawn but not rendered: everything that its pixels depend on.
struct SynthVideo {
  SynthVideoOptions options;
  std::uint64_t seed = 0;
  std::int64_t frames = 0;              // round(duration * fps)
  std::vector<Annotation> annotations;  // ascending, disjoint; boundaries lie on frame times k / fps
};

// Draws actions of random classes at random times; `seed` and `index` (the video's number) decide everything.
// UsageError when the options make no sense.
SynthVideo draw(const SynthVideoOptions& options, std::uint64_t seed, std::uint64_t index);

}  // namespace tal
