// One drawing model for all plots: a display list of rectangles, lines, polylines, texts and images in logical pixels
// (origin at the top left, y downwards), with three back ends. Colours are named by role, so that SVG and HTML follow
// the viewer's light or dark setting. The same canvas gives the same bytes everywhere (PNG: with the same zlib).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tal::plot {

// Roles. The series colours are those of Okabe and Ito, "Color Universal Design" (2008), told apart with every kind of
// colour blindness; each also has a lighter or darker twin for the other background.
inline constexpr int kSeries = 7, kShades = 3 * kSeries;
enum Ink : int { kNone = -1, kPaper, kPanel, kText, kMuted, kGrid, kSeries0, kInkCount = kSeries0 + kShades };
Ink series(std::size_t index);  // cycles through the seven series colours
Ink shade(std::size_t index);   // through these, theirs nearer to the text's colour, and theirs nearer to the paper's

enum class Theme { kAuto, kLight, kDark };  // kAuto: the viewer's setting (SVG, HTML); light for PNG
enum class Align { kLeft, kCentre, kRight };

struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb&) const = default;
};
Rgb colour(Ink ink, bool dark);
// Viridis (van der Walt and Smith), perceptually uniform and colour-blind safe; value is clipped to [0, 1].
Rgb heat(double value);

struct Point {
  double x = 0, y = 0;
};

struct Item {
  enum class Kind { kRect, kLine, kPolyline, kText, kImage } kind = Kind::kRect;
  int panel = -1;                     // index into Canvas::panels, -1 = outside
  double x = 0, y = 0, w = 0, h = 0;  // rect and image: corner and size; line: (x, y) to (w, h); text: anchor on the
                                      // baseline
  Ink fill = kNone, stroke = kNone;
  double opacity = 1, width = 1;
  bool dashed = false, bold = false;
  bool axis = false;  // grid lines and tick labels of a panel: made anew when it is zoomed, never clipped when text
  double size = 12;   // text: font size
  Align align = Align::kLeft;
  std::vector<Point> points;
  std::string text;           // text, UTF-8; never interpreted as markup
  std::string tip;            // shown while the pointer is over the item
  int columns = 0, rows = 0;  // image: pixels, row by row
  std::vector<Rgb> pixels;
  std::string jpeg;  // image: a file instead of pixels, for SVG and HTML only; keeps its shape when the panel is zoomed
};

// A rectangle whose contents can be zoomed along x in HTML; its left and right edges stand for `low` and `high`.
struct Panel {
  double x = 0, y = 0, w = 0, h = 0, low = 0, high = 1;
  bool time = false;   // seconds
  bool above = false;  // the labels along x stand above it too (6 pixels)
  bool whole = false;  // only whole numbers stand along x
};

class Canvas {
 public:
  explicit Canvas(double width) : width_(width) {}

  Item& rect(double x, double y, double w, double h, Ink fill, double opacity = 1);
  Item& line(double x1, double y1, double x2, double y2, Ink stroke, double width = 1);
  Item& polyline(std::vector<Point> points, Ink stroke, double width = 1.5);
  Item& text(double x, double y, std::string_view text, double size = 12, Ink fill = kText, Align align = Align::kLeft);
  Item& image(double x, double y, double w, double h, int columns, int rows, std::vector<Rgb> pixels);
  Item& photo(double x, double y, double w, double h, std::string jpeg);

  // Items added until end_panel() belong to the panel and are clipped to it.
  void begin_panel(const Panel& panel);
  void end_panel() { panel_ = -1; }

  double width() const { return width_; }
  double height() const { return height_; }
  void set_height(double height) { height_ = height; }
  const std::vector<Item>& items() const { return items_; }
  const std::vector<Panel>& panels() const { return panels_; }

 private:
  Item& add(Item::Kind kind);
  double width_, height_ = 100;
  int panel_ = -1;
  std::vector<Item> items_;
  std::vector<Panel> panels_;
};

// Grid lines and labels along x of the panel begun last; the labels stand below its bottom edge (14 pixels), and above
// it where the panel says so.
void draw_x_axis(Canvas& canvas, const Panel& panel);

// The width that a text will at most take in the fonts of all back ends, in logical pixels, and the text shortened with
// "..." in its middle to fit.
double text_width(std::string_view text, double size);
std::string fit_text(std::string_view text, double size, double width);

// "Nice" tick positions (1, 2, 5 times a power of ten; for seconds also 15, 30, 60, ...) inside [low, high], at most
// `count`.
std::vector<double> ticks(double low, double high, int count);
std::vector<double> time_ticks(double low, double high, int count);
std::string tick_label(double value);    // at most 4 significant digits
std::string time_label(double seconds);  // "12.5 s", "3:05", "1:02:03"

std::string to_svg(const Canvas& canvas, std::string_view title, Theme theme);
// One file without any reference to the network: the drawing, tooltips, zoom (buttons, Ctrl+wheel) and pan (drag) of
// the panels.
std::string to_html(const Canvas& canvas, std::string_view title, Theme theme);
// 8-bit RGB. scale: pixels per logical pixel. Characters that the own font lacks are boxes (text_setter.h sets them).
// Throws Error when the picture would exceed 32,000 pixels a side or 400 million pixels.
std::string to_png(const Canvas& canvas, Theme theme, double scale);

// PNG file of rows of RGB pixels.
std::string encode_png(int width, int height, const std::vector<Rgb>& pixels);

}  // namespace tal::plot
