// The tables of DCASE's sound event tasks and of DESED: strong labels (filename, onset, offset, event_label), weak ones
// (filename, event_labels), and the lists without a header of earlier years.
#include <algorithm>
#include <functional>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/same_columns.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

bool has_header(std::string_view text) {
  std::string_view line;
  while (!text.empty() && trim(line).empty()) line = take_line(text);
  const std::string plain = plain_name(line);
  return plain.find("filename") != std::string::npos || plain.find("onset") != std::string::npos ||
         plain.find("event-label") != std::string::npos;
}

// The first column with one of the names; -1: none. Error where another one of them says otherwise.
int dcase_column(const NamedTable& table, const std::vector<std::string>& names,
                 const std::function<bool(const std::string&, const std::string&)>& same) {
  const int found = table.find(names);
  refuse_contradictions(table, found, others_called(table, {}, "", names, found), column_advice("", false), same);
  return found;
}

bool same_moment(const std::string& a, const std::string& b) {
  return is_table_number(a, '.') && is_table_number(b, '.') && same_time(table_number(a, '.'), table_number(b, '.'));
}

// Tables of few-shot bioacoustic event detection: Audiofilename, Starttime, Endtime and columns that say POS, NEG or
// UNK of a class each ("Q": the only one). Those of results have no more than the times.
bool is_few_shot(const NamedTable& table) {
  return table.find({"audiofilename"}) >= 0 && table.find({"starttime"}) >= 0 && table.find({"endtime"}) >= 0;
}

void read_few_shot(const NamedTable& table, const SourceText& source, const ImportSink& sink, ToolRows& rows) {
  const int file = table.find({"audiofilename"}), start = table.find({"starttime"}), end = table.find({"endtime"});
  for (const auto& row : table.rows)
    guard_row(source, row.line, "", row.raw, sink, [&] {
      table.check_width(row);
      auto& entry = rows.video(video_field(table, row, file), "", source, row.line);
      ToolEvent event;
      event.segment = {field_number(table.field(row, start), '.', "Starttime"),
                       field_number(table.field(row, end), '.', "Endtime")};
      bool classes = false;
      for (int c = 0; c < static_cast<int>(table.header.size()); ++c) {
        if (c == file || c == start || c == end) continue;
        const auto& name = table.header[static_cast<std::size_t>(c)];
        const std::string_view value = trim(table.field(row, c));
        classes = true;
        if (value == "POS") {
          event.label = name;
          rows.add(entry, event);
        } else if (value == "UNK") {
          rows.leave_out("event that may be of its class (UNK)", "events that may be of their class (UNK)",
                         line_name(source.name, row.line));
        } else if (value != "NEG") {
          throw Error("must be POS, NEG or UNK, not '" + std::string(value) + "'").at_field(name);
        }
      }
      if (!classes) rows.add(entry, event);
    });
}

void read_named(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows) {
  const NamedTable table = parse_named_table(source, options.dialect);
  if (is_few_shot(table)) return read_few_shot(table, source, sink, rows);
  const int file = dcase_column(table, {"filename", "file", "audio-filename", "audio-file"}, same_video);
  const int onset = dcase_column(table, {"onset", "event-onset", "start"}, same_moment),
            offset = dcase_column(table, {"offset", "event-offset", "end"}, same_moment);
  const int weak = table.find({"event-labels", "labels"});
  int label = dcase_column(table, {"event-label", "label", "class"}, std::equal_to<>());
  if (label < 0 && onset >= 0 && offset >= 0) label = weak;  // LLP's: an event a row all the same
  const bool strong = onset >= 0 && offset >= 0 && label >= 0;
  if (!strong && weak < 0)
    throw Error("no columns onset, offset, event_label, nor event_labels").at_line(source.name, table.header_line);
  if (file < 0 && !strong) throw Error("no column filename").at_line(source.name, table.header_line);
  std::vector<std::string> unread;
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c)
    if (c != file && c != label && c != (strong ? onset : weak) && (!strong || c != offset) &&
        !is_one_of({"event-labels", "labels"}, table.header[static_cast<std::size_t>(c)]))
      unread.push_back(table.header[static_cast<std::size_t>(c)]);
  if (!unread.empty()) sink.note(source.name + ": columns left out: '" + joined_first(unread, 8, "', '") + "'");
  const char decimal = strong ? table.decimal_of({onset, offset}, options.dialect) : '.';
  for (const auto& row : table.rows)
    guard_row(source, row.line, "", row.raw, sink, [&] {
      table.check_width(row);
      const auto missing = [&](int column) { return is_empty_or_missing(table.field(row, column)); };
      auto& entry = rows.video(file >= 0 ? video_field(table, row, file) : "",
                               file_stem(source, {".tsv", ".csv", ".txt"}), source, row.line);
      if (!strong) {
        const std::string_view labels = missing(weak) ? "" : std::string_view(table.field(row, weak));
        for (const auto each : split_fields(labels, ',')) rows.whole(entry, std::string(each));
        return;
      }
      const std::string &from = table.field(row, onset), &to = table.field(row, offset);
      if (missing(onset) && missing(offset) && missing(label)) return;  // a clip without an event
      if (is_missing(table.field(row, label)))
        throw missing_value(table.field(row, label), "leave the field empty").at_field("event_label");
      ToolEvent event;
      event.segment = {field_number(from, decimal, "onset"), field_number(to, decimal, "offset")};
      event.label = table.field(row, label);
      rows.add(entry, event);
    });
}

