// Moments that a sentence describes, which is the label:
//
//   ActivityNet Captions (Krishna et al., 2017)  {"v_QOl": {"duration", "timestamps": [[0.83, 19.86], ...],
//                                                 "sentences": ["We see ...", ...]}}
//   TACoS (Regneri et al., 2013), as 2D-TAN has it: the same with "fps" and "num_frames", and the times in frames
//   results of dense captioning                  {"results": {"v_QOl": [{"sentence", "timestamp": [1.23, 4.53]}]}}
//   QVHighlights (Lei et al., 2021), a line each {"qid", "query", "vid", "duration", "relevant_windows": [[82, 150]]},
//                                                 and results with "pred_relevant_windows": [[start, end, score]]
//   Charades-STA (Gao et al., 2017), a line each AO8RW 0.0 6.9##a person is putting a book on a shelf.
#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/recognise.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

class MomentReader {
 public:
  MomentReader(const ImportOptions& options, const ImportSink& sink) : options_(options), sink_(sink) {}

  void read(const SourceText& source) {
    const auto text = utf8_text(source);
    auto rest = text;
    std::string_view line;
    while (!rest.empty() && trim(line).empty()) line = take_line(rest);
    if (!trim(line).starts_with('{')) read_lines(source, &MomentReader::read_sentence);
    else if (line.find("\"vid\"") != std::string_view::npos && line.find("\"qid\"") != std::string_view::npos)
      read_lines(source, &MomentReader::read_query);
    else read_file(source);
  }
  void end() {
    if (unanswered_ > 0)
      sink_.note(std::to_string(unanswered_) +
                 (unanswered_ == 1 ? " query without windows is" : " queries without windows are") + " left out");
    if (saliencies_ > 0)
      sink_.note("saliency scores of " + std::to_string(saliencies_) + (saliencies_ == 1 ? " query" : " queries") +
                 " left out");
    rows_.emit(options_, sink_);
  }

 private:
  VideoRows::Entry& video(std::string_view name, const VideoInfo& own, const std::string& place) {
    const std::string id = id_of(name, options_, place);
    if (id.empty()) throw Error("a video's id is empty");
    auto& entry = rows_.at(id);
    entry.facts.add(known_of(id, options_, own), place);
    return entry;
  }

  using LineReader = void (MomentReader::*)(std::string_view line, const std::string& place);
  void read_lines(const SourceText& source, LineReader read) {
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (!trim(lines[i]).empty())
        guard_row(source, i + 1, "", lines[i], sink_, [&] { (this->*read)(lines[i], line_name(source.name, i + 1)); });
  }

  void read_sentence(std::string_view line, const std::string& place) {
    const auto mark = line.find("##");
    const auto words = split_blanks(line.substr(0, mark));
    if (mark == std::string_view::npos || words.size() != 3) throw Error("must be 'VIDEO START END##SENTENCE'");
    const Segment segment{field_number(words[1], '.', "start"), field_number(words[2], '.', "end")};
    check_segment(segment);
    auto& entry = video(words[0], {}, place);
    entry.has_annotations = true;
    append_item(entry.annotations, segment, std::nullopt, trim(line.substr(mark + 2)));
  }

  void read_query(std::string_view line, const std::string& place) {
    check_json_line(line, kDeepestJson);
    const DomText parsed(line);
    const auto query = object_of(parsed.root(), "");
    const auto name = member_of(query, "vid"), text = member_of(query, "query"), number = member_of(query, "qid");
    if (!name) throw Error("missing").at_field("vid");
    if (!text) throw Error("missing").at_field("query");
    VideoInfo own;
    if (const auto duration = member_of(query, "duration"))
      own.duration = positive(number_of(*duration, "duration"), "duration");
    auto& entry = video(string_of(*name, "vid"), own, place);
    const std::string label(string_of(*text, "query")), extra = number ? "\"qid\":" + raw_json(*number) : "";
    saliencies_ += member_of(query, "saliency_scores") || member_of(query, "pred_saliency_scores");
    bool any = false;
    for (const bool found : {false, true}) {
      const char* field = found ? "pred_relevant_windows" : "relevant_windows";
      const auto windows = member_of(query, field);
      if (!windows) continue;
      any = true;
      (found ? entry.has_proposals : entry.has_annotations) = true;
      std::size_t index = 0;
      for (dom::element element : list_of(*windows, field)) {
        const std::string at = std::string(field) + "[" + std::to_string(index++) + "]";
        const auto window = list_of(element, at);
        if (window.size() != (found ? 3 : 2))
          throw Error(found ? "must be [start, end, score]" : "must be [start, end]").at_field(at);
        const Segment segment{number_of(window.at(0), at + "[0]"), number_of(window.at(1), at + "[1]")};
        check_segment(segment, at);
        if (found) append_item(entry.proposals, segment, number_of(window.at(2), at + "[2]"), label, {}, extra);
        else append_item(entry.annotations, segment, std::nullopt, label, {}, extra);
      }
    }
    unanswered_ += !any;
  }

