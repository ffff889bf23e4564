#include "libtal/fusion/class_fusion.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/io/features.h"
#include "libtal/segment/suppress.h"

namespace tal {
namespace {

constexpr int kTopClasses = 2;  // when classes are asked for without saying how many
constexpr std::string_view kStream = "stream:";

std::string at_index(std::size_t n) { return "proposals[" + std::to_string(n) + "]"; }

// fn(n) for every proposal, its Error placed at proposals[n].
template <class Fn>
void each_placed(std::size_t count, Fn fn) {
  for (std::size_t n = 0; n < count; ++n) {
    try {
      fn(n);
    } catch (const Error& error) {
      throw Error(error.message()).at_field(at_index(n) + (error.field().empty() ? "" : "." + error.field()));
    }
  }
}

void check_distinct(const std::vector<ClassScore>& classes) {
  std::unordered_set<std::string_view> seen;
  for (const auto& entry : classes)
    if (!seen.insert(entry.label).second) throw Error("class '" + entry.label + "' has two scores").at_field("classification");
}

void check_weights(std::span<const double> weights, std::size_t count) {
  if (weights.size() != count) throw UsageError(std::to_string(weights.size()) + " weights for " + std::to_string(count) + " classifiers");
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0) || !std::isfinite(weight)) throw UsageError("weights of classifiers must be 0 or more");
    sum += weight;
  }
  if (!(sum > 0)) throw UsageError("the weights of the classifiers are all 0");
}

// One classifier's scores of a record's video.
using Classifier = std::function<std::vector<ClassScore>(const Record&)>;

Classifier file_classifier(Tool& tool, const std::string& path) {
  std::unordered_map<std::string, std::vector<ClassScore>> videos;
  for_each_record(tool, path, [&](Record& record, const LineReader&) {
    if (!record.has("classification")) throw Error("missing").at_field("classification");
    if (!videos.emplace(record.video(), record.classification()).second) throw Error("the video has two lines");
  });
  return [path, videos = std::move(videos)](const Record& record) {
    const auto found = videos.find(record.video());
    if (found == videos.end()) throw Error("'" + path + "' has no line of this video").at_field("classification");
    return found->second;
  };
}

bool is_stream(const std::string& classifier) { return classifier.starts_with(kStream); }

Classifier classifier_of(Tool& tool, const std::string& text, int best_rows) {
  if (!is_stream(text)) return file_classifier(tool, text);
  return [name = text.substr(kStream.size()), best_rows](const Record& record) { return stream_classes(select_stream(record, name), best_rows); };
}

// The proposals of another stream, by video; they live as long as this.
class OtherProposals {
 public:
  OtherProposals(Tool& tool, const std::string& path) {
    for_each_record(tool, path, [&](Record& record, const LineReader&) {
      const auto [place, fresh] = videos_.try_emplace(record.video());
      if (!fresh) throw Error("the video has two lines");
      place->second.parse(record.line());  // the reader goes on with its own
      (void)place->second.require_proposals();
    });
  }
  std::span<const Proposal> of(const std::string& video) const {
    const auto found = videos_.find(video);
    return found == videos_.end() ? std::span<const Proposal>() : std::span(found->second.proposals());
  }

 private:
  std::unordered_map<std::string, Record> videos_;
};

class ClassFusion {
 public:
  ClassFusion(Tool& tool, const ClassFusionOptions& o) : options_(o), top_(static_cast<std::size_t>(o.top_classes)) {
    if (!o.combine.empty()) rule_ = factor_rule(o.combine);
    if (!o.weights.empty()) weights_ = read_weights(o.weights, o.classifiers);
    if (!weights_.empty()) check_weights(weights_, o.classifiers.size());
    for (const auto& path : o.classifiers) classifiers_.push_back(classifier_of(tool, path, o.class_rows));
    if (!o.merge.empty()) others_.emplace_back(tool, o.merge);
  }

