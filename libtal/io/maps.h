// The dense score maps of a record: member `maps`, an object of named maps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/record.h"

namespace tal {

// The JSON text of map `name`, or nullopt.
std::optional<std::string> map_json(const Record& record, std::string_view name);
// Adds or replaces map `name` (JSON text); the other maps keep their bytes and their order.
void set_map(Record& record, std::string_view name, std::string_view json);

// "shape":[..],"dtype":"float32","data":"<base64, little endian, C order>" - members of a map, without braces.
std::string float_map_members(const std::vector<std::int64_t>& shape, const float* values);
// The values of such a map whose shape is `shape` (-1: any); Error with field maps.NAME.... The found shape is returned in `shape`.
std::vector<float> float_map(const Record& record, std::string_view name, std::vector<std::int64_t>& shape);

}  // namespace tal
