// What the readers of annotation tools' files share: a tool's segments and points with their tiers become records of
// the media that the tool names.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/data/import_support.h"

namespace tal {

// Further members of a record or of one of its items, as JSON text without braces.
class Members {
 public:
  Members& text(std::string_view name, std::string_view value);
  Members& number(std::string_view name, double value);
  Members& json(std::string_view name, std::string_view value);
  // text(), unless the value is empty.
  Members& some(std::string_view name, std::string_view value) { return value.empty() ? *this : text(name, value); }
  const std::string& str() const { return text_; }

 private:
  void name(std::string_view name);
  std::string text_;
};

// What our own writers put beside a video, under names that begin so, where a format keeps members of its users.
inline constexpr std::string_view kFactPrefix = "tal_";

struct ToolEvent {
  Segment segment;  // seconds; of a point start = end
  std::string label;
  std::optional<std::string> tier;  // track, speaker, observation: what groups the tool's labels and is none
  bool point = false;
  std::string members;  // further ones, as Members has them
  bool proposal = false;
  std::optional<double> score;  // of a proposal
};

// The name of a media file as a tool writes it, a path or an address. The mark that a server puts before the name of an
// uploaded file is a folder of its own: it tells files of one name apart, and is no part of the name.
std::string media_name(std::string_view address);
// The name of an annotation file without folder and endings.
std::string file_stem(const SourceText& source, std::initializer_list<std::string_view> endings);

class ToolRows {
 public:
  ToolRows(const ImportOptions& options, const ImportSink& sink) : options_(options), sink_(sink) {}

  // The record of a media file; its name stays in the member "media" as it is written. media "": of `otherwise`.
  // source, line: where it is named (0: the file), for the Error of files of one name. stated: its id, where the file
  // has it beside the name, as our own writers do.
  VideoRows::Entry& video(std::string_view media, std::string_view otherwise, const SourceText& source,
                          std::uint64_t line = 0, std::string_view stated = "");
  // The same, where a file may name media that nobody has looked at: the reader sets has_annotations.
  VideoRows::Entry& medium(std::string_view media, std::string_view otherwise, const SourceText& source,
                           std::uint64_t line = 0, std::string_view stated = "");
  // What the file says of the video, and --durations. Error as StatedVideo::add.
  void fact(VideoRows::Entry& entry, const VideoInfo& said, const std::string& where);
  // What the file has under names that begin with kFactPrefix, as kept_facts() of export_support.h gives them; others
  // are passed over.
  void kept_facts(VideoRows::Entry& entry, const std::vector<std::pair<std::string, std::string>>& facts,
                  const std::string& where);
  // Frames per second: of --fps (which the record then states), of the video. Error that names the options. field:
  // whose frames they are.
  double rate(VideoRows::Entry& entry, std::string_view field) const;
  // Unless --tier leaves it out. Error at `field` for times that are reversed.
  void add(VideoRows::Entry& entry, const ToolEvent& event, std::string_view field = "segment");
  // A tier with nothing in it, which no record holds.
  void empty_tier(const std::string& name, const SourceText& source) {
    leave_out("tier without annotations", "tiers without annotations", "'" + name + "' of " + source.name);
  }
  // A label of the whole video.
  void whole(VideoRows::Entry& entry, const std::string& label);
  // What the file has that no record holds, counted: "state event without a stop", "state events without a stop".
  void leave_out(const std::string& one, const std::string& many, const std::string& where) {
    tell(one + " left out", many + " left out", where);
  }
  // What is to be known of the file, counted: "file is not there", "files are not there".
  void tell(const std::string& one, const std::string& many, const std::string& where);
  // All records. Error for a tier of --tier that no file has.
  void emit();

 private:
  struct Told {
    std::size_t count = 0;
    std::string many, first;
  };
  const ImportOptions& options_;
  const ImportSink& sink_;
  VideoRows rows_;
  std::vector<std::string> tiers_;  // in order of appearance
  std::set<std::string> known_tiers_;
  std::map<std::string, Told> told_;  // by the words for one
  std::map<VideoRows::Entry*, std::vector<std::string>> whole_;
};

}  // namespace tal
