// The typed fields of a record but its proposals.
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/record_parts.h"

namespace tal {

using namespace record_parts;

std::optional<double> Record::number(std::string_view key) const {
  const auto* field = state_->find(key);
  if (!field) return std::nullopt;
  const auto raw = field->raw(state_->line);
  try {
    return parse_number(raw.empty() || raw.front() == '+' ? std::string_view("?") : raw);
  } catch (const Error&) {
    throw not_finite(raw).at_field(key).at_video(video());
  }
}

std::optional<std::string> Record::text(std::string_view key) const {
  const auto* field = state_->find(key);
  if (!field) return std::nullopt;
  std::string out;
  const auto raw = field->raw(state_->line);
  if (raw.empty() || raw.front() != '"') throw Error("must be a string").at_field(key).at_video(video());
  const std::string array = "[" + std::string(raw) + "]";  // on-demand wants a container to unescape from
  with_value(array, false, [&](JsonDocument& document) {
    for (auto element : document.get_array()) {
      std::string_view view;
      if (element.get_string().get(view)) throw state_->placed(Error(kBrokenJson)).at_field(key).at_video(video());
      out = view;
    }
  });
  return out;
}

std::optional<double> Record::duration() const {
  const auto value = number("duration");
  if (value && !(*value > 0))
    throw Error("must be positive, not " + format_number(*value)).at_field("duration").at_video(video());
  return value;
}

namespace {

Rate parse_rate(std::string_view raw) {
  Rate rate;
  raw = trim_end(raw);
  if (!raw.empty() && raw.front() == '[' && raw.back() == ']') {
    const auto comma = raw.find(',');
    if (comma == std::string_view::npos) throw Error("must be a number or [num, den]");
    auto strip = [](std::string_view text) {
      while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
      return trim_end(text);
    };
    rate.num = parse_number(strip(raw.substr(1, comma - 1)));
    rate.den = parse_number(strip(raw.substr(comma + 1, raw.size() - comma - 2)));
  } else {
    rate.num = parse_number(raw);
  }
  if (!(rate.num > 0) || !(rate.den > 0) || !std::isfinite(rate.value())) throw Error("must be a positive rate");
  return rate;
}

}  // namespace

std::optional<Rate> Record::fps() const {
  const auto raw_text = raw("fps");
  if (!raw_text) return std::nullopt;
  try {
    return parse_rate(*raw_text);
  } catch (Error& error) {
    throw error.at_field("fps").at_video(video());
  }
}

double Record::require_duration() const {
  const auto value = duration();
  if (!value)
    throw Error("missing; this step needs the video's length in seconds").at_field("duration").at_video(video());
  return *value;
}

void Record::require_whole_video() const {
  if (has("window"))
    throw Error("the record is one window of a live stream; this step needs the whole video")
        .at_field("window")
        .at_video(video());
}

std::vector<Annotation> Record::annotations(bool zero_length, Points points) const {
  return state_->objects<Annotation>("annotations", [&](JsonObject& object, std::size_t index) {
    Annotation annotation;
    bool has_segment = false;
    each_member(object, [&](std::string_view key, JsonValue& item) {
      const auto place = [&](const char* member) { return indexed("annotations", index, member); };
      if (key == "segment") {
        annotation.segment = in_field(place("segment"), [&] { return segment_at(item, zero_length); });
        has_segment = true;
      } else if (key == "at") {
        std::string_view token;
        const double at = in_field(place("at"), [&] { return number_at(item, token); });
        annotation.segment = {at, at}, annotation.point = true;
      } else if (key == "label") {
        annotation.label = in_field(place("label"), [&] { return string_at(item); });
      }
    });
    if (annotation.point)
      in_field(indexed("annotations", index, "at"), [&] {
        if (has_segment) throw Error("stands beside segment; it is one or the other");
        if (points == Points::kRefused) refuse_point();
      });
    else if (!has_segment) throw Error("missing").at_field(indexed("annotations", index, "segment"));
    return annotation;
  });
}

std::vector<ClassScore> Record::classification() const {
  return state_->objects<ClassScore>("classification", [](JsonObject& object, std::size_t) {
    ClassScore entry;
    bool has_label = false, has_score = false;
    each_member(object, [&](std::string_view key, JsonValue& item) {
      if (key == "label") {
        entry.label = string_at(item, "label must be a string"), has_label = true;
      } else if (key == "score") {
        std::string_view token;
        entry.score = number_at(item, token), has_score = true;
      }
    });
    if (!has_label || !has_score) throw Error("needs a label and a score");
    return entry;
  });
}

namespace {

void set_member(FeatureStream& stream, std::string_view key, JsonValue& item) {
  const auto text = [&] { return std::string(string_at(item)); };
  const auto number = [&] {
    std::string_view token;
    return number_at(item, token);
  };
  const auto count = [&] {
    const double n = number();
    if (n < 0 || n != std::floor(n) || n > 1e12) throw Error("must be a whole number");
    return static_cast<std::int64_t>(n);
  };
  if (key == "path") stream.path = text();
  else if (key == "data") stream.data = text();
  else if (key == "dtype") stream.dtype = text();
  else if (key == "resample") stream.resample = text();
  else if (key == "weights") stream.weights = text();
  else if (key == "settings") stream.settings = text();
  else if (key == "rows") stream.rows = count();
  else if (key == "dim") stream.dim = count();
  else if (key == "stride") stream.stride = number();
  else if (key == "window") stream.window = number();
  else if (key == "offset") stream.offset = number();
  else if (key == "last_start") stream.last_start = number();
  else if (key == "fps") stream.fps = parse_rate(take(sj::to_json_string(item)));
  else if (key == "classes") {
    JsonArray names;
    if (item.get_array().get(names)) throw Error("must be a list");
    for (auto name : names) {
      JsonValue value;
      if (const auto code = name.get(value)) fail(code);
      stream.classes.emplace_back(string_at(value, "must be strings"));
    }
  }
}

FeatureStream stream_at(std::string name, JsonValue& item) {
  FeatureStream stream;
  stream.name = std::move(name);
  JsonObject object;
  if (item.get_object().get(object)) throw Error("must be an object");
  stream.text = trim_end(take(object.raw_json()));
  object.reset();
  for (auto member : object) {
    sj::ondemand::field field;
    if (const auto code = std::move(member).get(field)) fail(code);
    const std::string key(take(field.unescaped_key()));
    JsonValue entry = field.value();
    in_field("features." + stream.name + "." + key, [&] { set_member(stream, key, entry); });
  }
  if (stream.path.empty() && stream.data.empty() && stream.rows != 0) throw Error("needs path or data");
  return stream;
}

}  // namespace

std::vector<FeatureStream> Record::features() const {
  std::vector<FeatureStream> out;
  state_->read("features", [&](JsonDocument& document) {
    JsonObject streams;
    if (document.get_object().get(streams)) throw Error("must be an object of streams");
    for (auto member : streams) {
      sj::ondemand::field field;
      if (const auto code = std::move(member).get(field)) fail(code);
      std::string name(take(field.unescaped_key()));
      JsonValue item = field.value();
      in_field("features." + name, [&] { out.push_back(stream_at(name, item)); });
      out.back().places = state_->places;
    }
  });
  return out;
}

}  // namespace tal
