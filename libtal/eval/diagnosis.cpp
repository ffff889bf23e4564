#include "libtal/eval/diagnosis.h"

#include <algorithm>

#include "libtal/eval/parallel.h"

namespace tal::eval {

namespace {

constexpr std::size_t kNoBucket = ~std::size_t{0};

// Largest tIoU of a prediction with any instance of its video, and whether that instance has its label.
struct Nearest {
  double overlap = 0;
  bool own_label = false;
};

Nearest nearest(const Selection& s, const Ranked& entry, std::size_t cls) {
  Nearest best;
  const Video& video = s.data->videos[entry.video];
  for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
    if (!s.is_instance(g)) continue;
    const double overlap = tiou(s.data->truths[g].segment, s.data->predictions[entry.prediction].segment);
    const bool own = s.truth_class[g] == static_cast<std::int32_t>(cls);
    if (overlap > best.overlap) best = {overlap, own};
  }
  return best;
}

Kind kind_of(const Ranked& entry, const Nearest& near, double threshold, Mask bit) {
  if (entry.hit & bit) return Kind::kTruePositive;
  if (entry.ignored & bit) return Kind::kIgnored;
  if (near.overlap >= threshold) return near.own_label ? Kind::kDoubleDetection : Kind::kWrongLabel;
  if (near.overlap >= kLeastOverlap) return near.own_label ? Kind::kLocalization : Kind::kConfusion;
  return Kind::kBackground;
}

void name_kinds(const Evaluated& run, int jobs, Diagnosis& d) {
  const Matched& m = run.matched;
  d.kinds.assign(m.tiou.size(), std::vector<Kind>(run.selection->data->predictions.size(), Kind::kIgnored));
  parallel_for(m.classes.size(), jobs, 1, [&] {
    return [&](std::size_t cls) {
      for (const auto& entry : m.classes[cls]) {
        const Nearest near = nearest(*run.selection, entry, cls);
        for (std::size_t t = 0; t < m.tiou.size(); ++t)
          d.kinds[t][entry.prediction] = kind_of(entry, near, m.tiou[t], Mask(1) << t);
      }
    };
  });
}

void fill_profile(const Evaluated& run, Diagnosis& d) {
  const Matched& m = run.matched;
  for (std::size_t cls = 0; cls < m.classes.size(); ++cls) {
    const std::uint64_t n = run.selection->class_instances[cls];
    for (std::size_t rank = 0; rank < m.classes[cls].size() && rank < kProfile * n; ++rank)
      for (std::size_t t = 0; t < m.tiou.size(); ++t)
        ++d.profile[rank / n][static_cast<std::size_t>(d.kinds[t][m.classes[cls][rank].prediction])];
  }
  for (auto& range : d.profile)
    for (auto& count : range) count /= static_cast<double>(m.tiou.size());
}

double instances_a_class(const Selection& s) {
  return static_cast<double>(s.counts.instances) / static_cast<double>(s.class_label.size());
}

// AP with normalised precision of one class and threshold, from the first `limit` predictions for which keep(entry) is
// true.
template <class Keep>
double normalized_area(const Evaluated& run, std::size_t cls, std::size_t threshold, std::size_t limit,
                       double positives, Keep&& keep) {
  const Selection& s = *run.selection;
  if (positives == 0) return 0;
  PrecisionCurve curve(instances_a_class(s) / positives);
  const auto& ranked = run.matched.classes[cls];
  const Mask bit = Mask(1) << threshold;
  for (std::size_t rank = 0; rank < std::min(limit, ranked.size()); ++rank) {
    if ((ranked[rank].ignored & bit) || !keep(ranked[rank])) continue;
    if (ranked[rank].hit & bit) curve.hit();
    else curve.miss();
  }
  return curve.area(positives, true);
}

// Average mAP_N of the first kProfile n predictions without those of one kind.
double without_kind(const Evaluated& run, const Diagnosis& d, Kind kind) {
  const Selection& s = *run.selection;
  double sum = 0;
  for (std::size_t cls = 0; cls < s.class_label.size(); ++cls)
    for (std::size_t t = 0; t < run.matched.tiou.size(); ++t)
      sum +=
          normalized_area(run, cls, t, kProfile * s.class_instances[cls], static_cast<double>(s.class_instances[cls]),
                          [&](const Ranked& entry) { return d.kinds[t][entry.prediction] != kind; });
  return sum / static_cast<double>(s.class_label.size() * run.matched.tiou.size());
}

void fill_gains(const Evaluated& run, Diagnosis& d) {
  d.average_map_n = without_kind(run, d, Kind::kIgnored);
  for (auto kind = static_cast<std::size_t>(Kind::kDoubleDetection);
       kind <= static_cast<std::size_t>(Kind::kBackground); ++kind)
    d.gain[kind] = without_kind(run, d, static_cast<Kind>(kind)) - d.average_map_n;
}

// Which instances a prediction was matched to, at any threshold.
class MatchedInstances {
 public:
  explicit MatchedInstances(const Evaluated& run) : of_(run.selection->data->predictions.size()) {
    const Matched& m = run.matched;
    for (std::uint32_t g = 0; g < run.selection->data->truths.size(); ++g)
      for (std::size_t t = 0; t < m.tiou.size(); ++t)
        if (m.found(g, t)) of_[m.found_by(g, t)].push_back(g);
  }
  const std::vector<std::uint32_t>& of(std::uint32_t prediction) const { return of_[prediction]; }

