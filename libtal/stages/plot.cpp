#include "libtal/stages/plot.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "libtal/base/error.h"
#include "libtal/base/spelling.h"
#include "libtal/base/text.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/features.h"
#include "libtal/io/places.h"
#include "libtal/plot/charts.h"
#include "libtal/plot/stats.h"
#include "libtal/plot/timeline.h"
#include "libtal/stages/plot_selection.h"
#include "libtal/stages/plugins.h"

namespace tal::plot {
namespace {

std::string extension(const std::string& path) { return lower_case(std::filesystem::path(path).extension().string()); }

std::string chosen_format(const Tool& tool, const PlotOptions& options) {
  if (options.format != "auto") return options.format;
  if (tool.options().output == "-") return "svg";
  const std::string end = extension(tool.options().output);
  if (end == ".svg") return "svg";
  if (end == ".html" || end == ".htm") return "html";
  if (end == ".png") return "png";
  throw UsageError("--output " + tool.options().output +
                   ": the name must end in .svg, .html or .png (or say --format)");
}

std::string stem(const std::string& path) {
  return path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
}

// points: anchors are drawn by their length, which a point has not.
void fill_video(const Record& record, Points points, TimelineVideo& video) {
  video.video = record.video();
  video.duration = record.duration().value_or(0);
  video.truth = record.annotations(true, points);
  video.truth_given = record.has("annotations");
}

Track read_track(const Record& record, const std::string& name, Points points, double min_score, bool use_min) {
  Track track{name, {}};
  for (const Proposal& p : record.proposals(points))
    if (!use_min || p.score >= min_score) track.found.push_back({p.segment, p.score, std::string(p.label), p.point});
  return track;
}

TimelineStyle style_of(const PlotOptions& options, const std::string& title) {
  TimelineStyle style;
  style.width = options.width, style.top_k = options.top_k, style.max_rows = options.max_rows,
  style.positive = options.positive;
  style.title = options.title.empty() ? title : options.title;
  return style;
}

void add_thumbnails(Tool& tool, const ThumbnailOptions& options, const std::vector<std::string>& paths,
                    std::vector<TimelineVideo>& videos) {
  if (options.count > 0 && !paths.empty() &&
      std::all_of(paths.begin(), paths.end(), [](const auto& path) { return path.empty(); }))
    tool.warn("no thumbnails: no record has a path");
  auto thumbnails = make_thumbnails(tool, options, paths);
  for (std::size_t i = 0; i < thumbnails.size(); ++i) videos[i].thumbnails = std::move(thumbnails[i]);
}

Canvas plot_segments(Tool& tool, const PlotOptions& options, const std::string& kind) {
  TimelineStyle style = style_of(options, kind == "anchors"   ? "Anchors and ground truth"
                                          : kind == "compare" ? "Two results against ground truth"
                                                              : "");
  Selection selection(options.videos, options.max_videos);
  std::vector<TimelineVideo> videos;
  std::vector<std::string> paths;
  std::map<std::string, std::size_t> index;
  const bool use_min = tool.given("--min-score");
  const Points points = kind == "anchors" ? Points::kRefused : Points::kTaken;
  std::string first = kind == "timeline" ? "found" : stem(tool.options().input), second = stem(options.with);
  if (kind == "compare" && first == second) first = "A", second = "B";
  for_each_record(tool, tool.options().input, [&](Record& record, const LineReader&) {
    TimelineVideo video;
    fill_video(record, points, video);
    video.tracks.push_back(read_track(record, first, points, options.min_score, use_min));
    if (!selection.take(record.video())) return;
    index.emplace(record.video(), videos.size());
    videos.push_back(std::move(video));
    const auto path = record.text("path");
    paths.push_back(path ? located(*path, record.places().get()) : "");
  });
  add_thumbnails(tool, options.thumbnails, paths, videos);
  if (kind == "compare") {
    std::size_t extra = 0;
    for (auto& video : videos) video.tracks.push_back({second, {}});
    for_each_record(tool, options.with, [&](Record& record, const LineReader&) {
      const auto at = index.find(record.video());
      if (at == index.end()) {
        ++extra;
        return;
      }
      TimelineVideo& video = videos[at->second];
      video.tracks[1] = read_track(record, second, points, options.min_score, use_min);
      if (video.truth.empty()) video.truth = record.annotations(true, points);
      video.truth_given = video.truth_given || record.has("annotations");
      if (video.duration <= 0) video.duration = record.duration().value_or(0);
    });
    if (extra > 0) style.remark = std::to_string(extra) + " records of " + second + " without a drawn partner";
  }
  if (!options.ground_truth.empty()) {
    Truths truths;
    for_each_record(tool, options.ground_truth, [&](Record& record, const LineReader&) {
      const auto at = index.find(record.video());
      truths.see(record.video(), at != index.end());
      if (at == index.end()) return;
      const double duration = videos[at->second].duration;
      videos[at->second].truth = record.annotations(true, points);
      videos[at->second].truth_given = true;
      if (duration <= 0) videos[at->second].duration = record.duration().value_or(0);
    });
    std::vector<std::string> drawn;
    for (const auto& video : videos) drawn.push_back(video.video);
    truths.tell(tool, options.ground_truth, drawn);
  }
  const std::string left_out = selection.remark(tool);
  style.remark += (style.remark.empty() || left_out.empty() ? "" : "; ") + left_out;
  if (style.title.empty()) {
    const bool truths =
        std::any_of(videos.begin(), videos.end(), [](const auto& video) { return !video.truth.empty(); });
    style.title = truths ? "Detections against ground truth" : "Detections";
  }
  return kind == "anchors" ? draw_anchors(videos, style) : draw_timeline(videos, style);
}

Canvas plot_stats(const PlotOptions& options, const Tool& tool) {
  std::vector<StageStats> stages;
  const auto files = options.files.empty() ? std::vector{tool.options().input} : options.files;
  for (const auto& file : files) read_stats(read_file(file), file == "-" ? "stdin" : file, stages);
  return draw_stats(std::move(stages), options.width,
                    options.title.empty() ? "What the stages did with their time" : options.title);
}

Canvas plot_curves(const PlotOptions& options, Tool& tool) {
  std::vector<Chart> charts;
  if (options.files.empty()) {
    std::string text, source = tool.options().input == "-" ? "stdin" : tool.options().input;
    LineReader reader(tool.options().input, tool.meter());
    std::string_view line;
    while (reader.next(line)) (text += line) += '\n';
    read_curves(text, source, "", charts);
  } else {
    for (const auto& file : options.files)
      read_curves(read_file(file), file, options.files.size() > 1 ? stem(file) : "", charts);
  }
  return draw_charts(charts, options.width, options.title.empty() ? "Curves" : options.title);
}

// Time runs to the right, columns downwards.
Matrix stream_matrix(const Record& record, const FeatureStream& stream) {
  see_span(record, stream);
  const FeatureMatrix features = load_features(stream);
  Matrix map;
  map.title = record.video() + ": " + stream.name;
  map.rows = static_cast<int>(features.dim), map.columns = static_cast<int>(features.rows);
  map.values.reserve(features.values.size());
  for (std::int64_t c = 0; c < features.dim; ++c)
    for (std::int64_t r = 0; r < features.rows; ++r) map.values.push_back(features.at(r, c));
  const RowTime time = row_time(stream, record.duration());
  map.x_low = time.seconds(0.0), map.x_high = time.seconds(static_cast<double>(features.rows)), map.time = true;
  map.x_label = "time" + std::string(stream.last_start ? " (the last row was moved back to the end)" : ""),
  map.y_label = "column";
  return map;
}

// The streams that --stream names, or all.
void add_streams(const Record& record, const std::vector<std::string>& wanted, std::vector<Matrix>& maps) {
  const auto streams = record.features();
  for (const auto& name : wanted)
    if (std::none_of(streams.begin(), streams.end(), [&](const FeatureStream& s) { return s.name == name; }))
      throw Error("missing").at_field("features." + name);
  for (const auto& stream : streams)
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), stream.name) != wanted.end())
      maps.push_back(stream_matrix(record, stream));
}

