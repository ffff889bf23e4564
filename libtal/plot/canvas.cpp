#include "libtal/plot/canvas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "libtal/base/number.h"
#include "libtal/base/utf8.h"

namespace tal::plot {

Ink series(std::size_t index) { return static_cast<Ink>(kSeries0 + static_cast<int>(index % kSeries)); }
Ink shade(std::size_t index) { return static_cast<Ink>(kSeries0 + static_cast<int>(index % kShades)); }

Rgb colour(Ink ink, bool dark) {
  struct Twins {
    Rgb light, dark;
  };
  static constexpr std::array<Twins, kSeries0 + kSeries> kInks = {{{{255, 255, 255}, {20, 23, 28}},
                                                                   {{246, 247, 249}, {30, 34, 41}},
                                                                   {{28, 32, 38}, {232, 235, 240}},
                                                                   {{92, 99, 110}, {163, 171, 184}},
                                                                   {{214, 218, 224}, {62, 69, 80}},
                                                                   {{0, 114, 178}, {56, 150, 222}},
                                                                   {{213, 94, 0}, {232, 122, 40}},
                                                                   {{0, 158, 115}, {24, 184, 140}},
                                                                   {{204, 121, 167}, {214, 140, 182}},
                                                                   {{230, 159, 0}, {230, 159, 0}},
                                                                   {{86, 180, 233}, {126, 200, 243}},
                                                                   {{205, 190, 30}, {240, 228, 66}}}};
  if (ink < 0 || ink >= kInkCount) return {};
  const auto of = [&](int role) {
    const Twins& twins = kInks[static_cast<std::size_t>(role)];
    return dark ? twins.dark : twins.light;
  };
  const int round = ink < kSeries0 ? 0 : (ink - kSeries0) / kSeries;
  const Rgb own = of(ink - round * kSeries);
  if (round == 0) return own;
  const Rgb other = of(round == 1 ? kText : kPaper);
  const double part = round == 1 ? 0.45 : 0.5;  // told apart by their lightness, and from paper and text as well
  const auto mix = [&](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(std::floor(a + part * (b - a) + 0.5));
  };
  return {mix(own.r, other.r), mix(own.g, other.g), mix(own.b, other.b)};
}

Rgb heat(double value) {
  static constexpr std::array<Rgb, 9> kViridis = {{{68, 1, 84},
                                                   {71, 44, 122},
                                                   {59, 81, 139},
                                                   {44, 113, 142},
                                                   {33, 144, 141},
                                                   {39, 173, 129},
                                                   {92, 200, 99},
                                                   {170, 220, 50},
                                                   {253, 231, 37}}};
  const double at = std::clamp(value, 0.0, 1.0) * 8;
  const auto i = std::min<std::size_t>(7, static_cast<std::size_t>(at));
  const double part = at - static_cast<double>(i);
  const auto mix = [&](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(std::floor(a + part * (b - a) + 0.5));
  };
  return {mix(kViridis[i].r, kViridis[i + 1].r), mix(kViridis[i].g, kViridis[i + 1].g),
          mix(kViridis[i].b, kViridis[i + 1].b)};
}

Item& Canvas::add(Item::Kind kind) {
  Item& item = items_.emplace_back();
  item.kind = kind;
  item.panel = panel_;
  return item;
}

Item& Canvas::rect(double x, double y, double w, double h, Ink fill, double opacity) {
  Item& item = add(Item::Kind::kRect);
  item.x = x, item.y = y, item.w = w, item.h = h, item.fill = fill, item.opacity = opacity;
  return item;
}

Item& Canvas::line(double x1, double y1, double x2, double y2, Ink stroke, double width) {
  Item& item = add(Item::Kind::kLine);
  item.x = x1, item.y = y1, item.w = x2, item.h = y2, item.stroke = stroke, item.width = width;
  return item;
}

Item& Canvas::polyline(std::vector<Point> points, Ink stroke, double width) {
  Item& item = add(Item::Kind::kPolyline);
  item.points = std::move(points), item.stroke = stroke, item.width = width;
  return item;
}

Item& Canvas::text(double x, double y, std::string_view text, double size, Ink fill, Align align) {
  Item& item = add(Item::Kind::kText);
  item.x = x, item.y = y, item.text = text, item.size = size, item.fill = fill, item.align = align;
  return item;
}

Item& Canvas::image(double x, double y, double w, double h, int columns, int rows, std::vector<Rgb> pixels) {
  Item& item = add(Item::Kind::kImage);
  item.x = x, item.y = y, item.w = w, item.h = h, item.columns = columns, item.rows = rows,
  item.pixels = std::move(pixels);
  return item;
}

Item& Canvas::photo(double x, double y, double w, double h, std::string jpeg) {
  Item& item = add(Item::Kind::kImage);
  item.x = x, item.y = y, item.w = w, item.h = h, item.jpeg = std::move(jpeg);
  return item;
}

void Canvas::begin_panel(const Panel& panel) {
  panels_.push_back(panel);
  panel_ = static_cast<int>(panels_.size()) - 1;
}

double text_width(std::string_view text, double size) {
  double width = 0;
  for (std::size_t at = 0; at < text.size();) width += next_code_point(text, at) < 0x1100 ? 0.58 : 1.0;
  return width * size;
}

std::string fit_text(std::string_view text, double size, double width) {
  if (text_width(text, size) <= width) return std::string(text);
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size(); next_code_point(text, at)) starts.push_back(at);
  starts.push_back(text.size());
  const std::size_t count = starts.size() - 1;
  // Names of videos and classes differ at either end: keep both.
  for (std::size_t keep = count; keep-- > 0;) {
    const std::size_t head = (keep + 1) / 2, tail = keep / 2;
    std::string out =
        std::string(text.substr(0, starts[head])) + "..." + std::string(text.substr(starts[count - tail]));
    if (text_width(out, size) <= width) return out;
  }
  return text_width("...", size) <= width ? "..." : "";
}

