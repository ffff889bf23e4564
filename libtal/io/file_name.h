// Files by the names that a command line has for them.
#pragma once

#include <string>

namespace tal {

// The file that an option's value names: itself, or behind NAME: or SUBSET=, or the one of which it names a part. ""
// when none is there, for a folder, and for a pipe, which can be read but once.
std::string regular_file_in(const std::string& value);

// One of several parts of a file, as one writes it: "all.safetensors/rpn" is the part "rpn" of all.safetensors. part
// "": the path itself is a file, or nothing is there.
struct FilePart {
  std::string file, part;
};
FilePart file_part(const std::string& path);

// What is equal for names of the same file, by way of links too, and where it is not there yet. "-" is stdout where it
// is written, stdin where it is read. "" for what keeps nothing that a second use would spoil: a device or pipe other
// than stdout, a folder; of what is read also for a file that is not there.
std::string file_written(const std::string& value);
std::string file_read(const std::string& value);

}  // namespace tal
