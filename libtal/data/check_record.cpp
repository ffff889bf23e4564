// The checks and repairs of one record.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

using nlohmann::json;

bool has(const std::vector<std::string>& list, const char* word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The class of fault of a line that does not read as a record.
const char* kind_of(const Error& error) {
  if (error.kind() == Error::Kind::kNotUtf8) return "bad-utf8";
  if (error.field() == "video") return "bad-video";
  if (error.kind() == Error::Kind::kNotFinite) return "not-finite";
  if (error.kind() == Error::Kind::kRepeatedKey) return "duplicate-key";
  return "broken-line";
}

std::string_view trimmed(std::string_view text) {
  const char* const blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

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
      if (const auto part = trimmed(container.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
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
    if (json::parse(member.substr(0, close + 1)) != "segment") continue;
    const std::string_view value = trimmed(member.substr(member.find(':', close) + 1));
    std::string segment = "[";
    append_number(segment, start);
    segment += ',';
    append_number(segment, end);
    out.replace(static_cast<std::size_t>(value.data() - item.data()), value.size(), segment + "]");
    break;
  }
  return out;
}

std::string label_of(const json& item) {
  const auto found = item.find("label");
  return found != item.end() && found->is_string() ? found->get<std::string>() : "";
}

// Annotations or proposals, one after the other.
struct Item {
  std::size_t index;
  double start, end;
  std::string label;
};

}  // namespace

class RecordChecker::Pass {
 public:
  Pass(RecordChecker& checker, const std::string& source, std::uint64_t line)
      : checker_(checker), source_(source), line_(line) {}
  std::string run(std::string_view text);

 private:
  void add(const char* kind, std::string field, std::string message, bool fixed = false) const {
    checker_.sink_({kind, source_, line_, record_.video(), std::move(field), std::move(message), fixed});
  }
  // An Error becomes a fault.
  template <class Body>
  void guard(const char* kind, Body&& body) const {
    try {
      body();
    } catch (const Error& error) {
      add(kind, error.field(), error.message());
    }
  }
  void identity();
  void head();
  void list(const char* key);
  bool segment(Item& item, const std::string& where) const;
  void overlaps(const char* key, std::vector<Item> items) const;
  void stream(const FeatureStream& stream) const;

  RecordChecker& checker_;
  const std::string& source_;
  const std::uint64_t line_;
  Record record_;
  json data_;
  bool whole_ = true;              // reads as a record; only then is it repaired
  double duration_ = 0, fps_ = 0;  // 0: unknown
};

RecordChecker::RecordChecker(CheckOptions options, FaultSink sink, const KnownNames* known)
    : options_(std::move(options)), known_(known), sink_(std::move(sink)) {
  clip_ = has(options_.fix, "clip"), dedup_ = has(options_.fix, "dedup"), order_ = has(options_.fix, "order");
}

std::string RecordChecker::line(std::string_view text, const std::string& source, std::uint64_t number) {
  ++records_;
  return Pass(*this, source, number).run(text);
}

void RecordChecker::end(const std::string& source) {
  if (!known_) return;
  for (const auto& video : known_->videos)
    if (!videos_.count(video)) sink_({"missing-video", source, 0, video, "", "known, but without a record"});
}

std::string RecordChecker::Pass::run(std::string_view text) {
  try {
    record_.parse(text);
  } catch (const Error& error) {
    add(kind_of(error), error.field(), error.message());
    whole_ = false;
  }
  data_ = json::parse(text, nullptr, false);
  if (data_.is_discarded() || !data_.is_object()) {
    if (whole_) add("broken-line", "", "not readable as JSON (a number out of range?)");
    return std::string(text);
  }
  if (whole_) identity(), head();
  for (const char* key : {"annotations", "proposals"}) list(key);
  if (whole_)
    guard("bad-features", [&] {
      for (const auto& one : record_.features()) stream(one);
    });
  return record_.modified() ? record_.str() : std::string(text);
}

// The video, or its window of a live stream: once in the stream, and known.
void RecordChecker::Pass::identity() {
  std::string id = record_.video();
  checker_.videos_.insert(id);
  if (const auto window = data_.find("window"); window != data_.end()) {
    if (window->is_object() && window->contains("index")) (id += '\0') += (*window)["index"].dump();
    else add("bad-window", "window", "must be an object with an index");
  }
  if (!checker_.seen_.insert(id).second) add("duplicate-video", "video", "stands in the stream before");
  if (checker_.known_ && !checker_.known_->videos.count(record_.video()))
    add("unknown-video", "video", "not among the known videos");
}

void RecordChecker::Pass::head() {
  guard("bad-duration", [&] { duration_ = record_.duration().value_or(0); });
  guard("bad-fps", [&] {
    if (const auto rate = record_.fps()) fps_ = rate->value();
  });
  guard("bad-classification", [&] { record_.classification(); });
  const auto frames = data_.find("frames");
  if (frames == data_.end()) return;
  if (!frames->is_number_integer() || frames->get<double>() < 0) return add("bad-frames", "frames", "must be a count");
  const double seconds = fps_ > 0 ? frames->get<double>() / fps_ : 0;
  if (duration_ > 0 && fps_ > 0 && std::abs(seconds - duration_) > std::max(1.0, 2 / fps_))
    add("frames-disagree", "frames",
        frames->dump() + " frames are " + format_number(seconds) + " s, the duration is " + format_number(duration_) +
            " s");
}

// Reports what is wrong with a segment and repairs what `fix` names; returns whether it moved.
bool RecordChecker::Pass::segment(Item& item, const std::string& where) const {
  const bool clip = checker_.clip_, order = checker_.order_;
  auto& [index, start, end, label] = item;
  bool moved = false;
  if (end < start) {
    add("reversed", where, "end " + format_number(end) + " is before start " + format_number(start), order);
    if (order) std::swap(start, end), moved = true;
  }
  if (start == end) add("empty", where, "starts and ends at " + format_number(start));
  if (start < 0) {
    add("negative", where, "starts at " + format_number(start), clip && end > 0);
    if (clip && end > 0) start = 0, moved = true;
  }
  if (duration_ > 0 && start >= duration_) {
    add("after-end", where, "starts at " + format_number(start) + ", the video ends at " + format_number(duration_));
  } else if (duration_ > 0 && end > duration_ + checker_.options_.tolerance) {
    add("past-end", where,
        "ends at " + format_number(end) + ", " + format_number(end - duration_) + " s behind the video", clip);
    if (clip) end = duration_, moved = true;
  }
  return moved;
}

void RecordChecker::Pass::list(const char* key) {
  const auto found = data_.find(key);
  if (found == data_.end()) return;
  if (!found->is_array()) return add("bad-field", key, "must be a list");
  const bool annotations = *key == 'a';
  const auto texts = whole_ ? parts_of(trimmed(*record_.raw(key))) : std::vector<std::string_view>();
  std::vector<Item> items;
  std::map<std::tuple<double, double, std::string>, std::size_t> same;
  std::string repaired = "[";
  bool changed = false;
  const auto keep = [&](std::string_view item) { (repaired += repaired.size() > 1 ? "," : "") += item; };
  for (std::size_t i = 0; i < found->size(); ++i) {
    const json& item = (*found)[i];
    const std::string_view text = whole_ ? texts.at(i) : std::string_view();
    const std::string field = std::string(key) + "[" + std::to_string(i) + "]", where = field + ".segment";
    const auto ends = item.is_object() ? item.find("segment") : item.end();
    if (!item.is_object() || ends == item.end() || !ends->is_array() || ends->size() != 2 || !(*ends)[0].is_number() ||
        !(*ends)[1].is_number()) {
      add("bad-segment", where, "must be [start, end] in seconds");
      keep(text);
      continue;
    }
    Item here{i, (*ends)[0].get<double>(), (*ends)[1].get<double>(), label_of(item)};
    const bool moved = segment(here, where);
    if (annotations && here.label.empty()) add("bad-label", field + ".label", "missing or not a string");
    if (checker_.known_ && !here.label.empty() && !checker_.known_->labels.count(here.label))
      add("unknown-label", field + ".label", "'" + here.label + "' is not among the known labels");
    if (const auto score = item.find("score"); score != item.end() && !score->is_number())
      add("bad-score", field + ".score", "must be a number");
    const auto [twin, fresh] = same.try_emplace({here.start, here.end, here.label}, i);
    if (!fresh) {
      add("duplicated", where, "the same as " + std::string(key) + "[" + std::to_string(twin->second) + "]",
          checker_.dedup_);
      if (checker_.dedup_) {
        changed = true;
        continue;
      }
    }
    changed = changed || moved;
    keep(moved && whole_ ? with_segment(text, here.start, here.end) : std::string(text));
    if (fresh && here.start < here.end) items.push_back(std::move(here));
  }
  if (annotations) overlaps(key, std::move(items));  // proposals overlap by nature
  if (changed && whole_) record_.set_raw(key, repaired + "]");
}

void RecordChecker::Pass::overlaps(const char* key, std::vector<Item> items) const {
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tie(a.label, a.start) < std::tie(b.label, b.start);
  });
  std::size_t last = 0;  // the one that reaches furthest so far
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (items[i].label == items[last].label && items[i].start < items[last].end)
      add("overlapping", std::string(key) + "[" + std::to_string(items[i].index) + "].segment",
          "overlaps " + std::string(key) + "[" + std::to_string(items[last].index) + "] of the same class '" +
              items[i].label + "'");
    if (items[i].label != items[last].label || items[i].end > items[last].end) last = i;
  }
}

