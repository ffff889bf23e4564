#include "libtal/video/synth_render.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <unistd.h>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>

#include "libtal/base/error.h"
#include "libtal/base/random.h"
#include "libtal/io/jsonl.h"
#include "libtal/video/decoder.h"

namespace tal {
namespace {

constexpr double kPi = 3.14159265358979323846;

struct Pose {
  double x, y, scale;  // in half-extents of the picture, 0 = centre; factor on the shape's size
};

// Where the shape is `t` seconds after an action of `length` seconds began. Every motion begins and ends at the resting
// pose.
Pose moving(const std::string& label, double t, double length) {
  // Whole turns, so that the end meets the beginning; about one a second.
  const double turns = std::max(1.0, std::round(length));
  const double phase = t / length * turns, angle = 2 * kPi * phase;
  if (label == "sweep") return {0.75 * std::sin(angle), 0, 1};
  if (label == "circle") return {0.5 * std::sin(angle), 0.5 * (std::cos(angle) - 1), 1};
  if (label == "bounce") {
    const double part = phase - std::floor(phase);
    return {0, -0.7 * 4 * part * (1 - part), 1};
  }
  if (label == "shake") return {0.18 * std::sin(4 * angle), 0, 1};
  return {0, 0, 1 + 0.9 * 0.5 * (1 - std::cos(angle))};  // grow
}

// The frames of a video: a textured background, a disc that moves as the actions say, noise.
class Scene {
 public:
  explicit Scene(const SynthVideo& video) : video_(video), random_(video.seed ^ 0x5bf0363546294ce7ull) {
    paint_background();
    rest_x_ = random_.uniform(-0.15, 0.15);
    drift_rate_ = random_.uniform(0.3, 0.6);
  }
  // To be asked for frame 0, 1, 2 ..; the picture is overwritten by the next one.
  const cv::Mat& frame(std::int64_t k) {
    const double t = static_cast<double>(k) / video_.options.fps;
    background_.copyTo(frame_);
    draw_disc(pose_at(t), t);
    if (video_.options.noise > 0) add_noise();
    return frame_;
  }

 private:
  void paint_background() {
    const auto& o = video_.options;
    double wave[3][4];
    for (auto& w : wave)
      for (auto& value : w) value = random_.uniform(0.5, 3);
    background_.create(o.height, o.width, CV_8UC3);
    for (int y = 0; y < o.height; ++y)
      for (int x = 0; x < o.width; ++x)
        for (int c = 0; c < 3; ++c) {
          const double s = 2 * kPi * x / o.width, t = 2 * kPi * y / o.height;
          const double value =
              110 + 30 * std::sin(wave[c][0] * s + wave[c][1]) + 30 * std::sin(wave[c][2] * t + wave[c][3]);
          background_.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(std::lround(value));
        }
  }

  Pose pose_at(double t) {
    const auto& actions = video_.annotations;
    while (next_ < actions.size() && t >= actions[next_].segment.end - 1e-9) ++next_;
    if (next_ == actions.size() || t < actions[next_].segment.start - 1e-9) return {0, 0, 1};
    return moving(actions[next_].label, t - actions[next_].segment.start, actions[next_].segment.length());
  }

  void draw_disc(const Pose& pose, double t) {
    const auto& o = video_.options;
    const double drift = o.rest_motion * 0.5 * std::sin(2 * kPi * drift_rate_ * t);
    const double cx = (1 + rest_x_ + 0.7 * pose.x + 0.3 * drift) * o.width / 2,
                 cy = (1 + kRestY + 0.6 * pose.y) * o.height / 2;
    const double r = 0.11 * std::min(o.width, o.height) * pose.scale;
    for (int y = std::max(0, static_cast<int>(cy - r)); y < std::min<double>(o.height, cy + r + 1); ++y)
      for (int x = std::max(0, static_cast<int>(cx - r)); x < std::min<double>(o.width, cx + r + 1); ++x) {
        const double dx = (x - cx) / r, dy = (y - cy) / r;
        if (dx * dx + dy * dy > 1) continue;
        // A checkered disc: texture that the flow can hold on to.
        const bool dark = (static_cast<int>(std::floor(dx * 2)) + static_cast<int>(std::floor(dy * 2))) & 1;
        frame_.at<cv::Vec3b>(y, x) = dark ? cv::Vec3b(20, 30, 200) : cv::Vec3b(240, 240, 250);
      }
  }

  void add_noise() {
    for (int y = 0; y < frame_.rows; ++y) {
      auto* row = frame_.ptr<std::uint8_t>(y);
      for (int x = 0; x < 3 * frame_.cols; ++x) {
        // Sum of four bytes: close to normal, standard deviation 147.8.
        const std::uint64_t bits = random_.bits();
        const double normal =
            (static_cast<double>((bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + ((bits >> 24) & 255)) -
             510) /
            147.8;
        row[x] = static_cast<std::uint8_t>(
            std::clamp(static_cast<int>(std::lround(row[x] + video_.options.noise * normal)), 0, 255));
      }
    }
  }

  static constexpr double kRestY = 0.1;
  const SynthVideo& video_;
  SplitMix64 random_;
  cv::Mat background_, frame_;
  double rest_x_ = 0, drift_rate_ = 0;
  std::size_t next_ = 0;  // action
};

void write_frames(const std::string& file, const std::string& name, const SynthVideo& video) {
  const auto& o = video.options;
  const bool avi = std::filesystem::path(file).extension() == ".avi";
  cv::VideoWriter writer;
  try {
    const cv::Size size(o.width, o.height);
    if (avi) writer.open(file, cv::CAP_OPENCV_MJPEG, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), o.fps, size);
    else writer.open(file, cv::CAP_FFMPEG, cv::VideoWriter::fourcc('m', 'p', '4', 'v'), o.fps, size);
  } catch (const cv::Exception&) {
  }
  if (!writer.isOpened())
    throw Error("'" + name + "': cannot write a video there" +
                (avi ? "" : " (MPEG-4 needs an OpenCV with FFmpeg; .avi does not)"));
  Scene scene(video);
  for (std::int64_t k = 0; k < video.frames; ++k) writer.write(scene.frame(k));
}

// A full disk shows only here: the writer reports nothing.
void require_frames(const std::string& file, const std::string& name, std::int64_t frames) {
  VideoDecoder decoder(file);
  cv::Mat image;
  while (decoder.read(image)) {
  }
  if (decoder.frames() != frames)
    throw Error("'" + name + "': " + std::to_string(decoder.frames()) + " of " + std::to_string(frames) +
                " frames were written (disk full?)");
}

}  // namespace

void write_video(const std::string& path, const SynthVideo& video) {
  check_options(video.options);
  const std::string extension = std::filesystem::path(path).extension();
  if (extension != ".avi" && extension != ".mp4")
    throw Error("'" + path + "': synthetic videos are Motion JPEG in .avi or MPEG-4 in .mp4, not '" + extension + "'");
  prepare_opencv();
  // The writer chooses the container by extension, so the temporary name keeps it.
  const std::string temporary = path + ".tmp" + std::to_string(::getpid()) + extension;
  struct Remover {
    std::string path;
    ~Remover() {
      std::error_code ignored;
      if (!path.empty()) std::filesystem::remove(path, ignored);
    }
  } remover{temporary};
  write_frames(temporary, path, video);
  require_frames(temporary, path, video.frames);
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) throw Error("'" + path + "': " + error.message());
  remover.path.clear();
}

}  // namespace tal
