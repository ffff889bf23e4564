#include "libtal/data/import_check.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/look_alike.h"
#include "libtal/base/number.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

// What published annotations and results have, and what a segment of that kind is.
const std::map<std::string, const char*>& tolerated() {
  static const std::map<std::string, const char*> kinds = {{"empty", "without length"},
                                                           {"negative", "beginning before 0"},
                                                           {"past-end", "ending behind the video's end"},
                                                           {"after-end", "behind the video's end"},
                                                           {"duplicated", "given twice"},
                                                           {"bad-label", "without a label"}};
  return kinds;
}

CheckOptions members_only(std::function<void(const std::string& label, double end)> seen) {
  CheckOptions options;
  options.no_files = options.no_videos = true;
  options.seen = std::move(seen);
  return options;
}

}  // namespace

ImportCheck::ImportCheck()
    : checker_(members_only([this](const std::string& label, double end) {
                 if (!label.empty() && labels_.insert(label).second) see_label(label);
                 last_end_ = std::max(last_end_, end);
                 ++ends_, whole_ends_ = whole_ends_ && end == std::floor(end);
               }),
               [this](const Fault& fault) { take(fault); }) {}

void ImportCheck::take(const Fault& fault) {
  const bool item = fault.field.starts_with("annotations[") || fault.field.starts_with("proposals[");
  const bool unlabelled = fault.kind != "bad-label" || fault.message.starts_with("missing");
  if (fault.kind == "frames-disagree") {  // a rounded rate, or frames of something else
    auto& found = counted_[fault.kind];
    if (found.count++ == 0) found.video = fault.video, found.field = fault.message;
    return;
  }
  if (fault.kind == "duplicate-video") {  // writers of other formats refuse it
    auto& found = counted_[fault.kind];
    if (found.count++ == 0) found.video = fault.video;
    return;
  }
  if (fault.kind == "overlapping" || fault.kind == "contract-changes" || fault.kind == "look-alike") return;
  if (fault.kind == "missing-window" || fault.kind == "window-order") return;  // that is the writers' to say
  if (item && unlabelled && tolerated().count(fault.kind)) {
    auto& found = counted_[fault.kind];
    if (found.count++ == 0) found.video = fault.video, found.field = fault.field;
    return;
  }
  if (message_.empty()) field_ = fault.field, message_ = fault.message;
}

void ImportCheck::check(const Record& record) {
  message_.clear(), last_end_ = 0;
  checker_.line(record.str(), "", 0);
  if (!message_.empty()) throw Error(message_).at_field(field_);
  see_invisible(record.video());
  const std::string& video = record.video();
  alike_videos_.see(video);
  const std::string form = look_alike_form(video);
  if (const auto [first, fresh] = videos_.try_emplace(lower_case(form), video); !fresh && first->second != video)
    if (look_alike_form(first->second) != form) case_alone_.push_back("'" + first->second + "' and '" + video + "'");
  see_reach(record);
}

void ImportCheck::see_reach(const Record& record) {
  if (!(last_end_ > 0)) return;
  const auto rate = record.fps();
  const double fps = rate ? rate->value() : 0, frames = record.number("frames").value_or(0);
  const bool stated = record.duration().has_value();
  const double duration = stated ? *record.duration() : fps > 0 ? frames / fps : 0;
  if (duration > 0) {
    const Reach reach{last_end_, duration, fps, record.video()};
    beyond_ += reach.share() > 2;
    whole_ = whole_ && stated && duration == std::floor(duration);
    if (reaches_++ == 0 || reach.share() > longest_.share()) longest_ = reach;
    return;
  }
  const auto further = [&](Reach& furthest, double bound) {
    if (last_end_ > furthest.end) furthest = {last_end_, bound, fps, record.video()};
  };
  further(furthest_, 0);
  if (fps > 0) further(rated_, 0);
  if (frames > 0) further(counted_to_, frames);
}

void ImportCheck::see_invisible(const std::string& name) {
  if (const auto shown = with_invisible_named(name); shown != name) invisible_.push_back("'" + shown + "'");
}

void ImportCheck::see_label(const std::string& label) {
  see_invisible(label);
  if (!alike_labels_.see(label).empty()) return;
  const auto [first, fresh] = forms_.try_emplace(loose_form(label), label);
  if (!fresh) alike_.push_back("'" + first->second + "' and '" + label + "'");
}

