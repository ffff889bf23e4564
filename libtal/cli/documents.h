// Manual pages and shell completions, from the rows that parse the command line (hidden option --generate
// man|bash|zsh|fish).
#pragma once

#include <string>

#include "libtal/cli/option_table.h"
#include "libtal/cli/tool.h"

namespace tal {

std::string man_page(const ToolInfo& info, const OptionTable& table);
std::string completion(const ToolInfo& info, const OptionTable& table, const std::string& shell);

}  // namespace tal
