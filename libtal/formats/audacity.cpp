// Audacity's label tracks: start, end and label of a line, separated by tabs; a line that begins with a backslash gives
// the low and high frequency of the label before it.
#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/time_marks.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

std::vector<std::string_view> split_tabs(std::string_view line, std::size_t most) {
  std::vector<std::string_view> fields;
  while (fields.size() + 1 < most && line.find('\t') != std::string_view::npos) {
    fields.push_back(line.substr(0, line.find('\t')));
    line.remove_prefix(line.find('\t') + 1);
  }
  fields.push_back(line);
  return fields;
}

// A comma is the decimal sign where times have one.
char decimal_sign(const std::vector<std::string_view>& lines, const ImportOptions& options) {
  if (options.dialect.decimal) return options.dialect.decimal;
  for (const auto line : lines)
    if (line.substr(0, line.find('\t')).find(',') != std::string_view::npos) return ',';
  return '.';
}

void read_track(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows) {
  auto& entry = rows.video("", file_stem(source, {".txt", ".ann"}), source);
  const auto lines = split_lines(source);
  const char decimal = decimal_sign(lines, options);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    const std::size_t first = i;
    const bool more = i + 1 < lines.size() && lines[i + 1].starts_with('\\');
    if (more) ++i;
    guard_row(source, first + 1, entry.video, lines[first], sink, [&] {
      if (lines[first].starts_with('\\')) throw Error("frequencies without a label before them");
      auto fields = split_tabs(lines[first], 3);
      // Versions before 2 have one time for a point.
      if (fields.size() == 2 && !is_table_number(fields[1], decimal))
        fields = {fields[0], fields[0], split_tabs(lines[first], 2)[1]};
      if (fields.size() < 2) throw Error("must be start, end and label, separated by tabs");
      ToolEvent event;
      event.segment = {field_number(trim(fields[0]), decimal, "start"), field_number(trim(fields[1]), decimal, "end")};
      event.point = event.segment.start == event.segment.end;
      event.label = fields.size() > 2 ? fields[2] : "";
      if (more) {
        const auto range = split_tabs(lines[first + 1], 3);
        if (range.size() != 3) throw Error("must be \\, low and high frequency, separated by tabs");
        event.members = Members()
                            .number("low", field_number(trim(range[1]), decimal, "low"))
                            .number("high", field_number(trim(range[2]), decimal, "high"))
                            .str();
      }
      rows.add(entry, event);
    });
  }
}

class AudacityWriter : public SegmentWriter {
 public:
  explicit AudacityWriter(const ExportOptions& options) : SegmentWriter(options, "label", Points::kTaken) {}
  std::string extension() const override { return ".txt"; }

 protected:
  std::string changes() const override { return "labels with line ends or tabs, which are blanks in the file"; }
  bool scores_in_labels() const override { return true; }
  Instant instant() const override { return Instant::kPoint; }
  Held holds(std::string_view member) const override {
    return member == "low" || member == "high" ? Held::kNumber : Held::kNo;
  }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    const RowMembers& members = this->members();
    for (const auto& row : rows) {
      std::string label = row.label + score_text(row);
      if (flatten(label)) changed(record.video());
      out += format_number(row.segment.start) + '\t' + format_number(row.segment.end) + '\t' + label + '\n';
      const auto low = members.number(row, "low"), high = members.number(row, "high");
      if (low.has_value() != high.has_value())
        changed(record.video(), "segments with one of low and high alone, which the file has not");
      if (low && high) out += "\\\t" + format_number(*low) + '\t' + format_number(*high) + '\n';
    }
  }
};

}  // namespace

void read_audacity(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) read_track(decoded_utf16(source), options, sink, rows);
  rows.emit();
}

std::unique_ptr<ExportWriter> make_audacity_writer(const ExportOptions& options) {
  return std::make_unique<AudacityWriter>(options);
}

}  // namespace tal
