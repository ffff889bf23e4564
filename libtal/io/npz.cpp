#include "libtal/io/npz.h"

#include <algorithm>
#include <cctype>

#include "libtal/base/error.h"
#include "libtal/io/digits.h"
#include "libtal/io/npy.h"

namespace tal {

bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const auto run = [&](std::string_view& text) {
        std::string_view number = text.substr(0, digits_at(text, 0));
        text.remove_prefix(number.size());
        while (number.size() > 1 && number[0] == '0') number.remove_prefix(1);
        return number;
      };
      const auto x = run(a), y = run(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[0] != b[0]) return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]);
      a.remove_prefix(1), b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // "01" and "1": a strict order all the same
}

Npz::Npz(std::string_view file) : entries_(zip_entries(file)) {
  for (auto& entry : entries_) {
    if (entry.name == "data.pkl" || entry.name.ends_with("/data.pkl"))
      throw Error("a PyTorch file (torch.save): load it in Python and save its rows with numpy.save or numpy.savez");
    if (!entry.name.ends_with(".npy")) throw Error("'" + entry.name + "' is not an .npy array: not an .npz file");
    entry.name.resize(entry.name.size() - 4);
    names_.push_back(entry.name);
    index_.emplace(entry.name, index_.size());
  }
  std::sort(names_.begin(), names_.end(), natural_less);
}

const ZipEntry& Npz::entry(const std::string& name) const {
  if (const auto found = index_.find(name); found != index_.end()) return entries_[found->second];
  throw Error("no array '" + name + "'");
}

std::string_view Npz::npy(const std::string& name, std::string& storage) const { return unzip(entry(name), storage); }

Npz::About Npz::about(const std::string& name) const {
  constexpr std::size_t kMostHeader = 1 << 17;  // version 1 has at most 65545 bytes
  const ZipEntry& found = entry(name);
  try {
    const std::string start = unzip_start(found, kMostHeader);
    if (auto other = npy_other_kind(start)) return {std::move(*other), {}};
    return {"", parse_npy_header(start, found.size).shape};
  } catch (const Error& error) {
    throw Error("array '" + name + "': " + error.message());
  }
}

}  // namespace tal
