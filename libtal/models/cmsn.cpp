#include "libtal/models/cmsn.h"

#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <cmath>

#include "libtal/nn/device.h"

namespace tal {

Settings settings_of(CmsnOptions& o) {
  Settings s;
  s.add("norm", &o.norm, "Normalisation of features", {"batch", "none"});
  s.add("input", &o.input, "What a row is: features, or clips (a frame of 3 x height x width values, through C3D)", {"features", "clips"});
  s.add("hidden", &o.hidden, "Channels of the convolutions");
  s.add("lstm-hidden", &o.lstm_hidden, "Size of the BiLSTM, each direction");
  s.add("dropout", &o.dropout, "Probability");
  s.add("loss", &o.loss.form, "Loss of the stages", {"vmcl", "lmcl", "softmax", "angular"});
  s.add("margin-form", &o.loss.margin_form, "Margins of vmcl and angular: the paper's worked example, or Eq. (7) as printed", {"worked", "eq7"});
  s.add("scale", &o.loss.scale, "Scale s of the cosines");
  s.add("m", &o.loss.m, "Growth of the margin with the distance of the stages");
  s.add("n", &o.loss.n, "Smallest margin");
  s.add("constant-margin", &o.loss.constant_margin, "Margin of lmcl");
  s.add("width", &o.width, "Factor of C3D's channels");
  s.add("frozen", &o.frozen, "C3D's first convolutions that are not trained, 0 to 8");
  s.add("frame-height", &o.frame_height, "Pixels, of clips");
  s.add("frame-width", &o.frame_width, "Pixels, of clips");
  s.add("pooled-length", &o.pooled_length, "Bins of the evaluation subnet's RoI pooling");
  s.add("evaluation-hidden", &o.evaluation_hidden, "Size of its two fully connected layers");
  return s;
}

C3dImpl::C3dImpl(double width, std::int64_t frozen) {
  static constexpr struct { const char* name; std::int64_t channels; } kLayers[] = {
      {"conv1a", 64}, {"conv2a", 128}, {"conv3a", 256}, {"conv3b", 256}, {"conv4a", 512}, {"conv4b", 512}, {"conv5a", 512}, {"conv5b", 512}};
  channels_ = 3;
  for (const auto& layer : kLayers) {
    const auto next = std::max<std::int64_t>(1, std::llround(width * static_cast<double>(layer.channels)));
    auto convolution = register_module(layer.name, torch::nn::Conv3d(torch::nn::Conv3dOptions(channels_, next, 3).padding(1)));
    if (static_cast<std::int64_t>(convolutions_.size()) < frozen)
      for (auto& parameter : convolution->parameters()) parameter.requires_grad_(false);
    convolutions_.push_back(convolution);
    channels_ = next;
  }
}

torch::Tensor C3dImpl::forward(torch::Tensor x) {
  TORCH_CHECK(x.dim() == 5 && x.size(1) == 3 && x.size(2) % kTimeScale == 0, "clips must be [B, 3, T, H, W], T a multiple of 8, not ", x.sizes());
  x = x.contiguous(torch::MemoryFormat::ChannelsLast3d);
  const auto conv = [&](std::size_t k) {
    const auto &weight = convolutions_[k]->weight, &bias = convolutions_[k]->bias;
    if (torch::autograd::compute_requires_grad(x, weight)) x = torch::relu(convolutions_[k]->forward(x));
    else x = (*fixed_[k].get({weight, bias}, [&] { return FixedConvolution(weight, bias, {1, 1, 1}, {1, 1, 1}); }))(x, {.relu = true});
  };
  const auto pool = [&](std::int64_t time) { x = torch::max_pool3d(x, {time, 2, 2}); };
  conv(0), pool(1);           // [B, 64, T, H/2, W/2]
  conv(1), pool(2);           // [B, 128, T/2, H/4, W/4]
  conv(2), conv(3), pool(2);  // [B, 256, T/4, H/8, W/8]
  conv(4), conv(5), pool(2);  // [B, 512, T/8, H/16, W/16]
  conv(6), conv(7);
  return x;
}

StageSubnetImpl::StageSubnetImpl(std::int64_t channels, bool spatial, const CmsnOptions& o) {
  if (spatial) {
    conv1 = register_module("conv1", torch::nn::Conv3d(torch::nn::Conv3dOptions(channels, o.hidden, 3).padding(1)));
    conv2 = register_module("conv2", torch::nn::Conv3d(torch::nn::Conv3dOptions(o.hidden, o.hidden, 3).padding(1)));
  } else {
    conv = register_module("conv1", torch::nn::Conv1d(torch::nn::Conv1dOptions(channels, o.hidden, 3).padding(1)));
  }
  lstm = register_module("lstm", torch::nn::LSTM(torch::nn::LSTMOptions(o.hidden, o.lstm_hidden).num_layers(2).batch_first(true).bidirectional(true).dropout(o.dropout)));
  dropout = register_module("dropout", torch::nn::Dropout(o.dropout));
  classifier = register_module("classifier", StageClassifier(2 * o.lstm_hidden, o.loss));
}

torch::Tensor StageSubnetImpl::cnn(const torch::Tensor& base) {
  if (conv) return torch::relu(conv->forward(base)).transpose(1, 2).contiguous();
  const auto x = torch::relu(conv2->forward(torch::relu(conv1->forward(base))));
  return torch::amax(x, {3, 4}).transpose(1, 2).contiguous();
}

StageOutputs StageSubnetImpl::forward(const torch::Tensor& base) {
  StageOutputs result;
  result.cnn = cnn(base);                                                      // [B, C, T(, H, W)] -> [B, T, F]
  const OwnPrecision own;
  result.cnn = result.cnn.to(classifier->weight.scalar_type());
  result.h = std::get<0>(lstm->forward(dropout->forward(result.cnn)));         // [B, T, 2H]
  result.outputs = classifier->forward(dropout->forward(result.h));            // [B, T, 6]
  return result;
}

EvaluationSubnetImpl::EvaluationSubnetImpl(std::int64_t channels, std::int64_t pooled_length, std::int64_t hidden1, std::int64_t hidden2, double p)
    : pooled_length_(pooled_length) {
  fc1 = register_module("fc1", torch::nn::Linear(channels * pooled_length, hidden1));
  fc2 = register_module("fc2", torch::nn::Linear(hidden1, hidden2));
  fc3 = register_module("fc3", torch::nn::Linear(hidden2, 1));
  dropout = register_module("dropout", torch::nn::Dropout(p));
}

torch::Tensor EvaluationSubnetImpl::pool(const torch::Tensor& f, std::span<const RowRange> rois) const { return roi_max_pool(f, rois, pooled_length_); }

torch::Tensor EvaluationSubnetImpl::forward(const torch::Tensor& pooled) {
  auto x = torch::relu(fc1->forward(pooled.flatten(1)));
  x = torch::relu(fc2->forward(dropout->forward(x)));
  return torch::sigmoid(fc3->forward(dropout->forward(x))).squeeze(1);
}

torch::Tensor evaluation_loss(const torch::Tensor& score, const torch::Tensor& iou) { return torch::smooth_l1_loss(score, iou); }

CmsnImpl::CmsnImpl(std::int64_t row_dim, const CmsnOptions& options) : options_(options) {
  const bool clips = options.input == "clips";
  if (!clips && options.norm == "batch") norm = register_module("norm", torch::nn::BatchNorm1d(row_dim));
  if (clips) extractor = register_module("extractor", C3d(options.width, options.frozen));
  stages = register_module("stages", StageSubnet(clips ? extractor->channels() : row_dim, clips, options));
  evaluation = register_module("evaluation", EvaluationSubnet(options.hidden, options.pooled_length, options.evaluation_hidden,
                                                              options.evaluation_hidden, options.dropout));
}

torch::Tensor CmsnImpl::base_features(const torch::Tensor& rows) {
  TORCH_CHECK(rows.dim() == 3, "rows must be [B, T, C], not ", rows.sizes());
  if (!extractor) return norm ? norm->forward(rows.transpose(1, 2)) : rows.transpose(1, 2);
  const auto clips = rows.view({rows.size(0), rows.size(1), 3, options_.frame_height, options_.frame_width}).transpose(1, 2);
  return extractor->forward(clips.contiguous());
}

StageOutputs CmsnImpl::stages_of(const torch::Tensor& rows) {
  return stages->forward(base_features(rows));
}

torch::Tensor CmsnImpl::cnn_of(const torch::Tensor& rows) { return stages->cnn(base_features(rows)); }

}  // namespace tal