void RecordChecker::Pass::stream(const FeatureStream& stream) const {
  const std::string field = "features." + stream.name;
  if (stream.rows == 0) add("zero-rows", field + ".rows", "the stream has no row");
  if (!stream.weights.empty() && !is_sha256(stream.weights))
    add("bad-hash", field + ".weights", "must be sha256: and 64 hexadecimal digits");
  const std::string contract = "dim " + std::to_string(stream.dim) + ", stride " + format_number(stream.stride) +
                               ", window " + format_number(stream.window) + ", weights " +
                               (stream.weights.empty() ? "unknown" : stream.weights);
  const auto [first, fresh] = checker_.contracts_.try_emplace(stream.name, contract);
  if (!fresh && first->second != contract) add("contract-changes", field, contract + "; before: " + first->second);
  if (duration_ > 0 && stream.fps && stream.stride > 0 && stream.rows > 0) {
    // The last row's window may be padded by less than one window; more rows, or a missing window's worth, disagree.
    const double covered = (stream.offset + static_cast<double>(stream.rows - 1) * stream.stride) / stream.fps->value();
    const double slack = (stream.window + 2 * stream.stride) / stream.fps->value() + 1;
    if (covered >= duration_ || covered + slack < duration_)
      add("rows-disagree", field + ".rows",
          std::to_string(stream.rows) + " rows reach " + format_number(covered) + " s of " + format_number(duration_) +
              " s");
  }
  if (stream.path.empty()) return;
  const json header = json::parse(stream.text, nullptr, false);
  FeatureClaim claim{stream.rows, stream.dim, ""};
  if (header.is_object() && header.contains("hash") && header["hash"].is_string())
    claim.hash = header["hash"].get<std::string>();
  check_feature_file(
      stream.path,
      [&](const Fault& fault) {
        add(fault.kind.c_str(), field + ".path",
            "'" + stream.path + "': " + (fault.field.empty() ? "" : fault.field + ": ") + fault.message);
      },
      claim);
}

}  // namespace tal
