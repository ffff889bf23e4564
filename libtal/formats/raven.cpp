// Raven's selection tables: columns separated by tabs, a row a selection and view. The column of labels has the name
// that its user gave it.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

std::vector<std::string> tab_fields(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    const auto end = std::min(line.find('\t'), line.size());
    fields.emplace_back(trim(line.substr(0, end)));
    if (end == line.size()) return fields;
    line.remove_prefix(end + 1);
  }
}

std::string name_of_table(std::string stem) {
  for (const char* ending : {".selections", ".selection"}) stem = std::string(without_ending(stem, {ending}));
  if (const auto table = stem.rfind(".Table."); table != std::string::npos && table > 0) stem.resize(table);
  FileIds ids;
  return one_id(stem, ids);
}

constexpr const char* kView = "View";

// The view that a selection is of where no other is said.
const char* view_of(bool frequencies) { return frequencies ? "Spectrogram 1" : "Waveform 1"; }

class RavenTable {
 public:
  RavenTable(const SourceText& source, const ImportOptions& options)
      : source_(source), options_(options), lines_(split_lines(source)) {
    while (first_ < lines_.size() && trim(lines_[first_]).empty()) ++first_;
    if (first_ == lines_.size()) throw Error("empty: a selection table was expected").at_line(source.name, 0);
    header_ = tab_fields(lines_[first_]);
    while (header_.size() > 1 && header_.back().empty()) header_.pop_back();
    if (start() < 0 || end() < 0)
      throw Error("no columns 'Begin Time (s)' and 'End Time (s)' separated by tabs").at_line(source.name, first_ + 1);
    find_label(options);
    decimal_ = decimal_sign(options);
  }

