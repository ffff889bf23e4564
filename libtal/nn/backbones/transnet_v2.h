// TransNet V2 (Soucek and Lokoc, "TransNet V2: An effective deep network architecture for fast shot transition
// detection", 2020), under the names of its PyTorch port. A run of small pictures -> for each of them, whether a shot
// ends there. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct TransNetV2Options {
  std::int64_t filters = 16;   // F; cell k has 4 F 2^k channels
  std::int64_t cells = 3;      // L, each with its pooling
  std::int64_t blocks = 2;     // S, of a cell
  std::int64_t hidden = 1024;  // D
  std::int64_t similarity = 128;
  // columns of the two parts that compare frames
  std::int64_t similar = 128, coloured = 128;
};
// The sizes of the network whose weights these are. Error where the tensors that say them are not there.
TransNetV2Options transnet_v2_options(const std::map<std::string, torch::Tensor>& state);

// Runs of RGB pictures of 27 x 48 pixels, values 0 to 255. Layers: features (behind the hidden layer's ReLU), logits,
// scores (their sigmoid; default): columns cut (the one frame that ends a shot) and transition (every frame of it).
class TransNetV2 : public EncoderNetwork {
 public:
  static constexpr std::int64_t kHeight = 27, kWidth = 48;
  static constexpr std::int64_t kReach = 50;  // frames before and behind, with which a frame is compared

  explicit TransNetV2(const TransNetV2Options& options);
  std::vector<LayerInfo> layers() const override;
  std::string default_layer() const override { return "scores"; }
  std::vector<std::string> columns(std::string_view layer) const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, T, 27, 48] -> [B T, dim]

 private:
  class Block;
  torch::Tensor trunk(const torch::Tensor& pictures, std::vector<torch::Tensor>& means);

  TransNetV2Options options_;
  std::vector<std::vector<std::shared_ptr<Block>>> cells_;
  torch::nn::Linear projection_{nullptr}, similar_{nullptr}, coloured_{nullptr}, hidden_{nullptr}, cut_{nullptr},
      transition_{nullptr};
};

}  // namespace tal
