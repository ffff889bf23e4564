// Texts set by Pango and drawn by cairo: what libtal-text.so offers.
#include <pango/pangocairo.h>

#include <algorithm>
#include <memory>

#include "libtal/base/error.h"
#include "libtal/plot/text_setter.h"

namespace tal::plot {
namespace {

template <class Object>
struct Unref {
  void operator()(Object* object) const { g_object_unref(object); }
};
using Layout = std::unique_ptr<PangoLayout, Unref<PangoLayout>>;

Layout make_layout(const std::string& text, double size, bool bold) {
  const std::unique_ptr<PangoContext, Unref<PangoContext>> context(
      pango_font_map_create_context(pango_cairo_font_map_get_default()));
  Layout layout(pango_layout_new(context.get()));
  PangoFontDescription* font = pango_font_description_from_string("sans-serif");
  pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
  if (bold) pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
  pango_layout_set_font_description(layout.get(), font);
  pango_font_description_free(font);
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
  return layout;
}

// cairo's premultiplied native-endian ARGB as bytes.
void unpack(const unsigned char* from, int columns, std::uint8_t* to) {
  for (int x = 0; x < columns; ++x) {
    const std::uint32_t pixel = reinterpret_cast<const std::uint32_t*>(from)[x], alpha = pixel >> 24;
    for (int channel = 0; channel < 3; ++channel) {
      const std::uint32_t value = pixel >> (16 - 8 * channel) & 0xff;
      *to++ =
          static_cast<std::uint8_t>(alpha == 0 ? 0 : std::min<std::uint32_t>(255, (value * 255 + alpha / 2) / alpha));
    }
    *to++ = static_cast<std::uint8_t>(alpha);
  }
}

TextPicture set_text(const std::string& text, double size, bool bold, Rgb ink) {
  const Layout layout = make_layout(text, size, bold);
  PangoRectangle drawn, logical;
  pango_layout_get_pixel_extents(layout.get(), &drawn, &logical);
  const int baseline = pango_layout_get_baseline(layout.get()) / PANGO_SCALE;
  TextPicture picture{drawn.width,
                      drawn.height,
                      drawn.x,
                      drawn.y - baseline,
                      static_cast<double>(logical.width),
                      {},
                      pango_layout_get_unknown_glyphs_count(layout.get())};
  if (drawn.width <= 0 || drawn.height <= 0) return {0, 0, 0, 0, picture.advance, {}, picture.missing};
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, drawn.width, drawn.height);
  cairo_t* cairo = cairo_create(surface);
  cairo_set_source_rgb(cairo, ink.r / 255.0, ink.g / 255.0, ink.b / 255.0);
  cairo_move_to(cairo, -drawn.x, -drawn.y);
  pango_cairo_show_layout(cairo, layout.get());
  const cairo_status_t status = cairo_status(cairo);
  cairo_destroy(cairo);
  cairo_surface_flush(surface);
  const auto columns = static_cast<std::size_t>(drawn.width);
  picture.rgba.resize(columns * static_cast<std::size_t>(drawn.height) * 4);
  const unsigned char* data = cairo_image_surface_get_data(surface);
  if (status == CAIRO_STATUS_SUCCESS && data)
    for (int y = 0; y < drawn.height; ++y)
      unpack(data + static_cast<std::ptrdiff_t>(y) * cairo_image_surface_get_stride(surface), drawn.width,
             picture.rgba.data() + columns * 4 * static_cast<std::size_t>(y));
  cairo_surface_destroy(surface);
  if (status != CAIRO_STATUS_SUCCESS || !data)
    throw Error(std::string("cairo cannot draw a text: ") + cairo_status_to_string(status));
  return picture;
}

std::string version() { return std::string("Pango ") + pango_version_string() + ", cairo " + cairo_version_string(); }

}  // namespace
}  // namespace tal::plot

extern "C" const tal::plot::TextSetting* tal_text_setting(int interface) {
  static const tal::plot::TextSetting setting{tal::plot::version, tal::plot::set_text};
  return interface == tal::plot::kTextInterface ? &setting : nullptr;
}
