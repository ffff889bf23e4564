#include "libtal/train/batch_loader.h"

namespace tal {

BatchLoader::BatchLoader(std::function<Batch(std::int64_t)> make, std::int64_t first, std::int64_t end,
                         std::int64_t workers)
    : make_(std::move(make)), taken_(first), wanted_(first), end_(end), ahead_(2 * workers + 1) {
  for (std::int64_t i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
}

BatchLoader::~BatchLoader() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void BatchLoader::work() {
  torch::NoGradGuard no_grad;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || taken_ == end_ || taken_ < wanted_ + ahead_; });
    if (stop_ || taken_ == end_) return;
    const std::int64_t index = taken_++;
    lock.unlock();
    Result result;
    try {
      result.batch = make_(index);
    } catch (...) {
      result.error = std::current_exception();
    }
    lock.lock();
    ready_.emplace(index, std::move(result));
    changed_.notify_all();
  }
}

Batch BatchLoader::next() {
  if (threads_.empty()) {
    torch::NoGradGuard no_grad;
    return make_(wanted_++);
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_.count(wanted_) > 0; });
  Result result = std::move(ready_.at(wanted_));
  ready_.erase(wanted_++);
  lock.unlock();
  changed_.notify_all();
  if (result.error) std::rethrow_exception(result.error);
  return std::move(result.batch);
}

}  // namespace tal
