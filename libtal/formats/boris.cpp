// BORIS: projects (.boris, JSON), and the tables that it exports, aggregated (a row an event with start and stop) or
// tabular (a row for each START and STOP).
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/formats/json_parts.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

constexpr const char* kNoSubject = "No focal subject";  // as exports write the empty subject of a project

enum class Status { kPoint, kState, kStart, kStop };  // kState: a start or a stop, by what came before

struct BorisEvent {
  double time = 0;  // seconds
  std::string subject, behaviour, modifiers, category, comment;
  Status status = Status::kPoint;
  std::string place;  // "observations.o.events[3]", "line 20"
  std::uint64_t line = 0;
};

// What is known of one of an observation's files.
struct BorisFile {
  std::string name;
  std::optional<double> duration, fps;
};
// The files of a player, which it shows one after the other.
using BorisQueue = std::vector<BorisFile>;

std::optional<double> above_zero(double value) { return value > 0 ? std::optional(value) : std::nullopt; }

// Of a queue, whose time runs on over its files: it lasts as long as they together, and has a rate where they have one.
VideoInfo facts_of(const BorisQueue& queue) {
  VideoInfo said;
  if (queue.empty()) return said;
  said.duration = 0, said.fps = queue.front().fps;
  for (const auto& file : queue) {
    if (!file.duration || !said.duration) said.duration.reset();
    else *said.duration += *file.duration;
    if (file.fps != said.fps) said.fps.reset();
  }
  return said;
}

// Of several players the first is the video: what the others show is left out, and a queue is named, as its record has
// no media.
void tell_players(const std::vector<BorisQueue>& players, const std::string& observation, ToolRows& rows) {
  for (std::size_t p = 0; p < players.size(); ++p)
    for (std::size_t i = 0; i < players[p].size(); ++i) {
      const std::string where = "'" + players[p][i].name + "' of observation '" + observation + "'";
      if (p > 0) rows.leave_out("file of a further player", "files of further players", where);
      else if (i > 0)
        rows.tell(
            "file follows another in its player, so that the record is called after the observation and its "
            "times run on over the files",
            "files follow others in their players, so that the records are called after the observations and "
            "their times run on over the files",
            where);
    }
}

// One observation's events, in pairs of start and stop.
class BorisPairs {
 public:
  BorisPairs(std::string observation, bool tier_is_subject)
      : observation_(std::move(observation)), tier_is_subject_(tier_is_subject) {}

  ToolEvent event(const BorisEvent& e, double stop, const std::string& comment_stop = "") const {
    ToolEvent out;
    out.segment = {e.time, stop};
    out.point = e.status == Status::kPoint;
    out.label = e.behaviour;
    out.tier = tier_is_subject_ ? e.subject : observation_;
    Members members;
    members.some("subject", e.subject).some("modifiers", e.modifiers).some("category", e.category);
    members.some("comment", e.comment).some("comment_stop", comment_stop);
    if (tier_is_subject_) members.some("observation", observation_);
    out.members = members.str();
    return out;
  }

  // What has no partner is left out, counted. fault(error, event): of an event that cannot be taken.
  template <class Fault>
  void add(std::vector<BorisEvent> events, VideoRows::Entry& entry, ToolRows& rows, const Fault& fault) {
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    std::map<std::tuple<std::string, std::string, std::string>, const BorisEvent*> open;
    const auto alone = [&](const BorisEvent& e) {
      rows.leave_out("start or stop without its partner", "starts or stops without their partner",
                     "'" + e.behaviour + "' of observation '" + observation_ + "'" +
                         (e.subject.empty() ? "" : ", subject '" + e.subject + "'") + ", at " + format_number(e.time) +
                         " s (" + e.place + ")");
    };
    for (const auto& e : events) {
      try {
        if (e.status == Status::kPoint) {
          rows.add(entry, event(e, e.time), e.place);
          continue;
        }
        const BorisEvent*& begun = open[{e.subject, e.behaviour, e.modifiers}];
        if (begun && e.status != Status::kStart) {
          rows.add(entry, event(*begun, e.time, e.comment), e.place);
          begun = nullptr;
        } else if (e.status == Status::kStop) {
          alone(e);
        } else {
          if (begun) alone(*begun);
          begun = &e;
        }
      } catch (Error& error) {
        fault(error.at_video(entry.video), e);
      }
    }
    for (const auto& [key, begun] : open)
      if (begun) alone(*begun);
  }

