// Models as pipe stages: records in, each model's stage applied, records out.
#pragma once

#include <memory>
#include <string>

#include "libtal/cli/tool.h"
#include "libtal/models/core/model.h"
#include "libtal/stages/propose.h"

namespace tal {

// What a run says of features that are not those of its model.
std::shared_ptr<const FeaturePolicy> feature_policy(Tool& tool, bool accept);

// Loads the model and maps --input to --output. Error when the model does not stand for the stage; UsageError for wrong
// settings and for several models.
void run_model_stage(Tool& tool, const ModelOptions& options, Stage stage);

// tal-propose: one model, or the maps of several and of earlier runs together, with weights that are given or chosen.
// Error when they cannot be merged, with both sides named, and when a run finds nothing that must find something
// (must_propose.h), unless options.allow_empty.
void run_propose(Tool& tool, const ProposeOptions& options);

}  // namespace tal
