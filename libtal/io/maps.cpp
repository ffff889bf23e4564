#include "libtal/io/maps.h"

#include <simdjson.h>

#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/base/number.h"

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
  const auto fail = [&](const char* why, const std::string& field) {
    return Error(why).at_field(field).at_video(record.video());
  };
  if (parser.iterate(text).get(document) || document.get_object().get(object)) throw fail("must be an object", "maps");
  for (auto field : object) {
    std::string_view key, value;
    if (field.unescaped_key().get(key)) throw fail("damaged key", "maps");
    const std::string name(key);
    if (raw_text(field.value(), value)) throw fail("damaged value", "maps." + name);
    visit(name, value);
  }
}

// The JSON text of map `name`, or nullopt.
std::optional<std::string> map_json(const Record& record, std::string_view name) {
  std::optional<std::string> found;
  each_map(record, [&](const std::string& key, std::string_view value) {
    if (key == name) found = std::string(value);
  });
  return found;
}

// A list of the elements, each written by body(element).
template <class Range, class Body>
void append_list(std::string& out, const Range& range, Body&& body) {
  char before = '[';
  for (const auto& element : range) out += std::exchange(before, ','), body(element);
  out += before == '[' ? "[]" : "]";
}

void append_pair(std::string& out, const Segment& segment) {
  out += '[';
  append_number(out, segment.start);
  out += ',';
  append_number(out, segment.end);
  out += ']';
}

void append_float_map(std::string& out, const FloatMap& map) {
  out += '{';
  if (!map.columns.empty()) {
    out += "\"columns\":";
    append_list(out, map.columns, [&](const std::string& name) { append_json_string(out, name); });
    out += ',';
  }
  out += "\"shape\":";
  append_list(out, map.shape, [&](std::int64_t extent) { out += std::to_string(extent); });
  const std::string_view bytes(reinterpret_cast<const char*>(map.values.data()), map.values.size() * sizeof(float));
  ((out += ",\"dtype\":\"float32\",\"data\":\"") += base64_encode(bytes)) += '"';
  if (map.anchors) {
    out += ",\"anchors\":";
    append_list(out, *map.anchors, [&](const Segment& anchor) { append_pair(out, anchor); });
  }
  out += '}';
}

// Members of one map; errors have its field.
class FloatMapReader {
 public:
  FloatMapReader(const Record& record, std::string_view name)
      : video_(record.video()), field_("maps." + std::string(name)) {
    const auto json = map_json(record, name);
    if (!json) throw fail("", "missing");
    text_ = simdjson::padded_string(*json);
    if (parser_.parse(text_).get(map_) || !map_.is_object()) throw fail("", "must be an object");
  }

  FloatMap read(const std::vector<std::int64_t>& shape) {
    FloatMap map;
    map.shape = read_shape(shape);
    map.values = read_values(map.shape);
    simdjson::dom::array anchors;
    if (!map_["anchors"].get(anchors)) map.anchors = read_anchors(anchors);
    return map;
  }

 private:
  Error fail(const char* member, const std::string& why, Error::Kind kind = Error::Kind::kOther) const {
    return Error(why, kind).at_field(field_ + member).at_video(video_);
  }

  std::vector<std::int64_t> read_shape(const std::vector<std::int64_t>& wanted) const {
    simdjson::dom::array extents;
    if (map_["shape"].get(extents)) throw fail(".shape", "must be an array");
    std::vector<std::int64_t> found;
    std::size_t count = 1;
    for (auto extent : extents) {
      std::int64_t value = 0;
      if (extent.get(value) || value < 0 || value > (1ll << 31)) throw fail(".shape", "must be extents");
      found.push_back(value), count *= static_cast<std::size_t>(value);
      if (count > kMaxMapValues) throw fail(".shape", "too large");
    }
    bool same = found.size() == wanted.size();
    for (std::size_t k = 0; same && k < wanted.size(); ++k) same = wanted[k] < 0 || wanted[k] == found[k];
    if (!same) throw fail(".shape", "not the shape of a map of this kind");
    return found;
  }

  std::vector<float> read_values(const std::vector<std::int64_t>& shape) const {
    std::string_view data, dtype;
    if (map_["dtype"].get(dtype) || dtype != "float32") throw fail(".dtype", "must be \"float32\"");
    if (map_["data"].get(data)) throw fail(".data", "missing");
    std::string bytes;
    try {
      bytes = base64_decode(data);
    } catch (Error& error) {
      throw error.at_field(field_ + ".data").at_video(video_);
    }
    std::size_t count = 1;
    for (const auto extent : shape) count *= static_cast<std::size_t>(extent);
    if (bytes.size() != count * sizeof(float))
      throw fail(".data",
                 std::to_string(bytes.size()) + " bytes, but the shape needs " + std::to_string(count * sizeof(float)));
    std::vector<float> values(count);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    for (const float value : values)
      if (!std::isfinite(value)) throw fail(".data", "a value is not finite", Error::Kind::kNotFinite);
    return values;
  }

