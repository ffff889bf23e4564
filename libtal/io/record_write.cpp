// Changing a record, and its line with the changes.
#include "libtal/base/digest.h"
#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/record_parts.h"

namespace tal {

using namespace record_parts;

void Record::set_raw(std::string_view key, std::string json) {
  State& s = *state_;
  s.modified = true;
  if (key == "video") throw Error("the video id of a record cannot be changed; make a new record");
  for (auto& field : s.fields) {
    if (field.key != key) continue;
    field.changed = true, field.removed = false;
    field.text = std::move(json);
    return;
  }
  State::Field field{keep(key), 0, 0};
  field.changed = true;
  field.text = std::move(json);
  s.fields.push_back(std::move(field));
}

void Record::set_number(std::string_view key, double number_value) {
  try {
    set_raw(key, format_number(number_value));
  } catch (Error& error) {
    throw error.at_field(key).at_video(video());
  }
}

void Record::set_text(std::string_view key, std::string_view text_value) {
  std::string json;
  append_json_string(json, text_value);
  set_raw(key, std::move(json));
}

void Record::set_annotations(const std::vector<Annotation>& annotations) {
  std::string json;
  append_annotations(json, annotations);
  set_raw("annotations", std::move(json));
}

void Record::set_classification(const std::vector<ClassScore>& scores) {
  std::string json = "[";
  for (const auto& entry : scores) {
    if (json.size() > 1) json += ',';
    json += "{\"label\":";
    append_json_string(json, entry.label);
    json += ",\"score\":";
    append_number(json, entry.score);
    json += '}';
  }
  json += ']';
  set_raw("classification", std::move(json));
}

void Record::set_feature(std::string_view name, std::string_view object) {
  std::string json = "{";
  bool done = false;
  for (const auto& stream : features()) {
    if (json.size() > 1) json += ',';
    append_json_string(json, stream.name);
    json += ':';
    if (stream.name == name) {
      json += object;
      done = true;
    } else {
      json += stream.text;
    }
  }
  if (!done) {
    if (json.size() > 1) json += ',';
    append_json_string(json, name);
    json += ':';
    json += object;
  }
  json += '}';
  set_raw("features", std::move(json));
}

void Record::remove(std::string_view key) {
  if (key == "video") return;
  for (auto& field : state_->fields)
    if (field.key == key) field.removed = true, state_->modified = true;
}

std::string Record::State::digest(bool as_it_came) const {
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < (as_it_came ? original : fields.size()); ++i) {
    const Field& field = fields[i];
    if (field.key == "history" || (field.removed && !as_it_came)) continue;
    const auto value =
        as_it_came ? std::string_view(line).substr(field.begin, field.end - field.begin) : field.raw(line);
    hashes.push_back(wyhash(value, wyhash(field.key)));
  }
  std::string bytes;  // little endian, whatever the machine is
  for (std::uint64_t hash : hashes)
    for (int k = 0; k < 8; ++k, hash >>= 8) bytes += static_cast<char>(hash & 255);
  return hex16(wyhash(bytes));
}

std::string Record::digest() const { return state_->digest(false); }

void Record::append_history(std::string_view entry) {
  if (entry.empty()) return;
  std::string whole(entry.substr(0, entry.rfind('}')));
  const std::string out = digest();
  if (!state_->made) whole += ",\"in\":\"" + (state_->modified ? state_->digest(true) : out) + '"';
  whole += ",\"out\":\"" + out + "\"}";
  const auto* field = state_->find("history");
  if (!field) return set_raw("history", "[" + whole + "]");
  const std::string_view now = field->raw(state_->line);
  if (now.front() != '[') throw Error("must be a list").at_field("history").at_video(video());
  std::string json(now.substr(0, now.rfind(']')));
  while (json.back() == ' ') json.pop_back();
  if (json.back() != '[') json += ',';
  json += whole;
  json += ']';
  set_raw("history", std::move(json));
}

void Record::write(std::string& out) const {
  const State& s = *state_;
  if (const auto* proposals = s.find("proposals"); proposals && !proposals->changed && !s.proposals_parsed)
    s.check(*proposals);
  if (!s.modified) {
    out += s.line;
    return;
  }
  bool any_removed = false;
  for (const auto& field : s.fields) any_removed |= field.removed;
  if (any_removed) {  // commas move: write the fields anew, each value byte for byte
    out += '{';
    bool first = true;
    for (const auto& field : s.fields) {
      if (field.removed) continue;
      if (!first) out += ',';
      first = false;
      append_json_string(out, field.key);
      out += ':';
      out += field.raw(s.line);
    }
    out += '}';
    return;
  }
  const std::string_view line = s.line;
  std::size_t at = 0;
  for (std::size_t i = 0; i < s.original; ++i) {
    const auto& field = s.fields[i];
    if (!field.changed) continue;
    out += line.substr(at, field.begin - at);
    out += field.text;
    at = field.end;
  }
  std::string_view rest = line.substr(at, s.close - at);
  out += s.fields.size() > s.original ? trim_end(rest) : rest;
  for (std::size_t i = s.original; i < s.fields.size(); ++i) {
    out += ',';
    append_json_string(out, s.fields[i].key);
    out += ':';
    out += s.fields[i].text;
  }
  out += '}';
}

std::string Record::str() const {
  std::string out;
  write(out);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.data() + plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += "\\u00", out += kHex[c >> 4], out += kHex[c & 15];
    }
  }
  out.append(text.data() + plain, text.size() - plain);
  out += '"';
}

void append_annotations(std::string& out, const std::vector<Annotation>& annotations) {
  out += '[';
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    if (i > 0) out += ',';
    append_times(out += '{', annotations[i].segment, annotations[i].point);
    if (!annotations[i].label.empty()) {
      out += ",\"label\":";
      append_json_string(out, annotations[i].label);
    }
    out += '}';
  }
  out += ']';
}

}  // namespace tal
