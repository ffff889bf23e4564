// What the files of annotation tools look like, for --from auto.
#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/recognise.h"

namespace tal {
namespace {

Fit own_if(bool yes) { return yes ? Fit::kOwn : Fit::kNone; }

std::string_view first_line(const FileLook& file) {
  const auto lines = file.lines(1);
  return lines.empty() ? std::string_view() : lines[0];
}

bool is_number(std::string_view text) { return is_table_number(trim(text), '.') || is_table_number(trim(text), ','); }

}  // namespace

Fit looks_like_elan(const FileLook& file) { return own_if(file.xml_root() == "ANNOTATION_DOCUMENT"); }

Fit looks_like_cvat(const FileLook& file) { return own_if(file.xml_root() == "annotations"); }

Fit looks_like_boris(const FileLook& file) {
  if (file.has("behaviors_conf") && file.has("observations")) return Fit::kOwn;
  if (file.has_columns({"subject", "behavior", "status|behavior-type"})) return Fit::kOwn;
  if (first_line(file).starts_with("Observation id")) return Fit::kOwn;
  const auto lines = file.lines(8);  // aggregated, without a header
  const auto has_kind = [](std::string_view line) {
    for (const std::string_view kind : {"\tSTATE\t", "\tPOINT\t", ",STATE,", ",POINT,"})
      if (line.find(kind) != std::string_view::npos) return true;
    return false;
  };
  return own_if(!lines.empty() && std::all_of(lines.begin(), lines.end(), has_kind));
}

Fit looks_like_label_studio(const FileLook& file) {
  for (const char* names : {"[].annotations.[].result", "annotations.[].result", "annotation.result",
                            "[].completions.[].result", "[].predictions.[].result", "predictions.[].result",
                            "[].*.[].timelinelabels", "[].*.[].timeserieslabels", "[].*.[].labels"})
    if (file.has(names)) return Fit::kOwn;
  // Its CSV, which the reader refuses with what to export instead.
  if (file.has_columns({"annotator", "annotation-id"})) return Fit::kOwn;
  return file.has("[].data.*") ? Fit::kGeneral : Fit::kNone;
}

Fit looks_like_via(const FileLook& file) {
  if (file.has("metadata.*.z") || (file.has("attribute") && file.has("file") && file.has("view"))) return Fit::kOwn;
  const auto lines = file.lines(20);
  return own_if(std::any_of(lines.begin(), lines.end(), [](std::string_view line) {
    return line.starts_with("# CSV_HEADER = metadata_id,file_list") &&
           line.find("temporal_coordinates") != std::string_view::npos;
  }));
}

Fit looks_like_textgrid(const FileLook& file) {
  std::string head;  // of UTF-16 every other byte is zero
  for (const char c : file.head().substr(0, 400))
    if (c != '\0') head += c;
  return own_if(head.find("\"Praat chronological TextGrid text file\"") != std::string::npos ||
                (head.find("\"ooTextFile") != std::string::npos && head.find("\"TextGrid\"") != std::string::npos));
}

Fit looks_like_audacity(const FileLook& file) {
  const auto lines = file.lines(20);
  bool frequencies = false;
  for (const auto line : lines) {
    if (line.starts_with("\\\t")) {
      frequencies = true;
      continue;
    }
    const auto first = line.find('\t');
    if (first == std::string_view::npos || !is_number(line.substr(0, first))) return Fit::kNone;
    const auto rest = line.substr(first + 1);
    if (!is_number(rest.substr(0, rest.find('\t')))) return Fit::kNone;
  }
  return lines.empty() ? Fit::kNone : frequencies ? Fit::kOwn : Fit::kGeneral;
}

Fit looks_like_raven(const FileLook& file) {
  const auto line = first_line(file);
  return own_if(line.find("Begin Time (s)") != std::string_view::npos &&
                line.find("End Time (s)") != std::string_view::npos && line.find('\t') != std::string_view::npos);
}

namespace {

// A row of a list without a header: filename, perhaps its scene, onset, offset, label.
bool is_event_row(std::string_view line) {
  const auto fields = split_fields(line, '\t');
  const std::size_t count = fields.size();
  return (count == 4 || count == 5) && !is_number(fields[0]) && !is_number(fields[count - 1]) &&
         !fields[count - 1].empty() && is_number(fields[count - 3]) && is_number(fields[count - 2]);
}

}  // namespace

Fit looks_like_dcase(const FileLook& file) {
  if (file.has_columns({"filename", "event-labels"}) || file.has_columns({"onset", "offset", "event-label"}) ||
      file.has_columns({"audiofilename", "starttime", "endtime"}))
    return Fit::kOwn;
  const auto lines = file.lines(20);
  const auto is_row = [](std::string_view line) {
    return is_event_row(line) || is_media_file(trim(line));  // the name alone: a clip without an event
  };
  return !lines.empty() && is_event_row(lines[0]) && std::all_of(lines.begin(), lines.end(), is_row) ? Fit::kGeneral
                                                                                                     : Fit::kNone;
}

Fit looks_like_webvtt(const FileLook& file) {
  auto head = file.head();
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  return own_if(head.starts_with("WEBVTT"));
}

namespace {

// 00:00:06,500 --> 00:00:09,000: that of WebVTT has no comma.
bool is_srt_timing(std::string_view line) {
  const auto arrow = line.find("-->");
  if (arrow == std::string_view::npos) return false;
  const auto start = trim(line.substr(0, arrow));
  return start.find_first_not_of("0123456789:,") == std::string_view::npos && start.find(':') != start.npos &&
         start.find(',') != start.npos;
}

}  // namespace

Fit looks_like_srt(const FileLook& file) {
  const auto lines = file.lines(2);
  if (lines.size() < 2 || looks_like_webvtt(file) != Fit::kNone) return Fit::kNone;
  const bool counted = is_number(lines[0]) && lines[1].find(" --> ") != std::string_view::npos;
  return own_if(counted || is_srt_timing(lines[0]));  // some tools leave the counters out
}

Fit looks_like_sbv(const FileLook& file) {
  const auto line = trim(first_line(file));
  return own_if(line.size() > 20 && line.find_first_not_of("0123456789:.,") == std::string_view::npos &&
                std::count(line.begin(), line.end(), ':') == 4 && std::count(line.begin(), line.end(), ',') == 1);
}

Fit looks_like_ass(const FileLook& file) {
  const auto line = trim(first_line(file));
  return own_if(line == "[Script Info]" || (line == "[Events]" && file.head().find("Dialogue:") != line.npos));
}

Fit looks_like_rttm(const FileLook& file) {
  for (const auto line : file.lines(20)) {
    if (line.starts_with(";;")) continue;
    const auto words = split_blanks(line);
    static constexpr std::string_view kTypes[] = {"SPEAKER", "SPKR-INFO", "LEXEME", "NON-LEX", "NON-SPEECH",
                                                  "SEGMENT", "FILLER",    "EDIT",   "SU",      "SU_BOUNDARY",
                                                  "IP",      "CB",        "A/P",    "NOSCORE", "NO_RT_METADATA"};
    return own_if(words.size() >= 8 && std::find(std::begin(kTypes), std::end(kTypes), words[0]) != std::end(kTypes));
  }
  return Fit::kNone;
}

Fit looks_like_datavyu(const FileLook& file) {
  if (file.ends_with(".opf") && file.head().starts_with("PK")) return Fit::kOwn;
  if (file.has_columns({"ordinal", "onset", "offset"})) return Fit::kOwn;
  const auto lines = file.lines(20);
  const auto is_column = [](std::string_view line) {
    for (const char* type : {" (MATRIX", " (TEXT", " (NOMINAL", " (INTEGER", " (FLOAT", " (PREDICATE"})
      if (line.find(type) != std::string_view::npos) return true;
    return false;
  };
  if (lines.size() > 1 && is_column(lines[0]))  // the oldest have no version before it
    return own_if(lines[1].size() > 24 && lines[1].substr(0, 25).find_first_not_of("0123456789:,") == lines[1].npos);
  if (lines.empty() || lines[0].size() < 2 || lines[0][0] != '#' || !is_number(lines[0].substr(1))) return Fit::kNone;
  return own_if(std::any_of(lines.begin(), lines.end(), is_column));
}

}  // namespace tal
