// Prepared 8-bit pictures, or sound -> the tensor that a network takes.
#pragma once

#include <torch/types.h>

#include <vector>

#include "libtal/encoder/picture/picture_encoder.h"
#include "libtal/encoder/recipes.h"

namespace tal {

class PictureTensor {
 public:
  PictureTensor(const EncoderRecipe& recipe, c10::Device device);
  // (x / divisor - mean) / deviation on the device: [N, C, H, W], or [N, C, T, H, W] for clips; in memory the channels
  // stay last. Sound as it is: sound_shape().
  torch::Tensor operator()(const std::vector<NetworkInput>& inputs) const;

 private:
  EncoderRecipe recipe_;
  c10::Device device_;
  torch::Tensor mean_, scale_;  // of the 8-bit values; one a channel, or one for all
};

}  // namespace tal
