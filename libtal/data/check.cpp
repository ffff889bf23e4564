#include "libtal/data/check.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/cli/tool.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

using nlohmann::json;

bool has(const std::vector<std::string>& list, const char* word) { return std::find(list.begin(), list.end(), word) != list.end(); }

std::string kind_of(const Error& error) {
  const auto& text = error.message();
  if (text.find("UTF-8") != std::string::npos) return "bad-utf8";
  if (error.field() == "video") return "bad-video";
  if (text.find("finite") != std::string::npos) return "not-finite";
  if (text.find("stands twice") != std::string::npos) return "duplicate-key";
  return "broken-line";
}

std::string_view trimmed(std::string_view text) {
  const char* const blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// The parts of a JSON array or object (text that has been parsed without fault) as they stand: elements, or members `"key": value`.
std::vector<std::string_view> parts_of(std::string_view container) {
  std::vector<std::string_view> parts;
  std::size_t begin = 1;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < container.size(); ++i) {
    const char c = container[i];
    if (quoted) {
      if (c == '\\') ++i;
      else quoted = c != '"';
      continue;
    }
    quoted = c == '"';
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if ((c == ',' && depth == 1) || depth == 0) {
      if (const auto part = trimmed(container.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
      begin = i + 1;
    }
  }
  return parts;
}

// An item with another segment, every other byte as it stands.
std::string with_segment(std::string_view item, double start, double end) {
  std::string out(item);
  for (const auto member : parts_of(item)) {
    std::size_t close = 1;
    while (member[close] != '"') close += member[close] == '\\' ? 2 : 1;
    if (json::parse(member.substr(0, close + 1)) != "segment") continue;
    const std::string_view value = trimmed(member.substr(member.find(':', close) + 1));
    std::string segment = "[";
    append_number(segment, start);
    segment += ',';
    append_number(segment, end);
    out.replace(static_cast<std::size_t>(value.data() - item.data()), value.size(), segment + "]");
    break;
  }
  return out;
}

std::string label_of(const json& item) {
  const auto found = item.find("label");
  return found != item.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string Fault::text() const {
  Error error(kind + ": " + message);
  if (!field.empty()) error.at_field(field);
  if (!video.empty()) error.at_video(video);
  return error.at_line(source, line).what();
}

void register_options(CLI::App& app, CheckOptions& options) {
  app.add_option("--kind", options.kind, "What the input is: records, features (one .npy), model (safetensors) or folder")
      ->check(CLI::IsMember({"records", "features", "model", "folder"}));
  app.add_option("--fix", options.fix,
                 "Write the records repaired: clip (ends behind the video), dedup (equal segments), order (reversed ends)")
      ->delimiter(',')->check(CLI::IsMember({"clip", "dedup", "order"}));
  app.add_option("--gt", options.gt, "Records with every known video and label")->type_name("FILE");
  app.add_option("--format", options.format, "Report as text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--max-faults", options.max_faults, "List at most N faults of a class; all are counted (0: no bound)")->type_name("N");
  app.add_option("--tolerance", options.tolerance, "Seconds that a segment may end behind its video")
      ->type_name("SECONDS")->check(CLI::NonNegativeNumber);
  app.add_option("--stage", options.stage, "Feed the shell command CMD and say which promises of tal-jsonl(5) it keeps")
      ->type_name("CMD");
  app.add_option("--timeout", options.timeout, "With --stage: seconds to wait for an answer")
      ->type_name("SECONDS")->check(CLI::PositiveNumber);
  app.add_flag("--replay", options.replay, "Print the pipelines behind the records, from their history");
  app.add_option("--compare-features", options.compare, "Compare two .npy files")->expected(2)->type_name("A B");
}

KnownNames known_names(const std::string& path) {
  KnownNames out;
  LineReader reader(path);
  Record record;
  std::string_view line;
  while (reader.next(line)) {
    try {
      record.parse(line);
      out.videos.insert(record.video());
      for (const auto& annotation : record.annotations(true))
        if (!annotation.label.empty()) out.labels.insert(annotation.label);
    } catch (Error& error) {
      throw error.at_line(reader.source(), reader.line_number());
    }
  }
  return out;
}

struct RecordChecker::Place {
  RecordChecker& checker;
  std::string source;
  std::uint64_t line;
  std::string video;
  void add(const char* kind, std::string field, std::string message, bool fixed = false) const {
    checker.sink_({kind, source, line, video, std::move(field), std::move(message), fixed});
  }
};

RecordChecker::RecordChecker(CheckOptions options, FaultSink sink, const KnownNames* known)
    : options_(std::move(options)), known_(known), sink_(std::move(sink)) {
  clip_ = has(options_.fix, "clip"), dedup_ = has(options_.fix, "dedup"), order_ = has(options_.fix, "order");
}

std::string RecordChecker::line(std::string_view text, const std::string& source, std::uint64_t number) {
  ++records_;
  Record record;
  Place place{*this, source, number, ""};
  bool whole = true;
  try {
    record.parse(text);
  } catch (const Error& error) {
    place.video = record.video();
    place.add(kind_of(error).c_str(), error.field(), error.message());
    whole = false;
  }
  place.video = record.video();
  const json data = json::parse(text, nullptr, false);
  if (data.is_discarded() || !data.is_object()) {
    if (whole) place.add("broken-line", "", "not readable as JSON (a number out of range?)");
    return std::string(text);
  }
  if (whole) {
    std::string id = record.video();
    videos_.insert(id);
    if (const auto window = data.find("window"); window != data.end()) {
      if (window->is_object() && window->contains("index")) (id += '\0') += (*window)["index"].dump();
      else place.add("bad-window", "window", "must be an object with an index");
    }
    if (!seen_.insert(id).second) place.add("duplicate-video", "video", "stands in the stream before");
    if (known_ && !known_->videos.count(record.video())) place.add("unknown-video", "video", "not among the known videos");
  }
  double duration = 0, fps = 0;
  const auto guard = [&](const char* kind, auto&& body) {
    try {
      body();
    } catch (const Error& error) {
      place.add(kind, error.field(), error.message());
    }
  };
  if (whole) {
    guard("bad-duration", [&] { duration = record.duration().value_or(0); });
    guard("bad-fps", [&] { if (const auto rate = record.fps()) fps = rate->value(); });
    guard("bad-classification", [&] { record.classification(); });
    if (const auto frames = data.find("frames"); frames != data.end()) {
      if (!frames->is_number_integer() || frames->get<double>() < 0) {
        place.add("bad-frames", "frames", "must be a count");
      } else if (duration > 0 && fps > 0 && std::abs(frames->get<double>() / fps - duration) > std::max(1.0, 2 / fps)) {
        place.add("frames-disagree", "frames", frames->dump() + " frames are " + format_number(frames->get<double>() / fps) +
                                                   " s, the duration is " + format_number(duration) + " s");
      }
    }
  }

  for (const char* key : {"annotations", "proposals"}) {
    const auto list = data.find(key);
    if (list == data.end()) continue;
    if (!list->is_array()) {
      place.add("bad-field", key, "must be a list");
      continue;
    }
    struct Item { std::size_t index; double start, end; std::string label; };
    std::vector<Item> items;
    std::map<std::tuple<double, double, std::string>, std::size_t> same;
    // Only what reads as a record is repaired.
    const auto texts = whole ? parts_of(trimmed(*record.raw(key))) : std::vector<std::string_view>();
    const auto text_of = [&](std::size_t i) { return whole ? texts.at(i) : std::string_view(); };
    std::string repaired = "[";
    const auto keep = [&](std::string_view item) { (repaired += repaired.size() > 1 ? "," : "") += item; };
    bool changed = false;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const json& item = (*list)[i];
      const std::string field = std::string(key) + "[" + std::to_string(i) + "]";
      const auto segment = item.is_object() ? item.find("segment") : item.end();
      if (!item.is_object() || segment == item.end() || !segment->is_array() || segment->size() != 2 ||
          !(*segment)[0].is_number() || !(*segment)[1].is_number()) {
        place.add("bad-segment", field + ".segment", "must be [start, end] in seconds");
        keep(text_of(i));
        continue;
      }
      bool moved = false;
      double start = (*segment)[0].get<double>(), end = (*segment)[1].get<double>();
      const std::string where = field + ".segment", label = label_of(item);
      if (end < start) {
        place.add("reversed", where, "end " + format_number(end) + " is before start " + format_number(start), order_);
        if (order_) std::swap(start, end), moved = true;
      }
      if (start == end) place.add("empty", where, "starts and ends at " + format_number(start));
      if (start < 0) {
        place.add("negative", where, "starts at " + format_number(start), clip_ && end > 0);
        if (clip_ && end > 0) start = 0, moved = true;
      }
      if (duration > 0 && start >= duration) {
        place.add("after-end", where, "starts at " + format_number(start) + ", the video ends at " + format_number(duration));
      } else if (duration > 0 && end > duration + options_.tolerance) {
        place.add("past-end", where, "ends at " + format_number(end) + ", " + format_number(end - duration) + " s behind the video", clip_);
        if (clip_) end = duration, moved = true;
      }
      if (*key == 'a' && label.empty()) place.add("bad-label", field + ".label", "missing or not a string");
      if (known_ && !label.empty() && !known_->labels.count(label)) place.add("unknown-label", field + ".label", "'" + label + "' is not among the known labels");
      if (const auto score = item.find("score"); score != item.end() && !score->is_number())
        place.add("bad-score", field + ".score", "must be a number");
      const auto [twin, fresh] = same.try_emplace({start, end, label}, i);
      if (!fresh) {
        place.add("duplicated", where, "the same as " + std::string(key) + "[" + std::to_string(twin->second) + "]", dedup_);
        if (dedup_) {
          changed = true;
          continue;
        }
      } else if (start < end) {
        items.push_back({i, start, end, label});
      }
      changed = changed || moved;
      keep(moved && whole ? with_segment(text_of(i), start, end) : std::string(text_of(i)));
    }
    if (*key == 'a') {  // proposals overlap by nature
      std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return std::tie(a.label, a.start) < std::tie(b.label, b.start); });
      std::size_t last = 0;  // the one that reaches furthest so far
      for (std::size_t i = 1; i < items.size(); ++i) {
        if (items[i].label == items[last].label && items[i].start < items[last].end)
          place.add("overlapping", std::string(key) + "[" + std::to_string(items[i].index) + "].segment",
                    "overlaps " + std::string(key) + "[" + std::to_string(items[last].index) + "] of the same class '" + items[i].label + "'");
        if (items[i].label != items[last].label || items[i].end > items[last].end) last = i;
      }
    }
    if (changed && whole) record.set_raw(key, repaired + "]");
  }

  if (whole) guard("bad-features", [&] {
    for (const auto& stream : record.features()) {
      const std::string field = "features." + stream.name;
      if (stream.rows == 0) place.add("zero-rows", field + ".rows", "the stream has no row");
      if (!stream.weights.empty() && !is_sha256(stream.weights)) place.add("bad-hash", field + ".weights", "must be sha256: and 64 hexadecimal digits");
      const std::string contract = "dim " + std::to_string(stream.dim) + ", stride " + format_number(stream.stride) + ", window " +
                                   format_number(stream.window) + ", weights " + (stream.weights.empty() ? "unknown" : stream.weights);
      const auto [first, fresh] = contracts_.try_emplace(stream.name, contract);
      if (!fresh && first->second != contract) place.add("contract-changes", field, contract + "; before: " + first->second);
      if (duration > 0 && stream.fps && stream.stride > 0 && stream.rows > 0) {
        // The last row's window may be padded by less than one window; more rows, or a missing window's worth, disagree.
        const double covered = (stream.offset + static_cast<double>(stream.rows - 1) * stream.stride) / stream.fps->value();
        const double slack = (stream.window + 2 * stream.stride) / stream.fps->value() + 1;
        if (covered >= duration || covered + slack < duration)
          place.add("rows-disagree", field + ".rows", std::to_string(stream.rows) + " rows reach " + format_number(covered) + " s of " + format_number(duration) + " s");
      }
      if (stream.path.empty()) continue;
      const json header = json::parse(stream.text, nullptr, false);
      FeatureClaim claim{stream.rows, stream.dim, ""};
      if (header.is_object() && header.contains("hash") && header["hash"].is_string()) claim.hash = header["hash"].get<std::string>();
      check_feature_file(stream.path, [&](const Fault& fault) {
        place.add(fault.kind.c_str(), field + ".path", "'" + stream.path + "': " + (fault.field.empty() ? "" : fault.field + ": ") + fault.message);
      }, claim);
    }
  });
  return record.modified() ? record.str() : std::string(text);
}

