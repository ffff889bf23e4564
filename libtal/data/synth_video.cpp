#include "libtal/data/synth_video.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/random.h"

namespace tal {
void check_options(const SynthVideoOptions& o) {
  const auto refuse = [](const char* what) { throw UsageError(std::string("synthetic video: ") + what); };
  if (!(o.duration > 0) || o.duration > 36000) refuse("the duration must lie in (0, 36000] seconds");
  if (!(o.fps >= 1) || o.fps > 120) refuse("fps must lie in [1, 120]");
  if (o.width < 32 || o.width > 4096 || o.width % 2 || o.height < 32 || o.height > 4096 || o.height % 2)
    refuse("width and height must be even and lie in [32, 4096]");
  if (o.actions < 0) refuse("the number of actions must not be negative");
  if (!(o.min_action > 0) || !(o.max_action >= o.min_action) || !(o.max_action < 36000))
    refuse("action lengths need 0 < min <= max");
  if (!(o.min_gap >= 0)) refuse("the gap must not be negative");
  if (!(o.noise >= 0) || o.noise > 64) refuse("noise must lie in [0, 64]");
  if (!(o.rest_motion >= 0) || o.rest_motion > 1) refuse("rest motion must lie in [0, 1]");
}

const std::vector<std::string>& synth_motion_classes() {
  static const std::vector<std::string> classes = {"sweep", "bounce", "circle", "shake", "grow"};
  return classes;
}

SynthVideo draw(const SynthVideoOptions& options, std::uint64_t seed, std::uint64_t index) {
  check_options(options);
  SynthVideo video;
  video.options = options;
  video.seed = SplitMix64(SplitMix64(seed).bits() ^ (index * 0xd1342543de82ef95ull + 1)).bits();
  video.frames = std::max<std::int64_t>(1, std::llround(options.duration * options.fps));
  SplitMix64 random(video.seed);
  const auto frames_of = [&](double seconds) { return std::llround(seconds * options.fps); };
  const std::int64_t gap = std::max<std::int64_t>(1, frames_of(options.min_gap));
  std::vector<std::int64_t> lengths;
  std::int64_t used = gap;
  for (int i = 0; i < options.actions; ++i) {
    const std::int64_t length =
        std::max<std::int64_t>(2, frames_of(random.uniform(options.min_action, options.max_action)));
    if (used + length + gap > video.frames) break;
    lengths.push_back(length);
    used += length + gap;
  }
  // The rest of the time is shared out over the gaps at random cuts.
  const std::int64_t spare = video.frames - used;
  std::vector<std::int64_t> cuts;
  for (std::size_t i = 0; i < lengths.size(); ++i)
    cuts.push_back(static_cast<std::int64_t>(random.uniform() * static_cast<double>(spare + 1)));
  std::sort(cuts.begin(), cuts.end());
  std::int64_t at = gap;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::int64_t begin = at + cuts[i], end = begin + lengths[i];
    const auto& classes = synth_motion_classes();
    const auto& label = classes[static_cast<std::size_t>(random.bits() % classes.size())];
    video.annotations.push_back(
        {{static_cast<double>(begin) / options.fps, static_cast<double>(end) / options.fps}, label});
    at += lengths[i] + gap;
  }
  return video;
}

}  // namespace tal
