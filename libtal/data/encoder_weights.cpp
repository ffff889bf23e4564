// Names of well-known code bases for the networks of tal-extract (libtal/encoder/recipes.h), which keep those of the
// first reference.
#include "libtal/data/weight_maps.h"

namespace tal {

namespace {

// Counters of the normalisations are no weights: every map leaves them out.
constexpr const char* kMmactionResnet = R"(.*num_batches_tracked -> -
backbone\.conv1\.conv\.weight -> conv1.weight [*, *, 7, 7]
backbone\.conv1\.bn\.(weight|bias|running_mean|running_var) -> bn1.$1 [*]
backbone\.(layer[1-4]\.\d+)\.conv([123])\.conv\.weight -> $1.conv$2.weight [*, *, *, *]
backbone\.(layer[1-4]\.\d+)\.conv([123])\.bn\.(weight|bias|running_mean|running_var) -> $1.bn$2.$3 [*]
backbone\.(layer[1-4]\.0)\.downsample\.conv\.weight -> $1.downsample.0.weight [*, *, 1, 1]
backbone\.(layer[1-4]\.0)\.downsample\.bn\.(weight|bias|running_mean|running_var) -> $1.downsample.1.$2 [*]
cls_head\.fc_cls\.weight -> fc.weight [*, *]
cls_head\.fc_cls\.bias -> fc.bias [*]
)";

// Before those of the plain ResNet: what TSM and TIN put around the first convolution of a block.
std::string around_first(const std::string& rules) { return rules + kMmactionResnet; }

// PySlowFast numbers its stages from 1 and the stem is the first; PyTorchVideo's blocks count from 0.
std::string pyslowfast_rules() {
  std::string rules = R"(.*num_batches_tracked -> -
s1\.pathway([01])_stem\.conv\.weight -> blocks.0.multipathway_blocks.$1.conv.weight [*, 3, *, 7, 7]
s1\.pathway([01])_stem\.bn\.(.+) -> blocks.0.multipathway_blocks.$1.norm.$2 [*]
head\.projection\.(weight|bias) -> blocks.6.proj.$1
)";
  for (int stage = 1; stage <= 5; ++stage) {
    const std::string from = "s" + std::to_string(stage), to = " -> blocks." + std::to_string(stage - 1) + ".";
    rules +=
        from + R"(_fuse\.conv_f2s\.weight)" + to + "multipathway_fusion.conv_fast_to_slow.weight [*, *, *, 1, 1]\n";
    rules += from + R"(_fuse\.bn\.(.+))" + to + "multipathway_fusion.norm.$1 [*]\n";
    const std::string block = from + R"(\.pathway([01])_res(\d+)\.)", at = to + "multipathway_blocks.$1.res_blocks.$2.";
    rules += block + R"(branch1\.weight)" + at + "branch1_conv.weight [*, *, 1, 1, 1]\n";
    rules += block + R"(branch1_bn\.(.+))" + at + "branch1_norm.$3 [*]\n";
    rules += block + R"(branch2\.([abc])\.weight)" + at + "branch2.conv_$3.weight [*, *, *, *, *]\n";
    rules += block + R"(branch2\.([abc])_bn\.(.+))" + at + "branch2.norm_$3.$4 [*]\n";
  }
  return rules;
}

