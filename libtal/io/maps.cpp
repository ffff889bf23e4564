#include "libtal/io/maps.h"

#include <simdjson.h>

#include <cmath>
#include <cstring>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"

namespace tal {

namespace {

constexpr std::size_t kMaxMapValues = std::size_t{1} << 28;  // a line is at most 1 GiB

// The value's text as it stands.
simdjson::error_code raw_text(simdjson::simdjson_result<simdjson::ondemand::value> value, std::string_view& text) {
  simdjson::ondemand::json_type type;
  if (const auto code = value.type().get(type)) return code;
  if (type == simdjson::ondemand::json_type::object) {
    simdjson::ondemand::object object;
    if (const auto code = value.get_object().get(object)) return code;
    return object.raw_json().get(text);
  }
  if (type == simdjson::ondemand::json_type::array) {
    simdjson::ondemand::array array;
    if (const auto code = value.get_array().get(array)) return code;
    return array.raw_json().get(text);
  }
  return value.raw_json_token().get(text);
}

// Calls visit(unescaped key, JSON text of the value) for each map.
template <class Visit>
void each_map(const Record& record, Visit visit) {
  const auto raw = record.raw("maps");
  if (!raw) return;
  const simdjson::padded_string text(*raw);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  if (parser.iterate(text).get(document) || document.get_object().get(object)) throw Error("must be an object").at_field("maps").at_video(record.video());
  for (auto field : object) {
    std::string_view key, value;
    if (field.unescaped_key().get(key)) throw Error("damaged key").at_field("maps").at_video(record.video());
    const std::string name(key);
    if (raw_text(field.value(), value)) throw Error("damaged value").at_field("maps." + name).at_video(record.video());
    visit(name, value);
  }
}

}  // namespace

std::optional<std::string> map_json(const Record& record, std::string_view name) {
  std::optional<std::string> found;
  each_map(record, [&](const std::string& key, std::string_view value) {
    if (key == name) found = std::string(value);
  });
  return found;
}

void set_map(Record& record, std::string_view name, std::string_view json) {
  std::string out;
  const auto put = [&](std::string_view key, std::string_view value) {
    out += out.empty() ? "{" : ",";
    append_json_string(out, key);
    out += ':';
    out += value;
  };
  bool replaced = false;
  each_map(record, [&](const std::string& key, std::string_view value) {
    put(key, key == name ? json : value);
    replaced = replaced || key == name;
  });
  if (!replaced) put(name, json);
  record.set_raw("maps", out + "}");
}

std::string float_map_members(const std::vector<std::int64_t>& shape, const float* values) {
  std::string out = "\"shape\":[";
  std::size_t count = 1;
  for (std::size_t k = 0; k < shape.size(); ++k) out += (k ? "," : "") + std::to_string(shape[k]), count *= static_cast<std::size_t>(shape[k]);
  return out + "],\"dtype\":\"float32\",\"data\":\"" + base64_encode({reinterpret_cast<const char*>(values), count * sizeof(float)}) + "\"";
}

std::vector<float> float_map(const Record& record, std::string_view name, std::vector<std::int64_t>& shape) {
  const std::string field = "maps." + std::string(name);
  const auto fail = [&](const std::string& member, const std::string& why) -> Error { return Error(why).at_field(field + member).at_video(record.video()); };
  const auto json = map_json(record, name);
  if (!json) throw fail("", "missing");
  const simdjson::padded_string text(*json);
  simdjson::dom::parser parser;
  simdjson::dom::element map;
  simdjson::dom::array extents;
  std::string_view data, dtype;
  if (parser.parse(text).get(map) || !map.is_object()) throw fail("", "must be an object");
  if (map["shape"].get(extents)) throw fail(".shape", "must be an array");
  std::vector<std::int64_t> found;
  std::size_t count = 1;
  for (auto extent : extents) {
    std::int64_t value = 0;
    if (extent.get(value) || value < 0 || value > (1ll << 31)) throw fail(".shape", "must be extents");
    found.push_back(value), count *= static_cast<std::size_t>(value);
    if (count > kMaxMapValues) throw fail(".shape", "too large");
  }
  bool same = found.size() == shape.size();
  for (std::size_t k = 0; same && k < shape.size(); ++k) same = shape[k] < 0 || shape[k] == found[k];
  if (!same) throw fail(".shape", "not the shape of a map of this kind");
  if (map["dtype"].get(dtype) || dtype != "float32") throw fail(".dtype", "must be \"float32\"");
  if (map["data"].get(data)) throw fail(".data", "missing");
  std::string bytes;
  try {
    bytes = base64_decode(data);
  } catch (Error& error) {
    throw error.at_field(field + ".data").at_video(record.video());
  }
  if (bytes.size() != count * sizeof(float)) throw fail(".data", std::to_string(bytes.size()) + " bytes, but the shape needs " + std::to_string(count * sizeof(float)));
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const float value : values)
    if (!std::isfinite(value)) throw fail(".data", "a value is not finite");
  shape = std::move(found);
  return values;
}

}  // namespace tal
