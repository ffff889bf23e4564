#include "libtal/video/media_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
}

#include "libtal/base/error.h"
#include "libtal/base/video_id.h"
#include "libtal/io/file_kind.h"
#include "libtal/video/container_facts.h"
#include "libtal/video/decoder.h"

namespace tal {
namespace {

constexpr double kNoStamp = std::numeric_limits<double>::quiet_NaN();
constexpr double kTick = 1e-6;                // seconds; time stamps that are nearer are one
constexpr int kMostFailures = 100000;         // without a frame in between, when no packet is left
constexpr double kRiffApart = 0.002;          // seconds; some writers count the header's own bytes twice
constexpr std::int64_t kWaveProbe = 1 << 14;  // bytes
constexpr double kMpegApart = 1.5;            // frames; some writers count the frame that the count stands in
constexpr int kMpegFrame = 1152;              // samples, at most
// Packets, and their bytes, in which a stream's first key picture is looked for; some have none (intra refresh).
constexpr std::size_t kMostEarly = 1000;
constexpr std::int64_t kMostEarlyBytes = 1 << 27;

bool is_cover(const AVStream& stream) { return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0; }

bool format_is(const AVFormatContext& format, const char* name) {
  return std::strstr(format.iformat->name, name) != nullptr;
}

double seconds(std::int64_t ticks, AVRational base) {
  return ticks == AV_NOPTS_VALUE ? kNoStamp : static_cast<double>(ticks) * av_q2d(base);
}

// Pictures of an index that an edit list hides.
std::int64_t hidden_entries(const AVFormatContext& format, AVStream& stream) {
  std::int64_t hidden = 0;
  if (format_is(format, "mov"))
    for (int i = 0; i < avformat_index_get_entries_count(&stream); ++i)
      hidden += (avformat_index_get_entry(&stream, i)->flags & AVINDEX_DISCARD_FRAME) != 0;
  return hidden;
}

// Matroska's tag DURATION: the end of one stream, "00:00:02.023000000". NaN: there is none.
double tagged_end(const AVStream& stream) {
  const AVDictionaryEntry* tag = av_dict_get(stream.metadata, "DURATION", nullptr, 0);
  int hours = 0, minutes = 0;
  double rest = 0;
  if (!tag || std::sscanf(tag->value, "%d:%d:%lf", &hours, &minutes, &rest) != 3) return kNoStamp;
  return 3600.0 * hours + 60.0 * minutes + rest;
}

// Whether durations of streams are their own; others copy the file's, or lack them.
bool states_each_duration(const AVFormatContext& format) {
  return format.duration_estimation_method == AVFMT_DURATION_FROM_PTS || format_is(format, "mov") ||
         format_is(format, "avi") || format_is(format, "ogg") || format_is(format, "mxf");
}

std::string hwaccels() {
  std::string names;
  for (auto type = av_hwdevice_iterate_types(AV_HWDEVICE_TYPE_NONE); type != AV_HWDEVICE_TYPE_NONE;
       type = av_hwdevice_iterate_types(type))
    names += (names.empty() ? "" : ", ") + std::string(av_hwdevice_get_type_name(type));
  return names.empty() ? "none" : names;
}

LibavPtr<AVBufferRef> open_device(const std::string& name) {
  const auto type = av_hwdevice_find_type_by_name(name.c_str());
  if (type == AV_HWDEVICE_TYPE_NONE)
    throw UsageError("--hwaccel " + name + ": this FFmpeg has no such kind of device (it has " + hwaccels() + ")");
  AVBufferRef* device = nullptr;
  if (const int code = av_hwdevice_ctx_create(&device, type, nullptr, nullptr, 0); code < 0)
    throw UsageError("--hwaccel " + name + ": no such device can be opened here (" + libav_error(code) +
                     "); this FFmpeg has " + hwaccels() + "; without --hwaccel the processor decodes");
  return LibavPtr<AVBufferRef>(device);
}

// The format of a codec's frames on a device of this type; NONE: the codec does not run there.
AVPixelFormat device_format(const AVCodec* codec, AVHWDeviceType type) {
  for (int i = 0; const AVCodecHWConfig* config = avcodec_get_hw_config(codec, i); ++i)
    if ((config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) && config->device_type == type)
      return config->pix_fmt;
  return AV_PIX_FMT_NONE;
}

// libavcodec's question. NONE fails the decoding: nobody who asked for a device gets the processor unsaid.
AVPixelFormat choose_device_format(AVCodecContext* codec, const AVPixelFormat* offered) {
  const auto* device = reinterpret_cast<const AVHWDeviceContext*>(codec->hw_device_ctx->data);
  const auto wanted = device_format(codec->codec, device->type);
  for (; *offered != AV_PIX_FMT_NONE; ++offered)
    if (*offered == wanted) return wanted;
  return AV_PIX_FMT_NONE;
}

// "vvc1", of a codec that this FFmpeg does not know.
std::string fourcc(std::uint32_t tag) {
  char text[AV_FOURCC_MAX_STRING_SIZE] = "";
  return av_fourcc_make_string(text, tag);
}

// Whether libavcodec decodes what stands before the first key picture, as well, on a grey ground. Other decoders wait
// for it, or (H.264) for the end of a refresh in parts.
bool makes_up_a_beginning(AVCodecID codec) {
  return codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_VVC || codec == AV_CODEC_ID_MPEG4;
}

}  // namespace

void check_hwaccel(const std::string& name) {
  const LibavMessages silence;
  open_device(name);
}

std::string jumps_told(const MediaFindings& found, double zero) {
  char text[128];
  std::snprintf(text, sizeof text, "its clock jumps %s by %.3f s at %.3f s", found.jump_by < 0 ? "back" : "forward",
                std::abs(found.jump_by), found.jump_at - zero);
  const auto more = found.jumps - 1;
  return text + (more > 0 ? ", and in " + std::to_string(more) + (more > 1 ? " more places" : " more place") : "") +
         " (joined recordings?): what follows is placed right behind";
}

bool check_readable(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) throw_errno(path, EISDIR);
  if (!std::filesystem::is_regular_file(path, unknown)) {
    if (::access(path.c_str(), R_OK) != 0) throw_errno(path, errno);
    return false;
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_errno(path, errno);
  ::close(fd);
  return true;
}

MediaReader::MediaReader(const std::string& path, double patience, const DecodeOptions& options)
    : path_(path), live_(patience > 0), sound_(options.sound) {
  open_file(patience);
  if (!live_ && !sound_) refuse_single_picture();
  choose_stream(options);
  open_codec(options);
  read_claims();
}

void MediaReader::refuse(const std::string& why) const {
  throw Error("'" + path_ + "': no " + (sound_ ? "sound" : "video") + " that can be decoded (" + why + ")");
}

int MediaReader::interrupted(void* self) {
  auto* reader = static_cast<MediaReader*>(self);
  if (!reader->live_) return 0;
  const auto now = std::chrono::steady_clock::now();
  // While streams are looked for, before any packet is given, a slow source is not a silent one.
  if (const AVFormatContext* format = reader->read_from_; format && format->pb && format->pb->pos != reader->come_to_)
    reader->come_to_ = format->pb->pos, reader->deadline_ = now + reader->patience_;
  return now > reader->deadline_ ? 1 : 0;
}

namespace {

bool is_file(const std::string& path) {
  std::error_code none;
  return std::filesystem::is_regular_file(path, none);
}

// The first bytes of a regular file; "" of anything else.
std::string first_bytes(const std::string& path, std::size_t count = 64) {
  if (!is_file(path)) return "";
  std::string head(count, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head;
}

// MP4, QuickTime and their like: a file whose first box is one of theirs.
bool is_iso(const std::string& path) {
  const std::string head = first_bytes(path);
  const auto kind = std::string_view(head).substr(std::min<std::size_t>(4, head.size()), 4);
  return kind == "ftyp" || kind == "moov" || kind == "mdat" || kind == "wide" || kind == "free" || kind == "skip";
}

}  // namespace

void MediaReader::open_file(double patience) {
  AVFormatContext* format = avformat_alloc_context();
  if (!format) throw std::bad_alloc();
  format->opaque = &messages_, read_from_ = format;
  format->interrupt_callback = {interrupted, this};
  patience_ = std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(patience));
  deadline_ = std::chrono::steady_clock::now() + patience_;
  const bool url = live_ && path_.find("://") != std::string::npos;
  AVDictionary* settings = nullptr;
  if (live_ && !url) {
    av_dict_set(&settings, "follow", "1", 0);  // at the end of a file, wait for more
    // Readers that may go to the end first, for an index, would wait there. Of MP4 what comes first may stand there.
    if (!is_iso(path_)) av_dict_set(&settings, "seekable", "0", 0);
  }
  if (!url) av_dict_set(&settings, "pattern_type", "none", 0);  // a % in a name of a picture counts no files
  if (url) av_dict_set(&settings, "rtsp_flags", "prefer_tcp", 0);
  // "file:" takes the name as it is: what stands before a colon is no protocol.
  const int code = avformat_open_input(&format, (url ? path_ : "file:" + path_).c_str(), nullptr, &settings);
  av_dict_free(&settings);
  if (code < 0) {  // avformat_open_input has freed the context
    read_from_ = nullptr;
    const auto said = messages_.last();
    if (url) refuse("nothing answers there within the patience, or it sends no video: " + libav_error(code));
    if (is_file(path_))
      if (const auto what = what_it_is(first_bytes(path_)); !what.empty()) refuse("0 frames" + what);
    if (std::string_view name = path_; without_ending(name, {".yuv", ".rgb", ".raw"}) != name)
      refuse(
          "0 frames; by its name it holds pictures alone, which say neither size nor rate: ffmpeg -f rawvideo "
          "-pixel_format yuv420p -video_size WxH -framerate FPS -i FILE -c:v ffv1 VIDEO.mkv makes a video of them");
    refuse(std::string("0 frames; damaged, cut off before its index, or not a ") + (sound_ ? "sound or " : "") +
           "video" + (said.empty() ? "" : ": " + said));
  }
  format_.reset(format);
  if (format_is(*format, "webp_pipe") && is_animated_webp(first_bytes(path_)))
    refuse("an animated WebP, which this FFmpeg does not decode; make a GIF or a video of it: magick " + path_ +
           " NEW.gif");
  if (live_) av_opt_set_int(format, "skip_estimate_duration_from_pts", 1, 0);
  // Of samples as they are, megabytes would be looked through for another codec inside.
  if (live_ && (format_is(*format, "wav") || format_is(*format, "w64"))) format->probesize = kWaveProbe;
  if (const int found = avformat_find_stream_info(format, nullptr); found < 0) refuse(libav_error(found));
}

// What is one picture under a video's name, by its bytes. Streams and animations of the same kinds have several.
void MediaReader::refuse_single_picture() const {
  const std::string name = format_->iformat->name;
  const auto end = name.rfind("_pipe");
  if ((end == std::string::npos && name != "image2" && name != "gif" && name != "apng") || !is_file(path_)) return;
  AVFormatContext* again = nullptr;
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "pattern_type", "none", 0);
  const int code = avformat_open_input(&again, ("file:" + path_).c_str(), nullptr, &settings);
  av_dict_free(&settings);
  if (code < 0) return;
  const LibavPtr<AVFormatContext> format(again);
  const auto packet = make_packet();
  int pictures = 0;
  for (; pictures < 2 && av_read_frame(again, packet.get()) >= 0; av_packet_unref(packet.get())) ++pictures;
  const std::string kind = avcodec_get_name(format_->streams[0]->codecpar->codec_id);
  if (pictures == 1)
    refuse("one picture, of the format " + kind + ": " +
           picture_advice((std::filesystem::path(path_).parent_path() / "").string(),
                          kind == "mjpeg" ? ".jpg" : "." + kind));
}

