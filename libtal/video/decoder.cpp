#include "libtal/video/decoder.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <utility>

#include <unistd.h>

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/videoio.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/video/flow.h"
#include "libtal/video/media_reader.h"
#include "libtal/video/picture_maker.h"

namespace tal {
namespace {

constexpr double kTie = 1e-6;  // seconds
constexpr double kMostFps = 100000;
constexpr std::size_t kMeasured = 16;  // frames whose time stamps tell the rate of a video that states none
constexpr double kApart = 0.1;         // seconds that a start may be off before it is worth a word: what lips show
constexpr double kHole = 2;            // seconds without a picture
constexpr double kNear = 1;            // seconds around a hole in which what shows a loss is of that loss
constexpr std::size_t kMostHoles = 10000;
constexpr double kLonger = 0.5;     // seconds that sound may go on
constexpr double kRounded = 0.001;  // seconds by which time stamps are off that have been in a file of milliseconds
constexpr double kBack = 0.25;      // seconds that time stamps may run back where recordings were joined

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

// Whether pictures share time stamps, more of them than reordering explains: the clock is too coarse for their rate.
bool share_ticks(std::vector<double> stamps) {
  std::sort(stamps.begin(), stamps.end());
  std::size_t same = 0;
  for (std::size_t i = 1; i < stamps.size(); ++i) same += stamps[i] - stamps[i - 1] < kTie;
  return same > stamps.size() / 4;
}

std::string seconds_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", value);
  return text;
}

std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos && text.size() < 4;
}

}  // namespace

void prepare_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    const LibavMessages silence;  // FFmpeg's messages go there from now on, those of OpenCV's writer too
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::setNumThreads(1);
  });
}

// Where pictures come from. Times are seconds on the source's own clock; NaN: the picture has no time stamp.
class VideoDecoder::Source {
 public:
  virtual ~Source() = default;
  virtual bool next(VideoPicture& picture, double& stamp, double& length) = 0;
  virtual double fps() const = 0;                    // stated; 0: none
  virtual std::string change() const { return ""; }  // of the picture given last, against the first
  virtual std::string remark() const { return ""; }  // about all of them, for a warning
};

class VideoDecoder::FileSource : public Source {
 public:
  FileSource(MediaReader& media, const std::string& path, const DecodeOptions& options)
      : media_(media), path_(path), maker_(options, turn()) {}
  bool next(VideoPicture& picture, double& stamp, double& length) override {
    const AVFrame* frame = media_.next();
    if (!frame) return false;
    try {
      maker_.make(*frame, picture);
    } catch (Error& error) {
      throw error.in_file(path_);
    }
    stamp = media_.stamp(*frame), length = media_.length(*frame);
    return true;
  }
  double fps() const override { return media_.claims().fps; }
  std::string change() const override { return maker_.change(); }
  std::string remark() const override {
    return exact_ ? "" : "its display matrix is no quarter turn: the pictures are taken as they were coded";
  }

 private:
  PictureTurn turn() {
    const auto* matrix = media_.display_matrix();
    return matrix ? turn_of(matrix, exact_) : PictureTurn{};
  }
  MediaReader& media_;
  std::string path_;
  bool exact_ = true;
  PictureMaker maker_;
};

// A device (Video4Linux and whatever else OpenCV was built with).
class VideoDecoder::CameraSource : public Source {
 public:
  CameraSource(const std::string& name, const DecodeOptions& options) : options_(options) {
    prepare_opencv();
    bool opened = false;
    try {
      opened = is_number(name) ? capture_.open(std::stoi(name)) : capture_.open(name, cv::CAP_ANY);
    } catch (const cv::Exception&) {
    }
    if (!opened) throw Error("'" + name + "': no video that can be decoded (no camera that OpenCV can open)");
  }
  bool next(VideoPicture& picture, double& stamp, double& length) override {
    cv::Mat& bgr = options_.bgr ? picture.bgr : bgr_;
    if (!capture_.read(bgr) || bgr.empty()) return false;
    if (options_.grey) shrink_grey(bgr, shrink_factor(bgr.size()), picture.grey);
    stamp = capture_.get(cv::CAP_PROP_POS_MSEC) / 1000, length = 0;
    return true;
  }
  double fps() const override { return capture_.get(cv::CAP_PROP_FPS); }

