// Event spotting as E2E-Spot's code has it (Hong et al., ECCV 2022; jhong93/spot): a list of videos,
//
//   [{"video", "num_frames", "num_events", "fps", "width", "height", "events": [{"frame", "label", "comment"}]}]
//
// of ground truth, or of results, whose events have a "score". Events are points: frame / fps seconds. The members of
// an event stay beside it, those of a video in its record.
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/formats.h"

namespace tal {
namespace {

bool has_scores(dom::element video) {
  dom::array events;
  if (video["events"].get(events)) return false;
  for (dom::element event : events)
    if (dom::element score; !event["score"].get(score)) return true;
  return false;
}

// Events of which the file counts frames that the video has not.
struct OutsideFrames {
  std::size_t count = 0;
  std::string first;
  void add(const std::string& place, double frame, std::int64_t frames, const std::string& video) {
    if (count++ == 0)
      first = place + ".frame of video '" + video + "', " + format_number(frame) + " of " + std::to_string(frames);
  }
};

std::string events_of(dom::element element, bool scored, double fps, std::optional<std::int64_t> frames,
                      const std::string& video, OutsideFrames& outside) {
  std::string out;
  std::size_t index = 0;
  for (dom::element event : list_of(element, "events")) {
    const std::string place = "events[" + std::to_string(index++) + "]";
    std::optional<double> frame, score;
    std::string label, extra;
    for (auto [key, value] : object_of(event, place)) {
      const std::string field = place + "." + std::string(key);
      if (key == "frame") frame = number_of(value, field);
      else if (key == "label") label = string_of(value, field);
      else if (key == "score") score = number_of(value, field);
      else append_member(extra, key, raw_json(value));
    }
    if (!frame) throw Error("missing").at_field(place + ".frame");
    if (label.empty()) throw Error("missing").at_field(place + ".label");
    if (scored && !score) throw Error("missing; other events have one").at_field(place + ".score");
    if (frames && *frames > 0 && (*frame < 0 || *frame >= static_cast<double>(*frames)))
      outside.add(place, *frame, *frames, video);
    append_point(out, *frame / fps, score, label, {}, extra);
  }
  return "[" + out + "]";
}

Record read_spotting_video(dom::element element, bool scored, const ImportOptions& options, std::size_t& miscounted,
                           OutsideFrames& outside) {
  const auto object = object_of(element, "");
  const auto name = member_of(object, "video");
  if (!name) throw Error("missing").at_field("video");
  const std::string video = options.prefix.value_or("") + std::string(string_of(*name, "video"));
  if (video.empty()) throw Error("empty").at_field("video");
  try {
    Record record = Record::make(video);
    VideoInfo own;
    // FineDiving's lists have -1 where the rate is not known.
    if (const auto fps = member_of(object, "fps"); fps && number_of(*fps, "fps") != -1)
      own.fps = positive(number_of(*fps, "fps"), "fps");
    if (const auto frames = member_of(object, "num_frames"))
      own.frames = whole_number(number_of(*frames, "num_frames"), raw_json(*frames), "num_frames");
    VideoInfo info = known_of(video, options, own);
    if (options.fps > 0) info.fps = options.fps;
    if (!info.fps) throw Error("missing: give --fps, or --durations with the videos' rates").at_field("fps");
    if (info.frames && *info.frames > 0 && !info.duration)
      info.duration = static_cast<double>(*info.frames) / *info.fps;
    const auto events = member_of(object, "events");
    if (!events) throw Error("missing").at_field("events");
    set_info(record, info);
    record.set_raw(scored ? "proposals" : "annotations",
                   events_of(*events, scored, *info.fps, own.frames, video, outside));
    for (auto [key, value] : object) {
      if (key == "video" || key == "fps" || key == "num_frames" || key == "events") continue;
      if (key == "num_events") {
        const auto count = whole_number(number_of(value, key), raw_json(value), key);
        if (count != static_cast<std::int64_t>(list_of(*events, "events").size())) ++miscounted;
        continue;
      }
      if (record.has(key) || key == "history" || key == "proposals" || key == "annotations" || key == "features" ||
          key == "window" || key == "duration")
        throw Error("this member has another meaning in a record").at_field(std::string(key));
      record.set_raw(key, raw_json(value));
    }
    return record;
  } catch (Error& error) {
    throw error.at_video(video);
  }
}

class SpottingWriter : public OnceWriter {
 public:
  explicit SpottingWriter(const ExportOptions& options) : OnceWriter(options) {}
  void end(std::string& out) override { out += first_ ? "[]\n" : "\n]\n"; }

