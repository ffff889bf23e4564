// Published BMN checkpoints: mmaction2's, JJBOY's PyTorch port (the same names; DataParallel puts `module.` before
// them) and PaddleVideo's.
//
// Their network is form "public" of model bmn. Sizes come from the shapes. The sampling mask, which PyTorch's files
// hold as a parameter, is not needed, but tells T and D and how the checkpoint samples: JJBOY's version of 2020 lays
// its maps out by start and end (the proposal of rows s .. e samples as that of rows s .. e + 1 does elsewhere).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/version.h"
#include "libtal/data/weight_maps.h"
#include "libtal/io/model_format.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTorchRules = R"((?:module\.)?(x_(?:1d_[bsep]|3d_p|2d_p)\.[0-9]\.(?:weight|bias)) -> $1
(?:module\.)?(?:sample_mask|bm_mask) -> -
)";

constexpr const char* kPaddleRules = R"(b_conv1\.(weight|bias) -> x_1d_b.0.$1
b_conv2\.(weight|bias) -> x_1d_b.2.$1
ts_conv1\.(weight|bias) -> x_1d_s.0.$1
ts_conv2\.(weight|bias) -> x_1d_s.2.$1
te_conv1\.(weight|bias) -> x_1d_e.0.$1
te_conv2\.(weight|bias) -> x_1d_e.2.$1
p_conv1\.(weight|bias) -> x_1d_p.0.$1
p_conv3d1\.(weight|bias) -> x_3d_p.0.$1
p_conv2d1\.(weight|bias) -> x_2d_p.0.$1
p_conv2d2\.(weight|bias) -> x_2d_p.2.$1
p_conv2d3\.(weight|bias) -> x_2d_p.4.$1
p_conv2d4\.(weight|bias) -> x_2d_p.6.$1
)";

const TensorView& tensor(const std::vector<TensorView>& tensors, const std::string& name, std::size_t rank) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const TensorView& t) { return t.name == name; });
  if (found == tensors.end()) throw Error("no tensor becomes '" + name + "': this is no BMN checkpoint");
  if (found->shape.size() != rank || std::count(found->shape.begin(), found->shape.end(), 0))
    throw Error("tensor '" + name + "' has the shape " + shape_text(found->shape));
  return *found;
}

// Point by point: what the public code gives row tau of sample n of the proposal of rows i .. i + j. Points in (-1, 0)
// take row 0 with weight 1 - frac, as truncation does there.
double mask_value(std::int64_t tau, std::int64_t n, std::int64_t j, std::int64_t i, std::int64_t samples,
                  std::int64_t per_bin, double widen) {
  const double length = static_cast<double>(j + 1), begin = static_cast<double>(i) - length * widen,
               end = static_cast<double>(i + j) + length * widen;
  const double step = (end - begin) / static_cast<double>(samples * per_bin - 1);
  double value = 0;
  for (std::int64_t p = n * per_bin; p < (n + 1) * per_bin; ++p) {
    const double x = begin + step * static_cast<double>(p), down = std::trunc(x), part = x - down;
    if (static_cast<std::int64_t>(down) == tau) value += 1 - part;
    if (static_cast<std::int64_t>(std::ceil(x)) == tau) value += part;
  }
  return value / static_cast<double>(per_bin);
}

struct Geometry {
  std::int64_t rows = 100, durations = 100;
  const char* layout = "start-duration";
};

// Whether some values of the mask [T, N x A x B] are those of the layout: A durations by B starts, or A starts by B
// ends.
bool samples_like(const TensorView& mask, std::int64_t samples, std::int64_t a_count, std::int64_t b_count,
                  bool by_end) {
  const std::int64_t rows = mask.shape[0];
  for (std::int64_t a = 0; a < a_count; ++a)
    for (std::int64_t b = 0; b < b_count; ++b) {
      const std::int64_t i = by_end ? a : b, j = by_end ? b - a : a;
      const bool valid = by_end ? j >= 0 : i + j < rows;
      for (const std::int64_t n : {std::int64_t{0}, samples / 2, samples - 1})
        for (const std::int64_t tau : {std::int64_t{0}, i, std::clamp<std::int64_t>(i + j, 0, rows - 1), rows - 1}) {
          float found;
          std::memcpy(&found, mask.data.data() + 4 * (tau * mask.shape[1] + (n * a_count + a) * b_count + b), 4);
          const double wanted = valid ? mask_value(tau, n, j + by_end, i, samples, 3, 0.5) : 0;
          if (!(std::abs(static_cast<double>(found) - wanted) < 1e-4)) return false;
        }
    }
  return true;
}