 private:
  DecodeOptions options_;
  cv::VideoCapture capture_;
  cv::Mat bgr_;
};

// Pictures that were decoded to measure the rate, then the rest.
class VideoDecoder::HeldSource : public Source {
 public:
  explicit HeldSource(std::unique_ptr<Source> rest) : rest_(std::move(rest)) {}
  bool next(VideoPicture& picture, double& stamp, double& length) override {
    if (held_.empty()) {
      if (!rest_->next(picture, stamp, length)) return false;
      change_ = rest_->change();
      return true;
    }
    Held& first = held_.front();
    picture = std::move(first.picture), stamp = first.stamp, length = first.length, change_ = std::move(first.change);
    held_.pop_front();
    return true;
  }
  double fps() const override { return rest_->fps(); }
  std::string change() const override { return change_; }
  std::string remark() const override { return rest_->remark(); }
  std::vector<double> hold(std::size_t count) {
    std::vector<double> stamps;
    for (Held one; stamps.size() < count && rest_->next(one.picture, one.stamp, one.length); one = {}) {
      one.change = rest_->change();
      stamps.push_back(one.stamp);
      held_.push_back(std::move(one));
    }
    return stamps;
  }

 private:
  struct Held {
    VideoPicture picture;
    double stamp = 0, length = 0;
    std::string change;
  };
  std::unique_ptr<Source> rest_;
  std::deque<Held> held_;
  std::string change_;
};

VideoDecoder::VideoDecoder(const std::string& path, const DecodeOptions& options) : path_(path), options_(options) {
  prepare_opencv();
  if (!check_readable(path)) options_.threads = 1;  // a pipe cannot be read once more when something in it is damaged
  media_ = std::make_unique<MediaReader>(path, 0, options_);
  source_ = std::make_unique<FileSource>(*media_, path_, options_);
  begin();
  const auto& claims = media_->claims();
  stamps_.emplace(std::max(media_->tick(), kRounded));
  claimed_ = claims.count > 0 ? claims.count : std::llround(std::max(0.0, claims.end - claims.zero) * fps_);
}

VideoDecoder::VideoDecoder(const std::string& source, double patience, const DecodeOptions& options)
    : path_(source), options_(options) {
  prepare_opencv();
  options_.threads = 1;
  std::error_code unknown;
  if (is_number(source) || (source.starts_with("/dev/") && std::filesystem::is_character_file(source, unknown))) {
    source_ = std::make_unique<CameraSource>(source, options_);
  } else {
    if (source.find("://") == std::string::npos && ::access(source.c_str(), R_OK) != 0) throw_errno(source, errno);
    media_ = std::make_unique<MediaReader>(source, patience, options_);
    source_ = std::make_unique<FileSource>(*media_, path_, options_);
  }
  begin();
}

VideoDecoder::~VideoDecoder() = default;

void VideoDecoder::begin() {
  fps_ = source_->fps();
  // A rate that is the clock's own (1000, 90000) was made of it where none is stated.
  const bool clock = media_ && media_->rate_is_clock();
  if (const double measured = fps_ > 0 && !clock ? 0 : measure(); measured > 0) fps_ = measured;
  if (!(fps_ > 0)) throw Error("'" + path_ + "': the container states no frame rate, and its time stamps tell none");
  if (fps_ > kMostFps)
    throw Error("'" + path_ + "': " + format_number(fps_) + " frames a second; at most " + format_number(kMostFps) +
                " are read");
  step_ = 1 / fps_;
}

double VideoDecoder::measure() {
  auto held = std::make_unique<HeldSource>(std::move(source_));
  const auto stamps = held->hold(kMeasured);
  if (share_ticks(stamps))
    throw Error("'" + path_ + "': several pictures share one tick of the container's clock (" +
                format_number(held->fps()) + " a second): their times cannot be told apart");
  source_ = std::move(held);
  return rate_of(stamps);
}

