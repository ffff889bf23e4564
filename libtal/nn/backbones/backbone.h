// What the encoder networks share: convolutions with their normalisation, named as the reference names them, and the
// layers that can be asked for. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/nn/convolution.h"

namespace tal {

// A convolution over one to three axes; kernel, stride and padding have one entry an axis.
struct ConvShape {
  std::vector<std::int64_t> kernel, stride, padding;
  std::int64_t groups = 1;
  bool bias = false;
};
// k x k with "same" padding (k odd).
ConvShape square(std::int64_t kernel, std::int64_t stride = 1);
// k x k x k with "same" padding.
ConvShape cube(std::int64_t kernel, std::int64_t time_stride = 1, std::int64_t stride = 1);

// 1 x k x k with "same" padding: no time.
ConvShape in_space(std::int64_t kernel, std::int64_t stride);
// The same with a bias.
ConvShape biased(ConvShape shape);

// Values of "same" padding before and behind an axis of `size` values: ceil(size / stride) windows, the odd one behind.
struct SamePadding {
  std::int64_t before = 0, behind = 0;
};
SamePadding same_padding(std::int64_t size, std::int64_t kernel, std::int64_t stride);

const Epilogue kRelu{.relu = true};

// What gets ready for the processor once its weights do not change any more.
struct Prepared {
  virtual ~Prepared() = default;
  virtual void prepare() = 0;
};

// `weight` [out, in / groups, kernel...] and, where asked for, `bias` [out]; all zero until weights are loaded.
struct ConvImpl : torch::nn::Module, Prepared {
  ConvImpl(std::int64_t in, std::int64_t out, ConvShape shape);
  torch::Tensor forward(const torch::Tensor& x, const Epilogue& then = {}) const;
  void prepare() override;
  ConvShape shape;
  torch::Tensor weight, bias;

 private:
  std::shared_ptr<const FixedConvolution> fixed_;
};
TORCH_MODULE(Conv);

// Batch normalisation at inference: by the running statistics. Any number of axes.
struct NormImpl : torch::nn::Module {
  NormImpl(std::int64_t channels, double epsilon);
  torch::Tensor forward(const torch::Tensor& x) const;
  double epsilon;
  torch::Tensor weight, bias, running_mean, running_var, num_batches_tracked;
};
TORCH_MODULE(Norm);

// Convolution, then normalisation. fold() makes them one convolution: w' = w g / sqrt(v + e), b' = (b - m) g / sqrt(v +
// e) + beta.
class ConvNorm {
 public:
  ConvNorm() = default;
  ConvNorm(Conv conv, Norm norm) : conv_(std::move(conv)), norm_(std::move(norm)) {}
  torch::Tensor operator()(const torch::Tensor& x, const Epilogue& then = {}) const;
  void fold();
  explicit operator bool() const { return !conv_.is_empty(); }

 private:
  Conv conv_{nullptr};
  Norm norm_{nullptr};
};

// A module whose parts may stand at any path below it ("conv1.0.3"), as the containers of the reference put them.
class NamedParts : public torch::nn::Module {
 public:
  void fold();  // its own pairs, not those of its children

 protected:
  template <class Holder>
  Holder place(const std::string& path, Holder part) {
    parent(path).register_module(last(path), part);
    return part;
  }
  // Returns a handle; fold() reaches it through the list of pairs, so both see the folded weights.
  std::shared_ptr<ConvNorm> conv_norm(const std::string& conv, const std::string& norm, std::int64_t in,
                                      std::int64_t out, ConvShape shape, double epsilon = 1e-5);

 private:
  torch::nn::Module& parent(const std::string& path);
  static std::string last(const std::string& path);
  std::vector<std::shared_ptr<ConvNorm>> pairs_;
};

struct LayerInfo {
  std::string name;
  std::int64_t dim;
};

class EncoderNetwork : public NamedParts {
 public:
  // What can be asked for, in forward order; the networks with classes end with `logits` and `scores` (softmax of
  // logits).
  virtual std::vector<LayerInfo> layers() const = 0;
  virtual std::string default_layer() const { return "pool"; }
  // The names of a layer's columns, where the network itself gives them their meaning.
  virtual std::vector<std::string> columns(std::string_view) const { return {}; }
  // Pixels a side of the pictures for which its weights have positions; 0: of any size.
  virtual std::int64_t side() const { return 0; }
  // Frames of the clips, of pictures of so many pixels a side, for which they are; 0: any number.
  virtual std::int64_t frames(std::int64_t) const { return 0; }
  // Preprocessed [B, C, H, W] or [B, C, T, H, W] -> [B, dim of the layer]; layers that have space or time are averaged
  // over both. Networks that give each frame of a run a row: [B T, dim of the layer].
  virtual torch::Tensor forward(torch::Tensor x, std::string_view layer) = 0;

  // Once the weights are there: inference mode, normalisations folded, convolutions made ready for the processor.
  // Values move by rounding only.
  void prepare();
};

// Mean over every axis behind the channels: [B, C, ...] -> [B, C].
torch::Tensor global_mean(const torch::Tensor& x);
// The end of a classifier: logits -> what `layer` asks for.
torch::Tensor classify(const torch::Tensor& logits, std::string_view layer);
// Adds `logits` and `scores` when the network has classes.
void add_class_layers(std::vector<LayerInfo>& layers, std::int64_t classes);

}  // namespace tal
