// CMSN and ETP as models on a small set: both phases and every network learn; the stages write what they promise; odd
// records.
#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/io/features.h"
#include "libtal/models/cmsn/cmsn_model.h"
#include "libtal/models/etp/etp_an_model.h"
#include "libtal/models/etp/etp_ln_model.h"
#include "libtal/models/etp/etp_rn_model.h"
#include "tests/nn/small_set.h"

using namespace tal;
using tal::test::ActionSet;
using tal::test::best_tiou;
using tal::test::record_of;
using tal::test::train;

namespace {

// Pearson's correlation; 0 when one side is constant.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const double n = static_cast<double>(x.size());
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) mx += x[i] / n, my += y[i] / n;
  for (std::size_t i = 0; i < x.size(); ++i)
    xx += (x[i] - mx) * (x[i] - mx), yy += (y[i] - my) * (y[i] - my), xy += (x[i] - mx) * (y[i] - my);
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

// What the evaluation subnet says of every candidate of the videos, against their best tIoU; and how often the better
// of two candidates of a video has the higher score (1/2: no better than chance, and for a constant).
struct Judgement {
  double correlation = 0, order = 0;
};
Judgement judge(CmsnModel& model, const ActionSet& set) {
  std::vector<double> scores, overlaps;
  double right = 0, pairs = 0;
  for (std::size_t v = 0; v < set.size(); ++v) {
    Record record = record_of(set.sequence(v));
    model.propose(record, set.sequence(v));
    model.score(record, set.sequence(v));
    const auto line = nlohmann::json::parse(record.str());
    const std::size_t begin = scores.size();
    for (const auto& p : line["proposals"]) {
      double best = 0;
      for (const auto& truth : set.video(v).truths)
        best = std::max(best, tiou({p["segment"][0], p["segment"][1]}, truth.segment));
      scores.push_back(p["scores"]["iou"]), overlaps.push_back(best);
    }
    for (std::size_t a = begin; a < scores.size(); ++a)
      for (std::size_t b = begin; b < a; ++b) {
        if (std::fabs(overlaps[a] - overlaps[b]) < 0.2) continue;
        ++pairs;
        if (scores[a] != scores[b]) right += (scores[a] > scores[b]) == (overlaps[a] > overlaps[b]);
        else right += 0.5;
      }
  }
  return {correlation(scores, overlaps), right / std::max(1.0, pairs)};
}

// Ground truths with their boundaries moved by up to a fifth of their length.
std::vector<Segment> rough(const TrainingSet::Video& video, Random& random) {
  std::vector<Segment> segments;
  for (const auto& truth : video.truths) {
    const double l = 0.2 * truth.segment.length();
    segments.push_back(
        {truth.segment.start + l * (2 * random.uniform() - 1), truth.segment.end + l * (2 * random.uniform() - 1)});
  }
  return segments;
}

