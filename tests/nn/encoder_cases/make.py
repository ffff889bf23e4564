#!/usr/bin/env python3
"""Makes the files of this folder: encoder networks of a few thousand weights, an input each, and what the reference implementations make of it.

    python3 make.py swin3d mvit efficientnet transnet  # those that are named; needs torch and safetensors, and torchvision (swin3d, mvit),
                                                       # efficientnet_lite_pytorch (efficientnet) or transnetv2_pytorch (transnet)

Weights and inputs are random. The files were made with torch 2.11, torchvision 0.26, efficientnet_lite_pytorch 0.1 and transnetv2_pytorch 1.0.5. The sizes stand beside the names in
tests/nn/encoders_frozen.cpp.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent


def shaken(model):
    """No weight hides behind a start of zero or one."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point():
                tensor.add_(0.2 * torch.randn_like(tensor))
    return model.eval()


def keep(name, model, inputs, pool):
    """inputs: {"": x, ".other": x}; pool: what the classifier sees, of an input."""
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items() if not key.endswith(("num_batches_tracked", "relative_position_index"))}
    for suffix, x in inputs.items():
        tensors |= {f"input{suffix}": x, f"pool{suffix}": pool(x), f"logits{suffix}": model(x)}
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, HERE / f"{name}.safetensors")


def swin3d():
    from torchvision.models.video.swin_transformer import SwinTransformer3d

    model = shaken(SwinTransformer3d(patch_size=[2, 4, 4], embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=[2, 3, 3], num_classes=3))

    def pool(x):
        return model.norm(model.features(model.patch_embed(x))).mean((1, 2, 3))

    # Windows that are shifted along all axes, with zeros at the end of the rows; odd pictures to merge; and clips that are smaller than a window along some axes.
    keep("swin3d", model, {"": torch.randn(2, 3, 8, 24, 28), ".odd": torch.randn(1, 3, 7, 19, 37), ".short": torch.randn(1, 3, 2, 8, 30), ".small": torch.randn(1, 3, 3, 5, 9)}, pool)


def mvit():
    from torchvision.models.video.mvit import MSBlockConfig, MViT

    def block(heads, into, out, query, key, kernel):
        return MSBlockConfig(num_heads=heads, input_channels=into, output_channels=out, kernel_q=kernel, kernel_kv=[3, 3, 3], stride_q=query, stride_kv=key)

    def pooled_token(x):
        tokens = model.pos_encoding(model.conv_proj(x).flatten(2).transpose(1, 2))
        grid = (model.pos_encoding.temporal_size,) + model.pos_encoding.spatial_size
        for layer in model.blocks:
            tokens, grid = layer(tokens, grid)
        return model.norm(tokens)[:, 0]

    three, one, halves = [3, 3, 3], [1, 1, 1], [1, 2, 2]
    # Rows and columns differ, so one of the tables of relative positions is resized.
    common = {"spatial_size": (24, 32), "temporal_size": 6, "num_classes": 3, "residual_with_cls_embed": False}
    model = shaken(MViT(block_setting=[block(1, 8, 8, one, halves, three), block(2, 8, 16, halves, one, three), block(2, 16, 16, one, one, three)], residual_pool=True, rel_pos_embed=True,
                        proj_after_attn=True, **common))
    keep("mvit-v2", model, {"": torch.randn(2, 3, 6, 24, 32)}, pooled_token)
    model = shaken(MViT(block_setting=[block(1, 8, 16, [], halves, []), block(2, 16, 16, halves, one, three), block(2, 16, 16, [], one, [])], residual_pool=False, rel_pos_embed=False,
                        proj_after_attn=False, **common))
    keep("mvit-v1", model, {"": torch.randn(2, 3, 6, 24, 32)}, pooled_token)


def efficientnet():
    from efficientnet_lite_pytorch.model import EfficientNet
    from efficientnet_lite_pytorch.utils import BlockDecoder, GlobalParams

    blocks = BlockDecoder.decode(["r1_k3_s11_e1_i32_o64", "r2_k5_s22_e6_i64_o32", "r2_k3_s22_e6_i32_o64"])
    for name, side in (("efficientnet-lite", 32), ("efficientnet-lite-odd", 27)):  # SAME pads odd pictures alike on both sides
        torch.manual_seed(7)
        model = shaken(EfficientNet(blocks, GlobalParams(width_coefficient=0.25, depth_coefficient=1.0, image_size=side, dropout_rate=0.2, num_classes=3, batch_norm_momentum=0.99,
                                                         batch_norm_epsilon=1e-3, drop_connect_rate=0.2, depth_divisor=8, min_depth=None, relu_fn="relu6", fix_head_stem=False,
                                                         local_pooling=False, use_se=False)))
        keep(name, model, {"": 3 * torch.randn(2, 3, side, side)}, lambda x: model.extract_features(x).mean((2, 3)))


def transnet():
    from transnetv2_pytorch.transnetv2_pytorch import TransNetV2

    class Small(TransNetV2):
        def _load_pretrained_weights(self):
            pass

    model = shaken(Small(F=1, L=3, S=2, D=8, device="cpu"))
    # A run longer than the 50 frames that a frame is compared with; the picture changes every nine frames.
    run, time, row, column, channel = torch.meshgrid(*(torch.arange(size) for size in (2, 64, 27, 48, 3)), indexing="ij")
    pictures = ((7 + 4 * run) * row + 13 * column + 3 * time + 50 * channel + 91 * (time // 9)) % 256
    seen = {}
    model.cls_layer1.register_forward_hook(lambda layer, inputs, output: seen.update(features=inputs[0]))
    cut, rest = model(pictures.to(torch.uint8))
    tensors = {f"weights.{key}": value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    tensors |= {"features": seen["features"], "logits": torch.cat([cut, rest["many_hot"]], 2)}
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, HERE / "transnet-v2.safetensors")


with torch.no_grad():
    for name in sys.argv[1:]:
        torch.manual_seed(7)
        {"swin3d": swin3d, "mvit": mvit, "efficientnet": efficientnet, "transnet": transnet}[name]()
