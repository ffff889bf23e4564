#include "libtal/segment/shots.h"

#include <algorithm>
#include <limits>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/features.h"

namespace tal {
namespace {

std::int64_t column_of(const FeatureStream& stream, const FeatureMatrix& matrix, const std::string& wanted) {
  const std::string field = "features." + stream.name;
  if (wanted.empty() && stream.classes.empty() && matrix.dim == 1) return 0;
  const std::string name = wanted.empty() ? "cut" : wanted;
  const auto found = std::find(stream.classes.begin(), stream.classes.end(), name);
  if (found != stream.classes.end() && found - stream.classes.begin() < matrix.dim)
    return found - stream.classes.begin();
  if (wanted.empty() && matrix.dim == 1) return 0;
  const auto near = nearest(name, stream.classes);
  throw Error("no column '" + name + "' of cut probabilities" +
              (near.empty() ? "; --curve names another" : "; did you mean '" + std::string(near) + "'?"))
      .at_field(field + ".classes");
}

}  // namespace

std::vector<Shot> shots_between(const std::vector<double>& cuts, double threshold) {
  const auto count = static_cast<std::int64_t>(cuts.size());
  const auto transition = [&](std::int64_t row) { return cuts[static_cast<std::size_t>(row)] > threshold; };
  std::vector<Shot> shots;
  std::int64_t from = 0;
  double before = 1;  // probability of the cut at `from`
  for (std::int64_t row = 0; row < count;) {
    if (!transition(row)) {
      ++row;
      continue;
    }
    const auto first = row;
    double highest = cuts[static_cast<std::size_t>(row)];
    for (; row < count && transition(row); ++row) highest = std::max(highest, cuts[static_cast<std::size_t>(row)]);
    if (first > 0) shots.push_back({{from, first + 1}, std::min(before, highest)});
    from = row, before = highest;
  }
  if (from < count) shots.push_back({{from, count}, before});
  if (shots.empty() && count > 0) shots.push_back({{0, count}, 1});
  return shots;
}

void propose_shots(Record& record, const ShotOptions& options) {
  FeatureStream stream = select_stream(record, options.stream);
  const FeatureMatrix matrix = load_features(stream);
  stream.rows = matrix.rows;
  std::vector<Proposal> proposals;
  if (matrix.rows > 0) {
    const auto column = column_of(stream, matrix, options.column);
    std::vector<double> cuts(static_cast<std::size_t>(matrix.rows));
    for (std::int64_t row = 0; row < matrix.rows; ++row) cuts[static_cast<std::size_t>(row)] = matrix.at(row, column);
    const RowTime time = row_time(stream, record.duration());
    const double end = record.duration().value_or(std::numeric_limits<double>::infinity());
    for (const auto& shot : shots_between(cuts, options.threshold)) {
      Proposal p;
      p.segment = time.seconds(Segment{static_cast<double>(shot.first), static_cast<double>(shot.end)});
      p.segment = {std::clamp(p.segment.start, 0.0, end), std::clamp(p.segment.end, 0.0, end)};
      p.score = shot.score;
      if (p.segment.end > p.segment.start) proposals.push_back(p);
    }
  }
  record.set_proposals(proposals);
}

}  // namespace tal
