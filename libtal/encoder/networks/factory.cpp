#include "libtal/encoder/networks/factory.h"

#include <algorithm>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/bninception.h"
#include "libtal/nn/backbones/c3d_network.h"
#include "libtal/nn/backbones/efficientnet_lite.h"
#include "libtal/nn/backbones/i3d_network.h"
#include "libtal/nn/backbones/inception_v3.h"
#include "libtal/nn/backbones/mvit.h"
#include "libtal/nn/backbones/p3d.h"
#include "libtal/nn/backbones/resnet.h"
#include "libtal/nn/backbones/resnext3d.h"
#include "libtal/nn/backbones/segment_resnet.h"
#include "libtal/nn/backbones/slowfast.h"
#include "libtal/nn/backbones/state.h"
#include "libtal/nn/backbones/swin3d.h"
#include "libtal/nn/backbones/transnet_v2.h"
#include "libtal/nn/backbones/video_resnet.h"
#include "libtal/nn/backbones/vision_transformer.h"

namespace tal {
namespace {

constexpr const char* kShotNetwork = "transnetv2";

// resnetN and resnestN, and over the frames of a clip tsm-... and tin-...; null: another network.
std::shared_ptr<EncoderNetwork> residual_network(const std::string& name, std::int64_t channels, std::int64_t frames,
                                                 std::int64_t classes) {
  using Exchange = SegmentResNetOptions::Exchange;
  const bool shift = name.starts_with("tsm-"), interlace = name.starts_with("tin-");
  std::string backbone = name;
  if (shift || interlace)
    backbone = name.substr(4, 5) == "resne" ? name.substr(4) : "resnet" + name.substr(5);  // tsm-r50, tsm-resnest50
  std::optional<ResNetOptions> options;
  for (const int depth : {18, 34, 50, 101, 152})
    if (backbone == "resnet" + std::to_string(depth)) options = resnet_options(depth, classes);
  for (const int depth : {50, 101, 269})
    if (backbone == "resnest" + std::to_string(depth)) options = resnest_options(depth, classes);
  if (!options) return nullptr;
  options->channels = channels;
  if (shift || interlace)
    return std::make_shared<SegmentResNet>(
        SegmentResNetOptions{*options, shift ? Exchange::kShift : Exchange::kInterlace, frames});
  return std::make_shared<ResNet>(*options);
}

// null: another network.
std::shared_ptr<EncoderNetwork> slowfast_network(const std::string& name, std::int64_t channels, std::int64_t classes) {
  const auto make = [&](int depth, SlowFastOptions::Reference reference, std::int64_t alpha) {
    auto options = slowfast_options(depth, classes, reference, alpha);
    options.channels = channels;
    return std::make_shared<SlowFast>(options);
  };
  for (const int depth : {50, 101}) {
    const auto published = "slowfast-r" + std::to_string(depth);
    if (name == published) return make(depth, SlowFastOptions::Reference::kPyTorchVideo, 4);
    if (name == published + "-mmaction2") return make(depth, SlowFastOptions::Reference::kMmaction2, 4);
    if (name == published + "-4x16-mmaction2") return make(depth, SlowFastOptions::Reference::kMmaction2, 8);
  }
  return nullptr;
}

VitOptions transformer_options(const EncoderRecipe::Transformer& t) {
  VitOptions o;
  o.dim = t.dim, o.depth = t.depth, o.heads = t.heads, o.hidden = t.hidden, o.patch = t.patch, o.tubelet = t.tubelet;
  o.epsilon = t.epsilon, o.quick_gelu = t.quick_gelu, o.gated = t.gated, o.pool_heads = t.pool_heads;
  return o;
}

// As published, without weights that could say it.
VitOptions published_options(const EncoderRecipe& recipe, std::int64_t classes) {
  auto o = transformer_options(recipe.transformer);
  const std::int64_t side = recipe.preprocessing.crop / o.patch, places = side * side;
  o.classes = classes;
  if (o.pool_heads > 0) {  // InternVideo2
    o.class_token = o.root_mean_square = o.qk_norm = o.layer_scale = o.mean_norm = true, o.qkv_bias = false;
    o.positions = recipe.clip / o.tubelet * places + 1, o.pooled = 768;
  } else if (o.tubelet > 0) {  // VideoMAE
    o.mean_norm = true;
  } else {
    o.class_token = o.norm = true, o.positions = places + 1;
    if (recipe.name.starts_with("clip"))
      o.patch_bias = false, o.pre_norm = true, o.projection = o.dim > 768 ? 768 : 512;
    else o.layer_scale = true;
  }
  return o;
}

std::shared_ptr<EncoderNetwork> load_transformer(const EncoderRecipe& recipe, const std::string& file) {
  return loading(file, recipe.name, [&] {
    const auto [state, map] = read_vit_file(file);
    auto options = transformer_options(recipe.transformer);
    // DINOv2's own code, whose names these are, and the transformers library differ here.
    if (recipe.name.starts_with("dinov2") && map == "vit") options.resize_offset = 0.1;
    options = vit_options(state, options);
    if (options.dim != recipe.transformer.dim)
      throw Error("has " + std::to_string(options.dim) + " channels, " + recipe.name + " has " +
                  std::to_string(recipe.transformer.dim));
    if ((options.tubelet > 0) != (recipe.transformer.tubelet > 0))
      throw Error(options.tubelet > 0 ? "sees clips, " + recipe.name + " sees pictures"
                                      : "sees pictures, " + recipe.name + " sees clips");
    auto network = std::make_shared<VisionTransformer>(options);
    load_state(*network, state, recipe.name, recipe.ignored_prefixes, file);
    return network;
  });
}

}  // namespace

std::shared_ptr<EncoderNetwork> make_encoder_network(const EncoderRecipe& recipe, std::int64_t classes) {
  if (recipe.transformer.heads > 0) return std::make_shared<VisionTransformer>(published_options(recipe, classes));
  const std::int64_t channels = channels_of(recipe);
  std::string name = recipe.name;
  if (name.ends_with("-flow")) name.resize(name.size() - 5);
  if (auto network = residual_network(name, channels, recipe.clip, classes)) return network;
  for (const int depth : {18, 34})
    if (name == "r2plus1d-" + std::to_string(depth))
      return std::make_shared<VideoResNet>(video_resnet_options(depth, classes));
  if (auto network = slowfast_network(name, channels, classes)) return network;
  for (const char size : {'t', 's', 'b'})
    if (name == std::string("swin3d-") + size) return std::make_shared<Swin3d>(swin3d_options(size, classes));
  if (name == "mvit-v1-b" || name == "mvit-v2-s")
    return std::make_shared<Mvit>([&] {
      MvitOptions o;
      o.second = name == "mvit-v2-s", o.classes = classes;
      return o;
    }());
  if (name == "efficientnet-lite0")
    return std::make_shared<EfficientNetLite>([&] {
      EfficientNetLiteOptions o;
      o.classes = classes;
      return o;
    }());
  if (name == kShotNetwork) return std::make_shared<TransNetV2>(TransNetV2Options{});
  if (name == "p3d-199")
    return std::make_shared<P3d>([&] {
      P3dOptions o;
      o.channels = channels, o.classes = classes;
      return o;
    }());
  if (name == "i3d")
    return std::make_shared<I3dNetwork>([&] {
      I3dNetworkOptions o;
      o.backbone.channels = channels, o.classes = classes;
      return o;
    }());
  if (name == "inception-v3")
    return std::make_shared<InceptionV3>([&] {
      InceptionV3Options o;
      o.channels = channels, o.classes = classes;
      return o;
    }());
  if (name == "bninception") return std::make_shared<BnInception>(BnInceptionOptions{channels, classes});
  if (name == "c3d") return std::make_shared<C3dNetwork>(C3dNetworkOptions{1, 4096, classes});
  if (name == "resnext101-3d")
    return std::make_shared<ResNext3d>([&] {
      ResNext3dOptions o;
      o.classes = classes;
      return o;
    }());
  throw Error("encoder '" + recipe.name + "' has no network");
}

namespace {

// Those whose sizes are fixed but for the number of classes, which the weights' classifier has.
std::shared_ptr<EncoderNetwork> load_by_classes(const EncoderRecipe& recipe, const std::string& file) {
  const auto state = read_state(file);
  const bool headless = std::none_of(
      state.begin(), state.end(), [&](const auto& item) { return begins_with_any(item.first, recipe.head_prefixes); });
  const auto head = state.find(recipe.head);
  std::int64_t classes = 0;
  // Without the tensor that counts the classes, the list of what is missing says so.
  if (!headless) classes = head != state.end() && head->second.dim() > 0 ? head->second.size(0) : 1;
  auto network = make_encoder_network(recipe, classes);
  load_state(*network, state, recipe.name, recipe.ignored_prefixes, file);
  return network;
}

std::shared_ptr<EncoderNetwork> load_shot_network(const EncoderRecipe& recipe, const std::string& file) {
  return loading(file, recipe.name, [&] {
    const auto state = read_state(file);
    auto network = std::make_shared<TransNetV2>(transnet_v2_options(state));
    load_state(*network, state, recipe.name, recipe.ignored_prefixes, file);
    return network;
  });
}

}  // namespace

std::shared_ptr<EncoderNetwork> load_encoder_network(const EncoderRecipe& recipe, const std::string& file,
                                                     c10::Device device) {
  auto network = recipe.transformer.heads > 0  ? load_transformer(recipe, file)
                 : recipe.name == kShotNetwork ? load_shot_network(recipe, file)
                                               : load_by_classes(recipe, file);
  network->to(device);
  network->prepare();
  return network;
}

}  // namespace tal
