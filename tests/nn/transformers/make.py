#!/usr/bin/env python3
"""Makes the files of this folder: vision transformers of a few thousand weights, an input each, and what the reference implementations make of it.

    python3 make.py [INTERNVIDEO2 [DINOV2]]     # needs torch, transformers and safetensors; INTERNVIDEO2: the folder single_modality/models of its repository; DINOV2: that of its own

Weights and inputs are random. The files were made with torch 2.11 and transformers 5.24.
"""
import pathlib
import sys
import types

import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel, VideoMAEConfig, VideoMAEForVideoClassification, VideoMAEModel

HERE = pathlib.Path(__file__).resolve().parent
torch.manual_seed(7)
COMMON = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
expected = {}


def shaken(model):
    """No weight hides behind a start of zero or one."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.eval()


def keep(name, model, x, **results):
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, HERE / f"{name}.safetensors")
    expected[f"{name}.input"] = x
    for layer, value in results.items():
        expected[f"{name}.{layer}"] = value.contiguous()


with torch.no_grad():
    clip = torch.randn(2, 4, 3, 8, 8)  # frames before channels, as that library has them
    model = shaken(VideoMAEForVideoClassification(VideoMAEConfig(intermediate_size=20, image_size=8, patch_size=4, num_frames=4, num_labels=3, **COMMON)))
    keep("videomae", model, clip.transpose(1, 2), pool=model.fc_norm(model.videomae(clip)[0].mean(1)), logits=model(clip).logits)
    model = shaken(VideoMAEModel(VideoMAEConfig(intermediate_size=20, image_size=8, patch_size=4, num_frames=4, use_mean_pooling=False, **COMMON)))
    keep("videomae-headless", model, clip.transpose(1, 2), pool=model(clip)[0].mean(1))

    pictures = torch.randn(2, 3, 8, 8)
    model = shaken(CLIPVisionModelWithProjection(CLIPVisionConfig(intermediate_size=20, image_size=8, patch_size=4, projection_dim=5, **COMMON)))
    out = model(pictures)
    keep("clip", model, pictures, projection=out.image_embeds, pool=model.vision_model.post_layernorm(out.last_hidden_state[:, 0]))

    model = shaken(Dinov2Model(Dinov2Config(image_size=20, patch_size=4, mlp_ratio=2, **COMMON)))  # a table of 5 x 5 places for 2 x 2
    out = model(pictures)[0]
    keep("dinov2", model, pictures, pool=out[:, 0], tokens=out[:, 1:].mean(1))
    model = shaken(Dinov2WithRegistersModel(Dinov2WithRegistersConfig(image_size=8, patch_size=4, mlp_ratio=2, num_register_tokens=2, **COMMON)))
    out = model(pictures)[0]
    keep("dinov2-registers", model, pictures, pool=out[:, 0], tokens=out[:, 3:].mean(1))

    if len(sys.argv) > 1:
        class Nothing(torch.nn.Identity):
            def __init__(self, *_):
                super().__init__()

        for name, values in {"timm": {}, "timm.models": {}, "timm.models.layers": {"DropPath": Nothing, "to_2tuple": lambda x: x if isinstance(x, tuple) else (x, x),
                                                                                 "trunc_normal_": torch.nn.init.trunc_normal_},
                             "timm.models.registry": {"register_model": lambda f: f}, "einops": {"rearrange": None}, "flash_attn": {}, "flash_attn.modules": {},
                             "flash_attn.modules.mlp": {"FusedMLP": None}, "flash_attn.ops": {}, "flash_attn.ops.rms_norm": {"DropoutAddRMSNorm": None},
                             "models": {"__path__": [sys.argv[1]]}, "models.flash_attention_class": {"FlashAttention": None}}.items():
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__dict__.update(values)
        from models.internvideo2 import InternVideo2
        for name, parts in (("internvideo2", False), ("internvideo2-parts", True)):
            model = shaken(InternVideo2(img_size=8, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, attn_pool_num_heads=2, clip_embed_dim=6, use_flash_attn=False,
                                        use_fused_rmsnorm=False, use_fused_mlp=False, num_frames=4, sep_pos_embed=parts, num_classes=3, init_values=0.3))
            keep(name, model, clip.transpose(1, 2), logits=model(clip.transpose(1, 2)))
    torch.manual_seed(8)
    model = shaken(VideoMAEForVideoClassification(VideoMAEConfig(intermediate_size=20, image_size=8, patch_size=4, num_frames=4, num_labels=3, use_mean_pooling=False, **COMMON)))
    keep("videomae-first", model, clip.transpose(1, 2), logits=model(clip).logits)
    if len(sys.argv) > 2:  # a table of 5 x 5 places for 2 x 2, resized as its own code does it; gated perceptrons
        sys.path.insert(0, sys.argv[2])
        from dinov2.models.vision_transformer import DinoVisionTransformer
        model = shaken(DinoVisionTransformer(img_size=20, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, ffn_layer="swiglu", init_values=1.0, block_chunks=0,
                                             interpolate_offset=0.1))
        out = model.forward_features(pictures)
        keep("dinov2-own", model, pictures, pool=out["x_norm_clstoken"], tokens=out["x_norm_patchtokens"].mean(1))
save_file({key: value.clone().contiguous() for key, value in expected.items()}, HERE / "expected.safetensors")