// Those of pictures or of sound, whichever is read.
std::vector<AVStream*> MediaReader::streams_of_kind() const {
  std::vector<AVStream*> streams;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* stream = format_->streams[i];
    if (stream->codecpar->codec_type == (sound_ ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO) && !is_cover(*stream))
      streams.push_back(stream);
  }
  return streams;
}

// ffmpeg's own choice (fftools): frames were seen, then the default stream, then more pixels or channels, then the
// first.
void MediaReader::choose_stream(const DecodeOptions& options) {
  const auto streams = streams_of_kind();
  bool sound = false, cover = false;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    const AVStream& stream = *format_->streams[i];
    const bool video = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
    claims_.pictures = claims_.pictures || (video && !is_cover(stream));
    cover = cover || (video && is_cover(stream));
    sound = sound || stream.codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
  }
  if (streams.empty() && sound_)
    refuse(claims_.pictures ? "it has pictures and no audio track" : "0 frames; damaged, or not a sound or video");
  if (streams.empty())
    refuse(std::string("0 frames; ") + (cover   ? "it holds a cover picture and no video"
                                        : sound ? "it holds sound alone, which log-mel and networks of sound take"
                                                : "damaged, cut off before its index, or not a video"));
  claims_.streams = static_cast<int>(streams.size());
  const int wanted = sound_ ? options.audio_stream : options.video_stream;
  if (const std::string kind = sound_ ? "audio" : "video"; wanted >= claims_.streams)
    throw Error("'" + path_ + "': --" + kind + "-stream " + std::to_string(wanted) + ": it has " +
                std::to_string(claims_.streams) + " " + kind + " stream" + (claims_.streams == 1 ? "" : "s") +
                ", counted from 0");
  const auto worth = [](const AVStream* s) {
    const auto& p = *s->codecpar;
    const auto size = std::max(std::int64_t{p.width} * p.height, std::int64_t{p.ch_layout.nb_channels});
    return size + (size > 0 ? 100000000 : 0) + (s->disposition & AV_DISPOSITION_DEFAULT ? 5000000 : 0);
  };
  const auto best = std::max_element(streams.begin(), streams.end(),
                                     [&](const AVStream* a, const AVStream* b) { return worth(a) < worth(b); });
  claims_.chosen = wanted >= 0 ? wanted : static_cast<int>(best - streams.begin());
  stream_ = streams[static_cast<std::size_t>(claims_.chosen)];
  // Other variants of the same video would all be fetched. Of a file, they tell how far it has come.
  const bool fetched = live_ && !(sound_ && is_file(path_));
  for (unsigned i = 0; fetched && i < format_->nb_streams; ++i)
    if (format_->streams[i] != stream_) format_->streams[i]->discard = AVDISCARD_ALL;
}

