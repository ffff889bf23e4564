#include "libtal/stages/plot_selection.h"

namespace tal::plot {

bool Selection::take(const std::string& video) {
  ++seen_;
  if (!wanted_.empty() && wanted_.count(video) == 0) return false;
  if (wanted_.empty() && most_ > 0 && drawn_ >= most_) return false;
  found_.insert(video);
  ++drawn_;
  return true;
}

std::string Selection::remark(Tool& tool) const {
  for (const auto& video : videos_)
    if (!found_.count(video)) throw Error("no record of this video in the input").at_video(video);
  if (seen_ == drawn_) return "";
  std::string text = std::to_string(drawn_) + " of " + std::to_string(seen_) + " records drawn" +
                     (wanted_.empty() ? " (--max-videos)" : " (--video)");
  tool.note(text);
  return text;
}

}  // namespace tal::plot
