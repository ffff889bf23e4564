#include "libtal/fusion/rpn_stage.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/eval/proposal.h"
#include "libtal/io/maps.h"
#include "libtal/segment/suppress.h"

namespace tal {

namespace {

constexpr const char* kMap = "rpn";

// The scores of proposal `index`; Error names the member that is missing or wrong.
RpnScores scores_of(const Proposal& proposal, std::size_t index, const RpnMaps& maps) {
  const std::string field = "proposals[" + std::to_string(index) + "].scores";
  const auto members = proposal_scores(proposal);
  const auto find = [&](const char* name) -> const double* {
    for (const auto& [key, value] : members)
      if (key == name) return &value;
    return nullptr;
  };
  const auto need = [&](const char* name) {
    const double* value = find(name);
    if (!value) throw Error("missing; an RPN writes it (tal-propose)").at_field(field + "." + name);
    return *value;
  };
  RpnScores scores;
  scores.segment = need("segment");
  const double anchor = need("anchor");
  if (!(anchor >= 0 && anchor < static_cast<double>(maps.anchors.size()) && anchor == std::floor(anchor)))
    throw Error("must be an index into maps.rpn, which has " + std::to_string(maps.anchors.size()) + " anchors").at_field(field + ".anchor");
  scores.anchor = static_cast<std::size_t>(anchor);
  scores.estimate = {maps.anchors[scores.anchor], need("ds"), need("de")};
  scores.estimate.has_alpha = find("alpha_s") != nullptr;
  if (scores.estimate.has_alpha) scores.estimate.alpha_start = *find("alpha_s"), scores.estimate.alpha_end = need("alpha_e");
  return scores;
}

// Whether the first proposal is an RPN's.
bool has_segment_scores(const Record& record) {
  if (!record.has_proposals() || record.proposals().empty()) return false;
  const auto members = proposal_scores(record.proposals().front());
  return std::any_of(members.begin(), members.end(), [](const auto& member) { return member.first == "ds"; });
}

std::optional<UnitCandidate> candidate_of(const RpnScores& scores, const RpnMaps& maps, bool kl_ev) {
  if (kl_ev && !scores.estimate.has_alpha) throw Error("--kl-ev: the model was not trained with the KL loss: no alpha_s and alpha_e").at_field("proposals.scores");
  return best_candidate(maps.of(scores.anchor), scores.estimate, kl_ev);
}

// The proposal with "unit" among its scores.
void set_unit_score(Record& record, Proposal& proposal, double unit) {
  auto object = nlohmann::ordered_json::parse(proposal.source.text);
  object["scores"]["unit"] = unit;
  std::string extra;
  for (const auto& [key, value] : object.items()) {
    if (key == "segment" || key == "score" || key == "label") continue;
    if (!extra.empty()) extra += ',';
    append_json_string(extra, key);
    extra += ':' + value.dump();
  }
  Proposal fresh;
  fresh.segment = proposal.segment, fresh.label = proposal.label, fresh.score = proposal.score;
  fresh.extra = record.keep(extra);
  proposal = fresh;
}

// One record's scores for every beta.
struct SweepVideo {
  std::string video;
  double duration = 0;
  std::vector<Segment> truths, segments;
  std::vector<double> segment_scores, unit_scores;
};

SweepVideo sweep_video(const Record& record, const RpnFusionOptions& options) {
  SweepVideo v{record.video(), record.require_duration(), {}, {}, {}, {}};
  if (!record.has("annotations")) throw Error("missing; a sweep needs the ground truth").at_field("annotations");
  for (const auto& annotation : record.annotations(true))
    if (annotation.label != "Ambiguous") v.truths.push_back(annotation.segment);
  const RpnMaps maps = read_rpn_maps(record);
  const auto& proposals = record.require_proposals();
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    const RpnScores scores = scores_of(proposals[n], n, maps);
    const auto candidate = candidate_of(scores, maps, options.kl_ev);
    v.segments.push_back(proposals[n].segment);
    v.segment_scores.push_back(scores.segment), v.unit_scores.push_back(candidate ? candidate->score : 0);
  }
  return v;
}

eval::ProposalResult evaluate(const std::vector<SweepVideo>& videos, double beta, const RpnFusionOptions& options, int jobs) {
  SuppressOptions rule = preset_of(options.preset);
  rule.low = options.low.value_or(rule.low);
  rule.stop = static_cast<long long>(std::max(100.0, std::ceil(options.most)));
  eval::Dataset data;
  std::uint32_t id = 0;
  const std::uint32_t label = data.labels.id("proposal");
  for (const SweepVideo& v : videos) {
    std::vector<eval::Truth> truths;
    for (const Segment& s : v.truths) truths.push_back({s, label});
    data.add_truth(v.video, "", v.duration, 0, truths);
    std::vector<Proposal> proposals(v.segments.size());
    for (std::size_t n = 0; n < proposals.size(); ++n)
      proposals[n].segment = v.segments[n], proposals[n].score = fused_score(beta, v.segment_scores[n], v.unit_scores[n]);
    for (const Proposal& p : suppress(proposals, v.duration, rule)) data.predictions.push_back({p.segment, p.score, label, id});
    data.videos[id].predicted = true;
    ++id;
  }
  data.index();
  eval::Filter filter;
  filter.class_agnostic = true;
  const eval::Selection selection = eval::select(data, filter);
  eval::ProposalRules rules;
  rules.jobs = jobs;
  return eval::activitynet_curve(eval::match_proposals(selection, parse_number_list(options.tiou), rules), options.most);
}

void print_sweep(Tool& tool, const std::vector<SweepVideo>& videos, const RpnFusionOptions& options) {
  if (videos.empty()) throw Error("no record to sweep over");
  const auto most = static_cast<int>(options.most);
  std::vector<int> at;
  for (const int n : {1, 5, 10, 50, 100, 200, 500, 1000})
    if (n <= most) at.push_back(n);
  const bool json = options.format == "json";
  std::string out;
  char text[64];
  if (!json) {
    out += "beta      AUC";
    for (const int n : at) std::snprintf(text, sizeof text, " %9s", ("AR@" + std::to_string(n)).c_str()), out += text;
    out += '\n';
  }
  for (int k = 0; k <= 10; ++k) {
    const double beta = k / 10.0;
    const eval::ProposalResult result = evaluate(videos, beta, options, tool.options().jobs);
    if (json) {
      nlohmann::ordered_json line{{"beta", beta}, {"auc", result.auc}, {"ar_at", nlohmann::ordered_json::object()}};
      for (const int n : at) line["ar_at"][std::to_string(n)] = eval::interpolate(result.an, result.ar, n);
      out += line.dump() + '\n';
    } else {
      std::snprintf(text, sizeof text, "%4.1f %8.2f", beta, result.auc), out += text;
      for (const int n : at) std::snprintf(text, sizeof text, " %9.2f", 100 * eval::interpolate(result.an, result.ar, n)), out += text;
      out += '\n';
    }
  }
  tool.out().write(out);
}

}  // namespace

