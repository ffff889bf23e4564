// ETP's Localization Network (3.3): structured temporal pyramid pooling of SSN, a non-local block before the last
// layer, and three heads: class, completeness and location.
//
// Departures: the block runs over the five pooled parts of a proposal; all heads read the flattened parts; the location
// is class-agnostic, as one (c, s) for all classes; background is the last column. The features come from files and are
// not trained with the network, so that their scale has to be settled here (`norm`). Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <string>

#include "libtal/base/settings.h"
#include "libtal/nn/non_local.h"
#include "libtal/nn/pyramid.h"

namespace tal {

struct EtpLnOptions {
  std::string norm = "batch";      // of the pooled features: batch, or none (the paper's features are trained with the
                                   // network)
  bool non_local = true;           // off: plain structured temporal pyramid (Fig. 6)
  std::int64_t non_local_dim = 0;  // C'; 0: C / 2
  double dropout = 0;              // of the pooled parts; the paper names none
  double comp_weight = 0.1;        // alpha of Eq. (9)
  double loc_weight = 0.1;         // beta
  std::string fusion = "late";     // several streams: a network each whose scores are fused (late, the paper's RGB +
                                   // flow), or one network over all columns (early)
};
Settings settings_of(EtpLnOptions& options);

struct EtpLnOutputs {
  torch::Tensor cls;   // [M, K + 1] logits, background last
  torch::Tensor comp;  // [M, K] completeness
  torch::Tensor reg;   // [M, 2] (c, s)
};

struct EtpLnImpl : torch::nn::Module {
  EtpLnImpl(std::int64_t channels, std::int64_t classes, const EtpLnOptions& options);
  torch::Tensor pyramid(const torch::Tensor& pooled);  // [M, 5, C] of pyramid_pool -> (normalised) non-local pyramid
                                                       // [M, 5, C]
  EtpLnOutputs forward(const torch::Tensor& pooled);
  // All proposals of a video in one pass, x [T, C], segments in rows. Equal to forward(pyramid_pool(x, segments)),
  // re-associated: what is linear (theta, phi, g, the heads) is applied to the T rows before they are pooled by prefix
  // sums, and the block's last convolution is folded into the heads. Inference only.
  EtpLnOutputs score(const torch::Tensor& x, std::span<const Segment> segments);

  torch::nn::BatchNorm1d norm{nullptr};
  NonLocal non_local{nullptr};
  torch::nn::Linear cls{nullptr}, comp{nullptr}, reg{nullptr};
  torch::nn::Dropout dropout{nullptr};

 private:
  std::int64_t channels_;
};
TORCH_MODULE(EtpLn);

// s_k = p_k exp(s_comp): softmax over K + 1 columns, background dropped. [M, K], double: completeness has no bound, and
// exp(89) is no float.
torch::Tensor ranking_scores(const EtpLnOutputs& outputs);

}  // namespace tal
