// Tables of segments with named columns: annotations and detections.
#include <optional>
#include <set>

#include "libtal/base/text.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/segment_columns.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

// What is known of a video before a row of it is read: by the row, by --durations, by the rows before.
VideoInfo with_rows_before(VideoInfo info, const VideoRows::Entry* before) {
  if (!before) return info;
  const VideoInfo& known = before->facts.info;
  if (!info.duration) info.duration = known.duration;
  if (!info.fps) info.fps = known.fps;
  return info;
}

// Videos that are named in more than one way, such as a/v.mp4 and b/v.mp4: they are taken for one, and that is said.
class SeveralNames {
 public:
  void see(VideoRows::Entry& entry, const std::string& name) {
    if (entry.name.empty()) entry.name = name;
    if (entry.name == name || !videos_.insert(entry.video).second || !example_.empty()) return;
    example_ = "'" + entry.name + "' and '" + name + "'";
  }
  void note(const ImportSink& sink) const {
    if (videos_.empty()) return;
    sink.note(std::to_string(videos_.size()) + (videos_.size() == 1 ? " video has" : " videos have") +
              " several names in the table, such as " + example_ + ": they are taken for one video each");
  }

 private:
  std::set<std::string> videos_;
  std::string example_;
};

// Of a table that tal-convert wrote: each column is what its name says, and nothing is guessed.
ImportOptions naming_columns(ImportOptions options, const NamedTable& table) {
  for (const auto& column : table.header)
    if (column != "subject") options.columns.try_emplace(column, column);
  return options;
}

void read_table(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink,
                bool scored) {
  const std::string unit = options.time.empty() ? "seconds" : options.time;
  VideoRows rows;
  SeveralNames several;
  std::size_t left_out = 0, selected = 0;  // by --where
  std::size_t other_rate = 0;              // rows whose frames --fps counts, though they state a rate
  std::size_t unscored = 0;                // rows of a table of our own that are annotations among detections
  std::vector<std::string> values;
  for (const auto& source : sources) {
    const NamedTable table = parse_named_table(source, options.dialect);
    const auto named = table.own ? std::optional(naming_columns(options, table)) : std::nullopt;
    const SegmentColumns columns(table, named ? *named : options, scored, unit, sink);
    const bool own_ids = table.own && options.id_folders < 0 && !options.columns.count("video");
    const int subject = table.own ? table.find({"subject"}) : -1;
    for (const auto& row : table.rows) {
      std::string id;
      guard_row(source, row.line, "", row.raw, sink, [&] {
        table.check_width(row);
        if (!columns.selected(row)) {
          ++left_out;
          return;
        }
        ++selected;
        const bool written = table.own && row.quoted(columns.video);  // and no missing value
        const std::string& name = written ? table.field(row, columns.video) : video_field(table, row, columns.video);
        id = own_ids && !name.empty() ? options.prefix.value_or("") + name
                                      : id_of(name, options, line_name(source.name, row.line));
        if (id.empty()) throw Error("empty").at_field("video");
        try {
          const VideoInfo said = known_of(id, options, columns.facts(row));
          if (unit == "frames" && options.fps > 0 && said.fps && *said.fps != options.fps) ++other_rate;
          const Segment segment = columns.segment(row, with_rows_before(said, rows.find(id)));
          const std::string text = columns.label < 0 ? "" : table.field(row, columns.label);
          const bool said_so = table.own && row.quoted(columns.label) && options.tables.classes.empty();
          const std::string label = said_so ? text : label_field(text, options);
          const bool proposal = scored && !(table.own && table.field(row, columns.score).empty());
          const auto score = proposal ? std::optional(columns.score_of(row)) : std::nullopt;
          unscored += scored && !proposal;
          auto& entry = rows.at(id);
          try {
            entry.facts.add(said, line_name(source.name, row.line));
          } catch (const Error& error) {
            throw columns.explained(error);
          }
          if (!table.own) several.see(entry, table.field(row, columns.video));
          (proposal ? entry.has_proposals : entry.has_annotations) = true;
          const auto further = [&](int column) {
            const bool none =
                column < 0 || (is_missing(table.field(row, column)) && !(table.own && row.quoted(column)));
            return none ? std::string() : table.field(row, column);
          };
          append_item(proposal ? entry.proposals : entry.annotations, segment, score, label, {},
                      Members().some("tier", further(columns.tier)).some("subject", further(subject)).str());
        } catch (Error& error) {
          throw error.at_video(id);
        }
      });
    }
    if (left_out > 0 && selected == 0)
      for (const auto& value : columns.where_values()) values.push_back(value);
  }
  if (left_out > 0 && selected == 0)
    throw Error("--where: no row's '" + options.where_column + "' is '" + options.where_value + "', but '" +
                joined_first(values, 5, "', '") + "'")
        .at_line(sources.back().name, 0);
  several.note(sink);
  if (other_rate > 0)
    sink.note(std::to_string(other_rate) + (other_rate == 1 ? " row states" : " rows state") +
              " another frame rate than --fps, which their times are counted by");
  if (unscored > 0)
    sink.note(std::to_string(unscored) +
              (unscored == 1 ? " row without a score is an annotation" : " rows without a score are annotations"));
  rows.emit(options, sink);
}

}  // namespace

void read_segments_csv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_table(sources, options, sink, false);
}

void read_detections_csv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_table(sources, options, sink, true);
}

}  // namespace tal
