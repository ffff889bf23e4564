#include "libtal/stages/video/extract.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include <opencv2/core/version.hpp>

#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/base/time_rows.h"
#include "libtal/data/tables.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/io/feature_settings.h"
#include "libtal/io/features.h"
#include "libtal/io/npy.h"
#include "libtal/io/places.h"
#include "libtal/stages/video/extract_parts.h"
#include "libtal/stages/video/stream_files.h"
#include "libtal/video/opencv_info.h"

namespace tal {
namespace {

// Where a video's flow is kept: another file of the same name, or other samples of it, have another folder.
std::string flow_folder(const ExtractOptions& o, const std::string& id, const nlohmann::ordered_json& source) {
  if (o.flow_cache.empty()) return "";
  const auto key = sha256(std::string(kExtractVersion) + " opencv " + CV_VERSION + " " + libav_version() + " stream " +
                          std::to_string(o.video_stream) + " fps " + o.fps + " " + source.dump());
  return (std::filesystem::path(o.flow_cache) / (id + "-" + key.substr(key.find(':') + 1, 16))).string();
}

void set_video_fields(Record& record, const nlohmann::ordered_json& facts) {
  // Decoded frames are the truth; a duration and rate that the record already states (the data set's own) stay.
  // Sound alone has neither frames nor their rate.
  if (facts.contains("frames")) record.set_number("frames", facts.at("frames").get<double>());
  if (!record.has("duration")) record.set_number("duration", facts.at("duration").get<double>());
  if (facts.contains("fps") && !record.has("fps")) record.set_number("fps", facts.at("fps").get<double>());
}

// The header of a finished stream, when it is there, was made by the same settings from the same file, and its rows are
// whole.
std::optional<nlohmann::ordered_json> finished(const Stream& stream, const nlohmann::ordered_json& source) {
  std::error_code error;
  if (!std::filesystem::exists(stream.sidecar, error) || !std::filesystem::exists(stream.npy, error))
    return std::nullopt;
  try {
    auto header = nlohmann::ordered_json::parse(read_file(stream.sidecar));
    if (header.at("feature").at("hash") != stream.hash || header.at("source") != source ||
        header.at("partial") != false)
      return std::nullopt;
    if (header.at("content") != sha256(MappedFile(stream.npy).bytes())) return std::nullopt;
    return header;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // a damaged header: extract again
  } catch (const Error&) {
    return std::nullopt;  // or a damaged file
  }
}

// Takes every stream from its finished header; false when one is missing.
bool resume(Record& record, const std::vector<Stream>& streams, const nlohmann::ordered_json& source,
            std::vector<std::string>& warnings) {
  std::vector<nlohmann::ordered_json> headers;
  for (const auto& stream : streams) {
    auto header = finished(stream, source);
    if (!header) return false;
    headers.push_back(std::move(*header));
  }
  for (std::size_t i = 0; i < streams.size(); ++i) {
    auto feature = headers[i].at("feature");
    feature["path"] = streams[i].npy;
    feature["settings"] = feature_settings(streams[i].encoder->parameters());  // headers of older versions lack it
    record.set_feature(streams[i].encoder->name(), feature.dump());
  }
  const auto& facts = headers[0].at("video_facts");
  warnings = contradictions(record, facts);
  set_video_fields(record, facts);
  return true;
}

}  // namespace

std::string extract_path(const Record& record, const ExtractOptions& o) {
  record.require_whole_video();
  const auto path = record.text("path");
  if (!path) throw Error("missing: which file is this video?").at_field("path").at_video(record.video());
  const std::string& id = record.video();
  if (!o.inline_data && !o.live &&
      (id.find('/') != std::string::npos || id.find('\0') != std::string::npos || id.empty() || id[0] == '.'))
    throw Error("'" + id + "' cannot be part of a file name; use --inline").at_field("video").at_video(id);
  return located(*path, record.places().get());
}

Extractor::Extractor(ExtractOptions options, const Note& note) : options_(std::move(options)) {
  if (!options_.classes.empty()) options_.encoder.classes = read_class_names(options_.classes, note);
  std::set<std::string> streams;
  for (const auto& spec : options_.encoders) {
    auto encoder = make_encoder(spec, options_.encoder);
    if (!streams.insert(encoder->name()).second)
      throw UsageError("--encoder: two streams of the same name: '" + spec + "'");
    encoder->check_window(options_.window);
    first_.push_back(std::move(encoder));
  }
  const bool named = std::any_of(first_.begin(), first_.end(),
                                 [&](const auto& encoder) { return encoder->columns() == options_.encoder.classes; });
  if (!options_.classes.empty() && !named)
    throw UsageError("--classes: no encoder gives class scores (NAME@scores, NAME@logits)");
}

Extractor::~Extractor() = default;

bool Extractor::hears() const {
  return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->sound_rate() > 0; });
}
bool Extractor::uses_device() const {
  return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->uses_device(); });
}
bool Extractor::caches_flow() const {
  return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->caches_flow(); });
}
bool Extractor::uses_flow() const {
  return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->uses_flow(); });
}

