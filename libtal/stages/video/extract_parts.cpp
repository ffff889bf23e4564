#include "libtal/stages/video/extract_parts.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include <opencv2/core/version.hpp>

#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/io/feature_settings.h"
#include "libtal/io/features.h"
#include "libtal/io/npy.h"
#include "libtal/stages/video/stream_files.h"
#include "libtal/video/decode_ahead.h"

namespace tal {
namespace {

std::string settings(const Encoder& encoder, const ExtractOptions& o) {
  return std::string(kExtractVersion) + " opencv " + CV_VERSION + " | " + encoder.parameters() + " | fps " +
         (o.fps.empty() ? "native" : o.fps) + " stride " + std::to_string(o.stride) + " window " +
         std::to_string(o.window) + " tail " + o.tail + (o.half ? " float16" : " float32");
}

}  // namespace

std::vector<Stream> open_streams(const std::string& id, const ExtractOptions& o,
                                 const std::vector<std::unique_ptr<Encoder>>& encoders) {
  std::vector<Stream> streams;
  for (const auto& encoder : encoders) {
    Stream stream;
    stream.encoder = encoder.get();
    stream.npy = (std::filesystem::path(o.out_dir) / (id + "." + encoder->name() + ".npy")).string();
    stream.sidecar = sidecar_of(stream.npy);
    stream.settings = settings(*encoder, o);
    stream.hash = sha256(stream.settings);
    streams.push_back(std::move(stream));
  }
  return streams;
}

Windows::Windows(std::vector<Stream>& streams, const ExtractOptions& o, const std::string& flow_cache)
    : streams_(streams), o_(o), frames_(static_cast<std::size_t>(o.window)) {
  for (auto& stream : streams_) stream.encoder->reset(flow_cache), stream.rows.clear();
}

void Windows::push(const cv::Mat& frame) {
  for (auto& stream : streams_) stream.encoder->push(frame);
  ++samples_;
  if (rows_ * o_.stride + o_.window == samples_) encode(rows_ * o_.stride);
  // A shifted last window may still need the last `window` frames, a padded one those from the next start on.
  const std::int64_t needed = std::min(rows_ * o_.stride, samples_ - o_.window);
  for (auto& stream : streams_) stream.encoder->release(needed);
}

Rows Windows::end() {
  auto rows =
      feature_rows(samples_, static_cast<double>(o_.window), static_cast<double>(o_.stride), tail_rule(o_.tail));
  for (auto i = static_cast<std::size_t>(rows_); i < rows.starts.size(); ++i)
    encode(static_cast<std::int64_t>(rows.starts[i]));
  for (auto& stream : streams_) stream.encoder->finish(stream.rows);
  return rows;
}

void Windows::encode(std::int64_t start) {
  for (std::int64_t k = 0; k < o_.window; ++k) frames_[static_cast<std::size_t>(k)] = std::min(start + k, samples_ - 1);
  for (auto& stream : streams_) stream.encoder->encode(frames_, stream.rows);
  ++rows_;
}

void sample(VideoDecoder& decoder, double fps, bool ahead, Windows& windows, const std::function<bool()>& go_on) {
  std::optional<DecodeAhead> frames;
  if (ahead) frames.emplace(decoder);
  Resampler resampler(fps > 0 ? fps : 1);
  cv::Mat previous, current;
  double time = 0;
  const auto next = [&] {
    if (frames) return frames->next(current, time);
    if (!decoder.read(current)) return false;
    time = decoder.time();
    return true;
  };
  while (next()) {
    if (fps > 0) {
      const auto decided = resampler.push(time);
      for (std::int64_t k = 0; k < decided.previous; ++k) windows.push(previous);
      for (std::int64_t k = 0; k < decided.current; ++k) windows.push(current);
      cv::swap(previous, current);
    } else {
      windows.push(current);
    }
    if (go_on && !go_on()) return;
  }
}

nlohmann::ordered_json feature_header(const Stream& stream, const std::string& spec, const HeaderRows& rows, double fps,
                                      const ExtractOptions& o) {
  nlohmann::ordered_json feature;
  feature["dtype"] = o.half ? "float16" : "float32";
  feature["rows"] = rows.rows;
  feature["dim"] = stream.encoder->dim();
  feature["stride"] = o.stride;
  feature["window"] = o.window;
  feature["fps"] = fps;
  feature["offset"] = rows.offset;
  feature["frames"] = rows.frames;
  feature["resample"] = o.fps.empty() ? "none" : "pts";
  feature["tail"] = o.tail;
  if (rows.last_start) feature["last_start"] = *rows.last_start;
  feature["encoder"] = spec;
  if (const auto weights = stream.encoder->weights(); !weights.empty()) feature["weights"] = weights;
  feature["hash"] = stream.hash;
  feature["settings"] = feature_settings(stream.encoder->parameters());
  if (!stream.encoder->columns().empty()) feature["classes"] = stream.encoder->columns();
  return feature;
}

void check_rows(const Stream& stream, const std::string& path) {
  for (const float value : stream.rows)
    if (!std::isfinite(value))
      throw Error("'" + path + "': the encoder " + stream.encoder->name() + " gave a value that is not finite");
}

}  // namespace tal
