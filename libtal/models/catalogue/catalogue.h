// The learned systems by name. No LibTorch, so that every tool can name them; libtal/models/all_models.cpp makes them.
#pragma once

#include <string>
#include <vector>

namespace tal {

struct CatalogueEntry {
  std::string name;  // --model
  std::string help;  // one line
};
const std::vector<CatalogueEntry>& model_catalogue();

}  // namespace tal
