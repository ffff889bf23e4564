#include "libtal/stages/convert.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/bundle.h"
#include "libtal/data/import_check.h"
#include "libtal/data/import_support.h"
#include "libtal/data/points.h"
#include "libtal/data/source_files.h"
#include "libtal/data/tables.h"
#include "libtal/data/video_length.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/feature_import.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/json_advice.h"
#include "libtal/io/json_check.h"
#include "libtal/io/maps.h"

namespace tal {
namespace {

template <class Table>
const auto& format_named(const Table& table, const std::string& name) {
  return *std::find_if(table.begin(), table.end(), [&](const auto& format) { return format.name == name; });
}

std::pair<std::string, std::string> pair_of(const std::string& text, const std::string& option) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) throw UsageError(option + ": '" + text + "' must be NAME=VALUE");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

SourceText load(const std::string& path) { return load_sources({path}, "").at(0); }

// reason: why, behind the names.
void warn_of_videos(Tool& tool, const std::vector<std::string>& videos, const std::string& what,
                    const std::string& reason = "") {
  if (videos.empty()) return;
  tool.warn(std::to_string(videos.size()) + (videos.size() == 1 ? " video is " : " videos are ") + what + ": " +
            joined_first(videos, 5, " ") + reason);
}

// Two videos of different folders, a/v.mp4 and b/v.mp4, must not both be `name`. user: who it was found for before.
void refuse_second_user(std::string& user, const std::string& video, const std::string& name,
                        const std::string& where) {
  if (user.empty()) user = video;
  if (user != video)
    throw Error("'" + user + "' and '" + video + "' are both '" + name + "' of " + where +
                ", by their files' names: give them names of their own")
        .at_field("video");
}

// The features, but for all but the first values of rows inside the record, which are most of its bytes.
std::string features_to_check(const Record& record) {
  constexpr std::size_t kFirst = 4;
  std::string out;
  for (const auto& stream : record.features()) {
    append_json_string(out += out.empty() ? '{' : ',', stream.name);
    const std::string_view text = stream.text;
    const auto data = stream.data.size() > kFirst ? text.find(stream.data) : text.npos;
    const auto cut = data == text.npos ? text.size() : data + kFirst;
    const auto behind = data == text.npos ? text.size() : data + stream.data.size();
    ((out += ':') += text.substr(0, cut)) += text.substr(behind);
  }
  return out.empty() ? "{}" : out + '}';
}

// What `check` says of a record that comes as one: the same as of one that another format has become.
void check_members(const Record& record, ImportCheck& check) {
  check_maps(record);
  Record part = Record::make(record.video());
  for (const auto key : record.keys())
    if (key == "features") part.set_raw(key, features_to_check(record));
    else if (key != "video" && key != "maps" && key != "history") part.set_raw(key, std::string(*record.raw(key)));
  check.check(part);
}

void check_record(const Record& record, ImportCheck& check) {
  try {
    if (const auto proposals = record.raw("proposals")) check_json(*proposals, "proposals");
    check_members(record, check);
  } catch (const Error&) {  // in the words of who reads these, where they are the reason
    (void)record.annotations(true, Points::kTaken);
    (void)record.proposals(Points::kTaken);
    throw;
  }
}

bool same_json(std::string_view a, std::string_view b) {
  return a == b || nlohmann::json::parse(a, nullptr, false) == nlohmann::json::parse(b, nullptr, false);
}

// --merge: the other file's records by video; what the left record lacks is taken over, of features each stream.
class Merge {
 public:
  Merge(Tool& tool, const std::string& path) : tool_(tool), path_(path) {
    ImportCheck check;  // what it counts is counted of the joined records
    for_each_record(tool, path, [&](Record& record, const LineReader&) {
      check_record(record, check);
      if (!lines_.try_emplace(record.video(), Line{record.str()}).second)
        throw Error("the video stands in the file twice");
    });
  }
  void apply(Record& record) {
    if (auto* found = lines_.find(record.video())) join(record, *found);
    else left_.push_back(record.video());
    check_members(record, joined_);
  }
  // Of the joined records.
  const ImportCheck& check() const { return joined_; }
  void report() const {
    std::vector<std::string> right;
    for (const auto& [video, line] : lines_)
      if (line.user.empty()) right.push_back(video);
    std::sort(right.begin(), right.end());
    warn_of_videos(tool_, left_, "not in " + path_, Spellings(right, true).reason(left_));
    warn_of_videos(tool_, right, "only in " + path_ + ", left out");
    if (kept_ > 0)
      tool_.warn(std::to_string(kept_) + (kept_ == 1 ? " field differs" : " fields differ") +
                 " between the two sides, such as " + example_ + "; the input's stay");
  }

