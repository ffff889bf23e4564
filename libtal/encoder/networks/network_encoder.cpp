#include "libtal/encoder/networks/network_encoder.h"

#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/data/weights.h"
#include "libtal/encoder/networks/factory.h"
#include "libtal/encoder/networks/picture_tensor.h"
#include "libtal/encoder/networks/script_network.h"
#include "libtal/encoder/picture/picture_encoder.h"
#include "libtal/io/file_hash.h"
#include "libtal/io/npy.h"
#include "libtal/nn/device.h"

namespace tal {
namespace {

// The metadata `classes` (a JSON list) of a safetensors file; {} for files without it.
std::vector<std::string> classes_of_file(const std::string& path) {
  const MappedFile file(path);
  const auto metadata = read_weights_at_top(file.bytes(), path).metadata;
  const auto found = metadata.find("classes");
  if (found == metadata.end()) return {};
  try {
    return nlohmann::json::parse(found->second).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    throw Error("'" + path + "': its metadata `classes` is no JSON list of names");
  }
}

class TorchNetwork : public PictureNetwork {
 public:
  TorchNetwork(const EncoderSpec& spec, const EncoderOptions& options)
      : recipe_(*find_recipe(spec.name)),
        device_(open_device(options.device)),
        precision_(set_precision(options.precision, device_)),
        pictures_(recipe_, device_),
        network_(load_encoder_network(recipe_, spec.weights, device_)),
        layer_(spec.layer.empty() ? network_->default_layer() : spec.layer) {
    std::string known;
    for (const auto& layer : network_->layers()) {
      if (layer.name == layer_) dim_ = layer.dim;
      known += (known.empty() ? "" : ", ") + layer.name;
    }
    if (dim_ == 0)
      throw UsageError("--encoder " + spec.name + "@" + layer_ + ": with these weights the layers are " + known);
    if (const auto side = static_cast<int>(network_->side()); recipe_.transformer.sized && side > 0)
      recipe_.preprocessing.height = recipe_.preprocessing.crop = side;  // as the weights' own preprocessing
    if (const auto frames = network_->frames(recipe_.preprocessing.crop); frames > 0) recipe_.clip = frames;
    weights_ = file_hash(spec.weights);
    columns_ = network_->columns(layer_);
    if (columns_.empty() && (layer_ == "logits" || layer_ == "scores"))
      columns_ = class_columns(options, classes_of_file(spec.weights), dim_, spec.name);
  }

  std::string name() const override { return recipe_.name + (layer_ == network_->default_layer() ? "" : "-" + layer_); }
  std::int64_t dim() const override { return dim_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  const EncoderRecipe& recipe() const override { return recipe_; }
  std::string weights() const override { return weights_; }
  std::string parameters() const override {
    return recipe_.name + "/1 layer=" + layer_ + " weights=" + weights_ + " " +
           computing_parameters(device_, precision_);
  }

  void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const override {
    const torch::InferenceMode guard;
    const Autocast autocast(device_, precision_.type);
    const auto features = network_->forward(pictures_(inputs), layer_).to(torch::kCPU, torch::kFloat).contiguous();
    rows.insert(rows.end(), features.data_ptr<float>(), features.data_ptr<float>() + features.numel());
  }

 private:
  EncoderRecipe recipe_;
  torch::Device device_;
  Precision precision_;
  PictureTensor pictures_;
  std::shared_ptr<EncoderNetwork> network_;
  std::string layer_, weights_;
  std::vector<std::string> columns_;
  std::int64_t dim_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_network_encoder(const EncoderSpec& spec, const EncoderOptions& options) {
  if (spec.name == "torchscript") return make_script_encoder(spec, options);
  if (spec.weights.empty())
    throw UsageError("--encoder " + spec.name + " needs its weights: " + spec.name + ":FILE.safetensors");
  return make_picture_encoder(std::make_shared<TorchNetwork>(spec, options), options);
}

}  // namespace tal
