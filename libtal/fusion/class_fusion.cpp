#include "libtal/fusion/class_fusion.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/features.h"
#include "libtal/io/score_check.h"

namespace tal {
namespace {

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
    if (!seen.insert(entry.label).second)
      throw Error("class '" + entry.label + "' has two scores").at_field("classification");
}

}  // namespace

void check_classifier_weights(std::span<const double> weights, std::size_t count) {
  if (weights.size() != count)
    throw UsageError(std::to_string(weights.size()) + " weights for " + std::to_string(count) + " classifiers");
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0) || !std::isfinite(weight)) throw UsageError("weights of classifiers must be 0 or more");
    sum += weight;
  }
  if (!(sum > 0)) throw UsageError("the weights of the classifiers are all 0");
}

FactorRule factor_rule(std::string_view text) {
  if (text == "geometric") return {{{"boundary", 1}, {"cls", 0.5}, {"reg", 0.5}}};
  if (text == "product") return {{{"boundary", 1}, {"cls", 1}, {"reg", 1}}};
  constexpr std::string_view kWeighted = "weighted:";
  if (!text.starts_with(kWeighted))
    throw UsageError("--combine: '" + std::string(text) +
                     "' is none of geometric, product, weighted:NAME=EXPONENT,...");
  FactorRule rule;
  for (std::string_view rest = text.substr(kWeighted.size());;) {
    const auto comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0)
      throw UsageError("--combine: '" + std::string(item) + "' is not NAME=EXPONENT");
    double exponent = -1;
    try {
      exponent = parse_fraction(item.substr(equals + 1));
    } catch (const UsageError&) {  // the same as a bad number
    }
    if (!(exponent >= 0) || !std::isfinite(exponent))
      throw UsageError("--combine: '" + std::string(item) + "': the exponent must be 0 or more");
    rule.exponents.emplace_back(item.substr(0, equals), exponent);
    if (comma == std::string_view::npos) return rule;
    rest.remove_prefix(comma + 1);
  }
}

double combined_score(const FactorRule& rule, const Proposal& proposal) {
  const auto members = named_scores(proposal);
  double score = 1;
  for (const auto& [name, exponent] : rule.exponents) {
    const auto found =
        std::find_if(members.begin(), members.end(), [&name = name](const auto& m) { return m.name == name; });
    if (found == members.end()) throw Error("missing, --combine needs it").at_field("scores." + name);
    const double value = found->value;
    if (value < 0) throw Error("is negative, a product of powers needs 0 or more").at_field("scores." + name);
    score *= exponent == 1 ? value : exponent == 0.5 ? std::sqrt(value) : std::pow(value, exponent);
  }
  return score;
}

void combine_scores(const FactorRule& rule, std::vector<Proposal>& proposals) {
  each_placed(proposals.size(), [&](std::size_t n) { proposals[n].score = combined_score(rule, proposals[n]); });
}

std::vector<ClassScore> fuse_classes(std::span<const std::vector<ClassScore>> classifiers,
                                     std::span<const double> weights, double temperature) {
  if (classifiers.empty()) throw Error("no class scores to fuse");
  if (!weights.empty()) check_classifier_weights(weights, classifiers.size());
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
      if (found == place.end())
        throw Error("classifier " + std::to_string(k + 1) + " scores '" + label + "', the first one does not")
            .at_field("classification");
      fused[found->second].score += weight * score;
    }
    if (classifiers[k].size() != fused.size())
      throw Error("classifier " + std::to_string(k + 1) + " scores " + std::to_string(classifiers[k].size()) +
                  " classes, the first one " + std::to_string(fused.size()))
          .at_field("classification");
  }
  for (auto& entry : fused) entry.score /= sum;
  if (!(temperature > 0) || fused.empty()) return fused;
  const double highest = std::max_element(fused.begin(), fused.end(), [](const auto& a, const auto& b) {
                           return a.score < b.score;
                         })->score;
  double total = 0;
  for (auto& entry : fused) total += entry.score = std::exp((entry.score - highest) / temperature);
  for (auto& entry : fused) entry.score /= total;
  return fused;
}

std::vector<ClassScore> stream_classes(const FeatureStream& stream, int best) {
  const std::string field = "features." + stream.name;
  if (stream.classes.empty())
    throw Error("names no classes, so its columns are no class scores (tal-extract --classes)").at_field(field);
  const FeatureMatrix rows = load_features(stream);
  if (rows.dim != static_cast<std::int64_t>(stream.classes.size()))
    throw Error(std::to_string(stream.classes.size()) + " classes for " + std::to_string(rows.dim) + " columns")
        .at_field(field + ".classes");
  if (rows.rows == 0) throw Error("has no rows").at_field(field);
  const std::int64_t kept = best > 0 ? std::min<std::int64_t>(best, rows.rows) : rows.rows;
  std::vector<ClassScore> classes;
  std::vector<float> column(static_cast<std::size_t>(rows.rows));
  for (std::int64_t c = 0; c < rows.dim; ++c) {
    for (std::int64_t g = 0; g < rows.rows; ++g) column[static_cast<std::size_t>(g)] = rows.at(g, c);
    if (kept < rows.rows) std::partial_sort(column.begin(), column.begin() + kept, column.end(), std::greater<>());
    classes.push_back({stream.classes[static_cast<std::size_t>(c)],
                       std::accumulate(column.begin(), column.begin() + kept, 0.0) / static_cast<double>(kept)});
  }
  return classes;
}

std::vector<ClassScore> best_classes(std::vector<ClassScore> classes, std::size_t k) {
  std::stable_sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (classes.size() > k) classes.resize(k);
  return classes;
}

double class_product(double proposal, double of_class, ClassProduct product) {
  return product == ClassProduct::kRoot ? std::sqrt(proposal * of_class) : proposal * of_class;
}

std::vector<Proposal> detections_of(Record& record, const std::vector<Proposal>& proposals,
                                    const std::vector<ClassScore>& classes, ClassProduct product) {
  std::vector<std::string_view> labels;
  for (const auto& entry : classes) {
    if (entry.score < 0)
      throw Error("the score of class '" + entry.label + "' is negative; logits need --temperature")
          .at_field("classification");
    labels.push_back(record.keep(entry.label));
  }
  for (std::size_t n = 0; n < proposals.size(); ++n)  // made of factors, a score need not stand in the source
    if (proposals[n].score < 0) check_factor(proposals[n], n, "the product with class scores");
  std::vector<Proposal> detections;
  detections.reserve(proposals.size() * classes.size());
  each_placed(proposals.size(), [&](std::size_t n) {
    if (!proposals[n].label.empty())
      throw Error("is there already; classes are for proposals without labels").at_field("label");
    for (std::size_t c = 0; c < classes.size(); ++c) {
      detections.push_back(proposals[n]);
      detections.back().score = class_product(proposals[n].score, classes[c].score, product);
      detections.back().label = labels[c];
    }
  });
  return detections;
}

}  // namespace tal
