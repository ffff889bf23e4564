#include "libtal/stages/check.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/data/bundle.h"
#include "libtal/data/complete.h"
#include "libtal/formats/formats.h"
#include "libtal/io/file_name.h"
#include "libtal/io/folder.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/places.h"
#include "libtal/io/record.h"
#include "libtal/stages/plugins.h"

namespace tal {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// One file by itself is the input, and its name says what it is.
void settle(Tool& tool, const CheckOptions& options) {
  if (!options.complete.empty()) return;
  if (options.outputs.size() > 1)
    throw UsageError("'" + options.outputs[1] + "': one file at a time without --complete");
  if (!options.outputs.empty()) tool.resolve("--input", options.outputs.front());
  if (tool.given("--kind") || !options.stage.empty() || !options.compare.empty() || options.replay) return;
  const std::string& input = tool.options().input;
  if (fs::is_directory(input)) tool.resolve("--kind", "folder");
  else if (ends_alike(input, ".npy")) tool.resolve("--kind", "features");
  else if (ends_alike(input, ".safetensors")) tool.resolve("--kind", "model");
}

}  // namespace

void register_options(const Options& table, CheckOptions& options) {
  table.settle([&options](Tool& tool) { settle(tool, options); });
  // --stage, --compare-features, --replay and --complete are works of their own; without them the input is checked.
  const Options shards = table.without("--stage").without("--compare-features").without("--replay"),
                input = shards.without("--complete"), complete = shards.with("--complete");
  const Options records = input.with("--kind", {"records"});
  input
      .add("--kind", options.kind,
           "What the input is: records, features (one .npy), model (safetensors, also a bundle) or folder (default: as "
           "it is named)")
      .one_of({"records", "features", "model", "folder"});
  records
      .add("--fix", options.fix,
           "Write the records repaired, and the counts to stderr: clip (segments that reach out of the video), drop "
           "(what "
           "cannot be repaired), dedup (equal segments and records), sort (annotations by time, proposals best first), "
           "order (reversed ends)")
      .comma_separated()
      .one_of({"clip", "drop", "dedup", "sort", "order"});
  records.add("--gt", options.gt, "Records with every known video and label").type_name("FILE").reads();
  records.features_root();
  input.with("--kind", {"records", "folder"})
      .flag("--no-videos", options.no_videos, "Leave the videos closed that records name");
  table.add("--format", options.format, "Report as text or json")
      .one_of({"text", "json"})
      .without("--replay")
      .without("--fix");
  shards.add("--max-faults", options.max_faults, "List at most N faults of a class; all are counted (0: no bound)")
      .type_name("N");
  records.add("--tolerance", options.tolerance, "Seconds that a segment may end behind its video")
      .type_name("SECONDS")
      .not_negative();
  table.add("--stage", options.stage, "Feed the shell command CMD and say which promises of tal-jsonl(5) it keeps")
      .type_name("CMD");
  table.add("--timeout", options.timeout, "With --stage: seconds to wait for an answer")
      .type_name("SECONDS")
      .positive()
      .with("--stage");
  table.flag("--replay", options.replay, "Print the pipelines behind the records, from their history")
      .without("--stage")
      .without("--compare-features");
  table
      .add("--compare-features", options.compare,
           "Compare two .npy files: rows, columns, differences, cosines, and by how many rows one lags behind")
      .values(2)
      .type_name("A B")
      .without("--stage");
  shards
      .add("--complete", options.complete,
           "Say which videos of LIST (records, or names) the outputs of a run over shards have left out")
      .type_name("LIST")
      .reads();
  shards
      .add("files", options.outputs,
           "What to check, as --input; with --complete, outputs of the shards. Without any, --input is read")
      .type_name("FILE");
  complete.add("--missing", options.missing, "Write the lines of LIST that have no record: the next run's input")
      .type_name("FILE")
      .writes();
  complete
      .add("--logs", options.logs,
           "What the shards wrote on stderr, their --stats, and GNU parallel's --joblog: why a video is missing, which "
           "runs failed or were killed, and what all of them took")
      .type_name("FILE")
      .reads();
  table.row("--input").without("--stage").without("--compare-features").without("files");
  // Every fault is reported, and the check goes on.
  for (const char* policy : {"--on-error", "--rejects", "--max-errors"}) table.row(policy).with("--replay");
}

