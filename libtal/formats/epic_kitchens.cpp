// EPIC-KITCHENS (Damen et al., 2018, 2022): the tables of narrations, EPIC_100_validation.csv, and the results of its
// action detection challenge,
//
//   {"version", "challenge": "action_detection", "results": {"P01_11": [{"verb": 0, "noun": 2, "action": "0,2",
//     "segment": [0, 2.61], "score": 0.84}]}}
//
// A narration has a verb, a noun and their names. Which of them is the label says --columns label=NAME: a column, or
// action, the classes of verb and noun as the results have them, "0,2"; the
// tables of the test set have none. All other columns stay beside the segment.
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/dom_parts.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/row_table.h"

namespace tal {
namespace {

void read_narrations(const SourceText& source, const ImportOptions& options, const ImportSink& sink, VideoRows& rows) {
  RowTable table(source, options, "EPIC-KITCHENS");
  const int video = table.need("video_id"), start = table.need("start_timestamp"), end = table.need("stop_timestamp");
  const std::string labels = named_column(options, "label", "verb_class");
  const bool action = labels == "action";
  // What names the class stays beside the segment, too: the others are needed with it.
  const int first = table.table().find({action ? "verb_class" : labels});
  const int second = action ? table.table().find({"noun_class"}) : -1;
  const auto has = [&](const char* name) { return table.table().find({name}) >= 0; };
  const bool unlabelled = !options.columns.count("label") && !has("verb") && !has("verb_class") && !has("noun") &&
                          !has("noun_class");  // the tables of the test set
  if (!unlabelled && (first < 0 || (action && second < 0)))
    throw Error("no column " + (action ? std::string("verb_class or noun_class") : "'" + labels + "'") +
                " for the label")
        .at_line(source.name, table.table().header_line);
  if (unlabelled)
    sink.note(source.name +
              ": no columns of verbs and nouns, so that the segments have no label (--columns label=NAME)");
  for (const auto& row : table.rows()) {
    std::string id;
    guard_row(source, row.line, "", row.raw, sink, [&] {
      table.check_width(row);
      id = id_of(table.field(row, video), options, line_name(source.name, row.line));
      if (id.empty()) throw Error("empty").at_field("video_id");
      try {
        const Segment segment{field_seconds(table.field(row, start), '.', "start_timestamp"),
                              field_seconds(table.field(row, end), '.', "stop_timestamp")};
        check_segment(segment);
        std::string label = unlabelled ? "" : table.field(row, first);
        if (label.empty() && !unlabelled) throw Error("empty").at_field(action ? "verb_class" : labels);
        if (action) label += "," + table.field(row, second);
        else if (is_class_id(label, options)) label = label_of(label, options);
        auto& entry = rows.at(id);
        entry.facts.add(known_of(id, options), line_name(source.name, row.line));
        entry.has_annotations = true;
        append_item(entry.annotations, segment, std::nullopt, label, {}, table.others(row));
      } catch (Error& error) {
        throw error.at_video(id);
      }
    });
  }
}

// "0,2", the classes of verb and noun, which say the same where they stand beside it; "" without them.
std::string action_of_result(const dom::object& item, const std::string& place) {
  const auto verb = member_of(item, "verb"), noun = member_of(item, "noun"), action = member_of(item, "action");
  std::string both = verb && noun ? raw_json(*verb) + "," + raw_json(*noun) : "";
  if (!action) return both;
  const auto text = text_of(*action);
  const auto classes = text ? split_fields(*text, ',') : std::vector<std::string_view>();
  if (classes.size() != 2 || !class_number(classes[0]) || !class_number(classes[1]))
    throw Error("must be the classes of verb and noun as a text, \"0,2\"").at_field(place + ".action");
  const auto differs = [](const std::optional<dom::element>& stated, std::string_view number) {
    return stated && class_number(raw_json(*stated)) && class_number(raw_json(*stated)) != class_number(number);
  };
  if (differs(verb, classes[0]) || differs(noun, classes[1]))
    throw Error("'" + std::string(*text) + "', but verb and noun are " + (verb ? raw_json(*verb) : "not there") +
                " and " + (noun ? raw_json(*noun) : "not there"))
        .at_field(place + ".action");
  return std::string(*text);
}

std::string label_of_result(const dom::object& item, const std::string& member, const std::string& place,
                            const ImportOptions& options) {
  std::string action = action_of_result(item, place);
  if (const auto named = member_of(item, member)) {
    if (const auto text = text_of(*named)) return std::string(*text);
    return label_of(raw_json(*named), options);
  }
  if (member == "action" && !action.empty()) return action;
  throw Error("missing").at_field(place + "." + member);
}

}  // namespace

void read_epic_kitchens(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) read_narrations(source, options, sink, rows);
  rows.emit(options, sink);
}

void read_epic_results(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  const std::string member = named_column(options, "label", "verb");
  if (member != "verb" && member != "noun" && member != "action")
    throw UsageError("--columns: label is verb, noun or action of these results, not '" + member + "'");
  VideoRows rows;
  for (const auto& source : sources) {
    const JsonFile file(source);
    const auto results = member_of(file.object(), "results");
    dom::object videos;
    if (!results || results->get(videos)) throw file.at(Error("must be an object").at_field("results"), {"results"});
    for (auto [name, list] : videos) {
      const std::string video = options.prefix.value_or("") + std::string(name);
      try {
        auto& entry = rows.at(video);
        if (entry.has_proposals) throw Error("the video stands in another file too");
        entry.facts.add(known_of(video, options), source.name);
        entry.has_proposals = true;
        std::size_t index = 0;
        for (dom::element element : list_of(list, "results")) {
          const std::string place = "results[" + std::to_string(index++) + "]";
          const auto item = object_of(element, place);
          const auto segment = member_of(item, "segment"), score = member_of(item, "score");
          if (!segment) throw Error("missing").at_field(place + ".segment");
          if (!score) throw Error("missing").at_field(place + ".score");
          std::string extra;
          for (auto [key, value] : item)
            if (key != "segment" && key != "score" && key != "label") append_member(extra, key, raw_json(value));
          append_item(entry.proposals, segment_of(*segment, place + ".segment"), number_of(*score, place + ".score"),
                      label_of_result(item, member, place, options), {}, extra);
        }
      } catch (Error& error) {
        std::string text = "{\"results\":{";
        append_json_string(text, name);
        sink.error(file.at(error.at_video(video), {"results", name}), text + ":" + raw_json(list) + "}}");
      }
    }
  }
  rows.emit(options, sink);
}

Fit looks_like_epic_kitchens(const FileLook& file) {
  if (!file.has_columns({"video_id", "start_timestamp", "stop_timestamp"})) return Fit::kNone;
  const bool labelled = file.has_columns({"verb_class", "noun_class"});
  // Tables of the test set; EPIC-SOUNDS has an annotation_id and a class.
  const bool test = file.has_columns({"participant_id", "narration_id|uid|narration"}) && !file.has_columns({"class"});
  return labelled || test ? Fit::kOwn : Fit::kNone;
}
Fit looks_like_epic_results(const FileLook& file) {
  return file.has("results.*.[].verb") && file.has("results.*.[].noun") ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
