// What else is known of a stream's rows than what its record says: the header X.json that tal-extract writes beside the
// rows X.npy, and the video's duration. Both are held against the record where rows are opened.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "libtal/io/record.h"
#include "libtal/io/video_facts.h"

namespace tal {

std::string feature_header_path(const std::string& npy);
// nullopt: there is none, or the file of that name is somebody else's. Error when it cannot be read.
std::optional<nlohmann::json> read_feature_header(const std::string& npy);

struct FeatureHeader {
  std::string file, video;
  FeatureStream stream;  // its path is what tal-extract called it
  std::string hash;
  VideoFacts facts;
};
// The header with its values. Error (with the file) also for one that has other types than tal-extract writes.
std::optional<FeatureHeader> feature_header_beside(const std::string& npy);

// The fields in which the record's stream and the header beside its file differ: the file has been extracted again, or
// the record is another's. Only of a record that says how its rows were made (settings, hash), for others claim
// nothing.
struct HeaderDifference {
  std::string field, record, header;  // "settings", "flow=block", "flow=dis"
};
std::vector<HeaderDifference> header_differences(const FeatureStream& stream);
std::string text_of(const HeaderDifference& difference);
// Error (at features.NAME.FIELD, with the header's file) for the first of them. A stream without text has been looked
// at: the stages that may take others (--accept-features) do so themselves.
void check_header_beside(const FeatureStream& stream);

// Why rows and duration contradict each other, "61 rows reach 115.8 s of 5 s"; "": they do not, or nothing tells.
// The last row's window may be padded by less than one window, and a second is nothing; rows without a frame rate share
// the duration whatever they are. part: rows of a window of a live stream, which end before the video does.
std::string span_contradiction(const FeatureStream& stream, std::optional<double> duration, bool part);
// Keeps what span_contradiction() says of a stream that is opened, for the end of the run.
void see_span(const Record& record, const FeatureStream& stream);
// What has been kept, in one line, and keeps it no longer; "": nothing.
std::string take_seen_spans();

}  // namespace tal