// Two residual networks side by side; PyTorchVideo's blocks count from the stem.
std::string mmaction2_slowfast_rules() {
  std::string rules = R"(.*num_batches_tracked -> -
backbone\.slow_path\.conv1_lateral\.conv\.weight -> blocks.0.multipathway_fusion.conv_fast_to_slow.weight [*, *, *, 1, 1]
backbone\.slow_path\.layer([1-3])_lateral\.conv\.weight -> blocks.$1.multipathway_fusion.conv_fast_to_slow.weight [*, *, *, 1, 1]
cls_head\.fc_cls\.(weight|bias) -> blocks.6.proj.$1
)";
  for (const auto& [path, index] : {std::pair("slow", "0"), std::pair("fast", "1")}) {
    const auto from = std::string(R"(backbone\.)") + path + "_path",
               at = std::string("multipathway_blocks.") + index + ".";
    rules += from + R"(\.conv1\.conv\.weight -> blocks.0.)" + at + "conv.weight [*, 3, *, 7, 7]\n";
    rules += from + R"(\.conv1\.bn\.(.+) -> blocks.0.)" + at + "norm.$1 [*]\n";
    const auto block = from + R"(\.layer([1-4])\.(\d+)\.)", to = " -> blocks.$1." + at + "res_blocks.$2.";
    rules += block + R"(downsample\.conv\.weight)" + to + "branch1_conv.weight [*, *, 1, 1, 1]\n";
    rules += block + R"(downsample\.bn\.(.+))" + to + "branch1_norm.$3 [*]\n";
    for (const auto& [number, letter] : {std::pair("1", "a"), std::pair("2", "b"), std::pair("3", "c")}) {
      rules +=
          block + "conv" + number + R"(\.conv\.weight)" + to + "branch2.conv_" + letter + ".weight [*, *, *, *, *]\n";
      rules += block + "conv" + number + R"(\.bn\.(.+))" + to + "branch2.norm_" + letter + ".$3 [*]\n";
    }
  }
  return rules;
}

// The authors count stages and keep the merging of patches inside them, torchvision counts both as features.
std::string video_swin_rules() {
  std::string rules = R"(.*relative_position_index -> -
(?:module\.)?backbone\.patch_embed\.(proj|norm)\.(weight|bias) -> patch_embed.$1.$2
(?:module\.)?backbone\.norm3?\.(weight|bias) -> norm.$1 [*]
(?:module\.)?cls_head\.fc_cls\.(weight|bias) -> head.$1
)";
  for (int stage = 0; stage < 4; ++stage) {
    const std::string from = R"((?:module\.)?backbone\.layers\.)" + std::to_string(stage) + R"(\.)",
                      block = from + R"(blocks\.(\d+)\.)", to = " -> features." + std::to_string(2 * stage) + ".$1.";
    rules += block + R"((norm[12]|attn\.qkv|attn\.proj)\.(weight|bias))" + to + "$2.$3\n";
    rules += block + R"(attn\.relative_position_bias_table)" + to + "attn.relative_position_bias_table [*, *]\n";
    rules += block + R"(mlp\.fc1\.(weight|bias))" + to + "mlp.0.$2\n";
    rules += block + R"(mlp\.fc2\.(weight|bias))" + to + "mlp.3.$2\n";
    if (stage < 3)
      rules += from + R"(downsample\.(norm|reduction)\.(weight|bias) -> features.)" + std::to_string(2 * stage + 1) +
               ".$1.$2\n";
  }
  return rules;
}

}  // namespace

