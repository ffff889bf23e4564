// SoccerNet-v2's files of a game (Deliege et al., 2021; package SoccerNet, Evaluation/ActionSpotting.py):
//
//   Labels-v2.json        {"UrlLocal": game, "annotations": [{"gameTime": "1 - 06:57", "label", "position": "417340",
//   ...}]} results_spotting.json {"UrlLocal": game, "predictions": [{"gameTime", "label", "position", "half",
//   "confidence"}]}
//
// Events are points, in milliseconds of their half. A half is a video, GAME/1 and GAME/2, as its files are
// (1_720p.mkv). team, visibility and what else an event has stay beside it; what stands beside the events is the first
// half's member "soccernet".
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/formats.h"
#include "libtal/io/json_check.h"
#include "libtal/io/table.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

// "1 - 06:57" -> 1
std::int64_t half_of_time(std::string_view text, const std::string& field) {
  const auto dash = text.find('-');
  try {
    if (dash == std::string_view::npos) throw Error("");
    const auto half = parse_integer(trim(text.substr(0, dash)));
    if (half < 1 || half > 9) throw Error("");
    return half;
  } catch (const Error&) {
    throw Error("'" + std::string(text) + "' must be 'HALF - MM:SS'").at_field(field);
  }
}

constexpr double kRounded = 1;  // seconds: gameTime has whole ones

// An event with its half; the item is appended to that half's list. place: "annotations[3]"
void read_event(dom::element element, const std::string& place, bool predicted,
                std::map<std::int64_t, std::string>& halves) {
  const auto object = object_of(element, place);
  std::optional<std::int64_t> of_time, of_member;
  std::optional<double> position, confidence, game_time;
  std::optional<std::string> label;
  std::string extra;
  for (auto [key, value] : object) {
    const std::string field = place + "." + std::string(key);
    if (key == "position") {
      position = number_of(value, field);
    } else if (key == "label") {
      label = string_of(value, field);
    } else if (key == "confidence" && predicted) {
      confidence = number_of(value, field);
    } else if (key == "half" && predicted) {
      of_member = whole_number(number_of(value, field), raw_json(value), field);
    } else {
      if (key == "gameTime") {
        of_time = half_of_time(string_of(value, field), field);
        const auto text = string_of(value, field);
        const auto clock = trim(text.substr(text.find('-') + 1));
        if (time_form(clock) == TimeForm::kClock) game_time = written_seconds(clock);
      }
      append_member(extra, key, raw_json(value));
    }
  }
  const auto missing = [&](const char* member) { return Error("missing").at_field(place + "." + member); };
  if (position && game_time && std::abs(*position / 1000 - *game_time) > kRounded)
    throw Error(format_number(*position / 1000) + " s, but gameTime says " + format_number(*game_time) +
                " s: leave out the one that is wrong")
        .at_field(place + ".position");
  if (!position && game_time) position = 1000 * *game_time;  // SoccerNet v1 has no more
  if (!position) throw missing("position");
  // Files of replays have "label": "" where nothing but the change of shots is known.
  if (!label || (predicted && label->empty())) throw missing("label");
  if (predicted && !confidence) throw missing("confidence");
  if (!of_time && !of_member) throw missing(predicted ? "half" : "gameTime");
  if (of_time && of_member && *of_time != *of_member)
    throw Error(std::to_string(*of_member) + " here, " + std::to_string(*of_time) + " in gameTime")
        .at_field(place + ".half");
  append_point(halves[of_member ? *of_member : *of_time], *position / 1000, confidence, *label, {}, extra);
}

