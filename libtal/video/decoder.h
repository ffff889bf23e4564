// Sequential decoding (FFmpeg through OpenCV). What was decoded is the truth: frame count and presentation time stamps;
// the container's claims are only reported. Time 0 is the first decoded frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace tal {

// Silences OpenCV's and FFmpeg's own messages and keeps OpenCV's functions on one thread (jobs are videos; FFmpeg
// itself decodes with as many threads as there are cores). Called by VideoDecoder.
void prepare_opencv();

class VideoDecoder {
 public:
  // Error (with the path) when the file is missing, is no regular file, or holds no video that can be decoded.
  explicit VideoDecoder(const std::string& path);
  // A video that is still being made: a file that grows, a device (/dev/video0, or its number), a URL (rtsp://,
  // http://). It ends when nothing came for `patience` seconds, or the other side says so; nobody can tell whether
  // anything is missing. Network cameras often state no frame rate: then it is that of the first time stamps. Error as
  // above.
  VideoDecoder(const std::string& source, double patience);
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  // Decodes the next frame (8-bit BGR) into `frame`, whose buffer is used again when it fits. False at the end.
  bool read(cv::Mat& frame);
  double time() const { return time_; }  // seconds, of the frame read last; strictly increasing, 0 for the first

  std::int64_t frames() const { return frames_; }    // decoded so far
  std::int64_t claimed() const { return claimed_; }  // the container's count, 0 when it makes none
  double fps() const { return fps_; }                // the container's rate, or a live source's measured one
  double duration() const { return frames_ > 0 ? time_ + 1 / fps_ : 0; }  // seconds: the last frame lasts 1 / fps
  std::int64_t repaired() const {
    return repaired_;
  }  // frames without a usable time stamp: placed one step behind the one before
  double deviation() const { return deviation_; }  // seconds: largest |time - k / fps|, 0 for a constant rate

  // Ends the video behind that many frames.
  void limit(std::int64_t frames) { limit_ = frames; }

  // After the end: what is missing of the frames that the container promises. Up to four frames and 1 % are common in
  // intact files.
  struct Damage {
    bool found = false;
    std::int64_t good = 0;  // frames before the damage
    std::string message;    // with the last good time stamp
  };
  Damage damage() const;

 private:
  struct Private;
  std::unique_ptr<Private> p_;
  // Leaps of the time stamps over frames that were not decoded: how often, how many frames, and the first that is
  // longer than a few.
  struct Holes {
    std::int64_t count = 0, missing = 0, before = 0;  // before: frames in front of the first long one
    double from = 0, to = 0;                          // seconds, of the first long one
  };
  template <class Open>
  void open(Open how, const char* otherwise);
  void begin(double fps);
  double measure();  // frames a second, by the time stamps of the first frames, which stay to be read
  std::int64_t tolerance() const;
  std::string path_;
  std::int64_t frames_ = 0, claimed_ = 0, repaired_ = 0, limit_ = -1;
  Holes holes_;
  double fps_ = 0, time_ = 0, first_ = 0, step_ = 0, deviation_ = 0;
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
