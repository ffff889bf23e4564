// Predictions that the ground truth cannot know: what makes a score low although the detector may be good.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/dataset.h"

namespace tal::eval {

struct Strangers {
  std::vector<std::string> warnings;  // no prediction's video or label is known; some lie behind their videos' ends
  std::vector<std::string> notes;     // some videos or labels are not; some of the ground truth look alike
};

// labels: whether classes count. stream: the predictions' source, for the messages. After Dataset::index().
Strangers strangers(const Dataset& data, const std::string& stream, bool labels);

}  // namespace tal::eval
