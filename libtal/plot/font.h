// The bitmap font of the PNG back end: 12 x 24 pixels a glyph, baseline below row 18. Printable ASCII and Latin-1;
// every other character shows as a box, unless the fonts of the system set it (text_setter.h).
#pragma once

namespace tal::plot {

inline constexpr int kGlyphWidth = 12, kGlyphHeight = 24, kGlyphBaseline = 19;

// Whether it shows as itself. Control characters, which no font shows, count as shown.
bool has_glyph(char32_t code);

// Whether the pixel is set; x in [0, 12), y in [0, 24) from the top.
bool glyph_pixel(char32_t code, int x, int y);

}  // namespace tal::plot
