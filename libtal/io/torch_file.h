// PyTorch's .pt and .pth files (torch.save of tensors, state dicts and checkpoints around them): the zip format
// (since 1.6) and the legacy format before it. Nothing is unpickled as code (libtal/io/pickle.h).
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/pickle.h"
#include "libtal/io/safetensors.h"

namespace tal {

bool looks_like_torch_file(std::string_view file);

struct StateDict {
  std::vector<TensorView> tensors;   // contiguous; nested dicts and lists are joined by '.': "layers.0.weight"
  std::vector<std::string> skipped;  // entries that are no tensors
  std::size_t copied = 0;            // tensors that were strided views and have been laid out anew
  std::size_t shared = 0;            // tensors that use the storage of an earlier one: saved again as their own
  std::deque<std::string> storage;   // keeps copied tensors alive
};

class TorchFile {
 public:
  // The bytes must outlive the object and every StateDict. Error for damaged files and for pickles that ask for
  // anything but tensors.
  explicit TorchFile(std::string_view file);
  // The tensors under `key` ("state_dict", "checkpoint/model"; "" = the top; "." = the top and all below). Error that
  // lists what there is when the key is missing, or when all tensors lie further down.
  StateDict state_dict(const std::string& key) const;

 private:
  struct Archive {
    std::deque<Pickle> pickle;                         // one
    std::map<std::string, std::string_view> storages;  // bytes by key
    std::deque<std::string> unpacked;
  };
  static Archive read_zip(std::string_view file);
  static Archive read_legacy(std::string_view file);
  Archive archive_;
};

}  // namespace tal