std::vector<std::string> Extractor::outputs(const std::string& id) const {
  std::vector<std::string> out;
  for (const auto& stream : open_streams(id, options_, first_)) out.push_back(stream.npy);
  return out;
}

namespace {

// A video that has been through the encoders: what is left of it when its end is damaged and --partial asks for it.
struct Encoded {
  std::unique_ptr<VideoDecoder> decoder;  // nullptr: a file of sound alone
  double fps = 0;                         // sampled frames a second; 0: not known yet
  Rows rows;
  std::int64_t samples = 0;
  bool partial = false;
  Extracted remarks;
  nlohmann::ordered_json facts;
};

// One pass of the decoder over the video. threads: of the codec.
void pass(const std::string& path, const ExtractOptions& o, std::vector<Stream>& streams, int threads,
          std::int64_t limit, const std::string& flow_cache, Encoded& result, std::unique_ptr<Windows>& windows) {
  auto decoding = decode_options(streams, o);
  if (threads > 0) decoding.threads = threads;
  open_sounds(streams, path, o);
  const double target = sampled_fps(o);
  if (sound_alone(streams)) {
    result.fps = sound_fps(streams, path, o);
    windows = std::make_unique<Windows>(streams, o, result.fps, "");
    return sample_sound(*streams.front().sound, result.fps, *windows);
  }
  result.decoder = std::make_unique<VideoDecoder>(path, decoding);
  result.decoder->limit(limit);
  if (!(result.fps > 0)) result.fps = target > 0 ? target : result.decoder->fps();
  windows = std::make_unique<Windows>(streams, o, result.fps, flow_cache);
  sample(*result.decoder, target, o.decode_ahead, *windows);
  if (target > 0 || result.decoder->fps() == result.fps) return;
  // The time stamps have told another rate than the container; what is heard in a window depends on it.
  result.fps = result.decoder->fps();
  if (std::any_of(streams.begin(), streams.end(), [](const Stream& stream) { return stream.sound != nullptr; }))
    pass(path, o, streams, threads, limit, flow_cache, result, windows);
}

void refuse_few(const std::string& path, std::int64_t samples, std::int64_t window) {
  throw Error("'" + path + "': only " + std::to_string(samples) + " sampled frames, a window needs " +
              std::to_string(window) + " (--tail pad fills it)")
      .at_field("path");
}

// What is wrong with the pictures; decodes again what depends on it. "": nothing.
std::string look_after_pictures(const std::string& path, const ExtractOptions& o, std::vector<Stream>& streams,
                                const std::string& flow_cache, Encoded& result, std::unique_ptr<Windows>& windows) {
  // What a codec makes of damaged pictures may depend on its threads: rows must not.
  if ((result.decoder->damaged() > 0 || result.decoder->damage().found) && !result.decoder->single())
    pass(path, o, streams, 1, -1, flow_cache, result, windows);
  const auto damage = result.decoder->damage();
  if (damage.found && (!o.partial || damage.good == 0))
    throw Error(damage.message + (damage.good == 0                         ? ""
                                  : damage.good < result.decoder->frames() ? " (--partial keeps what is before)"
                                                                           : " (--partial keeps what is there)"))
        .at_field("path");
  // Only what lies before the damage can be trusted: once more, up to there.
  if (damage.found && damage.good < result.decoder->frames())
    pass(path, o, streams, 1, damage.good, flow_cache, result, windows);
  return damage.message;
}

// The same of the sound, of which nothing is decoded again.
std::string look_after_sound(const ExtractOptions& o, const std::vector<Stream>& streams, bool with_pictures) {
  for (const auto& stream : streams) {
    if (!stream.sound) continue;
    stream.sound->finish();
    const auto damage = stream.sound->damage(with_pictures);
    if (damage.found && (!o.partial || !damage.any))
      throw Error(damage.message + (damage.any ? " (--partial keeps what is there)" : "")).at_field("path");
    if (damage.found) return damage.message;
  }
  return "";
}

Encoded encode(const std::string& path, const Record& record, const ExtractOptions& o, std::vector<Stream>& streams,
               const std::string& flow_cache) {
  Encoded result;
  std::unique_ptr<Windows> windows;
  pass(path, o, streams, 0, -1, flow_cache, result, windows);
  std::string damage;
  if (result.decoder) damage = look_after_pictures(path, o, streams, flow_cache, result, windows);
  result.rows = windows->end();
  if (const auto of_sound = look_after_sound(o, streams, result.decoder != nullptr); damage.empty()) damage = of_sound;
  result.partial = !damage.empty();
  result.remarks = remarks_on(result.decoder.get(), streams, record, sampled_fps(o));
  if (!damage.empty())
    result.remarks.warnings.insert(result.remarks.warnings.begin(),
                                   "video '" + record.video() + "': kept in part: " + damage);
  result.samples = windows->samples();
  if (result.rows.starts.empty()) refuse_few(path, result.samples, o.window);
  result.facts = result.decoder ? facts_of(*result.decoder) : facts_of(*streams.front().sound);
  return result;
}

// The stream's array and its header on disk. The header last: a stream without one is not finished.
void write_stream(const Stream& stream, std::int64_t rows, bool half, nlohmann::ordered_json header) {
  write_npy(stream.npy, stream.rows.data(), rows, stream.encoder->dim(), half);
  header["content"] = sha256(MappedFile(stream.npy).bytes());
  AtomicFile sidecar(stream.sidecar);
  sidecar.write(header.dump() + "\n");
  sidecar.commit();
}

}  // namespace

