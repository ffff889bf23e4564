// Whole networks at the size of their papers on a GPU, from memory that CUDA reads directly and back, against the same
// layers called plainly. Skipped without a GPU.
#include <torch/torch.h>

#include <memory>
#include <string>

#include "bench/bench.h"
#include "bench/on_gpu.h"
#include "libtal/models/bmn/bmn.h"
#include "libtal/models/bsnpp/bsnpp.h"
#include "libtal/models/sptad/sptad.h"
#include "libtal/nn/backbones/resnet.h"
#include "libtal/nn/device.h"
#include "libtal/nn/replayed_pass.h"
#include "tests/nn/i3d_reference.h"

namespace tal::bench {
namespace {

const c10::Device kGpu(torch::kCUDA, 0);

// A network and its input in pinned memory; made on the GPU when first run.
struct Subject {
  std::shared_ptr<torch::nn::Module> network;
  torch::Tensor x;
  std::function<std::vector<torch::Tensor>(const torch::Tensor&)> pass, plain;  // plain empty: no baseline
  bool replayed = false;
};

class OnGpu {
 public:
  OnGpu(std::function<Subject()> make, std::string precision)
      : make_(std::move(make)), precision_(std::move(precision)) {}

  void run() {
    auto& s = subject();
    under_precision([&] {
      if (!s.replayed) return fetch(s.pass(s.x.to(kGpu, /*non_blocking=*/true)));
      fetch(replayed_(s.x, kGpu, weights_, s.pass));
    });
  }
  void run_plainly() {
    auto& s = subject();
    under_precision([&] { fetch(s.plain(s.x.to(kGpu, /*non_blocking=*/true))); });
  }

 private:
  Subject& subject() {
    if (!made_) {
      torch::manual_seed(1);
      made_ = std::make_unique<Subject>(make_());
      weights_ = made_->network->parameters();
    }
    return *made_;
  }
  static void fetch(const std::vector<torch::Tensor>& results) {
    for (const auto& result : results) (void)result.to(torch::kCPU);
  }
  void under_precision(const std::function<void()>& work) const {
    const torch::NoGradGuard guard;
    const Autocast autocast(kGpu, set_precision(precision_, kGpu).type);
    work();
  }

