// Evaluation: the whole tool, from text to report, against what Python's json.loads needs to parse the same lines.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "bench/bench.h"
#include "libtal/base/number.h"

namespace tal::bench {
namespace {

struct Size {
  int videos, predictions, labels;
  double instances;  // mean per video
};
constexpr Size kActivityNet{4728, 100, 200, 7293.0 / 4728}, kThumos14{213, 100, 20, 3358.0 / 213};

// Ground truth and predictions of the size asked for in a temporary folder: half the predictions are near an instance,
// scores follow the overlap loosely, and all numbers have the digits that networks print. Removed at the end.
class Files {
 public:
  Files(const Size& size, bool labelled) {
    std::string folder = (std::filesystem::temp_directory_path() / "tal-bench-eval-XXXXXX").string();
    if (!mkdtemp(folder.data())) throw std::runtime_error("no temporary folder");
    folder_ = folder;
    std::ofstream truth(gt()), stream(predictions());
    std::mt19937_64 random(20260101);
    for (int v = 0; v < size.videos; ++v) write_video(v, size, labelled, random, truth, stream);
    if (!truth || !stream) throw std::runtime_error("cannot write below " + folder_);
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  std::string gt() const { return folder_ + "/gt.jsonl"; }
  std::string predictions() const { return folder_ + "/predictions.jsonl"; }

 private:
  static void write_video(int v, const Size& size, bool labelled, std::mt19937_64& random, std::ostream& truth,
                          std::ostream& stream) {
    const auto uniform = [&](double low, double high) {
      return std::uniform_real_distribution<double>(low, high)(random);
    };
    const std::string video = "{\"video\":\"v_" + std::to_string(100000 + v) + "\",\"duration\":";
    const double duration = uniform(20, 220);
    const int n = std::max(1, static_cast<int>(uniform(0.5, 2 * size.instances - 0.5) + 0.5));
    const int label = static_cast<int>(uniform(0, size.labels));
    const auto named = [](int l) { return ",\"label\":\"class " + std::to_string(l) + "\"}"; };
    std::vector<std::pair<double, double>> instances;
    std::string line = video + format_number(duration) + ",\"fps\":25,\"subset\":\"validation\",\"annotations\":[";
    for (int i = 0; i < n; ++i) {
      const double start = uniform(0, 0.8 * duration), end = uniform(start + 1, duration + 1);
      instances.emplace_back(start, end);
      line += (i ? ",{\"segment\":[" : "{\"segment\":[") + format_number(start) + "," + format_number(end) + "]" +
              named(label);
    }
    truth << line << "]}\n";
    line = video + format_number(duration) + ",\"proposals\":[";
    for (int i = 0; i < size.predictions; ++i) {
      double start = uniform(0, 0.9 * duration), end = uniform(start + 0.5, duration + 1), score = uniform(0, 0.6);
      if (i % 2) {
        const auto& [s, e] = instances[static_cast<std::size_t>(i) % instances.size()];
        const double shift = 0.4 * (e - s);
        start = s + uniform(-shift, shift), end = std::max(start + 0.1, e + uniform(-shift, shift)),
        score = uniform(0.1, 1);
      }
      line += (i ? ",{\"segment\":[" : "{\"segment\":[") + format_number(start) + "," + format_number(end) +
              "],\"score\":" + format_number(score);
      line += labelled ? named(i % 4 < 3 ? label : static_cast<int>(uniform(0, size.labels))) : "}";
    }
    stream << line << "]}\n";
  }
  std::string folder_;
};

void run(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0) _exit(126);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("'" + command[0] + "' failed");
}

Case make(const std::string& name, const std::string& protocol, const Size& size, bool labelled) {
  const auto files = std::make_shared<Files>(size, labelled);
  const auto bytes = std::filesystem::file_size(files->predictions());
  Case c;
  c.name = name;
  c.what = std::to_string(size.videos) + " videos x " + std::to_string(size.predictions) + " (" +
           std::to_string(bytes / 1000000) + " MB), the whole tool, 2 jobs";
  c.baseline = "Python json.loads of the same lines";
  c.unit = "ms";
  c.rounds = 7;
  c.subject = [=] {
    run({TAL_BIN_DIR "/tal-eval", "-q", "-j", "2", "--protocol", protocol, "--gt", files->gt(), "-i",
         files->predictions(), "--format", "json"});
  };
  c.reference = [=] {
    run({"python3", "-c", "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)",
         files->predictions()});
  };
  c.available = [] { return std::filesystem::exists(TAL_BIN_DIR "/tal-eval"); };
  return c;
}

const Register proposal("eval/activitynet-proposal",
                        [] { return make("eval/activitynet-proposal", "activitynet-proposal", kActivityNet, false); });
const Register detection("eval/activitynet-detection", [] {
  return make("eval/activitynet-detection", "activitynet-detection", kActivityNet, true);
});
const Register thumos("eval/thumos14-detection",
                      [] { return make("eval/thumos14-detection", "thumos14-detection", kThumos14, true); });
const Register official("eval/thumos14-official",
                        [] { return make("eval/thumos14-official", "thumos14-official", kThumos14, true); });

}  // namespace
}  // namespace tal::bench
