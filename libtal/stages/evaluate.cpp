#include "libtal/stages/evaluate.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/base/video_id.h"
#include "libtal/cli/tool.h"
#include "libtal/eval/files.h"
#include "libtal/eval/page.h"
#include "libtal/eval/reader.h"
#include "libtal/eval/report.h"
#include "libtal/eval/strangers.h"
#include "libtal/eval/summary.h"
#include "libtal/io/jsonl.h"
#include "libtal/stages/evaluate_options.h"

namespace tal::eval {
namespace {

// Everything that is read, once.
class Input {
 public:
  Input(Tool& tool, const EvalOptions& o, const Reads& reads, int jobs)
      : tool_(tool), o_(o), reads_(reads), jobs_(jobs) {
    if (!o_.gt.empty()) {
      auto whole = reads_;
      whole.windows = false;
      const auto read = read_records(tool_, o_.gt, data, true, false, jobs_, whole);
      if (read.without_annotations > 0)
        tool_.note(std::to_string(read.without_annotations) + " of " + std::to_string(read.records) + " records in " +
                   o_.gt + " have no annotations and do not count");
      truth_source = read.source;
    }
    const auto read = read_records(tool_, tool_.options().input, data, o_.gt.empty(), true, jobs_, reads_);
    tell_disagreements(read);
    stream_source = read.source;
    if (o_.gt.empty()) truth_source = read.source;
    if (read.without_proposals > 0)
      tool_.note(std::to_string(read.without_proposals) + " of " + std::to_string(read.records) +
                 " records have no proposals");
    if (!o_.gt.empty()) tell_if_no_record(read);
    left_out = leave_out(data);
    for (const auto& path : o_.operating_points) data.operating_points.push_back(operating_point(path));
    data.index();
    for (const auto& path : o_.compare) others.push_back(with_predictions_of(path));
  }

  Dataset data;
  std::vector<Dataset> others;  // of --compare: the same ground truth, in the same order, with other predictions
  std::string truth_source, stream_source;
  std::size_t left_out = 0;  // by --score-above

  // labels: whether a protocol counts classes.
  void tell_strangers(bool labels) const {
    tell(data, stream_source, labels);
    for (std::size_t i = 0; i < others.size(); ++i) tell(others[i], o_.compare[i], labels);
  }

  // With the place of the video's ground truth, or of its record in the stream where the error is about proposals.
  Error placed(Error error, std::string_view video) const {
    const auto id = data.video_names.find(video);
    if (id == Names::kNone) return error;
    const bool of_stream = error.field().starts_with("proposals");
    const std::uint64_t line = of_stream ? data.videos[id].stream_line : data.videos[id].line;
    return line > 0 ? error.at_video(video).at_line(of_stream ? stream_source : truth_source, line)
                    : error.at_video(video);
  }

 private:
  void tell_disagreements(const ReadCounts& read) const {
    const auto tell = [&](const Disagreements& all, const std::string& what) {
      if (all.count > 0)
        tool_.warn(std::to_string(all.count) + (all.count == 1 ? " video has" : " videos have") + " another " + what +
                   " in " + read.source + " than in the ground truth (" + all.first + ")");
    };
    tell(read.durations, "duration"), tell(read.rates, "frame rate");
    if (read.gaps.count > 0)
      tool_.warn(std::to_string(read.gaps.count) + (read.gaps.count == 1 ? " gap" : " gaps") +
                 " between the windows in " + read.source + ", which find nothing there (" + read.gaps.first + ")");
  }
  bool tell_if_no_record(const ReadCounts& read) const {
    if (read.records == 0) tool_.warn("no record of predictions in " + read.source + ": nothing to judge");
    return read.records == 0;
  }
  // Another file than was meant, such as the ground truth, would be compared without a word.
  void tell_if_empty(const ReadCounts& read, const Dataset& set) const {
    if (tell_if_no_record(read)) return;
    const std::string records = std::to_string(read.records) + (read.records == 1 ? " record" : " records");
    if (set.predictions.empty())
      tool_.warn("no proposals in the " + records + " of " + read.source + ": nothing to judge");
    else if (read.without_proposals > 0)
      tool_.note(std::to_string(read.without_proposals) + " of " + records + " in " + read.source +
                 " have no proposals");
  }
  void tell(const Dataset& set, const std::string& source, bool labels) const {
    const Strangers found = strangers(set, source, labels);
    for (const auto& text : found.warnings) tool_.warn(text);
    for (const auto& text : found.notes) tool_.note(text);
  }
  // Before Dataset::index().
  std::size_t leave_out(Dataset& set) const {
    if (!o_.score_above) return 0;
    return std::erase_if(set.predictions, [&](const Prediction& p) { return !(p.score > *o_.score_above); });
  }