  // Weights by the detections that the proposals of options.choice.from make with the classifiers, suppressed by BSN's rule: average mAP.
  void choose_weights(Tool& tool) {
    struct Video {
      double duration = 0;
      Record record;  // its proposals live there
      std::vector<Proposal> proposals;
      std::vector<std::vector<ClassScore>> scores;  // of each classifier
    };
    std::deque<Video> videos;  // records do not move
    ValidationTruth truth;
    for_each_record(tool, options_.choice.from, [&](Record& record, const LineReader&) {
      truth.add(record, /*labelled=*/true);
      Video& video = videos.emplace_back();
      video.duration = record.require_duration();
      video.record.parse(record.line());  // the reader goes on with its own
      video.proposals = scored_proposals(video.record);
      for (const auto& classifier : classifiers_) video.scores.push_back(classifier(record));
      (void)detections_of(video.record, video.proposals, best_classes(fuse_classes(video.scores, {}, options_.temperature), top_));  // faults, while their place is known
    });
    if (videos.empty()) throw Error("'" + options_.choice.from + "' has no records");
    const SuppressOptions rule = preset_of("bsn");
    std::vector<ClassScore> classes;  // of the video that is worked on: its detections' labels
    const auto chosen = tal::choose_weights(options_.classifiers, "average mAP", options_.choice.grid, [&](std::span<const double> weights) {
      return truth.average_map([&](std::size_t k) {
        classes = best_classes(fuse_classes(videos[k].scores, weights, options_.temperature), top_);
        std::vector<Proposal> detections;
        for (const auto& proposal : videos[k].proposals)
          for (const auto& [label, score] : classes) {
            auto& detection = detections.emplace_back();
            detection.segment = proposal.segment, detection.score = proposal.score * score, detection.label = label;
          }
        return suppress(detections, videos[k].duration, rule);
      });
    });
    report_weights(tool, chosen, options_.choice);
    weights_ = chosen.weights;
  }

  void operator()(Record& record) const {
    std::vector<Proposal> proposals = scored_proposals(record);
    if (top_ > 0) proposals = detections_of(record, proposals, best_classes(classes_of(record), top_));
    for (const auto& other : others_) append(proposals, other.of(record.video()));
    record.set_proposals(proposals);
  }

 private:
  std::vector<Proposal> scored_proposals(const Record& record) const {
    std::vector<Proposal> proposals = record.require_proposals();
    if (!options_.combine.empty()) each_placed(proposals.size(), [&](std::size_t n) { proposals[n].score = combined_score(rule_, proposals[n]); });
    return proposals;
  }

  std::vector<ClassScore> classes_of(const Record& record) const {
    std::vector<std::vector<ClassScore>> scores;
    for (const auto& classifier : classifiers_) scores.push_back(classifier(record));
    if (scores.empty()) {
      if (!record.has("classification")) throw Error("missing: the video's class scores (or give --classification FILE)").at_field("classification");
      scores.push_back(record.classification());
    }
    return fuse_classes(scores, weights_, options_.temperature);
  }

  static void append(std::vector<Proposal>& proposals, std::span<const Proposal> others) {
    if (!proposals.empty() && !others.empty() && proposals.front().label.empty() != others.front().label.empty())
      throw Error(std::string("the proposals of --merge ") + (others.front().label.empty() ? "have no labels, these do" : "have labels, these do not")).at_field("proposals");
    proposals.insert(proposals.end(), others.begin(), others.end());
  }

  const ClassFusionOptions& options_;
  std::size_t top_;
  FactorRule rule_;
  std::vector<double> weights_;
  std::vector<Classifier> classifiers_;
  std::vector<OtherProposals> others_;  // none or one
};

}  // namespace

FactorRule factor_rule(std::string_view text) {
  if (text == "geometric") return {{{"boundary", 1}, {"cls", 0.5}, {"reg", 0.5}}};
  if (text == "product") return {{{"boundary", 1}, {"cls", 1}, {"reg", 1}}};
  constexpr std::string_view kWeighted = "weighted:";
  if (!text.starts_with(kWeighted)) throw UsageError("'" + std::string(text) + "' is none of geometric, product, weighted:NAME=EXPONENT,...");
  FactorRule rule;
  for (std::string_view rest = text.substr(kWeighted.size());;) {
    const auto comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) throw UsageError("'" + std::string(item) + "' is not NAME=EXPONENT");
    const double exponent = parse_fraction(item.substr(equals + 1));
    if (!(exponent >= 0) || !std::isfinite(exponent)) throw UsageError("'" + std::string(item) + "': the exponent must be 0 or more");
    rule.exponents.emplace_back(item.substr(0, equals), exponent);
    if (comma == std::string_view::npos) return rule;
    rest.remove_prefix(comma + 1);
  }
}