 private:
  struct Line {
    std::string text, user = {};  // user: the video that it was joined to
  };
  void join(Record& record, VideoMap<Line>::Entry& found) {
    refuse_second_user(found.second.user, record.video(), found.first, path_);
    Record other;
    other.parse(found.second.text);
    for (const auto key : other.keys()) {
      if (key == "history" || key == "video") continue;
      if (!record.has(key)) record.set_raw(key, std::string(*other.raw(key)));
      else if (key == "features") join_streams(record, other);
      else if (!same_json(*record.raw(key), *other.raw(key))) differs(std::string(key), record);
    }
  }
  void differs(const std::string& field, const Record& record) {
    if (kept_++ == 0) example_ = "'" + field + "' of video '" + record.video() + "'";
  }
  void join_streams(Record& record, const Record& other) {
    const auto own = record.features();
    for (const auto& stream : other.features()) {
      const auto same = [&](const FeatureStream& each) { return each.name == stream.name; };
      const auto found = std::find_if(own.begin(), own.end(), same);
      if (found == own.end()) record.set_feature(stream.name, stream.text);
      else if (!same_json(found->text, stream.text)) differs("features." + stream.name, record);
    }
  }
  Tool& tool_;
  std::string path_;
  VideoMap<Line> lines_;
  std::vector<std::string> left_;
  std::size_t kept_ = 0;
  std::string example_;  // of a field that differs
  ImportCheck joined_;
};

// --split: the subset of each video from lists of ids.
class Splits {
 public:
  Splits(const std::vector<std::string>& splits, int id_folders) : keep_folders_(id_folders > 0), ids_(id_folders) {
    for (const auto& split : splits) {
      const auto equals = split.find('=');
      const bool table = equals == std::string::npos || std::filesystem::is_regular_file(split);
      if (equals == 0) throw UsageError("--split: '" + split + "' must be SUBSET=FILE, or FILE");
      const std::string stated = table ? "" : split.substr(0, equals);
      const SourceText source = load(table ? split : split.substr(equals + 1));
      const auto listed = parse_split(source, stated);
      if (listed.empty()) throw Error("names no video").at_line(source.name, 0);
      for (const auto& video : listed) try {
          add(video, line_name(source.name, video.line));
        } catch (Error& error) {
          throw error.at_line(source.name, video.line);
        }
    }
  }
  void apply(Record& record) {
    if (videos_.empty()) return;
    auto* found = videos_.find(record.video());
    if (const auto file = files_.find(record.video()); !found && file != files_.end()) {
      if (file->second.size() > 1 && std::any_of(file->second.begin(), file->second.end(), [&](const auto* each) {
            return each->second.subset != file->second.front()->second.subset;
          }))
        throw Error("'" + file->second[0]->first + "' and '" + file->second[1]->first +
                    "' of --split are files of this name, and of different subsets")
            .at_video(record.video());
      found = file->second.front();
    }
    if (!found) {
      unlisted_.push_back(record.video());
      return;
    }
    Video& listed = found->second;
    refuse_second_user(listed.user, record.video(), found->first, "--split");
    if (const auto own = record.text("subset"); own && *own != listed.subset) moved_.push_back(record.video());
    record.set_text("subset", listed.subset);
  }
  void report(Tool& tool) const {
    std::vector<std::string> unused;
    for (const auto& [video, entry] : videos_)
      if (entry.user.empty()) unused.push_back(video);
    std::sort(unused.begin(), unused.end());
    if (!unlisted_.empty())
      tool.warn(std::to_string(unlisted_.size()) + (unlisted_.size() == 1 ? " video is" : " videos are") +
                " in no --split list" + Spellings(unused, true).reason(unlisted_));
    warn_of_videos(tool, unused, "in a --split list, but in no record");
    warn_of_videos(tool, moved_, "of another subset by their own record; --split's counts");
  }

