// Opcodes: CPython, Lib/pickletools.py.
#include "libtal/io/pickle.h"

#include <bit>
#include <cctype>
#include <limits>
#include <unordered_map>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/io/digits.h"

namespace tal {

using Kind = PickleNode::Kind;

const PickleNode* PickleNode::value(std::string_view key) const {
  if (kind != Kind::kDict) return nullptr;
  const PickleNode* found = nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (items[i]->kind == Kind::kText && items[i]->text == key) found = items[i + 1];  // Python's dict keeps the last
  return found;
}

namespace {

// The hexadecimal digits at `at`, which moves behind them.
std::uint32_t take_hex(std::string_view text, std::size_t& at, std::size_t digits) {
  std::uint32_t code = 0;
  for (const std::size_t end = at + digits; at < end; ++at) {
    const int lower = at < text.size() ? std::tolower(static_cast<unsigned char>(text[at])) : 0;
    const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(lower));
    if (digit == std::string_view::npos) throw Error("the pickle is damaged: an escape in a text");
    code = code << 4 | static_cast<std::uint32_t>(digit);
  }
  return code;
}

// UNICODE of protocol 0: "raw-unicode-escape", Latin-1 with \u and \U.
std::string unescaped_unicode(std::string_view line) {
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    const char c = line[at++], next = at < line.size() ? line[at] : '\0';
    if (c == '\\' && (next == 'u' || next == 'U')) append_utf8(out, take_hex(line, ++at, next == 'u' ? 4 : 8));
    else append_utf8(out, static_cast<unsigned char>(c));
  }
  return out;
}

// STRING of protocol 0: Python's repr of a str of bytes, quotes included.
std::string text_of_repr(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
    throw Error("the pickle is damaged: a text without quotes");
  const std::string_view text = line.substr(1, line.size() - 2);
  constexpr std::string_view kNames = "nrt\\'\"", kValues = "\n\r\t\\'\"";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '\\') {
      out += c;
      continue;
    }
    const char name = at < text.size() ? text[at++] : '\0';
    if (const auto known = kNames.find(name); known != std::string_view::npos) out += kValues[known];
    else if (name == 'x') out += static_cast<char>(take_hex(text, at, 2));
    else throw Error("the pickle is damaged: an escape in a text");
  }
  return out;
}

