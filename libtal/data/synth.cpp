#include "libtal/data/synth.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "libtal/base/error.h"
#include "libtal/base/random.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/npy.h"

namespace tal {
namespace {

std::string padded(std::uint64_t value, std::size_t digits) {
  const std::string text = std::to_string(value);
  return std::string(text.size() < digits ? digits - text.size() : 0, '0') + text;
}

std::string class_name(std::int64_t index) { return "class_" + padded(static_cast<std::uint64_t>(index), 2); }

// (-inf, inf) to (0, 1) without an exponential.
double squash(double x) { return 0.5 + 0.5 * x / (1 + std::fabs(x)); }

double on_frame(double seconds, double fps) { return std::floor(seconds * fps + 0.5) / fps; }

}  // namespace

SynthRandom::SynthRandom(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  key_ = splitmix_mix(splitmix_mix(seed + kSplitmixStep) ^ hash);
}

std::uint64_t SynthRandom::next() { return splitmix_mix(key_ + ++counter_ * kSplitmixStep); }

double SynthRandom::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

std::int64_t SynthRandom::integer(std::int64_t low, std::int64_t high) {
  const auto count = static_cast<std::uint64_t>(high - low) + 1;
  const std::uint64_t reject = (0 - count) % count;  // 2^64 mod count: the part that would favour small values
  std::uint64_t value = next();
  while (value < reject) value = next();
  return low + static_cast<std::int64_t>(value % count);
}

double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) m *= 2, --exponent;
  // log m = 2 artanh((m - 1) / (m + 1)); |z| < 0.172, each term is below 0.03 of the one before.
  const double z = (m - 1) / (m + 1), z2 = z * z;
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * z2 + 1.0 / k;
  return 2 * z * sum + exponent * 0.69314718055994531;
}

double SynthRandom::normal() {
  if (spare_given_) {
    spare_given_ = false;
    return spare_;
  }
  double a, b, s;
  do {
    a = uniform(-1, 1), b = uniform(-1, 1), s = a * a + b * b;
  } while (s >= 1 || s == 0);
  const double factor = std::sqrt(-2 * portable_log(s) / s);
  spare_ = b * factor, spare_given_ = true;
  return a * factor;
}

Segment degrade(const Segment& t, double duration, double quality, SynthRandom& random) {
  // Equal lengths shifted by d: tIoU = (L - d) / (L + d).
  const double length = t.length(), shift = length * (1 - quality) / (1 + quality);
  std::vector<Segment> choices = {{t.end - quality * length, t.end}, {t.start, t.start + quality * length}};
  if (t.start - shift >= 0) choices.push_back({t.start - shift, t.end - shift});
  if (t.end + shift <= duration) choices.push_back({t.start + shift, t.end + shift});
  return choices[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(choices.size()) - 1))];
}

namespace {

void add_proposals(Record& record, const SynthAnnotationOptions& o, const std::vector<Annotation>& truth,
                   double duration, SynthRandom& random) {
  std::vector<Proposal> proposals;
  const auto add = [&](const Segment& segment, double score, const std::string& label) {
    Proposal& p = proposals.emplace_back();
    p.segment = segment, p.score = squash(score);
    if (o.labelled) p.label = record.keep(label);
  };
  for (const auto& a : truth) {
    if (random.uniform() >= o.recall) continue;
    const Segment segment = degrade(a.segment, duration, random.uniform(o.tiou, 1), random);
    const bool right = o.classes == 1 || random.uniform() < o.label_accuracy;
    std::string label = a.label;
    while (!right && label == a.label) label = class_name(random.integer(0, o.classes - 1));
    add(segment, o.separation / 2 + random.normal(), label);
  }
  while (proposals.size() < static_cast<std::size_t>(o.proposals)) {
    double longest = std::min(o.max_length, duration), shortest = std::min(o.min_length, longest);
    Segment segment;
    bool good = false;
    // Where the truth fills the video only short segments overlap little enough: shorten until one does.
    for (int attempt = 1; !good && attempt <= 1000; ++attempt) {
      const double length = random.uniform(shortest, longest);
      segment.start = random.uniform(0, duration - length), segment.end = std::min(duration, segment.start + length);
      good = segment.end > segment.start && std::all_of(truth.begin(), truth.end(), [&](const Annotation& a) {
               return tiou(a.segment, segment) <= o.false_tiou;
             });
      if (attempt % 16 == 0) longest *= 0.8, shortest = std::min(shortest, longest);
    }
    if (!good) throw Error("no place for a false proposal").at_video(record.video());
    add(segment, -o.separation / 2 + random.normal(), o.labelled ? class_name(random.integer(0, o.classes - 1)) : "");
  }
  std::stable_sort(proposals.begin(), proposals.end(),
                   [](const Proposal& a, const Proposal& b) { return a.score > b.score; });
  record.set_proposals(proposals);
}

}  // namespace

