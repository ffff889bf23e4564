// The annotation, proposal and result formats of the field, one table: what each is called, what it holds, how it is
// read.
//
// A reader gets the bytes of its files and hands over records; it opens nothing itself, so that it can be tested and
// fuzzed on any bytes. Times leave a reader in seconds. A fault names file, line, video and field and goes to
// ImportSink::error, which throws (the import stops) or returns (what was at fault is left out and the reader goes on).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtal/data/import.h"
#include "libtal/formats/recognise.h"
#include "libtal/io/record.h"

namespace tal {

using Reader = void (*)(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
// Opens its files itself, one after the other (features, signals).
using PathReader = void (*)(const std::vector<std::string>& paths, const ImportOptions&, const ImportSink&);

struct ImportFormat {
  std::string name, help;
  Reader reader;                       // nullptr: `tal`, which is streamed, and formats with a path_reader
  Fit (*looks_like)(const FileLook&);  // how well a file fits, for --from auto; nullptr: it must be named
  std::string extension;               // endings of a folder's files (has_ending); "" = no folders
  std::vector<std::string> options;    // those of tal-convert that have an effect; the others are refused
  PathReader path_reader = nullptr;
  bool nested = false;                    // a folder's files may lie in folders below it
  std::vector<std::string> columns = {};  // the roles that --columns may name
};
const std::vector<ImportFormat>& import_formats();
// UsageError for a role of --columns that the format does not read, or that there is not.
void check_column_role(const ImportFormat& format, const std::string& role);

// Readers, one a format. All throw Error only through sink.error or for a file that cannot be read at all.
void read_activitynet_gt(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_activitynet_results(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_activitynet_classification(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_thumos14_gt(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_thumos14_results(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_ssn_proposals(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_bsn_proposals(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_segments_csv(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_detections_csv(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_class_scores(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_scnn_mat(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
// Of annotation tools. A video's id is the media file that the tool names, else the file's own name; what groups labels
// (tiers, tracks, observations) is the member "tier" of an annotation; media names stay in the record's "media".
void read_elan(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_boris(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_label_studio(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_audacity(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_textgrid(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_via(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_cvat(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_dcase(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_raven(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_webvtt(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_srt(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_sbv(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_ass(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_rttm(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_datavyu(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_soccernet(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_spotting(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_frame_labels(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_epic_kitchens(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_epic_results(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_kinetics(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_hacs_clips(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_audioset(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_crosstask(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_keysteps(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_charades(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_ava(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_ego4d_mq(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_50salads(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_breakfast(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_coco_segments(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_moments(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_multithumos(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_charades_results(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_sample_labels(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);

// parse_window_weights: .mat or CSV, 6 x 20 for S-CNN.
std::vector<std::vector<double>> parse_window_weights(const SourceText& source);
// class-scores: the video of each row, of paths the file's name. Error (with the line) for one that stands twice.
std::vector<std::string> row_videos(const SourceText& source, int id_folders = -1);

struct ExportOptions {
  std::string segments = "auto";  // proposals, annotations, or auto: the proposals where a record has the field
  std::string version;            // activitynet-*: the file's "version"; "" = what came in, else "VERSION 1.3"
  std::int64_t class_offset = 0;
  std::map<std::int64_t, std::string> classes;
  std::optional<double> min_score;      // subtitles, ELAN: proposals from this score on
  long long top_k = 0;                  // subtitles, ELAN: the highest scores of a video; 0: all
  std::vector<std::string> background;  // frame labels: the first is that of frames in no segment
  bool label_scores = true;             // behind the labels, of formats that have no other place for scores
};

// A format's text, record by record. Writers with a document per video (extension() not empty) give it whole in add().
// Nothing is lost on the way: a video that comes twice, a window of a live stream where the format holds whole videos,
// and what the format cannot hold are an Error with video and field.
class ExportWriter {
 public:
  virtual ~ExportWriter() = default;
  virtual void add(const Record& record, std::string& out) = 0;
  virtual void end(std::string&) {}
  virtual std::string extension() const { return ""; }
  // The id that the format's reader takes from the name of a file, without extension().
  virtual std::string id_of_file(const std::string& name) const { return name.substr(name.find_last_of("/\\") + 1); }
  // Whether a file's name is all that says whose it is.
  virtual bool named_by_file() const { return !extension().empty(); }
  // Of formats whose files hold several records, or whose names the format says: the files after the last add(), by
  // their paths below the output folder.
  virtual bool makes_files() const { return false; }
  virtual std::map<std::string, std::string> files() { return {}; }
  virtual std::string note() const { return ""; }  // of the whole run, after end(); "" = nothing to say
};
struct ExportFormat {
  std::string name, help;
  std::vector<std::string> options;
  std::unique_ptr<ExportWriter> (*make)(const ExportOptions&);  // nullptr: `tal`
};
const std::vector<ExportFormat>& export_formats();

// Writers, one a format.
std::unique_ptr<ExportWriter> make_activitynet_results_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_activitynet_gt_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_thumos14_results_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_csv_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_tsv_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_webvtt_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_srt_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_elan_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_bsn_proposals_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_label_studio_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_audacity_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_textgrid_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_via_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_via_csv_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_dcase_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_dcase_weak_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_raven_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_rttm_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_soccernet_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_spotting_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_frame_labels_writer(const ExportOptions& options);
std::unique_ptr<ExportWriter> make_frame_results_writer(const ExportOptions& options);

}  // namespace tal
