// Where the values of options come from besides the command line: variables TAL_*, and the file of --config.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/option_table.h"

namespace tal {

// The arguments with those that variables and the file add, as words of the command line; each row learns where its
// value comes from, and the table which subcommand is meant. UsageError for a file that cannot be read, or has a key
// that the tool does not know.
std::vector<std::string> with_other_sources(OptionTable& table, const std::string& tool,
                                            std::vector<std::string> arguments);

}  // namespace tal
