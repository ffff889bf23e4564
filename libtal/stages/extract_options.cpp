#include "libtal/stages/extract_options.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/encoder/log_mel_encoder.h"
#include "libtal/encoder/recipes.h"
#include "libtal/stages/model_options.h"
#include "libtal/stages/plugins.h"
#include "libtal/stream/video_records.h"

namespace tal {
namespace {

// Whether an empty input needs no look at the encoders: with hog-hof as it is, nothing about them can be wrong.
bool as_it_is(const Tool& tool, const ExtractOptions& o) {
  for (const char* name : {"--encoder", "--device", "--precision", "--batch", "--flow", "--flow-cache", "--classes"})
    if (tool.given(name)) return false;
  return !o.check && !o.dry_run && !o.live;
}

}  // namespace

void register_options(const Options& all, ExtractOptions& o) {
  const Options table = all.without("--list-encoders");
  o.encoder.networks = network_encoders();
  // --check reads what is there; --live follows one video, whose rows go into its records.
  const Options made = table.without("--check"), whole = table.without("--live"), stored = whole.without("--check"),
                live = table.with("--live");
  made.add("--encoder", o.encoders,
           "Encoder NAME[@LAYER][:WEIGHTS], repeatable; each makes one stream (known: " + joined(encoder_names()) + ")")
      .type_name("NAME")
      .one_value()
      .completes(encoder_names())
      .reads();
  made.add("--fps", o.fps, "Sample at F frames per second by time stamp (10, 30000/1001); default: every decoded frame")
      .type_name("F")
      .fraction();
  made.add("--stride", o.stride, "Sampled frames from one window to the next")
      .between(std::int64_t{1}, std::int64_t{1} << 30);
  made.add("--window", o.window, "Sampled frames in a window").between(std::int64_t{1}, std::int64_t{1} << 20);
  stored
      .add("--tail", o.tail,
           "Last frames that fill no window: drop them, pad with the last frame, or shift the last window back")
      .one_of({"drop", "pad", "shift"});
  made.add("--flow", o.encoder.flow, "Optical flow: block (fast block motion), dis, farneback, tvl1")
      .one_of({"block", "dis", "farneback", "tvl1"});
  made.add("--device", o.encoder.device, "Where networks run: cpu, cuda, cuda:I")
      .type_name("DEVICE")
      .completes({"cpu", "cuda"});
  made.add("--precision", o.encoder.precision, "Networks' products and convolutions").one_of(precision_choices());
  made.add("--batch", o.encoder.batch, "Pictures in one pass of a network; of clips, a quarter as many")
      .between(std::int64_t{1}, std::int64_t{1} << 16);
  stored
      .add("--flow-cache", o.flow_cache,
           "Folder that keeps the flow of networks as images for the next run (VIDEO-KEY/METHOD-WxH/flow_x_00001.png, "
           "lossless); made when missing")
      .type_name("DIR")
      .without("--dry-run");
  made.add("--classes", o.classes,
           "Names of the classes of NAME@scores and NAME@logits, one a line; default: `classes` in the metadata of the "
           "weights")
      .type_name("FILE")
      .reads();
  whole.add("--out-dir", o.out_dir, "Folder for VIDEO.STREAM.npy and its header VIDEO.STREAM.json; made when missing")
      .type_name("DIR")
      .without("--inline");
  stored.flag("--inline", o.inline_data, "Put the rows into the record (base64) instead of files");
  made.flag("--half", o.half, "Store float16 instead of float32");
  stored.flag("--resume", o.resume, "Leave finished streams of the same file and settings as they are")
      .without("--inline");
  whole.flag("--partial", o.partial, "Keep what could be decoded of truncated or corrupt videos").without("--dry-run");
  stored.flag("--dry-run,--plan", o.dry_run,
              "Extract nothing; print the frames and their rate, rows, bytes and seconds of work that each video would "
              "give, as JSON lines");
  whole.flag("--check", o.check,
             "Extract nothing; re-read the streams on disk and list, as JSON lines, what disagrees with its header or "
             "its video");
  table.flag("--live", o.live,
             "Follow one video while it is being made: a growing file, a device (/dev/video0), or a URL (rtsp://, "
             "http://); a record a window, rows inline");
  made.add(
          "--video-stream", o.video_stream,
          "Which video stream of each file, counted from 0 (cover pictures do not count); default: the one that ffmpeg "
          "takes")
      .between(std::int64_t{0}, std::int64_t{1} << 16);
  made.add("--audio-stream", o.audio_stream,
           "Which audio stream of each file, counted from 0; default: the one that ffmpeg takes")
      .between(std::int64_t{0}, std::int64_t{1} << 16);
  made.add("--set", o.encoder.sound,
           "Change a setting of log-mel, e.g. hop=320, mels=128 (repeatable; tal-extract(1) lists them)")
      .type_name("NAME=VALUE")
      .one_value();
  made.add("--hwaccel", o.hwaccel,
           "Decode on a device of this kind, where FFmpeg has it (cuda, vaapi, vdpau, qsv, videotoolbox, ...)")
      .type_name("NAME");
  live.add("--live-window", o.live_window, "Seconds of video in a record of --live").positive();
  live.add("--live-step", o.live_step,
           "Seconds from one record's start to the next; shorter than the window: they overlap (default: the window)")
      .positive();
  live.add("--patience", o.patience, "A live video has ended when nothing came for so many seconds")
      .between(0.1, 86400.0);
  table
      .add("--videos", o.videos,
           "Video files to build records from (id: file name without extension), instead of reading records")
      .type_name("FILE...");
  table
      .add("--id-folders", o.id_folders,
           "Last N folders of a file's path that stay in its id: a/v.mp4 is v, and a_v with 1")
      .type_name("N")
      .between(0, 16)
      .with("--videos");
  all.flag("--list-encoders", o.list_encoders,
           "Print the encoders: columns, frames of a row, whose weights they take, preprocessing");
  table.row("--input").without("--videos");
  table.row("--jobs").without("--live");
  table.row("--on-error").without("--live");
  table.row("--no-history").without("--check").without("--dry-run");
}

namespace {

// Values that contradict each other.
void check_options(const ExtractOptions& o) {
  if (o.live && o.videos.size() > 1)
    throw UsageError("--live follows one video, not " + std::to_string(o.videos.size()));
  if (o.live && o.live_step > o.live_window) throw UsageError("--live-step must not be longer than --live-window");
  sampled_fps(o);
}

}  // namespace

void extract(Tool& tool, const ExtractOptions& o) {
  if (o.list_encoders) {
    tool.out().write(encoder_table());
    return;
  }
  if (std::none_of(o.encoders.begin(), o.encoders.end(),
                   [](const auto& text) { return parse_encoder_spec(text).name == kLogMelEncoder; }))
    tool.refuse({"--set"}, "--encoder " + joined(o.encoders, ",") + ": log-mel alone has settings");
  check_options(o);
  VideoList videos(tool.options().input, o.videos, tool.meter(), o.id_folders);
  if (as_it_is(tool, o) && videos.at_end()) return;
  video_stages().extract(tool, o, videos);
}

double sampled_fps(const ExtractOptions& o) {
  if (o.fps.empty()) return 0;
  const double value = parse_fraction(o.fps);
  if (!(value > 0) || value > 1000 || !std::isfinite(value))
    throw UsageError("--fps must lie in (0, 1000]: '" + o.fps + "'");
  return value;
}

}  // namespace tal
