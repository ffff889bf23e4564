// What a training starts from instead of random weights (tal-train --init-from): another model file, as pretraining on
// one data set and fine-tuning on the next needs (BSN++ 4: HACS, then ActivityNet).
#pragma once

#include <functional>
#include <string>

#include "libtal/models/core/model.h"
#include "libtal/nn/tensors.h"

namespace tal {

class RecordSet;

class InitialWeights {
 public:
  // A model file, or any safetensors file of tensors under the network's names. Error names the path.
  explicit InitialWeights(const std::string& path);

  // The file's settings of the model and of its inference (JSON, those as "inference.NAME"; "{}" for a file of tensors
  // alone): what the run has unless it says otherwise. Error when the file is of another model.
  std::string settings(const std::string& model) const;
  // Its content's hash, and whether a part of it is enough: two runs with the same one start alike.
  std::string identity(bool partial) const;
  // The columns' normalisation that the file's network has learned with, unless the run measures its own. Error when
  // the columns are not as many.
  void normalise(RecordSet& set) const;
  // Error, unless the inputs' policy accepts, when the file's streams were made with other settings or weights.
  void check_features(const InputContract& inputs) const;
  // Copies every tensor whose name and shape the network has. What does not match, on either side: Error; with
  // `partial` a note each. Warns when the file's classes are not the run's.
  void copy_to(Model& model, bool partial, const std::function<void(const std::string&)>& note,
               const std::function<void(const std::string&)>& warn) const;

 private:
  std::string metadata(const char* key) const;

  std::string path_;
  TensorFile file_;
  std::vector<float> mean_, scale_;
};

}  // namespace tal
