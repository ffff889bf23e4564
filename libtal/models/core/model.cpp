#include "libtal/models/core/model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/feature_settings.h"
#include "libtal/io/features.h"
#include "libtal/io/places.h"
#include "libtal/models/core/factory.h"
#include "libtal/models/core/joined_rows.h"
#include "libtal/models/core/stream_header.h"

namespace tal {

std::int64_t InputContract::dim() const {
  std::int64_t sum = 0;
  for (const auto& stream : streams) sum += stream.dim;
  return sum;
}

void InputContract::normalize(float* rows, std::int64_t count, std::int64_t first, std::int64_t columns) const {
  if (mean.empty()) return;
  const float *shift = mean.data() + first, *factor = scale.data() + first;
  for (std::int64_t i = 0; i < count; ++i, rows += columns)
    for (std::int64_t c = 0; c < columns; ++c) rows[c] = (rows[c] - shift[c]) * factor[c];
}

Batch Batch::to(const torch::Device& device) const {
  Batch moved{{}, videos, share};
  for (const auto& [name, tensor] : tensors) moved.tensors.emplace(name, tensor.to(device, /*non_blocking=*/true));
  return moved;
}

const Frames& TrainingSet::frames(std::size_t) const { throw Error("this training set has features, not frames"); }

std::vector<ParameterGroup> Model::parameters(std::size_t) { return {{network().parameters(), 1, 1}}; }

void Model::propose(Record&, const Sequence&) {
  throw Error("model '" + name() + "' does not propose; it stands for another stage");
}
std::vector<std::function<void(Record&)>> Model::propose_together(std::span<const Sequence>) {
  throw Error("model '" + name() + "' sees one video at a time");
}
void Model::refine(Record&, const Sequence&) {
  throw Error("model '" + name() + "' does not refine; it stands for another stage");
}
void Model::score(Record&, const Sequence&) {
  throw Error("model '" + name() + "' does not score; it stands for another stage");
}

std::unique_ptr<Model> make_model(const std::string& name) {
  for (const auto& factory : model_factories())
    if (factory.name == name) return factory.make();
  const auto names = model_names();
  const auto near = nearest(name, names);
  std::string all;
  for (const auto& known : names) all += (all.empty() ? "" : ", ") + known;
  throw UsageError("unknown model '" + name + "'" +
                   (near.empty() ? "" : ", did you mean '" + std::string(near) + "'?") + " (there are: " + all + ")");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& factory : model_factories()) names.push_back(factory.name);
  return names;
}

StreamContract contract_of(const FeatureStream& stream) {
  return {stream.name,     stream.dim,     stream.stride,
          stream.window,   stream.offset,  stream.fps ? stream.fps->value() : 0,
          stream.resample, stream.weights, stream.settings};
}

void FeaturePolicy::say_once(const std::function<void(const std::string&)>& say, const std::string& text) const {
  const std::lock_guard lock(mutex_);
  if (said_.insert(text).second) say(text);
}

namespace {

// What one stream has in the place of another's.
class ContractCheck {
 public:
  ContractCheck(const StreamContract& record, const FeaturePolicy* policy, const std::string& wanted)
      : record_(record), policy_(policy), wanted_(wanted) {}

  void number(const char* what, double wanted, double found, const std::string& advice = "") const {
    // Rates such as 30000/1001 pass through JSON and back.
    if (std::abs(wanted - found) > 1e-9 * std::max(std::abs(wanted), std::abs(found)))
      differ(what, format_number(wanted), format_number(found), advice);
  }
  void text(const char* what, const std::string& wanted, const std::string& found) const {
    if (wanted == found) return;
    if (wanted.empty() || found.empty()) return unknown(what, wanted, found);
    differ(what, "'" + wanted + "'", "'" + found + "'");
  }
  // At equal rates, the frames of a video as they are and those sampled at that rate are the same where its rate is
  // constant.
  void sampling(const std::string& wanted, const std::string& found) const {
    const auto own_or_sampled = [](const std::string& how) { return how == "none" || how == "pts"; };
    if (!own_or_sampled(wanted) || !own_or_sampled(found)) return text("resample", wanted, found);
    if (wanted != found && policy_)
      policy_->note_once(field("resample") + ": " + wanted_ + " '" + wanted + "', this stream has '" + found +
                         "', at the same rate");
  }
  void settings(const StreamContract& model) const {
    if (model.settings == record_.settings) return;
    if (model.settings.empty() || record_.settings.empty())
      return unknown("settings", model.settings, record_.settings);
    const auto differences = settings_differences(model.settings, record_.settings);
    differ("settings", first_sides(differences), second_sides(differences));
  }
  void differ(const char* what, const std::string& wanted, const std::string& found, const std::string& advice = "",
              bool acceptable = true) const {
    const std::string why = wanted_ + " " + wanted + ", this stream has " + found;
    if (!acceptable || !policy_ || !policy_->accepts())
      throw Error(why + advice + (acceptable ? " (--accept-features takes it as it is)" : "")).at_field(field(what));
    policy_->warn_once(field(what) + ": " + why + "; taken as it is (--accept-features)");
  }

