// Weights of an ensemble's members chosen on validation records with annotations (BSN++, improvements A and B): by each
// member's own score, or by grid search.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libtal/eval/dataset.h"
#include "libtal/io/record.h"
#include "libtal/stream/run.h"

namespace tal {

struct EnsembleWeightOptions {
  std::string from;  // records with annotations; empty: weights are given, or equal
  int grid = 0;      // search multiples of 1 / grid; 0: each member's share of the scores
  std::string out;   // file that keeps what was chosen
};

struct EnsembleWeights {
  std::vector<std::string> members;  // names, in order
  std::vector<double> weights;       // sum 1
  std::string measure;               // "AUC", "average mAP"
  std::vector<double> alone;         // score of each member by itself
  double equal = 0, chosen = 0;      // scores of equal weights, and of these
  std::size_t tried = 0;             // grid: combinations
};

// score: of an ensemble with such weights (sum 1), more is better. grid 0: w_k = s_k / sum s, s_k the score of member k
// by itself ("normalized weights calculated according to the relative performance"); Error when all are 0. Else the
// best of all combinations of multiples of 1 / grid; of equal ones that with the most even weights. Error for more than
// kMostCombinations.
inline constexpr std::size_t kMostCombinations = 20000;
EnsembleWeights choose_weights(const std::vector<std::string>& members, const std::string& measure, int grid,
                               const std::function<double(std::span<const double>)>& score);
// Tells what was chosen (stderr, history field "weights") and writes options.out.
void report_weights(Run& run, const EnsembleWeights& chosen, const EnsembleWeightOptions& options);

// The weights of --weights: numbers, or the file that --weights-out made (FILE.json). Error when it is of another
// number of members, or of the same in another order.
std::vector<double> read_weights(const std::string& text, const std::vector<std::string>& members);

// Ground truth to score ensembles on.
class ValidationTruth {
 public:
  // labelled: annotations need labels. Error (field annotations) when the record has none, or not with labels.
  void add(const Record& record, bool labelled);
  std::size_t size() const { return videos_.size(); }
  // ActivityNet's protocols, per cent, of each video's suppressed proposals: area under the AR-AN curve; mAP averaged
  // over tIoU 0.5:0.05:0.95.
  double auc(const std::function<std::vector<Proposal>(std::size_t video)>& proposals) const;
  double average_map(const std::function<std::vector<Proposal>(std::size_t video)>& detections) const;

 private:
  struct Video {
    std::string name;
    double duration = 0;
    std::vector<std::pair<Segment, std::string>> truths;
  };
  eval::Dataset with(const std::function<std::vector<Proposal>(std::size_t)>& proposals) const;
  std::vector<Video> videos_;
  std::set<std::string> names_;
};

}  // namespace tal
