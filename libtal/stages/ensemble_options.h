// The options that choose the weights of an ensemble: of tal-propose and tal-score.
#pragma once

#include <cstddef>
#include <string>

#include "libtal/cli/options.h"
#include "libtal/fusion/ensemble_weights.h"

namespace tal {

// weights: the option that gives the weights instead ("--weights"), whose row is there; members: what they are to the
// user ("ensemble's members").
void register_options(const Options& table, EnsembleWeightOptions& options, const std::string& weights,
                      const std::string& members);
// UsageError unless there are two members at least, and `weights` can read what --weights-out keeps.
void check_options(const EnsembleWeightOptions& options, const std::string& weights, std::size_t members);

}  // namespace tal
