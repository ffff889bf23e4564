#include "libtal/eval/explain.h"

#include "libtal/base/number.h"

namespace tal::eval {

const char* name_of(Ties ties) {
  return ties == Ties::kReversed ? "reversed" : ties == Ties::kInput ? "input" : "video";
}

namespace {

struct Rule {
  std::string name, first, second;
  void (*change)(Protocol& p, const Protocol& target);
};

// The rules in which two protocols differ.
std::vector<Rule> differing_rules(const Protocol& a, const Protocol& b) {
  const auto pick = [](bool value, const char* yes, const char* no) { return std::string(value ? yes : no); };
  std::vector<Rule> all;
  const auto add = [&](const char* name, const std::string& first, const std::string& second, auto change) {
    if (first != second) all.push_back({name, first, second, change});
  };
  const auto says = [&](bool Matching::*rule, const char* yes, const char* no) {
    return std::pair(pick(a.matching.*rule, yes, no), pick(b.matching.*rule, yes, no));
  };
  const auto strict = says(&Matching::strict, "tIoU > threshold", "tIoU >= threshold");
  add("threshold", strict.first, strict.second,
      [](Protocol& p, const Protocol& t) { p.matching.strict = t.matching.strict; });
  const auto direction =
      says(&Matching::by_truth, "each instance, in file order, takes the free detection of largest tIoU",
           "each detection, by rank, takes the free instance of largest tIoU");
  add("matching", direction.first, direction.second,
      [](Protocol& p, const Protocol& t) { p.matching.by_truth = t.matching.by_truth; });
  add("order of ties", name_of(a.ties), name_of(b.ties), [](Protocol& p, const Protocol& t) { p.ties = t.ties; });
  const auto ambiguous = says(&Matching::ambiguous_excuses, "unmatched detections on Ambiguous segments are left out",
                              "Ambiguous segments are ignored");
  add("Ambiguous", ambiguous.first, ambiguous.second,
      [](Protocol& p, const Protocol& t) { p.matching.ambiguous_excuses = t.matching.ambiguous_excuses; });
  const auto area =
      says(&Matching::envelope, "all-point envelope of precision", "sum of precisions at true positives / instances");
  add("average precision", area.first, area.second,
      [](Protocol& p, const Protocol& t) { p.matching.envelope = t.matching.envelope; });
  const auto precision = says(&Matching::normalised, "as if each class had the mean number of instances",
                              "of the instances that there are");
  add("precision", precision.first, precision.second,
      [](Protocol& p, const Protocol& t) { p.matching.normalised = t.matching.normalised; });
  return all;
}

std::string text_of(const Dataset& data, std::uint32_t prediction) {
  const Prediction& p = data.predictions[prediction];
  return "detection [" + format_number(p.segment.start) + ", " + format_number(p.segment.end) + "] of score " +
         format_number(p.score);
}

// What the detection that finds the instance under one protocol does under the other.
std::string reason(const Dataset& data, const Matched& finds, const Matched& misses, const Disagreement& d) {
  const std::uint32_t finder = finds.found_by(d.truth, d.threshold);
  const Segment& segment = data.truths[d.truth].segment;
  const double overlap = tiou(segment, data.predictions[finder].segment);
  const std::string who = text_of(data, finder) + " (tIoU " + format_number(overlap) + ")";
  if (overlap == finds.tiou[d.threshold]) return who + " is exactly at the threshold";
  const Video& video = data.videos[d.video];
  for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g)
    if (misses.found_by(g, d.threshold) == finder)
      return who + " is given to instance [" + format_number(data.truths[g].segment.start) + ", " +
             format_number(data.truths[g].segment.end) + "] instead";
  return who + " finds only instances that other detections have";
}

// found[i]: the run after i rule changes.
std::vector<Disagreement> disagreements(const Dataset& data, const Selection& s,
                                        const std::vector<const Matched*>& runs, const std::vector<Rule>& rules) {
  std::vector<Disagreement> out;
  const Matched &first = *runs.front(), &last = *runs.back();
  for (const auto id : s.videos)
    for (std::uint32_t g = data.videos[id].truth_begin; g < data.videos[id].truth_end; ++g)
      for (std::size_t t = 0; t < first.tiou.size(); ++t) {
        if (first.found(g, t) == last.found(g, t)) continue;
        std::size_t step = runs.size() - 1;
        while (runs[step - 1]->found(g, t) == last.found(g, t)) --step;
        Disagreement d{id, g, t, first.found(g, t), rules[step - 1].name, ""};
        d.why = d.first_finds ? reason(data, first, last, d) : reason(data, last, first, d);
        out.push_back(std::move(d));
      }
  return out;
}

std::uint64_t changed(const Selection& s, const Matched& a, const Matched& b) {
  std::uint64_t n = 0;
  for (const auto id : s.videos)
    for (std::uint32_t g = s.data->videos[id].truth_begin; g < s.data->videos[id].truth_end; ++g)
      for (std::size_t t = 0; t < a.tiou.size(); ++t) n += a.found(g, t) != b.found(g, t);
  return n;
}

}  // namespace

Explanation explain(const Evaluated& run, const Protocol& first, const Protocol& second, int jobs) {
  const Dataset& data = *run.selection->data;
  Explanation out;
  const auto rules = differing_rules(first, second);
  std::vector<Evaluated> steps;
  steps.reserve(rules.size());
  Protocol now = first;
  std::vector<const Matched*> matched{&run.matched};
  double before = run.score;
  for (const auto& rule : rules) {
    rule.change(now, second);
    steps.push_back(evaluate(data, now, jobs));
    const Evaluated& step = steps.back();
    out.rules.push_back({rule.name, rule.first, rule.second, step.detection.map, step.score, step.score - before,
                         changed(*run.selection, *matched.back(), step.matched)});
    before = step.score;
    matched.push_back(&step.matched);
  }
  out.disagreements = disagreements(data, *run.selection, matched, rules);
  out.other = steps.empty() ? evaluate(data, second, jobs) : std::move(steps.back());
  return out;
}

}  // namespace tal::eval
