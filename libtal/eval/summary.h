// The report object: what --format json prints and the other formats show.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "libtal/eval/bootstrap.h"
#include "libtal/eval/diagnosis.h"
#include "libtal/eval/explain.h"
#include "libtal/eval/oracle.h"
#include "libtal/eval/samples.h"
#include "libtal/eval/ties.h"

namespace tal::eval {

using Report = nlohmann::ordered_json;

// Counts, parameters with their hash, and the scores themselves.
Report summary_of(const Evaluated& run, const Protocol& protocol, const EvalOptions& options);
Report tie_range_of(const TieRange& range);
Report diagnosis_of(const Diagnosis& diagnosis, const Protocol& protocol);
Report samples_of(const SampleResult& result, const Dataset& data);
// Intervals of the score and its parts: map or ar, and classes.
Report bootstrap_of(const std::vector<Resampled>& draws, std::uint64_t seed);
// Of detections: precision at recalls from 0 to 1, the envelope's, mean over classes. For curves.
Report precision_recall_of(const Evaluated& run);
// One of --compare: the first file's draws against those of another one.
Report comparison_of(const std::string& file, const Evaluated& first, const std::vector<Resampled>& draws,
                     const Evaluated& second, const std::vector<Resampled>& others, const Protocol& protocol);
Report oracle_of(const std::vector<OracleStep>& steps, const std::string& step, double score);
Report against_of(const Explanation& explanation, const Evaluated& run, const Protocol& second);
Report disagreements_of(const Explanation& explanation, const Evaluated& run, const Protocol& first,
                        const Protocol& second);

}  // namespace tal::eval
