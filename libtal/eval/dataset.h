// What an evaluation works on: ground truth and predictions of many videos as flat arrays with interned names.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libtal/base/segment.h"

namespace tal::eval {

// Texts <-> small numbers, in order of first use.
class Names {
 public:
  std::uint32_t id(std::string_view text);  // added when new
  static constexpr std::uint32_t kNone = 0xffffffffu;
  std::uint32_t find(std::string_view text) const;  // kNone when unknown
  const std::string& text(std::uint32_t id) const { return texts_[id]; }
  std::size_t size() const { return texts_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> ids_;
  std::vector<std::string> texts_;
};

inline constexpr std::uint32_t kNoLabel = 0;    // a proposal without a label
inline constexpr std::uint32_t kAmbiguous = 1;  // THUMOS14's label "Ambiguous": never a class

struct Truth {
  Segment segment;  // seconds; a point in time has start = end
  std::uint32_t label = kNoLabel;
  bool shown = true;  // false: SoccerNet's visibility "not shown"
};
struct Prediction {
  Segment segment;  // seconds; a point in time has start = end
  double score = 0;
  std::uint32_t label = kNoLabel, video = 0;
};
struct Video {
  bool in_truth = false, predicted = false;  // there is a ground-truth record, a record in the stream
  std::string subset;
  std::uint64_t line = 0, stream_line = 0;  // of the ground-truth record, of that in the stream; 0: not from a file
  double duration = 0, fps = 0;             // seconds, frames per second; 0: not given
  std::uint32_t truth_begin = 0, truth_end = 0;  // in Dataset::truths, file order
  std::uint32_t first = 0, last = 0;             // in Dataset::by_video
};

// The same detector's output for the same videos in another setting, such as another threshold.
struct OperatingPoint {
  std::string source;
  std::vector<Prediction> detections;  // of the data set's videos and labels; others are left out
};

struct Dataset {
  Names video_names, labels;
  std::vector<Video> videos;               // by id
  std::vector<std::uint32_t> truth_order;  // ids of the ground-truth records, file order
  std::vector<Truth> truths;
  std::vector<Prediction> predictions;  // input order
  std::vector<std::uint32_t> by_video;  // indices of predictions, grouped by video, input order inside
  std::vector<OperatingPoint> operating_points;

  Dataset();
  std::uint32_t video(std::string_view name);
  // A video's ground truth; Error when the video stands twice.
  void add_truth(std::string_view name, std::string_view subset, double duration, double fps,
                 std::span<const Truth> instances);
  // Call once after the last prediction: fills by_video.
  void index();
  std::span<const Truth> truths_of(std::uint32_t video) const;
  std::span<const std::uint32_t> predictions_of(std::uint32_t video) const;
};

// The id of a video that a list names by itself or by its file ("/a/v2.MP4"); Names::kNone.
std::uint32_t find_video(const Dataset& data, const std::string& name);

// What is taken of a record's annotations and proposals.
struct Reads {
  enum class Times {
    kSegments,
    kPoints,  // points in time: "at": t (seconds) instead of "segment"
    kEither,
  };
  Times times = Times::kSegments;
  bool scores = true;  // a proposal without a score is an error; else it has the score 1
  // Records may be windows of a video, in their order (tal-nms --live): the proposals of all its windows count
  // together.
  bool windows = false;
  bool operator==(const Reads&) const = default;
};

// Which part of the data set is evaluated.
struct Filter {
  bool all_subsets = true;
  std::string subset;                       // when !all_subsets
  std::unordered_set<std::string> exclude;  // videos, as find_video takes them
  bool count_excluded = false;              // predictions of excluded videos stay, as false positives
  bool class_agnostic = false;              // one class, labels ignored
  bool ambiguous_is_positive = false;       // Ambiguous rows are ground truths like others
  // Instances of a label whose starts and ends differ by no more (seconds) count once, the first, and those of no
  // length do not count. Negative: all count.
  double same_within = -1;
};

struct Counts {
  std::uint64_t videos = 0, videos_with_instances = 0, instances = 0, ambiguous = 0, excluded = 0, predictions = 0;
  std::uint64_t unknown_videos = 0, unknown_labels = 0;                        // distinct names
  std::uint64_t unknown_video_predictions = 0, unknown_label_predictions = 0;  // predictions that carry them
  std::uint64_t covered = 0;      // evaluated videos with a record in the stream
  std::uint64_t zero_length = 0;  // ground truths of length 0
  std::uint64_t merged = 0;       // ground truths that Filter::same_within takes out
  // With the same segment and label as an earlier one of their video; not inside the video's duration, where it is
  // known (to a millisecond, which times in files are rounded to).
  std::uint64_t duplicate_instances = 0, duplicate_predictions = 0;
  std::uint64_t outside_instances = 0, outside_predictions = 0;
};

enum class State : std::uint8_t { kOutside, kEvaluated, kExcluded, kExcludedCounted };

struct Selection {
  const Dataset* data = nullptr;
  std::vector<State> state;                // by video id
  std::vector<std::uint32_t> videos;       // evaluated, file order
  std::vector<std::int32_t> class_of;      // label id -> class, -1: none
  std::vector<std::uint32_t> class_label;  // class -> label id, in order of first appearance
  std::vector<std::uint64_t> class_instances;
  std::vector<std::int32_t> truth_class;  // by index in Dataset::truths: the class of an evaluated instance, -1 for all
                                          // others
  bool class_agnostic = false, ambiguous_is_positive = false;
  Counts counts;

  bool used(std::uint32_t video) const { return state[video] != State::kExcluded; }  // its predictions take part
  bool counts_as_instance(const Truth& truth) const { return ambiguous_is_positive || truth.label != kAmbiguous; }
  bool is_instance(std::uint32_t truth) const { return truth_class[truth] >= 0; }
  std::int32_t class_of_label(std::uint32_t label) const { return class_agnostic ? 0 : class_of[label]; }
};

// Error when no instance is left ("empty ground truth").
Selection select(const Dataset& data, const Filter& filter);

// Order among equal scores. kProtocol: what the protocol says.
enum class Ties { kReversed, kInput, kVideo };

}  // namespace tal::eval
