#include "libtal/video/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/videoio.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {
namespace {

constexpr double kTie = 1e-6;  // seconds
constexpr double kMostFps = 1000;
constexpr const char* kNoFile = "0 frames; damaged, cut off before its index, or not a video";
constexpr std::size_t kMeasured = 16;  // frames whose time stamps tell the rate of a live source that states none

// Frames a second from time stamps: the mean step, without those that leap over frames. 0: they do not tell.
double rate_of(const std::vector<double>& stamps) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < stamps.size(); ++i)
    if (const double step = stamps[i] - stamps[i - 1]; step > 1 / kMostFps) steps.push_back(step);
  if (steps.empty()) return 0;
  std::sort(steps.begin(), steps.end());
  steps.erase(std::upper_bound(steps.begin(), steps.end(), 1.5 * steps[steps.size() / 2]), steps.end());
  return static_cast<double>(steps.size()) / std::accumulate(steps.begin(), steps.end(), 0.0);
}

// Whether OpenCV could do something; some of its failures are exceptions.
template <class Work>
bool worked(Work work) {
  try {
    return work();
  } catch (const cv::Exception&) {
    return false;
  }
}

}  // namespace

void prepare_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Read by OpenCV's FFmpeg back end when the first video is opened; a user's own setting wins.
    ::setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::setNumThreads(1);
  });
}

struct VideoDecoder::Private {
  cv::VideoCapture capture;
  struct Held {
    cv::Mat frame;
    double stamp;  // seconds
  };
  std::deque<Held> held;  // decoded for the rate, not yet read
  bool decode(cv::Mat& frame, double& stamp) {
    if (!capture.read(frame) || frame.empty()) return false;
    stamp = capture.get(cv::CAP_PROP_POS_MSEC) / 1000;
    return true;
  }
  bool next(cv::Mat& frame, double& stamp) {
    if (held.empty()) return decode(frame, stamp);
    frame = std::move(held.front().frame), stamp = held.front().stamp;
    held.pop_front();
    return true;
  }
};

VideoDecoder::VideoDecoder(const std::string& path) : p_(std::make_unique<Private>()), path_(path) {
  prepare_opencv();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_errno(path, errno);
  ::close(fd);
  if (std::filesystem::is_directory(path)) throw_errno(path, EISDIR);
  open([&] { return p_->capture.open(path, cv::CAP_FFMPEG); }, kNoFile);
  begin(p_->capture.get(cv::CAP_PROP_FPS));
  const double claimed = p_->capture.get(cv::CAP_PROP_FRAME_COUNT);
  claimed_ = claimed > 0 && claimed < 1e12 ? static_cast<std::int64_t>(claimed) : 0;
}

VideoDecoder::VideoDecoder(const std::string& source, double patience)
    : p_(std::make_unique<Private>()), path_(source) {
  prepare_opencv();
  const int milliseconds = static_cast<int>(std::lround(1000 * patience));
  const std::vector<int> timeouts = {cv::CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv::CAP_PROP_READ_TIMEOUT_MSEC,
                                     milliseconds};
  // Read by OpenCV's FFmpeg back end whenever it opens something; at the end of a file FFmpeg then waits for more. A
  // user's own setting wins.
  if (std::filesystem::is_regular_file(source)) ::setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "follow;1", 0);
  const bool number =
      !source.empty() && source.find_first_not_of("0123456789") == std::string::npos && source.size() < 4;
  open(
      [&] {
        if (number) return p_->capture.open(std::stoi(source));
        return source.starts_with("/dev/") ? p_->capture.open(source, cv::CAP_ANY)
                                           : p_->capture.open(source, cv::CAP_FFMPEG, timeouts);
      },
      source.find("://") == std::string::npos ? kNoFile
                                              : "nothing answers there within the patience, or it sends no video");
  const double stated = p_->capture.get(cv::CAP_PROP_FPS);
  begin(stated > 0 && stated <= kMostFps ? stated : measure());
}

template <class Open>
void VideoDecoder::open(Open how, const char* otherwise) {
  if (!worked(how)) throw Error("'" + path_ + "': no video that can be decoded (" + otherwise + ")");
}

