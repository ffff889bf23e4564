// Opcodes: CPython, Lib/pickletools.py.
#include "libtal/io/pickle.h"

#include <bit>
#include <unordered_map>

#include "libtal/base/error.h"

namespace tal {

using Kind = PickleNode::Kind;

const PickleNode* PickleNode::value(std::string_view key) const {
  if (kind != Kind::kDict) return nullptr;
  const PickleNode* found = nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (items[i]->kind == Kind::kText && items[i]->text == key) found = items[i + 1];  // Python's dict keeps the last
  return found;
}

class Pickle::Machine {
 public:
  Machine(std::string_view& bytes, bool (*allowed)(std::string_view), std::deque<PickleNode>& nodes)
      : bytes_(bytes), allowed_(allowed), nodes_(nodes) {}

  const PickleNode* run() {
    for (;;) {
      const auto opcode = static_cast<unsigned char>(take(1)[0]);
      if (opcode == '.') return pop();
      step(opcode);
      if (nodes_.size() > kMaxNodes) throw Error("the pickle has more than " + std::to_string(kMaxNodes) + " objects");
    }
  }

 private:
  static constexpr std::size_t kMaxNodes = 20'000'000;

  void step(unsigned char opcode) {
    switch (opcode) {
      case 0x80:
        if (const auto protocol = little(1); protocol < 2 || protocol > 5)
          throw Error("pickle protocol " + std::to_string(protocol) + " is not read (2 to 5 are)");
        return;
      case 0x95: take(8); return;  // FRAME: only a hint for reading ahead
      case '(': marks_.push_back(stack_.size()); return;
      case '0': pop(); return;
      case '1': since_mark(); return;
      case '2': stack_.push_back(top()); return;
      case 'N': push(Kind::kNone); return;
      case 0x88: push(Kind::kBool).integer = 1; return;
      case 0x89: push(Kind::kBool); return;
      case 'J': push(Kind::kInt).integer = static_cast<std::int32_t>(little(4)); return;
      case 'K': push(Kind::kInt).integer = static_cast<std::int64_t>(little(1)); return;
      case 'M': push(Kind::kInt).integer = static_cast<std::int64_t>(little(2)); return;
      case 0x8a: push_long(take(little(1))); return;
      case 0x8b: push_long(take(little(4))); return;
      case 'G': push_float(take(8)); return;
      case 'X':
      case 'T':
      case 'B': push(Kind::kText).text = take(little(4)); return;
      case 0x8c:
      case 'U':
      case 'C': push(Kind::kText).text = take(little(1)); return;
      case 0x8d:
      case 0x8e:
      case 0x96: push(Kind::kText).text = take(little(8)); return;
      case ')': push(Kind::kTuple); return;
      case 0x85:
      case 0x86:
      case 0x87: push_sequence(Kind::kTuple, last(opcode - 0x84u)); return;
      case 't': push_sequence(Kind::kTuple, since_mark()); return;
      case ']':
      case 0x8f: push(Kind::kList); return;  // a set is a list here
      case 'l':
      case 0x91: push_sequence(Kind::kList, since_mark()); return;
      case 'a': append(Kind::kList, last(1)); return;
      case 'e':
      case 0x90: append(Kind::kList, since_mark()); return;
      case '}': push(Kind::kDict); return;
      case 'd':
        push(Kind::kDict);
        append(Kind::kDict, since_mark_below_top());
        return;
      case 's': append(Kind::kDict, last(2)); return;
      case 'u': append(Kind::kDict, since_mark()); return;
      case 'h': stack_.push_back(recall(little(1))); return;
      case 'j': stack_.push_back(recall(little(4))); return;
      case 'q': memo_[little(1)] = top(); return;
      case 'r': memo_[little(4)] = top(); return;
      case 0x94: memo_.emplace(memo_.size(), top()); return;
      case 'c': {
        const std::string module(line());
        push_global(module, line());
        return;
      }
      case 0x93: {
        const auto names = last(2);
        if (names[0]->kind != Kind::kText || names[1]->kind != Kind::kText)
          throw Error("the pickle is damaged: a global without a name");
        push_global(names[0]->text, names[1]->text);
        return;
      }
      case 'R': call(); return;
      case 'b':
        pop();
        top();
        return;  // attributes of an object (a state dict's _metadata): not needed
      case 'Q': push_sequence(Kind::kPersistent, last(1)); return;
      default:
        throw Error("pickle opcode " + std::to_string(opcode) + " is not needed for tensors: refused, nothing was run");
    }
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) throw Error("the pickle is cut off");
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::uint64_t little(std::size_t width) {
    const auto raw = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    return value;
  }
  std::string_view line() {
    const auto end = bytes_.find('\n');
    if (end == std::string_view::npos) throw Error("the pickle is cut off");
    const auto text = take(end);
    take(1);
    return text;
  }

