// Proposals x video-level classes: the detections of proposal networks (BSN++, BMN, and any proposer), their scores
// made of a proposal's factors and of a video classifier's scores, and detections of several systems side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libtal/io/record.h"

namespace tal {

// A proposal's score as a product of powers of its "scores": prod_k s_k ^ e_k.
struct FactorRule {
  std::vector<std::pair<std::string, double>> exponents;
};
// "geometric": boundary sqrt(cls reg), BSN++ Eq. (8); "product": boundary cls reg, as BMN;
// "weighted:NAME=EXPONENT,...". UsageError for anything else.
FactorRule factor_rule(std::string_view text);
// Error with field scores.NAME when a factor is missing or negative.
double combined_score(const FactorRule& rule, const Proposal& proposal);

// The same for all of a record's. Error placed at proposals[n].
void combine_scores(const FactorRule& rule, std::vector<Proposal>& proposals);

// UsageError unless there is one for each of `count` classifiers, none negative and not all 0.
void check_classifier_weights(std::span<const double> weights, std::size_t count);

// BSN++ improvement B: the weighted mean of several classifiers' scores (weights normalised; empty: equal), classes in
// the first one's order. temperature t > 0: the scores are logits, and the result is the softmax of their mean / t.
// Error when the classifiers do not score the same classes, or one scores a class twice.
std::vector<ClassScore> fuse_classes(std::span<const std::vector<ClassScore>> classifiers,
                                     std::span<const double> weights, double temperature);
// A video's class scores from a classifier's rows: each class's mean over its `best` largest rows (0: over all). Error
// when the stream names no classes, or none of its rows is there.
std::vector<ClassScore> stream_classes(const FeatureStream& stream, int best);
// The k best, best first, equal ones in their order.
std::vector<ClassScore> best_classes(std::vector<ClassScore> classes, std::size_t k);

// What becomes of a proposal's and a class's score: their product, or its square root (ActionFormer's and TriDet's code
// on ActivityNet).
enum class ClassProduct : std::uint8_t { kPlain, kRoot };
double class_product(double proposal, double of_class, ClassProduct product);
// Each proposal once for each class, in that order: the two scores' product, and the class's label. Error (with field)
// for a proposal that has a label already, a negative score of one, and a negative class score.
std::vector<Proposal> detections_of(Record& record, const std::vector<Proposal>& proposals,
                                    const std::vector<ClassScore>& classes, ClassProduct product);

}  // namespace tal