  Dataset with_predictions_of(const std::string& path) {
    Dataset other;
    for (const auto id : data.truth_order) {
      std::vector<Truth> truths;
      for (const auto& truth : data.truths_of(id))
        truths.push_back({truth.segment, other.labels.id(data.labels.text(truth.label)), truth.shown});
      const Video& video = data.videos[id];
      other.add_truth(data.video_names.text(id), video.subset, video.duration, video.fps, truths);
    }
    const auto read = read_records(tool_, path, other, false, true, jobs_, reads_);
    tell_disagreements(read);
    tell_if_empty(read, other);
    leave_out(other);
    other.index();
    return other;
  }

  OperatingPoint operating_point(const std::string& path) {
    Dataset other;
    const auto read = read_records(tool_, path, other, false, true, jobs_, reads_);
    // At a high threshold there may be none, but then the records say so: "proposals": [].
    if (read.without_proposals == read.records) tell_if_empty(read, other);
    OperatingPoint out{read.source, {}};
    leave_out(other);
    for (Prediction p : other.predictions) {
      p.video = data.video_names.find(other.video_names.text(p.video));
      p.label = data.labels.find(other.labels.text(p.label));
      if (p.video != Names::kNone && p.label != Names::kNone) out.detections.push_back(p);
    }
    return out;
  }

  Tool& tool_;
  const EvalOptions& o_;
  const Reads reads_;
  const int jobs_;
};

// One protocol, from the data to its report, one step a function.
class Evaluation {
 public:
  Evaluation(Tool& tool, const EvalOptions& options, const Input& input, const Protocol& protocol, int jobs)
      : tool_(tool), o_(options), in_(input), data_(input.data), p_(protocol), jobs_(jobs) {
    try {
      run_ = evaluate(data_, p_, jobs_);
    } catch (const Error& error) {
      throw in_.placed(error, error.video());
    }
    check();
    report_ = summary_of(run_, p_, o_);
    if (o_.score_above) report_["score_filter"] = {{"above", *o_.score_above}, {"left_out", in_.left_out}};
    if ((o_.ties_range || !o_.html.empty()) && !p_.make)
      report_["ties_range"] = tie_range_of(tie_range(run_, p_, jobs_));
    if (o_.bootstrap > 0 || !in_.others.empty() || !o_.html.empty()) resample();
    if (p_.detections()) explain_detections();
    if (!o_.oracle.empty() && !p_.make)
      report_["oracle"] = oracle_of(oracle(run_, p_, o_.oracle, jobs_), o_.oracle, run_.score);
    if (!o_.curves.empty()) write_curves(o_.curves, run_, p_);
  }

  const Report& report() const { return report_; }
  void write_page() const {
    Report all = report_;
    if (p_.detections()) all["precision_recall"] = precision_recall_of(run_);
    AtomicFile file(o_.html);
    file.write(page_of(all));
    file.commit();
  }
  double score() const { return run_.score; }

 private:
  void explain_detections() {
    if (o_.diagnose || !o_.diagnose_file.empty() || !o_.html.empty()) diagnose_predictions();
    if (o_.sample_rate) judge_samples();
    if (!o_.against.empty()) compare_protocols();
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
    if (s.counts.zero_length > 0 && p_.reads.times == Reads::Times::kSegments)
      tool_.warn(std::to_string(s.counts.zero_length) + " ground-truth segments have zero length");
    if (run_.measured)
      for (const auto& text : run_.measured->warnings()) tool_.warn(text);
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
          throw in_.placed(
              Error("missing; this protocol needs labels").at_field("annotations[" + std::to_string(i) + "].label"),
              data_.video_names.text(id));
    }
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
    const int samples = o_.bootstrap > 0 ? o_.bootstrap : in_.others.empty() ? 200 : 1000;
    const auto draws = bootstrap(run_, p_, samples, seed, jobs_);
    report_["bootstrap"] = bootstrap_of(draws, seed);
    if (in_.others.empty()) return;
    report_["compare"] = Report::array();
    for (std::size_t i = 0; i < in_.others.size(); ++i) {
      const Evaluated second = evaluate(in_.others[i], p_, jobs_);
      report_["compare"].push_back(
          comparison_of(o_.compare[i], run_, draws, second, bootstrap(second, p_, samples, seed, jobs_), p_));
    }
  }

