// Suppression: segments of 1 to 60 s in 1,000 s, against the plain double loop.
#include <memory>

#include "bench/bench.h"
#include "libtal/segment/suppress.h"
#include "tests/unit/suppress_reference.h"

namespace tal::bench {
namespace {

Case make(const std::string& method, int n) {
  auto proposals = std::make_shared<std::vector<Proposal>>(static_cast<std::size_t>(n));
  auto items = std::make_shared<std::vector<reference::Item>>();
  std::uint64_t state = 12345;
  const auto uniform = [&] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  };
  for (auto& p : *proposals) {
    const double start = uniform() * 940;
    p.segment = {start, start + 1 + 59 * uniform()};
    p.score = uniform();
    items->push_back({p.segment, p.score});
  }
  const SuppressOptions options = defaults_of(method);
  Case c{"nms/" + method + "-" + std::to_string(n),
         std::to_string(n) + " segments, one call",
         "plain double loop, -O3",
         "ms",
         0,
         n <= 2000 ? 25 : 5};
  c.subject = [=] { (void)suppress(*proposals, 1000, options); };
  c.reference = [=] { (void)reference::suppress(*items, 1000, options); };
  return c;
}

struct All {
  All() {
    for (const char* method : {"greedy", "gaussian", "bsn"})
      for (int n : {200, 2000, 10000}) {
        const std::string name = "nms/" + std::string(method) + "-" + std::to_string(n);
        Register(name, [=] { return make(method, n); });
      }
  }
} all;

}  // namespace
}  // namespace tal::bench
