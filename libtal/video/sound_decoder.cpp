#include "libtal/video/sound_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "libtal/base/error.h"

namespace tal {
namespace {

constexpr double kJump = 0.025;    // seconds that time stamps may be off the count of samples: containers round them
constexpr double kRunBack = 0.25;  // seconds that they may run back, and the overlap is left out; more: recordings were
                                   // joined, and sound follows sound until the time stamps pass it
constexpr double kMillisecond = 0.001;
constexpr double kMostTrimmed = 0.3;  // seconds that codecs give behind the end that the container states
constexpr double kMostPadding = 4;    // frames, of MPEG audio
constexpr double kHeardApart = 0.1;   // seconds that a start or gap may be off before it is worth a word
constexpr double kShorter = 0.5;      // seconds that sound may end before the pictures
constexpr double kFarBehind = 10;     // seconds that sound may stand behind the pictures of its time, in live files
constexpr double kFarthest = 1e8;     // seconds; time stamps beyond are none
constexpr std::int64_t kBefore = 1 << 16;  // samples before time 0 that are kept

std::string seconds_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", value);
  return text;
}

double length_of(const AVFrame& frame) { return static_cast<double>(frame.nb_samples) / frame.sample_rate; }

LibavPtr<AVFrame> kept(const AVFrame& frame) {
  LibavPtr<AVFrame> out(av_frame_clone(&frame));
  if (!out) throw std::bad_alloc();
  return out;
}

DecodeOptions options_for(const std::string& path, int audio_stream, bool live) {
  const bool url = live && path.find("://") != std::string::npos;
  if (!url && !check_readable(path)) throw Error("'" + path + "': sound is read from files, not from pipes or devices");
  DecodeOptions out;
  out.sound = true, out.audio_stream = audio_stream;
  return out;
}

}  // namespace

SoundDecoder::SoundDecoder(const std::string& path, std::int64_t rate, int audio_stream, double patience)
    : path_(path),
      rate_(rate),
      asked_(audio_stream),
      live_(patience > 0),
      media_(path, patience, options_for(path, audio_stream, live_)),
      claims_(media_.claims()),
      released_(-kBefore),
      trims_(claims_.trims) {}

double SoundDecoder::claimed_duration() const { return std::max(0.0, claims_.end - claims_.begin); }

bool SoundDecoder::same_form(const AVFrame& frame) const {
  return frame.sample_rate == from_rate_ && frame.format == from_format_ &&
         frame.ch_layout.nb_channels == from_channels_;
}

// The mean of the channels, whatever their places: what the field does, while libswresample's own way makes it louder.
void SoundDecoder::open_resampler(const AVFrame& frame) {
  from_rate_ = frame.sample_rate, from_format_ = frame.format, from_channels_ = frame.ch_layout.nb_channels;
  if (from_rate_ <= 0 || from_channels_ <= 0) throw Error("'" + path_ + "': sound without a rate or channels");
  AVChannelLayout mono{}, layout{};
  av_channel_layout_default(&mono, 1);
  av_channel_layout_default(&layout, from_channels_);
  SwrContext* context = nullptr;
  const int code = swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLTP, static_cast<int>(rate_), &layout,
                                       static_cast<AVSampleFormat>(from_format_), from_rate_, 0, nullptr);
  resampler_.reset(context);
  const std::vector<double> shares(static_cast<std::size_t>(from_channels_), 1.0 / from_channels_);
  if (code < 0 || swr_set_matrix(context, shares.data(), from_channels_) < 0 || swr_init(context) < 0)
    throw Error("'" + path_ + "': sound of " + std::to_string(from_channels_) + " channels at " +
                std::to_string(from_rate_) + " Hz cannot be resampled");
}

void SoundDecoder::add(std::vector<float> values) {
  const std::int64_t least = std::max(released_, chunks_.empty() ? released_ : chunks_.back().end());
  late_ = late_ || (next_ < silent_until_ && !values.empty());
  const auto cut = std::clamp<std::int64_t>(least - next_, 0, static_cast<std::int64_t>(values.size()));
  const std::int64_t first = next_ + cut;
  next_ += static_cast<std::int64_t>(values.size());
  if (first == next_) return;
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(cut));
  chunks_.push_back({first, std::move(values)});
}

// Through the resampler: samples [from, to) of the frame; nullptr: what it still holds.
void SoundDecoder::convert(const AVFrame* frame, int from, int to) {
  if (!resampler_ || (frame && from >= to)) return;
  const int most = swr_get_out_samples(resampler_.get(), frame ? to - from : 0);
  std::vector<float> values(static_cast<std::size_t>(std::max(most, 0)));
  auto* out = reinterpret_cast<std::uint8_t*>(values.data());
  std::vector<const std::uint8_t*> in;
  if (frame) {
    const auto format = static_cast<AVSampleFormat>(frame->format);
    const bool planar = av_sample_fmt_is_planar(format) != 0;
    const int channels = frame->ch_layout.nb_channels, step = av_get_bytes_per_sample(format);
    for (int plane = 0; plane < (planar ? channels : 1); ++plane)
      in.push_back(frame->extended_data[plane] + std::ptrdiff_t{from} * step * (planar ? 1 : channels));
  }
  const int got = swr_convert(resampler_.get(), &out, static_cast<int>(values.size()), frame ? in.data() : nullptr,
                              frame ? to - from : 0);
  if (got < 0) throw Error("'" + path_ + "': its sound cannot be resampled: " + libav_error(got));
  values.resize(static_cast<std::size_t>(got));
  add(std::move(values));
}

