// CMSN's candidates to the letter of 3.2 and Eq. (1): every pair of snippets of a sequence from Ready to Follow, looked
// through for what it holds.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "libtal/segment/action_stages.h"

namespace tal::reference {

// A sequence begins at t: before it is nothing, Background, or (by order) one of the two neighbours that only another
// action explains.
inline bool begins(const std::vector<std::uint8_t>& stages, std::int64_t t, RunEnd ends) {
  if (stages[static_cast<std::size_t>(t)] == kBackground) return false;
  if (t == 0 || stages[static_cast<std::size_t>(t - 1)] == kBackground) return true;
  static const std::vector<std::string> falls_back = {"31", "32", "41",
                                                      "42", "51", "52"};  // Confirm, End, Follow before Ready, Start
  const std::string both =
      std::to_string(stages[static_cast<std::size_t>(t - 1)]) + std::to_string(stages[static_cast<std::size_t>(t)]);
  return ends == RunEnd::kOrder && std::find(falls_back.begin(), falls_back.end(), both) != falls_back.end();
}

inline bool opens(const std::vector<std::uint8_t>& stages, std::int64_t t, bool& closes) {
  const auto at = [&](std::int64_t i) {
    return i >= 0 && i < static_cast<std::int64_t>(stages.size()) ? stages[static_cast<std::size_t>(i)]
                                                                  : std::uint8_t{0};
  };
  closes = at(t) == kEnd || at(t) == kFollow;
  if (at(t) != kConfirm) return at(t) == kReady || at(t) == kStart;
  std::int64_t first = t, last = t;
  while (at(first - 1) == kConfirm) --first;
  while (at(last + 1) == kConfirm) ++last;
  const bool half = t - first < (last - first + 2) / 2;
  closes = !half;
  return half;
}

inline std::vector<ActionCandidate> action_candidates(const std::vector<std::uint8_t>& stages, double decay,
                                                      RunEnd ends = RunEnd::kOrder) {
  std::vector<ActionCandidate> out;
  const auto n = static_cast<std::int64_t>(stages.size());
  const auto at = [&](std::int64_t t) { return stages[static_cast<std::size_t>(t)]; };
  for (std::int64_t first = 0; first < n; ++first) {
    if (!begins(stages, first, ends)) continue;
    std::int64_t end = first, start_stage = -1, end_stage = -1;
    for (; end < n && at(end) != kBackground && (end == first || !begins(stages, end, ends)); ++end) {
      if (at(end) == kStart && start_stage < 0) start_stage = end;
      if (at(end) == kEnd) end_stage = end;
    }
    const auto factor = [&](std::int64_t t, std::int64_t from) {
      return from < 0 ? 1.0 : std::max(0.0, 1.0 - decay * static_cast<double>(std::abs(t - from)));
    };
    for (std::int64_t a = first; a < end; ++a)
      for (std::int64_t b = a + 1; b < end; ++b) {
        bool a_closes = false, b_closes = false;
        if (!opens(stages, a, a_closes)) continue;
        opens(stages, b, b_closes);
        if (!b_closes) continue;
        bool holds = false;
        for (std::int64_t t = a; t <= b; ++t) holds |= at(t) == kStart || at(t) == kConfirm || at(t) == kFollow;
        if (holds) out.push_back({a, b + 1, factor(a, start_stage) * factor(b, end_stage)});
      }
  }
  return out;
}

}  // namespace tal::reference
