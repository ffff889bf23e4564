// Shared libraries that are opened when a run needs them.
#pragma once

#include <string>

namespace tal {

class SharedLibrary {
 public:
  // Error "NAME: why" when it cannot be opened, or when the file was cut off. visible: its symbols serve libraries that
  // are opened later.
  explicit SharedLibrary(const std::string& name_or_path, bool visible = false);

  // A function or variable of it. Error when there is none of that name.
  template <class Pointer>
  Pointer symbol(const char* name) const {
    return reinterpret_cast<Pointer>(address(name));
  }
  bool has(const char* name) const;
  void close();  // without it, it stays open until the process ends
  const std::string& name() const { return name_; }

 private:
  void* address(const char* name) const;
  std::string name_;
  void* handle_ = nullptr;
};

// Where this library (libtal.so) lies: its plug-ins lie beside it. No slash at the end.
std::string own_folder();

}  // namespace tal
