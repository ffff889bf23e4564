#include "libtal/base/shared_library.h"

#include <dlfcn.h>

#include "libtal/base/error.h"

namespace tal {

SharedLibrary::SharedLibrary(const std::string& name, bool visible)
    : name_(name), handle_(dlopen(name.c_str(), RTLD_NOW | (visible ? RTLD_GLOBAL : RTLD_LOCAL))) {
  if (!handle_) throw Error(dlerror());
}

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