void MediaReader::open_codec(const DecodeOptions& options) {
  const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
  const auto tag = stream_->codecpar->codec_tag;
  std::string name = avcodec_get_name(stream_->codecpar->codec_id);
  if (stream_->codecpar->codec_id == AV_CODEC_ID_NONE && tag != 0) name = "'" + fourcc(tag) + "'";
  if (!codec) refuse("this FFmpeg has no decoder for " + name);
  codec_.reset(avcodec_alloc_context3(codec));
  if (!codec_) throw std::bad_alloc();
  codec_->opaque = &codec_messages_;
  if (const int code = avcodec_parameters_to_context(codec_.get(), stream_->codecpar); code < 0)
    refuse(name + ": " + libav_error(code));
  codec_->pkt_timebase = stream_->time_base;
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  // Threads hold frames back, which who follows a live video does not want.
  codec_->thread_count = live_ || sound_ ? 1 : options.threads > 0 ? options.threads : std::min(cores, 16);
  if (!options.hwaccel.empty()) {
    auto device = open_device(options.hwaccel);
    const auto type = reinterpret_cast<const AVHWDeviceContext*>(device->data)->type;
    if (device_format(codec, type) == AV_PIX_FMT_NONE)
      throw Error("'" + path_ + "': --hwaccel " + options.hwaccel + ": this FFmpeg's decoder of " + name +
                  " does not run there");
    codec_->hw_device_ctx = device.release();
    codec_->get_format = choose_device_format;
  }
  if (const int code = avcodec_open2(codec_.get(), codec, nullptr); code < 0) refuse(name + ": " + libav_error(code));
  before_key_ = makes_up_a_beginning(stream_->codecpar->codec_id);
}

