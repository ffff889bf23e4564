#include "libtal/plot/charts.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/io/features.h"
#include "libtal/io/json_check.h"
#include "libtal/io/npy.h"
#include "libtal/io/safetensors.h"
#include "libtal/io/table.h"

namespace tal::plot {
namespace {

using nlohmann::json;

std::vector<double> numbers(const json& value, const std::string& field) {
  if (!value.is_array()) throw Error("must be an array of numbers").at_field(field);
  std::vector<double> out;
  for (const auto& item : value) {
    if (!item.is_number())
      throw Error("must be an array of numbers").at_field(field + "[" + std::to_string(out.size()) + "]");
    out.push_back(item.get<double>());
    if (!std::isfinite(out.back()))
      throw Error("is not finite").at_field(field + "[" + std::to_string(out.size() - 1) + "]");
  }
  return out;
}

Curve make_curve(std::string name, const std::vector<double>& x, const std::vector<double>& y,
                 const std::string& field) {
  if (x.size() != y.size())
    throw Error("has " + std::to_string(y.size()) + " values for " + std::to_string(x.size()) + " positions")
        .at_field(field);
  Curve curve{std::move(name), {}};
  for (std::size_t i = 0; i < x.size(); ++i) curve.points.push_back({x[i], y[i]});
  return curve;
}

Chart& chart(std::vector<Chart>& charts, const std::string& title, const std::string& x, const std::string& y) {
  for (auto& one : charts)
    if (one.title == title) return one;
  charts.push_back({title, x, y, {}});
  return charts.back();
}

std::string joined(const std::string& name, const std::string& part) {
  return name.empty() ? part : part.empty() ? name : name + ": " + part;
}

// One result object; false when it holds nothing that can be drawn.
bool read_result(const json& object, const std::string& name, std::vector<Chart>& charts) {
  bool any = false;
  if (object.contains("protocols") && object["protocols"].is_array())  // of one call: each has its curves
    for (const auto& part : object["protocols"])
      if (part.is_object() && part.contains("protocol") && part["protocol"].is_string())
        any = read_result(part, joined(name, part["protocol"].get<std::string>()), charts) || any;
  if (object.contains("an") && object.contains("ar")) {
    const auto an = numbers(object["an"], "an");
    auto& proposals =
        chart(charts, "Average recall against number of proposals", "average number of proposals per video", "recall");
    if (object.contains("recall") && object["recall"].is_array() && name.empty()) {
      const auto tiou = object.contains("tiou") ? numbers(object["tiou"], "tiou") : std::vector<double>();
      // Every other threshold is enough to see the fan; the average stands out.
      const auto& rows = object["recall"];
      const std::size_t step = rows.size() > 6 ? 2 : 1;
      proposals.curves.push_back(make_curve("average", an, numbers(object["ar"], "ar"), "ar"));
      for (std::size_t i = 0; i < rows.size(); i += step)
        proposals.curves.push_back(make_curve("tIoU " + (i < tiou.size() ? tick_label(tiou[i]) : std::to_string(i)), an,
                                              numbers(rows[i], "recall[" + std::to_string(i) + "]"),
                                              "recall[" + std::to_string(i) + "]"));
    } else {
      proposals.curves.push_back(
          make_curve(name.empty() ? "average recall" : name, an, numbers(object["ar"], "ar"), "ar"));
    }
    any = true;
  }
  if (object.contains("tiou") && object.contains("map")) {
    chart(charts, "Mean average precision against tIoU", "tIoU threshold", "mAP")
        .curves.push_back(make_curve(name.empty() ? "mAP" : name, numbers(object["tiou"], "tiou"),
                                     numbers(object["map"], "map"), "map"));
    any = true;
  }
  if (object.contains("recall") && object.contains("precision") && object["recall"].is_array() &&
      object["precision"].is_array()) {
    std::string label;
    if (object.contains("label") && object["label"].is_string()) label = object["label"].get<std::string>();
    if (object.contains("tiou") && object["tiou"].is_number())
      label += (label.empty() ? "tIoU " : " @ ") + tick_label(object["tiou"].get<double>());
    chart(charts, "Precision against recall", "recall", "precision")
        .curves.push_back(make_curve(joined(name, label), numbers(object["recall"], "recall"),
                                     numbers(object["precision"], "precision"), "precision"));
    any = true;
  }
  for (const char* key : {"classes", "curves"})
    if (object.contains(key) && object[key].is_array())
      for (const auto& part : object[key])
        if (part.is_object()) any = read_result(part, name, charts) || any;
  return any;
}

// One number of a log: train.loss and val.loss share a chart named after what is measured. NaN: there is none, which
// interrupts a curve that has begun.
void read_log_value(const std::string& field, double x, double y, const std::string& key, const std::string& name,
                    std::vector<Chart>& charts) {
  const auto cut = field.find_last_of("./");
  const std::string measure = cut == std::string::npos ? field : field.substr(cut + 1);
  const std::string title = measure + " against " + key;
  if (std::isnan(y) && std::none_of(charts.begin(), charts.end(), [&](const Chart& c) { return c.title == title; }))
    return;
  auto& target = chart(charts, title, key, measure);
  const std::string series_name = joined(name, cut == std::string::npos ? "" : field.substr(0, cut));
  const std::string shown = series_name.empty() ? field : series_name;
  auto found =
      std::find_if(target.curves.begin(), target.curves.end(), [&](const Curve& c) { return c.name == shown; });
  if (found == target.curves.end() && std::isnan(y)) return;
  if (found == target.curves.end()) target.curves.push_back({shown, {}}), found = target.curves.end() - 1;
  found->points.push_back({x, y});
}

// The log of tal-train has objects too: the parts of a loss stand for themselves, "mean" is that of an epoch,
// "validation" of what was held back.
void read_log(const std::vector<json>& lines, const std::string& key, const std::string& name,
              std::vector<Chart>& charts) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto number = [](const json& value) { return value.is_number() && std::isfinite(value.get<double>()); };
  const auto point = [&](const std::string& field, double x, const json& value) {
    if (number(value) || value.is_null())
      read_log_value(field, x, value.is_null() ? kNone : value.get<double>(), key, name, charts);
  };
  for (const auto& line : lines) {
    if (!line.is_object() || !line.contains(key) || !number(line[key])) continue;
    const double x = line[key].get<double>();
    for (const auto& [field, value] : line.items()) {
      if (field == "epoch" || field == "step" || field == "phase") continue;
      point(field, x, value);
      if (!value.is_object()) continue;
      for (const auto& [inner, part] : value.items()) point(field == "parts" ? inner : field + "." + inner, x, part);
    }
  }
}

// line 0: a whole file.
json parse_json(std::string_view text, const std::string& source, std::uint64_t line) {
  try {
    if (line == 0) {
      (void)check_json_file({source, std::string(text)});
    } else {
      check_json(trim_json(text));
    }
    return json::parse(text);
  } catch (Error& error) {
    throw error.at_line(source, line);
  } catch (const json::exception& error) {
    throw Error(std::string("is not valid JSON: ") + error.what()).at_line(source, line);
  }
}

int needed_column(const NamedTable& table, const char* name) {
  const int found = table.find({name});
  if (found < 0) throw Error(std::string("no column '") + name + "'").at_line(table.source, table.header_line);
  return found;
}

// The CSV of tal-eval --curves: average recall (an,ar,recall@T...) or precision and recall of each label and tIoU.
void read_csv_curves(const std::string& text, const std::string& source, const std::string& name,
                     std::vector<Chart>& charts) {
  const NamedTable table = parse_named_table({source, text});
  const int label = table.find({"label"});
  std::vector<int> numbers;
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c)
    if (c != label) numbers.push_back(c);
  const char decimal = table.decimal_of(numbers, {});
  const auto at = [&](const NamedTable::Row& row, int column) {
    try {
      return table_number(table.field(row, column), decimal);
    } catch (Error& error) {
      throw error.at_field(table.header[static_cast<std::size_t>(column)]).at_line(source, row.line);
    }
  };
  if (table.rows.empty()) throw Error("holds no rows: nothing to draw").at_line(source, 0);
  const int an = table.find({"an"});
  if (an >= 0) {
    auto& target =
        chart(charts, "Average recall against number of proposals", "average number of proposals per video", "recall");
    for (std::size_t c = 0; c < table.header.size(); ++c) {
      const std::string& column = table.header[c];
      const bool average = column == "ar";
      if (!average && column.rfind("recall@", 0) != 0) continue;
      if (!average && !name.empty()) continue;  // several files: their averages are compared
      Curve curve{!name.empty() ? name
                  : average     ? "average"
                                : "tIoU " + tick_label(parse_number(column.substr(7))),
                  {}};
      for (const auto& row : table.rows) curve.points.push_back({at(row, an), at(row, static_cast<int>(c))});
      target.curves.push_back(std::move(curve));
    }
    return;
  }
  const int tiou = needed_column(table, "tiou"), recall = needed_column(table, "recall"),
            precision = needed_column(table, "precision");
  (void)needed_column(table, "label");
  for (const auto& row : table.rows) {
    auto& target = chart(charts, "Precision against recall, tIoU " + tick_label(at(row, tiou)), "recall", "precision");
    const std::string curve = joined(name, table.field(row, label));
    if (target.curves.empty() || target.curves.back().name != curve) target.curves.push_back({curve, {}});
    target.curves.back().points.push_back({at(row, recall), at(row, precision)});
  }
}

