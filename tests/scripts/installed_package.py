# What `cmake --install` puts in place serves others: the tools run from there, find_package(tal) gives the components, and their headers are whole.
# label: cli
# cost: 60
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

build = pathlib.Path(os.environ["TAL_BIN"]).parent
source = pathlib.Path(os.environ["TAL_SOURCE"])
has = {"core": True, "video": (build / "lib/libtal-video.so").exists(), "nn": (build / "lib/libtal-nn.so").exists()}
# Folders of libtal whose headers a component installs; no other folder is there.
PUBLIC = {"core": "base io stream segment data formats eval fusion plot sound encoder models/catalogue", "video": "video encoder/picture",
          "nn": "nn nn/backbones models/core models/maps models/rpn models/etp models/bsnpp models/bmn models/cmsn models/sptad models/points models/classifier train"}

# Names of the standard library, and where they may come from.
STANDARD = {
    "string": "string", "string_view": "string_view string", "vector": "vector", "map multimap": "map", "set multiset": "set", "unordered_map": "unordered_map", "unordered_set": "unordered_set",
    "optional nullopt": "optional", "function": "functional", "unique_ptr shared_ptr weak_ptr make_unique make_shared": "memory", "array": "array", "span": "span", "variant": "variant",
    "int8_t uint8_t int16_t uint16_t int32_t uint32_t int64_t uint64_t": "cstdint", "atomic": "atomic", "mutex lock_guard unique_lock": "mutex", "thread": "thread", "chrono": "chrono",
    "condition_variable": "condition_variable", "filesystem": "filesystem", "exception exception_ptr": "exception stdexcept", "runtime_error logic_error": "stdexcept", "deque": "deque",
    "list": "list", "tuple": "tuple", "numeric_limits": "limits", "mt19937 mt19937_64": "random", "complex": "complex", "sort min max clamp lower_bound upper_bound find_if": "algorithm",
    "ostream": "ostream iostream sstream fstream", "istream": "istream iostream sstream fstream", "ostringstream istringstream": "sstream", "ifstream ofstream": "fstream", "integral floating_point": "concepts",
}


def without_texts(text):
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', re.sub(r"//[^\n]*", "", text))


@functools.cache
def included(header, root):
    """The standard headers that it includes, and those of ours that it includes."""
    text = header.read_text()
    return set(re.findall(r"#include <([^>]+)>", text)).union(*(included(root / name, root) for name in re.findall(r'#include "([^"]+)"', text)))


def sh(*command, data=None, **kwargs):
    run = subprocess.run([str(word) for word in command], input=data, capture_output=True, text=True, timeout=600, **kwargs)
    assert run.returncode == 0, f"{command}\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}"
    return run.stdout


def project(folder, body, main):
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(uses_tal CXX)\n" + body)
    (folder / "main.cpp").write_text(main)
    return folder