// Seconds that a WAV file lacks by its own header: of one that is cut off, libavformat counts what is there.
double MediaReader::missing_of_wave() const {
  if (!format_is(*format_, "wav") || stream_->codecpar->bit_rate <= 0) return 0;
  const auto bytes = riff_bytes(first_bytes(path_));
  if (!bytes) return 0;
  const double missing = static_cast<double>(*bytes) - static_cast<double>(std::filesystem::file_size(path_));
  return std::max(0.0, missing * 8 / static_cast<double>(stream_->codecpar->bit_rate));
}

bool MediaReader::is_one_page() const {
  if (stream_->codecpar->codec_id != AV_CODEC_ID_VORBIS || !format_is(*format_, "ogg") || !is_file(path_)) return false;
  std::ifstream file(path_, std::ios::binary);
  return vorbis_in_one_page(file);
}

void MediaReader::read_end() {
  if (!is_file(path_)) return;
  const auto names = {"ogg", "mpeg", "flv", "w64", "wav", "caf", "matroska", "gif", "apng", "ivf", "avi", "nut", "mov"};
  if (std::none_of(names.begin(), names.end(), [&](const char* name) { return format_is(*format_, name); })) return;
  std::ifstream file(path_, std::ios::binary);
  const auto& codec = *stream_->codecpar;
  const int picture =
      codec.codec_id == AV_CODEC_ID_RAWVIDEO
          ? av_image_get_buffer_size(static_cast<AVPixelFormat>(codec.format), codec.width, codec.height, 1)
          : 0;
  claims_.file_end = file_end(file, static_cast<std::uint64_t>(std::max(picture, 0)));
  if (claims_.file_end.empty() && index_goes_on()) claims_.file_end = "the file is shorter than its index says";
}

