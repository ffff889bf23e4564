#include "libtal/stages/plot_selection.h"

#include "libtal/base/text.h"

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

void Truths::see(const std::string& video, bool drawn) {
  if (drawn) found_.insert(video);
  else others_.push_back(video);
}

void Truths::tell(Tool& tool, const std::string& file, const std::vector<std::string>& drawn) const {
  constexpr std::size_t kNamed = 3;
  const auto named = [](const std::vector<std::string>& videos) {
    return "'" + joined_first(videos, kNamed, "', '") + "'";
  };
  std::vector<std::string> lacking;
  for (const auto& video : drawn)
    if (!found_.count(video)) lacking.push_back(video);
  if (lacking.empty()) return;
  const std::string of = std::to_string(lacking.size()) + " of " + std::to_string(drawn.size());
  if (!found_.empty()) return tool.note("--gt " + file + " has no record of " + of + " videos: " + named(lacking));
  tool.warn("--gt " + file + " has no record of any video that is drawn (" + named(lacking) + "), " +
            (others_.empty() ? "nor of another" : "but of others (" + named(others_) + ")") +
            ": their truth stays what --input says");
}

}  // namespace tal::plot
