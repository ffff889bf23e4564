// Seeded random numbers whose sequence is the same everywhere (the standard library's distributions are not).
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace tal {

// splitmix64 (Steele, Lea and Flood, OOPSLA 2014): its state goes in steps of the golden ratio, and each output is the
// mix of a state.
inline constexpr std::uint64_t kSplitmixStep = 0x9e3779b97f4a7c15u;
constexpr std::uint64_t splitmix_mix(std::uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // A generator of its own for each (seed, a, b), e.g. epoch and batch: work can be resumed or shared out at any point.
  static Random of(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) {
    return Random(mix(mix(mix(seed) ^ a) ^ b));
  }

  std::uint64_t bits() { return engine_(); }
  std::uint64_t below(std::uint64_t n) {  // 0 .. n - 1, unbiased; n > 0
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    std::uint64_t value;
    do value = engine_();
    while (value >= limit);
    return value % n;
  }
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }  // [0, 1)
  double normal() {                                                              // mean 0, deviation 1
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  // The first `count` of a random order (all when there are fewer).
  template <class T>
  std::vector<T> choose(std::vector<T> items, std::size_t count) {
    shuffle(items);
    if (items.size() > count) items.resize(count);
    return items;
  }

 private:
  static std::uint64_t mix(std::uint64_t x) { return splitmix_mix(x + kSplitmixStep); }
  std::mt19937_64 engine_;
};

// SplitMix64: the same numbers on every machine, unlike the distributions of <random>.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() { return splitmix_mix(state_ += kSplitmixStep); }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

 private:
  std::uint64_t state_;
};

}  // namespace tal
