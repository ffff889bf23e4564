// The options of tal-eval.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/eval/protocol.h"
#include "libtal/eval/samples.h"

namespace tal::eval {

void register_options(const Options& table, EvalOptions& options);

// Videos of THUMOS14 that --exclude-known-bad leaves out.
const std::vector<std::string>& known_bad_videos();

// One of the protocols of a call.
struct Asked {
  Protocol protocol;
  EvalOptions options;  // as of a call of it alone: those that have no effect with it have their defaults
};

// The protocols that --protocol names. Reads --exclude, --classes and --sample-classes. UsageError for values that one
// of them does not know or none of them has a use for, and for protocols that cannot be in one call. options: the
// tool's own, which are the same afterwards.
std::vector<Asked> make_protocols(Tool& tool, EvalOptions& options);
// What all of them read.
Reads reads_of(const std::vector<Asked>& protocols);
// Of --sample-wise. Reads --sample-classes.
SampleRules sample_rules(Tool& tool, const EvalOptions& options);
}  // namespace tal::eval