 private:
  const std::string observation_;
  const bool tier_is_subject_;
};

// A project.
class BorisProject {
 public:
  BorisProject(const SourceText& source, const ImportSink& sink, ToolRows& rows)
      : text_{source.name, without_non_finite(source.text)}, tree_(text_), source_(source), sink_(sink), rows_(rows) {}

  void read() {
    try {
      for (const auto& [index, behaviour] : tree_.root().at("behaviors_conf").members())
        behaviours_[behaviour.at("code").text()] = {behaviour.at("type").text(),
                                                    behaviour.find("category") ? behaviour.at("category").words() : ""};
      for (const auto& [id, observation] : tree_.root().at("observations").members()) read_observation(id, observation);
    } catch (const Error& error) {
      throw tree_.placed(error);
    }
  }

 private:
  struct Behaviour {
    std::string type, category;
  };

  // By player, in their order.
  static std::vector<BorisQueue> players_of(const JsonNode& observation) {
    std::map<double, BorisQueue> by_number;
    const auto players = observation.find("file");  // [] or {} when live
    const auto info = observation.find("media_info");
    const auto known = [&](const char* what, const std::string& file) -> std::optional<double> {
      const auto values = info ? info->find(what) : std::nullopt;
      const auto value = values ? values->find(file) : std::nullopt;
      return value && value->is_number() ? above_zero(value->number()) : std::nullopt;
    };
    if (!players || !players->is_object()) return {};
    for (const auto& [player, files] : players->members())
      for (const auto& file : files.items()) {
        const std::string name = file.text();
        by_number[is_table_number(player, '.') ? table_number(player, '.') : 1e9].push_back(
            {name, known("length", name), known("fps", name)});
      }
    std::vector<BorisQueue> out;
    if (!by_number.empty() && by_number.begin()->first > 1) out.emplace_back();  // nothing in the first
    for (auto& [number, queue] : by_number) out.push_back(std::move(queue));
    return out;
  }

  void read_observation(const std::string& id, const JsonNode& observation) {
    const auto players = players_of(observation);
    const BorisQueue files = players.empty() ? BorisQueue() : players.front();
    // The time of a queue of files runs on over them: it is of none of them.
    auto& entry = rows_.video(files.size() == 1 ? files[0].name : "", id, source_);
    rows_.fact(entry, facts_of(files), observation.path());
    tell_players(players, id, rows_);
    const double shift = clock_of(observation, files);
    std::vector<BorisEvent> events;
    for (const auto& item : observation.at("events").items()) try {
        const auto fields = item.items();
        if (!fields.empty() && fields[0].json() == "null")
          rows_.leave_out("event without a time", "events without a time",
                          item.path() + " of observation '" + id + "'");
        else events.push_back(event_of(item, shift));
      } catch (const Error& error) {
        sink_.error(tree_.placed(error), item.json());
      }
    BorisPairs(id, false).add(std::move(events), entry, rows_, [&](const Error& error, const BorisEvent& e) {
      sink_.error(tree_.placed(error), e.behaviour);
    });
  }

  // Where the medium begins on the clock of its events. BORIS adds the observation's time offset, and where it is told
  // to the date that the medium was made at, to the time of the medium that it stores; of pictures it adds neither.
  static double clock_of(const JsonNode& observation, const BorisQueue& files) {
    const auto number = [](const std::optional<JsonNode>& node) {
      return node && (node->is_number() || node->is_text()) ? node->number() : 0;
    };
    const auto type = observation.find("type");
    if (type && type->is_text() && type->text() == "IMAGES") return 0;
    double shift = number(observation.find("time offset"));
    const auto dated = observation.find("media_creation_date_as_offset"), info = observation.find("media_info");
    if (dated && dated->is_true() && info && files.size() == 1)
      if (const auto made = info->find("media_creation_time")) shift += number(made->find(files[0].name));
    return shift;
  }

