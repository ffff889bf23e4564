#include "libtal/eval/segmentation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/spelling.h"
#include "libtal/eval/frames.h"

namespace tal::eval {
namespace {

using Labels = std::vector<std::uint32_t>;  // of frames

struct LabelRun {  // of frames with one label
  std::size_t begin, end;
  std::uint32_t label;
};

struct FrameCounts {
  double hits = 0, false_alarms = 0, misses = 0;  // whole numbers
};

std::uint64_t whole(double count) { return static_cast<std::uint64_t>(count); }

struct SegmentedVideo {
  std::uint32_t id;
  std::size_t frames, correct;
  double edit;                      // percent
  std::vector<FrameCounts> counts;  // [overlap]
};

double percent(double share) { return 100 * share; }

// Percent, of a video without segments on either side: the source divides 0 by 0.
constexpr double kEditOfNoSegments = 100;

// 1 - Levenshtein distance of the runs' labels / the larger number of runs.
double edit_score(const std::vector<LabelRun>& a, const std::vector<LabelRun>& b) {
  if (a.empty() && b.empty()) return kEditOfNoSegments / 100;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t kept = diagonal + (a[i - 1].label != b[j - 1].label);
      diagonal = std::exchange(row[j], std::min({kept, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return 1 - static_cast<double>(row.back()) / static_cast<double>(std::max(a.size(), b.size()));
}

double run_overlap(const LabelRun& a, const LabelRun& b) {
  const std::size_t first = std::max(a.begin, b.begin), last = std::min(a.end, b.end);
  if (first >= last) return 0;
  return static_cast<double>(last - first) / static_cast<double>(std::max(a.end, b.end) - std::min(a.begin, b.begin));
}

FrameCounts match_runs(const std::vector<LabelRun>& predicted, const std::vector<LabelRun>& truth, double threshold) {
  FrameCounts out;
  std::vector<bool> taken(truth.size(), false);
  for (const auto& run : predicted) {
    std::size_t best = truth.size();
    double most = 0;
    for (std::size_t i = 0; i < truth.size(); ++i)
      if (const double here = run_overlap(run, truth[i]); truth[i].label == run.label && here > most)
        best = i, most = here;
    // The best one counts even where it is taken and another one would do: so does the source.
    if (best < truth.size() && most >= threshold && !taken[best]) taken[best] = true, ++out.hits;
    else ++out.false_alarms;
  }
  out.misses = static_cast<double>(truth.size()) - out.hits;
  return out;
}

class Segmentation : public Measured {
 public:
  Segmentation(const Selection& s, const std::vector<double>& overlaps, const SegmentationRules& rules)
      : s_(s), data_(*s.data), overlaps_(overlaps), rules_(rules), background_(data_.labels.size() + 1, false) {
    unlabelled_ = static_cast<std::uint32_t>(data_.labels.size());  // a frame that nothing covers: the first
                                                                    // background label, also where no segment has it
    for (const auto& name : rules.background) {
      const auto text =
          joined_names(name, [&](const std::string& each) { return data_.labels.find(each) != Names::kNone; });
      if (!text.empty()) throw UsageError("--background: of the labels " + text + ": commas separate them");
    }
    for (const auto& name : rules.background)
      if (const auto label = data_.labels.find(name); label != Names::kNone) background_[label] = true;
    if (!rules.background.empty())
      if (const auto label = data_.labels.find(rules.background.front()); label != Names::kNone) unlabelled_ = label;
    background_[unlabelled_] = true;
    for (const auto id : s.videos) add(id);
  }

  double score(const std::vector<std::uint32_t>* weight) const override { return f1(overlaps_.size() - 1, weight); }

  std::string score_name() const override { return "f1@" + at(overlaps_.size() - 1); }

  void settings(nlohmann::ordered_json& out) const override {
    out["overlaps"] = overlaps_;
    out["rate"] = rules_.rate ? nlohmann::ordered_json(*rules_.rate) : nlohmann::ordered_json("the video's");
    out["background"] = rules_.background;
    out["count_background"] = rules_.count_background;
  }

  void conventions(nlohmann::ordered_json& out) const override { out["edit_of_no_segments"] = kEditOfNoSegments; }

  void report(nlohmann::ordered_json& out) const override {
    auto& scores = out["scores"];
    scores["accuracy"] = accuracy(), scores["edit"] = edit();
    for (std::size_t t = 0; t < overlaps_.size(); ++t) scores["f1@" + at(t)] = f1(t, nullptr);
    out["frames"] = frames_, out["contested"] = contested_, out["behind_the_end"] = behind_;
    out["videos_without_segments"] = without_segments_;
    out["overlaps"] = nlohmann::ordered_json::array();
    for (std::size_t t = 0; t < overlaps_.size(); ++t) {
      const FrameCounts c = pooled(t, nullptr);
      out["overlaps"].push_back({{"overlap", at(t)},
                                 {"f1", f1(t, nullptr)},
                                 {"tp", whole(c.hits)},
                                 {"fp", whole(c.false_alarms)},
                                 {"fn", whole(c.misses)}});
    }
    out["by_video"] = nlohmann::ordered_json::array();
    for (const auto& v : videos_) {
      nlohmann::ordered_json entry = {
          {"video", data_.video_names.text(v.id)}, {"frames", v.frames}, {"correct", v.correct}, {"edit", v.edit}};
      for (std::size_t t = 0; t < overlaps_.size(); ++t) {
        entry["tp@" + at(t)] = whole(v.counts[t].hits);
        entry["fp@" + at(t)] = whole(v.counts[t].false_alarms);
        entry["fn@" + at(t)] = whole(v.counts[t].misses);
      }
      out["by_video"].push_back(std::move(entry));
    }
  }

 private:
  std::string at(std::size_t t) const { return format_number(std::round(percent(overlaps_[t]) * 1e6) / 1e6); }

  void add(std::uint32_t id) {
    const double rate = rate_of(data_, id, rules_.rate);
    const std::size_t n = frame_count(data_, id, rate);
    const Labels truth = truth_of(id, rate, n), predicted = predicted_of(id, rate, n);
    SegmentedVideo video{id, n, 0, 0, {}};
    for (std::size_t i = 0; i < n; ++i) video.correct += truth[i] == predicted[i];
    const auto a = runs_of(predicted), b = runs_of(truth);
    without_segments_ += a.empty() && b.empty();
    video.edit = percent(edit_score(a, b));
    for (const double overlap : overlaps_) video.counts.push_back(match_runs(a, b, overlap));
    frames_ += n;
    videos_.push_back(std::move(video));
  }

  std::pair<std::size_t, std::size_t> range_of(const Segment& segment, double rate, std::size_t n) const {
    const auto clipped = [&](double time) {
      return static_cast<std::size_t>(std::clamp(first_frame(time, rate), 0.0, static_cast<double>(n)));
    };
    return {clipped(segment.start), clipped(segment.end)};
  }

  Labels truth_of(std::uint32_t id, double rate, std::size_t n) {
    Labels labels(n, unlabelled_);
    std::vector<bool> covered(n, false);
    for (const auto& truth : data_.truths_of(id)) {
      const auto [begin, end] = range_of(truth.segment, rate, n);
      for (std::size_t i = begin; i < end; ++i) {
        contested_ += covered[i] && labels[i] != truth.label;
        labels[i] = truth.label, covered[i] = true;
      }
    }
    return labels;
  }

  Labels predicted_of(std::uint32_t id, double rate, std::size_t n) {
    const auto& predictions = data_.predictions;
    std::vector<std::uint32_t> order;
    double last = 0;
    for (const auto p : data_.predictions_of(id))
      if (predictions[p].label != kNoLabel) order.push_back(p), last = std::max(last, predictions[p].segment.end);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return predictions[a].score < predictions[b].score; });
    const double end_frame = first_frame(last, rate);
    if (end_frame > std::numeric_limits<std::int32_t>::max())
      throw Error("a segment ends behind 2^31 frames").at_field("proposals").at_video(data_.video_names.text(id));
    const std::size_t length = std::max(n, static_cast<std::size_t>(std::max(end_frame, 0.0)));
    Labels labels(length, unlabelled_);
    std::vector<bool> held(length - n, false);  // of the frames behind the last one
    for (const auto p : order) {
      const auto [begin, end] = range_of(predictions[p].segment, rate, length);
      for (std::size_t i = std::max(begin, n); i < end; ++i) held[i - n] = true;
      std::fill(labels.begin() + static_cast<std::ptrdiff_t>(begin), labels.begin() + static_cast<std::ptrdiff_t>(end),
                predictions[p].label);
    }
    behind_ += static_cast<std::uint64_t>(std::count(held.begin(), held.end(), true));
    return labels;
  }

  std::vector<LabelRun> runs_of(const Labels& labels) const {
    std::vector<LabelRun> out;
    for (std::size_t begin = 0, end = 0; begin < labels.size(); begin = end) {
      while (end < labels.size() && labels[end] == labels[begin]) ++end;
      if (rules_.count_background || !background_[labels[begin]]) out.push_back({begin, end, labels[begin]});
    }
    return out;
  }

  double accuracy() const {
    double correct = 0;
    for (const auto& v : videos_) correct += static_cast<double>(v.correct);
    return percent(correct / static_cast<double>(frames_));
  }
  double edit() const {
    double sum = 0;
    for (const auto& v : videos_) sum += v.edit;
    return sum / static_cast<double>(videos_.size());
  }
  FrameCounts pooled(std::size_t t, const std::vector<std::uint32_t>* weight) const {
    FrameCounts sum;
    for (const auto& v : videos_) {
      const double n = times(weight, v.id);
      sum.hits += n * v.counts[t].hits, sum.false_alarms += n * v.counts[t].false_alarms;
      sum.misses += n * v.counts[t].misses;
    }
    return sum;
  }
  double f1(std::size_t t, const std::vector<std::uint32_t>* weight) const {
    const FrameCounts c = pooled(t, weight);
    if (c.hits == 0) return 0;  // 0/0 too, as the source makes it
    const double precision = c.hits / (c.hits + c.false_alarms), recall = c.hits / (c.hits + c.misses);
    return percent(2 * (precision * recall) / (precision + recall));
  }

  const Selection& s_;
  const Dataset& data_;
  const std::vector<double> overlaps_;
  const SegmentationRules rules_;
  std::vector<bool> background_;  // by label
  std::uint32_t unlabelled_;
  std::vector<SegmentedVideo> videos_;
  std::uint64_t frames_ = 0;
  std::uint64_t contested_ = 0;         // frames under annotations of several labels
  std::uint64_t behind_ = 0;            // frames behind a video's last one that a detection holds
  std::uint64_t without_segments_ = 0;  // videos of which neither side has one that counts
};

}  // namespace

std::unique_ptr<Measured> segmentation(const Selection& s, const std::vector<double>& overlaps,
                                       const SegmentationRules& rules) {
  return std::make_unique<Segmentation>(s, overlaps, rules);
}

}  // namespace tal::eval
