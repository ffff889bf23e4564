// The members of a record: their types, and those that stand twice.
#include <algorithm>
#include <cmath>
#include <functional>
#include <tuple>

#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/base/spelling.h"
#include "libtal/data/check_pass.h"
#include "libtal/io/features.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

using CheckedJson = nlohmann::json;

// Reports each member whose key its object has already, by its place: "annotations[0].segment".
class TwinMembers : public nlohmann::json_sax<CheckedJson> {
 public:
  explicit TwinMembers(std::function<void(const std::string& place, std::size_t depth)> report)
      : report_(std::move(report)) {}

  bool key(std::string& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (!level.keys.insert(name).second) report_(place(), levels_.size());
    return true;
  }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const std::string&) override { return value(); }
  bool string(std::string&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  struct Level {
    bool object;
    std::string key = {};
    std::set<std::string> keys = {};
    std::size_t index = 0;
  };
  bool open(bool object) {
    levels_.push_back({object});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return value();
  }
  bool value() {
    if (!levels_.empty() && !levels_.back().object) ++levels_.back().index;
    return true;
  }
  std::string place() const {
    std::string out;
    for (const auto& level : levels_) {
      if (!level.object) out += "[" + std::to_string(level.index) + "]";
      else out += (out.empty() ? "" : ".") + level.key;
    }
    return out;
  }

  std::function<void(const std::string&, std::size_t)> report_;
  std::vector<Level> levels_;
};

bool is_text(const CheckedJson& value) { return value.is_string(); }
bool is_count(const CheckedJson& value) {
  return value.is_number() && value >= 0 && std::floor(value.get<double>()) == value;
}
bool is_number(const CheckedJson& value) { return value.is_number(); }
bool is_positive(const CheckedJson& value) { return value.is_number() && value > 0; }
bool is_truth(const CheckedJson& value) { return value.is_boolean(); }
bool is_rate(const CheckedJson& value) {
  if (!value.is_array()) return is_positive(value);
  return value.size() == 2 && is_positive(value[0]) && is_positive(value[1]);
}
bool is_texts(const CheckedJson& value) {
  if (!value.is_array()) return false;
  for (const auto& element : value)
    if (!element.is_string()) return false;
  return true;
}

// What a member must be.
struct MemberType {
  const char* key;
  bool (*is)(const CheckedJson&);
  const char* what;
};
constexpr const char *kText = "must be a string", *kCount = "must be a count", *kNumber = "must be a number",
                     *kPositive = "must be a positive number", *kRate = "must be a positive rate, a number or two";
constexpr MemberType kStream[] = {{"path", is_text, kText},
                                  {"data", is_text, kText},
                                  {"dtype", is_text, kText},
                                  {"resample", is_text, kText},
                                  {"weights", is_text, kText},
                                  {"settings", is_text, kText},
                                  {"hash", is_text, kText},
                                  {"rows", is_count, kCount},
                                  {"dim", is_count, kCount},
                                  {"stride", is_positive, kPositive},
                                  {"window", is_positive, kPositive},
                                  {"fps", is_rate, kRate},
                                  {"offset", is_number, kNumber},
                                  {"last_start", is_number, kNumber},
                                  {"classes", is_texts, "must be a list of strings"}};
constexpr MemberType kWindow[] = {{"index", is_count, kCount},
                                  {"start", is_number, kNumber},
                                  {"end", is_number, kNumber},
                                  {"final", is_truth, "must be true or false"}};
constexpr MemberType kRecord[] = {{"path", is_text, kText}, {"subset", is_text, kText}};

// report(key, what) for each member of another type than it must have; whether there is none.
template <std::size_t N>
bool typed(const CheckedJson& object, const MemberType (&types)[N],
           const std::function<void(const std::string& key, const char* what)>& report) {
  bool right = true;
  for (const auto& type : types) {
    const auto found = object.find(type.key);
    if (found == object.end() || type.is(*found)) continue;
    report(type.key, type.what);
    right = false;
  }
  return right;
}

// What the tools read, by the kind of object.
const std::vector<std::string>& known_members(std::string_view kind) {
  static const std::map<std::string_view, std::vector<std::string>> known = {
      {"record",
       {"video", "path", "duration", "fps", "frames", "subset", "annotations", "features", "window", "proposals",
        "classification", "maps", "history", "media"}},
      {"annotations", {"segment", "at", "label", "tier", "subject"}},
      {"proposals", {"segment", "at", "label", "score", "scores", "tier", "subject"}},
      {"classification", {"label", "score"}},
      {"features",
       {"path", "data", "dtype", "rows", "dim", "stride", "window", "fps", "offset", "last_start", "resample",
        "weights", "settings", "classes", "hash"}},
      {"window", {"index", "start", "end", "final"}}};
  return known.at(kind);
}

