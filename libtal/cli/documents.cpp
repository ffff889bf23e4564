// Man pages and shell completions, from the same CLI11 object that parses the command line.
#include <CLI/CLI.hpp>

#include "libtal/base/version.h"
#include "libtal/cli/tool.h"

namespace tal {
namespace {

std::string roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) (out += "\\&") += c;
    else out += c;
  }
  return out;
}

std::vector<const CLI::Option*> listed(const CLI::App& app, const std::string& group = "") {
  std::vector<const CLI::Option*> out;
  for (const auto* option : app.get_options())
    if (!option->get_group().empty() && (group.empty() || option->get_group() == group)) out.push_back(option);
  return out;
}

bool takes_value(const CLI::Option* option) { return option->get_expected_max() > 0 && option->get_items_expected_max() > 0; }

std::string names(const CLI::Option* option) {
  std::string out;
  for (const auto& name : option->get_snames()) out += (out.empty() ? "-" : ", -") + name;
  for (const auto& name : option->get_lnames()) out += (out.empty() ? "--" : ", --") + name;
  if (out.empty()) out = option->get_name(true);
  return out;
}

void options_section(std::string& out, const CLI::App& app) {
  std::vector<std::string> groups;
  for (const auto* option : listed(app))
    if (std::find(groups.begin(), groups.end(), option->get_group()) == groups.end()) groups.push_back(option->get_group());
  for (const auto& group : groups) {
    out += ".SS " + roff(group) + "\n";
    for (const auto* option : listed(app, group)) {
      out += ".TP\n.B " + roff(names(option));
      if (takes_value(option)) out += " \\fI" + roff(option->get_type_name()) + "\\fR";
      out += "\n" + roff(option->get_description());
      const std::string standard = option->get_default_str();
      if (!standard.empty() && takes_value(option)) out += "\n(default: " + roff(standard) + ")";
      out += "\n";
    }
  }
}

// Words for a completion: the values that an IsMember check lists in the type name, e.g. "TEXT:{fail,skip}".
std::string values(const CLI::Option* option) {
  const std::string type = option->get_type_name();
  const auto open = type.find('{'), close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return "";
  std::string out = type.substr(open + 1, close - open - 1);
  for (char& c : out)
    if (c == ',') c = ' ';
  return out;
}

std::string shell_quoted(std::string_view text) {  // for single quotes of the shells
  std::string out;
  for (char c : text) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  return out;
}

}  // namespace

std::string man_page(const Tool& tool) {
  CLI::App& app = tool.parser();
  const ToolInfo& info = tool.info();
  std::string upper;
  for (char c : info.name) upper += static_cast<char>(std::toupper(c));
  std::string out = ".\\\" Generated from the command line's own description; do not edit.\n";
  out += ".TH " + roff(upper) + " 1 \"\" \"tal " + version() + "\" \"tal manual\"\n.SH NAME\n" + roff(info.name) + " \\- " + roff(info.summary) + "\n";
  out += ".SH SYNOPSIS\n.B " + roff(info.name) + "\n[\\fIoptions\\fR]";
  const auto subcommands = app.get_subcommands({});
  if (!subcommands.empty()) {
    out += " ";
    bool first = true;
    for (const auto* sub : subcommands) out += (first ? "" : "|") + roff(sub->get_name()), first = false;
  }
  for (const auto* option : app.get_options())
    if (option->get_positional() && !option->get_group().empty()) out += " [\\fI" + roff(option->get_name(true)) + "\\fR]";
  out += "\n.SH DESCRIPTION\n";
  std::size_t at = 0;
  while (at < info.description.size()) {
    auto end = info.description.find("\n\n", at);
    if (end == std::string::npos) end = info.description.size();
    if (at > 0) out += ".PP\n";
    out += roff(std::string_view(info.description).substr(at, end - at)) + "\n";
    at = end + 2;
  }
  out += ".SH OPTIONS\n";
  options_section(out, app);
  for (const auto* sub : subcommands) {
    out += ".SH SUBCOMMAND " + roff(sub->get_name()) + "\n" + roff(sub->get_description()) + "\n";
    options_section(out, *sub);
  }
  out += ".SH SETTINGS\nA setting comes from its flag, else from the variable TAL_\\fINAME\\fR (the flag in capitals, - as _), else from the JSON\n"
         "file of \\fB\\-\\-config\\fR, else from a preset. \\fB\\-\\-print\\-config\\fR shows each value and where it came from.\n";
  if (!info.examples.empty()) {
    out += ".SH EXAMPLES\n";
    for (const auto& example : info.examples) {
      out += ".PP\n" + roff(example.what) + ":\n.PP\n.nf\n.RS\n" + roff(example.command) + "\n.RE\n.fi\n";
    }
  }
  out += ".SH EXIT STATUS\n0: all good. 1: a record or the run failed. 2: usage.\n.SH SEE ALSO\n";
  for (const auto& other : info.see_also) {
    const auto open = other.find('(');
    out += "\\fB" + roff(other.substr(0, open)) + "\\fR" + (open == std::string::npos ? "" : other.substr(open)) + ",\n";
  }
  out += "\\fBtal\\fR(7), \\fBtal\\-jsonl\\fR(5)\n";
  return out;
}