std::vector<NamedMap> encoder_maps() {
  return {
      {"torchvision",
       "torchvision's own names (resnet, r2plus1d, inception-v3, swin3d, mvit) and those of ResNeSt's package and timm "
       "(resnest), also from inside DataParallel",
       R"(.*(?:num_batches_tracked|relative_position_index) -> -
(?:module\.)?(.+) -> $1
)",
       nullptr},
      {"mmaction2-resnet", "MMAction2's recognizers with a ResNet backbone (TSN), for resnet", kMmactionResnet,
       nullptr},
      {"mmaction2-tsm", "MMAction2's TSM, for tsm-r50 and tsm-r101",
       around_first(R"(backbone\.(layer[1-4]\.\d+)\.conv1\.conv\.net\.weight -> $1.conv1.weight [*, *, 1, 1]
)"),
       nullptr},
      {"mmaction2-tin", "MMAction2's TIN, for tin-r50 and tin-r101",
       around_first(
           R"(backbone\.(layer[1-4]\.\d+)\.conv1\.conv\.net1\.((?:offset_net|weight_net)\..+) -> $1.interlace.$2
backbone\.(layer[1-4]\.\d+)\.conv1\.conv\.net2\.weight -> $1.conv1.weight [*, *, 1, 1]
)"),
       nullptr},
      {"tsm",
       "temporal-shift-module (checkpoints of DataParallel), for tsm-r50, tsm-r101, tsm-resnest50 and so on, and their "
       "flow",
       R"(.*num_batches_tracked -> -
(?:module\.)?base_model\.(layer[1-4]\.\d+)\.conv1\.net\.weight -> $1.conv1.weight [*, *, 1, 1]
(?:module\.)?base_model\.((?:conv1|bn1|layer[1-4])\..+) -> $1
(?:module\.)?new_fc\.(weight|bias) -> fc.$1
)",
       nullptr},
      {"pytorchvideo", "PyTorchVideo's own names, for slowfast-r50 and slowfast-r101",
       R"(.*num_batches_tracked -> -
(blocks\..+) -> $1
)",
       nullptr},
      {"mmaction2-slowfast",
       "MMAction2's SlowFast, for slowfast-r50-mmaction2, slowfast-r101-mmaction2 and slowfast-r50-4x16-mmaction2",
       mmaction2_slowfast_rules(), nullptr},
      {"video-swin", "Video Swin Transformer's authors and MMAction2, for swin3d-t, swin3d-s and swin3d-b",
       video_swin_rules(), nullptr},
      {"pyslowfast", "PySlowFast's SlowFast 8 x 8, for slowfast-r50 and slowfast-r101", pyslowfast_rules(), nullptr},
      {"pseudo-3d", "pseudo-3d-pytorch, for p3d-199",
       R"(.*num_batches_tracked -> -
(?:module\.)?((?:conv1_custom|bn1|layer[1-4]|fc)\..+) -> $1
)",
       nullptr},
      {"mmaction2-c3d", "MMAction2's C3D, for c3d",
       R"(backbone\.(conv[1-5][ab])\.conv\.weight -> $1.weight [*, *, 3, 3, 3]
backbone\.(conv[1-5][ab])\.conv\.bias -> $1.bias [*]
backbone\.(fc[67])\.weight -> $1.weight [*, *]
backbone\.(fc[67])\.bias -> $1.bias [*]
cls_head\.fc_cls\.weight -> fc8.weight [*, *]
cls_head\.fc_cls\.bias -> fc8.bias [*]
)",
       nullptr},
      {"c3d-pytorch", "the PyTorch ports of C3D that name its first convolutions conv1 and conv2, for c3d",
       R"((?:module\.)?conv([12])\.(weight|bias) -> conv$1a.$2
(?:module\.)?(conv[345][ab]\.(?:weight|bias)) -> $1
(?:module\.)?(fc[678]\.(?:weight|bias)) -> $1
)",
       nullptr},
      {"tsn-pytorch", "tsn-pytorch's BN-Inception, for bninception and bninception-flow",
       R"(.*num_batches_tracked -> -
(?:module\.)?base_model\.((?:conv|inception).+) -> $1
(?:module\.)?new_fc\.(weight|bias) -> fc.$1
)",
       nullptr},
      {"pretrainedmodels", "Cadene's pretrained-models (bninception), for bninception",
       R"(.*num_batches_tracked -> -
(?:module\.)?last_linear\.(weight|bias) -> fc.$1
(?:module\.)?((?:conv|inception).+) -> $1
)",
       nullptr},
      {"3d-resnets", "3D-ResNets-PyTorch (checkpoints of DataParallel), for resnext101-3d",
       R"(.*num_batches_tracked -> -
(?:module\.)?((?:conv1|bn1|fc|layer[1-4])\..+) -> $1
)",
       nullptr},
  };
}

}  // namespace tal
