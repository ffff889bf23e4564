// Threads that work on items and give them back in the order in which they came.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tal {

// One thread adds and takes; others work. What bounds memory is that the caller takes when size() is large enough.
template <class Item>
class OrderedPool {
 public:
  // make_worker() is called once in each thread; what it returns is called with one item after the other. With fewer
  // than two threads there are none, and add() does the work.
  template <class MakeWorker>
  OrderedPool(int threads, MakeWorker make_worker) {
    if (threads < 2) {
      here_ = make_worker();
      return;
    }
    try {
      for (int i = 0; i < threads; ++i) threads_.emplace_back([this, make_worker] { run(make_worker()); });
    } catch (...) {
      end();
      throw;
    }
  }
  ~OrderedPool() { end(); }
  OrderedPool(const OrderedPool&) = delete;
  OrderedPool& operator=(const OrderedPool&) = delete;

  void add(std::unique_ptr<Item> item) {
    order_.push_back(std::make_unique<Slot>(std::move(item)));
    if (here_) return work(here_, *order_.back());
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(order_.back().get());
    }
    ready_.notify_one();
  }
  std::size_t size() const { return order_.size(); }
  bool empty() const { return order_.empty(); }
  // The oldest item, once it is done. What the worker threw is thrown here.
  std::unique_ptr<Item> take() {
    const auto slot = std::move(order_.front());
    order_.pop_front();
    {
      std::unique_lock lock(mutex_);
      finished_.wait(lock, [&] { return slot->done; });
    }
    if (slot->broken) std::rethrow_exception(slot->broken);
    return std::move(slot->item);
  }

 private:
  struct Slot {
    explicit Slot(std::unique_ptr<Item> given) : item(std::move(given)) {}
    std::unique_ptr<Item> item;
    bool done = false;
    std::exception_ptr broken;
  };

  template <class Worker>
  void work(Worker& worker, Slot& slot) {
    try {
      worker(*slot.item);
    } catch (...) {
      slot.broken = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      slot.done = true;
    }
    finished_.notify_one();
  }
  template <class Worker>
  void run(Worker worker) {
    while (Slot* slot = next()) work(worker, *slot);
  }
  // nullptr when there will be none.
  Slot* next() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return nullptr;
    Slot* slot = waiting_.front();
    waiting_.pop_front();
    return slot;
  }
  // Items that nobody has begun are dropped.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      waiting_.clear();
    }
    ready_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::function<void(Item&)> here_;
  std::mutex mutex_;
  std::condition_variable ready_, finished_;
  std::deque<Slot*> waiting_;
  std::deque<std::unique_ptr<Slot>> order_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tal
