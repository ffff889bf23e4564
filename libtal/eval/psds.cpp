#include "libtal/eval/psds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "libtal/base/error.h"

namespace tal::eval {

const std::vector<PsdsSetting>& dcase_scenarios() {
  static const std::vector<PsdsSetting> scenarios = {{"psds1", 0.7, 0.7, 0.3, 0, 1, 100},
                                                     {"psds2", 0.1, 0.1, 0.3, 0.5, 1, 100}};
  return scenarios;
}

namespace {

constexpr double kSecondsAnHour = 3600;

// An event of the ground truth in the videos' order: its class, and its share that right detections fill.
struct SoundEvent {
  Segment segment;
  std::size_t cls;
  double filled = 0;
  bool reached = false;  // by a right detection
};

double overlap_of(const Segment& a, const Segment& b) { return std::min(a.end, b.end) - std::max(a.start, b.start); }

// inter / length, 0 for what has no length.
double share_of(double inter, double length) { return length > 0 ? inter / length : 0; }

}  // namespace

bool PsdsTruth::meet(const Segment& a, const Segment& b) const {
  if (version_ == PsdsVersion::k053) return a.start < b.end && b.start < a.end;
  return a.start <= b.end && b.start <= a.end;
}

PsdsTruth::PsdsTruth(const Selection& s, PsdsVersion version)
    : s_(s), version_(version), of_label_(s.data->labels.size(), -1) {
  std::vector<bool> there(s.data->labels.size(), false);
  for (const auto id : s.videos)
    for (const auto& truth : s.data->truths_of(id))
      if (counts(truth.segment)) there[truth.label] = true;
  for (const auto label : s.class_label)
    if (there[label]) classes_.push_back(s.data->labels.text(label));
  std::sort(classes_.begin(), classes_.end());
  for (std::size_t c = 0; c < classes_.size(); ++c)
    of_label_[s.data->labels.find(classes_[c])] = static_cast<std::int32_t>(c);
  events_.assign(classes_.size(), 0), hours_.assign(classes_.size(), 0);
  for (const auto id : s.videos) {
    const double duration = s.data->videos[id].duration;
    if (!(duration > 0))
      throw Error("missing; rates of false positives are by the hour")
          .at_field("duration")
          .at_video(s.data->video_names.text(id));
    all_hours_ += duration;
    for (const auto& truth : s.data->truths_of(id)) {
      const std::int32_t cls = of_label_[truth.label];
      if (cls < 0 || !counts(truth.segment)) continue;
      ++events_[static_cast<std::size_t>(cls)];
      hours_[static_cast<std::size_t>(cls)] += truth.segment.length();
    }
  }
  all_hours_ /= kSecondsAnHour;
  for (auto& hours : hours_) hours /= kSecondsAnHour;
}

SoundOperatingPoint PsdsTruth::judge(const std::vector<Prediction>& detections, const PsdsSetting& setting) const {
  const std::size_t n = classes_.size();
  SoundOperatingPoint out;
  out.counts.assign(n + 1, std::vector<double>(n + 1, 0));
  std::map<std::uint32_t, std::vector<const Prediction*>> by_video;
  for (const auto& p : detections)
    if (p.label < of_label_.size() && of_label_[p.label] >= 0 && s_.state[p.video] == State::kEvaluated &&
        counts(p.segment))
      by_video[p.video].push_back(&p);
  std::vector<SoundEvent> events;
  for (const auto& [id, mine] : by_video) {
    events.clear();
    for (const auto& truth : s_.data->truths_of(id))
      if (of_label_[truth.label] >= 0 && counts(truth.segment))
        events.push_back({truth.segment, static_cast<std::size_t>(of_label_[truth.label])});
    std::vector<const Prediction*> wrong;
    for (const auto* p : mine) {
      const auto cls = static_cast<std::size_t>(of_label_[p->label]);
      double precision = 0;
      bool any = false;
      for (const auto& e : events)
        if (e.cls == cls && meet(p->segment, e.segment))
          precision += share_of(overlap_of(p->segment, e.segment), p->segment.length()), any = true;
      if (!any || precision < setting.detection) {
        wrong.push_back(p);
        continue;
      }
      for (auto& e : events)
        if (e.cls == cls && meet(p->segment, e.segment))
          e.filled += share_of(overlap_of(p->segment, e.segment), e.segment.length()), e.reached = true;
    }
    for (const auto& e : events)
      if (e.reached && e.filled >= setting.truth) ++out.counts[e.cls][e.cls];
    const Segment whole{0, s_.data->videos[id].duration};
    std::vector<double> precision(n);
    for (const auto* p : wrong) {
      const auto cls = static_cast<std::size_t>(of_label_[p->label]);
      if (meet(p->segment, whole)) ++out.counts[cls][n];
      std::fill(precision.begin(), precision.end(), -1);  // -1: no event of the class touches it
      for (const auto& e : events) {
        if (e.cls == cls || !meet(p->segment, e.segment)) continue;
        precision[e.cls] =
            std::max(precision[e.cls], 0.0) + share_of(overlap_of(p->segment, e.segment), p->segment.length());
      }
      for (std::size_t other = 0; other < n; ++other)
        if (precision[other] >= 0 && precision[other] >= setting.cross) ++out.counts[cls][other];
    }
  }
  out.cross_rate.assign(n, std::vector<double>(n, 0));
  for (std::size_t c = 0; c < n; ++c) {
    out.found_share.push_back(out.counts[c][c] / events_[c]);
    out.false_rate.push_back(out.counts[c][n] / all_hours_);
    for (std::size_t other = 0; other < n; ++other)
      if (other != c && hours_[other] > 0) out.cross_rate[c][other] = out.counts[c][other] / hours_[other];
  }
  return out;
}

namespace {

// The best share at each rate or below, as a staircase over the rates of all classes.
std::vector<double> staircase(const std::vector<double>& rates, std::vector<std::pair<double, double>> points) {
  std::sort(points.begin(), points.end());
  std::vector<double> out;
  double best = 0;
  std::size_t next = 0;
  for (const double rate : rates) {
    for (; next < points.size() && points[next].first <= rate; ++next) best = std::max(best, points[next].second);
    out.push_back(best);
  }
  return out;
}

double staircase_area(const std::vector<double>& x, const std::vector<double>& y, double end) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size() && x[i] < end; ++i)
    sum += ((i + 1 < x.size() ? std::min(x[i + 1], end) : end) - x[i]) * y[i];
  return sum;
}

}  // namespace

