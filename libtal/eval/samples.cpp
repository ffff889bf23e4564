#include "libtal/eval/samples.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "libtal/base/error.h"

namespace tal::eval {
namespace {

// 0.58 s * 50 Hz is 28.999999999999996 in double: so near to a whole number of samples, it is one.
constexpr double kRounding = 1e-7;

double at_rate(double seconds, double rate) {
  const double samples = seconds * rate, whole = std::round(samples);
  return std::abs(samples - whole) < kRounding ? whole : samples;
}

// Numbers of classes in the order of first use; 0 is null.
class Classes {
 public:
  Classes(const Selection& s, const SampleRules& rules) : s_(s), of_label_(s.data->labels.size(), kNew) {
    names_.emplace_back();
    for (const auto& name : rules.classes) {
      if (const auto label = s.data->labels.find(name); label != Names::kNone) of(label);
      else names_.push_back(name);
    }
    for (const auto label : s.class_label) of(label);
  }
  std::uint32_t of(std::uint32_t label) {
    if (s_.class_agnostic) label = kNoLabel;
    if (of_label_[label] == kNew) {
      of_label_[label] = static_cast<std::uint32_t>(names_.size());
      names_.push_back(s_.data->labels.text(label));
    }
    return of_label_[label];
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  static constexpr std::uint32_t kNew = std::numeric_limits<std::uint32_t>::max();
  const Selection& s_;
  std::vector<std::uint32_t> of_label_;
  std::vector<std::string> names_;
};

constexpr std::uint32_t kNull = 0;

// The classes of one video's samples.
class Timeline {
 public:
  Timeline(const Selection& s, const SampleRules& rules, Classes& classes) : s_(s), rules_(rules), classes_(classes) {}

  void fill(std::uint32_t id) {
    const std::size_t n = samples_of(id);
    truth_.assign(n, kNull), predicted_.assign(n, kNull), twice_.assign(n, false);
    annotate(id);
    detect(id);
  }
  const std::vector<std::uint32_t>& truth() const { return truth_; }
  const std::vector<std::uint32_t>& predicted() const { return predicted_; }
  std::uint64_t contested() const { return static_cast<std::uint64_t>(std::count(twice_.begin(), twice_.end(), true)); }
  std::uint64_t detections() const { return detections_; }

 private:
  std::size_t samples_of(std::uint32_t id) const {
    const double duration = s_.data->videos[id].duration;
    const auto refuse = [&](const std::string& why) -> Error {
      return Error(why).at_field("duration").at_video(s_.data->video_names.text(id));
    };
    if (!(duration > 0)) throw refuse("missing; samples are cut out of it");
    const double n = std::round(at_rate(duration, rules_.rate));
    if (n > std::numeric_limits<std::int32_t>::max()) throw refuse("too many samples at this rate");
    return static_cast<std::size_t>(std::max(n, 1.0));
  }

  std::size_t index(double sample) const {
    return static_cast<std::size_t>(std::clamp(sample, 0.0, static_cast<double>(truth_.size())));
  }

  void annotate(std::uint32_t id) {
    const Video& video = s_.data->videos[id];
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (!s_.is_instance(g)) continue;
      const Truth& truth = s_.data->truths[g];
      const std::uint32_t cls = classes_.of(truth.label);
      const std::size_t end = index(std::round(at_rate(truth.segment.end, rules_.rate)));
      for (std::size_t i = index(std::round(at_rate(truth.segment.start, rules_.rate))); i < end; ++i) {
        if (truth_[i] != kNull && truth_[i] != cls) twice_[i] = true;
        truth_[i] = cls;
      }
    }
  }

  void detect(std::uint32_t id) {
    const auto& predictions = s_.data->predictions;
    order_.clear();
    for (const auto p : s_.data->predictions_of(id))
      if (predictions[p].score > rules_.score_above && (s_.class_agnostic || predictions[p].label != kNoLabel))
        order_.push_back(p);
    detections_ += order_.size();
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) {
      return rules_.highest_wins ? predictions[a].score < predictions[b].score
                                 : predictions[a].score > predictions[b].score;
    });
    for (const auto p : order_) {
      const Segment& segment = predictions[p].segment;
      const std::size_t begin = index(std::floor(at_rate(segment.start, rules_.rate)));
      const std::size_t end = index(std::ceil(at_rate(segment.end, rules_.rate)));
      const std::uint32_t cls = classes_.of(predictions[p].label);
      for (std::size_t i = begin; i < end; ++i) predicted_[i] = cls;
    }
  }

  const Selection& s_;
  const SampleRules& rules_;
  Classes& classes_;
  std::vector<std::uint32_t> truth_, predicted_, order_;
  std::vector<bool> twice_;
  std::uint64_t detections_ = 0;
};

SampleScores scores_of(std::uint64_t hits, std::uint64_t samples, std::uint64_t predicted, double undefined) {
  const auto ratio = [&](std::uint64_t a, std::uint64_t b) {
    return b == 0 ? undefined : static_cast<double>(a) / static_cast<double>(b);
  };
  return {ratio(hits, predicted), ratio(hits, samples), ratio(2 * hits, samples + predicted)};
}

SampleScores mean_of(const std::vector<SampleClass>& classes, bool with_null) {
  SampleScores sum;
  double n = 0;
  for (const auto& cls : classes) {
    if (cls.null && !with_null) continue;
    sum.precision += cls.scores.precision, sum.recall += cls.scores.recall, sum.f1 += cls.scores.f1;
    ++n;
  }
  if (n > 0) sum.precision /= n, sum.recall /= n, sum.f1 /= n;
  return sum;
}

// Which of the timeline's classes the table has: null and classes of detections only where a sample has them.
std::vector<std::size_t> kept(const std::vector<std::vector<std::uint64_t>>& counts, std::size_t always) {
  std::vector<std::size_t> out;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    bool any = c != kNull && c < always;
    for (std::size_t other = 0; other < counts.size(); ++other)
      any = any || counts[c][other] > 0 || counts[other][c] > 0;
    if (any) out.push_back(c);
  }
  return out;
}

}  // namespace

SampleResult evaluate_samples(const Selection& s, const SampleRules& rules) {
  Classes classes(s, rules);
  const std::size_t always = classes.names().size();
  Timeline line(s, rules, classes);
  SampleResult out;
  std::vector<std::vector<std::uint64_t>> counts;
  for (const auto id : s.videos) {
    line.fill(id);
    const std::size_t known = classes.names().size();
    counts.resize(known);
    for (auto& row : counts) row.resize(known, 0);
    for (std::size_t i = 0; i < line.truth().size(); ++i) ++counts[line.truth()[i]][line.predicted()[i]];
    out.contested += line.contested();
  }
  out.detections = line.detections();
  const auto columns = kept(counts, always);
  std::uint64_t hits = 0;
  for (const auto c : columns) {
    SampleClass entry{classes.names()[c], c == kNull, 0, 0, {}};
    auto& row = out.confusion.emplace_back();
    for (const auto other : columns) {
      row.push_back(counts[c][other]);
      entry.samples += counts[c][other], entry.predicted += counts[other][c];
    }
    entry.scores = scores_of(counts[c][c], entry.samples, entry.predicted, rules.undefined);
    hits += counts[c][c], out.samples += entry.samples;
    out.classes.push_back(std::move(entry));
  }
  out.accuracy = out.samples > 0 ? static_cast<double>(hits) / static_cast<double>(out.samples) : 0;
  out.mean = mean_of(out.classes, true), out.mean_without_null = mean_of(out.classes, false);
  return out;
}

}  // namespace tal::eval
