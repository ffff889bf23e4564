// Training examples from another stage's proposals (ETP 3.2, 3.3): positive, incomplete and background, by tIoU with
// the ground truth.
//
// The paper's examples are proposals, and so are these by default. Made examples are ours: with made > 0 a positive or
// incomplete one is, with that probability, made by moving the boundaries of its ground truth, and always where that
// has no proposal of the kind; the background of a video without any is a random segment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/models/etp/etp_losses.h"

namespace tal {

inline constexpr double kPositiveTiou = 0.7;    // and more
inline constexpr double kIncompleteTiou = 0.3;  // up to 0.7
inline constexpr double kBackgroundTiou = 0.1;  // below

// The ground truth that a segment meets best.
struct TruthMatch {
  std::int64_t truth = 0;  // index; 0 when it meets none
  double tiou = 0;
};
TruthMatch best_match(const TrainingSet::Video& video, const Segment& segment);
// None for a tIoU in [0.1, 0.3): such a proposal trains nothing.
std::optional<ProposalKind> kind_of(double tiou);

struct SampledProposal {
  Segment segment;         // seconds
  std::int64_t truth = 0;  // index of the ground truth with the largest tIoU (background: of any)
};

// One video's proposals by kind.
class ProposalSampler {
 public:
  ProposalSampler(const TrainingSet::Video& video, double made);  // video must outlive the sampler and have ground
                                                                  // truth
  // Whether the function of this kind gives something for the ground truth.
  bool has_positive(std::int64_t truth) const {
    return made_ > 0 || !positives_[static_cast<std::size_t>(truth)].empty();
  }
  bool has_incomplete(std::int64_t truth) const {
    return made_ > 0 || !incomplete_[static_cast<std::size_t>(truth)].empty();
  }
  // None when there is no such proposal and none is to be made.
  std::optional<SampledProposal> positive(std::int64_t truth, Random& random) const;    // tIoU with `truth` >= 0.7
  std::optional<SampledProposal> incomplete(std::int64_t truth, Random& random) const;  // best tIoU in [0.3, 0.7), with
                                                                                        // `truth` if there is or can be
                                                                                        // one, else with any
  std::optional<SampledProposal> background(Random& random) const;                      // best tIoU < 0.1

 private:
  SampledProposal made_incomplete(std::int64_t truth, Random& random) const;
  SampledProposal made_background(Random& random) const;
  // Boundaries of a ground truth moved by up to `reach` lengths until the tIoU with it lies in [low, high).
  Segment moved(const Segment& truth, double reach, double low, double high, Random& random) const;

  const TrainingSet::Video& video_;
  double made_;
  std::vector<std::vector<Segment>> positives_, incomplete_;  // by ground truth
  std::vector<SampledProposal> all_incomplete_, background_;
};

// Error, with field proposals, when `model` would learn from no proposal at all: none is positive (or incomplete, if
// that is `enough`). labelled: ground truths of no known class do not count.
void require_examples(const TrainingSet& set, const std::string& model, bool incomplete_is_enough, bool labelled);

}  // namespace tal
