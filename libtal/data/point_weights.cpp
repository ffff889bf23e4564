// Published checkpoints of the points detectors: ActionFormer's, TriDet's, TemporalMaxer's and DyFADet's own (which
// share their names) and OpenTAD's. Their network is model `points`; most settings follow from names and shapes, the
// others from --model-preset.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "libtal/base/error.h"
#include "libtal/base/version.h"
#include "libtal/data/weight_maps.h"
#include "libtal/encoder/recipes.h"
#include "libtal/io/model_format.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

// A block's own tensors behind `from`, a pattern whose groups 1 and 2 are its part of the neck and number.
std::string block_rules(const std::string& from) {
  const auto rule = [&](const std::string& name, const std::string& to) {
    return from + R"(\.)" + name + " -> $1$2." + to + "\n";
  };
  return rule(R"(ln([12])\.(weight|bias))", "norm$3.$4") +
         rule(R"(attn\.(query|key|value)_conv\.conv\.weight)", "$3_conv.weight") +
         rule(R"(attn\.(query|key|value)_norm\.(weight|bias))", "$3_norm.$4") +
         rule(R"(attn\.(query|key|value)\.(weight|bias))", "$3.$4") + rule(R"(attn\.proj\.(weight|bias))", "out.$3") +
         rule(R"(attn\.rel_pe)", "bias") + rule(R"(mlp\.0\.(weight|bias))", "mlp.widen.$3") +
         rule(R"(mlp\.[23]\.(weight|bias))", "mlp.narrow.$3") +
         rule(R"(drop_path_attn\.scale)", "drop_attention.scale") + rule(R"(drop_path_mlp\.scale)", "drop_mlp.scale") +
         rule(R"(drop_path_out\.scale)", "drop_out.scale") + rule(R"(drop_path\.scale)", "drop.scale") +
         rule(R"((?:ln|norm)\.(weight|bias))", "norm.$3") + rule(R"(gn\.(weight|bias))", "group_$3") +
         rule(R"(psi\.(weight|bias))", "psi.$3") + rule(R"(convw\.(weight|bias))", "narrow.$3") +
         rule(R"(convkw\.(weight|bias))", "wide.$3") + rule(R"(fc\.(weight|bias))", "instant.$3") +
         rule(R"(global_fc\.(weight|bias))", "global.$3") + rule(R"(downsample\.1\.(weight|bias))", "mean.$3") +
         rule(R"(conv([12])\.conv\.(weight|bias))", "conv$3.$4") +
         rule(R"(downsample\.conv\.(weight|bias))", "downsample.$3") + rule(R"((?:block|mamba)\.(.+))", "mixer.$3");
}

// Hidden layer N of a head, group 1 of `from`, whose tensors become those of `to`.
std::string dynamic_rules(const std::string& from, const std::string& to) {
  std::string rules;
  for (const auto& [number, name] : {std::pair("0", "finer"), std::pair("1", "coarser")}) {
    const auto gate = from + R"(\.dynamic_convs\.)" + number + R"(\.)", at = " -> " + to + ".dynamic$1." + name + ".";
    rules += gate + R"(conv\.(weight|bias))" + at + "mix.$2\n" + gate + R"(kernel_conv\.gate_conv\.(weight|bias))" +
             at + "gate.$2\n" + gate + R"(norm\.(weight|bias))" + at + "norm.$2\n";
  }
  const auto depth = from + R"(\.depth_module\.)", at = " -> " + to + ".dynamic$1.depth.";
  rules += depth + R"(conv\.(weight|bias))" + at + "mix.$2\n";
  rules += depth + R"(kernel_conv\.(?:convs\.0|conv)\.(weight|bias))" + at + "weigh.$2\n";
  rules += depth + R"(kernel_conv\.(?:convs\.1|norm)\.(weight|bias))" + at + "weigh_norm.$2\n";
  rules += depth + R"(kernel_conv\.gate\.gate_conv\.(weight|bias))" + at + "gate.$2\n";
  rules += depth + R"(norm\.(weight|bias))" + at + "norm.$2\n";
  rules += from + R"(\.output_weight -> )" + to + ".dynamic$1.own\n";
  rules += from + R"(\.scale_weight -> )" + to + ".dynamic$1.others\n";
  rules += from + R"(\.(?:dynamic_convs\.[01]|depth_module)\.shift_conv\.weight -> -)" + "\n";  // fixed
  return rules;
}

