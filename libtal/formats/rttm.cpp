// NIST's rich transcription time marks (RTTM-format-v13): type file channel start duration orthography subtype name
// confidence [lookahead], separated by blanks, <NA> for what is not known.
#include <algorithm>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

// The types of the format; records of other formats have types of their own.
bool is_rttm_type(std::string_view type) {
  for (const std::string_view known : {"SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH",
                                       "FILLER", "EDIT", "IP", "SU", "CB", "A/P", "SPEAKER", "SU_BOUNDARY"})
    if (type == known) return true;
  return false;
}

std::string known(std::string_view word) { return word == "<NA>" ? "" : std::string(word); }

class RttmWriter : public SegmentWriter {
 public:
  explicit RttmWriter(const ExportOptions& options) : SegmentWriter(options, "line", Points::kTaken) {}

 protected:
  std::string changes() const override { return "labels with blanks, which are '_' in the file"; }
  Held holds(std::string_view member) const override {
    const bool word = member == "channel" || member == "type" || member == "orthography" || member == "subtype";
    return word ? Held::kText : member == "confidence" ? Held::kNumber : Held::kNo;
  }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    const RowMembers& members = this->members();
    if (record.video().find_first_of(" \t\r\n") != std::string::npos)
      throw Error("has blanks, which separate the words of this format").at_field("video").at_video(record.video());
    require_id_read_back(record);
    for (const auto& row : rows) {
      if (row.label == "<NA>") changed(record.video(), "labels called <NA>, which is read as none");
      std::string type = members.text(row, "type").value_or("SPEAKER");
      if (!is_rttm_type(type)) {
        type = "SPEAKER";
        changed(record.video(), "types that this format does not know, which are SPEAKER");
      }
      const std::string label = word(row.label, record, changes());
      const auto further = [&](const char* member) {
        return word(members.text(row, member).value_or(""), record,
                    "further members with blanks, which are '_' in the file");
      };
      std::string channel = further("channel");
      if (channel == "<NA>") channel = "1";
      const auto confidence = row.score ? row.score : members.number(row, "confidence");
      out += type + ' ' + record.video() + ' ' + channel + ' ' + format_number(row.segment.start) + ' ' +
             (row.point ? "<NA>" : format_number(row.segment.length())) + ' ' + further("orthography") + ' ' +
             further("subtype") + ' ' + label + ' ' + (confidence ? format_number(*confidence) : "<NA>") + " <NA>\n";
    }
  }

 private:
  // One word of the line; `what` is said where it is not the text.
  std::string word(std::string text, const Record& record, const std::string& what) {
    const auto blank = [](char c) { return c == ' ' || static_cast<unsigned char>(c) < 0x20; };
    if (text.empty()) return "<NA>";
    if (std::any_of(text.begin(), text.end(), blank)) {
      std::replace_if(text.begin(), text.end(), blank, '_');
      changed(record.video(), what);
    }
    return text;
  }
};

}  // namespace

void read_rttm(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) {
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto words = split_blanks(lines[i]);
      if (words.empty() || words[0].starts_with(";;")) continue;
      guard_row(source, i + 1, "", lines[i], sink, [&] {
        if (words.size() < 8)
          throw Error("must be 'type file channel start duration orthography subtype name ...', not " +
                      std::to_string(words.size()) + " words");
        if (words[0] == "SPKR-INFO")
          return rows.leave_out("SPKR-INFO line without times", "SPKR-INFO lines without times",
                                line_name(source.name, i + 1));
        auto& entry = rows.video("", one_id(words[1], *options.ids), source);
        ToolEvent event;
        const double start = field_number(words[3], '.', "start");
        const double length = words[4] == "<NA>" ? 0 : field_number(words[4], '.', "duration");
        if (length < 0) throw Error("must not be negative, is " + std::string(words[4])).at_field("duration");
        event.segment = {start, start + length};
        event.point = words[4] == "<NA>";  // a boundary, such as IP or SU_BOUNDARY
        // A speaker's name; what other types mark is their orthography or subtype.
        std::string orthography = known(words[5]), subtype = known(words[6]);
        event.label = known(words[7]);
        if (event.label.empty()) event.label = std::exchange(orthography, "");
        if (event.label.empty()) event.label = std::exchange(subtype, "");
        Members members;
        members.text("type", words[0]).some("channel", known(words[2]));
        members.some("orthography", orthography).some("subtype", subtype);
        if (words.size() > 8 && words[8] != "<NA>")
          members.number("confidence", field_number(words[8], '.', "confidence"));
        event.members = members.str();
        rows.add(entry, event);
      });
    }
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_rttm_writer(const ExportOptions& options) {
  return std::make_unique<RttmWriter>(options);
}

}  // namespace tal
