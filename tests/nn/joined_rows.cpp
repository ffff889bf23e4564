// Streams of different numbers of rows as one sequence: rescaled as a whole (RPN paper, 4.2), or resampled to the first
// stream's rows.
#include <boost/test/unit_test.hpp>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/models/core/joined_rows.h"
#include "libtal/train/record_set.h"
#include "tests/support.h"

using namespace tal;

namespace {

using tal::test::message_of;

// A stream of one column, its data inline; rate 0: rescaled to the video, else rows a second.
std::string stream(const std::string& name, const std::vector<float>& values, double rate) {
  const std::string bytes(reinterpret_cast<const char*>(values.data()), 4 * values.size());
  std::string time = rate > 0 ? ",\"fps\":" + std::to_string(rate) + ",\"stride\":1,\"window\":1" : "";
  return "\"" + name + "\":{\"data\":\"" + base64_encode(bytes) + "\",\"rows\":" + std::to_string(values.size()) +
         ",\"dim\":1" + time + "}";
}

Record record_of(const std::string& streams, double duration) {
  Record record;
  const std::string line = "{\"video\":\"v\",\"duration\":" + std::to_string(duration) +
                           ",\"annotations\":[{\"segment\":[1,2],\"label\":\"x\"}],\"features\":{" + streams + "}}";
  record.parse(line);
  return record;
}

RecordSet set_of(const Record& record, StreamFit fit, bool standardize = false) {
  RecordSetOptions options;
  options.fit = fit, options.standardize = standardize;
  RecordSet set(options);
  set.add(record);
  set.finish();
  return set;
}

InputContract fitted(InputContract inputs, StreamFit fit) {
  inputs.fit = fit;
  return inputs;
}

void check(const torch::Tensor& got, const std::vector<std::vector<float>>& columns) {
  BOOST_TEST_REQUIRE(got.size(1) == static_cast<std::int64_t>(columns.size()));
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto column = got.select(1, static_cast<std::int64_t>(c)).contiguous();
    const std::vector<float> values(column.data_ptr<float>(), column.data_ptr<float>() + column.numel());
    BOOST_TEST(values == columns[c], boost::test_tools::per_element());
  }
}

constexpr StreamFit kRescale4{StreamFit::Rule::rescale, 4}, kAlign{StreamFit::Rule::align, 0}, kRefuse{};

}  // namespace

BOOST_AUTO_TEST_SUITE(joined_rows)

// Three rows get a zero row, eight become the maxima of pairs; the times are those of the eight.
BOOST_AUTO_TEST_CASE(rescaled_stream_by_stream) {
  const Record record = record_of(stream("a", {1, 2, 3}, 0) + "," + stream("b", {1, 5, -2, -4, 0, 3, 7, 6}, 0), 8);
  const RecordSet set = set_of(record, kRescale4);
  BOOST_TEST(set.video(0).rows == 4);
  check(set.all_rows(0), {{1, 2, 3, 0}, {5, -2, 3, 7}});
  check(set.rows(0, -1, 3), {{0, 1, 2}, {0, 5, -2}});
  check(set.rows(0, 3, 2), {{0, 0}, {7, 0}});
  const Sequence sequence = load_sequence(record, fitted(set.inputs(), kRescale4));
  BOOST_TEST(torch::equal(sequence.x, set.all_rows(0)));
  for (const RowTime& time : {sequence.time, set.video(0).time}) {
    BOOST_TEST(time.seconds(0.0) == 0.0);
    BOOST_TEST(time.seconds(3.0) == 6.0);
    BOOST_TEST(time.row(8) == 4.0);
  }
  // All shorter than T: padded, rows keep their times; those of the longer one.
  const Record shorter = record_of(stream("a", {1, 2}, 0) + "," + stream("b", {3, 4, 5}, 0), 6);
  const Sequence padded = load_sequence(shorter, fitted(set.inputs(), kRescale4));
  check(padded.x, {{1, 2, 0, 0}, {3, 4, 5, 0}});
  BOOST_TEST(padded.time.seconds(3.0) == 6.0);
  // Equal numbers stand side by side as they are, to be rescaled by the model.
  check(load_sequence(record_of(stream("a", {1, 2, 3, 4, 5}, 0) + "," + stream("b", {3, 4, 5, 6, 7}, 0), 6),
                      fitted(set.inputs(), kRescale4))
            .x,
        {{1, 2, 3, 4, 5}, {3, 4, 5, 6, 7}});
}