void read_game(const SourceText& source, const ImportOptions& options, const ImportSink& sink) {
  const JsonFile file(source);
  const dom::object root = file.object();
  const auto url = member_of(root, "UrlLocal");
  if (!url) throw file.at(Error("missing; it names the game").at_field("UrlLocal"), {});
  std::string game(string_of(*url, "UrlLocal"));
  while (game.ends_with('/')) game.pop_back();
  if (game.empty()) throw file.at(Error("empty").at_field("UrlLocal"), {"UrlLocal"});
  const auto truths = member_of(root, "annotations"), found = member_of(root, "predictions");
  if (truths && found) throw file.at(Error("stands beside annotations").at_field("predictions"), {"predictions"});
  if (!truths && !found) throw file.at(Error("neither annotations nor predictions are here"), {});
  const std::string list = truths ? "annotations" : "predictions";
  dom::array events;
  if ((truths ? truths : found)->get(events)) throw file.at(Error("must be a list").at_field(list), {list});

  std::map<std::int64_t, std::string> halves{{1, ""}};
  std::size_t index = 0;
  for (dom::element event : events) {
    const std::string place = list + "[" + std::to_string(index++) + "]";
    try {
      read_event(event, place, !truths, halves);
    } catch (Error& error) {
      const auto begin = element_places(file.text(), find_member(file.text(), {list})).at(index - 1);
      std::string text = "{\"UrlLocal\":";  // a file of its own
      append_json_string(text, game);
      text += ",\"" + list + "\":[" + raw_json(event) + "]}";
      sink.error(file.at_byte(error.at_video(game), begin), text);
    }
  }
  std::string beside;
  for (auto [key, value] : root)
    if (key != "UrlLocal" && key != list) append_member(beside, key, raw_json(value));
  const std::int64_t last = halves.rbegin()->first;
  for (std::int64_t half = 1; half <= last; ++half) {
    Record record = Record::make(options.prefix.value_or("") + game + "/" + std::to_string(half));
    set_info(record, known_of(record.video(), options));
    record.set_raw(truths ? "annotations" : "proposals", "[" + halves[half] + "]");
    if (half == 1 && !beside.empty()) record.set_raw("soccernet", "{" + beside + "}");
    sink.record(record);
  }
}

// A file a game, of the halves that came.
class SoccernetWriter : public OnceWriter {
 public:
  explicit SoccernetWriter(const ExportOptions& options) : OnceWriter(options) {}
  bool makes_files() const override { return true; }
  std::map<std::string, std::string> files() override {
    std::map<std::string, std::string> out;
    for (const auto& [game, found] : games_)
      for (const auto& [list, name] :
           {std::pair("annotations", "Labels-v2.json"), {"predictions", "results_spotting.json"}}) {
        const auto events = found.lists.find(list);
        if (events == found.lists.end()) continue;
        std::string text = "{\"UrlLocal\":";
        append_json_string(text, game + (*list == 'a' ? "/" : ""));
        text += found.beside + ",\"" + list + "\":[" + events->second + "]}\n";
        out.emplace(game + "/" + name, std::move(text));
      }
    return out;
  }

 protected:
  std::string remarks() const override {
    return joined_notes(
        {rounded_.having("times between two milliseconds, which are rounded to whole ones"), not_held_.note()});
  }
  bool holds_of_video(const Record&, std::string_view member) const override { return member == "soccernet"; }
  void write(const Record& record, std::string&) override {
    const std::string& video = record.video();
    const auto slash = video.rfind('/');
    if (slash == std::string::npos || slash == 0 || video.size() != slash + 2 || video.back() < '1' ||
        video.back() > '9')
      throw Error("'" + video + "' is no half of a game, GAME/1").at_field("video").at_video(video);
    require_file_path(record, video);
    const std::string half = video.substr(slash + 1);
    const bool predicted = exports_proposals(record, options());
    const RowMembers members(record, options());
    std::string events;
    const auto rows = export_rows(record, options(), Points::kTaken);
    not_held_.see(video, rows, members, true, [&](std::string_view member) {
      return member == "score" || (member != "gameTime" && is_own_member(member, predicted)) ? Held::kNo : Held::kAll;
    });
    for (const auto& row : rows) {
      append_event(record, row, members.others(row), half, predicted, events);
      if (changes_when_rounded(row, 1000)) rounded_.add(video);
    }
    Game& game = games_[video.substr(0, slash)];
    std::string& list = game.lists[predicted ? "predictions" : "annotations"];
    list += (list.empty() || events.empty() ? "" : ",") + events;
    if (const auto beside = record.raw("soccernet")) {
      const auto members = trim(*beside);
      if (members.size() < 2 || members.front() != '{')
        throw Error("must be an object").at_field("soccernet").at_video(video);
      const auto inside = trim(members.substr(1, members.size() - 2));
      if (!inside.empty()) game.beside = "," + std::string(inside);
    }
  }

