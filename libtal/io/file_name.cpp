#include "libtal/io/file_name.h"

#include <sys/stat.h>

#include <filesystem>

namespace tal {
namespace {

std::string number_of(const struct stat& info) {
  return S_ISREG(info.st_mode) ? std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) : "";
}

}  // namespace

std::string regular_file_in(const std::string& value) {
  std::error_code failed;
  for (const std::size_t begin : {std::size_t{0}, value.find(':') + 1, value.find('=') + 1})
    if (auto file = value.substr(begin); std::filesystem::is_regular_file(file, failed)) return file;
  for (const std::size_t begin : {std::size_t{0}, value.find(':') + 1, value.find('=') + 1})
    if (const auto [file, part] = file_part(value.substr(begin)); !part.empty()) return file;
  return "";
}

FilePart file_part(const std::string& path) {
  std::error_code failed;
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size() || std::filesystem::exists(path, failed))
    return {path, ""};
  const std::string file = path.substr(0, slash);
  return std::filesystem::is_regular_file(file, failed) ? FilePart{file, path.substr(slash + 1)} : FilePart{path, ""};
}

std::string file_written(const std::string& value) {
  struct stat info {};
  if (value == "-" || value == "/dev/stdout") {
    const std::string number = ::fstat(1, &info) == 0 ? number_of(info) : "";
    return number.empty() ? "stdout" : number;
  }
  if (::stat(value.c_str(), &info) == 0) return number_of(info);
  std::error_code failed;
  const auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(value), failed);
  return failed ? value : path.string();
}

std::string file_read(const std::string& value) {
  struct stat info {};
  if (value == "-") return ::fstat(0, &info) == 0 ? number_of(info) : "";
  const auto file = regular_file_in(value);
  return !file.empty() && ::stat(file.c_str(), &info) == 0 ? number_of(info) : "";
}

}  // namespace tal
