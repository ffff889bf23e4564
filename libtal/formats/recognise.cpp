#include "libtal/formats/recognise.h"

#include <fcntl.h>
#include <simdjson.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/folder.h"
#include "libtal/io/json_advice.h"
#include "libtal/io/json_check.h"
#include "libtal/io/table.h"
#include "libtal/io/unit_name.h"
#include "libtal/io/zip.h"

namespace tal {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kHead = 1 << 16;

Error unreadable(const std::string& path, const char* why) {
  return Error(why).at_line(path == "-" ? "stdin" : path, 0);
}

// The first `most` bytes from where the file stands, which does not move it.
std::string bytes_of(const std::string& path, std::size_t most) {
  const int fd = path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw unreadable(path, std::strerror(errno));
  const off_t begin = std::max<off_t>(0, ::lseek(fd, 0, SEEK_CUR));
  std::string text;
  ssize_t got = 1;
  while (text.size() < most && got > 0) {
    const std::size_t size = text.size(), step = std::min(most - size, std::size_t{1} << 20);
    text.resize(size + step);
    do got = ::pread(fd, text.data() + size, step, begin + static_cast<off_t>(size));
    while (got < 0 && errno == EINTR);
    text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  const int error = errno;
  if (fd != 0) ::close(fd);
  if (got < 0 && error == ESPIPE) throw unreadable(path, "is a pipe, which cannot be read twice; give --from FORMAT");
  if (got < 0) throw unreadable(path, std::strerror(error));
  return text;
}

bool has_path(const dom::element& element, std::string_view names, bool text) {
  if (names.empty()) return !text || element.is_string();
  const auto dot = std::min(names.find('.'), names.size());
  const auto name = names.substr(0, dot), rest = names.substr(std::min(dot + 1, names.size()));
  const auto inside = [&](const dom::element& value) { return has_path(value, rest, text); };
  dom::array list;
  if (name == "[]") return !element.get(list) && std::any_of(list.begin(), list.end(), inside);
  dom::object object;
  if (element.get(object)) return false;
  if (name == "*")
    return std::any_of(object.begin(), object.end(), [&](const auto& member) { return inside(member.value); });
  dom::element value;
  return !object[name].get(value) && inside(value);
}

// The text without comments, a declaration and blanks before the root element.
std::string_view at_root(std::string_view text) {
  while (true) {
    const auto begin = text.find('<');
    if (begin == std::string_view::npos || first_character(text) != '<') return {};
    text.remove_prefix(begin);
    const char* close = text.starts_with("<!--") ? "-->" : text.starts_with("<?") ? "?>" : ">";
    if (text.size() < 2 || (text[1] != '!' && text[1] != '?')) return text;
    const auto end = text.find(close);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + std::strlen(close));
  }
}

}  // namespace

struct FileLook::Parts {
  std::string path;  // "": bytes
  SourceText head;
  bool whole = false;  // the head is all
  mutable std::optional<SourceText> text;
  mutable bool json_read = false, json_good = false, columns_read = false;
  mutable dom::parser parser;
  mutable dom::element json;
  mutable std::vector<std::string> columns;
  mutable std::optional<Error> no_table;  // why there are none
  mutable std::string plain;              // the text that was parsed, where it is not the file's

  const SourceText& all() const {
    if (whole) return head;
    if (!text) text.emplace(SourceText{head.name, inflate_if_gzip(bytes_of(path, std::string::npos >> 1))});
    return *text;
  }
  void read_json() const {
    if (std::exchange(json_read, true)) return;
    std::string_view begin = head.text;
    if (begin.starts_with("\xEF\xBB\xBF")) begin.remove_prefix(3);
    const char first = first_character(begin);
    if (first != '{' && first != '[') return;
    std::string_view body = all().text;
    if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
    json_good = !parser.parse(body.data(), body.size()).get(json);
    if (json_good) return;
    if (body.find("\"behaviors_conf\"") != std::string_view::npos) {  // of BORIS, which writes NaN
      plain = without_non_finite(body);
      json_good = !parser.parse(plain).get(json);
      return;
    }
    const auto documents = json_documents(all());
    if (documents.size() > 1) json_good = !parser.parse(documents.front().text).get(json);
  }
  bool read_columns(const SourceText& source) const {
    try {
      columns = parse_named_table(source).header;
    } catch (const Error& error) {
      no_table = error;
      return false;
    }
    return true;
  }
};