namespace {

std::vector<double> multiples(double low, double high, double step) {
  std::vector<double> out;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && out.size() < 1000; i += 1)
    out.push_back(i * step);
  return out;
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  if (!(high > low) || count < 1) return {low};
  double magnitude = 1;
  while (magnitude * count < high - low) magnitude *= 10;
  while (magnitude * count / 10 >= high - low) magnitude /= 10;
  for (const double factor : {0.1, 0.2, 0.5, 1.0}) {
    const double step = factor == 0.1   ? magnitude / 10
                        : factor == 0.2 ? magnitude / 5
                        : factor == 0.5 ? magnitude / 2
                                        : magnitude;
    auto out = multiples(low, high, step);
    if (out.size() <= static_cast<std::size_t>(count)) return out;
  }
  return multiples(low, high, 2 * magnitude);
}

std::vector<double> time_ticks(double low, double high, int count) {
  for (const double step :
       {15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0, 86400.0})
    if (high - low > 10.0 * count && (high - low) / step <= count) return multiples(low, high, step);
  return ticks(low, high, count);
}

std::string tick_label(double value) {
  if (value == 0) return "0";
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string time_label(double seconds) {
  if (std::fabs(seconds) < 60) return tick_label(seconds) + " s";
  // Tenths only where there are any, so that axis labels stay short.
  const auto tenths = static_cast<long long>(std::floor(std::fabs(seconds) * 10 + 0.5));
  const long long whole = tenths / 10;
  char text[64];
  const char* sign = seconds < 0 ? "-" : "";
  if (whole < 3600) std::snprintf(text, sizeof text, "%s%lld:%02lld", sign, whole / 60, whole % 60);
  else std::snprintf(text, sizeof text, "%s%lld:%02lld:%02lld", sign, whole / 3600, whole / 60 % 60, whole % 60);
  std::string out = text;
  if (tenths % 10) out += "." + std::to_string(tenths % 10);
  return out;
}

void draw_x_axis(Canvas& canvas, const Panel& panel) {
  const int count = std::max(2, static_cast<int>(panel.w / 80));
  for (const double value :
       panel.time ? time_ticks(panel.low, panel.high, count) : ticks(panel.low, panel.high, count)) {
    if (panel.whole && std::abs(value - std::round(value)) > 1e-6) continue;
    const double x = panel.x + (value - panel.low) / (panel.high - panel.low) * panel.w;
    canvas.line(x, panel.y, x, panel.y + panel.h, kGrid).axis = true;
    const std::string label = panel.time ? time_label(value) : tick_label(value);
    canvas.text(x, panel.y + panel.h + 14, label, 12, kMuted, Align::kCentre).axis = true;
    if (panel.above) canvas.text(x, panel.y - 6, label, 12, kMuted, Align::kCentre).axis = true;
  }
}

}  // namespace tal::plot
