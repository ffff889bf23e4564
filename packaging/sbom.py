#!/usr/bin/env python3
"""What is inside the packages, with licences: sbom.py BUILD MEDIA [--json].

Ours, what is compiled in, and the libraries that a wheel brings along: names, versions, licences and their texts as Debian's packages state them.
"""
import dataclasses
import json
import pathlib
import re
import shutil
import sys

from parts import ROOT, closure, hdf5_of, output, packages_of, sha256, torch_version, version


@dataclasses.dataclass
class Component:
    name: str
    version: str
    licences: list
    where: str            # how it is in the packages
    files: list = dataclasses.field(default_factory=list)   # paths, of the libraries
    texts: dict = dataclasses.field(default_factory=dict)   # file name -> bytes of the licence


# Debian package -> what it is compiled into.
COMPILED_IN = {"libcli11-dev": "compiled into libtal", "nlohmann-json3-dev": "compiled into libtal", "libsimdjson-dev": "linked into libtal", "libpugixml-dev": "linked into libtal",
               "libgloo-dev": "headers compiled into libtal-nn"}


def cuda_version():
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    return re.search(r"release ([\d.]+)", output(nvcc, "--version"))[1] if pathlib.Path(nvcc).exists() else "none"


def licences_of(copyright_file):
    """The short names of a machine-readable copyright file, those of its packaging apart; else where to read."""
    text = copyright_file.read_text(errors="replace")
    names = []
    for paragraph in re.split(r"\n\s*\n", text):
        files, name = re.search(r"^Files:\s*(.*(?:\n .*)*)", paragraph, re.M), re.search(r"^License:\s*(\S.*)", paragraph, re.M)
        if files and name and not files[1].split()[0].startswith("debian/"):
            names.append(name[1].strip())
    if not names:
        names = [f"see {copyright_file.parent.name}/copyright"]
    return list(dict.fromkeys(names))


def of_debian(package, paths, where):
    release = output("dpkg-query", "-W", "-f", "${Version}\n", package).splitlines()[0]
    file = pathlib.Path("/usr/share/doc") / package / "copyright"
    return Component(package, release, licences_of(file), where, paths, {"copyright": file.read_bytes()})


def contents(bundled):
    """Components; bundled: SONAME -> path, as closure() gives them."""
    ours = Component("tal", version(), ["MIT"], "the tools and libtal*", [], {"LICENSE": (ROOT / "LICENSE").read_bytes()})
    found = [ours] + [of_debian(package, [], where) for package, where in COMPILED_IN.items()]
    if cuda_version() != "none":
        found.append(Component("cuda-runtime", cuda_version(), ["NVIDIA CUDA Toolkit EULA (redistributable part: libcudart_static)"],
                               "linked into libtal_cuda"))
    places, built, packages = {}, {}, packages_of(bundled.values())
    for path in bundled.values():
        if path in packages:
            places.setdefault(packages[path], []).append(path)
            continue
        # What packaging/media built of Debian's sources: their licence is in the folder of the source.
        source = "ffmpeg" if re.match(r"lib(av|sw)", path.name) else "opencv"
        built.setdefault(source, []).append(path)
    found += [of_debian(package, sorted(paths), "bundled, Debian's") for package, paths in sorted(places.items())]
    for source, paths in sorted(built.items()):
        folder = paths[0].parent.parent / "work/source" / source
        release = re.match(r"\S+ \(([^)]*)\)", (folder / "debian/changelog").read_text())[1]
        texts = {name.name: name.read_bytes() for name in [folder / "debian/copyright", *sorted(folder.glob("COPYING*")), *sorted(folder.glob("LICENSE*"))] if name.is_file()}
        # FFmpeg is configured without its parts under the GPL.
        licences = ["LGPL-2.1+"] if source == "ffmpeg" else licences_of(folder / "debian/copyright")
        found.append(Component(source, release, licences, "bundled, built of Debian's source by packaging/media/build.sh", sorted(paths), texts))
    return found


def cyclonedx(components):
    def one(component):
        return {"type": "application" if component.name == "tal" else "library", "name": component.name, "version": component.version,
                "licenses": [{"license": {"name": name}} for name in component.licences], "description": component.where,
                "components": [{"type": "file", "name": path.name, "hashes": [{"alg": "SHA-256", "content": sha256(path)}]} for path in component.files]}
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": {"type": "application", "name": "tal-toolchain", "version": version()}},
            "components": [one(component) for component in components]}


def main(build, media, *options):
    libraries = [path for path in sorted((pathlib.Path(build) / "lib").glob("libtal*.so*")) if not path.is_symlink()]
    if not libraries:
        raise SystemExit("sbom: ./run wheel builds what is listed")
    components = contents(closure(libraries, [pathlib.Path(media) / "lib"], opened=[hdf5_of(pathlib.Path(build) / "lib/libtal.so")]))
    if "--json" in options:
        print(json.dumps(cyclonedx(components), indent=1))
        return
    for component in components:
        print(f"{component.name}\t{component.version}\t{', '.join(component.licences)}\t{component.where}\t{' '.join(path.name for path in component.files)}")
    print(f"torch\t{torch_version()}\tBSD-3-Clause\tnot in the packages: found at run time\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
