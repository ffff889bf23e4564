// Tables of segments with named columns: annotations and detections.
#include <map>
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
  for (const auto& column : table.header) options.columns.try_emplace(column, column);
  return options;
}

// The rows of tables as videos, and what is to be said of them in the end.
class SegmentTables {
 public:
  SegmentTables(const ImportOptions& options, const ImportSink& sink, bool scored)
      : options_(options), sink_(sink), scored_(scored), unit_(options.time.empty() ? "seconds" : options.time) {}

  void read(const SourceText& source) {
    const NamedTable table = parse_named_table(source, options_.dialect);
    const auto named = table.own ? std::optional(naming_columns(options_, table)) : std::nullopt;
    const SegmentColumns columns(table, named ? *named : options_, scored_, unit_, sink_);
    const OneTable one{table, columns};
    if (!columns.file_video().empty()) see_file(columns.file_video(), source.name);
    left_out_columns_.add(columns.left_out());
    const std::size_t before = selected_;
    for (const auto& row : table.rows)
      guard_row(source, row.line, "", row.raw, sink_, [&] {
        table.check_width(row);
        if (!columns.selected(row)) {
          ++left_out_;
          return;
        }
        ++selected_;
        read_row(one, row);
      });
    if (selected_ == before)
      for (const auto& value : columns.where_values()) where_values_.push_back(value);
    last_ = source.name;
  }

  void emit() {
    if (left_out_ > 0 && selected_ == 0)
      throw Error("--where: no row's '" + options_.where_column + "' is '" + options_.where_value + "', but '" +
                  joined_first(where_values_, 5, "', '") + "'")
          .at_line(last_, 0);
    several_.note(sink_);
    left_out_columns_.note(sink_);
    if (!by_file_.empty())
      sink_.note(std::string("no column names the videos: ") +
                 (by_file_.size() == 1 ? "the file's name is the video's id, '"
                                       : "each file's name is its video's id, such as '") +
                 by_file_.begin()->first + "' of " + by_file_.begin()->second +
                 " (--columns video=NAME names a column)");
    note_rows(unscored_, " row without a score is an annotation", " rows without a score are annotations", "");
    rows_.emit(options_, sink_);
  }

 private:
  struct OneTable {
    const NamedTable& table;
    const SegmentColumns& columns;
    // A table of our own says in quotes what others mean as missing.
    bool written(const NamedTable::Row& row, int column) const { return table.own && row.quoted(column); }
  };

  std::string video_of(const OneTable& one, const NamedTable::Row& row) const {
    const bool own_ids = one.table.own && options_.id_folders < 0 && options_.columns.count("video") == 0;
    std::string id = one.columns.id_in(row, own_ids);
    if (id.empty()) throw Error("empty").at_field("video");
    return id;
  }

  std::string label_in(const OneTable& one, const NamedTable::Row& row) const {
    const int column = one.columns.label;
    const std::string text = column < 0 ? "" : one.table.field(row, column);
    return one.written(row, column) && options_.tables.classes.empty() ? text : label_field(text, options_);
  }

  // nullopt: an annotation.
  std::optional<double> score_in(const OneTable& one, const NamedTable::Row& row) {
    if (!scored_) return std::nullopt;
    if (!one.table.own || !one.table.field(row, one.columns.score).empty()) return one.columns.score_of(row);
    ++unscored_;
    return std::nullopt;
  }

  static std::string further_in(const OneTable& one, const NamedTable::Row& row, int column) {
    if (column < 0) return "";
    const std::string& text = one.table.field(row, column);
    return is_missing(text) && !one.written(row, column) ? "" : text;
  }

  void read_row(const OneTable& one, const NamedTable::Row& row) {
    const std::string id = video_of(one, row);
    try {
      const VideoInfo said = known_of(id, options_, one.columns.facts(row));
      const Segment segment = one.columns.segment(row, with_rows_before(said, rows_.find(id)));
      const std::string label = label_in(one, row);
      const auto score = score_in(one, row);
      auto& entry = rows_.at(id);
      add_facts(entry, one, row, said);
      (score ? entry.has_proposals : entry.has_annotations) = true;
      const std::string further = Members()
                                      .some("tier", further_in(one, row, one.columns.tier))
                                      .some("subject", further_in(one, row, one.columns.subject))
                                      .str();
      auto& list = score ? entry.proposals : entry.annotations;
      if (one.columns.is_point(row)) append_point(list, segment.start, score, label, {}, further);
      else append_item(list, segment, score, label, {}, further);
    } catch (Error& error) {
      throw error.at_video(id);
    }
  }

  // A file whose name is its video's id, and whose video is there without a row, too.
  void see_file(const std::string& video, const std::string& file) {
    const auto [first, fresh] = by_file_.emplace(video, file);
    if (!fresh)
      throw Error("'" + video + "' is the name of '" + first->second +
                  "' too, and no column names the videos: which one is it of?")
          .at_field("video")
          .at_line(file, 0);
    auto& entry = rows_.at(options_.prefix.value_or("") + video);
    entry.facts.add(known_of(entry.video, options_), file);
    (scored_ ? entry.has_proposals : entry.has_annotations) = true;
  }

  void add_facts(VideoRows::Entry& entry, const OneTable& one, const NamedTable::Row& row, const VideoInfo& said) {
    try {
      entry.facts.add(said, line_name(one.table.source, row.line));
    } catch (const Error& error) {
      throw one.columns.explained(error);
    }
    if (!one.table.own && one.columns.video >= 0) several_.see(entry, one.table.field(row, one.columns.video));
  }

  void note_rows(std::size_t count, const char* one, const char* many, const char* what) const {
    if (count > 0) sink_.note(std::to_string(count) + (count == 1 ? one : many) + what);
  }

  const ImportOptions& options_;
  const ImportSink& sink_;
  const bool scored_;
  const std::string unit_;
  VideoRows rows_;
  SeveralNames several_;
  LeftOutColumns left_out_columns_;
  std::map<std::string, std::string> by_file_;  // videos that their file names -> the file
  std::size_t left_out_ = 0, selected_ = 0;     // by --where
  std::size_t unscored_ = 0;                    // rows of a table of our own that are annotations among detections
  std::vector<std::string> where_values_;       // of tables without a row that --where selects
  std::string last_;                            // table
};

void read_tables(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink,
                 bool scored) {
  SegmentTables tables(options, sink, scored);
  for (const auto& source : sources) tables.read(source);
  tables.emit();
}

}  // namespace

void read_segments_csv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_tables(sources, options, sink, false);
}

void read_detections_csv(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  read_tables(sources, options, sink, true);
}

}  // namespace tal
