#include "libtal/video/extract.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/io/features.h"
#include "libtal/io/npy.h"
#include "libtal/io/time_rows.h"
#include "libtal/video/decode_ahead.h"
#include "libtal/video/decoder.h"
#include "libtal/video/stream_files.h"

namespace tal {
namespace {

constexpr const char* kVersion = "extract/1";  // change it when the same options give other values

// Rows as base64 of little-endian float32 or float16.
std::string inline_rows(const std::vector<float>& rows, bool half) {
  if (!half) return base64_encode({reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float)});
  std::vector<std::uint16_t> halves;
  for (const float value : rows) halves.push_back(float_to_half(value));
  return base64_encode({reinterpret_cast<const char*>(halves.data()), halves.size() * 2});
}

std::string settings(const Encoder& encoder, const ExtractOptions& o) {
  return std::string(kVersion) + " opencv " + CV_VERSION + " | " + encoder.parameters() + " | fps " + (o.fps.empty() ? "native" : o.fps) + " stride " +
         std::to_string(o.stride) + " window " + std::to_string(o.window) + " tail " + o.tail + (o.half ? " float16" : " float32");
}

double sampled_fps(const ExtractOptions& o) {
  if (o.fps.empty()) return 0;
  const double value = parse_fraction(o.fps);
  if (!(value > 0) || value > 1000 || !std::isfinite(value)) throw UsageError("--fps must lie in (0, 1000]: '" + o.fps + "'");
  return value;
}

// Where a video's flow is kept: another file of the same name, or other samples of it, have another folder.
std::string flow_folder(const ExtractOptions& o, const std::string& id, const nlohmann::ordered_json& source) {
  if (o.flow_cache.empty()) return "";
  const auto key = sha256(std::string(kVersion) + " opencv " + CV_VERSION + " fps " + o.fps + " " + source.dump());
  return (std::filesystem::path(o.flow_cache) / (id + "-" + key.substr(key.find(':') + 1, 16))).string();
}

struct Stream {
  Encoder* encoder = nullptr;
  std::vector<float> rows;
  std::string npy, sidecar, settings, hash;  // hash: of settings
};

std::vector<Stream> open_streams(const std::string& id, const ExtractOptions& o, const std::vector<std::unique_ptr<Encoder>>& encoders) {
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

void set_video_fields(Record& record, const nlohmann::ordered_json& facts) {
  // Decoded frames are the truth; a duration and rate that the record already states (the data set's own) stay.
  record.set_number("frames", facts.at("frames").get<double>());
  if (!record.has("duration")) record.set_number("duration", facts.at("duration").get<double>());
  if (!record.has("fps")) record.set_number("fps", facts.at("fps").get<double>());
}

// The header of a finished stream, when it is there, was made by the same settings from the same file, and its rows are whole.
std::optional<nlohmann::ordered_json> finished(const Stream& stream, const nlohmann::ordered_json& source) {
  std::error_code error;
  if (!std::filesystem::exists(stream.sidecar, error) || !std::filesystem::exists(stream.npy, error)) return std::nullopt;
  try {
    auto header = nlohmann::ordered_json::parse(read_file(stream.sidecar));
    if (header.at("feature").at("hash") != stream.hash || header.at("source") != source || header.at("partial") != false) return std::nullopt;
    if (header.at("content") != sha256(MappedFile(stream.npy).bytes())) return std::nullopt;
    return header;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // a damaged header: extract again
  } catch (const Error&) {
    return std::nullopt;  // or a damaged file
  }
}

// Takes every stream from its finished header; false when one is missing.
bool resume(Record& record, const std::vector<Stream>& streams, const nlohmann::ordered_json& source) {
  std::vector<nlohmann::ordered_json> headers;
  for (const auto& stream : streams) {
    auto header = finished(stream, source);
    if (!header) return false;
    headers.push_back(std::move(*header));
  }
  for (std::size_t i = 0; i < streams.size(); ++i) {
    auto feature = headers[i].at("feature");
    feature["path"] = streams[i].npy;
    record.set_feature(streams[i].encoder->name(), feature.dump());
  }
  set_video_fields(record, headers[0].at("video_facts"));
  return true;
}

// Samples of one video -> rows of every stream.
class Windows {
 public:
  Windows(std::vector<Stream>& streams, const ExtractOptions& o, const std::string& flow_cache) : streams_(streams), o_(o), frames_(static_cast<std::size_t>(o.window)) {
    for (auto& stream : streams_) stream.encoder->reset(flow_cache), stream.rows.clear();
  }

  void push(const cv::Mat& frame) {
    for (auto& stream : streams_) stream.encoder->push(frame);
    ++samples_;
    if (rows_ * o_.stride + o_.window == samples_) encode(rows_ * o_.stride);
    // A shifted last window may still need the last `window` frames, a padded one those from the next start on.
    const std::int64_t needed = std::min(rows_ * o_.stride, samples_ - o_.window);
    for (auto& stream : streams_) stream.encoder->release(needed);
  }

  // Adds the rows that the tail rule makes of the last frames.
  Rows end() {
    auto rows = feature_rows(samples_, static_cast<double>(o_.window), static_cast<double>(o_.stride), tail_rule(o_.tail));
    for (auto i = static_cast<std::size_t>(rows_); i < rows.starts.size(); ++i) encode(static_cast<std::int64_t>(rows.starts[i]));
    for (auto& stream : streams_) stream.encoder->finish(stream.rows);
    return rows;
  }

  std::int64_t samples() const { return samples_; }

 private:
  void encode(std::int64_t start) {
    for (std::int64_t k = 0; k < o_.window; ++k) frames_[static_cast<std::size_t>(k)] = std::min(start + k, samples_ - 1);
    for (auto& stream : streams_) stream.encoder->encode(frames_, stream.rows);
    ++rows_;
  }

  std::vector<Stream>& streams_;
  const ExtractOptions& o_;
  std::vector<std::int64_t> frames_;
  std::int64_t samples_ = 0, rows_ = 0;
};

// Decodes on a thread of its own while the encoders work on what came before.
void sample(VideoDecoder& decoder, double fps, Windows& windows) {
  DecodeAhead frames(decoder);
  Resampler resampler(fps > 0 ? fps : 1);
  cv::Mat previous, current;
  double time = 0;
  while (frames.next(current, time)) {
    if (fps > 0) {
      const auto decided = resampler.push(time);
      for (std::int64_t k = 0; k < decided.previous; ++k) windows.push(previous);
      for (std::int64_t k = 0; k < decided.current; ++k) windows.push(current);
      cv::swap(previous, current);
    } else {
      windows.push(current);
    }
  }
}

std::vector<std::string> notes_on(const VideoDecoder& decoder, const std::string& id, double fps) {
  std::vector<std::string> notes;
  if (decoder.claimed() > 0 && decoder.claimed() != decoder.frames())
    notes.push_back("video '" + id + "': the container claims " + std::to_string(decoder.claimed()) + " frames, " +
                    std::to_string(decoder.frames()) + " were decoded");
  if (fps == 0 && decoder.deviation() > 1.5 / decoder.fps())
    notes.push_back("video '" + id + "': the frame rate varies (time stamps up to " + format_number(std::round(decoder.deviation() * 1000) / 1000) +
                    " s off a constant rate); --fps samples by time stamp");
  return notes;
}

// A stream's object in the record, without its rows.
nlohmann::ordered_json feature_header(const Stream& stream, const std::string& spec, const Rows& rows, std::int64_t samples, double fps,
                                      const ExtractOptions& o) {
  nlohmann::ordered_json feature;
  feature["dtype"] = o.half ? "float16" : "float32";
  feature["rows"] = rows.starts.size();
  feature["dim"] = stream.encoder->dim();
  feature["stride"] = o.stride;
  feature["window"] = o.window;
  feature["fps"] = fps;
  feature["offset"] = 0;
  feature["frames"] = samples;
  feature["resample"] = o.fps.empty() ? "none" : "pts";
  feature["tail"] = o.tail;
  if (rows.shifted) feature["last_start"] = static_cast<std::int64_t>(rows.starts.back());
  feature["encoder"] = spec;
  if (const auto weights = stream.encoder->weights(); !weights.empty()) feature["weights"] = weights;
  feature["hash"] = stream.hash;
  if (!stream.encoder->columns().empty()) feature["classes"] = stream.encoder->columns();
  return feature;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  LineReader reader(path);
  for (std::string_view line; reader.next(line);) lines.emplace_back(line.substr(0, line.find_last_not_of("\r") + 1));
  if (lines.empty()) throw Error("'" + path + "' names no class");
  return lines;
}

void check_rows(const Stream& stream, const std::string& path) {
  for (const float value : stream.rows)
    if (!std::isfinite(value)) throw Error("'" + path + "': the encoder " + stream.encoder->name() + " gave a value that is not finite");
}

}  // namespace

void register_options(CLI::App& app, ExtractOptions& o) {
  std::string names;
  for (const auto& name : encoder_names()) names += (names.empty() ? "" : ", ") + name;
  app.add_option("--encoder", o.encoders, "Encoder NAME[@LAYER][:WEIGHTS], repeatable; each makes one stream (known: " + names + ")")->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--fps", o.fps, "Sample at F frames per second by time stamp (10, 30000/1001); default: every decoded frame")->type_name("F");
  app.add_option("--stride", o.stride, "Sampled frames from one window to the next")->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  app.add_option("--window", o.window, "Sampled frames in a window")->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  app.add_option("--tail", o.tail, "Last frames that fill no window: drop them, pad with the last frame, or shift the last window back")
      ->check(CLI::IsMember({"drop", "pad", "shift"}));
  app.add_option("--flow", o.encoder.flow, "Optical flow: block (fast block motion), dis, farneback, tvl1")
      ->check(CLI::IsMember({"block", "dis", "farneback", "tvl1"}));
  app.add_option("--device", o.encoder.device, "Where networks run: cpu, cuda, cuda:I")->type_name("DEVICE");
  app.add_option("--batch", o.encoder.batch, "Pictures in one pass of a network; of clips, a quarter as many")->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 16));
  app.add_option("--flow-cache", o.flow_cache, "Folder that keeps the flow of networks as images for the next run (VIDEO-KEY/METHOD-WxH/flow_x_00001.png, lossless); made when missing")
      ->type_name("DIR");
  app.add_option("--classes", o.classes, "Names of the classes of NAME@scores and NAME@logits, one a line; default: `classes` in the metadata of the weights")->type_name("FILE");
  app.add_option("--out-dir", o.out_dir, "Folder for VIDEO.STREAM.npy and its header VIDEO.STREAM.json; made when missing")->type_name("DIR");
  app.add_flag("--inline", o.inline_data, "Put the rows into the record (base64) instead of files");
  app.add_flag("--half", o.half, "Store float16 instead of float32");
  app.add_flag("--resume", o.resume, "Leave finished streams of the same file and settings as they are");
  app.add_flag("--partial", o.partial, "Keep what could be decoded of truncated or corrupt videos");
  app.add_flag("--dry-run,--plan", o.dry_run, "Extract nothing; print the frames, rows, bytes and seconds of work that each video would give, as JSON lines");
  app.add_flag("--check", o.check, "Extract nothing; re-read the streams on disk and list, as JSON lines, what disagrees with its header or its video");
  app.add_option("--videos", o.videos, "Video files to build records from (id: file name without extension), instead of reading records")
      ->type_name("FILE...");
}

