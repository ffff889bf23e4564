// The PNG back end: a small rasteriser (filled rectangles with exact pixel coverage, lines as thick strokes with
// one-pixel soft edges, the bitmap font scaled by area) and a PNG writer on zlib.
#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/base/utf8.h"
#include "libtal/plot/canvas.h"
#include "libtal/plot/font.h"
#include "libtal/plot/text_setter.h"

namespace tal::plot {
namespace {

struct Clip {
  double x0, y0, x1, y1;
};

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> codes;
  for (std::size_t at = 0; at < text.size();) codes.push_back(next_code_point(text, at));
  return codes;
}

// With the replacement character for bytes that are no UTF-8.
std::string utf8_of(const std::vector<char32_t>& codes) {
  std::string out;
  for (const char32_t code : codes) append_utf8(out, code);
  return out;
}

bool in_own_font(const std::vector<char32_t>& codes) { return std::all_of(codes.begin(), codes.end(), has_glyph); }

class Raster {
 public:
  Raster(int width, int height, Rgb paper)
      : width_(width),
        height_(height),
        pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), paper) {}

  void blend(int x, int y, Rgb c, double alpha) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_ || alpha <= 0) return;
    Rgb& p = pixels_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)];
    const auto a = static_cast<int>(std::floor(std::min(alpha, 1.0) * 256 + 0.5));
    const auto mix = [a](std::uint8_t under, std::uint8_t over) {
      return static_cast<std::uint8_t>((under * (256 - a) + over * a + 128) >> 8);
    };
    p = {mix(p.r, c.r), mix(p.g, c.g), mix(p.b, c.b)};
  }

  void rect(double x0, double y0, double x1, double y1, Rgb c, double alpha, const Clip& clip) {
    x0 = std::max(x0, clip.x0), y0 = std::max(y0, clip.y0), x1 = std::min(x1, clip.x1), y1 = std::min(y1, clip.y1);
    if (!(x1 > x0) || !(y1 > y0)) return;
    const int left = floor_in(x0, width_), right = floor_in(std::ceil(x1), width_), top = floor_in(y0, height_),
              bottom = floor_in(std::ceil(y1), height_);
    for (int y = top; y < bottom; ++y) {
      const double cover = std::min(y1, y + 1.0) - std::max(y0, static_cast<double>(y));
      for (int x = left; x < right; ++x)
        blend(x, y, c, alpha * cover * (std::min(x1, x + 1.0) - std::max(x0, static_cast<double>(x))));
    }
  }

  // Strokes a chain of segments; each pixel is blended once per chain, so that joints do not show.
  void stroke(const std::vector<Point>& points, double width, Rgb c, double alpha, bool dashed, double dash,
              const Clip& clip) {
    double travelled = 0;
    for (std::size_t i = 0; i + 1 < points.size(); ++i) {
      const Point a = points[i], b = points[i + 1];
      const double dx = b.x - a.x, dy = b.y - a.y, length = std::sqrt(dx * dx + dy * dy);
      const double reach = width / 2 + 1;
      const int left = floor_in(std::max(std::min(a.x, b.x) - reach, clip.x0), width_),
                right = floor_in(std::ceil(std::min(std::max(a.x, b.x) + reach, clip.x1)), width_);
      const int top = floor_in(std::max(std::min(a.y, b.y) - reach, clip.y0), height_),
                bottom = floor_in(std::ceil(std::min(std::max(a.y, b.y) + reach, clip.y1)), height_);
      for (int y = top; y < bottom; ++y) {
        // The span of x within reach of the segment's line, so that long slanted segments do not cost their whole box.
        int from = left, to = right;
        if (std::fabs(dy) > 1e-9 && length > 0) {
          const double along = (y + 0.5 - a.y) / dy, centre = a.x + along * dx,
                       half = reach * length / std::fabs(dy) + 1;
          from = std::max(left, floor_in(centre - half, width_)),
          to = std::min(right, floor_in(std::ceil(centre + half), width_));
        }
        for (int x = from; x < to; ++x) {
          const double px = x + 0.5 - a.x, py = y + 0.5 - a.y;
          const double t = length > 0 ? (px * dx + py * dy) / (length * length) : 0;
          const bool last = i + 2 == points.size();
          if (t < 0 && i > 0) continue;  // belongs to the segment before
          if (t > 1 && !last) continue;
          if (dashed && std::fmod(travelled + std::clamp(t, 0.0, 1.0) * length, 2 * dash) >= dash) continue;
          const double nearest = std::clamp(t, 0.0, 1.0);
          const double ex = px - nearest * dx, ey = py - nearest * dy;
          blend(x, y, c, alpha * std::clamp(width / 2 + 0.5 - std::sqrt(ex * ex + ey * ey), 0.0, 1.0));
        }
      }
      travelled += length;
    }
  }

  void text(double x, double baseline, std::string_view text, double size, Align align, bool bold, Rgb c,
            const Clip& clip) {
    const double cell = size / kGlyphHeight, advance = kGlyphWidth * cell;
    const auto codes = code_points(text);
    const double total = advance * static_cast<double>(codes.size());
    x -= align == Align::kCentre ? total / 2 : align == Align::kRight ? total : 0;
    // Whole pixels: the glyphs are bitmaps and stay sharp where the scale allows it.
    x = std::floor(x + 0.5);
    const double y = std::floor(baseline + 0.5) - kGlyphBaseline * cell;
    for (const char32_t code : codes) {
      for (int gy = 0; gy < kGlyphHeight; ++gy)
        for (int gx = 0; gx < kGlyphWidth; ++gx)
          if (glyph_pixel(code, gx, gy))
            rect(x + gx * cell, y + gy * cell, x + (gx + (bold ? 1.7 : 1)) * cell, y + (gy + 1) * cell, c, 1, clip);
      x += advance;
    }
  }

  void picture(double x, double baseline, const TextPicture& text, Align align, const Clip& clip) {
    x -= align == Align::kCentre ? text.advance / 2 : align == Align::kRight ? text.advance : 0;
    const int left = static_cast<int>(std::floor(x + 0.5)) + text.left,
              top = static_cast<int>(std::floor(baseline + 0.5)) + text.top;
    for (int row = 0; row < text.rows; ++row)
      for (int column = 0; column < text.columns; ++column) {
        const int px = left + column, py = top + row;
        if (px < clip.x0 || px >= clip.x1 || py < clip.y0 || py >= clip.y1) continue;
        const std::uint8_t* p =
            text.rgba.data() + (static_cast<std::size_t>(row) * static_cast<std::size_t>(text.columns) +
                                static_cast<std::size_t>(column)) *
                                   4;
        blend(px, py, {p[0], p[1], p[2]}, p[3] / 255.0);
      }
  }

  void image(const Item& item, double scale, const Clip& clip) {
    if (item.pixels.empty()) throw Error("a PNG picture cannot hold photographs");
    const double x0 = item.x * scale, y0 = item.y * scale, w = item.w * scale, h = item.h * scale;
    const int left = floor_in(std::max(x0, clip.x0) + 0.5, width_),
              right = floor_in(std::min(x0 + w, clip.x1) + 0.5, width_);
    const int top = floor_in(std::max(y0, clip.y0) + 0.5, height_),
              bottom = floor_in(std::min(y0 + h, clip.y1) + 0.5, height_);
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) {
        const int column = std::clamp(static_cast<int>((x + 0.5 - x0) / w * item.columns), 0, item.columns - 1);
        const int row = std::clamp(static_cast<int>((y + 0.5 - y0) / h * item.rows), 0, item.rows - 1);
        blend(x, y,
              item.pixels[static_cast<std::size_t>(row) * static_cast<std::size_t>(item.columns) +
                          static_cast<std::size_t>(column)],
              item.opacity);
      }
  }

  std::vector<Rgb>& pixels() { return pixels_; }

 private:
  static int floor_in(double value, int limit) {
    return static_cast<int>(std::clamp(std::floor(value), 0.0, static_cast<double>(limit)));
  }
  int width_, height_;
  std::vector<Rgb> pixels_;
};

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& out, const char* type, std::string_view data) {
  append_u32(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t from = out.size();
  out += type;
  out += data;
  append_u32(out, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(out.data() + from),
                                                     static_cast<uInt>(out.size() - from))));
}

}  // namespace