PsdsCurve psds_curve(const std::vector<SoundOperatingPoint>& points, const PsdsSetting& setting, PsdsVersion version) {
  const std::size_t n = points.empty() ? 0 : points.front().found_share.size();
  if (version == PsdsVersion::k053 && n < 2) return {{0}, {0}, std::numeric_limits<double>::quiet_NaN()};
  const auto others = static_cast<double>(version == PsdsVersion::k053 ? n - 1 : n);
  std::vector<std::vector<std::pair<double, double>>> of_class(n);  // rate, share
  PsdsCurve out;
  for (std::size_t c = 0; c < n; ++c) {
    of_class[c].emplace_back(0, 0);
    for (const auto& point : points) {
      double cross = 0;
      for (const double rate : point.cross_rate[c]) cross += rate;
      const double rate = point.false_rate[c] + setting.cross_weight * (cross / others);
      of_class[c].emplace_back(rate, point.found_share[c]);
    }
    for (const auto& [rate, share] : of_class[c]) out.rate.push_back(rate);
  }
  std::sort(out.rate.begin(), out.rate.end());
  out.rate.erase(std::unique(out.rate.begin(), out.rate.end()), out.rate.end());
  std::vector<std::vector<double>> curves;
  for (const auto& own : of_class) curves.push_back(staircase(out.rate, own));
  for (std::size_t i = 0; i < out.rate.size(); ++i) {
    double mean = 0, variance = 0;
    for (const auto& curve : curves) mean += curve[i] / static_cast<double>(n);
    for (const auto& curve : curves) variance += (curve[i] - mean) * (curve[i] - mean) / static_cast<double>(n);
    out.share.push_back(std::max(0.0, mean - setting.spread_weight * std::sqrt(variance)));
  }
  out.score = staircase_area(out.rate, out.share, setting.max_rate) / setting.max_rate;
  return out;
}

std::vector<double> psds_f1(const SoundOperatingPoint& point) {
  std::vector<double> out;
  for (std::size_t c = 0; c < point.found_share.size(); ++c) {
    const double hits = point.counts[c][c];
    if (hits == 0) {
      out.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const double misses = hits / point.found_share[c] - hits, alarms = point.counts[c].back();
    out.push_back(2 * hits / (2 * hits + misses + alarms));
  }
  return out;
}

}  // namespace tal::eval
