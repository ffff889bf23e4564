#include "libtal/models/etp/etp_an.h"

#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"

namespace tal {

Settings settings_of(EtpAnOptions& o) {
  Settings s;
  s.add("norm", &o.norm, "Normalisation of the rows", {"batch", "none"});
  s.add("hidden", &o.hidden, "Size of the hidden layer; 0: a linear classifier").between(0, 65536);
  s.add("kernel", &o.kernel, "Rows that each layer looks at, odd; 1: every frame alone, as in the paper")
      .between(1, 9999);
  s.add("dropout", &o.dropout, "Probability").at_least(0).below(1);
  s.add("scores", &o.scores, "softmax over the classes and background, or sigmoid: each class by itself",
        {"softmax", "sigmoid"});
  return s;
}

EtpAnImpl::EtpAnImpl(std::int64_t channels, std::int64_t classes, const EtpAnOptions& o)
    : softmax_(o.scores == "softmax") {
  const auto layer = [&](std::int64_t from, std::int64_t to) {
    return torch::nn::Conv1d(torch::nn::Conv1dOptions(from, to, o.kernel).padding(o.kernel / 2));
  };
  if (o.norm == "batch") norm = register_module("norm", torch::nn::BatchNorm1d(channels));
  if (o.hidden > 0) hidden = register_module("hidden", layer(channels, o.hidden));
  dropout = register_module("dropout", torch::nn::Dropout(o.dropout));
  classifier = register_module("classifier", layer(o.hidden > 0 ? o.hidden : channels, classes + (softmax_ ? 1 : 0)));
}

torch::Tensor EtpAnImpl::forward(const torch::Tensor& rows) {
  check_shape(rows, {kAny, at_least(1), (hidden ? hidden : classifier)->options.in_channels()},
              "ETP actionness network: rows [B, T, C]");
  auto x = rows.transpose(1, 2);  // [B, C, T]
  if (norm) x = norm->forward(x);
  if (hidden) x = torch::relu(hidden->forward(x));
  return classifier->forward(dropout->forward(x)).transpose(1, 2);
}

torch::Tensor EtpAnImpl::curves(const torch::Tensor& logits) const {
  check_shape(logits, {kAxes, classifier->options.out_channels()}, "ETP actionness network: logits [..., K]");
  return softmax_ ? torch::softmax(logits, -1).narrow(-1, 0, logits.size(-1) - 1) : torch::sigmoid(logits);
}

torch::Tensor EtpAnImpl::loss(const torch::Tensor& outputs_of_rows, const torch::Tensor& truth,
                              const torch::Tensor& known) const {
  const OwnPrecision own;
  const auto logits = widened(outputs_of_rows);
  const std::int64_t outputs = classifier->options.out_channels();
  check_shape(logits, {kAny, kAny, outputs}, "ETP actionness loss: logits [B, T, K]");
  check_shape(truth, {logits.size(0), logits.size(1), softmax_ ? outputs - 1 : outputs},
              "ETP actionness loss: labels [B, T, K]");
  check_same_shape(known, logits.select(2, 0), "ETP actionness loss: rows that count [B, T]");
  torch::Tensor each;
  if (softmax_) {
    const auto label = torch::cat({truth, 1 - truth.amax(-1, true)}, -1).argmax(-1);  // background where no class is
    each = torch::cross_entropy_loss(logits.transpose(1, 2), label, {}, at::Reduction::None);
  } else {
    each = torch::binary_cross_entropy_with_logits(logits, truth, {}, {}, at::Reduction::None).sum(-1);
  }
  return (each * known).sum() / known.sum().clamp_min(1);
}

}  // namespace tal
