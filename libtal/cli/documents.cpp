#include "libtal/cli/documents.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

#include "libtal/base/text.h"
#include "libtal/base/version.h"

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

std::string names(const CLI::Option* option) {
  std::string out;
  for (const auto& name : option->get_snames()) out += (out.empty() ? "-" : ", -") + name;
  for (const auto& name : option->get_lnames()) out += (out.empty() ? "--" : ", --") + name;
  if (out.empty()) out = option->get_name(true);
  return out;
}

// One option of the manual page. row: nullptr for --help and --version.
std::string option_entry(const CLI::Option* option, const OptionRow* row) {
  std::string out = ".TP\n.B " + roff(names(option));
  if (takes_value(*option)) out += " \\fI" + roff(option->get_type_name()) + "\\fR";
  out += "\n" + roff(option->get_description()) + "\n";
  const std::string standard = option->get_default_str();
  if (!standard.empty() && takes_value(*option)) out += "(default: " + roff(standard) + ")\n";
  if (!row) return out;
  if (const auto conditions = conditions_text(*row); !conditions.empty()) out += ".br\n" + roff(conditions) + "\n";
  std::string explained;
  for (const auto& choice : row->choices)
    if (!choice.help.empty()) explained += ".TP\n.B " + roff(choice.name) + "\n" + roff(choice.help) + "\n";
  return explained.empty() ? out : out + ".RS\n" + explained + ".RE\n";
}

std::string options_section(const OptionTable& table, const CLI::App& app) {
  std::vector<std::string> groups;
  for (const auto* option : listed(app))
    if (std::find(groups.begin(), groups.end(), option->get_group()) == groups.end())
      groups.push_back(option->get_group());
  std::string out;
  for (const auto& group : groups) {
    out += ".SS " + roff(group) + "\n";
    for (const auto* option : listed(app, group)) out += option_entry(option, table.find(option));
  }
  return out;
}

std::string synopsis(const ToolInfo& info, const CLI::App& app) {
  std::string out = ".SH SYNOPSIS\n.B " + roff(info.name) + "\n[\\fIoptions\\fR]";
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands({})) names.push_back(roff(sub->get_name()));
  if (!names.empty()) out += " " + joined(names, "|");
  for (const auto* option : app.get_options())
    if (option->get_positional() && !option->get_group().empty())
      out += " [\\fI" + roff(option->get_name(true)) + "\\fR]";
  return out + "\n";
}

// Paragraphs are separated by blank lines.
std::string paragraphs(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find("\n\n", at), text.size());
    if (at > 0) out += ".PP\n";
    out += roff(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 2;
  }
  return out;
}

std::string see_also(const std::vector<std::string>& others) {
  std::string out = ".SH SEE ALSO\n";
  for (const auto& other : others) {
    const auto open = other.find('(');
    out +=
        "\\fB" + roff(other.substr(0, open)) + "\\fR" + (open == std::string::npos ? "" : other.substr(open)) + ",\n";
  }
  return out + "\\fBtal\\fR(7), \\fBtal\\-jsonl\\fR(5)\n";
}

// The options of a tool and its subcommands ("": the tool itself) that a shell can complete, with the words of a
// choice.
struct Completed {
  const CLI::Option* option;
  std::string subcommand;
  std::string words;         // separated by blanks; "": files, or anything
  OptionRow::Lister lister;  // instead of words

  bool list() const { return option->get_delimiter() == ','; }  // several words with commas between
  // The words as the shell command that prints them; of: text of the shell for the option that the lister hangs on.
  std::string listing(const std::string& of) const { return lister.command + of + " 2>/dev/null | " + lister.filter; }
  std::string name() const { return option->get_lnames().front(); }
  bool value() const { return takes_value(*option); }
};

