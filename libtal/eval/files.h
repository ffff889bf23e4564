// What tal-eval writes beside its report. Error with the path when it cannot be written.
#pragma once

#include <string>

#include "libtal/eval/diagnosis.h"

namespace tal::eval {

// CSV for plotting. Proposal protocols: an, ar, recall at each threshold; detection protocols: one row a true positive
// with label, tiou, score, recall and precision there.
void write_curves(const std::string& path, const Evaluated& run, const Protocol& protocol);
// Records of all predictions, each with `diagnosis`: its kind at the first threshold.
void write_kinds(const std::string& path, const Dataset& data, const Diagnosis& diagnosis);

}  // namespace tal::eval
