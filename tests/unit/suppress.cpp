// The fast suppression rules equal the plain double loops bit for bit, on random and on awkward inputs.
#include "libtal/segment/suppress.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <tuple>

#include "libtal/base/error.h"
#include "tests/unit/suppress_reference.h"

using namespace tal;

namespace {

struct Random {
  std::uint64_t state;
  double uniform() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  }
};

// kind 0: random; 1: many equal scores and segments; 2: nested; 3: one point; 4: one long among short; 5: zero lengths;
// 6: negative scores (refused by the soft rules, or below the bound) and both zeros; 7: overlaps at the thresholds; 8:
// no length at all
std::vector<Proposal> make(int kind, std::size_t n, std::uint64_t seed) {
  Random random{seed};
  std::vector<Proposal> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    auto& p = out[i];
    double start = random.uniform() * 300, length = 1 + random.uniform() * 60;
    p.score = random.uniform();
    if (kind == 1)
      start = std::floor(start / 20) * 20, length = std::floor(length / 20) * 20 + 20,
      p.score = std::floor(p.score * 4) / 4;
    if (kind == 2) start = static_cast<double>(i), length = 2.0 * static_cast<double>(n - i);
    if (kind == 3) start = 5, length = 2;
    if (kind == 4 && i == n / 2) start = 0, length = 1e6;
    if (kind == 5 && i % 2) length = 0;
    if (kind == 6) p.score = i % 5 == 0 ? 0.0 : i % 5 == 1 ? -0.0 : 4 * p.score - 2;
    if (kind == 7) start = std::floor(start) * 0.1, length = std::floor(length / 6 + 1) * 0.1;
    if (kind == 8) length = 0;
    p.segment = {start, start + length};
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(suppress)

BOOST_AUTO_TEST_CASE(fast_equals_plain) {
  for (const char* method : {"greedy", "gaussian", "linear", "bsn", "rpn"})
    for (const char* ties : {"input", "reversed"})
      for (int kind = 0; kind <= 8; ++kind)
        for (std::size_t n : {0u, 1u, 2u, 63u, 65u, 500u})
          for (int variant = 0; variant < 4; ++variant) {
            auto o = defaults_of(method);
            o.ties = ties;
            o.drop_negative = variant == 1 || variant == 3;  // their bounds are asked for
            if (variant == 1) o.inclusive = true, o.threshold = 0.7, o.low = 0.1, o.stop = 0, o.min_score = 0.2;
            if (variant == 2) o.threshold = 0, o.sigma = 0.01, o.low = 0, o.high = 0;
            if (variant == 3)
              o.threshold = 0.1, o.low = 0.1, o.high = 0.2, o.min_score = -0.5,
              o.top_k = static_cast<long long>(n * 4 / 5);
            const auto proposals = make(kind, n, 7 * n + static_cast<std::size_t>(kind));
            const bool soft = std::string_view(method) != "greedy";
            std::vector<reference::Item> items;
            bool refused = false;
            for (const auto& p : proposals) {
              refused = refused || (soft && p.score < 0 && (!o.drop_negative || p.score >= o.min_score));
              items.push_back({p.segment, p.score, soft && p.score < 0});  // below the bound: takes no part
            }
            if (refused) {
              BOOST_CHECK_THROW((void)tal::suppress(proposals, 400, o), Error);
              continue;
            }
            auto expected = reference::suppress(items, 400, o);
            BOOST_TEST_REQUIRE(std::is_sorted(expected.begin(), expected.end(),
                                              [](const auto& a, const auto& b) { return a.second > b.second; }));
            for (const auto& [index, score] : expected) BOOST_TEST_REQUIRE(score <= proposals[index].score);
            if (o.top_k > 0) expected.resize(std::min(expected.size(), static_cast<std::size_t>(o.top_k)));
            const auto got = tal::suppress(proposals, 400, o);
            BOOST_TEST_REQUIRE(got.size() == expected.size(),
                               method << " kind " << kind << " n " << n << " variant " << variant);
            for (std::size_t i = 0; i < got.size(); ++i)
              BOOST_REQUIRE(got[i].score == expected[i].second &&
                            got[i].segment == proposals[expected[i].first].segment);
          }
}

BOOST_AUTO_TEST_CASE(duration_is_needed_by_the_windowed_rules) {
  BOOST_CHECK_THROW(tal::suppress(make(0, 3, 1), 0, defaults_of("bsn")), Error);
  BOOST_TEST(tal::suppress(make(0, 3, 1), 0, defaults_of("greedy")).size() > 0u);
}

// From tIoU 0 on everybody votes, segments apart too; without a threshold nobody does.
BOOST_AUTO_TEST_CASE(voting_from_zero) {
  std::vector<Proposal> proposals(3);
  proposals[0].segment = {0, 10}, proposals[0].score = 0.5;
  proposals[1].segment = {100, 130}, proposals[1].score = 0.25;
  proposals[2].segment = {40, 50}, proposals[2].score = 0.25;
  auto o = defaults_of("greedy");
  BOOST_TEST(tal::suppress(proposals, 200, o)[0].segment.start == 0);
  o.voting = 0, o.voting_weight = "score";
  for (const auto& p : tal::suppress(proposals, 200, o)) {
    BOOST_TEST(p.segment.start == 35);
    BOOST_TEST(p.segment.end == 50);
  }
}

// A mean does not leave what it is of, rounded or not: of 0.3 x 14 / 0.3 the last bit is another.
BOOST_AUTO_TEST_CASE(voting_stays_within_the_votes) {
  for (const char* weight : {"score", "score-iou"})
    for (int k = 1; k < 1000; ++k) {
      std::vector<Proposal> proposals(2);
      proposals[0].segment = {9.1, 14}, proposals[0].score = k * 0.001;
      proposals[1].segment = {9.1, 14}, proposals[1].score = k * 0.0007;
      auto o = defaults_of("greedy");
      o.voting = 0.9, o.voting_weight = weight;
      const auto voted = tal::suppress(proposals, 14, o);
      BOOST_REQUIRE_EQUAL(voted.size(), 1u);
      BOOST_REQUIRE(voted[0].segment == proposals[0].segment);
    }
}

// --pre-top-k: the two strongest of a overlap, so that one stays; [50, 60] takes no part until there is room for three.
BOOST_AUTO_TEST_CASE(the_strongest_of_each_label_take_part) {
  const std::vector<std::tuple<double, double, const char*>> all = {
      {0, 0.5, "a"}, {1, 0.9, "a"}, {50, 0.4, "a"}, {2, 0.3, "b"}, {70, 0.1, "b"}};
  std::vector<Proposal> proposals(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [start, score, label] = all[i];
    proposals[i].segment = {start, start + 10}, proposals[i].score = score, proposals[i].label = label;
  }
  auto o = defaults_of("greedy");
  const auto starts = [&](long long pre_top_k) {
    o.pre_top_k = pre_top_k;
    std::vector<double> out;
    for (const auto& p : tal::suppress(proposals, 200, o)) out.push_back(p.segment.start);
    return out;
  };
  BOOST_TEST((starts(1) == std::vector<double>{1, 2}));
  BOOST_TEST((starts(2) == std::vector<double>{1, 2, 70}));
  BOOST_TEST((starts(3) == std::vector<double>{1, 50, 2, 70}));
  o.class_agnostic = true;
  BOOST_TEST((starts(3) == std::vector<double>{1, 50}));
  BOOST_TEST((starts(5) == std::vector<double>{1, 50, 70}));
  // Of equal scores those that the order of ties puts first.
  for (auto& p : proposals) p.score = 0.5;
  for (const auto& [ties, first] : {std::pair{"input", 0.0}, {"reversed", 70.0}}) {
    o.ties = ties;
    BOOST_TEST((starts(1) == std::vector<double>{first}), ties);
  }
}

// Factors raise negative scores and votes of negative weight push a segment away: they are refused where they would
// count, by their place in the record, and have no say where the bound drops them.
BOOST_AUTO_TEST_CASE(negative_scores) {
  std::vector<Proposal> proposals(3);
  proposals[0].segment = {0, 10}, proposals[0].score = 1;
  proposals[1].segment = {1, 10}, proposals[1].score = 0;
  proposals[2].segment = {0, 9}, proposals[2].score = -0.5;
  const auto field = [&](const SuppressOptions& o) {
    try {
      (void)tal::suppress(proposals, 20, o);
    } catch (const Error& error) {
      return error.field();
    }
    return std::string("no error");
  };
  for (const char* method : {"linear", "bsn", "rpn", "gaussian"})
    BOOST_TEST(field(defaults_of(method)) == "proposals[2].score");
  auto o = defaults_of("gaussian");
  o.drop_negative = true;
  BOOST_TEST(field(o) == "no error");  // below a bound that was asked for
  o.min_score = -1;
  BOOST_TEST(field(o) == "proposals[2].score");
  o.min_duration = 9.5;  // does not take part
  BOOST_TEST(field(o) == "no error");
  o = defaults_of("greedy");
  BOOST_TEST(field(o) == "no error");
  o.voting = 0.1;
  BOOST_TEST(field(o) == "proposals[2].score");
  o.min_score = 0, o.threshold = 1, o.drop_negative = true;
  const auto voted = tal::suppress(proposals, 20, o);
  BOOST_REQUIRE_EQUAL(voted.size(), 2u);
  BOOST_TEST(voted[0].segment.start == 0);  // of score 1 alone: that of 0 weighs nothing, that of -0.5 has no vote
  BOOST_TEST(voted[0].segment.end == 10);
}

BOOST_AUTO_TEST_SUITE_END()
