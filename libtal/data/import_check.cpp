#include "libtal/data/import_check.h"

#include "libtal/base/error.h"

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

CheckOptions members_only() {
  CheckOptions options;
  options.no_files = options.no_videos = true;
  return options;
}

}  // namespace

ImportCheck::ImportCheck() : checker_(members_only(), [this](const Fault& fault) { take(fault); }) {}

void ImportCheck::take(const Fault& fault) {
  const bool item = fault.field.starts_with("annotations[") || fault.field.starts_with("proposals[");
  const bool unlabelled = fault.kind != "bad-label" || fault.message.starts_with("missing");
  if (fault.kind == "frames-disagree") {  // a rounded rate, or frames of something else
    auto& found = counted_[fault.kind];
    if (found.count++ == 0) found.video = fault.video, found.field = fault.message;
    return;
  }
  if (fault.kind == "overlapping" || fault.kind == "duplicate-video" || fault.kind == "contract-changes") return;
  if (item && unlabelled && tolerated().count(fault.kind)) {
    auto& found = counted_[fault.kind];
    if (found.count++ == 0) found.video = fault.video, found.field = fault.field;
    return;
  }
  if (message_.empty()) field_ = fault.field, message_ = fault.message;
}

void ImportCheck::check(const Record& record) {
  message_.clear();
  checker_.line(record.str(), "", 0);
  if (!message_.empty()) throw Error(message_).at_field(field_);
}

std::string ImportCheck::text_of(const std::string& kind, const Counted& found) {
  if (kind == "frames-disagree")
    return std::to_string(found.count) + (found.count == 1 ? " video has" : " videos have") +
           " a duration that contradicts frames and fps, the first is '" + found.video + "': " + found.field;
  return std::to_string(found.count) + (found.count == 1 ? " segment " : " segments ") + tolerated().at(kind) +
         ", the first is " + found.field + " of video '" + found.video + "' (tal-check lists them)";
}

}  // namespace tal
