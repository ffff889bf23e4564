#include "libtal/io/jsonl.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "libtal/io/text_file.h"

namespace tal {
namespace {

constexpr std::size_t kPadding = 64;     // what simdjson may read behind a line
constexpr std::size_t kChunk = 1 << 18;  // one read

std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
}

// mkstemp's mode 0600 would make results unreadable to others: honour the umask instead.
int open_new(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }

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
    if (const char* what = foreign_format(bytes))
      throw Error(std::string("is ") + what + ", not UTF-8 text: save it as UTF-8", Error::Kind::kNotUtf8)
          .at_line(source_, 0);
    if (bytes.substr(0, 3) == "\xef\xbb\xbf") begin_ += 3, size_ -= 3, bytes_ += 3;
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
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {  // a device or a pipe: nothing to rename over
    fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    regular_ = true;
    temporary_ = temporary_name(path);
    fd_ = open_new(temporary_);
  }
  if (fd_ < 0) throw_errno(path, errno);
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
  if (regular_ && ::fsync(fd_) != 0) throw_errno(path_, errno);
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0 && errno != EBADF) {
    const int reason = errno;
    if (regular_) ::unlink(temporary_.c_str());
    throw_errno(path_, reason);
  }
  if (regular_ && ::rename(temporary_.c_str(), path_.c_str()) != 0) throw_errno(path_, errno);
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  fd_ = open_new(temporary_);
  if (fd_ < 0) throw_errno(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  write_all(fd_, static_cast<const char*>(data), bytes, path_);
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) throw_errno(path_, errno);
  const int fd = fd_;
  fd_ = -1;
  const bool closed = ::close(fd) == 0;
  if (!closed || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    throw_errno(path_, reason);
  }
}

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
