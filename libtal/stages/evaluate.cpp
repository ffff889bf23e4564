#include "libtal/stages/evaluate.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/base/video_id.h"
#include "libtal/cli/tool.h"
#include "libtal/eval/files.h"
#include "libtal/eval/reader.h"
#include "libtal/eval/report.h"
#include "libtal/eval/summary.h"
#include "libtal/stages/evaluate_options.h"

namespace tal::eval {
namespace {

// The tool's passage from options to report, one step a function.
class Evaluation {
 public:
  Evaluation(Tool& tool, const EvalOptions& options)
      : tool_(tool),
        o_(options),
        p_(make_protocol(tool, options)),
        jobs_(tool.given("--jobs") ? tool.options().jobs
                                   : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 2)) {}

  void run() {
    tool_.out();  // a wrong --output is found before the work
    if (o_.sample_rate) sample_rules_ = sample_rules(tool_, o_);
    read();
    run_ = evaluate(data_, p_, jobs_);
    check();
    report_ = summary_of(run_, p_, o_);
    if (o_.score_above) report_["score_filter"] = {{"above", *o_.score_above}, {"left_out", left_out_}};
    if (o_.ties_range) report_["ties_range"] = tie_range_of(tie_range(run_, p_, jobs_));
    if (o_.bootstrap > 0 || !o_.compare.empty()) resample();
    if (o_.diagnose || !o_.diagnose_file.empty()) diagnose_predictions();
    if (o_.sample_rate) judge_samples();
    if (!o_.oracle.empty()) report_["oracle"] = oracle_of(oracle(run_, p_, o_.oracle, jobs_), o_.oracle, run_.score);
    if (!o_.against.empty()) compare_protocols();
    if (!o_.curves.empty()) write_curves(o_.curves, run_, p_);
    tool_.out().write(render(report_, o_.format));
    judge();
  }

 private:
  void read() {
    if (!o_.gt.empty()) {
      const auto read = read_records(tool_, o_.gt, data_, true, false, jobs_);
      if (read.without_annotations > 0)
        tool_.note(std::to_string(read.without_annotations) + " of " + std::to_string(read.records) + " records in " +
                   o_.gt + " have no annotations and do not count");
      truth_source_ = read.source;
    }
    const auto read = read_records(tool_, tool_.options().input, data_, o_.gt.empty(), true, jobs_, o_.live);
    if (o_.gt.empty()) truth_source_ = read.source;
    if (read.without_proposals > 0)
      tool_.note(std::to_string(read.without_proposals) + " of " + std::to_string(read.records) +
                 " records have no proposals");
    left_out_ = leave_out(data_);
    data_.index();
    warn_of_unknown_exclusions();
  }

  // Before Dataset::index().
  std::size_t leave_out(Dataset& data) const {
    if (!o_.score_above) return 0;
    return std::erase_if(data.predictions, [&](const Prediction& p) { return !(p.score > *o_.score_above); });
  }