void check_options(const Tool& tool, const ExtractOptions& o) {
  if (o.check)
    tool.refuse({"--encoder", "--fps", "--stride", "--window", "--tail", "--flow", "--device", "--batch", "--flow-cache", "--classes", "--inline", "--half", "--resume", "--partial", "--dry-run",
                 "--no-history"}, "--check");
  if (o.inline_data) tool.refuse({"--out-dir", "--resume"}, "--inline");
  if (!o.videos.empty()) tool.refuse({"--input"}, "--videos");
  sampled_fps(o);
  if (o.dry_run) tool.refuse({"--partial", "--no-history", "--flow-cache"}, "--dry-run");
}

std::string extract_path(const Record& record, const ExtractOptions& o) {
  record.require_whole_video();
  const auto path = record.text("path");
  if (!path) throw Error("missing: which file is this video?").at_field("path").at_video(record.video());
  const std::string& id = record.video();
  if (!o.inline_data && (id.find('/') != std::string::npos || id.find('\0') != std::string::npos || id.empty() || id[0] == '.'))
    throw Error("'" + id + "' cannot be part of a file name; use --inline").at_field("video").at_video(id);
  return *path;
}

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

Extractor::Extractor(ExtractOptions options) : options_(std::move(options)) {
  if (!options_.classes.empty()) options_.encoder.classes = lines_of(options_.classes);
  std::set<std::string> streams;
  for (const auto& spec : options_.encoders) {
    auto encoder = make_encoder(spec, options_.encoder);
    if (!streams.insert(encoder->name()).second) throw UsageError("--encoder: two streams of the same name: '" + spec + "'");
    encoder->check_window(options_.window);
    first_.push_back(std::move(encoder));
  }
  const bool named = std::any_of(first_.begin(), first_.end(), [&](const auto& encoder) { return encoder->columns() == options_.encoder.classes; });
  if (!options_.classes.empty() && !named) throw UsageError("--classes: no encoder gives class scores (NAME@scores, NAME@logits)");
}

