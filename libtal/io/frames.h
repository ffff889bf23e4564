// Frames of a video as networks that see pixels take them: sampled, shrunk, with optical flow, one byte a value, mapped
// into memory. libtal/video/frame_reader.h makes them from video files; nothing here needs OpenCV.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libtal/io/npy.h"

namespace tal {

// What a model's frames are; kept in its file.
struct FrameContract {
  double fps = 10;                 // sampled frames per second; 0: the video's own rate, every frame
  std::int64_t count = 0;          // > 0: so many frames, evenly over the whole video, whatever fps says
  std::int64_t side = 112;         // pixels
  std::string resize = "square";   // square: side x side pixels; short: the shorter side, the shape stays; stretch:
                                   // width x side
  std::string modalities = "rgb";  // rgb, flow, rgb+flow
  std::string flow = "dis";        // method: block, dis, farneback, tvl1
  std::int64_t width = 0;          // pixels, of stretch
  bool rgb() const { return modalities != "flow"; }
  bool has_flow() const { return modalities != "rgb"; }
  std::int64_t channels() const { return (rgb() ? 3 : 0) + (has_flow() ? 2 : 0); }
  bool operator==(const FrameContract&) const = default;
};

// The part of every frame that a clip shows, perhaps mirrored (the flow's x component changes sign).
struct FrameCrop {
  std::int64_t y = 0, x = 0, height = 0, width = 0;  // pixels
  bool flip = false;
};

// RGB: 0..255. Flow (u, v) from a frame to the next, the last one repeated: kBlankByte + pixels * kFlowScale, +-20
// pixels.
inline constexpr std::uint8_t kBlankByte = 128;  // of frames outside the video: mid grey, no motion
inline constexpr double kFlowScale = 127.0 / 20;

// Safe to use from several threads.
class Frames {
 public:
  // One image of an .npy file [T, H, W, 3 RGB or 2 flow] for each modality. Error when they are of other types or not
  // of one size.
  Frames(std::vector<std::unique_ptr<MappedFile>> images, double fps, double duration);

  std::int64_t count() const { return count_; }
  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  std::int64_t channels() const { return channels_; }
  double fps() const { return fps_; }            // frame k stands for [k, k + 1] / fps seconds
  double duration() const { return duration_; }  // seconds, of the decoded video
  // Frames [first, first + count), cropped: out [count, crop.height, crop.width, channels]. Error for a crop that
  // does not fit.
  void copy(std::int64_t first, std::int64_t count, const FrameCrop& crop, std::uint8_t* out) const;

 private:
  struct Image {
    std::unique_ptr<MappedFile> file;
    const std::uint8_t* values = nullptr;
    std::int64_t channels = 0;
  };
  std::vector<Image> images_;
  std::int64_t count_ = 0, height_ = 0, width_ = 0, channels_ = 0;
  double fps_, duration_;
};

// Where the frames of a video file come from. Programs that read video files set open_frames() of
// libtal/video/frame_reader.h at their start; the others need not link OpenCV for models that they may be given.
using FrameOpener = std::shared_ptr<const Frames> (*)(const std::string& path, const FrameContract& contract,
                                                      const std::string& cache);
void set_frame_opener(FrameOpener opener);
FrameOpener frame_opener();  // nullptr: none

}  // namespace tal
