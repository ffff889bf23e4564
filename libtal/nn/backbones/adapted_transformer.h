// A vision transformer of clips over a long video, with adapters between its blocks (AdaTAD, arXiv 2311.17241): the
// transformer attends inside clips, the adapters alone see beyond them, along the whole sequence.
//
// B clips of c frames follow one another; a clip has m = c / tubelet moments of h x w patches.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/nn/backbones/vision_transformer.h"

namespace tal {

struct AdapterOptions {
  // tia: AdaTAD's temporal-informative adapter (3.3): down-projection, depthwise convolution over time and a mixing of
  // its channels, both added to what went in, up-projection, residual. plain: without time (Houlsby et al., arXiv
  // 1902.00751). none: no adapters.
  std::string kind = "none";
  double share = 0.25;  // channels inside, of the transformer's
  std::int64_t kernel = 3, dilation = 1;
  std::int64_t first = 0;  // the blocks before it have none
};

// x -> x + gamma up(g + mix(depthwise(g))), g = GELU(down(x)); up begins as zero, so that a new adapter changes
// nothing. Names as AdaTAD's code has them.
class TemporalAdapterImpl : public torch::nn::Module {
 public:
  TemporalAdapterImpl(std::int64_t dim, const AdapterOptions& options);
  // Tokens [M, P, D] of a sequence of M moments with P places each -> the same.
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  torch::nn::Linear down_{nullptr}, up_{nullptr};
  torch::nn::Conv1d depthwise_{nullptr}, mix_{nullptr};  // null: plain
  torch::Tensor gamma_;                                  // [1]
};
TORCH_MODULE(TemporalAdapter);

struct AdaptedOptions {
  VitOptions transformer;
  AdapterOptions adapter;
  std::vector<double> mean = {0, 0, 0}, deviation = {1, 1, 1};  // of red, green and blue, 0 .. 1
  std::int64_t clip = 16;                                       // frames that attend to each other
  std::string train = "none";                                   // of the transformer: none, norms, all
  double droppath = 0;  // stochastic depth of the last block, in training; of the first 0, linear between
  // Clips that are inside a block at once; 0: all. Less memory, the same values.
  std::int64_t chunk = 8;
  bool checkpointing = true;  // in training
  bool learns() const { return adapter.kind != "none" || train != "none"; }
};

class AdaptedTransformerImpl : public torch::nn::Module {
 public:
  // Error when the transformer does not see clips or has tokens without a place.
  explicit AdaptedTransformerImpl(const AdaptedOptions& options);

  // Frames of one sequence [3, T, H, W], 0 .. 255 of any type, T a multiple of the clip -> features [T / tubelet, D]:
  // the mean over places of the last block's tokens. Pixels right and below that make no whole patch are not seen.
  torch::Tensor forward(const torch::Tensor& frames);
  // Fills the transformer from a file of weights; the adapters stay. Error names the file and what does not fit.
  void load(const std::string& file, const std::string& name);
  void initialise();
  void train(bool on = true) override;

  std::vector<torch::Tensor> adapter_parameters() const;
  std::vector<torch::Tensor> trained_transformer_parameters() const;

 private:
  torch::Tensor normalised(const torch::Tensor& clips);  // [B, 3, c, H, W]
  torch::Tensor block(std::size_t index, const torch::Tensor& tokens);

  AdaptedOptions options_;
  std::shared_ptr<VisionTransformer> transformer_;
  std::vector<TemporalAdapter> adapters_;            // one a block; null where there is none
  std::vector<std::vector<torch::Tensor>> trained_;  // of each block, without its adapter
};
TORCH_MODULE(AdaptedTransformer);

}  // namespace tal
