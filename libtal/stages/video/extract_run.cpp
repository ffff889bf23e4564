// The list: --jobs videos at a time, results in input order; what a run would do (--dry-run), and what is on disk
// (--check).
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/io/places.h"
#include "libtal/stages/video/check_streams.h"
#include "libtal/stages/video/extract.h"
#include "libtal/stream/ordered_pool.h"
#include "libtal/video/decoder.h"

namespace tal {
namespace {

struct Job {
  VideoLine video;
  std::string output;  // whole lines
  std::optional<Error> fault;
  Extracted result;
  std::optional<Planned> planned;
  std::size_t faults = 0;  // of streams on disk
};

nlohmann::ordered_json json_of(const Planned& planned) {
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json out = {
      {"video", planned.video},
      {"path", planned.path},
      {"frames", number(planned.frames)},
      {"fps", planned.fps > 0 ? nlohmann::ordered_json(planned.fps) : nlohmann::ordered_json()},
      {"rows", number(planned.rows)}};
  out["streams"] = nlohmann::ordered_json::array();
  for (const auto& stream : planned.streams) {
    nlohmann::ordered_json item = {{"name", stream.name}, {"dim", stream.dim}, {"bytes", number(stream.bytes)}};
    if (!stream.path.empty()) item["path"] = stream.path;
    out["streams"].push_back(std::move(item));
  }
  out["seconds"] =
      planned.rows ? nlohmann::ordered_json(std::round(planned.seconds * 100) / 100) : nlohmann::ordered_json();
  out["finished"] = planned.finished;
  return out;
}

std::string line_of(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

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
      job.output += line_of({{"video", record.video()},
                             {"stream", fault.stream},
                             {"path", fault.path},
                             {"fault", fault.fault},
                             {"message", fault.message}});
      ++job.faults;
    }
  };
}

void say(Tool& tool, const Extracted& result) {
  for (const auto& warning : result.warnings) tool.warn(warning);
  for (const auto& note : result.notes) tool.note(note);
}

void process(Job& job, const Work& work) {
  if (job.fault) return;
  Record record;
  try {
    record.look_in(places_of(job.video.source, ""));
    record.parse(job.video.line);
    work(record, job);
  } catch (Error& error) {
    job.fault = error.at_line(job.video.source, job.video.number);
  }
}

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
    return std::to_string(videos) + " videos, " + std::to_string(finished) +
           " finished; to extract: " + std::to_string(rows) + " rows a stream, " + std::to_string(bytes) +
           " bytes, about " + format_number(std::ceil(seconds / jobs)) + " s" +
           (open ? "; " + std::to_string(open) + " of unknown length" : "");
  }
};

// Refuses the second of two records whose rows would be the same files, whatever their videos are.
class OutputNames {
 public:
  explicit OutputNames(const Extractor& extractor) : extractor_(extractor) {}
  void take(Job& job) {
    Record record;
    try {
      record.parse(job.video.line);
    } catch (const Error&) {
      return;  // that is said when it is worked on
    }
    const std::string here = job.video.source + ":" + std::to_string(job.video.number), &id = record.video();
    for (const auto& name : extractor_.outputs(id)) {
      const auto [first, fresh] = users_.try_emplace(name, id, here);
      if (fresh || job.fault) continue;
      const auto& [video, place] = first->second;
      Error error((video == id ? "stands in the input twice" : "and '" + video + "' have rows of one name") + ", " +
                  place + " and here" + (extractor_.options().inline_data ? "" : ": both would be '" + name + "'"));
      job.fault = error.at_field("video").at_video(id).at_line(job.video.source, job.video.number);
    }
  }

 private:
  const Extractor& extractor_;
  std::map<std::string, std::pair<std::string, std::string>> users_;  // name -> the video, and where it stands
};

