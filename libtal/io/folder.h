// The files of a folder that a tool is given as its input.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tal {

struct FolderFiles {
  std::vector<std::string> paths;     // by name
  std::vector<std::string> dangling;  // links to nothing
  std::vector<std::string> hidden;    // wanted files, and folders, whose names begin with a dot: left out
  std::vector<std::string> beside;    // wanted files that are no data by their names, such as README.txt: left out
  std::vector<std::string> others;    // files that are not wanted, none of them hidden
  std::vector<std::string> folders;   // not hidden, that were not entered

  // "2 hidden files and folders are left out, such as 'a/._b.txt'; no data by its name, and left out: 'README.txt'; the
  // folders in it are left out: 'a/sub'"; "" without any.
  std::string note() const;
  void refuse_dangling() const;  // Error that names the first
};

// The regular files of which `wanted` says yes by their name; nested: also those of the folders in it. Links are
// followed, each folder is entered once. Error when a folder cannot be read.
FolderFiles files_of(const std::string& folder, bool nested,
                     const std::function<bool(const std::string& name)>& wanted);

}  // namespace tal