std::string encode_png(int width, int height, const std::vector<Rgb>& pixels) {
  // Filter "Up": drawings repeat from row to row, so that most rows become zeros.
  const std::size_t stride = static_cast<std::size_t>(width) * 3;
  std::string raw;
  raw.reserve((stride + 1) * static_cast<std::size_t>(height));
  const auto* bytes = reinterpret_cast<const unsigned char*>(pixels.data());
  static_assert(sizeof(Rgb) == 3);
  for (int y = 0; y < height; ++y) {
    raw += static_cast<char>(2);
    const unsigned char* row = bytes + static_cast<std::size_t>(y) * stride;
    for (std::size_t i = 0; i < stride; ++i) raw += static_cast<char>(row[i] - (y > 0 ? row[i - stride] : 0));
  }
  uLongf size = ::compressBound(static_cast<uLong>(raw.size()));
  std::string packed(size, '\0');
  if (::compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                  static_cast<uLong>(raw.size()), 6) != Z_OK)
    throw Error("cannot compress the picture");
  packed.resize(size);
  std::string out("\x89PNG\r\n\x1a\n", 8);
  std::string header;
  append_u32(header, static_cast<std::uint32_t>(width));
  append_u32(header, static_cast<std::uint32_t>(height));
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", packed);
  append_chunk(out, "IEND", "");
  return out;
}

