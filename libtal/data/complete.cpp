#include "libtal/data/complete.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/data/tables.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/window.h"

namespace tal {

using nlohmann::json;

namespace {

std::string place_text(const std::string& source, std::uint64_t line) { return source + ":" + std::to_string(line); }

// Behind "video '", up to the quote that ends the name; "": the line names none. A name may have quotes inside: it ends
// where ": " or the line's end follows.
std::string video_named_in(std::string_view line) {
  constexpr std::string_view kBefore = "video '";
  const auto at = line.find(kBefore);
  if (at == std::string_view::npos) return "";
  const auto name = line.substr(at + kBefore.size());
  const auto end = name.find("': ");
  if (end != std::string_view::npos) return std::string(name.substr(0, end));
  return name.ends_with('\'') ? std::string(name.substr(0, name.size() - 1)) : "";
}

}  // namespace

void ShardLogs::read(const std::string& path) {
  LineReader reader(path);
  std::string_view line;
  bool jobs = false;
  while (reader.next(line)) {
    const Place place{reader.source(), reader.line_number()};
    if (line.starts_with("Seq\tHost\tStarttime\t")) jobs = true;
    else if (jobs) job_line(line, place);
    else if (line.starts_with("{\"tool\":")) stats_line(line, place);
    else error_line(line, place);
  }
}

void ShardLogs::error_line(std::string_view line, const Place& place) {
  // "tal-nms: error: ..."; a launcher may have put something before it.
  const auto at = line.find("tal-");
  if (at == std::string_view::npos || line.find(": error: ", at) == std::string_view::npos) return;
  const std::string text(line.substr(at));
  if (const auto video = video_named_in(text); !video.empty()) {
    about_.try_emplace(video).first->second = place_text(place.source, place.line) + ": " + text;
    return;
  }
  failures_.push_back({"log-error", place.source, place.line, "", "", text});
}

// Seq, Host, Starttime, JobRuntime, Send, Receive, Exitval, Signal, Command, between tabs.
void ShardLogs::job_line(std::string_view line, const Place& place) {
  std::vector<std::string_view> fields;
  for (std::string_view rest = line; fields.size() < 8;) {
    const auto tab = rest.find('\t');
    if (tab == std::string_view::npos) break;
    fields.push_back(rest.substr(0, tab));
    rest.remove_prefix(tab + 1);
    if (fields.size() == 8) fields.push_back(rest);
  }
  if (fields.size() != 9) throw Error("is not a line of GNU parallel's --joblog").at_line(place.source, place.line);
  if (fields[6] == "0" && fields[7] == "0") return;
  failures_.push_back({"failed-job", place.source, place.line, "", "",
                       "job " + std::string(fields[0]) + ", exit status " + std::string(fields[6]) + ", signal " +
                           std::string(fields[7]) + ": " + std::string(fields[8])});
}

void ShardLogs::stats_line(std::string_view line, const Place& place) {
  try {
    const json stats = json::parse(line);
    const auto number = [&](const char* key) { return stats.at(key).get<double>(); };
    const auto host = stats.at("host").get<std::string>();
    const auto pid = stats.at("pid").get<std::uint64_t>();
    Run& run = runs_[host + '\0' + std::to_string(pid) + '\0' + format_number(number("started"))];
    run = {place,
           stats.at("tool").get<std::string>(),
           host,
           pid,
           stats.at("records_in").get<std::uint64_t>(),
           stats.at("peak_memory").get<std::uint64_t>(),
           number("elapsed"),
           number("wait_in") + number("wait_out"),
           number("cpu"),
           stats.value("status", -1)};
  } catch (const json::exception&) {
    throw Error("is not a line of --stats").at_line(place.source, place.line);
  }
}

std::string ShardLogs::about(const std::string& video) const {
  const auto* found = about_.find(video);
  return found ? found->second : "";
}

std::vector<Fault> ShardLogs::failures() const {
  std::vector<Fault> out = failures_;
  for (const auto& [id, run] : runs_) {
    const std::string who = run.tool + " on " + run.host + ", process " + std::to_string(run.pid);
    const auto say = [&, &run = run](const char* kind, const std::string& what) {
      out.push_back({kind, run.place.source, run.place.line, "", "", who + ": " + what});
    };
    if (run.status < 0)
      say("killed-run", "its --stats end after " + format_number(run.elapsed) + " s, without a last line");
    else if (run.status > 0) say("failed-run", "exit status " + std::to_string(run.status));
  }
  return out;
}

std::vector<std::string> ShardLogs::summary() const {
  struct Sum {
    std::uint64_t runs = 0, killed = 0, records = 0, memory = 0;
    double elapsed = 0, working = 0, cpu = 0;
  };
  std::map<std::string, Sum> tools;
  for (const auto& [id, run] : runs_) {
    Sum& sum = tools[run.tool];
    ++sum.runs, sum.killed += run.status < 0, sum.records += run.records;
    sum.memory = std::max(sum.memory, run.memory);
    sum.elapsed += run.elapsed, sum.working += std::max(0.0, run.elapsed - run.waited), sum.cpu += run.cpu;
  }
  std::vector<std::string> out;
  for (const auto& [tool, sum] : tools)
    out.push_back(tool + ": " + std::to_string(sum.runs) + (sum.runs == 1 ? " run, " : " runs, ") +
                  std::to_string(sum.killed) + " killed, " + std::to_string(sum.records) + " records in " +
                  format_number(sum.elapsed) + " s, of which " + format_number(sum.working) + " s not waiting; " +
                  format_number(sum.cpu) + " s of CPU, at most " + std::to_string(sum.memory >> 20) + " MiB");
  return out;
}

Completeness::Completeness(const std::string& path) {
  const SourceText text{path == "-" ? "stdin" : path, read_file(path)};
  source_ = text.name;
  if (first_character(text.text) != '{') {
    for (auto& video : parse_video_list(text)) add(video.name, video.name, video.line);
  } else {
    const auto lines = split_lines(text);
    Record record;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (trim_json(lines[i]).empty()) continue;
      try {
        record.parse(lines[i]);
      } catch (Error& error) {
        throw error.at_line(source_, i + 1);
      }
      add(record.video(), std::string(lines[i]), i + 1);
    }
  }
}

