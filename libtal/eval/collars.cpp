#include "libtal/eval/collars.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "libtal/base/error.h"

namespace tal::eval {

void SoundCounts::add(const SoundCounts& o, double times) {
  reference += times * o.reference, system += times * o.system, hits += times * o.hits;
  true_negatives += times * o.true_negatives;
  substitutions += times * o.substitutions, deletions += times * o.deletions, insertions += times * o.insertions;
}

std::vector<std::size_t> largest_matching(const std::vector<std::vector<std::size_t>>& near,
                                          const std::vector<std::size_t>& order, std::size_t right) {
  std::vector<std::size_t> match(right, kFree);
  for (const auto u : order)
    for (const auto v : near[u])
      if (match[v] == kFree) {
        match[v] = u;
        break;
      }
  // What reaches each vertex in the layers from the free u on: before[v] the u, entry[u] the matched v.
  enum : std::size_t { kNotReached = kFree - 1, kFirstLayer = kFree - 2 };
  for (;;) {
    std::vector<std::vector<std::size_t>> before(right);
    std::vector<bool> layered(right, false);
    std::vector<std::size_t> entry(near.size(), kNotReached), layer, ends;
    std::vector<bool> matched(near.size(), false);
    for (const auto u : match)
      if (u != kFree) matched[u] = true;
    for (const auto u : order)
      if (!matched[u]) layer.push_back(u), entry[u] = kFirstLayer;
    while (!layer.empty() && ends.empty()) {
      std::vector<std::size_t> reached;
      for (const auto u : layer)
        for (const auto v : near[u]) {
          if (layered[v]) continue;
          if (before[v].empty()) reached.push_back(v);
          before[v].push_back(u);
        }
      layer.clear();
      for (const auto v : reached) {
        layered[v] = true;
        if (match[v] == kFree) ends.push_back(v);
        else layer.push_back(match[v]), entry[match[v]] = v;
      }
    }
    if (ends.empty()) return match;
    const std::function<bool(std::size_t)> augment = [&](std::size_t v) {
      const auto from = std::exchange(before[v], {});
      for (const auto u : from) {
        if (entry[u] == kNotReached) continue;
        const std::size_t way = std::exchange(entry[u], kNotReached);
        if (way == kFirstLayer || augment(way)) {
          match[v] = u;
          return true;
        }
      }
      return false;
    };
    for (const auto v : ends) augment(v);
  }
}

namespace {

struct Sound {
  Segment segment;
  std::uint32_t label;
};

bool fits(const Sound& reference, const Sound& found, const CollarRules& rules) {
  if (!(std::fabs(reference.segment.start - found.segment.start) <= rules.collar)) return false;
  const double reach = std::max(rules.collar, rules.offset_share * reference.segment.length());
  return rules.onset_only || std::fabs(reference.segment.end - found.segment.end) <= reach;
}

// found_by[reference]: the detection, or kFree.
std::vector<std::size_t> match_sounds(const std::vector<Sound>& references, const std::vector<Sound>& found,
                                      const CollarRules& rules) {
  std::vector<std::vector<std::size_t>> near(found.size());
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < references.size(); ++j)
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (references[j].label != found[i].label || !fits(references[j], found[i], rules)) continue;
      if (near[i].empty()) order.push_back(i);
      near[i].push_back(j);
    }
  return largest_matching(near, order, references.size());
}

// References and detections that no match has but which fit, each to the first.
double substitutions(const std::vector<Sound>& references, const std::vector<Sound>& found,
                     const std::vector<std::size_t>& found_by, const CollarRules& rules) {
  std::vector<bool> used(found.size(), false);
  for (const auto i : found_by)
    if (i != kFree) used[i] = true;
  double n = 0;
  for (std::size_t j = 0; j < references.size(); ++j) {
    if (found_by[j] != kFree) continue;
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!used[i] && fits(references[j], found[i], rules)) {
        used[i] = true, ++n;
        break;
      }
  }
  return n;
}

