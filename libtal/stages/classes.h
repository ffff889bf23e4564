// tal-score: scores made of factors and of class scores, and proposals of several systems side by side.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/fusion/class_fusion.h"
#include "libtal/fusion/ensemble_weights.h"

namespace tal {

struct ClassFusionOptions {
  std::string combine;  // empty: the proposal's own score
  // Files of records with `classification`, or stream:NAME, the record's own stream of class scores; none: the record's
  // own `classification`.
  std::vector<std::string> classifiers;
  int class_rows = 0;               // of streams: mean over each class's best rows; 0: over all
  std::string weights;              // of the classifiers: numbers, or the file of --weights-out; empty: equal
  EnsembleWeightOptions choice;     // or chosen
  int top_classes = 0;              // 0: no labels
  std::string product = "product";  // or root
  double temperature = 0;           // 0: scores are used as they are
  std::string merge;                // file of records whose proposals join (improvement D)
};
void register_options(const Options& table, ClassFusionOptions& options);

// As tal-score runs it. A video that a classifier's file lacks is an error.
void run_class_fusion(Tool& tool, const ClassFusionOptions& options);

}  // namespace tal
