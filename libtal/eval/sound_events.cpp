#include "libtal/eval/sound_events.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <limits>
#include <nlohmann/json.hpp>

#include "libtal/base/number.h"
#include "libtal/eval/parallel.h"
#include "libtal/eval/report.h"

namespace tal::eval {
namespace {

using Json = nlohmann::ordered_json;

// sed_eval divides its rates and accuracies by counts with this added; a class without reference has huge rates so.
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct SoundScores {  // NaN: 0/0
  double precision, recall, f1, error_rate, substitution_rate, deletion_rate, insertion_rate;
  double sensitivity, specificity, balanced_accuracy, accuracy;
};

SoundScores scores_of(const SoundCounts& c) {
  SoundScores s{};
  s.precision = c.system > 0 ? c.hits / c.system : kNan;
  s.recall = c.reference > 0 ? c.hits / c.reference : kNan;
  s.f1 = s.precision == 0 && s.recall == 0 ? 0 : 2 * s.precision * s.recall / (s.precision + s.recall);
  const double reference = c.reference + kEpsilon;
  s.substitution_rate = c.substitutions / reference;
  s.deletion_rate = c.deletions / reference, s.insertion_rate = c.insertions / reference;
  s.error_rate = s.substitution_rate + s.deletion_rate + s.insertion_rate;
  const double misses = c.reference - c.hits, alarms = c.system - c.hits;
  s.sensitivity = c.hits / (c.reference + kEpsilon);
  s.specificity = c.true_negatives / (c.true_negatives + alarms + kEpsilon);
  s.balanced_accuracy = (s.sensitivity + s.specificity) / 2;
  s.accuracy = (c.hits + c.true_negatives) / (c.hits + c.true_negatives + misses + alarms + kEpsilon);
  return s;
}

// Mean over classes of what is a number.
SoundScores mean_scores(const std::vector<SoundCounts>& classes) {
  std::vector<SoundScores> all;
  for (const auto& cls : classes) all.push_back(scores_of(cls));
  const auto mean = [&](double SoundScores::*member) {
    double sum = 0, n = 0;
    for (const auto& scores : all)
      if (!std::isnan(scores.*member)) sum += scores.*member, ++n;
    return n > 0 ? sum / n : kNan;
  };
  SoundScores out{};
  for (const auto member : {&SoundScores::precision, &SoundScores::recall, &SoundScores::f1, &SoundScores::error_rate,
                            &SoundScores::deletion_rate, &SoundScores::insertion_rate, &SoundScores::sensitivity,
                            &SoundScores::specificity, &SoundScores::balanced_accuracy, &SoundScores::accuracy})
    out.*member = mean(member);
  return out;
}

Json number_or_null(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

enum class Whole { kPooled, kOfClasses };  // substitutions are pooled only

Json members_of(const SoundScores& s, Whole whole, bool by_segment) {
  Json out = {{"f1", number_or_null(s.f1)},
              {"precision", number_or_null(s.precision)},
              {"recall", number_or_null(s.recall)},
              {"error_rate", s.error_rate}};
  if (whole == Whole::kPooled) out["substitution_rate"] = s.substitution_rate;
  out["deletion_rate"] = s.deletion_rate, out["insertion_rate"] = s.insertion_rate;
  if (by_segment) {
    out["sensitivity"] = s.sensitivity, out["specificity"] = s.specificity;
    out["balanced_accuracy"] = s.balanced_accuracy, out["accuracy"] = s.accuracy;
  }
  return out;
}

struct Pooled {
  SoundCounts event, segment;
  std::vector<SoundCounts> event_class, segment_class;
};

struct ClassEvent {
  std::uint32_t video, label;
  double start, end;
  auto operator<=>(const ClassEvent&) const = default;
};

// How many of them begin before one of their video and label that is another one has ended.
std::size_t overlapping(std::vector<ClassEvent>& events) {
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());
  std::size_t n = 0;
  double end = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool first = i == 0 || events[i].video != events[i - 1].video || events[i].label != events[i - 1].label;
    n += !first && events[i].start < end;
    end = first ? events[i].end : std::max(end, events[i].end);
  }
  return n;
}

class SoundEvents : public Measured {
 public:
  SoundEvents(const Selection& s, const SoundRules& rules, int jobs) : s_(s), data_(*s.data), rules_(rules) {
    find_classes();
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < data_.videos.size(); ++id)
      if (s.state[id] == State::kEvaluated || (s.used(id) && !data_.predictions_of(id).empty())) ids.push_back(id);
    videos_.resize(ids.size());
    parallel_for(ids.size(), jobs, 16, [&] {
      return
          [&](std::size_t i) { videos_[i] = judge_sounds(data_, ids[i], of_label_, classes_.size(), rules_.collars); };
    });
    if (!rules.psds.empty()) judge_points(jobs);
  }