namespace {

// Writes every fault when it is found, up to --max-faults of a class, and the counts at the end.
class Report {
 public:
  Report(Tool& tool, const CheckOptions& options) : tool_(tool), options_(options) {}

  void add(const Fault& fault) {
    auto& count = counts_[fault.kind];
    ++count.all, count.fixed += fault.fixed;
    if (options_.max_faults > 0 && count.all > options_.max_faults) return;
    ++count.listed;
    if (options_.format == "json") {
      const nlohmann::ordered_json out{{"class", fault.kind},  {"source", fault.source}, {"line", fault.line},
                                       {"video", fault.video}, {"field", fault.field},   {"message", fault.message}};
      tool_.out().write(std::string(std::exchange(first_, false) ? "{\"faults\":[\n" : ",\n") + dump(out));
    } else {
      print(fault.text() + (fault.fixed ? " (fixed)" : ""));
    }
  }

  // about: a JSON object, of a model file; "": none. unchecked: what could not be compared.
  void end(std::uint64_t checked, const std::string& unit, const std::string& about = "",
           const Unchecked& unchecked = {}) {
    std::uint64_t all = 0;
    bool left = false;
    for (const auto& [kind, count] : counts_) all += count.all, left = left || count.fixed < count.all;
    if (options_.format == "json") {
      nlohmann::ordered_json counts = json::object(), unlisted = json::object();
      for (const auto& [kind, count] : counts_) {
        counts[kind] = count.all;
        if (count.listed < count.all) unlisted[kind] = count.all - count.listed;
      }
      tool_.out().write(std::string(first_ ? "{\"faults\":[" : "\n]") + (first_ ? "]" : "") +
                        ",\"counts\":" + dump(counts) + ",\"unlisted\":" + dump(unlisted) +
                        ",\"checked\":" + std::to_string(checked) + ",\"unit\":\"" + unit + "\"" + json_of(unchecked) +
                        (about.empty() ? "" : ",\"model\":" + about) + "}\n");
    } else {
      std::string summary = std::to_string(checked) + " " + unit + ", " + std::to_string(all) + " faults";
      for (const auto& [kind, count] : counts_) {
        summary += "\n  " + kind + ": " + std::to_string(count.all);
        if (count.fixed > 0) summary += " (" + std::to_string(count.fixed) + " fixed)";
        if (count.listed < count.all) summary += " (" + std::to_string(count.all - count.listed) + " not listed)";
      }
      if (unchecked.any()) summary += "\n" + unchecked.text();
      print(summary);
    }
    if (left) tool_.fail_later();
  }