  std::function<Subject()> make_;
  std::string precision_;
  std::unique_ptr<Subject> made_;
  std::vector<torch::Tensor> weights_;
  ReplayedPass replayed_;
};

// One case a precision: "NAME/cuda-float32" and so on.
void add(const std::string& name, const std::string& what, const std::string& unit, double work, bool has_plain,
         const std::function<Subject()>& make) {
  for (const std::string precision : {"float32", "tf32", "bfloat16"})
    Register(name + "/cuda-" + precision, [=] {
      const auto subject = std::make_shared<OnGpu>(make, precision);
      Case c{name + "/cuda-" + precision, what, has_plain ? "the same layers called one by one" : "", unit, work, 5};
      c.available = has_gpu;
      c.subject = [subject] { subject->run(); };
      if (has_plain) c.reference = [subject] { subject->run_plainly(); };
      return c;
    });
}

constexpr std::int64_t kClasses = 20, kCrop = 96, kClip = 256;

torch::Tensor clips_of_bytes(std::int64_t clips) {
  return torch::randint(0, 256, {clips, kClip, kCrop, kCrop, 3}, torch::kByte).pin_memory().permute({0, 4, 1, 2, 3});
}

Subject sptad(std::int64_t clips) {
  const auto net = std::make_shared<SptadPixelNetImpl>(FrameContract{}, kClasses, SptadOptions{}, BackboneOptions{});
  net->to(kGpu);
  net->eval();
  Subject s{net, clips_of_bytes(clips), {}, {}, clips == 1};
  s.pass = [net](const torch::Tensor& x) {
    const auto out = net->forward(x);
    return std::vector<torch::Tensor>{out.detections.logits[-1], out.detections.segments[-1]};
  };
  s.plain = [net](const torch::Tensor& x) {
    const auto levels = reference::PlainI3d(*net->backbones().front().second).forward(x.to(torch::kFloat) / 127.5 - 1);
    const auto out = net->detector()->forward(levels);
    return std::vector<torch::Tensor>{out.detections.logits[-1], out.detections.segments[-1]};
  };
  return s;
}

Subject i3d() {
  const auto net = std::make_shared<I3dImpl>(I3dOptions{});
  net->to(kGpu);
  net->eval();
  Subject s{net, clips_of_bytes(16), {}, {}};
  s.pass = [net](const torch::Tensor& x) {
    return std::vector<torch::Tensor>{net->forward(x.to(torch::kFloat).mul_(1 / 127.5).sub_(1)).back().mean({2, 3, 4})};
  };
  s.plain = [net](const torch::Tensor& x) {
    return std::vector<torch::Tensor>{
        reference::PlainI3d(*net).forward(x.to(torch::kFloat) / 127.5 - 1).back().mean({2, 3, 4})};
  };
  return s;
}

Subject resnet() {
  constexpr std::int64_t kPictures = 256, kSide = 224;
  const auto make = [] {
    auto net = std::make_shared<ResNet>(resnet_options(50, 0));
    const torch::NoGradGuard guard;
    for (auto& parameter : net->parameters()) parameter.copy_(torch::rand_like(parameter) * 0.02);
    for (auto& buffer : net->named_buffers())
      if (buffer.key().ends_with("running_var")) buffer.value().fill_(1);
    net->to(kGpu);
    return net;
  };
  const auto net = make(), plain = make();
  net->prepare();
  plain->eval();
  const auto x = torch::randint(0, 256, {kPictures, kSide, kSide, 3}, torch::kByte).pin_memory();
  Subject s{net, x.permute({0, 3, 1, 2}), {}, {}};
  const auto of = [](const std::shared_ptr<ResNet>& network) {
    return [network](const torch::Tensor& bytes) {
      return std::vector<torch::Tensor>{network->forward(bytes.to(torch::kFloat).mul_(1 / 127.5).sub_(1), "pool")};
    };
  };
  s.pass = of(net), s.plain = of(plain);
  return s;
}

constexpr std::int64_t kVideos = 16, kDim = 400, kRows = 100;

// A network that gives maps of 16 videos; `infer` calls its pass.
template <class Network, class Options, class Infer>
Subject maps_of(const Infer& infer) {
  const auto net = std::make_shared<Network>(kDim, Options{});
  net->to(kGpu);
  net->eval();
  Subject s{net, torch::randn({kVideos, kDim, kRows}).pin_memory(), {}, {}};
  s.pass = [net, infer](const torch::Tensor& x) {
    std::vector<torch::Tensor> all;
    for (const auto& one : infer(*net, x)) all.push_back(one.regression);
    return all;
  };
  return s;
}

Subject bsnpp() {
  return maps_of<BsnppImpl, BsnppOptions>([](BsnppImpl& net, const torch::Tensor& x) { return net.infer(x, true); });
}
Subject bmn() {
  return maps_of<BmnImpl, BmnOptions>([](BmnImpl& net, const torch::Tensor& x) { return net.infer(x); });
}

const struct All {
  All() {
    add("sptad/pixels-1", "the whole network from the bytes of a clip of 256 frames of 96 x 96, as one launch",
        "frames/s", kClip, true, [] { return sptad(1); });
    add("sptad/pixels-16", "the same, 16 clips at once", "frames/s", 16 * kClip, true, [] { return sptad(16); });
    add("i3d/pass", "I3D, 16 clips of 256 frames of 96 x 96", "frames/s", 16 * kClip, true, i3d);
    add("resnet50/pass", "ResNet-50, 256 pictures of 224 x 224", "frames/s", 256, true, resnet);
    add("bsnpp/pass", "BSN++, both passes, 16 videos of 100 rows", "videos/s", kVideos, false, bsnpp);
    add("bmn/pass", "BMN, 16 videos of 100 rows", "videos/s", kVideos, false, bmn);
  }
} all;

}  // namespace
}  // namespace tal::bench