  BorisEvent event_of(const JsonNode& item, double shift) const {
    const auto fields = item.items();
    if (fields.size() < 3) throw Error("must be [time, subject, behaviour, modifiers, comment]").at_field(item.path());
    BorisEvent event;
    event.time = fields[0].number() - shift;
    event.subject = fields[1].text();
    event.behaviour = fields[2].text();
    if (fields.size() > 3) event.modifiers = fields[3].words();
    if (fields.size() > 4) event.comment = fields[4].words();
    const auto known = behaviours_.find(event.behaviour);
    if (known == behaviours_.end())
      throw Error("'" + event.behaviour + "' is no behaviour of the project (behaviors_conf)")
          .at_field(fields[2].path());
    event.status = plain_name(known->second.type).starts_with("point") ? Status::kPoint : Status::kState;
    event.category = known->second.category;
    event.place = item.path();
    return event;
  }

  const SourceText text_;  // BORIS writes NaN as the time of pictures that have none
  const JsonTree tree_;
  const SourceText& source_;
  const ImportSink& sink_;
  ToolRows& rows_;
  std::map<std::string, Behaviour> behaviours_;
};

// An exported table. Its header stands behind a preamble, or is missing.
class BorisTable {
 public:
  BorisTable(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows)
      : source_(source), sink_(sink), rows_(rows) {
    const std::string_view text = utf8_text(source);
    const char separator = options.dialect.separator                   ? options.dialect.separator
                           : text.find('\t') != std::string_view::npos ? '\t'
                           : text.find(';') < text.find(',')           ? ';'
                                                                       : ',';
    separator_ = separator, dialect_ = options.dialect;
    RowReader reader(text, source.name, separator);
    while (reader.next()) {
      Row row{reader.line(), std::string(reader.raw()), {}};
      for (std::size_t i = 0; i < reader.fields().size(); ++i) row.fields.push_back(with_blanks(reader, i));
      if (std::any_of(row.fields.begin(), row.fields.end(), [](const auto& f) { return !trim(f).empty(); }))
        table_.push_back(std::move(row));
    }
  }

  void read() {
    std::size_t first = 0;
    while (first < table_.size() && !is_header(table_[first])) ++first;
    if (first == table_.size()) {
      find_columns_by_rows();
      first = 0;
    } else {
      for (std::size_t i = 0; i < first; ++i) read_preamble(table_[i]);
      header_ = table_[first++].fields;
      find_columns();
    }
    find_decimal_sign(first);
    for (std::size_t i = first; i < table_.size(); ++i)
      guard_row(source_, table_[i].line, "", table_[i].raw, sink_, [&] { take_media(table_[i]); });
    if (!preamble_players_.empty()) {
      auto& media = media_of_[preamble_id_];
      media.files.clear(), media.players.clear();
      for (const auto& [name, queue] : preamble_players_) media.players.push_back(queue);
      for (const auto& file : media.players.front()) media.files.insert(file.name);
    }
    for (const auto& [id, known] : media_of_) tell_players(known.players, id, rows_);
    std::map<std::string, std::vector<BorisEvent>> events;
    std::vector<std::string> order;
    for (std::size_t i = first; i < table_.size(); ++i) {
      const Row& row = table_[i];
      guard_row(source_, row.line, "", row.raw, sink_, [&] {
        if (row.fields.size() < static_cast<std::size_t>(std::max({behaviour_, status_, start_, stop_})) + 1)
          throw Error(std::to_string(row.fields.size()) + " fields are too few");
        const std::string id = observation_of(row);
        if (field(row, start_) == "NA")
          return rows_.leave_out("event without a time", "events without a time",
                                 line_name(source_.name, row.line) + ", of observation '" + id + "'");
        if (!events.count(id)) order.push_back(id);
        if (stop_ < 0) events[id].push_back(event_of(row));
        else add_whole(row, id);
      });
    }
    for (const auto& id : order)
      BorisPairs(id, observation_ < 0)
          .add(std::move(events[id]), video_of(id), rows_, [&](Error error, const BorisEvent& e) {
            sink_.error(error.at_line(source_.name, e.line), e.behaviour);
          });
    if (order.empty() && !preamble_id_.empty()) (void)video_of(preamble_id_);
  }