// Columns are normalised before rows are added, which stay zero.
BOOST_AUTO_TEST_CASE(normalised_first) {
  const Record record = record_of(stream("a", {1, 3}, 0) + "," + stream("b", {1, 5, 1, 1, 0, 3, 7, 6}, 0), 8);
  InputContract inputs = fitted(set_of(record, kRescale4).inputs(), kRescale4);
  inputs.mean = {2, 1}, inputs.scale = {1, 2};
  check(load_sequence(record, inputs).x, {{-1, 1, 0, 0}, {8, 0, 4, 12}});
  const RecordSet standard = set_of(record, kRescale4, true);  // measured over the T rows
  BOOST_TEST(standard.inputs().mean.size() == 2u);
}

// b has two rows for each of a's: their maximum. c has one for two: rows 0.5 apart, interpolated between the centres of
// its rows. d is a row short.
BOOST_AUTO_TEST_CASE(aligned_in_time) {
  const Record record = record_of(stream("a", {1, 2, 3, 4}, 1) + "," + stream("b", {1, 0, -2, -3, 5, 6, 8, 7}, 2) +
                                      "," + stream("c", {10, 20}, 0.5) + "," + stream("d", {7, 8, 9}, 1),
                                  4);
  const RecordSet set = set_of(record, kAlign);
  BOOST_TEST(set.video(0).rows == 4);
  const std::vector<std::vector<float>> all{{1, 2, 3, 4}, {1, -2, 6, 8}, {10, 12.5, 17.5, 20}, {7, 8, 9, 0}};
  check(set.all_rows(0), all);
  check(load_sequence(record, fitted(set.inputs(), kAlign)).x, all);
  BOOST_TEST(set.video(0).time.seconds(3.0) == 3.0);
  // A window of rows is what it is of the whole.
  for (std::int64_t first = -2; first < 5; ++first)
    for (std::int64_t count = 1; count < 6; ++count) {
      const torch::Tensor want = torch::cat({torch::zeros({8, 4}), set.all_rows(0), torch::zeros({8, 4})})
                                     .slice(0, 8 + first, 8 + first + count);
      BOOST_TEST(torch::equal(set.rows(0, first, count), want), first << " " << count);
    }
}

// A row of 1.5: rows 0 and 1, 1 and 2, 3 and 4, ...; against the definition.
BOOST_AUTO_TEST_CASE(aligned_rows_by_definition) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({9, 3});
  for (const double step : {0.25, 0.7, 1.0, 1.5, 2.0, 3.3})
    for (const double origin : {0.0, 0.5, -1.25}) {
      const torch::Tensor got = aligned_rows(x, origin, step, 1, 5);
      for (int i = 0; i < 5; ++i)
        for (int c = 0; c < 3; ++c) {
          const double begin = origin + (i + 1) * step, end = begin + step, at = (begin + end) / 2;
          const auto value = [&](int row) { return row < 0 || row >= 9 ? 0.0 : x[row][c].item<double>(); };
          double want = 0;
          if (step > 1) {
            want = -1e9;
            for (int row = -20; row < 40; ++row)
              if (row < end - 1e-9 && row + 1 > begin + 1e-9) want = std::max(want, value(row));
          } else if (at >= 0 && at <= 9) {
            const double centre = std::clamp(at - 0.5, 0.0, 8.0);
            const int below = std::min(7, static_cast<int>(centre));
            want = value(below) + (centre - below) * (value(below + 1) - value(below));
          }
          BOOST_TEST(std::abs(got[i][c].item<double>() - want) < 1e-5,
                     step << " " << origin << " " << i << ": " << got[i][c].item<double>() << ", not " << want);
        }
    }
}

BOOST_AUTO_TEST_CASE(refused) {
  const Record record = record_of(stream("a", {1, 2, 3}, 1) + "," + stream("b", {1, 2, 3, 4}, 1), 4);
  BOOST_TEST(message_of([&] { set_of(record, kRefuse); }) == "features.b: 4 rows, but stream 'a' has 3");
  // Streams that end at different times are not of one video.
  const Record cut = record_of(stream("a", {1, 2, 3}, 1) + "," + stream("b", {1, 2, 3, 4, 5, 6, 7, 8}, 1), 8);
  BOOST_TEST(message_of([&] { set_of(cut, kAlign); }) == "features.b: ends at 8 s, but stream 'a' at 3 s");
  BOOST_TEST(message_of([&] { set_of(cut, kRescale4); }) == "features.b: ends at 8 s, but stream 'a' at 3 s");
  BOOST_TEST(message_of([&] {
               set_of(record_of(stream("a", {1}, 1) + "," + stream("b", {}, 1), 1), kAlign);
             }).find("features.b") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
