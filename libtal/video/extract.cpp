#include "libtal/video/extract.h"

#include <sys/stat.h>

#include <cmath>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/io/features.h"
#include "libtal/io/npy.h"
#include "libtal/io/time_rows.h"
#include "libtal/video/decoder.h"

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

// FNV-1a, 64 bits: tells settings apart; nothing depends on it being hard to forge.
std::string hash_text(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ull;
  char out[32];
  std::snprintf(out, sizeof out, "fnv1a64:%016llx", static_cast<unsigned long long>(hash));
  return out;
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

// Size and change time of the source file: a finished stream is taken up again only for the same file.
nlohmann::ordered_json source_state(const std::string& path) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) throw_errno(path, errno);
  return {{"bytes", state.st_size}, {"modified", static_cast<std::int64_t>(state.st_mtim.tv_sec) * 1000000000 + state.st_mtim.tv_nsec}};
}

struct Stream {
  std::unique_ptr<Encoder> encoder;
  std::vector<float> rows;
  std::string npy, sidecar;
};

void set_video_fields(Record& record, const nlohmann::ordered_json& facts) {
  // Decoded frames are the truth; a duration and rate that the record already states (the data set's own) stay.
  record.set_number("frames", facts.at("frames").get<double>());
  if (!record.has("duration")) record.set_number("duration", facts.at("duration").get<double>());
  if (!record.has("fps")) record.set_number("fps", facts.at("fps").get<double>());
}

// The header of a finished stream, when it is there and was made by the same settings from the same file.
std::optional<nlohmann::ordered_json> finished(const Stream& stream, const std::string& hash, const nlohmann::ordered_json& source) {
  std::error_code error;
  if (!std::filesystem::exists(stream.sidecar, error) || !std::filesystem::exists(stream.npy, error)) return std::nullopt;
  try {
    auto header = nlohmann::ordered_json::parse(read_file(stream.sidecar));
    const auto& feature = header.at("feature");
    if (feature.at("hash") != hash || header.at("source") != source || header.at("partial") != false) return std::nullopt;
    const auto rows = feature.at("rows").get<std::int64_t>(), dim = feature.at("dim").get<std::int64_t>();
    const MappedFile file(stream.npy);
    if (parse_npy_header(file.bytes()).shape != std::vector<std::int64_t>{rows, dim}) return std::nullopt;
    return header;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // a damaged header: extract again
  } catch (const Error&) {
    return std::nullopt;  // or a damaged file
  }
}

}  // namespace

void register_options(CLI::App& app, ExtractOptions& o) {
  app.add_option("--encoder", o.encoders, "Encoder NAME[:WEIGHTS], repeatable; each makes one stream (known: hog-hof)")->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--fps", o.fps, "Sample at F frames per second by time stamp (10, 30000/1001); default: every decoded frame")->type_name("F");
  app.add_option("--stride", o.stride, "Sampled frames from one window to the next")->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  app.add_option("--window", o.window, "Sampled frames in a window")->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  app.add_option("--tail", o.tail, "Last frames that fill no window: drop them, pad with the last frame, or shift the last window back")
      ->check(CLI::IsMember({"drop", "pad", "shift"}));
  app.add_option("--flow", o.encoder.flow, "Optical flow: block (fast block motion), dis, farneback, tvl1")
      ->check(CLI::IsMember({"block", "dis", "farneback", "tvl1"}));
  app.add_option("--out-dir", o.out_dir, "Folder for VIDEO.STREAM.npy and its header VIDEO.STREAM.json; made when missing")->type_name("DIR");
  app.add_flag("--inline", o.inline_data, "Put the rows into the record (base64) instead of files");
  app.add_flag("--half", o.half, "Store float16 instead of float32");
  app.add_flag("--resume", o.resume, "Leave finished streams of the same file and settings as they are");
  app.add_flag("--partial", o.partial, "Keep what could be decoded of truncated or corrupt videos");
  app.add_option("--videos", o.videos, "Video files to build records from (id: file name without extension), instead of reading records")
      ->type_name("FILE...");
}

void check_options(const Tool& tool, const ExtractOptions& o) {
  if (o.inline_data) tool.refuse({"--out-dir", "--resume"}, "--inline");
  if (!o.videos.empty()) tool.refuse({"--input"}, "--videos");
  sampled_fps(o);
  std::set<std::string> streams;
  for (const auto& spec : o.encoders)
    if (!streams.insert(make_encoder(spec, o.encoder)->name()).second) throw UsageError("--encoder: two streams of the same name: '" + spec + "'");
}

