#include <filesystem>

#include "libtal/stages/plugins.h"
#include "libtal/stages/synth.h"

namespace tal {
namespace {

std::string video_id(const SynthVideosOptions& o, int i) {
  const std::string number = std::to_string(i);
  return o.prefix + std::string(number.size() < 3 ? 3 - number.size() : 0, '0') + number;
}

}  // namespace

void register_options(const Options& table, SynthVideosOptions& o) {
  table.add("-n,--videos", o.videos, "Number of videos").type_name("N").between(0, 1000000);
  table.add("--out-dir", o.out_dir, "Write the video files into this folder").type_name("DIR");
  table
      .add("--container", o.container,
           "avi: Motion JPEG, every frame by itself; mp4: MPEG-4, smaller, needs OpenCV's FFmpeg")
      .type_name("NAME")
      .one_of({"avi", "mp4"});
  table.add("--prefix", o.prefix, "Beginning of the video ids").type_name("TEXT");
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
  for (const char* unused : {"--input", "--jobs"}) table.row(unused).never("videos, which reads nothing");
}

void write_videos(Tool& tool, const SynthVideosOptions& o) {
  std::filesystem::create_directories(o.out_dir);
  for (int i = 0; i < o.videos && !tool.stopped(); ++i) {
    const std::string id = video_id(o, i), path = o.out_dir + "/" + id + "." + o.container;
    const SynthVideo video = draw(o.video, tool.options().seed, static_cast<std::uint64_t>(i));
    Record record = Record::make(id);
    record.set_text("path", path);
    record.set_number("duration", static_cast<double>(video.frames) / o.video.fps);
    record.set_number("fps", o.video.fps);
    record.set_number("frames", static_cast<double>(video.frames));
    record.set_annotations(video.annotations);
    video_stages().write_video(path, video);
    record.append_history(tool.history_entry());
    tool.out().write_line(record.str());
    tool.progress(static_cast<std::uint64_t>(i) + 1, static_cast<std::uint64_t>(o.videos), "videos");
  }
}

}  // namespace tal