void judge_events(const std::vector<Sound>& references, const std::vector<Sound>& found,
                  const std::vector<std::int32_t>& classes, const CollarRules& rules, SoundVideo& out) {
  // The parts of a matching that belong to different labels do not touch each other: its size is the sum of theirs.
  const auto found_by = match_sounds(references, found, rules);
  for (std::size_t j = 0; j < references.size(); ++j) {
    SoundCounts& cls = out.event_class[static_cast<std::size_t>(classes[references[j].label])];
    const double hit = found_by[j] != kFree;
    ++cls.reference, cls.hits += hit, cls.deletions += 1 - hit;
  }
  for (const auto& sound : found) {
    SoundCounts& cls = out.event_class[static_cast<std::size_t>(classes[sound.label])];
    ++cls.system;
  }
  for (auto& cls : out.event_class) {
    cls.insertions = cls.system - cls.hits;
    out.event.reference += cls.reference, out.event.system += cls.system, out.event.hits += cls.hits;
  }
  out.event.substitutions = substitutions(references, found, found_by, rules);
  out.event.deletions = out.event.reference - out.event.hits - out.event.substitutions;
  out.event.insertions = out.event.system - out.event.hits - out.event.substitutions;
}

// [class][segment of time]: whether an event touches it.
std::vector<std::vector<bool>> rolled(const std::vector<Sound>& sounds, const std::vector<std::int32_t>& classes,
                                      std::size_t class_count, double length, std::size_t segments) {
  std::vector<std::vector<bool>> on(class_count, std::vector<bool>(segments, false));
  for (const auto& sound : sounds) {
    const double last = std::min(std::ceil(sound.segment.end / length), static_cast<double>(segments));
    for (double i = std::max(0.0, std::floor(sound.segment.start / length)); i < last; ++i)
      on[static_cast<std::size_t>(classes[sound.label])][static_cast<std::size_t>(i)] = true;
  }
  return on;
}

void judge_segments(const std::vector<Sound>& references, const std::vector<Sound>& found,
                    const std::vector<std::int32_t>& classes, double duration, const CollarRules& rules,
                    SoundVideo& out) {
  const std::size_t class_count = out.segment_class.size();
  const auto segments = static_cast<std::size_t>(std::ceil(duration / rules.segment));
  const auto truth = rolled(references, classes, class_count, rules.segment, segments);
  const auto system = rolled(found, classes, class_count, rules.segment, segments);
  for (std::size_t i = 0; i < segments; ++i) {
    double reference = 0, detected = 0, hits = 0;
    for (std::size_t c = 0; c < class_count; ++c) {
      const double t = truth[c][i], s = system[c][i];
      SoundCounts& cls = out.segment_class[c];
      cls.reference += t, cls.system += s, cls.hits += t * s, cls.true_negatives += (1 - t) * (1 - s);
      reference += t, detected += s, hits += t * s;
    }
    out.segment.substitutions += std::min(reference, detected) - hits;
    out.segment.deletions += std::max(0.0, reference - detected);
    out.segment.insertions += std::max(0.0, detected - reference);
  }
  for (auto& cls : out.segment_class) {
    cls.deletions = cls.reference - cls.hits, cls.insertions = cls.system - cls.hits;
    out.segment.reference += cls.reference, out.segment.system += cls.system, out.segment.hits += cls.hits;
    out.segment.true_negatives += cls.true_negatives;
  }
}

}  // namespace

SoundVideo judge_sounds(const Dataset& data, std::uint32_t id, const std::vector<std::int32_t>& classes,
                        std::size_t class_count, const CollarRules& rules) {
  std::vector<Sound> references, found;
  double last = 0;
  for (const auto& truth : data.truths_of(id))
    if (classes[truth.label] >= 0)
      references.push_back({truth.segment, truth.label}), last = std::max(last, truth.segment.end);
  for (const auto p : data.predictions_of(id)) {
    const Prediction& prediction = data.predictions[p];
    if (classes[prediction.label] < 0) continue;
    found.push_back({prediction.segment, prediction.label});
    last = std::max(last, prediction.segment.end);
  }
  SoundVideo out;
  out.id = id;
  out.event_class.resize(class_count), out.segment_class.resize(class_count);
  judge_events(references, found, classes, rules, out);
  const double given = data.videos[id].duration, duration = given > 0 ? given : last;
  if (duration / rules.segment > 1e8)
    throw Error("too many segments of time").at_field("duration").at_video(data.video_names.text(id));
  judge_segments(references, found, classes, duration, rules, out);
  return out;
}

}  // namespace tal::eval
