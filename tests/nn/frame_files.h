// Folders and stored frames for tests of models that see pixels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/frames.h"
#include "libtal/models/core/model.h"
#include "tests/support.h"

namespace tal::test {

// values(t, y, x, c) as an .npy image [T, H, W, C].
template <class Values>
std::unique_ptr<MappedFile> image(const std::string& path, std::int64_t frames, std::int64_t height, std::int64_t width,
                                  std::int64_t channels, Values&& values) {
  std::string dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(frames) + ", " +
                     std::to_string(height) + ", " + std::to_string(width) + ", " + std::to_string(channels) + "), }";
  dict.resize(117, ' ');
  std::string bytes = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict + "\n";
  for (std::int64_t t = 0; t < frames; ++t)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        for (std::int64_t c = 0; c < channels; ++c)
          bytes += static_cast<char>(static_cast<std::uint8_t>(values(t, y, x, c)));
  std::ofstream(path, std::ios::binary) << bytes;
  return std::make_unique<MappedFile>(path);
}

// Videos whose frames lie in such images; a test's own set adds them.
class FrameSet : public TrainingSet {
 public:
  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t i) const override { return videos_[i]; }
  torch::Tensor rows(std::size_t, std::int64_t, std::int64_t) const override { throw Error("no features here"); }
  const Frames& frames(std::size_t i) const override { return *frames_[i]; }
  Sequence sequence(std::size_t i) const {
    return {videos_[i].id, videos_[i].duration, videos_[i].time, {}, frames_[i]};
  }

 protected:
  void add(const Video& video, std::unique_ptr<MappedFile> frames, double fps) {
    std::vector<std::unique_ptr<MappedFile>> images;
    images.push_back(std::move(frames));
    frames_.push_back(std::make_shared<const Frames>(std::move(images), fps, video.duration));
    videos_.push_back(video);
  }
  InputContract inputs_;

 private:
  std::vector<Video> videos_;
  std::vector<std::shared_ptr<const Frames>> frames_;
};

}  // namespace tal::test