 private:
  struct Row {
    std::uint64_t line;
    std::string raw;
    std::vector<std::string> fields;
  };

  // The field with the blanks at its ends, which tell modifiers apart.
  static std::string with_blanks(const RowReader& reader, std::size_t i) {
    const std::string_view field = reader.fields()[i], row = reader.raw();
    const char *begin = field.data(), *end = begin + field.size();
    const bool inside = !reader.quoted(i) && begin >= row.data() && end <= row.data() + row.size();
    if (!inside) return std::string(field);
    while (begin > row.data() && begin[-1] == ' ') --begin;
    while (end < row.data() + row.size() && *end == ' ') ++end;
    return {begin, end};
  }

  static bool is_header(const Row& row) {
    const auto has = [&](const char* name) {
      return std::any_of(row.fields.begin(), row.fields.end(), [&](const auto& f) { return plain_name(f) == name; });
    };
    return has("subject") && has("behavior");
  }

  void read_preamble(const Row& row) {
    if (row.fields.size() < 2) return;
    const std::string name = plain_name(row.fields[0]), value(trim(row.fields[1]));
    if (name == "observation-id") preamble_id_ = value;
    if (name.starts_with("player-#") && !value.empty()) preamble_players_[name].push_back({value, {}, {}});
  }

  int column(std::initializer_list<const char*> names) const {
    for (const char* name : names)
      for (std::size_t c = 0; c < header_.size(); ++c)
        if (plain_name(header_[c]) == name) return static_cast<int>(c);
    return -1;
  }

  void find_columns() {
    observation_ = column({"observation-id"});
    media_ = column({"source", "media-file", "media-file-path", "media-file(s)"});
    length_ = column({"media-duration-(s)", "total-length"});
    fps_ = column({"fps", "fps-(frame/s)"});
    subject_ = column({"subject"}), behaviour_ = column({"behavior"});
    category_ = column({"behavioral-category"});
    status_ = column({"behavior-type", "status"});
    start_ = column({"start-(s)", "time", "time-(s)"});
    stop_ = column({"stop-(s)"});
    offset_ = column({"time-offset-(s)"});
    comment_ = column({"comment-start", "comment"}), comment_stop_ = column({"comment-stop"});
    for (std::size_t c = 0; c < header_.size(); ++c)
      if (plain_name(header_[c]).starts_with("modifier")) modifiers_.push_back(static_cast<int>(c));
    if (status_ < 0 || start_ < 0)
      throw Error("no columns Behavior type (or Status) and Start (s) (or Time)").at_line(source_.name, table_[0].line);
  }

