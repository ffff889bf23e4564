// The list: --jobs videos at a time, results in input order; what a run would do (--dry-run), and what is on disk (--check).
#include <cmath>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/stages/video/check_streams.h"
#include "libtal/stages/video/extract.h"

namespace tal {
namespace {

struct Job {
  std::string line, source, output;  // output: whole lines
  std::uint64_t number = 0;
  std::optional<Error> fault;
  std::exception_ptr broken;
  Extracted result;
  std::optional<Planned> planned;
  std::size_t faults = 0;  // of streams on disk
  bool done = false;
};

// Records from --input, or made from --videos.
class Jobs {
 public:
  Jobs(const std::string& input, const std::vector<std::string>& videos) : videos_(videos) {
    if (videos.empty()) reader_.emplace(input);
    std::set<std::string> ids;
    for (const auto& file : videos) {
      const auto id = std::filesystem::path(file).stem().string();
      if (!ids.insert(id).second) throw UsageError("--videos: two files give the video id '" + id + "'");
    }
  }
  std::unique_ptr<Job> next() {
    auto job = std::make_unique<Job>();
    if (reader_) {
      std::string_view line;
      if (!reader_->next(line)) return nullptr;
      job->line = line, job->source = reader_->source(), job->number = reader_->line_number();
      return job;
    }
    if (at_ == videos_.size()) return nullptr;
    const auto& file = videos_[at_++];
    Record record = Record::make(std::filesystem::path(file).stem().string());
    record.set_text("path", file);
    job->line = record.str(), job->source = "--videos", job->number = at_;
    return job;
  }
  bool would_block() const { return reader_ && reader_->would_block(); }
  std::uint64_t total() const { return reader_ ? 0 : videos_.size(); }  // 0: unknown

 private:
  const std::vector<std::string>& videos_;
  std::optional<LineReader> reader_;
  std::size_t at_ = 0;
};

nlohmann::ordered_json json_of(const Planned& planned) {
  const auto number = [](const std::optional<std::int64_t>& value) { return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(); };
  nlohmann::ordered_json out = {{"video", planned.video}, {"path", planned.path}, {"frames", number(planned.frames)}, {"rows", number(planned.rows)}};
  out["streams"] = nlohmann::ordered_json::array();
  for (const auto& stream : planned.streams) {
    nlohmann::ordered_json item = {{"name", stream.name}, {"dim", stream.dim}, {"bytes", number(stream.bytes)}};
    if (!stream.path.empty()) item["path"] = stream.path;
    out["streams"].push_back(std::move(item));
  }
  out["seconds"] = planned.rows ? nlohmann::ordered_json(std::round(planned.seconds * 100) / 100) : nlohmann::ordered_json();
  out["finished"] = planned.finished;
  return out;
}

std::string line_of(const nlohmann::ordered_json& json) { return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"; }

// What is done with one video.
using Work = std::function<void(Record&, Job&)>;

Work extraction(Extractor& extractor, const std::string& history) {
  return [&extractor, history](Record& record, Job& job) {
    job.result = extractor.extract(record);
    if (!history.empty()) record.append_history(history);
    record.write(job.output);
    job.output += '\n';
  };
}

Work planning(Extractor& extractor) {
  return [&extractor](Record& record, Job& job) {
    job.planned = extractor.plan(record);
    job.output = line_of(json_of(*job.planned));
  };
}

Work checking(const StreamFolder* folder) {
  return [folder](Record& record, Job& job) {
    for (const auto& fault : check_streams(record, folder)) {
      job.output += line_of({{"video", record.video()}, {"stream", fault.stream}, {"path", fault.path}, {"fault", fault.fault}, {"message", fault.message}});
      ++job.faults;
    }
  };
}

void process(Job& job, const Work& work) {
  Record record;
  try {
    try {
      record.parse(job.line);
      work(record, job);
    } catch (Error& error) {
      throw error.at_line(job.source, job.number);
    }
  } catch (const Error& error) {
    job.fault = error;
  } catch (...) {
    job.broken = std::current_exception();
  }
}

// Threads that process jobs; whoever waits for the oldest one gets the input's order.
class Workers {
 public:
  Workers(std::size_t count, std::function<void(Job&)> work) : work_(std::move(work)) {
    for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { loop(); });
  }
  ~Workers() {
    {
      std::lock_guard lock(mutex_);
      end_ = true;
      queue_.clear();
    }
    ready_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void add(Job* job) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(job);
    }
    ready_.notify_one();
  }
  void wait(const Job& job) {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return job.done; });
  }

 private:
  void loop() {
    while (true) {
      Job* job = nullptr;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return end_ || !queue_.empty(); });
        if (queue_.empty()) return;
        job = queue_.front();
        queue_.pop_front();
      }
      work_(*job);
      {
        std::lock_guard lock(mutex_);
        job->done = true;
      }
      finished_.notify_one();
    }
  }

  std::function<void(Job&)> work_;
  std::mutex mutex_;
  std::condition_variable ready_, finished_;
  std::deque<Job*> queue_;
  bool end_ = false;
  std::vector<std::thread> threads_;
};

