// Action stages of CMSN (Hu et al., "Continuous Multi-stage Network and Variable Margin Cosine Loss for Temporal Action
// Proposal Generation"): the label sequence of a video (3.1), the candidates that a decoded sequence stands for (3.2),
// and their preset scores (3.3, Eq. (1)). Snippet t is [t, t + 1] and stands for its centre t + 0.5.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libtal/base/row_range.h"
#include "libtal/base/segment.h"

namespace tal {

enum ActionStage : std::uint8_t { kBackground, kReady, kStart, kConfirm, kEnd, kFollow };
inline constexpr std::size_t kActionStages = 6;
inline constexpr std::array<const char*, kActionStages> kActionStageNames = {"background", "ready", "start",
                                                                             "confirm",    "end",   "follow"};

// The stage of every snippet. instances: in snippet units; those of no length are left out. Where several claim a
// snippet, a claim from inside the action (Start, Confirm, End) beats Ready and Follow; among equals the instance with
// the nearer centre, then the earlier start.
std::vector<std::uint8_t> action_stage_labels(const std::vector<Segment>& instances, std::int64_t snippets);

// Margins f(j, i) of the variable margin cosine loss for stages j, i, symmetric, 0 on the diagonal. worked: (min |v(j)
// - v(i)| - 1) m + n, the form of the paper's worked example; eq7: min |v(j) - v(i)| m + n as Eq. (7) prints it. v as
// in Fig. 4.
enum class MarginForm { kWorked, kEq7 };
using ActionStageMargins = std::array<std::array<double, kActionStages>, kActionStages>;
ActionStageMargins action_stage_margins(MarginForm form, double m, double n);

// One action as the decoding shows it, from Ready to Follow (3.3's q_c): snippets. It ends at Background, and where the
// order of the stages falls back: Confirm, End or Follow before a new Ready or Start (kOrder). A stage may be missing:
// actions that touch have no Follow and no Ready between them. kBackground: at Background alone, so that neighbouring
// actions are one run.
enum class RunEnd { kBackground, kOrder };
std::vector<RowRange> action_runs(std::span<const std::uint8_t> stages, RunEnd ends = RunEnd::kOrder);

struct ActionCandidate : RowRange {  // snippets
  double preset = 0;                 // Eq. (1), 0 .. 1
};

inline constexpr double kPresetDecay = 0.09;  // i of Eq. (1), 5.1

// Pairs of an opening snippet a (Ready, Start, first half of a stretch of Confirm) and a closing snippet b > a (second
// half of Confirm, End, Follow) of one run that hold a Start, Confirm or Follow between them; an odd stretch's middle
// snippet opens. Sorted by first, then end. preset = max(0, 1 - decay d_s) max(0, 1 - decay d_e), d_s (d_e) snippets
// between a (b) and the run's first Start (last End); a run without one has distance 0. cap > 0: of each run only the
// `cap` candidates of highest preset, ties to the smaller first, then end. Cost: O(snippets + candidates); with a cap
// O(snippets + R cap log snippets), R runs. Error for a value that is no stage or a decay that is neither 0 nor in
// [1e-9, 1].
std::vector<ActionCandidate> action_candidates(std::span<const std::uint8_t> stages, double decay = kPresetDecay,
                                               std::int64_t cap = 0, RunEnd ends = RunEnd::kOrder);

}  // namespace tal