 private:
  std::vector<std::vector<std::uint32_t>> of_;
};

// By instance: the share of thresholds at which it is missed (Bucket::false_negatives).
std::vector<double> misses_of(const Evaluated& run) {
  const Selection& s = *run.selection;
  const Matched& m = run.matched;
  std::vector<Mask> precise(s.data->predictions.size(), 0);  // thresholds at which the precision is enough
  for (std::size_t cls = 0; cls < m.classes.size(); ++cls) {
    const double worth = instances_a_class(s) / static_cast<double>(s.class_instances[cls]);
    for (std::size_t t = 0; t < m.tiou.size(); ++t) {
      const Mask bit = Mask(1) << t;
      double hits = 0, misses = 0;
      for (const auto& entry : m.classes[cls]) {
        if (entry.ignored & bit) continue;
        if (entry.hit & bit) hits += worth;
        else ++misses;
        if (hits > kLeastPrecision * (hits + misses)) precise[entry.prediction] |= bit;
      }
    }
  }
  std::vector<double> missed(s.data->truths.size(), 0);
  for (std::uint32_t g = 0; g < missed.size(); ++g) {
    if (!s.is_instance(g)) continue;
    for (std::size_t t = 0; t < m.tiou.size(); ++t)
      if (!m.found(g, t) || !(precise[m.found_by(g, t)] & (Mask(1) << t))) ++missed[g];
    missed[g] /= static_cast<double>(m.tiou.size());
  }
  return missed;
}

// Average mAP_N of one bucket; bucket_of: by instance.
double bucket_score(const Evaluated& run, const MatchedInstances& matched, const std::vector<std::size_t>& bucket_of,
                    std::size_t bucket) {
  const Selection& s = *run.selection;
  std::vector<double> positives(s.class_label.size(), 0);
  for (std::size_t g = 0; g < bucket_of.size(); ++g)
    if (bucket_of[g] == bucket) ++positives[static_cast<std::size_t>(s.truth_class[g])];
  const auto keep = [&](const Ranked& entry) {
    const auto& instances = matched.of(entry.prediction);
    return std::all_of(instances.begin(), instances.end(), [&](auto g) { return bucket_of[g] == bucket; });
  };
  double sum = 0, classes = 0;
  for (std::size_t cls = 0; cls < positives.size(); ++cls) {
    if (positives[cls] == 0) continue;
    ++classes;
    for (std::size_t t = 0; t < run.matched.tiou.size(); ++t)
      sum += normalized_area(run, cls, t, run.matched.classes[cls].size(), positives[cls], keep);
  }
  return classes > 0 ? sum / (classes * static_cast<double>(run.matched.tiou.size())) : 0;
}

// Instances per bucket and the share that found(g, threshold) says is found.
template <class Found>
std::vector<Bucket> recall_of(const Scale& scale, const std::vector<std::size_t>& bucket_of, std::size_t thresholds,
                              Found&& found) {
  std::vector<Bucket> buckets;
  for (std::size_t i = 0; i < scale.size(); ++i)
    buckets.push_back({scale.bucket_name(i), 0, std::vector<double>(thresholds, 0), 0, 0});
  for (std::uint32_t g = 0; g < bucket_of.size(); ++g) {
    if (bucket_of[g] == kNoBucket) continue;
    Bucket& bucket = buckets[bucket_of[g]];
    ++bucket.instances;
    for (std::size_t t = 0; t < thresholds; ++t) bucket.recall[t] += found(g, t);
  }
  for (auto& bucket : buckets)
    for (auto& value : bucket.recall) value = bucket.instances ? value / static_cast<double>(bucket.instances) : 0;
  return buckets;
}

// value(video, instances of the video, truth) -> the property, negative when unknown; instances only.
template <class Value>
std::vector<std::size_t> bucket_instances(const Selection& s, const Scale& scale, Value&& value) {
  std::vector<std::size_t> out(s.data->truths.size(), kNoBucket);
  for (const auto id : s.videos) {
    const Video& video = s.data->videos[id];
    double n = 0;
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) n += s.is_instance(g);
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (!s.is_instance(g)) continue;
      const double property = value(video, n, s.data->truths[g]);
      if (property >= 0) out[g] = scale.bucket(property);
    }
  }
  return out;
}

