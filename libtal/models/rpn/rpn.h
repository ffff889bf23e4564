// Region proposal network with recurrent attention and unit-level clues.
// J. Vis. Commun. Image R., online 29 Nov 2022; sections and equations below are the paper's, the figure followed is
// Fig. 1.
//
//   features -> l2-normalise -> anchor rows [N, L]     -> backbone -> BiLSTM -> attention --+-> segment score p,
//   offsets (M_S)
//                            -> vicinity rows [N, L^]  -> backbone -> BiLSTM -> attention --+
//                                                            |           +- path A --+
//                                                            +---------- path B -----+-----> unit scores (M_U)
//
// Departures and decisions where the paper is silent (D):
// - The "max-pooling layer" that joins the backbone's three branches (Fig. 2) is an element-wise maximum, followed by
// ReLU (D). The
//   single convolution of the "2" variants has kernel 3 (D).
// - Widths that the paper does not give (D): backbone 512, unit branches 128, heads 512 and 256.
// - Multi-head attention has learned projections; Eq. (2) to the letter is an option.
// - KL loss and learned task weights (MTL) together have no lower bound as printed: a negative loss times e^-s. s of
// the regression is kept
//   at -5 or above (D).
// - The features are never resampled: libtal/nn/interval_rows.h. `direct` computes the plain form.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/nn/attention.h"
#include "libtal/nn/bilstm.h"
#include "libtal/nn/interval_rows.h"

namespace tal {

struct RpnOptions {
  // Network (3.3 - 3.5). "A"/"B": where the unit module reads; "2": single convolution before the anchor BiLSTM.
  std::string variant = "B2";
  bool shared = false;                          // one backbone for anchors and vicinities
  std::string vicinity_backbone = "inception";  // or "single": one convolution before the vicinity BiLSTM too (end
                                                // of 4.3.1)
  std::int64_t anchor_rows = 14;                // L
  std::int64_t vicinity_rows = 42;              // L^
  std::int64_t width = 512;                     // backbone channels
  std::int64_t hidden = 384;                    // LSTM units a direction
  std::string recurrence = "bilstm";            // or "none" (Table 4)
  std::string attention = "soft";               // "multi-head" or "none" (Table 4)
  std::int64_t attention_units = 1;             // * and ** of Table 1
  std::int64_t heads = 8;
  bool projected = true;                                 // multi-head with learned projections
  std::vector<std::int64_t> head_widths{512, 256};       // hidden layers of the score and offset heads
  std::int64_t variance_width = 256;                     // hidden layer before the location and variance layers (KL)
  bool unit = true;                                      // unit module (Table 4)
  std::vector<std::int64_t> unit_widths{128, 128, 128};  // 1x1 branch; 1x1 and 1x5 of the other branch
  // Losses (3.6).
  std::string regression = "smooth-l1";  // or "kl"
  std::string weighting = "sum";         // or "mtl"
  double gamma = 0.25;                   // focusing parameter of Eq. (4)

  bool inception_anchors() const { return variant == "A" || variant == "B"; }
  bool inception_vicinities() const { return vicinity_backbone == "inception"; }
  bool path_a() const { return variant == "A" || variant == "A2"; }
  bool kl() const { return regression == "kl"; }
  // Error with the setting as field when the values contradict each other.
  void check() const;
};
Settings settings_of(RpnOptions& options);

// Three convolutions in parallel joined by the maximum, or one; ReLU (3.3, Fig. 2).
class RpnBackboneImpl : public torch::nn::Module {
 public:
  RpnBackboneImpl(std::int64_t channels, std::int64_t width, bool inception);
  std::vector<std::int64_t> kernels() const;
  torch::Tensor forward(const torch::Tensor& rows);  // direct: [N, C, L] -> [N, D, L]
  SharedRows forward(const torch::Tensor& sources, const IntervalPlan& plan);

 private:
  std::vector<torch::nn::Conv1d> convs_;
};
TORCH_MODULE(RpnBackbone);

// fc1, ReLU, fc2, ReLU, fc3.
class RpnHeadImpl : public torch::nn::Module {
 public:
  RpnHeadImpl(std::int64_t inputs, const std::vector<std::int64_t>& widths, std::int64_t outputs);
  torch::Tensor forward(const torch::Tensor& kappa);

 private:
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr}, fc3_{nullptr};
};
TORCH_MODULE(RpnHead);

struct RpnOffsets {
  torch::Tensor offset;  // [N, 2] ds, de
  torch::Tensor alpha;   // [N, 2] log sigma^2 of both; undefined without the KL loss
};
// The localisation head: three linear layers, with the KL loss one more each for location and variance (3.6.2).
class RpnOffsetHeadImpl : public torch::nn::Module {
 public:
  RpnOffsetHeadImpl(std::int64_t inputs, const RpnOptions& options);
  RpnOffsets forward(const torch::Tensor& kappa);

 private:
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr}, fc3_{nullptr}, loc_{nullptr}, var_{nullptr};
};
TORCH_MODULE(RpnOffsetHead);

