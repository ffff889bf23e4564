// Records as training data: annotations, durations and proposals in memory, features and frames in their files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtal/models/core/joined_rows.h"
#include "libtal/models/core/model.h"

namespace tal {

struct RecordSetOptions {
  std::vector<std::string> streams;  // feature streams side by side; empty: all of the first record, in its order
  std::vector<std::string> classes;  // labels in class order; empty: those of the annotations, sorted
  std::string subset;                // only records of this subset; "": all
  bool standardize = false;          // every column to mean 0 and deviation 1 over the training rows
  std::optional<FrameContract> frames = {};  // of models that see the frames of the records' `path` instead of features
  StreamFit fit = {};                        // of the model
  std::string frame_cache = {};              // folder that keeps the frames; "": temporary files
  std::shared_ptr<const FeaturePolicy> policy = {};  // for streams that are not like the first record's
  std::string first = "the first record has";        // whose the streams of the set are, in the words of its errors
};

class RecordSet : public TrainingSet {
 public:
  explicit RecordSet(RecordSetOptions options) : options_(std::move(options)) { inputs_.policy = options_.policy; }
  // Takes what training needs of a record; frames are decoded here. Error when the streams' contract is not that of the
  // first record, and for videos that cannot be decoded to their end.
  void add(const Record& record);
  // Call after the last record: fixes the classes and the columns' normalisation. Error when there is nothing to train
  // on.
  void finish();
  // The same with a model's classes and normalisation, for validation. Error when the streams are not the model's.
  void finish(const InputContract& model);
  // Columns normalised as another data set's were, x -> (x - mean) scale, instead of by options.standardize. mean,
  // scale: inputs().dim() each.
  void normalise(const std::vector<float>& mean, const std::vector<float>& scale) {
    inputs_.mean = mean, inputs_.scale = scale;
  }

  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t index) const override { return videos_[index].video; }
  torch::Tensor rows(std::size_t index, std::int64_t first, std::int64_t count) const override;
  const Frames& frames(std::size_t index) const override;
  std::uint64_t instances() const { return instances_; }
  std::uint64_t unknown_labels() const { return unknown_; }  // annotations whose label is not in a given class list
  std::uint64_t unlabelled() const { return unlabelled_; }   // annotations without a label

 private:
  struct Entry {
    Video video;
    JoinedRows features;
    std::shared_ptr<const Frames> frames;
    std::vector<std::string> labels;  // of video.truths, until finish()
  };
  void add_features(const Record& record, Entry& entry);
  void number_labels();
  void measure_columns();

  RecordSetOptions options_;
  InputContract inputs_;
  std::vector<Entry> videos_;
  std::uint64_t instances_ = 0, unknown_ = 0, unlabelled_ = 0;
};

}  // namespace tal
