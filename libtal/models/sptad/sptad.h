// SP-TAD (sparse proposals, 2021): a few learned proposals, each pooled from a temporal feature pyramid and refined
// stage by stage.
//
// Sections 3.1.2 to 3.1.4 and 3.2. Decisions where the paper is silent follow Sparse R-CNN in one dimension: box
// arithmetic, LayerNorm and ReLU after each dynamic layer, start values (proposals begin as the whole clip unless told
// otherwise), focal loss, matching cost. B clips, N proposals, d columns, S stages, K classes, G ground truths.
// Segments are fractions of the clip. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/io/frames.h"
#include "libtal/nn/attention.h"
#include "libtal/nn/backbones/i3d.h"
#include "libtal/nn/roi_align_1d.h"
#include "libtal/segment/boxes.h"

namespace tal {

struct SptadOptions {
  std::string pyramid = "inter";  // Table 5: "inter" (from all three levels), "high" (from the last alone), "single"
                                  // (the last as it is)
  std::int64_t stages = 4;        // S, Table 6
  std::int64_t proposals = 50;    // N
  std::string initial_segments = "even";  // where the learned segments begin: "even" over the clip, or "random" places
                                          // in it
  std::vector<double> initial_length = {1};    // and how long, a share of the clip; two numbers: drawn between them
                                               // (random)
  std::int64_t dim = 256;                      // d
  std::int64_t heads = 8;                      // of the self-attention
  std::int64_t roi_rows = 16, roi_points = 2;  // T', points a row
  std::int64_t hidden = 64;                    // d_h of the dynamic layers
  std::int64_t ffn = 2048;
  bool clip_head = true;       // 3.1.4, Table 7
  SetWeights weights;          // lambda_cls, lambda_L1, lambda_giou; alpha, gamma
  double activity_weight = 1;  // lambda_act
  // Feature mode: what makes the three levels of features.
  std::int64_t stem_layers = 1, stem_filters = 256;
  std::string downsample = "conv";
};
Settings settings_of(SptadOptions& options);         // of every input
Settings settings_of_levels(SptadOptions& options);  // of feature mode
// Start values of the learned segments, [N, 2] centre and length, all inside the clip (3.1.3: "any size and placed
// randomly"). kind "even": of one length, spread evenly; "random": lengths drawn between the first and the last of
// `length`, places drawn too, from LibTorch's generator.
torch::Tensor initial_segments(std::int64_t proposals, const std::string& kind, const std::vector<double>& length);
// Error when the options contradict each other.
void check(const SptadOptions& options);

// Linear layers fc1, fc2, ... with ReLU between them.
class PerceptronImpl : public torch::nn::Module {
 public:
  explicit PerceptronImpl(const std::vector<std::int64_t>& sizes);
  torch::Tensor forward(torch::Tensor x);

 private:
  std::vector<torch::nn::Linear> layers_;
};
TORCH_MODULE(Perceptron);

// 3.1.2. Three levels [B, C_k, T_k] -> the pyramid's [B, d, T], the finest first: 1 x 1 convolutions, nearest-neighbour
// top-down additions, max-pooling 2/2 for the extra level. "high": the last level and its max-poolings by 2 and 4 take
// the place of the three.
class TemporalPyramidImpl : public torch::nn::Module {
 public:
  TemporalPyramidImpl(const std::vector<std::int64_t>& channels, const std::string& kind, std::int64_t dim);
  std::vector<torch::Tensor> forward(const std::vector<torch::Tensor>& levels);

 private:
  static constexpr std::size_t kLevels = 3;
  void check_levels(const std::vector<torch::Tensor>& levels) const;

  std::string kind_;
  std::vector<torch::nn::Conv1d> lateral_;
};
TORCH_MODULE(TemporalPyramid);

// Fig. 3: each proposal feature makes two layers, d -> d_h and d_h -> d, that its own segment's rows pass through.
class DynamicInteractionImpl : public torch::nn::Module {
 public:
  DynamicInteractionImpl(std::int64_t dim, std::int64_t hidden, std::int64_t rows);
  torch::Tensor forward(const torch::Tensor& q, const torch::Tensor& rows);  // [B, N, d], [B, N, T', d] -> [B, N, d]