// T, D and layout of the mask; Error when it is not the model's.
Geometry geometry(const TensorView& mask, std::int64_t samples) {
  const auto fail = [&](const std::string& why) {
    return Error("tensor '" + mask.name + "' " + shape_text(mask.shape) + ": " + why);
  };
  if (mask.shape.size() != 2 || mask.dtype != Dtype::kF32 || mask.shape[0] < 1 || mask.shape[1] < 1 ||
      mask.shape[1] % (samples * mask.shape[0]))
    throw fail("is no sampling mask of " + std::to_string(samples) + " samples");
  const std::int64_t rows = mask.shape[0], durations = mask.shape[1] / (samples * rows);
  if (durations <= rows && samples_like(mask, samples, durations, rows, false)) return {rows, durations};
  if (durations == rows && samples_like(mask, samples, rows, rows, true)) return {rows, rows, "start-end"};
  throw fail(
      "samples proposals in another way (not 3 points a sample, or not widened by half): this network is not model "
      "bmn");
}

void complete(const std::vector<TensorView>& source, std::vector<TensorView>& renamed, const MapRequest& request,
              std::map<std::string, std::string>& metadata, std::deque<std::string>&) {
  const auto extent = [&](const char* name, std::size_t rank, std::size_t axis) {
    return tensor(renamed, name, rank).shape[axis];
  };
  const std::int64_t base = extent("x_1d_b.0.weight", 3, 0), per_group = extent("x_1d_b.2.weight", 3, 1),
                     samples = extent("x_3d_p.0.weight", 5, 2);
  if (base % per_group)
    throw Error("tensor 'x_1d_b.2.weight': " + std::to_string(base) + " filters are no multiple of " +
                std::to_string(per_group));
  const std::int64_t groups = base / per_group, channels = groups * extent("x_1d_b.0.weight", 3, 1);
  Geometry size;
  for (const auto& t : source)
    if (t.name == "sample_mask" || t.name == "module.sample_mask") size = geometry(t, samples);
  Json settings = {{"form", "public"},
                   {"layout", size.layout},
                   {"rows", size.rows},
                   {"durations", size.durations},
                   {"samples", samples},
                   {"per-bin", 3},
                   {"widen", 0.5},
                   {"base-filters", base},
                   {"groups", groups},
                   {"reduced-filters", extent("x_1d_p.0.weight", 3, 0)},
                   {"proposal-filters", extent("x_3d_p.0.weight", 5, 0)},
                   {"head-filters", extent("x_2d_p.0.weight", 4, 0)}};
  try {
    if (const auto given = metadata.find("settings"); given != metadata.end())
      settings.update(Json::parse(given->second));
  } catch (const Json::exception&) {
    throw UsageError("--metadata settings=...: is no JSON object");
  }
  metadata["format"] = kModelFormat, metadata["model"] = "bmn", metadata["tal"] = version();
  metadata["settings"] = settings.dump();
  if (request.inputs.empty())
    throw UsageError("--model-input NAME: say which feature stream the " + std::to_string(channels) +
                     " channels of the network are");
  metadata["inputs"] = model_inputs(request.inputs, channels);
  for (const auto& [key, value] : {std::pair{"inference", "{}"}, {"classes", "[]"}, {"training", "{}"}})
    metadata.try_emplace(key, value);
}

}  // namespace

std::vector<NamedMap> bmn_maps() {
  return {{"bmn-mmaction2", "BMN of mmaction2", kTorchRules, complete},
          {"bmn-jjboy", "BMN of JJBOY's PyTorch port (2019 and 2020)", kTorchRules, complete},
          {"bmn-paddle", "BMN of PaddleVideo, its state saved as .npz (T = D = 100)", kPaddleRules, complete}};
}

}  // namespace tal