constexpr double kMargin = 14, kAxisLeft = 74;

// Cuts an array of up to three dimensions into matrices; value(i) is its i-th element in C order.
void add_array(const std::vector<std::int64_t>& shape, const std::function<double(std::int64_t)>& value,
               const std::string& name, std::vector<Matrix>& maps) {
  if (shape.empty() || shape.size() > 3) throw Error("has " + std::to_string(shape.size()) + " dimensions, not 1 to 3");
  const std::int64_t columns = shape.back(), rows = shape.size() > 1 ? shape[shape.size() - 2] : 1,
                     channels = shape.size() > 2 ? shape[0] : 1;
  for (const std::int64_t extent : {columns, rows, channels})
    if (extent < 1 || extent > (std::int64_t{1} << 24)) throw Error("has a dimension of " + std::to_string(extent));
  for (std::int64_t k = 0; k < channels; ++k) {
    Matrix map;
    map.title = channels > 1 ? name + " [" + std::to_string(k) + "]" : name;
    map.rows = static_cast<int>(rows), map.columns = static_cast<int>(columns);
    map.x_label = "column", map.y_label = "row";
    for (std::int64_t i = k * rows * columns; i < (k + 1) * rows * columns; ++i) {
      map.values.push_back(value(i));
      if (!std::isfinite(map.values.back()))
        throw Error("holds a value that is not finite at index " + std::to_string(i));
    }
    maps.push_back(std::move(map));
  }
}

