// Encoders by name.
#pragma once

#include <memory>
#include <string>

#include "libtal/encoder/encoder.h"

namespace tal {

// `spec`: NAME[@LAYER][:WEIGHTS], onnx[@LAYER]:FILE or torchscript:FILE. UsageError for unknown names or layers,
// weights where there are none or that are missing, networks in a build without LibTorch, or flow that this build
// lacks; Error for weights that do not fit. hog-hof: 4 x 4 cells x 8 unsigned gradient orientations (share of the
// frame's gradient magnitude), 2 x 2 cells x 8 signed flow directions (mean flow magnitude per pixel of the cell in
// that direction) and `motion` (mean flow magnitude), each averaged over the window. Lengths are in per cent of the
// frame's shorter side per sampled frame.
std::unique_ptr<Encoder> make_encoder(const std::string& spec, const EncoderOptions& options);

std::unique_ptr<Encoder> make_hog_hof(const EncoderOptions& options);

}  // namespace tal
