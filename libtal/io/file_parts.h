// The parts of a safetensors file that holds several models (libtal/data/bundle.h): tensors and metadata of PART have
// names that begin with "PART/". SafeTensorsFile opens them as FILE/PART (file_part in libtal/io/file_name.h).
#pragma once

#include <string>
#include <vector>

#include "libtal/io/safetensors.h"

namespace tal {

// Those with a "format", by name.
std::vector<std::string> parts_of(const SafeTensors& content);
// One of them, its names without the beginning. Error that lists the parts when there is none.
SafeTensors part_of(const SafeTensors& content, const std::string& part);

}  // namespace tal