// {"data":base64,"shape":[..],"dtype":..}
void add_base64(const json& part, const std::string& name, std::vector<Matrix>& maps) {
  std::vector<std::int64_t> shape;
  std::size_t count = 1;
  for (const double extent : numbers(part.value("shape", json()), "shape")) {
    if (!(extent >= 1 && extent <= 1 << 24)) throw Error("must hold positive counts").at_field("shape");
    shape.push_back(static_cast<std::int64_t>(extent));
    if (__builtin_mul_overflow(count, static_cast<std::size_t>(extent), &count))
      throw Error("is too large").at_field("shape");
  }
  const bool half = part.value("dtype", "float32") == "float16";
  const std::string bytes = base64_decode(part.at("data").get_ref<const std::string&>());
  const std::size_t size = half ? 2 : 4;
  if (bytes.size() / size != count || bytes.size() % size != 0)
    throw Error("is " + std::to_string(bytes.size()) + " bytes, the shape needs " + std::to_string(count * size));
  add_array(
      shape,
      [&](std::int64_t i) -> double {
        float value = 0;
        std::uint16_t bits = 0;
        if (half) std::memcpy(&bits, bytes.data() + 2 * i, 2), value = half_to_float(bits);
        else std::memcpy(&value, bytes.data() + 4 * i, 4);
        return value;
      },
      name, maps);
}

