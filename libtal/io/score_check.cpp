#include "libtal/io/score_check.h"

#include <string>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {

void check_factor(const Proposal& proposal, std::size_t index, std::string_view what) {
  const auto fail = [&](const std::string& why) {
    return Error(why).at_field("proposals[" + std::to_string(index) + "].score");
  };
  if (!proposal.has_score()) throw fail("missing; " + std::string(what) + " needs it");
  if (proposal.score < 0)
    throw fail(format_number(proposal.score) + " is negative; " + std::string(what) +
               " needs scores from 0 on (probabilities, not logits)");
}

void check_factors(const std::vector<Proposal>& proposals, std::string_view what) {
  for (std::size_t i = 0; i < proposals.size(); ++i) check_factor(proposals[i], i, what);
}

}  // namespace tal