  std::vector<Segment> read_anchors(const simdjson::dom::array& pairs) const {
    std::vector<Segment> anchors;
    for (auto element : pairs) {
      simdjson::dom::array pair;
      Segment anchor;
      if (element.get(pair) || pair.size() != 2 || pair.at(0).get(anchor.start) || pair.at(1).get(anchor.end))
        throw fail(".anchors", "must be pairs of seconds");
      if (!(anchor.start < anchor.end)) throw fail(".anchors", "an anchor ends before it starts");
      anchors.push_back(anchor);
    }
    return anchors;
  }

  const std::string video_, field_;
  simdjson::padded_string text_;
  simdjson::dom::parser parser_;
  simdjson::dom::element map_;
};

void append_array(std::string& out, const WindowArray& array) {
  const auto row = [&](std::int64_t first, std::int64_t count) {
    const auto begin = array.values.begin() + first;
    append_list(out, std::span(begin, begin + count), [&](double value) { append_number(out, value); });
  };
  if (array.columns == 0) return row(0, array.rows);
  out += '[';
  for (std::int64_t r = 0; r < array.rows; ++r) {
    if (r) out += ',';
    row(r * array.columns, array.columns);
  }
  out += ']';
}

// Members of `maps` that are neither a window's nor the path of a file, each behind a comma.
std::string other_maps(const Record& record) {
  std::string out;
  each_map(record, [&](const std::string& key, std::string_view value) {
    if (key == "path" || key.find_first_not_of("0123456789") == std::string::npos) return;
    out += ',';
    append_json_string(out, key);
    out += ':';
    out += value;
  });
  return out;
}

}  // namespace

void check_maps(const Record& record) {
  each_map(record, [&](const std::string& key, std::string_view value) {
    const bool path = key == "path" && value.starts_with('"');
    if (!path && !value.starts_with('{') && !value.starts_with('['))
      throw Error("must be a map").at_field("maps." + key).at_video(record.video());
  });
}

bool has_map(const Record& record, std::string_view name) { return map_json(record, name).has_value(); }

void set_float_map(Record& record, std::string_view name, const FloatMap& map) {
  std::string out;
  bool replaced = false;
  const auto begin = [&](std::string_view key) {
    out += out.empty() ? '{' : ',';
    append_json_string(out, key);
    out += ':';
  };
  each_map(record, [&](const std::string& key, std::string_view value) {
    begin(key);
    if (key != name) out += value;
    else append_float_map(out, map), replaced = true;
  });
  if (!replaced) begin(name), append_float_map(out, map);
  record.set_raw("maps", out + "}");
}

void remove_map(Record& record, std::string_view name) {
  std::string out;
  bool found = false;
  each_map(record, [&](const std::string& key, std::string_view value) {
    if (key == name) {
      found = true;
      return;
    }
    out += out.empty() ? '{' : ',';
    append_json_string(out, key);
    (out += ':') += value;
  });
  if (!found) return;
  if (out.empty()) record.remove("maps");
  else record.set_raw("maps", out + "}");
}

FloatMap read_float_map(const Record& record, std::string_view name, const std::vector<std::int64_t>& shape) {
  return FloatMapReader(record, name).read(shape);
}

void set_window_maps(Record& record, const std::vector<WindowMaps>& windows) {
  std::string out = "{";
  for (std::size_t k = 0; k < windows.size(); ++k) {
    const auto& w = windows[k];
    if (k) out += ',';
    out += '"' + std::to_string(k) + "\":{\"rows\":" + std::to_string(w.rows) + ",\"segment\":";
    append_pair(out, w.segment);
    for (const auto& array : w.arrays) {
      out += ',';
      append_json_string(out, array.name);
      out += ':';
      append_array(out, array);
    }
    out += '}';
  }
  const std::string others = other_maps(record);
  out += windows.empty() && !others.empty() ? others.substr(1) : others;
  record.set_raw("maps", out + "}");
}

void set_maps_file(Record& record, std::string_view path) {
  std::string out = "{\"path\":";
  append_json_string(out, path);
  record.set_raw("maps", out + other_maps(record) + "}");
}

}  // namespace tal
