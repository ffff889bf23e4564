// Sequential decoding (FFmpeg; cameras through OpenCV). What was decoded is the truth: frame count and presentation
// time stamps; the container's claims are only compared. Time 0 is the first decoded frame.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "libtal/video/decode_options.h"
#include "libtal/video/stamp_rate.h"

namespace tal {

// Silences OpenCV's own messages and keeps its functions on one thread (jobs are videos). Called by VideoDecoder.
void prepare_opencv();

class MediaReader;
struct MediaFindings;

// UsageError when this FFmpeg has no such kind of device, or none can be opened here; it names those of this FFmpeg.
void check_hwaccel(const std::string& name);

class VideoDecoder {
 public:
  // Error (with the path) when the file is missing, is a folder, or holds no video that can be decoded.
  explicit VideoDecoder(const std::string& path, const DecodeOptions& options = {});
  // A video that is still being made: a file that grows, a device (/dev/video0, or its number), a URL (rtsp://,
  // http://). It ends when nothing came for `patience` seconds, or the other side says so; nobody can tell whether
  // anything is missing. Network cameras often state no frame rate: then it is that of the first time stamps. Error as
  // above.
  VideoDecoder(const std::string& source, double patience, const DecodeOptions& options = {});
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  // Decodes the next frame into `picture`, whose buffers are used again when they fit. False at the end.
  bool read(VideoPicture& picture);
  bool read(cv::Mat& bgr);               // the same, of a decoder whose options ask for BGR
  double time() const { return time_; }  // seconds, of the frame read last; strictly increasing, 0 for the first

  double zero() const { return first_; }  // seconds on the file's own clock where time 0 is; once a frame is read

  std::int64_t frames() const { return frames_; }    // decoded so far
  std::int64_t claimed() const { return claimed_; }  // the container's count, or of its duration; 0: it states none
  std::int64_t claimed_count() const;                // the container's own count; 0: it states none
  double claimed_duration() const;  // seconds, of the container, from the video's first picture on; 0: none
  // The container's rate, or the measured one where it states none. After the end of a file whose time stamps tell
  // another constant one: theirs.
  double fps() const { return fps_; }
  double duration() const;  // seconds: the last frame lasts 1 / fps, at a variable rate what its container says
  double deviation() const { return deviation_; }  // seconds: largest |time - k / fps|, 0 for a constant rate
  // Whether the codec has one thread: what it makes of damaged pictures may depend on their number.
  bool single() const { return options_.threads == 1; }

  // Ends the video behind that many frames.
  void limit(std::int64_t frames) { limit_ = frames; }

  // Whether the rate varies, by more than a frame or half a second.
  bool varies() const;

  // After the end: what is missing of the frames that the container promises. Up to four frames and 1 % are common in
  // intact files. A pause of the time stamps alone is no damage, but where something shows that pictures are missing.
  struct Damage {
    bool found = false;
    std::int64_t good = 0;  // frames that can be trusted: those before the damage; all, where losses lie scattered
    std::string message;    // with the last good time stamp
  };
  Damage damage() const;
  // After the end: pictures in which the codec found errors, which it hides as well as it can.
  std::int64_t damaged() const;

  // After the end, about a video that is kept: what else a user has to know, one line each without its name.
  // Warnings: values are not what they seem. Notes: what the container says otherwise.
  std::vector<std::string> warnings() const;
  std::vector<std::string> notes() const;

 private:
  class Source;
  class FileSource;
  class CameraSource;
  class HeldSource;
  struct Hole {
    std::int64_t before = 0;  // frames in front of it
    double from = 0, to = 0;  // seconds
  };
  // Leaps of the time stamps over frames that were not decoded: how often, how many frames, and those that are longer
  // than a few.
  struct Holes {
    std::int64_t count = 0, missing = 0;
    double first = -1;                        // seconds, where the first of any length begins; -1: none
    double longest_from = 0, longest_to = 0;  // seconds
    std::vector<Hole> longer;
  };
  struct Change {
    double at = 0;  // seconds
    std::string what;
  };
  void begin();
  double measure();  // frames a second, by the time stamps of the first frames, which stay to be read
  void place(double stamp, double length);
  void settle_rate();
  bool steady() const;  // whether holes are rare
  bool shows_loss(const Hole& hole, const MediaFindings& found) const;
  std::int64_t expected() const;  // frames, after the end
  std::int64_t tolerance() const;
  double shortfall() const;  // seconds that are missing at the end
  std::string path_;
  DecodeOptions options_;
  std::unique_ptr<MediaReader> media_;  // nullptr: a camera
  std::unique_ptr<Source> source_;
  VideoPicture picture_;
  std::int64_t frames_ = 0, claimed_ = 0, unstamped_ = 0, limit_ = -1;
  Holes holes_;
  Change change_;
  std::optional<StampRate> stamps_;  // of a file
  double stated_fps_ = 0;            // the container's, where the time stamps tell another one
  double fps_ = 0, time_ = 0, first_ = 0, step_ = 0, last_length_ = 0, deviation_ = 0, behind_ = 0;
};

// Constant-rate resampling: sample k is the decoded frame whose time is nearest to k / fps (the earlier one on a tie;
// time stamps carry microseconds, so differences below one count as ties), up to the last time. Fed frame by frame.
class Resampler {
 public:
  explicit Resampler(double fps) : fps_(fps) {}
  // A new frame at `time` (seconds, increasing). Samples that are now decided: `previous` copies of the frame before,
  // then `current` copies of this one.
  struct Decided {
    std::int64_t previous = 0, current = 0;
  };
  Decided push(double time);

 private:
  double fps_, last_ = 0;
  std::int64_t next_ = 0;
  bool first_ = true;
};

// The same rule on all times at once, by searching: indices of the chosen frames.
std::vector<std::int64_t> resample(const std::vector<double>& times, double fps);

}  // namespace tal
