// Every fault of a stream in one pass, by class, with its place (tal-check). Unlike the tools' readers this one goes on
// behind a broken line. Times are seconds; a segment is [start, end).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libtal/base/look_alike.h"
#include "libtal/base/spelling.h"
#include "libtal/io/record.h"
#include "libtal/io/video_facts.h"
#include "libtal/io/window.h"

namespace tal {

class PlainList;

struct Fault {
  std::string kind;  // class: "reversed", "past-end", ...
  std::string source;
  std::uint64_t line = 0;  // 0: the whole source
  std::string video, field, message;
  bool fixed = false;
  std::string text() const;  // "stdin:3: video 'v': annotations[0].segment: past-end: ends 0.8 s behind ..."
};

// The facts of a video file. Error when it is no video.
using VideoProbe = std::function<VideoFacts(const std::string& path)>;

struct CheckOptions {
  std::string kind = "records";  // records, features, model, folder
  std::vector<std::string> fix;  // clip, drop, dedup, sort, order
  std::string gt, format = "text", stage;
  double tolerance = 0;  // seconds a segment may end behind its video
  double timeout = 5;    // seconds a stage may take to answer
  bool replay = false, no_videos = false;
  bool no_files = false;                   // rows of features stay unread, and the files that records name closed
  std::string complete, missing;           // the list of a run over shards; file for what it has left out
  std::vector<std::string> outputs, logs;  // of the shards
  std::uint64_t max_faults = 1000;         // listed of a class; all are counted; 0: no bound
  std::vector<std::string> compare;        // two feature files
  bool one_by_one = false;                 // each item by the reference: for tests of PlainList
  // Is told of the label ("": none) and the end (of a label of the whole video 0) of everything that a record says.
  std::function<void(const std::string& label, double end)> seen;
};
// What --gt knows: its videos and labels.
struct KnownNames {
  std::set<std::string> videos, labels;
};
KnownNames known_names(const std::string& path);  // Error when a record of the file is broken

// Records whose duration is not known (of rows: or the rate), so that no fault of these classes could be found in them;
// files of a folder that nothing here reads.
struct Unchecked {
  std::uint64_t ends = 0, rows = 0;            // past-end and after-end; rows-disagree
  std::map<std::string, std::uint64_t> files;  // by ending, such as ".h5"
  bool any() const { return ends + rows > 0 || !files.empty(); }
  void add(const Unchecked& other) {
    ends += other.ends, rows += other.rows;
    for (const auto& [ending, count] : other.files) files[ending] += count;
  }
  std::string text() const;  // "not checked, for 2 records have no duration: ..."
};

// Takes every fault as it is found; keeping none of them bounds the memory.
using FaultSink = std::function<void(const Fault&)>;

// Checks records line by line. Feature files named by a record, and their headers, are read too.
class RecordChecker {
 public:
  // probe: opens the videos that records name; none: they stay closed.
  RecordChecker(CheckOptions options, FaultSink sink, const KnownNames* known = nullptr, VideoProbe probe = {});
  ~RecordChecker();
  RecordChecker(const RecordChecker&) = delete;
  RecordChecker& operator=(const RecordChecker&) = delete;
  // Where the files of the records are.
  void look_in(std::shared_ptr<const FilePlaces> places) { places_ = std::move(places); }
  // Hands the faults of one line to the sink. Returns the line, repaired as `fix` asks (nullopt: left out): only the
  // numbers of segments and the order of lists change, and items leave; every other byte stays.
  std::optional<std::string> line(std::string_view text, const std::string& source, std::uint64_t number);
  // What only the end of the stream shows (videos of the ground truth without a record).
  void end(const std::string& source);
  std::uint64_t records() const { return records_; }
  const Unchecked& unchecked() const { return unchecked_; }
  // Members that no tool reads but whose names are nearly one that they read, each with its first place: "a.jsonl:2:
  // video 'v': proposals[0].scroe: no member that tal knows; is it 'score'? (3 of them)". They are no fault: foreign
  // members pass.
  std::vector<std::string> misspelt() const;