  PickleNode& push(Kind kind) {
    auto& node = nodes_.emplace_back();
    node.kind = kind;
    stack_.push_back(&node);
    return node;
  }
  void push_long(std::string_view raw) {
    auto& node = push(Kind::kInt);
    if (raw.size() > 8) {
      node.text = raw;
      return;
    }
    std::uint64_t value = !raw.empty() && (raw.back() & 0x80) ? ~std::uint64_t{0} : 0;  // two's complement
    for (std::size_t i = raw.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    node.integer = static_cast<std::int64_t>(value);
  }
  void push_float(std::string_view raw) {
    std::uint64_t bits = 0;
    for (const char c : raw) bits = bits << 8 | static_cast<unsigned char>(c);
    push(Kind::kFloat).real = std::bit_cast<double>(bits);
  }
  void push_sequence(Kind kind, std::vector<const PickleNode*> items) { push(kind).items = std::move(items); }
  void push_global(std::string_view module, std::string_view name) {
    const std::string global = std::string(module) + "." + std::string(name);
    if (!allowed_(global))
      throw Error("the pickle asks for '" + global + "', which tensors do not need: refused, nothing was run");
    push(Kind::kGlobal).text = global;
  }

  PickleNode* top() {
    if (stack_.size() <= floor()) throw Error("the pickle is damaged: its stack is empty");
    return stack_.back();
  }
  PickleNode* pop() {
    PickleNode* node = top();
    stack_.pop_back();
    return node;
  }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  std::vector<const PickleNode*> last(std::size_t count) {
    if (stack_.size() - floor() < count) throw Error("the pickle is damaged: its stack is empty");
    std::vector<const PickleNode*> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  std::vector<const PickleNode*> since_mark() {
    if (marks_.empty()) throw Error("the pickle is damaged: no mark");
    auto items = last(stack_.size() - floor());
    marks_.pop_back();
    return items;
  }
  // DICT: the new dict lies above the items that go into it.
  std::vector<const PickleNode*> since_mark_below_top() {
    PickleNode* dict = pop();
    auto items = since_mark();
    stack_.push_back(dict);
    return items;
  }
  void append(Kind kind, const std::vector<const PickleNode*>& items) {
    PickleNode* target = top();
    if (target->kind != kind || (kind == Kind::kDict && items.size() % 2 != 0))
      throw Error("the pickle is damaged: items for what is no list or dict");
    target->items.insert(target->items.end(), items.begin(), items.end());
  }
  PickleNode* recall(std::uint64_t key) const {
    const auto found = memo_.find(key);
    if (found == memo_.end()) throw Error("the pickle is damaged: no memo " + std::to_string(key));
    return found->second;
  }
  void call() {
    auto parts = last(2);
    if (parts[0]->kind != Kind::kGlobal || parts[1]->kind != Kind::kTuple)
      throw Error("the pickle is damaged: a call of what is no global");
    if (parts[0]->text != "collections.OrderedDict") return push_sequence(Kind::kCall, std::move(parts));
    PickleNode& dict = push(Kind::kDict);
    if (parts[1]->items.empty()) return;
    for (const PickleNode* pair : parts[1]->items[0]->items) {  // Python 2: OrderedDict([[key, value], ...])
      if (pair->items.size() != 2) throw Error("the pickle is damaged: an OrderedDict of what are no pairs");
      dict.items.insert(dict.items.end(), pair->items.begin(), pair->items.end());
    }
  }

  std::string_view& bytes_;
  bool (*allowed_)(std::string_view);
  std::deque<PickleNode>& nodes_;
  std::vector<PickleNode*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleNode*> memo_;
};

Pickle::Pickle(std::string_view& bytes, bool (*allowed)(std::string_view global)) {
  root_ = Machine(bytes, allowed, nodes_).run();
}

}  // namespace tal
