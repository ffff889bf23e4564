#include "libtal/eval/samples.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/eval/frames.h"
#include "libtal/eval/summary.h"

namespace tal::eval {
namespace {

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
    rate_ = rate_of(*s_.data, id, rules_.rate);
    const std::size_t n = frame_count(*s_.data, id, rate_);
    truth_.assign(n, kNull), predicted_.assign(n, kNull), twice_.assign(n, false);
    annotate(id);
    detect(id);
  }
  const std::vector<std::uint32_t>& truth() const { return truth_; }
  const std::vector<std::uint32_t>& predicted() const { return predicted_; }
  std::uint64_t contested() const { return static_cast<std::uint64_t>(std::count(twice_.begin(), twice_.end(), true)); }
  std::uint64_t detections() const { return detections_; }

 private:
  std::size_t index(double sample) const {
    return static_cast<std::size_t>(std::clamp(sample, 0.0, static_cast<double>(truth_.size())));
  }

  void annotate(std::uint32_t id) {
    const Video& video = s_.data->videos[id];
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (!s_.is_instance(g)) continue;
      const Truth& truth = s_.data->truths[g];
      const std::uint32_t cls = classes_.of(truth.label);
      const std::size_t end = index(first_frame(truth.segment.end, rate_));
      for (std::size_t i = index(first_frame(truth.segment.start, rate_)); i < end; ++i) {
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
      const std::size_t begin = index(std::floor(frames_at(segment.start, rate_)));
      const std::size_t end = index(std::ceil(frames_at(segment.end, rate_)));
      const std::uint32_t cls = classes_.of(predictions[p].label);
      for (std::size_t i = begin; i < end; ++i) predicted_[i] = cls;
    }
  }

  const Selection& s_;
  const SampleRules& rules_;
  Classes& classes_;
  std::vector<std::uint32_t> truth_, predicted_, order_;
  std::vector<bool> twice_;
  double rate_ = 0;
  std::uint64_t detections_ = 0;
};

SampleScores scores_of(std::uint64_t hits, std::uint64_t samples, std::uint64_t predicted, double undefined) {
  const auto ratio = [&](std::uint64_t a, std::uint64_t b) {
    return b == 0 ? undefined : static_cast<double>(a) / static_cast<double>(b);
  };
  return {ratio(hits, predicted), ratio(hits, samples), ratio(2 * hits, samples + predicted)};
}

SampleMeans means_of(const std::vector<SampleClass>& classes, const std::vector<std::uint64_t>& hits, bool with_null,
                     double undefined) {
  SampleMeans out;
  double n = 0;
  std::uint64_t found = 0, samples = 0, predicted = 0;
  const auto add = [](SampleScores& sum, const SampleScores& scores, double weight) {
    sum.precision += weight * scores.precision, sum.recall += weight * scores.recall, sum.f1 += weight * scores.f1;
  };
  const auto divide = [](SampleScores& sum, double by) {
    if (by > 0) sum.precision /= by, sum.recall /= by, sum.f1 /= by;
  };
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const SampleClass& cls = classes[c];
    if (cls.null && !with_null) continue;
    add(out.macro, cls.scores, 1);
    add(out.weighted, cls.scores, static_cast<double>(cls.samples));
    ++n, found += hits[c], samples += cls.samples, predicted += cls.predicted;
  }
  divide(out.macro, n), divide(out.weighted, static_cast<double>(samples));
  out.micro = scores_of(found, samples, predicted, undefined);
  return out;
}