  void diagnose_predictions() {
    const Diagnosis d = diagnose(run_, p_.scales, jobs_);
    report_["diagnosis"] = diagnosis_of(d, p_);
    if (!o_.diagnose_file.empty()) write_kinds(o_.diagnose_file, data_, d);
  }

  void judge_samples() {
    const SampleRules rules = sample_rules(tool_, o_);
    SampleResult result;
    try {
      result = evaluate_samples(*run_.selection, rules);
    } catch (const Error& error) {
      throw in_.placed(error, error.video());
    }
    if (result.contested > 0)
      tool_.warn(std::to_string(result.contested) +
                 " samples lie under annotations of several classes; the last one counts");
    Report& out = report_["sample_wise"] = {{"rate", *rules.rate},
                                            {"score_above", rules.score_above},
                                            {"overlap", rules.highest_wins ? "highest" : "lowest"},
                                            {"undefined", rules.undefined}};
    out.update(samples_of(result, data_));
  }

  void compare_protocols() {
    const Protocol second = other_protocol(p_, o_);
    const Explanation explanation = explain(run_, p_, second, jobs_);
    report_["against"] = against_of(explanation, run_, second);
    if (o_.explain) report_["disagreements"] = disagreements_of(explanation, run_, p_, second);
  }

  Tool& tool_;
  const EvalOptions& o_;
  const Input& in_;
  const Dataset& data_;
  const Protocol& p_;
  const int jobs_;
  Evaluated run_;
  Report report_;
};

void warn_of_unknown_exclusions(Tool& tool, const EvalOptions& o, const Dataset& data, const Protocol& p) {
  if (o.exclude.empty()) return;
  std::vector<std::string> known, unknown, files;
  const auto& bad = known_bad_videos();  // of one data set, whatever this one is
  for (std::uint32_t id = 0; id < data.video_names.size(); ++id) known.push_back(data.video_names.text(id));
  for (const auto& name : p.filter.exclude)
    if (data.video_names.find(name) == Names::kNone && find_video(data, name) != Names::kNone) files.push_back(name);
    else if (find_video(data, name) == Names::kNone && std::find(bad.begin(), bad.end(), name) == bad.end())
      unknown.push_back(name);
  if (!files.empty()) {
    const auto& first = *std::min_element(files.begin(), files.end());
    tool.warn("--exclude " + o.exclude + ": " + std::to_string(files.size()) +
              (files.size() == 1 ? " name is" : " names are") + " of files and exclude" +
              (files.size() == 1 ? "s its video" : " their videos") + ", such as '" + first + "' '" + video_id(first) +
              "'");
  }
  if (unknown.empty()) return;
  std::sort(unknown.begin(), unknown.end());
  const auto near = nearest(video_id(unknown.front()), known);
  tool.warn("--exclude " + o.exclude + ": " + std::to_string(unknown.size()) +
            (unknown.size() == 1 ? " name is" : " names are") +
            " of no video of the ground truth or the stream, such as '" + unknown.front() + "'" +
            (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)"));
}

}  // namespace

void run_evaluation(Tool& tool, EvalOptions& o) {
  const std::vector<Asked> protocols = make_protocols(tool, o);
  Reads reads = reads_of(protocols);
  reads.windows = o.live;
  const int jobs = tool.given("--jobs") ? tool.options().jobs
                                        : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 2);
  tool.out();                                      // a wrong --output is found before the work
  if (o.sample_rate) (void)sample_rules(tool, o);  // so is a wrong list of classes
  const Input input(tool, o, reads, jobs);
  warn_of_unknown_exclusions(tool, o, input.data, protocols.front().protocol);
  input.tell_strangers(std::any_of(protocols.begin(), protocols.end(), [](const Asked& a) {
    return !a.protocol.proposals && !a.protocol.filter.class_agnostic;
  }));
  std::vector<Report> reports;
  double score = 0;
  for (const auto& [protocol, options] : protocols) {
    const Evaluation evaluation(tool, options, input, protocol, jobs);
    reports.push_back(evaluation.report()), score = evaluation.score();
    if (!o.html.empty()) evaluation.write_page();
  }
  tool.out().write(render(reports, o.format));
  if (!tool.given("--fail-under") || score >= o.fail_under) return;
  tool.warn("the score " + format_number(score) + " is under --fail-under " + format_number(o.fail_under));
  tool.fail_later();
}

}  // namespace tal::eval
