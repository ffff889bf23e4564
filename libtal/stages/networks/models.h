// Models as pipe stages: records in, each model's stage applied, records out.
#pragma once

#include <string>

#include "libtal/cli/tool.h"
#include "libtal/fusion/ensemble_weights.h"
#include "libtal/stages/model_options.h"

namespace tal {

// Loads the model and maps --input to --output. Error when the model does not stand for the stage; UsageError for wrong settings and for several models.
void run_model_stage(Tool& tool, const ModelOptions& options, Stage stage);

// tal-propose: one model, or the maps of several and of earlier runs together, with weights that are given or chosen. Error when they cannot be merged, with both
// sides named, and when a run finds nothing that must find something (must_propose.h), unless allow_empty.
void run_propose(Tool& tool, const ModelOptions& options, const MapOptions& maps, const EnsembleWeightOptions& choice, bool allow_empty);

}  // namespace tal
