#include "libtal/encode/network_encoder.h"

#include <torch/torch.h>

#include "libtal/base/error.h"
#include "libtal/base/sha256.h"
#include "libtal/encode/factory.h"
#include "libtal/io/npy.h"
#include "libtal/nn/device.h"
#include "libtal/video/picture_encoder.h"

namespace tal {
namespace {

torch::Tensor row_of(const std::vector<float>& values, float factor) { return torch::tensor(values) * factor; }

class TorchNetwork : public PictureNetwork {
 public:
  TorchNetwork(const EncoderSpec& spec, const EncoderOptions& options)
      : recipe_(*find_recipe(spec.name)), device_name_(options.device), device_(open_device(options.device)),
        network_(load_encoder_network(recipe_, spec.weights, device_)), layer_(spec.layer.empty() ? network_->default_layer() : spec.layer) {
    std::string known;
    for (const auto& layer : network_->layers()) {
      if (layer.name == layer_) dim_ = layer.dim;
      known += (known.empty() ? "" : ", ") + layer.name;
    }
    if (dim_ == 0) throw UsageError("--encoder " + spec.name + "@" + layer_ + ": with these weights the layers are " + known);
    weights_ = sha256(MappedFile(spec.weights).bytes());
    const auto& p = recipe_.preprocessing;
    mean_ = row_of(p.mean, p.divisor).to(device_);
    scale_ = (1 / row_of(p.deviation, p.divisor)).to(device_);
  }

  std::string name() const override { return recipe_.name + (layer_ == network_->default_layer() ? "" : "-" + layer_); }
  std::int64_t dim() const override { return dim_; }
  const EncoderRecipe& recipe() const override { return recipe_; }
  std::string weights() const override { return weights_; }
  std::string parameters() const override {
    return recipe_.name + "/1 layer=" + layer_ + " weights=" + weights_ + " device=" + device_name_.substr(0, device_name_.find(':')) + " torch=" + TORCH_VERSION;
  }

  void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const override {
    const torch::InferenceMode guard;
    const auto features = network_->forward(normalised(pixels_of(inputs)), layer_).to(torch::kCPU).contiguous();
    rows.insert(rows.end(), features.data_ptr<float>(), features.data_ptr<float>() + features.numel());
  }

 private:
  // [N, T, H, W, C], 8-bit.
  static torch::Tensor pixels_of(const std::vector<NetworkInput>& inputs) {
    const cv::Mat& first = inputs.at(0).at(0);
    const auto count = static_cast<std::int64_t>(inputs.size()), frames = static_cast<std::int64_t>(inputs[0].size());
    auto out = torch::empty({count, frames, first.rows, first.cols, first.channels()}, torch::kByte);
    auto* to = out.data_ptr<std::uint8_t>();
    for (const auto& input : inputs)
      for (const auto& picture : input)
        for (int y = 0; y < picture.rows; ++y) to = std::copy_n(picture.ptr<std::uint8_t>(y), picture.cols * picture.channels(), to);
    return out;
  }

  // (x / divisor - mean) / deviation, [N, T, H, W, C] -> [N, C, H, W], or [N, C, T, H, W] for clips; in memory the channels stay last.
  torch::Tensor normalised(const torch::Tensor& pixels) const {
    const auto x = (pixels.to(device_).to(torch::kFloat) - mean_).mul_(scale_).permute({0, 4, 1, 2, 3});
    return recipe_.input == EncoderRecipe::Input::kClips ? x : x.squeeze(2);
  }

  EncoderRecipe recipe_;
  std::string device_name_;
  torch::Device device_;
  std::shared_ptr<EncoderNetwork> network_;
  std::string layer_, weights_;
  std::int64_t dim_ = 0;
  torch::Tensor mean_, scale_;  // of the 8-bit values; one a channel, or one for all
};

}  // namespace

std::unique_ptr<Encoder> make_network_encoder(const EncoderSpec& spec, const EncoderOptions& options) {
  if (spec.weights.empty()) throw UsageError("--encoder " + spec.name + " needs its weights: " + spec.name + ":FILE.safetensors");
  return make_picture_encoder(std::make_shared<TorchNetwork>(spec, options), options);
}

}  // namespace tal
