#include "libtal/data/import_support.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/source_files.h"
#include "libtal/data/video_length.h"
#include "libtal/io/folder.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/zip.h"

namespace tal {

const VideoInfo* ImportTables::find(std::string_view video) const {
  if (videos.empty()) return nullptr;
  const auto other = [](const std::string& id) { return id.starts_with("v_") ? id.substr(2) : "v_" + id; };
  const std::string name(video), id = video_id(video);
  for (const auto& each : {name, other(name), id, other(id)})
    if (const auto found = videos.find(each); found != videos.end()) return &found->second;
  return nullptr;
}

const std::multimap<std::int64_t, std::int64_t>& ImportTables::numbers_as_names() const {
  if (!numbers_as_names_) {
    numbers_as_names_.emplace();
    for (const auto& [own, name] : classes)
      if (const auto number = class_number(name)) numbers_as_names_->emplace(*number, own);
  }
  return *numbers_as_names_;
}

const Spellings& ImportTables::spellings() const {
  if (!spellings_) {
    spellings_.emplace(true);
    std::map<std::string_view, int> sorted;  // the same name whatever the order of the hash
    for (const auto& [video, info] : videos) sorted.emplace(video, 0);
    for (const auto& [video, none] : sorted) spellings_->add(std::string(video));
  }
  return *spellings_;
}

std::vector<std::string_view> split_blanks(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t i = 0;
  while (true) {
    i = line.find_first_not_of(" \t", i);
    if (i == std::string_view::npos) return words;
    const auto end = std::min(line.find_first_of(" \t", i), line.size());
    words.push_back(line.substr(i, end - i));
    i = end;
  }
}

std::vector<std::string_view> split_fields(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  while (true) {
    const auto end = std::min(line.find(separator), line.size());
    fields.push_back(trim(line.substr(0, end)));
    if (end == line.size()) return fields;
    line.remove_prefix(end + 1);
  }
}

void check_segment(const Segment& segment, std::string_view field) {
  if (segment.end < segment.start)
    throw Error("end " + format_number(segment.end) + " is before start " + format_number(segment.start))
        .at_field(field);
}

double to_seconds(double value, const std::string& unit, const ImportOptions& options, const VideoInfo* info,
                  std::string_view field) {
  const std::string unsaid =
      options.tables.videos.empty() ? "" : " (--durations says none of this video" + (info ? info->alike : "") + ")";
  if (unit == "frames") {
    const double fps = options.fps > 0 ? options.fps : info && info->fps ? *info->fps : 0;
    if (!(fps > 0))
      throw Error("frames need the frame rate: give --fps, or --durations with an fps column" + unsaid).at_field(field);
    return value / fps;
  }
  if (unit == "relative") {
    if (value < 0 || value > 1)
      throw Error("'" + format_number(value) + "' is not a share of the video; for frames give --time frames")
          .at_field(field);
    if (options.unit_duration) return value;
    if (!info || !info->duration)
      throw Error("relative times need the video's duration: give --durations, or --unit-duration to leave them" +
                  unsaid)
          .at_field(field);
    return value * *info->duration;
  }
  return value;
}

std::optional<std::int64_t> class_number(std::string_view text) {
  if (!is_table_number(text, '.')) return std::nullopt;
  const double value = table_number(text, '.');
  if (value != std::floor(value) || std::abs(value) > 1e15) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

bool has_class(const ImportOptions& options, std::string_view name) {
  const auto& classes = options.tables.classes;
  return std::any_of(classes.begin(), classes.end(), [&](const auto& each) { return each.second == name; });
}

namespace {

// The class whose id is this word, or that is called so. Error where these are two.
std::string label_of_word(const std::string& word, const ImportOptions& options) {
  const auto& classes = options.tables.classes;
  const auto& codes = options.tables.codes;
  const auto code = codes.find(word);
  const bool named = has_class(options, word);
  if (code == codes.end() && named) return word;
  if (code != codes.end()) {
    const std::string& label = classes.at(code->second);
    if (!named || label == word) return label;
    throw Error("'" + word + "' is the id of class '" + label + "' in --classes, and another class is called so")
        .at_field("label");
  }
  Spellings names(false);
  for (const auto& [id, name] : classes) names.add(name);
  for (const auto& [id, number] : codes) names.add(id);
  throw Error("'" + word + "' is " + (codes.empty() ? "no class number of" : "neither an id nor a name in") +
              " --classes" + names.reason(word))
      .at_field("label");
}

// A class that is called as the number, and has another: which of them is meant?
void refuse_name_for_number(std::string_view text, std::int64_t stated, std::int64_t id, const ImportOptions& options) {
  const auto& classes = options.tables.classes;
  const auto [first, last] = options.tables.numbers_as_names().equal_range(stated);
  for (auto called = first; called != last; ++called) {
    const std::int64_t own = called->second;
    if (own == id) continue;
    const std::string& name = classes.at(own);
    const auto numbered = classes.find(id);
    throw Error("'" + std::string(text) + "' is the name of class " + std::to_string(own) + " in --classes, and " +
                (numbered == classes.end() ? "no class's number" : "the number of '" + numbered->second + "'") +
                ": --class-offset 0 says that labels are numbers; where they are names, leave --classes out, or give "
                "each class its name as number ('" +
                name + " " + name + "')")
        .at_field("label");
  }
}

}  // namespace

void note_unnamed_columns(const NamedTable& table, const std::vector<int>& used, const Note& note) {
  if (!note) return;
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c) {
    if (!table.header[static_cast<std::size_t>(c)].empty() || std::find(used.begin(), used.end(), c) != used.end())
      continue;
    const NamedTable::Row* first = nullptr;
    bool numbers = true;
    for (const auto& row : table.rows) {
      if (!table.is_whole(row) || table.field(row, c).empty()) continue;
      if (!first) first = &row;
      numbers = numbers && class_number(table.field(row, c));
    }
    if (first && !(c == 0 && (numbers || table.named_rows)))
      note(table.source + ": column " + std::to_string(c + 1) + " has no name and is left out ('" +
           table.field(*first, c) + "' in line " + std::to_string(first->line) + ")");
  }
}

bool is_class_id(std::string_view text, const ImportOptions& options) {
  return class_number(text) || options.tables.codes.count(std::string(text)) > 0;
}

std::string label_of(std::string_view number, const ImportOptions& options) {
  if (options.tables.classes.empty()) return std::string(number);
  const auto stated = class_number(number);
  if (!stated || options.tables.codes.count(std::string(number)) > 0)
    return label_of_word(std::string(number), options);
  if (!options.labels_are_numbers) refuse_name_for_number(number, *stated, *stated + options.class_offset, options);
  return label_of_number(*stated, options);
}

std::string label_of_number(std::int64_t number, const ImportOptions& options) {
  const std::int64_t id = number + options.class_offset;
  const auto found = options.tables.classes.find(id);
  if (found == options.tables.classes.end())
    throw Error("class " + std::to_string(id) + " is not in --classes").at_field("label");
  return found->second;
}

std::string label_field(const std::string& text, const ImportOptions& options) {
  if (is_missing(text) && !has_class(options, text))
    throw missing_value(text,
                        "leave the field empty where there is no label, or, where a class is called so, give --classes "
                        "a list that has it")
        .at_field("label");
  return text.empty() ? "" : label_of(text, options);
}

void LeftOutColumns::add(const std::vector<std::string>& names) {
  for (const auto& name : names) ++others_[name];
}

void LeftOutColumns::add(const std::vector<std::string>& names, const std::vector<std::string>& counting,
                         const std::vector<VideoFact>& facts) {
  for (const auto& fact : facts) ++facts_[fact.name];
  for (const auto& name : names) ++files_[name];
  for (const auto& name : counting) ++counting_[name];
}

void LeftOutColumns::add_attributes(const std::vector<std::string>& names) {
  for (const auto& name : names) ++attributes_[name];
}

void LeftOutColumns::note(const ImportSink& sink) const {
  const auto tell = [&](const std::map<std::string, std::size_t>& names, const std::string& what,
                        const std::string& places = "files") {
    std::vector<std::string> columns;
    for (const auto& [name, files] : names)
      columns.push_back((name.empty() ? "one without a name" : "'" + name + "'") +
                        (files > 1 ? " (" + std::to_string(files) + " " + places + ")" : ""));
    if (!columns.empty()) sink.note(what + joined_first(columns, 8));
  };
  tell(others_, "columns left out: ");
  tell(files_, "columns left out, for they number, time or name the rows: ");
  tell(facts_, "columns left out, for they tell of the video, and are no values: ");
  tell(counting_,
       "columns read as values, though they count the rows, or rise by the same step in each (an index, times? then "
       "leave it out of the file): ");
  tell(attributes_,
       "attributes left out, which may tell of the rows' times (--fps, --stride, --window, --offset): ", "arrays");
}

namespace {

// What follows the times of an item.
void append_members(std::string& list, const std::optional<double>& score, std::string_view label,
                    std::span<const NamedScore> scores, std::string_view extra) {
  if (score) {
    list += ",\"score\":";
    append_number(list, *score);
  }
  if (!label.empty()) {
    list += ",\"label\":";
    append_json_string(list, label);
  }
  if (!scores.empty()) {
    list += ",\"scores\":";
    append_scores(list, scores);
  }
  if (!extra.empty()) {
    list += ',';
    list += extra;
  }
  list += '}';
}

}  // namespace

void append_item(std::string& list, const Segment& segment, const std::optional<double>& score, std::string_view label,
                 std::span<const NamedScore> scores, std::string_view extra) {
  list += list.empty() ? "{\"segment\":[" : ",{\"segment\":[";
  append_number(list, segment.start);
  list += ',';
  append_number(list, segment.end);
  list += ']';
  append_members(list, score, label, scores, extra);
}

void append_point(std::string& list, double at, const std::optional<double>& score, std::string_view label,
                  std::span<const NamedScore> scores, std::string_view extra) {
  list += list.empty() ? "{\"at\":" : ",{\"at\":";
  append_number(list, at);
  append_members(list, score, label, scores, extra);
}

VideoRows::Entry& VideoRows::at(const std::string& video) {
  const auto [found, added] = index_.emplace(video, entries_.size());
  if (added) entries_.emplace_back().video = video;
  return entries_[found->second];
}

const VideoRows::Entry* VideoRows::find(const std::string& video) const {
  const auto found = index_.find(video);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void VideoRows::emit(const ImportOptions& options, const ImportSink& sink) {
  for (auto& entry : entries_) {
    Record record = Record::make(entry.video);
    VideoInfo info = entry.facts.info;
    if (options.unit_duration) info.duration = 1;
    set_info(record, info);
    for (auto& [field, json] : entry.further) record.set_raw(field, std::move(json));
    if (entry.has_annotations) record.set_raw("annotations", "[" + entry.annotations + "]");
    if (entry.has_proposals) record.set_raw("proposals", "[" + entry.proposals + "]");
    sink.record(record);
  }
}

namespace {

// Measured and stated durations differ a little; by more they are of different videos.
bool agree(double a, double b) { return std::abs(a - b) <= 0.01 * std::max(std::abs(a), std::abs(b)); }

void refuse_other(const char* field, const std::string& own, const std::string& table) {
  throw Error(own + " here, but " + table + " in --durations").at_field(field);
}

}  // namespace

VideoInfo with_table(const VideoInfo& own, const VideoInfo& table) {
  const auto check = [](const auto& a, const auto& b, const char* field) {
    if (a && b && !agree(static_cast<double>(*a), static_cast<double>(*b)))
      refuse_other(field, format_number(static_cast<double>(*a)), format_number(static_cast<double>(*b)));
  };
  check(own.duration, table.duration, "duration");
  check(own.fps, table.fps, "fps");
  check(own.frames, table.frames, "frames");
  if (!own.subset.empty() && !table.subset.empty() && !same_subset(own.subset, table.subset))
    refuse_other("subset", "'" + own.subset + "'", "'" + table.subset + "'");
  VideoInfo both = table;
  if (!both.duration) both.duration = own.duration;
  if (!both.fps) both.fps = own.fps;
  if (!both.frames) both.frames = own.frames;
  if (both.subset.empty()) both.subset = own.subset;
  return both;
}

std::string_view without_text_ending(std::string_view name) {
  return without_ending(without_ending(name, {".gz"}), {".txt"});
}

Segment frame_range_of(std::string_view first, std::string_view last, double fps) {
  const auto number = [](std::string_view text, const char* field) {
    return whole_number(field_number(text, '.', field), text, field);
  };
  const auto from = number(first, "first frame"), to = number(last, "last frame");
  if (from < 1) throw Error("frames count from 1").at_field("first frame");
  if (to < from) throw Error("is before the first").at_field("last frame");
  return {static_cast<double>(from - 1) / fps, static_cast<double>(to) / fps};
}

std::string id_of(std::string_view name, const ImportOptions& options, const std::string& place) {
  return options.prefix.value_or("") + one_id(name, *options.ids, place);
}

std::string one_id(std::string_view name, FileIds& ids, const std::string& place) {
  const auto files = several_files(name);
  if (!files.empty())
    throw Error("'" + std::string(name) + "' names " + std::to_string(files.size()) +
                " files: a row must be of one video")
        .at_field("video");
  return ids.id(name, place);
}

std::string OtherRates::note() const {
  if (videos_.empty()) return "";
  const auto& [video, rate] = *videos_.begin();
  return "--fps counts the frames of " + std::to_string(videos_.size()) +
         (videos_.size() == 1 ? " video of which" : " videos of which") + " another frame rate is stated, '" + video +
         "' with " + format_number(rate);
}

VideoInfo known_of(const std::string& video, const ImportOptions& options, const VideoInfo& own) {
  const auto* table = options.tables.find(video);
  VideoInfo info = table ? with_table(own, own.duration ? *table : with_length(*table)) : own;
  if (info.fps) options.other_rates->see(video, *info.fps, options.fps);
  if (table) return info;
  if (!options.tables.videos.empty()) info.alike = options.tables.spellings().reason(video);
  return info;
}

VideoInfo info_of(const Record& record) {
  VideoInfo info;
  info.duration = record.duration();
  if (const auto rate = record.fps()) info.fps = rate->value();
  if (const auto frames = record.number("frames")) info.frames = static_cast<std::int64_t>(*frames);
  info.subset = record.text("subset").value_or("");
  return info;
}

void set_info(Record& record, const VideoInfo& info) {
  (void)with_table(info_of(record), info);
  if (info.duration && !record.has("duration")) record.set_number("duration", *info.duration);
  if (info.fps && !record.has("fps")) record.set_number("fps", *info.fps);
  if (info.frames && !record.has("frames")) record.set_raw("frames", std::to_string(*info.frames));
  if (!info.subset.empty() && !record.has("subset")) record.set_text("subset", info.subset);
}

std::string_view with_return(const SourceText& source, std::string_view text) {
  const std::less_equal<const char*> before;  // of any two pointers
  const char *const begin = source.text.data(), *const end = begin + source.text.size();
  const char* const behind = text.data() + text.size();
  if (!before(begin, text.data()) || !before(behind + 2, end)) return text;
  return std::string_view(behind, 2) == "\r\n" ? std::string_view(text.data(), text.size() + 1) : text;
}

std::string inflate_if_gzip(std::string bytes, std::size_t limit) {
  return looks_like_gzip(bytes) ? gunzip(bytes, limit) : std::move(bytes);
}

bool has_ending(std::string_view name, std::string_view endings) {
  if (endings == "*") return !name.starts_with('.');
  const std::string_view plain = without_ending(name, {".gz"});
  while (!endings.empty()) {
    const auto bar = std::min(endings.find('|'), endings.size());
    const auto ending = endings.substr(0, bar);
    endings.remove_prefix(std::min(bar + 1, endings.size()));
    if (ends_alike(plain, ending)) return true;
  }
  return false;
}

namespace {

// Files of a folder whose names end otherwise; media are what the others tell of.
void note_other_files(std::vector<std::string> others, const std::string& folder, const std::string& endings,
                      const Note& note) {
  std::erase_if(others, [](const std::string& path) { return is_media_file(path); });
  if (others.empty()) return;
  std::string wanted = endings;
  for (std::size_t at; (at = wanted.find('|')) != std::string::npos;) wanted.replace(at, 1, " or ");
  note(folder + ": " + std::to_string(others.size()) + (others.size() == 1 ? " file is" : " files are") + " no " +
       wanted + ", and left out: '" + joined_first(others, 4, "', '") + "'");
}

}  // namespace

std::vector<std::string> source_files(const std::vector<std::string>& paths, const std::string& endings, bool nested,
                                      const Note& note) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (path == "-" || !fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    if (endings.empty()) throw Error("is a folder; this format is one file").at_line(path, 0);
    const auto found =
        files_of(path, nested, [&](const std::string& name) { return endings == "*" || has_ending(name, endings); });
    found.refuse_dangling();
    if (const auto left_out = found.note(); note && !left_out.empty()) note(left_out);
    if (note) note_other_files(found.others, path, endings, note);
    if (found.paths.empty())
      throw Error("no " + (endings == "*" ? "" : endings + " ") + "file in this folder").at_line(path, 0);
    files.insert(files.end(), found.paths.begin(), found.paths.end());
  }
  if (const auto copies = same_copies(files, note); !copies.empty())
    std::erase_if(files, [&](const std::string& file) { return copies.count(file) > 0; });
  return files;
}

std::vector<SourceText> load_sources(const std::vector<std::string>& paths, const std::string& endings, bool nested) {
  std::vector<SourceText> sources;
  for (const auto& file : source_files(paths, endings, nested)) {
    SourceText source{file == "-" ? "stdin" : file, {}};
    try {
      source.text = inflate_if_gzip(read_file(file));
    } catch (Error& error) {
      throw error.at_line(source.name, 0);
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace tal