// Where the frame that came begins: right behind the last one, unless its time stamp says otherwise.
void SoundDecoder::place(double stamp) {
  if (const double delay = claims_.delay; !any_ && std::abs(stamp + delay) < kMillisecond) stamp = -delay;
  const bool stamped = std::isfinite(stamp) && std::abs(stamp) < kFarthest;
  // What stands before the file's zero, encoders begin with, and it is not heard.
  if (!begun_) begin(stamped ? std::max(0.0, stamp) : 0);
  const double at = stamped ? stamp - zero_ : end_, jump = at - end_;
  if (any_ && jump < -kRunBack) behind_ = std::max(behind_, -jump);
  if (any_ && (std::abs(jump) <= kJump || jump < -kRunBack)) return;
  if (!any_) first_ = at;
  if (any_ && jump > kHeardApart) {
    if (gaps_++ == 0) gap_at_ = end_, gap_length_ = jump;
    silent_ += jump;
  }
  convert(nullptr);
  resampler_.reset();
  any_ = true, end_ = piece_ = at, coded_ = 0, next_ = std::llround(at * static_cast<double>(rate_));
}

// Whether the frame reaches behind the stated end and waits: whether that is padding is known when no more comes.
bool SoundDecoder::hold(const AVFrame& frame) {
  if (!trims_) return false;
  const double stamp = media_.stamp(frame), at = std::isfinite(stamp) ? stamp : zero_ + end_;
  if (held_.empty() && at + length_of(frame) <= claims_.end + claims_.tick) return false;
  held_.push_back(kept(frame)), held_length_ += length_of(frame);
  if (held_length_ > kMostTrimmed) {
    trims_ = false;
    for (const auto& one : held_) take(*one);
    held_.clear();
  }
  return true;
}

// A live file states its end when it is there: what could be padding waits till then.
void SoundDecoder::take_later(const AVFrame& frame) {
  last_.push_back(kept(frame)), last_length_ += length_of(frame);
  for (; last_length_ - length_of(*last_.front()) > kMostTrimmed; last_.pop_front())
    take(*last_.front()), last_length_ -= length_of(*last_.front());
}

void SoundDecoder::end() {
  if (!last_.empty()) {
    try {
      claims_ = MediaReader(path_, 0, options_for(path_, asked_, false)).claims(), trims_ = claims_.trims;
    } catch (const Error&) {  // a URL, or it was cut off: nothing states the end
    }
    for (const auto& frame : last_)
      if (!hold(*frame)) take(*frame);
    last_.clear();
  }
  for (const auto& frame : held_) take(*frame);
  held_.clear();
  convert(nullptr);
  ended_ = true;
}

void SoundDecoder::take(const AVFrame& frame) {
  place(media_.stamp(frame));
  if (!resampler_ || !same_form(frame)) {
    convert(nullptr);
    open_resampler(frame);
    piece_ = end_, coded_ = 0;
  }
  const double rate = from_rate_;
  const auto samples = [&](double seconds) {  // of this frame
    return static_cast<int>(std::llround(std::clamp(seconds * rate, 0.0, static_cast<double>(frame.nb_samples))));
  };
  const int from = first_ + zero_ < 0 ? samples(-zero_ - end_) : 0;
  const int to = trims_ ? samples(claims_.end - zero_ - end_) : frame.nb_samples;
  if (from > 0) next_ = std::llround((end_ + from / rate) * static_cast<double>(rate_));  // nothing came before
  coded_ += to;
  last_step_ = 1 / rate;
  longest_frame_ = std::max(longest_frame_, frame.nb_samples / rate);
  end_ = piece_ + static_cast<double>(coded_) / rate;
  convert(&frame, from, to);
}

bool SoundDecoder::decode(double passed) {
  if (ended_) return false;
  const AVFrame* frame = media_.next(passed);
  if (!frame) {
    if (media_.ended()) end();
    return false;
  }
  if (frame->nb_samples <= 0 || frame->sample_rate <= 0) return true;
  if (live_ && claims_.may_trim) take_later(*frame);
  else if (!hold(*frame)) take(*frame);
  return true;
}

bool SoundDecoder::reaches(double seconds) {
  constexpr double kSame = 1e-6;  // seconds
  while (!any_ || end_ - last_step_ < seconds - kSame)
    if (!decode()) return any_ && end_ - last_step_ >= seconds - kSame;
  return true;
}