FileLook::FileLook(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
FileLook::FileLook(SourceText source) : parts_(std::make_unique<Parts>()) {
  parts_->head = std::move(source), parts_->whole = true;
}
FileLook::~FileLook() = default;
FileLook::FileLook(FileLook&&) noexcept = default;

FileLook FileLook::of(const std::string& path) {
  auto parts = std::make_unique<Parts>();
  parts->path = path;
  parts->head = {path == "-" ? "stdin" : path, bytes_of(path, kHead)};
  parts->whole = parts->head.text.size() < kHead;
  if (looks_like_gzip(parts->head.text)) try {
      parts->head.text = inflate_if_gzip(bytes_of(path, std::string::npos >> 1));
      parts->whole = true;
    } catch (Error& error) {
      throw error.at_line(parts->head.name, 0);
    }
  if (is_utf16(parts->head.text)) try {
      if (!parts->whole) parts->head.text = bytes_of(path, std::string::npos >> 1);
      parts->head = decoded_utf16(parts->head);
      parts->whole = true;
    } catch (const Error&) {  // the reader says what is wrong
    }
  return FileLook(std::move(parts));
}

const std::string& FileLook::path() const {
  static const std::string none;
  return parts_->path == "-" ? none : parts_->path;
}

bool FileLook::ends_with(std::string_view ending) const {
  const std::string_view name = without_ending(parts_->head.name, {".gz"});
  return lower_case(name).ends_with(ending);
}

bool FileLook::belongs_to(std::string_view endings) const {
  std::string_view name = parts_->head.name;
  name.remove_prefix(name.find_last_of('/') + 1);
  return has_ending(name, endings);
}

std::string_view FileLook::head() const { return std::string_view(parts_->head.text).substr(0, kHead); }

std::vector<std::string_view> FileLook::lines(std::size_t most) const {
  std::vector<std::string_view> out;
  std::string_view text = head();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos) return out;
  const bool cut = text.size() < parts_->head.text.size() || !parts_->whole;
  while (!text.empty() && out.size() < most) {
    const auto line = take_line(text);
    if (text.empty() && cut) break;  // the last one may go on
    if (!trim(line).empty()) out.push_back(line);
  }
  return out;
}

bool FileLook::is_record() const {
  const auto is = [](std::string_view line) {
    try {
      Record record;
      record.parse(line);
      return !is_table_row(line);
    } catch (const Error&) {
      return false;
    }
  };
  std::string_view begin = head();
  if (begin.starts_with("\xEF\xBB\xBF")) begin.remove_prefix(3);
  if (first_character(begin) != '{') return false;
  if (const auto first = lines(1); !first.empty()) return is(first[0]);
  std::string_view text = parts_->all().text;  // one long line
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return is(take_line(text));
}

bool FileLook::has(std::string_view names) const {
  parts_->read_json();
  return parts_->json_good && has_path(parts_->json, names, false);
}

bool FileLook::is_text(std::string_view names) const {
  parts_->read_json();
  return parts_->json_good && has_path(parts_->json, names, true);
}

namespace {

// The first line of settings, as "[Script Info]", which is no JSON.
bool is_section(std::string_view line) {
  const auto text = trim(line);
  return text.size() > 2 && text.starts_with('[') && text.ends_with(']') &&
         text.find_first_of("[]{}\":,.0123456789", 1) == text.size() - 1;
}

}  // namespace

void FileLook::refuse_json(const std::string& name) const {
  std::string_view begin = head();
  if (begin.starts_with("\xEF\xBB\xBF")) begin.remove_prefix(3);
  begin.remove_prefix(std::min(begin.find_first_not_of(" \t\r\n"), begin.size()));
  if (!begin.starts_with('{') && !begin.starts_with('[') && !begin.starts_with("//") && !begin.starts_with("/*"))
    return;
  const auto rows = rows_advice(begin);
  const auto line = take_line(begin);
  if (is_section(line)) return;
  if (!is_table_row(line))
    for (const auto& document : json_documents({name, parts_->all().text})) (void)check_json_file(document);
  if (const auto advice = rows.empty() ? record_advice(line) : rows; !advice.empty())
    throw Error("no format that can be told by itself" + advice).at_line(name, 0);
}

