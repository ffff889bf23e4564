#include "libtal/stream/stats.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

constexpr auto kInterval = std::chrono::seconds(1);
constexpr int kLastLineMs = 1000;  // how long the last line waits for a pipe that is full

double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

// Bytes of memory in use now; 0: the system does not say.
std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (!file) return 0;
  unsigned long long total = 0, resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

// One JSON object, member by member.
class Line {
 public:
  void text(const char* key, const std::string& value) { append_json_string(member(key), value); }
  void whole(const char* key, std::uint64_t value) { member(key) += std::to_string(value); }
  void raw(const char* key, const std::string& value) { member(key) += value; }
  // To the microsecond, and rates to three digits behind the point.
  void real(const char* key, double value, double parts = 1e6) {
    append_number(member(key), std::round(value * parts) / parts);
  }
  std::string end() { return text_ + "}\n"; }

 private:
  std::string& member(const char* key) {
    text_ += text_.empty() ? '{' : ',';
    append_json_string(text_, key);
    return text_ += ':';
  }
  std::string text_;
};

}  // namespace

Stats::Stats(std::string tool, std::string path)
    : tool_(std::move(tool)),
      path_(std::move(path)),
      began_(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count()) {
  std::array<char, 256> host{};
  host_ = ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
  (void)open();
  // Signals are for the thread that works.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Stats::~Stats() {
  stop();
  if (fd_ >= 0) ::close(fd_);
}

void Stats::stop() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Stats::open() {
  if (fd_ >= 0) return true;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd_ >= 0) return true;
  if (errno == ENXIO) {  // a named pipe without a reader, or a socket
    struct stat info {};
    if (::stat(path_.c_str(), &info) == 0 && S_ISFIFO(info.st_mode)) return false;
    errno = ENXIO;
  }
  throw_errno(path_, errno);
}

void Stats::run() {
  std::unique_lock lock(mutex_);
  for (auto due = start_ + kInterval; !wake_.wait_until(lock, due, [&] { return ended_; }); due += kInterval) {
    lock.unlock();
    write_line(nullptr);
    lock.lock();
    due = std::max(due, Clock::now() - kInterval);  // a machine that slept makes up for nothing
  }
}

std::string Stats::end(int status) {
  stop();
  write_line(&status);
  if (!fault_.empty()) return fault_;
  if (left_out_ > 0 && !gone_)
    return "'" + path_ + "': " + std::to_string(left_out_) + " line" + (left_out_ > 1 ? "s" : "") +
           " of --stats left out, which its reader did not take in time";
  return "";
}

void Stats::write_line(const int* status) {
  const auto now = Clock::now();
  const StreamCounts counts = meter_.counts();
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto cpu = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const double interval = seconds(now - last_);
  const auto rate = [&](std::uint64_t after, std::uint64_t before) {
    return interval > 0 ? static_cast<double>(after - before) / interval : 0.0;
  };
  Line line;
  line.text("tool", tool_);
  line.text("host", host_);
  line.whole("pid", static_cast<std::uint64_t>(::getpid()));
  line.real("started", began_);
  line.real("elapsed", seconds(now - start_));
  line.whole("records_in", counts.records_in);
  line.whole("bytes_in", counts.bytes_in);
  line.whole("lines_out", counts.lines_out);
  line.whole("bytes_out", counts.bytes_out);
  line.real("wait_in", counts.wait_in);
  line.real("wait_out", counts.wait_out);
  line.real("cpu", cpu(used.ru_utime) + cpu(used.ru_stime));
  line.whole("memory", resident_bytes());
  line.whole("peak_memory", static_cast<std::uint64_t>(used.ru_maxrss) * 1024);
  line.real("interval", interval);
  line.real("records_per_s", rate(counts.records_in, before_.records_in), 1e3);
  line.real("bytes_in_per_s", rate(counts.bytes_in, before_.bytes_in), 1e3);
  line.real("bytes_out_per_s", rate(counts.bytes_out, before_.bytes_out), 1e3);
  if (left_out_ > 0) line.whole("left_out", left_out_);
  if (status) line.raw("status", std::to_string(*status));
  last_ = now, before_ = counts;
  if (!fault_.empty() || gone_) return;
  try {
    if (!open()) {
      ++left_out_;
      return;
    }
  } catch (const Error& error) {
    fault_ = error.what();
    return;
  }
  if (status) {  // the last one may wait a little
    pollfd ready{fd_, POLLOUT, 0};
    ::poll(&ready, 1, kLastLineMs);
  }
  put(line.end());
}

void Stats::put(const std::string& line) {
  ssize_t written;
  do written = ::write(fd_, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) return;
  ++left_out_;
  if (written < 0 && errno == EAGAIN) return;
  if (written < 0 && errno == EPIPE) {
    gone_ = true;
    return;
  }
  const std::string why = written < 0 ? std::strerror(errno) : "the device is full";
  fault_ = "cannot write " + path_ + ": " + why;
}

}  // namespace tal
