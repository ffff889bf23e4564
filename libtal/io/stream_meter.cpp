#include "libtal/io/stream_meter.h"

#include <algorithm>

namespace tal {
namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

void StreamMeter::wrote(std::string_view bytes) {
  const auto lines = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  const std::lock_guard lock(mutex_);
  counts_.lines_out += lines, counts_.bytes_out += bytes.size();
}

void StreamMeter::add(std::uint64_t records, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_.records_in += records, counts_.bytes_in += bytes;
}

void StreamMeter::begin(Side side) {
  const std::lock_guard lock(mutex_);
  waited_[side].since = Clock::now(), waited_[side].now = true;
}

void StreamMeter::end(Side side) {
  const std::lock_guard lock(mutex_);
  waited_[side].seconds += seconds_since(waited_[side].since), waited_[side].now = false;
}

StreamCounts StreamMeter::counts() const {
  const std::lock_guard lock(mutex_);
  StreamCounts counts = counts_;
  const auto waited = [](const Waited& side) { return side.seconds + (side.now ? seconds_since(side.since) : 0); };
  counts.wait_in = waited(waited_[kIn]), counts.wait_out = waited(waited_[kOut]);
  return counts;
}

}  // namespace tal
