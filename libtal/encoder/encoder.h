// Feature encoders: they turn windows of a video's sampled frames, or of the sound of the same time, into rows of
// features. libtal/encoder/picture/factory.h makes them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libtal/encoder/encoder_spec.h"
#include "libtal/sound/sound_track.h"

namespace cv {
class Mat;
}

namespace tal {

// One encoder works on one video at a time:
//   reset();
//   for each sampled frame, in order: push(frame), then encode() for each window that is now complete, and release()
//   for the frames that no later window needs; finish().
// Work that several windows share (resizing, optical flow, descriptors of single frames) is done once for each frame.
// An encoder may collect several windows and compute them together, so rows can come later than they are asked for, but
// always in the order of the calls.
// Those that hear (sound_rate() above 0) get hear() after reset() instead of push(); all else is the same, and their
// rows describe the same times: a window's frames k stand for the sound from k / fps to (k + 1) / fps.
class Encoder {
 public:
  virtual ~Encoder() = default;

  virtual std::string name() const = 0;                         // of the feature stream in the record
  virtual std::int64_t dim() const = 0;                         // columns of a row
  virtual const std::vector<std::string>& columns() const = 0;  // their names; empty: they have none
  virtual std::string parameters() const = 0;  // text that changes when anything changes that the values depend on
  virtual std::string weights() const { return ""; }  // "sha256:..." of the file of weights; "": it has none
  virtual bool uses_device() const { return false; }  // whether EncoderOptions::device has an effect
  virtual bool uses_flow() const { return false; }    // whether EncoderOptions::flow has an effect
  virtual bool caches_flow() const { return false; }  // whether the argument of reset() has an effect
  virtual void check_window(std::int64_t) const {}    // UsageError for a window of so many frames that it cannot take

  // Of encoders that hear: samples a second of the sound that they take; 0: it sees pictures.
  virtual std::int64_t sound_rate() const { return 0; }
  // Frames a second that it makes of sound by itself, the samples of a file without pictures; 0: it makes none.
  virtual double sound_frames() const { return 0; }

  // Another encoder with the same settings, so that two videos can be encoded at the same time. Both share the weights.
  virtual std::unique_ptr<Encoder> twin() const = 0;

  // Begins a new video. flow_cache: a folder that keeps the video's optical flow for the next run; "": none.
  virtual void reset(const std::string& flow_cache = "") = 0;
  // The next frame, 8-bit BGR, or where sees_grey() says so small and grey (shrink_grey() of libtal/video/flow.h; BGR
  // is taken too). Its number is the number of calls since reset(), from 0.
  virtual void push(const cv::Mat& frame) = 0;
  virtual void hear(std::shared_ptr<SoundTrack> /*sound*/, double /*fps*/) {}  // fps: sampled frames a second
  virtual bool sees_grey() const { return false; }  // whether colours would only be thrown away
  // Asks for the row of one window. frames: the numbers of its frames, ascending; all are pushed and not released; the
  // last may repeat, to fill up the window. Appends the rows that are ready, of this or earlier calls, to `rows`: dim()
  // numbers each.
  virtual void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) = 0;
  // Appends the rows that are still missing.
  virtual void finish(std::vector<float>&) {}
  // Frames with smaller numbers will not be asked for again.
  virtual void release(std::int64_t before) = 0;
};

}  // namespace tal
