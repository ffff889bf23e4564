// Records as the field's other formats.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/formats/export_support.h"
#include "libtal/io/digits.h"
#include "libtal/io/table.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

// {"version":..., <key>:{"video":...}}; what the importer kept beside the videos comes back.
class ActivityNetWriter : public OnceWriter {
 public:
  ActivityNetWriter(const char* key, const ExportOptions& options) : OnceWriter(options), key_(key) {}
  void end(std::string& out) override {
    for (const auto& video : joined_) entry(video, "[" + windows_.at(video) + "]", out);
    if (first_) out += "{\"" + key_ + "\":{";
    out += '}';
    const std::string& version = options().version;
    if (!version.empty() || beside_ == "{}") {
      out += ",\"version\":";
      append_json_string(out, version.empty() ? "VERSION 1.3" : version);
    }
    if (version.empty()) {  // as it stands, numbers with all their digits
      const auto open = beside_.find('{') + 1;
      const auto members = trim(std::string_view(beside_).substr(open, beside_.rfind('}') - open));
      if (!members.empty()) (out += ',') += members;
    }
    const Json beside = Json::parse(version.empty() ? "{}" : beside_);
    for (const auto& [name, member] : beside.items()) {
      if (name == "version") continue;
      out += ',';
      append_json_string(out, name);
      out += ':' + member.dump();
    }
    out += "}\n";
  }

 protected:
  bool chooses_list() const override { return false; }
  void write(const Record& record, std::string& out) override {
    const std::string written = value(record);  // before anything is: it may be an Error
    keep_beside(record);
    if (!record.has("window")) return entry(record.video(), written, out);
    // A JSON object has each key once: the windows' lists become one, which is complete at the end.
    const auto [list, first] = windows_.try_emplace(record.video());
    if (first) joined_.push_back(record.video());
    const auto open = written.find('[') + 1;
    const std::string items(trim(std::string_view(written).substr(open, written.rfind(']') - open)));
    if (!items.empty()) list->second += (list->second.empty() ? "" : ",") + items;
  }
  virtual std::string value(const Record& record) const = 0;  // JSON; of a window a list

 private:
  void entry(const std::string& video, const std::string& written, std::string& out) {
    out += first_ ? "{\"" + key_ + "\":{" : ",";
    first_ = false;
    append_json_string(out, video);
    out += ':' + written + '\n';
  }
  void keep_beside(const Record& record) {
    const auto beside = record.raw("activitynet");
    if (!beside) return;
    const auto fail = [&](const std::string& why) {
      throw Error(why).at_field("activitynet").at_video(record.video());
    };
    if (beside_ != "{}" && *beside != beside_)
      fail("differs from that of a record before: one file has one version and one set of members beside the videos");
    const Json members = Json::parse(*beside, nullptr, false);
    if (!members.is_object()) fail("must be an object: its members stand beside the videos");
    if (members.contains(key_)) fail("has a member '" + key_ + "', under which the file has its videos");
    beside_ = *beside;
  }
  std::string key_, beside_ = "{}";  // JSON
  bool first_ = true;
  std::vector<std::string> joined_;                       // videos that came as windows
  std::unordered_map<std::string, std::string> windows_;  // their items
};

// No label at all is one thing that a reader takes, an empty one is none.
void refuse_empty_labels(const Record& record, const std::string& segments) {
  const auto raw = record.raw(segments);
  if (!raw || raw->find("\"\"") == std::string_view::npos) return;
  ExportOptions options;
  options.segments = segments;
  const RowMembers members(record, options);
  for (const auto& row : export_rows(record, options))
    if (members.text(row, "label") == "") throw Error("empty").at_field(row.place + ".label").at_video(record.video());
}

class GroundTruthWriter : public ActivityNetWriter {
 public:
  explicit GroundTruthWriter(const ExportOptions& options) : ActivityNetWriter("database", options) {}

 protected:
  bool holds_list(const Record&, bool proposals) const override { return !proposals; }
  bool holds_of_video(const Record&, std::string_view member) const override {
    return !is_ours(member) || member == "activitynet";
  }
  std::string value(const Record& record) const override {
    if (!record.has("annotations")) throw Error("missing").at_field("annotations").at_video(record.video());
    (void)record.annotations(true);  // only what reads back is written
    refuse_empty_labels(record, "annotations");
    std::string out = "{\"annotations\":";
    out += *record.raw("annotations");
    for (const auto key : record.keys()) {
      if (is_ours(key)) continue;
      out += ',';
      append_json_string(out, key);
      out += ':';
      out += *record.raw(key);
    }
    return out + '}';
  }

 private:
  // What means something else in a record, or is written elsewhere.
  static bool is_ours(std::string_view member) {
    static const std::set<std::string_view> ours = {"video",       "path",       "history",        "proposals",
                                                    "features",    "window",     "classification", "maps",
                                                    "activitynet", "annotations"};
    return ours.count(member) > 0;
  }
};

