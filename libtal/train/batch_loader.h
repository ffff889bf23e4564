// Batches made ahead by worker threads and handed out in order; the order and content do not depend on the number of
// workers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "libtal/models/core/model.h"

namespace tal {

class BatchLoader {
 public:
  // make(index) for first <= index < end, called from `workers` threads (0: from next() itself). At most 2 * workers +
  // 1 batches wait.
  BatchLoader(std::function<Batch(std::int64_t)> make, std::int64_t first, std::int64_t end, std::int64_t workers);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;
  Batch next();  // rethrows what make() threw for this index

 private:
  struct Result {
    Batch batch;
    std::exception_ptr error;
  };
  void work();
  std::function<Batch(std::int64_t)> make_;
  std::int64_t taken_, wanted_, end_, ahead_;
  bool stop_ = false;
  std::map<std::int64_t, Result> ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace tal