Extractor::~Extractor() = default;

bool Extractor::uses_device() const { return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->uses_device(); }); }
bool Extractor::caches_flow() const { return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->caches_flow(); }); }
bool Extractor::uses_flow() const { return std::any_of(first_.begin(), first_.end(), [](const auto& encoder) { return encoder->uses_flow(); }); }

Extracted Extractor::extract(Record& record) {
  const ExtractOptions& o = options_;
  const Lease lease(*this);
  Extracted result;
  const std::string path = extract_path(record, o), &id = record.video();
  const double target = sampled_fps(o);
  auto streams = open_streams(id, o, lease.encoders());
  try {
    const auto source = source_state(path);
    if (o.resume && resume(record, streams, source)) return result;
    const auto flow_cache = flow_folder(o, id, source);

    auto decoder = std::make_unique<VideoDecoder>(path);
    auto windows = std::make_unique<Windows>(streams, o, flow_cache);
    sample(*decoder, target, *windows);
    const auto damage = decoder->damage();
    if (damage.found && (!o.partial || damage.good == 0)) throw Error(damage.message + (damage.good > 0 ? " (--partial keeps what is before)" : "")).at_field("path");
    result.notes = damage.found ? std::vector{"video '" + id + "': kept in part: " + damage.message} : notes_on(*decoder, id, target);
    if (damage.found && damage.good < decoder->frames()) {
      // Only what lies before the damage can be trusted: once more, up to there.
      decoder = std::make_unique<VideoDecoder>(path);
      decoder->limit(damage.good);
      windows = std::make_unique<Windows>(streams, o, flow_cache);
      sample(*decoder, target, *windows);
    }

    const auto rows = windows->end();
    const std::int64_t samples = windows->samples();
    if (rows.starts.empty())
      throw Error("'" + path + "': only " + std::to_string(samples) + " sampled frames, a window needs " + std::to_string(o.window) +
                  " (--tail pad fills it)").at_field("path");
    const nlohmann::ordered_json facts = {{"duration", decoder->duration()}, {"fps", decoder->fps()}, {"frames", decoder->frames()}};
    if (!o.inline_data) std::filesystem::create_directories(o.out_dir);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const auto& stream = streams[i];
      check_rows(stream, path);
      nlohmann::ordered_json feature;
      feature[o.inline_data ? "data" : "path"] = o.inline_data ? inline_rows(stream.rows, o.half) : stream.npy;
      feature.update(feature_header(stream, o.encoders[i], rows, samples, target > 0 ? target : decoder->fps(), o));
      if (!o.inline_data) {
        write_npy(stream.npy, stream.rows.data(), static_cast<std::int64_t>(rows.starts.size()), stream.encoder->dim(), o.half);
        // The header last: a stream without one is not finished.
        const nlohmann::ordered_json header = {{"video", id}, {"feature", feature}, {"settings", stream.settings},
                                               {"content", sha256(MappedFile(stream.npy).bytes())}, {"video_facts", facts},
                                               {"partial", damage.found}, {"source", source}};
        AtomicFile sidecar(stream.sidecar);
        sidecar.write(header.dump() + "\n");
        sidecar.commit();
      }
      record.set_feature(stream.encoder->name(), feature.dump());
    }
    set_video_fields(record, facts);
  } catch (Error& error) {
    throw error.at_video(id);
  } catch (const cv::Exception& error) {
    throw Error("'" + path + "': " + error.err).at_video(id);
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("'" + error.path1().string() + "': " + error.code().message()).at_video(id);
  }
  return result;
}

