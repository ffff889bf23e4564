#include "libtal/io/feature_header.h"

#include <cmath>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/feature_settings.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/places.h"

namespace tal {
namespace {

using HeaderJson = nlohmann::json;

std::string text_in(const HeaderJson& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

VideoFacts facts_in(const HeaderJson& header) {
  const auto found = header.find("video_facts");
  if (found == header.end() || !found->is_object()) return {};
  const auto number = [&](const char* key) {
    const auto member = found->find(key);
    return member != found->end() && member->is_number() ? member->get<double>() : 0;
  };
  return {number("duration"), number("fps"), static_cast<std::int64_t>(number("frames"))};
}

std::string hash_of(const FeatureStream& stream) {
  return text_in(HeaderJson::parse(stream.text, nullptr, false), "hash");
}

// Rates such as 30000/1001 pass through JSON and back.
bool same_number(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

}  // namespace

std::string feature_header_path(const std::string& npy) {
  return std::filesystem::path(npy).replace_extension(".json").string();
}

std::optional<nlohmann::json> read_feature_header(const std::string& npy) {
  const std::string beside = feature_header_path(npy);
  std::error_code failed;
  if (beside == npy || !std::filesystem::exists(beside, failed)) return std::nullopt;
  auto header = HeaderJson::parse(read_file(beside), nullptr, false);
  if (!header.is_object() || !header.contains("feature")) return std::nullopt;
  return header;
}

std::optional<FeatureHeader> feature_header_beside(const std::string& npy) {
  const auto header = read_feature_header(npy);
  if (!header) return std::nullopt;
  HeaderJson feature = header->at("feature");
  if (feature.is_object()) feature["path"] = npy;
  FeatureHeader out{
      feature_header_path(npy), text_in(*header, "video"), {}, text_in(feature, "hash"), facts_in(*header)};
  if (out.hash.empty()) return std::nullopt;  // a file of this form without one is none of ours
  try {
    Record record = Record::make("v");
    record.set_feature("feature", feature.dump());
    out.stream = record.features().at(0);
  } catch (const Error& error) {
    throw Error(error.message()).at_field(error.field()).in_file(out.file);
  }
  return out;
}

std::vector<HeaderDifference> header_differences(const FeatureStream& stream) {
  std::vector<HeaderDifference> out;
  if (stream.path.empty() || stream.text.empty()) return out;
  const std::string hash = hash_of(stream);
  if (hash.empty() && stream.settings.empty()) return out;
  const auto header = feature_header_beside(located_features(stream));
  if (!header) return out;
  const FeatureStream& other = header->stream;
  const auto number = [&](const char* field, double record, double beside) {
    if (!same_number(record, beside)) out.push_back({field, format_number(record), format_number(beside)});
  };
  // What one side does not say is no contradiction.
  const auto text = [&](const char* field, const std::string& record, const std::string& beside) {
    if (!record.empty() && !beside.empty() && record != beside) out.push_back({field, record, beside});
  };
  if (stream.settings.empty() || other.settings.empty()) {  // of versions that wrote hashes alone
    text("hash", hash, header->hash);
  } else if (stream.settings != other.settings) {
    const auto differences = settings_differences(stream.settings, other.settings);
    out.push_back({"settings", first_sides(differences), second_sides(differences)});
  }
  text("weights", stream.weights, other.weights);
  if (!(other.stride > 0)) return out;
  number("fps", stream.fps ? stream.fps->value() : 0, other.fps ? other.fps->value() : 0);
  number("stride", stream.stride, other.stride);
  number("window", stream.window, other.window);
  number("offset", stream.offset, other.offset);
  text("resample", stream.resample, other.resample);
  return out;
}

std::string text_of(const HeaderDifference& difference) {
  return "the record says " + difference.record + ", the header beside the rows " + difference.header +
         ": they have been extracted again since, or are of another record";
}

void check_header_beside(const FeatureStream& stream) {
  const auto differences = header_differences(stream);
  if (differences.empty()) return;
  throw Error(text_of(differences.front()))
      .at_field("features." + stream.name + "." + differences.front().field)
      .in_file(feature_header_path(located_features(stream)));
}

std::string span_contradiction(const FeatureStream& stream, std::optional<double> duration, bool part) {
  if (!duration || !(*duration > 0) || !stream.fps || !(stream.stride > 0) || stream.rows <= 0) return "";
  const double covered = (stream.offset + static_cast<double>(stream.rows - 1) * stream.stride) / stream.fps->value();
  const double slack = (stream.window + 2 * stream.stride) / stream.fps->value() + 1;
  if (covered < *duration && (part || covered + slack >= *duration)) return "";
  return std::to_string(stream.rows) + " rows reach " + format_number(covered) + " s of " + format_number(*duration) +
         " s";
}

namespace {

// The openers have no run to tell it to, and the run ends behind all of them.
struct SeenSpans {
  std::mutex mutex;
  std::uint64_t count = 0;
  std::string first;
};
SeenSpans& seen_spans() {
  static SeenSpans seen;
  return seen;
}

}  // namespace

void see_span(const Record& record, const FeatureStream& stream) {
  std::optional<double> duration;
  try {
    duration = record.duration();
  } catch (const Error&) {  // whoever needs it says so
    return;
  }
  const auto text = span_contradiction(stream, duration, record.has("window"));
  if (text.empty()) return;
  SeenSpans& seen = seen_spans();
  const std::lock_guard lock(seen.mutex);
  if (seen.count++ == 0) seen.first = "video '" + record.video() + "': features." + stream.name + ": " + text;
}

std::string take_seen_spans() {
  SeenSpans& seen = seen_spans();
  const std::lock_guard lock(seen.mutex);
  if (seen.count == 0) return "";
  std::string text = seen.first;
  if (seen.count > 1) text += " (and " + std::to_string(seen.count - 1) + " more)";
  seen.count = 0;
  return text + ": rows and duration are not of one video, or the frame rate or the stride is another";
}

}  // namespace tal