std::span<const float> SoundDecoder::samples(std::int64_t first, std::int64_t count) {
  const std::int64_t end = first + count;
  const double passed = live_ ? zero_ + static_cast<double>(end) / static_cast<double>(rate_) + kFarBehind
                              : std::numeric_limits<double>::infinity();
  const auto there = [&] { return chunks_.empty() ? next_ : chunks_.back().end(); };
  while (there() < end && decode(passed)) {
  }
  if (!ended_ && there() < end) silent_until_ = std::max(silent_until_, end);
  given_.assign(static_cast<std::size_t>(count), 0);
  for (const auto& chunk : chunks_) {
    const auto from = std::max(first, chunk.first), to = std::min(end, chunk.end());
    if (from < to)
      std::copy(chunk.values.begin() + (from - chunk.first), chunk.values.begin() + (to - chunk.first),
                given_.begin() + (from - first));
  }
  return given_;
}

void SoundDecoder::release(std::int64_t before) {
  released_ = std::max(released_, before);
  while (!chunks_.empty() && chunks_.front().end() <= released_) chunks_.pop_front();
}

void SoundDecoder::finish() {
  while (decode()) chunks_.clear();
}

SoundDecoder::Damage SoundDecoder::damage(bool with_pictures) const {
  const auto& claims = claims_;
  const auto found = media_.findings();
  const std::string& cut = claims.file_end;
  const std::string& why = cut.empty() ? found.message : cut;
  const std::string said = why.empty() ? "" : " (" + why + ")";
  if (!any_)
    return {true, false, "'" + path_ + "': truncated or corrupt: no sample of its sound can be decoded" + said};
  const double promised = claims.end - claims.begin;
  double missing = claims.end - zero_ - end_;
  double allowed = std::max(kHeardApart, 0.01 * promised);
  if (claims.slack >= 0) allowed = claims.slack;
  // Files of sound alone count what the encoder padded, too, and so do their packets.
  if (claims.padded && !claims.pictures)
    missing = std::max(promised - (found.end - found.begin), missing - kMostPadding * longest_frame_);
  const bool stated = claims.end > 0 && found.jumps == 0 && (claims.own || !with_pictures);
  const bool ends_early = stated && missing > allowed;
  if (!ends_early && cut.empty() && (stated || !found.broken || with_pictures)) return {};
  return {true, true,
          "'" + path_ + "': truncated or corrupt: last good time stamp of its sound " + seconds_of(end_) +
              (ends_early ? ", of " + seconds_of(end_ + missing) : "") + said};
}

std::vector<std::string> SoundDecoder::warnings() const {
  std::vector<std::string> out;
  const auto found = media_.findings();
  if (gaps_ > 0)
    out.push_back("no sound for " + seconds_of(gap_length_) + " at " + seconds_of(gap_at_) +
                  (gaps_ > 1
                       ? ", and in " + std::to_string(gaps_ - 1) + " more places, " + seconds_of(silent_) + " in all"
                       : "") +
                  ": silence is taken");
  if (behind_ > 0)
    out.push_back("the time stamps of its sound run back by " + seconds_of(behind_) +
                  " (joined recordings?): sound follows sound until they pass it");
  if (found.jumps > 0 && !claims_.pictures) out.push_back(jumps_told(found, zero_));
  if (late_) out.push_back("sound came more than ten seconds behind the pictures of its time: silence was taken");
  if (found.torn > 0)
    out.push_back("pieces of " + std::to_string(found.torn) + (found.torn > 1 ? " packets" : " packet") +
                  " of its sound are missing in the stream (lost packets, or recordings that are joined there)");
  if (found.damaged > 0)
    out.push_back(std::to_string(found.damaged) + " damaged packet" + (found.damaged > 1 ? "s" : "") + " of its sound" +
                  (found.message.empty() ? "" : " (" + found.message + ")"));
  return out;
}

std::vector<std::string> SoundDecoder::notes(double until) const {
  std::vector<std::string> out;
  const auto& claims = claims_;
  if (claims_.streams > 1 && asked_ < 0)
    out.push_back("it has " + std::to_string(claims.streams) + " audio streams; number " +
                  std::to_string(claims.chosen) + " is taken (--audio-stream)");
  if (until <= 0) return out;
  if (first_ > kHeardApart) out.push_back("the sound starts at " + seconds_of(first_) + ": silence is taken before");
  if (until - end_ > kShorter) out.push_back("the sound ends at " + seconds_of(end_) + ": silence is taken behind it");
  return out;
}

std::unique_ptr<SoundDecoder> open_sound_alone(const std::string& path) {
  constexpr std::int64_t kAnyRate = 8000;
  try {
    auto sound = std::make_unique<SoundDecoder>(path, kAnyRate, -1);
    if (!sound->pictures()) return sound;
  } catch (const Error&) {
  }
  return nullptr;
}

}  // namespace tal
