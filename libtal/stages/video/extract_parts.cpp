#include "libtal/stages/video/extract_parts.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include <opencv2/core/version.hpp>

#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/feature_settings.h"
#include "libtal/io/features.h"
#include "libtal/io/npy.h"
#include "libtal/stages/video/stream_files.h"
#include "libtal/video/decode_ahead.h"
#include "libtal/video/opencv_info.h"

namespace tal {
namespace {

std::string settings(const Encoder& encoder, const ExtractOptions& o) {
  // What a device decodes is bit for bit what the codec says, and its pictures have another layout of colours.
  return std::string(kExtractVersion) + " opencv " + CV_VERSION + " " + libav_version() +
         (o.hwaccel.empty() ? "" : " hwaccel " + o.hwaccel) +
         (o.video_stream < 0 ? "" : " video-stream " + std::to_string(o.video_stream)) +
         (o.audio_stream < 0 || encoder.sound_rate() == 0 ? "" : " audio-stream " + std::to_string(o.audio_stream)) +
         " | " + encoder.parameters() + " | fps " + (o.fps.empty() ? "native" : o.fps) + " stride " +
         std::to_string(o.stride) + " window " + std::to_string(o.window) + " tail " + o.tail +
         (o.half ? " float16" : " float32");
}

}  // namespace

std::vector<Stream> open_streams(const std::string& id, const ExtractOptions& o,
                                 const std::vector<std::unique_ptr<Encoder>>& encoders) {
  std::vector<Stream> streams;
  for (const auto& encoder : encoders) {
    Stream stream;
    stream.encoder = encoder.get();
    stream.npy = (std::filesystem::path(o.out_dir) / (id + "." + encoder->name() + ".npy")).string();
    stream.sidecar = feature_header_path(stream.npy);
    stream.settings = settings(*encoder, o);
    stream.hash = sha256(stream.settings);
    streams.push_back(std::move(stream));
  }
  return streams;
}

DecodeOptions decode_options(const std::vector<Stream>& streams, const ExtractOptions& o) {
  DecodeOptions out;
  // Where all encoders hear, pictures only tell the time.
  const auto sees = [](const Stream& s, bool grey) {
    return s.encoder->sound_rate() == 0 && s.encoder->sees_grey() == grey;
  };
  out.grey = std::any_of(streams.begin(), streams.end(), [&](const auto& s) { return sees(s, true); });
  out.bgr = std::any_of(streams.begin(), streams.end(), [&](const auto& s) { return sees(s, false); });
  out.threads = o.decode_threads;
  out.hwaccel = o.hwaccel;
  out.video_stream = static_cast<int>(o.video_stream);
  return out;
}

void open_sounds(std::vector<Stream>& streams, const std::string& path, const ExtractOptions& o) {
  for (auto& stream : streams)
    if (const auto rate = stream.encoder->sound_rate(); rate > 0)
      stream.sound =
          std::make_shared<SoundDecoder>(path, rate, static_cast<int>(o.audio_stream), o.live ? o.patience : 0);
}

bool sound_alone(const std::vector<Stream>& streams) {
  return std::all_of(streams.begin(), streams.end(),
                     [](const Stream& stream) { return stream.sound && !stream.sound->pictures(); });
}

double sound_fps(const std::vector<Stream>& streams, const std::string& path, const ExtractOptions& o) {
  if (const double asked = sampled_fps(o); asked > 0) return asked;
  const double fps = streams.front().encoder->sound_frames();
  for (const auto& stream : streams)
    if (const auto& encoder = *stream.encoder; encoder.sound_frames() == 0 || encoder.sound_frames() != fps)
      throw Error("'" + path + "' holds sound alone, and " +
                  (encoder.sound_frames() == 0 ? encoder.name() + " has no frames a second of its own"
                                               : "the encoders' own frames a second differ") +
                  ": --fps says how many are sampled")
          .at_field("path");
  return fps;
}

Windows::Windows(std::vector<Stream>& streams, const ExtractOptions& o, double fps, const std::string& flow_cache)
    : streams_(streams), o_(o), frames_(static_cast<std::size_t>(o.window)) {
  for (auto& stream : streams_) {
    stream.encoder->reset(flow_cache), stream.rows.clear();
    if (stream.sound) stream.encoder->hear(stream.sound, fps);
  }
}

void Windows::push(const VideoPicture& picture, double zero) {
  for (auto& stream : streams_) {
    if (stream.sound && samples_ == 0) stream.sound->begin(zero);
    if (!stream.sound) stream.encoder->push(stream.encoder->sees_grey() ? picture.grey : picture.bgr);
  }
  advance();
}

void Windows::push() { advance(); }

void Windows::advance() {
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
  if (ahead) frames.emplace(decoder, static_cast<bool>(go_on));
  Resampler resampler(fps > 0 ? fps : 1);
  VideoPicture previous, current;
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
      for (std::int64_t k = 0; k < decided.previous; ++k) windows.push(previous, decoder.zero());
      for (std::int64_t k = 0; k < decided.current; ++k) windows.push(current, decoder.zero());
      std::swap(previous, current);
    } else {
      windows.push(current, decoder.zero());
    }
    if (go_on && !go_on()) return;
  }
}