 private:
  class Pass;  // over one record
  CheckOptions options_;
  const KnownNames* known_;
  Spellings spellings_{true}, known_labels_{false};  // of the known videos and labels
  LookAlikes alike_videos_, alike_labels_;
  VideoProbe probe_;
  std::shared_ptr<const FilePlaces> places_;
  bool clip_ = false, drop_ = false, dedup_ = false, sort_ = false, order_ = false;
  std::map<std::string, std::string> seen_;  // video (and window) -> digest of its record
  std::set<std::string> videos_;
  std::map<std::string, WindowOrder> windows_;  // of each video of a live stream
  struct WindowFacts {
    double duration, fps;  // 0: not stated
    std::uint64_t line;
  };
  std::map<std::string, WindowFacts> window_facts_;  // of its first window
  std::map<std::string, FeatureStream> contracts_;   // stream -> what its first record says
  FaultSink sink_;
  std::uint64_t records_ = 0;
  Unchecked unchecked_;
  struct Misspelt {
    std::uint64_t count = 0;
    std::string text;  // of the first
  };
  std::map<std::string, Misspelt> misspelt_;  // by the kind of object and the member
  // Members of items that no tool reads, by kind and name: whether they are like none that a tool reads.
  std::map<std::string, std::map<std::string, bool, std::less<>>, std::less<>> foreign_;
  std::unique_ptr<PlainList> annotations_, proposals_;  // of the record at hand
};

// What a record says of a feature file; -1 and "": nothing.
struct FeatureClaim {
  std::int64_t rows = -1, dim = -1;
  std::string hash;
};

// A feature file (.npy): its header against the claim, its values, and the header X.json that tal-extract writes beside
// X.npy: rows, dim, the hash of its settings and of the file's bytes. A file without such a header is no fault.
void check_feature_file(const std::string& path, const FaultSink& sink, const FeatureClaim& claim = {});
// A model (safetensors).
void check_model_file(const std::string& path, const FaultSink& sink);
// Every .npy, .safetensors and .jsonl file below the folder; `checked` counts them, `unchecked` their records, `note`
// says what is left out. A link to nothing is a fault. Returns the other files. Error when it is no folder.
std::vector<std::string> check_folder(const std::string& path, const CheckOptions& options, const FaultSink& sink,
                                      std::uint64_t& checked, Unchecked& unchecked,
                                      const std::function<void(const std::string&)>& note,
                                      const VideoProbe& probe = {});

// The shell pipe behind a record: its history, oldest step first, each argument quoted for sh. FOREIGN-STAGE stands
// where the record's digests tell that something changed it and wrote no history. Behind it, a line of comment each
// ("\n# ..."): the files that the steps read with their SHA-256, and what is foreign. Error when there is no history.
std::string replay(std::string_view line);

// How far two feature files differ.
struct FeatureDifference {
  std::int64_t rows_a = 0, rows_b = 0, dim_a = 0, dim_b = 0;
  // Over the common rows, when the dims agree.
  double max_abs = 0, mean_abs = 0, min_cosine = 1, mean_cosine = 1;
  // Row r + best_lag of b is most like row r of a, as the mean cosine says of rows less their own file's mean of each
  // column; of lags up to half the rows, at most 250. Another than 0 means windows, an offset or a frame rate that
  // differ.
  std::int64_t best_lag = 0;
  double best_lag_cosine = 1;
  bool same_shape() const { return rows_a == rows_b && dim_a == dim_b; }
};
// Error when one cannot be read.
FeatureDifference compare_features(const std::string& a, const std::string& b);

// One promise of tal-jsonl(5) and whether a foreign stage keeps it.
struct Promise {
  std::string name, detail;
  bool kept = false;
  bool required = true;   // of a stage; else of this toolchain's own alone
  std::string complaint;  // of one that is not kept: the last lines that the stage wrote on stderr meanwhile
};
// Error when the command cannot be started, or is not there.
std::vector<Promise> certify_stage(const std::string& command, double timeout);

}  // namespace tal
