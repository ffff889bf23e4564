#include "libtal/fusion/ensemble_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/eval/detection.h"
#include "libtal/eval/proposal.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "tal-weights/1";

// How many ways there are to share n parts among m members.
double combinations(std::size_t members, int parts) {
  double count = 1;
  for (std::size_t k = 1; k < members; ++k)
    count = count * static_cast<double>(static_cast<std::size_t>(parts) + k) / static_cast<double>(k);
  return count;
}

// visit(parts) for each way, in lexical order.
void each_combination(std::vector<int>& parts, std::size_t member, int left, const std::function<void()>& visit) {
  if (member + 1 == parts.size()) {
    parts[member] = left;
    return visit();
  }
  for (int k = 0; k <= left; ++k) {
    parts[member] = k;
    each_combination(parts, member + 1, left - k, visit);
  }
}

double unevenness(std::span<const double> weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0, [](double sum, double w) { return sum + w * w; });
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

void search(EnsembleWeights& best, int grid, const std::function<double(std::span<const double>)>& score) {
  const std::size_t count = best.members.size();
  if (const double all = combinations(count, grid); all > static_cast<double>(kMostCombinations))
    throw UsageError("--grid " + std::to_string(grid) + ": " + std::to_string(count) + " members have " +
                     format_number(all) + " combinations of multiples of 1/" + std::to_string(grid) + ", more than " +
                     std::to_string(kMostCombinations) + "; a smaller number has fewer");
  std::vector<int> parts(count);
  std::vector<double> weights(count);
  bool first = true;
  each_combination(parts, 0, grid, [&] {
    for (std::size_t k = 0; k < count; ++k) weights[k] = static_cast<double>(parts[k]) / grid;
    const double value = score(weights);
    ++best.tried;
    if (!first && (value < best.chosen || (value == best.chosen && unevenness(weights) >= unevenness(best.weights))))
      return;
    first = false, best.chosen = value, best.weights = weights;
  });
}

}  // namespace

EnsembleWeights choose_weights(const std::vector<std::string>& members, const std::string& measure, int grid,
                               const std::function<double(std::span<const double>)>& score) {
  EnsembleWeights result;
  result.members = members, result.measure = measure;
  const std::size_t count = members.size();
  for (std::size_t k = 0; k < count; ++k) {
    std::vector<double> alone(count);
    alone[k] = 1;
    result.alone.push_back(score(alone));
  }
  result.equal = score(std::vector<double>(count, 1.0 / static_cast<double>(count)));
  if (grid > 0) {
    search(result, grid, score);
    return result;
  }
  const double sum = std::accumulate(result.alone.begin(), result.alone.end(), 0.0);
  if (!(sum > 0))
    throw Error("every member by itself has " + measure +
                " 0 on the validation records: their scores say nothing about weights");
  for (const double s : result.alone) result.weights.push_back(s / sum);
  result.chosen = score(result.weights);
  return result;
}

void report_weights(Run& run, const EnsembleWeights& chosen, const EnsembleWeightOptions& o) {
  for (std::size_t k = 0; k < chosen.members.size(); ++k)
    run.note("'" + chosen.members[k] + "' alone has " + chosen.measure + " " + rounded(chosen.alone[k]) + " on '" +
             o.from + "': weight " + format_number(chosen.weights[k]));
  run.note("together " + chosen.measure + " " + rounded(chosen.chosen) + ", with equal weights " +
           rounded(chosen.equal) +
           (chosen.tried > 0 ? "; best of " + std::to_string(chosen.tried) + " combinations" : ""));
  Json kept{{"format", kFormat},      {"from", o.from},           {"measure", chosen.measure},
            {"score", chosen.chosen}, {"equal", chosen.equal},    {"members", chosen.members},
            {"alone", chosen.alone},  {"weights", chosen.weights}};
  run.history_field("weights", Json(chosen.weights).dump());
  if (o.out.empty()) return;
  Output file(o.out);
  file.write(kept.dump() + "\n");
  file.close();
}

std::vector<double> read_weights(const std::string& text, const std::vector<std::string>& members) {
  if (!text.ends_with(".json")) try {
      return parse_number_list(text);
    } catch (const std::exception& error) {
      throw UsageError("weights '" + text + "': " + error.what() + " (numbers, or a .json file of --weights-out)");
    }
  try {
    const SourceText source{"", read_file(text)};
    const Json kept = Json::parse(check_json_file(source));
    if (kept.value("format", "") != kFormat) throw Error("no file of --weights-out");
    const auto names = kept.at("members").get<std::vector<std::string>>();
    auto weights = kept.at("weights").get<std::vector<double>>();
    if (weights.size() != names.size())
      throw Error("it has " + std::to_string(weights.size()) + " weights for its " + std::to_string(names.size()) +
                  " members");
    if (names.size() != members.size())
      throw Error("weights of " + std::to_string(names.size()) + " members for " + std::to_string(members.size()));
    if (names != members && std::is_permutation(names.begin(), names.end(), members.begin()))
      throw Error("weights of the same members in another order, '" + names[0] + "' first");
    // The folder may have moved.
    const auto same = [](const std::string& a, const std::string& b) {
      return std::filesystem::path(a).filename() == std::filesystem::path(b).filename();
    };
    if (!std::equal(names.begin(), names.end(), members.begin(), same))
      throw Error("weights of other members: '" + joined(names, "', '") + "', not '" + joined(members, "', '") + "'");
    return weights;
  } catch (const nlohmann::json::exception&) {
    throw Error("'" + text + "': no file of --weights-out");
  } catch (const Error& error) {
    throw Error("'" + text + "': " + error.message());
  }
}

void ValidationTruth::add(const Record& record, bool labelled) {
  if (!record.has("annotations"))
    throw Error("missing: weights are chosen by the ground truth").at_field("annotations");
  Video video{record.video(), record.duration().value_or(0), {}};
  for (const auto& annotation : record.annotations(/*zero_length=*/true)) {
    if (labelled && annotation.label.empty())
      throw Error("has no label: classifiers are weighed by the mAP of labelled detections")
          .at_field("annotations[" + std::to_string(video.truths.size()) + "]");
    video.truths.emplace_back(annotation.segment, std::string(annotation.label));
  }
  if (!names_.insert(video.name).second) throw Error("the video has two lines");
  videos_.push_back(std::move(video));
}

eval::Dataset ValidationTruth::with(const std::function<std::vector<Proposal>(std::size_t)>& proposals) const {
  eval::Dataset data;
  for (std::size_t k = 0; k < videos_.size(); ++k) {
    const Video& video = videos_[k];
    std::vector<eval::Truth> truths;
    for (const auto& [segment, label] : video.truths) truths.push_back({segment, data.labels.id(label)});
    data.add_truth(video.name, "", video.duration, 0, truths);
    const auto id = data.video(video.name);
    data.videos[id].predicted = true;
    for (const auto& p : proposals(k)) data.predictions.push_back({p.segment, p.score, data.labels.id(p.label), id});
  }
  data.index();
  return data;
}

double ValidationTruth::auc(const std::function<std::vector<Proposal>(std::size_t)>& proposals) const {
  return eval::activitynet_recall(with(proposals)).auc;
}

double ValidationTruth::average_map(const std::function<std::vector<Proposal>(std::size_t)>& detections) const {
  return 100 * eval::activitynet_precision(with(detections)).average;
}

}  // namespace tal