// Whether a name was meant to be the other: another case, two letters changed round, one too many or missing, or, of
// longer names, another one.
bool is_misspelt(std::string_view name, std::string_view known) {
  constexpr std::size_t kShort = 4, kLong = 6, kVeryLong = 8;
  if (lower_case(name) == lower_case(known)) return true;
  const std::size_t distance = edit_distance(name, known);
  if (name.size() != known.size())
    return known.size() >= kShort && (distance == 1 || (distance == 2 && known.size() >= kVeryLong));
  const auto [a, b] = std::mismatch(name.begin(), name.end(), known.begin());
  const bool swapped = distance == 2 && name.end() - a > 1 && a[0] == b[1] && a[1] == b[0];
  return (swapped && std::equal(a + 2, name.end(), b + 2)) ||
         (distance == 1 ? known.size() >= kLong : distance == 2 && known.size() >= kVeryLong);
}

}  // namespace

// What is beside the member that it is like is no mistake where it has but an ending more or less: labels beside label.
void RecordChecker::Pass::spelling(const char* kind, const Json& object, const std::string& field) const {
  const auto& known = known_members(kind);
  for (const auto& member : object.items()) {
    const std::string& name = member.key();
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto meant = std::find_if(known.begin(), known.end(), [&](const std::string& each) {
      const bool apart = !each.starts_with(name) && !name.starts_with(each);
      return is_misspelt(name, each) && (apart || !object.contains(each));
    });
    if (meant == known.end()) continue;
    auto& found = checker_.misspelt_[std::string(kind) + '.' + name];
    if (found.count++ > 0) continue;
    Error error("no member that tal knows; is it '" + *meant + "'?");
    error.at_field(field.empty() ? name : field + "." + name).at_video(record_.video());
    found.text = error.at_line(source_, line_).what();
  }
}

bool RecordChecker::Pass::is_foreign(const char* kind, std::string_view member) const {
  auto& of_kind = checker_.foreign_[kind];
  const auto found = of_kind.find(member);
  if (found != of_kind.end()) return found->second;
  const auto& known = known_members(kind);
  const bool foreign =
      std::none_of(known.begin(), known.end(), [&](const auto& each) { return is_misspelt(member, each); });
  if (of_kind.size() < 1000) of_kind.emplace(member, foreign);  // a stranger's file may have any number of names
  return foreign;
}

void RecordChecker::Pass::twins(std::string_view text) {
  if (faultless_) return;  // else a member stands twice, or something else is wrong, and then one may all the same
  TwinMembers members([&](const std::string& place, std::size_t depth) {
    const bool in_list = place.starts_with("annotations[") || place.starts_with("proposals[");
    add("duplicate-key", place,
        depth == 1 ? "the key stands twice in the record" + gone() : "the key stands twice in its object",
        checker_.drop_ && (depth == 1 || in_list));
    if (in_list) twin_items_.insert(place.substr(0, place.find(']') + 1));
  });
  CheckedJson::sax_parse(text, &members);
}

void RecordChecker::Pass::head() {
  spelling("record", data_, "");
  guard("bad-duration", [&] { duration_ = record_.duration().value_or(0); });
  guard("bad-fps", [&] {
    if (const auto rate = record_.fps()) fps_ = rate->value();
  });
  typed(data_, kRecord, [&](const std::string& key, const char* what) { add("bad-field", key, what); });
  if (const auto maps = data_.find("maps"); maps != data_.end() && !maps->is_object())
    add("bad-field", "maps", "must be an object of maps");
  else if (maps != data_.end())
    for (const auto& [name, map] : maps->items())
      if (!map.is_structured() && !(name == "path" && map.is_string()))
        add("bad-field", "maps." + name, "must be a map");
  const auto frames = data_.find("frames");
  if (frames == data_.end()) return;
  if (!is_count(*frames)) return add("bad-frames", "frames", kCount);
  const double seconds = fps_ > 0 ? frames->get<double>() / fps_ : 0;
  if (duration_ > 0 && fps_ > 0 && std::abs(seconds - duration_) > std::max(1.0, 2 / fps_))
    add("frames-disagree", "frames",
        frames->dump() + " frames are " + format_number(seconds) + " s, the duration is " + format_number(duration_) +
            " s");
}

