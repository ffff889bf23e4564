// Validation during training: the pipe on held-back records, from the model's stage to suppression, and the project's
// own evaluation.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/train/record_set.h"
#include "libtal/train/trainer.h"

namespace tal {

class Validation {
 public:
  // metric: auto, auc, ar100, map or loss. Keeps the records' lines in memory (not the features behind their paths).
  // Frames are decoded once, into the folder frame_cache or temporary files.
  Validation(std::string metric, std::string subset, std::string frame_cache = "")
      : metric_(std::move(metric)), subset_(std::move(subset)), frame_cache_(std::move(frame_cache)) {}
  void add(const Record& record);
  std::size_t size() const { return lines_.size(); }
  // Labelled output: {"map", mAP averaged over tIoU 0.5:0.05:0.95}; else {"auc", %}, {"ar100"}; `loss` (negative mean
  // loss) when the model's stage cannot run on these records, of the phase. The deciding metric comes first.
  // ActivityNet's protocols.
  Metrics evaluate(Model& model, const TrainOptions& options, std::uint64_t seed, std::size_t phase) const;

 private:
  // load_sequence(), but frames that were decoded once stay open.
  Sequence sequence_of(const Record& record, const InputContract& inputs) const;

  std::string metric_, subset_, frame_cache_;
  std::vector<std::string> lines_;
  std::shared_ptr<const FilePlaces> places_;                             // of their files
  mutable std::map<std::string, std::shared_ptr<const Frames>> frames_;  // by video
  bool have_proposals_ = true;
};

// The stage that the model stands for, on one record; in a phase that trains the score stage (Phase::validate_scores),
// that stage behind it.
void run_stage(Model& model, Record& record, const Sequence& sequence, std::size_t phase);

}  // namespace tal