std::vector<std::string> ImportCheck::about_names() const {
  std::vector<std::string> lines;
  if (!alike_.empty())
    lines.push_back(
        "labels that differ in nothing but case, blanks, accents or what joins words, and stay different: " +
        joined_first(alike_, 3));
  if (!case_alone_.empty())
    lines.push_back("videos that differ in upper and lower case alone, and stay different: " +
                    joined_first(case_alone_, 3));
  for (const auto& line : {alike_videos_.text("videos"), alike_labels_.text("labels")})
    if (!line.empty()) lines.push_back(line);
  if (!invisible_.empty())
    lines.push_back("names that hold characters which nothing shows, and stay as they are: " +
                    joined_first(invisible_, 3));
  return lines;
}

std::string UnitAdvice::frames(bool rated) const {
  return !time ? "" : fps && !rated ? " (--time frames --fps F)" : " (--time frames)";
}

std::string UnitAdvice::milliseconds() const { return columns ? " (columns start_ms and end_ms say so)" : ""; }

std::string ImportCheck::about_units(const UnitAdvice& advice) const {
  constexpr double kSlack = 1.02, kMost = 125;  // frames a second
  constexpr double kLong = 500;                 // numbers of frames are large
  if (reaches_ == 0) return "";
  const auto where = [](const Reach& reach) {
    return format_number(reach.end) + " s of " + format_number(reach.duration) + " s in '" + reach.video + "'";
  };
  const double far = longest_.share(), rate = longest_.fps > 0 ? longest_.fps : kMost;
  if (2 * beyond_ >= reaches_ && beyond_ > 0) {
    const std::string line = std::to_string(beyond_) + " of " + std::to_string(reaches_) +
                             " videos with a duration have segments far behind it, the furthest at " + where(longest_);
    if (far <= kSlack * rate)
      return line + ": are these times frames" + advice.frames() + ", or milliseconds" + advice.milliseconds() + "?";
    if (far <= kSlack * 1e3) return line + ": are these times milliseconds" + advice.milliseconds() + "?";
    return line + ": are times and durations of one unit?";
  }
  // What lies in the first thousandth of every video was hardly marked there alone.
  const std::string line = "all segments lie in the very beginning of their videos, the furthest at " + where(longest_);
  if (far <= kSlack / 1e3) return line + ": are the durations milliseconds (in a table, a column duration_ms says so)?";
  if (whole_ && longest_.duration >= kLong && far <= kSlack / (longest_.fps > 0 ? longest_.fps : 23))
    return line + ": are the durations numbers of frames (in a table, columns frames and fps say so)?";
  return "";
}

// Of videos whose duration is not known: whole numbers that are large, and what else says that they count frames.
std::string ImportCheck::about_frames(const UnitAdvice& advice) const {
  constexpr double kDay = 86400, kHour = 3600, kMany = 500;
  constexpr std::uint64_t kFew = 3;  // of which all may be whole numbers of seconds by chance
  if (!whole_ends_) return "";
  const auto ends = [](const Reach& reach) {
    return "the ends of all segments are whole numbers, up to " + format_number(reach.end) + " s in '" + reach.video +
           "', ";
  };
  if (furthest_.end > kDay)
    return ends(furthest_) + "which is more than a day (" + format_number(std::floor(furthest_.end / 360) / 10) +
           " hours): do they count frames" + advice.frames() + ", or milliseconds" + advice.milliseconds() + "?";
  if (counted_to_.end >= kMany && counted_to_.end <= 1.02 * counted_to_.duration)
    return ends(counted_to_) + "which has " + format_number(counted_to_.duration) + " frames: do they count frames" +
           advice.frames() + "?";
  if (rated_.end >= (ends_ < kFew ? kHour : kMany))
    return ends(rated_) + "whose frame rate is known: do they count frames" + advice.frames(true) + "?";
  return "";
}

std::string ImportCheck::text_of(const std::string& kind, const Counted& found) {
  if (kind == "duplicate-video")
    return std::to_string(found.count) + (found.count == 1 ? " record is" : " records are") +
           " of a video that has one already, the first is '" + found.video +
           "' (tal-check --fix dedup takes out equal ones)";
  if (kind == "frames-disagree")
    return std::to_string(found.count) + (found.count == 1 ? " video has" : " videos have") +
           " a duration that contradicts frames and fps, the first is '" + found.video + "': " + found.field;
  return std::to_string(found.count) + (found.count == 1 ? " segment " : " segments ") + tolerated().at(kind) +
         ", the first is " + found.field + " of video '" + found.video + "' (tal-check lists them)";
}

}  // namespace tal
