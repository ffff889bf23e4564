#include "libtal/train/tensorboard.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "libtal/base/error.h"

namespace tal {
namespace {

void put_bytes(std::string& out, const void* data, std::size_t bytes) {
  out.append(static_cast<const char*>(data), bytes);
}
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}
// Protocol buffers: key = field << 3 | wire type (0 varint, 1 double, 2 bytes, 5 float).
void put_double(std::string& out, int field, double value) {
  put_varint(out, static_cast<std::uint64_t>(field << 3 | 1));
  put_bytes(out, &value, 8);
}
void put_float(std::string& out, int field, float value) {
  put_varint(out, static_cast<std::uint64_t>(field << 3 | 5));
  put_bytes(out, &value, 4);
}
void put_integer(std::string& out, int field, std::int64_t value) {
  put_varint(out, static_cast<std::uint64_t>(field << 3));
  put_varint(out, static_cast<std::uint64_t>(value));
}
void put_text(std::string& out, int field, std::string_view text) {
  put_varint(out, static_cast<std::uint64_t>(field << 3 | 2));
  put_varint(out, text.size());
  out += text;
}

std::uint32_t masked(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int k = 0; k < 8; ++k) t[i] = t[i] & 1 ? t[i] >> 1 ^ 0x82f63b78u : t[i] >> 1;
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (const unsigned char byte : bytes) crc = table[(crc ^ byte) & 255] ^ crc >> 8;
  return ~crc;
}

TensorBoardWriter::TensorBoardWriter(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw Error("'" + folder + "': " + failed.message());
  path_ = folder + "/events.out.tfevents." + std::to_string(static_cast<std::int64_t>(now())) + "." +
          std::to_string(::getpid()) + ".tal";
  file_.reset(std::fopen(path_.c_str(), "ab"));
  if (!file_) throw_errno(path_, errno);
  std::string event;
  put_double(event, 1, now());
  put_text(event, 3, "brain.Event:2");  // file_version
  write(event);
}

void TensorBoardWriter::scalar(std::string_view tag, double value, std::int64_t step, double wall_seconds) {
  std::string entry, summary, event;
  put_text(entry, 1, tag);
  put_float(entry, 2, static_cast<float>(value));  // simple_value
  put_text(summary, 1, entry);
  put_double(event, 1, wall_seconds);
  put_integer(event, 2, step);
  put_text(event, 5, summary);
  write(event);
}

void TensorBoardWriter::write(const std::string& event) {
  const std::uint64_t length = event.size();
  std::string record;
  put_bytes(record, &length, 8);
  const std::uint32_t head = masked(crc32c(record)), body = masked(crc32c(event));
  put_bytes(record, &head, 4);
  record += event;
  put_bytes(record, &body, 4);
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size()) throw_errno(path_, errno);
}

void TensorBoardWriter::flush() {
  if (std::fflush(file_.get()) != 0) throw_errno(path_, errno);
}

}  // namespace tal
