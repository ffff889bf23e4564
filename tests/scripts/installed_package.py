# What `cmake --install` puts in place serves others: the tools run from there, and find_package(tal) gives the libraries.
# label: cli
import os
import pathlib
import subprocess
import sys
import tempfile

build = pathlib.Path(os.environ["TAL_BIN"]).parent
learned = (build / "bin/tal-train").exists()


def sh(*command, **kwargs):
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **kwargs)
    assert run.returncode == 0, f"{command}\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}"
    return run.stdout


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
    for path in ("share/man/man7/tal.7", "share/man/man5/tal-jsonl.5", "share/tal/tal-record.schema.json", "include/libtal/io/record.h"):
        assert (prefix / path).exists(), path
    project = folder / "project"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(uses_tal CXX)\nfind_package(tal REQUIRED)\n"
        "add_executable(uses main.cpp)\ntarget_link_libraries(uses PRIVATE tal::tal" + (" tal::nn" if learned else "") + ")\n")
    (project / "main.cpp").write_text(
        '#include <cstdio>\n#include "libtal/base/segment.h"\n' + ('#include "libtal/nn/torch_info.h"\n' if learned else "") +
        "int main() {\n" + ('  std::printf("%s\\n", tal::torch_version().c_str());\n' if learned else "") +
        '  std::printf("%g\\n", tal::tiou({0, 2}, {1, 3}));\n}\n')
    sh("cmake", "-G", "Ninja", "-S", project, "-B", folder / "out", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    sh("cmake", "--build", folder / "out")
    out = sh(folder / "out/uses").split("\n")
    assert "0.333333" in out and (not learned or out[0].startswith("LibTorch ")), out
print("ok")
