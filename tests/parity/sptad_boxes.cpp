// Boxes and matching of SP-TAD against numbers worked out from its formulas; exact assignment against brute force.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/base/random.h"
#include "libtal/segment/assignment.h"
#include "libtal/segment/boxes.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(sptad_boxes)

namespace {

void close(double got, double want, const std::string& what) {
  BOOST_TEST(std::abs(got - want) <= 1e-9 + 1e-9 * std::abs(want), what << ": " << got << ", not " << want);
}

Segment segment_of(const nlohmann::json& pair) { return {pair.at(0), pair.at(1)}; }

void check_giou(const nlohmann::json& in, const nlohmann::json& want) {
  for (std::size_t k = 0; k < in["a"].size(); ++k)
    close(giou(segment_of(in["a"][k]), segment_of(in["b"][k])), want["giou"][k], "giou");
}

void check_level(const nlohmann::json& in, const nlohmann::json& want) {
  for (std::size_t k = 0; k < in["lengths"].size(); ++k)
    BOOST_TEST(pyramid_level(in["lengths"][k], in["levels"]) == want["level"][k].get<std::int64_t>());
}

void check_decode(const nlohmann::json& in, const nlohmann::json& want) {
  for (std::size_t k = 0; k < in["segments"].size(); ++k) {
    const auto got = decode({in["segments"][k][0], in["segments"][k][1]}, in["deltas"][k][0], in["deltas"][k][1]);
    close(got.centre, want["segments"][k][0], "centre"), close(got.length, want["segments"][k][1], "length");
    close(got.ends().start, want["ends"][k][0], "start"), close(got.ends().end, want["ends"][k][1], "end");
  }
}

void check_matching(const nlohmann::json& in, const nlohmann::json& want) {
  SetWeights weights;
  weights.classification = in["lambda"]["cls"], weights.l1 = in["lambda"]["l1"], weights.giou = in["lambda"]["giou"];
  const std::size_t n = in["segments"].size(), g = in["ground_truth"].size();
  std::vector<double> cost;
  for (std::size_t k = 0; k < g; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      cost.push_back(matching_cost(in["logits"][i][in["classes"][k].get<std::size_t>()], segment_of(in["segments"][i]),
                                   segment_of(in["ground_truth"][k]), weights));
      close(cost.back(), want["cost"][i][k], "cost");
    }
  }
  const auto chosen = assign(cost, static_cast<std::int64_t>(g), static_cast<std::int64_t>(n));
  BOOST_TEST(chosen == want["assignment"].get<std::vector<std::int64_t>>(), boost::test_tools::per_element());
  double total = 0;
  for (std::size_t k = 0; k < g; ++k) total += cost[k * n + static_cast<std::size_t>(chosen[k])];
  close(total, want["total"], "total");
}

double total_of(const std::vector<double>& cost, const std::vector<std::int64_t>& column_of, std::size_t columns) {
  double sum = 0;
  for (std::size_t i = 0; i < column_of.size(); ++i)
    if (column_of[i] >= 0) sum += cost[i * columns + static_cast<std::size_t>(column_of[i])];
  return sum;
}

// Every way to give rows columns of their own; rows <= columns.
double cheapest(const std::vector<double>& cost, std::size_t rows, std::size_t columns, std::size_t row,
                std::vector<char>& used) {
  if (row == rows) return 0;
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < columns; ++j) {
    if (used[j]) continue;
    used[j] = 1;
    best = std::min(best, cost[row * columns + j] + cheapest(cost, rows, columns, row + 1, used));
    used[j] = 0;
  }
  return best;
}

}  // namespace

BOOST_AUTO_TEST_CASE(reference_cases) {
  const std::string dir = tal::test::parity_dir();
  if (tal::test::skip_without(dir, "TAL_PARITY_DIR")) return;
  int checked = 0;
  const auto file = tal::test::load(dir + "/formulas/sptad-boxes.json");
  for (const auto& item : file.at("cases")) {
    const auto &in = item.at("input"), &want = item.at("expected");
    const std::string kind = in.at("kind");
    BOOST_TEST_CONTEXT(item.at("name").get<std::string>()) {
      if (kind == "giou") check_giou(in, want);
      else if (kind == "level") check_level(in, want);
      else if (kind == "decode") check_decode(in, want);
      else if (kind == "matching") check_matching(in, want);
      else if (kind == "align" || kind == "loss") continue;  // tests/nn/sptad.cpp
      else BOOST_ERROR("unknown kind " << kind);
      ++checked;
    }
  }
  BOOST_TEST(checked > 0);
}

BOOST_AUTO_TEST_CASE(assignment_is_exact) {
  Random random(5);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t rows = random.below(6), columns = rows + random.below(3);
    std::vector<double> cost(rows * columns);
    // Half of the trials have many ties.
    for (auto& c : cost) c = trial % 2 ? 10 * random.uniform() - 5 : static_cast<double>(random.below(4)) - 2;
    std::vector<char> used(columns, 0);
    const double best = cheapest(cost, rows, columns, 0, used);
    const auto column_of = assign(cost, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns));
    BOOST_TEST(std::abs(total_of(cost, column_of, columns) - best) < 1e-12);
    auto sorted = column_of;
    std::sort(sorted.begin(), sorted.end());
    BOOST_TEST((std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()));
    BOOST_TEST((sorted.empty() || sorted.front() >= 0));

    // The same costs with rows and columns exchanged.
    std::vector<double> turned(cost.size());
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) turned[j * rows + i] = cost[i * columns + j];
    const auto row_of = assign(turned, static_cast<std::int64_t>(columns), static_cast<std::int64_t>(rows));
    BOOST_TEST(std::abs(total_of(turned, row_of, rows) - best) < 1e-12);
    BOOST_TEST(static_cast<std::size_t>(std::count(row_of.begin(), row_of.end(), -1)) == columns - rows);
  }
}

BOOST_AUTO_TEST_CASE(large_assignment) {
  // cost -a_i b_j of sorted a, b: the best assignment is the identity.
  const std::int64_t n = 200;
  std::vector<double> cost(static_cast<std::size_t>(n * n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      cost[static_cast<std::size_t>(i * n + j)] = -static_cast<double>((i + 1) * (j + 1));
  std::vector<std::int64_t> identity(static_cast<std::size_t>(n));
  std::iota(identity.begin(), identity.end(), 0);
  BOOST_TEST(assign(cost, n, n) == identity, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(wrong_costs) {
  BOOST_CHECK_THROW(assign(std::vector<double>{1, 2, 3}, 2, 2), Error);
  BOOST_CHECK_THROW(assign(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()}, 1, 2), Error);
  BOOST_TEST(assign(std::vector<double>{}, 0, 3).empty());
}

BOOST_AUTO_TEST_SUITE_END()
