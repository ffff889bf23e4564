#include "libtal/io/jsonl.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "libtal/io/file_kind.h"

namespace tal {
namespace {

constexpr std::size_t kPadding = 64;     // what simdjson may read behind a line
constexpr std::size_t kChunk = 1 << 18;  // one read

std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
}

// Where the bytes for a name go: to a temporary file that is renamed to `path`, or, without one, to what is there.
struct Target {
  std::string path, temporary;
  int fd = -1;
};

// The file behind a name's links, there or not, so that what a link points at is written and the link stays. Not
// those of /proc, which stand for open files.
std::string behind_links(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::path path(name);
  for (int links = 0; links < 40; ++links) {
    const fs::path folder = fs::canonical(path.has_parent_path() ? path.parent_path() : ".", failed);
    if (!failed && folder.native().starts_with("/proc/")) return (folder / path.filename()).string();
    const fs::path next = fs::read_symlink(path, failed);
    if (failed) return path.string();
    path = path.parent_path() / next;  // `next` alone when it is absolute
  }
  throw_errno(name, ELOOP);
}

// The run's own descriptor that a path of /proc stands for; -1: none. A new description of the file would begin at its
// first byte, over what the shell's >> keeps.
int own_descriptor(const std::string& path) {
  const std::string folder = "/proc/" + std::to_string(::getpid()) + "/fd/";
  int number = -1;
  const char* end = path.data() + path.size();
  if (!path.starts_with(folder)) return -1;
  const auto [rest, fault] = std::from_chars(path.data() + folder.size(), end, number);
  return fault == std::errc{} && rest == end ? number : -1;
}

Target open_target(const std::string& name) {
  if (name.empty()) throw Error("the name of a file to write is empty");
  Target target{behind_links(name), "", -1};
  struct stat info {};
  const bool there = ::stat(target.path.c_str(), &info) == 0;
  if (const int own = name == "-" ? 1 : own_descriptor(target.path); own >= 0) {
    target.fd = ::fcntl(own, F_DUPFD_CLOEXEC, 3);
  } else if (there && (!S_ISREG(info.st_mode) || target.path.starts_with("/proc/"))) {
    target.fd = ::open(target.path.c_str(), O_WRONLY | O_CLOEXEC);  // a device or a pipe: nothing to rename over
  } else {
    // mkstemp's mode 0600 would make results unreadable to others: honour the umask, or the mode of the file before.
    target.temporary = temporary_name(target.path);
    target.fd = ::open(target.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (target.fd >= 0 && there) (void)::fchmod(target.fd, info.st_mode & 07777);  // what it cannot have, it has not
  }
  if (target.fd < 0) throw_errno(name, errno);
  return target;
}

// Of a descriptor that is written to its end: synced, closed, and in its place.
void finish(const std::string& path, const std::string& temporary, int fd) {
  const bool synced = temporary.empty() || ::fsync(fd) == 0;
  int reason = errno;
  if (::close(fd) == 0 || errno == EBADF) {
    if (synced && (temporary.empty() || ::rename(temporary.c_str(), path.c_str()) == 0)) return;
    if (synced) reason = errno;
  } else if (synced) {
    reason = errno;
  }
  if (!temporary.empty()) ::unlink(temporary.c_str());
  throw_errno(path, reason);
}

void write_all(int fd, const char* data, std::size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) throw ClosedPipe{};
      if (errno == EAGAIN) {
        pollfd ready{fd, POLLOUT, 0};
        ::poll(&ready, 1, -1);
        continue;
      }
      throw Error("cannot write " + path + ": " + std::strerror(errno));
    }
    data += written, size -= static_cast<std::size_t>(written);
  }
}

}  // namespace

LineReader::LineReader(const std::string& path, StreamMeter* meter)
    : source_(path == "-" ? "stdin" : path), meter_(meter) {
  fd_ = path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) throw Error(std::strerror(errno)).at_line(source_, 0);
  if (S_ISDIR(info.st_mode)) {
    if (fd_ > 0) ::close(fd_);
    throw Error("is a directory, not a stream of records").at_line(source_, 0);
  }
  if (S_ISREG(info.st_mode)) total_ = static_cast<std::uint64_t>(info.st_size);
  capacity_ = 2 * kChunk;
  buffer_.reset(new char[capacity_ + kPadding]);
}

LineReader::~LineReader() {
  if (fd_ > 0) ::close(fd_);
}