  // Without a header: start and stop stand behind what says STATE or POINT, before it behaviour, category, modifiers.
  void find_columns_by_rows() {
    const auto kind = [](const Row& row, std::size_t c) {
      return c < row.fields.size() && (trim(row.fields[c]) == "STATE" || trim(row.fields[c]) == "POINT");
    };
    const std::size_t width = table_.empty() ? 0 : table_[0].fields.size();
    std::size_t c = 5;
    while (c + 2 < width && !std::all_of(table_.begin(), table_.end(), [&](const Row& row) { return kind(row, c); }))
      ++c;
    if (c + 2 >= width)
      throw Error("no table of BORIS: neither columns Subject and Behavior, nor one of STATE and POINT")
          .at_line(source_.name, table_.empty() ? 0 : table_[0].line);
    status_ = static_cast<int>(c), start_ = status_ + 1, stop_ = status_ + 2;
    modifiers_ = {status_ - 1}, category_ = status_ - 2, behaviour_ = status_ - 3, subject_ = status_ - 4;
    observation_ = 0;
    if (static_cast<std::size_t>(status_) + 4 < width) comment_ = status_ + 4;
    if (static_cast<std::size_t>(status_) + 5 < width) comment_stop_ = status_ + 5;
    // Media, length and rate follow the date and (not in all versions) a description.
    for (const int m : {2, 3})
      if (media_ < 0 && m + 2 < subject_ && is_number_field(m + 1) && is_number_field(m + 2))
        media_ = m, length_ = m + 1, fps_ = m + 2;
  }
  bool is_number_field(int c) const {
    return std::all_of(table_.begin(), table_.end(), [&](const Row& row) {
      const auto parts = parts_of(field(row, c));
      return std::all_of(parts.begin(), parts.end(), [](const auto& text) {
        return text == "NA" || is_table_number(text, '.') || is_table_number(text, ',');
      });
    });
  }

  void find_decimal_sign(std::size_t first) {
    DecimalSign sign(dialect_, separator_);
    for (std::size_t i = first; i < table_.size(); ++i)
      for (const int c : {start_, stop_, offset_, length_, fps_})
        for (const auto& part : parts_of(field(table_[i], c))) sign.see(part, table_[i].line);
    decimal_ = sign.decide(source_.name);
  }

  static std::string field(const Row& row, int c) {
    return c >= 0 && static_cast<std::size_t>(c) < row.fields.size()
               ? std::string(trim(row.fields[static_cast<std::size_t>(c)]))
               : "";
  }
  std::string observation_of(const Row& row) const {
    return observation_ >= 0 ? field(row, observation_) : preamble_id_;
  }

