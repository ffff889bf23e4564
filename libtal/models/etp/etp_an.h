// ETP's Actionness Network (3.1) over frame features: a frame classifier whose class scores are the curves that
// Algorithm 1 groups.
//
// Departures: the paper's is a ResNet-34 on images; here its last layers are trained on the rows of a feature stream.
// It learns from trimmed videos (UCF101), every frame of which is action; ours are untrimmed, and softmax has a column
// for background, which is no curve. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>

#include "libtal/base/settings.h"

namespace tal {

struct EtpAnOptions {
  std::string norm = "batch";  // of the rows: batch or none
  std::int64_t hidden = 256;   // 0: a linear classifier
  std::int64_t kernel = 1;     // rows that each layer looks at, odd; 1: every frame alone, as in the paper
  double dropout = 0.5;
  std::string scores = "softmax";  // softmax over the classes and background, or sigmoid: each class by itself
};
Settings settings_of(EtpAnOptions& options);

struct EtpAnImpl : torch::nn::Module {
  EtpAnImpl(std::int64_t channels, std::int64_t classes, const EtpAnOptions& options);
  torch::Tensor forward(const torch::Tensor& rows);  // [B, T, C] -> logits [B, T, K + 1] (softmax, background last) or
                                                     // [B, T, K]
  torch::Tensor curves(const torch::Tensor& logits) const;  // -> class scores [B, T, K]
  // truth [B, T, K] 0/1, known [B, T] 0/1: rows that count. Mean over them (softmax: the first of several classes).
  torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& truth, const torch::Tensor& known) const;

  torch::nn::BatchNorm1d norm{nullptr};
  torch::nn::Conv1d hidden{nullptr}, classifier{nullptr};
  torch::nn::Dropout dropout{nullptr};

 private:
  bool softmax_;
};
TORCH_MODULE(EtpAn);

}  // namespace tal
