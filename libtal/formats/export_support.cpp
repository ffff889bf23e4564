#include "libtal/formats/export_support.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/table.h"
#include "libtal/io/window.h"

namespace tal {
namespace {

// The positions of the `most` highest scores, in order.
std::vector<std::size_t> highest(const std::vector<ExportRow>& rows, std::size_t most) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return *rows[a].score > *rows[b].score; });
  order.resize(std::min(most, order.size()));
  std::sort(order.begin(), order.end());
  return order;
}

// Whether a member's JSON is null, or an empty text, list or object.
bool holds_nothing(std::string_view json) {
  if (json == "null") return true;
  const bool encloses = json.size() > 1 && (json.front() == '"' || json.front() == '[' || json.front() == '{');
  return encloses && trim(json.substr(1, json.size() - 2)).empty();
}

}  // namespace

bool exports_proposals(const Record& record, const ExportOptions& options) {
  if (options.segments == "auto") return record.has("proposals");
  return options.segments == "proposals";
}

std::vector<ExportRow> export_rows(const Record& record, const ExportOptions& options, Points points) {
  std::vector<ExportRow> rows;
  const auto place = [&](const char* list) { return list + ("[" + std::to_string(rows.size()) + "]"); };
  if (!exports_proposals(record, options)) {
    for (const auto& a : record.annotations(true, points))
      rows.push_back({a.segment, a.label, std::nullopt, place("annotations"), a.point, rows.size()});
    return rows;
  }
  const bool chosen = options.min_score || options.top_k > 0;
  for (const auto& p : chosen ? record.require_scored_proposals(points) : record.proposals(points))
    rows.push_back({p.segment, std::string(p.label), p.has_score() ? std::optional<double>(p.score) : std::nullopt,
                    place("proposals"), p.point});
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].index = i;
  if (options.min_score) std::erase_if(rows, [&](const ExportRow& row) { return *row.score < *options.min_score; });
  if (options.top_k > 0 && rows.size() > static_cast<std::size_t>(options.top_k)) {
    std::vector<ExportRow> kept;
    for (const std::size_t i : highest(rows, static_cast<std::size_t>(options.top_k)))
      kept.push_back(std::move(rows[i]));
    rows = std::move(kept);
  }
  return rows;
}

bool nothing_to_choose(const Record& record, const ExportOptions& options, bool any) {
  return any && !exports_proposals(record, options) && (options.min_score || options.top_k > 0);
}

struct RowMembers::List {
  explicit List(std::string_view text) : parsed(text) {
    for (const dom::element item : list_of(parsed.root(), "")) items.push_back(item);
  }
  std::optional<dom::element> member(const ExportRow& row, const char* name) const {
    dom::object item;
    if (row.index >= items.size() || items[row.index].get(item)) return std::nullopt;
    return member_of(item, name);
  }
  template <class Fn>
  void each_other(const ExportRow& row, const Fn& fn) const {
    dom::object item;
    if (row.index >= items.size() || items[row.index].get(item)) return;
    for (const auto [key, value] : item)
      if (key != "segment" && key != "at" && key != "label") fn(key, value);
  }
  const DomText parsed;
  std::vector<dom::element> items;
};

RowMembers::RowMembers(const Record& record, const ExportOptions& options) {
  const auto raw = record.raw(exports_proposals(record, options) ? "proposals" : "annotations");
  if (raw) try {
      list_ = std::make_unique<const List>(*raw);
    } catch (const Error&) {  // the reading of rows says what is wrong
    }
}
RowMembers::~RowMembers() = default;

std::optional<std::string> RowMembers::text(const ExportRow& row, const char* member) const {
  const auto value = list_ ? list_->member(row, member) : std::nullopt;
  if (!value || value->is_null() || value->is_array() || value->is_object()) return std::nullopt;
  const auto text = text_of(*value);
  return text ? std::string(*text) : raw_json(*value);
}
std::optional<double> RowMembers::number(const ExportRow& row, const char* member) const {
  const auto value = list_ ? list_->member(row, member) : std::nullopt;
  return value && is_number(*value) ? std::optional(number_of(*value, member)) : std::nullopt;
}
std::optional<std::string> RowMembers::json(const ExportRow& row, const char* member) const {
  const auto value = list_ ? list_->member(row, member) : std::nullopt;
  return value ? std::optional(raw_json(*value)) : std::nullopt;
}

