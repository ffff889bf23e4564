// Lines of records -> flat arrays, for the reader.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/eval/dataset.h"
#include "libtal/io/window.h"

namespace tal::eval {

// What one line held beside its segments.
struct ParsedLine {
  std::string video, subset;
  double duration = 0, fps = 0;  // 0: not given
  std::optional<Window> window;  // none: the whole video
  bool has_truth = false, has_predictions = false;
  std::size_t truth_end = 0, prediction_end = 0;  // in the block's lists
  std::unique_ptr<Error> error;                   // then nothing else counts
};

// Some lines on their way through a worker, and what they held; label ids are the block's own.
struct Block {
  std::string text;                                        // the lines, then kPadding bytes
  std::vector<std::pair<std::size_t, std::size_t>> lines;  // begin, size
  std::vector<std::uint64_t> numbers;                      // of the lines in their file
  std::vector<ParsedLine> parsed;
  std::vector<Truth> truths;
  std::vector<Prediction> predictions;  // video: 0
  Names labels;

  static constexpr std::size_t kPadding = 64;
  Block();
  void clear();  // keeps its memory for the next lines
  std::string_view line(std::size_t i) const { return std::string_view(text).substr(lines[i].first, lines[i].second); }
};

// One a thread.
class RecordParser {
 public:
  // truth, predictions: which of `annotations` and `proposals` to take.
  RecordParser(bool truth, bool predictions, const Reads& reads = {});
  ~RecordParser();
  // Fills block.parsed; faults of a line are in its entry.
  void parse(Block& block);

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace tal::eval