void RecordChecker::end(const std::string& source) {
  if (!known_) return;
  for (const auto& video : known_->videos)
    if (!videos_.count(video)) sink_({"missing-video", source, 0, video, "", "known, but without a record"});
}

std::string replay(std::string_view line) {
  Record record;
  record.parse(line);
  const auto raw = record.raw("history");
  if (!raw) throw Error("missing; the record does not say what made it").at_field("history").at_video(record.video());
  const json history = json::parse(*raw, nullptr, false);
  std::string out;
  const auto word = [&](const std::string& text) {
    if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%") == std::string::npos) {
      out += text;
      return;
    }
    out += '\'';
    for (char c : text) c == '\'' ? out += "'\\''" : out += c;
    out += '\'';
  };
  if (!history.is_array()) throw Error("must be a list").at_field("history").at_video(record.video());
  for (std::size_t i = 0; i < history.size(); ++i) {
    const auto& step = history[i];
    const std::string field = "history[" + std::to_string(i) + "]";
    if (!step.is_object() || !step.contains("tool") || !step["tool"].is_string())
      throw Error("must name its tool").at_field(field).at_video(record.video());
    if (!out.empty()) out += " | ";
    word(step["tool"].get<std::string>());
    const json arguments = step.value("args", json::array());
    if (!arguments.is_array()) throw Error("must be a list").at_field(field + ".args").at_video(record.video());
    for (const auto& argument : arguments) {
      out += ' ';
      word(argument.is_string() ? argument.get<std::string>() : argument.dump());
    }
  }
  return out;
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
      const nlohmann::ordered_json out{{"class", fault.kind}, {"source", fault.source}, {"line", fault.line}, {"video", fault.video},
                                       {"field", fault.field}, {"message", fault.message}};
      tool_.out().write(std::string(std::exchange(first_, false) ? "{\"faults\":[\n" : ",\n") + dump(out));
    } else {
      print(fault.text() + (fault.fixed ? " (fixed)" : ""));
    }
  }

  void end(std::uint64_t checked, const std::string& unit) {
    std::uint64_t all = 0;
    bool left = false;
    for (const auto& [kind, count] : counts_) all += count.all, left = left || count.fixed < count.all;
    if (options_.format == "json") {
      nlohmann::ordered_json counts = json::object(), unlisted = json::object();
      for (const auto& [kind, count] : counts_) {
        counts[kind] = count.all;
        if (count.listed < count.all) unlisted[kind] = count.all - count.listed;
      }
      tool_.out().write(std::string(first_ ? "{\"faults\":[" : "\n]") + (first_ ? "]" : "") + ",\"counts\":" + dump(counts) + ",\"unlisted\":" + dump(unlisted) +
                        ",\"checked\":" + std::to_string(checked) + ",\"unit\":\"" + unit + "\"}\n");
    } else {
      std::string summary = std::to_string(checked) + " " + unit + ", " + std::to_string(all) + " faults";
      for (const auto& [kind, count] : counts_) {
        summary += "\n  " + kind + ": " + std::to_string(count.all);
        if (count.fixed > 0) summary += " (" + std::to_string(count.fixed) + " fixed)";
        if (count.listed < count.all) summary += " (" + std::to_string(count.all - count.listed) + " not listed)";
      }
      print(summary);
    }
    if (left) tool_.fail_later();
  }

 private:
  struct Count {
    std::uint64_t all = 0, fixed = 0, listed = 0;
  };
  static std::string dump(const nlohmann::ordered_json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
  // With --fix the records own stdout.
  void print(const std::string& text) { options_.fix.empty() ? tool_.out().write_line(text) : tool_.note(text); }

  Tool& tool_;
  const CheckOptions& options_;
  std::map<std::string, Count> counts_;
  bool first_ = true;
};

}  // namespace