// Every float tensor of a safetensors file, such as those of tal-propose --maps DIR.
void read_tensor_maps(const std::string& path, const std::string& title, std::vector<Matrix>& maps) {
  const SafeTensorsFile file(path);
  try {
    for (const auto& tensor : file.content().tensors) {
      if (tensor.dtype != Dtype::kF32 && tensor.dtype != Dtype::kF64) continue;
      const auto value = [&](std::int64_t i) -> double {
        float single = 0;
        double value = 0;
        if (tensor.dtype == Dtype::kF64) return std::memcpy(&value, tensor.data.data() + 8 * i, 8), value;
        return std::memcpy(&single, tensor.data.data() + 4 * i, 4), single;
      };
      add_array(tensor.shape, value, title.empty() ? tensor.name : title + " " + tensor.name, maps);
    }
  } catch (const Error& error) {
    throw Error("'" + path + "': " + error.message());
  }
}

}  // namespace

void read_npy_maps(const std::string& path, const std::string& title, std::vector<Matrix>& maps) {
  const MappedFile file(path);
  try {
    const auto header = parse_npy_header(file.bytes());
    if (header.fortran && header.shape.size() > 1) throw Error("is in Fortran order");
    add_array(
        header.shape, [&](std::int64_t i) { return npy_element(file.bytes(), header, i); }, title, maps);
  } catch (const Error& error) {
    throw Error("'" + path + "': " + error.message());
  }
}

// A first line of the CSV of tal-eval --curves, as written or as a spreadsheet saved it again.
static bool begins_curves(std::string_view text) {
  std::string line(trim(take_line(text)));
  line.erase(std::remove(line.begin(), line.end(), '"'), line.end());
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == ';' || c == '\t'; }, ',');
  return line.rfind("an,ar", 0) == 0 || line == "label,tiou,score,recall,precision";
}

void read_curves(const std::string& bytes, const std::string& source, const std::string& name,
                 std::vector<Chart>& charts) {
  const std::string text(utf8_text({source, bytes}));
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error("is empty: nothing to draw").at_line(source, 0);
  if (begins_curves(text)) return read_csv_curves(text, source, name, charts);
  std::vector<json> values;
  if (json::accept(text)) {
    values.push_back(parse_json(text, source, 0));
    if (values[0].is_array()) values = values[0].get<std::vector<json>>();
  } else {
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      ++number;
      if (line.find_first_not_of(" \t\r") != std::string::npos) values.push_back(parse_json(line, source, number));
      at = end + 1;
    }
  }
  bool any = false, epochs = false, steps = false;
  try {
    for (const auto& value : values) {
      if (!value.is_object()) continue;
      any = read_result(value, name, charts) || any;
      epochs = epochs || value.contains("epoch"), steps = steps || value.contains("step");
    }
  } catch (Error& error) {
    throw error.at_line(source, 0);
  }
  const std::size_t before = charts.size();
  if (epochs || steps) read_log(values, steps ? "step" : "epoch", name, charts);
  if (!any && charts.size() == before && !(epochs || steps))
    throw Error("holds no curves: neither an/ar, tiou/map, recall/precision nor epoch/step with numbers")
        .at_line(source, 0);
}

namespace {

constexpr double kChartHeight = 280, kInset = 5;  // logical pixels; kInset: room for whole markers at the edges

struct Ranges {
  double x_low = 0, x_high = 1, low = 0, high = 1;
};

// What the axes of a chart span: its points, with some room, and both ends of 0 .. 1 where that is what is measured.
Ranges ranges_of(const Chart& chart) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Ranges r{kInfinity, -kInfinity, kInfinity, -kInfinity};
  for (const auto& curve : chart.curves)
    for (const Point& p : curve.points) {
      if (std::isnan(p.y)) continue;
      r.x_low = std::min(r.x_low, p.x), r.x_high = std::max(r.x_high, p.x);
      r.low = std::min(r.low, p.y), r.high = std::max(r.high, p.y);
    }
  auto& [x_low, x_high, low, high] = r;
  if (!(x_high >= x_low)) r = {};
  if (x_high == x_low) x_low -= 0.5, x_high += 0.5;
  if (low >= 0 && high <= 1 && high > 0.3) low = 0, high = 1;  // recall and precision: comparable between pictures
  else if (low >= 0 && low < 0.5 * high) low = 0;
  if (const double half = high == 0 ? 0.5 : 0.5 * std::abs(high); high == low)
    low -= half, high += half;  // a rate of 0.001 is not drawn as 0
  else if (!(low == 0 && high == 1)) high += 0.05 * (high - low), low -= low == 0 ? 0 : 0.05 * (high - low);
  return r;
}

