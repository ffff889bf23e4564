// The lists of records that have nothing wrong, which are nearly all: read without a tree of values, in a fraction of
// the time that the check of each item takes (check_lists.cpp), which is the reference.
#pragma once

#include <simdjson.h>

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tal {

class PlainList {
 public:
  // What items may not be, and whether a member that no tool reads may be a misspelt one.
  struct Bounds {
    double duration = 0;                                // seconds; 0: unknown
    double tolerance = 0;                               // seconds a segment may end behind its video
    std::function<bool(std::string_view label)> known;  // none: every label is
    std::function<bool(std::string_view member)> foreign;
  };
  struct Item {
    double start = 0, end = 0;  // seconds
    std::size_t label = 0, whose = 0;
    bool point = false;
  };

  // Whether the text is a list of JSON, to be asked about. It need not outlive this.
  bool parse(std::string_view text);
  // Whether the reference would find nothing in the annotations (else: proposals) of the list that was parsed, which
  // are read then. Objects have no two members of one name.
  bool is_plain(bool annotations, const Bounds& bounds);

  const std::vector<Item>& items() const { return items_; }
  std::size_t size() const { return size_; }
  // Item::label is its place here, in the order of their first items; "": none.
  const std::vector<std::string_view>& labels() const { return labels_; }

 private:
  bool read(simdjson::dom::object object, bool annotations, const Bounds& bounds);
  bool any_twins_or_overlaps(bool annotations);

  simdjson::dom::parser parser_;
  simdjson::dom::array list_;
  std::size_t size_ = 0;
  std::vector<Item> items_, sorted_;
  std::vector<std::string_view> labels_;
  std::unordered_map<std::string_view, std::size_t> label_places_;
  std::unordered_map<std::string, std::size_t> whose_places_;
};

}  // namespace tal
