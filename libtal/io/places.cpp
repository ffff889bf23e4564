#include "libtal/io/places.h"

#include <filesystem>

#include "libtal/base/error.h"
#include "libtal/base/video_id.h"

namespace tal {
namespace {

namespace fs = std::filesystem;

bool is_relative(const std::string& path) {
  return !path.empty() && path.front() != '/' && path.find("://") == std::string::npos;
}

bool is_there(const fs::path& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

std::string under(const std::string& folder, const std::string& path) { return (fs::path(folder) / path).string(); }

}  // namespace

std::optional<std::string> path_of_address(std::string_view name) {
  constexpr std::string_view kFile = "file://", kHere = "localhost/";
  if (!name.starts_with(kFile)) return std::nullopt;
  name.remove_prefix(kFile.size());
  if (name.starts_with(kHere)) name.remove_prefix(kHere.size() - 1);
  return without_escapes(name);
}

std::string located(const std::string& path, const FilePlaces* places) {
  if (const auto file = path_of_address(path)) return *file;
  if (!places || places->beside.empty() || !is_relative(path)) return path;
  std::string beside = under(places->beside, path);
  if (!is_there(beside)) return path;
  if (!is_there(path)) return beside;
  std::error_code failed;
  if (fs::equivalent(path, beside, failed)) return path;
  throw Error("stands in the working folder and, another file, beside the records as '" + beside +
              "': which is meant? Absolute paths say it, and --features-root does of features")
      .in_file(path);
}

std::string located_features(const FeatureStream& stream) {
  if (stream.places && !stream.places->features_root.empty() && is_relative(stream.path))
    return under(stream.places->features_root, stream.path);
  return located(stream.path, stream.places.get());
}

std::shared_ptr<const FilePlaces> places_of(const std::string& source, const std::string& features_root) {
  FilePlaces places{"", features_root};
  // A pipe that has a name (/dev/fd/63) has no folder of its own.
  std::error_code failed;
  if (source != "stdin" && fs::is_regular_file(source, failed)) {
    places.beside = fs::path(source).parent_path().string();
    if (places.beside.empty()) places.beside = ".";
  }
  return std::make_shared<const FilePlaces>(std::move(places));
}

}  // namespace tal