 private:
  std::int64_t hidden_;
  torch::nn::Linear dynamic_{nullptr}, out_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};
};
TORCH_MODULE(DynamicInteraction);

// (centre, length) [.., 2] moved by deltas [.., 2], and as (start, end).
torch::Tensor decode_segments(const torch::Tensor& segments, const torch::Tensor& deltas);
torch::Tensor segment_ends(const torch::Tensor& segments);
// Generalised IoU of (start, end) pairs [.., 2] -> [..].
torch::Tensor giou(const torch::Tensor& a, const torch::Tensor& b);

struct SptadStageOutput {
  torch::Tensor q;               // [B, N, d]
  torch::Tensor logits, deltas;  // [B, N, K], [B, N, 2]
  torch::Tensor segments;        // [B, N, 2] centre, length
};

// 3.1.3, one detection head.
class SptadStageImpl : public torch::nn::Module {
 public:
  SptadStageImpl(std::int64_t classes, const SptadOptions& options);
  SptadStageOutput forward(const torch::Tensor& q, const torch::Tensor& segments, const PyramidRows& pyramid);

 private:
  std::int64_t rows_, points_;
  AttentionUnit self_attn_{nullptr};
  DynamicInteraction interaction_{nullptr};
  torch::nn::LayerNorm norm2_{nullptr}, norm3_{nullptr};
  Perceptron ffn_{nullptr}, reg_{nullptr};
  torch::nn::Linear cls_{nullptr};
};
TORCH_MODULE(SptadStage);

struct SptadDetections {
  torch::Tensor logits;    // [S, B, N, K]
  torch::Tensor segments;  // [S, B, N, 2] start, end
};

// The learned proposals and the stacked stages; no gradient passes from a stage's segments to the stage before.
class SptadHeadImpl : public torch::nn::Module {
 public:
  SptadHeadImpl(std::int64_t classes, const SptadOptions& options);
  SptadDetections forward(const std::vector<torch::Tensor>& pyramid);  // levels [B, d, T_k]

 private:
  torch::Tensor segments_, features_;  // [N, 2] centre and length, [N, d]
  torch::nn::ModuleList stages_;
};
TORCH_MODULE(SptadHead);

// 3.1.4: mean over time (and space) of the three levels, one linear layer. Levels [B, C_k, T_k, ..] -> logits [B, K].
class ClipClassifierImpl : public torch::nn::Module {
 public:
  ClipClassifierImpl(std::int64_t channels, std::int64_t classes);
  torch::Tensor forward(const std::vector<torch::Tensor>& levels);

 private:
  torch::nn::Linear fc_{nullptr};
};
TORCH_MODULE(ClipClassifier);

// Feature mode's place of the backbone: [B, C, T] -> three levels [B, F, T / 2^k]. stem-layers convolutions (kernel 3),
// then level k + 1 is a convolution with stride 2, or the maximum of two rows, of level k. LayerNorm and ReLU follow
// each convolution. Without stem layers and with maxima the levels are the features themselves.
class FeatureLevelsImpl : public torch::nn::Module {
 public:
  FeatureLevelsImpl(std::int64_t dim, const SptadOptions& options);
  std::vector<torch::Tensor> forward(torch::Tensor x);
  std::int64_t channels() const { return channels_; }  // F

 private:
  torch::Tensor layer(std::size_t index, const torch::Tensor& x);
  void add_layer(std::int64_t out, std::int64_t stride);

  std::int64_t channels_;
  std::size_t stem_ = 0;
  std::vector<torch::nn::Conv1d> convs_;
  std::vector<torch::nn::LayerNorm> norms_;
};
TORCH_MODULE(FeatureLevels);

struct SptadOutput {
  SptadDetections detections;
  torch::Tensor clip_logits;  // [B, K]; undefined without the classification head
};

