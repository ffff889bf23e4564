// The names of the members of JSON objects on the way through a text, to find one that an object has twice. Cheap for
// the small objects of records: a name is compared with those before it only when a bit of it was there before.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tal {

// Names are views: what they point to must live as long as their object is open.
class MemberNames {
 public:
  void open() { open_.push_back({names_.size(), 0, false}); }
  // false: the object that was opened last has a member of this name.
  bool add(std::string_view name) {
    auto& object = open_.back();
    const std::uint64_t bit = std::uint64_t{1} << (hash_of(name) & 63);
    if ((object.seen & bit) && stands(object, name)) return false;
    object.seen |= bit;
    if (object.large) large_.back().insert(name);
    else names_.push_back(name);
    return true;
  }
  void close() {
    names_.resize(open_.back().first);
    if (open_.back().large) large_.pop_back();
    open_.pop_back();
  }
  void clear() { names_.clear(), open_.clear(), large_.clear(); }

 private:
  struct Object {
    std::size_t first;   // its names begin there
    std::uint64_t seen;  // bits of them
    bool large;          // they are in large_.back() instead
  };
  static constexpr std::size_t kSmall = 32;

  static std::size_t hash_of(std::string_view name) {
    if (name.empty()) return 0;
    const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(name[i])); };
    return name.size() + 3 * at(0) + 7 * at(name.size() / 2) + 5 * at(name.size() - 1);
  }
  bool stands(Object& object, std::string_view name) {
    if (object.large) return large_.back().count(name) > 0;
    for (std::size_t i = object.first; i < names_.size(); ++i)
      if (names_[i] == name) return true;
    if (names_.size() - object.first < kSmall) return false;
    object.large = true;  // many names: no more comparing one by one
    large_.emplace_back(names_.begin() + static_cast<std::ptrdiff_t>(object.first), names_.end());
    names_.resize(object.first);
    return false;
  }

  std::vector<std::string_view> names_;
  std::vector<Object> open_;
  std::vector<std::unordered_set<std::string_view>> large_;  // of the open objects with many members, outermost first
};

}  // namespace tal