  void read_file(const SourceText& source) {
    const JsonFile file(source);
    const auto results = member_of(file.object(), "results");
    dom::object videos = file.object();
    if (results && results->get(videos)) throw file.at(Error("must be an object").at_field("results"), {"results"});
    for (auto [name, value] : videos) try {
        if (results) read_captions(name, value, source.name);
        else read_video(name, value, source.name);
      } catch (Error& error) {
        std::string text = results ? "{\"results\":{" : "{";
        append_json_string(text, name);
        const auto names =
            results ? std::vector<std::string_view>{"results", name} : std::vector<std::string_view>{name};
        sink_.error(file.at(error.at_video(name), names), text + ":" + raw_json(value) + (results ? "}}" : "}"));
      }
  }

  void read_video(std::string_view name, dom::element value, const std::string& place) {
    const auto object = object_of(value, "");
    const auto times = member_of(object, "timestamps"), sentences = member_of(object, "sentences");
    if (!times) throw Error("missing").at_field("timestamps");
    if (!sentences) throw Error("missing").at_field("sentences");
    VideoInfo own;
    const auto duration = member_of(object, "duration"), fps = member_of(object, "fps"),
               frames = member_of(object, "num_frames");
    if (fps) own.fps = positive(number_of(*fps, "fps"), "fps");
    if (frames) own.frames = whole_number(number_of(*frames, "num_frames"), raw_json(*frames), "num_frames");
    if (duration) own.duration = positive(number_of(*duration, "duration"), "duration");
    else if (own.fps && own.frames) own.duration = static_cast<double>(*own.frames) / *own.fps;
    const double unit = !duration && own.fps ? 1 / *own.fps : 1;  // of what counts frames
    const auto texts = list_of(*sentences, "sentences");
    const auto list = list_of(*times, "timestamps");
    if (texts.size() != list.size())
      throw Error(std::to_string(texts.size()) + " for " + std::to_string(list.size()) + " timestamps")
          .at_field("sentences");
    auto& entry = video(name, own, place);
    if (entry.has_annotations) throw Error("the video stands in another file too");
    entry.has_annotations = true;
    std::string items;
    std::size_t index = 0;
    for (dom::element element : list) {
      const std::string at = std::to_string(index);
      const auto read = segment_of(element, "timestamps[" + at + "]");
      const auto sentence = trim(string_of(texts.at(index++), "sentences[" + at + "]"));
      append_item(items, {read.start * unit, read.end * unit}, std::nullopt, sentence);
    }
    entry.annotations = items;
  }

  void read_captions(std::string_view name, dom::element value, const std::string& place) {
    auto& entry = video(name, {}, place);
    if (entry.has_proposals) throw Error("the video stands in another file too");
    entry.has_proposals = true;
    std::string items;
    std::size_t index = 0;
    for (dom::element element : list_of(value, "results")) {
      const std::string at = "results[" + std::to_string(index++) + "]";
      const auto item = object_of(element, at);
      const auto sentence = member_of(item, "sentence"), times = member_of(item, "timestamp"),
                 score = member_of(item, "score");
      if (!sentence) throw Error("missing").at_field(at + ".sentence");
      if (!times) throw Error("missing").at_field(at + ".timestamp");
      append_item(items, segment_of(*times, at + ".timestamp"),
                  score ? std::optional(number_of(*score, at + ".score")) : std::nullopt,
                  trim(string_of(*sentence, at + ".sentence")));
    }
    entry.proposals = items;
  }

  const ImportOptions& options_;
  const ImportSink& sink_;
  VideoRows rows_;
  std::size_t unanswered_ = 0, saliencies_ = 0;
};

bool is_sentence_line(std::string_view line) {
  const auto mark = line.find("##");
  const auto words = split_blanks(line.substr(0, mark));
  return mark != std::string_view::npos && words.size() == 3 && is_table_number(words[1], '.') &&
         is_table_number(words[2], '.');
}

}  // namespace

void read_moments(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  MomentReader reader(options, sink);
  for (const auto& source : sources) reader.read(source);
  reader.end();
}

Fit looks_like_moments(const FileLook& file) {
  const auto lines = file.lines(20);  // none of a file that is one long line
  const auto names = [&](std::string_view name) { return lines[0].find(name) != std::string_view::npos; };
  if (!lines.empty() && trim(lines[0]).starts_with('{') && names("\"qid\"") && names("\"vid\"") && names("\"query\""))
    return Fit::kOwn;
  if (first_character(file.head()) == '{') {
    const bool timed = (file.has("*.timestamps.[]") && file.has("*.sentences.[]")) ||
                       (file.has("results.*.[].timestamp") && file.has("results.*.[].sentence"));
    return timed ? Fit::kOwn : Fit::kNone;
  }
  return !lines.empty() && std::all_of(lines.begin(), lines.end(), is_sentence_line) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
