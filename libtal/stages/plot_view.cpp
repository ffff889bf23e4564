#include "libtal/stages/plot_view.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "libtal/base/video_id.h"
#include "libtal/formats/export_support.h"
#include "libtal/io/places.h"
#include "libtal/plot/view_page.h"
#include "libtal/stages/plot_selection.h"
#include "libtal/stages/plugins.h"

namespace tal::plot {
namespace {

namespace fs = std::filesystem;

constexpr double kTicks = 1e6, kTick = 1 / kTicks;  // time stamps are microseconds

// Where the videos are, seen from here and from the page.
class VideoFiles {
 public:
  explicit VideoFiles(const Tool& tool, const ViewOptions& options) : root_(options.videos_root) {
    const fs::path page = tool.options().output == "-" ? "" : fs::path(tool.options().output).parent_path();
    folder_ = page.empty() ? "." : page.string();
    if (root_.empty()) return;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(root_, failed))
      if (entry.is_regular_file(failed)) by_id_[video_id(entry.path().filename().string())].push_back(entry.path());
    if (failed) throw Error("cannot be read as a folder: " + failed.message()).in_file(root_);
  }

  // Fills file, url and state; returns the file's name for who opens it, "" when there is none to open.
  std::string place(const Record& record, ViewVideo& video) const {
    video.file = record.text("path").value_or("");
    std::string path;
    const auto local = path_of_address(video.file);
    if (!local && video.file.find("://") != std::string::npos) {
      const bool remote = video.file.starts_with("http:") || video.file.starts_with("https:");
      video.state = remote ? ViewVideo::State::kRemote : ViewVideo::State::kLive;
      if (remote) video.url = video.file;
      return "";
    }
    if (video.file.empty()) path = of_folder(record.video());
    else if (local) path = *local;
    else if (root_.empty()) path = located(video.file, record.places().get());
    else path = (fs::path(root_) / video.file).string();
    if (path.empty()) return "";
    if (video.file.empty()) video.file = path;
    video.url = relative_url(path, folder_);
    std::error_code failed;
    const bool there = fs::is_regular_file(path, failed);
    video.state = there ? ViewVideo::State::kFound : ViewVideo::State::kMissing;
    return there ? path : "";
  }

 private:
  // The one file of --videos-root whose name is the video's id; "": there is none.
  std::string of_folder(const std::string& video) const {
    const auto found = by_id_.find(video);
    if (found == by_id_.end()) return "";
    if (found->second.size() > 1)
      throw Error("'" + found->second[0].string() + "' and '" + found->second[1].string() +
                  "' both have its name: a path in the record says which is meant")
          .at_field("path");
    return found->second.front().string();
  }

  std::string root_, folder_;
  std::map<std::string, std::vector<fs::path>> by_id_;
};

// The streams of a record's features without those whose rows are inline; nullopt: there are no such rows.
std::optional<std::string> features_by_name(const Record& record) {
  std::string out = "{";
  bool inline_rows = false;
  for (const auto& stream : record.features()) {
    if (!stream.data.empty()) {
      inline_rows = true;
      continue;
    }
    if (out.size() > 1) out += ',';
    append_json_string(out, stream.name);
    out += ':' + stream.text;
  }
  if (!inline_rows) return std::nullopt;
  return out + '}';
}

class Page {
 public:
  Page(Tool& tool, const ViewOptions& options)
      : tool_(tool), options_(options), files_(tool, options), selection_(options.videos, options.max_videos) {}

  void read() {
    for_each_record(tool_, tool_.options().input, [&](Record& record, const LineReader&) {
      record.require_whole_video();
      if (index_.count(record.video())) throw Error("a second record of this video").at_field("video");
      if (selection_.take(record.video())) add(record);
    });
    if (!options_.ground_truth.empty()) {
      Truths truths;
      for_each_record(tool_, options_.ground_truth, [&](Record& record, const LineReader&) {
        record.annotations(true, Points::kTaken);
        const auto at = index_.find(record.video());
        truths.see(record.video(), at != index_.end());
        if (at != index_.end()) page_.videos[at->second].truth = record.raw("annotations").value_or("[]");
      });
      truths.tell(tool_, options_.ground_truth, names_);
    }
    selection_.remark(tool_);
    count(
        "missing: the page says so", [](const ViewVideo& v) { return v.state == ViewVideo::State::kMissing; },
        "video file", "video files");
    count(
        "without a video file", [](const ViewVideo& v) { return v.state == ViewVideo::State::kNone; }, "record",
        "records");
    if (left_out_ > 0)
      tool_.note(std::to_string(left_out_) + (left_out_ == 1 ? " record has" : " records have") +
                 " dense maps or inline features, which are neither in the page nor in what it exports");
  }