Canvas plot_heatmaps(Tool& tool, const PlotOptions& options) {
  std::vector<Matrix> maps;
  std::string remark;
  if (!options.files.empty()) {
    for (const auto& file : options.files) read_npy_maps(file, stem(file), maps);
  } else {
    Selection selection(options.videos, options.max_videos);
    for_each_record(tool, tool.options().input, [&](Record& record, const LineReader&) {
      if (!selection.take(record.video())) return;
      std::vector<Matrix> own;
      const auto raw = record.raw("maps");
      if (raw && options.streams.empty()) read_maps(std::string(*raw), record.video(), own);
      else add_streams(record, options.streams, own);
      if (own.empty()) throw Error("missing, and no features: nothing to draw").at_field("maps");
      for (auto& map : own) maps.push_back(std::move(map));
    });
    remark = selection.remark(tool);
  }
  return draw_heatmaps(maps, options.width, options.title.empty() ? "Maps" : options.title, remark, options.each_row);
}

// A picture whose texts the own font does not all have is set with the fonts of the system, and what those lack is
// said.
std::string png_of(Tool& tool, const Canvas& canvas, Theme theme, double scale) {
  const auto beyond = beyond_own_font(canvas);
  if (beyond.empty()) return to_png(canvas, theme, scale);
  const std::string shown = joined_first(beyond, 12, " ");
  const TextSetting* setting = nullptr;
  try {
    setting = &text_setting();
  } catch (const Error& error) {
    tool.warn("boxes stand for " + shown + " in this PNG: " + error.message() + "; SVG and HTML show them");
    return to_png(canvas, theme, scale);
  }
  std::vector<std::string> lacking;
  std::string png = to_png(canvas, theme, scale, [&](const std::string& text, double size, bool bold, Rgb ink) {
    TextPicture picture = setting->set(text, size, bold, ink);
    if (picture.missing > 0 && std::find(lacking.begin(), lacking.end(), text) == lacking.end())
      lacking.push_back(text);
    return picture;
  });
  if (!lacking.empty())
    tool.warn("no font that is installed here has all characters of " + joined_first(lacking, 5, ", ") +
              ": boxes stand for them in this PNG; SVG and HTML show them with the viewer's fonts");
  return png;
}

}  // namespace

