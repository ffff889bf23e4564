// CMSN's candidate generation: a decoding of 10,000 snippets with 1,000 runs, against the letter of the paper.
#include <memory>

#include "bench/bench.h"
#include "libtal/base/random.h"
#include "libtal/segment/action_stages.h"
#include "tests/unit/action_stages_reference.h"

namespace tal::bench {
namespace {

// Runs of 9 snippets in mostly the right order, one Background between.
std::vector<std::uint8_t> decoding(std::size_t snippets) {
  Random random(17);
  std::vector<std::uint8_t> stages(snippets);
  for (std::size_t t = 0; t < snippets; ++t) {
    const auto place = t % 10;
    const auto stage = place == 0 ? 0 : 1 + (place - 1) * 5 / 9;
    stages[t] = static_cast<std::uint8_t>(stage && random.uniform() < 0.1 ? 1 + random.below(5) : stage);
  }
  return stages;
}

Case make(std::int64_t cap) {
  const auto stages = std::make_shared<std::vector<std::uint8_t>>(decoding(10000));
  Case c{cap ? "cmsn/candidates-cap" : "cmsn/candidates",
         "10,000 snippets, 1,000 runs" + std::string(cap ? ", the best 5 of each" : "") + ", one core",
         "every pair looked through",
         "ms",
         0,
         5};
  c.subject = [=] { (void)action_candidates(*stages, kPresetDecay, cap); };
  c.reference = [=] { (void)reference::action_candidates(*stages, kPresetDecay); };
  return c;
}

const Register all("cmsn/candidates", [] { return make(0); });
const Register capped("cmsn/candidates-cap", [] { return make(5); });

}  // namespace
}  // namespace tal::bench
