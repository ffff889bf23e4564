// Clips of a video's frames as tensors of bytes, for models that see pixels.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "libtal/base/random.h"
#include "libtal/io/frames.h"

namespace tal {

// Instead of a file of weights: a backbone that is trained from random ones.
inline constexpr const char* kRandomWeights = "random";

// A square of so many pixels of the frames: in their middle, or anywhere.
FrameCrop centre_crop(const Frames& frames, std::int64_t side);
FrameCrop random_crop(const Frames& frames, std::int64_t side, Random& random);

// Frames [first, first + count), cropped: bytes [C, count, H, W], stored as Frames gives them: channels last.
torch::Tensor frame_clip(const Frames& frames, std::int64_t first, std::int64_t count, const FrameCrop& crop);
// [B, C, ...] without giving up channels-last bytes; clips of features are [C, T].
torch::Tensor stack_clips(const std::vector<torch::Tensor>& clips);

}  // namespace tal
