#include "libtal/models/cmsn/cmsn.h"

#include "libtal/encoder/recipes.h"
#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"

namespace tal {

Settings settings_of(CmsnOptions& o) {
  Settings s;
  s.add("input", &o.input, "What the network sees: features, or the frames of videos, through C3D",
        {"features", "clips"});
  s.add("norm", &o.norm, "Normalisation of features", {"batch", "none"}).with("input", {"features"});
  s.add("hidden", &o.hidden, "Channels of the convolutions").between(1, 1 << 14);
  s.add("lstm-hidden", &o.lstm_hidden, "Size of the BiLSTM, each direction").between(1, 1 << 14);
  s.add("dropout", &o.dropout, "Probability").between(0, 0.99);
  s.add("loss", &o.loss.form, "Loss of the stages", {"vmcl", "lmcl", "softmax", "angular"});
  s.add("scale", &o.loss.scale, "Scale s of the cosines").between(0.01, 1000).without("loss", {"softmax"});
  s.add("margin-form", &o.loss.margin_form, "Margins: the paper's worked example, or Eq. (7) as printed",
        {"worked", "eq7"})
      .with("loss", {"vmcl", "angular"})
      .without("m", {"0"});
  s.add("m", &o.loss.m, "Growth of the margin with the distance of the stages")
      .between(0, 2)
      .with("loss", {"vmcl", "angular"});
  s.add("n", &o.loss.n, "Smallest margin").between(0, 2).with("loss", {"vmcl", "angular"});
  s.add("constant-margin", &o.loss.constant_margin, "Margin of lmcl").between(0, 2).with("loss", {"lmcl"});
  s.add("width", &o.width, "Factor of C3D's channels").between(1.0 / 64, 4).with("input", {"clips"});
  s.add("frozen", &o.frozen, "C3D's first convolutions that are not trained").between(0, 8).with("input", {"clips"});
  s.add("evaluation-epochs", &o.evaluation_epochs,
        "Epochs of the evaluation subnet, after train.epochs of the stages (0: the stages alone, for tal-propose)")
      .between(0, 1000000);
  s.add("pooled-length", &o.pooled_length, "Bins of the evaluation subnet's RoI pooling")
      .between(1, 256)
      .without("evaluation-epochs", {"0"});
  s.add("evaluation-hidden", &o.evaluation_hidden, "Size of its two fully connected layers")
      .between(1, 1 << 14)
      .without("evaluation-epochs", {"0"});
  return s;
}

ActionStageSubnetImpl::ActionStageSubnetImpl(std::int64_t channels, bool spatial, const CmsnOptions& o) {
  if (spatial) {
    conv1 = register_module("conv1", torch::nn::Conv3d(torch::nn::Conv3dOptions(channels, o.hidden, 3).padding(1)));
    conv2 = register_module("conv2", torch::nn::Conv3d(torch::nn::Conv3dOptions(o.hidden, o.hidden, 3).padding(1)));
  } else {
    conv = register_module("conv1", torch::nn::Conv1d(torch::nn::Conv1dOptions(channels, o.hidden, 3).padding(1)));
  }
  lstm = register_module("lstm", torch::nn::LSTM(torch::nn::LSTMOptions(o.hidden, o.lstm_hidden)
                                                     .num_layers(2)
                                                     .batch_first(true)
                                                     .bidirectional(true)
                                                     .dropout(o.dropout)));
  dropout = register_module("dropout", torch::nn::Dropout(o.dropout));
  classifier = register_module("classifier", ActionStageClassifier(2 * o.lstm_hidden, o.loss));
}

torch::Tensor ActionStageSubnetImpl::cnn(const torch::Tensor& base) {
  if (conv) {
    check_shape(base, {kAny, conv->options.in_channels(), at_least(1)}, "CMSN stage subnet: features [B, C, T]");
    return torch::relu(conv->forward(base)).transpose(1, 2).contiguous();
  }
  check_shape(base, {kAny, conv1->options.in_channels(), at_least(1), at_least(1), at_least(1)},
              "CMSN stage subnet: features [B, C, T, H, W]");
  const auto x = torch::relu(conv2->forward(torch::relu(conv1->forward(base))));
  return torch::amax(x, {3, 4}).transpose(1, 2).contiguous();
}

ActionStageOutputs ActionStageSubnetImpl::forward(const torch::Tensor& base) {
  ActionStageOutputs result;
  result.cnn = cnn(base);  // [B, C, T(, H, W)] -> [B, T, F]
  const OwnPrecision own;
  result.cnn = result.cnn.to(classifier->weight.scalar_type());
  result.h = std::get<0>(lstm->forward(dropout->forward(result.cnn)));  // [B, T, 2H]
  result.outputs = classifier->forward(dropout->forward(result.h));     // [B, T, 6]
  return result;
}

EvaluationSubnetImpl::EvaluationSubnetImpl(std::int64_t channels, std::int64_t pooled_length, std::int64_t hidden1,
                                           std::int64_t hidden2, double p)
    : pooled_length_(pooled_length) {
  fc1 = register_module("fc1", torch::nn::Linear(channels * pooled_length, hidden1));
  fc2 = register_module("fc2", torch::nn::Linear(hidden1, hidden2));
  fc3 = register_module("fc3", torch::nn::Linear(hidden2, 1));
  dropout = register_module("dropout", torch::nn::Dropout(p));
}

torch::Tensor EvaluationSubnetImpl::pool(const torch::Tensor& f, std::span<const RowRange> rois) const {
  return roi_max_pool(f, rois, pooled_length_);
}

torch::Tensor EvaluationSubnetImpl::forward(const torch::Tensor& pooled) {
  check_shape(pooled, {kAny, fc1->options.in_features() / pooled_length_, pooled_length_},
              "CMSN evaluation subnet: pooled features [M, C, P]");
  auto x = torch::relu(fc1->forward(pooled.flatten(1)));
  x = torch::relu(fc2->forward(dropout->forward(x)));
  return torch::sigmoid(widened(fc3->forward(dropout->forward(x)))).squeeze(1);
}

torch::Tensor evaluation_loss(const torch::Tensor& score, const torch::Tensor& iou) {
  check_same_shape(iou, score, "CMSN evaluation loss: tIoU labels [M]");
  const OwnPrecision own;
  return torch::smooth_l1_loss(widened(score), iou);
}

CmsnImpl::CmsnImpl(std::int64_t row_dim, const CmsnOptions& options) {
  const bool clips = options.input == "clips";
  if (clips) {
    extractor = register_module("extractor", C3d(options.width, options.frozen));
    mean_ = torch::tensor(find_recipe("c3d")->preprocessing.mean).view({-1, 1, 1, 1});
  } else if (options.norm == "batch") {
    norm = register_module("norm", torch::nn::BatchNorm1d(row_dim));
  }
  stages = register_module("stages", ActionStageSubnet(clips ? extractor->channels() : row_dim, clips, options));
  if (options.evaluation_epochs > 0)
    evaluation =
        register_module("evaluation", EvaluationSubnet(options.hidden, options.pooled_length, options.evaluation_hidden,
                                                       options.evaluation_hidden, options.dropout));
}

torch::Tensor CmsnImpl::base_features(const torch::Tensor& windows) {
  if (extractor) {
    check_shape(windows, {kAny, 3, multiple_of(C3dImpl::kTimeScale), at_least(16), at_least(16)},
                "CMSN: windows of frames [B, 3, T, H, W]");
    const auto type = stages->classifier->weight.scalar_type();
    return extractor->forward(windows.to(type) - mean_.to(windows.device(), type));  // [B, 3, T, H, W] -> [B, 512, T/8,
                                                                                     // H/16, W/16]
  }
  check_shape(windows, {kAny, stages->conv->options.in_channels(), at_least(1)}, "CMSN: windows of features [B, C, T]");
  return norm ? norm->forward(windows) : windows;
}

ActionStageOutputs CmsnImpl::stages_of(const torch::Tensor& windows) { return stages->forward(base_features(windows)); }

torch::Tensor CmsnImpl::cnn_of(const torch::Tensor& windows) { return stages->cnn(base_features(windows)); }

}  // namespace tal
