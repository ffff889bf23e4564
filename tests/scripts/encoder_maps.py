#!/usr/bin/env python3
# label: cli
"""tal-convert --weights --map for the state dicts that tal-extract's networks take: names of well-known code bases."""
import array
import json
import os
import pathlib
import struct
import subprocess
import tempfile

BIN = pathlib.Path(os.environ["TAL_BIN"])


def write(path, shapes):
    header, at, data = {}, 0, b""
    for k, (name, shape) in enumerate(shapes.items()):
        count = 1
        for extent in shape:
            count *= extent
        raw = array.array("f", [k + 1] * count).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    return {name: struct.unpack_from("<f", raw, 8 + size + t["data_offsets"][0])[0] for name, t in header.items()}


# Foreign name, shape, the name that the network has (None: left out).
CASES = {
    "torchvision": [("module.layer1.0.conv1.weight", [2, 2, 3, 3], "layer1.0.conv1.weight"), ("fc.bias", [2], "fc.bias"), ("bn1.num_batches_tracked", [1], None), ("features.0.0.attn.relative_position_index", [2, 2], None),
                    ("conv1.6.weight", [2, 2, 3, 3], "conv1.6.weight"), ("layer2.0.conv2.fc1.bias", [2], "layer2.0.conv2.fc1.bias"), ("layer2.0.downsample.1.weight", [2, 2, 1, 1], "layer2.0.downsample.1.weight")],
    "mmaction2-resnet": [("backbone.conv1.conv.weight", [2, 3, 7, 7], "conv1.weight"), ("backbone.conv1.bn.running_var", [2], "bn1.running_var"),
                         ("backbone.layer3.11.conv2.conv.weight", [2, 2, 3, 3], "layer3.11.conv2.weight"), ("backbone.layer3.11.conv2.bn.bias", [2], "layer3.11.bn2.bias"),
                         ("backbone.layer2.0.downsample.conv.weight", [2, 2, 1, 1], "layer2.0.downsample.0.weight"),
                         ("backbone.layer2.0.downsample.bn.running_mean", [2], "layer2.0.downsample.1.running_mean"),
                         ("backbone.layer2.0.downsample.bn.num_batches_tracked", [1], None), ("cls_head.fc_cls.weight", [4, 2], "fc.weight"), ("cls_head.fc_cls.bias", [4], "fc.bias")],
    "mmaction2-c3d": [("backbone.conv1a.conv.weight", [2, 3, 3, 3, 3], "conv1a.weight"), ("backbone.conv5b.conv.bias", [2], "conv5b.bias"), ("backbone.fc6.weight", [2, 3], "fc6.weight"),
                      ("cls_head.fc_cls.bias", [4], "fc8.bias")],
    "c3d-pytorch": [("conv1.weight", [2, 3, 3, 3, 3], "conv1a.weight"), ("conv2.bias", [2], "conv2a.bias"), ("conv3b.weight", [2, 2, 3, 3, 3], "conv3b.weight"), ("fc8.bias", [4], "fc8.bias")],
    "tsn-pytorch": [("module.base_model.conv1_7x7_s2.weight", [2, 10, 7, 7], "conv1_7x7_s2.weight"),
                    ("module.base_model.inception_3a_1x1_bn.running_mean", [2], "inception_3a_1x1_bn.running_mean"), ("module.new_fc.weight", [4, 2], "fc.weight")],
    "pretrainedmodels": [("last_linear.bias", [4], "fc.bias"), ("inception_5b_pool_proj.weight", [2, 2, 1, 1], "inception_5b_pool_proj.weight"), ("conv1_7x7_s2_bn.num_batches_tracked", [1], None)],
    "mmaction2-tsm": [("backbone.layer3.5.conv1.conv.net.weight", [2, 2, 1, 1], "layer3.5.conv1.weight"), ("backbone.layer3.5.conv2.conv.weight", [2, 2, 3, 3], "layer3.5.conv2.weight"),
                      ("backbone.layer3.5.conv1.bn.bias", [2], "layer3.5.bn1.bias"), ("cls_head.fc_cls.bias", [4], "fc.bias")],
    "mmaction2-tin": [("backbone.layer1.0.conv1.conv.net1.offset_net.fc1.weight", [8, 8], "layer1.0.interlace.offset_net.fc1.weight"),
                      ("backbone.layer1.0.conv1.conv.net1.weight_net.conv.bias", [2], "layer1.0.interlace.weight_net.conv.bias"),
                      ("backbone.layer1.0.conv1.conv.net2.weight", [2, 2, 1, 1], "layer1.0.conv1.weight"), ("backbone.conv1.conv.weight", [2, 3, 7, 7], "conv1.weight")],
    "tsm": [("module.base_model.layer2.1.conv1.net.weight", [2, 2, 1, 1], "layer2.1.conv1.weight"), ("module.base_model.layer2.1.bn1.bias", [2], "layer2.1.bn1.bias"),
            ("module.base_model.conv1.weight", [2, 3, 7, 7], "conv1.weight"), ("module.new_fc.bias", [4], "fc.bias"),
            ("module.base_model.conv1.0.weight", [2, 10, 3, 3], "conv1.0.weight"), ("module.base_model.layer3.0.conv2.bn0.running_var", [2], "layer3.0.conv2.bn0.running_var")],
    "pytorchvideo": [("blocks.6.proj.weight", [4, 2], "blocks.6.proj.weight"), ("blocks.0.multipathway_blocks.1.norm.num_batches_tracked", [1], None)],
    "mmaction2-slowfast": [("backbone.slow_path.conv1.conv.weight", [2, 3, 1, 7, 7], "blocks.0.multipathway_blocks.0.conv.weight"),
                           ("backbone.fast_path.conv1.bn.running_var", [2], "blocks.0.multipathway_blocks.1.norm.running_var"),
                           ("backbone.slow_path.conv1_lateral.conv.weight", [4, 2, 7, 1, 1], "blocks.0.multipathway_fusion.conv_fast_to_slow.weight"),
                           ("backbone.slow_path.layer3_lateral.conv.weight", [4, 2, 7, 1, 1], "blocks.3.multipathway_fusion.conv_fast_to_slow.weight"),
                           ("backbone.slow_path.layer4.2.conv1.conv.weight", [2, 2, 3, 1, 1], "blocks.4.multipathway_blocks.0.res_blocks.2.branch2.conv_a.weight"),
                           ("backbone.fast_path.layer3.10.conv3.bn.bias", [2], "blocks.3.multipathway_blocks.1.res_blocks.10.branch2.norm_c.bias"),
                           ("backbone.slow_path.layer1.0.downsample.conv.weight", [2, 2, 1, 1, 1], "blocks.1.multipathway_blocks.0.res_blocks.0.branch1_conv.weight"),
                           ("backbone.fast_path.layer2.0.downsample.bn.running_mean", [2], "blocks.2.multipathway_blocks.1.res_blocks.0.branch1_norm.running_mean"),
                           ("cls_head.fc_cls.weight", [4, 2], "blocks.6.proj.weight")],
    "pyslowfast": [("s1.pathway1_stem.conv.weight", [2, 3, 5, 7, 7], "blocks.0.multipathway_blocks.1.conv.weight"), ("s1.pathway0_stem.bn.running_var", [2], "blocks.0.multipathway_blocks.0.norm.running_var"),
                   ("s3_fuse.conv_f2s.weight", [4, 2, 7, 1, 1], "blocks.2.multipathway_fusion.conv_fast_to_slow.weight"), ("s3_fuse.bn.bias", [4], "blocks.2.multipathway_fusion.norm.bias"),
                   ("s5.pathway0_res2.branch2.a.weight", [2, 2, 3, 1, 1], "blocks.4.multipathway_blocks.0.res_blocks.2.branch2.conv_a.weight"),
                   ("s4.pathway1_res10.branch2.c_bn.weight", [2], "blocks.3.multipathway_blocks.1.res_blocks.10.branch2.norm_c.weight"),
                   ("s2.pathway0_res0.branch1.weight", [2, 2, 1, 1, 1], "blocks.1.multipathway_blocks.0.res_blocks.0.branch1_conv.weight"),
                   ("s2.pathway0_res0.branch1_bn.running_mean", [2], "blocks.1.multipathway_blocks.0.res_blocks.0.branch1_norm.running_mean"),
                   ("head.projection.bias", [4], "blocks.6.proj.bias")],
    "video-swin": [("backbone.patch_embed.proj.weight", [2, 3, 2, 4, 4], "patch_embed.proj.weight"), ("backbone.patch_embed.norm.bias", [2], "patch_embed.norm.bias"),
                   ("backbone.layers.0.blocks.1.attn.relative_position_bias_table", [5, 3], "features.0.1.attn.relative_position_bias_table"),
                   ("backbone.layers.0.blocks.1.attn.relative_position_index", [2, 2], None), ("backbone.layers.2.blocks.17.attn.qkv.weight", [6, 2], "features.4.17.attn.qkv.weight"),
                   ("backbone.layers.3.blocks.0.attn.proj.bias", [2], "features.6.0.attn.proj.bias"), ("backbone.layers.1.blocks.0.norm2.weight", [2], "features.2.0.norm2.weight"),
                   ("backbone.layers.1.blocks.0.mlp.fc1.weight", [8, 2], "features.2.0.mlp.0.weight"), ("backbone.layers.1.blocks.0.mlp.fc2.bias", [2], "features.2.0.mlp.3.bias"),
                   ("backbone.layers.2.downsample.reduction.weight", [4, 8], "features.5.reduction.weight"), ("backbone.layers.0.downsample.norm.weight", [8], "features.1.norm.weight"),
                   ("backbone.norm.weight", [2], "norm.weight"), ("backbone.norm3.bias", [2], "norm.bias"), ("cls_head.fc_cls.weight", [4, 2], "head.weight")],
    "pseudo-3d": [("conv1_custom.weight", [2, 3, 1, 7, 7], "conv1_custom.weight"), ("module.layer3.35.conv3.weight", [2, 2, 3, 1, 1], "layer3.35.conv3.weight"), ("fc.bias", [4], "fc.bias")],
    "mmaction2-vit": [("backbone.patch_embed.projection.weight", [2, 3, 2, 4, 4], "patch_embed.proj.weight"), ("backbone.pos_embed", [1, 8, 2], None),
                      ("backbone.blocks.11.mlp.layers.0.0.weight", [4, 2], "blocks.11.mlp.fc1.weight"), ("backbone.blocks.11.mlp.layers.1.bias", [2], "blocks.11.mlp.fc2.bias"),
                      ("backbone.blocks.0.attn.q_bias", [2], "blocks.0.attn.q.bias"), ("backbone.blocks.0.attn.v_bias", [2], "blocks.0.attn.v.bias"),
                      ("backbone.blocks.0.attn.qkv.weight", [6, 2], "blocks.0.attn.qkv.weight"), ("backbone.fc_norm.weight", [2], "fc_norm.weight"),
                      ("cls_head.fc_cls.bias", [4], "head.bias")],
    "3d-resnets": [("module.layer4.2.bn3.weight", [2], "layer4.2.bn3.weight"), ("module.conv1.weight", [2, 3, 7, 7, 7], "conv1.weight"), ("module.fc.bias", [4], "fc.bias")],
}

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    foreign, own = folder / "foreign.safetensors", folder / "own.safetensors"
    for name, tensors in CASES.items():
        write(foreign, {old: shape for old, shape, _ in tensors})
        got = subprocess.run([BIN / "tal-convert", "--weights", foreign, "--map", name, "-o", own], capture_output=True, text=True, timeout=60)
        assert got.returncode == 0, (name, got.stderr)
        assert read(own) == {new: float(k + 1) for k, (_, _, new) in enumerate(tensors) if new}, (name, read(own))

    # What no rule names is listed; a filter of another size is refused.
    write(foreign, {"backbone.conv1.conv.weight": [2, 3, 7, 7], "backbone.norm.weight": [2]})
    got = subprocess.run([BIN / "tal-convert", "--weights", foreign, "--map", "mmaction2-resnet", "-o", own], capture_output=True, text=True, timeout=60)
    assert got.returncode == 1 and "no rule names it: backbone.norm.weight" in got.stderr, got.stderr
    write(foreign, {"backbone.conv1.conv.weight": [2, 3, 3, 3]})
    got = subprocess.run([BIN / "tal-convert", "--weights", foreign, "--map", "mmaction2-resnet", "-o", own], capture_output=True, text=True, timeout=60)
    assert got.returncode == 1 and "has the shape [2, 3, 3, 3], not [*, *, 7, 7]" in got.stderr, got.stderr
print("ok")
