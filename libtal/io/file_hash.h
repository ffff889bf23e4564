// SHA-256 of whole files: what a history and the settings of features name weights and models by.
#pragma once

#include <string>

namespace tal {

// "sha256:..." of the file's bytes. A file that stays as it is (by place, size and time) is read once in a run, however
// many ask. Error when it cannot be read. Thread safe.
std::string file_hash(const std::string& path);

}  // namespace tal
