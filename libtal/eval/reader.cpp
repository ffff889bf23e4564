#include "libtal/eval/reader.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "libtal/base/number.h"
#include "libtal/eval/record_parser.h"
#include "libtal/stream/ordered_pool.h"
#include "libtal/stream/run.h"

namespace tal::eval {
namespace {

constexpr double kSameDuration = 0.01, kSameRate = 5e-4;  // shares; rates are written as 29.97 and 23.98

// Puts parsed lines into the data set, in input order.
class Collector {
 public:
  Collector(Run& run, const LineReader& reader, Dataset& data, bool truth, bool predictions)
      : run_(run), reader_(reader), data_(data), truth_(truth), predictions_(predictions) {
    counts_.source = reader.source();
  }

  void take(Block& block) {
    labels_.clear();
    for (std::uint32_t i = 0; i < block.labels.size(); ++i) labels_.push_back(data_.labels.id(block.labels.text(i)));
    for (auto& truth : block.truths) truth.label = labels_[truth.label];
    reserve(block);
    std::size_t truths = 0, predictions = 0;
    for (std::size_t i = 0; i < block.parsed.size(); ++i) {
      ParsedLine& line = block.parsed[i];
      ++counts_.records;
      try {
        if (line.error) throw *line.error;
        add(line, block.numbers[i], std::span(block.truths).subspan(truths, line.truth_end - truths),
            std::span(block.predictions).subspan(predictions, line.prediction_end - predictions));
      } catch (Error& error) {
        error.at_video(line.video);
        run_.record_error(error.at_line(reader_.source(), block.numbers[i]), block.line(i));
      }
      truths = line.truth_end, predictions = line.prediction_end;
    }
    if (reader_.total_bytes() > 0) run_.progress(reader_.bytes() >> 10, reader_.total_bytes() >> 10, "KiB");
    else run_.progress(counts_.records, 0, "records");
  }
  const ReadCounts& counts() const { return counts_; }

 private:
  void add(const ParsedLine& line, std::uint64_t number, std::span<const Truth> truths,
           std::span<const Prediction> predictions) {
    const std::uint32_t id = data_.video(line.video);
    if (predictions_ && line.window) follow(id, line.video, *line.window);
    else if (predictions_ && data_.videos[id].predicted)
      throw Error("the video stands twice in the stream").at_field("video");
    if (truth_ && line.has_truth && line.window)
      throw Error("are of a window: the ground truth of whole videos is needed (--gt)").at_field("annotations");
    if (truth_ && line.has_truth) {
      data_.add_truth(line.video, line.subset, line.duration, line.fps, truths);
      data_.videos[id].line = number;
    }
    counts_.without_annotations += truth_ && !line.has_truth;
    if (!predictions_) return;
    Video& video = data_.videos[id];
    video.predicted = true, video.stream_line = number;
    if (!truth_ && video.in_truth) compare(line, video);
    if (video.duration == 0) video.duration = line.duration;
    if (video.fps == 0) video.fps = line.fps;
    for (Prediction p : predictions) {
      p.label = labels_[p.label], p.video = id;
      data_.predictions.push_back(p);
    }
    counts_.without_proposals += !line.has_predictions;
  }

  void compare(const ParsedLine& line, const Video& truth) {
    const auto tell = [&](Disagreements& all, double here, double there, double share, const char* unit) {
      if (!(here > 0 && there > 0 && std::abs(here - there) > share * there)) return;
      if (all.count++ == 0)
        all.first = "video '" + std::string(line.video) + "': " + format_number(here) + unit + " here, " +
                    format_number(there) + unit + " there";
    };
    if (!line.window) tell(counts_.durations, line.duration, truth.duration, kSameDuration, " s");
    tell(counts_.rates, line.fps, truth.fps, kSameRate, "");
  }

  // A window belongs behind those of its video that have come.
  void follow(std::uint32_t id, std::string_view video, const Window& window) {
    const auto known = windows_.find(id);
    if (known == windows_.end() && data_.videos[id].predicted)
      throw Error("the video stands in the stream whole and as windows").at_field("video");
    if (known != windows_.end() && window.index <= known->second.last()->index)
      throw Error("is " + std::to_string(window.index) + " after " + std::to_string(known->second.last()->index) +
                  ": windows come once each, in order")
          .at_field("window.index");
    const auto gap = windows_[id].gap(window);
    if (!gap.empty() && counts_.gaps.count++ == 0) counts_.gaps.first = "video '" + std::string(video) + "': " + gap;
  }

  // Room for a whole file's predictions, guessed from its first block.
  void reserve(const Block& block) {
    if (reserved_ || block.predictions.empty()) return;
    reserved_ = true;
    const double blocks = static_cast<double>(reader_.total_bytes()) / static_cast<double>(block.text.size());
    data_.predictions.reserve(
        data_.predictions.size() +
        static_cast<std::size_t>(1.05 * static_cast<double>(block.predictions.size()) * std::max(1.0, blocks)));
  }

  Run& run_;
  const LineReader& reader_;
  Dataset& data_;
  bool truth_, predictions_, reserved_ = false;
  std::vector<std::uint32_t> labels_;             // of the block -> of the data set
  std::map<std::uint32_t, WindowOrder> windows_;  // of each video that has some
  ReadCounts counts_;
};

// About this many bytes of lines a block: large enough for the threads, small enough to stay in cache.
constexpr std::size_t kBlockBytes = 1 << 18;

bool fill(Block& block, LineReader& reader, const Run& run) {
  std::string_view line;
  while (block.text.size() < kBlockBytes && !run.stopped() && reader.next(line)) {
    block.lines.emplace_back(block.text.size(), line.size());
    block.numbers.push_back(reader.line_number());
    block.text += line;
  }
  block.text.append(Block::kPadding, ' ');
  return !block.lines.empty();
}

}  // namespace

ReadCounts read_records(Run& run, const std::string& path, Dataset& data, bool truth, bool predictions, int jobs,
                        const Reads& reads) {
  LineReader reader(path, run.meter());
  Collector collector(run, reader, data, truth, predictions);
  OrderedPool<Block> parsers(jobs, [=] {
    return [parser = std::make_shared<RecordParser>(truth, predictions, reads)](Block& block) { parser->parse(block); };
  });
  // A few blocks go round, so that memory is bounded and touched once.
  std::vector<std::unique_ptr<Block>> idle;
  for (int i = 0; i < (jobs > 1 ? 2 * jobs + 1 : 1); ++i) idle.push_back(std::make_unique<Block>());
  bool more = true;
  while (more || !parsers.empty()) {
    if (more && !idle.empty()) {
      auto block = std::move(idle.back());
      idle.pop_back();
      block->clear();
      if ((more = fill(*block, reader, run))) parsers.add(std::move(block));
      continue;
    }
    auto parsed = parsers.take();
    collector.take(*parsed);
    idle.push_back(std::move(parsed));
  }
  return collector.counts();
}

}  // namespace tal::eval
