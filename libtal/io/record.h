// The record: one line = one video = one JSON object (protocol tal/1, see man 5 tal-jsonl and tal-record.schema.json).
//
// A Record keeps the line as it came and parses only the fields that are asked for. Writing it splices the changed
// fields into the original bytes, so everything a stage does not touch passes through byte for byte, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/segment.h"

namespace tal {

// Where the files that a record names by relative paths are looked for (libtal/io/places.h).
struct FilePlaces {
  std::string beside;         // folder of the file that the records are in; "": they come from a pipe
  std::string features_root;  // folder of all feature files (--features-root); "": none was named
};

struct Annotation {
  Segment segment;  // seconds; the reader accepts zero length only where Record::annotations is told to
  std::string label;
  bool point = false;  // "at" in place of "segment": an event without length; start = end
};

// Whether a list may hold points. Who measures lengths or overlaps refuses them, which names the point.
enum class Points { kRefused, kTaken };

struct NamedScore {  // e.g. {"overlap", 0.8}
  std::string name;
  double value = 0;
};

// A proposal or (with a label) a detection. Members that a stage does not know are kept: `text` holds the original
// object, and writing replaces only the values that changed.
struct Proposal {
  Segment segment;         // seconds
  double score = 0;        // absent in the record: 0
  std::string_view label;  // unescaped UTF-8, empty = none; refers to the Record (or to Record::keep)

  // Where the values came from; empty for proposals made by a stage. Not for stages to touch.
  struct Source {
    std::string_view text;  // the whole object, braces included
    // The values of "segment" (of a point: "at"), "score" and "label" in text.
    std::uint32_t segment_begin = 0, segment_end = 0, score_begin = 0, score_end = 0, label_begin = 0, label_end = 0;
    Segment segment;
    double score = 0;
    std::string_view label;
    bool point = false;
  } source;
  bool has_score() const {
    return source.text.empty() || source.score_end > source.score_begin;  // else score is 0 for want of one
  }

  // Written into the member "scores": those of a name that the source has replace its value, the others follow. Points
  // into Record::keep_scores.
  std::span<const NamedScore> scores;
  // Further members as JSON text, each `"key":value`, comma separated, appended on writing ("" = none). Points like
  // label.
  std::string_view extra;
  bool point = false;  // "at" in place of "segment": start = end. A proposal that was read stays what it is
};

struct ClassScore {
  std::string label;
  double score = 0;
};

struct Rate {  // frames per second, exact when the record gives [num, den]
  double num = 0, den = 1;
  double value() const { return num / den; }
};

// One feature stream of a record and its time contract (libtal/io/features.h reads its rows).
struct FeatureStream {
  std::string name;               // key in "features"
  std::string path;               // file; empty when the data are inline
  std::string data;               // base64, inline
  std::string dtype = "float32";  // inline data: float32 or float16
  std::int64_t rows = -1, dim = -1;
  double stride = 0, window = 0;     // frames at `fps`
  std::optional<Rate> fps;           // sampled frames per second
  double offset = 0;                 // frames
  std::optional<double> last_start;  // frames; set by --tail shift
  std::string resample, weights;
  std::string settings;              // what the values depend on: encoder, weights, flow, preprocessing; "": unknown
  std::vector<std::string> classes;  // names of the columns, when they are classes or named channels
  std::string text;                  // the JSON object as it stands in the record
  std::shared_ptr<const FilePlaces> places;  // where `path` is looked for; nullptr: in the working folder
};

class Record {
 public:
  Record();
  ~Record();
  Record(Record&&) noexcept;
  Record& operator=(Record&&) noexcept;

  // Takes one line (without '\n'); checks that it is one JSON object with a string `video`. Throws Error with field
  // (and video).
  void parse(std::string_view line);
  // A new record {"video": id}.
  static Record make(std::string_view video);

  const std::string& video() const;
  // Where its files are; holds for the records parsed from now on.
  void look_in(std::shared_ptr<const FilePlaces> places);
  const std::shared_ptr<const FilePlaces>& places() const;

