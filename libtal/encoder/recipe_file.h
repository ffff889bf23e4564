// How a network from elsewhere (onnx:FILE, torchscript:FILE) wants its pictures or sound: FILE.json, beside the
// network.
#pragma once

#include <string>
#include <vector>

#include "libtal/encoder/recipes.h"

namespace tal {

struct NetworkFile {
  EncoderRecipe recipe;
  std::vector<std::string> classes;  // of its output's columns, where they are class scores
};

// Reads FILE.json:
//   {"name":"mynet",                                   the stream's name; default: FILE without folder and extension
//    "input":"frames"|"clips"|"flow"|"flow-clips",     [N, 3, H, W], [N, 3, T, H, W], [N, 2 kFlowStack, H, W],
//                                                      [N, 2, T, H, W]
//    "filter":"pillow"|"pillow-bicubic"|"torch"|"opencv", "width":0, "height":256, "crop":224, "rgb":true,
//    "divisor":255, "mean":[...], "deviation":[...],   (value / divisor - mean) / deviation; one number a channel, or
//                                                      one for all
//    "clip":16,                                        frames of a window; absent: any
//    "classes":[...]}
// input, height, crop, mean and deviation must be there. Of networks that hear, instead:
//   {"input":"waveform", "rate":16000, "axes":"s"|"1s",   [N, S], [N, 1, S]
//   {"input":"log-mel", "preset":"vggish", "settings":{...},   settings_of(LogMelOptions&)
//    "axes":"1tm"|"tm"|"1mt"|"mt",                        [N, 1, T, M], [N, T, M], ...
//    "edges":"inside"|"beyond"|"reflect"|"zero", "frames":0,   EncoderRecipe::Sound
// both with "name", "classes" and "seconds", what a window must last. Error (with FILE.json's path) when it is missing,
// lacks one, or names a key that is not of these.
NetworkFile read_network_file(const std::string& model);

}  // namespace tal
