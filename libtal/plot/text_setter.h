// Texts as pixels in the fonts of the system, for the scripts that the PNG back end's own font lacks. What sets them is
// a library of its own (libtal-text.so, libtal/plot/text), opened when a picture has such a text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libtal/plot/canvas.h"

namespace tal::plot {

struct TextPicture {
  int columns = 0, rows = 0;
  int left = 0, top = 0;           // of the first pixel, from where the text begins on its baseline
  double advance = 0;              // the text's width
  std::vector<std::uint8_t> rgba;  // row by row; colours are not multiplied by their opacity
  int missing = 0;                 // characters that no font has, which show as boxes
};

inline constexpr int kTextInterface = 1;  // of the table below; change it with it

struct TextSetting {
  std::string (*version)();  // "Pango 1.50.12"
  // text: UTF-8, one line. size: pixels of an em. Error for a text that is too long for a picture.
  TextPicture (*set)(const std::string& text, double size, bool bold, Rgb ink);
};

// The characters of the canvas' texts that it lacks, each once, as UTF-8 in the order in which they come.
std::vector<std::string> beyond_own_font(const Canvas& canvas);

// to_png() with a setter for the texts that have such characters.
using TextSetter = std::function<TextPicture(const std::string& text, double size, bool bold, Rgb ink)>;
std::string to_png(const Canvas& canvas, Theme theme, double scale, const TextSetter& set);

}  // namespace tal::plot
