// Scores that are used as factors or weights, which only numbers from 0 on can be: logits are refused.
#pragma once

#include <string_view>
#include <vector>

#include "libtal/io/record.h"

namespace tal {

// Error at proposals[index].score when the score is missing or negative. what: who needs it, "the product with class
// scores".
void check_factor(const Proposal& proposal, std::size_t index, std::string_view what);
void check_factors(const std::vector<Proposal>& proposals, std::string_view what);

}  // namespace tal
