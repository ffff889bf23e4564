#!/usr/bin/env python3
# label: parity
"""Vision transformers from a video's pixels to the feature, against the transformers library with the same weights: two blocks of random ones at the published width and
picture size, saved by that library. Left out, visibly, where torch, transformers and Pillow are not installed."""
import os
import sys
import tempfile

from harness import finish, need

need("tal-extract", why="the build has no video")
try:
    import numpy
    import torch
    import transformers
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: {missing}; the frozen cases of tests/nn/transformers are compared instead")
    sys.exit(77)
import live_encoders
from live_encoders import noise, normed, shaken, write_video

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
folder = tempfile.TemporaryDirectory()
os.chdir(folder.name)
torch.manual_seed(1)
FRAMES = 16
pictures = noise(FRAMES, 224, 224)
write_video("clip.mov", pictures)


def compare(name, encoder, model, want):
    model.save_pretrained(name)
    live_encoders.compare(name, f"{encoder}:{name}/model.safetensors", "clip.mov", FRAMES, want)


IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
small = {"hidden_size": 384, "num_hidden_layers": 2, "num_attention_heads": 6}
with torch.no_grad():
    x = normed(pictures, *IMAGENET)[None]
    model = shaken(transformers.VideoMAEForVideoClassification(transformers.VideoMAEConfig(intermediate_size=96, num_labels=5, **small)))
    compare("videomae", "videomae-s", model, model.fc_norm(model.videomae(x)[0].mean(1)))
    compare("videomae-classes", "videomae-s@logits", model, model(x).logits)
    model = shaken(transformers.VideoMAEForVideoClassification(transformers.VideoMAEConfig(intermediate_size=96, num_labels=5, use_mean_pooling=False, **small)))
    compare("videomae-first", "videomae-s@logits", model, model(x).logits)
    x = normed(pictures, *CLIP)
    model = shaken(transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(hidden_size=768, num_hidden_layers=2, num_attention_heads=12, intermediate_size=96,
                                                                                           projection_dim=512, patch_size=32)))
    compare("clip", "clip-b32", model, model(x).image_embeds.mean(0, keepdim=True))
    # Weights for larger pictures than the recipe's: those are what the network sees.
    model = shaken(transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(hidden_size=768, num_hidden_layers=1, num_attention_heads=12, intermediate_size=96,
                                                                                           projection_dim=512, patch_size=32, image_size=288)))
    large = numpy.stack([numpy.asarray(Image.fromarray(p).resize((288, 288), Image.BICUBIC)) for p in pictures])
    compare("clip-288", "clip-b32", model, model(normed(large, *CLIP)).image_embeds.mean(0, keepdim=True))
    larger = numpy.stack([numpy.asarray(Image.fromarray(p).resize((256, 256), Image.BICUBIC).crop((16, 16, 240, 240))) for p in pictures])
    x = normed(larger, *IMAGENET)
    model = shaken(transformers.Dinov2Model(transformers.Dinov2Config(image_size=518, patch_size=14, mlp_ratio=1, **small)))  # its table of places is resized
    compare("dinov2", "dinov2-s14", model, model(x)[0][:, 0].mean(0, keepdim=True))
    gated = transformers.Dinov2Config(image_size=518, patch_size=14, mlp_ratio=1, use_swiglu_ffn=True, hidden_size=1536, num_hidden_layers=1, num_attention_heads=24)
    wide = shaken(transformers.Dinov2Model(gated))
    compare("dinov2-gated", "dinov2-g14", wide, wide(x)[0][:, 0].mean(0, keepdim=True))
    compare("dinov2-tokens", "dinov2-s14@tokens", model, model(x)[0][:, 1:].mean(1).mean(0, keepdim=True))
finish()
