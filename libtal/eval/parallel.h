// A loop over indices in several threads; what each index does must not depend on the others.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tal::eval {

// Calls make_worker() once a thread, and worker(i) for every i < count, in blocks of `block` indices. The first
// exception is rethrown.
template <class MakeWorker>
void parallel_for(std::size_t count, int jobs, std::size_t block, MakeWorker&& make_worker) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&] {
    try {
      auto worker = make_worker();
      for (std::size_t begin; (begin = next.fetch_add(block)) < count;)
        for (std::size_t i = begin; i < begin + block && i < count; ++i) worker(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < jobs && static_cast<std::size_t>(i) * block < count; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tal::eval
