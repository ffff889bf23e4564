// Training examples from another stage's proposals (ETP 3.2, 3.3): positive, incomplete and background, by tIoU with the ground truth.
//
// Where a video has no proposal of a kind (or no proposals at all) examples are made from its ground truth: positives and
// incomplete ones by moving its boundaries, background as random segments.
#pragma once

#include <vector>

#include "libtal/models/model.h"

namespace tal {

inline constexpr double kPositiveTiou = 0.7;                                   // and more
inline constexpr double kIncompleteTiou = 0.3;                                 // up to 0.7
inline constexpr double kBackgroundTiou = 0.1;                                 // below

struct SampledProposal {
  Segment segment;         // seconds
  std::int64_t truth = 0;  // index of the ground truth with the largest tIoU (background: of any)
};

// One video's proposals by kind. made: probability that a positive or incomplete example is made from the ground truth although
// there are proposals.
class ProposalSampler {
 public:
  ProposalSampler(const TrainingSet::Video& video, double made);  // video must outlive the sampler and have ground truth
  SampledProposal positive(std::int64_t truth, Random& random) const;    // tIoU with `truth` >= 0.7
  SampledProposal incomplete(std::int64_t truth, Random& random) const;  // best tIoU in [0.3, 0.7), with `truth` if it can be made
  SampledProposal background(Random& random) const;                      // best tIoU < 0.1

 private:
  struct Best {
    std::int64_t truth = 0;
    double tiou = 0;
  };
  Best best(const Segment& segment) const;
  // Boundaries of a ground truth moved by up to `reach` lengths until the tIoU with it lies in [low, high).
  Segment moved(const Segment& truth, double reach, double low, double high, Random& random) const;

  const TrainingSet::Video& video_;
  double made_;
  std::vector<std::vector<Segment>> positives_, incomplete_;  // by ground truth
  std::vector<SampledProposal> background_;
};

}  // namespace tal
