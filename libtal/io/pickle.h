// Python pickles as inert data. Nothing that a pickle asks for is run: a global stays a name, a call stays a callee
// with arguments, and names that the caller does not allow stop the reading.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

struct PickleNode {
  enum class Kind { kNone, kBool, kInt, kFloat, kText, kTuple, kList, kDict, kGlobal, kCall, kPersistent };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;  // bool, int
  double real = 0;
  std::string text;  // str, bytes, "module.name" of a global, and the little-endian bytes of an int of more than 64
                     // bits
  // tuple, list: the items; dict (OrderedDict too): key, value, key, value, ...; call (an object of a class too):
  // callee, tuple of arguments, then what the object was filled with: a dict of its items, a list of its elements, a
  // tuple of one for its state; persistent: the id
  std::vector<const PickleNode*> items;

  const PickleNode* value(std::string_view key) const;  // of a dict; nullptr when absent or not a dict
};

// The machine of one pickle. Nodes may be shared and may contain themselves: who walks them bounds the walk.
class Pickle {
 public:
  // Takes one pickle (protocol 0 to 5) off the front of `bytes`. Error for a global that `allowed` refuses (it is
  // named), an opcode that reaches out of the pickle (extension registry, buffers), and bytes that are no pickle.
  Pickle(std::string_view& bytes, bool (*allowed)(std::string_view global));

  const PickleNode& root() const { return *root_; }
  const std::deque<PickleNode>& nodes() const { return nodes_; }

 private:
  class Machine;
  std::deque<PickleNode> nodes_;
  const PickleNode* root_ = nullptr;
};

}  // namespace tal