// The names of the curves beside the panel, as many as fit.
void draw_key(Canvas& canvas, const std::vector<Curve>& curves, double x, double y, double width) {
  const std::size_t fits = static_cast<std::size_t>(kChartHeight / 18);
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const double at = y + 14 + 18 * static_cast<double>(i);
    if (i + 1 == fits && curves.size() > fits) {
      canvas.text(x, at, "+ " + std::to_string(curves.size() - i) + " more", 12, kMuted);
      break;
    }
    canvas.line(x, at - 4, x + 20, at - 4, series(i), i == 0 ? 3 : 2).dashed = i >= kSeries;
    canvas.text(x + 26, at, fit_text(curves[i].name, 12, width - 30), 12).tip = curves[i].name;
  }
}

// One chart's axes and curves.
class ChartPanel {
 public:
  ChartPanel(Canvas& canvas, const Chart& chart, double x, double y, double width)
      : canvas_(canvas), chart_(chart), ranges_(ranges_of(chart)), panel_{x, y, width, kChartHeight} {
    const double room = kInset * (ranges_.x_high - ranges_.x_low) / (width - 2 * kInset);
    panel_.low = ranges_.x_low - room, panel_.high = ranges_.x_high + room;
    panel_.whole = chart.x_label == "epoch" || chart.x_label == "step";
  }

  void draw() {
    canvas_.rect(panel_.x, panel_.y, panel_.w, panel_.h, kPanel);
    for (const double v : ticks(ranges_.low, ranges_.high, 8)) {
      canvas_.line(panel_.x, level(v), panel_.x + panel_.w, level(v), kGrid);
      canvas_.text(panel_.x - 6, level(v) + 4, tick_label(v), 12, kMuted, Align::kRight);
    }
    canvas_.begin_panel(panel_);
    draw_x_axis(canvas_, panel_);
    for (std::size_t i = chart_.curves.size(); i-- > 0;) draw_curve(i);
    if (chart_.curves.empty()) canvas_.text(panel_.x + 10, panel_.y + 21, "no data", 12, kMuted);
    canvas_.end_panel();
  }

 private:
  double level(double v) const {
    const double height = kChartHeight - 2 * kInset;
    return panel_.y + kInset + height - (v - ranges_.low) / (ranges_.high - ranges_.low) * height;
  }

  void draw_curve(std::size_t i) {
    const Curve& curve = chart_.curves[i];
    std::vector<Point> points, values;  // of one stretch without a gap
    const bool few = curve.points.size() <= kMarked;
    // More points than pixels add nothing but bytes.
    const std::size_t step = std::max<std::size_t>(1, curve.points.size() / 2000);
    for (std::size_t k = 0; k < curve.points.size(); ++k) {
      const Point& p = curve.points[k];
      const bool gap = std::isnan(p.y), last = k + 1 == curve.points.size();
      if (!gap && (k % step == 0 || last || std::isnan(curve.points[k + 1].y))) {
        points.push_back({panel_.x + (p.x - panel_.low) / (panel_.high - panel_.low) * panel_.w, level(p.y)});
        values.push_back(p);
      }
      if (!gap && !last) continue;
      draw_stretch(i, points, values, few);
      points.clear(), values.clear();
    }
  }

  void draw_stretch(std::size_t i, const std::vector<Point>& points, const std::vector<Point>& values, bool marked) {
    if (points.empty()) return;
    const Curve& curve = chart_.curves[i];
    auto& line = canvas_.polyline(points, series(i), i == 0 ? 2.5 : 1.5);
    line.tip = curve.name, line.dashed = i >= kSeries;  // the colours come round again
    if (!marked && points.size() > 1) return;
    for (std::size_t k = 0; k < points.size(); ++k)
      canvas_.rect(points[k].x - 2.5, points[k].y - 2.5, 5, 5, series(i)).tip =
          curve.name + "\n" + chart_.x_label + " " + tick_label(values[k].x) + "\n" + chart_.y_label + " " +
          tick_label(values[k].y);
  }

