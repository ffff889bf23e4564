// The options that choose the weights of an ensemble: of tal-propose and tal-score.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/fusion/ensemble_weights.h"

namespace tal {

// group: of --help; members: what they are to the user ("members of the ensemble", "classifiers").
void register_options(Options& table, EnsembleWeightOptions& options, const std::string& group, const std::string& members);
std::vector<std::string> ensemble_weight_names();  // of these options, to refuse them
// UsageError unless the options fit each other: --grid and --weights-out need --weights-from, which excludes `weights` ("--weights"), and there are two members at least.
void check_options(const Tool& tool, const EnsembleWeightOptions& options, const std::string& weights, std::size_t members);

}  // namespace tal
