// Columns of a table under several names of one role, "subset" beside "split": they must say the same, and that they do
// not is an error with both names.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libtal/data/import_support.h"

namespace tal {

// The columns with one of the names, but for `chosen`, which is one of them; none where --columns says which one of the
// role counts.
std::vector<int> others_called(const NamedTable& table, const ImportOptions& options, const std::string& role,
                               const std::vector<std::string>& names, int chosen);

// What to do where columns contradict each other. named: --columns may name one.
std::string column_advice(const std::string& role, bool named);

// Error, with the first such row, where one of the others says what is not the same as `chosen` does. An empty field of
// the others says nothing.
void refuse_contradictions(const NamedTable& table, int chosen, const std::vector<int>& others,
                           const std::string& advice,
                           const std::function<bool(const std::string&, const std::string&)>& same);

// Whether two names are of one video: a path or a file's name has the other one as a word.
bool same_video(const std::string& a, const std::string& b);

// The column of labels or videos (its names: `names`): where the first is of whole numbers that number the names of
// another, that one, which is noted, and so is another name's column that is plainly something else. -1: none. Error
// where others contradict it. named: as in column_advice().
int texts_column(const NamedTable& table, const ImportOptions& options, const std::string& role,
                 const std::vector<std::string>& names, bool named, const Note& note);

}  // namespace tal
