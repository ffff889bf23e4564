#include "libtal/stages/torch_library.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/base/process_end.h"
#include "libtal/base/shared_library.h"

#ifndef TAL_TORCH_VERSION  // a build without networks
#define TAL_TORCH_VERSION ""
#define TAL_TORCH_FOLDER ""
#endif

namespace tal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary = "libtorch_cpu.so";

struct Place {
  fs::path folder;
  std::string origin;
};

std::string release_of(const std::string& version) {
  return version.substr(0, version.find('.', version.find('.') + 1));
}

// "2.11.0" of the LibTorch whose libraries lie in `lib`: its headers' or its Python package's; "" when neither tells
// it.
std::string version_of(const fs::path& lib) {
  const auto text = [&](const char* name) {
    std::ostringstream out;
    out << std::ifstream(lib.parent_path() / name).rdbuf();
    return out.str();
  };
  std::smatch found;
  for (const char* name : {"include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/version.h"}) {
    static const std::regex number(R"(define TORCH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+))");
    const std::string header = text(name);
    std::string version;
    for (auto i = std::sregex_iterator(header.begin(), header.end(), number); i != std::sregex_iterator(); ++i)
      version += (version.empty() ? "" : ".") + (*i)[1].str();
    if (!version.empty()) return version;
  }
  static const std::regex assignment(R"(__version__ = '(\d+\.\d+\.\d+))"), line(R"(^(\d+\.\d+\.\d+))");
  const std::string package = text("version.py"), archive = text("build-version");
  if (std::regex_search(package, found, assignment) || std::regex_search(archive, found, line)) return found[1];
  return "";
}

// A word that sh reads back as it is.
std::string quoted(const std::string& word) { return "'" + std::regex_replace(word, std::regex("'"), "'\\''") + "'"; }

// Where a Python has its package torch; it is not imported.
std::optional<fs::path> torch_of(const std::string& python) {
  const std::string command = "timeout 10 " + quoted(python) +
                              " -c 'import importlib.util as u; s = u.find_spec(\"torch\"); "
                              "print(s.submodule_search_locations[0] if s "
                              "else \"\")' 2>/dev/null </dev/null";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return std::nullopt;
  std::string out;
  char buffer[512];
  while (const auto count = std::fread(buffer, 1, sizeof buffer, pipe.get())) out.append(buffer, count);
  out = out.substr(0, out.find('\n'));
  if (!fs::path(out).is_absolute()) return std::nullopt;
  return fs::path(out) / "lib";
}

// Pythons to ask: that of the environment (venv, conda) into which tal itself was installed, be it active or not, then
// the active one.
std::vector<std::string> pythons() {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const char* up : {"..", "../.."}) {  // ENVIRONMENT/lib, ENVIRONMENT/lib/tal
    const fs::path environment = (fs::path(own_folder()) / up).lexically_normal();
    const fs::path python = environment / "bin" / "python3";
    if ((fs::exists(environment / "pyvenv.cfg", ignored) || fs::exists(environment / "conda-meta", ignored)) &&
        fs::exists(python, ignored))
      found.push_back(python.string());
  }
  found.emplace_back("python3");
  return found;
}

// nullopt and `why` when there is none at this place, or one that does not fit.
std::optional<TorchLibrary> try_place(const Place& place, std::string& why) {
  std::error_code ignored;
  if (!fs::exists(place.folder / kLibrary, ignored)) {
    why = std::string("no ") + kLibrary + " there";
    return std::nullopt;
  }
  const std::string version = version_of(place.folder);
  if (!version.empty() && release_of(version) != release_of(TAL_TORCH_VERSION)) {
    why = "LibTorch " + version + " is there, and tal was built with " TAL_TORCH_VERSION;
    return std::nullopt;
  }
  try {
    SharedLibrary cpu((place.folder / kLibrary).string(), true);  // brings libc10.so along
    if (!cpu.has("aoti_torch_device_type_cpu")) {                 // of its C interface
      cpu.close();
      throw Error(std::string("the ") + kLibrary + " there is not LibTorch's");
    }
  } catch (const Error& error) {
    why = error.message();
    return std::nullopt;
  }
  TorchLibrary found{place.folder.string(), place.origin, version, ""};
  if (const auto cuda = place.folder / "libtorch_cuda.so"; fs::exists(cuda, ignored)) try {
      const SharedLibrary opened(cuda.string(), true);
    } catch (const Error& error) {
      found.remark = "its CUDA part cannot be opened: " + error.message();
    }
  return found;
}

TorchLibrary find_torch() {
  if (std::string(TAL_TORCH_VERSION).empty())
    throw Error("this build of tal has no networks: it was made without LibTorch");
  std::string why;
  if (const char* said = std::getenv("TAL_TORCH"); said && *said) {
    if (std::string(said) == "OFF") throw Error("networks are off: TAL_TORCH=OFF");
    std::error_code ignored;
    const fs::path folder = fs::exists(fs::path(said) / kLibrary, ignored) ? fs::path(said) : fs::path(said) / "lib";
    if (auto found = try_place({folder, "TAL_TORCH"}, why)) return *found;
    throw Error("TAL_TORCH=" + std::string(said) + ": " + why);
  }
  std::string tried;
  const auto at = [&](const Place& place) {
    auto found = try_place(place, why);
    if (!found) tried += "; " + place.folder.string() + " (" + place.origin + "): " + why;
    return found;
  };
  const fs::path own = own_folder();
  for (const auto& folder : {own, own / "libtorch" / "lib"})
    if (auto found = at({folder, "beside libtal.so"})) return *found;
  for (const auto& python : pythons())
    if (const auto folder = torch_of(python)) {
      if (auto found = at({*folder, "torch of " + python})) return *found;
    } else {
      tried += "; " + python + " has no package torch";
    }
  if (*TAL_TORCH_FOLDER)  // "" in packages
    if (auto found = at({TAL_TORCH_FOLDER, "the build's"})) return *found;
  throw Error("networks need LibTorch " + release_of(TAL_TORCH_VERSION) +
              " (pip install torch==" TAL_TORCH_VERSION ", or TAL_TORCH=/path/to/libtorch)" + tried);
}

}  // namespace

const TorchLibrary& open_torch() {
  static const TorchLibrary found = [] {
    auto opened = find_torch();
    leave_libraries_open();
    return opened;
  }();
  return found;
}

}  // namespace tal
