#include "libtal/io/folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

namespace fs = std::filesystem;

// What people and file managers put beside data.
bool is_beside_data(const std::string& name) {
  const std::string lower = lower_case(name);
  if (lower == "thumbs.db" || lower == "desktop.ini") return true;
  const auto dot = lower.rfind('.');
  const std::string ending = dot == std::string::npos ? "" : lower.substr(dot);
  static const std::set<std::string> texts = {"", ".txt", ".md", ".rst", ".html", ".pdf", ".json"},
                                     words = {"readme", "read_me",   "read-me", "license",  "licence", "copying",
                                              "notice", "changelog", "changes", "citation", "authors"};
  return texts.count(ending) > 0 && words.count(lower.substr(0, dot)) > 0;
}

class Walk {
 public:
  Walk(bool nested, const std::function<bool(const std::string&)>& wanted) : nested_(nested), wanted_(wanted) {}

  void enter(const fs::path& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0 || !entered_.emplace(info.st_dev, info.st_ino).second) return;
    std::error_code failed;
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
      entries.push_back(at->path());
    if (failed) throw Error("cannot be read: " + failed.message()).at_line(folder.string(), 0);
    std::sort(entries.begin(), entries.end());
    for (const auto& entry : entries) take(entry);
  }
  FolderFiles found;

 private:
  void take(const fs::path& entry) {
    const std::string name = entry.filename().string();
    struct stat info {};
    const bool there = ::stat(entry.c_str(), &info) == 0, folder = there && S_ISDIR(info.st_mode);
    if (name.front() == '.') {
      if (folder ? nested_ : there && S_ISREG(info.st_mode) && wanted_(name)) found.hidden.push_back(entry.string());
    } else if (!there) {
      found.dangling.push_back(entry.string());
    } else if (folder) {
      if (nested_) enter(entry);
      else found.folders.push_back(entry.string());
    } else if (S_ISREG(info.st_mode)) {
      auto& files = !wanted_(name) ? found.others : is_beside_data(name) ? found.beside : found.paths;
      files.push_back(entry.string());
    }
  }

  bool nested_;
  const std::function<bool(const std::string&)>& wanted_;
  std::set<std::pair<dev_t, ino_t>> entered_;
};

}  // namespace

std::string FolderFiles::note() const {
  std::string text;
  if (!hidden.empty())
    text = std::to_string(hidden.size()) +
           (hidden.size() == 1 ? " hidden file or folder is" : " hidden files and folders are") +
           " left out, such as '" + hidden.front() + "'";
  if (!beside.empty())
    text += (text.empty() ? "" : "; ") + std::string("no data by ") +
            (beside.size() == 1 ? "its name" : "their names") + ", and left out: '" + joined_first(beside, 4, "', '") +
            "'";
  if (!folders.empty())
    text += (text.empty() ? "" : "; ") +
            std::string(folders.size() == 1 ? "the folder in it is left out: '" : "the folders in it are left out: '") +
            joined_first(folders, 4, "', '") + "'";
  return text;
}

void FolderFiles::refuse_dangling() const {
  if (!dangling.empty()) throw Error("is a link to a file that is not there").at_line(dangling.front(), 0);
}

FolderFiles files_of(const std::string& folder, bool nested,
                     const std::function<bool(const std::string& name)>& wanted) {
  Walk walk(nested, wanted);
  walk.enter(folder);
  std::sort(walk.found.paths.begin(), walk.found.paths.end());
  return std::move(walk.found);
}

}  // namespace tal