std::string completion(const Tool& tool, const std::string& shell) {
  CLI::App& app = tool.parser();
  const ToolInfo& info = tool.info();
  std::string out;
  std::vector<std::pair<const CLI::App*, std::string>> apps = {{&app, ""}};
  for (const auto* sub : app.get_subcommands({})) apps.emplace_back(sub, sub->get_name());
  if (shell == "fish") {
    out = "# fish completion for " + info.name + " (generated)\n";
    for (const auto& [part, sub] : apps) {
      const std::string condition = sub.empty() ? "" : " -n '__fish_seen_subcommand_from " + sub + "'";
      if (!sub.empty()) out += "complete -c " + info.name + " -n __fish_use_subcommand -a " + sub + " -d '" + shell_quoted(part->get_description()) + "'\n";
      for (const auto* option : listed(*part)) {
        if (option->get_lnames().empty()) continue;
        out += "complete -c " + info.name + condition + " -l " + option->get_lnames().front();
        for (const auto& name : option->get_snames()) out += " -s " + name;
        if (takes_value(option)) out += values(option).empty() ? " -r" : " -x -a '" + values(option) + "'";
        out += " -d '" + shell_quoted(option->get_description()) + "'\n";
      }
    }
    return out;
  }
  if (shell == "zsh") {
    out = "#compdef " + info.name + "\n# generated\n_arguments -s \\\n";
    for (const auto& [part, sub] : apps)
      for (const auto* option : listed(*part)) {
        if (option->get_lnames().empty()) continue;
        std::string text;
        for (char c : option->get_description()) {
          if (c == '[' || c == ']' || c == ':') text += '\\';
          text += c;
        }
        out += "  '--" + option->get_lnames().front() + (takes_value(option) ? "=" : "") + "[" + shell_quoted(text) + "]" +
               (takes_value(option) ? (values(option).empty() ? ":value:_files" : ":value:(" + values(option) + ")") : "") + "' \\\n";
      }
    if (apps.size() > 1) {
      out += "  '1:subcommand:(";
      for (std::size_t i = 1; i < apps.size(); ++i) out += (i > 1 ? " " : "") + apps[i].second;
      out += ")' \\\n";
    }
    out += "  '*:file:_files'\n";
    return out;
  }
  std::string function = "_" + info.name;
  for (char& c : function)
    if (c == '-') c = '_';
  std::string words, cases;
  for (const auto& [part, sub] : apps) {
    if (!sub.empty()) words += " " + sub;
    for (const auto* option : listed(*part)) {
      for (const auto& name : option->get_lnames()) {
        if (words.find(" --" + name + " ") == std::string::npos) words += " --" + name + " ";
        if (!values(option).empty())
          cases += "    --" + name + ") COMPREPLY=($(compgen -W '" + values(option) + "' -- \"$cur\")); return ;;\n";
      }
    }
  }
  std::string compact;
  for (char c : words)
    if (c != ' ' || (!compact.empty() && compact.back() != ' ')) compact += c;
  out = "# bash completion for " + info.name + " (generated)\n" + function + "() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n";
  out += "  case $prev in\n" + cases + "  esac\n  if [[ $cur == -* || $COMP_CWORD -eq 1 ]]; then\n    COMPREPLY=($(compgen -W '" + compact + "' -- \"$cur\"))\n";
  out += "  else\n    COMPREPLY=($(compgen -f -- \"$cur\"))\n  fi\n}\ncomplete -F " + function + " -o filenames " + info.name + "\n";
  return out;
}

}  // namespace tal
