#include "libtal/nn/panel_product.h"

#include <torch/torch.h>

namespace tal {

at::Tensor panels_of(const at::Tensor& matrix) {
  const std::int64_t depth = matrix.size(0), columns = matrix.size(1), panels = whole_vectors(columns) / kWidth;
  auto padded = at::zeros({depth, panels * kWidth}, matrix.options());
  padded.narrow(1, 0, columns).copy_(matrix);
  return padded.view({depth, panels, kWidth}).transpose(0, 1).contiguous();
}

}  // namespace tal