double combined_score(const FactorRule& rule, const Proposal& proposal) {
  const auto members = proposal_scores(proposal);
  double score = 1;
  for (const auto& [name, exponent] : rule.exponents) {
    const auto found = std::find_if(members.begin(), members.end(), [&name = name](const auto& member) { return member.first == name; });
    if (found == members.end()) throw Error("missing, --combine needs it").at_field("scores." + name);
    if (found->second < 0) throw Error("is negative, a product of powers needs 0 or more").at_field("scores." + name);
    score *= exponent == 1 ? found->second : exponent == 0.5 ? std::sqrt(found->second) : std::pow(found->second, exponent);
  }
  return score;
}

std::vector<ClassScore> fuse_classes(std::span<const std::vector<ClassScore>> classifiers, std::span<const double> weights, double temperature) {
  if (classifiers.empty()) throw Error("no class scores to fuse");
  if (!weights.empty()) check_weights(weights, classifiers.size());
  std::vector<ClassScore> fused = classifiers.front();
  check_distinct(fused);
  std::unordered_map<std::string, std::size_t> place;
  for (auto& entry : fused) place.emplace(entry.label, place.size()), entry.score = 0;
  double sum = 0;
  for (std::size_t k = 0; k < classifiers.size(); ++k) {
    const double weight = weights.empty() ? 1 : weights[k];
    sum += weight;
    check_distinct(classifiers[k]);
    for (const auto& [label, score] : classifiers[k]) {
      const auto found = place.find(label);
      if (found == place.end()) throw Error("classifier " + std::to_string(k + 1) + " scores '" + label + "', the first one does not").at_field("classification");
      fused[found->second].score += weight * score;
    }
    if (classifiers[k].size() != fused.size())
      throw Error("classifier " + std::to_string(k + 1) + " scores " + std::to_string(classifiers[k].size()) + " classes, the first one " + std::to_string(fused.size())).at_field("classification");
  }
  for (auto& entry : fused) entry.score /= sum;
  if (!(temperature > 0) || fused.empty()) return fused;
  const double highest = std::max_element(fused.begin(), fused.end(), [](const auto& a, const auto& b) { return a.score < b.score; })->score;
  double total = 0;
  for (auto& entry : fused) total += entry.score = std::exp((entry.score - highest) / temperature);
  for (auto& entry : fused) entry.score /= total;
  return fused;
}

std::vector<ClassScore> stream_classes(const FeatureStream& stream, int best) {
  const std::string field = "features." + stream.name;
  if (stream.classes.empty()) throw Error("names no classes, so its columns are no class scores (tal-extract --classes)").at_field(field);
  const FeatureMatrix rows = load_features(stream);
  if (rows.dim != static_cast<std::int64_t>(stream.classes.size()))
    throw Error(std::to_string(stream.classes.size()) + " classes for " + std::to_string(rows.dim) + " columns").at_field(field + ".classes");
  if (rows.rows == 0) throw Error("has no rows").at_field(field);
  const std::int64_t kept = best > 0 ? std::min<std::int64_t>(best, rows.rows) : rows.rows;
  std::vector<ClassScore> classes;
  std::vector<float> column(static_cast<std::size_t>(rows.rows));
  for (std::int64_t c = 0; c < rows.dim; ++c) {
    for (std::int64_t g = 0; g < rows.rows; ++g) column[static_cast<std::size_t>(g)] = rows.at(g, c);
    if (kept < rows.rows) std::partial_sort(column.begin(), column.begin() + kept, column.end(), std::greater<>());
    classes.push_back({stream.classes[static_cast<std::size_t>(c)], std::accumulate(column.begin(), column.begin() + kept, 0.0) / static_cast<double>(kept)});
  }
  return classes;
}