// Whether the last packet of an index lies behind the end of the file.
bool MediaReader::index_goes_on() const {
  const int entries = avformat_index_get_entries_count(stream_);
  if (!format_is(*format_, "mov") || entries <= 0) return false;
  const auto* last = avformat_index_get_entry(stream_, entries - 1);
  return last->pos + last->size > static_cast<std::int64_t>(std::filesystem::file_size(path_));
}

// Where sound ends to the sample.
void MediaReader::read_sound_end() {
  const auto& codec = *stream_->codecpar;
  const double sample = codec.sample_rate > 0 ? 1.0 / codec.sample_rate : 0;
  claims_.tick = av_q2d(stream_->time_base);
  claims_.trims = claims_.own && claims_.may_trim;
  if (claims_.pictures) return;
  if (codec.codec_id == AV_CODEC_ID_FLAC && format_is(*format_, "flac")) claims_.slack = 0.5 * sample;
  const bool pcm = codec.codec_id >= AV_CODEC_ID_PCM_S16LE && codec.codec_id < AV_CODEC_ID_ADPCM_IMA_QT;
  if (pcm && format_is(*format_, "wav")) claims_.slack = kRiffApart;
  if (claims_.padded && format_is(*format_, "mp3"))
    claims_.slack = kMpegApart * (codec.frame_size > 0 ? codec.frame_size : kMpegFrame) * sample;
}

void MediaReader::read_claims() {
  const auto codec = stream_->codecpar->codec_id;
  claims_.padded = codec == AV_CODEC_ID_MP3 || codec == AV_CODEC_ID_MP2 || codec == AV_CODEC_ID_MP1;
  claims_.fps = av_q2d(stream_->avg_frame_rate);  // frames over duration; at a variable rate the mean
  if (!(claims_.fps > 0)) claims_.fps = av_q2d(av_guess_frame_rate(format_.get(), stream_, nullptr));
  if (!(claims_.fps > 0)) claims_.fps = 0;
  if (format_is(*format_, "avi") && !sound_) claims_.fps = avi_rate();
  // Broadcast streams begin at any time; elsewhere zero is a time of its own, before which players may show nothing.
  const double start = format_->start_time == AV_NOPTS_VALUE ? 0 : seconds(format_->start_time, {1, AV_TIME_BASE});
  claims_.zero = format_->iformat->flags & AVFMT_TS_DISCONT ? start : std::min(0.0, start);
  if (const auto& sound = *stream_->codecpar; sound_ && format_is(*format_, "matroska") && sound.sample_rate > 0)
    claims_.delay = static_cast<double>(sound.initial_padding) / sound.sample_rate;
  // libavformat cuts off other padding by itself.
  claims_.may_trim =
      sound_ && (format_is(*format_, "mov") || (format_is(*format_, "ogg") && codec == AV_CODEC_ID_VORBIS) ||
                 (claims_.delay > 0 && codec == AV_CODEC_ID_AAC));
  if (live_) return;
  read_end();
  const bool guessed = format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
  double begin = seconds(stream_->start_time, stream_->time_base);
  if (!std::isfinite(begin)) begin = 0;
  claims_.begin = begin;
  // The tag counts from where the first packet was written, before the delay was taken off.
  if (const double tag = tagged_end(*stream_) - claims_.delay; format_is(*format_, "matroska") && std::isfinite(tag)) {
    claims_.end = tag, claims_.own = claims_.stated = true;
    // A tag that was left behind by another file.
    if (format_->duration > 0) claims_.end = std::min(tag, start + seconds(format_->duration, {1, AV_TIME_BASE}));
  } else if (!guessed && stream_->duration > 0 && states_each_duration(*format_)) {
    claims_.end = begin + seconds(stream_->duration, stream_->time_base), claims_.own = true;
  } else if (!guessed && format_->duration > 0) {
    claims_.end = start + seconds(format_->duration, {1, AV_TIME_BASE});
  }
  if (const double missing = missing_of_wave(); missing > 0) {
    claims_.end = begin + seconds(std::max<std::int64_t>(0, stream_->duration), stream_->time_base) + missing;
    claims_.own = claims_.stated = true;
  }
  constexpr std::size_t kAsfHeader = 1 << 16;
  if (claims_.end <= 0 && format_is(*format_, "asf"))
    if (const auto stated = asf_duration(first_bytes(path_, kAsfHeader))) claims_.end = start + *stated;
  if (sound_) read_sound_end();
  claims_.count = stream_->nb_frames - hidden_entries(*format_, *stream_);
  claims_.counted = claims_.count > 0;
  claims_.stated = claims_.stated || claims_.counted;
  if (claims_.count <= 0 && claims_.own && claims_.fps > 0)
    claims_.count = static_cast<std::int64_t>(std::floor((claims_.end - begin) * claims_.fps + 0.5));
  claims_.count = std::max<std::int64_t>(0, claims_.count);
  if (format_is(*format_, "avi") && !sound_ && stream_->nb_frames > 0) read_avi_claims(begin);
  if (!length_is_known()) claims_.end = 0, claims_.count = claims_.slots = 0, claims_.counted = claims_.stated = false;
}

