#include "libtal/video/decode_ahead.h"

#include <utility>

namespace tal {
namespace {

// Enough to even out frames that take longer; large frames are bounded in bytes.
constexpr std::size_t kFrames = 16, kLeast = 2, kBytes = 32u << 20;

}  // namespace

DecodeAhead::DecodeAhead(VideoDecoder& decoder) : decoder_(decoder), thread_([this] { decode(); }) {}

DecodeAhead::~DecodeAhead() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool DecodeAhead::full() const {
  if (ready_.size() < kLeast) return false;
  const auto& picture = ready_.front().picture;
  const auto bytes = [](const cv::Mat& part) { return part.total() * part.elemSize(); };
  return ready_.size() >= kFrames || ready_.size() * (bytes(picture.bgr) + bytes(picture.grey)) >= kBytes;
}

void DecodeAhead::decode() {
  try {
    for (Item item;; item = {}) {
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return stop_ || !full(); });
        if (stop_) return;
        if (!free_.empty()) {
          item.picture = std::move(free_.back());
          free_.pop_back();
        }
      }
      if (!decoder_.read(item.picture)) break;
      item.time = decoder_.time();
      {
        std::lock_guard lock(mutex_);
        ready_.push_back(std::move(item));
      }
      filled_.notify_one();
    }
  } catch (...) {
    broken_ = std::current_exception();
  }
  {
    std::lock_guard lock(mutex_);
    end_ = true;
  }
  filled_.notify_one();
}

bool DecodeAhead::next(cv::Mat& bgr, double& time) {
  cv::swap(last_.bgr, bgr);
  const bool more = next(last_, time);
  cv::swap(last_.bgr, bgr);
  return more;
}

bool DecodeAhead::next(VideoPicture& picture, double& time) {
  {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return end_ || !ready_.empty(); });
    if (!ready_.empty()) {
      Item& item = ready_.front();
      time = item.time;
      std::swap(picture, item.picture);
      free_.push_back(std::move(item.picture));
      ready_.pop_front();
    } else {
      lock.unlock();
      if (thread_.joinable()) thread_.join();
      if (broken_) std::rethrow_exception(broken_);
      return false;
    }
  }
  room_.notify_one();
  return true;
}

}  // namespace tal