UnitScores RpnMaps::of(std::size_t anchor) const {
  const auto part = [&](std::size_t unit) { return std::span(scores).subspan((3 * anchor + unit) * static_cast<std::size_t>(rows), static_cast<std::size_t>(rows)); };
  return {part(0), part(1), part(2)};
}

void set_rpn_maps(Record& record, const std::vector<Segment>& anchors, std::int64_t rows, const std::vector<float>& scores) {
  std::string json = "{" + float_map_members({static_cast<std::int64_t>(anchors.size()), 3, rows}, scores.data()) + ",\"anchors\":[";
  for (std::size_t n = 0; n < anchors.size(); ++n) {
    json += n ? ",[" : "[";
    append_number(json, anchors[n].start), json += ',', append_number(json, anchors[n].end), json += ']';
  }
  set_map(record, kMap, json + "]}");
}

RpnMaps read_rpn_maps(const Record& record) {
  if (!map_json(record, kMap) && has_segment_scores(record))
    throw Error("missing; the RPN that proposed has no unit module (unit=false) or was told to leave its scores out (maps=none), so there is nothing to refine or score with").at_field("maps.rpn");
  std::vector<std::int64_t> shape{-1, 3, -1};
  const std::vector<float> values = float_map(record, kMap, shape);
  RpnMaps maps;
  maps.rows = shape[2];
  maps.scores.assign(values.begin(), values.end());
  const auto fail = [](const std::string& why) { return Error(why).at_field("maps.rpn.anchors"); };
  const auto object = nlohmann::json::parse(*map_json(record, kMap));
  const auto anchors = object.find("anchors");
  if (anchors == object.end() || !anchors->is_array()) throw fail("missing");
  for (const auto& pair : *anchors) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number()) throw fail("must be pairs of seconds");
    maps.anchors.push_back({pair[0].get<double>(), pair[1].get<double>()});
    if (!(maps.anchors.back().start < maps.anchors.back().end)) throw fail("an anchor ends before it starts");
  }
  if (static_cast<std::int64_t>(maps.anchors.size()) != shape[0]) throw fail(std::to_string(maps.anchors.size()) + " anchors, but scores of " + std::to_string(shape[0]));
  return maps;
}