  static constexpr std::size_t kMarked = 60;  // points of a curve that are marked one by one

  Canvas& canvas_;
  const Chart& chart_;
  const Ranges ranges_;
  Panel panel_;
};

}  // namespace

Canvas draw_charts(const std::vector<Chart>& charts, double width, const std::string& title) {
  Canvas canvas(width);
  double y = kMargin + 16;
  canvas.text(kMargin, y, fit_text(title, 16, width - 2 * kMargin), 16).bold = true;
  y += 14;
  if (charts.empty()) canvas.text(kMargin, y + 20, "No curves to draw.", 13, kMuted), y += 30;
  // All panels are of one width, beside the longest key.
  double key = 0;
  for (const auto& one : charts)
    for (const auto& curve : one.curves) key = std::max(key, text_width(curve.name, 12) + 40);
  key = std::min(key, 0.3 * width);
  const double panel_width = width - kAxisLeft - key - 2 * kMargin;
  for (const auto& one : charts) {
    canvas.text(kMargin, y + 16, fit_text(one.title, 13, width - 2 * kMargin), 13).bold = true;
    y += 26;
    canvas.text(kMargin, y + 10, one.y_label, 12, kMuted);
    y += 18;
    ChartPanel(canvas, one, kAxisLeft, y, panel_width).draw();
    draw_key(canvas, one.curves, kAxisLeft + panel_width + 12, y, key);
    canvas.text(kAxisLeft + panel_width / 2, y + kChartHeight + 32, one.x_label, 12, kMuted, Align::kCentre);
    y += kChartHeight + 50;
  }
  canvas.set_height(y);
  return canvas;
}

void read_maps(const std::string& text, const std::string& title, std::vector<Matrix>& maps) {
  const json value = parse_json(text, "", 1);
  const std::function<void(const json&, const std::string&, const std::string&)> read = [&](const json& part,
                                                                                            const std::string& name,
                                                                                            const std::string& field) {
    if (part.is_object()) {
      try {
        if (part.contains("path") && part["path"].is_string()) {
          const auto path = part["path"].get<std::string>();
          return path.ends_with(".safetensors") ? read_tensor_maps(path, name, maps) : read_npy_maps(path, name, maps);
        }
        if (part.contains("data") && part["data"].is_string()) return add_base64(part, name, maps);
      } catch (Error& error) {
        throw error.at_field(field);
      }
      for (const auto& [key, inner] : part.items())
        if (inner.is_array() || inner.is_object()) read(inner, joined(name, key), field + "." + key);
      return;
    }
    if (!part.is_array() || part.empty())
      throw Error("must be an array of numbers or of rows of numbers").at_field(field);
    if (part[0].is_array() && !part[0].empty() && part[0][0].is_array()) {  // channels of maps
      for (std::size_t i = 0; i < part.size(); ++i)
        read(part[i], name + " [" + std::to_string(i) + "]", field + "[" + std::to_string(i) + "]");
      return;
    }
    Matrix map;
    map.title = name;
    const bool curve = !part[0].is_array();
    map.rows = curve ? 1 : static_cast<int>(part.size());
    for (int r = 0; r < map.rows; ++r) {
      const std::string place = curve ? field : field + "[" + std::to_string(r) + "]";
      const auto row = numbers(curve ? part : part[static_cast<std::size_t>(r)], place);
      if (r == 0) map.columns = static_cast<int>(row.size());
      if (row.empty() || row.size() != static_cast<std::size_t>(map.columns))
        throw Error("has " + std::to_string(row.size()) + " values, the first row " + std::to_string(map.columns))
            .at_field(place);
      map.values.insert(map.values.end(), row.begin(), row.end());
    }
    map.x_label = "column", map.y_label = "row";
    maps.push_back(std::move(map));
  };
  const std::size_t before = maps.size();
  read(value, title, "maps");
  if (maps.size() == before) throw Error("holds no map").at_field("maps");
}

