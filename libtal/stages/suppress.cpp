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
std::optional<std::string> setting_text(long long value) { return std::to_string(value); }
std::optional<std::string> setting_text(bool value) { return value ? "true" : "false"; }
std::optional<std::string> setting_text(const std::optional<double>& value) {
  return value ? setting_text(*value) : std::nullopt;
}

bool windowed(const SuppressOptions& o) { return o.method == "bsn" || o.method == "rpn"; }

// Presets and the method's defaults.
void settle(Tool& tool, SuppressOptions& o) {
  SuppressOptions standard = o.preset.empty() ? defaults_of(o.method) : preset_of(o.preset);
  o.drop_negative = tool.given("--min-score");  // a rule's own least score is not meant for logits
  bool of_preset = !o.preset.empty();
  // A flag that changes the method leaves the preset's constants, which belong to another rule.
  if (of_preset && tool.given("--method") && o.method != standard.method) {
    tool.note("--preset " + o.preset + ": its constants are for " + standard.method + ", not for --method " + o.method);
    standard = defaults_of(o.method), of_preset = false;
  }
  const std::string origin = of_preset ? "preset" : "--method " + o.method;
  const auto settle = [&](const char* name, auto& value, const auto& from) {
    if (tool.given(name)) return;
    const bool other = value != from;
    value = from;
    if (const auto text = setting_text(from); text && (of_preset || other)) tool.preset(name, *text, origin);
  };
  settle("--method", o.method, standard.method);
  if (o.method == "greedy" || o.method == "linear") settle("--threshold", o.threshold, standard.threshold);
  if (o.method == "gaussian") settle("--sigma", o.sigma, standard.sigma);
  if (windowed(o))
    settle("--alpha", o.alpha, standard.alpha), settle("--low", o.low, standard.low),
        settle("--high", o.high, standard.high);
  settle("--stop", o.stop, standard.stop);
  settle("--voting", o.voting, standard.voting);
  if (o.voting) settle("--voting-weight", o.voting_weight, standard.voting_weight);
  settle("--min-score", o.min_score, standard.min_score);
  if (!of_preset) return;
  settle("--top-k", o.top_k, standard.top_k);
  settle("--class-agnostic", o.class_agnostic, standard.class_agnostic);
  settle("--clip", o.clip, standard.clip);
}

}  // namespace

void register_options(const Options& table, NmsOptions& o) {
  table.settle([&o](Tool& tool) { settle(tool, o); });
  std::vector<Choice> presets;
  for (const auto& preset : suppression_presets()) presets.push_back({preset.name, preset.help});
  const Options rule = table.group("Rule");
  rule.add("--method", o.method, "Suppression rule").one_of({"greedy", "gaussian", "linear", "bsn", "rpn"});
  rule.add("--preset", o.preset, "A paper's rule and constants; flags win").one_of(presets);
  rule.add("--threshold", o.threshold, "tIoU: greedy keeps up to it (0.36), linear decays from it on (0.5)")
      .between(0.0, 1.0)
      .with("--method", {"greedy", "linear"});
  rule.flag("--inclusive", o.inclusive, "greedy: a tIoU equal to the threshold suppresses")
      .with("--method", {"greedy"});
  rule.add("--sigma", o.sigma, "gaussian: score *= exp(-tIoU^2 / SIGMA)").positive().with("--method", {"gaussian"});
  const Options window = rule.with("--method", {"bsn", "rpn"});
  window.add("--alpha", o.alpha, "bsn, rpn: score *= exp(-tIoU^2 / ALPHA)").positive();
  window
      .add("--low", o.low, "bsn, rpn: tIoU above LOW + (HIGH - LOW) w decays, w = width / duration (bsn 0.65, rpn 0.8)")
      .between(0.0, 1.0);
  window.add("--high", o.high, "bsn, rpn: see --low").between(0.0, 1.0);
  rule.add("--stop", o.stop, "Stop when N of a group are kept (bsn, rpn: 100; 0: never)").type_name("N").not_negative();
  rule.add("--voting", o.voting, "Each kept segment becomes the weighted mean of all with tIoU from T on")
      .type_name("T")
      .between(0.0, 1.0);
  rule.add("--voting-weight", o.voting_weight, "Weights of the votes: score x tIoU, or score")
      .one_of({"score-iou", "score"})
      .with("--voting");
  const Options choice = table.group("Which proposals");
  choice.add("--ties", o.ties, "Which of several equal scores comes first").one_of({"input", "reversed"});
  choice.add("--pre-top-k", o.pre_top_k, "Use only the N highest scores of each label").type_name("N").not_negative();
  choice.add("--top-k", o.top_k, "Keep at most N of a record").type_name("N").not_negative();
  choice.add("--min-score", o.min_score, "Drop final scores below X (gaussian 0.001)")
      .type_name("X")
      .shown_default("no bound");
  choice.add("--min-duration", o.min_duration, "Drop segments shorter than SECONDS first")
      .type_name("SECONDS")
      .not_negative();
  choice.flag("--clip", o.clip, "Cut what is kept to the video, 0 to its duration, and drop what lies outside");
  choice.flag("--class-agnostic", o.class_agnostic, "Labels do not matter (default: each label by itself)");
  const Options live = table.group("Live");
  live.flag("--live", o.live,
            "Records are windows of videos that go on: join them, and give each proposal out once nothing later can "
            "change it");
  live.add("--early", o.early, "A proposal starts at most SECONDS before its window; all wait so much longer")
      .type_name("SECONDS")
      .not_negative()
      .with("--live");
  live.add("--max-wait", o.max_wait,
           "A proposal that ended SECONDS ago waits no longer for others, and a warning says so (0: no bound)")
      .type_name("SECONDS")
      .not_negative()
      .with("--live");
  table.row("--jobs").without("--live");
}

void run_suppress(Tool& tool, const NmsOptions& o) {
  if (windowed(o) && o.low > o.high)
    throw UsageError("--low " + format_number(o.low) + " is above --high " + format_number(o.high));
  if (o.live) return run_live_suppress(tool, o);
  map_records(tool, [&](Record& record) {
    const auto& proposals = record.require_scored_proposals();
    const double duration = windowed(o) || o.clip ? record.require_duration() : 0;
    record.set_proposals(suppress(proposals, duration, o));
  });
}

}  // namespace tal
