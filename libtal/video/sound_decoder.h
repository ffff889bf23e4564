// The sound of a file (FFmpeg), resampled and mono, on the clock of its pictures: presentation time stamps say where a
// sample lies, so a late start and gaps are silence and what overlaps is left out.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "libtal/sound/sound_track.h"
#include "libtal/video/media_reader.h"

namespace tal {

class SoundDecoder : public SoundTrack {
 public:
  // rate: samples a second of what it gives. audio_stream: as DecodeOptions. Error (with the path) when the file is
  // missing, no regular file, or holds no sound that can be decoded.
  // patience > 0: of a file that is still being made, or a URL (VideoDecoder). Sound that comes in it more than
  // ten seconds behind the pictures of its time is silence.
  SoundDecoder(const std::string& path, std::int64_t rate, int audio_stream, double patience = 0);

  bool pictures() const { return media_.claims().pictures; }  // whether the file holds a video, too
  // Before anything is asked for: the second of the file's own clock that is time 0 (VideoDecoder::zero()). Without:
  // the first sample, which is right for files of sound alone.
  void begin(double zero) { zero_ = zero, begun_ = true; }

  std::span<const float> samples(std::int64_t first, std::int64_t count) override;
  void release(std::int64_t before) override;
  // Decodes up to that time. Whether a sample lies there or behind.
  bool reaches(double seconds);
  void finish();  // decodes the rest, whose samples are dropped

  double claimed_duration() const;          // seconds, of the container; 0: it states none
  double duration() const { return end_; }  // seconds, from time 0 to the end of what was decoded

  // After the end, as VideoDecoder. with_pictures: another decoder looks after the rest of the file.
  struct Damage {
    bool found = false;
    bool any = false;     // whether something could be decoded
    std::string message;  // with the last good time stamp
  };
  Damage damage(bool with_pictures) const;
  std::vector<std::string> warnings() const;
  // until: seconds, where the pictures end; 0: there are none.
  std::vector<std::string> notes(double until) const;

 private:
  struct Chunk {
    std::int64_t first;
    std::vector<float> values;
    std::int64_t end() const { return first + static_cast<std::int64_t>(values.size()); }
  };
  // One more frame; false at the end, and where the pictures have passed a time (MediaReader::next()).
  bool decode(double passed = std::numeric_limits<double>::infinity());
  void place(double stamp);
  void open_resampler(const AVFrame& frame);
  bool hold(const AVFrame& frame);
  void take(const AVFrame& frame);
  void take_later(const AVFrame& frame);
  void end();
  void convert(const AVFrame* frame, int from = 0, int to = 0);
  void add(std::vector<float> values);
  bool same_form(const AVFrame& frame) const;

  std::string path_;
  std::int64_t rate_;
  int asked_;  // --audio-stream
  bool live_;
  MediaReader media_;
  MediaClaims claims_;
  LibavPtr<SwrContext> resampler_;
  int from_rate_ = 0, from_format_ = -1, from_channels_ = 0;
  std::deque<Chunk> chunks_;
  std::vector<float> given_;
  std::int64_t released_, next_ = 0;       // next_: number of the sample that the resampler gives next
  double zero_ = 0, end_ = 0, first_ = 0;  // seconds; end_ of what came from the codec, first_ of its first sample
  double last_step_ = 0;                   // seconds, of one sample as coded
  double longest_frame_ = 0;               // seconds
  bool begun_ = false, any_ = false, ended_ = false;
  bool trims_ = false;                   // MediaClaims::trims, unless more comes than a codec pads
  std::vector<LibavPtr<AVFrame>> held_;  // frames that reach behind the stated end, until it is known that they end it
  double held_length_ = 0;               // seconds
  std::deque<LibavPtr<AVFrame>> last_;   // of a live file, of which only the end will tell what is padding
  double last_length_ = 0;               // seconds
  // Sample up to which silence was given for sound that had not come; samples before time 0 are negative.
  std::int64_t silent_until_ = std::numeric_limits<std::int64_t>::min();
  bool late_ = false;  // whether it came then
  std::int64_t gaps_ = 0;
  double piece_ = 0;        // seconds, where the sound that follows without a gap begins
  std::int64_t coded_ = 0;  // samples of it, as coded
  double gap_at_ = 0, gap_length_ = 0, silent_ = 0, behind_ = 0;  // of the first gap; all of them; back, at most
};

// nullptr where the file holds anything else, or cannot be read. Its samples have any rate.
std::unique_ptr<SoundDecoder> open_sound_alone(const std::string& path);

}  // namespace tal