// Between tabs, where they cut a line into what a row has, labels may have blanks.
std::vector<std::string_view> bare_fields(std::string_view line) {
  const auto fields = split_fields(trim(line), '\t');
  return fields.size() >= 3 && fields.size() <= 5 ? fields : split_blanks(line);
}

// A clip without an event, in lists whose rows name their files: the name alone.
bool is_clip_name(const std::vector<std::string_view>& words) { return words.size() == 1 && is_media_file(words[0]); }

void read_bare(const SourceText& source, const ImportSink& sink, ToolRows& rows) {
  const auto lines = split_lines(source);
  const std::string stem = file_stem(source, {".tsv", ".csv", ".txt", ".ann"});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = bare_fields(lines[i]);
    if (words.empty()) continue;
    guard_row(source, i + 1, "", lines[i], sink, [&] {
      if (is_clip_name(words)) {
        (void)rows.video(words[0], stem, source, i + 1);
        return;
      }
      // filename [scene] onset offset label; of a file of its own the last three.
      if (words.size() < 3 || words.size() > 5)
        throw Error(
            "must be 'onset offset label', 'filename onset offset label' or 'filename scene onset offset "
            "label', not " +
            std::to_string(words.size()) + " words");
      const std::size_t first = words.size() - 3;
      auto& entry = rows.video(first ? words[0] : "", stem, source, i + 1);
      ToolEvent event;
      if (first == 2) event.members = Members().text("scene", words[1]).str();
      event.segment = {field_number(words[first], '.', "onset"), field_number(words[first + 1], '.', "offset")};
      event.label = words[first + 2];
      rows.add(entry, event);
    });
  }
}

// In quotes, or what spreadsheets write for a text, ="007": a reader takes both off.
bool is_quoted(std::string_view label) { return label.starts_with('"') || label.starts_with("=\""); }

// The name of the record's media where its id is that of this file, else one that is.
std::string clip_name(const Record& record) {
  const std::string own = record.video() + ".wav",
                    media = record.text("media").value_or(record.text("path").value_or(own));
  for (const std::string& name : {media.substr(media.find_last_of("/\\") + 1), own})
    if (names_video(record, name) && trim(name) == name && !name.starts_with('"') &&
        name.find_first_of("\t\r\n") == std::string::npos)
      return name;
  throw Error("cannot be the name of a file in this format, '" + own + "', that is read as this id")
      .at_field("video")
      .at_video(record.video());
}

// Whether it is the name of the clip as the file has it.
bool is_named(const Record& record, std::string_view member) {
  if (member != "media" && (member != "path" || record.has("media"))) return false;
  return record.text(member) == clip_name(record);
}

class DcaseWriter : public SegmentWriter {
 public:
  explicit DcaseWriter(const ExportOptions& options) : SegmentWriter(options, "event", Points::kTaken) {}