std::vector<RowMember> RowMembers::names(const ExportRow& row) const {
  std::vector<RowMember> out;
  if (!list_) return out;
  list_->each_other(row, [&](std::string_view key, dom::element value) {
    if (value.is_null() || (key == "score" && row.score)) return;
    const bool nested = value.is_array() || value.is_object();
    out.push_back({std::string(key), nested           ? RowMember::Kind::kNested
                                     : text_of(value) ? RowMember::Kind::kText
                                                      : RowMember::Kind::kPlain});
  });
  return out;
}

std::vector<std::pair<std::string, std::string>> RowMembers::others(const ExportRow& row) const {
  std::vector<std::pair<std::string, std::string>> out;
  if (list_)
    list_->each_other(row, [&](std::string_view key, dom::element value) {
      if (key != "score") out.emplace_back(key, raw_json(value));
    });
  return out;
}

std::string id_read_of(std::string_view name) try {
  FileIds ids;
  return one_id(media_name(name), ids);
} catch (const Error&) {
  return "";
}

void require_id_read_back(const Record& record) {
  const auto read = id_read_of(record.video());
  if (read == record.video()) return;
  throw Error(
      "this format names a video as a file, of which folders and endings are no part of the id: it would be read as '" +
      read + "'; give it another id")
      .at_field("video")
      .at_video(record.video());
}

void require_file_path(const Record& record, const std::string& path) {
  constexpr std::size_t kLongest = 255;
  for (std::string_view rest = path;;) {
    const auto end = std::min(rest.find('/'), rest.size());
    const auto part = rest.substr(0, end);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongest || part.find('\0') != part.npos)
      throw Error("'" + path + "' cannot be a file below a folder").at_field("video").at_video(record.video());
    if (end == rest.size()) return;
    rest.remove_prefix(end + 1);
  }
}

std::string FileNames::joined(std::string video) {
  std::replace(video.begin(), video.end(), '/', '_');
  return video;
}

std::string FileNames::of(const std::string& video, const std::string& extension, const Reader& read) {
  const auto fail = [&](const std::string& why) { return Error(why).at_field("video").at_video(video); };
  std::string name = joined(video);
  if (name.empty() || name.find('\0') != std::string::npos || name == "." || name == "..")
    throw fail("cannot be a file's name: give it another id (--prefix puts a text before all of them)");
  if (read)
    if (const auto id = read(name); id != name)
      throw fail("cannot be a file's name: the video of that file would be read as '" + id + "'");
  if (const auto [user, fresh] = users_.emplace(name, video); !fresh && user->second != video)
    throw fail("'" + name + extension + "' is the file of video '" + user->second + "', too");
  if (read && name != video) joined_.push_back(video);
  return name;
}

std::string FileNames::note() const {
  if (joined_.empty()) return "";
  return "in this format the file's name is the video's id: '" + joined_.front() + "' is read as '" +
         joined(joined_.front()) + "', as --id-folders makes it" +
         (joined_.size() == 1 ? "" : ", and so on, " + std::to_string(joined_.size()) + " ids with folders in all");
}

std::string media_of(const Record& record) {
  return record.text("media").value_or(record.text("path").value_or(record.video()));
}

bool names_video(const Record& record, const std::string& media) { return id_read_of(media) == record.video(); }

bool changes_when_rounded(double units) {
  return std::abs(units - std::round(units)) > 1e-6 * std::max(1.0, std::abs(units));
}
bool changes_when_rounded(const ExportRow& row, double units_a_second) {
  return changes_when_rounded(row.segment.start * units_a_second) ||
         changes_when_rounded(row.segment.end * units_a_second);
}

bool is_kept_fact(std::string_view member) {
  return member == "duration" || member == "fps" || member == "frames" || member == "subset";
}

