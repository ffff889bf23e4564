// The files that a reader is given: those that are named, and those of folders.
#pragma once

#include <string>
#include <vector>

#include "libtal/data/import.h"

namespace tal {

// What load_sources() reads, with its errors: a folder as its files, whose names has_ending() takes. note: of what is
// left out.
std::vector<std::string> source_files(const std::vector<std::string>& paths, const std::string& endings, bool nested,
                                      const Note& note = {});

}  // namespace tal