 private:
  using Members = std::vector<std::pair<std::string, std::string>>;
  struct Game {
    std::map<std::string, std::string> lists;  // events as JSON, by the name of the list
    std::string beside;                        // ",..." or ""
  };
  CountedVideos rounded_;
  NotHeld not_held_;

  // What the format itself calls so, and is written from the row.
  static bool is_own_member(std::string_view member, bool predicted) {
    return member == "gameTime" || member == "half" || member == "position" || (predicted && member == "confidence");
  }
  // Whether "1 - 06:57" is still the time of the row, in this half.
  static bool says_time(const std::string& json, const std::string& half, double milliseconds) {
    const DomText text(json);
    const auto words = text_of(text.root());
    if (!words) return false;
    const auto dash = words->find('-');
    if (dash == std::string_view::npos || trim(words->substr(0, dash)) != half) return false;
    const auto clock = trim(words->substr(dash + 1));
    return time_form(clock) == TimeForm::kClock && std::abs(milliseconds / 1000 - written_seconds(clock)) <= kRounded;
  }
  static void append_event(const Record& record, const ExportRow& row, const Members& members, const std::string& half,
                           bool predicted, std::string& out) {
    const auto fail = [&](const std::string& why, const char* member) {
      return Error(why).at_field(row.place + member).at_video(record.video());
    };
    if (!row.point) throw fail("SoccerNet's files hold points (\"at\"), and this has a length", ".segment");
    if (row.label.empty()) throw fail("missing", ".label");
    if (predicted && !row.score) throw fail("missing", ".score");
    if (row.segment.start < 0) throw fail("is before the half begins", ".at");
    const auto milliseconds = static_cast<long long>(std::llround(row.segment.start * 1000));
    std::string kept, time;
    for (const auto& [key, json] : members) {
      if (key == "gameTime" && says_time(json, half, static_cast<double>(milliseconds))) time = json;
      if (!is_own_member(key, predicted)) append_member(kept, key, json);
    }
    if (time.empty()) {
      char text[48];
      std::snprintf(text, sizeof text, "\"%s - %02lld:%02lld\"", half.c_str(), milliseconds / 60000,
                    milliseconds / 1000 % 60);
      time = text;
    }
    out += out.empty() ? "" : ",";
    out += "{\"gameTime\":" + time + ",\"label\":";
    append_json_string(out, row.label);
    out += ",\"position\":\"" + std::to_string(milliseconds) + "\"";
    if (predicted) out += ",\"half\":\"" + half + "\",\"confidence\":\"" + format_number(*row.score) + "\"";
    out += (kept.empty() ? "" : ",") + kept + "}";
  }

  std::map<std::string, Game> games_;
};

}  // namespace

void read_soccernet(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  for (const auto& source : sources) read_game(source, options, sink);
}

Fit looks_like_soccernet(const FileLook& file) {
  const bool game = file.is_text("UrlLocal");
  return game && (file.has("annotations") || file.has("predictions")) ? Fit::kOwn : Fit::kNone;
}

std::unique_ptr<ExportWriter> make_soccernet_writer(const ExportOptions& options) {
  return std::make_unique<SoccernetWriter>(options);
}

}  // namespace tal
