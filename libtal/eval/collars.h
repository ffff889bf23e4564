// Sound events by collars and by short segments of time, as sed_eval does (Mesaros, Heittola, Virtanen: Metrics for
// Polyphonic Sound Event Detection, Applied Sciences 6(6), 2016).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/eval/dataset.h"

namespace tal::eval {

struct CollarRules {
  double collar = 0.2;        // seconds, of onsets and offsets
  double offset_share = 0.2;  // an offset may be off by so much of the event's length, if that is more
  bool onset_only = false;
  double segment = 1;  // seconds, of the numbers by segment
};

// One class, or all of them pooled.
struct SoundCounts {
  double reference = 0, system = 0, hits = 0, true_negatives = 0;  // the last one by segment only
  double substitutions = 0, deletions = 0, insertions = 0;         // substitutions pooled only
  void add(const SoundCounts& other, double times);
};
struct SoundVideo {
  std::uint32_t id = 0;
  SoundCounts event, segment;                           // pooled
  std::vector<SoundCounts> event_class, segment_class;  // by class
};

// classes: label -> class, -1: none. By event: the largest matching of references and detections of a label whose
// onsets are within the collar, and offsets within max(collar, offset_share * length of the reference); what is left of
// a video and fits but for the label is a substitution. By segment: a class is on in all segments of time that an event
// touches, of the video's duration (without one: until the last event).
SoundVideo judge_sounds(const Dataset& data, std::uint32_t id, const std::vector<std::int32_t>& classes,
                        std::size_t class_count, const CollarRules& rules);

// The largest matching of a bipartite graph (Hopcroft and Karp 1973). Several may exist, and sed_eval's substitutions
// depend on which it is: edges are taken in the order of its implementation, after D. Eppstein. near[u]: neighbours;
// order: the order of the u. Returns for each of `right` vertices its u, or kFree.
inline constexpr std::size_t kFree = ~std::size_t{0};
std::vector<std::size_t> largest_matching(const std::vector<std::vector<std::size_t>>& near,
                                          const std::vector<std::size_t>& order, std::size_t right);

}  // namespace tal::eval