void FileLook::refuse_other(const std::string& name) const {
  refuse_foreign(head(), name);
  auto begin = head();
  const auto line = take_line(begin);
  if (columns().empty() && parts_->no_table && line.find_first_of(",;\t") != std::string_view::npos)
    throw Error("no format that can be told by itself: " + parts_->no_table->message() + "; give --from FORMAT for one")
        .at_line(name, parts_->no_table->line());
}

std::string_view FileLook::xml_root() const {
  std::string_view text = head();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text = at_root(text);
  if (text.empty()) return {};
  text.remove_prefix(1);
  return text.substr(0, std::min(text.find_first_of(" \t\r\n/>"), text.size()));
}

const std::vector<std::string>& FileLook::columns() const {
  if (std::exchange(parts_->columns_read, true)) return parts_->columns;
  const char first = first_character(head());
  if (first == '{' || first == '[' || first == '<' || foreign_format(head())) return parts_->columns;
  const bool cut = !parts_->whole || parts_->head.text.size() > kHead;
  const auto text = head();
  const SourceText begin{"", std::string(text.substr(0, cut ? text.rfind('\n') + 1 : text.size()))};
  if (!parts_->read_columns(begin) && cut) (void)parts_->read_columns(parts_->all());
  return parts_->columns;
}

bool FileLook::has_columns(std::initializer_list<std::string_view> names) const {
  return std::all_of(names.begin(), names.end(), [&](std::string_view alternatives) {
    while (true) {
      const auto bar = std::min(alternatives.find('|'), alternatives.size());
      const std::string name = plain_name(alternatives.substr(0, bar));
      for (const auto& column : columns())
        if (plain_name(column) == name) return true;
      if (bar == alternatives.size()) return false;
      alternatives.remove_prefix(bar + 1);
    }
  });
}

bool FileLook::is_own_without_scores() const {
  if (!is_own_header(columns())) return false;
  try {
    const auto& all = parts_->all();
    const auto& own = own_columns();
    const auto score = static_cast<std::size_t>(std::find(own.begin(), own.end(), "score") - own.begin());
    const TableText table = open_table(all, {}, BlankColumns::kAlike);
    auto rows = table.rows(all.name);
    for (rows.next(); rows.next();)  // a table of detections says so in its first row
      if (rows.fields().size() == columns().size() && !rows.fields()[score].empty()) return false;
    return true;
  } catch (const Error&) {
    return false;  // the reader says what is wrong
  }
}

void keep_stdin() {
  struct stat info {};
  if (::fstat(0, &info) == 0 && S_ISREG(info.st_mode)) return;
  std::FILE* kept = std::tmpfile();
  if (!kept) throw unreadable("-", std::strerror(errno));
  std::vector<char> buffer(std::size_t{1} << 18);
  ssize_t got = 0;
  while ((got = ::read(0, buffer.data(), buffer.size())) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 ||
        std::fwrite(buffer.data(), 1, static_cast<std::size_t>(got), kept) != static_cast<std::size_t>(got)) {
      const int error = errno;
      std::fclose(kept);
      throw unreadable("-", std::strerror(error));
    }
  }
  const bool good =
      std::fflush(kept) == 0 && ::lseek(::fileno(kept), 0, SEEK_SET) == 0 && ::dup2(::fileno(kept), 0) == 0;
  const int error = errno;
  std::fclose(kept);
  if (!good) throw unreadable("-", std::strerror(error));
}