void RecordChecker::Pass::window() {
  const auto found = data_.find("window");
  if (found == data_.end()) return;
  if (!found->is_object() || !found->contains("index"))
    return add("bad-window", "window", "must be an object with an index");
  spelling("window", *found, "window");
  const bool right = typed(*found, kWindow,
                           [&](const std::string& key, const char* what) { add("bad-window", "window." + key, what); });
  if (right && found->contains("start") && found->contains("end") && !((*found)["start"] < (*found)["end"]))
    return add("bad-window", "window", "ends before it starts");
  const auto [said, first] = checker_.window_facts_.try_emplace(record_.video(), WindowFacts{duration_, fps_, line_});
  for (const auto& [name, now, was] :
       {std::tuple("duration", duration_, said->second.duration), {"fps", fps_, said->second.fps}})
    if (!first && now != was)
      add("bad-window", name,
          "is " + format_number(now) + ", but " + format_number(was) + " in the window on line " +
              std::to_string(said->second.line));
  if (!right || !found->contains("start") || !found->contains("end")) return;
  guard("bad-window", [&] {
    const Window window = *window_of(record_);
    WindowOrder& order = checker_.windows_[record_.video()];
    const auto last = order.last();
    // The same index once more is a duplicate-video.
    if (last && window.index < last->index)
      add("window-order", "window.index",
          "is " + std::to_string(window.index) + " after " + std::to_string(last->index) + ": windows come in order");
    else if (last && last->final && window.index > last->index)
      add("window-order", "window.index", "follows the final window, " + std::to_string(last->index));
    else if (const auto gap = order.gap(window); !gap.empty()) add("missing-window", "window", "before it, " + gap);
  });
}

void RecordChecker::Pass::history() const {
  const auto found = data_.find("history");
  if (found == data_.end()) return;
  if (!found->is_array()) return add("bad-history", "history", "must be a list");
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& step = (*found)[i];
    const std::string field = "history[" + std::to_string(i) + "]";
    if (!step.is_object() || !step.contains("tool") || !step["tool"].is_string())
      add("bad-history", field, "must name its tool");
    else if (step.contains("args") && !is_texts(step["args"]))
      add("bad-history", field + ".args", "must be a list of strings");
  }
}

void RecordChecker::Pass::classification() {
  const auto found = data_.find("classification");
  if (found == data_.end()) return;
  if (!found->is_array()) return add("bad-classification", "classification", "must be a list");
  std::map<std::string, std::size_t> labels;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& entry = (*found)[i];
    const std::string field = "classification[" + std::to_string(i) + "]";
    if (entry.is_object()) spelling("classification", entry, field);
    const bool labelled = entry.is_object() && entry.contains("label") && entry["label"].is_string(),
               scored = entry.is_object() && entry.contains("score") && entry["score"].is_number();
    if (!labelled) add("bad-classification", field + ".label", "missing or not a string");
    if (!scored) add("bad-classification", field + ".score", "missing or not a number");
    if (!labelled) continue;
    if (checker_.options_.seen) checker_.options_.seen(entry["label"].get<std::string>(), 0);
    if (const auto alike = checker_.alike_labels_.see(entry["label"].get<std::string>()); !alike.empty())
      add("look-alike", field + ".label", "'" + entry["label"].get<std::string>() + "' " + alike);
    const auto [before, fresh] = labels.try_emplace(entry["label"].get<std::string>(), i);
    if (!fresh)
      add("duplicated", field + ".label", "the same as classification[" + std::to_string(before->second) + "]");
  }
}

bool RecordChecker::Pass::stream_members(const std::string& name, const Json& stream) const {
  const std::string field = "features." + name;
  if (!stream.is_object()) return add("bad-features", field, "must be an object"), false;
  spelling("features", stream, field);
  bool right = typed(stream, kStream,
                     [&](const std::string& key, const char* what) { add("bad-features", field + "." + key, what); });
  const bool empty = stream.contains("rows") && stream["rows"] == 0;
  if (!stream.contains("path") && !stream.contains("data") && !empty)
    add("bad-features", field, "needs path or data"), right = false;
  if (right && stream.contains("weights") && !is_sha256(stream["weights"].get<std::string>()))
    add("bad-hash", field + ".weights", "must be sha256: and 64 hexadecimal digits");
  return right;
}

// A stream that is wrong does not hide what is wrong with the others.
void RecordChecker::Pass::features() {
  const auto found = data_.find("features");
  if (found == data_.end()) return;
  if (!found->is_object()) return add("bad-features", "features", "must be an object of streams");
  bool all = true;
  for (const auto& [name, value] : found->items()) all = stream_members(name, value) && all;
  if (all)
    guard("bad-features", [&] {
      for (const auto& one : record_.features())
        if (!checker_.options_.no_files) stream(one);
    });
}

}  // namespace tal
