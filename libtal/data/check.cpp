#include "libtal/data/check.h"

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
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
      for (const auto& annotation : record.annotations(true))
        if (!annotation.label.empty()) out.labels.insert(annotation.label);
    } catch (Error& error) {
      throw error.at_line(reader.source(), reader.line_number());
    }
  }
  return out;
}

std::string replay(std::string_view line) {
  Record record;
  record.parse(line);
  const auto raw = record.raw("history");
  if (!raw) throw Error("missing; the record does not say what made it").at_field("history").at_video(record.video());
  const json history = json::parse(*raw, nullptr, false);
  std::string out;
  const auto word = [&](const std::string& text) {
    if (!text.empty() &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%") ==
            std::string::npos) {
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

}  // namespace tal