// The sum over all videos, for stderr.
struct PlanTotal {
  std::uint64_t videos = 0, finished = 0, open = 0;
  std::int64_t rows = 0, bytes = 0;
  double seconds = 0;

  void add(const Planned& planned) {
    ++videos;
    if (planned.finished) {
      ++finished;
      return;
    }
    open += !planned.rows;
    rows += planned.rows.value_or(0);
    seconds += planned.seconds;
    for (const auto& stream : planned.streams) bytes += stream.bytes.value_or(0);
  }
  std::string text(int jobs) const {
    return std::to_string(videos) + " videos, " + std::to_string(finished) + " finished; to extract: " + std::to_string(rows) + " rows a stream, " +
           std::to_string(bytes) + " bytes, about " + format_number(std::ceil(seconds / jobs)) + " s" +
           (open ? "; " + std::to_string(open) + " of unknown length" : "");
  }
};

// Every video of the list through `work`, --jobs at a time; lines in input order; `seen` gets each job once its lines are written.
void run_list(Tool& tool, const ExtractOptions& options, const Work& work, const std::function<void(const Job&)>& seen) {
  Output& out = tool.out();
  Jobs jobs(tool.options().input, options.videos);
  std::deque<std::unique_ptr<Job>> order;  // outlives the workers
  const auto count = static_cast<std::size_t>(std::max(1, tool.options().jobs));
  Workers workers(count, [&](Job& job) { process(job, work); });
  std::uint64_t written = 0;
  const auto write_front = [&] {
    Job& job = *order.front();
    workers.wait(job);
    if (job.broken) std::rethrow_exception(job.broken);
    for (const auto& note : job.result.notes) tool.note(note);
    if (job.fault) tool.record_error(*job.fault, job.line);
    else out.write(job.output);
    seen(job);
    out.flush();  // a video takes long; whoever waits downstream should not
    tool.progress(++written, jobs.total(), "videos");
    order.pop_front();
  };
  while (!tool.stopped()) {
    if (jobs.would_block())
      while (!order.empty()) write_front();
    auto job = jobs.next();
    if (!job) break;
    order.push_back(std::move(job));
    workers.add(order.back().get());
    while (order.size() > 2 * count) write_front();
  }
  while (!order.empty() && !tool.stopped()) write_front();
}

void check_all(Tool& tool, const ExtractOptions& options) {
  std::optional<StreamFolder> folder;
  if (std::filesystem::exists(options.out_dir)) folder.emplace(options.out_dir);
  std::uint64_t videos = 0, faults = 0;
  run_list(tool, options, checking(folder ? &*folder : nullptr), [&](const Job& job) { ++videos, faults += job.faults; });
  tool.note(std::to_string(videos) + " videos, " + std::to_string(faults) + " faults");
  if (faults > 0) tool.fail_later();
}

// One video, as long as it lasts; each window's record goes out at once.
void follow_one(Tool& tool, const ExtractOptions& options, Extractor& extractor) {
  Jobs jobs(tool.options().input, options.videos);
  const auto job = jobs.next();
  if (!job) return;
  const auto emit = [&](Record& record) {
    if (!tool.history_entry().empty()) record.append_history(tool.history_entry());
    std::string line;
    record.write(line);
    tool.out().write_line(line);
    tool.out().flush();
  };
  try {
    extractor.follow(job->line, emit, [&] { return !tool.stopped(); });
  } catch (Error& error) {
    throw error.at_line(job->source, job->number);
  }
}

}  // namespace

bool room_to_decode_ahead(int jobs) { return jobs < static_cast<int>(std::thread::hardware_concurrency()); }

void extract_all(Tool& tool, const ExtractOptions& options) {
  if (options.check) return check_all(tool, options);
  ExtractOptions here = options;
  here.decode_ahead = room_to_decode_ahead(tool.options().jobs);
  Extractor extractor(here);
  if (!extractor.uses_device()) tool.refuse({"--device", "--precision", "--batch"}, "--encoder " + options.encoders.front() + ": it has no network");
  if (!extractor.uses_flow()) tool.refuse({"--flow"}, "--encoder " + options.encoders.front() + ": it sees no flow");
  if (!extractor.caches_flow()) tool.refuse({"--flow-cache"}, "--encoder " + options.encoders.front() + ": it sees no pictures of flow");
  if (options.live) return follow_one(tool, options, extractor);
  PlanTotal total;
  run_list(tool, options, options.dry_run ? planning(extractor) : extraction(extractor, tool.history_entry()), [&](const Job& job) {
    if (job.planned) total.add(*job.planned);
  });
  if (options.dry_run) tool.note(total.text(std::max(1, tool.options().jobs)));
}

}  // namespace tal
