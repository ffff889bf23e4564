#include "libtal/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "libtal/eval/parallel.h"

namespace tal::eval {
namespace {

// How often each video is drawn in sample i; videos outside the ground truth stay as they are. Not Random, whose
// draws for a seed would be others.
std::vector<std::uint32_t> draw(const Selection& s, std::uint64_t seed, std::size_t i) {
  std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                         static_cast<std::uint32_t>(i)};
  std::mt19937_64 random(sequence);
  std::vector<std::uint32_t> weight(s.state.size(), 1);
  for (const auto id : s.videos) weight[id] = 0;
  // Multiply-shift instead of std::uniform_int_distribution, whose values depend on the library.
  for (std::size_t k = 0; k < s.videos.size(); ++k)
    ++weight[s.videos[static_cast<std::size_t>((static_cast<unsigned __int128>(random()) * s.videos.size()) >> 64)]];
  return weight;
}

}  // namespace

std::vector<Resampled> bootstrap(const Evaluated& run, const Protocol& p, int samples, std::uint64_t seed, int jobs) {
  std::vector<Resampled> out(static_cast<std::size_t>(samples));
  parallel_for(out.size(), jobs, 1,
               [&] { return [&](std::size_t i) { out[i] = resampled(run, p, draw(*run.selection, seed, i)); }; });
  return out;
}

Interval interval(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return {std::nan(""), std::nan("")};
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    const double position = q * static_cast<double>(values.size() - 1);
    const auto i = static_cast<std::size_t>(position);
    const double next = values[std::min(i + 1, values.size() - 1)];
    return values[i] + (next - values[i]) * (position - static_cast<double>(i));
  };
  return {at(0.025), at(0.975)};
}

double bootstrap_p_value(const std::vector<double>& a, const std::vector<double>& b) {
  double below = 0, above = 0;
  for (std::size_t i = 0; i < a.size(); ++i) below += a[i] <= b[i], above += a[i] >= b[i];
  return std::min(1.0, 2 * (std::min(below, above) + 1) / (static_cast<double>(a.size()) + 1));
}

}  // namespace tal::eval
