// What makes the learned systems that libtal/models/catalogue names.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace tal {
class Model;

using ModelMaker = std::unique_ptr<Model> (*)();

struct ModelFactory {
  std::string name, help;
  ModelMaker make;
};
const std::vector<ModelFactory>& model_factories();

}  // namespace tal
