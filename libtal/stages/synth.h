// tal-synth: the subcommands annotations and features.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/data/synth.h"

namespace tal {

ToolInfo synth_info();  // of tal-synth
void register_options(const Options& table, SynthAnnotationOptions& options);
void register_options(const Options& table, SynthFeatureOptions& options);

// The subcommands annotations and features of tal-synth. UsageError when options contradict each other.
void write_annotations(Tool& tool, const SynthAnnotationOptions& options);
void write_features(Tool& tool, const SynthFeatureOptions& options);

}  // namespace tal
