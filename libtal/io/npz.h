// NumPy .npz files: a zip archive of .npy arrays.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libtal/io/zip.h"

namespace tal {

class Npz {
 public:
  explicit Npz(std::string_view file);  // the bytes must outlive the object; Error when it is not a zip archive of .npy
                                        // entries
  const std::vector<std::string>& names() const {
    return names_;
  }  // without ".npy", sorted naturally (arr_2 before arr_10)
  // The .npy image of an array, unpacked into `storage` when it is compressed. Error for an unknown
  // name and for damaged bytes.
  std::string_view npy(const std::string& name, std::string& storage) const;
  // What an array is by its header alone, so that archives can be looked through without unpacking them.
  struct About {
    std::string other;                // what it holds when that is no numbers: "text" (npy_other_kind); "" otherwise
    std::vector<std::int64_t> shape;  // of numbers
  };
  About about(const std::string& name) const;

 private:
  const ZipEntry& entry(const std::string& name) const;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, std::size_t> index_;  // name -> entry
  std::vector<std::string> names_;
};

// "arr_2" < "arr_10": runs of digits compare as numbers.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace tal