std::string rpn_scores_json(const RpnScores& scores) {
  std::string out = "\"scores\":{";
  const auto put = [&](const char* name, double value) {
    if (out.back() != '{') out += ',';
    out += '"' + std::string(name) + "\":";
    append_number(out, value);
  };
  put("segment", scores.segment), put("ds", scores.estimate.ds), put("de", scores.estimate.de);
  if (scores.estimate.has_alpha) put("alpha_s", scores.estimate.alpha_start), put("alpha_e", scores.estimate.alpha_end);
  put("anchor", static_cast<double>(scores.anchor));
  return out + "}";
}

void register_refine_options(CLI::App& app, RpnFusionOptions& o) {
  app.add_flag("--kl-ev", o.kl_ev, "rpn: choose the unit candidate with the KL factor of Eq. (8)");
}

void register_score_options(CLI::App& app, RpnFusionOptions& o) {
  register_refine_options(app, o);
  app.add_option("--fusion", o.fusion, "rpn: the score is the weighted average of segment and unit score (Eq. 9), or their product")->check(CLI::IsMember({"average", "product"}));
  app.add_option("--beta", o.beta, "rpn: weight of the segment score, 1 - BETA of the unit score (Eq. 9)")->check(CLI::Range(0.0, 1.0));
  app.add_flag("--beta-sweep", o.sweep, "rpn: print AR@AN and AUC for beta 0, 0.1, ..., 1 instead of records (needs annotations)");
  app.add_option("--sweep-preset", o.preset, "Sweep: preset of tal-nms that suppresses")->check(CLI::IsMember({"rpn", "rpn-thumos14", "rpn-thumos14-2"}));
  app.add_option("--sweep-low", o.low, "Sweep: lower threshold of soft-NMS (default: the preset's)")->check(CLI::Range(0.0, 1.0));
  app.add_option("--sweep-tiou", o.tiou, "Sweep: tIoU thresholds");
  app.add_option("--sweep-an", o.most, "Sweep: largest average number of proposals")->check(CLI::Range(1.0, 1e6));
  app.add_option("--sweep-format", o.format, "Sweep: text or json (one object a line)")->check(CLI::IsMember({"text", "json"}));
}

std::vector<std::string> score_option_names() {
  return {"--fusion", "--beta", "--beta-sweep", "--kl-ev", "--sweep-preset", "--sweep-low", "--sweep-tiou", "--sweep-an", "--sweep-format"};
}

void refine_by_units(Record& record, const RpnFusionOptions& options) {
  std::vector<Proposal> proposals = record.require_proposals();
  const double duration = record.require_duration();
  const RpnMaps maps = read_rpn_maps(record);
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    const RpnScores scores = scores_of(proposals[n], n, maps);
    const Segment fused = fused_location(scores.estimate, candidate_of(scores, maps, options.kl_ev), maps.rows);
    const Segment clipped{std::max(0.0, fused.start), std::min(duration, fused.end)};
    if (clipped.start < clipped.end) proposals[n].segment = clipped;
  }
  record.set_proposals(proposals);
}

void score_by_units(Record& record, const RpnFusionOptions& options) {
  std::vector<Proposal> proposals = record.require_proposals();
  const RpnMaps maps = read_rpn_maps(record);
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    const RpnScores scores = scores_of(proposals[n], n, maps);
    const auto candidate = candidate_of(scores, maps, options.kl_ev);
    const double unit = candidate ? candidate->score : 0;
    proposals[n].score = options.fusion == "product" ? product_score(scores.segment, unit) : fused_score(options.beta, scores.segment, unit);
    set_unit_score(record, proposals[n], unit);
  }
  record.set_proposals(proposals);
}

void run_rpn_refine(Tool& tool, const RpnFusionOptions& options) {
  map_records(tool, [&](Record& record) { refine_by_units(record, options); });
}

void run_rpn_score(Tool& tool, const RpnFusionOptions& options) {
  if (!options.sweep) {
    tool.refuse({"--sweep-preset", "--sweep-low", "--sweep-tiou", "--sweep-an", "--sweep-format"}, "scoring without --beta-sweep");
    if (options.fusion == "product") tool.refuse({"--beta"}, "--fusion product");
    map_records(tool, [&](Record& record) { score_by_units(record, options); });
    return;
  }
  tool.refuse({"--beta", "--fusion"}, "--beta-sweep");
  std::vector<SweepVideo> videos;
  for_each_record(tool, tool.options().input, [&](Record& record, const LineReader&) { videos.push_back(sweep_video(record, options)); });
  print_sweep(tool, videos, options);
}

}  // namespace tal
