// Every fault of a stream in one pass, by class, with its place (tal-check). Unlike the tools' readers this one goes on behind a
// broken line. Times are seconds; a segment is [start, end).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace tal {

class Tool;

struct Fault {
  std::string kind;  // class: "reversed", "past-end", ... (fault_kinds())
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
  std::vector<std::string> compare;  // two feature files
};
void register_options(CLI::App& app, CheckOptions& options);

// What --gt knows: its videos and labels.
struct KnownNames {
  std::set<std::string> videos, labels;
};
KnownNames known_names(const std::string& path);  // Error when a record of the file is broken

// Checks records line by line. Feature files named by a record are read too.
class RecordChecker {
 public:
  explicit RecordChecker(CheckOptions options, const KnownNames* known = nullptr);
  // Adds the faults of one line to faults(). Returns the line, repaired as `fix` asks.
  std::string line(std::string_view text, const std::string& source, std::uint64_t number);
  // What only the end of the stream shows (videos of the ground truth without a record).
  void end(const std::string& source);
  const std::vector<Fault>& faults() const { return faults_; }
  std::uint64_t records() const { return records_; }

 private:
  struct Place;
  CheckOptions options_;
  const KnownNames* known_;
  bool clip_ = false, dedup_ = false, order_ = false;
  std::set<std::string> seen_, videos_;
  std::map<std::string, std::string> contracts_;  // stream -> dim, stride, window, weights of its first record
  std::vector<Fault> faults_;
  std::uint64_t records_ = 0;
};

// Faults of a feature file (.npy) and of a model (safetensors).
std::vector<Fault> check_feature_file(const std::string& path);
std::vector<Fault> check_model_file(const std::string& path);
// Every .npy, .safetensors and .jsonl file below the folder; `checked` counts them.
std::vector<Fault> check_folder(const std::string& path, const CheckOptions& options, std::uint64_t& checked);

// The shell pipe behind a record: its history, oldest step first, each argument quoted for sh. Error when there is none.
std::string replay(std::string_view line);

// How far two feature files differ.
struct FeatureDifference {
  std::int64_t rows_a = 0, rows_b = 0, dim_a = 0, dim_b = 0;
  double max_abs = 0, mean_abs = 0, min_cosine = 1;  // over the common rows, when the dims agree
  bool same_shape() const { return rows_a == rows_b && dim_a == dim_b; }
};
FeatureDifference compare_features(const std::string& a, const std::string& b);

// One promise of tal-jsonl(5) and whether a foreign stage keeps it.
struct Promise {
  std::string name, detail;
  bool kept = false;
};
std::vector<Promise> certify_stage(const std::string& command, double timeout);

// The whole tool: what `options` asks for, written to the tool's output.
void run_check(Tool& tool, const CheckOptions& options);

}  // namespace tal
