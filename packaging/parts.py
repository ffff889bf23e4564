"""What the packages share: the version, the libraries that something needs and where they come from, files written the same way every time."""
import gzip
import hashlib
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of the C and C++ runtimes, which every Linux with a glibc brings; of LibTorch, which the `torch` package brings.
BASE = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|stdc\+\+|gcc_s))\.so\.\d+$")
TORCH = re.compile(r"^lib(torch|torch_cpu|torch_cuda|c10|c10_cuda)\.so$|^libgomp\.so\.1$")


def version():
    """The one place: project(tal VERSION ...)."""
    return re.search(r"project\(tal VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


def torch_version():
    return re.search(r"^torch_version=(.*)", (ROOT / "run").read_text(), re.M)[1]


def epoch():
    """Seconds: the time that files in packages have, SOURCE_DATE_EPOCH or that of the commit."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return int(said) if said else int(subprocess.run(["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=True).stdout)


def output(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", path))


def known_libraries():
    """The linker's cache: SONAME -> path."""
    lines = re.findall(r"^\s+(\S+) \(libc6,x86-64\S*\) => (\S+)$", output("/sbin/ldconfig", "-p"), re.M)
    return {name: pathlib.Path(path) for name, path in reversed(lines)}


def hdf5_of(libtal):
    """The SONAME of the HDF5 library that a libtal.so opens."""
    return re.search(rb"libhdf5[a-z_]*\.so\.\d+", pathlib.Path(libtal).read_bytes())[0].decode()


def closure(roots, folders=(), opened=()):
    """Libraries that `roots` (paths) need, themselves apart, and those that they open (SONAMEs): SONAME -> path, looked for in `folders` first. SystemExit
    where one is nowhere."""
    system, found, own = known_libraries(), {}, {pathlib.Path(root).name for root in roots}
    open_ = [*roots, None]
    while open_:
        path = open_.pop()
        for name in opened if path is None else needed(path):
            if name in found or name in own or BASE.match(name) or TORCH.match(name) or name.startswith("libtal"):
                continue
            place = next((pathlib.Path(f) / name for f in folders if (pathlib.Path(f) / name).exists()), system.get(name))
            if place is None:
                raise SystemExit(f"packaging: {name}, which {path} needs, is nowhere on this machine")
            found[name] = place.resolve()
            open_.append(place)
    return dict(sorted(found.items()))


def packages_of(paths):
    """Path -> Debian package that has it; what was built here is in none."""
    forms = {form: path for path in paths for form in (str(path), str(path).replace("/usr/lib/", "/lib/", 1))}
    found = subprocess.run(["dpkg", "-S", *forms], capture_output=True, text=True).stdout
    return {forms[place]: package.split(":")[0] for package, place in re.findall(r"^([^\s,]+).*: (/\S+)$", found, re.M) if place in forms}


def build_paths(folder, places):
    """Binaries below `folder` that hold the name of a folder of this machine."""
    return [f"{path}: {place}" for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file() and is_elf(path)
            for place in places if str(place).encode() in path.read_bytes()]


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def write_gz(path, data):
    with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=9, mtime=0) as packed:
        packed.write(data)
