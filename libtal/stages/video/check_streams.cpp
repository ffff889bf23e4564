#include "libtal/stages/video/check_streams.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/features.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npy.h"
#include "libtal/io/places.h"
#include "libtal/io/safetensors.h"
#include "libtal/stages/video/stream_files.h"
#include "libtal/video/decoder.h"
#include "libtal/video/sound_decoder.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSameEnd = 1e-3;  // seconds

// The faults of one video. The video itself is decoded at most once.
class Checker {
 public:
  explicit Checker(const Record& record) : video_(record.video()), path_(record.text("path")) {
    if (path_) path_ = located(*path_, record.places().get());
  }

  void missing() { faults_.push_back({"", "", "missing", "the video has no stream"}); }

  // promised: what the record says of the stream; nullptr when it says nothing.
  void check(const std::string& npy, const FeatureStream* promised) {
    const auto stem = std::filesystem::path(npy).stem().string();
    stream_ = promised ? promised->name : stem.substr(std::min(stem.size(), video_.size() + 1)), npy_ = npy;
    try {
      const auto header = header_of(npy);
      if (!header) return;
      if (promised) check_record(header->at("feature"), *promised);
      check_rows(header->at("feature"));
      check_file(*header);
      check_video(*header);
    } catch (const nlohmann::json::exception& error) {
      add("header", std::string("its header lacks a field or has one of another type: ") + error.what());
    } catch (const Error& error) {
      add("header", error.what());
    }
  }

  std::vector<StreamFault> faults() && { return std::move(faults_); }

 private:
  void add(const std::string& fault, const std::string& message) { faults_.push_back({stream_, npy_, fault, message}); }

  std::optional<Json> header_of(const std::string& npy) {
    const auto path = feature_header_path(npy);
    if (!std::filesystem::exists(path)) return add("unfinished", "no header '" + path + "'"), std::nullopt;
    const Json header = Json::parse(read_file(path), nullptr, false);
    if (!header.is_object() || !header.contains("feature"))
      return add("header", "'" + path + "' is no header"), std::nullopt;
    if (header.at("video") != video_)
      add("header", "it is the header of the video '" + header.at("video").get<std::string>() + "'");
    if (header.at("feature").at("hash") != sha256(header.at("settings").get<std::string>()))
      add("header", "its settings are not those of its hash");
    return header;
  }

  void check_record(const Json& feature, const FeatureStream& promised) {
    const auto differs = [&](const char* what, const Json& of_header, const Json& of_record) {
      if (of_header != of_record)
        add("record", std::string(what) + ": the record says " + of_record.dump() + ", the header " + of_header.dump());
    };
    const Json object = Json::parse(promised.text);
    const double fps = feature.at("fps").get<double>();  // in the record, it may be a fraction
    if (promised.fps && promised.fps->value() != fps) differs("fps", feature.at("fps"), object.at("fps"));
    for (const char* name : {"rows", "dim", "stride", "window", "frames", "hash"})
      if (object.contains(name)) differs(name, feature.at(name), object.at(name));
  }

  void check_rows(const Json& feature) {
    const auto rows = feature_rows(feature.at("frames").get<std::int64_t>(), feature.at("window").get<double>(),
                                   feature.at("stride").get<double>(), tail_rule(feature.at("tail").get<std::string>()))
                          .starts.size();
    if (feature.at("rows").get<std::size_t>() != rows)
      add("rows", feature.at("rows").dump() + " rows where its frames give " + std::to_string(rows));
  }

  void check_file(const Json& header) {
    if (!std::filesystem::exists(npy_)) return add("missing", "no file '" + npy_ + "'");
    const MappedFile file(npy_);
    const auto& feature = header.at("feature");
    const std::vector<std::int64_t> shape = {feature.at("rows").get<std::int64_t>(),
                                             feature.at("dim").get<std::int64_t>()};
    const int bytes = feature.at("dtype") == "float16" ? 2 : 4;
    if (header.at("content") != sha256(file.bytes())) add("content", "its bytes are not those that were written");
    NpyHeader array;
    try {
      array = parse_npy_header(file.bytes());
    } catch (const Error& error) {
      return add("shape", error.message());
    }
    if (array.shape != shape || array.kind != 'f' || array.bytes != bytes)
      return add("shape", "the array is not the " + feature.at("dtype").get<std::string>() + " " + shape_text(shape) +
                              " of its header");
    try {
      check_finite(matrix_from_npy(file.bytes(), array));
    } catch (const Error& error) {
      add("values", error.message());
    }
  }

  void check_video(const Json& header) {
    if (!path_) return;
    try {
      const Json now = source_state(*path_), &then = header.at("source");
      if (now == then) return;
      if (now.at("bytes") != then.at("bytes"))
        return add("video", "'" + *path_ + "' has " + now.at("bytes").dump() + " bytes, the video of the stream had " +
                                then.at("bytes").dump());
      // Copied or touched: the frames decide.
      const auto& facts = header.at("video_facts");
      if (!facts.contains("frames")) return check_sound(facts.at("duration").get<double>(), header);
      const auto frames = facts.at("frames").get<std::int64_t>();
      const bool part = header.at("partial") == true;
      if (part ? decoded() < frames : decoded() != frames)
        add("video", "'" + *path_ + "' gives " + std::to_string(decoded()) + " frames, the stream was made of " +
                         std::to_string(frames));
    } catch (const Error& error) {
      add("video", error.message());
    }
  }

  // Of sound alone its length decides.
  void check_sound(double then, const Json& header) {
    const auto sound = open_sound_alone(*path_);
    if (!sound) return add("video", "'" + *path_ + "' is no longer a file of sound alone");
    sound->finish();
    const double now = sound->duration();
    if (header.at("partial") == true ? now < then - kSameEnd : std::abs(now - then) > kSameEnd)
      add("video",
          "'" + *path_ + "' lasts " + format_number(now) + " s, the stream was made of " + format_number(then) + " s");
  }

  std::int64_t decoded() {
    if (!decoded_) {
      VideoDecoder decoder(*path_);
      cv::Mat frame;
      while (decoder.read(frame)) {
      }
      decoded_ = decoder.frames();
    }
    return *decoded_;
  }

  std::string video_;
  std::optional<std::string> path_;
  std::optional<std::int64_t> decoded_;
  std::string stream_, npy_;
  std::vector<StreamFault> faults_;
};

}  // namespace

StreamFolder::StreamFolder(const std::string& path) : path_(path) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const auto extension = at->path().extension();
    if (extension == ".npy" || extension == ".json") names_.push_back(at->path().stem().string());
  }
  if (error) throw Error("'" + path + "': " + error.message());
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

std::vector<std::string> StreamFolder::streams_of(const std::string& video) const {
  std::vector<std::string> out;
  const std::string prefix = video + ".";
  for (auto name = std::lower_bound(names_.begin(), names_.end(), prefix);
       name != names_.end() && name->starts_with(prefix); ++name)
    if (name->find('.', prefix.size()) == std::string::npos)
      out.push_back((std::filesystem::path(path_) / (*name + ".npy")).string());
  return out;
}

std::vector<StreamFault> check_streams(const Record& record, const StreamFolder* folder) {
  Checker checker(record);
  bool any = false;
  for (const auto& stream : record.features()) {
    if (stream.path.empty()) continue;  // inline: there is no file
    checker.check(located_features(stream), &stream);
    any = true;
  }
  if (!any && folder)
    for (const auto& npy : folder->streams_of(record.video())) checker.check(npy, nullptr), any = true;
  if (!any) checker.missing();
  return std::move(checker).faults();
}

}  // namespace tal
