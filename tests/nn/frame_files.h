// Folders and stored frames for tests of models that see pixels.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "libtal/io/frames.h"

namespace tal::test {

// A folder of this process's own that goes with the object.
struct Folder {
  explicit Folder(const std::string& name) : path(std::filesystem::temp_directory_path() / (name + "-" + std::to_string(::getpid()))) { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return path / name; }
  std::filesystem::path path;
};

// values(t, y, x, c) as an .npy image [T, H, W, C].
template <class Values>
std::unique_ptr<MappedFile> image(const std::string& path, std::int64_t frames, std::int64_t height, std::int64_t width, std::int64_t channels, Values&& values) {
  std::string dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(frames) + ", " + std::to_string(height) + ", " + std::to_string(width) + ", " +
                     std::to_string(channels) + "), }";
  dict.resize(117, ' ');
  std::string bytes = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict + "\n";
  for (std::int64_t t = 0; t < frames; ++t)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        for (std::int64_t c = 0; c < channels; ++c) bytes += static_cast<char>(static_cast<std::uint8_t>(values(t, y, x, c)));
  std::ofstream(path, std::ios::binary) << bytes;
  return std::make_unique<MappedFile>(path);
}

}  // namespace tal::test
