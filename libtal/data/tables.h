// Tables that stand beside the files of a data set: its videos, classes, lists of videos.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "libtal/data/import.h"

namespace tal {

// Error with the source, and the line of a text, for anything else than what is named here.
// parse_videos: a table with named columns, THUMOS14's two lines a video, a JSON annotation file, or records. Error,
// with both places, for a video of which two rows say different things.
// note: is told how what may be read in two ways has been read. id_folders: as FileIds takes them, here and below.
std::unordered_map<std::string, VideoInfo> parse_videos(const SourceText& source, const Note& note = {},
                                                        int id_folders = -1);
// parse_classes: `number name` a line, a table with a column of numbers and one of names (with a header or not), a name
// a line (numbered from 0), a JSON list of names or of objects with id and name, a JSON object of numbers and names, or
// a label map of text protocol buffers (item { id: 1 name: "run" }). Lines that begin with # are comments where there
// are others. Ids may be words that look like ids, "c000" or "/m/09x0r", or that a header calls so: codes gets their
// numbers, the one in the word or the class's place. Error where a number may be the class's or a part of its name, and
// for a number or name that stands there twice.
std::map<std::int64_t, std::string> parse_classes(const SourceText& source, const Note& note = {},
                                                  std::map<std::string, std::int64_t>* codes = nullptr);
// Videos one a line (lines that begin with # do not count), in the column `video` of a table, or as a JSON list; names
// as they stand. line 0: not known.
struct ListedVideo {
  std::string name;
  std::uint64_t line = 0;
};
std::vector<ListedVideo> parse_video_list(const SourceText& source);
// Videos with their subsets. subset: of all of them, a list as parse_video_list() takes it; a column that says another
// one is an Error. "": a table with a column of subsets says them.
// A JSON object of lists, {"train": [...], "val": [...]}, has one a subset.
struct SplitVideo {
  std::string name, subset;
  std::uint64_t line = 0;
};
std::vector<SplitVideo> parse_split(const SourceText& source, const std::string& subset);
// Seconds of a recording's clock by video: a table with the columns video and start. Error for a video that stands
// twice.
std::map<std::string, double> parse_starts(const SourceText& source, int id_folders = -1);
// The file, as load_sources() reads it; where the path looks like a list of classes itself, its Error says so.
SourceText load_class_list(const std::string& path);
// The names in a file of classes, in the order of their numbers. Error when there is none.
std::vector<std::string> read_class_names(const std::string& path, const Note& note = {});

}  // namespace tal