// What was written into a pipe keeps what stood in its header at first.
bool MediaReader::length_is_known() const {
  constexpr std::int64_t kUnknown = 0xffffffff;
  if (format_is(*format_, "ivf")) return stream_->duration < kUnknown;
  return !format_is(*format_, "avi") || !is_file(path_) || riff_bytes(first_bytes(path_)).has_value();
}

// The header's rate is that of the clock: writers of variable rates leave ticks empty, and then it may be any.
double MediaReader::avi_rate() const {
  const double clock = claims_.fps, guessed = av_q2d(av_guess_frame_rate(format_.get(), stream_, nullptr));
  return guessed > 0 && guessed < clock ? guessed : clock;
}

// AVI's duration is libavformat's guess from the size of the file; its header counts ticks, its index pictures.
void MediaReader::read_avi_claims(double begin) {
  const double length = seconds(stream_->nb_frames, stream_->time_base);
  claims_.end = std::max(claims_.end, begin + length), claims_.own = true;
  if (const double tick = av_q2d(stream_->time_base); tick * claims_.fps < 0.25) claims_.tick = tick;
  std::optional<std::int64_t> pictures;
  if (is_file(path_)) {
    std::ifstream file(path_, std::ios::binary);
    pictures = avi_pictures(file, stream_->index);
  }
  claims_.counted = pictures.has_value();
  if (claims_.tick == 0) claims_.slots = stream_->nb_frames;
  claims_.stated = claims_.counted || claims_.slots > 0;
  claims_.count = pictures ? *pictures : std::llround(length * claims_.fps);
}

bool MediaReader::rate_is_clock() const {
  return claims_.fps >= 999 && std::abs(claims_.fps * av_q2d(stream_->time_base) - 1) < 1e-6;
}

