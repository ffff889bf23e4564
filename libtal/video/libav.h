// FFmpeg's libraries with our manners: handles that free themselves, messages that are counted instead of printed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

namespace tal {

struct LibavDeleter {
  void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(AVBufferRef* p) const { av_buffer_unref(&p); }
  void operator()(AVDictionary* p) const { av_dict_free(&p); }
  void operator()(SwsContext* p) const { sws_freeContext(p); }
  void operator()(SwrContext* p) const { swr_free(&p); }
};
template <class T>
using LibavPtr = std::unique_ptr<T, LibavDeleter>;

LibavPtr<AVPacket> make_packet();  // std::bad_alloc where there is no memory, as make_frame()
LibavPtr<AVFrame> make_frame();

// "Invalid data found when processing input".
std::string libav_error(int code);

// What libavformat and libavcodec say about one file: the errors are counted, the first and last are kept, nothing goes
// to stderr. It is asked for by `opaque` of the contexts, which codecs hand on to their threads.
class LibavMessages {
 public:
  LibavMessages();
  ~LibavMessages();
  LibavMessages(const LibavMessages&) = delete;
  LibavMessages& operator=(const LibavMessages&) = delete;
  std::int64_t errors() const;
  std::string last() const;   // one line; "": none
  std::int64_t gaps() const;  // places where pictures are missing by the numbers that H.264 gives them: no errors to it

 private:
  static void on_message(void* context, int level, const char* format, va_list arguments);
  void add(const char* text);
  void add_gap();
  mutable std::mutex mutex_;
  std::int64_t errors_ = 0, gaps_ = 0;
  std::string last_;
};

}  // namespace tal