namespace {

using Fitting = std::vector<const ImportFormat*>;  // all kOwn, or all kGeneral when none is

Fitting formats_of(const FileLook& file) {
  Fitting own, general;
  for (const auto& format : import_formats()) {
    if (!format.looks_like) continue;
    const Fit fit = format.looks_like(file);
    if (fit == Fit::kOwn) own.push_back(&format);
    if (fit == Fit::kGeneral) general.push_back(&format);
  }
  return own.empty() ? general : own;
}

// The formats that the first file of a folder fits that fits any whose reader takes it from there. Error where files
// fit others alone: those that are one file, or whose readers enter no folders below.
Fitting formats_of_folder(const std::string& path) {
  const auto folder = files_of(path, true, [](const std::string&) { return true; });
  folder.refuse_dangling();
  std::string advice;
  for (const auto& file : folder.paths) {
    const FileLook look = FileLook::of(file);
    const Fitting fitting = formats_of(look);
    const auto within = std::filesystem::path(file).parent_path();
    const bool below = !std::filesystem::equivalent(within, path);
    Fitting taken;
    bool one_file = true;
    for (const auto* format : fitting) {
      const bool whole = format->path_reader && format->extension.empty();  // takes any folder
      const bool member = look.belongs_to(format->extension);
      if (whole || (member && (!below || format->nested))) taken.push_back(format);
      one_file = one_file && !whole && !member;
    }
    if (!taken.empty()) return taken;
    if (fitting.empty() || !advice.empty()) continue;
    advice = "'" + file + "' looks like " + fitting.front()->name +
             (one_file ? ", of which no folder is read: name the file"
                       : ", which does not enter the folders in a folder: name '" + within.string() + "'");
  }
  if (!advice.empty()) throw Error(advice).at_line(path, 0);
  return {};
}

// The first column with one of the names, "": none.
std::string column_with(const FileLook& file, const std::vector<std::string>& names) {
  for (const auto& column : file.columns())
    if (is_one_of(names, column) || is_one_of(names, unit_name(column).base)) return column;
  return "";
}
bool has_one_of(const FileLook& file, const std::vector<std::string>& names) {
  return !column_with(file, names).empty();
}
bool has_role(const FileLook& file, const std::string& role) { return has_one_of(file, column_names(role)); }

// What a table lacks to be one of segments: "the video", "the start", ...
std::vector<std::string> lacking_for_segments(const FileLook& file) {
  const auto has_time = [&](const std::string& role) {
    return has_role(file, role) || has_role(file, role + " frames") ||
           has_one_of(file, paired_names(file.columns(), role));
  };
  const bool length = has_role(file, "length") || has_role(file, "segment duration");
  std::vector<std::string> out;
  if (!has_role(file, "video")) out.emplace_back("video");
  if (has_one_of(file, {"at"}) && !has_time("start") && !has_time("end") && !has_role(file, "length")) return out;
  if (!has_time("start")) out.emplace_back("start");
  if (!has_time("end") && !length) out.emplace_back("end");
  return out;
}

// Of tables without a column of videos, the file's name may be the video's: the reader knows when. Without labels it
// is asked for (--from segments-csv).
bool has_segment_columns(const FileLook& file) {
  const auto lacking = lacking_for_segments(file);
  const bool labelled = has_role(file, "label") || has_one_of(file, {"annotation", "annotations"});
  return lacking.empty() || (lacking.size() == 1 && lacking[0] == "video" && labelled);
}

// Lists of whole clips, 'path frames class', as recognition of actions has them: whole numbers throughout, and folders
// in the paths, or a class below the number of frames.
bool is_list_of_clips(const FileLook& file) {
  bool other = false;
  for (const auto line : file.lines(100)) {
    const auto words = split_blanks(line);
    if (words.size() != 3) return false;
    const auto frames = class_number(words[1]), label = class_number(words[2]);
    if (!frames || !label || words[1].find('.') != words[1].npos || words[2].find('.') != words[2].npos) return false;
    other = other || *label < *frames || words[0].find('/') != words[0].npos;
  }
  return other;
}

// The scores of Charades' classes at points of the videos, numbered from 1: 'YSKX3 1 0.0018 0.2523 ...'.
bool is_list_of_scores(const FileLook& file) {
  std::size_t count = 0;
  for (const auto line : file.lines(100)) {
    const auto words = split_blanks(line);
    if (words.size() < 4 || (count > 0 && words.size() != count) || is_table_number(words[0], '.')) return false;
    count = words.size();
    if (!class_number(words[1])) return false;
    for (std::size_t i = 2; i < count; ++i)
      if (!is_table_number(words[i], '.')) return false;
  }
  return count > 5;  // two numbers after the place would be a segment of a class
}

// What a file is like that fits no format: a table, of which --from needs to be told more.
std::string nearest_advice(const FileLook& file) {
  if (is_list_of_clips(file))
    return "it may be a list of whole clips, 'path frames class', which has no segments (of segments of a class in "
           "seconds, give --from thumos14-gt)";
  if (is_list_of_scores(file))
    return "it may be results of localization in Charades, 'video point score score ...': --from charades-results";
  const auto& columns = file.columns();
  if (columns.size() < 2) return "give --from FORMAT";
  const auto is_number = [](const std::string& name) {
    return is_table_number(name, '.') || is_table_number(name, ',');
  };
  const std::string names = "'" + joined_first(columns, 8, "', '") + "'";
  if (std::all_of(columns.begin(), columns.end(), is_number))
    return "it is a table of numbers without names: --from features, signals or class-scores says of what";
  if (std::any_of(columns.begin(), columns.end(), is_number))
    return "its first line, " + names + ", does not name columns: a table of segments needs a header such as " +
           "video,start,end,label; give --from FORMAT for others";
  const auto lacking = lacking_for_segments(file);
  if (has_role(file, "at") && lacking == std::vector<std::string>{"start", "end"}) {
    const std::string time = column_with(file, column_names("at"));
    return "it is a table with the columns " + names + ": --from segments-csv" +
           (has_role(file, "score") ? " (or detections-csv)" : "") + " reads '" + time +
           "' as the time of points (at=NAME in --columns names another); give --from sample-labels where each row "
           "is a sample and its label, or --columns start=NAME,end=NAME where the rows are segments";
  }
  if (lacking.size() >= 3)
    return "it is a table with the columns " + names + ": give --from (" +
           (has_role(file, "label") ? "sample-labels where each row is a sample and its label, " : "") +
           "features, signals, class-scores, or segments-csv with --columns)";
  std::vector<std::string> roles;
  for (const auto& role : lacking) roles.push_back(role + "=NAME");
  return "it is a table with the columns " + names + ", of which none is known to be the " +
         joined(lacking, ", nor the ") + ": --from segments-csv --columns " + joined(roles, ",") + " names " +
         (roles.size() == 1 ? "it" : "them") +
         (!lacking.empty() && lacking.back() == "end" ? " (or at=NAME alone the time of points)" : "") +
         (lacking == std::vector<std::string>{"video"}
              ? ", or --columns label=NAME the label, where the file's name is the video's"
              : "");
}

const ImportFormat& format_of(const std::string& path) {
  const std::string name = path == "-" ? "stdin" : path;
  const bool folder = path != "-" && std::filesystem::is_directory(path);
  Fitting fitting;
  if (folder) {
    fitting = formats_of_folder(path);
  } else {
    const FileLook file = FileLook::of(path);
    if (file.head().empty()) throw Error("is empty; give --from FORMAT").at_line(name, 0);
    fitting = formats_of(file);
    if (fitting.empty()) {
      file.refuse_json(name);
      file.refuse_other(name);
      throw Error("does not look like a format that can be told by itself; " + nearest_advice(file)).at_line(name, 0);
    }
  }
  if (fitting.size() == 1) return *fitting.front();
  std::vector<std::string> names;
  for (const auto* format : fitting) names.push_back(format->name);
  throw Error(names.empty() ? "does not look like a format that can be told by itself; give --from FORMAT"
                            : "looks like " + joined(names, " and ") + "; give --from with one of them")
      .at_line(name, 0);
}

}  // namespace

