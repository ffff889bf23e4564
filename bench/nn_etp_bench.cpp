// ETP's stages for one video of 1,000 proposals: everything in one pass against one proposal at a time
// (tests/nn/etp_reference.h).
#ifdef TAL_HAVE_TORCH
#include <memory>

#include "bench/bench.h"
#include "libtal/base/random.h"
#include "tests/nn/etp_reference.h"

namespace tal::bench {
namespace {

// A THUMOS14 video of average length: 211 s at 25 frames a second, a row each 8 frames, 1,024 columns; proposals of 1
// to 30 s.
struct Video {
  static constexpr double kSeconds = 211, kFps = 25, kStride = 8;
  static constexpr std::int64_t kColumns = 1024, kProposals = 1000;
  RowTime time{kStride, kStride, kFps, 0};
  torch::Tensor x = torch::randn({static_cast<std::int64_t>(kSeconds * kFps / kStride), kColumns});
  std::vector<Segment> seconds, rows;
  Video() {
    Random random(5);
    for (std::int64_t k = 0; k < kProposals; ++k) {
      const double start = (kSeconds - 31) * random.uniform();
      seconds.push_back({start, start + 1 + 29 * random.uniform() * random.uniform()});
      rows.push_back({time.row(seconds.back().start), time.row(seconds.back().end)});
    }
  }
};

Case score() {
  const auto video = std::make_shared<Video>();
  auto network = std::make_shared<EtpLn>(Video::kColumns, 20, EtpLnOptions{});
  (*network)->eval();
  Case c{"etp/score-1000",
         "Localization Network, 1,000 proposals of a video, 659 rows of 1,024",
         "one proposal at a time",
         "ms",
         0,
         3};
  c.subject = [=] { (void)(*network)->score(video->x, video->rows); };
  c.reference = [=] { (void)reference::score_one_by_one(*network, video->x, video->rows); };
  return c;
}

Case refine() {
  const auto video = std::make_shared<Video>();
  EtpRnOptions o;
  auto network = std::make_shared<EtpRn>(Video::kColumns, o);
  (*network)->eval();
  const auto grid = std::make_shared<UnitGrid>(o.unit_length, video->time);
  const auto ranges = std::make_shared<std::vector<RowRange>>();
  std::int64_t units = 0;
  for (const auto& segment : video->seconds)
    ranges->push_back(grid->fit(segment)), units = std::max(units, ranges->back().end);
  Case c{"etp/refine-1000",
         "Refinement Network, 1,000 proposals of a video, units of 64 frames, 659 rows of 1,024",
         "one proposal at a time",
         "ms",
         0,
         2};
  c.subject = [=] {
    torch::NoGradGuard guard;
    std::vector<Segment> all;
    for (std::int64_t unit = 0; unit < units; ++unit) all.push_back(grid->rows(unit));
    (void)(*network)->refine((*network)->unit_features(pyramid_pool(video->x, all)), *ranges);
  };
  c.reference = [=] { (void)reference::refine_one_by_one(*network, video->x, *grid, *ranges); };
  return c;
}

const Register score_case("etp/score-1000", score);
const Register refine_case("etp/refine-1000", refine);

}  // namespace
}  // namespace tal::bench
#endif