std::string original_rules() {
  const std::string any = R"((?:module\.)?)";
  std::string rules = any + R"(backbone\.proj\.(\d+)\.conv\.(weight|bias) -> embedding.streams$1.$2)" + "\n" + any +
                      R"(backbone\.embd\.(\d+)\.conv\.weight -> embedding.convolution$1.weight)" + "\n" + any +
                      R"(backbone\.embd_norm\.(\d+)\.(weight|bias) -> embedding.norm$1.$2)" + "\n" +
                      block_rules(any + R"(backbone\.(stem|branch)\.(\d+))") + any +
                      R"(neck\.fpn_norms\.(\d+)\.(weight|bias) -> neck_norm$1.$2)" + "\n" + any +
                      R"(neck\.lateral_convs\.(\d+)\.conv\.(weight|bias) -> fpn.lateral$1.$2)" + "\n" + any +
                      R"(neck\.fpn_convs\.(\d+)\.conv\.(weight|bias) -> fpn.convolution$1.$2)" + "\n" + any +
                      R"(reg_head\.scale\.(\d+)\.scale -> scale$1)" + "\n";
  for (const auto& [name, output, to] :
       {std::tuple("cls_head", "cls_head", "class_head"), std::tuple("start_head", "cls_head", "start_head"),
        std::tuple("end_head", "cls_head", "end_head"), std::tuple("reg_head", "offset_head", "distance_head")}) {
    const auto head = any + name + R"(\.)";
    rules += dynamic_rules(head + R"(head\.(\d+))", to);
    rules += head + R"(head\.\d+\.norm\.(?:weight|bias) -> -)" + "\n";  // DyFADet's, which nothing reads
    rules += head + R"(head\.(\d+)\.conv\.weight -> )" + to + ".convolution$1.weight\n";
    rules += head + R"(norm\.(\d+)\.(weight|bias) -> )" + to + ".norm$1.$2\n";
    rules += head + output + R"(\.conv\.(weight|bias) -> )" + to + ".output.$1\n";
  }
  return rules;
}

constexpr const char* kTransformer = "backbone.transformer.";

// AdaTAD: the transformer of frames before the detector, as MMAction2 names it, and its adapters.
std::string adatad_rules() {
  const std::string backbone = R"((?:module\.)?backbone\.model\.)", net = backbone + R"(backbone\.)";
  return mmaction2_transformer_rules(net, kTransformer) + net +
         R"(blocks\.(\d+)\.adapter\.((?:dwconv|conv|down_proj|up_proj)\.(?:weight|bias)|gamma) -> backbone.adapter$1.$2)" +
         "\n" + net +
         // The table of places is the fixed one; what stands behind the blocks has no part in the features.
         R"((?:pos_embed|(?:norm|fc_norm)\.(?:weight|bias)) -> -)" + "\n" + backbone +
         R"((?:cls_head|data_preprocessor)\..+ -> -)" + "\n";
}

std::string opentad_rules() {
  const std::string any = R"((?:module\.)?)";
  std::string rules =
      adatad_rules() + any + R"(projection\.proj\.(\d+)\.(?:conv\.)?(weight|bias) -> embedding.streams$1.$2)" + "\n" +
      any + R"(projection\.embed\.(\d+)\.conv\.weight -> embedding.convolution$1.weight)" + "\n" + any +
      R"(projection\.embed\.(\d+)\.norm\.(weight|bias) -> embedding.norm$1.$2)" + "\n" +
      block_rules(any + R"(projection\.(stem|branch)\.(\d+))") + any +
      R"(neck\.fpn_norms\.(\d+)\.(weight|bias) -> neck_norm$1.$2)" + "\n" + any +
      R"(rpn_head\.scale\.(\d+)\.scale -> scale$1)" + "\n" + any + R"(rpn_head\.loss_normalizer -> normalizer)" + "\n";
  for (const auto& [name, to] : {std::pair("cls", "class_head"), std::pair("cls_start", "start_head"),
                                 std::pair("cls_end", "end_head"), std::pair("reg", "distance_head")}) {
    const auto head = any + R"(rpn_head\.)" + name;
    rules += dynamic_rules(head + R"(_convs\.(\d+))", to);
    rules += head + R"(_convs\.(\d+)\.conv\.weight -> )" + to + ".convolution$1.weight\n";
    rules += head + R"(_convs\.(\d+)\.norm\.(weight|bias) -> )" + to + ".norm$1.$2\n";
    rules += head + R"(_head\.(weight|bias) -> )" + to + ".output.$1\n";
  }
  return rules;
}