void VideoDecoder::begin(double fps) {
  if (!(fps > 0) || fps > kMostFps) throw Error("'" + path_ + "': the container states no frame rate");
  fps_ = fps;
  step_ = 1 / fps;
}

double VideoDecoder::measure() {
  std::vector<double> stamps;
  Private::Held held;
  while (stamps.size() < kMeasured && worked([&] { return p_->decode(held.frame, held.stamp); })) {
    stamps.push_back(held.stamp);
    p_->held.push_back(std::exchange(held, {}));
  }
  return rate_of(stamps);
}

VideoDecoder::~VideoDecoder() = default;

bool VideoDecoder::read(cv::Mat& frame) {
  if (frames_ == limit_) return false;
  double stamp = 0;
  try {
    if (!p_->next(frame, stamp)) return false;
  } catch (const cv::Exception& error) {
    throw Error("'" + path_ + "': decoding failed after " + format_number(time_) + " s: " + error.err);
  }
  if (frames_ == 0) {
    first_ = std::isfinite(stamp) ? stamp : 0;
  } else {
    // Frames that leave the decoder after the last packet (reordering delay) carry no time stamp.
    const double next = stamp - first_;
    if (std::isfinite(next) && next > time_ + kTie) {
      if (const auto missing = std::llround((next - time_) * fps_) - 1; missing > 0) {
        ++holes_.count, holes_.missing += missing;
        if (holes_.before == 0 && missing > tolerance()) holes_.before = frames_, holes_.from = time_, holes_.to = next;
      }
      step_ = next - time_;
      time_ = next;
    } else {
      time_ += step_;
      ++repaired_;
    }
  }
  deviation_ = std::max(deviation_, std::abs(time_ - static_cast<double>(frames_) / fps_));
  ++frames_;
  return true;
}

std::int64_t VideoDecoder::tolerance() const { return std::max<std::int64_t>(4, claimed_ / 100); }

VideoDecoder::Damage VideoDecoder::damage() const {
  if (frames_ > 0 && claimed_ == 0) return {};
  const auto message = [&](const std::string& what, double last) {
    char text[160];
    std::snprintf(text, sizeof text, "last good time stamp %.3f s, %lld of %lld frames decoded", last,
                  static_cast<long long>(frames_), static_cast<long long>(claimed_));
    return "'" + path_ + "': " + what + ": " + text;
  };
  // A hole in a stream of otherwise constant rate, as long as what the container misses. At a variable rate, holes are
  // no fault.
  const bool steady = holes_.count <= 1 + frames_ / 100;
  if (holes_.before > 0 && steady && claimed_ - frames_ > std::max(tolerance(), holes_.missing / 2)) {
    char gap[80];
    std::snprintf(gap, sizeof gap, "corrupt: no frame between %.3f and %.3f s", holes_.from, holes_.to);
    return {true, holes_.before, message(gap, holes_.from)};
  }
  // In time, not in frames: at a variable rate the container's count is only its duration times its mean rate.
  const double promised = static_cast<double>(claimed_) / fps_;
  if (frames_ > 0 && promised - duration() <= std::max(4 / fps_, 0.01 * promised)) return {};
  return {true, frames_, message("truncated or corrupt", time_)};
}

Resampler::Decided Resampler::push(double time) {
  Decided decided;
  while (static_cast<double>(next_) / fps_ <= time + kTie) {
    const double target = static_cast<double>(next_) / fps_;
    if (!first_ && target - last_ <= time - target + kTie) ++decided.previous;
    else ++decided.current;
    ++next_;
  }
  first_ = false;
  last_ = time;
  return decided;
}

std::vector<std::int64_t> resample(const std::vector<double>& times, double fps) {
  std::vector<std::int64_t> out;
  if (times.empty()) return out;
  for (std::int64_t k = 0; static_cast<double>(k) / fps <= times.back() + kTie; ++k) {
    const double target = static_cast<double>(k) / fps;
    std::int64_t best = 0;
    for (std::size_t i = 1; i < times.size(); ++i)
      if (std::abs(times[i] - target) < std::abs(times[static_cast<std::size_t>(best)] - target) - kTie)
        best = static_cast<std::int64_t>(i);
    out.push_back(best);
  }
  return out;
}

}  // namespace tal
