// tal-train: the run from records to a model file.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/stages/train_options.h"

namespace tal {

void train_command(Tool& tool, const TrainCommand& options);

}  // namespace tal
