// Datavyu: projects (.opf, a zip of "project" and "db"), its database as text, and tables of one column's cells. Times
// are hh:mm:ss:mmm, in tables milliseconds.
#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/digits.h"
#include "libtal/io/zip.h"

namespace tal {
namespace {

// "00:02:37:944" in milliseconds.
double stamp(std::string_view text, const char* field) {
  std::int64_t parts[4] = {};
  std::string_view rest = text;
  for (int k = 0; k < 4; ++k) {
    const auto end = k < 3 ? rest.find(':') : rest.size();
    const auto digits = rest.substr(0, end);
    if (end == std::string_view::npos || digits.size() > 9 || !is_digits(digits))
      throw Error("'" + std::string(text) + "' is no time hh:mm:ss:mmm").at_field(field);
    parts[k] = parse_integer(digits);
    rest.remove_prefix(k < 3 ? end + 1 : end);
  }
  return static_cast<double>(((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]);
}

struct DatavyuColumn {
  std::string name;
  bool matrix = false;
  std::vector<std::string> codes;
};

// "name (MATRIX,true,comment)-code|NOMINAL,code|TEXT"; nullopt: the line is no column's.
std::optional<DatavyuColumn> parse_column(std::string_view line) {
  const auto open = line.find(" (");
  if (open == std::string_view::npos || open == 0) return std::nullopt;
  const auto type = line.substr(open + 2, line.find_first_of(",)", open) - open - 2);
  const std::string_view types[] = {"MATRIX", "TEXT", "NOMINAL", "INTEGER", "FLOAT", "PREDICATE"};
  if (std::find(std::begin(types), std::end(types), type) == std::end(types)) return std::nullopt;
  DatavyuColumn column{std::string(line.substr(0, open)), type == "MATRIX", {}};
  const auto codes = line.find(")-", open);
  for (std::string_view rest = codes == std::string_view::npos ? "" : line.substr(codes + 2); !rest.empty();) {
    const auto code = rest.substr(0, rest.find(','));
    column.codes.emplace_back(code.substr(0, code.find('|')));
    rest.remove_prefix(std::min(code.size() + 1, rest.size()));
  }
  return column;
}

// "(left,,\"a,b\")" -> left, "", a,b. A backslash stands before a character that would separate.
std::vector<std::string> split_codes(std::string_view text) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> out(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) out.back() += text[++i];
    else if (text[i] == '"') quoted = !quoted;
    else if (text[i] == ',' && !quoted) out.emplace_back();
    else out.back() += text[i];
  }
  return out;
}

// A cell without an end has the end 0: it marks its beginning.
void add_cell(double onset, double offset, ToolEvent event, VideoRows::Entry& entry, ToolRows& rows) {
  event.point = offset == 0 && onset > 0;
  event.segment = {onset / 1000, event.point ? onset / 1000 : offset / 1000};
  rows.add(entry, event);
}

// Whether a cell, "00:44:10:021,...", or a column begins here.
bool begins_entry(std::string_view line) {
  const auto time = line.substr(0, line.find_first_not_of("0123456789:"));
  return std::count(time.begin(), time.end(), ':') == 3 || parse_column(line);
}

// Whether a text goes on in the next line: a backslash stands before its line end.
bool is_continued(std::string_view line) {
  const auto last = line.find_last_not_of('\\');
  return (line.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 1;
}

void read_database(const SourceText& source, VideoRows::Entry& entry, const ImportSink& sink, ToolRows& rows) {
  const auto lines = split_lines(source);
  std::optional<DatavyuColumn> column;
  std::string joined;
  for (std::size_t next = 0; next < lines.size();) {
    const std::size_t i = next++;
    std::string_view line = lines[i];
    if (is_continued(line) && !parse_column(line)) {
      joined = line;
      while (is_continued(joined) && next < lines.size() && !begins_entry(lines[next])) {
        joined.back() = '\n';
        joined += lines[next++];
      }
      line = joined;
    }
    const bool predicate = !line.empty() && line.find(':') < line.find('-') && !line.starts_with(' ') &&
                           line.find(',') > line.find('-') && line.find('|') != std::string_view::npos;
    if (trim(line).empty() || line.starts_with('#') || (!column && predicate)) continue;  // version, named matrices
    if (const auto begun = parse_column(line)) {
      column = begun;
      continue;
    }
    guard_row(source, i + 1, entry.video, line, sink, [&] {
      if (!column) throw Error("a column was expected: name (TYPE)");
      const auto first = line.find(','), second = line.find(',', first + 1);
      if (first == std::string_view::npos || second == std::string_view::npos)
        throw Error("must be onset,offset,value").at_field(column->name);
      ToolEvent event;
      event.label = line.substr(second + 1);
      event.tier = column->name;
      const auto values = split_codes(event.label);
      if (column->matrix && values.size() == column->codes.size()) {
        Members codes;
        for (std::size_t c = 0; c < values.size(); ++c) codes.text(column->codes[c], values[c]);
        event.members = Members().json("codes", "{" + codes.str() + "}").str();
      }
      const double onset = stamp(line.substr(0, first), "onset");
      add_cell(onset, stamp(line.substr(first + 1, second - first - 1), "offset"), event, entry, rows);
    });
  }
}

// The first media file that a project shows.
std::string media_of(const SourceText& project) {
  for (const auto line : split_lines(project)) {
    auto text = trim(line);
    if (text.starts_with("- ")) text = trim(text.substr(2));
    for (const std::string_view key : {"feed:", "dataFile:", "mediaFile:"})
      if (text.starts_with(key)) {
        std::string name(trim(text.substr(key.size())));
        if (name.size() > 1 && (name.front() == '"' || name.front() == '\'')) name = name.substr(1, name.size() - 2);
        if (!name.empty() && name != "null") return name;
      }
  }
  return "";
}

void read_project(const SourceText& source, const ImportSink& sink, ToolRows& rows) {
  SourceText database{source.name + ": db", ""}, project{source.name + ": project", ""};
  bool found = false;
  try {
    for (const auto& entry : zip_entries(source.text)) {
      // Old projects have a folder around them, and that of Mac OS beside it.
      const auto name = std::string_view(entry.name).substr(entry.name.find('/') + 1);
      const bool db = name == "db";
      if ((!db && name != "project") || entry.name.starts_with("__MACOSX/")) continue;
      constexpr std::uint64_t kMost = std::uint64_t{1} << 30;
      if (entry.size > kMost) throw Error("'" + entry.name + "' is larger than 1 GB unpacked");
      std::string storage;
      (db ? database : project).text = unzip(entry, storage);
      found = found || db;
    }
  } catch (Error& error) {
    throw error.at_line(source.name, 0);
  }
  if (!found) throw Error("a zip archive without 'db' is no project of Datavyu").at_line(source.name, 0);
  auto& entry = rows.video(media_of(project), file_stem(source, {".opf"}), source);
  read_database(database, entry, sink, rows);
}

// Its version stands first, "#4"; the oldest begin with a column.
bool is_database(const SourceText& source) {
  auto text = utf8_text(source);
  return first_character(text) == '#' || parse_column(take_line(text)).has_value();
}

// onset and offset in milliseconds, then the codes; columns file and column say whose cells they are.
void read_cells(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows) {
  const NamedTable table = parse_named_table(source, options.dialect);
  const int file = table.find({"file"}), name = table.find({"column"}), onset = table.find({"onset"}),
            offset = table.find({"offset"});
  if (onset < 0 || offset < 0) throw Error("no columns onset and offset").at_line(source.name, table.header_line);
  const std::string stem = file_stem(source, {".csv", ".txt"});
  for (const auto& row : table.rows)
    guard_row(source, row.line, "", row.raw, sink, [&] {
      table.check_width(row);
      auto& entry = rows.video(file < 0 ? "" : table.field(row, file), stem, source, row.line);
      ToolEvent event;
      event.tier = name < 0 ? stem : table.field(row, name);
      Members codes;
      bool first = true;
      for (int c = 0; c < static_cast<int>(table.header.size()); ++c) {
        const auto& code = table.header[static_cast<std::size_t>(c)];
        if (c == file || c == name || c == onset || c == offset || is_one_of({"ordinal"}, code)) continue;
        codes.text(code, table.field(row, c));
        event.label += (first ? "" : ",") + table.field(row, c);
        first = false;
      }
      event.members = Members().json("codes", "{" + codes.str() + "}").str();
      const auto time = [&](int c, const char* field) {
        const auto& text = table.field(row, c);
        return text.find(':') == std::string::npos ? field_number(text, '.', field) : stamp(text, field);
      };
      try {
        const double begin = time(onset, "onset");
        add_cell(begin, time(offset, "offset"), event, entry, rows);
      } catch (Error& error) {
        throw error.at_video(entry.video);
      }
    });
}

}  // namespace

void read_datavyu(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) {
    if (looks_like_zip(source.text)) {
      read_project(source, sink, rows);
    } else if (is_database(source)) {
      read_database(source, rows.video("", file_stem(source, {".csv", ".txt"}), source), sink, rows);
    } else {
      read_cells(source, options, sink, rows);
    }
  }
  rows.emit();
}

}  // namespace tal
