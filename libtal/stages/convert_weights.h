// Weights of other frameworks, renamed and checked.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/data/weights.h"

namespace tal {

// tal-convert --weights: to the safetensors file --output, or as a table (name, type, shape) to stdout when there is
// none.
void convert_weights(Tool& tool, const WeightOptions& options);

}  // namespace tal
