// Runs of equal labels, a label a frame or sample, as segments.
#pragma once

#include <string>
#include <vector>

namespace tal {

class LabelRuns {
 public:
  // background: labels whose frames are in no segment; so are those of an empty label.
  explicit LabelRuns(std::vector<std::string> background) : background_(std::move(background)) {}
  void add(const std::string& label);
  std::size_t size() const { return size_; }
  bool has(const std::string& label) const;
  // The items of `annotations` or `proposals`: [first, end) of each run in units of 1 / rate seconds, from `first` on.
  void append_segments(double rate, std::string& list, double first = 0) const;

 private:
  struct Run {
    std::size_t begin, end;
    std::string label;
  };
  std::vector<std::string> background_;
  std::vector<Run> runs_;
  std::size_t size_ = 0;
};

// UsageError for a --background that is no label of the runs but several of them, which blanks or commas join.
void check_background(const std::vector<std::string>& background, const std::vector<const LabelRuns*>& runs);

}  // namespace tal
