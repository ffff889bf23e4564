#include "libtal/formats/row_table.h"

#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/io/digits.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

bool is_whole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() < 16 && is_digits(text) && (text.size() == 1 || text[0] != '0');
}

}  // namespace

RowTable::RowTable(const SourceText& source, const ImportOptions& options, const char* whose)
    : table_(parse_named_table(source, options.dialect, BlankColumns::kNever)),
      whose_(whose),
      taken_(table_.header.size(), false) {}

int RowTable::take(const std::string& name) {
  const int column = table_.find({name});
  if (column >= 0) taken_[static_cast<std::size_t>(column)] = true;
  return column;
}

int RowTable::need(const std::string& name) {
  const int column = take(name);
  if (column < 0)
    throw Error("no column '" + name + "', which " + whose_ + " has; there are '" +
                joined_first(table_.header, 12, "', '") + "'")
        .at_line(table_.source, table_.header_line);
  return column;
}

std::string RowTable::others(const NamedTable::Row& row) const {
  std::string out;
  for (std::size_t i = 0; i < table_.header.size() && i < row.fields.size(); ++i) {
    if (taken_[i] || row.fields[i].empty()) continue;
    std::string json = row.fields[i];
    if (!is_whole(json)) json.clear(), append_json_string(json, row.fields[i]);
    append_member(out, table_.header[i].empty() ? "column " + std::to_string(i + 1) : table_.header[i], json);
  }
  return out;
}

std::string named_column(const ImportOptions& options, const std::string& role, const std::string& usual) {
  const auto found = options.columns.find(role);
  return found == options.columns.end() ? usual : found->second;
}

}  // namespace tal
