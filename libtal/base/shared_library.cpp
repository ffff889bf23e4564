#include "libtal/base/shared_library.h"

#include <dlfcn.h>
#include <elf.h>

#include <filesystem>
#include <fstream>

#include "libtal/base/error.h"

namespace tal {
namespace {

// Opening a file that ends early would end the process. Its last part is the table of sections, whose place the head
// tells.
void refuse_cut_file(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return;  // dlopen says why
  Elf64_Ehdr head{};
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(&head), sizeof head);
  if (size < sizeof head || std::string_view(reinterpret_cast<const char*>(head.e_ident), SELFMAG) != ELFMAG) return;
  if (head.e_shoff + std::uint64_t{head.e_shentsize} * head.e_shnum > size) throw Error("'" + path + "' is cut off");
}

}  // namespace

SharedLibrary::SharedLibrary(const std::string& name, bool visible) : name_(name) {
  if (name.find('/') != std::string::npos) refuse_cut_file(name);
  handle_ = dlopen(name.c_str(), RTLD_NOW | (visible ? RTLD_GLOBAL : RTLD_LOCAL));
  if (!handle_) throw Error(dlerror());
}

void SharedLibrary::close() {
  dlclose(handle_);
  handle_ = nullptr;
}

bool SharedLibrary::has(const char* name) const { return dlsym(handle_, name) != nullptr; }

void* SharedLibrary::address(const char* name) const {
  void* found = dlsym(handle_, name);
  if (!found) throw Error(name_ + " has no " + name + ": it is not of this version");
  return found;
}

std::string own_folder() {
  Dl_info info{};
  const std::string file = dladdr(reinterpret_cast<void*>(&own_folder), &info) && info.dli_fname ? info.dli_fname : "";
  const auto slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

}  // namespace tal