Extracted Extractor::extract(Record& record) {
  const ExtractOptions& o = options_;
  const Lease lease(*this);
  Extracted result;
  const std::string path = extract_path(record, o), &id = record.video();
  auto streams = open_streams(id, o, lease.encoders());
  try {
    const auto source = source_state(path);
    if (o.resume && resume(record, streams, source, result.warnings)) return result;
    Encoded video = encode(path, record, o, streams, flow_folder(o, id, source));
    result = std::move(video.remarks);
    const auto count = static_cast<std::int64_t>(video.rows.starts.size());
    HeaderRows of_header{count, video.samples, 0, {}};
    if (video.rows.shifted) of_header.last_start = static_cast<std::int64_t>(video.rows.starts.back());
    if (!o.inline_data) std::filesystem::create_directories(o.out_dir);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const auto& stream = streams[i];
      check_rows(stream, path);
      nlohmann::ordered_json feature;
      feature[o.inline_data ? "data" : "path"] = o.inline_data ? inline_rows(stream.rows, o.half) : stream.npy;
      feature.update(feature_header(stream, o.encoders[i], of_header, video.fps, o));
      if (!o.inline_data)
        write_stream(stream, count, o.half,
                     {{"video", id},
                      {"feature", feature},
                      {"settings", stream.settings},
                      {"content", ""},
                      {"video_facts", video.facts},
                      {"partial", video.partial},
                      {"source", source}});
      record.set_feature(stream.encoder->name(), feature.dump());
    }
    set_video_fields(record, video.facts);
  } catch (Error& error) {
    throw error.at_video(id);
  } catch (const cv::Exception& error) {
    throw Error("'" + path + "': " + error.err).at_video(id);
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("'" + error.path1().string() + "': " + error.code().message()).at_video(id);
  }
  return result;
}

