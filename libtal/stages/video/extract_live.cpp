// Videos that are still being made: a record a window (tal-extract --live).
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/io/features.h"
#include "libtal/stages/video/extract_parts.h"

namespace tal {
namespace {

// Rows that came -> records of `rows` rows, every `step` rows. Rows that no later record needs are dropped.
class LiveWindows {
 public:
  LiveWindows(std::vector<Stream>& streams, const ExtractOptions& o, double fps, std::string path, std::string line,
              const std::function<void(Record&)>& emit)
      : streams_(streams), o_(o), fps_(fps), path_(std::move(path)), line_(std::move(line)), emit_(emit) {
    const auto stride = static_cast<double>(o.stride);
    rows_ = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::floor((o.live_window * fps - static_cast<double>(o.window)) / stride)) + 1);
    step_ = std::clamp<std::int64_t>(std::llround((o.live_step > 0 ? o.live_step : o.live_window) * fps / stride), 1,
                                     rows_);
  }

  // A record goes out when the row behind its last one is there: so the end always has one left to call final.
  void advance() {
    while (available() > rows_) put(rows_, false);
  }
  void end() {
    while (true) {
      const auto count = std::min(rows_, available());
      const bool last = count == available();
      put(count, last);
      if (last) return;
    }
  }
  std::int64_t available() const {  // rows from the next record's first on
    std::int64_t count = std::numeric_limits<std::int64_t>::max();
    for (const auto& stream : streams_)
      count = std::min(count, static_cast<std::int64_t>(stream.rows.size()) / stream.encoder->dim());
    return count;
  }

 private:
  void put(std::int64_t count, bool last) {
    const auto offset = index_ * step_ * o_.stride, frames = (count - 1) * o_.stride + o_.window;
    Record record;
    record.parse(line_);
    const nlohmann::ordered_json window = {{"index", index_},
                                           {"start", static_cast<double>(offset) / fps_},
                                           {"end", static_cast<double>(offset + frames) / fps_},
                                           {"final", last}};
    record.set_raw("window", window.dump());
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      auto& stream = streams_[i];
      check_rows(stream, path_);
      const auto dim = stream.encoder->dim();
      const std::vector<float> rows(stream.rows.begin(), stream.rows.begin() + count * dim);
      nlohmann::ordered_json feature = {{"data", inline_rows(rows, o_.half)}};
      feature.update(feature_header(stream, o_.encoders[i], {count, frames, offset, {}}, fps_, o_));
      record.set_feature(stream.encoder->name(), feature.dump());
      if (!last) stream.rows.erase(stream.rows.begin(), stream.rows.begin() + step_ * dim);
    }
    ++index_;
    emit_(record);
  }

  std::vector<Stream>& streams_;
  const ExtractOptions& o_;
  double fps_;
  std::string path_, line_;
  const std::function<void(Record&)>& emit_;
  std::int64_t rows_ = 0, step_ = 0, index_ = 0;
};

// Each connection to a source begins when it is made: those of pictures and of sound would not share a clock.
void refuse_several(const std::vector<Stream>& streams, const std::string& path) {
  const bool hears = std::any_of(streams.begin(), streams.end(), [](const Stream& s) { return s.sound != nullptr; });
  if (!hears || path.find("://") == std::string::npos || (streams.size() == 1 && sound_alone(streams))) return;
  throw Error("'" + path +
              "': of a URL, either pictures are followed, or one encoder hears sound that has none beside it: "
              "two connections do not share a clock (a file that is recorded from it can be followed)")
      .at_field("path");
}

}  // namespace

Extracted Extractor::follow(const std::string& line, const std::function<void(Record&)>& emit,
                            const std::function<bool()>& go_on) {
  const Lease lease(*this);
  Record record;
  record.parse(line);
  const std::string path = extract_path(record, options_);
  auto streams = open_streams(record.video(), options_, lease.encoders());
  try {
    const double target = sampled_fps(options_);
    open_sounds(streams, path, options_);
    refuse_several(streams, path);
    std::optional<VideoDecoder> decoder;
    const bool sees = !sound_alone(streams);
    if (sees) decoder.emplace(path, options_.patience, decode_options(streams, options_));
    const double fps = !sees ? sound_fps(streams, path, options_) : target > 0 ? target : decoder->fps();
    Windows windows(streams, options_, fps, "");
    LiveWindows records(streams, options_, fps, path, line, emit);
    const auto advance = [&] {
      records.advance();
      return go_on();
    };
    if (sees) sample(*decoder, target, true, windows, advance);
    else sample_sound(*streams.front().sound, fps, windows, -1, advance);
    windows.end();
    if (records.available() == 0)
      throw Error("'" + path + "': only " + std::to_string(windows.samples()) + " sampled frames, a window needs " +
                  std::to_string(options_.window))
          .at_field("path");
    records.end();
    return remarks_on(sees ? &*decoder : nullptr, streams, record, target);
  } catch (Error& error) {
    throw error.at_video(record.video());
  } catch (const cv::Exception& error) {
    throw Error("'" + path + "': " + error.err).at_video(record.video());
  }
}

}  // namespace tal
