// Which of the formats a file is in, by what it looks like: --from auto.
//
// Each row of import_formats() may have a function that looks at a file and says how well the row fits. A format that
// cannot be told from others by its bytes (scores of whole videos in an .npy) has none and must be named.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/data/import.h"
#include "libtal/io/text_file.h"

namespace tal {

struct ImportFormat;

// kOwn: no other format looks like this. kGeneral: a layout that others may share; it counts where nothing is kOwn.
enum class Fit { kNone, kGeneral, kOwn };

// The parts of a file that tell its format. Nothing here throws for damaged files: they have no such part.
class FileLook {
 public:
  explicit FileLook(SourceText source);         // of bytes (tests)
  static FileLook of(const std::string& path);  // "-": stdin, which stays as it is. Error when it cannot be read
  ~FileLook();
  FileLook(FileLook&&) noexcept;

  const std::string& path() const;                              // "" for bytes and stdin
  bool ends_with(std::string_view ending) const;                // the file's name, without .gz, in any case: ".eaf"
  bool belongs_to(std::string_view endings) const;              // has_ending() of its name
  std::string_view head() const;                                // the first bytes (64 KiB), unpacked when gzip
  std::vector<std::string_view> lines(std::size_t most) const;  // of the head, the first that are not blank
  bool is_record() const;                                       // the first line is a record of tal/1, no table row

  // JSON: whether there is a value at the end of these names; "*" is any member of an object, "[]" any element of a
  // list: has("database.*.annotations.[].segment"). is_text: and it is a string.
  bool has(std::string_view names) const;
  bool is_text(std::string_view names) const;
  // Error where it begins like JSON and is none, or is a list of records or of a table's rows: what it is, and what
  // makes it right. name: of the file, for the Error.
  void refuse_json(const std::string& name) const;
  // Error for what no format is, such as a workbook or a web page, and for a table that cannot be read at all, such as
  // one with a quote that is not closed.
  void refuse_other(const std::string& name) const;
  // XML: the name of the root element; "" otherwise.
  std::string_view xml_root() const;
  // A table: the names of its columns; has_columns: in any case, with blanks or '_' for '-'. Of names with '|' one.
  const std::vector<std::string>& columns() const;
  bool has_columns(std::initializer_list<std::string_view> names) const;
  bool is_own_without_scores() const;  // a table that tal-convert wrote, of annotations

 private:
  struct Parts;
  explicit FileLook(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Makes stdin readable twice, where it is a pipe, by reading it to its end.
void keep_stdin();

// The format of all these files and folders ("-": stdin, kept). Says in a note what it took them for. Error, with the
// file, for one that fits none or several formats, which names them, and for files of different formats.
const ImportFormat& recognise_format(const std::vector<std::string>& paths, const Note& note);

// Of each format that can be told.
Fit looks_like_activitynet_gt(const FileLook& file);
Fit looks_like_activitynet_results(const FileLook& file);
Fit looks_like_activitynet_classification(const FileLook& file);
Fit looks_like_thumos14_gt(const FileLook& file);
Fit looks_like_thumos14_results(const FileLook& file);
Fit looks_like_ssn_proposals(const FileLook& file);
Fit looks_like_bsn_proposals(const FileLook& file);
Fit looks_like_segments_csv(const FileLook& file);
Fit looks_like_detections_csv(const FileLook& file);
Fit looks_like_features(const FileLook& file);
Fit looks_like_soccernet(const FileLook& file);
Fit looks_like_spotting(const FileLook& file);
Fit looks_like_frame_labels(const FileLook& file);
Fit looks_like_epic_kitchens(const FileLook& file);
Fit looks_like_epic_results(const FileLook& file);
Fit looks_like_kinetics(const FileLook& file);
Fit looks_like_hacs_clips(const FileLook& file);
Fit looks_like_audioset(const FileLook& file);
Fit looks_like_crosstask(const FileLook& file);
Fit looks_like_keysteps(const FileLook& file);
Fit looks_like_charades(const FileLook& file);
Fit looks_like_ava(const FileLook& file);
Fit looks_like_ego4d_mq(const FileLook& file);
Fit looks_like_50salads(const FileLook& file);
Fit looks_like_breakfast(const FileLook& file);
Fit looks_like_coco_segments(const FileLook& file);
Fit looks_like_moments(const FileLook& file);
Fit looks_like_multithumos(const FileLook& file);
Fit looks_like_records(const FileLook& file);
// Of annotation tools (recognise_tools.cpp).
Fit looks_like_elan(const FileLook& file);
Fit looks_like_boris(const FileLook& file);
Fit looks_like_label_studio(const FileLook& file);
Fit looks_like_audacity(const FileLook& file);
Fit looks_like_textgrid(const FileLook& file);
Fit looks_like_via(const FileLook& file);
Fit looks_like_cvat(const FileLook& file);
Fit looks_like_dcase(const FileLook& file);
Fit looks_like_raven(const FileLook& file);
Fit looks_like_webvtt(const FileLook& file);
Fit looks_like_srt(const FileLook& file);
Fit looks_like_sbv(const FileLook& file);
Fit looks_like_ass(const FileLook& file);
Fit looks_like_rttm(const FileLook& file);
Fit looks_like_datavyu(const FileLook& file);

}  // namespace tal