namespace {

void register_look(const Options& sub, PlotOptions& o) {
  sub.add("--format", o.format, "svg, html or png; auto: by the extension of --output (stdout: svg)")
      .one_of({"auto", "svg", "html", "png"});
  sub.add("--theme", o.theme, "light, dark, or auto: the viewer's setting (PNG: light)")
      .one_of({"auto", "light", "dark"});
  sub.add("--width", o.width, "Width in logical pixels").type_name("PIXELS").between(480, 8000);
  sub.add("--scale", o.scale, "PNG: pixels per logical pixel").type_name("X").between(0.5, 8.0);
  sub.add("--title", o.title, "Heading of the picture").type_name("TEXT");
}

void register_videos(const Options& sub, PlotOptions& o) {
  sub.add("--video", o.videos, "Draw only this video (repeatable)").type_name("ID");
  sub.add("--max-videos", o.max_videos, "Draw the first N records (0: all)").type_name("N").without("--video");
}

void register_files(const Options& sub, PlotOptions& o, const std::string& help) {
  register_look(sub, o);
  sub.add("files", o.files, help).type_name("FILE");
  sub.row("--input").without("files");
}

void register_heatmap(const Options& sub, PlotOptions& o) {
  register_look(sub, o);
  sub.add("files", o.files, "Arrays to draw (.npy); without any, the records of --input").type_name("FILE");
  const Options records = sub.without("files");
  records.add("--stream", o.streams, "Draw this feature stream (repeatable); default: the maps, else every stream")
      .type_name("NAME")
      .one_value();
  records.features_root();
  sub.flag("--each-row", o.each_row, "Give each row its own range of colours");
  register_videos(records, o);
  sub.row("--input").without("files");
}

void register_segments(const Options& sub, const std::string& kind, PlotOptions& o) {
  register_look(sub, o);
  register_videos(sub, o);
  sub.add("--gt", o.ground_truth, "Take the ground truth from the records of FILE").type_name("FILE").reads();
  sub.add("--top-k", o.top_k, "Draw the N best of a video and row (0: all)").type_name("N");
  sub.add("--min-score", o.min_score, "Leave out proposals with a lower score (default: none)")
      .type_name("X")
      .shown_default("");
  if (kind != "anchors")
    sub.add("--max-rows", o.max_rows, "Labels drawn per video (0: all)").type_name("N").between(0, 100000);
  if (kind != "anchors") register_thumbnails(sub, o.thumbnails);
  if (kind == "anchors")
    sub.add("--positive", o.positive, "tIoU from which an anchor covers a truth").type_name("X").between(0.0, 1.0);
  if (kind == "compare") sub.add("--with", o.with, "The second result stream").type_name("FILE").reads().required();
}

}  // namespace

void register_options(const Options& table, PlotOptions& o) {
  table.require_subcommand();
  register_segments(
      table.subcommand("timeline", "Ground truth and detections with scores over time, one panel a video"), "timeline",
      o);
  register_files(
      table.subcommand("curves", "Recall, precision and mAP curves of tal-eval, or the values of a training log"), o,
      "Files to compare; without any, --input is read");
  register_heatmap(table.subcommand("heatmap", "Dense score maps and feature streams"), o);
  register_segments(table.subcommand("anchors", "Anchors by time and length, and which ground truth they cover"),
                    "anchors", o);
  register_segments(table.subcommand("compare", "Two result streams against the same ground truth"), "compare", o);
  register_options(
      table.subcommand("view", "A page that plays the videos, with labels and detections to look at and correct"),
      o.view);
  register_files(
      table.subcommand("stats", "At work or waiting: what the stages of a pipe did with their time (--stats)"), o,
      "What --stats wrote; without any, --input is read");
}

void run_plot(Tool& tool, const PlotOptions& options) {
  const std::string kind = tool.command_line().chosen();
  if (kind == "view") return run_view(tool, options.view);
  const std::string format = chosen_format(tool, options);
  if (format != "png") tool.refuse({"--scale"}, "--format " + format);
  else if (kind == "timeline" || kind == "compare") tool.refuse({"--thumbnails"}, "--format png");
  Output& out = tool.out();
  const Canvas canvas = kind == "curves"    ? plot_curves(options, tool)
                        : kind == "stats"   ? plot_stats(options, tool)
                        : kind == "heatmap" ? plot_heatmaps(tool, options)
                                            : plot_segments(tool, options, kind);
  const Theme theme = options.theme == "light" ? Theme::kLight : options.theme == "dark" ? Theme::kDark : Theme::kAuto;
  const std::string title = options.title.empty() ? "tal-plot " + kind : options.title;
  out.write(format == "png"    ? png_of(tool, canvas, theme, options.scale)
            : format == "html" ? to_html(canvas, title, theme)
                               : to_svg(canvas, title, theme));
}

}  // namespace tal::plot