void fill_sensitivity(const Evaluated& run, const Scales& scales, int jobs, Diagnosis& d) {
  const Selection& s = *run.selection;
  const MatchedInstances matched(run);
  const std::vector<double> missed = misses_of(run);
  // Of those in a bucket, or of all.
  const auto missed_share = [&](const std::vector<std::size_t>& bucket_of, std::size_t bucket) {
    double sum = 0, count = 0;
    for (std::size_t g = 0; g < bucket_of.size(); ++g)
      if (bucket_of[g] == bucket) sum += missed[g], ++count;
    return count > 0 ? sum / count : 0;
  };
  const auto add = [&](const Scale& scale, auto&& value) {
    const auto bucket_of = bucket_instances(s, scale, value);
    auto buckets =
        recall_of(scale, bucket_of, run.matched.tiou.size(), [&](auto g, auto t) { return run.matched.found(g, t); });
    parallel_for(buckets.size(), jobs, 1, [&] {
      return [&](std::size_t i) {
        buckets[i].average_map_n = bucket_score(run, matched, bucket_of, i);
        buckets[i].false_negatives = missed_share(bucket_of, i);
      };
    });
    std::uint64_t known = 0;
    for (const auto& bucket : buckets) known += bucket.instances;
    d.sensitivity.push_back({scale.name, std::move(buckets), s.counts.instances - known});
  };
  add(scales.coverage, [](const Video& video, double, const Truth& truth) {
    return video.duration > 0 ? truth.segment.length() / video.duration : -1;
  });
  add(scales.length, [](const Video&, double, const Truth& truth) { return truth.segment.length(); });
  add(scales.instances, [](const Video&, double n, const Truth&) { return n; });
  const Scale everything{"all", "", {}};
  const auto all = bucket_instances(s, everything, [](const Video&, double, const Truth&) { return 0.0; });
  d.sensitivity_base = bucket_score(run, matched, all, 0);
  d.false_negatives = missed_share(all, 0);
}

// The score threshold of the best F1 over all classes together.
void fill_best_f1(const Evaluated& run, Diagnosis& d) {
  const Matched& m = run.matched;
  const auto instances = static_cast<double>(run.selection->counts.instances);
  std::vector<std::pair<double, const Ranked*>> all;
  for (const auto& ranked : m.classes)
    for (const auto& entry : ranked) all.emplace_back(run.selection->data->predictions[entry.prediction].score, &entry);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t t = 0; t < m.tiou.size(); ++t) {
    const Mask bit = Mask(1) << t;
    double hits = 0, count = 0, threshold = 0, f1 = 0, precision = 0, recall = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!(all[i].second->ignored & bit)) ++count, hits += (all[i].second->hit & bit) != 0;
      if (i + 1 < all.size() && all[i + 1].first == all[i].first) continue;  // a threshold cannot part equals
      if (const double here = 2 * hits / (count + instances); here > f1)
        threshold = all[i].first, f1 = here, precision = hits / count, recall = hits / instances;
    }
    d.threshold.push_back(threshold), d.f1.push_back(f1), d.precision.push_back(precision), d.recall.push_back(recall);
  }
}

}  // namespace

Diagnosis diagnose(const Evaluated& run, const Scales& scales, int jobs) {
  Diagnosis d;
  name_kinds(run, jobs, d);
  fill_profile(run, d);
  fill_gains(run, d);
  fill_sensitivity(run, scales, jobs, d);
  fill_best_f1(run, d);
  return d;
}

Characteristic recall_by_length(const Evaluated& run, const Scale& scale) {
  const ProposalMatch& m = run.proposal;
  Characteristic out{scale.name, {}, 0};
  for (std::size_t i = 0; i < scale.size(); ++i)
    out.buckets.push_back({scale.bucket_name(i), 0, std::vector<double>(m.tiou.size(), 0), 0, 0});
  for (std::size_t row = 0; row < m.truth.size(); ++row) {
    Bucket& bucket = out.buckets[scale.bucket(run.selection->data->truths[m.truth[row]].segment.length())];
    ++bucket.instances;
    for (std::size_t t = 0; t < m.tiou.size(); ++t)
      bucket.recall[t] += m.first[row * m.tiou.size() + t] != ProposalMatch::kNever;
  }
  for (auto& bucket : out.buckets)
    for (auto& value : bucket.recall) value = bucket.instances ? value / static_cast<double>(bucket.instances) : 0;
  return out;
}

}  // namespace tal::eval