Record make_annotations(const SynthAnnotationOptions& o, std::uint64_t seed, std::uint64_t index) {
  SynthRandom random(seed, "annotations/" + std::to_string(index));
  Record record = Record::make(o.prefix + padded(index, 5));
  const double frames = std::floor(random.uniform(o.min_duration, o.max_duration) * o.fps + 0.5),
               duration = frames / o.fps;
  record.set_number("duration", duration);
  record.set_number("fps", o.fps);
  record.set_number("frames", frames);
  if (!o.subset.empty()) record.set_text("subset", o.subset);

  const std::int64_t wanted = random.integer(o.min_instances, o.max_instances);
  std::vector<Annotation> truth, loose;
  std::vector<double> lengths, cuts;
  double slack = duration - o.min_gap;
  for (std::int64_t i = 0; i < wanted; ++i) {
    const double length = on_frame(random.uniform(o.min_length, o.max_length), o.fps);
    if (random.uniform() < o.overlap && length <= duration) {
      const double start = on_frame(random.uniform(0, duration - length), o.fps);
      loose.push_back({{start, std::min(duration, on_frame(start + length, o.fps))}, ""});
    } else if (length + o.min_gap <= slack) {
      lengths.push_back(length), slack -= length + o.min_gap;
    }
  }
  // The free time is split by sorted uniform points: all arrangements are equally likely.
  for (std::size_t i = 0; i < lengths.size(); ++i) cuts.push_back(random.uniform(0, slack));
  std::sort(cuts.begin(), cuts.end());
  double used = o.min_gap;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const double start = on_frame(used + cuts[i], o.fps);
    truth.push_back({{start, std::min(duration, on_frame(start + lengths[i], o.fps))}, ""});
    used += lengths[i] + o.min_gap;
  }
  truth.insert(truth.end(), loose.begin(), loose.end());
  std::stable_sort(truth.begin(), truth.end(),
                   [](const Annotation& a, const Annotation& b) { return a.segment.start < b.segment.start; });
  for (auto& a : truth) a.label = class_name(random.integer(0, o.classes - 1));
  record.set_annotations(truth);
  if (o.proposals > 0) {
    SynthRandom own(seed, "proposals/" + std::to_string(index));  // the truth stays the same whatever is asked for here
    add_proposals(record, o, truth, duration, own);
  }
  return record;
}

std::vector<float> class_signature(std::uint64_t seed, std::string_view label, int dim) {
  SynthRandom random(seed, "signature/" + std::string(label));
  std::vector<double> values(static_cast<std::size_t>(dim));
  double power = 0;
  for (double& v : values) v = random.normal(), power += v * v;
  const double rms = std::sqrt(power / dim);
  std::vector<float> out;
  for (const double v : values) out.push_back(static_cast<float>(rms > 0 ? v / rms : 1));
  return out;
}

FeatureMatrix make_features(const Record& record, const SynthFeatureOptions& o, std::uint64_t seed,
                            FeatureStream& stream) {
  const double duration = record.require_duration();
  const auto truth = record.annotations();
  const auto own = record.fps();
  const Rate rate = o.fps > 0 ? Rate{o.fps, 1} : own ? *own : Rate{25, 1};
  const double fps = rate.value();
  if (duration * fps > 1e9) throw Error("the video would have more than 1e9 frames").at_field("duration");
  const auto frames = static_cast<std::int64_t>(std::floor(duration * fps + 0.5));
  // A video shorter than a window still gets its one row.
  const std::size_t rows =
      std::max<std::size_t>(1, feature_rows(frames, o.window, o.stride, TailRule::drop).starts.size());
  const bool scores = o.kind == "scores";
  std::vector<std::string> labels = o.classes;
  if (labels.empty()) {
    for (const auto& a : truth) labels.push_back(a.label);
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  }
  if (scores && labels.empty()) throw Error("has no labels, and no --class names the columns").at_field("annotations");
  FeatureMatrix out;
  out.rows = static_cast<std::int64_t>(rows), out.dim = scores ? static_cast<std::int64_t>(labels.size()) : o.dim;
  if (static_cast<double>(out.rows) * static_cast<double>(out.dim) > 2.5e8)
    throw Error("would need more than 1 GB of features");
  const auto dim = static_cast<std::size_t>(out.dim);
  std::vector<std::vector<float>> patterns;
  for (const auto& a : truth) {
    patterns.push_back(scores ? std::vector<float>(dim, 0.0f) : class_signature(seed, a.label, o.dim));
    if (!scores) continue;
    const auto at = std::find(labels.begin(), labels.end(), a.label);
    if (at != labels.end()) patterns.back()[static_cast<std::size_t>(at - labels.begin())] = 1;
  }
  SynthRandom random(seed, "noise/" + o.stream + "/" + record.video());
  const double signal = scores ? 1 : o.snr * (o.noise > 0 ? o.noise : 1);
  const double spread = o.noise > 0 && scores ? o.noise / std::max(o.snr, 1e-6) : o.noise;
  const double fresh = std::sqrt(1 - o.correlation * o.correlation);
  std::vector<double> noise(dim, 0.0), row(dim);
  for (std::size_t g = 0; g < rows; ++g) {
    const double from = static_cast<double>(g) * o.stride / fps, to = from + o.window / fps;
    std::fill(row.begin(), row.end(), 0.0);
    for (std::size_t k = 0; k < truth.size(); ++k) {
      const double covered =
          (std::min(to, truth[k].segment.end) - std::max(from, truth[k].segment.start)) / (to - from);
      if (covered <= 0) continue;
      for (std::size_t d = 0; d < dim; ++d) row[d] += signal * covered * patterns[k][d];
    }
    for (std::size_t d = 0; d < dim; ++d) {
      if (spread > 0) noise[d] = g == 0 ? random.normal() : o.correlation * noise[d] + fresh * random.normal();
      const double value = row[d] + spread * noise[d];
      out.values.push_back(static_cast<float>(scores ? std::clamp(value, 0.0, 1.0) : value));
    }
  }
  stream.name = o.stream, stream.rows = out.rows, stream.dim = out.dim, stream.stride = o.stride,
  stream.window = o.window;
  stream.fps = rate, stream.resample = "pts";
  if (scores) stream.classes = labels;
  return out;
}

}  // namespace tal
