#include "libtal/data/import_support.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>

#include "libtal/base/number.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/zip.h"

namespace tal {

const VideoInfo* ImportTables::find(std::string_view video) const {
  auto found = videos.find(std::string(video));
  if (found == videos.end())
    found =
        video.substr(0, 2) == "v_" ? videos.find(std::string(video.substr(2))) : videos.find("v_" + std::string(video));
  return found == videos.end() ? nullptr : &found->second;
}

// The text behind a byte-order mark. Error with the line of the first byte that is not UTF-8, or zero.
static std::string_view utf8_text(const SourceText& source) {
  std::string_view text = source.text;
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    std::uint64_t number = 1;
    for (std::size_t at = 0; at < text.size(); ++number) {
      const auto end = std::min(text.find('\n', at), text.size());
      if (!simdjson::validate_utf8(text.data() + at, end - at)) break;
      at = end + 1;
    }
    throw Error("not valid UTF-8", Error::Kind::kNotUtf8).at_line(source.name, number);
  }
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    throw Error("holds a zero byte: not a text file")
        .at_line(source.name, 1 + static_cast<std::uint64_t>(
                                      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n')));
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  return text;
}

std::vector<std::string_view> split_lines(const SourceText& source) {
  std::string_view text = utf8_text(source);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
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

int CsvTable::find(const std::vector<std::string>& names) const {
  for (const auto& name : names)
    for (std::size_t i = 0; i < header.size(); ++i)
      if (header[i] == name) return static_cast<int>(i);
  return -1;
}

CsvTable parse_csv(const SourceText& source) {
  const std::string_view text = utf8_text(source);
  const char separator = text.substr(0, text.find('\n')).find('\t') != std::string_view::npos ? '\t' : ',';
  CsvTable table;
  std::uint64_t line = 1;
  std::size_t i = 0;
  while (i < text.size()) {
    CsvTable::Row row{line, {}};
    while (true) {
      std::string field;
      if (i < text.size() && text[i] == '"') {
        const std::uint64_t opened = line;
        for (++i;; ++i) {
          if (i >= text.size()) throw Error("a quoted field is not closed").at_line(source.name, opened);
          if (text[i] == '"') {
            if (i + 1 >= text.size() || text[i + 1] != '"') break;
            ++i;
          }
          line += text[i] == '\n';
          field += text[i];
        }
        ++i;
        if (i < text.size() && text[i] != separator && text[i] != '\n' && text[i] != '\r')
          throw Error("text behind a quoted field").at_line(source.name, line);
      } else {
        while (i < text.size() && text[i] != separator && text[i] != '\n') field += text[i++];
        if (!field.empty() && field.back() == '\r') field.pop_back();
      }
      if (i < text.size() && text[i] == '\r') ++i;
      row.fields.push_back(std::move(field));
      if (i >= text.size() || text[i] == '\n') break;
      ++i;
    }
    ++i, ++line;
    if (row.fields.size() == 1 && row.fields[0].empty()) continue;
    if (table.header.empty()) table.header = std::move(row.fields);
    else table.rows.push_back(std::move(row));
  }
  if (table.header.empty()) throw Error("empty: a header line with column names was expected").at_line(source.name, 0);
  return table;
}

std::string video_of_file(std::string_view path) {
  if (const auto slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  for (const std::string_view ending : {".mp4", ".avi", ".mkv", ".webm", ".mov", ".csv.gz", ".csv"})
    if (path.size() > ending.size() && path.substr(path.size() - ending.size()) == ending) {
      path.remove_suffix(ending.size());
      break;
    }
  return std::string(path);
}

void check_segment(const Segment& segment, std::string_view field) {
  if (segment.end < segment.start)
    throw Error("end " + format_number(segment.end) + " is before start " + format_number(segment.start))
        .at_field(field);
}

double to_seconds(double value, const std::string& unit, const ImportOptions& options, const VideoInfo* info,
                  std::string_view field) {
  if (unit == "frames") {
    const double fps = options.fps > 0 ? options.fps : info && info->fps ? *info->fps : 0;
    if (!(fps > 0))
      throw Error("frames need the frame rate: give --fps, or --durations with an fps column").at_field(field);
    return value / fps;
  }
  if (unit == "relative") {
    if (value < 0 || value > 1)
      throw Error("'" + format_number(value) + "' is not a share of the video; for frames give --time frames")
          .at_field(field);
    if (options.unit_duration) return value;
    if (!info || !info->duration)
      throw Error("relative times need the video's duration: give --durations, or --unit-duration to leave them")
          .at_field(field);
    return value * *info->duration;
  }
  return value;
}

std::string label_of(std::string_view number, const ImportOptions& options) {
  if (options.tables.classes.empty()) return std::string(number);
  std::int64_t id = 0;
  if (__builtin_add_overflow(parse_integer(number), options.class_offset, &id))
    throw Error("class number out of range");
  const auto found = options.tables.classes.find(id);
  if (found == options.tables.classes.end())
    throw Error("class " + std::to_string(id) + " is not in --classes").at_field("label");
  return found->second;
}

void append_item(std::string& list, const Segment& segment, const std::optional<double>& score, std::string_view label,
                 std::span<const NamedScore> scores, std::string_view extra) {
  list += list.empty() ? "{\"segment\":[" : ",{\"segment\":[";
  append_number(list, segment.start);
  list += ',';
  append_number(list, segment.end);
  list += ']';
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

VideoRows::Entry& VideoRows::at(const std::string& video) {
  const auto [found, added] = index_.emplace(video, entries_.size());
  if (added) entries_.emplace_back().video = video;
  return entries_[found->second];
}

void VideoRows::emit(const ImportOptions& options, const ImportSink& sink) {
  for (auto& entry : entries_) {
    Record record = Record::make(entry.video);
    VideoInfo info = entry.info;
    if (options.unit_duration) info.duration = 1;
    set_info(record, info);
    if (entry.has_annotations) record.set_raw("annotations", "[" + entry.annotations + "]");
    if (entry.has_proposals) record.set_raw("proposals", "[" + entry.proposals + "]");
    sink.record(record);
  }
}

void set_info(Record& record, const VideoInfo& info) {
  if (info.duration && !record.has("duration")) record.set_number("duration", *info.duration);
  if (info.fps && !record.has("fps")) record.set_number("fps", *info.fps);
  if (info.frames && !record.has("frames")) record.set_raw("frames", std::to_string(*info.frames));
  if (!info.subset.empty() && !record.has("subset")) record.set_text("subset", info.subset);
}

std::string inflate_if_gzip(std::string bytes, std::size_t limit) {
  return looks_like_gzip(bytes) ? gunzip(bytes, limit) : std::move(bytes);
}

std::vector<SourceText> load_sources(const std::vector<std::string>& paths, const std::string& extension) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (path == "-" || !fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    if (extension.empty()) throw Error("is a folder; this format is one file").at_line(path, 0);
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path)) {
      std::string name = entry.path().filename().string();
      if (name.size() > 3 && name.substr(name.size() - 3) == ".gz") name.resize(name.size() - 3);
      if (entry.is_regular_file() && name.size() > extension.size() &&
          name.substr(name.size() - extension.size()) == extension)
        found.push_back(entry.path().string());
    }
    if (found.empty()) throw Error("no " + extension + " file in this folder").at_line(path, 0);
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  std::vector<SourceText> sources;
  for (const auto& file : files) {
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
