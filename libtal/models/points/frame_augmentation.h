// What end-to-end training changes at random in the frames of a clip, the same in all of them: MMAction2's
// RandomResizedCrop, ImgAug "default" (RandAugment, arXiv 1909.13719, two of its changes at magnitude 9 of 10) and
// ColorJitter, which AdaTAD trains with. Clips are bytes [3, T, H, W], red, green and blue.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/random.h"
#include "libtal/io/frames.h"

namespace tal {

// A part of 0.08 to 1 of the area, 3/4 to 4/3 as wide as high (logarithmically even), anywhere; after ten that do not
// fit the centre's square.
FrameCrop random_resized_crop(std::int64_t height, std::int64_t width, Random& random);

// [3, T, H, W] -> [3, T, side, side], bilinear without antialiasing, rounded.
torch::Tensor resized_frames(const torch::Tensor& clip, std::int64_t side);

// Its changes in the order in which the drawn two are made.
const std::vector<std::string>& rand_augment_names();
// One of them; sign: -1 or 1, for those with a direction; x, y in [0, 1): where cutout cuts.
torch::Tensor rand_augment(const torch::Tensor& clip, const std::string& name, double sign, double x, double y);
// Two different ones.
torch::Tensor rand_augmented(const torch::Tensor& clip, Random& random);

struct ColourJitter {
  double brightness = 1, contrast = 1, saturation = 1;  // factors
  double hue = 0;                                       // -0.1 .. 0.1; 510 degrees are 1, in even degrees
  std::vector<int> order = {0, 1, 2, 3};                // of these four
};
torch::Tensor colour_jittered(const torch::Tensor& clip, const ColourJitter& by);
// Factors of 0.5 to 1.5, the hue within 0.1, in any order.
ColourJitter random_jitter(Random& random);

}  // namespace tal