  double score(const std::vector<std::uint32_t>* weight) const override {
    const double f1 = mean_scores(pooled(weight).event_class).f1;
    return std::isnan(f1) ? 0 : f1;
  }

  std::string score_name() const override { return "event_f1_macro"; }

  void settings(Json& out) const override {
    const CollarRules& c = rules_.collars;
    out["collar"] = c.collar;
    if (!c.onset_only) out["offset_share"] = c.offset_share;
    out["judged"] = c.onset_only ? "onsets" : "onsets and offsets";
    out["matching"] = "optimal", out["segment_length"] = c.segment;
    for (const auto& s : rules_.psds)
      out[s.name] = "dtc " + format_number(s.detection) + ", gtc " + format_number(s.truth) + ", cttc " +
                    format_number(s.cross) + ", alpha_ct " + format_number(s.cross_weight) + ", alpha_st " +
                    format_number(s.spread_weight) + ", max_efpr " + format_number(s.max_rate) + " / hour";
    if (rules_.psds_version == PsdsVersion::k053) out["psds_eval"] = "0.5.3";
    if (!rules_.psds.empty()) out["operating_points"] = sources_.size();
  }

  void conventions(Json& out) const override {
    if (rules_.psds_version == PsdsVersion::k030) out["psds_eval"] = "0.3.0";
  }

  void report(Json& out) const override {
    const Pooled all = pooled(nullptr);
    auto& scores = out["scores"];
    scores["event_f1_macro"] = number_or_null(mean_scores(all.event_class).f1);
    scores["event_f1_micro"] = number_or_null(scores_of(all.event).f1);
    scores["segment_f1_macro"] = number_or_null(mean_scores(all.segment_class).f1);
    scores["segment_f1_micro"] = number_or_null(scores_of(all.segment).f1);
    for (std::size_t i = 0; i < rules_.psds.size(); ++i) scores[rules_.psds[i].name] = number_or_null(curves_[i].score);
    add(out, "event", all.event, all.event_class, false);
    add(out, "segment", all.segment, all.segment_class, true);
    out["psds"] = Json::array();
    for (std::size_t i = 0; i < rules_.psds.size(); ++i) out["psds"].push_back(psds_of(i));
  }

  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  // sed_eval counts the classes of either side, by name.
  void find_classes() {
    of_label_.assign(data_.labels.size(), -1);
    std::vector<std::string> names;
    std::vector<bool> known(data_.labels.size(), false);
    const auto take = [&](std::uint32_t label) {
      if (label == kNoLabel || known[label]) return;
      known[label] = true, classes_.push_back(data_.labels.text(label));
    };
    for (const auto label : s_.class_label) take(label);
    for (const auto& p : data_.predictions)
      if (s_.used(p.video)) take(p.label);
    std::sort(classes_.begin(), classes_.end());
    for (std::size_t c = 0; c < classes_.size(); ++c)
      of_label_[data_.labels.find(classes_[c])] = static_cast<std::int32_t>(c);
  }

  void judge_points(int jobs) {
    const PsdsTruth truth(s_, rules_.psds_version);
    psds_classes_ = truth.classes();
    if (rules_.psds_version == PsdsVersion::k053) find_what_it_refuses();
    std::vector<std::vector<Prediction>> by_threshold;
    std::vector<const std::vector<Prediction>*> sets = {&data_.predictions};  // of the stream, F1 is wanted in any case
    const bool by_score = data_.operating_points.empty();
    if (by_score) {
      by_threshold.resize(rules_.thresholds.size());
      for (std::size_t i = 0; i < rules_.thresholds.size(); ++i) {
        for (const auto& p : data_.predictions)
          if (p.score > rules_.thresholds[i]) by_threshold[i].push_back(p);
        sources_.push_back("score > " + format_number(settled(rules_.thresholds[i]))), sets.push_back(&by_threshold[i]);
      }
    } else {
      sources_.push_back("the stream");
      for (const auto& point : data_.operating_points)
        sources_.push_back(point.source), sets.push_back(&point.detections);
    }
    points_.assign(rules_.psds.size(), std::vector<SoundOperatingPoint>(sets.size()));
    parallel_for(sets.size() * rules_.psds.size(), jobs, 1, [&] {
      return [&](std::size_t i) {
        const std::size_t setting = i / sets.size(), set = i % sets.size();
        points_[setting][set] = truth.judge(*sets[set], rules_.psds[setting]);
      };
    });
    for (std::size_t i = 0; i < rules_.psds.size(); ++i) {
      stream_f1_.push_back(psds_f1(points_[i].front()));
      if (by_score) points_[i].erase(points_[i].begin());
      curves_.push_back(psds_curve(points_[i], rules_.psds[i], rules_.psds_version));
    }
  }

