#include "libtal/formats/tool_rows.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/io/table.h"

namespace tal {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 32);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// The proposal that an event is whose label ends with a score, as our writers put it; nullopt: it has none.
std::optional<ToolEvent> with_label_score(const ToolEvent& event) {
  const auto blank = event.label.find_last_of(' ');
  if (blank == std::string::npos) return std::nullopt;
  const std::string text = event.label.substr(blank + 1);
  if (!is_table_number(text, '.')) return std::nullopt;
  ToolEvent out = event;
  out.score = table_number(text, '.'), out.proposal = true;
  out.label.resize(blank);
  return out;
}

}  // namespace

Members& Members::text(std::string_view member, std::string_view value) {
  name(member);
  append_json_string(text_, value);
  return *this;
}
Members& Members::number(std::string_view member, double value) {
  name(member);
  append_number(text_, value);
  return *this;
}
Members& Members::json(std::string_view member, std::string_view value) {
  name(member);
  text_ += value;
  return *this;
}
void Members::name(std::string_view member) {
  if (!text_.empty()) text_ += ',';
  append_json_string(text_, member);
  text_ += ':';
}

std::string media_name(std::string_view address) {
  // A server of Label Studio: /data/local-files/?d=folder/file, /data/upload/3/0a1b2c3d-file.
  if (const auto local = address.find("local-files/?d="); local != std::string_view::npos)
    return without_escapes(address.substr(local + 15));
  const bool uploaded = address.find("/upload/") != std::string_view::npos;
  if (!uploaded) return std::string(address);
  const std::string path = address_path(address);
  std::string name = path == address ? without_escapes(address.substr(0, address.find_first_of("?#"))) : path;
  const auto begin = name.find_last_of('/') + 1;
  constexpr std::size_t kMark = 8;
  if (name.size() > begin + kMark + 1 && name[begin + kMark] == '-' &&
      std::all_of(name.begin() + static_cast<std::ptrdiff_t>(begin),
                  name.begin() + static_cast<std::ptrdiff_t>(begin + kMark), [](char c) { return hex_digit(c) >= 0; }))
    name[begin + kMark] = '/';
  return name;
}

std::string file_stem(const SourceText& source, std::initializer_list<std::string_view> endings) {
  std::string_view name = source.name;
  name = name.substr(name.find_last_of("/\\") + 1);
  return std::string(without_ending(without_ending(name, {".gz"}), endings));
}

VideoRows::Entry& ToolRows::video(std::string_view media, std::string_view otherwise, const SourceText& source,
                                  std::uint64_t line, std::string_view stated) {
  auto& entry = medium(media, otherwise, source, line, stated);
  entry.has_annotations = true;
  return entry;
}

VideoRows::Entry& ToolRows::medium(std::string_view media, std::string_view otherwise, const SourceText& source,
                                   std::uint64_t line, std::string_view stated) {
  const std::string name = media_name(media);
  std::string id;
  if (!stated.empty()) id = options_.prefix.value_or("") + std::string(stated);
  else if (!name.empty()) try {
      id = id_of(name, options_, line > 0 ? line_name(source.name, line) : source.name);
    } catch (Error& error) {
      throw error.at_line(source.name, line);
    }
  if (id.empty()) id = options_.prefix.value_or("") + std::string(otherwise);
  if (id.empty()) throw Error("empty").at_field("video");
  auto& entry = rows_.at(id);
  if (!name.empty() && entry.further.empty()) {
    std::string written;
    append_json_string(written, media);
    entry.further.emplace_back("media", std::move(written));
  }
  if (const auto* table = options_.tables.find(id)) entry.facts.add(*table, "--durations");
  return entry;
}

void ToolRows::fact(VideoRows::Entry& entry, const VideoInfo& said, const std::string& where) {
  try {
    entry.facts.add(known_of(entry.video, options_, said), where);
  } catch (Error& error) {
    throw error.at_video(entry.video);
  }
}