 private:
  struct Video {
    std::string subset, place, user = {};
  };
  void add(const SplitVideo& video, const std::string& place) {
    const std::string id = ids_.id(video.name, place), &name = keep_folders_ ? id : video.name;
    auto* known = videos_.find(name);
    if (!known) {
      known = videos_.try_emplace(name, Video{video.subset, place}).first;
      // A list may name the files of labels or features, of which the video's id has neither folder nor ending.
      if (const std::string file = feature_file_id(name); file != video_id(name)) files_[file].push_back(known);
    }
    if (const Video& before = known->second; before.subset != video.subset)
      throw Error("'" + id + "' is in " + before.subset + " and in " + video.subset + " (" + before.place +
                  " and here)");
  }
  bool keep_folders_;
  FileIds ids_;
  std::unordered_map<std::string, std::vector<VideoMap<Video>::Entry*>> files_;  // entries of videos_ by
                                                                                 // feature_file_id()
  VideoMap<Video> videos_;                                                       // by name as a list first writes it
  std::vector<std::string> moved_;                                               // had another subset
  std::vector<std::string> unlisted_;
};

// Where the written text goes: one stream, or a file per video below the folder --output.
class Writer {
 public:
  Writer(Tool& tool, const ExportFormat& format, const ExportOptions& options) : tool_(tool) {
    if (format.make) writer_ = format.make(options);
    const std::string& output = tool.options().output;
    folder_ = writer_ && (!writer_->extension().empty() || writer_->makes_files()) && output != "-" &&
              (std::filesystem::is_directory(output) || output.back() == '/');
    if (folder_) std::filesystem::create_directories(output);
  }
  void add(Record& record) {
    std::string text;
    if (!writer_) {
      record.append_history(tool_.history_entry());
      tool_.out().write_line(record.str());
      return;
    }
    writer_->add(record, text);
    if (writer_->makes_files()) return;  // at the end, under names of their own
    if (folder_) {
      AtomicFile file(
          (std::filesystem::path(tool_.options().output) / (name_for(record.video()) + writer_->extension())).string());
      file.write(text);
      file.commit();
    } else {
      if (!writer_->extension().empty() && ++documents_ > 1)
        throw UsageError("this format has one file a video: give --output FOLDER/ for more than one video");
      if (writer_->named_by_file()) only_ = record.video();
      tool_.out().write(text);
    }
  }
  void end() {
    std::string text;
    if (!writer_) return;
    writer_->end(text);
    if (writer_->makes_files()) write_files(writer_->files());
    else if (!folder_) tool_.out().write(text);
    if (const std::string note = writer_->note(); !note.empty()) tool_.warn(note);
    tell_name();
    if (const std::string note = names_.note(); !note.empty()) tool_.note(note);
  }

