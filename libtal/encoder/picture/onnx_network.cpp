#include "libtal/encoder/picture/onnx_network.h"

#include "libtal/base/error.h"

#ifdef TAL_HAVE_DNN
#include <mutex>

#include <opencv2/dnn.hpp>

#include "libtal/encoder/picture/picture_encoder.h"
#include "libtal/encoder/recipe_file.h"
#include "libtal/io/file_hash.h"
#include "libtal/io/npy.h"
#include "libtal/video/decoder.h"
#endif

namespace tal {
#ifdef TAL_HAVE_DNN
namespace {

cv::dnn::Net read_net(const std::string& file) {
  const MappedFile readable(file);  // an error of ours where there is no such file
  prepare_opencv();
  try {
    return cv::dnn::readNetFromONNX(file);
  } catch (const cv::Exception& error) {
    throw Error("'" + file + "': OpenCV " + CV_VERSION + " cannot read this network: " + error.err);
  }
}

// OpenCV puts words of its own before the names of nodes and of their outputs; "" when there is none of that name.
std::string node_named(const cv::dnn::Net& net, const std::string& name) {
  for (const char* prefix : {"", "onnx_node!", "onnx_node_output_0!"})
    if (net.getLayerId(prefix + name) >= 0) return prefix + name;
  return "";
}

class OnnxNetwork : public PictureNetwork {
 public:
  OnnxNetwork(const EncoderSpec& spec, const EncoderOptions& options)
      : file_(spec.weights),
        layer_(spec.layer),
        description_(read_network_file(file_)),
        net_(read_net(file_)),
        weights_(file_hash(file_)) {
    if (!layer_.empty()) node_ = node_named(net_, layer_);
    if (!layer_.empty() && node_.empty())
      throw UsageError("--encoder onnx@" + layer_ + ": the network has no such node");
    std::vector<float> row;
    run({blank_input(description_.recipe)}, row);
    dim_ = static_cast<std::int64_t>(row.size());
    if (!description_.classes.empty() && layer_.empty())
      columns_ = class_columns(options, description_.classes, dim_, name());
  }

  std::string name() const override { return description_.recipe.name + (layer_.empty() ? "" : "-" + layer_); }
  std::int64_t dim() const override { return dim_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  const EncoderRecipe& recipe() const override { return description_.recipe; }
  std::string weights() const override { return weights_; }
  std::string parameters() const override { return "onnx/1 layer=" + layer_ + " weights=" + weights_; }

  void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const override {
    for (const auto& input : inputs) append_row(forward(blob_of(input)), rows);
  }

 private:
  // [1, C, H, W], or [1, C, T, H, W] for clips: (x / divisor - mean) / deviation. Sound as it is.
  cv::Mat blob_of(const NetworkInput& input) const {
    const auto& recipe = description_.recipe;
    if (hears(recipe)) return input[0].reshape(1, sound_shape(recipe, 1, input[0]));
    const auto& p = recipe.preprocessing;
    const int channels = input[0].channels(), frames = static_cast<int>(input.size()), height = input[0].rows,
              width = input[0].cols;
    std::vector<int> shape = {1, channels, frames, height, width};
    if (!sees_clips(recipe)) shape.erase(shape.begin() + 2);
    cv::Mat blob(shape, CV_32F);
    float* to = blob.ptr<float>();
    for (int c = 0; c < channels; ++c) {
      const float mean = p.mean[p.mean.size() > 1 ? static_cast<std::size_t>(c) : 0] * p.divisor;
      const float scale = 1 / (p.deviation[p.deviation.size() > 1 ? static_cast<std::size_t>(c) : 0] * p.divisor);
      for (const auto& picture : input)
        for (int y = 0; y < height; ++y) {
          const auto* row = picture.ptr<std::uint8_t>(y) + c;
          for (int x = 0; x < width; ++x) *to++ = (static_cast<float>(row[x * channels]) - mean) * scale;
        }
    }
    return blob;
  }

  cv::Mat forward(const cv::Mat& blob) const {
    const std::lock_guard lock(mutex_);  // a Net holds its inner values
    try {
      net_.setInput(blob);
      return node_.empty() ? net_.forward() : net_.forward(node_);
    } catch (const cv::Exception& error) {
      throw Error("'" + file_ + "' does not run on the " + (hears(description_.recipe) ? "sound" : "pictures") +
                  " of its .json: " + error.err);
    }
  }

  void append_row(const cv::Mat& out, std::vector<float>& rows) const {
    const int columns = out.dims >= 2 ? out.size[1] : 0;
    if (out.dims < 2 || out.size[0] != 1 || columns == 0 || out.depth() != CV_32F || (dim_ > 0 && columns != dim_))
      throw Error("'" + file_ + "': its output must be [1, C] or [1, C, ...] of float32 for one input");
    const auto each = out.total() / static_cast<std::size_t>(columns);
    const float* value = out.ptr<float>();
    for (int c = 0; c < columns; ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < each; ++i) sum += *value++;
      rows.push_back(static_cast<float>(sum / static_cast<double>(each)));
    }
  }

  std::string file_, layer_, node_;
  NetworkFile description_;
  mutable std::mutex mutex_;
  mutable cv::dnn::Net net_;
  std::string weights_;
  std::vector<std::string> columns_;
  std::int64_t dim_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_onnx_encoder(const EncoderSpec& spec, const EncoderOptions& options) {
  if (options.device != "cpu")
    throw UsageError("--encoder onnx:FILE runs on the processor, not on --device " + options.device);
  if (options.precision != "float32")
    throw UsageError("--encoder onnx:FILE computes in float32, not in --precision " + options.precision);
  return make_picture_encoder(std::make_shared<OnnxNetwork>(spec, options), options);
}
#else
std::unique_ptr<Encoder> make_onnx_encoder(const EncoderSpec&, const EncoderOptions&) {
  throw UsageError("--encoder onnx:FILE: this build's OpenCV has no DNN module");
}
#endif

}  // namespace tal
