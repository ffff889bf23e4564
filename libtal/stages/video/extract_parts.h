// What extraction of whole videos (extract.cpp) and of live ones (extract_live.cpp) share: streams in the making,
// windows, their headers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libtal/base/time_rows.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decoder.h"
#include "libtal/video/sound_decoder.h"

namespace tal {

inline constexpr const char* kExtractVersion = "extract/2";  // change it when the same options give other values

// The record's path; Error when it has none, is a window, or its id cannot be part of a file name that is needed.
std::string extract_path(const Record& record, const ExtractOptions& options);

struct Stream {
  Encoder* encoder = nullptr;
  std::shared_ptr<SoundDecoder> sound;  // of an encoder that hears, while a video is read
  std::vector<float> rows;
  std::string npy, sidecar, settings, hash;  // hash: of settings
};
std::vector<Stream> open_streams(const std::string& id, const ExtractOptions& options,
                                 const std::vector<std::unique_ptr<Encoder>>& encoders);

// Opens the sound of the encoders that hear. Error where the file has none.
void open_sounds(std::vector<Stream>& streams, const std::string& path, const ExtractOptions& options);
// Whether there is nothing but sound: all encoders hear, and the file has no pictures that would tell the time.
bool sound_alone(const std::vector<Stream>& streams);
// The sampled frames a second of a file of sound alone: --fps, or the frames that the encoders make by themselves.
// Error where these differ or there are none.
double sound_fps(const std::vector<Stream>& streams, const std::string& path, const ExtractOptions& options);

// Samples of one video -> rows of every stream.
class Windows {
 public:
  // fps: sampled frames a second. open_sounds() comes before.
  Windows(std::vector<Stream>& streams, const ExtractOptions& options, double fps, const std::string& flow_cache);
  // zero: where on the file's clock time 0 is (VideoDecoder::zero()).
  void push(const VideoPicture& picture, double zero);
  void push();  // of a file of sound alone
  Rows end();   // adds the rows that the tail rule makes of the last frames
  std::int64_t samples() const { return samples_; }

 private:
  void advance();
  void encode(std::int64_t start);
  std::vector<Stream>& streams_;
  const ExtractOptions& o_;
  std::vector<std::int64_t> frames_;
  std::int64_t samples_ = 0, rows_ = 0;
};

// What the encoders of these streams need to see.
DecodeOptions decode_options(const std::vector<Stream>& streams, const ExtractOptions& options);

// `ahead`: decodes on a thread of its own while the encoders work on what came before. go_on, where given, is asked
// after each frame.
void sample(VideoDecoder& decoder, double fps, bool ahead, Windows& windows,
            const std::function<bool()>& go_on = nullptr);

// The rows that a header speaks of.
struct HeaderRows {
  std::int64_t rows = 0, frames = 0, offset = 0;  // sampled frames
  std::optional<std::int64_t> last_start;         // of --tail shift
};
// A stream's object in the record, without its rows. fps: sampled frames per second.
nlohmann::ordered_json feature_header(const Stream& stream, const std::string& spec, const HeaderRows& rows, double fps,
                                      const ExtractOptions& options);

// Sound alone up to its end, a sample for each sampled frame that begins in it. most: samples; -1: all.
// go_on: as sample().
void sample_sound(SoundDecoder& sound, double fps, Windows& windows, std::int64_t most = -1,
                  const std::function<bool()>& go_on = nullptr);

// {"duration","fps","frames"} of a video that has been decoded, {"duration"} of sound alone.
nlohmann::ordered_json facts_of(const VideoDecoder& decoder);
nlohmann::ordered_json facts_of(const SoundDecoder& sound);
// A warning when the record states another duration, rate or number of frames than these, by more than rounding and
// containers' claims explain: it was made for another cut or copy of the video.
std::vector<std::string> contradictions(const Record& record, const nlohmann::ordered_json& facts);
// What a user has to know about a video that has been decoded to its end. decoder: nullptr for sound alone. fps: --fps;
// 0: every frame is a sample.
Extracted remarks_on(const VideoDecoder* decoder, const std::vector<Stream>& streams, const Record& record, double fps);

void check_rows(const Stream& stream, const std::string& path);  // Error for values that are not finite

// A set of encoders for one video, from the pool or made as twins of the first set.
class Extractor::Lease {
 public:
  explicit Lease(Extractor& owner) : owner_(owner) {
    {
      std::lock_guard lock(owner_.mutex_);
      if (!owner_.free_.empty()) {
        encoders_ = std::move(owner_.free_.back());
        owner_.free_.pop_back();
      }
    }
    if (encoders_.empty())
      for (const auto& encoder : owner_.first_) encoders_.push_back(encoder->twin());
  }
  ~Lease() {
    std::lock_guard lock(owner_.mutex_);
    owner_.free_.push_back(std::move(encoders_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  const Encoders& encoders() const { return encoders_; }

 private:
  Extractor& owner_;
  Encoders encoders_;
};

}  // namespace tal