 private:
  // Of the file of a video, without ending.
  std::string name_for(const std::string& video) {
    const auto read = [&](const std::string& name) { return writer_->id_of_file(name); };
    return names_.of(video, writer_->extension(), writer_->named_by_file() ? FileNames::Reader(read) : nullptr);
  }
  // A single file under a name that is not the video's.
  void tell_name() const {
    const std::string& output = tool_.options().output;
    if (only_.empty() || output == "-") return;
    const std::string name(without_ending(output.substr(output.find_last_of('/') + 1), {writer_->extension()}));
    if (const auto read = writer_->id_of_file(name); read != only_)
      tool_.note("in this format the file's name is the video's id: '" + output + "' is read as '" + read + "', not '" +
                 only_ + "' (--output FOLDER/ names it '" + FileNames::joined(only_) + "')");
  }
  void write_files(const std::map<std::string, std::string>& files) {
    if (!folder_ && files.size() > 1) throw UsageError("this format has several files here: give --output FOLDER/");
    for (const auto& [name, text] : files) {
      if (!folder_) {
        tool_.out().write(text);
        continue;
      }
      const std::filesystem::path relative(name);
      const bool leaves = std::any_of(relative.begin(), relative.end(), [](const auto& part) { return part == ".."; });
      if (relative.is_absolute() || leaves || name.find('\0') != std::string::npos)
        throw Error("'" + name + "' cannot be a file below a folder").at_field("video");
      const auto path = std::filesystem::path(tool_.options().output) / relative;
      std::filesystem::create_directories(path.parent_path());
      AtomicFile file(path.string());
      file.write(text);
      file.commit();
    }
  }

  Tool& tool_;
  std::unique_ptr<ExportWriter> writer_;
  bool folder_ = false;
  int documents_ = 0;
  FileNames names_;
  std::string only_;  // the video of the one file of a format that names it nowhere else
};

// What --columns names: each role once, and none that the format does not read.
void take_columns(ConvertOptions& o) {
  const ImportFormat& format = format_named(import_formats(), o.from);
  for (const auto& column : o.columns) {
    const auto [role, name] = pair_of(column, "--columns");
    check_column_role(format, role);
    if (!o.import.columns.try_emplace(role, name).second)
      throw UsageError("--columns: " + role + " is named twice, '" + o.import.columns[role] + "' and '" + name + "'");
  }
}

// The files and words of the command line, read.
void load_tables(Tool& tool, ConvertOptions& o) {
  const Note note = [&](const std::string& message) { tool.note(message); };
  if (tool.given("--prefix")) o.import.prefix = o.prefix;
  o.import.features.vectors_given = tool.given("--vectors");
  if (tool.given("--id-folders")) o.import.id_folders = o.import.features.id_folders = o.id_folders;
  o.import.ids = std::make_shared<FileIds>(o.import.id_folders);
  if (!o.durations.empty()) o.import.tables.videos = parse_videos(load(o.durations), note, o.import.id_folders);
  if (!o.classes.empty())
    o.import.tables.classes = o.exported.classes =
        parse_classes(load_class_list(o.classes), note, &o.import.tables.codes);
  o.import.labels_are_numbers = tool.given("--class-offset");
  if (!o.videos.empty()) o.import.tables.rows = row_videos(load(o.videos), o.import.id_folders);
  o.exported.class_offset = o.import.class_offset;
  if (!o.window_weights.empty()) o.import.tables.window_weights = parse_window_weights(load(o.window_weights));
  take_columns(o);
  if (!o.starts.empty()) o.import.tables.starts = parse_starts(load(o.starts), o.import.id_folders);
  o.import.background = o.exported.background = o.background;
  if (!o.label_scores.empty()) o.import.label_scores = o.exported.label_scores = o.label_scores == "yes";
  if (!o.decimal.empty()) o.import.dialect.decimal = o.decimal == "comma" ? ',' : '.';
  if (!o.header.empty()) o.import.dialect.has_header = o.header.front();
  if (!o.where.empty()) std::tie(o.import.where_column, o.import.where_value) = pair_of(o.where, "--where");
}

// Whether a table of videos has anything to do with the input.
class UsedVideos {
 public:
  explicit UsedVideos(const ImportTables& tables) : tables_(tables) {
    for (const auto& [video, info] : tables.videos) durations_ = durations_ || info.duration;
  }
  const VideoInfo* find(const Record& record) {
    const std::string& video = record.video();
    const VideoInfo* info = tables_.find(video);
    if (!info) {
      unknown_.push_back(video);
      if (!durations_ || !record.has("duration")) missed_.push_back(video);
      return nullptr;
    }
    ++found_;
    std::string& user = users_.try_emplace(info, video).first->second;
    if (video_id(user) == video_id(video)) refuse_second_user(user, video, video_id(video), "--durations");
    return info;
  }
  void report(Tool& tool, const std::string& path) const {
    if (tables_.videos.empty() || unknown_.empty()) return;
    std::vector<std::string> names;
    for (const auto& [video, info] : tables_.videos)
      if (!users_.contains(&info)) names.push_back(video);
    std::sort(names.begin(), names.end());
    const std::string reason = Spellings(names, true).reason(unknown_);
    if (found_ == 0)
      tool.warn("no video of the input is in " + path + ": '" + unknown_.front() + "' and others here, '" +
                names.front() + "' and others there" + reason);
    else if (!reason.empty())
      tool.warn(std::to_string(unknown_.size()) + (unknown_.size() == 1 ? " video is" : " videos are") + " not in " +
                path + reason);
    else if (!missed_.empty())
      tool.note(std::to_string(missed_.size()) + (missed_.size() == 1 ? " video is" : " videos are") + " not in " +
                path + (durations_ ? ", and without a duration: '" : ": '") + joined_first(missed_, 4, "', '") + "'");
  }

