// Class scores of segments: what turns class-agnostic proposals into labelled detections.
//
// A segment is described by the means (and maxima) of its rows in a temporal pyramid - whole, halves, quarters - and of
// its context before and after, as in Zhao et al., "Temporal Action Detection with Structured Segment Networks" (ICCV
// 2017), 3.2; a perceptron with two hidden layers gives K classes and background. No paper's network: the plain
// baseline. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/segment.h"
#include "libtal/base/settings.h"

namespace tal {

struct SegmentClassifierOptions {
  std::vector<std::int64_t> levels = {1, 2, 4};  // parts of each pyramid level
  double context = 0.5;                          // lengths of the segment on each side; 0: none
  std::string pooling = "mean-max";
  bool length = true;  // log length in rows as one more input
  std::string norm = "batch";
  std::int64_t hidden = 256;
  double dropout = 0.5;
  // samples: a positive is a ground truth whose ends are moved by up to `jitter` lengths, a negative has tIoU below
  // `background`
  double jitter = 0.1, background = 0.3;
  std::int64_t positives = 2, negatives = 2;  // per ground truth and epoch
};
Settings settings_of(SegmentClassifierOptions& options);

// [T, C] rows, segments in row coordinates -> [N, P (C or 2 C) (+ 1)]. A part's rows are those whose centre lies in it,
// at least the one at its midpoint; rows outside the sequence count as the nearest row. O(T C + N P C) by prefix sums
// for the means.
torch::Tensor describe_segments(const torch::Tensor& x, const std::vector<Segment>& segments,
                                const SegmentClassifierOptions& options);
std::int64_t description_size(std::int64_t dim, const SegmentClassifierOptions& options);

struct SegmentClassifierImpl : torch::nn::Module {
  SegmentClassifierImpl(std::int64_t inputs, std::int64_t classes, const SegmentClassifierOptions& options);
  torch::Tensor forward(torch::Tensor x);  // [N, description_size] -> logits [N, K + 1], background last

  torch::nn::BatchNorm1d norm{nullptr};
  torch::nn::Linear fc1{nullptr}, fc2{nullptr}, fc3{nullptr};
  torch::nn::Dropout dropout{nullptr};
};
TORCH_MODULE(SegmentClassifier);

}  // namespace tal
