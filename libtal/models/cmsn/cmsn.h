// CMSN: the Continuous Multi-stage Network (Hu et al., 2020), Fig. 2.
// Departures and what the paper leaves open: the LSTM's size (`lstm-hidden`) and the pooled length of the evaluation
// subnet
// (`pooled-length`); dropout stands before and between the LSTM's layers and before the classification; the IoU score
// ends in a sigmoid; features are normalised by their batch (`norm`). Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <string>

#include "libtal/base/settings.h"
#include "libtal/nn/backbones/c3d.h"
#include "libtal/nn/cosine_loss.h"
#include "libtal/nn/pyramid.h"

namespace tal {

struct CmsnOptions {
  std::string input = "features";  // features: rows as they are; clips: a video's frames, through C3D
  std::string norm = "batch";      // of features: batch, or none (the paper)
  std::int64_t hidden = 512;       // channels of the CNN network
  std::int64_t lstm_hidden = 256;  // of each direction
  double dropout = 0.5;
  CosineLossOptions loss;
  // Feature Extractor Subnet, of clips: C3D's channels times `width`; the first `frozen` of its eight convolutions are
  // not trained.
  double width = 1;
  std::int64_t frozen = 2;
  // Proposal Evaluation Subnet; 0 epochs: there is none
  std::int64_t evaluation_epochs = 10;
  std::int64_t pooled_length = 8, evaluation_hidden = 2048;
};
Settings settings_of(CmsnOptions& options);

// What the Action Stage Subnet says of a window; T' = T for features, T / 8 for clips (the scale s_c of the Feature
// Extractor Subnet, C3D).
struct ActionStageOutputs {
  torch::Tensor cnn;      // [B, T', F], also the input of the evaluation subnet
  torch::Tensor h;        // [B, T', 2H]
  torch::Tensor outputs;  // [B, T', 6]: cosines, or logits of softmax
};

// Action Stage Subnet (3.1, 5.1): for base features of C3D two 3x3x3 convolutions and the maximum over space, else one
// convolution of kernel 3; a 2-layer BiLSTM; the classification layer over stages.
struct ActionStageSubnetImpl : torch::nn::Module {
  ActionStageSubnetImpl(std::int64_t channels, bool spatial, const CmsnOptions& options);
  ActionStageOutputs forward(const torch::Tensor& base);  // [B, C, T] or [B, C, T, H, W]
  torch::Tensor cnn(const torch::Tensor& base);           // -> [B, T, F]

  torch::nn::Conv1d conv{nullptr};  // "conv1"
  torch::nn::Conv3d conv1{nullptr}, conv2{nullptr};
  torch::nn::LSTM lstm{nullptr};
  torch::nn::Dropout dropout{nullptr};
  ActionStageClassifier classifier{nullptr};
};
TORCH_MODULE(ActionStageSubnet);

// Proposal Evaluation Subnet (3.3): RoI pooling, two fully connected layers, one IoU score.
struct EvaluationSubnetImpl : torch::nn::Module {
  EvaluationSubnetImpl(std::int64_t channels, std::int64_t pooled_length, std::int64_t hidden1, std::int64_t hidden2,
                       double dropout);
  torch::Tensor pool(const torch::Tensor& f, std::span<const RowRange> rois) const;  // [T, C] -> [M, C, P]
  torch::Tensor forward(const torch::Tensor& pooled);                                // [M, C, P] -> score [M] in (0, 1)

  torch::nn::Linear fc1{nullptr}, fc2{nullptr}, fc3{nullptr};
  torch::nn::Dropout dropout{nullptr};

 private:
  std::int64_t pooled_length_;
};
TORCH_MODULE(EvaluationSubnet);
torch::Tensor evaluation_loss(const torch::Tensor& score, const torch::Tensor& iou);  // mean smooth-L1

struct CmsnImpl : torch::nn::Module {
  CmsnImpl(std::int64_t row_dim, const CmsnOptions& options);  // row_dim: C of features
  // Windows of features [B, C, T], or of frames [B, 3, T, H, W] (RGB in 0..255) -> stages, or only the CNN's features
  // [B, T', F].
  ActionStageOutputs stages_of(const torch::Tensor& windows);
  torch::Tensor cnn_of(const torch::Tensor& windows);

  torch::nn::BatchNorm1d norm{nullptr};
  C3d extractor{nullptr};
  ActionStageSubnet stages{nullptr};
  EvaluationSubnet evaluation{nullptr};

 private:
  torch::Tensor base_features(const torch::Tensor& windows);
  torch::Tensor mean_;  // of C3D's pixels, [3, 1, 1, 1]
};
TORCH_MODULE(Cmsn);

}  // namespace tal