  // From the next parse on, objects inside of a member may have a key twice: for tal-check, which finds them itself.
  void take_repeated_keys();

  bool has(std::string_view key) const;
  std::vector<std::string_view> keys() const;                       // top-level keys in order, escapes undone
  std::optional<std::string_view> raw(std::string_view key) const;  // JSON text of a top-level field

  // Typed fields: nullopt/empty when absent; Error (with field) when present and wrong: wrong type, not finite,
  // reversed.
  std::optional<double> number(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::optional<double> duration() const;  // seconds, > 0
  std::optional<Rate> fps() const;
  // zero_length: whether a segment of length 0 is kept (ActivityNet has twelve) or an error.
  // Points that are refused are an Error at annotations[i].at.
  std::vector<Annotation> annotations(bool zero_length = false, Points points = Points::kRefused) const;
  std::vector<ClassScore> classification() const;
  std::vector<FeatureStream> features() const;
  // Parsed once; the reference stays valid until parse() or set_*(). Changing it does nothing until set_proposals.
  // Points that are refused are an Error at proposals[i].at.
  const std::vector<Proposal>& proposals(Points points = Points::kRefused) const;
  bool has_proposals() const { return has("proposals"); }

  double require_duration() const;  // Error "duration: missing" with the reason when absent
  const std::vector<Proposal>& require_proposals(Points points = Points::kRefused) const;
  // Error also for the first one without a score.
  const std::vector<Proposal>& require_scored_proposals(Points points = Points::kRefused) const;
  // `window` of live and sliding use: stages that need the whole video call this and get an Error when the record is a
  // window.
  void require_whole_video() const;

  // Replace or append a field. `json` must be valid JSON text.
  void set_raw(std::string_view key, std::string json);
  void set_number(std::string_view key, double value);
  void set_text(std::string_view key, std::string_view value);
  void set_proposals(const std::vector<Proposal>& proposals);
  void set_annotations(const std::vector<Annotation>& annotations);
  void set_classification(const std::vector<ClassScore>& scores);
  // Adds or replaces one stream in "features"; `object` is its JSON text.
  void set_feature(std::string_view name, std::string_view object);
  void remove(std::string_view key);
  // Appends one entry (JSON object text) to `history`, with the digests of the record as it came (`in`; not of one that
  // was made here) and as it is now (`out`). For the last change before the record is written.
  void append_history(std::string_view entry);
  // Of all members but `history`, in their order: wyhash (base/digest.h) of the members' hashes, 8 bytes each, little
  // endian; a member's is that of its value's bytes, with the hash of its key as the seed. 16 digits.
  std::string digest() const;

  // Keeps `text` alive as long as the record; for Proposal::label and extra of new proposals. Identical recent texts
  // are shared.
  std::string_view keep(std::string_view text);
  std::span<const NamedScore> keep_scores(std::vector<NamedScore> scores);  // the same for Proposal::scores

  // The line with all changes, without '\n'.
  void write(std::string& out) const;
  std::string str() const;
  bool modified() const;
  std::string_view line() const;  // as it came

 private:
  void say_what_is_wrong(std::string_view key) const;
  struct State;
  std::unique_ptr<State> state_;
};

// JSON text helpers for the writers.
void append_json_string(std::string& out, std::string_view text);          // quoted and escaped
void append_scores(std::string& out, std::span<const NamedScore> scores);  // {"name":value,...}
void append_proposal(std::string& out, const Proposal& proposal);
void append_proposals(std::string& out, const std::vector<Proposal>& proposals);
void append_annotations(std::string& out, const std::vector<Annotation>& annotations);

// A proposal's scores by name: those of its source, in their order, with Proposal::scores over them. Error with field
// scores or scores.NAME when the source's are no object of finite numbers.
std::vector<NamedScore> named_scores(const Proposal& proposal);

}  // namespace tal
