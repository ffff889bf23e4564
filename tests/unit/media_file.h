// Media files for tests, written by libavformat: each oddity of time stamps, streams and packets can be had.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "libtal/video/libav.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/opt.h>
}

namespace tal::test {

inline void must(int code, const char* what) {
  if (code < 0) throw std::runtime_error(std::string(what) + ": " + libav_error(code));
}

// One file in the making: video streams, then sound.
class MediaFile {
 public:
  struct Video {
    int width = 96, height = 64;
    int rate = 25;  // ticks a second of the time stamps
    std::string codec = "mpeg4";
    AVPixelFormat format = AV_PIX_FMT_YUV420P;
    std::vector<int> stamps;  // ticks; the last frame lasts one
    int stated = 0;           // frames a second by the container, where it has a place for that; 0: none
    int b_frames = 0;         // that are coded behind the next other one; packets last as long as in that order
    int disposition = 0;
    const std::int32_t* matrix = nullptr;
    std::function<void(int, AVFrame&)> paint;
  };
  explicit MediaFile(const std::string& path) {
    must(avformat_alloc_output_context2(&format_, nullptr, nullptr, path.c_str()), "container");
    must(avio_open(&format_->pb, path.c_str(), AVIO_FLAG_WRITE), "open");
  }
  ~MediaFile() {
    avio_closep(&format_->pb);
    avformat_free_context(format_);
  }
  MediaFile(const MediaFile&) = delete;
  MediaFile& operator=(const MediaFile&) = delete;