class Checkpoint {
 public:
  explicit Checkpoint(const std::vector<TensorView>& tensors) : tensors_(tensors) {}
  const TensorView* find(const std::string& name) const {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& t) { return t.name == name; });
    return found == tensors_.end() ? nullptr : &*found;
  }
  bool has(const std::string& name) const { return find(name) != nullptr; }
  std::int64_t extent(const std::string& name, std::size_t axis) const {
    const auto* tensor = find(name);
    if (!tensor) throw Error("no tensor becomes '" + name + "': this is no checkpoint of a points detector");
    if (axis >= tensor->shape.size() || tensor->shape[axis] < 1)
      throw Error("tensor '" + name + "' has the shape " + shape_text(tensor->shape));
    return tensor->shape[axis];
  }
  // How many of name(0), name(1), ... there are.
  template <class Name>
  std::int64_t count(Name name) const {
    std::int64_t n = 0;
    while (has(name(std::to_string(n)))) ++n;
    return n;
  }

 private:
  const std::vector<TensorView>& tensors_;
};

// TriDet's k: the wide window of every block has round((w + 1) k) rows, one more when that is even.
double wide_factor(const std::vector<std::pair<std::int64_t, std::int64_t>>& windows) {
  const auto fits = [&](double k) {
    return std::all_of(windows.begin(), windows.end(), [&](const auto& pair) {
      auto rows = static_cast<std::int64_t>(std::nearbyint(static_cast<double>(pair.first + 1) * k));
      rows += rows % 2 == 0;
      return rows == pair.second;
    });
  };
  for (int hundredths = 100; hundredths <= 10000; ++hundredths)
    if (fits(hundredths / 100.0)) return hundredths / 100.0;
  throw Error("the wide convolutions of the blocks are not of one factor");
}

