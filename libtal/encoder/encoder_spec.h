// --encoder NAME[@LAYER][:WEIGHTS]: what the text says, and the names that it may say. No OpenCV, no LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tal {

class Encoder;

struct EncoderSpec {
  std::string name, layer, weights;  // "" where the text has none
};
EncoderSpec parse_encoder_spec(const std::string& spec);  // UsageError for "NAME@" without a layer

inline constexpr const char *kOnnxEncoder = "onnx", *kScriptEncoder = "torchscript";

// Every name that --encoder knows: hog-hof, those of encoder_recipes(), and networks from elsewhere.
std::vector<std::string> encoder_names();

struct EncoderOptions;

// Makes the encoders that are networks (libtal/encoder/networks/network_encoder.h).
using NetworkFactory = std::function<std::unique_ptr<Encoder>(const EncoderSpec&, const EncoderOptions&)>;

struct EncoderOptions {
  std::string flow = "block";         // block, dis, farneback, tvl1
  std::string device = "cpu";         // of networks
  std::string precision = "float32";  // of their products and convolutions: float32, bfloat16, float16 (CUDA)
  std::int64_t batch = 16;            // pictures of frame-wise networks in one pass; clips: a quarter of it
  std::vector<std::string> classes;   // names of the columns of class scores; empty: those of the weights' file, if it has any
  NetworkFactory networks;            // empty where there are none: networks are refused
};

}  // namespace tal
