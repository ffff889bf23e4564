// The bitmap font of the PNG back end: 12 x 24 pixels a glyph, baseline below row 18. Printable ASCII and Latin-1;
// every other character shows as a box (SVG and HTML use the viewer's own fonts and show all of Unicode).
#pragma once

namespace tal::plot {

inline constexpr int kGlyphWidth = 12, kGlyphHeight = 24, kGlyphBaseline = 19;

// Whether the pixel is set; x in [0, 12), y in [0, 24) from the top.
bool glyph_pixel(char32_t code, int x, int y);

}  // namespace tal::plot