// Everything behind the backbone.
class SptadDetectorImpl : public torch::nn::Module {
 public:
  SptadDetectorImpl(const std::vector<std::int64_t>& channels, std::int64_t classes, const SptadOptions& options);
  SptadOutput forward(const std::vector<torch::Tensor>& levels);  // [B, C_k, T_k] or [B, C_k, T_k, H_k, W_k]

 private:
  TemporalPyramid pyramid_{nullptr};
  SptadHead head_{nullptr};
  ClipClassifier clip_{nullptr};
};
TORCH_MODULE(SptadDetector);

// The network as a whole, whatever it sees.
class SptadNetImpl : public torch::nn::Module {
 public:
  virtual SptadOutput forward(const torch::Tensor& x) = 0;
};

// Feature mode. x [B, C, T], T a multiple of 8.
class SptadFeatureNetImpl : public SptadNetImpl {
 public:
  SptadFeatureNetImpl(std::int64_t dim, std::int64_t classes, const SptadOptions& options);
  SptadOutput forward(const torch::Tensor& x) override { return detector_(levels_(x)); }

 private:
  FeatureLevels levels_{nullptr};
  SptadDetector detector_{nullptr};
};
TORCH_MODULE(SptadFeatureNet);

// 3.1.1: an I3D for each modality.
struct BackboneOptions {
  double width = 1;
  double lr = 1;  // times the detector's learning rate; 0: frozen (Table 4)
  double bn_momentum = 0.01;
  bool freeze_bn = false, checkpointing = false;
  std::string rgb, flow;  // files of weights to start from, or kRandomWeights; a training needs those of its modalities
};
Settings settings_of(BackboneOptions& options);
// Error (field backbone-rgb or backbone-flow) when a new network cannot be trained: nothing is said of where a
// backbone's weights come from, the file is not there, or random ones would stay as they are (lr 0).
void check_start(const BackboneOptions& options, const FrameContract& frames);

// End to end from frames. x [B, C, T, H, W] bytes as Frames gives them (RGB, flow, or RGB then flow), T a multiple
// of 16.
class SptadPixelNetImpl : public SptadNetImpl {
 public:
  SptadPixelNetImpl(const FrameContract& frames, std::int64_t classes, const SptadOptions& options,
                    const BackboneOptions& backbone);
  // Mixed_3c, 4f, 5c of both backbones, side by side. [B, C_k, T / 2^(k + 1), ceil(H / 8 / 2^k), ..]
  std::vector<torch::Tensor> levels(const torch::Tensor& x);
  SptadOutput forward(const torch::Tensor& x) override { return detector_(levels(x)); }
  void train(bool on = true) override;  // a frozen backbone stays in inference
  // "rgb" and "flow", as far as they are there.
  std::vector<std::pair<std::string, I3d>> backbones() const;
  SptadDetector detector() const { return detector_; }

 private:
  bool frozen_;
  I3d rgb_{nullptr}, flow_{nullptr};
  SptadDetector detector_{nullptr};
};
TORCH_MODULE(SptadPixelNet);

struct ClipTruths {
  torch::Tensor segments;  // [B, G, 2] start, end; rows from count on are padding
  torch::Tensor labels;    // [B, G] int64
  torch::Tensor count;     // [B] int64
};

struct SetLoss {
  torch::Tensor match;  // [S, B, G] int64, CPU: prediction of each ground truth, -1 in padding (and for more ground
                        // truths than predictions)
  torch::Tensor cost;   // [S, B, N, G] float64, CPU; 0 in padding
  torch::Tensor parts;  // [S, 3]: focal, L1, 1 - GIoU, each divided by the number matched in the batch (at least 1)
  torch::Tensor loss;   // weighted, summed over the stages
};
// Eq. (1) and (2) of every stage, each with an exact matching of its own.
SetLoss set_loss(const SptadDetections& detections, const ClipTruths& truths, const SetWeights& weights);

// 1 where a class occurs among a clip's ground truths. [B, K].
torch::Tensor clip_labels(const ClipTruths& truths, std::int64_t classes);
// Mean binary cross entropy over clips and classes.
torch::Tensor activity_loss(const torch::Tensor& clip_logits, const torch::Tensor& labels);

}  // namespace tal
