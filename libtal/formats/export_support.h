// What the writers share: the rows of a record, and that each video is written once.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libtal/formats/formats.h"
#include "libtal/io/record.h"

namespace tal {

struct ExportRow {
  Segment segment;  // seconds; of a point start = end
  std::string label;
  std::optional<double> score;
  std::string place;  // in the record: "proposals[3]"
  bool point = false;
  std::size_t index = 0;  // in the record's list
};

// Whether the proposals are written, and not the annotations.
bool exports_proposals(const Record& record, const ExportOptions& options);
// The proposals or annotations in the record's order; of the proposals those that --min-score and --top-k choose (of
// equal scores the earlier ones). Error for one without a score when these are given, and for points that the format
// does not hold.
std::vector<ExportRow> export_rows(const Record& record, const ExportOptions& options,
                                   Points points = Points::kRefused);

// The further members of a record's rows: what a reader put beside times and label, such as the tier.
class RowMembers {
 public:
  RowMembers(const Record& record, const ExportOptions& options);
  ~RowMembers();
  // A text, a finite number, any member as JSON; nullopt: it is not there, or another thing.
  std::optional<std::string> text(const ExportRow& row, const char* member) const;
  std::optional<double> number(const ExportRow& row, const char* member) const;
  std::optional<std::string> json(const ExportRow& row, const char* member) const;
  // The names of all that are not times, label, score and scores.
  std::vector<std::string> names(const ExportRow& row) const;
  // Name and JSON, in order, of these.
  std::vector<std::pair<std::string, std::string>> others(const ExportRow& row) const;

 private:
  struct List;
  std::unique_ptr<const List> list_;
};

// Tabs and line ends become blanks; whether there was one.
bool flatten(std::string& label);

// The id that a reader takes from a name that stands for a file: without its folders and a media file's ending. "": it
// takes none, as of several names in one.
std::string id_read_of(std::string_view name);
// Error unless that of the record's id is the id itself.
void require_id_read_back(const Record& record);
// Error unless the path, below a folder, is one that a file can have.
void require_file_path(const Record& record, const std::string& path);
// The media file that an annotation tool is to open: the record's media, its path, or else its id.
std::string media_of(const Record& record);
// What a writer puts beside the media where an id is none that its name gives: the name of the member.
inline constexpr char kVideoMember[] = "tal_video";
bool names_video(const Record& record, const std::string& media);

// Whether a time, in frames or milliseconds, is another one once it is a whole number of them.
bool changes_when_rounded(double units);
bool changes_when_rounded(const ExportRow& row, double units_a_second);

// A field of a table, in quotes where it holds what means something else, blanks at its ends, or what says that a value
// is missing. Error for a zero byte, which no text has.
std::string table_field(std::string_view text);

// Videos of which something is said at the end of the run: how many, and the first ones by name.
class CountedVideos {
 public:
  void add(const std::string& video);
  std::string having(const std::string& what) const;  // "2 videos have WHAT: a, b"; "" = none

 private:
  std::size_t count_ = 0;
  std::string last_;  // rows of one video follow each other
  std::vector<std::string> named_;
};

// What a writer has to say, in one line; those that are "" say nothing.
std::string joined_notes(std::vector<std::string> notes);

// What segments have and a format does not hold, which is said once at the end of the run.
class NotHeld {
 public:
  // holds: of the further members' names (an id is only a tool's own number of the segment); scores: whether the format
  // holds those.
  template <class Holds>
  void see(const std::string& video, const std::vector<ExportRow>& rows, const RowMembers& members, bool scores,
           const Holds& holds) {
    bool scored = false, reduced = false;
    for (const auto& row : rows) {
      scored = scored || row.score;
      for (auto& name : members.names(row))
        if (name != "id" && !holds(name)) reduced = true, members_.insert(std::move(name));
    }
    if (scored && !scores) scored_.add(video);
    if (reduced) reduced_.add(video);
  }
  std::string note() const;  // "" = nothing to say

 private:
  CountedVideos scored_, reduced_;
  std::set<std::string> members_;
};

// A writer of records that come once each: add() refuses a video, or a window of one, that came before. What write()
// throws leaves nothing behind in the output.
class OnceWriter : public ExportWriter {
 public:
  void add(const Record& record, std::string& out) final;

 protected:
  virtual bool joins_windows() const { return false; }  // else windows of a live stream are refused
  virtual void write(const Record& record, std::string& out) = 0;

 private:
  std::unordered_map<std::string, bool> videos_;  // written so far; whether as windows
  std::unordered_set<std::string> windows_;       // video, '\0', index
};

// Of formats that hold a record's segments and no more. Videos that have none to write, and those whose segments
// --min-score and --top-k do not choose from, are said at the end.
class SegmentWriter : public OnceWriter {
 public:
  // absent: what a video without segments does not have in the file, "line". points: whether the format holds points.
  SegmentWriter(const ExportOptions& options, const char* absent, Points points = Points::kRefused)
      : options_(options), absent_(absent), points_(points) {}
  std::string note() const override;

 protected:
  void write(const Record& record, std::string& out) final;
  virtual void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) = 0;
  // Something of this video is written otherwise, which is said at the end: "labels with tabs, which are blanks".
  // Without `what` as changes() says.
  void changed(const std::string& video) { changed(video, changes()); }
  void changed(const std::string& video, const std::string& what);
  virtual std::string changes() const { return ""; }
  // Whether scores and this further member of the segments (tier, subject, ...) stand in the file; what does not is
  // said at the end.
  virtual bool holds_scores() const { return true; }
  virtual bool holds(std::string_view) const { return false; }
  const ExportOptions& options() const { return options_; }
  const RowMembers& members() const { return *row_members_; }  // of the rows that write_rows() has

 private:
  ExportOptions options_;
  const RowMembers* row_members_ = nullptr;
  const char* absent_;
  Points points_;
  CountedVideos without_, unchosen_;
  std::vector<std::pair<std::string, CountedVideos>> changed_;
  NotHeld not_held_;
};

}  // namespace tal
