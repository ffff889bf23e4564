// TorchScript modules as encoders: --encoder torchscript:FILE.
#pragma once

#include <memory>

#include "libtal/encoder/encoder.h"

namespace tal {

// The module's forward takes one tensor, the pictures or sound that FILE.json describes (libtal/encoder/recipe_file.h),
// and gives one, [N, C] or [N, C, ...] whose further axes are averaged. Unlike weights, a module is a program, and this
// runs it. UsageError for a layer; Error for a file that is no module, or one that does not do this.
std::unique_ptr<Encoder> make_script_encoder(const EncoderSpec& spec, const EncoderOptions& options);

}  // namespace tal