std::vector<ClassScore> best_classes(std::vector<ClassScore> classes, std::size_t k) {
  std::stable_sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (classes.size() > k) classes.resize(k);
  return classes;
}

std::vector<Proposal> detections_of(Record& record, const std::vector<Proposal>& proposals, const std::vector<ClassScore>& classes) {
  std::vector<std::string_view> labels;
  for (const auto& entry : classes) {
    if (entry.score < 0) throw Error("the score of class '" + entry.label + "' is negative; logits need --temperature").at_field("classification");
    labels.push_back(record.keep(entry.label));
  }
  std::vector<Proposal> detections;
  detections.reserve(proposals.size() * classes.size());
  each_placed(proposals.size(), [&](std::size_t n) {
    if (!proposals[n].label.empty()) throw Error("is there already; classes are for proposals without labels").at_field("label");
    for (std::size_t c = 0; c < classes.size(); ++c) {
      detections.push_back(proposals[n]);
      detections.back().score = proposals[n].score * classes[c].score;
      detections.back().label = labels[c];
    }
  });
  return detections;
}

void register_options(CLI::App& app, ClassFusionOptions& o) {
  const std::string group = "Factors and classes";
  app.add_option("--combine", o.combine, "A proposal's score from its factors: geometric (boundary sqrt(cls reg), BSN++ Eq. 8), product, or weighted:NAME=EXPONENT,...")
      ->group(group)->type_name("RULE");
  app.add_option("--classification", o.classifiers, "Records with the videos' class scores, or stream:NAME: the record's own stream, as tal-extract writes it of a layer `scores` or `logits` (repeat for several classifiers; default: the record's own field)")->group(group)->type_name("FILE");
  app.add_option("--class-rows", o.class_rows, "A stream's class scores: the mean over each class's best K rows (default: over all)")->group(group)->type_name("K")->check(CLI::Range(1, 1 << 30));
  app.add_option("--class-weights", o.weights, "Weights of the classifiers, or the file of --weights-out (default: equal ones)")->group(group)->type_name("W,W,...|FILE.json");
  register_options(app, o.choice, group, "classifiers");
  app.add_option("--top-classes", o.top_classes, "Detections of a proposal: the video's best K classes (default with --classification: 2)")->group(group)->type_name("K")->check(CLI::Range(1, 1 << 20));
  app.add_option("--temperature", o.temperature, "Class scores are logits: take the softmax of their (mean) value / T")->group(group)->type_name("T")->check(CLI::PositiveNumber);
  app.add_option("--merge", o.merge, "Records whose proposals are put behind those of the same video, such as another model's detections")->group(group)->type_name("FILE");
}

std::vector<std::string> class_fusion_names() {
  std::vector<std::string> names = {"--combine", "--classification", "--class-rows", "--class-weights", "--top-classes", "--temperature", "--merge"};
  for (auto& name : ensemble_weight_names()) names.push_back(std::move(name));
  return names;
}

void run_class_fusion(Tool& tool, const ClassFusionOptions& options) {
  ClassFusionOptions o = options;
  if (o.top_classes == 0 && (!o.classifiers.empty() || (o.combine.empty() && o.merge.empty()))) o.top_classes = kTopClasses;
  if (o.top_classes == 0) tool.refuse({"--class-weights", "--temperature"}, "scoring without classes (--classification or --top-classes)");
  if (o.classifiers.size() < 2) tool.refuse({"--class-weights"}, "a single classifier");
  if (std::none_of(o.classifiers.begin(), o.classifiers.end(), is_stream)) tool.refuse({"--class-rows"}, "class scores from files (--classification stream:NAME has rows)");
  check_options(tool, o.choice, "--class-weights", o.classifiers.size());
  ClassFusion fusion(tool, o);
  if (!o.choice.from.empty()) fusion.choose_weights(tool);
  map_records(tool, [&](Record& record) { fusion(record); });
}

}  // namespace tal
