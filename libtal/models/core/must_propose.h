// Proposers of which a run that finds nothing in any of its records is a fault.
#pragma once

namespace tal {

class MustPropose {
 public:
  virtual ~MustPropose() = default;
  // After the last record: Error that says why, when none of the records so far got a proposal.
  virtual void require_proposals() const = 0;
};

}  // namespace tal