Planned Extractor::plan(const Record& record) {
  const ExtractOptions& o = options_;
  const Lease lease(*this);
  const std::string path = extract_path(record, o), &id = record.video();
  try {
    auto streams = open_streams(id, o, lease.encoders());
    const auto source = source_state(path);
    Planned result;
    result.video = id, result.path = path;
    result.finished = o.resume && std::all_of(streams.begin(), streams.end(), [&](const Stream& s) { return finished(s, source).has_value(); });

    // The first frames, for the time that one takes.
    constexpr std::int64_t kProbe = 48;
    VideoDecoder decoder(path);
    decoder.limit(kProbe);
    Windows windows(streams, o, "");
    const double target = sampled_fps(o), fps = target > 0 ? target : decoder.fps();
    const auto start = std::chrono::steady_clock::now();
    sample(decoder, target, windows);
    windows.end();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (decoder.claimed() > 0) {
      result.frames = decoder.claimed();
      const double duration = static_cast<double>(*result.frames) / decoder.fps();
      const auto samples = target > 0 ? static_cast<std::int64_t>(std::floor((duration - 1 / decoder.fps()) * fps)) + 1 : *result.frames;
      const auto rows = feature_rows(samples, static_cast<double>(o.window), static_cast<double>(o.stride), tail_rule(o.tail));
      result.rows = static_cast<std::int64_t>(rows.starts.size());
      result.seconds = decoder.frames() > 0 ? seconds / static_cast<double>(decoder.frames()) * static_cast<double>(*result.frames) : 0;
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
