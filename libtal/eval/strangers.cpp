#include "libtal/eval/strangers.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "libtal/base/look_alike.h"
#include "libtal/base/number.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/io/digits.h"

namespace tal::eval {
namespace {

// Names of one side, of which the other may know some under another spelling.
struct Side {
  std::vector<std::string> unknown;  // of the predictions
  std::vector<std::string> known;    // of the ground truth
  std::uint64_t used = 0;            // distinct names of the predictions
};

// What may explain the unknown names; "" when nothing tells.
std::string likely_reason(const Side& side, bool videos) {
  if (auto reason = Spellings(side.known, videos).reason(side.unknown); !reason.empty()) return reason;
  if (!videos && is_digits(side.unknown.front()) && !is_digits(side.known.front()))
    return "; numbers of classes need their names (tal-convert --classes)";
  return "";
}

// "'a', 'b', 'c', ..."
std::string examples(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> quoted;
  for (std::size_t i = 0; i < std::min(names.size(), kMost + 1); ++i) quoted.push_back("'" + names[i] + "'");
  return joined_first(quoted, kMost);
}

void tell(const Side& side, bool videos, const std::string& stream, Strangers& out) {
  if (side.unknown.empty() || side.known.empty()) return;
  const std::string kind = videos ? "video" : "label";
  if (side.unknown.size() == side.used) {
    out.warnings.push_back("no " + kind + " of the detections in " + stream +
                           " is in the ground truth: " + examples(side.unknown) + " here, " + examples(side.known) +
                           " there" + likely_reason(side, videos));
    return;
  }
  out.notes.push_back(std::to_string(side.unknown.size()) + " of " + std::to_string(side.used) + " " + kind +
                      "s of the detections in " + stream + (side.unknown.size() == 1 ? " is" : " are") +
                      " not in the ground truth, such as '" + side.unknown.front() + "'" + likely_reason(side, videos));
}

Side videos_of(const Dataset& data) {
  Side side;
  for (const auto id : data.truth_order) side.known.push_back(data.video_names.text(id));
  for (std::uint32_t id = 0; id < data.videos.size(); ++id) {
    if (data.predictions_of(id).empty()) continue;
    ++side.used;
    if (!data.videos[id].in_truth) side.unknown.push_back(data.video_names.text(id));
  }
  return side;
}

Side labels_of(const Dataset& data) {
  Side side;
  std::vector<char> known(data.labels.size()), used(data.labels.size());
  for (const auto& truth : data.truths) known[truth.label] = 1;
  for (const auto& prediction : data.predictions) used[prediction.label] = 1;
  for (std::uint32_t label = kNoLabel + 1; label < data.labels.size(); ++label) {
    if (known[label] && label != kAmbiguous) side.known.push_back(data.labels.text(label));
    side.used += used[label] != 0;
    if (used[label] && !known[label]) side.unknown.push_back(data.labels.text(label));
  }
  return side;
}

constexpr double kDurationRounding = 1e-3;  // seconds

void find_behind(const Dataset& data, const std::string& stream, Strangers& out) {
  std::uint64_t count = 0;
  std::string first;
  for (std::uint32_t id = 0; id < data.videos.size(); ++id) {
    const Video& video = data.videos[id];
    if (!video.in_truth || !(video.duration > 0)) continue;
    for (const auto index : data.predictions_of(id)) {
      const Segment& s = data.predictions[index].segment;
      if (s.start < video.duration || s.end <= video.duration + kDurationRounding || count++ > 0) continue;
      first = "video '" + data.video_names.text(id) + "': " + format_number(s.start) + " to " + format_number(s.end) +
              " s of " + format_number(video.duration) + " s";
    }
  }
  if (count > 0)
    out.warnings.push_back(std::to_string(count) +
                           (count == 1 ? " detection in " + stream + " lies wholly behind its video's end ("
                                       : " detections in " + stream + " lie wholly behind their videos' ends (") +
                           first + ")");
}

// Of the ground truth: what the predictions call otherwise is a stranger.
void find_look_alikes(const Dataset& data, bool labels, Strangers& out) {
  LookAlikes videos, classes;
  for (const auto id : data.truth_order) videos.see(data.video_names.text(id));
  std::vector<char> seen(data.labels.size());
  for (const auto& truth : data.truths)
    if (labels && truth.label != kAmbiguous && truth.label != kNoLabel && !std::exchange(seen[truth.label], 1))
      classes.see(data.labels.text(truth.label));
  for (const auto& line : {videos.text("videos of the ground truth"), classes.text("labels of the ground truth")})
    if (!line.empty()) out.notes.push_back(line);
}

}  // namespace

Strangers strangers(const Dataset& data, const std::string& stream, bool labels) {
  Strangers out;
  tell(videos_of(data), true, stream, out);
  if (labels) tell(labels_of(data), false, stream, out);
  find_behind(data, stream, out);
  find_look_alikes(data, labels, out);
  return out;
}

}  // namespace tal::eval
