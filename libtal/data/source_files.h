// The files that a reader is given: those that are named, and those of folders.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/data/import.h"

namespace tal {

// What load_sources() reads, with its errors: a folder as its files, whose names has_ending() takes. note: of what is
// left out.
std::vector<std::string> source_files(const std::vector<std::string>& paths, const std::string& endings, bool nested,
                                      const Note& note = {});

// The name, without folder, that browsers and file managers make a copy's of: "a (1).txt", "a - Copy.txt", "a copy
// 2.txt" and "Copy of a.txt" -> "a.txt"; "": it is none.
std::string copied_name(std::string_view path);
// The files of the list that hold the same as one beside them that they are called after. note: of these, and of such
// files that hold something else.
std::set<std::string> same_copies(const std::vector<std::string>& files, const Note& note);

}  // namespace tal
