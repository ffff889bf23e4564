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

// Every name that --encoder knows: hog-hof, log-mel, those of encoder_recipes(), and networks from elsewhere.
std::vector<std::string> encoder_names();

struct EncoderOptions;

// Makes the encoders that are networks (libtal/encoder/networks/network_encoder.h).
using NetworkFactory = std::function<std::unique_ptr<Encoder>(const EncoderSpec&, const EncoderOptions&)>;

struct EncoderOptions {
  std::string flow = "block";         // method of optical flow: block, dis, farneback, tvl1
  std::string device = "cpu";         // where networks compute: cpu, cuda, cuda:N
  std::string precision = "float32";  // in which networks compute (libtal/base/precision.h)
  std::int64_t batch = 16;  // pictures that pass through a network together; of networks that see clips, a quarter of
                            // it
  std::vector<std::string> classes;  // names of the columns of class scores; empty: those in the file of weights, if
                                     // any
  std::vector<std::string> sound;    // "name=value": settings of log-mel
  NetworkFactory networks;           // empty where there are none: then networks are refused
};

}  // namespace tal