void run_check(Tool& tool, const CheckOptions& options) {
  const bool records = options.kind == "records";
  if (!options.replay) tool.refuse({"--on-error", "--rejects", "--max-errors"}, "tal-check, which reports every fault and goes on");
  if (!options.stage.empty()) {
    tool.refuse({"--kind", "--fix", "--gt", "--replay", "--compare-features", "--tolerance", "--max-faults", "--input"}, "--stage");
    nlohmann::ordered_json list = json::array();
    for (const auto& promise : certify_stage(options.stage, options.timeout)) {
      if (!promise.kept) tool.fail_later();
      if (options.format == "json") list.push_back({{"promise", promise.name}, {"kept", promise.kept}, {"detail", promise.detail}});
      else tool.out().write_line((promise.kept ? "keeps  " : "BREAKS ") + promise.name + (promise.detail.empty() ? "" : ": " + promise.detail));
    }
    if (options.format == "json") tool.out().write_line(list.dump(-1, ' ', false, json::error_handler_t::replace));
    return;
  }
  tool.refuse({"--timeout"}, "anything but --stage");
  if (!options.compare.empty()) {
    tool.refuse({"--kind", "--fix", "--gt", "--replay", "--tolerance", "--max-faults", "--input"}, "--compare-features");
    const auto d = compare_features(options.compare[0], options.compare[1]);
    nlohmann::ordered_json out{{"rows", {d.rows_a, d.rows_b}}, {"dim", {d.dim_a, d.dim_b}}, {"same_shape", d.same_shape()},
                               {"max_abs", d.max_abs}, {"mean_abs", d.mean_abs}, {"min_cosine", d.min_cosine}};
    if (options.format == "json") tool.out().write_line(out.dump());
    else for (const auto& [key, value] : out.items()) tool.out().write_line(key + ": " + value.dump());
    if (!d.same_shape() || d.max_abs > 0) tool.fail_later();
    return;
  }
  if (options.replay) {
    tool.refuse({"--kind", "--fix", "--gt", "--format", "--tolerance", "--max-faults"}, "--replay");
    std::map<std::string, std::uint64_t> pipes;
    std::vector<std::string> order;
    for_each_record(tool, tool.options().input, [&](Record& record, const LineReader&) {
      auto pipe = replay(record.line());
      if (pipes[pipe]++ == 0) order.push_back(pipe);
    });
    for (const auto& pipe : order) tool.out().write_line(pipe + "  # records: " + std::to_string(pipes[pipe]));
    return;
  }
  Report report(tool, options);
  const FaultSink sink = [&](const Fault& fault) { report.add(fault); };
  if (!records) {
    tool.refuse({"--fix", "--gt"}, "--kind " + options.kind);
    if (tool.options().input == "-") throw UsageError("--kind " + options.kind + " needs --input");
    std::uint64_t checked = 1;
    if (options.kind == "features") check_feature_file(tool.options().input, sink);
    else if (options.kind == "model") check_model_file(tool.options().input, sink);
    else check_folder(tool.options().input, options, sink, checked);
    report.end(checked, "files");
    return;
  }
  if (!options.fix.empty()) tool.refuse({"--format"}, "--fix");
  KnownNames known;
  if (!options.gt.empty()) known = known_names(options.gt);
  RecordChecker checker(options, sink, options.gt.empty() ? nullptr : &known);
  LineReader reader(tool.options().input);
  std::string_view line;
  while (!tool.stopped() && reader.next(line)) {
    const auto fixed = checker.line(line, reader.source(), reader.line_number());
    if (!options.fix.empty()) tool.out().write_line(fixed);
  }
  checker.end(reader.source());
  report.end(checker.records(), "records");
}

}  // namespace tal
