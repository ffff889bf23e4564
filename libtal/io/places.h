// Where the files are that records name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libtal/io/record.h"

namespace tal {

// The path of a file that is named by an address, as annotation tools and browsers do: file:///a/my%20video.mp4;
// nullopt: it is none.
std::optional<std::string> path_of_address(std::string_view name);

// The name under which a file is opened. An absolute path is itself, and so is one of a protocol (rtsp://...). A
// relative one is taken from the working folder; where it is not there, from the folder that the records' file is in.
// Error (with the path) when both have one and they are different files.
std::string located(const std::string& path, const FilePlaces* places);
// The same of a feature stream's file; with a features_root, relative paths are taken from there alone.
std::string located_features(const FeatureStream& stream);

// The places of a stream's records: `source` as LineReader::source() has it.
std::shared_ptr<const FilePlaces> places_of(const std::string& source, const std::string& features_root);

}  // namespace tal