def configure(folder, prefix, *options):
    return subprocess.run(["cmake", "-G", "Ninja", "-S", str(folder), "-B", str(folder / "out"), f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug", *options],
                          capture_output=True, text=True, timeout=600)


if not (build / "cmake_install.cmake").exists():
    print("skipped: the tools are not in their build folder")
    sys.exit(77)
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    prefix = folder / "prefix"
    sh("cmake", "--install", build, "--prefix", prefix)
    for tool in (build / "bin").glob("tal-*"):
        if tool.name == "tal-bench":
            continue
        assert tool.name in sh(prefix / "bin" / tool.name, "--version"), tool.name
        assert (prefix / "share/man/man1" / (tool.name + ".1")).exists() or tool.suffix, tool.name
    # A moved installation finds its libraries.
    moved = folder / "moved"
    prefix.rename(moved)
    prefix = moved
    record = '{"video":"v","proposals":[{"segment":[0,4],"score":0.5},{"segment":[0,4],"score":0.9},{"segment":[5,6],"score":0.2}]}\n'
    assert sh(prefix / "bin/tal-nms", data=record).count('"segment"') == 2
    if has["nn"]:
        assert "LibTorch " in sh(prefix / "bin/tal-train", "--version", "-v")
    if has["video"]:
        assert "OpenCV " in sh(prefix / "bin/tal-extract", "--version", "-v")
    for path in ("share/man/man7/tal.7", "share/man/man5/tal-jsonl.5", "share/tal/tal-record.schema.json"):
        assert (prefix / path).exists(), path

    # Only public headers, and each stands alone.
    public = {f for component, folders in PUBLIC.items() if has[component] for f in folders.split()} | ({"cuda"} if has["nn"] else set())
    headers = sorted((prefix / "include/libtal").rglob("*.h"))
    folders = {str(h.parent.relative_to(prefix / "include/libtal")) for h in headers}
    assert folders == public, folders ^ public
    core = [h for h in headers if str(h.parent.relative_to(prefix / "include/libtal")) in PUBLIC["core"].split()]
    assert len(core) > 40
    # Nearly all that a header costs the compiler is the standard library: read once for all of them. What a header then takes from there without including it, itself or by
    # a header that it includes, its text says.
    standard = folder / "standard.h"
    standard.write_text("".join(f"#include <{name}>\n" for name in sorted({name for names in STANDARD.values() for name in names.split()})))
    sh("g++", "-std=c++20", "-x", "c++-header", "-o", f"{standard}.gch", standard)
    for header in core:
        sh("g++", "-std=c++20", "-fsyntax-only", "-x", "c++", "-I", prefix / "include", "-include", standard, header)
        used = set(re.findall(r"\bstd::(\w+)", without_texts(header.read_text())))
        for name, homes in STANDARD.items():
            for word in used & set(name.split()):
                assert included(header, prefix / "include") & set(homes.split()), f"{header}: std::{word}, and neither it nor a header that it includes has <{homes.split()[0]}>"

    # The example of the core, where neither OpenCV nor LibTorch can be found.
    example = folder / "library"
    sh("cp", "-r", source / "examples/library", example)
    assert len((example / "longest.cpp").read_text().splitlines()) <= 32
    done = configure(example, prefix, "-DCMAKE_DISABLE_FIND_PACKAGE_OpenCV=ON", "-DTAL_TORCH=/nowhere")
    assert done.returncode == 0, done.stderr
    sh("cmake", "--build", example / "out")
    lines = "".join(f',{{"segment":[{10 * i},{10 * i + i + 1}],"score":0.{i + 1}}}' for i in range(6))
    out = sh(example / "out/longest", data='{"video":"v","proposals":[{"segment":[50,55.5],"score":0.05}' + lines + "]}\n")
    assert [p["segment"] for p in json.loads(out)["proposals"]] == [[50, 56], [40, 45], [30, 34]], out
    bad = subprocess.run([str(example / "out/longest")], input='{"video":"v"}\n', capture_output=True, text=True)
    assert bad.returncode == 1 and "video 'v'" in bad.stderr and "proposals" in bad.stderr, bad.stderr

    # Every component that there is links and runs; one that is not there is refused by name.
    parts = [c for c in ("video", "nn") if has[c]]
    main = '#include <cstdio>\n#include "libtal/base/segment.h"\n'
    main += '#include "libtal/video/opencv_info.h"\n' if has["video"] else ""
    main += '#include "libtal/nn/torch_info.h"\n' if has["nn"] else ""
    main += 'int main() {\n  std::printf("%g\\n", tal::tiou({0, 2}, {1, 3}));\n'
    main += '  std::printf("%s\\n", tal::opencv_version().c_str());\n' if has["video"] else ""
    main += '  std::printf("%s\\n", tal::torch_version().c_str());\n' if has["nn"] else ""
    main += "}\n"
    uses = project(folder / "uses", f"find_package(tal REQUIRED COMPONENTS core {' '.join(parts)})\nadd_executable(uses main.cpp)\n"
                   f"target_link_libraries(uses PRIVATE tal::core {' '.join('tal::' + p for p in parts)})\n", main)
    done = configure(uses, prefix)
    assert done.returncode == 0, done.stderr
    sh("cmake", "--build", uses / "out")
    out = sh(uses / "out/uses")
    assert "0.333333" in out and ("LibTorch " in out) == has["nn"] and ("OpenCV " in out) == has["video"], out
    missing = project(folder / "missing", "find_package(tal REQUIRED COMPONENTS core gpu)\n", "int main() {}\n")
    done = configure(missing, prefix)
    assert done.returncode != 0 and "gpu" in done.stderr, done.stderr

    # As packages have it: plug-ins in a folder of their own, and LibTorch in the environment (venv) that tal is installed in and that nobody activated.
    if has["nn"]:
        prefix = prefix.rename(folder / "it's an environment")
        lib = prefix / "lib"
        (lib / "tal").mkdir()
        for plugin in lib.glob("libtal[-_]*.so"):
            plugin.rename(lib / "tal" / plugin.name)
        place = pathlib.Path(re.search(r" (/.*)/lib \(", sh(build / "bin/tal-train", "--version", "-v"))[1])
        (prefix / "pyvenv.cfg").touch()
        python = prefix / "bin/python3"
        python.write_text(f"#!/bin/sh\necho '{place}'\n")
        python.chmod(0o755)
        untold = {k: v for k, v in os.environ.items() if k != "TAL_TORCH"}
        found = sh(prefix / "bin/tal-train", "--version", "-v", env=untold)
        assert f"{place}/lib (torch of {python})" in found, found
        assert "preset" in sh(prefix / "bin/tal-train", "--list-settings", env=untold).lower()
        (prefix / "pyvenv.cfg").unlink()  # no environment: its Python is not asked
        assert str(python) not in sh(prefix / "bin/tal-train", "--version", "-v", env=untold)
print("ok")
