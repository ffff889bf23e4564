// What --from features and --from signals share: which files there are, whose they are, and where rows go.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libtal/formats/feature_import.h"
#include "libtal/io/csv.h"

namespace tal {

struct FeatureFile {
  std::string path, name;  // name: below the folder that was given
  bool in_folder = false;  // not named itself
};
// Files as named, folders as what lies below them with one of the endings, in the natural order of their names.
// folders > 0: the name of a file that is named itself is its path. UsageError for "-"; Error with the folder when it
// has none, and for a link to nothing. note: of what is left out.
std::vector<FeatureFile> list_feature_files(const std::vector<std::string>& paths,
                                            const std::vector<std::string>& endings, const Note& note, int folders);

// Files (or arrays of files) by video, in order of first appearance.
struct FeatureItem {
  std::string path, array, stream;
};
struct FeatureItems {
  std::vector<std::string> order;
  std::map<std::string, std::vector<FeatureItem>> items;
  std::size_t unmatched = 0;                    // by --pattern
  std::map<std::string, std::size_t> left_out;  // arrays that are no streams, by name and kind
  std::vector<std::string> notes;
  // Error for names that are not UTF-8.
  void add(const std::optional<FeatureName>& name, const std::string& path, const std::string& array = "");
  // Tells what was left out; Error when nothing is left. what: "files"
  void report(const std::string& what, const ImportSink& sink) const;
  // Error when two streams would be written to one file of the folder: "a.b" of "v" and "b" of "v.a".
  void check_files() const;
};

// Steps from row to row, in shares of a usual one. Programs' clocks tremble, so that a long step that the next one
// makes up for is no gap.
inline constexpr double kGap = 1.75, kMadeUp = 0.75;
// The one in the middle of at least one value; of the two of an even number the upper, or the lower one.
double middle(std::vector<double> values, bool lower = false);

// What is said of the time of rows.
struct RowClock {
  std::optional<double> rate;     // rows a second; nullopt: not known
  std::string option;             // what states it, such as "--rate"
  double stride = 0, window = 0;  // frames; 0: not known
  double offset = 0;              // frame (sample) at which the first row begins
  bool begins = true;             // and a column of times must begin there
};
// Where a table's own numbers, times or bounds of its rows contradict `clock`, or leave some out: Error with the line.
// A rate that differs a little is noted.
void check_places(const std::vector<RowPlaces>& places, const RowClock& clock, const std::string& path,
                  const Note& note);
// The frame at which the last row begins, where a column of frames or times says that it is less than a stride behind
// the one before, as the last window of a video is that was moved back to end with it; nullopt: it is not.
std::optional<double> moved_last_row(const std::vector<RowPlaces>& places, const RowClock& clock);
// Error where a column of frame rates says another than the one that counts (0: none).
void check_rate_column(const std::vector<VideoFact>& facts, double fps, const std::string& option);

// Makes the folder. UsageError when the options on where rows go contradict each other.
void prepare_output(const FeatureImport& options);
// The file of a stream in the folder: VIDEO.STREAM.npy.
std::string feature_file(const std::string& video, const std::string& stream);
// Treats what is not finite as --non-finite says: fail (Error with the first place and how many there are), zero, or
// interpolate (linearly between the rows around it, beyond the first and last as these; a column without any value
// becomes 0). Notes how many values changed.
void treat_non_finite(FeatureMatrix& matrix, const FeatureImport& options, const std::string& video,
                      const std::string& stream, const ImportSink& sink);
// Puts the rows into the folder or the stream; sets rows, dim and path or data. Error when there are none.
void store_rows(const FeatureMatrix& matrix, const std::string& video, const FeatureImport& options,
                FeatureStream& stream);

}  // namespace tal