bool LineReader::fill() {
  if (end_) return false;
  if (begin_ > 0 && capacity_ - begin_ - size_ < kChunk) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, size_);
    begin_ = 0;
  }
  if (capacity_ - begin_ - size_ < kChunk) {
    if (size_ > kMaxLineBytes) throw Error("the line is longer than 1 GiB").at_line(source_, line_number_ + 1);
    std::size_t larger = capacity_ * 2;
    std::unique_ptr<char[]> grown(new char[larger + kPadding]);
    std::memcpy(grown.get(), buffer_.get() + begin_, size_);
    buffer_ = std::move(grown), capacity_ = larger, begin_ = 0;
  }
  ssize_t got;
  {
    const StreamMeter::Wait wait(meter_, StreamMeter::kIn);
    do got = ::read(fd_, buffer_.get() + begin_ + size_, capacity_ - begin_ - size_);
    while (got < 0 && errno == EINTR);
  }
  if (got < 0) throw Error(std::string("cannot read: ") + std::strerror(errno)).at_line(source_, line_number_ + 1);
  if (got == 0) {
    end_ = true;
    return false;
  }
  size_ += static_cast<std::size_t>(got);
  if (meter_) meter_->read(static_cast<std::uint64_t>(got));
  if (first_ && (size_ >= 4 || end_)) {
    first_ = false;
    const std::string_view bytes(buffer_.get() + begin_, size_);
    if (bytes.substr(0, 2) == "\x1f\x8b")
      throw Error("is compressed with gzip: pipe it through zcat").at_line(source_, 0);
    refuse_foreign(bytes, source_);
  }
  return true;
}

bool LineReader::next(std::string_view& line) {
  while (true) {
    const char* text = buffer_.get() + begin_;
    const char* newline =
        size_ > scanned_ ? static_cast<const char*>(std::memchr(text + scanned_, '\n', size_ - scanned_)) : nullptr;
    if (!newline) {
      scanned_ = size_;
      if (fill()) continue;
      if (size_ == 0) return false;
      newline = buffer_.get() + begin_ + size_;  // a last line without its newline
      text = buffer_.get() + begin_;
    }
    const std::size_t length = static_cast<std::size_t>(newline - text);
    const std::size_t consumed = std::min(length + 1, size_);
    begin_ += consumed, size_ -= consumed, scanned_ = 0, bytes_ += consumed;
    ++line_number_;
    if (length > kMaxLineBytes) throw Error("the line is longer than 1 GiB").at_line(source_, line_number_);
    line = std::string_view(text, length);
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);              // of this file, or of one behind it
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;  // blank
    if (meter_) meter_->record();
    return true;
  }
}

bool LineReader::would_block() const {
  if (end_) return true;
  if (size_ > scanned_ && std::memchr(buffer_.get() + begin_ + scanned_, '\n', size_ - scanned_)) return false;
  pollfd ready{fd_, POLLIN, 0};
  return ::poll(&ready, 1, 0) == 0;
}

Output::Output(const std::string& path, StreamMeter* meter) : path_(path), meter_(meter) {
  if (path == "-") {
    path_ = "stdout", fd_ = 1;
    return;
  }
  Target target = open_target(path);
  path_ = std::move(target.path), temporary_ = std::move(target.temporary), fd_ = target.fd;
  regular_ = !temporary_.empty();
}

Output::~Output() {
  if (fd_ > 1) ::close(fd_);
  if (regular_ && fd_ >= 0) ::unlink(temporary_.c_str());
}

void Output::write(std::string_view bytes) {
  buffer_ += bytes;
  spill();
}

void Output::write_line(std::string_view line) {
  buffer_ += line;
  buffer_ += '\n';
  spill();
}

void Output::flush() {
  if (buffer_.empty()) return;
  // Cleared first: after a failed write the destructor path must not try again.
  std::string pending;
  pending.swap(buffer_);
  {
    const StreamMeter::Wait wait(meter_, StreamMeter::kOut);
    write_all(fd_, pending.data(), pending.size(), path_);
  }
  if (meter_) meter_->wrote(pending);
  pending.clear();
  buffer_.swap(pending);  // keep the capacity
}

void Output::close() {
  if (fd_ < 0) return;
  flush();
  const StreamMeter::Wait wait(meter_, StreamMeter::kOut);  // for the disk
  finish(path_, temporary_, std::exchange(fd_, -1));
}

AtomicFile::AtomicFile(std::string path) {
  Target target = open_target(path);
  path_ = std::move(target.path), temporary_ = std::move(target.temporary), fd_ = target.fd;
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  write_all(fd_, static_cast<const char*>(data), bytes, path_);
}

void AtomicFile::commit() { finish(path_, temporary_, std::exchange(fd_, -1)); }

std::string read_file(const std::string& path) {
  const int fd = path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_errno(path, errno);
  std::string text;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) text.reserve(static_cast<std::size_t>(info.st_size) + kPadding);
  char chunk[1 << 16];
  while (true) {
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const int reason = errno;
      if (fd > 0) ::close(fd);
      if (got < 0) throw_errno(path, reason);
      return text;
    }
    text.append(chunk, static_cast<std::size_t>(got));
  }
}

}  // namespace tal
