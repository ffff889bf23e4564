// Networks in ONNX through OpenCV's DNN module: --encoder onnx[@LAYER]:FILE.
#pragma once

#include <memory>

#include "libtal/encoder/encoder.h"

namespace tal {

// The network takes the pictures or sound that FILE.json describes (libtal/encoder/recipe_file.h), one input at a time,
// and gives [1, C] or [1, C, ...] whose further axes are averaged; LAYER: the output of that node instead of the last.
// UsageError for another device than the processor, an unknown layer, or an OpenCV without DNN; Error for a file that
// OpenCV cannot read or run.
std::unique_ptr<Encoder> make_onnx_encoder(const EncoderSpec& spec, const EncoderOptions& options);

}  // namespace tal
