// The options of tal-eval.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/eval/protocol.h"
#include "libtal/eval/samples.h"

namespace tal::eval {

void register_options(const Options& table, EvalOptions& options);

// Videos of THUMOS14 that --exclude-known-bad leaves out.
const std::vector<std::string>& known_bad_videos();

// The protocols that --protocol names. Reads --exclude, --classes and --sample-classes. UsageError for values that one
// of them does not know, and for protocols that cannot be in one call.
std::vector<Protocol> make_protocols(Tool& tool, const EvalOptions& options);
// What all of them read.
Reads reads_of(const std::vector<Protocol>& protocols);
// Of --sample-wise. Reads --sample-classes.
SampleRules sample_rules(Tool& tool, const EvalOptions& options);
}  // namespace tal::eval
