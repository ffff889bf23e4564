#include "libtal/data/plain_list.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "libtal/data/check_pass.h"

namespace tal {
namespace {

namespace dom = simdjson::dom;

// Whether it is [start, end], two numbers.
bool read_ends(dom::element value, double& start, double& end) {
  dom::array ends;
  if (value.get(ends) || ends.size() != 2) return false;
  return ends.at(0).is_number() && ends.at(1).is_number() && !ends.at(0).get(start) && !ends.at(1).get(end);
}

bool all_numbers(dom::element value) {
  dom::object scores;
  if (value.get(scores)) return false;
  return std::all_of(scores.begin(), scores.end(), [](const auto& score) { return score.value.is_number(); });
}

}  // namespace

bool PlainList::parse(std::string_view text) {
  items_.clear(), labels_.clear(), label_places_.clear(), whose_places_.clear();
  if (parser_.parse(text.data(), text.size()).get(list_)) return false;
  size_ = 0;
  for (auto at = list_.begin(); at != list_.end(); ++at) ++size_;  // size() stops counting at 2^24
  return true;
}

bool PlainList::is_plain(bool annotations, const Bounds& bounds) {
  items_.reserve(size_);
  for (const dom::element element : list_) {
    dom::object object;
    if (element.get(object) || !read(object, annotations, bounds)) return false;
  }
  return !any_twins_or_overlaps(annotations);
}

bool PlainList::read(dom::object object, bool annotations, const Bounds& bounds) {
  Item item;
  bool segment = false;
  std::string_view label;
  std::array<std::string, kWhose.size()> whose;
  for (const auto& [name, value] : object) {
    if (name == "segment") {
      if (!read_ends(value, item.start, item.end)) return false;
      segment = true;
    } else if (name == "at") {
      if (!value.is_number() || value.get(item.start)) return false;
      item.end = item.start, item.point = true;
    } else if (name == "label") {
      if (value.get(label)) return false;
    } else if (name == "score") {
      if (!value.is_number()) return false;
    } else if (name == "scores") {
      if (!all_numbers(value)) return false;
    } else if (const auto at = std::find(kWhose.begin(), kWhose.end(), name); at != kWhose.end()) {
      if (!value.is_null())
        whose[static_cast<std::size_t>(at - kWhose.begin())] = std::string(name) + simdjson::minify(value);
    } else if (!bounds.foreign(name)) {
      return false;
    }
  }
  if (segment == item.point || (annotations && label.empty())) return false;
  if (item.start < 0 || (!item.point && !(item.start < item.end))) return false;
  if (bounds.duration > 0 &&
      (item.end > bounds.duration + bounds.tolerance || (!item.point && item.start >= bounds.duration)))
    return false;
  const auto [place, fresh] = label_places_.try_emplace(label, labels_.size());
  if (fresh) {
    if (bounds.known && !label.empty() && !bounds.known(label)) return false;
    labels_.push_back(label);
  }
  item.label = place->second;
  std::string all;
  for (const auto& part : whose) all += part;
  item.whose = all.empty() ? 0 : whose_places_.try_emplace(all, whose_places_.size() + 1).first->second;
  items_.push_back(item);
  return true;
}

bool PlainList::any_twins_or_overlaps(bool annotations) {
  sorted_ = items_;
  const auto key = [](const Item& item) { return std::tie(item.label, item.whose, item.point, item.start, item.end); };
  std::sort(sorted_.begin(), sorted_.end(), [&](const Item& a, const Item& b) { return key(a) < key(b); });
  for (std::size_t i = 1; i < sorted_.size(); ++i) {
    const Item &before = sorted_[i - 1], &here = sorted_[i];
    if (before.label != here.label || before.whose != here.whose || before.point != here.point) continue;
    // Of sorted segments the first pair that overlaps are neighbours.
    if (annotations && !here.point ? before.end > here.start : before.start == here.start && before.end == here.end)
      return true;
  }
  return false;
}

}  // namespace tal
