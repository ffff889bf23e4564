#include "libtal/models/sptad/sptad_input.h"

#include "libtal/base/error.h"
#include "libtal/models/core/frame_clips.h"
#include "libtal/nn/interval_rows.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

std::int64_t classes_of(const InputContract& inputs) { return static_cast<std::int64_t>(inputs.classes.size()); }

// Of an input of frames: make_network() makes no other.
SptadPixelNetImpl& pixel_net(SptadNetImpl& network) { return static_cast<SptadPixelNetImpl&>(network); }

}  // namespace

std::vector<ParameterGroup> SptadInput::parameters(SptadNetImpl& network) const {
  return {{network.parameters(), 1, 1}};
}

// ---- features ----

std::shared_ptr<SptadNetImpl> SptadFeatureInput::make_network(const InputContract& inputs,
                                                              const SptadOptions& options) const {
  if (inputs.frames) throw Error("the frames are not those that the settings ask for");
  return std::make_shared<SptadFeatureNetImpl>(inputs.dim(), classes_of(inputs), options);
}

torch::Tensor SptadFeatureInput::training_clip(const TrainingSet& set, std::size_t video, std::int64_t first,
                                               std::int64_t clip, Random&) const {
  return whole_video_ ? resize_rows(set.all_rows(video), clip).t() : set.rows(video, first, clip).t();
}

torch::Tensor SptadFeatureInput::test_clip(const Sequence& sequence, std::int64_t first, std::int64_t clip) const {
  if (whole_video_) return resize_rows(sequence.x, clip).t();
  const auto rows = sequence.x.t().slice(1, first, first + clip);  // [C, T]
  return rows.size(1) < clip ? torch::constant_pad_nd(rows, {0, clip - rows.size(1)}) : rows;
}

// ---- frames ----

Settings SptadFrameInput::settings() {
  Settings s;
  s.add("modalities", &frames_.modalities, "Frames as pictures, optical flow, or both", {"rgb", "flow", "rgb+flow"})
      .with("input", {"clips"});
  s.add("fps", &frames_.fps, "Sampled frames per second")
      .between(0.001, 1000)
      .with("input", {"clips"})
      .with("frames", {"0"});
  s.add("frames", &frames_.count, "Sampled frames of every video, whatever its length; 0: as many as fps gives")
      .between(0, 1 << 20)
      .with("input", {"clips"});
  s.add("size", &frames_.side, "Pixels that frames are resized to").between(8, 4096).with("input", {"clips"});
  s.add("resize", &frames_.resize, "Frames become squares, or keep their shape and the shorter side is resized",
        {"square", "short"})
      .with("input", {"clips"});
  s.add("flow-method", &frames_.flow, "How optical flow is computed", {"block", "dis", "farneback", "tvl1"})
      .with("input", {"clips"})
      .without("modalities", {"rgb"});
  s.add("crop", &crop_, "Pixels of the square that the network sees: at random in training, else the centre")
      .between(1, 4096)
      .with("input", {"clips"});
  s.add("flip", &flip_, "Mirror half of the training clips").with("input", {"clips"});
  s.append(settings_of(backbone_));
  return s;
}

void SptadFrameInput::check_settings() const {
  if (crop_ > frames_.side)
    throw Error("must lie in 1.." + std::to_string(frames_.side) + ", the size of the frames").at_field("crop");
}

std::shared_ptr<SptadNetImpl> SptadFrameInput::make_network(const InputContract& inputs,
                                                            const SptadOptions& options) const {
  if (!inputs.frames) throw Error("input=clips sees the frames of videos, not features");
  if (*inputs.frames != frames_) throw Error("the frames are not those that the settings ask for");
  return std::make_shared<SptadPixelNetImpl>(frames_, classes_of(inputs), options, backbone_);
}

void SptadFrameInput::load_start(SptadNetImpl& network) const {
  for (auto& [modality, net] : pixel_net(network).backbones()) {
    const auto& path = modality == "rgb" ? backbone_.rgb : backbone_.flow;
    if (!path.empty() && path != kRandomWeights) load_i3d_weights(*net, read_tensors(path).tensors, path);
  }
}

std::vector<ParameterGroup> SptadFrameInput::parameters(SptadNetImpl& network) const {
  auto& net = pixel_net(network);
  std::vector<ParameterGroup> groups = {{net.detector()->parameters(), 1, 1}};
  if (backbone_.lr == 0) return groups;
  groups.push_back({{}, backbone_.lr, 1});
  for (const auto& [modality, backbone] : net.backbones())
    for (const auto& parameter : backbone->parameters())
      if (parameter.requires_grad()) groups[1].parameters.push_back(parameter);
  return groups;
}

torch::Tensor SptadFrameInput::training_clip(const TrainingSet& set, std::size_t video, std::int64_t first,
                                             std::int64_t clip, Random& random) const {
  const Frames& frames = set.frames(video);
  FrameCrop crop = random_crop(frames, crop_, random);
  crop.flip = flip_ && random.below(2) == 1;
  return frame_clip(frames, first, clip, crop);
}

torch::Tensor SptadFrameInput::test_clip(const Sequence& sequence, std::int64_t first, std::int64_t clip) const {
  const Frames& frames = *sequence.frames;
  return frame_clip(frames, first, clip, centre_crop(frames, crop_));
}

}  // namespace tal