std::vector<std::pair<std::string, std::string>> kept_facts(const Record& record) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto keep = [&](const char* member, std::string text) {
    out.emplace_back(std::string(kFactPrefix) + member, std::move(text));
  };
  if (const auto duration = record.duration()) keep("duration", format_number(*duration));
  if (const auto rate = record.fps())
    keep("fps", format_number(rate->num) + (rate->den != 1 ? '/' + format_number(rate->den) : ""));
  if (const auto frames = record.number("frames")) keep("frames", format_number(*frames));
  if (const auto subset = record.text("subset"); subset && !subset->empty()) keep("subset", *subset);
  return out;
}

std::string table_field(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) throw Error("a zero byte, which no text has");
  const bool blank = trim(text) != text || text.find('\t') != std::string_view::npos;
  if (!blank && !is_missing(text) && text.find_first_of("\"\r\n,;") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

bool flatten(std::string& label) {
  bool any = false;
  for (char& c : label)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ', any = true;
  return any;
}

void CountedVideos::add(const std::string& video) {
  constexpr std::size_t kMostNamed = 5;
  if (count_ > 0 && last_ == video) return;
  last_ = video;
  if (++count_ <= kMostNamed) named_.push_back(video);
}

std::string CountedVideos::having(const std::string& what) const {
  if (count_ == 0) return "";
  return std::to_string(count_) + (count_ == 1 ? " video has " : " videos have ") + what + ": " + joined(named_) +
         (count_ > named_.size() ? ", ..." : "");
}

std::string joined_notes(std::vector<std::string> notes) {
  std::erase(notes, "");
  return joined(notes, "; ");
}

void NotHeld::see(const std::string& video, const std::vector<ExportRow>& rows, const RowMembers& members, bool scores,
                  const Holds& holds) {
  bool scored = false, reduced = false, texts = false;
  for (const auto& row : rows) {
    scored = scored || row.score;
    for (auto& [name, kind] : members.names(row)) {
      const Held held = name == "id" ? Held::kAll : holds(name);
      if (held == Held::kAll || (held == Held::kText && kind == RowMember::Kind::kText) ||
          (held == Held::kNumber && kind == RowMember::Kind::kPlain))
        continue;
      if (held == Held::kText && kind == RowMember::Kind::kPlain) texts = true, text_members_.insert(std::move(name));
      else reduced = true, members_.insert(std::move(name));
    }
  }
  if (scored && !scores) scored_.add(video);
  if (reduced) reduced_.add(video);
  if (texts) texts_.add(video);
}

std::string NotHeld::note() const {
  const auto named = [](const std::set<std::string>& names) {
    return "(" + joined_first({names.begin(), names.end()}, 12) + ")";
  };
  return joined_notes({scored_.having("scores, which this format does not hold"),
                       reduced_.having("members of segments that this format does not hold " + named(members_)),
                       texts_.having("members of segments that are no texts and become some " + named(text_members_))});
}

void SegmentWriter::write(const Record& record, std::string& out) {
  auto rows = export_rows(record, options(), points_);
  const bool none = rows.empty();
  const RowMembers members(record, options());
  row_members_ = &members;
  const bool scores = holds_scores() && (!scores_in_labels() || options().label_scores);
  not_held_.see(record.video(), rows, members, scores, [&](std::string_view name) { return holds(name); });
  if (!scores)
    for (auto& row : rows) row.score.reset();
  if (scores_in_labels() && std::any_of(rows.begin(), rows.end(), [](const ExportRow& row) { return row.score; }))
    changed(record.video(),
            "scores, which stand behind the labels with three digits (--label-scores says whether, both ways)");
  for (const auto& row : rows) {
    if (instant() == Instant::kPoint && !row.point && row.segment.length() == 0)
      changed(record.video(), "segments without length, which are read as points");
    if (instant() == Instant::kSegment && row.point)
      changed(record.video(), "points, which are read as segments without length");
  }
  write_rows(record, std::move(rows), out);
  if (none && !record.has("window")) without_.add(record.video());
  if (nothing_to_choose(record, options(), !none)) unchosen_.add(record.video());
}

void SegmentWriter::changed(const std::string& video, const std::string& what) {
  auto found = std::find_if(changed_.begin(), changed_.end(), [&](const auto& each) { return each.first == what; });
  if (found == changed_.end()) found = changed_.insert(changed_.end(), {what, {}});
  found->second.add(video);
}

void SegmentWriter::tell_marks(const std::string& video, const ExportRow& row) {
  constexpr double kMillisecond = 1000;  // of them in a second
  if (row.point) changed(video, "points, which last a millisecond in the file");
  else if (std::llround(row.segment.end * kMillisecond) <= std::llround(row.segment.start * kMillisecond))
    changed(video, "segments without a length in whole milliseconds, which last one in the file");
  if (changes_when_rounded(row, kMillisecond))
    changed(video, "times between two milliseconds, which are rounded to whole ones");
}

std::string SegmentWriter::remarks() const {
  std::vector<std::string> notes = {without_.having(std::string("no segment to write, and so no ") + absent_),
                                    unchosen_.having(kNothingToChoose)};
  for (const auto& [what, videos] : changed_) notes.push_back(videos.having(what));
  notes.push_back(not_held_.note());
  return joined_notes(std::move(notes));
}

void OnceWriter::add(const Record& record, std::string& out) {
  const std::string& video = record.video();
  const auto fail = [&](const std::string& why) { return Error(why).at_field("video").at_video(video); };
  if (record.has("window") && !joins_windows()) record.require_whole_video();
  const auto window = window_of(record);
  const auto known = videos_.find(video);
  if (known != videos_.end()) {
    if (known->second.empty() == window.has_value()) throw fail("stands in the stream whole and as windows");
    if (!window) throw fail("the video stands in the stream twice");
    if (known->second.count(window->index) > 0) throw fail("the window stands in the stream twice");
  }
  std::string text;
  write(record, text);
  out += text;
  auto& windows = videos_[video];
  if (window) windows.emplace(window->index, *window);
  see_members(record);
}

std::string OnceWriter::missing_windows() const {
  std::map<std::string, std::string> gaps;  // the first of each video
  for (const auto& [video, windows] : videos_) {
    WindowOrder order;
    for (const auto& [index, window] : windows)
      if (auto gap = order.gap(window); !gap.empty()) gaps.try_emplace(video, std::move(gap));
  }
  if (gaps.empty()) return "";
  const auto& [video, gap] = *gaps.begin();
  return std::to_string(gaps.size()) + (gaps.size() == 1 ? " video has" : " videos have") +
         " gaps between the windows, of which nothing is here: " + video + " (" + gap + ")" +
         (gaps.size() > 1 ? " and others" : "");
}

void OnceWriter::see_members(const Record& record) {
  static const std::set<std::string_view> of_pipeline = {"video", "history", "features", "maps", "window"};
  bool reduced = false;
  for (const auto key : record.keys()) {
    const std::string_view value = *record.raw(key);
    const bool proposals = key == "proposals", list = proposals || key == "annotations";
    if (of_pipeline.count(key) || holds_nothing(value)) continue;
    // Where the media lies on this machine goes with the pipeline; a name that the id does not tell is something lost.
    if (key == "path" && names_video(record, record.text(key).value_or(""))) continue;
    if (list ? holds_list(record, proposals) : holds_of_video(record, key)) continue;
    if (!list || !chooses_list()) reduced = true, members_.emplace(key);
    else if (options_.segments == "auto") (proposals ? unchosen_proposals_ : unchosen_annotations_).add(record.video());
  }
  if (reduced) reduced_.add(record.video());
}

std::string OnceWriter::note() const {
  return joined_notes(
      {missing_windows(), remarks(),
       unchosen_annotations_.having("annotations beside proposals, which are left out (--segments annotations)"),
       unchosen_proposals_.having("proposals, which are left out (--segments proposals)"),
       reduced_.having("members that this format does not hold (" +
                       joined_first({members_.begin(), members_.end()}, 12) + ")")});
}

}  // namespace tal