class ResultWriter : public ActivityNetWriter {
 public:
  explicit ResultWriter(const ExportOptions& options) : ActivityNetWriter("results", options) {}

 protected:
  bool joins_windows() const override { return true; }
  bool holds_list(const Record&, bool proposals) const override { return proposals; }
  bool holds_of_video(const Record&, std::string_view member) const override { return member == "activitynet"; }
  std::string value(const Record& record) const override {
    (void)record.require_scored_proposals();  // only what reads back is written
    refuse_empty_labels(record, "proposals");
    return std::string(*record.raw("proposals"));
  }
};

// Formats of one line a segment.
class LineWriter : public SegmentWriter {
 public:
  explicit LineWriter(const ExportOptions& options, Points points = Points::kRefused)
      : SegmentWriter(options, "line", points) {}

 protected:
  bool joins_windows() const override { return true; }  // line by line
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    begin(record, out);
    for (const auto& row : rows) line(record, row, out);
  }
  virtual void begin(const Record& record, std::string& out) = 0;
  virtual void line(const Record& record, const ExportRow& row, std::string& out) const = 0;
};

class ThumosWriter : public LineWriter {
 public:
  explicit ThumosWriter(const ExportOptions& options) : LineWriter(options) {
    for (const auto& [number, name] : options.classes) numbers_.emplace(name, number - options.class_offset);
  }

 protected:
  void begin(const Record& record, std::string&) override {
    if (record.video().find_first_of(" \t\n\r\v\f") != std::string::npos)
      throw Error("an id with blanks cannot be written in this format").at_field("video").at_video(record.video());
    require_id_read_back(record);
    if (record.video().starts_with("\xEF\xBB\xBF"))
      throw Error("an id that begins with a byte-order mark cannot begin a file")
          .at_field("video")
          .at_video(record.video());
  }
  void line(const Record& record, const ExportRow& row, std::string& out) const override {
    if (!row.score) throw Error("missing").at_field(row.place + ".score").at_video(record.video());
    out += record.video() + ' ' + format_number(row.segment.start) + ' ' + format_number(row.segment.end) + ' ' +
           number(row, record.video()) + ' ' + format_number(*row.score) + '\n';
  }

 private:
  std::string number(const ExportRow& row, const std::string& video) const {
    const auto found = numbers_.find(row.label);
    if (found != numbers_.end()) return checked(found->second, row, video);
    if (numbers_.empty() && row.label.size() < 10 && is_digits(row.label))
      return checked(std::stoll(row.label) - options().class_offset, row, video);
    throw Error("'" + row.label + "' has no number" + (numbers_.empty() ? "; give --classes FILE" : " in --classes"))
        .at_field(row.place + ".label")
        .at_video(video);
  }
  std::string checked(std::int64_t number, const ExportRow& row, const std::string& video) const {
    if (number < 0)
      throw Error("'" + row.label + "' gets the number " + std::to_string(number) + ": --class-offset " +
                  std::to_string(options().class_offset) + " is too high for it")
          .at_field(row.place + ".label")
          .at_video(video);
    return std::to_string(number);
  }
  std::map<std::string, std::int64_t> numbers_;
};

class CsvWriter : public LineWriter {
 public:
  CsvWriter(const ExportOptions& options, char separator)
      : LineWriter(options, Points::kTaken), separator_(separator) {}
  void end(std::string& out) override { head(out); }

 protected:
  void begin(const Record& record, std::string&) override {
    const auto duration = record.duration(), frames = record.number("frames");
    const auto rate = record.fps();
    const std::string divisor = rate && rate->den != 1 ? '/' + format_number(rate->den) : "";
    video_ = table_field(record.video());
    of_video_ = separator_ + (duration ? format_number(*duration) : "") + separator_ +
                table_field(record.text("subset").value_or("")) + separator_ +
                (rate ? format_number(rate->num) + divisor : "") + separator_ + (frames ? format_number(*frames) : "");
  }
  void line(const Record& record, const ExportRow& row, std::string& out) const override {
    try {
      const auto time = [](bool here, double seconds) { return here ? format_number(seconds) : std::string(); };
      out += video_ + separator_ + time(!row.point, row.segment.start) + separator_ +
             time(!row.point, row.segment.end) + separator_ + table_field(row.label) + separator_ +
             (row.score ? format_number(*row.score) : "") + of_video_;
      for (const char* member : {"tier", "subject"})
        (out += separator_) += table_field(members().text(row, member).value_or(""));
      out += separator_ + time(row.point, row.segment.start) + '\n';
    } catch (Error& error) {
      throw error.at_field(row.place).at_video(record.video());
    }
  }
  Held holds(std::string_view member) const override {
    return member == "tier" || member == "subject" ? Held::kText : Held::kNo;
  }
  bool holds_of_video(const Record&, std::string_view member) const override { return is_kept_fact(member); }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    std::string lines;
    if (exports_proposals(record, options()) &&
        std::any_of(rows.begin(), rows.end(), [](const ExportRow& row) { return !row.score; }))
      changed(record.video(), "proposals without a score, which a reader of the table takes for annotations");
    LineWriter::write_rows(record, std::move(rows), lines);
    head(out);
    out += lines;
  }

 private:
  void head(std::string& out) {
    if (std::exchange(started_, true)) return;
    for (const auto& name : own_columns()) (out += name) += name == own_columns().back() ? '\n' : separator_;
  }
  char separator_;
  std::string video_, of_video_;  // of the record that is being written
  bool started_ = false;
};

