// PyTorch's .pt and .pth files (torch.save of tensors, state dicts and checkpoints around them): the zip format
// (since 1.6) and the legacy format before it, of any pickle protocol. Nothing is unpickled as code
// (libtal/io/pickle.h): objects of other classes are data that is walked past.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/pickle.h"
#include "libtal/io/safetensors.h"

namespace tal {

bool looks_like_torch_file(std::string_view file);

struct StateDict {
  std::vector<TensorView> tensors;   // contiguous; nested dicts and lists are joined by '.': "layers.0.weight"
  std::vector<std::string> skipped;  // entries that are no tensors, objects with their class: "best (numpy.scalar)"
  std::map<std::string, std::size_t> objects;  // of the whole file, by class: what is neither tensor nor container
  std::size_t copied = 0;                      // tensors that were strided views and have been laid out anew
  std::size_t negated = 0;                     // views with PyTorch's negative bit, whose values have been written out
  std::size_t shared = 0;           // tensors that use the storage of an earlier one: saved again as their own
  std::deque<std::string> storage;  // keeps copied tensors alive
};

// All tensors lie below further keys. The message says which; how to name one is for the tool to add.
class TensorsBelow : public Error {
 public:
  struct Key {
    std::string name;
    std::size_t tensors = 0;
  };
  explicit TensorsBelow(std::vector<Key> keys);
  const std::vector<Key>& keys() const { return keys_; }

 private:
  std::vector<Key> keys_;
};

class TorchFile {
 public:
  // The bytes must outlive the object and every StateDict. Error for damaged files and for pickles that name what runs
  // commands or code (os.system, eval): no checkpoint needs them, though nothing of a file is ever run.
  explicit TorchFile(std::string_view file);
  // The tensors under `key` ("" = the top; "." = the top and all below): a key of a dict or an index of a list, nested
  // ones joined by '/' ("checkpoint/model"); a key that holds a '/' is meant as it stands. Error that lists what there
  // is when the key is missing, or can be read in two ways; TensorsBelow when all tensors lie further down. A tensor
  // that is not dense, real and strided is an Error with its name.
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
