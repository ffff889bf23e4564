// Average recall against the average number of proposals: ActivityNet's curve and THUMOS14's.
#pragma once

#include "libtal/eval/dataset.h"

namespace tal::eval {

// What the curves are made of: per video how many proposals it has, and per ground truth and threshold the rank (0 =
// first) of the first proposal that reaches it.
struct ProposalMatch {
  static constexpr std::uint32_t kNever = 0xffffffffu;
  struct Entry {
    std::uint32_t video = 0, proposals = 0;
    std::uint64_t truth_begin = 0, truth_end = 0;  // rows of `first`
  };
  std::vector<double> tiou;
  std::vector<Entry> videos;         // those the protocol counts
  std::vector<std::uint32_t> first;  // [truth][threshold]
  std::vector<std::uint32_t> truth;  // [truth]: index in Dataset::truths
  std::uint64_t outside = 0;         // predictions of other videos that count in ActivityNet's ratio
  std::uint64_t tied = 0;            // proposals whose score another one of their video has too
};

// kEarliest, kLatest: for every ground truth and threshold by itself, the order of equal scores that finds it first, or
// last. What follows bounds every order; with several ground truths or thresholds no single order need attain it.
enum class TieOrder { kReversed, kInput, kEarliest, kLatest };

struct ProposalRules {
  bool inclusive_frames = false;       // THUMOS14: frames, +1
  bool videos_from_proposals = false;  // THUMOS14's code: videos without proposals do not count
  TieOrder ties = TieOrder::kReversed;
  int jobs = 1;
};

// Error (field fps, with the video) when one lacks the rate that inclusive frames need; UsageError without a threshold.
ProposalMatch match_proposals(const Selection& selection, const std::vector<double>& thresholds,
                              const ProposalRules& rules);

struct ProposalResult {
  std::vector<double> an, ar;               // [point]
  std::vector<std::vector<double>> recall;  // [threshold][point]
  double auc = 0;                           // percent (ActivityNet)
  std::uint64_t videos = 0, instances = 0, predictions = 0;
};

// ActivityNet: 100 points up to max_avg proposals a video on average. weight: multiplicity by video id, null: 1.
ProposalResult activitynet_curve(const ProposalMatch& match, double max_avg,
                                 const std::vector<std::uint32_t>* weight = nullptr);
// ActivityNet's protocol as it stands: labels aside, tIoU 0.5:0.05:0.95, up to 100 proposals a video. What a training
// is validated and an ensemble weighed by.
ProposalResult activitynet_recall(const Dataset& data);
// THUMOS14: 200 points.
ProposalResult thumos_curve(const ProposalMatch& match, const std::vector<std::uint32_t>* weight = nullptr);
// Linear between points and, beyond them, along the first or last two (THUMOS14; not clipped).
double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at);

}  // namespace tal::eval
