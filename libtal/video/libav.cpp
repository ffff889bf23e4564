#include "libtal/video/libav.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>
#include <set>
#include <string_view>

namespace tal {
namespace {

// Those who listen now. Messages of contexts that are none of ours (OpenCV's writer, a program's own) have no reader.
struct Listeners {
  std::mutex mutex;
  std::set<const void*> alive;
};
Listeners& listeners() {
  static auto* all = new Listeners;  // outlives the codecs' threads
  return *all;
}

// The `opaque` of a context of libavcodec or libavformat; nullptr: another kind.
void* opaque_of(void* context) {
  if (!context) return nullptr;
  const AVClass* type = *static_cast<const AVClass**>(context);
  if (type == avcodec_get_class()) return static_cast<AVCodecContext*>(context)->opaque;
  if (type == avformat_get_class()) return static_cast<AVFormatContext*>(context)->opaque;
  return nullptr;
}

// What libavcodec says of H.264 whose frame_num leaps (ISO/IEC 14496-10, 8.2.5.2), at a level of no error.
bool is_gap(const char* format) {
  constexpr std::string_view kGap = "Frame num gap";
  return std::strncmp(format, kGap.data(), kGap.size()) == 0;
}

}  // namespace

LibavPtr<AVPacket> make_packet() {
  LibavPtr<AVPacket> packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  return packet;
}

LibavPtr<AVFrame> make_frame() {
  LibavPtr<AVFrame> frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  return frame;
}

std::string libav_error(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

LibavMessages::LibavMessages() {
  av_log_set_callback(on_message);
  const std::lock_guard lock(listeners().mutex);
  listeners().alive.insert(this);
}

LibavMessages::~LibavMessages() {
  const std::lock_guard lock(listeners().mutex);
  listeners().alive.erase(this);
}

void LibavMessages::on_message(void* context, int level, const char* format, va_list arguments) {
  const bool gap = level > AV_LOG_ERROR && is_gap(format);
  if (level > AV_LOG_ERROR && !gap) return;
  void* opaque = opaque_of(context);
  if (!opaque) return;
  const std::lock_guard lock(listeners().mutex);
  if (!listeners().alive.contains(opaque)) return;
  if (gap) return static_cast<LibavMessages*>(opaque)->add_gap();
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  static_cast<LibavMessages*>(opaque)->add(text.data());
}

void LibavMessages::add(const char* text) {
  const std::lock_guard lock(mutex_);
  ++errors_;
  std::string line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == '.')) line.pop_back();
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (!line.empty()) last_ = std::move(line);
}

void LibavMessages::add_gap() {
  const std::lock_guard lock(mutex_);
  ++gaps_;
}

std::int64_t LibavMessages::gaps() const {
  const std::lock_guard lock(mutex_);
  return gaps_;
}

std::int64_t LibavMessages::errors() const {
  const std::lock_guard lock(mutex_);
  return errors_;
}

std::string LibavMessages::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace tal
