// What the writers share: the rows of a record, and that each video is written once.
#pragma once

#include <memory>
#include <optional>
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
  // Name and JSON, in order, of all that are not times, label, score and scores.
  std::vector<std::pair<std::string, std::string>> others(const ExportRow& row) const;

 private:
  struct List;
  std::unique_ptr<const List> list_;
};

// Tabs and line ends become blanks; whether there was one.
bool flatten(std::string& label);

// Videos of which something is said at the end of the run: how many, and the first ones by name.
class CountedVideos {
 public:
  void add(const std::string& video);
  bool any() const { return count_ > 0; }
  // "2 videos " + many + ": a, b"; one + ": a" of a single one.
  std::string text(const std::string& one, const std::string& many) const;

 private:
  std::size_t count_ = 0;
  std::string last_;  // rows of one video follow each other
  std::vector<std::string> named_;
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
  // The labels of this video are written otherwise, which is said at the end: as `changes` says.
  void changed(const std::string& video) { changed_.add(video); }
  virtual std::string changes() const { return ""; }
  const ExportOptions& options() const { return options_; }

 private:
  ExportOptions options_;
  const char* absent_;
  Points points_;
  CountedVideos without_, unchosen_, changed_;
};

}  // namespace tal
