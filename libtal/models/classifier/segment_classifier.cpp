#include "libtal/models/classifier/segment_classifier.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/row_range.h"
#include "libtal/nn/shapes.h"

namespace tal {

Settings settings_of(SegmentClassifierOptions& o) {
  Settings s;
  s.add("levels", &o.levels, "Parts of each level of the temporal pyramid").between(1, 1000).count(1, 16);
  s.add("context", &o.context, "Context on each side, in lengths of the segment (0: none)").between(0, 100);
  s.add("pooling", &o.pooling, "How a part's rows become one vector", {"mean", "max", "mean-max"});
  s.add("length", &o.length, "The logarithm of the length as one more input");
  s.add("norm", &o.norm, "Normalisation of the description", {"batch", "none"});
  s.add("hidden", &o.hidden, "Units of both hidden layers").between(1, 65536);
  s.add("dropout", &o.dropout, "Dropout before each linear layer").at_least(0).below(1);
  s.add("jitter", &o.jitter, "Ends of positives are moved by up to this many lengths").at_least(0).below(0.5);
  s.add("background", &o.background, "Segments below this tIoU with every ground truth are background")
      .above(0)
      .below(1)
      .without("negatives", {"0"});
  s.add("positives", &o.positives, "Positives per ground truth and epoch").between(1, 1e6);
  s.add("negatives", &o.negatives, "Background segments per ground truth and epoch").between(0, 1e6);
  return s;
}

namespace {

// Of a part of a segment, at least one row and all inside the sequence.
RowRange rows_in(double start, double end, std::int64_t rows) {
  RowRange part{static_cast<std::int64_t>(std::ceil(start - 0.5)), static_cast<std::int64_t>(std::ceil(end - 0.5))};
  if (part.count() < 1) {
    part.first = static_cast<std::int64_t>(std::floor((start + end) / 2));
    part.end = part.first + 1;
  }
  return {std::clamp<std::int64_t>(part.first, 0, rows - 1), std::clamp<std::int64_t>(part.end, 1, rows)};
}

std::int64_t parts_of(const SegmentClassifierOptions& o) {
  std::int64_t parts = o.context > 0 ? 2 : 0;
  for (const auto level : o.levels) parts += level;
  return parts;
}

}  // namespace

std::int64_t description_size(std::int64_t dim, const SegmentClassifierOptions& o) {
  return parts_of(o) * dim * (o.pooling == "mean-max" ? 2 : 1) + (o.length ? 1 : 0);
}

torch::Tensor describe_segments(const torch::Tensor& x, const std::vector<Segment>& segments,
                                const SegmentClassifierOptions& o) {
  check_shape(x, {kAny, kAny}, "segment classifier: rows [T, C]");
  const std::int64_t rows = x.size(0), dim = x.size(1), count = static_cast<std::int64_t>(segments.size());
  if (rows == 0) throw Error("no feature rows");
  const auto input = x.contiguous();
  const float* row = input.data_ptr<float>();
  const bool mean = o.pooling != "max", max = o.pooling != "mean";
  std::vector<double> sums;  // [T + 1, C]
  if (mean) {
    sums.assign(static_cast<std::size_t>((rows + 1) * dim), 0);
    for (std::int64_t t = 0; t < rows; ++t)
      for (std::int64_t c = 0; c < dim; ++c)
        sums[static_cast<std::size_t>((t + 1) * dim + c)] =
            sums[static_cast<std::size_t>(t * dim + c)] + row[t * dim + c];
  }
  torch::Tensor out = torch::empty({count, description_size(dim, o)});
  float* write = out.data_ptr<float>();
  const auto part = [&](double start, double end) {
    const RowRange range = rows_in(start, end, rows);
    if (mean)
      for (std::int64_t c = 0; c < dim; ++c)
        *write++ = static_cast<float>((sums[static_cast<std::size_t>(range.end * dim + c)] -
                                       sums[static_cast<std::size_t>(range.first * dim + c)]) /
                                      static_cast<double>(range.count()));
    if (max) {
      std::copy_n(row + range.first * dim, dim, write);
      for (std::int64_t t = range.first + 1; t < range.end; ++t)
        for (std::int64_t c = 0; c < dim; ++c) write[c] = std::max(write[c], row[t * dim + c]);
      write += dim;
    }
  };
  for (const auto& segment : segments) {
    const double length = segment.length();
    for (const auto level : o.levels)
      for (std::int64_t k = 0; k < level; ++k)
        part(segment.start + length * static_cast<double>(k) / static_cast<double>(level),
             segment.start + length * static_cast<double>(k + 1) / static_cast<double>(level));
    if (o.context > 0) {
      part(segment.start - o.context * length, segment.start);
      part(segment.end, segment.end + o.context * length);
    }
    if (o.length) *write++ = static_cast<float>(std::log(std::max(length, 0.5)));
  }
  return out;
}

SegmentClassifierImpl::SegmentClassifierImpl(std::int64_t inputs, std::int64_t classes,
                                             const SegmentClassifierOptions& o) {
  if (o.norm == "batch") norm = register_module("norm", torch::nn::BatchNorm1d(inputs));
  fc1 = register_module("fc1", torch::nn::Linear(inputs, o.hidden));
  fc2 = register_module("fc2", torch::nn::Linear(o.hidden, o.hidden));
  fc3 = register_module("fc3", torch::nn::Linear(o.hidden, classes + 1));
  dropout = register_module("dropout", torch::nn::Dropout(o.dropout));
}

torch::Tensor SegmentClassifierImpl::forward(torch::Tensor x) {
  check_shape(x, {kAny, fc1->options.in_features()}, "segment classifier: descriptions [N, P]");
  x = torch::relu(fc1(dropout(norm ? norm(x) : x)));
  x = torch::relu(fc2(dropout(x)));
  return fc3(dropout(x));
}

}  // namespace tal