 private:
  const ImportTables& tables_;
  std::size_t found_ = 0;
  std::unordered_map<const VideoInfo*, std::string> users_;  // the video that each was found for
  bool durations_ = false;                                   // it has some
  std::vector<std::string> unknown_, missed_;                // videos that are not there; those that it was given for
};

// ids: keep, strip or add the "v_" that ActivityNet's tools put before an id.
void rename(Record& record, const std::string& ids) {
  std::string video = record.video();
  const bool prefixed = video.compare(0, 2, "v_") == 0;
  if (ids == "strip" && prefixed) video.erase(0, 2);
  if (ids == "add" && !prefixed) video.insert(0, "v_");
  if (video == record.video()) return;
  Record renamed = Record::make(video);
  for (const auto key : record.keys())
    if (key != "video") renamed.set_raw(key, std::string(*record.raw(key)));
  record = std::move(renamed);
}

std::vector<SourceText> load_all(Tool& tool, const std::vector<std::string>& paths, const std::string& endings,
                                 bool nested) {
  const StreamMeter::Wait wait(tool.meter(), StreamMeter::kIn);
  auto sources =
      load_sources(source_files(paths, endings, nested, [&](const std::string& text) { tool.note(text); }), "");
  if (tool.meter())
    for (const auto& source : sources) tool.meter()->read(source.text.size());
  std::vector<SourceText> documents;
  for (auto& source : sources)
    for (auto& document : json_documents(std::move(source))) documents.push_back(std::move(document));
  return documents;
}

void convert_bundle(Tool& tool, const ConvertOptions& o) {
  const Bundle bundle = open_bundle(o.bundle);
  if (tool.options().output != "-") return write_bundle(bundle, tool.options().output);
  for (const auto& line : stage_commands(bundle, o.encoder_weights, o.bundle_reads)) tool.out().write_line(line);
}

// What --subset left out; "" of records without one.
std::string other_subsets(std::set<std::string> subsets) {
  const bool none = subsets.erase("") > 0;
  if (subsets.empty()) return "for none has a subset (--split says them)";
  return "but of '" + joined_first({subsets.begin(), subsets.end()}, 5, "', '") + "'" +
         (none ? ", and some of none" : "");
}

}  // namespace