// M_S (3.4).
struct RpnSegments {
  torch::Tensor kappa;  // [N, K]
  torch::Tensor logit;  // [N]; p(s, e) = sigmoid
  RpnOffsets offsets;
  torch::Tensor vicinity_h;  // [N, L^, 2H] BiLSTM outputs that path A reads; undefined without recurrence, or when
                             // nothing needs them
};
class RpnSegmentModuleImpl : public torch::nn::Module {
 public:
  RpnSegmentModuleImpl(std::int64_t width, const RpnOptions& options);
  // [N, L, D] and [N, L^, D] backbone rows.
  RpnSegments forward(const SharedRows& anchor, const SharedRows& vicinity);

 private:
  torch::Tensor attend(bool vicinity, const torch::Tensor& h);

  BiLstm anchor_lstm_{nullptr}, vicinity_lstm_{nullptr};
  SoftAttention soft_[2]{nullptr, nullptr};
  TokenAttention token_[2]{nullptr, nullptr};
  RpnHead score_head_{nullptr};
  RpnOffsetHead offset_head_{nullptr};
};
TORCH_MODULE(RpnSegmentModule);

// M_U (3.5, Fig. 4): 1x1 beside 1x1 and 1x5, joined, three scores a row: start, end, actionness.
class RpnUnitModuleImpl : public torch::nn::Module {
 public:
  RpnUnitModuleImpl(std::int64_t inputs, const std::vector<std::int64_t>& widths);
  torch::Tensor forward(const SharedRows& rows);  // [N, L^, D] -> logits [N, 3, L^]

 private:
  torch::nn::Conv1d conv1_{nullptr}, conv5_1_{nullptr}, conv5_5_{nullptr}, predict_{nullptr};
};
TORCH_MODULE(RpnUnitModule);

// What the network reads: normalised rows and what each anchor and vicinity needs of them.
struct RpnInput {
  torch::Tensor x;  // [T, C]
  IntervalPlan anchors, vicinities;
};
struct RpnOutput {
  RpnSegments segments;
  torch::Tensor unit_logit;               // [N, 3, L^]; undefined without the unit module
  SharedRows anchor_rows, vicinity_rows;  // backbone outputs
};

class RpnNetworkImpl : public torch::nn::Module {
 public:
  RpnNetworkImpl(std::int64_t channels, const RpnOptions& options);
  const RpnOptions& options() const { return options_; }

  // Plans for anchors (rows of the sequence, unclipped) of one sequence, rows of x; add() again for the next sequence.
  class Planner {
   public:
    Planner(const RpnOptions& options, std::int64_t total_rows);
    void add(const RowRange& sequence, const std::vector<Segment>& anchors);
    void finish(RpnInput& input);

   private:
    IntervalPlanner anchors_, vicinities_;
  };

  RpnOutput forward(const RpnInput& input);
  // The paper's form: every anchor and vicinity resampled, then convolved. One sequence; the reference of forward().
  RpnOutput direct(const torch::Tensor& x, const std::vector<Segment>& anchors);

  // Backbones only, for both forms.
  std::pair<SharedRows, SharedRows> backbones(const RpnInput& input);
  std::pair<SharedRows, SharedRows> direct_backbones(const torch::Tensor& x, const std::vector<Segment>& anchors);

  torch::Tensor log_var;  // [5] log sigma^2 of the five tasks; undefined without MTL
  // log_var as the loss uses it: with the KL loss that of the regression is at least kLowestLogVar.
  torch::Tensor task_log_var() const;
  // Puts a parameter that a step took below the bound back on it, from where its gradient can raise it again. Call
  // before every training step.
  void bound_log_var();
  static constexpr double kLowestLogVar = -5;

 private:
  RpnOutput modules(const SharedRows& anchor, const SharedRows& vicinity);

  RpnOptions options_;
  RpnBackbone anchor_backbone_{nullptr}, vicinity_backbone_{nullptr};
  RpnSegmentModule segment_{nullptr};
  RpnUnitModule unit_{nullptr};
};
TORCH_MODULE(RpnNetwork);

// ---- losses (3.6) ----

struct RpnTargets {
  torch::Tensor positive;  // [N] 0/1: p*
  torch::Tensor offset;    // [N, 2]: rpn_offset_targets; any finite value where not positive
  torch::Tensor unit;      // [N, 3, L^] 0/1
};
// Eq. (5): ((s_n - s*) / l, (e_n - e*) / l). anchors, truths [N, 2] in one unit -> [N, 2].
torch::Tensor rpn_offset_targets(const torch::Tensor& anchors, const torch::Tensor& truths);
// (s_n - ds l, e_n - de l). -> [N, 2]
torch::Tensor rpn_refine(const torch::Tensor& anchors, const torch::Tensor& offset);
// Eq. (5), (6): over positives; alpha undefined: smooth-L1.
torch::Tensor rpn_regression_loss(const RpnOffsets& offsets, const torch::Tensor& target,
                                  const torch::Tensor& positive);
// Eq. (7): start, end, actionness over all rows of the positive vicinities. -> [3]
torch::Tensor rpn_unit_losses(const torch::Tensor& logit, const torch::Tensor& label, const torch::Tensor& positive);

struct RpnLosses {
  torch::Tensor parts;  // [5] prop, reg, start, end, act ([2] without the unit module)
  torch::Tensor terms;  // [5] what each adds to the total: itself, or with MTL e^-s part + s / 2
  torch::Tensor total;  // Eq. (3)
};
RpnLosses rpn_losses(const RpnOutput& output, const RpnTargets& targets, RpnNetworkImpl& network);

}  // namespace tal
