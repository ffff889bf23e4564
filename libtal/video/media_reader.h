// A file as FFmpeg reads it: the decoded frames of one stream, of pictures or of sound, in the order of presentation,
// and what the container says and reading shows. Frames that an edit list hides are decoded and not given.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "libtal/video/container_facts.h"
#include "libtal/video/decode_options.h"
#include "libtal/video/libav.h"
#include "libtal/video/stream_clock.h"

namespace tal {

// What a container says of the stream. Times are seconds on the file's own clock, whose zero is `zero`.
struct MediaClaims {
  double fps = 0;          // 0: none
  std::int64_t count = 0;  // pictures to be shown, of the stream itself; 0: not known
  bool counted = false;    // `count` is the container's own, not made of a duration and a rate
  std::int64_t slots = 0;  // of AVI, by its header: pictures and ticks without one; 0: not known, or most have none
  bool stated = false;     // the container counts them, or states the stream's own duration in its header
  double zero = 0;         // where players begin to count
  double begin = 0;        // of the stream
  double end = 0;          // of the stream, or of the whole file; 0: not stated
  bool own = false;        // count and end are the stream's own, not the file's
  int streams = 0;         // of this kind, without cover pictures
  int chosen = 0;          // number among them
  bool pictures = false;   // whether the file holds a video
  bool padded = false;     // MPEG audio: the first and last packets hold what the encoder padded, and is not given
  bool trims = false;      // what the codec gives behind `end` is what the encoder padded
  bool may_trim = false;   // the same of a live file, once it has an end
  double tick = 0;         // seconds, of the clock that `end` is told by: of sound, and where pictures last several
  double delay = 0;        // seconds of sound before 0 that encoders begin with, where packets are placed by
                           // milliseconds only; 0: not stated
  double slack = -1;       // seconds that sound may end before `end`; -1: it is not told that exactly
  std::string file_end;    // how the end of the file shows that it was cut off; "": it does not
};

// What reading showed; complete when next() has returned nullptr.
struct MediaFindings {
  std::int64_t packets = 0;    // of the stream, to be shown
  std::int64_t hidden = 0;     // packets that an edit list hides
  std::int64_t undecoded = 0;  // packets in front of the first picture that could be decoded
  std::int64_t damaged = 0;    // pictures behind it in which the codec found errors
  std::int64_t torn = 0;       // pictures of which the container says that pieces are missing
  double begin = 0;            // of the first packet of the stream, seconds on the file's clock
  double end = 0;              // of the last packet of any stream
  double last_length = 0;      // seconds, of the last picture of MP4, by the clock of decoding; 0: not known
  bool broken = false;         // reading ended otherwise than at the end of the file
  bool all_indexed = false;    // every packet of the index was there
  std::string message;         // the last error that FFmpeg told; ""
  // Seconds on the file's clock where something shows that pictures are missing: errors of the codec, numbers of
  // pictures that leap, torn packets. restarts: torn packets behind which a key picture comes, so that recordings may
  // be joined there.
  std::vector<double> losses, restarts;
  std::int64_t jumps = 0;           // of the clock (StreamClock)
  double jump_at = 0, jump_by = 0;  // seconds, of the first
};

// Of findings with jumps, for a warning. zero: where time 0 is on the file's clock.
std::string jumps_told(const MediaFindings& found, double zero);

// Error where the file is missing, is a folder, or must not be read. Whether it is a regular one: others, such as
// pipes, can be read once.
bool check_readable(const std::string& path);

class MediaReader {
 public:
  // path: a file, or with patience > 0 a live source: a file that grows or a URL; it ends when nothing came for so many
  // seconds. Error (with the path) when it holds no video (or sound) that can be decoded, or not the stream that is
  // asked for.
  MediaReader(const std::string& path, double patience, const DecodeOptions& options);
  MediaReader(const MediaReader&) = delete;
  MediaReader& operator=(const MediaReader&) = delete;

