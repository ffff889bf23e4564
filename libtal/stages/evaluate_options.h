// The options of tal-eval.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/eval/protocol.h"
#include "libtal/eval/samples.h"

namespace tal::eval {

void register_options(const Options& table, EvalOptions& options);

// Videos of THUMOS14 that --exclude-known-bad leaves out.
const std::vector<std::string>& known_bad_videos();

// Reads --exclude. UsageError for options that the protocol does not know.
Protocol make_protocol(const Tool& tool, const EvalOptions& options);
// Of --sample-wise. Reads --sample-classes.
SampleRules sample_rules(Tool& tool, const EvalOptions& options);
}  // namespace tal::eval
