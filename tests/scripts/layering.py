# The folders of libtal and which may include which: the table is the architecture, the includes are read.
# label: unit
import os
import re

from harness import check, finish

# Folder: the folders that it may include besides itself. Each line may name only folders above it, so that no two can need each other.
ARROWS = {
    "base": "",
    "io": "base",
    "stream": "base io",
    "segment": "base io",
    "sound": "base",
    "encoder": "base io sound",
    "data": "base io encoder",
    "formats": "base io data",
    "eval": "base io stream",
    "fusion": "base io stream segment eval",
    "plot": "base io",
    "cli": "base io stream",
    "models/catalogue": "",
    "stages": "base io stream segment data formats eval fusion plot sound encoder cli models/catalogue",
    # Pango
    "plot/text": "base plot",
    # OpenCV and FFmpeg
    "video": "base io data sound encoder",
    "encoder/picture": "base io video encoder",
    "stages/video": "base io stream data cli stages video encoder encoder/picture",
    # LibTorch
    "cuda": "",
    "graphs": "",
    "nn": "base io segment cuda graphs",
    "nn/backbones": "base data nn",
    "encoder/networks": "base io data encoder encoder/picture nn nn/backbones",
    "stages/encoders": "stages encoder/networks",
    "models/core": "base io nn",
    "models/maps": "base io stream segment fusion nn models/core",
    "models/rpn": "base segment fusion nn models/core",
    "models/etp": "base io segment nn models/core",
    "models/bsnpp": "base nn models/core models/maps",
    "models/bmn": "base nn models/maps",
    "models/cmsn": "base io encoder segment nn nn/backbones models/core",
    "models/sptad": "base io segment nn nn/backbones models/core",
    "models/points": "base io encoder segment nn nn/backbones models/catalogue models/core",
    "models/classifier": "base io nn models/core",
    "models": "models/catalogue models/core models/rpn models/etp models/bsnpp models/bmn models/cmsn models/sptad models/points models/classifier",
    "train": "base io segment eval nn models/core",
    "stages/networks": "base data fusion cli stages nn models/core models/maps train",
}
# Who may include a library's header: a build without it has the other folders.
LIBRARIES = {
    r"<(torch|ATen|c10)/": ["graphs", "nn", "nn/backbones", "encoder/networks", "models", "models/core", "models/maps", "models/rpn", "models/etp", "models/bsnpp", "models/bmn", "models/cmsn", "models/sptad", "models/points",
                            "models/classifier", "train", "stages/networks"],
    r"<opencv2/": ["video", "encoder/picture", "encoder/networks", "stages/video"],
    r"<(libav|libsw)": ["video"],
    r"<CLI/": ["cli"],
    r"<pugixml": ["formats"],
    r"<(pango|cairo)": ["plot/text"],
}

ROOT = os.path.join(os.environ["TAL_SOURCE"], "libtal")
above = set()
for folder, allowed in ARROWS.items():
    check(set(allowed.split()) <= above, f"{folder}: may include {sorted(set(allowed.split()) - above)}, which the table has below it")
    above.add(folder)

used = {folder: set() for folder in ARROWS}
for path, _, names in os.walk(ROOT):
    folder = os.path.relpath(path, ROOT)
    sources = [name for name in names if name.endswith((".h", ".cpp", ".cu"))]
    if not check(not sources or folder in ARROWS, f"libtal/{folder} is not in the table"):
        continue
    for name in sources:
        with open(os.path.join(path, name), encoding="utf-8") as file:
            text = file.read()
        for included in re.findall(r'#include "libtal/([^"]+)"', text):
            there = os.path.dirname(included)
            check(os.path.exists(os.path.join(ROOT, included)), f"{folder}/{name} includes {included}, which is not there")
            if there != folder:
                used[folder].add(there)
                check(there in ARROWS[folder].split(), f"{folder}/{name} includes {included}: no arrow from {folder} to {there}")
        # Before a device is opened, asking for a generator makes LibTorch believe that there is no CUDA.
        check("manual_seed" not in text or (folder, name) == ("nn", "device.cpp"), f"{folder}/{name} seeds LibTorch itself: seed_generators (nn/device.h) does it in time")
        for library, folders in LIBRARIES.items():
            check(not re.search("#include " + library, text) or folder in folders, f"{folder}/{name} includes {library}")
for folder, allowed in ARROWS.items():
    check(not set(allowed.split()) - used[folder], f"{folder} no longer includes {sorted(set(allowed.split()) - used[folder])}: take the arrow out")
finish()