  // The next frame, in the processor's memory, good until the next call. nullptr: the end; of sound also where no frame
  // has come and the pictures have passed a time (seconds on the file's clock), which ended() tells apart.
  const AVFrame* next(double passed = std::numeric_limits<double>::infinity());
  bool ended() const { return draining_; }
  // Goes to the last picture at or before `time` (seconds on the file's clock) that is decoded by itself: next() gives
  // it then. False where the file cannot be searched. What findings() says holds no longer.
  bool seek(double time);
  // Seconds on the file's clock; NaN: it has no time stamp.
  double stamp(const AVFrame& frame) const;
  double length(const AVFrame& frame) const;  // seconds that it is shown; 0: not stated

  double tick() const;  // seconds, of the clock of its time stamps

  const MediaClaims& claims() const { return claims_; }
  // Whether the rate is only that of the clock's ticks: the container states none.
  bool rate_is_clock() const;
  MediaFindings findings() const;
  // The stream's display matrix (9 numbers, libavutil/display.h), or nullptr.
  const std::int32_t* display_matrix() const;

 private:
  static int interrupted(void* self);
  void open_file(double patience);
  void choose_stream(const DecodeOptions& options);
  std::vector<AVStream*> streams_of_kind() const;
  void open_codec(const DecodeOptions& options);
  void read_claims();
  double missing_of_wave() const;
  void read_end();
  void read_sound_end();
  void read_avi_claims(double begin);
  double avi_rate() const;
  bool length_is_known() const;
  void refuse_single_picture() const;
  bool index_goes_on() const;
  bool is_one_page() const;
  void feed();
  bool next_packet();
  bool keep_for_later();
  int read_packet();
  void note_errors();
  void place_packet();
  void note_packet(const AVPacket& packet);
  void note_shown(const AVPacket& packet);
  void note_length(double decoded);
  void note_torn(const AVPacket& packet);
  void first_frame(double stamp);
  [[noreturn]] void refuse(const std::string& why) const;

  std::string path_;
  bool live_ = false, sound_ = false;
  std::chrono::steady_clock::duration patience_{};
  std::chrono::steady_clock::time_point deadline_{};
  const AVFormatContext* read_from_ = nullptr;  // format_, also while it is opened
  std::int64_t come_to_ = 0;                    // place in the file
  // Before the contexts that speak to it.
  LibavMessages messages_, codec_messages_;
  LibavPtr<AVFormatContext> format_;
  LibavPtr<AVCodecContext> codec_;
  LibavPtr<AVPacket> packet_ = make_packet();
  LibavPtr<AVFrame> frame_ = make_frame(), copied_ = make_frame();
  AVStream* stream_ = nullptr;
  MediaClaims claims_;
  MediaFindings findings_;
  double first_ = 0;
  double pictures_ = -std::numeric_limits<double>::infinity();  // time stamp that their packets have come to
  double shift_ = 0;                                            // seconds, of all time stamps
  bool one_page_ = false;                                       // vorbis_in_one_page()
  bool any_ = false, draining_ = false;
  std::int64_t flagged_ = 0, seen_errors_ = 0, seen_gaps_ = 0, seen_left_out_ = 0;
  double sent_ = 0, sent_at_ = 0;  // time stamp of the packet that the codec got last; NaN: none; else in its order
  bool sent_shown_ = false;        // whether it is to be shown
  std::vector<double> waiting_;    // time stamps of the packets before the first frame
  // Packets of the stream before its first key picture, until one comes or none is expected any more.
  bool before_key_ = false;
  std::deque<LibavPtr<AVPacket>> early_;
  std::int64_t early_bytes_ = 0, passed_over_ = 0;
  std::vector<double> troubled_;  // and of those in which the codec found errors
  std::optional<double> torn_;    // time stamp of the last packet, of which pieces are missing
  int behind_torn_ = 0;           // packets since then
  StreamClock clock_;
  // Seconds on the clock of decoding: the first packet, the last one; the time stamp that is the latest, and whether it
  // is that of the last packet.
  double first_decoded_ = 0, last_decoded_ = 0, latest_ = -std::numeric_limits<double>::infinity();
  bool last_is_latest_ = false;
};

}  // namespace tal