void ToolRows::kept_facts(VideoRows::Entry& entry, const std::vector<std::pair<std::string, std::string>>& facts,
                          const std::string& where) {
  VideoInfo said;
  for (const auto& [name, text] : facts) {
    if (!name.starts_with(kFactPrefix)) continue;
    const auto fact = std::string_view(name).substr(kFactPrefix.size());
    if (fact == "duration") said.duration = positive(field_number(text, '.', name), name);
    if (fact == "frames") said.frames = whole_number(field_number(text, '.', name), text, name);
    if (fact == "subset") said.subset = text;
    if (fact != "fps") continue;
    const double rate = positive(field_rate(text, '.', name), name);
    options_.other_rates->see(entry.video, rate, options_.fps);
    if (!(options_.fps > 0)) said.fps = rate;
  }
  this->fact(entry, said, where);
}

double ToolRows::rate(VideoRows::Entry& entry, std::string_view field) const {
  (void)to_seconds(1, "frames", options_, &entry.facts.info, field);
  if (!entry.facts.info.fps) entry.facts.info.fps = options_.fps;
  return options_.fps > 0 ? options_.fps : *entry.facts.info.fps;
}

void ToolRows::add(VideoRows::Entry& entry, const ToolEvent& event, std::string_view field) {
  for (const double time : {event.segment.start, event.segment.end})
    if (!std::isfinite(time)) throw Error("must be a finite time").at_field(field);
  check_segment(event.segment, field);
  if (options_.label_scores && !event.proposal)
    if (const auto scored = with_label_score(event)) return add(entry, *scored, field);
  if (event.tier && known_tiers_.insert(*event.tier).second) tiers_.push_back(*event.tier);
  if (!options_.tiers.empty() &&
      (!event.tier || std::find(options_.tiers.begin(), options_.tiers.end(), *event.tier) == options_.tiers.end()))
    return;
  Members members;
  if (event.tier) members.text("tier", *event.tier);
  std::string further = members.str();
  if (!event.members.empty()) (further += further.empty() ? "" : ",") += event.members;
  if (event.proposal) entry.has_proposals = true;
  auto& list = event.proposal ? entry.proposals : entry.annotations;
  if (event.point) append_point(list, event.segment.start, event.score, event.label, {}, further);
  else append_item(list, event.segment, event.score, event.label, {}, further);
}

void ToolRows::whole(VideoRows::Entry& entry, const std::string& label) {
  auto& labels = whole_[&entry];
  if (label.empty()) return;
  if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  else leave_out("label given twice", "labels given twice", "'" + label + "' of video '" + entry.video + "'");
}

void ToolRows::tell(const std::string& one, const std::string& many, const std::string& where) {
  auto& entry = told_[one];
  if (entry.count++ == 0) entry.many = many, entry.first = where;
}

void ToolRows::emit() {
  for (const auto& tier : options_.tiers)
    if (!known_tiers_.count(tier))
      throw Error("--tier: there is no '" + tier + "'" +
                  (tiers_.empty() ? "" : ", but '" + joined_first(tiers_, 8, "', '") + "'"));
  if (options_.tiers.empty() && tiers_.size() > 1)
    sink_.note("all of " + std::to_string(tiers_.size()) + " tiers are read ('" + joined_first(tiers_, 8, "', '") +
               "'), and the member tier says which; --tier NAME chooses");
  for (const auto& [one, told] : told_)
    sink_.note(std::to_string(told.count) + ' ' + (told.count == 1 ? one : told.many) + ": " +
               (told.count == 1 ? "" : "the first is ") + told.first);
  for (const auto& [entry, labels] : whole_) {
    std::string list;
    for (const auto& label : labels) {
      list += list.empty() ? "" : ",";
      list += "{" + Members().text("label", label).number("score", 1).str() + "}";
    }
    entry->further.emplace_back("classification", "[" + list + "]");
  }
  rows_.emit(options_, sink_);
}

}  // namespace tal
