// The PNG back end: a small rasteriser (filled rectangles with exact pixel coverage, lines as thick strokes with
// one-pixel soft edges, the bitmap font scaled by area) and a PNG writer on zlib.
#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/utf8.h"
#include "libtal/plot/canvas.h"
#include "libtal/plot/font.h"

namespace tal::plot {
namespace {

struct Clip {
  double x0, y0, x1, y1;
};

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
    std::vector<char32_t> codes;
    for (std::size_t at = 0; at < text.size();) codes.push_back(next_code_point(text, at));
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

  void image(const Item& item, double scale, const Clip& clip) {
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

std::string to_png(const Canvas& canvas, Theme theme, double scale) {
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
        raster.text(item.x * scale, item.y * scale, item.text, item.size * scale, item.align, item.bold, fill, clip);
        break;
      case Item::Kind::kImage: raster.image(item, scale, clip); break;
    }
  }
  return encode_png(width, height, raster.pixels());
}

}  // namespace tal::plot
