// The dense score maps of a record: member `maps`, an object of named maps (or {"path": file}).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/segment.h"
#include "libtal/io/record.h"

namespace tal {

// {"columns":[name,..],"shape":[..],"dtype":"float32","data":"<base64, little endian, C order>",
//  "anchors":[[start,end],..]}
struct FloatMap {
  std::vector<std::int64_t> shape;
  std::vector<float> values;                    // C order
  std::vector<std::string> columns;             // names along the last axis; empty: none
  std::optional<std::vector<Segment>> anchors;  // seconds, along the first axis
};

// Error (field maps, maps.NAME) unless `maps` is an object of objects and lists, and of the path of a file.
void check_maps(const Record& record);
bool has_map(const Record& record, std::string_view name);  // Error (field maps) when `maps` is no object
// Adds or replaces map `name`; the other maps keep their bytes and their order. Error as has_map.
void set_float_map(Record& record, std::string_view name, const FloatMap& map);
// The other maps keep their bytes; `maps` goes with the last one. Error as has_map.
void remove_map(Record& record, std::string_view name);
// The map `name`, but for its columns. Error with field maps.NAME.MEMBER when it is missing, damaged or not finite, or
// when its shape is not `shape` (-1: any).
FloatMap read_float_map(const Record& record, std::string_view name, const std::vector<std::int64_t>& shape);

// One array of a stretch of a video: values [rows] or [rows][columns].
struct WindowArray {
  std::string name;
  std::int64_t rows = 0, columns = 0;  // columns 0: one dimension
  std::vector<double> values;          // C order
};
struct WindowMaps {
  Segment segment;        // seconds
  std::int64_t rows = 0;  // rows of the stream that the segment is
  std::vector<WindowArray> arrays;
};
// These in the place of other windows: {"0":{"rows":..,"segment":[s,e],NAME:[..],NAME:[[..],..]},"1":..}. Error for a
// value that is not finite.
void set_window_maps(Record& record, const std::vector<WindowMaps>& windows);
// In the place of windows, the file that has them.
void set_maps_file(Record& record, std::string_view path);

}  // namespace tal
