// Where tests find reference files and real data, and how they skip visibly when there are none.
#pragma once

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
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
    if (!std::filesystem::is_directory(set))
      throw std::runtime_error("TAL_PARITY_DIR: no such folder: " + std::string(set));
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

// A folder of the test's own that goes with the object.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tal-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path / name; }
  std::filesystem::path path;
};

// What the action throws; "no error" when it throws nothing.
inline std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace tal::test
