#include "libtal/models/points/points_input.h"

#include <algorithm>
#include <filesystem>

#include "libtal/base/error.h"
#include "libtal/encoder/recipes.h"
#include "libtal/models/core/frame_clips.h"
#include "libtal/models/points/frame_augmentation.h"
#include "libtal/nn/interval_rows.h"

namespace tal {

// ---- features ----

Settings PointsFeatureInput::settings() {
  Settings s;
  s.add("resize", &resize_,
        "How a video becomes `rows` rows: interpolated linearly, or as OpenTAD's torchvision_align means of points of "
        "values in half precision",
        {"linear", "align"})
      .with("input", {"rescale"});
  return s;
}

StreamFit PointsFeatureInput::stream_fit() const {
  if (rescales()) return {StreamFit::Rule::rescale, rows_};
  return {};
}

std::vector<std::int64_t> PointsFeatureInput::dims(const InputContract& inputs) const {
  if (inputs.frames) throw Error("sees features, not frames, unless input=clips");
  std::vector<std::int64_t> all;
  for (const auto& stream : inputs.streams) all.push_back(stream.dim);
  return all;
}

torch::Tensor PointsFeatureInput::training_part(const TrainingSet& set, std::size_t video, std::int64_t first,
                                                std::int64_t rows, Random&) const {
  if (rescales()) return resized(set.all_rows(video)).slice(0, first, first + rows);
  return set.rows(video, first, rows);
}

torch::Tensor PointsFeatureInput::test_part(const Sequence& sequence, std::int64_t first, std::int64_t rows) const {
  return (rescales() ? resized(sequence.x) : sequence.x).slice(0, first, first + rows);
}

torch::Tensor PointsFeatureInput::resized(const torch::Tensor& x) const {
  return resize_ == "align" ? align_rows(x, rows_) : resize_rows(x, rows_);
}

double PointsFeatureInput::row_seconds(const Clock& clock) const {
  const double covered = clock.time.seconds(static_cast<double>(clock.rows));
  return (clock.duration > 0 ? clock.duration : covered) / static_cast<double>(rows_);
}

double PointsFeatureInput::grid(const Clock& clock, double seconds) const {
  if (shares_duration()) return seconds / row_seconds(clock);
  return clock.time.row(seconds) / row_length(clock.rows) - 0.5;
}

double PointsFeatureInput::seconds(const Clock& clock, double grid) const {
  if (shares_duration()) return grid * row_seconds(clock);
  return clock.time.seconds((grid + 0.5) * row_length(clock.rows));
}

torch::Tensor PointsFeatureInput::stacked(const std::vector<torch::Tensor>& parts, std::int64_t longest) const {
  auto x = torch::zeros({static_cast<std::int64_t>(parts.size()), longest, parts.front().size(1)});
  for (std::size_t b = 0; b < parts.size(); ++b)
    x[static_cast<std::int64_t>(b)].narrow(0, 0, parts[b].size(0)).copy_(parts[b]);
  return x;
}

// ---- frames ----

Settings PointsFrameInput::settings() {
  std::vector<std::string> names = {"vit"};
  for (const auto& recipe : encoder_recipes())
    if (recipe.transformer.heads > 0 && recipe.transformer.tubelet > 1) names.push_back(recipe.name);
  auto& net = backbone_.network;
  Settings s;
  const auto add = [&s](const char* name, Settings::Target target, const char* help,
                        std::vector<std::string> choices = {}) -> Settings::Entry& {
    return s.add(name, target, help, std::move(choices)).with("input", {"clips"});
  };
  add("fps", &frames_.fps, "Sampled frames per second").between(0.001, 1000).with("frames", {"0"});
  add("frames", &frames_.count, "Sampled frames of every video, whatever its length; 0: as many as fps gives")
      .between(0, 1 << 20);
  add("frames-per-row", &frames_per_row_, "Frames that the detector's row stands for").between(1, 1024);
  add("size", &frames_.side, "Pixels of the shorter side that frames are resized to and kept with").between(8, 4096);
  add("test-size", &test_size_, "The same at inference (0: as in training)").between(0, 4096);
  add("crop-size", &crop_,
      "Pixels of the square that the backbone sees; what is left of a patch at its right and lower edge it does not "
      "see")
      .between(8, 4096);
  add("crops", &crops_,
      "resized: a random part of the frames in training, else the centre's square, resized to crop-size; plain: a "
      "square of crop-size, at random in training, else the centre",
      {"resized", "plain"});
  add("flip", &flip_, "Mirror half of the training clips");
  add("rand-augment", &rand_augment_,
      "Two changes of every training clip: shear, shift, turn, colours, contrast, cut-out (RandAugment 2/9)");
  add("colour-jitter", &jitter_, "Brightness, contrast, saturation and hue of training clips vary");
  add("backbone", &backbone_.name, "Vision transformer of clips: a recipe of tal-extract, or vit with sizes of its own",
      names);
  add("backbone-weights", &backbone_.weights,
      "Weights that it starts from: a file as tal-extract --encoder takes it, or the word random");
  add("backbone-dims", &backbone_.dims, "Channels").between(1, 1 << 16).with("backbone", {"vit"});
  add("backbone-depth", &backbone_.depth, "Blocks").between(1, 1024).with("backbone", {"vit"});
  add("backbone-heads", &backbone_.heads, "Heads of its attention").between(1, 1024).with("backbone", {"vit"});
  add("backbone-patch", &backbone_.patch, "Pixels of a patch's side").between(1, 256).with("backbone", {"vit"});
  add("backbone-grid", &backbone_.grid,
      "Patches a side of the pictures for which its weights have positions; they are resized to those of crop-size (0: "
      "no others)")
      .between(0, 4096)
      .with("backbone", {"vit"});
  add("backbone-tubelet", &backbone_.tubelet, "Frames of a token").between(1, 256).with("backbone", {"vit"});
  add("backbone-clip", &net.clip, "Frames that attend to each other").between(1, 1024);
  add("backbone-norm", &backbone_.normalise, "Pixels less ImageNet's mean over its deviation, or as 0 to 1",
      {"imagenet", "unit"});
  add("backbone-train", &net.train, "What is trained of it besides the adapters", {"none", "norms", "all"});
  add("backbone-lr", &backbone_.lr, "Its learning rate as a multiple of train.lr")
      .above(0)
      .between(0, 1000)
      .without("backbone-train", {"none"});
  add("backbone-droppath", &net.droppath,
      "Stochastic depth of its last block; 0 at the first, linear between. Acts where adapters or the backbone learn")
      .at_least(0)
      .below(1);
  add("backbone-chunk", &net.chunk, "Clips that are inside a block at once (0: all): less memory, the same values")
      .between(0, 1 << 20);
  add("backbone-checkpointing", &net.checkpointing,
      "Compute inner values again for their gradients: less memory, more time. Acts where adapters or the backbone "
      "learn");
  add("adapter", &net.adapter.kind,
      "Small networks behind its blocks, trained with the detector: tia sees the whole sequence's time (AdaTAD), plain "
      "only its own token",
      {"none", "tia", "plain"});
  add("adapter-share", &net.adapter.share, "Channels inside an adapter, as a share of the backbone's")
      .above(0)
      .between(0, 16)
      .without("adapter", {"none"});
  add("adapter-kernel", &net.adapter.kernel, "Moments that its convolution sees (odd)")
      .between(1, 255)
      .with("adapter", {"tia"});
  add("adapter-dilation", &net.adapter.dilation, "Distance of these moments").between(1, 1024).with("adapter", {"tia"});
  add("adapter-first", &net.adapter.first, "The blocks before this one have no adapter")
      .between(0, 1023)
      .without("adapter", {"none"});
  add("adapter-lr", &backbone_.adapter_lr, "Learning rate of the adapters as a multiple of train.lr")
      .above(0)
      .between(0, 1000)
      .without("adapter", {"none"});
  return s;
}

AdaptedOptions PointsFrameInput::network_options() const {
  auto o = backbone_.network;
  auto& t = o.transformer;
  t = {};
  if (const auto* recipe = find_recipe(backbone_.name)) {
    const auto& r = recipe->transformer;
    t.dim = r.dim, t.depth = r.depth, t.heads = r.heads, t.hidden = r.hidden, t.patch = r.patch, t.tubelet = r.tubelet;
    t.epsilon = r.epsilon;
    t.sine_side = recipe->preprocessing.crop / r.patch;  // where the published weights learned their places
  } else {
    t.dim = backbone_.dims, t.depth = backbone_.depth, t.heads = backbone_.heads, t.hidden = 4 * backbone_.dims;
    t.patch = backbone_.patch, t.tubelet = backbone_.tubelet, t.sine_side = backbone_.grid;
  }
  if (backbone_.normalise == "imagenet") o.mean = {0.485, 0.456, 0.406}, o.deviation = {0.229, 0.224, 0.225};
  return o;
}

void PointsFrameInput::check_settings() const {
  const auto o = network_options();
  const auto& t = o.transformer;
  const auto refuse = [](const std::string& text, const char* field) { throw Error(text).at_field(field); };
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  if (crops_ == "plain" && crop_ > frames_.side)
    refuse("must lie in 1.." + number(frames_.side) + ", the size of the frames", "crop-size");
  if (crops_ == "plain" && test_size_ > 0 && crop_ > test_size_)
    refuse("must be " + number(crop_) + ", the crop-size, or more", "test-size");
  if (crop_ < t.patch) refuse("must hold one of the backbone's patches of " + number(t.patch) + " pixels", "crop-size");
  if (t.dim % t.heads != 0) refuse("must divide the " + number(t.dim) + " channels", "backbone-heads");
  if (o.clip % t.tubelet != 0) refuse("must be a multiple of the tubelet's " + number(t.tubelet), "backbone-clip");
  if (o.clip % frames_per_row_ != 0)
    refuse("must divide the " + number(o.clip) + " frames of a clip (backbone-clip)", "frames-per-row");
  if (o.adapter.kind != "none" && o.adapter.first >= t.depth)
    refuse("must lie in 0.." + number(t.depth - 1) + ", the backbone's blocks", "adapter-first");
  if (o.adapter.kernel % 2 == 0) refuse("must be odd", "adapter-kernel");
}

void PointsFrameInput::check_start() const {
  if (backbone_.weights.empty())
    throw Error("missing; the backbone starts from weights, a file as tal-extract takes it, or says 'random'")
        .at_field("backbone-weights");
  if (std::error_code none;
      backbone_.weights != kRandomWeights && !std::filesystem::is_regular_file(backbone_.weights, none))
    throw Error("no file '" + backbone_.weights + "'").at_field("backbone-weights");
}

std::optional<FrameContract> PointsFrameInput::test_frames() const {
  auto frames = frames_;
  if (test_size_ > 0) frames.side = test_size_;
  return frames;
}

std::vector<std::int64_t> PointsFrameInput::dims(const InputContract& inputs) const {
  if (!inputs.frames) throw Error("input=clips sees the frames of videos, not features");
  if (*inputs.frames != frames_) throw Error("the frames are not those that the settings ask for");
  return {network_options().transformer.dim};
}

std::shared_ptr<torch::nn::Module> PointsFrameInput::make_network() {
  network_ = AdaptedTransformer(network_options());
  return network_.ptr();
}

void PointsFrameInput::load_start() {
  if (backbone_.weights == kRandomWeights) network_->initialise();
  else if (!backbone_.weights.empty()) network_->load(backbone_.weights, backbone_.name);
}

std::vector<ParameterGroup> PointsFrameInput::parameters() const {
  std::vector<ParameterGroup> groups;
  if (auto adapters = network_->adapter_parameters(); !adapters.empty())
    groups.push_back({std::move(adapters), backbone_.adapter_lr, 1});
  if (auto trained = network_->trained_transformer_parameters(); !trained.empty())
    groups.push_back({std::move(trained), backbone_.lr, 1});
  return groups;
}

double PointsFrameInput::grid(const Clock& clock, double seconds) const {
  return clock.time.row(seconds) / static_cast<double>(frames_per_row_) - row_moment();
}

double PointsFrameInput::seconds(const Clock& clock, double grid) const {
  return clock.time.seconds((grid + row_moment()) * static_cast<double>(frames_per_row_));
}

std::int64_t PointsFrameInput::whole_clips(std::int64_t rows) const {
  const std::int64_t clip = backbone_.network.clip;
  return (rows * frames_per_row_ + clip - 1) / clip * clip;
}

torch::Tensor PointsFrameInput::clip(const Frames& frames, std::int64_t first, std::int64_t rows,
                                     const FrameCrop& crop) const {
  const std::int64_t from = first * frames_per_row_;
  return resized_frames(frame_clip(frames, from, std::min(rows * frames_per_row_, frames.count() - from), crop), crop_);
}

torch::Tensor PointsFrameInput::training_part(const TrainingSet& set, std::size_t video, std::int64_t first,
                                              std::int64_t rows, Random& random) const {
  const Frames& frames = set.frames(video);
  auto crop = crops_ == "resized" ? random_resized_crop(frames.height(), frames.width(), random)
                                  : random_crop(frames, crop_, random);
  crop.flip = flip_ && random.below(2) == 1;
  auto seen = clip(frames, first, rows, crop);
  if (rand_augment_) seen = rand_augmented(seen, random);
  if (jitter_) seen = colour_jittered(seen, random_jitter(random));
  return seen;
}

torch::Tensor PointsFrameInput::test_part(const Sequence& sequence, std::int64_t first, std::int64_t rows) const {
  const Frames& frames = *sequence.frames;
  const auto side = crops_ == "resized" ? std::min(frames.height(), frames.width()) : crop_;
  return clip(frames, first, rows, centre_crop(frames, side));
}

torch::Tensor PointsFrameInput::stacked(const std::vector<torch::Tensor>& parts, std::int64_t longest) const {
  const std::int64_t frames = whole_clips(longest);
  auto x = torch::empty({static_cast<std::int64_t>(parts.size()), frames, crop_, crop_, 3}, torch::kByte);
  for (std::size_t b = 0; b < parts.size(); ++b) {
    const auto part = parts[b].permute({1, 2, 3, 0});
    auto place = x[static_cast<std::int64_t>(b)];
    place.narrow(0, 0, part.size(0)).copy_(part);
    place.narrow(0, part.size(0), frames - part.size(0))
        .copy_(part.slice(0, -1).expand({frames - part.size(0), -1, -1, -1}));
  }
  return x.permute({0, 4, 1, 2, 3});
}

torch::Tensor PointsFrameInput::rows(const torch::Tensor& stacked, const std::vector<std::int64_t>& lengths,
                                     std::int64_t longest) {
  std::vector<torch::Tensor> all;
  for (std::size_t b = 0; b < lengths.size(); ++b) {
    const std::int64_t frames = whole_clips(exact_ ? lengths[b] : longest), rows = frames / frames_per_row_;
    auto x = network_->forward(stacked[static_cast<std::int64_t>(b)].narrow(1, 0, frames)).to(torch::kFloat);
    if (x.size(0) != rows) x = torch::upsample_linear1d(x.t().unsqueeze(0), {rows}, /*align_corners=*/false)[0].t();
    all.push_back(torch::constant_pad_nd(x.slice(0, 0, lengths[b]), {0, 0, 0, longest - lengths[b]}));
  }
  return torch::stack(all);
}

}  // namespace tal
