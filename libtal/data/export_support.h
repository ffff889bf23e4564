// What the writers share: the rows of a record, and that each video is written once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libtal/data/formats.h"
#include "libtal/io/record.h"

namespace tal {

struct ExportRow {
  Segment segment;  // seconds
  std::string label;
  std::optional<double> score;
  std::string place;  // in the record: "proposals[3]"
};

// Whether the proposals are written, and not the annotations.
bool exports_proposals(const Record& record, const ExportOptions& options);
// The proposals or annotations in the record's order; of the proposals those that --min-score and --top-k choose (of
// equal scores the earlier ones). Error for one without a score when these are given.
std::vector<ExportRow> export_rows(const Record& record, const ExportOptions& options);

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

// export_time_marks.cpp: a document a video.
std::unique_ptr<ExportWriter> make_webvtt_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_srt_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_elan_writer(const ExportOptions& options);

}  // namespace tal