class BsnWriter : public OnceWriter {
 public:
  explicit BsnWriter(const ExportOptions& options) : OnceWriter(options) {}
  std::string extension() const override { return ".csv"; }
  std::string id_of_file(const std::string& name) const override { return id_read_of(name); }

 protected:
  std::string remarks() const override {
    return joined_notes({labelled_.having("labels, which this format does not hold"),
                         outside_.having("segments that reach out of the video, whose shares of it readers refuse"),
                         not_held_.note()});
  }
  bool chooses_list() const override { return false; }
  bool holds_list(const Record&, bool proposals) const override { return proposals; }
  void write(const Record& record, std::string& out) override {
    const auto& all = record.require_proposals();
    const bool scored = std::any_of(all.begin(), all.end(), [](const Proposal& p) { return p.has_score(); });
    const auto& proposals = scored ? record.require_scored_proposals() : all;
    const double duration = record.require_duration();
    std::vector<std::string> names;
    std::vector<std::map<std::string, double>> rows;
    bool t_names = false;
    for (const auto& p : proposals) {
      auto& row = rows.emplace_back();
      for (auto& [name, value] : named_scores(p)) {
        if (name == "tmin") t_names = true;
        if (name != "xmin" && name != "xmax" && name != "tmin" && name != "tmax" &&
            std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(name);
        row.emplace(std::move(name), value);
      }
    }
    const std::string low = t_names ? "tmin" : "xmin", high = t_names ? "tmax" : "xmax";
    out += low + ',' + high;
    for (const auto& name : names) {
      if (name.find_first_of(",\"\r\n") != std::string::npos)
        throw Error("a score's name cannot be a column").at_field("scores." + name).at_video(record.video());
      out += ',' + name;
    }
    out += scored ? ",score\n" : "\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto relative = [&](const std::string& name, double seconds) {
        const auto kept = rows[i].find(name);  // the imported number, as long as the time is still the one it made
        return kept != rows[i].end() && kept->second * duration == seconds ? kept->second : seconds / duration;
      };
      out += format_number(relative(low, proposals[i].segment.start)) + ',' +
             format_number(relative(high, proposals[i].segment.end));
      for (const auto& name : names) {
        const auto found = rows[i].find(name);
        if (found == rows[i].end())
          throw Error("missing; the video's other proposals have it")
              .at_field("proposals[" + std::to_string(i) + "].scores." + name)
              .at_video(record.video());
        out += ',' + format_number(found->second);
      }
      out += scored ? ',' + format_number(proposals[i].score) + '\n' : "\n";
    }
    if (std::any_of(proposals.begin(), proposals.end(),
                    [&](const Proposal& p) { return p.segment.start < 0 || p.segment.end > duration; }))
      outside_.add(record.video());
    if (std::any_of(proposals.begin(), proposals.end(), [](const Proposal& p) { return !p.label.empty(); }))
      labelled_.add(record.video());
    ExportOptions own;
    own.segments = "proposals";
    not_held_.see(record.video(), export_rows(record, own), RowMembers(record, own), true,
                  [](std::string_view member) { return member == "scores" ? Held::kAll : Held::kNo; });
  }

 private:
  CountedVideos labelled_, outside_;
  NotHeld not_held_;
};

}  // namespace

std::unique_ptr<ExportWriter> make_activitynet_results_writer(const ExportOptions& options) {
  return std::make_unique<ResultWriter>(options);
}
std::unique_ptr<ExportWriter> make_activitynet_gt_writer(const ExportOptions& options) {
  return std::make_unique<GroundTruthWriter>(options);
}
std::unique_ptr<ExportWriter> make_thumos14_results_writer(const ExportOptions& options) {
  return std::make_unique<ThumosWriter>(options);
}
std::unique_ptr<ExportWriter> make_bsn_proposals_writer(const ExportOptions& options) {
  return std::make_unique<BsnWriter>(options);
}
std::unique_ptr<ExportWriter> make_csv_writer(const ExportOptions& options) {
  return std::make_unique<CsvWriter>(options, ',');
}
std::unique_ptr<ExportWriter> make_tsv_writer(const ExportOptions& options) {
  return std::make_unique<CsvWriter>(options, '\t');
}

}  // namespace tal