Canvas draw_heatmaps(const std::vector<Matrix>& maps, double width, const std::string& title, const std::string& remark,
                     bool each_row) {
  Canvas canvas(width);
  double y = kMargin + 16;
  canvas.text(kMargin, y, fit_text(title, 16, width - 2 * kMargin), 16).bold = true;
  if (!remark.empty())
    y += 19, canvas.text(kMargin, y, fit_text(remark, 12, width - 2 * kMargin), 12, kMuted).tip = remark;
  y += 14;
  if (maps.empty()) canvas.text(kMargin, y + 20, "No maps to draw.", 13, kMuted), y += 30;
  for (const auto& map : maps) {
    const std::string size = std::to_string(map.rows) + " x " + std::to_string(map.columns);
    canvas.text(kMargin, y + 16, fit_text(map.title, 13, width - 2 * kMargin - text_width(size, 12) - 16), 13).bold =
        true;
    canvas.text(width - kMargin, y + 16, size, 12, kMuted, Align::kRight);
    y += 26;
    canvas.text(kMargin, y + 10, map.y_label, 12, kMuted);
    y += 18;
    const double height = map.rows == 1 ? 40 : std::clamp(4.0 * map.rows, 80.0, 360.0);
    const Panel panel{kAxisLeft,
                      y,
                      width - kAxisLeft - 110,
                      height,
                      map.x_high > map.x_low ? map.x_low : 0,
                      map.x_high > map.x_low ? map.x_high : static_cast<double>(map.columns),
                      map.time};
    const int columns = std::min(map.columns, static_cast<int>(2 * panel.w)),
              rows = std::min(map.rows, static_cast<int>(2 * height));
    std::vector<double> cells(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) {
        const auto r0 = static_cast<std::int64_t>(r) * map.rows / rows,
                   r1 = static_cast<std::int64_t>(r + 1) * map.rows / rows;
        const auto c0 = static_cast<std::int64_t>(c) * map.columns / columns,
                   c1 = static_cast<std::int64_t>(c + 1) * map.columns / columns;
        double sum = 0;
        for (auto i = r0; i < r1; ++i)
          for (auto k = c0; k < c1; ++k) sum += map.values[static_cast<std::size_t>(i * map.columns + k)];
        cells[static_cast<std::size_t>(r) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)] =
            sum / static_cast<double>((r1 - r0) * (c1 - c0));
      }
    const auto [low, high] = std::minmax_element(cells.begin(), cells.end());
    std::vector<Rgb> pixels;
    for (int r = 0; r < rows; ++r) {
      const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(r) * columns, end = begin + columns;
      const auto [row_low, row_high] = each_row ? std::minmax_element(begin, end) : std::pair(low, high);
      for (auto cell = begin; cell != end; ++cell)
        pixels.push_back(heat(*row_high > *row_low ? (*cell - *row_low) / (*row_high - *row_low) : 0.5));
    }
    canvas.begin_panel(panel);
    draw_x_axis(canvas, panel);
    canvas.image(panel.x, panel.y, panel.w, panel.h, columns, rows, std::move(pixels));
    canvas.end_panel();
    if (map.rows > 1)
      for (const double r : ticks(0, map.rows, static_cast<int>(height / 40) + 1))
        if (r == std::floor(r))
          canvas.text(kAxisLeft - 6, y + r / map.rows * height + 4, tick_label(r), 12, kMuted, Align::kRight);
    std::vector<Rgb> bar;
    for (int i = 0; i < 64; ++i) bar.push_back(heat((63 - i) / 63.0));
    canvas.image(panel.x + panel.w + 14, y, 12, height, 1, 64, bar);
    canvas.text(panel.x + panel.w + 32, y + 10, each_row ? "row max" : tick_label(*high), 12, kMuted);
    canvas.text(panel.x + panel.w + 32, y + height, each_row ? "row min" : tick_label(*low), 12, kMuted);
    canvas.text(panel.x + panel.w / 2, y + height + 32, map.x_label, 12, kMuted, Align::kCentre);
    y += height + 50;
  }
  canvas.set_height(y);
  return canvas;
}

}  // namespace tal::plot