std::vector<Completed> completed(const OptionTable& table) {
  std::vector<Completed> out;
  const auto add = [&](const CLI::App& app, const std::string& subcommand) {
    for (const auto* option : listed(app)) {
      if (option->get_lnames().empty()) continue;
      const OptionRow* row = table.find(option);
      std::vector<std::string> words = row ? row->offered : std::vector<std::string>();
      if (row)
        for (const auto& choice : row->choices) words.push_back(choice.name);
      out.push_back({option, subcommand, joined(words, " "), row ? row->lister : OptionRow::Lister()});
    }
  };
  add(table.app, "");
  for (const auto* sub : table.app.get_subcommands({})) add(*sub, sub->get_name());
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

std::string fish_completion(const std::string& tool, const OptionTable& table) {
  std::string out = "# fish completion for " + tool + " (generated)\n", subcommand;
  for (const auto& c : completed(table)) {
    if (c.subcommand != subcommand) {
      subcommand = c.subcommand;
      out += "complete -c " + tool + " -n __fish_use_subcommand -a " + subcommand + " -d '" +
             shell_quoted(table.app.get_subcommand(subcommand)->get_description()) + "'\n";
    }
    out += "complete -c " + tool + (subcommand.empty() ? "" : " -n '__fish_seen_subcommand_from " + subcommand + "'") +
           " -l " + c.name();
    for (const auto& name : c.option->get_snames()) out += " -s " + name;
    if (!c.lister.command.empty()) out += " -x -a '(" + shell_quoted(c.listing("")) + ")'";
    else if (c.value() && !c.words.empty() && c.list())
      out += " -x -a '(__fish_complete_list , \"printf %s\\\\n " + c.words + "\")'";
    else if (c.value()) out += c.words.empty() ? " -r" : " -x -a '" + c.words + "'";
    out += " -d '" + shell_quoted(c.option->get_description()) + "'\n";
  }
  return out;
}

std::string zsh_completion(const std::string& tool, const OptionTable& table) {
  std::string out = "#compdef " + tool + "\n# generated\n_arguments -s \\\n";
  for (const auto& c : completed(table)) {
    std::string text;
    for (const char letter : c.option->get_description()) {
      if (letter == '[' || letter == ']' || letter == ':') text += '\\';
      text += letter;
    }
    std::string values = !c.value() ? "" : c.words.empty() ? ":value:_files" : ":value:(" + c.words + ")";
    if (!c.words.empty() && c.list()) values = ":values:_values -s , values " + c.words;
    if (!c.lister.command.empty())
      values = ":value:{compadd -- $(" +
               shell_quoted(c.listing(" ${opt_args[" + c.lister.of + "]:+" + c.lister.of + " ${opt_args[" +
                                      c.lister.of + "]}}")) +
               ")}";
    out += "  '--" + c.name() + (c.value() ? "=" : "") + "[" + shell_quoted(text) + "]" + values + "' \\\n";
  }
  std::vector<std::string> subcommands;
  for (const auto* sub : table.app.get_subcommands({})) subcommands.push_back(sub->get_name());
  if (!subcommands.empty()) out += "  '1:subcommand:(" + joined(subcommands, " ") + ")' \\\n";
  return out + "  '*:file:_files'\n";
}

// What completes a value, as commands of bash; "": files do.
std::string bash_values(const Completed& c) {
  if (!c.lister.command.empty())
    return "for ((at = 1; at < COMP_CWORD; ++at)); do [[ ${COMP_WORDS[at]} != " + c.lister.of + " ]] || of=\"" +
           c.lister.of + " ${COMP_WORDS[at+1]/#=/${COMP_WORDS[at+2]}}\"; done; COMPREPLY=($(compgen -W \"$(" +
           c.listing(" $of") + ")\" -- \"$cur\")); ";
  if (c.words.empty()) return "";
  if (!c.list()) return "COMPREPLY=($(compgen -W '" + c.words + "' -- \"$cur\")); ";
  return "compopt -o nospace 2>/dev/null; COMPREPLY=($(compgen -P \"${cur%\"${cur##*,}\"}\" -W '" + c.words +
         "' -- \"${cur##*,}\")); ";
}

std::string bash_completion(const std::string& tool, const OptionTable& table) {
  std::string function = "_" + tool;
  std::replace(function.begin(), function.end(), '-', '_');
  std::vector<std::string> words;
  std::string cases, subcommand;
  const auto add = [&](const std::string& word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  };
  for (const auto& c : completed(table)) {
    if (c.subcommand != subcommand) add(subcommand = c.subcommand);
    std::string names;
    for (const auto& name : c.option->get_snames()) names += (names.empty() ? "-" : " | -") + name;
    for (const auto& name : c.option->get_lnames()) {
      add("--" + name);
      names += (names.empty() ? "--" : " | --") + name;
    }
    if (const auto values = bash_values(c); !values.empty()) cases += "    " + names + ") " + values + "return ;;\n";
  }
  return "# bash completion for " + tool + " (generated)\n" + function +
         "() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at of=\n"
         "  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
         "  case $prev in\n" +
         cases + "  esac\n  if [[ $cur == -* || $COMP_CWORD -eq 1 ]]; then\n    COMPREPLY=($(compgen -W '" +
         joined(words, " ") +
         "' -- \"$cur\"))\n  else\n    COMPREPLY=($(compgen -f -- \"$cur\"))\n  fi\n}\ncomplete -F " + function +
         " -o filenames " + tool + "\n";
}

}  // namespace

std::string man_page(const ToolInfo& info, const OptionTable& table) {
  std::string upper;
  for (char c : info.name) upper += static_cast<char>(std::toupper(c));
  std::string out = ".\\\" Generated from the command line's own description; do not edit.\n";
  out += ".TH " + roff(upper) + " 1 \"\" \"tal " + version() + "\" \"tal manual\"\n.SH NAME\n" + roff(info.name) +
         " \\- " + roff(info.summary) + "\n";
  out += synopsis(info, table.app) + ".SH DESCRIPTION\n" + paragraphs(info.description) + ".SH OPTIONS\n" +
         options_section(table, table.app);
  for (const auto* sub : table.app.get_subcommands({}))
    out += ".SH SUBCOMMAND " + roff(sub->get_name()) + "\n" + roff(sub->get_description()) + "\n" +
           options_section(table, *sub);
  out +=
      ".SH SETTINGS\nA setting comes from its flag, else from the variable TAL_\\fINAME\\fR (the flag in capitals, - "
      "as _), else from the JSON\n"
      "file of \\fB\\-\\-config\\fR, else from a preset. \\fB\\-\\-print\\-config\\fR shows each value and where it "
      "came from.\n"
      "An option that is set where it has no effect is a usage error.\n";
  if (!info.examples.empty()) out += ".SH EXAMPLES\n";
  for (const auto& example : info.examples)
    out += ".PP\n" + roff(example.what) + ":\n.PP\n.nf\n.RS\n" + roff(example.command) + "\n.RE\n.fi\n";
  return out + ".SH EXIT STATUS\n0: all good. 1: a record or the run failed. 2: usage.\n" + see_also(info.see_also);
}

std::string completion(const ToolInfo& info, const OptionTable& table, const std::string& shell) {
  if (shell == "fish") return fish_completion(info.name, table);
  return shell == "zsh" ? zsh_completion(info.name, table) : bash_completion(info.name, table);
}

}  // namespace tal
