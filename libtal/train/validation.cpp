#include "libtal/train/validation.h"

#include <algorithm>
#include <functional>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/eval/detection.h"
#include "libtal/eval/proposal.h"
#include "libtal/models/core/guard.h"
#include "libtal/segment/suppress.h"

namespace tal {

void run_stage(Model& model, Record& record, const Sequence& sequence, std::size_t phase) {
  guarded(model, [&] {
    if (model.proposes()) model.propose(record, sequence);
    else if (model.refines()) model.refine(record, sequence);
    else model.score(record, sequence);
    if (model.proposes() && model.phases().at(phase).validate_scores) model.score(record, sequence);
  });
}

void Validation::add(const Record& record) {
  if (!subset_.empty() && record.text("subset") != subset_) return;
  have_proposals_ = have_proposals_ && record.has_proposals();
  lines_.push_back(record.str());
  places_ = record.places();
}

namespace {

// Ground truth and suppressed output of the records as the evaluator takes them.
eval::Dataset collect(Model& model, std::size_t phase, const std::vector<std::string>& lines,
                      const std::shared_ptr<const FilePlaces>& places,
                      const std::function<Sequence(const Record&)>& sequence_of, bool& labelled) {
  eval::Dataset data;
  labelled = false;
  Record record;
  record.look_in(places);
  for (const auto& line : lines) {
    record.parse(line);
    try {
      std::vector<eval::Truth> truths;
      for (const auto& annotation : record.annotations(/*zero_length=*/true))
        truths.push_back({annotation.segment, data.labels.id(annotation.label)});
      data.add_truth(record.video(), "", record.duration().value_or(0), 0, truths);
      run_stage(model, record, sequence_of(record), phase);
      model.complete(record);
      std::vector<Proposal> proposals = record.proposals();
      if (!model.suppression().empty())
        proposals = suppress(proposals, record.duration().value_or(0), preset_of(model.suppression()));
      const auto video = data.video(record.video());
      data.videos[video].predicted = true;
      for (const auto& p : proposals) {
        data.predictions.push_back({p.segment, p.score, data.labels.id(p.label), video});
        labelled = labelled || !p.label.empty();
      }
    } catch (Error& error) {
      throw error.at_video(record.video());
    }
  }
  data.index();
  return data;
}

}  // namespace

Sequence Validation::sequence_of(const Record& record, const InputContract& inputs) const {
  if (!inputs.frames) return load_sequence(record, inputs);
  auto& frames = frames_[record.video()];
  if (!frames) frames = load_frames(record, *inputs.frames, frame_cache_);
  return {record.video(), record.duration().value_or(frames->duration()), frame_time(frames->fps()), {}, frames};
}

Metrics Validation::evaluate(Model& model, const TrainOptions& options, std::uint64_t seed, std::size_t phase) const {
  const bool runs = model.proposes() || have_proposals_;
  if (metric_ == "loss" || (metric_ == "auto" && !runs)) {
    RecordSetOptions set_options;
    for (const auto& stream : model.inputs().streams) set_options.streams.push_back(stream.name);
    set_options.classes = model.inputs().classes;
    set_options.fit = model.inputs().fit;
    set_options.frames = model.inputs().frames, set_options.frame_cache = frame_cache_;
    set_options.policy = model.inputs().policy;
    RecordSet set(set_options);
    Record record;
    record.look_in(places_);
    for (const auto& line : lines_) {
      record.parse(line);
      set.add(record);
    }
    set.finish(model.inputs());
    return {{"loss", -mean_loss(model, set, phase, options.batch, seed)}};
  }
  if (!runs) throw Error("the validation records have no proposals for the model to work on; metric loss needs none");
  bool labelled = false;
  const InputContract inputs = model.test_inputs();
  const eval::Dataset data = collect(
      model, phase, lines_, places_, [&](const Record& record) { return sequence_of(record, inputs); }, labelled);
  if (labelled && metric_ != "auc" && metric_ != "ar100") {
    const auto result = eval::activitynet_precision(data);
    return {{"map", result.average}, {"map50", result.map.front()}, {"map75", result.map[5]}};
  }
  if (metric_ == "map")
    throw Error(
        "metric map needs labelled detections, and none of the validation records got one; metric auc judges "
        "proposals");
  const auto curve = eval::activitynet_recall(data);
  Metrics metrics = {{"auc", curve.auc}, {"ar100", curve.ar.empty() ? 0 : curve.ar.back()}};
  if (metric_ == "ar100") std::swap(metrics[0], metrics[1]);
  return metrics;
}

}  // namespace tal
