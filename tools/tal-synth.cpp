// tal-synth: nothing, or records with annotations -> records with synthetic annotations, features or videos of known truth.
#include <filesystem>

#include "libtal/stages/synth.h"
#ifdef TAL_HAVE_VIDEO
#include "libtal/video/opencv_info.h"
#include "libtal/video/synth_video.h"
#endif

namespace {

struct VideoOptions {
  std::string out_dir = ".", prefix = "synth_", container = "avi";
  int videos = 3;
#ifdef TAL_HAVE_VIDEO
  tal::SynthVideoOptions video;
#endif
};

void register_options(const tal::Options& table, VideoOptions& o) {
  table.add("-n,--videos", o.videos, "Number of videos").type_name("N").between(0, 1000000);
  table.add("--out-dir", o.out_dir, "Write the video files into this folder").type_name("DIR");
  table.add("--container", o.container, "avi: Motion JPEG, every frame by itself; mp4: MPEG-4, smaller, needs OpenCV's FFmpeg").type_name("NAME").one_of({"avi", "mp4"});
  table.add("--prefix", o.prefix, "Beginning of the video ids").type_name("TEXT");
  for (const char* unused : {"--input", "--jobs"}) table.row(unused).never("videos, which reads nothing");
#ifdef TAL_HAVE_VIDEO
  table.add("--duration", o.video.duration, "Seconds").type_name("S");
  table.add("--fps", o.video.fps, "Frames per second").type_name("X");
  table.add("--width", o.video.width, "Pixels, even").type_name("N");
  table.add("--height", o.video.height, "Pixels, even").type_name("N");
  table.add("--actions", o.video.actions, "Actions a video; fewer when they do not fit").type_name("N");
  table.add("--min-action", o.video.min_action, "Shortest action, seconds").type_name("S");
  table.add("--max-action", o.video.max_action, "Longest action, seconds").type_name("S");
  table.add("--min-gap", o.video.min_gap, "Least rest between actions, seconds").type_name("S");
  table.add("--noise", o.video.noise, "Standard deviation of the pixel noise").type_name("X");
  table.add("--rest-motion", o.video.rest_motion, "Motion between actions, 0 (none) to 1").type_name("X");
#endif
}

void make_videos([[maybe_unused]] tal::Tool& tool, [[maybe_unused]] const VideoOptions& o) {
#ifdef TAL_HAVE_VIDEO
  std::filesystem::create_directories(o.out_dir);
  for (int i = 0; i < o.videos && !tool.stopped(); ++i) {
    const std::string number = std::to_string(i);
    const std::string id = o.prefix + std::string(number.size() < 3 ? 3 - number.size() : 0, '0') + number;
    const tal::SynthVideo video = tal::draw(o.video, tool.options().seed, static_cast<std::uint64_t>(i));
    tal::Record record = tal::Record::make(id);
    const std::string path = o.out_dir + "/" + id + "." + o.container;
    record.set_text("path", path);
    record.set_number("duration", static_cast<double>(video.frames) / o.video.fps);
    record.set_number("fps", o.video.fps);
    record.set_number("frames", static_cast<double>(video.frames));
    record.set_annotations(video.annotations);
    tal::write_video(path, video);
    record.append_history(tool.history_entry());
    tool.out().write_line(record.str());
    tool.progress(static_cast<std::uint64_t>(i) + 1, static_cast<std::uint64_t>(o.videos), "videos");
  }
#else
  throw tal::UsageError("videos: this build has no video support; install OpenCV and build again");
#endif
}

std::vector<std::string> libraries() {
#ifdef TAL_HAVE_VIDEO
  return {tal::opencv_version()};
#else
  return {};
#endif
}

}  // namespace

int main(int argc, char** argv) {
  tal::SynthAnnotationOptions truth;
  tal::SynthFeatureOptions features;
  VideoOptions videos;
  tal::ToolInfo info = tal::synth_info();
  info.libraries = libraries();
  tal::Tool tool(info);
  const tal::Options table = tool.command_line();
  table.require_subcommand();
  const tal::Options of_truth = table.subcommand("annotations", "Records with segments, and proposals of known quality"), of_features = table.subcommand("features", "Feature streams for records with annotations"),
               of_videos = table.subcommand("videos", "Video files with actions of known times");
  tal::register_options(of_truth, truth);
  tal::register_options(of_features, features);
  register_options(of_videos, videos);
  return tool.run(argc, argv, [&] {
    const std::string chosen = table.chosen();
    if (chosen == "annotations") tal::write_annotations(tool, truth);
    if (chosen == "features") tal::write_features(tool, features);
    if (chosen == "videos") make_videos(tool, videos);
  });
}