void Completeness::add(std::string video, std::string text, std::uint64_t line) {
  if (!by_name_.try_emplace(video, videos_.size()).second)
    throw Error("stands in the list twice").at_video(video).at_line(source_, line);
  spellings_.add(video);
  videos_.push_back({std::move(video), std::move(text), line});
}

void Completeness::record(const Record& record, const std::string& source, std::uint64_t line, const FaultSink& sink) {
  const std::string& video = record.video();
  const auto window = window_of(record);
  const std::string id = window ? video + '\0' + std::to_string(window->index) : video;
  const auto [before, fresh] = seen_.try_emplace(id, place_text(source, line));
  if (!fresh)
    sink({"duplicate-video", source, line, video, "video",
          (window ? "its window stands at " : "stands at ") + before->second + " too"});
  const auto* found = by_name_.find(video);
  if (!found)
    return sink({"unknown-video", source, line, video, "video", "not in " + source_ + spellings_.reason(video)});
  Listed& listed = videos_[found->second];
  if (window && fresh) ++listed.windows;
  if (window && window->final) listed.wanted = window->index + 1;
  if (!window || listed.windows == listed.wanted) listed.state = Listed::State::kComplete;
  else if (listed.state == Listed::State::kMissing) listed.state = Listed::State::kBegun;
}

void Completeness::end(const ShardLogs& logs, const FaultSink& sink) const {
  for (const auto& listed : videos_) {
    if (listed.state == Listed::State::kComplete) continue;
    const bool begun = listed.state == Listed::State::kBegun;
    const std::string why = logs.about(listed.video);
    sink({begun ? "unfinished-video" : "missing-video", source_, listed.line, listed.video, "",
          (!begun ? "has no record"
           : listed.wanted == 0
               ? "has windows, but no final one"
               : "has " + std::to_string(listed.windows) + " of " + std::to_string(listed.wanted) + " windows") +
              (why.empty() ? "" : "; " + why)});
  }
}

std::string Completeness::missing_lines() const {
  std::string out;
  for (const auto& listed : videos_)
    if (listed.state != Listed::State::kComplete) out += listed.text + '\n';
  return out;
}

}  // namespace tal
