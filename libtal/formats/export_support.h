// What the writers share: the rows of a record, and that each video is written once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libtal/formats/formats.h"
#include "libtal/io/record.h"
#include "libtal/io/window.h"

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
// Whether --min-score or --top-k is given and leaves nothing out, for annotations are written; any: some are.
bool nothing_to_choose(const Record& record, const ExportOptions& options, bool any);
inline constexpr char kNothingToChoose[] =
    "annotations and no proposals: --min-score and --top-k leave out none of them";
// The proposals or annotations in the record's order; of the proposals those that --min-score and --top-k choose (of
// equal scores the earlier ones). Error for one without a score when these are given, and for points that the format
// does not hold.
std::vector<ExportRow> export_rows(const Record& record, const ExportOptions& options,
                                   Points points = Points::kRefused);

// A member of a row, and what its value is.
struct RowMember {
  enum class Kind { kText, kPlain, kNested };  // a text; a number, true or false; a list or an object
  std::string name;
  Kind kind = Kind::kText;
};

// The further members of a record's rows: what a reader put beside times and label, such as the tier.
class RowMembers {
 public:
  RowMembers(const Record& record, const ExportOptions& options);
  ~RowMembers();
  // A text (a number, true or false as they are written), a finite number, any member as JSON; nullopt: it is not
  // there, or another thing.
  std::optional<std::string> text(const ExportRow& row, const char* member) const;
  std::optional<double> number(const ExportRow& row, const char* member) const;
  std::optional<std::string> json(const ExportRow& row, const char* member) const;
  // All that say something and are not in the row itself, as an annotation's score is not.
  std::vector<RowMember> names(const ExportRow& row) const;
  // Name and JSON, in order, of all that are not times, label and score.
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
// The names of files that are called after their videos: folders in an id are part of the name, as --id-folders joins
// them.
class FileNames {
 public:
  using Reader = std::function<std::string(const std::string& name)>;
  static std::string joined(std::string video);
  // Without ending. read: the id that a reader takes from the name, where it stands nowhere else. Error for an id that
  // can be no name, or whose name is that of another video, or is read otherwise.
  std::string of(const std::string& video, const std::string& extension, const Reader& read);
  // Of ids that are read back as their files' names; "" = there is none.
  std::string note() const;

 private:
  std::map<std::string, std::string> users_;  // of names
  std::vector<std::string> joined_;           // videos
};
// The media file that an annotation tool is to open: the record's media, its path, or else its id.
std::string media_of(const Record& record);
// What a writer puts beside the media where an id is none that its name gives: the name of the member.
inline constexpr char kVideoMember[] = "tal_video";
bool names_video(const Record& record, const std::string& media);

// What stands beside a video in formats that keep members of their own: duration, fps, frames and subset of the record,
// as texts, under names that begin with kFactPrefix. Readers hand them to take_fact().
std::vector<std::pair<std::string, std::string>> kept_facts(const Record& record);
// Whether kept_facts() keeps this member.
bool is_kept_fact(std::string_view member);

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

// How a format holds a further member of a segment: not at all, as a text (which a number becomes), as a number alone,
// or whatever it is.
enum class Held { kNo, kText, kNumber, kAll };

// What segments have and a format does not hold, which is said once at the end of the run.
class NotHeld {
 public:
  using Holds = std::function<Held(std::string_view member)>;
  // holds: of the further members (an id is only a tool's own number of the segment); scores: whether the format holds
  // those.
  void see(const std::string& video, const std::vector<ExportRow>& rows, const RowMembers& members, bool scores,
           const Holds& holds);
  std::string note() const;  // "" = nothing to say

 private:
  CountedVideos scored_, reduced_, texts_;
  std::set<std::string> members_, text_members_;
};

// A writer of records that come once each: add() refuses a video, or a window of one, that came before. What write()
// throws leaves nothing behind in the output.
//
// What a record has and the file has not is said at the end of the run: members of the video, and annotations beside
// the proposals. What belongs to the pipeline and to no annotation (history, features, maps, window) goes unsaid.
class OnceWriter : public ExportWriter {
 public:
  explicit OnceWriter(ExportOptions options) : options_(std::move(options)) {}
  void add(const Record& record, std::string& out) final;
  std::string note() const final;

 protected:
  virtual bool joins_windows() const { return false; }  // else windows of a live stream are refused
  virtual void write(const Record& record, std::string& out) = 0;
  // Whether this member of the record, of which it has one, stands in the file or follows from what does; of
  // annotations and proposals holds_list() says it.
  virtual bool holds_of_video(const Record&, std::string_view) const { return false; }
  // Whether the file has the record's proposals, or its annotations.
  virtual bool holds_list(const Record& record, bool proposals) const {
    return exports_proposals(record, options_) == proposals;
  }
  // Whether --segments says which list it is.
  virtual bool chooses_list() const { return true; }
  virtual std::string remarks() const { return ""; }  // what else the writer has to say; "" = nothing
  const ExportOptions& options() const { return options_; }

 private:
  void see_members(const Record& record);
  std::string missing_windows() const;
  ExportOptions options_;
  CountedVideos reduced_, unchosen_annotations_, unchosen_proposals_;
  std::set<std::string> members_;
  std::unordered_map<std::string, std::map<std::int64_t, Window>> videos_;  // written so far; those of a live stream
                                                                            // with their windows
};

// Of formats that hold a record's segments and no more. Videos that have none to write, and those whose segments
// --min-score and --top-k do not choose from, are said at the end.
class SegmentWriter : public OnceWriter {
 public:
  // absent: what a video without segments does not have in the file, "line". points: whether the format holds points.
  SegmentWriter(const ExportOptions& options, const char* absent, Points points = Points::kRefused)
      : OnceWriter(options), absent_(absent), points_(points) {}

 protected:
  std::string remarks() const override;
  void write(const Record& record, std::string& out) final;
  virtual void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) = 0;
  // Something of this video is written otherwise, which is said at the end: "labels with tabs, which are blanks".
  // Without `what` as changes() says.
  void changed(const std::string& video) { changed(video, changes()); }
  void changed(const std::string& video, const std::string& what);
  virtual std::string changes() const { return ""; }
  // Of formats that have times as time_marks(): what becomes of this row's.
  void tell_marks(const std::string& video, const ExportRow& row);
  // Whether scores, and how this further member of the segments (tier, subject, ...), stand in the file; what does not
  // is said at the end.
  virtual bool holds_scores() const { return true; }
  virtual bool scores_in_labels() const { return false; }  // as score_text()
  // What readers take a segment without length and a point for, which are one in the file.
  enum class Instant { kApart, kPoint, kSegment };
  virtual Instant instant() const { return Instant::kApart; }
  virtual Held holds(std::string_view) const { return Held::kNo; }
  const RowMembers& members() const { return *row_members_; }  // of the rows that write_rows() has

 private:
  const RowMembers* row_members_ = nullptr;
  const char* absent_;
  Points points_;
  CountedVideos without_, unchosen_;
  std::vector<std::pair<std::string, CountedVideos>> changed_;
  NotHeld not_held_;
};

}  // namespace tal
