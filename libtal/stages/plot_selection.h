// Which records of a stream tal-plot draws.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"

namespace tal::plot {

class Selection {
 public:
  // videos: those wanted; empty: the first `most` records (0: all).
  Selection(std::vector<std::string> videos, std::size_t most)
      : videos_(std::move(videos)), wanted_(videos_.begin(), videos_.end()), most_(most) {}

  // Whether this record is drawn; counts the others.
  bool take(const std::string& video);
  // What was left out, for the picture and the user; Error when a wanted video is not there.
  std::string remark(Tool& tool) const;

 private:
  std::vector<std::string> videos_;
  std::set<std::string> wanted_, found_;
  std::size_t most_, seen_ = 0, drawn_ = 0;
};

// Which of the drawn videos a file of truths (--gt) has: what it lacks is said, as is a file that has none of them.
class Truths {
 public:
  void see(const std::string& video, bool drawn);
  // drawn: the videos of the picture, of which those not seen are lacking.
  void tell(Tool& tool, const std::string& file, const std::vector<std::string>& drawn) const;

 private:
  std::vector<std::string> others_;
  std::set<std::string> found_;
};

}  // namespace tal::plot
