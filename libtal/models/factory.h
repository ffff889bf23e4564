// The one list of learned systems.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libtal/models/model.h"

namespace tal {

struct ModelFactory {
  std::string name, help;
  std::unique_ptr<Model> (*make)();
};
const std::vector<ModelFactory>& model_factories();

}  // namespace tal