 private:
  // One side does not say: no contradiction, but no certainty either.
  void unknown(const char* what, const std::string& wanted, const std::string& found) const {
    if (!policy_) return;
    policy_->note_once(field(what) + ": " +
                       (found.empty() ? "the record does not say it; " + wanted_ + " " + wanted
                                      : "this stream has " + found + "; it is not known what " + wanted_));
  }
  std::string field(const char* what) const { return "features." + record_.name + "." + what; }
  const StreamContract& record_;
  const FeaturePolicy* policy_;
  const std::string& wanted_;
};

}  // namespace

void check_contract(const StreamContract& model, const StreamContract& record, const FeaturePolicy* policy,
                    const std::string& wanted) {
  const ContractCheck check(record, policy, wanted);
  if (model.dim != record.dim)
    check.differ("dim", std::to_string(model.dim), std::to_string(record.dim), "", /*acceptable=*/false);
  if (model.unstated) return;
  check.number(
      "fps", model.fps, record.fps,
      model.fps > 0 ? "; tal-extract --fps " + format_number(model.fps) + " samples every video at one rate" : "");
  check.number("stride", model.stride, record.stride);
  check.number("window", model.window, record.window);
  check.number("offset", model.offset, record.offset);
  check.sampling(model.resample, record.resample);
  check.text("weights", model.weights, record.weights);
  check.settings(model);
}

std::shared_ptr<const Frames> load_frames(const Record& record, const FrameContract& contract,
                                          const std::string& frame_cache) {
  record.require_whole_video();
  const auto path = record.text("path");
  if (!path)
    throw Error(std::string("missing; the model sees the frames of videos") +
                (record.has("features") ? ", not features" : ""))
        .at_field("path")
        .at_video(record.video());
  if (!frame_opener())
    throw Error("this program cannot read the frames of videos (it was built without OpenCV)")
        .at_field("path")
        .at_video(record.video());
  return frame_opener()(located(*path, record.places().get()), contract, frame_cache);
}

RowTime frame_time(double fps) { return {1, 1, fps, 0}; }

namespace {

// A window of a longer stream begins at a later row: the offset of the whole, where it lies on the grid that is wanted.
double offset_of_whole(const StreamContract& window, const StreamContract& wanted) {
  const double rows = (window.offset - wanted.offset) / wanted.stride;
  return rows > 0 && std::abs(rows - std::round(rows)) < 1e-9 * rows ? wanted.offset : window.offset;
}

}  // namespace

Sequence load_sequence(const Record& record, const InputContract& inputs, const std::string& frame_cache) {
  Sequence sequence;
  sequence.video = record.video();
  if (inputs.frames) {
    sequence.frames = load_frames(record, *inputs.frames, frame_cache);
    sequence.duration = record.duration().value_or(sequence.frames->duration());
    sequence.time = frame_time(sequence.frames->fps());
    return sequence;
  }
  if (!record.has("features") && record.has("path"))
    throw Error("missing; the model was trained on features, not on the frames of videos (tal-extract makes features)")
        .at_field("features")
        .at_video(record.video());
  sequence.duration = record.duration().value_or(0);
  JoinedRows joined;
  for (const auto& wanted : inputs.streams) {
    FeatureStream stream = select_stream(record, wanted.name);
    check_stream_header(stream, inputs.policy.get());
    FeatureRows source(stream);
    stream.rows = source.rows(), stream.dim = source.dim();
    auto found = contract_of(stream);
    if (record.has("window")) found.offset = offset_of_whole(found, wanted);
    check_contract(wanted, found, inputs.policy.get());
    joined.add(stream, std::move(source), record.duration());
  }
  joined.settle(inputs.fit);
  sequence.time = joined.time();
  sequence.x = joined.copy(inputs, 0, joined.rows());
  return sequence;
}

}  // namespace tal