void sample_sound(SoundDecoder& sound, double fps, Windows& windows, std::int64_t most,
                  const std::function<bool()>& go_on) {
  for (std::int64_t k = 0; k != most && sound.reaches(static_cast<double>(k) / fps); ++k) {
    windows.push();
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

namespace {

// A number of the record; its rate may be a fraction.
std::optional<double> stated_number(const Record& record, const std::string& name) {
  if (name != "fps") return record.number(name);
  const auto rate = record.fps();
  return rate ? std::optional(rate->value()) : std::nullopt;
}

}  // namespace

nlohmann::ordered_json facts_of(const VideoDecoder& decoder) {
  return {{"duration", decoder.duration()}, {"fps", decoder.fps()}, {"frames", decoder.frames()}};
}
nlohmann::ordered_json facts_of(const SoundDecoder& sound) { return {{"duration", sound.duration()}}; }

std::vector<std::string> contradictions(const Record& record, const nlohmann::ordered_json& facts) {
  std::string text;
  const auto look = [&](const char* name, double decoded, double allowed) {
    const auto stated = stated_number(record, name);
    // Further off than rounding and containers' claims explain.
    if (!stated || std::abs(*stated - decoded) <= allowed) return;
    text += std::string(text.empty() ? "" : ", ") + name + " " + format_number(*stated) + " where it has " +
            format_number(std::round(decoded * 1000) / 1000);
  };
  const bool pictures = facts.contains("fps");
  const double duration = facts.at("duration"), fps = pictures ? facts.at("fps").get<double>() : 40;
  look("duration", duration, std::max(4 / fps, std::min(0.5, 0.05 * duration)));
  if (pictures) {
    const double frames = facts.at("frames");
    look("fps", fps, 0.01 * fps);
    look("frames", frames, std::max(4.0, 0.01 * frames));
  }
  if (text.empty()) return {};
  return {"video '" + record.video() + "': the record contradicts '" + record.text("path").value_or("") + "': " + text};
}

namespace {

void remark_on_pictures(const VideoDecoder& decoder, double fps, Extracted& out) {
  for (auto& warning : decoder.warnings()) out.warnings.push_back(std::move(warning));
  if (fps == 0 && decoder.varies())
    out.warnings.push_back("the frame rate varies (time stamps up to " +
                           format_number(std::round(decoder.deviation() * 1000) / 1000) +
                           " s off a constant rate), and so are the times of its rows; --fps samples by time stamp");
  for (auto& note : decoder.notes()) out.notes.push_back(std::move(note));
}

}  // namespace

Extracted remarks_on(const VideoDecoder* decoder, const std::vector<Stream>& streams, const Record& record,
                     double fps) {
  Extracted out;
  if (decoder) remark_on_pictures(*decoder, fps, out);
  // Of several that hear the same file, the first one tells.
  const auto heard = std::find_if(streams.begin(), streams.end(), [](const Stream& s) { return s.sound != nullptr; });
  if (heard != streams.end()) {
    for (auto& warning : heard->sound->warnings()) out.warnings.push_back(std::move(warning));
    for (auto& note : heard->sound->notes(decoder ? decoder->duration() : 0)) out.notes.push_back(std::move(note));
  }
  for (auto* lines : {&out.warnings, &out.notes})
    for (auto& line : *lines) line = "video '" + record.video() + "': " + line;
  for (auto& warning : contradictions(record, decoder ? facts_of(*decoder) : facts_of(*heard->sound)))
    out.warnings.push_back(std::move(warning));
  return out;
}

void check_rows(const Stream& stream, const std::string& path) {
  for (const float value : stream.rows)
    if (!std::isfinite(value))
      throw Error("'" + path + "': the encoder " + stream.encoder->name() + " gave a value that is not finite");
}

}  // namespace tal