// Proposals as another stage may give them: rough ones, halves, background.
void propose_roughly(ActionSet& set, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t v = 0; v < set.size(); ++v) {
    auto& video = set.video(v);
    for (int k = 0; k < 6; ++k)
      for (const auto& segment : rough(video, random)) video.proposals.push_back({segment, 0.5});
    for (const auto& truth : video.truths) {
      const double l = truth.segment.length();
      for (const double shift : {-0.5, -0.4, 0.4, 0.5})
        video.proposals.push_back({{truth.segment.start + shift * l, truth.segment.end + shift * l}, 0.5});
      for (const double shift : {1.1, 1.4})
        video.proposals.push_back({{truth.segment.start + shift * l, truth.segment.end + (shift - 0.5) * l}, 0.5});
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cmsn_etp_models)

BOOST_AUTO_TEST_CASE(cmsn_learns_in_two_phases) {
  torch::manual_seed(1);
  ActionSet set(6, 150, 1), test(2, 150, 2);
  CmsnModel model;
  model.settings().read_json(
      R"({"hidden":16,"lstm-hidden":16,"window":48,"evaluation-hidden":32,"pooled-length":4,"dropout":0.1})");
  model.build(set.inputs());
  BOOST_TEST(model.phases().size() == 2u);
  const auto stages = train(model, set, 40, 5e-3, 4, 0);
  BOOST_TEST(stages.second < 0.5 * stages.first, "stages " << stages.first << " -> " << stages.second);
  const auto before = model.network().named_parameters()["stages.classifier.weight"].clone();
  const auto buffers = model.network().named_buffers()["norm.running_mean"].clone();
  const auto evaluation = train(model, set, 10, 1e-3, 4, 1);
  BOOST_TEST(evaluation.second < evaluation.first, "evaluation " << evaluation.first << " -> " << evaluation.second);
  BOOST_TEST(torch::equal(before, model.network().named_parameters()["stages.classifier.weight"]));
  BOOST_TEST(torch::equal(buffers, model.network().named_buffers()["norm.running_mean"]));

  double found = 0, instances = 0;
  for (std::size_t v = 0; v < test.size(); ++v) {
    Record record = record_of(test.sequence(v));
    model.propose(record, test.sequence(v));
    const auto maps = nlohmann::json::parse(*record.raw("maps"));
    BOOST_TEST(maps["cmsn"]["shape"] == (std::vector<int>{150, 6}));
    BOOST_TEST(base64_decode(maps["cmsn"]["data"].get<std::string>()).size() == 150u * 6 * 4);
    for (const auto& truth : test.video(v).truths) ++instances, found += best_tiou(record, truth.segment) >= 0.7;
    const auto presets = record.proposals();
    model.score(record, test.sequence(v));
    BOOST_TEST_REQUIRE(record.proposals().size() == presets.size());
    const auto line = nlohmann::json::parse(record.str());
    for (std::size_t k = 0; k < presets.size(); ++k) {
      const auto& p = line["proposals"][k];
      BOOST_TEST(p["scores"]["preset"].get<double>() == presets[k].score);
      BOOST_TEST(std::fabs(p["score"].get<double>() - presets[k].score * p["scores"]["iou"].get<double>()) < 1e-12);
    }
    // Once more, on a record whose proposals have scores already: one "scores" object, still JSON.
    Record again;
    again.parse(record.str());
    model.score(again, test.sequence(v));
    if (!presets.empty()) BOOST_TEST(nlohmann::json::parse(again.str())["proposals"][0]["scores"].size() == 2u);
  }
  BOOST_TEST(found >= 0.7 * instances, found << " of " << instances << " found at tIoU 0.7");

  // The evaluation subnet knows better candidates from worse ones, on videos that it has not seen; without its last
  // layer it says the same of all.
  const auto judged = judge(model, test);
  BOOST_TEST(judged.correlation > 0.5, "correlation with tIoU " << judged.correlation);
  BOOST_TEST(judged.order > 0.75, "the better one of two comes first: " << judged.order);
  {
    torch::NoGradGuard guard;
    model.network().named_parameters()["evaluation.fc3.weight"].zero_();
  }
  const auto constant = judge(model, test);
  BOOST_TEST(std::fabs(constant.correlation) < 1e-6);
  BOOST_TEST(constant.order == 0.5);
}

BOOST_AUTO_TEST_CASE(cmsn_windows_cover_a_video) {
  torch::manual_seed(2);
  CmsnModel model;
  model.settings().read_json(R"({"hidden":4,"lstm-hidden":4,"window":7,"evaluation-hidden":4,"pooled-length":2})");
  ActionSet set(1, 50, 1);
  model.build(set.inputs());
  model.network().eval();
  for (const std::int64_t rows : {0, 1, 3, 7, 8, 50}) {
    Sequence sequence = set.sequence(0);
    sequence.x = sequence.x.narrow(0, 0, rows).clone(),
    sequence.duration = std::max<double>(1, static_cast<double>(rows));
    Record record = record_of(sequence, {{0, 0.5}, {-3, 90}, {70, 80}});
    model.score(record, sequence);
    for (const auto& p : record.proposals()) BOOST_TEST((p.score >= 0 && p.score <= 0.5));
    model.propose(record, sequence);
    BOOST_TEST(record.has("maps") == (rows > 0), rows << " rows");
    for (const auto& p : record.proposals()) BOOST_TEST((p.segment.start >= 0 && p.segment.end <= sequence.duration));
  }
}

BOOST_AUTO_TEST_CASE(cmsn_evaluation_without_anything_to_learn) {
  torch::manual_seed(3);
  CmsnModel model;
  model.settings().read_json(R"({"hidden":4,"lstm-hidden":4,"window":16,"evaluation-hidden":4,"pooled-length":2})");
  ActionSet set(1, 60, 1);
  set.video(0).truths = {{{500, 510}, 0}};  // outside of every window
  model.build(set.inputs());
  Random random(1);
  auto samples = model.samples(set, 1);
  const auto losses = model.loss(model.make_batch(set, samples, random, 1), 1);
  losses.loss.backward();
  BOOST_TEST(std::isfinite(losses.loss.item<double>()));
  BOOST_CHECK_THROW(
      [&] {
        CmsnModel clips;
        clips.settings().read_json(R"({"input":"clips"})");
        clips.build(set.inputs());
      }(),
      Error);
  BOOST_CHECK_THROW(
      [&] {
        CmsnModel frames;
        auto inputs = set.inputs();
        inputs.frames = FrameContract{};
        frames.build(inputs);
      }(),
      Error);
}

BOOST_AUTO_TEST_CASE(etp_chain_learns) {
  torch::manual_seed(4);
  ActionSet set(8, 150, 1), test(3, 150, 2);
  propose_roughly(set, 6);
  EtpAnModel actionness;
  actionness.settings().read_json(R"({"hidden":16,"chunk":64,"dropout":0})");
  actionness.build(set.inputs());
  const auto a = train(actionness, set, 30, 1e-2, 4);
  BOOST_TEST(a.second < 0.5 * a.first, "actionness " << a.first << " -> " << a.second);
  actionness.inference().set("sigma", "1");
  actionness.inference().set("write-curves", "true");

  EtpRnModel refinement;
  refinement.settings().read_json(R"({"unit-length":2,"hidden":16})");  // targets are snapped to the grid of half units
  refinement.build(set.inputs());
  const auto r = train(refinement, set, 25, 5e-3, 16);
  BOOST_TEST(r.second < 0.6 * r.first, "refinement " << r.first << " -> " << r.second);

  EtpLnModel localization;
  localization.build(set.inputs());
  const auto l = train(localization, set, 15, 5e-3, 8);
  BOOST_TEST(l.second < 0.5 * l.first, "localization " << l.first << " -> " << l.second);

  Random random(3);
  double before = 0, after = 0, found = 0, instances = 0;
  for (std::size_t v = 0; v < test.size(); ++v) {
    const auto sequence = test.sequence(v);
    Record curves = record_of(sequence);
    actionness.propose(curves, sequence);
    const auto stream = select_stream(curves, "etp-an");
    BOOST_TEST((stream.rows == 150 && stream.dim == 2 && stream.classes == test.inputs().classes));
    Record record = record_of(sequence, rough(test.video(v), random));
    for (const auto& truth : test.video(v).truths) {
      ++instances;
      found += best_tiou(curves, truth.segment, test.inputs().classes[static_cast<std::size_t>(truth.label)]) >= 0.5;
      before += best_tiou(record, truth.segment);
    }
    refinement.refine(record, sequence);
    for (const auto& truth : test.video(v).truths) after += best_tiou(record, truth.segment);
    const auto count = record.proposals().size();
    localization.score(record, sequence);
    BOOST_TEST(record.proposals().size() == 2 * count);
    // The true class comes first.
    for (std::size_t k = 0; k < count; ++k) {
      const auto& first = record.proposals()[2 * k];
      BOOST_TEST(first.score >= record.proposals()[2 * k + 1].score);
      const auto& truth = test.video(v).truths[k];
      if (tiou(first.segment, truth.segment) > 0.3)
        BOOST_TEST(first.label == test.inputs().classes[static_cast<std::size_t>(truth.label)]);
    }
    const auto scores = nlohmann::json::parse(record.str())["proposals"][0];
    BOOST_TEST(std::fabs(scores["score"].get<double>() - scores["scores"]["class"].get<double>() *
                                                             std::exp(scores["scores"]["completeness"].get<double>())) <
               1e-6);
  }
  BOOST_TEST(found >= 0.8 * instances, found << " of " << instances << " found by the class curves");
  BOOST_TEST(after > before + 0.05 * instances, "tIoU " << before / instances << " -> " << after / instances);
}

BOOST_AUTO_TEST_CASE(etp_late_fusion) {
  torch::manual_seed(5);
  ActionSet set(4, 120, 1);
  propose_roughly(set, 7);
  EtpLnModel model;
  model.settings().read_json(R"({"non-local":false})");
  model.build(set.inputs());
  BOOST_TEST(model.network().named_parameters().contains("stream1.cls.weight"));
  const auto ends = train(model, set, 10, 5e-3, 8);
  BOOST_TEST(ends.second < ends.first);
  const auto sequence = set.sequence(0);
  const auto scores_with = [&](const std::string& weights) {
    Record record = record_of(sequence, {{10, 20}});
    model.inference().set("fusion-weights", weights);
    model.score(record, sequence);
    return nlohmann::json::parse(record.str())["proposals"].dump();
  };
  BOOST_TEST(scores_with("1,0") != scores_with("0,1"));
  BOOST_TEST(scores_with("") == scores_with("2,2"));
  BOOST_CHECK_THROW(scores_with("1"), Error);
}

BOOST_AUTO_TEST_CASE(odd_proposals_and_sequences) {
  torch::manual_seed(6);
  ActionSet set(1, 60, 1);
  EtpRnModel refinement;
  refinement.settings().read_json(R"({"unit-length":16,"hidden":4})");
  refinement.build(set.inputs());
  EtpLnModel localization;
  localization.build(set.inputs());
  refinement.network().eval(), localization.network().eval();
  Sequence sequence = set.sequence(0);
  Record record = record_of(sequence, {{0, 60}, {59.99, 60}, {5, 5.001}, {80, 90}, {0, 1e6}});
  refinement.refine(record, sequence);
  BOOST_TEST(record.proposals().size() == 5u);
  for (const auto& p : record.proposals()) BOOST_TEST(p.segment.end > p.segment.start);
  localization.score(record, sequence);
  BOOST_TEST(record.proposals().size() == 10u);
  Record none = record_of(sequence);
  refinement.refine(none, sequence);
  localization.score(none, sequence);
  BOOST_TEST(none.proposals().empty());
  sequence.x = sequence.x.narrow(0, 0, 0);
  Record rowless = record_of(sequence, {{1, 2}});
  refinement.refine(rowless, sequence);
  BOOST_TEST(rowless.proposals().size() == 1u);
  localization.score(rowless, sequence);
  BOOST_TEST(rowless.proposals().empty());
}

BOOST_AUTO_TEST_SUITE_END()
