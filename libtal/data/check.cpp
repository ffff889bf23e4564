#include "libtal/data/check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/record.h"

namespace tal {

using nlohmann::json;

std::string Fault::text() const {
  Error error(kind + ": " + message);
  if (!field.empty()) error.at_field(field);
  if (!video.empty()) error.at_video(video);
  return error.at_line(source, line).what();
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
      for (const auto& annotation : record.annotations(true, Points::kTaken))
        if (!annotation.label.empty()) out.labels.insert(annotation.label);
    } catch (Error& error) {
      throw error.at_line(reader.source(), reader.line_number());
    }
  }
  return out;
}

namespace {

// The history of one record as a pipe.
class Replay {
 public:
  explicit Replay(const Record& record) : record_(record) {}

  std::string text() {
    const auto raw = record_.raw("history");
    if (!raw)
      throw Error("missing; the record does not say what made it").at_field("history").at_video(record_.video());
    const json history = json::parse(*raw, nullptr, false);
    if (!history.is_array()) throw Error("must be a list").at_field("history").at_video(record_.video());
    for (std::size_t i = 0; i < history.size(); ++i) step(history[i], "history[" + std::to_string(i) + "]");
    if (!before_.empty() && before_ != record_.digest()) foreign("behind " + tool_);
    return pipe_ + comments_;
  }

 private:
  static std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  }

  void step(const json& step, const std::string& field) {
    if (!step.is_object() || !step.contains("tool") || !step["tool"].is_string())
      throw Error("must name its tool").at_field(field).at_video(record_.video());
    const auto tool = step["tool"].get<std::string>(), in = text_of(step, "in");
    if (!before_.empty() && !in.empty() && before_ != in) foreign("between " + tool_ + " and " + tool);
    add(shell_word(tool));
    const json arguments = step.value("args", json::array());
    if (!arguments.is_array()) throw Error("must be a list").at_field(field + ".args").at_video(record_.video());
    for (const auto& argument : arguments)
      pipe_ += ' ' + shell_word(argument.is_string() ? argument.get<std::string>() : argument.dump());
    if (const auto files = step.find("files"); files != step.end() && files->is_object())
      for (const auto& [file, hash] : files->items())
        if (hash.is_string()) comment(tool + " read " + shell_word(file) + " " + hash.get<std::string>());
    tool_ = tool, before_ = text_of(step, "out");
  }
  void foreign(const std::string& where) {
    add("FOREIGN-STAGE");
    comment("FOREIGN-STAGE: something " + where + " changed the records and wrote no history");
  }
  void comment(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');  // it stays a comment
    comments_ += "\n#   " + text;
  }
  void add(const std::string& word) { pipe_ += (pipe_.empty() ? "" : " | ") + word; }

  const Record& record_;
  std::string pipe_, comments_, tool_, before_;  // before_: the digest that the last step left; "": unknown
};

}  // namespace

std::string replay(std::string_view line) {
  Record record;
  record.parse(line);
  return Replay(record).text();
}

}  // namespace tal
