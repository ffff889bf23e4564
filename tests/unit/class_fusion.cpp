// Factors of proposals, class scores and their product, by hand-worked values.
#include "libtal/fusion/class_fusion.h"

#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/base/error.h"

namespace {

using namespace tal;

Record record_of(const std::string& proposals) {
  Record record;
  record.parse(R"({"video":"v","duration":20,"proposals":[)" + proposals + "]}");
  return record;
}

const char* const kFactors =
    R"({"segment":[1,4],"score":0.5,"scores":{"boundary":0.5,"cls":0.81,"reg":0.25},"note":7})";

double score_by(const std::string& rule, const std::string& proposal = kFactors) {
  const Record record = record_of(proposal);
  return combined_score(factor_rule(rule), record.proposals()[0]);
}

auto at(const std::string& field) {
  return [field](const Error& e) { return e.field() == field; };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(class_fusion)

BOOST_AUTO_TEST_CASE(factors) {
  const auto close = boost::test_tools::tolerance(1e-14);
  BOOST_TEST(score_by("geometric") == 0.5 * 0.9 * 0.5, close);  // Eq. (8): 0.5 sqrt(0.81 0.25)
  BOOST_TEST(score_by("product") == 0.5 * 0.81 * 0.25, close);
  BOOST_TEST(score_by("weighted:boundary=1,cls=1/2,reg=1/2") == score_by("geometric"), close);
  BOOST_TEST(score_by("weighted:cls=2") == 0.6561, close);
  BOOST_TEST(score_by("weighted:boundary=0") == 1.0, close);
  BOOST_CHECK_EXCEPTION(score_by("weighted:unit=1"), Error, at("scores.unit"));
  BOOST_CHECK_EXCEPTION(score_by("product", R"({"segment":[1,4],"score":0.5})"), Error, at("scores.boundary"));
  BOOST_CHECK_EXCEPTION(score_by("product", R"({"segment":[1,4],"scores":{"boundary":1,"cls":-0.1,"reg":1}})"), Error,
                        at("scores.cls"));
  for (const char* wrong :
       {"", "mean", "weighted:", "weighted:cls", "weighted:=1", "weighted:cls=-1", "weighted:cls=x", "weighted:cls=1,"})
    BOOST_CHECK_THROW(factor_rule(wrong), UsageError);
}

BOOST_AUTO_TEST_CASE(classes) {
  const auto close = boost::test_tools::tolerance(1e-14);
  const std::vector<std::vector<ClassScore>> two{{{"a", 1}, {"b", 3}, {"c", 3}}, {{"c", 0}, {"a", 5}, {"b", 1}}};
  const std::vector<double> weights{3, 1}, one{1}, zero{0, 0}, negative{2, -1};
  const auto mean = fuse_classes(two, weights, 0);  // a (3 + 5) / 4, b (9 + 1) / 4, c 9 / 4
  BOOST_REQUIRE(mean.size() == 3u);
  BOOST_TEST((mean[0].label == "a" && mean[1].label == "b" && mean[2].label == "c"));
  BOOST_TEST(mean[0].score == 2.0, close);
  BOOST_TEST(mean[1].score == 2.5, close);
  BOOST_TEST(mean[2].score == 2.25, close);
  BOOST_TEST(fuse_classes(two, {}, 0)[0].score == 3.0, close);
  const auto soft = fuse_classes(two, weights, 0.25);  // e^-2 : 1 : e^-1
  const double sum = std::exp(-2.0) + 1 + std::exp(-1.0);
  BOOST_TEST(soft[0].score == std::exp(-2.0) / sum, close);
  BOOST_TEST(soft[1].score == 1 / sum, close);
  BOOST_TEST(soft[2].score == std::exp(-1.0) / sum, close);
  const std::vector<std::vector<ClassScore>> large{{{"a", 5000}, {"b", 4999}}};
  BOOST_TEST(fuse_classes(large, {}, 1)[1].score == 1 / (1 + std::exp(1.0)), close);

  const auto best = best_classes({{"a", 1}, {"b", 3}, {"c", 3}}, 2);
  BOOST_TEST((best.size() == 2u && best[0].label == "b" && best[1].label == "c"));
  BOOST_TEST(best_classes({{"a", 1}}, 5).size() == 1u);

  BOOST_CHECK_THROW(fuse_classes(two, one, 0), UsageError);
  BOOST_CHECK_THROW(fuse_classes(two, zero, 0), UsageError);
  BOOST_CHECK_THROW(fuse_classes(two, negative, 0), UsageError);
  const auto differ = [](std::vector<ClassScore> a, std::vector<ClassScore> b, const std::string& words) {
    BOOST_CHECK_EXCEPTION(fuse_classes(std::vector{a, b}, {}, 0), Error, [&](const Error& e) {
      return e.field() == "classification" && e.message().find(words) != std::string::npos;
    });
  };
  differ({{"a", 1}, {"b", 1}}, {{"a", 1}, {"d", 1}}, "scores 'd', the first one does not");
  differ({{"a", 1}, {"b", 1}}, {{"a", 1}}, "scores 1 classes, the first one 2");
  differ({{"a", 1}, {"a", 2}}, {{"a", 1}}, "class 'a' has two scores");
}

BOOST_AUTO_TEST_CASE(detections) {
  Record record = record_of(std::string(kFactors) + R"(,{"segment":[2,9],"score":0.25})");
  const auto found = detections_of(record, record.proposals(), {{"b \"2\"", 0.5}, {"a", 0.125}}, ClassProduct::kPlain);
  BOOST_REQUIRE(found.size() == 4u);
  const auto roots = detections_of(record, record.proposals(), {{"a", 0.125}}, ClassProduct::kRoot);
  BOOST_TEST(roots[0].score == 0.25);  // sqrt(0.5 * 0.125)
  const double scores[] = {0.25, 0.0625, 0.125, 0.03125};
  for (std::size_t n = 0; n < 4; ++n) {
    BOOST_TEST(found[n].score == scores[n]);
    BOOST_TEST(found[n].label == (n % 2 ? "a" : "b \"2\""));
    BOOST_TEST((found[n].segment == (n < 2 ? Segment{1, 4} : Segment{2, 9})));
  }
  record.set_proposals(found);
  BOOST_TEST(
      record.str().find(
          R"({"segment":[1,4],"score":0.25,"scores":{"boundary":0.5,"cls":0.81,"reg":0.25},"note":7,"label":"b \"2\""})") !=
          std::string::npos,
      record.str());
  BOOST_TEST(detections_of(record, {}, {{"a", 1}}, ClassProduct::kPlain).empty());
  const auto proposals = record.proposals();
  BOOST_CHECK_EXCEPTION(detections_of(record, proposals, {{"a", 1}}, ClassProduct::kPlain), Error,
                        at("proposals[0].label"));
  BOOST_CHECK_EXCEPTION(detections_of(record, {}, {{"a", -1}}, ClassProduct::kPlain), Error, at("classification"));
  // A class of less probability would raise it.
  Record other = record_of(R"({"segment":[1,4],"score":0.5},{"segment":[2,9],"score":-0.25})");
  BOOST_CHECK_EXCEPTION(detections_of(other, other.proposals(), {{"a", 1}}, ClassProduct::kPlain), Error,
                        at("proposals[1].score"));
}

BOOST_AUTO_TEST_SUITE_END()
