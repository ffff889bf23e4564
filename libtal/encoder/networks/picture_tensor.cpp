#include "libtal/encoder/networks/picture_tensor.h"

#include <torch/torch.h>

namespace tal {
namespace {

torch::Tensor row_of(const std::vector<float>& values, float factor) { return torch::tensor(values) * factor; }

// [N, T, H, W, C], 8-bit.
torch::Tensor pixels_of(const std::vector<NetworkInput>& inputs) {
  const cv::Mat& first = inputs.at(0).at(0);
  const auto count = static_cast<std::int64_t>(inputs.size()), frames = static_cast<std::int64_t>(inputs[0].size());
  auto out = torch::empty({count, frames, first.rows, first.cols, first.channels()}, torch::kByte);
  auto* to = out.data_ptr<std::uint8_t>();
  for (const auto& input : inputs)
    for (const auto& picture : input)
      for (int y = 0; y < picture.rows; ++y)
        to = std::copy_n(picture.ptr<std::uint8_t>(y), picture.cols * picture.channels(), to);
  return out;
}

torch::Tensor sound_of(const EncoderRecipe& recipe, const std::vector<NetworkInput>& inputs) {
  const auto shape = sound_shape(recipe, static_cast<int>(inputs.size()), inputs.at(0).at(0));
  auto out = torch::empty(std::vector<std::int64_t>(shape.begin(), shape.end()));
  auto* to = out.data_ptr<float>();
  for (const auto& input : inputs) to = std::copy_n(input[0].ptr<float>(), input[0].total(), to);
  return out;
}

}  // namespace

PictureTensor::PictureTensor(const EncoderRecipe& recipe, c10::Device device) : recipe_(recipe), device_(device) {
  if (hears(recipe)) return;
  const auto& p = recipe.preprocessing;
  mean_ = row_of(p.mean, p.divisor).to(device_);
  scale_ = (1 / row_of(p.deviation, p.divisor)).to(device_);
}

torch::Tensor PictureTensor::operator()(const std::vector<NetworkInput>& inputs) const {
  if (hears(recipe_)) return sound_of(recipe_, inputs).to(device_);
  const auto x = (pixels_of(inputs).to(device_).to(torch::kFloat) - mean_).mul_(scale_).permute({0, 4, 1, 2, 3});
  return sees_clips(recipe_) ? x : x.squeeze(2);
}

}  // namespace tal
