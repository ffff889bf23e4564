#include "libtal/encoder/networks/script_network.h"

#include <torch/script.h>

#include "libtal/base/error.h"
#include "libtal/encoder/networks/picture_tensor.h"
#include "libtal/encoder/picture/picture_encoder.h"
#include "libtal/encoder/recipe_file.h"
#include "libtal/io/file_hash.h"
#include "libtal/io/npy.h"
#include "libtal/nn/device.h"

namespace tal {
namespace {

torch::jit::Module load_module(const std::string& file, c10::Device device) {
  const MappedFile readable(file);  // an error of ours where there is no such file
  try {
    auto module = torch::jit::load(file, device);
    module.eval();
    return module;
  } catch (const c10::Error& error) {
    throw Error("'" + file +
                "' is no TorchScript module (torch.jit.script or trace, then save): " + error.what_without_backtrace());
  }
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class ScriptNetwork : public PictureNetwork {
 public:
  ScriptNetwork(const EncoderSpec& spec, const EncoderOptions& options)
      : file_(spec.weights),
        description_(read_network_file(file_)),
        device_(open_device(options.device)),
        precision_(set_precision(options.precision, device_)),
        pictures_(description_.recipe, device_),
        module_(load_module(file_, device_)),
        weights_(file_hash(file_)) {
    std::vector<float> row;
    run({blank_input(description_.recipe)}, row);
    dim_ = static_cast<std::int64_t>(row.size());
    columns_ = description_.classes.empty() ? description_.classes
                                            : class_columns(options, description_.classes, dim_, name());
  }

  std::string name() const override { return description_.recipe.name; }
  std::int64_t dim() const override { return dim_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  const EncoderRecipe& recipe() const override { return description_.recipe; }
  std::string weights() const override { return weights_; }
  std::string parameters() const override {
    return "torchscript/1 weights=" + weights_ + " " + computing_parameters(device_, precision_);
  }

  void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const override {
    const torch::InferenceMode guard;
    const Autocast autocast(device_, precision_.type);
    c10::IValue value;
    try {
      // Methods of modules are not const, running one changes nothing.
      value = const_cast<torch::jit::Module&>(module_).forward({pictures_(inputs)});
    } catch (const c10::Error& error) {
      throw Error("'" + file_ + "' does not run on the " + seen() + " of its .json: " + error.what_without_backtrace());
    } catch (const std::exception& error) {  // of the interpreter: a trace, then what is wrong
      throw Error("'" + file_ + "' does not run on the " + seen() + " of its .json: " + last_line(error.what()));
    }
    if (!value.isTensor()) throw Error("'" + file_ + "': its forward gives a " + value.tagKind() + ", not one tensor");
    torch::Tensor out = value.toTensor();
    if (out.dim() < 2 || out.size(0) != static_cast<std::int64_t>(inputs.size()) || (dim_ > 0 && out.size(1) != dim_))
      throw Error("'" + file_ + "': its output must be [N, C] or [N, C, ...], and is " + c10::str(out.sizes()));
    if (out.dim() > 2) out = out.flatten(2).mean(2);
    out = out.to(torch::kCPU, torch::kFloat).contiguous();
    rows.insert(rows.end(), out.data_ptr<float>(), out.data_ptr<float>() + out.numel());
  }

 private:
  std::string seen() const { return hears(description_.recipe) ? "sound" : "pictures"; }
  std::string file_;
  NetworkFile description_;
  c10::Device device_;
  Precision precision_;
  PictureTensor pictures_;
  torch::jit::Module module_;
  std::string weights_;
  std::vector<std::string> columns_;
  std::int64_t dim_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_script_encoder(const EncoderSpec& spec, const EncoderOptions& options) {
  if (!spec.layer.empty())
    throw UsageError("--encoder torchscript@" + spec.layer + ": a module has one output, that of its forward");
  return make_picture_encoder(std::make_shared<ScriptNetwork>(spec, options), options);
}

}  // namespace tal
