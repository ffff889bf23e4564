// The parser's complaints in the tools' words: which option, what was given, what is wanted, the nearest name.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace tal {

// arguments: the command line as it was given, in its order. sub: the subcommand that it names, or null.
std::string parse_error_text(const CLI::ParseError& error, const CLI::App& app, const CLI::App* sub,
                             const std::vector<std::string>& arguments);

}  // namespace tal
