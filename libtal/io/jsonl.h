// JSON-lines streams: a line reader that never copies more than it must, a writer whose every failure is reported, and
// an ordered parallel map over records. Memory is bounded by the longest line (at most 1 GiB) times the number of jobs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libtal/base/error.h"
#include "libtal/io/record.h"
#include "libtal/io/stream_meter.h"

namespace tal {

inline constexpr std::uint64_t kMaxLineBytes = 1ull << 30;

// Reads lines from a file or stdin ("-"). Strips '\n' and a byte-order mark before the first line; a '\r' stays
// (white space to every parser), so that a rejected line is the line of the input. A last line without '\n' is a
// line.
class LineReader {
 public:
  // meter: counts what is read; nullptr: nobody does. Error with the path (kNoFile when there is none)
  explicit LineReader(const std::string& path, StreamMeter* meter = nullptr);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line that is not blank; false at the end. The view is valid until the next call, and at least 64
  // readable bytes follow it (simdjson's padding). Error with the source when the input is gzip or a directory, a
  // line is longer than 1 GiB, or reading fails.
  bool next(std::string_view& line);
  bool would_block() const;  // nothing buffered and a read would wait: time to flush what downstream is waiting for
  std::uint64_t line_number() const { return line_number_; }
  const std::string& source() const { return source_; }  // "stdin" or the path
  std::uint64_t bytes() const { return bytes_; }         // consumed
  std::uint64_t total_bytes() const { return total_; }   // of a regular file; 0 when unknown

 private:
  bool fill();
  std::string source_;
  StreamMeter* meter_;
  int fd_ = -1;
  bool end_ = false, first_ = true;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, size_ = 0, scanned_ = 0;
  std::uint64_t line_number_ = 0, bytes_ = 0, total_ = 0;
};

// Buffered output to stdout ("-") or to a file that appears under its name only when close() succeeded. write() throws
// ClosedPipe when the reader went away (the tool then ends quietly) and Error for everything else (/dev/full).
struct ClosedPipe {};
class Output {
 public:
  // meter: counts what is written. Error with the path when it cannot be written
  explicit Output(const std::string& path, StreamMeter* meter = nullptr);
  ~Output();  // an output that was not closed is thrown away (files) - never half-written
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  void write(std::string_view bytes);
  void write_line(std::string_view line);
  std::string& buffer() { return buffer_; }  // append here, then call spill()
  void spill() {
    if (buffer_.size() >= kSpill) flush();
  }
  void flush();
  void close();  // flush, sync and rename (files); ClosedPipe or Error as write()

 private:
  static constexpr std::size_t kSpill = 1 << 18;
  std::string path_, temporary_, buffer_;
  StreamMeter* meter_;
  int fd_ = -1;
  bool regular_ = false;
};

// A file under a temporary name, synced, and renamed over what `path` or its links name by commit(), with its mode;
// else removed. A device, a pipe or "-" (stdout) is written as it is. Error with the path when any of this fails.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  void write(const void* data, std::size_t bytes);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  void commit();
  const std::string& temporary_path() const { return temporary_; }

 private:
  std::string path_, temporary_;
  int fd_ = -1;
};

// Whole file as text ("-": stdin); Error with the path when it cannot be read (kNoFile when there is none).
std::string read_file(const std::string& path);

}  // namespace tal