  void read(const ImportSink& sink, ToolRows& rows) {
    std::vector<std::vector<std::string>> table;
    std::set<std::string> files;
    for (std::size_t i = first_ + 1; i < lines_.size(); ++i) {
      table.push_back(trim(lines_[i]).empty() ? std::vector<std::string>() : tab_fields(lines_[i]));
      if (const auto file = file_of(table.back()); !file.empty()) files.insert(file);
    }
    take_labelled_column(table);
    const std::string stem = table_name();
    if (files.empty()) rows.video("", stem, source_);
    if (label_ < 0) sink.note(source_.name + ": no column but Raven's own, so that the selections have no label");
    else if (guessed_)
      sink.note(source_.name + ": the labels are taken from column '" + header_[static_cast<std::size_t>(label_)] +
                "' (--columns label=NAME)");
    compare_labels(table, sink);
    if (files.size() > 1 && column("File Offset (s)") < 0)
      sink.note(source_.name +
                ": there is no column File Offset (s), so that Begin Time (s) is taken for the time in " +
                "each file; Raven's runs on over a sequence of files");
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (table[i].empty()) continue;
      const auto file = file_of(table[i]);
      guard_row(source_, first_ + i + 2, "", lines_[first_ + 1 + i], sink, [&] {
        if (table[i].size() <= static_cast<std::size_t>(std::max(start(), end())))
          throw Error(std::to_string(table[i].size()) + " fields, but the header has " +
                      std::to_string(header_.size()));
        table[i].resize(std::max(table[i].size(), header_.size()));  // empty cells at a row's end may be missing
        if (other_view(table[i], file, first_ + i + 2)) return;
        auto& entry = rows.video(file, stem, source_, first_ + i + 2, id_by_path(table[i], file, first_ + i + 2));
        try {
          rows.add(entry, event(table[i], !file.empty()));
        } catch (Error& error) {
          throw error.at_video(entry.video);
        }
      });
    }
  }

 private:
  int column(std::string_view name) const {
    for (std::size_t c = 0; c < header_.size(); ++c)
      if (plain_name(header_[c]) == plain_name(name)) return static_cast<int>(c);
    return -1;
  }
  int start() const { return column("Begin Time (s)"); }
  int low() const { return std::max(column("Low Freq (Hz)"), column("Low Frequency (Hz)")); }  // Raven's, BirdNET's
  int high() const { return std::max(column("High Freq (Hz)"), column("High Frequency (Hz)")); }
  int end() const { return column("End Time (s)"); }
  static std::string field(const std::vector<std::string>& row, int column) {
    return column >= 0 && static_cast<std::size_t>(column) < row.size() ? row[static_cast<std::size_t>(column)] : "";
  }
  // BirdNET's combined table has the path alone.
  std::string file_of(const std::vector<std::string>& row) const {
    const auto file = field(row, column("Begin File"));
    return file.empty() ? field(row, column("Begin Path")) : file;
  }
  // By the path, where the table has it beside the name: files of one name in different folders are several.
  std::string id_by_path(const std::vector<std::string>& row, const std::string& file, std::uint64_t line) const {
    const auto path = field(row, column("Begin Path"));
    if (path.empty() || path == file || video_id(path) != video_id(file)) return "";
    return one_id(path, *options_.ids, line_name(source_.name, line));
  }
  // As the numbers of Raven's own columns look.
  char decimal_sign(const ImportOptions& options) const {
    DecimalSign sign(options.dialect, '\t');
    for (std::size_t i = first_ + 1; i < lines_.size(); ++i) {
      const auto row = tab_fields(lines_[i]);
      for (const int c : {start(), end(), low(), high(), column("File Offset (s)")}) sign.see(field(row, c), i + 1);
    }
    return sign.decide(source_.name);
  }
  // Measurements have their unit in brackets; these have none.
  static bool is_own(const std::string& name) {
    static const std::vector<std::string> own = {
        "selection",        "view",       "channel",   "begin-file", "end-file", "begin-path", "end-path",
        "begin-clock-time", "begin-date", "occupancy", "confidence", "score",    "notes",      "begin-hour"};
    return is_one_of(own, name) || name.empty() || name.find('(') != std::string::npos;
  }
  void find_label(const ImportOptions& options) {
    if (const auto named = options.columns.find("label"); named != options.columns.end()) {
      if ((label_ = column(named->second)) < 0)
        throw Error("no column '" + named->second + "' for --columns label").at_line(source_.name, first_ + 1);
      return;
    }
    for (const char* name : {"annotation", "annotations", "label", "labels", "species", "species code", "common name",
                             "class", "call", "call type", "sound type", "tag", "tags"})
      if (const int found = column(name); label_ < 0) label_ = found;
      else if (found >= 0 && found != label_) others_.push_back(found);
    for (std::size_t c = 0; c < header_.size() && label_ < 0; ++c)
      if (!is_own(header_[c])) label_ = static_cast<int>(c), guessed_ = true;
  }
  // Where no row has a label, the next column that has some.
  void take_labelled_column(const std::vector<std::vector<std::string>>& table) {
    const auto labelled = [&](int c) {
      return std::any_of(table.begin(), table.end(), [&](const auto& row) { return !field(row, c).empty(); });
    };
    if (label_ < 0 || labelled(label_)) return;
    const auto other = std::find_if(others_.begin(), others_.end(), labelled);
    if (other == others_.end()) return;
    std::swap(label_, *other), guessed_ = true;
  }
  // Columns that may be the label, too: of "Annotation" and "Label" the rows must say the same, of others, such as
  // "Species", it is told where they do not.
  void compare_labels(const std::vector<std::vector<std::string>>& table, const ImportSink& sink) const {
    const auto same_role = [&](int c) {
      static const std::vector<std::string> names = {"annotation", "annotations", "label", "labels"};
      return is_one_of(names, header_[static_cast<std::size_t>(c)]);
    };
    std::vector<std::string> told;
    for (const int other : others_) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < table.size(); ++i) {
        const auto own = field(table[i], label_), said = field(table[i], other);
        if (own.empty() || said.empty() || own == said) continue;
        ++count;
        if (same_role(label_) && same_role(other))
          throw Error("'" + header_[static_cast<std::size_t>(label_)] + "' says '" + own + "', '" +
                      header_[static_cast<std::size_t>(other)] + "' '" + said +
                      "': --columns label=NAME says which one counts")
              .at_field("label")
              .at_line(source_.name, first_ + i + 2);
      }
      if (count > 0)
        told.push_back("'" + header_[static_cast<std::size_t>(other)] + "' says otherwise in " + std::to_string(count) +
                       (count == 1 ? " row" : " rows"));
    }
    if (!told.empty())
      sink.note(source_.name + ": the labels are taken from column '" + header_[static_cast<std::size_t>(label_)] +
                "'; " + joined(told) + " and stays beside them (--columns label=NAME takes another)");
  }
  // "R_1.Table.1.selections.txt" -> "R_1"
  std::string table_name() const { return name_of_table(file_stem(source_, {".txt"})); }
  Segment times(const std::vector<std::string>& row) const {
    return {field_number(field(row, start()), decimal_, "Begin Time (s)"),
            field_number(field(row, end()), decimal_, "End Time (s)")};
  }
  // Whether the selection stood in another view before. Error where it had other times there.
  bool other_view(const std::vector<std::string>& row, const std::string& file, std::uint64_t line) {
    const auto selection = field(row, column("Selection"));
    if (selection.empty()) return false;
    auto& known = selections_[{file, selection}];
    const bool first = known.views.empty();
    if (!known.views.insert(field(row, column("View"))).second) return false;
    const Segment now = times(row);
    if (first) known.times = now, known.line = line;
    const Segment was = known.times;
    if (now.start != was.start || now.end != was.end)
      throw Error("selection " + selection + " is from " + format_number(now.start) + " to " + format_number(now.end) +
                  " s in this view, but from " + format_number(was.start) + " to " + format_number(was.end) + " s in " +
                  line_name(source_.name, known.line))
          .at_field("Begin Time (s)");
    return !first;
  }
  ToolEvent event(const std::vector<std::string>& row, bool has_file) const {
    const auto number = [&](int c) -> std::optional<double> {
      const auto text = field(row, c);
      return text.empty() ? std::nullopt
                          : std::optional(field_number(text, decimal_, header_[static_cast<std::size_t>(c)]));
    };
    ToolEvent event;
    event.segment = times(row);
    check_segment(event.segment);
    // The times run on over a sequence of files, of which some may have no row; the offset is that in the file.
    const bool has_offset = has_file && !field(row, column("File Offset (s)")).empty();
    if (const auto offset = has_offset ? number(column("File Offset (s)")) : std::nullopt)
      event.segment = {*offset, *offset + event.segment.length()};
    event.point = event.segment.start == event.segment.end;  // Raven's point selections
    event.label = field(row, label_);
    Members members;
    bool frequencies = false;
    for (const auto& [name, column] : {std::pair("low", low()), {"high", high()}})
      if (const auto value = number(column)) members.number(name, *value), frequencies = true;
    members.some("channel", field(row, column("Channel")));
    nlohmann::ordered_json others = nlohmann::ordered_json::object();
    for (std::size_t c = 0; c < header_.size(); ++c) {
      const std::string plain = plain_name(header_[c]);
      const int place = static_cast<int>(c);
      const bool kept = plain == "channel" || plain == "selection" || place == low() || place == high() ||
                        place == start() || place == end() || (plain == "file-offset-(s)" && has_offset) ||
                        (plain == "view" && (row[c] == view_of(frequencies) || row[c] == view_of(false)));
      if (!kept && static_cast<int>(c) != label_ && !header_[c].empty() && !row[c].empty())
        others[plain == "view" ? kView : header_[c]] = row[c];
    }
    if (!others.empty()) members.json("columns", others.dump());
    event.members = members.str();
    return event;
  }

  const SourceText& source_;
  const ImportOptions& options_;
  const std::vector<std::string_view> lines_;
  std::size_t first_ = 0;  // the header's line, from 0
  std::vector<std::string> header_;
  int label_ = -1;
  std::vector<int> others_;  // that may be the label, too
  bool guessed_ = false;
  char decimal_ = '.';
  struct Selection {
    std::set<std::string> views;
    Segment times;  // of the first one, on `line`
    std::uint64_t line = 0;
  };
  std::map<std::pair<std::string, std::string>, Selection> selections_;  // by file and number
};