 protected:
  std::string remarks() const override {
    return joined_notes({rounded_.having("times between two frames, which are rounded to whole ones"),
                         other_duration_.having("a duration that is not frames / fps, which a reader takes"),
                         not_held_.note()});
  }
  bool holds_of_video(const Record&, std::string_view member) const override {
    return member == "duration" || member == "fps" || member == "frames" || member == "width" || member == "height";
  }
  void write(const Record& record, std::string& out) override {
    const bool predicted = exports_proposals(record, options());
    const auto rate = record.fps();
    if (!rate) throw Error("missing: events are written as frames").at_field("fps").at_video(record.video());
    const auto frames = record.number("frames");
    const auto duration = record.duration();
    const RowMembers members(record, options());
    std::string events;
    std::size_t count = 0;
    const auto rows = export_rows(record, options(), Points::kTaken);
    not_held_.see(record.video(), rows, members, true, [](std::string_view member) {
      return is_own_member(member) || member == "score" ? Held::kNo : Held::kAll;
    });
    const double counted = frames ? *frames : std::round(duration.value_or(0) * rate->value());
    for (const auto& row : rows) {
      append_event(record, row, members.others(row), rate->value(), counted, predicted, events);
      const bool last = row.segment.start * rate->value() == counted && counted > 0;
      if (last || changes_when_rounded(row, rate->value())) rounded_.add(record.video());
      ++count;
    }
    if (duration && changes_when_rounded(*duration * rate->value() - counted)) other_duration_.add(record.video());
    out += std::exchange(first_, false) ? "[\n{\"video\":" : ",\n{\"video\":";
    append_json_string(out, record.video());
    if (frames || duration) out += ",\"num_frames\":" + format_number(counted);
    out += ",\"num_events\":" + std::to_string(count) + ",\"events\":[" + events + "],\"fps\":";
    out += format_number(rate->value());
    for (const char* key : {"width", "height"})
      if (const auto value = record.raw(key)) ((out += ",\"") += key) += "\":" + std::string(*value);
    out += '}';
  }

 private:
  using Members = std::vector<std::pair<std::string, std::string>>;
  CountedVideos rounded_, other_duration_;
  NotHeld not_held_;
  // What the format itself calls so, and is written from the row.
  static bool is_own_member(std::string_view member) { return member == "frame"; }
  static void append_event(const Record& record, const ExportRow& row, const Members& members, double fps,
                           double frames, bool predicted, std::string& out) {
    const auto fail = [&](const std::string& why, const char* member) {
      return Error(why).at_field(row.place + member).at_video(record.video());
    };
    if (!row.point) throw fail("this format holds points (\"at\"), and this has a length", ".segment");
    if (row.label.empty()) throw fail("missing", ".label");
    if (predicted && !row.score) throw fail("missing", ".score");
    out += out.empty() ? "{\"frame\":" : ",{\"frame\":";
    double frame = std::round(row.segment.start * fps);
    if (frame == frames && frames > 0) --frame;  // in the last half frame: there is none behind it
    out += std::to_string(std::llround(frame)) + ",\"label\":";
    append_json_string(out, row.label);
    if (row.score) out += ",\"score\":" + format_number(*row.score);
    for (const auto& [key, json] : members) {
      if (is_own_member(key)) continue;
      out += ',';
      append_json_string(out, key);
      out += ':' + json;
    }
    out += '}';
  }

  bool first_ = true;
};

}  // namespace

void read_spotting(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  for (const auto& source : sources) {
    const JsonFile file(source);
    const auto videos = file.list();
    bool scored = false;
    for (dom::element video : videos) scored = scored || has_scores(video);
    std::size_t index = 0, miscounted = 0;
    OutsideFrames outside;
    for (dom::element video : videos) {
      const std::size_t at = index++;
      try {
        Record record = read_spotting_video(video, scored, options, miscounted, outside);
        sink.record(record);
      } catch (Error& error) {
        if (error.field().empty()) error.at_field("[" + std::to_string(at) + "]");
        const auto begin = element_places(file.text(), 0).at(at);
        sink.error(file.at_byte(error, begin), "[" + raw_json(video) + "]");
      }
    }
    if (miscounted > 0)
      sink.note(source.name + ": " + std::to_string(miscounted) + (miscounted == 1 ? " video has" : " videos have") +
                " another number of events than num_events says");
    if (outside.count > 0)
      sink.note(
          source.name + ": " + std::to_string(outside.count) + (outside.count == 1 ? " event is" : " events are") +
          " at frames that the video has not, as frames count from 0 to num_frames - 1; the first is " + outside.first);
  }
}

Fit looks_like_spotting(const FileLook& file) {
  const bool frames = file.has("[].events.[].frame") || (file.has("[].events") && file.has("[].num_frames"));
  return frames && file.is_text("[].video") ? Fit::kOwn : Fit::kNone;
}

std::unique_ptr<ExportWriter> make_spotting_writer(const ExportOptions& options) {
  return std::make_unique<SpottingWriter>(options);
}

}  // namespace tal
