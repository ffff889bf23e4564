// Names of well-known code bases for the networks of tal-extract (libtal/encode/recipes.h), which keep those of the first reference.
#include "libtal/data/weight_maps.h"

namespace tal {

std::vector<NamedMap> encoder_maps() {
  // Counters of the normalisations are no weights: every map leaves them out.
  return {
      {"torchvision", "torchvision's own names (resnet, r2plus1d, inception-v3), also from inside DataParallel",
       R"(.*num_batches_tracked -> -
(?:module\.)?(.+) -> $1
)", nullptr},
      {"mmaction2-resnet", "MMAction2's recognizers with a ResNet backbone (TSN), for resnet",
       R"(.*num_batches_tracked -> -
backbone\.conv1\.conv\.weight -> conv1.weight [*, *, 7, 7]
backbone\.conv1\.bn\.(weight|bias|running_mean|running_var) -> bn1.$1 [*]
backbone\.(layer[1-4]\.\d+)\.conv([123])\.conv\.weight -> $1.conv$2.weight [*, *, *, *]
backbone\.(layer[1-4]\.\d+)\.conv([123])\.bn\.(weight|bias|running_mean|running_var) -> $1.bn$2.$3 [*]
backbone\.(layer[1-4]\.0)\.downsample\.conv\.weight -> $1.downsample.0.weight [*, *, 1, 1]
backbone\.(layer[1-4]\.0)\.downsample\.bn\.(weight|bias|running_mean|running_var) -> $1.downsample.1.$2 [*]
cls_head\.fc_cls\.weight -> fc.weight [*, *]
cls_head\.fc_cls\.bias -> fc.bias [*]
)", nullptr},
      {"mmaction2-c3d", "MMAction2's C3D, for c3d",
       R"(backbone\.(conv[1-5][ab])\.conv\.weight -> $1.weight [*, *, 3, 3, 3]
backbone\.(conv[1-5][ab])\.conv\.bias -> $1.bias [*]
backbone\.(fc[67])\.weight -> $1.weight [*, *]
backbone\.(fc[67])\.bias -> $1.bias [*]
cls_head\.fc_cls\.weight -> fc8.weight [*, *]
cls_head\.fc_cls\.bias -> fc8.bias [*]
)", nullptr},
      {"c3d-pytorch", "the PyTorch ports of C3D that name its first convolutions conv1 and conv2, for c3d",
       R"((?:module\.)?conv([12])\.(weight|bias) -> conv$1a.$2
(?:module\.)?(conv[345][ab]\.(?:weight|bias)) -> $1
(?:module\.)?(fc[678]\.(?:weight|bias)) -> $1
)", nullptr},
      {"tsn-pytorch", "tsn-pytorch's BN-Inception, for bninception and bninception-flow",
       R"(.*num_batches_tracked -> -
(?:module\.)?base_model\.((?:conv|inception).+) -> $1
(?:module\.)?new_fc\.(weight|bias) -> fc.$1
)", nullptr},
      {"pretrainedmodels", "Cadene's pretrained-models (bninception), for bninception",
       R"(.*num_batches_tracked -> -
(?:module\.)?last_linear\.(weight|bias) -> fc.$1
(?:module\.)?((?:conv|inception).+) -> $1
)", nullptr},
      {"3d-resnets", "3D-ResNets-PyTorch (checkpoints of DataParallel), for resnext101-3d",
       R"(.*num_batches_tracked -> -
(?:module\.)?((?:conv1|bn1|fc|layer[1-4])\..+) -> $1
)", nullptr},
  };
}

}  // namespace tal