  void add(const Video& video) {
    const AVCodec* codec = avcodec_find_encoder_by_name(video.codec.c_str());
    if (!codec) throw std::runtime_error("no encoder " + video.codec);
    LibavPtr<AVCodecContext> c(avcodec_alloc_context3(codec));
    c->width = video.width, c->height = video.height, c->pix_fmt = video.format;
    c->time_base = {1, video.rate}, c->framerate = {video.rate, 1}, c->gop_size = 12, c->max_b_frames = video.b_frames;
    c->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
    c->global_quality = 2 * FF_QP2LAMBDA, c->thread_count = 1;
    if (format_->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (video.codec == "libx265") av_opt_set(c->priv_data, "x265-params", "log-level=none", 0);
    must(avcodec_open2(c.get(), codec, nullptr), "encoder");
    AVStream* stream = avformat_new_stream(format_, nullptr);
    must(avcodec_parameters_from_context(stream->codecpar, c.get()), "parameters");
    stream->time_base = c->time_base, stream->avg_frame_rate = {video.stated, 1},
    stream->disposition = video.disposition;
    if (video.matrix) turn(*stream, video.matrix);
    encode(video, *c, stream->index);
  }
  struct Sound {
    int rate = 16000, channels = 1;
    double seconds = 1, start = 0;  // of the file's clock; start: of the first time stamp
    double gap_at = 1e9, gap = 0;   // from that time on, time stamps are so much later (or earlier)
    AVCodecID codec = AV_CODEC_ID_PCM_S16LE;
    bool exact = false;  // the last frame is as long as what is left; otherwise as the others
    int disposition = 0;
    std::function<double(double, int)> value;  // of the time stamp's second and the channel, in [-1, 1]; silence
  };
  void add(const Sound& sound) {
    AVStream* stream = avformat_new_stream(format_, nullptr);
    LibavPtr<AVCodecContext> c(avcodec_alloc_context3(avcodec_find_encoder(sound.codec)));
    c->sample_rate = sound.rate, c->sample_fmt = AV_SAMPLE_FMT_S16, c->time_base = {1, sound.rate};
    if (sound.codec == AV_CODEC_ID_MP2) c->bit_rate = 32000;
    if (sound.codec == AV_CODEC_ID_MP3) c->sample_fmt = AV_SAMPLE_FMT_S16P;
    if (sound.codec == AV_CODEC_ID_VORBIS || sound.codec == AV_CODEC_ID_AAC) c->sample_fmt = AV_SAMPLE_FMT_FLTP;
    if (format_->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&c->ch_layout, sound.channels);
    must(avcodec_open2(c.get(), c->codec, nullptr), "sound");
    must(avcodec_parameters_from_context(stream->codecpar, c.get()), "parameters");
    stream->time_base = c->time_base, stream->disposition = sound.disposition;
    const int most = c->frame_size > 0 ? c->frame_size : sound.rate / 40;
    const std::int64_t all = std::llround(sound.rate * sound.seconds);
    for (std::int64_t at = 0; at < all; at += most) {
      const int size = sound.exact ? static_cast<int>(std::min<std::int64_t>(most, all - at)) : most;
      auto frame = make_frame();
      frame->format = c->sample_fmt, frame->nb_samples = size, frame->sample_rate = sound.rate;
      av_channel_layout_copy(&frame->ch_layout, &c->ch_layout);
      must(av_frame_get_buffer(frame.get(), 0), "samples");
      double time = sound.start + static_cast<double>(at) / sound.rate;
      if (time >= sound.gap_at - 1e-9) time += sound.gap;
      for (int n = 0; n < size; ++n)
        for (int channel = 0; channel < sound.channels; ++channel)
          set(*frame, n, channel, sound.value ? sound.value(time + static_cast<double>(n) / sound.rate, channel) : 0);
      frame->pts = std::llround(time * sound.rate);
      push(*c, frame.get(), stream->index, {});
    }
    push(*c, nullptr, stream->index, {});
  }
  // Silence, coded.
  void add_sound(double seconds) {
    Sound sound;
    sound.seconds = seconds, sound.codec = AV_CODEC_ID_MP2;
    add(sound);
  }
  // In the order of time.
  void write(const char* option = nullptr, const char* value = nullptr) {
    AVDictionary* options = nullptr;
    if (option) av_dict_set(&options, option, value, 0);
    format_->avoid_negative_ts = AVFMT_AVOID_NEG_TS_MAKE_NON_NEGATIVE;
    if (option && std::string(option) == "keep") format_->avoid_negative_ts = 0;
    must(avformat_write_header(format_, &options), "header");
    av_dict_free(&options);
    std::stable_sort(packets_.begin(), packets_.end(), [](const auto& a, const auto& b) {
      return av_compare_ts(a.packet->dts, a.base, b.packet->dts, b.base) < 0;
    });
    for (auto& one : packets_) {
      av_packet_rescale_ts(one.packet.get(), one.base, format_->streams[one.packet->stream_index]->time_base);
      must(av_interleaved_write_frame(format_, one.packet.get()), "packet");
    }
    must(av_write_trailer(format_), "trailer");
  }
  // A packet of the first stream: its bytes may be spoiled before write().
  AVPacket& packet(std::size_t number) { return *packets_.at(number).packet; }
  void drop(std::size_t first, std::size_t last) {
    packets_.erase(packets_.begin() + static_cast<std::ptrdiff_t>(first),
                   packets_.begin() + static_cast<std::ptrdiff_t>(last));
  }

 private:
  static void set(AVFrame& frame, int n, int channel, double value) {
    const auto format = static_cast<AVSampleFormat>(frame.format);
    const bool planar = av_sample_fmt_is_planar(format) != 0;
    auto* plane = frame.data[planar ? channel : 0];
    const int at = planar ? n : n * frame.ch_layout.nb_channels + channel;
    if (av_get_packed_sample_fmt(format) == AV_SAMPLE_FMT_FLT)
      reinterpret_cast<float*>(plane)[at] = static_cast<float>(value);
    else reinterpret_cast<std::int16_t*>(plane)[at] = static_cast<std::int16_t>(std::lround(32767 * value));
  }
  struct Timed {
    LibavPtr<AVPacket> packet;
    AVRational base;
  };
  static void turn(AVStream& stream, const std::int32_t* matrix) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    auto* side = av_packet_side_data_new(&stream.codecpar->coded_side_data, &stream.codecpar->nb_coded_side_data,
                                         AV_PKT_DATA_DISPLAYMATRIX, 36, 0);
    std::copy(matrix, matrix + 9, reinterpret_cast<std::int32_t*>(side->data));
#else
    std::copy(matrix, matrix + 9,
              reinterpret_cast<std::int32_t*>(av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, 36)));
#endif
  }
  void encode(const Video& video, AVCodecContext& c, int stream) {
    for (std::size_t k = 0; k < video.stamps.size(); ++k) {
      auto frame = make_frame();
      frame->format = video.format, frame->width = video.width, frame->height = video.height;
      frame->quality = c.global_quality;
      must(av_frame_get_buffer(frame.get(), 0), "frame");
      video.paint(static_cast<int>(k), *frame);
      frame->pts = static_cast<std::int64_t>(k);  // encoders want a steady clock; the stamps come afterwards
      push(c, frame.get(), stream, video.stamps);
    }
    push(c, nullptr, stream, video.stamps);
  }
  void push(AVCodecContext& c, const AVFrame* frame, int stream, const std::vector<int>& stamps) {
    must(avcodec_send_frame(&c, frame), "encode");
    while (true) {
      auto packet = make_packet();
      if (avcodec_receive_packet(&c, packet.get()) < 0) return;
      packet->stream_index = stream;
      if (!stamps.empty()) {
        const auto k = static_cast<std::size_t>(packet->pts);
        const auto decoded = packet->dts;
        packet->pts = packet->dts = stamps.at(k);
        packet->duration = k + 1 < stamps.size() ? stamps[k + 1] - stamps[k] : 1;
        if (c.max_b_frames > 0) {
          const auto at = [&](std::int64_t n) {
            return n < 0 ? stamps[0] + static_cast<int>(n) * (stamps[1] - stamps[0])
                         : stamps.at(static_cast<std::size_t>(n));
          };
          packet->dts = at(decoded), packet->duration = at(decoded + 1) - at(decoded);
        }
      }
      packets_.push_back({std::move(packet), c.time_base});
    }
  }
  AVFormatContext* format_ = nullptr;
  std::vector<Timed> packets_;
};

}  // namespace tal::test