bool VideoDecoder::read(cv::Mat& bgr) {
  cv::swap(picture_.bgr, bgr);
  const bool more = read(picture_);
  cv::swap(picture_.bgr, bgr);
  return more;
}

bool VideoDecoder::read(VideoPicture& picture) {
  double stamp = 0, length = 0;
  try {
    if (frames_ == limit_ || !source_->next(picture, stamp, length)) {
      settle_rate();
      return false;
    }
  } catch (const cv::Exception& error) {
    throw Error("'" + path_ + "': decoding failed after " + format_number(time_) + " s: " + error.err);
  }
  place(stamp, length);
  if (change_.what.empty())
    if (auto what = source_->change(); !what.empty()) change_ = {time_, std::move(what)};
  return true;
}

// The frame's time: its time stamp, or one step behind the frame before.
void VideoDecoder::place(double stamp, double length) {
  if (frames_ == 0) {
    first_ = std::isfinite(stamp) ? stamp : 0;
  } else if (const double next = stamp - first_; next > time_ + kTie) {
    if (const auto missing = std::llround((next - time_) * fps_) - 1; missing > 0) {
      if (holes_.count == 0) holes_.first = time_;
      ++holes_.count, holes_.missing += missing;
      if (next - time_ > holes_.longest_to - holes_.longest_from) holes_.longest_from = time_, holes_.longest_to = next;
      if (missing > tolerance() && holes_.longer.size() < kMostHoles) holes_.longer.push_back({frames_, time_, next});
    }
    step_ = next - time_;
    time_ = next;
  } else {
    time_ += step_;
    if (std::isfinite(next)) behind_ = std::max(behind_, time_ - next);
    else ++unstamped_;
  }
  if (frames_ > 0 && stamps_) stamps_->add(time_);
  last_length_ = length;
  deviation_ = std::max(deviation_, std::abs(time_ - static_cast<double>(frames_) / fps_));
  ++frames_;
}

// What is presented when is told by time stamps; a container's rate may be a mean over a last picture of another
// length, or was left from before the stamps were changed.
void VideoDecoder::settle_rate() {
  constexpr double kOff = 0.1;  // frames
  if (!stamps_ || unstamped_ > 0 || behind_ > 0 || deviation_ * fps_ < kOff || !stamps_->constant()) return;
  stated_fps_ = fps_, fps_ = stamps_->rate();
  deviation_ = 0, holes_ = {};
}

std::int64_t VideoDecoder::claimed_count() const { return media_ && media_->claims().counted ? claimed_ : 0; }

double VideoDecoder::claimed_duration() const {
  return media_ ? std::max(0.0, media_->claims().end - media_->claims().begin) : 0;
}

double VideoDecoder::duration() const {
  if (frames_ == 0) return 0;
  const double step = 1 / fps_;
  if (!media_) return time_ + step;
  const auto& claims = media_->claims();
  const double end = media_->findings().jumps == 0 ? claims.end - first_ - time_ : 0;
  if (!varies()) {
    const double rest = claims.end - claims.begin - time_;
    const bool longer = stated_fps_ > 0 && end > 1.5 * step && std::abs(end - 1 / stated_fps_) > kRounded;
    return time_ + (claims.own && (longer || std::abs(rest - step) < 2 * claims.tick) ? rest : step);
  }
  if (const double last = media_->findings().last_length; last > 0)
    return time_ + (std::abs(last - end) < kTie ? end : last);
  // A packet's own length is that of the order of decoding, so the stream's end comes first where it is near.
  if (claims.own && end > 0 && end <= 2 * std::max(last_length_, step)) return time_ + end;
  return time_ + (last_length_ > 0 ? last_length_ : step);
}

bool VideoDecoder::varies() const {
  constexpr double kFrames = 1.5, kSeconds = 0.5;  // the latter of slide shows, whose frames are long
  return deviation_ > std::min(kFrames / fps_, kSeconds);
}

