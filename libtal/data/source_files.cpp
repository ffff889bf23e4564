#include "libtal/data/source_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "libtal/base/text.h"
#include "libtal/io/digits.h"

namespace tal {
namespace {

// "x (2)" -> "x"; without a number in brackets as it is.
std::string_view without_count(std::string_view stem) {
  const auto open = stem.rfind(" (");
  if (!stem.ends_with(')') || open == stem.npos || open == 0) return stem;
  const auto number = stem.substr(open + 2, stem.size() - open - 3);
  return is_digits(number) && number.size() < 4 ? stem.substr(0, open) : stem;
}

std::string_view copied_stem(std::string_view stem) {
  const auto plain = without_count(stem);
  for (const std::string_view end : {" - Copy", " - copy", " copy", " Copy"})
    if (plain.size() > end.size() && plain.ends_with(end)) return plain.substr(0, plain.size() - end.size());
  if (const auto blank = stem.rfind(' '); blank != stem.npos && is_digits(stem.substr(blank + 1)))  // "x copy 2"
    if (const auto copy = stem.substr(0, blank); copy.size() > 5 && copy.ends_with(" copy"))
      return copy.substr(0, copy.size() - 5);
  if (stem.starts_with("Copy of ") && stem.size() > 8) return stem.substr(8);
  return plain;
}

bool same_content(const std::string& a, const std::string& b) {
  std::error_code failed;
  if (std::filesystem::file_size(a, failed) != std::filesystem::file_size(b, failed) || failed) return false;
  std::ifstream one(a, std::ios::binary), other(b, std::ios::binary);
  using Bytes = std::istreambuf_iterator<char>;
  return one && other && std::equal(Bytes(one), Bytes(), Bytes(other), Bytes());
}

}  // namespace

std::string copied_name(std::string_view path) {
  const auto file = path.substr(path.find_last_of("/\\") + 1);
  const auto dot = file.rfind('.');
  const auto stem = file.substr(0, dot == 0 ? file.npos : dot);
  const auto original = copied_stem(stem);
  return original == stem ? "" : std::string(original) + std::string(file.substr(stem.size()));
}

std::set<std::string> same_copies(const std::vector<std::string>& files, const Note& note) {
  std::vector<std::pair<std::string, std::string>> copies;  // and what they are called after
  for (const auto& file : files)
    if (const auto original = copied_name(file); !original.empty())
      copies.emplace_back(file, file.substr(0, file.find_last_of("/\\") + 1) + original);
  if (copies.empty()) return {};
  const std::set<std::string> all(files.begin(), files.end());
  std::vector<std::string> same, others;
  for (const auto& [file, original] : copies)
    if (all.count(original) > 0) (same_content(file, original) ? same : others).push_back(file);
  if (note && !same.empty())
    note("left out, for they hold the same as the files that they are copies of by their names: '" +
         joined_first(same, 4, "', '") + "'");
  if (note && !others.empty())
    note("read as files of their own, though by their names they are copies of others: '" +
         joined_first(others, 4, "', '") + "'");
  return {same.begin(), same.end()};
}

}  // namespace tal
