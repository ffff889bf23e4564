// Tables of data sets: columns of fixed names, of which some mean something to the reader and the others stay beside
// what a row becomes.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/data/import_support.h"
#include "libtal/io/table.h"

namespace tal {

class RowTable {
 public:
  // whose: the data set, for the Error of a table without a header.
  RowTable(const SourceText& source, const ImportOptions& options, const char* whose);

  // A column that is read; -1: there is none. Error of a column that must be there.
  int take(const std::string& name);
  int need(const std::string& name);
  // The other columns of a row as members: whole numbers as they are, everything else as text. "" without any. Empty
  // fields are left out.
  std::string others(const NamedTable::Row& row) const;

  // read(row, id) for each row, whose video stands in the column `video`, which is called `name`; Errors as
  // guard_row().
  template <class Read>
  void each_video(const SourceText& source, const ImportOptions& options, const ImportSink& sink, int video,
                  const char* name, Read&& read) const {
    for (const auto& row : rows())
      guard_row(source, row.line, "", row.raw, sink, [&] {
        check_width(row);
        if (field(row, video).empty()) throw Error("empty").at_field(name);
        const std::string id = options.prefix.value_or("") + video_field(table_, row, video);
        try {
          read(row, id);
        } catch (Error& error) {
          throw error.at_video(id);
        }
      });
  }

  const std::vector<NamedTable::Row>& rows() const { return table_.rows; }
  const std::string& field(const NamedTable::Row& row, int column) const { return table_.field(row, column); }
  void check_width(const NamedTable::Row& row) const { table_.check_width(row); }
  const NamedTable& table() const { return table_; }

 private:
  NamedTable table_;
  std::string whose_;
  std::vector<bool> taken_;
};

// The column that --columns names for a role, or `usual`.
std::string named_column(const ImportOptions& options, const std::string& role, const std::string& usual);

}  // namespace tal