  // Of the files that are there; the page says of the others that it is not known, unless the record does.
  void find_starts() {
    std::size_t unknown = 0;
    std::string why;
    for (std::size_t i = 0; i < paths_.size() && !tool_.stopped(); ++i) {
      if (paths_[i].empty()) continue;
      try {
        const double start = video_stages().first_on_players_clock(paths_[i]);
        firsts_[i] = std::abs(start) < kTick ? 0 : std::round(start * kTicks) / kTicks;
      } catch (const Error& error) {
        if (!page_.videos[i].start && unknown++ == 0) why = error.message();
      }
      if (!page_.videos[i].start) page_.videos[i].start = firsts_[i];
    }
    if (unknown > 0)
      tool_.note("of " + std::to_string(unknown) + (unknown == 1 ? " video" : " videos") +
                 " it is not known where the first picture stands, which is time 0 of records; the page takes the " +
                 "start of the file: " + why);
  }

  void add_thumbnails() {
    auto thumbnails = make_thumbnails(tool_, options_.thumbnails, paths_);
    for (std::size_t i = 0; i < thumbnails.size(); ++i) {
      ViewVideo& video = page_.videos[i];
      video.thumbnails = std::move(thumbnails[i]);
      // Their times count from the first picture, the record's perhaps from elsewhere.
      const double shift = firsts_[i] && video.start ? *firsts_[i] - *video.start : 0;
      for (auto& one : video.thumbnails) one.time += shift;
      std::erase_if(video.thumbnails, [](const Thumbnail& one) { return one.time < 0; });
    }
  }

  std::string text() {
    const std::string& output = tool_.options().output;
    page_.name = output == "-" ? "view" : fs::path(output).stem().string();
    page_.title = !options_.title.empty()    ? options_.title
                  : page_.videos.size() == 1 ? video_name(page_.videos[0])
                                             : std::to_string(page_.videos.size()) + " videos";
    page_.theme = options_.theme == "light" ? Theme::kLight : options_.theme == "dark" ? Theme::kDark : Theme::kAuto;
    page_.threshold = options_.min_score;
    return view_page(page_);
  }

 private:
  void add(Record& record) {
    // They are what the tools take.
    record.annotations(true, Points::kTaken), record.proposals(Points::kTaken), record.duration(), record.fps();
    ViewVideo video;
    paths_.push_back(files_.place(record, video));
    firsts_.emplace_back();
    video.start = record.number("time_origin");
    video.facts = kept_facts(record), video.sound = is_sound(media_of(record));
    const auto features = features_by_name(record);
    if (features) record.set_raw("features", *features);
    if (record.has("maps")) record.remove("maps"), ++left_out_;
    else if (features) ++left_out_;
    for (const auto key : record.keys()) video.members.emplace_back(key, std::string(*record.raw(key)));
    index_.emplace(record.video(), page_.videos.size());
    names_.push_back(record.video());
    page_.videos.push_back(std::move(video));
  }

  std::string video_name(const ViewVideo& video) const {
    return names_[static_cast<std::size_t>(&video - page_.videos.data())];
  }

  template <class Fits>
  void count(const char* what, const Fits& fits, const char* one, const char* several) {
    const auto n = std::count_if(page_.videos.begin(), page_.videos.end(), fits);
    if (n > 0) tool_.note(std::to_string(n) + ' ' + (n == 1 ? one : several) + ' ' + what);
  }

  Tool& tool_;
  const ViewOptions& options_;
  VideoFiles files_;
  Selection selection_;
  ViewPage page_;
  std::vector<std::string> paths_, names_;     // of page_.videos; "": no file to open
  std::vector<std::optional<double>> firsts_;  // seconds on the player's clock of their first pictures
  std::map<std::string, std::size_t> index_;
  std::size_t left_out_ = 0;
};

}  // namespace

void register_options(const Options& sub, ViewOptions& o) {
  sub.add("--gt", o.ground_truth, "Take the ground truth from the records of FILE").type_name("FILE").reads();
  sub.add("--min-score", o.min_score, "Where the page's threshold of scores stands first (default: all are shown)")
      .type_name("X")
      .shown_default("");
  sub.add("--videos-root", o.videos_root,
          "Folder of the videos: relative paths are taken from there; of a record without path, the file named like it")
      .type_name("DIR");
  register_thumbnails(sub, o.thumbnails);
  sub.add("--video", o.videos, "Show only this video (repeatable)").type_name("ID");
  sub.add("--max-videos", o.max_videos, "Show the first N records (0: all)").type_name("N").without("--video");
  sub.add("--theme", o.theme, "light, dark, or auto: the viewer's setting").one_of({"auto", "light", "dark"});
  sub.add("--title", o.title, "Heading of the page (default: the video, or their number)").type_name("TEXT");
}

void run_view(Tool& tool, const ViewOptions& options) {
  Output& out = tool.out();
  Page page(tool, options);
  page.read();
  page.find_starts();
  page.add_thumbnails();
  out.write(page.text());
}

}  // namespace tal::plot