Extracted extract(Record& record, const ExtractOptions& o) {
  Extracted result;
  record.require_whole_video();
  const auto path = record.text("path");
  if (!path) throw Error("missing: which file is this video?").at_field("path").at_video(record.video());
  const std::string& id = record.video();
  if (!o.inline_data && (id.find('/') != std::string::npos || id.find('\0') != std::string::npos || id.empty() || id[0] == '.'))
    throw Error("'" + id + "' cannot be part of a file name; use --inline").at_field("video").at_video(id);

  std::vector<Stream> streams;
  std::vector<std::string> hashes;
  for (const auto& spec : o.encoders) {
    Stream stream{make_encoder(spec, o.encoder), {}, {}, {}};
    stream.encoder->reset();
    const auto base = (std::filesystem::path(o.out_dir) / (id + "." + stream.encoder->name())).string();
    stream.npy = base + ".npy", stream.sidecar = base + ".json";
    hashes.push_back(hash_text(settings(*stream.encoder, o)));
    streams.push_back(std::move(stream));
  }

  const double target = sampled_fps(o);
  try {
    const auto source = source_state(*path);
    if (o.resume) {
      std::vector<nlohmann::ordered_json> headers;
      for (std::size_t i = 0; i < streams.size(); ++i)
        if (auto header = finished(streams[i], hashes[i], source)) headers.push_back(std::move(*header));
      if (headers.size() == streams.size()) {
        for (std::size_t i = 0; i < streams.size(); ++i) {
          auto feature = headers[i].at("feature");
          feature["path"] = streams[i].npy;
          record.set_feature(streams[i].encoder->name(), feature.dump());
        }
        set_video_fields(record, headers[0].at("video_facts"));
        return result;
      }
    }

    VideoDecoder decoder(*path);
    Resampler resampler(target > 0 ? target : 1);
    cv::Mat previous, current;
    std::int64_t pushed = 0, next_row = 0;
    std::vector<std::int64_t> frames(static_cast<std::size_t>(o.window));
    const auto encode = [&](std::int64_t start) {
      for (std::int64_t k = 0; k < o.window; ++k) frames[static_cast<std::size_t>(k)] = std::min(start + k, pushed - 1);
      for (auto& stream : streams) {
        const auto dim = static_cast<std::size_t>(stream.encoder->dim());
        stream.rows.resize(stream.rows.size() + dim);
        stream.encoder->encode(frames, stream.rows.data() + stream.rows.size() - dim);
      }
    };
    const auto push = [&](const cv::Mat& frame) {
      for (auto& stream : streams) stream.encoder->push(frame);
      ++pushed;
      if (next_row * o.stride + o.window == pushed) {
        encode(next_row * o.stride);
        ++next_row;
      }
      // A shifted last window may still need the last `window` frames, a padded one those from the next start on.
      const std::int64_t needed = std::min(next_row * o.stride, pushed - o.window);
      for (auto& stream : streams) stream.encoder->release(needed);
    };
    while (decoder.read(current)) {
      if (target > 0) {
        const auto decided = resampler.push(decoder.time());
        for (std::int64_t k = 0; k < decided.previous; ++k) push(previous);
        for (std::int64_t k = 0; k < decided.current; ++k) push(current);
        cv::swap(previous, current);
      } else {
        push(current);
      }
    }

    std::string message;
    const bool cut = decoder.truncated(message);
    if (cut && (!o.partial || decoder.frames() == 0)) throw Error(message + (decoder.frames() > 0 ? " (--partial keeps them)" : "")).at_field("path");
    if (cut) result.notes.push_back("video '" + id + "': kept in part: " + message);
    else if (decoder.claimed() > 0 && decoder.claimed() != decoder.frames())
      result.notes.push_back("video '" + id + "': the container claims " + std::to_string(decoder.claimed()) + " frames, " +
                             std::to_string(decoder.frames()) + " were decoded");
    if (target == 0 && decoder.deviation() > 1.5 / decoder.fps())
      result.notes.push_back("video '" + id + "': the frame rate varies (time stamps up to " + format_number(std::round(decoder.deviation() * 1000) / 1000) +
                             " s off a constant rate); --fps samples by time stamp");
    const auto [starts, padded, shifted] = feature_rows(pushed, static_cast<double>(o.window), static_cast<double>(o.stride), tail_rule(o.tail));
    if (starts.empty())
      throw Error("'" + *path + "': only " + std::to_string(pushed) + " sampled frames, a window needs " + std::to_string(o.window) +
                  " (--tail pad fills it)").at_field("path");
    for (auto i = static_cast<std::size_t>(next_row); i < starts.size(); ++i) encode(static_cast<std::int64_t>(starts[i]));

    const double fps = target > 0 ? target : decoder.fps();
    const nlohmann::ordered_json facts = {{"duration", decoder.duration()}, {"fps", decoder.fps()}, {"frames", decoder.frames()}};
    if (!o.inline_data) std::filesystem::create_directories(o.out_dir);
    const auto rows = static_cast<std::int64_t>(starts.size());
    for (std::size_t i = 0; i < streams.size(); ++i) {
      auto& stream = streams[i];
      for (const float value : stream.rows)
        if (!std::isfinite(value)) throw Error("'" + *path + "': the encoder " + stream.encoder->name() + " gave a value that is not finite");
      nlohmann::ordered_json feature;
      if (o.inline_data) feature["data"] = inline_rows(stream.rows, o.half);
      else feature["path"] = stream.npy;
      feature["dtype"] = o.half ? "float16" : "float32";
      feature["rows"] = rows;
      feature["dim"] = stream.encoder->dim();
      feature["stride"] = o.stride;
      feature["window"] = o.window;
      feature["fps"] = fps;
      feature["offset"] = 0;
      feature["frames"] = pushed;
      feature["resample"] = target > 0 ? "pts" : "none";
      feature["tail"] = o.tail;
      if (shifted) feature["last_start"] = static_cast<std::int64_t>(starts.back());
      feature["encoder"] = o.encoders[i];
      feature["hash"] = hashes[i];
      if (!stream.encoder->columns().empty()) feature["classes"] = stream.encoder->columns();
      if (!o.inline_data) {
        write_npy(stream.npy, stream.rows.data(), rows, stream.encoder->dim(), o.half);
        // The header last: a stream without one is not finished.
        const nlohmann::ordered_json header = {{"video", id}, {"feature", feature}, {"video_facts", facts}, {"partial", cut}, {"source", source}};
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
    throw Error("'" + *path + "': " + error.err).at_video(id);
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("'" + error.path1().string() + "': " + error.code().message()).at_video(id);
  }
  return result;
}

namespace {

struct Job {
  std::string line, source, output;
  std::uint64_t number = 0;
  std::optional<Error> fault;
  std::exception_ptr broken;
  Extracted result;
  bool done = false;
};

void process(Job& job, const ExtractOptions& options, const std::string& history) {
  Record record;
  try {
    try {
      record.parse(job.line);
      job.result = extract(record, options);
      if (!history.empty()) record.append_history(history);
      record.write(job.output);
    } catch (Error& error) {
      throw error.at_line(job.source, job.number);
    }
  } catch (const Error& error) {
    job.fault = error;
  } catch (...) {
    job.broken = std::current_exception();
  }
}

}  // namespace

void extract_all(Tool& tool, const ExtractOptions& options) {
  Output& out = tool.out();
  std::unique_ptr<LineReader> reader;
  if (options.videos.empty()) reader = std::make_unique<LineReader>(tool.options().input);
  std::set<std::string> ids;
  for (const auto& file : options.videos) {
    const auto id = std::filesystem::path(file).stem().string();
    if (!ids.insert(id).second) throw UsageError("--videos: two files give the video id '" + id + "'");
  }
  std::size_t next_file = 0;
  const auto next = [&](Job& job) {
    if (!reader) {
      if (next_file == options.videos.size()) return false;
      const auto& file = options.videos[next_file++];
      Record record = Record::make(std::filesystem::path(file).stem().string());
      record.set_text("path", file);
      job.line = record.str();
      job.source = "--videos", job.number = next_file;
      return true;
    }
    std::string_view line;
    if (!reader->next(line)) return false;
    job.line = line;
    job.source = reader->source(), job.number = reader->line_number();
    return true;
  };

  std::mutex mutex;
  std::condition_variable ready, finished;
  std::deque<Job*> queue;
  bool end = false;
  std::deque<std::unique_ptr<Job>> order;
  std::uint64_t written = 0;
  std::vector<std::thread> threads;
  const auto join = [&] {
    {
      std::lock_guard lock(mutex);
      end = true;
      queue.clear();
    }
    ready.notify_all();
    for (auto& thread : threads) thread.join();
    threads.clear();
  };
  const auto write_front = [&] {
    Job& job = *order.front();
    {
      std::unique_lock lock(mutex);
      finished.wait(lock, [&] { return job.done; });
    }
    if (job.broken) std::rethrow_exception(job.broken);
    for (const auto& note : job.result.notes) tool.note(note);
    if (job.fault) tool.record_error(*job.fault, job.line);
    else out.write_line(job.output);
    out.flush();  // a video takes long; whoever waits downstream should not
    ++written;
    tool.progress(written, reader ? 0 : options.videos.size(), "videos");
    order.pop_front();
  };
  try {
    const auto jobs = static_cast<std::size_t>(std::max(1, tool.options().jobs));
    for (std::size_t i = 0; i < jobs; ++i) {
      threads.emplace_back([&] {
        while (true) {
          Job* job;
          {
            std::unique_lock lock(mutex);
            ready.wait(lock, [&] { return end || !queue.empty(); });
            if (queue.empty()) return;
            job = queue.front();
            queue.pop_front();
          }
          process(*job, options, tool.history_entry());
          {
            std::lock_guard lock(mutex);
            job->done = true;
          }
          finished.notify_one();
        }
      });
    }
    while (!tool.stopped()) {
      if (reader && reader->would_block())
        while (!order.empty()) write_front();
      auto job = std::make_unique<Job>();
      if (!next(*job)) break;
      {
        std::lock_guard lock(mutex);
        queue.push_back(job.get());
        order.push_back(std::move(job));
      }
      ready.notify_one();
      while (order.size() > 2 * jobs) write_front();
    }
    while (!order.empty() && !tool.stopped()) write_front();
  } catch (...) {
    join();
    throw;
  }
  join();
}

}  // namespace tal
