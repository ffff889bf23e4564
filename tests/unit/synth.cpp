#include "libtal/data/synth.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace tal;

BOOST_AUTO_TEST_SUITE(synth)

BOOST_AUTO_TEST_CASE(generator_is_fixed_and_fair) {
  SynthRandom a(1, "x"), b(1, "x"), c(2, "x"), d(1, "y");
  const auto first = a.next();
  BOOST_TEST(first == b.next());
  BOOST_TEST(first != c.next());
  BOOST_TEST(first != d.next());
  SynthRandom r(7, "moments");
  double sum = 0, square = 0, fourth = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double v = r.normal();
    sum += v, square += v * v, fourth += v * v * v * v;
  }
  BOOST_TEST(std::fabs(sum / n) < 0.01);
  BOOST_TEST(std::fabs(square / n - 1) < 0.02);
  BOOST_TEST(std::fabs(fourth / n - 3) < 0.1);
  for (const double x : {1e-300, 1e-5, 0.3, 0.70710678, 1.0, 1.5, 12345.0})
    BOOST_TEST(std::fabs(portable_log(x) - std::log(x)) <= 1e-14 * std::max(1.0, std::fabs(std::log(x))));
}

BOOST_AUTO_TEST_CASE(annotations_keep_their_promises) {
  SynthAnnotationOptions o;
  o.proposals = 30, o.recall = 1, o.tiou = 0.6, o.labelled = true;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Record record = make_annotations(o, 3, i);
    BOOST_TEST(record.str() == make_annotations(o, 3, i).str());
    const double duration = record.require_duration();
    BOOST_TEST((duration >= o.min_duration - 0.04 && duration <= o.max_duration + 0.04));
    const auto truth = record.annotations();
    BOOST_TEST(!truth.empty());
    for (std::size_t k = 0; k < truth.size(); ++k) {
      BOOST_TEST(std::fabs(truth[k].segment.start * o.fps - std::round(truth[k].segment.start * o.fps)) < 1e-9);
      BOOST_TEST((truth[k].segment.start >= 0 && truth[k].segment.end <= duration));
      if (k > 0) BOOST_TEST(truth[k].segment.start - truth[k - 1].segment.end >= o.min_gap - 0.081);
      double best = 0;
      for (const auto& p : record.proposals())
        if (p.label == truth[k].label) best = std::max(best, tiou(p.segment, truth[k].segment));
      BOOST_TEST(best >= o.tiou - 1e-9);
    }
    std::size_t right = 0;
    for (const auto& p : record.proposals()) {
      double best = 0;
      for (const auto& a : truth) best = std::max(best, tiou(p.segment, a.segment));
      BOOST_TEST((best >= o.tiou - 1e-9 || best <= o.false_tiou + 1e-9));
      right += best >= o.tiou - 1e-9;
    }
    BOOST_TEST(right == truth.size());
    BOOST_TEST(record.proposals().size() == 30u);
  }
}

BOOST_AUTO_TEST_CASE(degrade_hits_the_quality) {
  SynthRandom random(5, "d");
  for (const double quality : {0.1, 0.5, 0.9, 1.0})
    for (int i = 0; i < 50; ++i) {
      const Segment out = degrade({1, 9}, 10, quality, random);
      BOOST_TEST(std::fabs(tiou({1, 9}, out) - quality) < 1e-12);
      BOOST_TEST((out.start >= 0 && out.end <= 10));
    }
}

BOOST_AUTO_TEST_CASE(truth_is_recoverable_from_features) {
  SynthAnnotationOptions truth_options;
  SynthFeatureOptions o;
  o.stride = 4, o.window = 4, o.snr = 2;
  for (std::uint64_t i = 0; i < 10; ++i) {
    const Record record = make_annotations(truth_options, 11, i);
    FeatureStream stream;
    const FeatureMatrix f = make_features(record, o, 11, stream);
    BOOST_TEST(f.rows == static_cast<std::int64_t>(std::floor((record.require_duration() * 25 + 1e-6 - 4) / 4)) + 1);
    // Matched filter per class: correlation with the signature is 2 inside and 0 outside, noise 1/8.
    for (const auto& a : record.annotations()) {
      const auto signature = class_signature(11, a.label, o.dim);
      for (std::int64_t g = 0; g < f.rows; ++g) {
        const double from = static_cast<double>(g) * 4 / 25, to = from + 4.0 / 25;
        double match = 0;
        for (int d = 0; d < o.dim; ++d)
          match += static_cast<double>(f.at(g, d)) * signature[static_cast<std::size_t>(d)] / o.dim;
        bool outside = true;
        for (const auto& b : record.annotations())
          outside = outside && (to <= b.segment.start || from >= b.segment.end);
        if (from >= a.segment.start && to <= a.segment.end) BOOST_TEST(match > 1);
        if (outside) BOOST_TEST(match < 1);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(scores_without_noise_are_the_covered_part) {
  Record record = Record::make("v");
  record.set_number("duration", 4);
  record.set_annotations({{{1, 2.5}, "a"}, {{3, 4}, "b"}});
  SynthFeatureOptions o;
  o.kind = "scores", o.noise = 0, o.fps = 1, o.stride = 1, o.window = 1;
  FeatureStream stream;
  const FeatureMatrix f = make_features(record, o, 0, stream);
  BOOST_TEST((f.values == std::vector<float>{0, 0, 1, 0, 0.5f, 0, 0, 1}));
  BOOST_TEST((stream.classes == std::vector<std::string>{"a", "b"}));
}

BOOST_AUTO_TEST_SUITE_END()