  // "60.0;61.0|62.0": a part for each file, a number alone for all.
  static std::vector<std::string> parts_of(std::string text) {
    std::replace(text.begin(), text.end(), '|', ';');
    std::vector<std::string> parts;
    for (const auto part : split_fields(text, ';')) parts.emplace_back(part);
    return parts;
  }
  // "player #1:a.mp4;b.mp4|player #2:c.mp4", or the names of the first player's files alone.
  static std::vector<BorisQueue> players_in(std::string_view text) {
    constexpr std::string_view kPlayer = "player #";
    std::vector<BorisQueue> players;
    while (!text.empty()) {
      const auto end = text.find("|player #");
      std::string_view files = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (files.starts_with(kPlayer)) files.remove_prefix(std::min(files.size(), files.find(':') + 1));
      players.emplace_back();
      for (const auto file : split_fields(files, ';'))
        if (!file.empty() && file != "NA") players.back().push_back({std::string(file), {}, {}});
    }
    return players;
  }
  // What the row says of its files: a number for each, as the files are parted, or one for all of them.
  void take_media(const Row& row) {
    auto& known = media_of_[observation_of(row)];
    auto players = players_in(field(row, media_));
    if (players.empty()) players.emplace_back();
    std::vector<BorisFile*> files;
    for (auto& queue : players)
      for (auto& file : queue) files.push_back(&file);
    const auto lengths = parts_of(field(row, length_)), rates = parts_of(field(row, fps_));
    const auto number = [&](const std::string& text) {
      return is_table_number(text, decimal_) ? above_zero(table_number(text, decimal_)) : std::nullopt;  // NA
    };
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (lengths.size() == files.size()) files[i]->duration = number(lengths[i]);
      if (rates.size() == files.size()) files[i]->fps = number(rates[i]);
    }
    const BorisQueue& first = players.front();
    for (const auto& file : first) known.files.insert(file.name);
    VideoInfo said = facts_of(first);
    if (lengths.size() == 1) said.duration = number(lengths[0]);
    if (rates.size() == 1) said.fps = number(rates[0]);
    if (files.size() > 1) known.players = players;
    if (!said.duration && !said.fps) return;
    auto& facts = known.facts[first.size() == 1 ? first[0].name : ""];
    facts.stated.add(said, line_name(source_.name, row.line));
    if (facts.line == 0) facts.line = row.line;
  }
  VideoRows::Entry& video_of(const std::string& observation) {
    const auto& known = media_of_[observation];
    const auto& files = known.files;
    const bool one = files.size() == 1 && *files.begin() != "Live observation";
    auto& entry =
        rows_.video(one ? *files.begin() : "",
                    observation.empty() ? file_stem(source_, {".tsv", ".csv", ".txt"}) : observation, source_);
    for (const auto& [file, facts] : known.facts)
      if (file.empty() || (one && file == *files.begin())) try {
          rows_.fact(entry, facts.stated.info, line_name(source_.name, facts.line));
        } catch (Error& error) {
          throw error.at_video(entry.video).at_line(source_.name, facts.line);
        }
    return entry;
  }

  // The times in the table have the observation's offset, as those in a project.
  double shift_of(const Row& row) const {
    const auto text = field(row, offset_);
    return text.empty() || text == "NA" ? 0 : field_number(text, decimal_, "Time offset (s)");
  }

  BorisEvent event_of(const Row& row) const {
    BorisEvent event;
    event.time = field_number(field(row, start_), decimal_, stop_ < 0 ? "Time" : "Start (s)") - shift_of(row);
    if (const auto subject = field(row, subject_); subject != kNoSubject) event.subject = subject;
    event.behaviour = field(row, behaviour_);
    event.category = field(row, category_);
    event.comment = field(row, comment_);
    for (const int c : modifiers_) {
      const std::string modifier =
          row.fields.size() > static_cast<std::size_t>(c) ? row.fields[static_cast<std::size_t>(c)] : "";
      if (!modifier.empty()) event.modifiers += (event.modifiers.empty() ? "" : "|") + modifier;
    }
    const std::string status = field(row, status_);
    if (status == "START") event.status = Status::kStart;
    else if (status == "STOP") event.status = Status::kStop;
    else if (status == "STATE") event.status = Status::kState;
    else if (status != "POINT" && !(status.empty() && stop_ < 0))
      throw Error("'" + status + "' is none of START, STOP, STATE and POINT").at_field("Behavior type");
    event.place = "line " + std::to_string(row.line), event.line = row.line;
    return event;
  }
  void add_whole(const Row& row, const std::string& id) {
    BorisEvent event = event_of(row);
    auto& entry = video_of(id);
    const double stop = event.status == Status::kPoint
                            ? event.time
                            : field_number(field(row, stop_), decimal_, "Stop (s)") - shift_of(row);
    rows_.add(entry, BorisPairs(id, false).event(event, stop, field(row, comment_stop_)));
  }

  struct Media {
    struct Facts {
      StatedVideo stated;
      std::uint64_t line = 0;  // that states them first
    };
    std::set<std::string> files;
    std::vector<BorisQueue> players;     // where there are several files
    std::map<std::string, Facts> facts;  // by file; "": of the observation
  };
  const SourceText& source_;
  const ImportSink& sink_;
  ToolRows& rows_;
  TableDialect dialect_;
  char separator_ = ',', decimal_ = '.';
  std::vector<Row> table_;
  std::vector<std::string> header_;
  std::string preamble_id_;
  std::map<std::string, BorisQueue> preamble_players_;  // by "player-#1"
  std::map<std::string, Media> media_of_;               // by observation
  int observation_ = -1, media_ = -1, length_ = -1, fps_ = -1, subject_ = -1, behaviour_ = -1, category_ = -1,
      status_ = -1, start_ = -1, stop_ = -1, offset_ = -1, comment_ = -1, comment_stop_ = -1;
  std::vector<int> modifiers_;
};

}  // namespace

void read_boris(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) {
    if (first_character(utf8_text(source)) == '{') BorisProject(source, sink, rows).read();
    else BorisTable(source, options, sink, rows).read();
  }
  rows.emit();
}

}  // namespace tal