const ImportFormat& recognise_format(const std::vector<std::string>& paths, const Note& note) {
  const ImportFormat* first = nullptr;
  for (const auto& path : paths) {
    const ImportFormat& format = format_of(path);
    if (first && first != &format)
      throw Error("looks like " + format.name + ", '" + paths.front() + "' like " + first->name +
                  "; convert them by themselves, or give --from")
          .at_line(path, 0);
    first = &format;
  }
  note("'" + joined_first(paths, 3, "', '") + "' is taken for " + first->name + ": " + first->help);
  return *first;
}

Fit looks_like_activitynet_gt(const FileLook& file) {
  const bool database = file.has("database.*");
  return database || file.has("*.annotations.[].segment") || file.has("*.actions.[].[]") ? Fit::kGeneral : Fit::kNone;
}

namespace {

// Lists by video without "results" around them, as --rejects keeps them; no record over several lines.
bool is_bare_results(const FileLook& file) {
  for (const char* other : {"video", "annotations", "proposals", "predictions", "results"})
    if (file.has(other)) return false;
  return file.has("*.[].score");
}

}  // namespace

Fit looks_like_activitynet_results(const FileLook& file) {
  const bool bare = is_bare_results(file) && file.has("*.[].segment");
  return bare || file.has("results.*.[].segment") ? Fit::kGeneral : Fit::kNone;
}