namespace {

// What a file's container claims, and the time that its first frames took, for all of it.
struct Expected {
  std::int64_t frames = 0, samples = 0;  // 0: not known; frames: of pictures
  double seconds = 0;
  double fps = 0;  // of the pictures
};

// Samples that begin before `duration` seconds, the last frame or sample being `last` seconds long.
std::int64_t samples_in(double duration, double last, double fps) {
  return static_cast<std::int64_t>(std::floor((duration - last) * fps)) + 1;
}

Expected probe(const std::string& path, const ExtractOptions& o, std::vector<Stream>& streams) {
  constexpr std::int64_t kProbe = 48;
  Expected out;
  open_sounds(streams, path, o);
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  if (sound_alone(streams)) {
    SoundDecoder& sound = *streams.front().sound;
    const double fps = sound_fps(streams, path, o), duration = sound.claimed_duration();
    Windows windows(streams, o, fps, "");
    sample_sound(sound, fps, windows, kProbe);
    windows.end();
    if (duration <= 0 || windows.samples() == 0) return out;
    out.samples = samples_in(duration, 1 / static_cast<double>(streams.front().encoder->sound_rate()), fps);
    out.seconds = spent() / static_cast<double>(windows.samples()) * static_cast<double>(out.samples);
    return out;
  }
  VideoDecoder decoder(path, decode_options(streams, o));
  decoder.limit(kProbe);
  const double target = sampled_fps(o), fps = target > 0 ? target : decoder.fps();
  Windows windows(streams, o, fps, "");
  sample(decoder, target, o.decode_ahead, windows);
  windows.end();
  out.fps = decoder.fps(), out.frames = decoder.claimed();
  if (out.frames <= 0) return out;
  out.samples =
      target > 0 ? samples_in(static_cast<double>(out.frames) / decoder.fps(), 1 / decoder.fps(), fps) : out.frames;
  if (decoder.frames() > 0)
    out.seconds = spent() / static_cast<double>(decoder.frames()) * static_cast<double>(out.frames);
  return out;
}

}  // namespace

Planned Extractor::plan(const Record& record) {
  const ExtractOptions& o = options_;
  const Lease lease(*this);
  const std::string path = extract_path(record, o), &id = record.video();
  try {
    auto streams = open_streams(id, o, lease.encoders());
    const auto source = source_state(path);
    Planned result;
    result.video = id, result.path = path;
    result.finished = o.resume && std::all_of(streams.begin(), streams.end(),
                                              [&](const Stream& s) { return finished(s, source).has_value(); });

    const auto expected = probe(path, o, streams);
    result.fps = expected.fps;
    if (expected.samples > 0) {
      if (expected.frames > 0) result.frames = expected.frames;
      const auto rows = feature_rows(expected.samples, static_cast<double>(o.window), static_cast<double>(o.stride),
                                     tail_rule(o.tail));
      result.rows = static_cast<std::int64_t>(rows.starts.size());
      result.seconds = expected.seconds;
    }
    for (const auto& stream : streams) {
      PlannedStream planned{stream.encoder->name(), o.inline_data ? "" : stream.npy, stream.encoder->dim(), {}};
      if (result.rows) planned.bytes = *result.rows * planned.dim * (o.half ? 2 : 4);
      result.streams.push_back(std::move(planned));
    }
    return result;
  } catch (Error& error) {
    throw error.at_video(id);
  } catch (const cv::Exception& error) {
    throw Error("'" + path + "': " + error.err).at_video(id);
  }
}

Extracted extract(Record& record, const ExtractOptions& options) { return Extractor(options).extract(record); }
Planned plan(const Record& record, const ExtractOptions& options) { return Extractor(options).plan(record); }

}  // namespace tal