std::vector<std::string> beyond_own_font(const Canvas& canvas) {
  std::vector<std::string> out;
  for (const Item& item : canvas.items())
    if (item.kind == Item::Kind::kText)
      for (const char32_t code : code_points(item.text))
        if (!has_glyph(code))
          if (const std::string text = utf8_of({code}); std::find(out.begin(), out.end(), text) == out.end())
            out.push_back(text);
  return out;
}

std::string to_png(const Canvas& canvas, Theme theme, double scale) { return to_png(canvas, theme, scale, {}); }

std::string to_png(const Canvas& canvas, Theme theme, double scale, const TextSetter& set) {
  const double wide = std::ceil(canvas.width() * scale), high = std::ceil(canvas.height() * scale);
  if (wide > 32000 || high > 32000 || wide * high > 4e8 || wide < 1 || high < 1)
    throw Error("the picture would have " + tick_label(wide) + " x " + tick_label(high) +
                " pixels (at most 32000 a side); draw fewer videos, choose a smaller scale, or write SVG or HTML");
  const bool dark = theme == Theme::kDark;
  const int width = static_cast<int>(wide), height = static_cast<int>(high);
  Raster raster(width, height, colour(kPaper, dark));
  for (const Item& item : canvas.items()) {
    Clip clip{0, 0, wide, high};
    if (item.panel >= 0 && !(item.axis && item.kind == Item::Kind::kText)) {
      const Panel& panel = canvas.panels()[static_cast<std::size_t>(item.panel)];
      clip = {panel.x * scale, panel.y * scale, (panel.x + panel.w) * scale, (panel.y + panel.h) * scale};
    }
    const Rgb fill = colour(item.fill, dark), stroke = colour(item.stroke, dark);
    const double line = item.width * scale;
    switch (item.kind) {
      case Item::Kind::kRect: {
        const double x0 = item.x * scale, y0 = item.y * scale, x1 = (item.x + item.w) * scale,
                     y1 = (item.y + item.h) * scale;
        if (item.fill != kNone) raster.rect(x0, y0, x1, y1, fill, item.opacity, clip);
        if (item.stroke != kNone)
          raster.stroke({{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}}, line, stroke, 1, item.dashed, 4 * scale,
                        clip);
        break;
      }
      case Item::Kind::kLine:
        raster.stroke({{item.x * scale, item.y * scale}, {item.w * scale, item.h * scale}}, line, stroke, item.opacity,
                      item.dashed, 4 * scale, clip);
        break;
      case Item::Kind::kPolyline: {
        std::vector<Point> points = item.points;
        for (Point& point : points) point.x *= scale, point.y *= scale;
        raster.stroke(points, line, stroke, item.opacity, item.dashed, 4 * scale, clip);
        break;
      }
      case Item::Kind::kText:
        if (const auto codes = code_points(item.text); set && !in_own_font(codes)) {
          const TextPicture text = set(utf8_of(codes), item.size * scale, item.bold, fill);
          raster.picture(item.x * scale, item.y * scale, text, item.align, clip);
          break;
        }
        raster.text(item.x * scale, item.y * scale, item.text, item.size * scale, item.align, item.bold, fill, clip);
        break;
      case Item::Kind::kImage: raster.image(item, scale, clip); break;
    }
  }
  return encode_png(width, height, raster.pixels());
}

}  // namespace tal::plot