const std::int32_t* MediaReader::display_matrix() const {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* side = av_packet_side_data_get(
      stream_->codecpar->coded_side_data, stream_->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side && side->size >= 36 ? reinterpret_cast<const std::int32_t*>(side->data) : nullptr;
#else
  std::size_t size = 0;
  const auto* data = av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data && size >= 36 ? reinterpret_cast<const std::int32_t*>(data) : nullptr;
#endif
}

double MediaReader::stamp(const AVFrame& frame) const {
  return seconds(frame.best_effort_timestamp, stream_->time_base) + shift_;
}

double MediaReader::length(const AVFrame& frame) const {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  const std::int64_t ticks = frame.duration;
#else
  const std::int64_t ticks = frame.pkt_duration;
#endif
  return ticks > 0 ? seconds(ticks, stream_->time_base) : 0;
}

double MediaReader::tick() const { return av_q2d(stream_->time_base); }

// Of the packets before the first frame: those that should have been shown before it.
void MediaReader::first_frame(double stamp) {
  any_ = true, first_ = stamp;
  findings_.undecoded = passed_over_;
  for (const double at : waiting_) findings_.undecoded += at < stamp - kTick;
  waiting_ = {};
}

const AVFrame* MediaReader::next(double passed) {
  for (int failures = 0; failures < kMostFailures;) {
    const int code = avcodec_receive_frame(codec_.get(), frame_.get());
    if (code == AVERROR_EOF || (code == AVERROR(EAGAIN) && draining_)) break;
    if (code == AVERROR(EAGAIN)) {
      if (sound_ && pictures_ > passed) return nullptr;
      feed();
      continue;
    }
    if (code < 0) {
      ++failures;
      continue;
    }
    const AVFrame* frame = frame_.get();
    if (frame->hw_frames_ctx) {
      av_frame_unref(copied_.get());
      if (const int moved = av_hwframe_transfer_data(copied_.get(), frame, 0); moved < 0)
        throw Error("'" + path_ + "': a frame cannot be fetched from the device: " + libav_error(moved));
      av_frame_copy_props(copied_.get(), frame);
      frame = copied_.get();
    }
    if (!any_ && one_page_) shift_ = -seconds(frame->best_effort_timestamp, stream_->time_base);
    if (!any_) first_frame(stamp(*frame));
    if (frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0)
      ++flagged_, findings_.losses.push_back(stamp(*frame));
    return frame;
  }
  note_errors();
  if (!any_) findings_.undecoded = passed_over_ + static_cast<std::int64_t>(waiting_.size());
  return nullptr;
}

bool MediaReader::seek(double time) {
  const auto ticks = static_cast<std::int64_t>(std::floor(time / av_q2d(stream_->time_base)));
  if (av_seek_frame(format_.get(), stream_->index, ticks, AVSEEK_FLAG_BACKWARD) < 0) return false;
  avcodec_flush_buffers(codec_.get());
  clock_.restart();
  early_.clear(), early_bytes_ = 0;
  before_key_ = makes_up_a_beginning(stream_->codecpar->codec_id);
  draining_ = false;
  return true;
}

void MediaReader::note_packet(const AVPacket& packet) {
  const AVStream& of = *format_->streams[packet.stream_index];
  const double at = seconds(packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts, of.time_base);
  if (std::isfinite(at) && of.codecpar->codec_type != AVMEDIA_TYPE_DATA && !is_cover(of))
    findings_.end = std::max(findings_.end, at + seconds(packet.duration, of.time_base));
  if (std::isfinite(at) && of.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_cover(of))
    pictures_ = std::max(pictures_, at);
}

// Errors since the last packet went in are its own (those of codecs with threads come later).
void MediaReader::note_errors() {
  const auto errors = codec_messages_.errors();
  if (errors > seen_errors_ && sent_shown_) troubled_.push_back(sent_), findings_.losses.push_back(sent_at_);
  const auto gaps = codec_messages_.gaps();
  if (gaps > seen_gaps_ && any_) findings_.losses.push_back(sent_at_);
  seen_errors_ = errors, seen_gaps_ = gaps;
  sent_shown_ = false;
}

// On a clock that goes on.
void MediaReader::place_packet() {
  const AVStream& of = *format_->streams[packet_->stream_index];
  const double jump = clock_.place(*packet_, of);
  if (jump == 0 || &of != stream_) return;
  if (findings_.jumps++ == 0)
    findings_.jump_at = seconds(packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts, of.time_base),
    findings_.jump_by = jump;
}

// Where a transport stream's packets do not follow each other; before the first picture it is where it was cut.
void MediaReader::note_torn(const AVPacket& packet) {
  const bool key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
  if (torn_ && (key || ++behind_torn_ == StreamClock::kTornBefore)) {
    (key ? findings_.restarts : findings_.losses).push_back(*torn_);
    torn_.reset();
  }
  // (Of WAV it is the last packet of a file that states no length.)
  if (!any_ || (packet.flags & AV_PKT_FLAG_CORRUPT) == 0 || format_is(*format_, "wav")) return;
  ++findings_.torn;
  if (torn_) findings_.losses.push_back(*torn_);
  torn_ = sent_at_, behind_torn_ = 0;
}

int MediaReader::read_packet() {
  deadline_ = std::chrono::steady_clock::now() + patience_;  // from now on it is waited for
  while (true) {
    const int code = av_read_frame(format_.get(), packet_.get());
    if (code != AVERROR(EAGAIN) || interrupted(this)) return code;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // a live source has nothing yet
  }
}

// What lies before the first key picture cannot be decoded; where none comes, all is given to the codec after all.
bool MediaReader::keep_for_later() {
  if (!before_key_) return false;
  if ((packet_->flags & AV_PKT_FLAG_KEY) != 0) {
    for (const auto& packet : early_) {
      if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0) ++findings_.hidden;
      else ++passed_over_, note_shown(*packet);
    }
    before_key_ = false, early_.clear();
    return false;
  }
  early_bytes_ += packet_->size;
  early_.push_back(make_packet());
  av_packet_move_ref(early_.back().get(), packet_.get());
  before_key_ = early_.size() < kMostEarly && early_bytes_ < kMostEarlyBytes;
  return true;
}