// A decimal integer as little-endian two's complement, as LONG1 has it. Long ones are hashes and magic numbers: the
// quadratic cost is bounded by their length.
std::string long_bytes(std::string_view digits) {
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  if (digits.size() > 1000 || !is_digits(digits)) throw Error("the pickle is damaged: an integer that is none");
  std::string bytes(1, '\0');
  for (const char digit : digits) {
    unsigned carry = static_cast<unsigned>(digit - '0');
    for (char& byte : bytes) {
      carry += 10 * static_cast<unsigned char>(byte);
      byte = static_cast<char>(carry & 255), carry >>= 8;
    }
    if (carry) bytes += static_cast<char>(carry);
  }
  if (bytes.back() & 0x80) bytes += '\0';
  if (negative) {
    unsigned carry = 1;
    for (char& byte : bytes) {
      carry += static_cast<unsigned char>(~byte);
      byte = static_cast<char>(carry & 255), carry >>= 8;
    }
  }
  return bytes;
}

}  // namespace

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
        if (const auto protocol = little(1); protocol > 5)
          throw Error("pickle protocol " + std::to_string(protocol) + " is not read (0 to 5 are)");
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
      case 'R':
      case 0x81:
      case 0x92: call(last(opcode == 0x92 ? 3 : 2)); return;
      case 'o': call_since_mark(since_mark()); return;
      case 'b': build(); return;
      case 'Q': push_sequence(Kind::kPersistent, last(1)); return;
      default: step_text(opcode);
    }
  }

  // Those of protocol 0, which are lines of text.
  void step_text(unsigned char opcode) {
    switch (opcode) {
      case 'I': {
        const auto text = line();
        auto& node = push(text == "00" || text == "01" ? Kind::kBool : Kind::kInt);
        node.integer = parse_integer(text);
        return;
      }
      case 'L': {
        auto text = line();
        if (text.ends_with('L')) text.remove_suffix(1);
        push_long(long_bytes(text));
        return;
      }
      case 'F': push(Kind::kFloat).real = real(line()); return;
      case 'S': push(Kind::kText).text = text_of_repr(line()); return;
      case 'V': push(Kind::kText).text = unescaped_unicode(line()); return;
      case 'p': memo_[memo_key()] = top(); return;
      case 'g': stack_.push_back(recall(memo_key())); return;
      case 'P':
        push(Kind::kText).text = line();
        push_sequence(Kind::kPersistent, last(1));
        return;
      case 'i': {
        const std::string module(line());
        auto arguments = since_mark();
        push_global(module, line());
        arguments.insert(arguments.begin(), pop());
        return call_since_mark(std::move(arguments));
      }
      default:
        throw Error("pickle opcode " + std::to_string(opcode) + " is not needed for tensors: refused, nothing was run");
    }
  }

  static double real(std::string_view text) {
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "inf" || text == "-inf") return (text == "inf" ? 1 : -1) * std::numeric_limits<double>::infinity();
    return parse_number(text);
  }
  std::uint64_t memo_key() {
    const std::int64_t key = parse_integer(line());
    if (key < 0) throw Error("the pickle is damaged: a negative memo");
    return static_cast<std::uint64_t>(key);
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
    if (target->kind == Kind::kCall) target = contents(*target, kind);
    if (target->kind != kind || (kind == Kind::kDict && items.size() % 2 != 0))
      throw Error("the pickle is damaged: items for what is no list or dict");
    target->items.insert(target->items.end(), items.begin(), items.end());
  }
  PickleNode* recall(std::uint64_t key) const {
    const auto found = memo_.find(key);
    if (found == memo_.end()) throw Error("the pickle is damaged: no memo " + std::to_string(key));
    return found->second;
  }
  // The dict of an object's items, or the list of its elements: of a class that is derived from one of them.
  PickleNode* contents(PickleNode& object, Kind kind) {
    for (std::size_t i = 2; i < object.items.size(); ++i)
      if (object.items[i]->kind == kind) return const_cast<PickleNode*>(object.items[i]);
    auto& made = nodes_.emplace_back();
    made.kind = kind;
    object.items.push_back(&made);
    return &made;
  }
  void build() {
    PickleNode* state = pop();
    PickleNode* object = top();
    if (object->kind != Kind::kCall) return;  // attributes of a dict (a state dict's _metadata): not needed
    auto& node = nodes_.emplace_back();
    node.kind = Kind::kTuple, node.items = {state};
    object->items.push_back(&node);
  }
  void call_since_mark(std::vector<const PickleNode*> parts) {
    if (parts.empty()) throw Error("the pickle is damaged: a call of nothing");
    push_sequence(Kind::kTuple, {parts.begin() + 1, parts.end()});
    call({parts[0], pop()});
  }
  // REDUCE and NEWOBJ: callee and tuple of arguments (NEWOBJ_EX: and those by name, which no tensor has).
  void call(std::vector<const PickleNode*> parts) {
    const Kind callee = parts[0]->kind;  // of objects also what a call gave, and a class of PyTorch's legacy files
    const bool callable = callee == Kind::kGlobal || callee == Kind::kCall || callee == Kind::kPersistent;
    if (!callable || parts[1]->kind != Kind::kTuple) throw Error("the pickle is damaged: a call of what is no global");
    parts.resize(2);
    if (parts[0]->text == "copyreg._reconstructor" || parts[0]->text == "copy_reg._reconstructor")
      return reconstruct(parts[1]->items);
    if (parts[0]->text != "collections.OrderedDict") return push_sequence(Kind::kCall, std::move(parts));
    PickleNode& dict = push(Kind::kDict);
    if (parts[1]->items.empty()) return;
    for (const PickleNode* pair : parts[1]->items[0]->items) {  // Python 2: OrderedDict([[key, value], ...])
      if (pair->items.size() != 2) throw Error("the pickle is damaged: an OrderedDict of what are no pairs");
      dict.items.insert(dict.items.end(), pair->items.begin(), pair->items.end());
    }
  }

  // An object of protocol 0 or 1: its class, the class that it is derived from, and what that is made of.
  void reconstruct(const std::vector<const PickleNode*>& arguments) {
    if (arguments.size() != 3) throw Error("the pickle is damaged: an object without a class");
    auto& none = nodes_.emplace_back();
    none.kind = Kind::kTuple;
    PickleNode& object = push(Kind::kCall);
    object.items = {arguments[0], &none};
    const Kind base = arguments[2]->kind;
    if (base == Kind::kDict || base == Kind::kList) object.items.push_back(arguments[2]);
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
