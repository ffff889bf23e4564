// The record reader on any line: every accessor answers, and what a stage writes can be read again.
#include "libtal/io/record.h"
#include "libtal/io/features.h"
#include "tests/fuzz/fuzz.h"

using tal::fuzz::answers;
using tal::fuzz::hold;

namespace {

void read_fields(const tal::Record& record) {
  answers([&] { record.require_duration(); });
  answers([&] { record.fps(); });
  answers([&] { record.text("subset"); });
  answers([&] { record.annotations(true); });
  answers([&] { record.annotations(false); });
  answers([&] { record.classification(); });
  answers([&] { record.require_whole_video(); });
  answers([&] {
    for (const auto& stream : record.features())
      if (stream.path.empty()) answers([&] { tal::load_features(stream); });
  });
  answers([&] {
    for (const auto& proposal : record.proposals()) answers([&] { tal::named_scores(proposal); });
  });
}

void rewrite(tal::Record& record) {
  const std::string video = record.video();
  bool rewritten = false;
  std::vector<tal::Segment> segments;
  std::vector<double> scores;
  answers([&] {
    auto proposals = record.require_proposals();
    for (auto& proposal : proposals)
      proposal.score *= 0.5, segments.push_back(proposal.segment), scores.push_back(proposal.score);
    record.set_proposals(proposals);
    rewritten = true;
  });
  answers([&] { record.append_history(R"({"tool":"fuzz"})"); });
  answers([&] { record.set_feature("fuzz", R"({"rows":0,"dim":1})"); });
  record.set_number("fuzz_number", 0.1);
  tal::Record again;
  again.parse(record.str());
  hold(again.video() == video, "the id survives");
  hold(again.number("fuzz_number") == 0.1, "a number survives");
  if (!rewritten) return;
  const auto& proposals = again.require_proposals();
  hold(proposals.size() == segments.size(), "as many proposals as written");
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    hold(proposals[i].segment.start == segments[i].start && proposals[i].segment.end == segments[i].end,
         "segments survive");
    hold(proposals[i].score == scores[i], "scores survive");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto line = tal::fuzz::text_of(data, size);
  if (line.find('\n') != std::string_view::npos) return 0;
  tal::Record record;
  bool parsed = false;
  answers([&] {
    record.parse(line);
    parsed = true;
  });
  if (!parsed) return 0;
  hold(!record.video().empty(), "a record has an id");
  bool whole = false;
  answers([&] {
    hold(record.str() == record.line(), "an untouched record is written as it came");
    whole = true;
  });
  read_fields(record);
  if (!whole) return 0;  // proposals that are not JSON
  rewrite(record);
  return 0;
}
