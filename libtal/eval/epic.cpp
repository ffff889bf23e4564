#include "libtal/eval/epic.h"

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/eval/detection.h"
#include "libtal/eval/explain.h"
#include "libtal/eval/report.h"

namespace tal::eval {
namespace {

enum Task { kVerb, kNoun, kAction, kTasks };
constexpr const char* kTaskNames[] = {"verb", "noun", "action"};

std::size_t comma_of(const std::string& label, const std::string& list, std::size_t index, const std::string& video) {
  const auto comma = label.find(',');
  if (comma == label.npos || comma == 0 || comma + 1 == label.size())
    throw Error("'" + label +
                "' is no action: a verb and a noun with a comma between, such as \"0,2\" (tal-convert --from "
                "epic-kitchens or epic-results with --columns label=action makes them)")
        .at_field(list + "[" + std::to_string(index) + "].label")
        .at_video(video);
  return comma;
}

// Every label of the evaluated part is an action.
void check_labels(const Selection& s) {
  const Dataset& data = *s.data;
  for (std::uint32_t id = 0; id < data.videos.size(); ++id) {
    const std::string& video = data.video_names.text(id);
    const auto truths = s.state[id] == State::kEvaluated ? data.truths_of(id) : std::span<const Truth>();
    for (std::size_t i = 0; i < truths.size(); ++i)
      comma_of(data.labels.text(truths[i].label), "annotations", i, video);
    const auto mine = data.predictions_of(id);
    for (std::size_t i = 0; i < mine.size() && s.used(id); ++i)
      comma_of(data.labels.text(data.predictions[mine[i]].label), "proposals", i, video);
  }
}

// The same data set with the labels of one task.
Dataset with_labels_of(const Dataset& data, Task task) {
  Dataset out = data;
  if (task == kAction) return out;
  out.labels = Dataset().labels;
  std::vector<std::uint32_t> to;
  for (std::uint32_t label = 0; label < data.labels.size(); ++label) {
    const std::string& text = data.labels.text(label);
    const auto comma = text.find(',');
    to.push_back(out.labels.id(comma == text.npos ? text
                               : task == kVerb    ? text.substr(0, comma)
                                                  : text.substr(comma + 1)));
  }
  for (auto& truth : out.truths) truth.label = to[truth.label];
  for (auto& prediction : out.predictions) prediction.label = to[prediction.label];
  return out;
}

class Epic : public Measured {
 public:
  Epic(const Selection& s, const Filter& filter, const std::vector<double>& tiou, Ties ties, int jobs)
      : tiou_(tiou), ties_(ties) {
    check_labels(s);
    for (int task = kVerb; task < kTasks; ++task) {
      data_[task] = with_labels_of(*s.data, static_cast<Task>(task));
      selections_[task] = select(data_[task], filter);
      matched_[task] = match(selections_[task], tiou, Matching::kActivityNet, ties, jobs);
    }
  }

  double score(const std::vector<std::uint32_t>* weight) const override {
    return detection_result(matched_[kAction], weight).average;
  }

  std::string score_name() const override { return "action_map"; }

  void settings(nlohmann::ordered_json& out) const override {
    out["tiou"] = tiou_, out["ties"] = name_of(ties_);
    out["matching"] = "by rank, tIoU >= threshold", out["ap"] = "all-point envelope";
  }

  void report(nlohmann::ordered_json& out) const override {
    nlohmann::ordered_json scores, tasks = nlohmann::ordered_json::array(), classes = nlohmann::ordered_json::array();
    for (int task = kVerb; task < kTasks; ++task) {
      const Selection& s = selections_[task];
      const DetectionResult r = detection_result(matched_[task]);
      scores[std::string(kTaskNames[task]) + "_map"] = r.average;
      nlohmann::ordered_json row = {
          {"task", kTaskNames[task]}, {"classes", s.class_label.size()}, {"average_map", r.average}};
      for (std::size_t t = 0; t < tiou_.size(); ++t) row[tiou_name(tiou_[t])] = r.map[t];
      tasks.push_back(std::move(row));
      for (std::size_t c = 0; c < s.class_label.size(); ++c) {
        nlohmann::ordered_json entry = {
            {"label", std::string(kTaskNames[task]) + " " + data_[task].labels.text(s.class_label[c])},
            {"instances", s.class_instances[c]}};
        for (std::size_t t = 0; t < tiou_.size(); ++t) entry[tiou_name(tiou_[t])] = r.ap[c][t];
        classes.push_back(std::move(entry));
      }
    }
    out["scores"] = std::move(scores), out["tasks"] = std::move(tasks), out["classes"] = std::move(classes);
  }

 private:
  const std::vector<double> tiou_;
  const Ties ties_;
  Dataset data_[kTasks];
  Selection selections_[kTasks];
  Matched matched_[kTasks];
};

}  // namespace

std::unique_ptr<Measured> epic(const Selection& s, const Filter& filter, const std::vector<double>& tiou, Ties ties,
                               int jobs) {
  return std::make_unique<Epic>(s, filter, tiou, ties, jobs);
}

}  // namespace tal::eval