// Every video of the list through `work`, --jobs at a time; lines in input order; `seen` gets each job once its lines
// are written. names: of what is written; nullptr: nothing is.
void run_list(Tool& tool, VideoList& videos, const Work& work, const std::function<void(const Job&)>& seen,
              OutputNames* names = nullptr) {
  Output& out = tool.out();
  const auto count = static_cast<std::size_t>(std::max(1, tool.options().jobs));
  OrderedPool<Job> workers(static_cast<int>(count), [&work] { return [&work](Job& job) { process(job, work); }; });
  std::uint64_t written = 0;
  const auto write_oldest = [&] {
    const auto job = workers.take();
    say(tool, job->result);
    if (job->fault) tool.record_error(*job->fault, job->video.line);
    else out.write(job->output);
    seen(*job);
    out.flush();  // a video takes long; whoever waits downstream should not
    tool.progress(++written, videos.total(), "videos");
  };
  while (!tool.stopped()) {
    if (videos.would_block())
      while (!workers.empty()) write_oldest();
    auto video = videos.next();
    if (!video) break;
    auto job = std::make_unique<Job>();
    job->video = std::move(*video);
    if (names) names->take(*job);
    workers.add(std::move(job));
    while (workers.size() > (count > 1 ? 2 * count : 0)) write_oldest();
  }
  while (!workers.empty() && !tool.stopped()) write_oldest();
}

void check_all(Tool& tool, const ExtractOptions& options, VideoList& list) {
  std::optional<StreamFolder> folder;
  if (std::filesystem::exists(options.out_dir)) folder.emplace(options.out_dir);
  std::uint64_t videos = 0, faults = 0;
  run_list(tool, list, checking(folder ? &*folder : nullptr), [&](const Job& job) { ++videos, faults += job.faults; });
  tool.note(std::to_string(videos) + " videos, " + std::to_string(faults) + " faults");
  if (faults > 0) tool.fail_later();
}

// One video, as long as it lasts; each window's record goes out at once.
void follow_one(Tool& tool, VideoList& videos, Extractor& extractor) {
  const auto video = videos.next();
  if (!video) return;
  tool.end_by_signal();
  const auto emit = [&](Record& record) {
    if (!tool.history_entry().empty()) record.append_history(tool.history_entry());
    std::string line;
    record.write(line);
    tool.out().write_line(line);
    tool.out().flush();
  };
  try {
    say(tool, extractor.follow(video->line, emit, [&] { return !tool.stopped(); }));
  } catch (Error& error) {
    throw error.at_line(video->source, video->number);
  }
}

}  // namespace

bool room_to_decode_ahead(int jobs) { return jobs < static_cast<int>(std::thread::hardware_concurrency()); }
int decode_threads(int jobs) {
  // One core is for the encoders.
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / std::max(1, jobs) - 1, 1, 16);
}

void extract_all(Tool& tool, const ExtractOptions& options, VideoList& videos) {
  if (options.check) return check_all(tool, options, videos);
  ExtractOptions here = options;
  here.decode_ahead = room_to_decode_ahead(tool.options().jobs);
  here.decode_threads = decode_threads(tool.options().jobs);
  if (!options.hwaccel.empty()) check_hwaccel(options.hwaccel);
  Extractor extractor(here, [&tool](const std::string& text) { tool.note(text); });
  if (!extractor.uses_device())
    tool.refuse({"--device", "--precision", "--batch"},
                "--encoder " + options.encoders.front() + ": it has no network");
  if (!extractor.uses_flow()) tool.refuse({"--flow"}, "--encoder " + options.encoders.front() + ": it sees no flow");
  if (!extractor.hears())
    tool.refuse({"--audio-stream"}, "--encoder " + options.encoders.front() + ": it hears nothing");
  if (!extractor.caches_flow())
    tool.refuse({"--flow-cache"}, "--encoder " + options.encoders.front() + ": it sees no pictures of flow");
  if (options.live) return follow_one(tool, videos, extractor);
  PlanTotal total;
  OutputNames names(extractor);
  run_list(
      tool, videos, options.dry_run ? planning(extractor) : extraction(extractor, tool.history_entry()),
      [&](const Job& job) {
        if (job.planned) total.add(*job.planned);
      },
      &names);
  if (options.dry_run) tool.note(total.text(std::max(1, tool.options().jobs)));
}

}  // namespace tal
