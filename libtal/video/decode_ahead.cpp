#include "libtal/video/decode_ahead.h"

#include <utility>

namespace tal {
namespace {

// Enough to even out frames that take longer; large frames are bounded in bytes.
constexpr std::size_t kFrames = 32, kLeast = 2, kBytes = 32u << 20;
constexpr std::size_t kFew = 8;  // pictures for which it is worth to wake the other thread

}  // namespace

DecodeAhead::DecodeAhead(VideoDecoder& decoder, bool prompt)
    : decoder_(decoder), prompt_(prompt), thread_([this] { decode(); }) {}

bool DecodeAhead::enough() const { return end_ || (prompt_ && !ready_.empty()) || ready_.size() >= kFew || full(); }

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
      bool wake;
      {
        std::lock_guard lock(mutex_);
        ready_.push_back(std::move(item));
        wake = enough();
      }
      if (wake) filled_.notify_one();
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
  bool room;
  {
    std::unique_lock lock(mutex_);
    if (ready_.empty()) filled_.wait(lock, [&] { return enough(); });
    if (!ready_.empty()) {
      Item& item = ready_.front();
      time = item.time;
      std::swap(picture, item.picture);
      free_.push_back(std::move(item.picture));
      ready_.pop_front();
      room = prompt_ || ready_.size() <= kFew;  // the decoder goes on for a few, too
    } else {
      lock.unlock();
      if (thread_.joinable()) thread_.join();
      if (broken_) std::rethrow_exception(broken_);
      return false;
    }
  }
  if (room) room_.notify_one();
  return true;
}

}  // namespace tal