// What the whole table says beside the classes' own scores.
void add_agreement(SampleResult& r, const std::vector<std::uint64_t>& hits) {
  const auto n = static_cast<double>(r.samples);
  double correct = 0, recalls = 0, classes = 0, chance = 0, truth = 0, predicted = 0;
  for (std::size_t c = 0; c < r.classes.size(); ++c) {
    const auto t = static_cast<double>(r.classes[c].samples), p = static_cast<double>(r.classes[c].predicted);
    correct += static_cast<double>(hits[c]);
    if (t > 0) recalls += static_cast<double>(hits[c]) / t, ++classes;
    chance += t * p, truth += t * t, predicted += p * p;
  }
  r.accuracy = n > 0 ? correct / n : 0;
  r.balanced_accuracy = classes > 0 ? recalls / classes : 0;
  if (const double by_chance = n - chance / n; by_chance > 0) r.cohen_kappa = 1 - (n - correct) / by_chance;
  const double spread = std::sqrt((n * n - truth) * (n * n - predicted));
  r.matthews = spread > 0 ? (correct * n - chance) / spread : 0;
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

// The samples of one video by class of the ground truth and of the detections, in the timeline's numbers.
using Cells = std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t>;

struct Timelines {
  std::vector<std::pair<std::uint32_t, Cells>> videos;
  std::vector<std::string> names;  // of the timeline's classes
  std::size_t always = 0;          // so many of them are in the table even without a sample (but null)
  std::uint64_t contested = 0, detections = 0;
};

Timelines lay_out(const Selection& s, const SampleRules& rules) {
  Timelines out;
  Classes classes(s, rules);
  out.always = classes.names().size();
  Timeline line(s, rules, classes);
  for (const auto id : s.videos) {
    line.fill(id);
    Cells cells;
    for (std::size_t i = 0; i < line.truth().size(); ++i) ++cells[{line.truth()[i], line.predicted()[i]}];
    out.videos.emplace_back(id, std::move(cells));
    out.contested += line.contested();
  }
  out.detections = line.detections();
  out.names = classes.names();
  return out;
}

using Table2 = std::vector<std::vector<std::uint64_t>>;

void add_cells(Table2& counts, const Cells& cells, std::uint64_t times) {
  for (const auto& [pair, n] : cells) counts[pair.first][pair.second] += times * n;
}

std::vector<SampleClass> classes_of(const Timelines& all, const Table2& counts, const std::vector<std::size_t>& columns,
                                    double undefined) {
  std::vector<SampleClass> out;
  for (const auto c : columns) {
    SampleClass entry{all.names[c], c == kNull, 0, 0, {}};
    for (const auto other : columns) entry.samples += counts[c][other], entry.predicted += counts[other][c];
    entry.scores = scores_of(counts[c][c], entry.samples, entry.predicted, undefined);
    out.push_back(std::move(entry));
  }
  return out;
}

SampleResult result_of(const Timelines& all, const SampleRules& rules, const std::vector<std::uint32_t>* weight) {
  const Table2 none(all.names.size(), std::vector<std::uint64_t>(all.names.size(), 0));
  Table2 counts = none, unweighted = none;
  for (const auto& [id, cells] : all.videos) {
    add_cells(counts, cells, weight ? (*weight)[id] : 1);
    add_cells(unweighted, cells, 1);
  }
  const auto columns = kept(unweighted, all.always);
  SampleResult out;
  out.contested = all.contested, out.detections = all.detections;
  out.classes = classes_of(all, counts, columns, rules.undefined);
  std::vector<std::uint64_t> hits;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto& row = out.confusion.emplace_back();
    for (const auto other : columns) row.push_back(counts[columns[i]][other]);
    hits.push_back(counts[columns[i]][columns[i]]), out.samples += out.classes[i].samples;
  }
  out.with_null = means_of(out.classes, hits, true, rules.undefined);
  out.without_null = means_of(out.classes, hits, false, rules.undefined);
  add_agreement(out, hits);
  if (weight) return out;
  for (const auto& [id, cells] : all.videos) {
    Table2 own = none;
    add_cells(own, cells, 1);
    SampleVideo video{id, 0, 0, 0};
    std::uint64_t correct = 0;
    for (const auto& cls : classes_of(all, own, columns, rules.undefined))
      video.samples += cls.samples, video.f1 += cls.scores.f1 / static_cast<double>(columns.size());
    for (const auto c : columns) correct += own[c][c];
    video.accuracy = static_cast<double>(correct) / static_cast<double>(std::max<std::uint64_t>(video.samples, 1));
    out.videos.push_back(video);
  }
  return out;
}

class Samples : public Measured {
 public:
  Samples(const Selection& s, const SampleRules& rules) : data_(*s.data), rules_(rules), all_(lay_out(s, rules)) {}
  double score(const std::vector<std::uint32_t>* weight) const override {
    return result_of(all_, rules_, weight).with_null.macro.f1;
  }
  std::string score_name() const override { return "f1"; }
  void settings(nlohmann::ordered_json& out) const override {
    out["rate"] = rules_.rate ? nlohmann::ordered_json(*rules_.rate) : nlohmann::ordered_json("the video's");
    out["score_above"] = rules_.score_above;
    out["overlap"] = rules_.highest_wins ? "highest" : "lowest";
    out["undefined"] = rules_.undefined;
  }
  void report(nlohmann::ordered_json& out) const override {
    const SampleResult r = result_of(all_, rules_, nullptr);
    out["scores"] = {{"f1", r.with_null.macro.f1},
                     {"f1_without_null", r.without_null.macro.f1},
                     {"accuracy", r.accuracy},
                     {"balanced_accuracy", r.balanced_accuracy}};
    out.update(samples_of(r, data_));
  }

 private:
  const Dataset& data_;
  const SampleRules rules_;
  const Timelines all_;
};

}  // namespace

SampleResult evaluate_samples(const Selection& s, const SampleRules& rules) {
  return result_of(lay_out(s, rules), rules, nullptr);
}

std::unique_ptr<Measured> samples_protocol(const Selection& s, const SampleRules& rules) {
  return std::make_unique<Samples>(s, rules);
}

}  // namespace tal::eval