  void warn_of_unknown_exclusions() const {
    if (o_.exclude.empty()) return;
    std::vector<std::string> known, unknown, files;
    const auto& bad = known_bad_videos();  // of one data set, whatever this one is
    for (std::uint32_t id = 0; id < data_.video_names.size(); ++id) known.push_back(data_.video_names.text(id));
    for (const auto& name : p_.filter.exclude)
      if (data_.video_names.find(name) == Names::kNone && find_video(data_, name) != Names::kNone)
        files.push_back(name);
      else if (find_video(data_, name) == Names::kNone && std::find(bad.begin(), bad.end(), name) == bad.end())
        unknown.push_back(name);
    if (!files.empty()) {
      const auto& first = *std::min_element(files.begin(), files.end());
      tool_.warn("--exclude " + o_.exclude + ": " + std::to_string(files.size()) +
                 (files.size() == 1 ? " name is" : " names are") + " of files and exclude" +
                 (files.size() == 1 ? "s its video" : " their videos") + ", such as '" + first + "' '" +
                 video_id(first) + "'");
    }
    if (unknown.empty()) return;
    std::sort(unknown.begin(), unknown.end());
    const auto near = nearest(video_id(unknown.front()), known);
    tool_.warn("--exclude " + o_.exclude + ": " + std::to_string(unknown.size()) +
               (unknown.size() == 1 ? " name is" : " names are") +
               " of no video of the ground truth or the stream, such as '" + unknown.front() + "'" +
               (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)"));
  }

  // Faults that make the numbers meaningless, and warnings about what makes them surprising.
  void check() {
    const Selection& s = *run_.selection;
    if (p_.filter.all_subsets && several_subsets())
      tool_.warn("the ground truth holds several subsets and all count; --subset NAME takes one");
    if (!p_.proposals && !p_.filter.class_agnostic) require_labels();
    if (!p_.proposals && !p_.filter.class_agnostic && s.counts.predictions > 0 &&
        std::all_of(data_.predictions.begin(), data_.predictions.end(),
                    [](const auto& x) { return x.label == kNoLabel; }))
      tool_.warn("no prediction has a label: a detection protocol finds nothing to rank");
    if (s.counts.zero_length > 0)
      tool_.warn(std::to_string(s.counts.zero_length) + " ground-truth segments have zero length");
    if (o_.require_complete && s.counts.covered < s.counts.videos)
      throw Error(missing_videos() + " (--require-complete)");
  }
  bool several_subsets() const {
    return std::any_of(data_.truth_order.begin(), data_.truth_order.end(), [&](auto id) {
      return data_.videos[id].subset != data_.videos[data_.truth_order.front()].subset;
    });
  }
  void require_labels() const {
    for (const auto id : run_.selection->videos) {
      const auto truths = data_.truths_of(id);
      for (std::size_t i = 0; i < truths.size(); ++i)
        if (truths[i].label == kNoLabel)
          throw at_truth(
              Error("missing; this protocol needs labels").at_field("annotations[" + std::to_string(i) + "].label"),
              data_.video_names.text(id));
    }
  }
  // The place of the video's ground truth.
  Error at_truth(Error error, std::string_view video) const {
    return error.at_video(video).at_line(truth_source_, data_.videos[data_.video_names.find(video)].line);
  }
  std::string missing_videos() const {
    const Counts& c = run_.selection->counts;
    std::string text = std::to_string(c.videos - c.covered) + " of " + std::to_string(c.videos) +
                       " ground-truth videos have no record in the stream: ";
    std::size_t shown = 0;
    for (const auto id : run_.selection->videos) {
      if (data_.videos[id].predicted) continue;
      if (++shown > 3) return text + ", ...";
      text += (shown > 1 ? ", " : "") + data_.video_names.text(id);
    }
    return text;
  }

  void resample() {
    const std::uint64_t seed = tool_.options().seed;
    const int samples = o_.bootstrap > 0 ? o_.bootstrap : 1000;
    const auto draws = bootstrap(run_, p_, samples, seed, jobs_);
    if (o_.bootstrap > 0) {
      const auto range = interval(draws);
      report_["bootstrap"] = {{"samples", samples}, {"seed", seed}, {"low", range.low}, {"high", range.high}};
    }
    if (o_.compare.empty()) return;
    const Dataset other = with_predictions_of(o_.compare);
    const Evaluated second = evaluate(other, p_, jobs_);
    const auto second_draws = bootstrap(second, p_, samples, seed, jobs_);
    std::vector<double> difference;
    for (std::size_t i = 0; i < draws.size(); ++i) difference.push_back(draws[i] - second_draws[i]);
    const auto range = interval(difference);
    report_["compare"] = {{"file", o_.compare},
                          {"score", second.score},
                          {"difference", run_.score - second.score},
                          {"samples", samples},
                          {"seed", seed},
                          {"low", range.low},
                          {"high", range.high},
                          {"p_value", bootstrap_p_value(draws, second_draws)}};
  }
  // The same ground truth, in the same order, with another file's predictions.
  Dataset with_predictions_of(const std::string& path) {
    Dataset other;
    for (const auto id : data_.truth_order) {
      std::vector<Truth> truths;
      for (const auto& truth : data_.truths_of(id))
        truths.push_back({truth.segment, other.labels.id(data_.labels.text(truth.label))});
      const Video& video = data_.videos[id];
      other.add_truth(data_.video_names.text(id), video.subset, video.duration, video.fps, truths);
    }
    read_records(tool_, path, other, false, true, jobs_, o_.live);
    leave_out(other);
    other.index();
    return other;
  }

  void diagnose_predictions() {
    const Diagnosis d = diagnose(run_, p_.scales, jobs_);
    report_["diagnosis"] = diagnosis_of(d, p_);
    if (!o_.diagnose_file.empty()) write_kinds(o_.diagnose_file, data_, d);
  }

  void judge_samples() {
    SampleResult result;
    try {
      result = evaluate_samples(*run_.selection, sample_rules_);
    } catch (const Error& error) {
      throw at_truth(error, error.video());
    }
    if (result.contested > 0)
      tool_.warn(std::to_string(result.contested) +
                 " samples lie under annotations of several classes; the last one counts");
    report_["sample_wise"] = samples_of(result, sample_rules_);
  }

  void compare_protocols() {
    const Protocol second = other_protocol(p_, o_);
    const Explanation explanation = explain(run_, p_, second, jobs_);
    report_["against"] = against_of(explanation, run_, second);
    if (o_.explain) report_["disagreements"] = disagreements_of(explanation, run_, p_, second);
  }

  void judge() {
    if (!tool_.given("--fail-under") || run_.score >= o_.fail_under) return;
    tool_.warn("the score " + format_number(run_.score) + " is under --fail-under " + format_number(o_.fail_under));
    tool_.fail_later();
  }

  Tool& tool_;
  const EvalOptions& o_;
  const Protocol p_;
  const int jobs_;
  SampleRules sample_rules_;
  Dataset data_;
  std::string truth_source_;
  std::size_t left_out_ = 0;  // by --score-above
  Evaluated run_;
  Report report_;
};

}  // namespace

void run_evaluation(Tool& tool, const EvalOptions& options) { Evaluation(tool, options).run(); }

}  // namespace tal::eval
