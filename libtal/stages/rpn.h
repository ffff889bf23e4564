// tal-refine and tal-score with the unit-level clues of an RPN, without its model.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/fusion/rpn_record.h"

namespace tal {

// For tal-score, and the part that tal-refine needs (--kl-ev).
void register_score_options(const Options& table, RpnFusionOptions& options);
void register_refine_options(const Options& table, RpnFusionOptions& options);

// The stages as the tools run them.
void run_rpn_refine(Tool& tool, const RpnFusionOptions& options);
void run_rpn_score(Tool& tool, const RpnFusionOptions& options);

}  // namespace tal
