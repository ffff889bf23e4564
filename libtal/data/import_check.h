// What tal-check finds in a record that a file of another format has become: what no tool takes is refused, what
// published files are known to have is counted and told once. Besides, what only all records together show: labels that
// are easily taken for each other, and times in another unit than the durations.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libtal/base/look_alike.h"
#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal {

// What may be said where times look as if they were in another unit: options that the format takes.
struct UnitAdvice {
  bool asked = false;  // whether the times may have been read in another unit than they are in
  bool time = false, fps = false, columns = false;  // --time, --fps, names of columns
  bool seconds = false;  // whether they were read as seconds, and --time frames would count them
  // " (--time frames --fps F)" and what else the format takes; "": nothing. rated: the frame rate is known.
  std::string frames(bool rated = false) const;
  std::string milliseconds() const;
};

class ImportCheck {
 public:
  ImportCheck();
  // Error at the field of the first fault that no tool takes. The others are counted.
  void check(const Record& record);
  // A line for each kind of fault that was counted, such as "2 segments without length, the first is
  // annotations[0].segment of video 'v'", and for what all records show.
  template <class Tell>
  void report(Tell tell, const UnitAdvice& units) const {
    for (const auto& [kind, found] : counted_) tell(text_of(kind, found));
    for (const auto& line : about_names()) tell(line);
    auto line = units.asked ? about_units(units) : "";
    if (line.empty() && units.seconds) line = about_frames(units);
    if (!line.empty()) tell(line);
  }

 private:
  struct Counted {
    std::uint64_t count = 0;
    std::string video, field;  // of the first one
  };
  // The last end of a video against its duration.
  struct Reach {
    double end = 0, duration = 0, fps = 0;  // fps 0: not known
    std::string video;
    double share() const { return end / duration; }
  };
  static std::string text_of(const std::string& kind, const Counted& found);
  void take(const Fault& fault);
  void see_reach(const Record& record);
  void see_label(const std::string& label);
  void see_invisible(const std::string& name);
  std::vector<std::string> about_names() const;
  std::string about_units(const UnitAdvice& advice) const;
  std::string about_frames(const UnitAdvice& advice) const;

  RecordChecker checker_;
  std::map<std::string, Counted> counted_;
  std::string field_, message_;  // of the record's first fault that is refused
  double last_end_ = 0;          // of the record
  LookAlikes alike_videos_, alike_labels_;
  std::map<std::string, std::string> videos_;  // look_alike_form() in lower case -> the first video of it
  std::vector<std::string> case_alone_;        // "'V1' and 'v1'"
  std::set<std::string> labels_;
  std::map<std::string, std::string> forms_;    // loose_form() -> the first label of it
  std::vector<std::string> alike_, invisible_;  // "'Long Jump' and 'long jump'"; names with is_invisible()
  std::uint64_t reaches_ = 0, beyond_ = 0;  // videos with a duration and segments; those with an end behind twice the
                                            // duration
  bool whole_ = true;                       // all durations are whole numbers
  Reach longest_;                           // by share()
  std::uint64_t ends_ = 0;                  // of all segments
  bool whole_ends_ = true;
  Reach furthest_, rated_, counted_to_;  // the last end, without a duration: of all videos, of those with a frame rate,
                                         // of those with a number of frames (duration: that number)
};

}  // namespace tal
