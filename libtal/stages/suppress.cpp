#include "libtal/stages/suppress.h"

#include <cmath>
#include <optional>
#include <string>

#include "libtal/base/number.h"

namespace tal {

namespace {

// As the command line would say it; none: that there is no bound cannot be said.
std::optional<std::string> setting_text(double value) {
  if (!std::isfinite(value) || value <= -1e300) return std::nullopt;
  return format_number(value);
}
std::optional<std::string> setting_text(const std::string& value) { return value; }
std::optional<std::string> setting_text(const std::optional<double>& value) { return value ? setting_text(*value) : std::nullopt; }

}  // namespace

void register_options(Options& table, SuppressOptions& o) {
  const std::string rule = "Rule", choice = "Which proposals";
  table.add("--method", o.method, "Suppression rule").group(rule).one_of({"greedy", "gaussian", "linear", "bsn", "rpn"});
  table.add("--preset", o.preset, "A paper's rule and constants; flags win (rpn: ActivityNet; rpn-thumos14: --low 0.55; rpn-thumos14-2, of two attention units: --low 0.65)").group(rule)
      .one_of(suppression_presets());
  table.add("--threshold", o.threshold, "tIoU: greedy keeps up to it (0.36), linear decays from it on (0.5)").group(rule).between(0.0, 1.0);
  table.flag("--inclusive", o.inclusive, "greedy: a tIoU equal to the threshold suppresses").group(rule);
  table.add("--sigma", o.sigma, "gaussian: score *= exp(-tIoU^2 / SIGMA)").group(rule).positive();
  table.add("--alpha", o.alpha, "bsn, rpn: score *= exp(-tIoU^2 / ALPHA)").group(rule).positive();
  table.add("--low", o.low, "bsn, rpn: tIoU above LOW + (HIGH - LOW) w decays, w = width / duration (bsn 0.65, rpn 0.8)").group(rule).between(0.0, 1.0);
  table.add("--high", o.high, "bsn, rpn: see --low").group(rule).between(0.0, 1.0);
  table.add("--stop", o.stop, "Stop when N of a group are kept (bsn, rpn: 100; 0: never)").group(rule).type_name("N").not_negative();
  table.add("--voting", o.voting, "Each kept segment becomes the weighted mean of all with tIoU from T on").group(rule).type_name("T").between(0.0, 1.0);
  table.add("--voting-weight", o.voting_weight, "Weights of the votes: score x tIoU, or score").group(rule).one_of({"score-iou", "score"});
  table.add("--ties", o.ties, "Which of several equal scores comes first").group(choice).one_of({"input", "reversed"});
  table.add("--pre-top-k", o.pre_top_k, "Use only the N highest scores of each label").group(choice).type_name("N").not_negative();
  table.add("--top-k", o.top_k, "Keep at most N of a record").group(choice).type_name("N").not_negative();
  table.add("--min-score", o.min_score, "Drop final scores below X (gaussian 0.001; else no bound)").group(choice).type_name("X");
  table.add("--min-duration", o.min_duration, "Drop segments shorter than SECONDS first").group(choice).type_name("SECONDS").not_negative();
  table.flag("--class-agnostic", o.class_agnostic, "Labels do not matter (default: each label by itself)").group(choice);
}

void settle_options(Tool& tool, SuppressOptions& o) {
  SuppressOptions standard = o.preset.empty() ? defaults_of(o.method) : preset_of(o.preset);
  // A flag that changes the method leaves the preset's constants, which belong to another rule.
  if (!o.preset.empty() && tool.given("--method") && o.method != standard.method) standard = defaults_of(o.method);
  const auto settle = [&](const char* name, auto& value, const auto& from) {
    if (tool.given(name)) return;
    value = from;
    if (const auto text = setting_text(from); text && !o.preset.empty()) tool.preset(name, *text);
  };
  settle("--method", o.method, standard.method);
  const bool windowed = o.method == "bsn" || o.method == "rpn";
  const bool bounded = o.method == "greedy" || o.method == "linear";
  if (bounded) settle("--threshold", o.threshold, standard.threshold);
  if (o.method == "gaussian") settle("--sigma", o.sigma, standard.sigma);
  if (windowed) settle("--alpha", o.alpha, standard.alpha), settle("--low", o.low, standard.low), settle("--high", o.high, standard.high);
  settle("--stop", o.stop, standard.stop);
  settle("--voting", o.voting, standard.voting);
  settle("--min-score", o.min_score, standard.min_score);
  if (windowed && o.low > o.high) throw UsageError("--low " + format_number(o.low) + " is above --high " + format_number(o.high));
  const std::string why = "--method " + o.method;
  if (o.method != "greedy") tool.refuse({"--inclusive"}, why);
  if (!bounded) tool.refuse({"--threshold"}, why);
  if (o.method != "gaussian") tool.refuse({"--sigma"}, why);
  if (!windowed) tool.refuse({"--alpha", "--low", "--high"}, why);
  if (!o.voting) tool.refuse({"--voting-weight"}, "no --voting");
}

}  // namespace tal