std::int64_t VideoDecoder::expected() const {
  if (!media_) return 0;
  const auto& claims = media_->claims();
  const auto found = media_->findings();
  if (claims.count > 0 && found.jumps == 0 && (claims.counted || stated_fps_ == 0))
    return std::max<std::int64_t>(0, claims.count - found.undecoded);
  return std::llround(duration() * fps_);
}

std::int64_t VideoDecoder::tolerance() const { return std::max<std::int64_t>(4, claimed_ / 100); }

double VideoDecoder::shortfall() const {
  if (!media_) return 0;
  const auto& claims = media_->claims();
  const auto found = media_->findings();
  if (found.jumps > 0) return 0;  // of one clock
  if (claims.end <= 0 || (found.all_indexed && found.damaged == 0)) return found.broken && claims.end <= 0 ? 1e9 : 0;
  const double last = first_ + duration();
  return claims.end - (claims.own ? last : std::max(last, found.end));
}

std::int64_t VideoDecoder::damaged() const { return media_ ? media_->findings().damaged : 0; }

// At a variable rate, holes are no fault.
bool VideoDecoder::steady() const { return holes_.count <= 1 + frames_ / 100; }

bool VideoDecoder::shows_loss(const Hole& hole, const MediaFindings& found) const {
  const auto lost = found.packets - found.undecoded - frames_;
  const auto promised = media_->claims().counted ? expected() - frames_ : 0;
  if (std::max(lost, promised) > std::max(tolerance(), holes_.missing / 2)) return true;
  if (media_->claims().counted && std::max(lost, promised) <= 0) return false;  // all are there
  // What codecs with several threads tell, they tell late: then anything counts, until one thread has looked.
  const auto near = [&](double at) {
    return !single() || (at - first_ > hole.from - kNear && at - first_ < hole.to + kNear);
  };
  // A long hole between a torn picture and a key picture is where recordings were joined.
  return std::any_of(found.losses.begin(), found.losses.end(), near) ||
         (hole.to - hole.from < kHole && std::any_of(found.restarts.begin(), found.restarts.end(), near));
}

VideoDecoder::Damage VideoDecoder::damage() const {
  if (!media_) return {};
  const auto found = media_->findings();
  const auto whole = std::max(expected(), frames_);
  const std::string& cut = media_->claims().file_end;
  const auto message = [&](const std::string& what, double last) {
    const auto all = std::max(whole, frames_ == 0 ? claimed_ : 0);
    const std::string& why = cut.empty() ? found.message : cut;
    return "'" + path_ + "': " + what + ": last good time stamp " + seconds_text(last) + ", " +
           std::to_string(frames_) + (cut.empty() || all > frames_ ? " of " + std::to_string(all) : "") +
           " frames decoded" + (why.empty() ? "" : " (" + why + ")");
  };
  if (frames_ == 0 && cut.empty() && found.packets == 0 && !found.broken)
    return {true, 0,
            "'" + path_ + "': " +
                (found.hidden > 0 ? "its edit list hides all of its pictures"
                 : whole > 0      ? "it holds none of the " + counted(whole, "picture") + " that its header counts"
                                  : "it holds no pictures")};
  if (frames_ == 0) return {true, 0, message("truncated or corrupt", 0)};
  const auto hole =
      std::find_if(holes_.longer.begin(), holes_.longer.end(), [&](const Hole& one) { return shows_loss(one, found); });
  if (steady() && hole != holes_.longer.end()) {
    const std::string gap = seconds_text(hole->from);
    return {true, hole->before,
            message("corrupt: no frame between " + gap.substr(0, gap.size() - 2) + " and " + seconds_text(hole->to),
                    hole->from)};
  }
  // Packets were lost here and there, or could not be decoded.
  const auto lost = found.packets - found.undecoded - frames_;
  if (holes_.missing > tolerance() && std::max(lost, found.damaged) > tolerance())
    return {true, frames_,
            message("corrupt: " + counted(holes_.missing, "frame") + " missing in " + counted(holes_.count, "place") +
                        ", " + counted(found.damaged, "damaged picture"),
                    holes_.first)};
  // In time, not in frames: at a variable rate the container's count is only its duration times its mean rate.
  const double promised = media_->claims().end - media_->claims().zero;
  if (cut.empty() && shortfall() <= std::max(4 / fps_, 0.01 * promised)) return {};
  return {true, frames_, message("truncated or corrupt", time_)};
}

