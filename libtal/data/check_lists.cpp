// The annotations and proposals of a record: their faults and repairs.
#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/data/check_pass.h"
#include "libtal/data/plain_list.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

// The parts of a JSON array or object (text that has been parsed without fault) as they stand: elements, or members
// `"key": value`.
std::vector<std::string_view> parts_of(std::string_view container) {
  std::vector<std::string_view> parts;
  std::size_t begin = 1;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < container.size(); ++i) {
    const char c = container[i];
    if (quoted) {
      if (c == '\\') ++i;
      else quoted = c != '"';
      continue;
    }
    quoted = c == '"';
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if ((c == ',' && depth == 1) || depth == 0) {
      if (const auto part = trim_json(container.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
      begin = i + 1;
    }
  }
  return parts;
}

// An item with another segment, every other byte as it stands.
std::string with_segment(std::string_view item, double start, double end) {
  std::string out(item);
  for (const auto member : parts_of(item)) {
    std::size_t close = 1;
    while (member[close] != '"') close += member[close] == '\\' ? 2 : 1;
    if (nlohmann::json::parse(member.substr(0, close + 1)) != "segment") continue;
    const std::string_view value = trim_json(member.substr(member.find(':', close) + 1));
    std::string segment = "[";
    append_number(segment, start);
    segment += ',';
    append_number(segment, end);
    out.replace(static_cast<std::size_t>(value.data() - item.data()), value.size(), segment + "]");
    break;
  }
  return out;
}

std::string label_of(const nlohmann::json& item) {
  const auto found = item.find("label");
  return found != item.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string whose_of(const nlohmann::json& item) {
  std::string whose;
  for (const auto member : kWhose)
    if (const auto found = item.find(member); found != item.end() && !found->is_null())
      (whose += member) += found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return whose;
}

// What an item has besides times and label; null: nothing. Proposals stay one when only their scores differ.
nlohmann::json others_of(const nlohmann::json& item, bool annotation) {
  nlohmann::json others;
  for (const auto& [name, value] : item.items()) {
    const bool counted = name != "segment" && name != "at" && name != "label" && !value.is_null();
    if (counted && (annotation || (name != "score" && name != "scores"))) others[name] = value;
  }
  return others;
}

bool has_segment(const nlohmann::json& item) {
  const auto ends = item.is_object() ? item.find("segment") : item.end();
  return item.is_object() && ends != item.end() && ends->is_array() && ends->size() == 2 && (*ends)[0].is_number() &&
         (*ends)[1].is_number();
}

}  // namespace

// Reports what is wrong with a segment and repairs what `fix` names; whether it is one then.
bool RecordChecker::Pass::segment(Item& item, const std::string& where) {
  // A line that is no record is left out or passes as it is.
  const bool clip = checker_.clip_ && whole_, order = checker_.order_ && whole_, drop = checker_.drop_;
  auto& [index, start, end, score, label, whose, text, point, broken, again] = item;
  bool moved = false, kept = true;
  if (end < start) {
    add("reversed", where, "end " + format_number(end) + " is before start " + format_number(start), order || drop);
    if (order) std::swap(start, end), moved = true;
    else kept = false;
  }
  if (start == end) add("empty", where, "starts and ends at " + format_number(start), drop), kept = false;
  if (start < 0) {
    const bool mended = clip && end > 0;
    add("negative", where, "starts at " + format_number(start), mended || (drop && end <= 0));
    if (mended) start = 0, moved = true;
    else kept = kept && end > 0;
  }
  if (duration_ > 0 && start >= duration_) {
    add("after-end", where, "starts at " + format_number(start) + ", the video ends at " + format_number(duration_),
        drop);
    kept = false;
  } else if (duration_ > 0 && end > duration_ + checker_.options_.tolerance) {
    add("past-end", where,
        "ends at " + format_number(end) + ", " + format_number(end - duration_) + " s behind the video", clip);
    if (clip) end = duration_, moved = true;
  }
  if (moved && whole_) text = with_segment(text, start, end);
  return kept;
}

// The same of a point, which nothing can repair: a time outside the video cannot be moved into it.
bool RecordChecker::Pass::point(const Item& item, const std::string& where) {
  const bool before = item.start<0, after = duration_> 0 && item.start > duration_ + checker_.options_.tolerance;
  if (before) add("negative", where, "is at " + format_number(item.start), checker_.drop_);
  if (after)
    add("after-end", where, "is at " + format_number(item.start) + ", the video ends at " + format_number(duration_),
        checker_.drop_);
  return !before && !after;
}

// Takes the times of an item; whether they are right (and repaired).
bool RecordChecker::Pass::times(Item& item, const Json& json, const std::string& field) {
  const std::string segment_field = field + ".segment", point_field = field + ".at";
  item.broken = true;
  item.point = json.is_object() && json.contains("at");
  if (item.point && json.contains("segment")) {
    add("bad-segment", point_field, "stands beside segment; it is one or the other", checker_.drop_);
    return false;
  }
  if (item.point && !json["at"].is_number()) {
    add("bad-segment", point_field, "must be a number of seconds", checker_.drop_);
    return false;
  }
  if (!item.point && !has_segment(json)) {
    add("bad-segment", segment_field, "must be [start, end] in seconds", checker_.drop_);
    return false;
  }
  item.start = (item.point ? json["at"] : json["segment"][0]).get<double>();
  item.end = (item.point ? json["at"] : json["segment"][1]).get<double>();
  item.label = label_of(json);
  item.whose = whose_of(json);
  if (checker_.options_.seen) checker_.options_.seen(item.label, item.end);
  const bool right = item.point ? point(item, point_field) : segment(item, segment_field);
  item.broken = !item.point && !(item.start < item.end);
  return right;
}

// Whether score, label and scores are what they must be.
bool RecordChecker::Pass::item_members(const Json& item, const std::string& field, bool annotation) const {
  bool right = !twin_items_.count(field);  // reported by its place
  const auto fault = [&](const char* kind, const std::string& member, const std::string& what) {
    add(kind, field + member, what, checker_.drop_);
    right = false;
  };
  const auto label = item.find("label");
  const auto name = label_of(item);
  if (label != item.end() && !label->is_string()) fault("bad-label", ".label", "must be a string");
  else if (annotation && name.empty()) fault("bad-label", ".label", "missing");
  if (checker_.known_ && !name.empty() && !checker_.known_->labels.count(name))
    add("unknown-label", field + ".label",
        "'" + name + "' is not among the known labels" + checker_.known_labels_.reason(name));
  if (const auto alike = name.empty() ? "" : checker_.alike_labels_.see(name); !alike.empty())
    add("look-alike", field + ".label", "'" + name + "' " + alike);
  if (const auto score = item.find("score"); score != item.end() && !score->is_number())
    fault("bad-score", ".score", "must be a number");
  const auto scores = item.find("scores");
  if (scores == item.end()) return right;
  if (!scores->is_object()) fault("bad-score", ".scores", "must be an object of numbers");
  else
    for (const auto& [key, value] : scores->items())
      if (!value.is_number()) fault("bad-score", ".scores." + key, "must be a number");
  return right;
}

// Whether the list has the item already, with all its members: two at one time that differ in any (a modifier, a band
// of frequencies) are two. Of equal proposals the one with the better score stays.
bool RecordChecker::Pass::twin(const char* key, Item& item, const Json& json, std::vector<Item>& kept, Twins& same,
                               bool& changed) const {
  const auto [found, alone] =
      same.try_emplace({item.start, item.end, item.label, item.point}, Namesakes{kept.size(), {}});
  if (alone) return false;
  const auto others = [&](const Json& each) { return others_of(each, *key == 'a'); };
  auto& [earliest, by_members] = found->second;
  if (by_members.empty()) by_members.emplace(others(data_[key][kept[earliest].index]), earliest);
  const auto [before, fresh] = by_members.try_emplace(others(json), kept.size());
  if (fresh) return false;
  Item& first = kept[before->second];
  item.again = true;
  add("duplicated", std::string(key) + "[" + std::to_string(item.index) + (item.point ? "].at" : "].segment"),
      "the same as " + std::string(key) + "[" + std::to_string(first.index) + "]", checker_.dedup_ && whole_);
  if (!checker_.dedup_ || !whole_) return false;
  changed = true;
  if (item.score > first.score) first.text = std::move(item.text), first.score = item.score;
  return true;
}

void RecordChecker::Pass::item(const char* key, std::size_t index, std::string_view text, std::vector<Item>& kept,
                               Twins& same, bool& changed) {
  const Json& json = data_[key][index];
  const std::string field = std::string(key) + "[" + std::to_string(index) + "]";
  Item here;
  here.index = index, here.text = text;
  bool sound = times(here, json, field);
  const bool timed = here.point ? !here.broken : has_segment(json);
  changed = changed || here.text != text;
  if (json.is_object()) {
    spelling(key, json, field);
    sound = item_members(json, field, *key == 'a') && sound;
    if (const auto score = json.find("score"); score != json.end() && score->is_number())
      here.score = score->get<double>();
  }
  if (!sound && checker_.drop_) {
    changed = true;
    return;
  }
  if (timed && twin(key, here, json, kept, same, changed)) return;
  kept.push_back(std::move(here));
}

// Annotations by time, proposals best first; whether that was another order.
bool RecordChecker::Pass::sort(const char* key, std::vector<Item>& items) const {
  if (!checker_.sort_ || !whole_) return false;
  const auto by_time = [](const Item& a, const Item& b) {
    return std::tie(a.start, a.end, a.label) < std::tie(b.start, b.end, b.label);
  };
  const auto by_score = [](const Item& a, const Item& b) { return a.score > b.score; };
  const bool annotations = *key == 'a';
  if (annotations ? std::is_sorted(items.begin(), items.end(), by_time)
                  : std::is_sorted(items.begin(), items.end(), by_score))
    return false;
  // Without a proper segment or score an item has no place among the others.
  const bool sortable = std::none_of(items.begin(), items.end(), [](const Item& item) { return item.broken; });
  add("unsorted", key, annotations ? "not in the order of their times" : "not best score first", sortable);
  if (!sortable) return false;
  if (annotations) std::stable_sort(items.begin(), items.end(), by_time);
  else std::stable_sort(items.begin(), items.end(), by_score);
  return true;
}

// Whether nothing is to be said of any item, and all are told of that want to know.
bool RecordChecker::Pass::plain(const char* key, PlainList& items) {
  PlainList::Bounds bounds;
  bounds.duration = duration_, bounds.tolerance = checker_.options_.tolerance;
  if (checker_.known_)
    bounds.known = [this](std::string_view label) { return checker_.known_->labels.count(std::string(label)) > 0; };
  bounds.foreign = [this, key](std::string_view member) { return is_foreign(key, member); };
  if (!items.is_plain(*key == 'a', bounds)) return false;
  const std::vector<std::string> labels(items.labels().begin(), items.labels().end());
  std::size_t seen = 0;
  for (std::size_t i = 0; i < items.items().size(); ++i) {
    const auto& item = items.items()[i];
    const std::string& label = labels[item.label];
    if (checker_.options_.seen) checker_.options_.seen(label, item.end);
    if (item.label < seen) continue;
    seen = item.label + 1;
    if (const auto alike = label.empty() ? "" : checker_.alike_labels_.see(label); !alike.empty())
      add("look-alike", std::string(key) + "[" + std::to_string(i) + "].label", "'" + label + "' " + alike);
  }
  if (!(duration_ > 0) && !labels.empty()) no_ends_ = true;
  return true;
}

void RecordChecker::Pass::list(const char* key) {
  auto found = data_.find(key);
  if (found == data_.end()) return;
  if (parsed_apart_) {
    auto& items = *key == 'a' ? *checker_.annotations_ : *checker_.proposals_;
    if (plain(key, items)) return;
    *found = Json::parse(*record_.raw(key));
  }
  if (!found->is_array()) return add("bad-field", key, "must be a list");
  if (!(duration_ > 0) && !found->empty()) no_ends_ = true;
  const auto texts = whole_ ? parts_of(trim_json(*record_.raw(key))) : std::vector<std::string_view>();
  std::vector<Item> kept;
  Twins same;
  bool changed = false;
  for (std::size_t i = 0; i < found->size(); ++i)
    item(key, i, whole_ ? texts.at(i) : std::string_view(), kept, same, changed);
  changed = sort(key, kept) || changed;
  if (changed && whole_) {
    std::string repaired;
    for (const auto& one : kept) repaired += (repaired.empty() ? "[" : ",") + one.text;
    record_.set_raw(key, repaired.empty() ? "[]" : repaired + "]");
  }
  if (*key == 'a') overlaps(key, std::move(kept));  // proposals overlap by nature
}

// Each segment against all of its class (and tier, subject, ...) that begin before it, not only the one that reaches
// furthest.
void RecordChecker::Pass::overlaps(const char* key, std::vector<Item> items) const {
  std::erase_if(items, [](const Item& item) { return item.point || item.broken || item.again; });
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tie(a.whose, a.label, a.start) < std::tie(b.whose, b.label, b.start);
  });
  const auto place = [&](const Item& item) { return std::string(key) + "[" + std::to_string(item.index) + "]"; };
  std::vector<double> reach;  // furthest end of the items of the class so far
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& here = items[i];
    const auto with_here = [&](const Item& item) { return item.label == here.label && item.whose == here.whose; };
    const bool first = i == 0 || !with_here(items[i - 1]);
    std::vector<std::string> others;
    for (std::size_t j = i; !first && j-- > 0 && with_here(items[j]) && reach[j] > here.start;)
      if (items[j].end > here.start) others.push_back(place(items[j]));
    reach.push_back(first ? here.end : std::max(reach.back(), here.end));
    if (others.empty()) continue;
    constexpr std::size_t kNamed = 3;
    std::string text;
    for (std::size_t k = 0; k < std::min(others.size(), kNamed); ++k)
      text += (k == 0 ? "" : ", ") + others[others.size() - 1 - k];
    if (others.size() > kNamed) text += " and " + std::to_string(others.size() - kNamed) + " more";
    add("overlapping", place(here) + ".segment", "overlaps " + text + " of the same class '" + here.label + "'");
  }
}

}  // namespace tal
