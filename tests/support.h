// Where tests find reference files and real data, and how they skip visibly when there are none.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace tal::test {

// The project's folder; main.cpp alone knows it, so that the others compile to the same objects wherever they lie.
extern const char* const kSourceDir;

// TAL_PARITY_DIR, default ../shared/parity. Set but missing: throws (the test fails). Unset and missing: "" (skip).
inline std::string parity_dir() {
  if (const char* set = std::getenv("TAL_PARITY_DIR")) {
    if (!std::filesystem::is_directory(set)) throw std::runtime_error("TAL_PARITY_DIR: no such folder: " + std::string(set));
    return set;
  }
  const std::string standard = std::string(kSourceDir) + "/../shared/parity";
  return std::filesystem::is_directory(standard) ? standard : "";
}

// TAL_DATA_DIR, default ../shared/data; "" when missing.
inline std::string data_dir() {
  if (const char* set = std::getenv("TAL_DATA_DIR")) return set;
  const std::string standard = std::string(kSourceDir) + "/../shared/data";
  return std::filesystem::is_directory(standard) ? standard : "";
}

// ctest counts a test that prints this line as skipped.
inline bool skip_without(const std::string& folder, const char* what) {
  if (!folder.empty()) return false;
  std::cout << "SKIPPED: no data: " << what << " not found" << std::endl;
  return true;
}

inline nlohmann::json load(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  return nlohmann::json::parse(in);
}

}  // namespace tal::test