  // psds_eval 0.5.3 takes no events of a class that overlap, unless they are the same.
  void find_what_it_refuses() {
    if (psds_classes_.size() < 2)
      warnings_.push_back(
          "psds_eval 0.5.3 has no number where fewer than two classes of the ground truth have events with a length: "
          "cross triggers are 0/0, and PSDS is null here");
    std::vector<ClassEvent> truths, found;
    for (const auto id : s_.videos)
      for (const auto& truth : data_.truths_of(id))
        if (s_.counts_as_instance(truth)) truths.push_back({id, truth.label, truth.segment.start, truth.segment.end});
    const auto take = [&](const std::vector<Prediction>& predictions) {
      for (const auto& p : predictions)
        if (s_.state[p.video] == State::kEvaluated) found.push_back({p.video, p.label, p.segment.start, p.segment.end});
      return overlapping(found);
    };
    const std::size_t of_truth = overlapping(truths), of_stream = take(data_.predictions);
    std::size_t of_points = 0;
    for (const auto& point : data_.operating_points) found.clear(), of_points += take(point.detections);
    if (of_truth + of_stream + of_points > 0)
      warnings_.push_back(
          "psds_eval 0.5.3 refuses events that overlap one of their class: " + std::to_string(of_truth) +
          " of the ground truth, " + std::to_string(of_stream + of_points) + " of the detections; they count here");
  }

  Pooled pooled(const std::vector<std::uint32_t>* weight) const {
    Pooled out;
    out.event_class.resize(classes_.size()), out.segment_class.resize(classes_.size());
    for (const auto& video : videos_) {
      const double n = times(weight, video.id);
      out.event.add(video.event, n), out.segment.add(video.segment, n);
      for (std::size_t c = 0; c < classes_.size(); ++c)
        out.event_class[c].add(video.event_class[c], n), out.segment_class[c].add(video.segment_class[c], n);
    }
    return out;
  }

  void add(Json& out, const std::string& name, const SoundCounts& all, const std::vector<SoundCounts>& classes,
           bool by_segment) const {
    out[name + "_based"] = members_of(scores_of(all), Whole::kPooled, by_segment);
    out[name + "_based_macro"] = members_of(mean_scores(classes), Whole::kOfClasses, by_segment);
    Json& list = out[name + "_classes"] = Json::array();
    for (std::size_t c = 0; c < classes.size(); ++c) {
      Json entry = {{"label", classes_[c]},
                    {"reference", static_cast<std::uint64_t>(classes[c].reference)},
                    {"system", static_cast<std::uint64_t>(classes[c].system)}};
      entry.update(members_of(scores_of(classes[c]), Whole::kOfClasses, by_segment));
      list.push_back(std::move(entry));
    }
  }

  Json psds_of(std::size_t i) const {
    const PsdsSetting& setting = rules_.psds[i];
    Json out = {{"name", setting.name},
                {"psds", number_or_null(curves_[i].score)},
                {"dtc", setting.detection},
                {"gtc", setting.truth},
                {"cttc", setting.cross},
                {"alpha_ct", setting.cross_weight},
                {"alpha_st", setting.spread_weight},
                {"max_efpr", setting.max_rate},
                {"classes", psds_classes_},
                {"efpr", curves_[i].rate},
                {"etpr", curves_[i].share}};
    double sum = 0, n = 0;
    Json f1 = Json::array();
    for (const double value : stream_f1_[i]) {
      f1.push_back(number_or_null(value));
      if (!std::isnan(value)) sum += value, ++n;
    }
    out["f1_macro"] = n > 0 ? Json(sum / n) : Json(nullptr);
    out["f1"] = std::move(f1);
    Json& points = out["operating_points"] = Json::array();
    for (std::size_t k = 0; k < points_[i].size(); ++k)
      points.push_back({{"source", sources_[k]},
                        {"counts", points_[i][k].counts},
                        {"tpr", points_[i][k].found_share},
                        {"fpr", points_[i][k].false_rate}});
    return out;
  }

  const Selection& s_;
  const Dataset& data_;
  const SoundRules rules_;
  std::vector<std::string> classes_;  // of either side, by name
  std::vector<std::int32_t> of_label_;
  std::vector<SoundVideo> videos_;
  std::vector<std::string> psds_classes_, sources_, warnings_;
  std::vector<std::vector<SoundOperatingPoint>> points_;  // [setting][operating point], of sources_
  std::vector<std::vector<double>> stream_f1_;            // [setting][class]
  std::vector<PsdsCurve> curves_;                         // [setting]
};

}  // namespace

std::unique_ptr<Measured> sound_events(const Selection& s, const SoundRules& rules, int jobs) {
  return std::make_unique<SoundEvents>(s, rules, jobs);
}

}  // namespace tal::eval