// chosen: what the user and the preset say, for what no tensor tells.
Json deduced(const Checkpoint& c, bool opentad, const Json& chosen) {
  Json s;
  s["mask"] = "reference", s["code"] = opentad ? "opentad" : "original";
  const std::int64_t dims = c.extent("embedding.convolution0.weight", 0);
  s["dims"] = dims;
  s["embed-layers"] = c.count([](const auto& n) { return "embedding.convolution" + n + ".weight"; });
  s["embed-kernel"] = c.extent("embedding.convolution0.weight", 2);
  Json streams = Json::array();
  for (std::int64_t i = 0; c.has("embedding.streams" + std::to_string(i) + ".weight"); ++i)
    streams.push_back(c.extent("embedding.streams" + std::to_string(i) + ".weight", 0));
  if (!streams.empty()) s["stream-dims"] = streams;

  const bool branches = c.has("branch0.norm.weight") || c.has("branch0.norm1.weight") || c.has("branch0.conv1.weight");
  const std::string first = branches ? "branch0." : "stem0.";
  const bool sgp = c.has(first + "psi.weight"), dynamic = c.has("class_head.dynamic0.own");
  const std::string neck = c.has(first + "query.weight")       ? "attention"
                           : sgp                               ? dynamic ? "dyn" : "sgp"
                           : c.has(first + "mixer.qkv.weight") ? "causal"
                           : c.has(first + "mixer.A_log")      ? "dbm"
                           : c.has(first + "conv1.weight")     ? "conv"
                                                               : "pool";
  s["neck"] = neck;
  const std::int64_t levels = c.count([](const auto& n) { return "scale" + n; });
  s["levels"] = levels;
  const auto block = [&](std::int64_t level) { return "branch" + std::to_string(level - 1) + "."; };
  if (neck != "pool")
    s["stem"] = c.count([&](const auto& n) {
      return "stem" + n + (neck == "attention" ? ".norm1.weight" : neck == "conv" ? ".conv1.weight" : ".norm.weight");
    });
  if (neck == "conv") s["feed-forward"] = c.extent(first + "conv1.weight", 0);
  if (neck == "attention" || sgp) s["feed-forward"] = c.extent(first + "mlp.widen.weight", 0);
  if (neck == "attention" && c.has(first + "bias")) {
    s["relative-bias"] = true, s["heads"] = c.extent(first + "bias", 0);
    Json windows = {c.extent("stem0.bias", 1)};
    for (std::int64_t l = 1; l < levels; ++l) windows.push_back(c.extent(block(l) + "bias", 1));
    s["windows"] = windows;
  }
  if (sgp) {
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
    Json windows = {1};  // of the stem, always
    for (std::int64_t l = 1; l < levels; ++l) {
      windows.push_back(c.extent(block(l) + "psi.weight", 2));
      pairs.emplace_back(windows.back().get<std::int64_t>(), c.extent(block(l) + "wide.weight", 2));
    }
    if (c.has("stem0.psi.weight")) pairs.emplace_back(1, c.extent("stem0.wide.weight", 2));
    s["windows"] = windows, s["sgp-factor"] = wide_factor(pairs);
    if (neck == "sgp") s["downsample"] = c.has(first + "mean.weight") ? "average" : "max";
  }
  s["fpn"] = c.has("fpn.lateral0.weight") ? "top-down" : "identity";
  if (neck != "pool" && neck != "conv") {
    const bool scaled = c.has(first + "drop_mlp.scale") || c.has(first + "drop.scale");
    s["droppath"] = !scaled ? 0 : neck == "dbm" || neck == "causal" ? 0.3 : 0.1;
  }
  // TemporalMaxer's norm of groups has no weights.
  const std::string without_weights = chosen.value("neck-norm", neck == "pool" ? "group" : "none");
  s["neck-norm"] = c.has("neck_norm0.weight") ? "layer" : without_weights == "layer" ? "none" : without_weights;
  const bool trident = c.has("start_head.output.weight");
  s["head"] = trident ? "trident" : dynamic ? "dynamic" : "plain";
  s["head-kernel"] = c.extent("class_head.output.weight", 2), s["head-dims"] = c.extent("class_head.output.weight", 1);
  s["head-layers"] = c.count([&](const auto& n) {
    return dynamic ? "class_head.dynamic" + n + ".own" : "class_head.convolution" + n + ".weight";
  });
  if (trident) {
    s["boundary-kernel"] = c.extent("start_head.output.weight", 2);
    s["bins"] = c.extent("distance_head.output.weight", 0) / 2 - 1;
  } else {
    s["distance-of"] = dynamic ? "class" : "point";
    s["distance-target"] = neck == "pool" ? "cheapest" : "shortest";
  }
  return s;
}

// How the code that a checkpoint is of comes from a video to points and from those to detections: all suppress before
// they cut to the video, but OpenTAD with windows; OpenTAD keeps the best of a window, and of one class all points, and
// has resizing and seconds of its own.
Json rules_of(bool opentad, bool one_class, const Json& chosen) {
  Json rules = {{"inference.clip", opentad && chosen.value("inference.window", 0) > 0}};
  if (!opentad) return rules;
  rules["inference.top-k-of"] = "window", rules["inference.min-length"] = 0;
  if (one_class) rules["inference.min-score"] = 0, rules["inference.top-k"] = 0;
  if (chosen.value("input", "windows") == "rescale") rules["resize"] = "align", rules["row-at"] = "start";
  return rules;
}

// The norms of the originals are [1, C, 1], the places' biases [1, 1, H, W], the layers' scales [1, C, 1].
void plain_shape(TensorView& tensor) {
  const auto dot = tensor.name.rfind('.');
  const std::string last = tensor.name.substr(dot + 1),
                    module = dot == std::string::npos ? "" : tensor.name.substr(0, dot);
  const bool block =
      module.rfind('.') == std::string::npos && (module.starts_with("stem") || module.starts_with("branch"));
  auto& shape = tensor.shape;
  if (block && last == "bias" && shape.size() == 4) shape.erase(shape.begin(), shape.begin() + 2);
  else if ((last == "scale" || module.find("norm") != std::string::npos) && shape.size() == 3) shape = {shape[1]};
}