Fit looks_like_activitynet_classification(const FileLook& file) {
  const bool scores = file.has("results.*.[].score") || file.has("results.*.score");
  const bool bare = is_bare_results(file) && file.has("*.[].label") && !file.has("*.[].segment");
  return bare || (scores && !file.has("results.*.[].segment")) ? Fit::kGeneral : Fit::kNone;
}

namespace {

// The first lines, each so many words, of which those of `numbers` (places, ascending) are numbers.
bool has_lines_of(const FileLook& file, std::size_t words, std::initializer_list<std::size_t> numbers) {
  const auto lines = file.lines(100);
  return !lines.empty() && std::all_of(lines.begin(), lines.end(), [&](std::string_view line) {
    const auto words_of_line = split_blanks(line);
    return words_of_line.size() == words && std::all_of(numbers.begin(), numbers.end(), [&](std::size_t place) {
             return is_table_number(words_of_line[place], '.');
           });
  });
}

}  // namespace

Fit looks_like_thumos14_gt(const FileLook& file) {
  const bool lines = file.ends_with(".txt") && has_lines_of(file, 3, {1, 2}) && !is_list_of_clips(file);
  return lines && looks_like_multithumos(file) == Fit::kNone ? Fit::kGeneral : Fit::kNone;
}

// THUMOS14's own files are of one subset, which their name says.
Fit looks_like_multithumos(const FileLook& file) {
  if (!file.ends_with(".txt") || file.ends_with("_val.txt") || file.ends_with("_test.txt")) return Fit::kNone;
  const auto first = file.lines(1);
  const bool named =
      !first.empty() && (first[0].starts_with("video_validation_") || first[0].starts_with("video_test_"));
  return named && has_lines_of(file, 3, {1, 2}) ? Fit::kGeneral : Fit::kNone;
}

Fit looks_like_thumos14_results(const FileLook& file) {
  return has_lines_of(file, 5, {1, 2, 3, 4}) ? Fit::kGeneral : Fit::kNone;
}

Fit looks_like_ssn_proposals(const FileLook& file) {
  const auto lines = file.lines(4);
  if (lines.size() < 4) return Fit::kNone;
  const auto first = split_blanks(lines[0]);
  const bool entry = first.size() == 2 && first[0] == "#" && is_table_number(first[1], '.');
  return entry && is_table_number(trim(lines[2]), '.') && is_table_number(trim(lines[3]), '.') ? Fit::kOwn : Fit::kNone;
}

Fit looks_like_bsn_proposals(const FileLook& file) {
  return file.has_columns({"xmin|tmin", "xmax|tmax"}) && !file.has_columns({"ymin"}) ? Fit::kOwn : Fit::kNone;
}

Fit looks_like_segments_csv(const FileLook& file) {
  return has_segment_columns(file) && (!has_role(file, "score") || file.is_own_without_scores()) ? Fit::kGeneral
                                                                                                 : Fit::kNone;
}

Fit looks_like_detections_csv(const FileLook& file) {
  return has_segment_columns(file) && has_role(file, "score") && !file.is_own_without_scores() ? Fit::kGeneral
                                                                                               : Fit::kNone;
}

Fit looks_like_features(const FileLook& file) {
  const auto head = file.head();
  const bool arrays = head.starts_with("\x93NUMPY") || head.starts_with("\x89HDF\r\n\x1a\n") ||
                      (head.starts_with("PK\x03\x04") && file.ends_with(".npz"));
  return arrays ? Fit::kGeneral : Fit::kNone;
}

Fit looks_like_records(const FileLook& file) { return file.is_record() ? Fit::kOwn : Fit::kNone; }

}  // namespace tal