 protected:
  std::string changes() const override { return "labels with line ends or tabs, which are blanks in the table"; }
  bool holds_scores() const override { return false; }
  Instant instant() const override { return Instant::kSegment; }
  bool holds_of_video(const Record& record, std::string_view member) const override { return is_named(record, member); }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    if (!begun_) out += "filename\tonset\toffset\tevent_label\n";
    begun_ = true;
    const std::string clip = clip_name(record);
    if (rows.empty()) out += clip + "\t\t\t\n";
    for (const auto& row : rows) {
      std::string label = row.label;
      if (flatten(label)) changed(record.video());
      if (trim(label) != label) changed(record.video(), "labels with blanks at their ends, which readers cut off");
      if (is_missing(label) || is_quoted(label))
        throw Error("'" + label + "' is read as " + (is_missing(label) ? "a missing value" : "a field in quotes"))
            .at_field(row.place + ".label")
            .at_video(record.video());
      out +=
          clip + '\t' + format_number(row.segment.start) + '\t' + format_number(row.segment.end) + '\t' + label + '\n';
    }
  }

 private:
  bool begun_ = false;
};

// The labels of the whole clip: its classification, or where it has none those of its segments.
class DcaseWeakWriter : public OnceWriter {
 public:
  explicit DcaseWeakWriter(const ExportOptions& options) : OnceWriter(options) {}

 protected:
  // The labels of the segments alone.
  std::string remarks() const override {
    return joined_notes({unchosen_.having(kNothingToChoose),
                         timed_.having("segments, of which this format holds the labels alone"),
                         scored_.having("a classification with scores, of which this format holds the labels alone")});
  }
  bool holds_of_video(const Record& record, std::string_view member) const override {
    return is_named(record, member) || (member == "classification" && of_classes(record));
  }
  bool holds_list(const Record& record, bool proposals) const override {
    return !of_classes(record) && OnceWriter::holds_list(record, proposals);
  }
  void write(const Record& record, std::string& out) override {
    std::vector<std::string> labels;
    const auto take = [&](const std::string& label) {
      if (is_missing(label) || trim(label) != label || is_quoted(label))
        throw Error("'" + label +
                    "' is not read again as this label: it says that a value is missing, stands in quotes " +
                    "or has blanks at its ends")
            .at_field("label")
            .at_video(record.video());
      if (label.find_first_of(",\t\r\n") != std::string::npos)
        throw Error("'" + label + "' has a comma, tab or line end, which this format does not hold")
            .at_field("label")
            .at_video(record.video());
      if (!label.empty() && std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
    };
    if (of_classes(record)) {
      for (const auto& each : chosen_classes(record)) {
        take(each.label);
        if (each.score != 1) scored_.add(record.video());
      }
    } else {
      for (const auto& row : export_rows(record, options(), Points::kTaken))
        take(row.label), timed_.add(record.video());
      if (nothing_to_choose(record, options(), !labels.empty())) unchosen_.add(record.video());
    }
    if (!begun_) out += "filename\tevent_labels\n";
    begun_ = true;
    out += clip_name(record) + '\t' + joined(labels, ",") + '\n';
  }

 private:
  bool of_classes(const Record& record) const { return record.has("classification") && options().segments == "auto"; }
  // Those of --min-score and --top-k.
  std::vector<ClassScore> chosen_classes(const Record& record) const {
    auto classes = record.classification();
    if (options().min_score)
      std::erase_if(classes, [&](const auto& each) { return each.score < *options().min_score; });
    const auto most = static_cast<std::size_t>(options().top_k);
    if (most > 0 && classes.size() > most) {
      std::stable_sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
      classes.resize(most);
    }
    return classes;
  }
  CountedVideos timed_, scored_, unchosen_;
  bool begun_ = false;
};

}  // namespace

void read_dcase(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) {
    if (has_header(utf8_text(source))) read_named(source, options, sink, rows);
    else read_bare(source, sink, rows);
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_dcase_writer(const ExportOptions& options) {
  return std::make_unique<DcaseWriter>(options);
}
std::unique_ptr<ExportWriter> make_dcase_weak_writer(const ExportOptions& options) {
  return std::make_unique<DcaseWeakWriter>(options);
}

}  // namespace tal
