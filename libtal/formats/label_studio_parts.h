// The media of a task of Label Studio: which members of its data name them, and which one a result is about.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/formats/json_parts.h"

namespace tal {

// What the labelling configuration says of a medium: <Video name="video" value="$clip" frameRate="25"/>.
struct MediaTag {
  std::string name;                       // what results call it, in to_name
  std::string member;                     // of a task's data, which names the medium
  std::optional<double> framerate;        // nullopt: it is no video, or each task says the rate in
  std::string rate_member = "framerate";  // this member of its data
  bool labelled = false;                  // some labels are for this medium
};
// In the configuration's order; none where the text is no XML.
std::vector<MediaTag> media_tags(const std::string& xml);

struct TaskMedium {
  std::string member, address;    // "": the task names none
  const MediaTag* tag = nullptr;  // of the configuration, where that is known
};

// The media of the data: those of the configuration's tags, else members with usual names and names of media files.
// One without a name where there are none. Error for markup in which nothing is named.
std::vector<TaskMedium> media_of_task(const JsonNode& data, const std::vector<MediaTag>& tags);
// Whether a member of a task's data usually names its medium.
bool is_usual_medium(std::string_view member);
// Whether a text of a task's data is the name of a media file.
bool names_medium(std::string_view text);

// What a result says of its medium. to: its to_name; source: "$video"; type: "timelinelabels". All may be "".
struct ResultMedium {
  std::string to, source, type;
};
struct ChosenMedium {
  std::size_t index = 0;
  bool assumed = false;  // nothing says that it is not another one
};
// Error where the result may be about several videos.
ChosenMedium medium_of_result(const std::vector<TaskMedium>& media, const ResultMedium& result);
// Those that somebody saw who annotated the task, by their place in `media`.
std::vector<std::size_t> shown_media(const std::vector<TaskMedium>& media);

}  // namespace tal