void put_normalizer(std::vector<TensorView>& tensors, double start, std::deque<std::string>& storage) {
  auto found = std::find_if(tensors.begin(), tensors.end(), [](const auto& t) { return t.name == "normalizer"; });
  double value = start;
  if (found != tensors.end() && found->dtype == Dtype::kI64 && found->data.size() == sizeof(std::int64_t)) {
    std::int64_t whole;
    std::memcpy(&whole, found->data.data(), sizeof whole);
    value = static_cast<double>(whole);
  } else if (found != tensors.end() && found->dtype == Dtype::kF32 && found->data.size() == sizeof(float)) {
    float single;
    std::memcpy(&single, found->data.data(), sizeof single);
    value = static_cast<double>(single);
  }
  if (found == tensors.end()) found = tensors.insert(tensors.end(), TensorView{"normalizer", Dtype::kF32, {}, {}});
  const auto single = static_cast<float>(value);
  storage.emplace_back(reinterpret_cast<const char*>(&single), sizeof single);
  found->dtype = Dtype::kF32, found->shape.clear(), found->data = storage.back();
}

// ---- AdaTAD's backbone ----

// Queries and values have a bias, keys none: one tensor, as the blocks of this house have it.
void join_biases(std::vector<TensorView>& tensors, std::deque<std::string>& storage) {
  for (std::int64_t k = 0;; ++k) {
    const std::string at = kTransformer + ("blocks." + std::to_string(k)) + ".attn.";
    const auto find = [&](const std::string& name) {
      return std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == at + name; });
    };
    const auto q = find("q.bias"), v = find("v.bias");
    if (q == tensors.end() && v == tensors.end()) {
      if (find("qkv.weight") == tensors.end()) return;
      continue;
    }
    if (q == tensors.end() || v == tensors.end() || q->shape != v->shape || q->data.size() != v->data.size())
      throw Error("'" + at + "q.bias' and 'v.bias' must both be there, of one size");
    storage.emplace_back(std::string(q->data) + std::string(q->data.size(), '\0') + std::string(v->data));
    TensorView joined{at + "qkv.bias", q->dtype, {3 * q->shape.at(0)}, storage.back()};
    std::erase_if(tensors, [&](const auto& t) { return t.name == at + "q.bias" || t.name == at + "v.bias"; });
    tensors.push_back(joined);
  }
}

// Which transformer it is, from its shapes, and what adapters it has. chosen: what the user says.
Json deduced_backbone(const Checkpoint& c, const Json& chosen) {
  const std::string patches = std::string(kTransformer) + "patch_embed.proj.weight";
  const std::int64_t dim = c.extent(patches, 0), patch = c.extent(patches, 4);
  const std::int64_t depth = c.count([](const auto& n) { return kTransformer + ("blocks." + n) + ".norm1.weight"; });
  Json s = {{"input", "clips"}, {"backbone", "vit"}, {"adapter", "none"}};
  s["row-at"] = chosen.value("row-at", "start");  // row k of OpenTAD is its frame k
  const std::int64_t tubelet = c.extent(patches, 2);
  const auto& recipes = encoder_recipes();
  const auto known = std::find_if(recipes.begin(), recipes.end(), [&](const EncoderRecipe& recipe) {
    const auto& t = recipe.transformer;
    return t.heads > 0 && t.dim == dim && t.depth == depth && t.patch == patch && t.tubelet == tubelet;
  });
  if (known != recipes.end()) s["backbone"] = known->name;
  else if (!chosen.contains("backbone-heads"))
    throw UsageError("the backbone has " + std::to_string(dim) + " channels and " + std::to_string(depth) +
                     " blocks, as none that is known here, and its tensors do not say how many heads it has: "
                     R"(--metadata settings={"backbone-heads":N}, and "backbone-grid":N where its positions are those )"
                     "of pictures of another size than crop-size");
  else
    s["backbone-dims"] = dim, s["backbone-depth"] = depth, s["backbone-patch"] = patch, s["backbone-tubelet"] = tubelet;
  for (std::int64_t k = 0; k < depth && s["adapter"] == "none"; ++k) {
    const std::string at = "backbone.adapter" + std::to_string(k) + ".";
    if (!c.has(at + "down_proj.weight")) continue;
    const bool time = c.has(at + "dwconv.weight");
    s["adapter"] = time ? "tia" : "plain", s["adapter-first"] = k;
    s["adapter-share"] = static_cast<double>(c.extent(at + "down_proj.weight", 0)) / static_cast<double>(dim);
    if (time) s["adapter-kernel"] = c.extent(at + "dwconv.weight", 2);
  }
  return s;
}

