// Extraction with a network against the plain order of things: decode a window, prepare it, run it, next window; one
// thread of control.
#ifdef TAL_HAVE_ENCODE
#include <torch/torch.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "bench/bench.h"
#include "libtal/encoder/networks/factory.h"
#include "libtal/encoder/networks/network_encoder.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/nn/tensors.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decoder.h"
#include "libtal/video/preprocess.h"
#include "libtal/video/synth_render.h"

namespace tal::bench {
namespace {

// A drawn video of 640 x 480 pixels and weights that nobody trained, gone at the end.
struct Inputs {
  std::string folder, video, weights;
  std::shared_ptr<EncoderNetwork> network;
  Inputs() {
    folder = (std::filesystem::temp_directory_path() / ("tal-bench-network-" + std::to_string(::getpid()))).string();
    std::filesystem::create_directories(folder);
    video = folder + "/v.avi", weights = folder + "/w.safetensors";
    SynthVideoOptions options;
    options.width = 640, options.height = 480, options.duration = 3.2;  // 80 frames
    write_video(video, draw(options, 1, 0));
    const auto& recipe = *find_recipe("resnet18");
    const torch::NoGradGuard guard;
    const auto random = make_encoder_network(recipe, 0);
    std::map<std::string, at::Tensor> state;
    for (const auto& item : random->named_parameters()) state[item.key()] = torch::rand_like(item.value()) * 0.02;
    for (const auto& item : random->named_buffers())
      if (item.value().dim() > 0) state[item.key()] = torch::ones_like(item.value());
    write_tensors(weights, state, {});
    network = load_encoder_network(recipe, weights, torch::kCPU);
  }
  ~Inputs() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;
};

constexpr std::int64_t kWindow = 4;

const Register network("extract/network", [] {
  auto in = std::make_shared<Inputs>();
  ExtractOptions options;
  options.encoders = {"resnet18:" + in->weights};
  options.encoder.networks = make_network_encoder;
  options.window = options.stride = kWindow;
  options.inline_data = true;
  auto extractor = std::make_shared<Extractor>(options);
  Case c{"extract/network",
         "resnet18 features, windows of 4 frames, decoding ahead, 16 frames in one pass",
         "decode, prepare and run one window after the other",
         "frames/s",
         80,
         3};
  c.subject = [in, extractor] {
    Record record = Record::make("v");
    record.set_text("path", in->video);
    extractor->extract(record);
  };
  c.reference = [in] {
    const torch::InferenceMode guard;
    const auto& p = find_recipe("resnet18")->preprocessing;
    const auto mean = torch::tensor(p.mean).view({3, 1, 1}), deviation = torch::tensor(p.deviation).view({3, 1, 1});
    VideoDecoder decoder(in->video);
    cv::Mat frame, picture;
    std::vector<torch::Tensor> pictures;
    while (decoder.read(frame)) {
      preprocess(frame, p, picture);
      const auto pixels = torch::from_blob(picture.data, {p.crop, p.crop, 3}, torch::kByte).permute({2, 0, 1});
      pictures.push_back((pixels.to(torch::kFloat) / p.divisor - mean) / deviation);
      if (static_cast<std::int64_t>(pictures.size()) < kWindow) continue;
      (void)in->network->forward(torch::stack(pictures), "pool").mean(0);
      pictures.clear();
    }
  };
  return c;
});

}  // namespace
}  // namespace tal::bench
#endif
