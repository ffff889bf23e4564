// The one list of learned systems. Free of LibTorch, whose headers a tool that only names the systems need not compile.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace tal {
class Model;

struct ModelFactory {
  std::string name, help;
  std::unique_ptr<Model> (*make)();
};
const std::vector<ModelFactory>& model_factories();

}  // namespace tal
