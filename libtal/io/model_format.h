// What the metadata of tal's safetensors files call themselves, under "format".
#pragma once

namespace tal {

inline constexpr const char* kModelFormat = "tal-model/1";    // one model (libtal/models/core/model_file.h)
inline constexpr const char* kBundleFormat = "tal-bundle/1";  // a pipe with its models (libtal/data/bundle.h)

}  // namespace tal