void convert(Tool& tool, ConvertOptions& o) {
  if (!o.weights.file.empty()) return convert_weights(tool, o.weights);
  if (!o.bundle.empty()) return convert_bundle(tool, o);
  const ImportFormat& from = format_named(import_formats(), o.from);
  const ExportFormat& to = format_named(export_formats(), o.to);
  if (o.paths.empty()) o.paths = {tool.options().input};
  load_tables(tool, o);

  Splits splits(o.splits, o.import.id_folders);
  std::optional<Merge> merge;
  if (!o.merge.empty()) merge.emplace(tool, o.merge);
  PointRule points(o.points);
  Writer writer(tool, to, o.exported);
  UsedVideos durations(o.import.tables);
  std::uint64_t records = 0;
  std::set<std::string> subsets;
  std::string beside;  // what stands beside the videos of an ActivityNet file; its first record has it
  std::uint64_t videos = 0, rows_of_table = 0;
  std::map<std::string, std::string> owners;  // new id -> the one before
  // The record's id, and what tables say of its video, before the check: facts contradict segments as members do.
  const auto complete = [&](Record& record) {
    ++videos;
    const std::string before = record.video();
    rename(record, o.ids);
    // Windows of one video have its id; another video may not get it.
    if (o.ids != "keep")
      if (const auto [owner, fresh] = owners.emplace(record.video(), before); !fresh && owner->second != before)
        throw Error("'" + owner->second + "' and '" + before + "' become one with --ids " + o.ids).at_field("video");
    if (const auto* info = durations.find(record)) {
      VideoInfo known = record.has("duration") ? *info : with_length(*info);
      if (o.import.unit_duration) known.duration.reset();  // the record lasts 1
      set_info(record, known);
    }
  };
  const auto pass = [&](Record& record) {
    splits.apply(record);
    if (!o.subset.empty() && record.text("subset") != o.subset) {
      if (const auto own = record.raw("activitynet")) beside = *own;
      subsets.insert(record.text("subset").value_or(""));
      return;
    }
    if (!beside.empty() && !record.has("activitynet")) record.set_raw("activitynet", std::exchange(beside, {}));
    if (merge) merge->apply(record);
    points.apply(record);
    if (record.has("duration") && record.has("features"))
      for (const auto& stream : record.features()) see_span(record, stream);
    writer.add(record);
    if (tool.stopped()) throw Error("interrupted");
    tool.progress(++records, 0, "records");
  };
  ImportCheck check;
  const ImportSink sink{[&](Record& record) {
                          try {
                            if (tool.meter()) tool.meter()->record();
                            complete(record);
                            check.check(record);
                            pass(record);
                          } catch (Error& error) {
                            tool.record_error(error.at_video(record.video()), record.str());
                          }
                        },
                        [&](const Error& error, std::string_view text) { tool.record_error(error, text); },
                        [&](const std::string& message) { tool.note(message); }};
  if (from.reader) {
    from.reader(load_all(tool, o.paths, from.extension, from.nested), o.import, sink);
  } else if (from.path_reader) {
    from.path_reader(o.paths, o.import, sink);
  } else {
    for (const auto& path : o.paths)
      for_each_record(tool, path, [&](Record& record, const LineReader&) {
        rows_of_table +=
            record.has("start") && record.has("end") && !record.has("annotations") && !record.has("proposals");
        complete(record);
        check_record(record, check);
        pass(record);
      });
    if (rows_of_table > 0)
      tool.warn(std::to_string(rows_of_table) + (rows_of_table == 1 ? " record has" : " records have") +
                " members start and end, and no segments" + table_advice());
  }
  if (videos == 0 && (from.reader || from.path_reader))
    tool.warn("no video in '" + joined_first(o.paths, 5, "', '") + "'");
  writer.end();
  const auto takes = [](const std::vector<std::string>& names, const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const UnitAdvice units{from.reader || from.path_reader, takes(from.options, "--time"), takes(from.options, "--fps"),
                         takes(from.columns, "start"), takes(from.options, "--time") && o.import.time.empty()};
  (merge ? merge->check() : check).report([&](const std::string& text) { tool.warn(text); }, units);
  splits.report(tool);
  durations.report(tool, o.durations);
  if (records == 0 && !subsets.empty())
    tool.warn("no record is of subset '" + o.subset + "', " + other_subsets(std::move(subsets)));
  if (merge) merge->report();
  if (const auto note = o.import.other_rates->note(); !note.empty()) tool.note(note);
  if (const auto note = points.note(); !note.empty()) tool.note(note);
}

}  // namespace tal