// Frequencies where a row has them; else selections are of the waveform, which has none.
class RavenWriter : public SegmentWriter {
 public:
  explicit RavenWriter(const ExportOptions& options) : SegmentWriter(options, "selection", Points::kTaken) {}
  std::string extension() const override { return ".txt"; }
  std::string id_of_file(const std::string& name) const override { return name_of_table(name); }

 protected:
  std::string changes() const override { return "labels with line ends or tabs, which are blanks in the table"; }
  Instant instant() const override { return Instant::kPoint; }
  Held holds(std::string_view member) const override {
    return member == "low" || member == "high" ? Held::kNumber
           : member == "channel"               ? Held::kText
           : member == "columns"               ? Held::kAll
                                               : Held::kNo;
  }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    const RowMembers& members = this->members();
    bool frequencies = false, scores = false;
    std::vector<std::string> further;
    for (const auto& row : rows) {
      frequencies = frequencies || members.number(row, "low") || members.number(row, "high");
      scores = scores || row.score;
      const auto own = columns_of(members, row, record);
      for (const auto& [name, value] : own.items())
        if (name != kView && std::find(further.begin(), further.end(), name) == further.end()) further.push_back(name);
    }
    out += "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)";
    if (frequencies) out += "\tLow Freq (Hz)\tHigh Freq (Hz)";
    out += "\tAnnotation";
    if (scores) out += "\tScore";
    for (const auto& name : further) out += '\t' + name;
    out += '\n';
    std::size_t number = 0;
    for (const auto& row : rows) {
      std::string label = row.label;
      if (flatten(label)) changed(record.video());
      if (trim(label) != label) changed(record.video(), "labels with blanks at their ends, which readers cut off");
      const auto own = columns_of(members, row, record);
      out += std::to_string(++number) + '\t' + own.value(kView, view_of(frequencies)) + '\t' +
             members.text(row, "channel").value_or("1") + '\t' + format_number(row.segment.start) + '\t' +
             format_number(row.segment.end);
      if (frequencies)
        for (const char* name : {"low", "high"}) {
          const auto hertz = members.number(row, name);
          if (!hertz)
            changed(record.video(), "segments that lack frequencies that others have, which are 0 in the table");
          out += '\t' + format_number(hertz.value_or(0));
        }
      out += '\t' + label;
      if (scores) out += '\t' + (row.score ? format_number(*row.score) : "");
      for (const auto& name : further) {
        std::string value = own.value(name, "");
        if (flatten(value)) changed(record.video(), "further columns with line ends or tabs, which are blanks");
        out += '\t' + value;
      }
      out += '\n';
    }
  }

 private:
  // What the table has columns of its own for, or holds no text, or has a name that a header does not hold, goes.
  nlohmann::ordered_json columns_of(const RowMembers& members, const ExportRow& row, const Record& record) {
    static const std::vector<std::string> written = {"selection",    "channel",       "begin-time-(s)",
                                                     "end-time-(s)", "low-freq-(hz)", "high-freq-(hz)",
                                                     "annotation",   "score",         "file-offset-(s)"};
    const auto columns = nlohmann::ordered_json::parse(members.json(row, "columns").value_or("{}"));
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    const auto leave_out = [&] {
      changed(record.video(),
              "further columns that are left out: no texts, called as one that the table has, or of another file");
    };
    if (!columns.is_object()) leave_out();
    else
      for (const auto& [name, value] : columns.items()) {
        const bool own = is_one_of(written, name) && !(plain_name(name) == "score" && !row.score);
        const bool foreign = (plain_name(name) == "begin-file" || plain_name(name) == "begin-path") &&
                             value.is_string() && !names_video(record, value.get<std::string>());  // of a video that
                                                                                                   // had another id
        if (!value.is_string() || own || foreign || trim(name) != name ||
            name.find_first_of("\t\r\n") != std::string::npos)
          leave_out();
        else out[name] = value;
      }
    return out;
  }
};

}  // namespace

void read_raven(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& given : sources) {
    const SourceText source = decoded_utf16(given);
    RavenTable(source, options).read(sink, rows);
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_raven_writer(const ExportOptions& options) {
  return std::make_unique<RavenWriter>(options);
}

}  // namespace tal
