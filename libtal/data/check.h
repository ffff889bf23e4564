// Every fault of a stream in one pass, by class, with its place (tal-check). Unlike the tools' readers this one goes on
// behind a broken line. Times are seconds; a segment is [start, end).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

struct Fault {
  std::string kind;  // class: "reversed", "past-end", ...
  std::string source;
  std::uint64_t line = 0;  // 0: the whole source
  std::string video, field, message;
  bool fixed = false;
  std::string text() const;  // "stdin:3: video 'v': annotations[0].segment: past-end: ends 0.8 s behind ..."
};

struct CheckOptions {
  std::string kind = "records";  // records, features, model, folder
  std::vector<std::string> fix;  // clip, dedup, order
  std::string gt, format = "text", stage;
  double tolerance = 0;  // seconds a segment may end behind its video
  double timeout = 5;    // seconds a stage may take to answer
  bool replay = false;
  std::uint64_t max_faults = 1000;   // listed of a class; all are counted; 0: no bound
  std::vector<std::string> compare;  // two feature files
};
// What --gt knows: its videos and labels.
struct KnownNames {
  std::set<std::string> videos, labels;
};
KnownNames known_names(const std::string& path);  // Error when a record of the file is broken

// Takes every fault as it is found; keeping none of them bounds the memory.
using FaultSink = std::function<void(const Fault&)>;

// Checks records line by line. Feature files named by a record, and their headers, are read too.
class RecordChecker {
 public:
  RecordChecker(CheckOptions options, FaultSink sink, const KnownNames* known = nullptr);
  // Hands the faults of one line to the sink. Returns the line, repaired as `fix` asks: only the numbers of the
  // segments change, and duplicates leave; every other byte stays.
  std::string line(std::string_view text, const std::string& source, std::uint64_t number);
  // What only the end of the stream shows (videos of the ground truth without a record).
  void end(const std::string& source);
  std::uint64_t records() const { return records_; }

 private:
  class Pass;  // over one record
  CheckOptions options_;
  const KnownNames* known_;
  bool clip_ = false, dedup_ = false, order_ = false;
  std::set<std::string> seen_, videos_;
  std::map<std::string, std::string> contracts_;  // stream -> dim, stride, window, weights of its first record
  FaultSink sink_;
  std::uint64_t records_ = 0;
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
// Every .npy, .safetensors and .jsonl file below the folder; `checked` counts them. Error when it is no folder.
void check_folder(const std::string& path, const CheckOptions& options, const FaultSink& sink, std::uint64_t& checked);

// The shell pipe behind a record: its history, oldest step first, each argument quoted for sh. Error when there is
// none.
std::string replay(std::string_view line);

// How far two feature files differ.
struct FeatureDifference {
  std::int64_t rows_a = 0, rows_b = 0, dim_a = 0, dim_b = 0;
  double max_abs = 0, mean_abs = 0, min_cosine = 1;  // over the common rows, when the dims agree
  bool same_shape() const { return rows_a == rows_b && dim_a == dim_b; }
};
// Error when one cannot be read.
FeatureDifference compare_features(const std::string& a, const std::string& b);

// One promise of tal-jsonl(5) and whether a foreign stage keeps it.
struct Promise {
  std::string name, detail;
  bool kept = false;
};
// Error when the command cannot be started.
std::vector<Promise> certify_stage(const std::string& command, double timeout);

}  // namespace tal
