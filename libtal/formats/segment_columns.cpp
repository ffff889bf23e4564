#include "libtal/formats/segment_columns.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/same_columns.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/time_text.h"
#include "libtal/io/unit_name.h"

namespace tal {
namespace {

// The column, and those that say the same time in other units or under other names.
std::vector<TimeColumn> with_twins(const TimeColumns& columns, const TimeColumn& chosen, const std::string& unit) {
  if (!chosen.found()) return {};
  std::vector<TimeColumn> out{chosen};
  for (const auto& twin : columns.twins(chosen, unit)) out.push_back(twin);
  return out;
}
std::vector<TimeColumn> with_twins(const TimeColumns& columns, const std::string& unit) {
  return with_twins(columns, columns.choose(unit), unit);
}

}  // namespace

SegmentColumns::SegmentColumns(const NamedTable& table, const ImportOptions& options, bool scored,
                               const std::string& unit, const ImportSink& sink)
    : table_(table),
      options_(options),
      unit_(unit),
      hint_(scored ? "such as video,start,end,label,score" : "such as video,start,end,label"),
      facts_(table, options) {
  refuse_units_of_rows(table);
  for (const auto& title : table.header) {
    const UnitName parts = unit_name(title);
    per_cent_.push_back(parts.shares() && is_one_of(column_names("score"), parts.base));
  }
  label = texts_column(table, options, "label", column_names("label"), true, sink.note);
  find_video(sink);
  tier = column_of(table, options, "tier");
  if (scored) find_score();
  else note_unused_score(sink);
  subject = column_of(table, options, "subject");
  if (options.columns.count("subject") == 0 && (subject == video || subject == label || subject == tier)) subject = -1;
  note_other_groups("tier", tier, sink);
  note_other_groups("subject", subject, sink);
  find_times(sink);
  const bool ends = !end_.empty() || !length_.empty();
  const std::pair<bool, const char*> needed[] = {
      {!first_time().empty(), "start"}, {ends || start_.empty(), "end"}, {!scored || score >= 0, "score"}};
  for (const auto& [found, role] : needed)
    if (!found) refuse_missing_column(table, video < 0 && is_one_of({"start"}, role) ? "video" : role, hint_);
  find_where();
  if (video < 0) take_file_as_video();
  std::vector<TimeColumn> times{first_time().front(), length(), facts_.duration()};
  if (!end_.empty() && !by_length_) times.push_back(end_.front());
  note_units(table, times, sink.note);
  auto numbers = facts_.numbers();
  numbers.push_back(score);
  for (const int other : other_scores_) numbers.push_back(other);
  for (const auto* columns : {&start_, &end_, &length_, &at_})
    for (const auto& each : *columns) append_columns(numbers, each);
  if (scored) refuse_words_as_scores();
  decimal = table.decimal_of(numbers, options.dialect);
  note_pairs(sink);
  refuse_times_of_day();
  settle_durations(sink);
  if (label < 0) note_no_label(sink);
  note_other_names(sink);
  note_unnamed_columns(table, used_columns(), sink.note);
  for (const char* role : {"start", "end"}) compare_other_unit(role, sink);
  if (scored) compare_scores();
}

namespace {

// Columns whose texts are remarks, and name no video, whatever they say.
bool is_remark(const std::string& name) {
  static const std::vector<std::string> names = {"note",    "notes",       "comment", "comments",   "remark",
                                                 "remarks", "description", "text",    "transcript", "transcription",
                                                 "color",   "colour",      "unit",    "units"};
  return is_one_of(names, name);
}

// A word of the name says that the column is of recordings or of what is recorded, also where it numbers them.
bool says_recording(const std::string& name) {
  static const std::set<std::string> words = {
      "video",   "videos", "clip", "file",        "filename",   "recording", "session", "trial",    "subject",
      "episode", "movie",  "take", "participant", "patient",    "media",     "visit",   "animal",   "game",
      "match",   "day",    "tape", "round",       "experiment", "camera",    "cam",     "sequence", "seq"};
  std::string word;
  for (const char c : plain_name(name) + "-") {
    if (c >= 'a' && c <= 'z') {
      word += c;
    } else {
      if (words.count(word) > 0) return true;
      word.clear();
    }
  }
  return false;
}

bool is_text_field(const std::string& text) {
  return !is_empty_or_missing(text) && !is_table_number(text, '.') && !is_table_number(text, ',') &&
         time_form(text) == TimeForm::kNone;
}

}  // namespace

// A column "name" is the last that is taken for the videos: it may as well be the label, and is where nothing else is.
void SegmentColumns::find_video(const ImportSink& sink) {
  const auto said = options_.columns.find("video");
  if (label < 0 && is_label_called_name()) {
    label = table_.find({"name"});
    sink.note(table_.source + ": column '" + name(label) +
              "' is taken for the label, as there is no other (where it names the videos: --columns video=" +
              name(label) + ")");
    return;
  }
  std::vector<std::string> told;
  video = video_column(table_, options_, true, [&](const std::string& text) { told.push_back(text); });
  const bool fallback = video >= 0 && said == options_.columns.end() && plain_name(name(video)) == "name";
  const auto is_other_role = [&](const auto& column) {
    return column.first != "video" && table_.find({column.second}) == video;
  };
  if (fallback && std::any_of(options_.columns.begin(), options_.columns.end(), is_other_role)) {
    video = -1;
    return;
  }
  const int annotation = table_.find({"annotation", "annotations"});  // as ELAN calls it
  if (video < 0 && label < 0 && annotation >= 0 && options_.columns.count("label") == 0) {
    label = annotation;
    sink.note(table_.source + ": column '" + name(label) +
              "' is taken for the label, as there is no other (--columns label=NAME)");
  }
  if (fallback && label < 0 && !told.empty())
    told.back() += "; where it is the label, and the file's name the video: --columns label=" + name(video);
  for (const auto& text : told) sink.note(text);
}

// Beside times alone, with texts that are no names of files, have no number in them, and are of no video that
// --durations knows.
bool SegmentColumns::is_label_called_name() const {
  if (options_.columns.count("video") > 0 || options_.columns.count("label") > 0 || table_.source == "stdin")
    return false;
  std::vector<std::string> others = column_names("video");
  std::erase(others, "name");
  const int column = table_.find({"name"});
  if (column < 0 || table_.find(others) >= 0) return false;
  std::set<std::string> values;
  for (const auto& row : table_.rows) {
    if (!table_.is_whole(row)) continue;
    for (int c = 0; c < static_cast<int>(table_.header.size()); ++c) {
      const std::string& text = table_.field(row, c);
      if (c != column && is_text_field(text) && !is_one_of(column_names("tier"), name(c)) && !is_remark(name(c)))
        return false;
    }
    const std::string& text = table_.field(row, column);
    if (is_empty_or_missing(text)) continue;
    values.insert(text);
    if (!is_text_field(text) || text.find_first_of("0123456789/\\") != std::string::npos || is_media_file(text) ||
        options_.tables.find(text))
      return false;
  }
  return !values.empty();
}

// All that a role, or what is known of the videos, is read from.
std::vector<int> SegmentColumns::used_columns() const {
  auto used = facts_.numbers();
  used.insert(used.end(), {video, score, tier, where_});
  used.insert(used.end(), facts_.subsets().begin(), facts_.subsets().end());
  const auto same = others_called(table_, options_, "video", column_names("video"), video);  // of the same video
  used.insert(used.end(), same.begin(), same.end());
  for (const auto* columns : {&start_, &end_, &length_, &at_})
    for (const auto& each : *columns) append_columns(used, each);
  return used;
}

// A column that no role has and that may tell several videos apart; "": none.
std::string SegmentColumns::may_name_videos() const {
  const auto used = used_columns();
  for (int c = 0; c < static_cast<int>(table_.header.size()); ++c) {
    const auto known = [&](const char* role) { return is_one_of(column_names(role), name(c)); };
    if (c == label || std::find(used.begin(), used.end(), c) != used.end() || known("label") || known("tier") ||
        known("score") || is_remark(name(c)))
      continue;
    std::set<std::string> texts, numbers;
    bool file = false;
    std::size_t filled = 0;
    for (const auto& row : table_.rows) {
      if (!table_.is_whole(row) || is_empty_or_missing(table_.field(row, c))) continue;
      const std::string& text = table_.field(row, c);
      const bool is_text = is_text_field(text);
      ++filled, file = file || (is_text && is_media_file(text));
      (is_text ? texts : numbers).insert(text);
    }
    // An id of each row is the row's.
    const bool id = ("-" + unit_name(name(c)).base).ends_with("-id") && numbers.size() < filled;
    const bool numbered = numbers.size() > 1 && (says_recording(name(c)) || id);
    if (file || texts.size() > 1 || (texts.size() == 1 && filled == 1) || numbered) return name(c);
  }
  return "";
}

// As annotation tools write a file a recording. A column that is left over may name videos in its own words: then the
// file's name would make one video of several.
void SegmentColumns::take_file_as_video() {
  const bool numbers = std::any_of(table_.header.begin(), table_.header.end(), [](const std::string& field) {
    return is_table_number(field, '.') || is_table_number(field, ',') || time_form(field) != TimeForm::kNone;
  });
  const std::string other = numbers ? "" : may_name_videos();
  const bool named = table_.source != "stdin" && !table_.source.empty();
  if (!numbers && other.empty() && named) {
    file_video_ = file_stem(SourceText{table_.source, {}}, {".csv", ".tsv", ".tab", ".txt"});
    if (!file_video_.empty()) return;
  }
  try {
    refuse_missing_column(table_, "video", hint_);
  } catch (Error& error) {
    if (numbers || !header_advice(table_, "video").empty()) throw;
    const std::string why = !other.empty()
                                ? "the file's name is the video's where nothing else may be, but '" + other + "' may" +
                                      (label < 0 ? " (where it is the label: --columns label=" + other + ")" : "")
                                : "a file's name would be the video's, and stdin has none";
    throw Error(error.message() + "; " + why).at_line(table_.source, table_.header_line);
  }
}

std::string SegmentColumns::id_in(const NamedTable::Row& row, bool as_written) const {
  if (!file_video_.empty()) return options_.prefix.value_or("") + file_video_;
  const bool written = table_.own && row.quoted(video);  // in quotes, what others mean as missing
  const std::string& text = written ? table_.field(row, video) : video_field(table_, row, video);
  return as_written && !text.empty() ? options_.prefix.value_or("") + text
                                     : id_of(text, options_, line_name(table_.source, row.line));
}

// A name may say that the scores are per cent.
void SegmentColumns::find_score() {
  const auto& names = column_names("score");
  score = column_of(table_, options_, "score");
  std::vector<int> called = others_called(table_, options_, "score", names, score);
  if (options_.columns.count("score") == 0)
    for (int c = 0; c < static_cast<int>(table_.header.size()); ++c)
      if (says_per_cent(c)) called.push_back(c);
  if (score < 0 && !called.empty()) score = called.front();
  for (const int other : called)
    if (other != score) other_scores_.push_back(other);
}

double SegmentColumns::score_in(const NamedTable::Row& row, int column) const {
  return field_number(table_.field(row, column), decimal, "score") / (says_per_cent(column) ? 100 : 1);
}

// Per cent may be rounded to whole ones.
void SegmentColumns::compare_scores() const {
  for (const int other : other_scores_) {
    const bool rounded = says_per_cent(score) != says_per_cent(other);
    for (const auto& row : table_.rows) {
      if (!table_.is_whole(row) || is_empty_or_missing(table_.field(row, other))) continue;
      bool same = false;
      try {
        const double a = score_in(row, score), b = score_in(row, other);
        same = std::abs(a - b) <= (rounded ? 0.00501 : 1e-5 * std::max(std::abs(a), std::abs(b)));
      } catch (const Error&) {
        if (!is_table_number(table_.field(row, score), decimal)) continue;  // said when the row is read
      }
      if (same) continue;
      throw Error("'" + name(score) + "' says '" + table_.field(row, score) + "', '" + name(other) + "' '" +
                  table_.field(row, other) + "': " + column_advice("score", true))
          .at_line(table_.source, row.line);
    }
  }
}

// Words in the place of scores: "high", which is no number of any row.
void SegmentColumns::refuse_words_as_scores() const {
  const NamedTable::Row* first = nullptr;
  for (const auto& row : table_.rows) {
    if (!table_.is_whole(row) || is_empty_or_missing(table_.field(row, score))) continue;
    if (table_.field(row, score).find_first_of("0123456789") != std::string::npos) return;
    if (!first) first = &row;
  }
  if (first)
    throw Error("'" + name(score) + "' says '" + table_.field(*first, score) +
                "', but scores are numbers: name a column of numbers with --columns score=NAME, or read the segments "
                "without scores with --from segments-csv")
        .at_line(table_.source, first->line);
}

double SegmentColumns::score_of(const NamedTable::Row& row) const try {
  return score_in(row, score);
} catch (const Error& error) {
  if (is_one_of({"score"}, name(score))) throw;
  Error more(error.message() + " (in '" + name(score) + "')", error.kind());
  throw more.at_field("score");
}

// Of annotations, which have none.
void SegmentColumns::note_unused_score(const ImportSink& sink) const {
  for (int c = 0; c < static_cast<int>(table_.header.size()); ++c) {
    const bool score = says_per_cent(c) || is_one_of(column_names("score"), name(c));
    const auto used = [&](const auto& row) {
      return table_.is_whole(row) && !is_empty_or_missing(table_.field(row, c));
    };
    if (score && std::any_of(table_.rows.begin(), table_.rows.end(), used))
      sink.note(table_.source + ": '" + name(c) +
                "' is not read, for annotations have no score (--from detections-csv reads proposals with scores)");
  }
}

void SegmentColumns::note_other_groups(const char* role, int chosen, const ImportSink& sink) const {
  std::vector<std::string> others;
  for (const int other : others_called(table_, options_, role, column_names(role), chosen))
    if (other != video && other != label) others.push_back(name(other));
  if (!others.empty())
    sink.note(table_.source + ": '" + name(chosen) + "' is read as the " + role + ", and '" + joined(others, "', '") +
              "' left out (--columns " + role + "=NAME takes another)");
}

// "start" and "end" beside "t_start" and "t_end": the rows say whether they are the same.
void SegmentColumns::note_other_names(const ImportSink& sink) const {
  std::vector<std::string> read, others, choice;
  for (const auto& [columns, role] :
       {std::pair(&start_, "start"), {&end_, "end"}, {&length_, "length"}, {&at_, "at"}}) {
    const auto renamed = [](const TimeColumn& each) { return each.renamed; };
    if (std::none_of(columns->begin(), columns->end(), renamed)) continue;
    read.push_back(name(columns->front().column)), choice.push_back(std::string(role) + "=NAME");
    for (const auto& each : *columns)
      if (each.renamed) others.push_back(name(each.column));
  }
  if (!read.empty())
    sink.note(table_.source + ": '" + joined(read, "' and '") + (read.size() == 1 ? "' is" : "' are") + " read, and '" +
              joined(others, "', '") + "' compared with " + (read.size() == 1 ? "it" : "them") + " (--columns " +
              joined(choice, ",") + " takes others alone)");
}

// "from" and "to", which are known beside each other only.
void SegmentColumns::note_pairs(const ImportSink& sink) const {
  std::vector<std::string> found;
  for (const auto& [columns, role] : {std::pair(&start_, "start"), {&end_, "end"}})
    for (const auto& each : *columns)
      if (const std::string base = each.name.base.empty() ? name(each.column) : each.name.base;
          options_.columns.count(role) == 0 && !is_one_of(column_names(role), base) &&
          !is_one_of(column_names(role), name(each.column)) && is_one_of(paired_names(table_.header, role), base))
        found.push_back("'" + name(each.column) + "' as the " + role);
  if (!found.empty()) sink.note(table_.source + ": read as times of the segments: " + joined(found, ", "));
}

// Frames beside seconds, where the rate is known, that do not say the same: which of them is right says --time.
void SegmentColumns::compare_other_unit(const std::string& role, const ImportSink& sink) const {
  const TimeColumns columns(table_, options_, role);
  const auto& chosen = role == "start" ? start_ : end_;
  const bool frames = unit_ == "frames";
  const TimeColumn other = !frames                   ? columns.frames()
                           : columns.times().empty() ? TimeColumn{}
                                                     : columns.times().front();
  if (unit_ == "relative" || columns.named() || chosen.empty() || !other.found() ||
      other.column == chosen.front().column)
    return;
  std::size_t count = 0;
  std::uint64_t line = 0;
  std::string first;
  for (const auto& row : table_.rows) try {
      if (!selected(row) || says_no_time(row, other.column)) continue;
      const VideoInfo info = known_of(id_in(row), options_, facts(row));
      const double fps = options_.fps > 0 ? options_.fps : info.fps.value_or(0);
      if (!(fps > 0)) continue;
      const double own = time(row, chosen, role.c_str(), info);
      const double said = time_value(table_, row, other, decimal, role) / (frames ? 1 : fps);
      if (std::abs(own - said) <= std::max(2 / fps, 0.01 * std::abs(own)) || count++ > 0) continue;
      line = row.line;
      first = "'" + name(chosen.front().column) + "' is " + format_number(own) + " s, '" + name(other.column) + "' " +
              format_number(said) + " s at " + format_number(fps) + " fps";
    } catch (const Error&) {
      continue;  // said when the row is read
    }
  if (count > 0 && options_.time.empty())
    throw Error("seconds and frames contradict each other in " + std::to_string(count) +
                (count == 1 ? " row: " : " rows, here ") + first + "; --time seconds or --time frames says which count")
        .at_field(role)
        .at_line(table_.source, line);
  if (count > 0)
    sink.note(table_.source + ": in " + std::to_string(count) + (count == 1 ? " row" : " rows") +
              " seconds and frames contradict each other, and '" + name(chosen.front().column) + "' counts: line " +
              std::to_string(line) + ": " + first);
}

void SegmentColumns::find_times(const ImportSink& sink) {
  const TimeColumns starts(table_, options_, "start"), ends(table_, options_, "end"),
      lengths(table_, options_, "length");
  by_length_ = lengths.named() && !ends.named();
  for (const auto& [one, other] : {std::pair(&starts, &ends), {&ends, &starts}})
    if (unit_ == "seconds" && one->counted() && one->times().empty() && !other->times().empty() && !other->counted())
      throw header_error("'" + name(one->frames().column) + "' counts frames, but '" +
                         name(other->times().front().column) + "' does not: give both in one unit");
  find_points(sink);
  if (!at_.empty() && start_.empty()) {
    by_length_ = false;
    return;
  }
  if (by_length_) {
    length_ = with_twins(lengths, unit_);
    if (facts_.duration().column == length().column) facts_.forget_durations();
    if (!starts.named()) end_ = with_twins(ends, unit_);  // of the same rows: they must agree
  } else {
    end_ = with_twins(ends, unit_);
    if (end_.empty() || (!ends.named() && lengths.found() && (unit_ == "frames" || !lengths.times().empty())))
      find_length(lengths, sink);
  }
  check_units_alike();
}

// A table without starts and ends is one of points where it has the one time of each, which is said where its name may
// mean another thing. Beside starts and ends a column has to be called "at", or named with --columns.
void SegmentColumns::find_points(const ImportSink& sink) {
  const TimeColumns starts(table_, options_, "start"), ends(table_, options_, "end");
  const bool named = options_.columns.count("at") > 0;
  const bool called = std::any_of(table_.header.begin(), table_.header.end(), [](const std::string& title) {
    return is_one_of({"at"}, title) || is_one_of({"at"}, unit_name(title).base);
  });
  start_ = with_twins(starts, unit_);
  if (!named && !called && (!start_.empty() || ends.found() || ends.shares().found())) return;
  const TimeColumns points(table_, options_, "at"), lengths(table_, options_, "length");
  if (!points.found() && !points.shares().found()) return;
  const TimeColumn at = points.choose(unit_);
  const auto is_chosen = [&](const TimeColumn& each) { return each.column == at.column; };
  if (named && !starts.named() && std::any_of(start_.begin(), start_.end(), is_chosen)) start_.clear();
  if (!start_.empty()) {
    if (named || called) at_ = {at};
    return;
  }
  const bool may_have_length = lengths.found() || (!called && TimeColumns(table_, {}, "segment duration").found());
  if (ends.found() || ends.shares().found() || (!named && may_have_length)) return;
  at_ = with_twins(points, at, unit_);
  if (!named && !called)
    sink.note(table_.source + ": column '" + name(at.column) +
              "' is taken for the time of points, as there is none for a start or an end (--columns at=NAME)");
}

// Of start,length, and of start,duration: no video ends with its segment.
void SegmentColumns::find_length(const TimeColumns& lengths, const ImportSink& sink) {
  if (!end_.empty()) {
    const TimeColumn& length = lengths.times().empty() || (unit_ == "frames" && lengths.counted())
                                   ? lengths.frames()
                                   : lengths.times().front();
    const bool of_videos = facts_.duration().column == length.column;  // --columns duration=length
    const bool open = end_.front().name.counts() && length.name.unit.empty();
    if (!of_videos && !open) length_ = with_twins(lengths, length, unit_);
    std::erase_if(length_, [&](const auto& each) { return each.column == facts_.duration().column; });
    return;
  }
  by_length_ = true;
  length_ = with_twins(lengths, unit_);
  const TimeColumns durations(table_, {}, "segment duration");
  if (!length_.empty() || durations.times().empty() || options_.columns.count("duration") > 0 || may_have_end()) return;
  length_ = with_twins(durations, durations.times().front(), "seconds");
  for (const auto& each : length_) facts_.forget_duration(each.column);
  sink.note(table_.source + ": column '" + name(length().column) +
            "' is taken for the length of the segments, as there is none for their end");
}

// A column that says that it counts frames or per cent, beside one that says nothing: "start_frame" and "end".
void SegmentColumns::check_units_alike() const {
  if (unit_ == "seconds") return check_seconds_alike();
  if (start_.empty()) return;
  const TimeColumn other = by_length_ || end_.empty() ? length() : end_.front();
  const TimeColumn& start = start_.front();
  if (other.found() && start.name.shares() != other.name.shares())
    throw header_error("'" + name((start.name.shares() ? start : other).column) + "' is in per cent, but '" +
                       name((start.name.shares() ? other : start).column) + "' does not say so: give both in one unit");
  if (!other.found() || start.name.counts() == other.name.counts()) return;
  const char* role = by_length_ ? "length" : "end";
  if (options_.columns.count(start.name.counts() ? role : "start") > 0) return;
  const auto& frames = start.name.counts() ? start : other;
  const auto& open = start.name.counts() ? other : start;
  throw header_error("'" + name(frames.column) + "' counts frames, but '" + name(open.column) +
                     "' does not say so: if it does, say it with --columns " + (start.name.counts() ? role : "start") +
                     "=" + name(open.column));
}

// "start_ms" beside "end": thousandths of a second, or seconds? (Starts in seconds and lengths in thousandths are
// usual.)
void SegmentColumns::check_seconds_alike() const {
  const auto& other = by_length_ || end_.empty() ? length_ : end_;
  if (start_.empty() || other.empty()) return;
  const char* role = by_length_ ? "length" : "end";
  const auto scaled = [](const TimeColumn& each) {
    return each.name.seconds(1) != 1 && !each.name.counts() && !each.name.shares();
  };
  const auto open = [&](const std::vector<TimeColumn>& columns, const char* of) {
    if (options_.columns.count(of) > 0) return false;
    return std::all_of(columns.begin(), columns.end(), [&](const TimeColumn& each) {
      return each.name.unit.empty() && std::any_of(table_.rows.begin(), table_.rows.end(), [&](const auto& row) {
               return table_.is_whole(row) && !says_no_time(row, each.column) &&
                      time_form(table_.field(row, each.column)) == TimeForm::kNone;
             });
    });
  };
  const auto refuse = [&](const TimeColumn& stated, const std::string& silent, const char* of) {
    throw header_error("'" + name(stated.column) + "' is in " + stated.name.unit + ", but '" + silent +
                       "' does not say so: say its unit in its name (" + silent +
                       "_ms), or, where it is in seconds, --columns " + of + "=" + silent);
  };
  if (scaled(start_.front()) && open(other, role)) refuse(start_.front(), name(other.front().column), role);
  if (!by_length_ && scaled(other.front()) && open(start_, "start"))
    refuse(other.front(), name(start_.front().column), "start");
}

void SegmentColumns::find_where() {
  if (options_.where_column.empty()) return;
  if ((where_ = table_.find({options_.where_column})) < 0)
    throw header_error("no column '" + options_.where_column + "' for --where");
  where_number_ = std::none_of(table_.rows.begin(), table_.rows.end(), [&](const auto& row) {
    return table_.is_whole(row) && table_.field(row, where_) == options_.where_value;
  });
}

bool SegmentColumns::selected(const NamedTable::Row& row) const {
  if (where_ < 0) return true;
  const std::string &field = table_.field(row, where_), &value = options_.where_value;
  if (!where_number_) return field == value;
  const char sign = is_table_number(field, '.') ? '.' : ',';  // 3 is 3.0, as pandas writes it
  return is_table_number(field, sign) && is_table_number(value, '.') &&
         table_number(field, sign) == table_number(value, '.');
}

std::vector<std::string> SegmentColumns::where_values() const {
  std::set<std::string> values;
  for (const auto& row : table_.rows)
    if (where_ >= 0 && table_.is_whole(row)) values.insert(table_.field(row, where_));
  return {values.begin(), values.end()};
}

// "duration" beside start and end: when it is end - start in all rows it is no video's. One that is before a segment's
// end is refused, for what does not call itself a video's, and so is one without a unit that may well be in that of the
// segments.
void SegmentColumns::settle_durations(const ImportSink& sink) {
  if (end_.empty() || by_length_ || unit_ == "relative" || options_.columns.count("duration") > 0) return;
  for (auto column : std::vector<TimeColumn>(facts_.durations())) {
    if (column.name.base.find("video") != std::string::npos) continue;
    const Tried tried = try_duration(column);
    if (tried.length) {
      if (tried.scaled) column.name = start_.front().name;
      else if (!tried.counts) column.name.unit = "seconds";
      length_.push_back(column);
      facts_.forget_duration(column.column);
      sink.note(table_.source + ": column '" + name(column.column) +
                "' is end - start in every row, and so the length of the segments, not of the videos");
    } else if (column.column == facts_.duration().column) {
      doubtful_ = tried.any;
      if (tried.impossible) throw *tried.impossible;
      if (tried.any && tried.fits_scaled)
        throw header_error("'" + name(column.column) + "' may be in seconds or in " + start_.front().name.unit +
                           ", as '" + name(start_.front().column) + "' is: say its unit in its name (" +
                           name(column.column) + "_s), or --columns duration=" + name(column.column) + " for seconds");
    }
  }
}

// Of end - start in all rows: in seconds (or as the column says), in frames, in the unit of the starts.
SegmentColumns::Tried SegmentColumns::try_duration(const TimeColumn& column) const {
  Tried out;
  const UnitName& own = start_.front().name;
  const bool open = column.name.unit.empty();
  bool equal = true;
  out.counts = open && unit_ == "frames";
  out.scaled = out.fits_scaled = open && unit_ == "seconds" && own.seconds(1) != 1;
  for (const auto& row : table_.rows) try {
      if (!selected(row)) continue;
      const auto said = facts_.seconds(row, column, decimal);
      if (!said) continue;
      const VideoInfo info = known_of(id_in(row), options_, {{}, facts_.rate(row, decimal), {}, {}});
      const Segment segment{time(row, start_, "start", info), time(row, end_, "end", info)};
      const double length = segment.end - segment.start;
      out.any = true;
      equal = equal && same_length(*said, length, info);
      out.counts = out.counts && same_length(to_seconds(*said, unit_, options_, &info, "duration"), length, info);
      const bool written = time_form(table_.field(row, column.column)) == TimeForm::kNone;  // as a number
      const double in_own = own.seconds(*said);
      out.scaled = out.scaled && written && same_length(in_own, length, info);
      out.fits_scaled = out.fits_scaled && written && in_own >= segment.end;  // behind each end
      if (!out.impossible && segment.end > *said + std::max(1.0, 0.01 * *said))
        out.impossible = before_end(column, *said, segment.end).at_line(table_.source, row.line);
    } catch (const Error&) {
      continue;  // said when the row is read
    }
  out.length = out.any && (equal || out.counts || out.scaled);
  return out;
}

Error SegmentColumns::before_end(const TimeColumn& column, double duration, double end) const {
  const std::string& called = name(column.column);
  return Error(format_number(duration) + " is before the segment's end, " + format_number(end) +
               ": is it the segment's length (--columns length=" + called +
               "), or the video's (--columns duration=" + called + ")?")
      .at_field("duration");
}

Error SegmentColumns::explained(const Error& error) const {
  if (!doubtful_ || error.field() != "duration") return error;
  const std::string& column = name(facts_.duration().column);
  Error more(error.message() + " (if '" + column + "' is the length of the segments: --columns length=" + column + ")",
             error.kind());
  return more.at_field(error.field());
}

// A column that is not known but may well be the end.
bool SegmentColumns::may_have_end() const {
  static const std::set<std::string> words = {"end", "stop", "finish", "until", "till", "to", "off", "offset"};
  for (const auto& name : table_.header) {
    std::string word;
    for (const char c : plain_name(name) + "-") {
      if (c >= 'a' && c <= 'z') {
        word += c;
      } else {
        if (words.count(word) > 0 || (word.size() > 3 && word.ends_with("end"))) return true;
        word.clear();
      }
    }
  }
  return false;
}

void SegmentColumns::note_no_label(const ImportSink& sink) const {
  std::vector<std::string> left;
  const auto used = used_columns();
  for (int c = 0; c < static_cast<int>(table_.header.size()); ++c)
    if (std::find(used.begin(), used.end(), c) == used.end() && !name(c).empty()) left.push_back(name(c));
  if (!left.empty())
    sink.note(table_.source + ": no column is known to be the label, so that the segments have none; not used: '" +
              joined(left, "', '") + "' (--columns label=NAME)");
}

std::vector<std::string> SegmentColumns::left_out() const {
  std::vector<std::string> out;
  if (label < 0) return out;  // note_no_label() names them
  auto used = used_columns();
  const auto facts = facts_.numbers();
  used.insert(used.end(), facts.begin(), facts.end());
  used.insert(used.end(), {label, subject});
  const auto has_role = [&](const std::string& title) {  // one of several of a role, which is told or compared
    const auto known = [&](const char* role) {
      return is_one_of(column_names(role), title) || is_one_of(column_names(role), unit_name(title).base);
    };
    static constexpr const char* kRoles[] = {"video", "start", "end", "length", "label", "score", "tier", "subject"};
    return std::any_of(std::begin(kRoles), std::end(kRoles), known);
  };
  for (int c = 0; c < static_cast<int>(table_.header.size()); ++c) {
    const auto has_value = [&](const auto& row) {
      return table_.is_whole(row) && !is_empty_or_missing(table_.field(row, c));
    };
    if (std::find(used.begin(), used.end(), c) == used.end() && !is_unnamed(name(c)) && !has_role(name(c)) &&
        std::any_of(table_.rows.begin(), table_.rows.end(), has_value))
      out.push_back(name(c));
  }
  return out;
}

double SegmentColumns::time(const NamedTable::Row& row, const TimeColumn& column, const char* field,
                            const VideoInfo& info) const {
  const std::string& text = table_.field(row, column.column);
  const bool coded = is_timecode(text);
  if (time_form(text) != TimeForm::kNone && unit_ != "seconds" && !(coded && unit_ == "frames"))
    throw Error("'" + text + "' is a time of the clock, in seconds: --time " + unit_ + " takes numbers")
        .at_field(field);
  const double value =
      time_value(table_, row, column, decimal, field, options_.fps > 0 ? std::optional(options_.fps) : info.fps);
  if (coded) return value;
  if (column.name.shares()) return to_seconds(value, "relative", options_, &info, field);
  const bool said = !column.name.unit.empty() && !column.name.counts();  // in seconds, beside times in frames
  return said ? value : to_seconds(value, unit_, options_, &info, field);
}

bool SegmentColumns::says_no_time(const NamedTable::Row& row, int column) const {
  const std::string& text = table_.field(row, column);
  return is_empty_or_missing(text);
}

double SegmentColumns::time(const NamedTable::Row& row, const std::vector<TimeColumn>& columns, const char* field,
                            const VideoInfo& info) const {
  const double seconds = time(row, columns.front(), field, info);
  for (std::size_t i = 1; i < columns.size(); ++i) {
    if (says_no_time(row, columns[i].column)) continue;
    double other = 0;
    try {
      other = time(row, columns[i], field, info);
    } catch (const Error&) {
      if (columns[i].renamed) continue;  // "start_time" with the date of the recording is another thing
      throw;
    }
    const double frame = columns[i].name.counts() ? to_seconds(1, unit_, options_, &info, field) : 0;
    if (!same_time(other, seconds) && std::abs(other - seconds) > 1.001 * frame)
      throw Error("'" + name(columns[0].column) + "' says " + format_number(seconds) + " s, '" +
                  name(columns[i].column) + "' " + format_number(other) + " s: name one of them with --columns " +
                  field + "=NAME" +
                  (columns[i].name.base == columns[0].name.base && columns[i].name.unit != columns[0].name.unit
                       ? " (parts of one time are whole but for the smallest, and each less than one of the next)"
                       : ""))
          .at_field(field);
  }
  return seconds;
}

// But for rounding, and for the frame that some count and some do not.
bool SegmentColumns::same_length(double a, double b, const VideoInfo& info) const {
  const double frame = unit_ == "frames" ? to_seconds(1, unit_, options_, &info, "length") : 0;
  return std::abs(a - b) <= std::max({0.05, 0.01 * std::abs(b), 1.001 * frame});
}

namespace {

void refuse_point_in_time(double start, const char* field) {
  if (is_point_in_time(start))
    throw Error(format_number(start) +
                " s after the video's start: is it a point in time (since 1970)? Subtract the video's own start")
        .at_field(field);
}

}  // namespace

bool SegmentColumns::is_point(const NamedTable::Row& row) const {
  if (at_.empty()) return false;
  if (start_.empty()) return true;
  const auto empty = [&](const std::vector<TimeColumn>& columns) {
    return columns.empty() || says_no_time(row, columns.front().column);
  };
  if (empty(at_)) return false;
  if (empty(start_) && empty(end_) && empty(length_)) return true;
  if (table_.own || options_.columns.count("at") > 0)
    throw Error("has a start or an end, too: a point has neither").at_field("at");
  return false;
}

Segment SegmentColumns::segment(const NamedTable::Row& row, const VideoInfo& info) const {
  if (is_point(row)) {
    const double at = time(row, at_, "at", info);
    if (!table_.own) refuse_point_in_time(at, "at");
    return {at, at};
  }
  Segment out{time(row, start_, "start", info), 0};
  const bool has_length = !length_.empty() && (by_length_ || !says_no_time(row, length().column));
  const double length = has_length ? time(row, length_, "length", info) : 0;
  if (length < 0) throw Error("must not be negative, is " + format_number(length)).at_field("length");
  const bool has_end = !end_.empty() && (!by_length_ || !says_no_time(row, end_.front().column));
  out.end = has_end ? time(row, end_, "end", info) : out.start + length;
  if (has_end && out.end < out.start) refuse_midnight(row);
  check_segment(out);
  if (!table_.own) refuse_point_in_time(out.start, "start");
  if (has_end && has_length && !same_length(length, out.end - out.start, info))
    throw Error(format_number(length) + ", but end - start is " + format_number(out.end - out.start) +
                (by_length_ ? ""
                            : " (where '" + name(this->length().column) +
                                  "' is the video's: --columns duration=" + name(this->length().column) + ")"))
        .at_field("length");
  if (by_length_) out.end = out.start + length;
  return out;
}

// Times of the clock that run back from the evening to the morning.
void SegmentColumns::refuse_midnight(const NamedTable::Row& row) const {
  constexpr double kNoon = 12 * 3600.0;
  const std::string &start = table_.field(row, start_.front().column), &end = table_.field(row, end_.front().column);
  if (time_form(start) != TimeForm::kClock || time_form(end) != TimeForm::kClock || is_timecode(start) ||
      is_timecode(end) || written_seconds(start) < kNoon || written_seconds(end) >= kNoon)
    return;
  throw Error("end " + end + " is before start " + start +
              ": times of day on both sides of midnight? A video's times count from its own start (pandas: (t - "
              "t0).dt.total_seconds())")
      .at_field("segment");
}

// Times of the clock beside a column of dates are times of day, and none of the video, where no video has one in its
// first hour. --columns start=NAME says that they are the video's all the same.
void SegmentColumns::refuse_times_of_day() const {
  constexpr double kHour = 3600;
  const char* role = start_.empty() ? "at" : "start";
  if (unit_ != "seconds" || options_.columns.count(role) > 0) return;
  std::vector<int> used = facts_.numbers();
  for (const auto* columns : {&start_, &end_, &length_, &at_})
    for (const auto& each : *columns) used.push_back(each.column);
  const int date = date_column(table_, used);
  if (date < 0) return;
  const int start = first_time().front().column;
  const NamedTable::Row* first = nullptr;
  std::map<std::string, double> earliest;
  for (const auto& row : table_.rows) try {
      if (!selected(row) || says_no_time(row, start)) continue;
      const std::string& text = table_.field(row, start);
      if (time_form(text) != TimeForm::kClock || is_timecode(text)) return;
      const auto [found, fresh] = earliest.try_emplace(id_in(row), written_seconds(text));
      found->second = std::min(found->second, written_seconds(text));
      if (!first) first = &row;
    } catch (const Error&) {
      continue;  // said when the row is read
    }
  if (!first) return;
  for (const auto& [each, seconds] : earliest)
    if (seconds < kHour) return;
  throw Error("'" + name(start) + "' " + table_.field(*first, start) + " is a time of day, as '" + name(date) + "' " +
              table_.field(*first, date) +
              " beside it is its day, and no time of the video: write the seconds from the video's start (pandas: (t - "
              "t0).dt.total_seconds()); --columns " +
              role + "=" + name(start) + " reads it as the video's")
      .at_field(role)
      .at_line(table_.source, first->line);
}

}  // namespace tal
