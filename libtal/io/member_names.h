// The names of the members of JSON objects on the way through a text, to find one that an object has twice. Cheap for
// lists of objects with the same members: each name is compared with the one that the object before had in its place.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tal {

// Names are views: what they point to must live until clear().
class MemberNames {
 public:
  // An object begins, inside the one that was opened before it and is not closed.
  void open() {
    if (depth_ == levels_.size()) levels_.emplace_back();
    Level& level = levels_[depth_++];
    level.same = 0, level.follows = true;
    level.large.reset();
  }
  void close() { --depth_; }
  void clear() {
    for (auto& level : levels_) level.names.clear();
    depth_ = 0;
  }

  // false: the object has a member of this name.
  bool add(std::string_view name) {
    Level& level = levels_[depth_ - 1];
    if (level.follows) {
      if (level.same < level.names.size() && level.names[level.same] == name) return ++level.same, true;
      level.names.resize(level.same);
      level.follows = false;
    }
    return add_other(level, name);
  }
  // Whether the text at a name (behind its quote) goes on with the name that the object before had in this place and
  // its closing quote; then the name is added, and its length returned. npos: it does not.
  std::size_t add_expected(std::string_view text) {
    Level& level = levels_[depth_ - 1];
    if (!level.follows || level.same == level.names.size()) return std::string_view::npos;
    const std::string_view name = level.names[level.same];
    if (text.size() <= name.size() || text[name.size()] != '"') return std::string_view::npos;
    for (std::size_t i = 0; i < name.size(); ++i)  // short: no call
      if (text[i] != name[i] || text[i] == '\\') return std::string_view::npos;
    ++level.same;
    return name.size();
  }

 private:
  static constexpr std::size_t kSmall = 32;
  struct Level {
    std::vector<std::string_view> names;  // of the object; while it follows the one before, of that one
    std::size_t same = 0;                 // so many are the same
    bool follows = true;
    std::unique_ptr<std::unordered_set<std::string_view>> large;  // the names, of an object with many
  };

  static bool add_other(Level& level, std::string_view name) {
    if (!level.large && level.names.size() >= kSmall)
      level.large = std::make_unique<std::unordered_set<std::string_view>>(level.names.begin(), level.names.end());
    if (level.large) {
      if (!level.large->insert(name).second) return false;
    } else {
      for (const auto& known : level.names)
        if (known == name) return false;
    }
    level.names.push_back(name);
    return true;
  }

  std::vector<Level> levels_;
  std::size_t depth_ = 0;
};

}  // namespace tal
