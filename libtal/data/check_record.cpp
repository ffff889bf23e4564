// The check of one record: whether it is one, its place in the stream, and the files that it names.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/check_pass.h"
#include "libtal/data/plain_list.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/feature_settings.h"
#include "libtal/io/features.h"
#include "libtal/io/json_check.h"
#include "libtal/io/places.h"

namespace tal {
namespace {

// Whether it is JSON in which no member stands twice.
bool is_faultless(std::string_view text) {
  try {
    check_json(trim_json(text));
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool names(const std::vector<std::string>& list, const char* word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The class of fault of a line that does not read as a record.
const char* kind_of(const Error& error) {
  if (error.kind() == Error::Kind::kNotUtf8) return "bad-utf8";
  if (error.field() == "video") return "bad-video";
  if (error.kind() == Error::Kind::kNotFinite) return "not-finite";
  return "broken-line";
}

bool far(double a, double b, double share) { return std::abs(a - b) > share * std::max(std::abs(a), std::abs(b)); }

std::string times_of(const FeatureStream& stream) {
  return "dim " + std::to_string(stream.dim) + ", stride " + format_number(stream.stride) + ", window " +
         format_number(stream.window) + ", weights " + (stream.weights.empty() ? "unknown" : stream.weights);
}

}  // namespace

std::string Unchecked::text() const {
  const auto records = [](std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " record" : " records");
  };
  std::vector<std::string> parts;
  if (ends > 0) parts.push_back("ends of segments in " + records(ends) + " without a duration (past-end, after-end)");
  if (rows > 0)
    parts.push_back("rows of features in " + records(rows) + " without a duration or a frame rate (rows-disagree)");
  std::vector<std::string> kinds;
  for (const auto& [ending, count] : files) kinds.push_back(std::to_string(count) + " " + ending);
  if (!files.empty()) parts.push_back("other files: " + joined(kinds, ", "));
  return "not checked: " + joined(parts, "; ");
}

RecordChecker::RecordChecker(CheckOptions options, FaultSink sink, const KnownNames* known, VideoProbe probe)
    : options_(std::move(options)),
      known_(known),
      probe_(std::move(probe)),
      sink_(std::move(sink)),
      annotations_(std::make_unique<PlainList>()),
      proposals_(std::make_unique<PlainList>()) {
  if (known_) {
    for (const auto& video : known_->videos) spellings_.add(video);
    for (const auto& label : known_->labels) known_labels_.add(label);
  }
  const auto& fix = options_.fix;
  clip_ = names(fix, "clip"), drop_ = names(fix, "drop"), dedup_ = names(fix, "dedup"), sort_ = names(fix, "sort");
  order_ = names(fix, "order");
}

RecordChecker::~RecordChecker() = default;

std::optional<std::string> RecordChecker::line(std::string_view text, const std::string& source, std::uint64_t number) {
  ++records_;
  return Pass(*this, source, number).run(text);
}

std::vector<std::string> RecordChecker::misspelt() const {
  std::vector<std::string> out;
  for (const auto& [member, found] : misspelt_)
    out.push_back(found.text + (found.count > 1 ? " (" + std::to_string(found.count) + " of them)" : ""));
  return out;
}

void RecordChecker::end(const std::string& source) {
  if (!known_) return;
  for (const auto& video : known_->videos)
    if (!videos_.count(video)) sink_({"missing-video", source, 0, video, "", "known, but without a record"});
}

RecordChecker::Pass::Pass(RecordChecker& checker, const std::string& source, std::uint64_t line)
    : checker_(checker), source_(source), line_(line) {
  record_.look_in(checker.places_);
  record_.take_repeated_keys();
}

void RecordChecker::Pass::add(const char* kind, std::string field, std::string message, bool fixed) const {
  checker_.sink_({kind, source_, line_, record_.video(), std::move(field), std::move(message), fixed});
}

// The record's JSON with empty lists, which are taken up apart; nullopt where each item is to be looked at.
std::optional<std::string> RecordChecker::Pass::without_lists() {
  if (checker_.options_.one_by_one || checker_.sort_) return std::nullopt;
  std::map<std::size_t, std::size_t> lists;  // where they begin -> their bytes
  for (const auto& [key, list] :
       {std::pair{"annotations", checker_.annotations_.get()}, {"proposals", checker_.proposals_.get()}}) {
    const auto raw = record_.raw(key);
    if (!raw) continue;
    if (!list->parse(*raw)) return std::nullopt;
    lists[static_cast<std::size_t>(raw->data() - record_.line().data())] = raw->size();
  }
  std::string rest(record_.line());
  for (auto list = lists.rbegin(); list != lists.rend(); ++list) rest.replace(list->first, list->second, "[]");
  return rest;
}

std::string RecordChecker::Pass::gone() const { return checker_.drop_ ? "; the whole record is left out" : ""; }

void RecordChecker::Pass::leave_out(const Error& error) {
  whole_ = false, left_out_ = checker_.drop_;
  // A key that stands twice is reported with all that do.
  if (error.kind() != Error::Kind::kRepeatedKey)
    add(kind_of(error), error.field(), error.message() + gone(), left_out_);
}

// What no tool reads as a record goes when what cannot be repaired is to.
bool RecordChecker::Pass::reads_as_record(std::string_view& text) {
  try {
    record_.parse(text);
  } catch (const Error& error) {
    // Numbers that are none are taken out by themselves, with what they stand in.
    if (checker_.drop_ && error.kind() == Error::Kind::kNotFinite) try {
        repaired_ = without_non_finite(text);
        record_.parse(repaired_);
        text = repaired_;
        add(kind_of(error), error.field(), error.message(), true);
      } catch (const Error&) {
        leave_out(error);
      }
    else leave_out(error);
  }
  faultless_ = is_faultless(text);
  const auto rest = whole_ && faultless_ ? without_lists() : std::nullopt;
  parsed_apart_ = rest.has_value();
  data_ = Json::parse(rest ? std::string_view(*rest) : text, nullptr, false);
  if (!data_.is_discarded() && data_.is_object()) return true;
  if (whole_) {  // what the reader left unread
    const Error fault = json_fault(text).value_or(Error("not readable as JSON (a number out of range?)"));
    add("broken-line", fault.field(), fault.message() + gone(), checker_.drop_);
  }
  whole_ = false, left_out_ = checker_.drop_;
  return false;
}

std::optional<std::string> RecordChecker::Pass::run(std::string_view text) {
  if (reads_as_record(text)) {
    twins(text);
    if (whole_ && identity()) return std::nullopt;
    if (whole_) head(), window(), history(), classification();
    for (const char* key : {"annotations", "proposals"}) list(key);
    if (whole_) features(), guard("bad-field", [&] { video(); });
  }
  checker_.unchecked_.ends += no_ends_, checker_.unchecked_.rows += no_rows_;
  if (left_out_) return std::nullopt;
  return record_.modified() ? record_.str() : std::string(text);
}

// The video, or its window of a live stream: once in the stream, and known. Whether this is the same record once more,
// and it is to go.
bool RecordChecker::Pass::identity() {
  std::string id = record_.video();
  checker_.videos_.insert(id);
  if (const auto window = data_.find("window"); window != data_.end() && window->is_object())
    if (const auto index = window->find("index"); index != window->end()) (id += '\0') += index->dump();
  const std::string digest = record_.digest();
  const auto [before, fresh] = checker_.seen_.try_emplace(id, digest);
  if (!fresh) {
    const bool same = before->second == digest, gone = same && checker_.dedup_;
    add("duplicate-video", "video", std::string("stands in the stream before") + (same ? ", with the same record" : ""),
        gone);
    if (gone) return true;
  }
  if (const auto alike = checker_.alike_videos_.see(record_.video()); !alike.empty()) add("look-alike", "video", alike);
  if (checker_.known_ && !checker_.known_->videos.count(record_.video()))
    add("unknown-video", "video", "not among the known videos" + checker_.spellings_.reason(record_.video()));
  return false;
}

void RecordChecker::Pass::stream(const FeatureStream& stream) {
  const std::string field = "features." + stream.name;
  if (stream.rows == 0) add("zero-rows", field + ".rows", "the stream has no row");
  const auto [before, fresh] = checker_.contracts_.try_emplace(stream.name, stream);
  const FeatureStream& first = before->second;
  if (!fresh && times_of(first) != times_of(stream))
    add("contract-changes", field, times_of(stream) + "; before: " + times_of(first));
  if (!fresh && first.fps && stream.fps && far(first.fps->value(), stream.fps->value(), 1e-9))
    add("contract-changes", field + ".fps",
        format_number(stream.fps->value()) + "; before: " + format_number(first.fps->value()) +
            " (tal-extract --fps samples every video at one rate)");
  if (!fresh && !first.settings.empty() && !stream.settings.empty() && first.settings != stream.settings) {
    const auto differences = settings_differences(first.settings, stream.settings);
    add("contract-changes", field + ".settings", second_sides(differences) + "; before: " + first_sides(differences));
  }
  span(stream, field);
  if (!stream.path.empty()) return guard("bad-file", [&] { feature_file(stream, field); });
  if (stream.rows == 0) return;
  try {
    (void)load_features(stream);
  } catch (const Error& error) {
    add(error.kind() == Error::Kind::kNotFinite ? "not-finite" : "bad-features", error.field(), error.message());
  }
}

// Whether the rows reach as far as the video.
void RecordChecker::Pass::span(const FeatureStream& stream, const std::string& field) {
  if (stream.rows > 0 && (!(duration_ > 0) || !stream.fps)) no_rows_ = true;
  if (auto why = span_contradiction(stream, duration_, record_.has("window")); !why.empty())
    add("rows-disagree", field + ".rows", std::move(why));
}

void RecordChecker::Pass::feature_file(const FeatureStream& stream, const std::string& field) const {
  const std::string file = located_features(stream);
  const Json header = Json::parse(stream.text, nullptr, false);
  FeatureClaim claim{stream.rows, stream.dim, ""};
  if (header.is_object() && header.contains("hash") && header["hash"].is_string())
    claim.hash = header["hash"].get<std::string>();
  check_feature_file(
      file,
      [&](const Fault& fault) {
        add(fault.kind.c_str(), field + ".path",
            "'" + file + "': " + (fault.field.empty() ? "" : fault.field + ": ") + fault.message);
      },
      claim);
  if (const auto header = feature_header_beside(file)) against(header->facts, "the header of '" + file + "'");
}

// The file that the record names, where it can be reached.
void RecordChecker::Pass::video() const {
  const auto path = data_.find("path");
  if (!checker_.probe_ || path == data_.end() || !path->is_string()) return;
  const std::string file = located(path->get<std::string>(), record_.places().get());
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) return;
  try {
    against(checker_.probe_(file), "the video '" + file + "'");
  } catch (const Error& error) {
    add("bad-file", "path", error.message());
  }
}

// What the record says of its video against what the video, or a header made from it, says itself.
void RecordChecker::Pass::against(const VideoFacts& facts, const std::string& whose) const {
  const auto disagree = [&](const char* kind, const char* field, double said, double found) {
    add(kind, field, "the record says " + format_number(said) + ", " + whose + " " + format_number(found));
  };
  if (duration_ > 0 && facts.duration > 0 &&
      std::abs(duration_ - facts.duration) > std::max(1.0, 2 / std::max(facts.fps, 1.0)))
    disagree("duration-disagrees", "duration", duration_, facts.duration);
  // 29.97 for 30 is no contradiction, but another rate.
  if (fps_ > 0 && facts.fps > 0 && far(fps_, facts.fps, 0.002)) disagree("fps-disagrees", "fps", fps_, facts.fps);
  const auto frames = data_.find("frames");
  if (frames == data_.end() || !frames->is_number() || facts.frames <= 0) return;
  // A container promises up to four frames and 1 % more than intact files hold.
  const double said = frames->get<double>(), found = static_cast<double>(facts.frames);
  if (std::abs(said - found) > 4 + 0.01 * found) disagree("frames-disagree", "frames", said, found);
}

}  // namespace tal