// The file's, on a clock that goes on, into packet_. False: its end.
bool MediaReader::next_packet() {
  const bool again = !before_key_ && !early_.empty();
  if (!again) {
    const int code = read_packet();
    if (code < 0) {
      // Some readers find an error where nothing is left, and say none.
      const bool end = code == AVERROR_EOF || (format_->pb && avio_feof(format_->pb) && messages_.errors() == 0);
      findings_.broken = !end && !live_;
      before_key_ = false;
      return false;
    }
    place_packet();
    note_packet(*packet_);
    return true;
  }
  av_packet_move_ref(packet_.get(), early_.front().get());
  early_.pop_front();
  return true;
}

void MediaReader::note_shown(const AVPacket& packet) {
  const double at = seconds(packet.pts, stream_->time_base);
  if (++findings_.packets == 1 && std::isfinite(at)) findings_.begin = at;
  const double decoded = seconds(packet.dts, stream_->time_base);
  if (findings_.packets == 1) first_decoded_ = decoded;
  else note_length(decoded);
  last_decoded_ = decoded, last_is_latest_ = at > latest_;
  if (last_is_latest_) latest_ = at;
}

// MP4 states lengths in the order of decoding: where pictures are shown in another one, its end is not that of the
// picture shown last.
void MediaReader::note_length(double decoded) {
  if (!last_is_latest_) return;
  const bool told = format_is(*format_, "mov") && findings_.hidden == 0 && decoded > last_decoded_;
  findings_.last_length = told ? decoded - last_decoded_ : 0;
}

void MediaReader::feed() {
  note_errors();
  if (!next_packet()) {
    if (!early_.empty()) return;
    if (stream_->duration > 0) note_length(first_decoded_ + seconds(stream_->duration, stream_->time_base));
    const auto entries = avformat_index_get_entries_count(stream_);
    findings_.all_indexed =
        format_is(*format_, "mov") && entries > 0 && findings_.packets + findings_.hidden >= entries;
    avcodec_send_packet(codec_.get(), nullptr);
    draining_ = true;
    return;
  }
  if (packet_->stream_index == stream_->index && !keep_for_later()) {
    if (sound_ && findings_.packets + findings_.hidden == 0 && is_one_page())
      one_page_ = true, codec_->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;  // SoundDecoder cuts at the end
    const bool hidden = (packet_->flags & AV_PKT_FLAG_DISCARD) != 0;
    if (hidden) ++findings_.hidden;
    else note_shown(*packet_);
    sent_ = seconds(packet_->pts, stream_->time_base), sent_shown_ = !hidden;
    sent_at_ = std::isfinite(sent_) ? sent_ : seconds(packet_->dts, stream_->time_base);
    if (!any_ && !hidden) waiting_.push_back(sent_);
    if (!hidden) note_torn(*packet_);
    // What the container's reader has left out for an error lay before.
    if (any_ && messages_.errors() > seen_left_out_) findings_.losses.push_back(sent_at_);
    seen_left_out_ = messages_.errors();
    avcodec_send_packet(codec_.get(), packet_.get());  // what it refuses, it tells
  }
  av_packet_unref(packet_.get());
}

MediaFindings MediaReader::findings() const {
  MediaFindings out = findings_;
  // A packet without a time stamp counts when pictures came before it.
  const auto troubled =
      std::count_if(troubled_.begin(), troubled_.end(), [&](double at) { return any_ && !(at < first_ - kTick); });
  out.damaged = std::max<std::int64_t>(flagged_, troubled);
  if (torn_) out.losses.push_back(*torn_);
  out.message = codec_messages_.errors() > 0 ? codec_messages_.last() : messages_.last();
  return out;
}

}  // namespace tal
