// TensorBoard event files with scalars: TFRecord framing (length, masked CRC-32C) around Event messages
// (tensorflow/core/util/event.proto).
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace tal {

class TensorBoardWriter {
 public:
  // Creates `folder` and a new events.out.tfevents file in it. Error when that fails.
  explicit TensorBoardWriter(const std::string& folder);
  void scalar(std::string_view tag, double value, std::int64_t step, double wall_seconds);
  void flush();
  const std::string& path() const { return path_; }

 private:
  void write(const std::string& event);
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, std::fclose};
};

std::uint32_t crc32c(std::string_view bytes);

}  // namespace tal