std::string frames_of(const Json& settings) {
  return Json::array({{{"frames",
                        {{"fps", settings.value("fps", 7.5)},
                         {"count", settings.value("frames", 0)},
                         {"size", settings.value("size", 182)},
                         {"width", 0},
                         {"resize", "short"},
                         {"modalities", "rgb"},
                         {"flow", "dis"}}}}})
      .dump();
}

void complete(std::vector<TensorView>& renamed, const MapRequest& request, std::map<std::string, std::string>& metadata,
              std::deque<std::string>& storage, bool opentad) {
  for (auto& tensor : renamed) plain_shape(tensor);
  join_biases(renamed, storage);
  const Checkpoint c(renamed);
  const bool end_to_end = c.has(std::string(kTransformer) + "patch_embed.proj.weight");
  if (end_to_end && !request.inputs.empty())
    throw UsageError("--model-input: this checkpoint sees frames, which --model-preset adatad-... describes");
  Json settings = Json::object(), inference = Json::object();
  const std::int64_t classes = c.extent("class_head.output.weight", 0);
  Json chosen = Json::object();  // by the preset, then by the code that the checkpoint is of, then by the user
  try {
    if (!request.settings.empty()) chosen = Json::parse(request.settings);
    Json said = Json::object();
    if (const auto given = metadata.find("settings"); given != metadata.end()) said = Json::parse(given->second);
    Json both = chosen;
    both.update(said);
    chosen.update(rules_of(opentad, classes == 1, both));
    chosen.update(said);
  } catch (const Json::exception&) {
    throw UsageError("--metadata settings=...: is no JSON object");
  }
  for (const auto& [key, value] : chosen.items()) {
    if (key.starts_with("inference.")) inference[key.substr(10)] = value;
    else if (!key.starts_with("train.")) settings[key] = value;
  }
  settings.update(deduced(c, opentad, chosen));  // what the tensors are, whatever was said
  if (end_to_end) settings.update(deduced_backbone(c, chosen));
  settings["one-class"] = classes == 1;
  const double start = settings.value("normalizer", 100.0);
  put_normalizer(renamed, start, storage);

  std::int64_t channels = 0;
  for (std::int64_t i = 0; c.has("embedding.streams" + std::to_string(i) + ".weight"); ++i)
    channels += c.extent("embedding.streams" + std::to_string(i) + ".weight", 1);
  if (channels == 0) channels = c.extent("embedding.convolution0.weight", 1);
  metadata["format"] = kModelFormat, metadata["model"] = "points", metadata["tal"] = version();
  metadata["settings"] = settings.dump();
  metadata["inputs"] = end_to_end ? frames_of(settings) : model_inputs(request.inputs, channels);
  if (end_to_end)
    for (auto& tensor : renamed)
      if (!tensor.name.starts_with("backbone.")) tensor.name = "detector." + tensor.name;
  if (!inference.empty()) metadata.try_emplace("inference", inference.dump());
  if (!metadata.count("classes")) {
    Json names = Json::array();
    if (classes > 1) {
      if (!request.classes.empty() && static_cast<std::int64_t>(request.classes.size()) != classes)
        throw UsageError("--model-classes: " + std::to_string(request.classes.size()) + " classes, the network has " +
                         std::to_string(classes));
      for (std::int64_t k = 0; k < classes; ++k)
        names.push_back(request.classes.empty() ? std::to_string(k) : request.classes[static_cast<std::size_t>(k)]);
    }
    metadata["classes"] = names.dump();
  }
  for (const char* key : {"inference", "training"}) metadata.try_emplace(key, "{}");
}

}  // namespace

std::vector<NamedMap> point_maps() {
  return {{"points", "ActionFormer, TriDet, TemporalMaxer and DyFADet, of their own repositories", original_rules(),
           [](const std::vector<TensorView>&, std::vector<TensorView>& renamed, const MapRequest& request,
              std::map<std::string, std::string>& metadata,
              std::deque<std::string>& storage) { complete(renamed, request, metadata, storage, false); },
           "backbone.embd.0.conv.weight"},
          {"points-opentad", "the same, DBM, CausalTAD and AdaTAD, of OpenTAD", opentad_rules(),
           [](const std::vector<TensorView>&, std::vector<TensorView>& renamed, const MapRequest& request,
              std::map<std::string, std::string>& metadata,
              std::deque<std::string>& storage) { complete(renamed, request, metadata, storage, true); },
           "projection.embed.0.conv.weight"}};
}

}  // namespace tal