std::vector<std::string> VideoDecoder::warnings() const {
  std::vector<std::string> out;
  if (const auto remark = source_->remark(); !remark.empty()) out.push_back(remark);
  if (!change_.what.empty())
    out.push_back("its pictures change " + change_.what + " at " + seconds_text(change_.at) +
                  ": they are taken in the first form");
  if (holes_.longest_to - holes_.longest_from > kHole || (!holes_.longer.empty() && steady()))
    out.push_back("it has no picture between " + seconds_text(holes_.longest_from) + " and " +
                  seconds_text(holes_.longest_to) +
                  (holes_.count > 1 ? ", the longest of " + std::to_string(holes_.count) + " gaps" : ""));
  if (unstamped_ > tolerance() && unstamped_ + 1 < frames_)
    out.push_back(counted(unstamped_, "picture") + " without a time stamp: each is placed one step behind the last");
  if (behind_ > kBack)
    out.push_back("its time stamps run back by " + seconds_text(behind_) +
                  " (joined recordings?): pictures are placed one step behind the last until they pass it");
  if (!media_) return out;
  const auto& claims = media_->claims();
  const auto found = media_->findings();
  if (found.undecoded > 0 && frames_ > 0)
    out.push_back("its beginning cannot be decoded (" + counted(found.undecoded, "picture") +
                  " before the first key picture, or more): time 0 is the first that can" +
                  (unstamped_ + 1 == frames_
                       ? ""
                       : ", " + seconds_text(first_ - std::min(claims.zero, found.begin)) + " after the file's start"));
  if (found.jumps > 0) out.push_back(jumps_told(found, first_));
  if (found.torn > 0)
    out.push_back("pieces of " + counted(found.torn, "picture") +
                  " are missing in the stream (lost packets, or recordings that are joined there)");
  if (found.damaged > 0)
    out.push_back(counted(found.damaged, "damaged picture") + ", concealed by the decoder" +
                  (found.message.empty() ? "" : " (" + found.message + ")"));
  return out;
}

std::vector<std::string> VideoDecoder::notes() const {
  std::vector<std::string> out;
  if (!media_) return out;
  const auto& claims = media_->claims();
  const auto found = media_->findings();
  if (frames_ > 1 && unstamped_ + 1 == frames_)
    out.push_back("it has no time stamps: its pictures are taken to follow each other " + format_number(fps_) +
                  " times a second");
  if (stated_fps_ > 0)
    out.push_back("the container states " + format_number(std::round(stated_fps_ * 1e6) / 1e6) +
                  " frames a second; its time stamps are those of " + format_number(std::round(fps_ * 1e6) / 1e6) +
                  ", which are taken");
  const auto claimed = claims.slots > 0 ? claims.slots - found.undecoded : expected();
  if (claims.stated && (claims.counted || (!varies() && stated_fps_ == 0)) && claimed != frames_)
    out.push_back("the container claims " + std::to_string(claimed) + " frames, " + std::to_string(frames_) +
                  " were decoded");
  if (claims.streams > 1 && options_.video_stream < 0)
    out.push_back("it has " + std::to_string(claims.streams) + " video streams; number " +
                  std::to_string(claims.chosen) + " is taken (--video-stream)");
  if (const double late = first_ - claims.zero; found.undecoded == 0 && std::abs(late) > kApart)
    out.push_back("the video starts " + seconds_text(std::abs(late)) + (late > 0 ? " after" : " before") +
                  " the file does: time 0 is its first picture");
  if (const double longer = found.end - first_ - duration(); longer > kLonger)
    out.push_back("the file goes on for " + seconds_text(longer) + " behind the last picture");
  return out;
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