 private:
  struct Count {
    std::uint64_t all = 0, fixed = 0, listed = 0;
  };
  static std::string json_of(const Unchecked& unchecked) {
    nlohmann::ordered_json out = json::object();
    if (unchecked.ends > 0) out["past-end"] = out["after-end"] = unchecked.ends;
    if (unchecked.rows > 0) out["rows-disagree"] = unchecked.rows;
    if (!unchecked.files.empty()) out["files"] = unchecked.files;
    return out.empty() ? "" : ",\"not_checked\":" + dump(out);
  }
  static std::string dump(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  // With --fix the records own stdout.
  void print(const std::string& text) { options_.fix.empty() ? tool_.out().write_line(text) : tool_.note(text); }

  Tool& tool_;
  const CheckOptions& options_;
  std::map<std::string, Count> counts_;
  bool first_ = true;
};

void run_stage(Tool& tool, const CheckOptions& options) {
  nlohmann::ordered_json list = json::array();
  std::string told;  // the stage's own words, once where it repeats itself
  for (const auto& promise : certify_stage(options.stage, options.timeout)) {
    if (!promise.kept && promise.required) tool.fail_later();
    if (options.format == "json")
      list.push_back({{"promise", promise.name},
                      {"kept", promise.kept},
                      {"required", promise.required},
                      {"detail", promise.detail},
                      {"stderr", promise.complaint}});
    else
      tool.out().write_line((promise.kept       ? "keeps  "
                             : promise.required ? "BREAKS "
                                                : "alters ") +
                            promise.name + (promise.detail.empty() ? "" : ": " + promise.detail));
    if (options.format == "json" || promise.complaint.empty() || promise.complaint == told) continue;
    told = promise.complaint;
    for (std::size_t at = 0; at <= told.size();) {
      const auto end = std::min(told.find('\n', at), told.size());
      tool.out().write_line("       stderr: " + told.substr(at, end - at));
      at = end + 1;
    }
  }
  if (options.format == "json") tool.out().write_line(list.dump(-1, ' ', false, json::error_handler_t::replace));
}

void run_compare(Tool& tool, const CheckOptions& options) {
  const auto d = compare_features(options.compare[0], options.compare[1]);
  nlohmann::ordered_json out{
      {"rows", {d.rows_a, d.rows_b}}, {"dim", {d.dim_a, d.dim_b}}, {"same_shape", d.same_shape()},
      {"max_abs", d.max_abs},         {"mean_abs", d.mean_abs},    {"min_cosine", d.min_cosine},
      {"mean_cosine", d.mean_cosine}, {"best_lag", d.best_lag},    {"best_lag_cosine", d.best_lag_cosine}};
  if (d.dim_a != d.dim_b || d.rows_a == 0 || d.rows_b == 0)  // nothing can be compared
    for (const char* key : {"max_abs", "mean_abs", "min_cosine", "mean_cosine", "best_lag", "best_lag_cosine"})
      out[key] = nullptr;
  if (options.format == "json") tool.out().write_line(out.dump());
  else
    for (const auto& [key, value] : out.items()) tool.out().write_line(key + ": " + value.dump());
  if (!d.same_shape() || !(d.max_abs == 0)) tool.fail_later();
}

void run_replay(Tool& tool) {
  std::map<std::string, std::uint64_t> pipes;
  std::vector<std::string> order;
  for_each_record(tool, tool.options().input, [&](Record& record, const LineReader&) {
    auto pipe = replay(record.line());
    if (pipes[pipe]++ == 0) order.push_back(pipe);
  });
  for (const auto& pipe : order) {
    const auto end = std::min(pipe.find('\n'), pipe.size());
    tool.out().write_line(pipe.substr(0, end) + "  # records: " + std::to_string(pipes[pipe]) + pipe.substr(end));
  }
}

void run_complete(Tool& tool, const CheckOptions& options) {
  if (options.complete == "-" && options.outputs.empty())
    throw UsageError("--complete -: stdin has the records; name the outputs of the shards");
  Completeness check(options.complete);
  ShardLogs logs;
  for (const auto& path : options.logs) logs.read(path);
  Report report(tool, options);
  const FaultSink sink = [&](const Fault& fault) { report.add(fault); };
  std::uint64_t records = 0;
  const auto paths = options.outputs.empty() ? std::vector{tool.options().input} : options.outputs;
  for (const auto& path : paths) {
    LineReader reader(path, tool.meter());
    Record record;
    std::string_view line;
    while (!tool.stopped() && reader.next(line)) {
      ++records;
      try {
        record.parse(line);
        check.record(record, reader.source(), reader.line_number(), sink);
      } catch (const Error& error) {
        sink({"broken-line", reader.source(), reader.line_number(), record.video(), error.field(), error.message()});
      }
    }
  }
  check.end(logs, sink);
  for (const auto& failure : logs.failures()) tool.note(failure.text());
  for (const auto& line : logs.summary()) tool.note(line);
  if (!options.missing.empty()) {
    AtomicFile file(options.missing);
    file.write(check.missing_lines());
    file.commit();
  }
  tool.note(std::to_string(check.listed()) + " videos listed");
  report.end(records, "records");
}

// Opens videos; where that needs a library that is not there, says so once and opens none.
VideoProbe prober(Tool& tool) {
  return [&tool, stages = static_cast<const VideoStages*>(nullptr), failed = false](const std::string& path) mutable {
    if (failed) return VideoFacts{};
    if (!stages) {
      try {
        stages = &video_stages();
      } catch (const Error& error) {
        tool.note("the videos that records name stay closed: " + error.message());
        failed = true;
        return VideoFacts{};
      }
    }
    return stages->claims(path);
  };
}

std::string foreign_text(const ImportFormat& format) {
  return "no records, but " + format.name + " by its looks (" + format.help + "): tal-convert --from " + format.name +
         " makes records of it";
}

// Of a folder's files that its check does not take: annotations of other formats are faults, and videos that records
// name have been opened. The rest, such as archives of arrays, tables of durations and pages, is counted by endings.
std::uint64_t check_others(const std::vector<std::string>& others, const std::set<fs::path>& opened,
                           const FaultSink& sink, Unchecked& unchecked) {
  std::uint64_t found = 0;
  for (const auto& path : others) {
    try {
      const ImportFormat& format = recognise_format({path}, [](const std::string&) {});
      if (format.reader) {
        sink({"foreign-format", path, 0, "", "", foreign_text(format)}), ++found;
        continue;
      }
    } catch (const Error&) {  // none that is known
    }
    std::error_code failed;
    if (opened.count(fs::weakly_canonical(path, failed)) > 0) continue;
    const std::string ending = lower_case(fs::path(path).extension().string());
    ++unchecked.files[ending.empty() ? "without an ending" : ending];
  }
  return found;
}

void run_files(Tool& tool, const CheckOptions& options) {
  if (tool.options().input == "-") throw UsageError("--kind " + options.kind + " needs --input");
  Report report(tool, options);
  bool sound = true;
  const FaultSink sink = [&](const Fault& fault) { sound = false, report.add(fault); };
  std::uint64_t checked = 1;
  Unchecked unchecked;
  std::string about;
  if (options.kind == "features") {
    check_feature_file(tool.options().input, sink);
  } else if (options.kind == "model") {
    check_model_file(file_part(tool.options().input).file, sink);  // of a bundle's part all of the bundle
    if (sound && options.format == "json") about = model_json(tool.options().input);
    else if (sound) tool.out().write(model_text(tool.options().input));
  } else {
    std::set<fs::path> opened;
    const VideoProbe probe = [&, open = prober(tool)](const std::string& path) {
      std::error_code failed;
      opened.insert(fs::weakly_canonical(path, failed));
      return open(path);
    };
    const auto others = check_folder(
        tool.options().input, options, sink, checked, unchecked, [&](const std::string& text) { tool.note(text); },
        options.no_videos ? VideoProbe() : probe);
    checked += check_others(others, opened, sink, unchecked);
    if (checked == 0) tool.warn("nothing was checked: the folder has no .jsonl, .npy or .safetensors file");
  }
  report.end(checked, "files", about, unchecked);
}

// Of a file whose first line is no record: what it is, and what makes records of it; "": that cannot be told.
std::string foreign_advice(const std::string& path) {
  std::error_code failed;
  if (path == "-" || !fs::is_regular_file(path, failed)) return "";
  LineReader reader(path);
  std::string_view line;
  if (!reader.next(line)) return "";
  try {
    Record().parse(line);
    return "";
  } catch (const Error&) {  // then what is it?
  }
  try {
    const ImportFormat& format = recognise_format({path}, [](const std::string&) {});
    if (format.name == "tal") return "";
    return foreign_text(format);
  } catch (const Error&) {  // each line says what is wrong with it
    return "";
  }
}

void run_records(Tool& tool, const CheckOptions& options) {
  KnownNames known;
  if (!options.gt.empty()) known = known_names(options.gt);
  Report report(tool, options);
  RecordChecker checker(
      options, [&](const Fault& fault) { report.add(fault); }, options.gt.empty() ? nullptr : &known,
      options.no_videos ? VideoProbe() : prober(tool));
  if (const auto advice = foreign_advice(tool.options().input); !advice.empty()) {
    report.add({"foreign-format", tool.options().input, 0, "", "", advice});
    return report.end(0, "records");
  }
  LineReader reader(tool.options().input, tool.meter());
  checker.look_in(places_of(reader.source(), tool.options().features_root));
  std::string_view line;
  while (!tool.stopped() && reader.next(line)) {
    const auto fixed = checker.line(line, reader.source(), reader.line_number());
    if (!options.fix.empty() && fixed) tool.out().write_line(*fixed);
  }
  checker.end(reader.source());
  for (const auto& text : checker.misspelt()) tool.warn(text);
  report.end(checker.records(), "records", "", checker.unchecked());
}

}  // namespace

void run_check(Tool& tool, const CheckOptions& options) {
  if (!options.stage.empty()) return run_stage(tool, options);
  if (!options.compare.empty()) return run_compare(tool, options);
  if (options.replay) return run_replay(tool);
  if (!options.complete.empty()) return run_complete(tool, options);
  options.kind == "records" ? run_records(tool, options) : run_files(tool, options);
}

}  // namespace tal
