#include "libtal/models/core/frame_clips.h"

namespace tal {

FrameCrop centre_crop(const Frames& frames, std::int64_t side) {
  return {(frames.height() - side) / 2, (frames.width() - side) / 2, side, side};
}

FrameCrop random_crop(const Frames& frames, std::int64_t side, Random& random) {
  const auto place = [&](std::int64_t size) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(size - side) + 1));
  };
  const std::int64_t y = place(frames.height()), x = place(frames.width());
  return {y, x, side, side};
}

torch::Tensor frame_clip(const Frames& frames, std::int64_t first, std::int64_t count, const FrameCrop& crop) {
  auto bytes = torch::empty({count, crop.height, crop.width, frames.channels()}, torch::kByte);
  frames.copy(first, count, crop, bytes.data_ptr<std::uint8_t>());
  return bytes.permute({3, 0, 1, 2});
}

torch::Tensor stack_clips(const std::vector<torch::Tensor>& clips) {
  if (clips.front().dim() != 4) return torch::stack(clips);
  std::vector<torch::Tensor> last;
  for (const auto& clip : clips) last.push_back(clip.permute({1, 2, 3, 0}));
  return torch::stack(last).permute({0, 4, 1, 2, 3});
}

}  // namespace tal
