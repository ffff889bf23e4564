// Encoders that are networks in LibTorch: --encoder NAME[@LAYER]:WEIGHTS.
#pragma once

#include <memory>

#include "libtal/encoder/encoder.h"

namespace tal {

// For torchscript and the names of encoder_recipes(), as EncoderOptions::networks. UsageError without weights and for
// unknown layers; Error for weights that do not fit.
std::unique_ptr<Encoder> make_network_encoder(const EncoderSpec& spec, const EncoderOptions& options);

}  // namespace tal
