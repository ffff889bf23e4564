// Numbers of the code that others evaluate with: DETAD's own diagnosis, scikit-learn's sample-wise scores.
#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "libtal/eval/diagnosis.h"
#include "libtal/eval/samples.h"
#include "tests/support.h"

using namespace tal;
using namespace tal::eval;

namespace {

std::string folder(const char* name) {
  const std::string path = test::data_dir() + "/protocols/" + name;
  return !test::data_dir().empty() && std::filesystem::is_directory(path) ? path : "";
}

void near(double got, double want, const std::string& what) {
  BOOST_CHECK_MESSAGE(std::abs(got - want) < 1e-9, what << ": " << got << " instead of " << want);
}

// A label column of consecutive samples as segments.
struct Run {
  std::size_t first, last;  // [first, last)
  std::string label;
};
std::vector<Run> runs_of(const std::vector<std::string>& labels) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0 && labels[i] == labels[i - 1]) runs.back().last = i + 1;
    else runs.push_back({i, i + 1, labels[i]});
  }
  std::erase_if(runs, [](const Run& run) { return run.label == "null"; });
  return runs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eval_reference)

// A quarter of THUMOS14's test videos and perturbed detections, diagnosed by DETAD's code with its settings for
// THUMOS14.
BOOST_AUTO_TEST_CASE(detad) {
  const std::string path = folder("detad");
  if (test::skip_without(path, "protocols/detad")) return;
  const auto expected = test::load(path + "/expected.json")["results"];
  Dataset data;
  const auto truth = test::load(path + "/annotations.json");
  for (const auto& [video, entry] : truth["database"].items()) {
    std::vector<Truth> instances;
    double duration = 0;
    for (const auto& a : entry["annotations"]) {
      const double start = a["segment"][0], end = a["segment"][1];
      const double coverage = a["coverage"], length = a["length"];
      if (coverage > 1 || end <= start) continue;  // as DETAD leaves out
      duration = length / coverage;
      instances.push_back({{start, end}, data.labels.id(a["label"].get<std::string>())});
    }
    data.add_truth(video, "", duration, 0, instances);
  }
  const auto found = test::load(path + "/detections.json");
  for (const auto& [video, list] : found["results"].items())
    for (const auto& p : list)
      data.predictions.push_back({{p["segment"][0], p["segment"][1]},
                                  p["score"],
                                  data.labels.id(p["label"].get<std::string>()),
                                  data.video(video)});
  data.index();
  Protocol p;
  p.name = "custom", p.tiou = {0.5};
  const Evaluated run = evaluate(data, p, 1);
  near(run.score, expected["plain"]["average_mAP"], "mAP");
  const Diagnosis d = diagnose(run, detad_scales(true), 2);
  near(d.sensitivity_base, expected["normalised"]["average_mAP"], "normalised mAP");
  near(d.average_map_n, expected["diagnosis_10G"]["average_mAP_N"], "normalised mAP of the first 10 n");
  const char* kinds[] = {"True Positive",    "Double Detection Err", "Wrong Label Err",
                         "Localization Err", "Confusion Err",        "Background Err"};
  std::array<double, std::size(kinds)> counts{}, wanted{};
  for (std::size_t k = 0; k < std::size(kinds); ++k) {
    for (const auto& range : d.profile) counts[k] += range[k];
    wanted[k] = expected["diagnosis_10G"]["error_counts"]["0.5"][kinds[k]];
  }
  near(counts[0], wanted[0], kinds[0]);
  near(counts[5], wanted[5], kinds[5]);
  near(d.gain[5], expected["diagnosis_10G"]["average_mAP_gain"][kinds[5]], kinds[5]);
  // Every CliffDiving segment is a Diving segment too: of equal overlaps, DETAD takes the instance that its sort leaves
  // first, ours the one with the detection's label. The sums of own and other label are the same.
  near(counts[1] + counts[2], wanted[1] + wanted[2], "double detections and wrong labels");
  near(counts[3] + counts[4], wanted[3] + wanted[4], "localization errors and confusions");
  const char* properties[] = {"coverage", "length", "num-instances"};
  const char* names[] = {"XS", "S", "M", "L", "XL"};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& wanted = expected["sensitivity"][properties[i]];
    for (std::size_t b = 0; b < wanted.size(); ++b)
      near(d.sensitivity[i].buckets[b].average_map_n, wanted[names[b]], std::string(properties[i]) + " " + names[b]);
  }
}

// Labels and predictions of every sample as annotations and detections: the scores of scikit-learn.
BOOST_AUTO_TEST_CASE(sample_wise) {
  const std::string path = folder("samplewise");
  if (test::skip_without(path, "protocols/samplewise")) return;
  const auto expected = test::load(path + "/expected.json")["results"];
  std::ifstream in(path + "/labels.csv");
  std::string line;
  std::getline(in, line);
  std::vector<std::string> subjects;
  std::map<std::string, std::vector<std::string>> labels, predictions;
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string subject, sample, time, label, prediction;
    std::getline(cells, subject, ','), std::getline(cells, sample, ','), std::getline(cells, time, ',');
    std::getline(cells, label, ','), std::getline(cells, prediction, ',');
    if (labels.count(subject) == 0) subjects.push_back(subject);
    labels[subject].push_back(label), predictions[subject].push_back(prediction);
  }
  constexpr double rate = 50;
  Dataset data;
  for (const auto& subject : subjects) {
    std::vector<Truth> truths;
    const auto at = [](std::size_t sample) { return static_cast<double>(sample) / rate; };
    for (const auto& run : runs_of(labels[subject]))
      truths.push_back({{at(run.first), at(run.last)}, data.labels.id(run.label)});
    data.add_truth(subject, "", at(labels[subject].size()), rate, truths);
    for (const auto& run : runs_of(predictions[subject]))
      data.predictions.push_back({{at(run.first), at(run.last)}, 1, data.labels.id(run.label), data.video(subject)});
  }
  data.index();
  const SampleResult r = evaluate_samples(select(data, {}), {});
  near(r.accuracy, expected["accuracy"], "accuracy");
  const auto& names = expected["confusion_labels"];
  BOOST_REQUIRE_EQUAL(r.classes.size(), names.size());
  std::map<std::string, std::size_t> column;
  for (std::size_t c = 0; c < r.classes.size(); ++c) column[r.classes[c].null ? "null" : r.classes[c].label] = c;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t row = column.at(names[i]);
    const auto& wanted = expected["per_class_with_null"][names[i].get<std::string>()];
    near(r.classes[row].scores.precision, wanted["precision"], names[i]);
    near(r.classes[row].scores.recall, wanted["recall"], names[i]);
    near(r.classes[row].scores.f1, wanted["f1"], names[i]);
    for (std::size_t k = 0; k < names.size(); ++k)
      BOOST_CHECK_EQUAL(r.confusion[row][column.at(names[k])], expected["confusion_matrix"][i][k].get<std::uint64_t>());
  }
  for (const auto& [mean, key] :
       {std::pair(r.with_null.macro, "macro_with_null"), {r.without_null.macro, "macro_without_null"}}) {
    near(mean.precision, expected[key]["precision"], key);
    near(mean.recall, expected[key]["recall"], key);
    near(mean.f1, expected[key]["f1"], key);
  }
}

BOOST_AUTO_TEST_SUITE_END()
