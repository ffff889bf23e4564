#include "libtal/eval/reader.h"

#include <simdjson.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "libtal/cli/tool.h"

namespace tal::eval {
namespace {

namespace sj = simdjson;

struct Item {
  std::string video, subset;
  double duration = 0, fps = 0;
  bool has_truth = false, has_predictions = false, failed = false;
  std::size_t truth_end = 0, prediction_end = 0;  // in the batch's lists
  Error error{""};
};

// Lines on their way through the workers and what they held; label ids are the batch's own until it is taken over.
struct Batch {
  std::string lines;
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  std::vector<std::uint64_t> numbers;
  std::vector<Item> items;
  std::vector<Truth> truths;
  std::vector<Prediction> predictions;
  Names labels;
  std::exception_ptr broken;
  bool done = false;
  Batch() { labels.id(""), labels.id("Ambiguous"); }
};

// One segment list without the checks' messages; false: something is unusual, let Record look.
template <class Add>
bool read_list(sj::ondemand::value& list, bool scores, Add&& add) {
  sj::ondemand::array array;
  if (list.get_array().get(array)) return false;
  for (auto element : array) {
    sj::ondemand::object object;
    if (element.get_object().get(object)) return false;
    Segment segment;
    double score = 0;
    std::string_view label;
    bool has_segment = false;
    for (auto member : object) {
      sj::ondemand::field field;
      if (std::move(member).get(field)) return false;
      const auto key = field.key();
      auto& value = field.value();
      if (key == "segment") {
        sj::ondemand::array pair;
        if (has_segment || value.get_array().get(pair)) return false;
        std::array<double, 2> ends{};
        std::size_t n = 0;
        for (auto end : pair) {
          if (n == 2 || end.get_double().get(ends[n])) return false;
          ++n;
        }
        if (n != 2 || !(ends[0] <= ends[1])) return false;
        segment = {ends[0], ends[1]}, has_segment = true;
      } else if (scores && key == "score") {
        if (value.get_double().get(score)) return false;
      } else if (key == "label") {
        if (value.get_string().get(label)) return false;
      }
    }
    if (!has_segment) return false;
    add(segment, score, label);
  }
  return true;
}

class Parser {
 public:
  Parser(bool truth, bool predictions) : truth_(truth), predictions_(predictions) {}

  // line: at least 64 readable bytes follow.
  Item parse(std::string_view line, Batch& batch) {
    Item item;
    const auto truths = batch.truths.size();
    const auto predictions = batch.predictions.size();
    try {
      if (!fast(line, batch, item)) {
        item = Item();
        batch.truths.resize(truths), batch.predictions.resize(predictions);
        careful(line, batch, item);
      }
    } catch (Error& error) {
      batch.truths.resize(truths), batch.predictions.resize(predictions);
      item.failed = true, item.error = error;
    }
    item.truth_end = batch.truths.size(), item.prediction_end = batch.predictions.size();
    return item;
  }

 private:
  bool fast(std::string_view line, Batch& batch, Item& item) {
    sj::ondemand::document document;
    if (parser_.iterate(sj::padded_string_view(line.data(), line.size(), line.size() + sj::SIMDJSON_PADDING)).get(document)) return false;
    sj::ondemand::object object;
    if (document.get_object().get(object)) return false;
    keys_.clear();
    for (auto member : object) {
      sj::ondemand::field field;
      if (std::move(member).get(field)) return false;
      const char* const name = field.key().raw();
      const char* quote = name;
      while (*quote != '"' && *quote != '\\') ++quote;
      if (*quote == '\\') return false;
      const std::string_view key(name, static_cast<std::size_t>(quote - name));
      for (const auto& known : keys_)
        if (known == key) return false;
      keys_.push_back(key);
      auto& value = field.value();
      if (key == "video") {
        std::string_view text;
        if (value.get_string().get(text)) return false;
        item.video = text;
      } else if (key == "proposals" && predictions_) {
        item.has_predictions = true;
        if (!read_list(value, true, [&](const Segment& segment, double score, std::string_view label) {
              batch.predictions.push_back({segment, score, batch.labels.id(label), 0});
            }))
          return false;
      } else if (key == "annotations" && truth_) {
        item.has_truth = true;
        if (!read_list(value, false, [&](const Segment& segment, double, std::string_view label) {
              batch.truths.push_back({segment, batch.labels.id(label)});
            }))
          return false;
      } else if (key == "duration") {
        if (value.get_double().get(item.duration) || !(item.duration > 0)) return false;
      } else if (key == "fps") {
        if (value.get_double().get(item.fps) || !(item.fps > 0)) return false;  // [num, den] too: Record reads it
      } else if (key == "subset") {
        std::string_view text;
        if (value.get_string().get(text)) return false;
        item.subset = text;
      } else if (key == "window") {
        return false;
      } else {
        // Skipping does not look at plain values: Record does, at the unusual ones.
        double number = 0;
        sj::ondemand::json_type type;
        if (value.type().get(type) || type == sj::ondemand::json_type::boolean || type == sj::ondemand::json_type::null) return false;
        if (type == sj::ondemand::json_type::number && value.get_double().get(number)) return false;
      }
    }
    return !item.video.empty() && document.current_location().error() == sj::OUT_OF_BOUNDS;
  }

  // What fast() could not take: right but unusual, or wrong; then the messages are Record's.
  void careful(std::string_view line, Batch& batch, Item& item) {
    try {
      record_.parse(line);
      item.video = record_.video();
      record_.require_whole_video();
      item.duration = record_.duration().value_or(0);
      if (const auto fps = record_.fps()) item.fps = fps->value();
      item.subset = record_.text("subset").value_or("");
      if (truth_ && record_.has("annotations")) {
        item.has_truth = true;
        for (const auto& a : record_.annotations(true)) batch.truths.push_back({a.segment, batch.labels.id(a.label)});
      }
      if (predictions_ && record_.has_proposals()) {
        item.has_predictions = true;
        for (const auto& p : record_.proposals()) batch.predictions.push_back({p.segment, p.score, batch.labels.id(p.label), 0});
      }
    } catch (Error& error) {
      throw error.at_video(record_.video());
    }
  }

  bool truth_, predictions_;
  sj::ondemand::parser parser_{kMaxLineBytes + 64};
  std::vector<std::string_view> keys_;
  Record record_;
};

}  // namespace

ReadCounts read_records(Tool& tool, const std::string& path, Dataset& data, bool truth, bool predictions, int jobs) {
  LineReader reader(path);
  ReadCounts counts;
  const auto fill = [&](Batch& batch) {
    constexpr std::size_t kBatchBytes = 1 << 20;
    std::string_view line;
    batch.lines.reserve(kBatchBytes + (1 << 18));
    while (batch.lines.size() < kBatchBytes && !tool.stopped() && reader.next(line)) {
      batch.spans.emplace_back(batch.lines.size(), line.size());
      batch.numbers.push_back(reader.line_number());
      batch.lines += line;
    }
    batch.lines.append(64, ' ');  // readable padding behind the last line
    return !batch.spans.empty();
  };
  const auto work = [&](Batch& batch, Parser& parser) {
    try {
      batch.items.reserve(batch.spans.size());
      for (const auto& [begin, size] : batch.spans)
        batch.items.push_back(parser.parse(std::string_view(batch.lines).substr(begin, size), batch));
    } catch (...) {
      batch.broken = std::current_exception();
    }
  };
  const auto take = [&](Batch& batch) {
    if (batch.broken) std::rethrow_exception(batch.broken);
    std::vector<std::uint32_t> label(batch.labels.size());
    for (std::uint32_t i = 0; i < label.size(); ++i) label[i] = data.labels.id(batch.labels.text(i));
    for (auto& entry : batch.truths) entry.label = label[entry.label];
    std::size_t t = 0, p = 0;
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
      Item& item = batch.items[i];
      const auto t_begin = t, p_begin = p;
      t = item.truth_end, p = item.prediction_end;
      ++counts.records;
      const auto report = [&](Error& error) {
        error.at_video(item.video);
        const auto& [begin, size] = batch.spans[i];
        tool.record_error(error.at_line(reader.source(), batch.numbers[i]), std::string_view(batch.lines).substr(begin, size));
      };
      if (item.failed) {
        report(item.error);
        continue;
      }
      try {
        const std::uint32_t id = data.video(item.video);
        Video& video = data.videos[id];
        if (predictions && video.predicted) throw Error("the video stands twice in the stream").at_field("video");
        if (truth && item.has_truth) {
          data.add_truth(item.video, item.subset, item.duration, item.fps, std::span(batch.truths).subspan(t_begin, t - t_begin));
        }
        if (predictions) {
          Video& entry = data.videos[id];
          entry.predicted = true;
          if (entry.duration == 0) entry.duration = item.duration;
          if (entry.fps == 0) entry.fps = item.fps;
          for (auto k = p_begin; k < p; ++k) {
            Prediction prediction = batch.predictions[k];
            prediction.label = label[prediction.label], prediction.video = id;
            data.predictions.push_back(prediction);
          }
        }
        counts.without_annotations += truth && !item.has_truth;
        counts.without_proposals += predictions && !item.has_predictions;
      } catch (Error& error) {
        report(error);
      }
    }
    if (reader.total_bytes() > 0) tool.progress(reader.bytes() >> 10, reader.total_bytes() >> 10, "KiB");
    else tool.progress(counts.records, 0, "records");
  };

  if (jobs <= 1) {
    Parser parser(truth, predictions);
    while (true) {
      Batch batch;
      if (!fill(batch)) break;
      work(batch, parser);
      take(batch);
    }
    return counts;
  }
  std::mutex mutex;
  std::condition_variable ready, finished;
  std::deque<Batch*> queue;
  std::deque<std::unique_ptr<Batch>> order;
  bool closing = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < jobs; ++i)
    threads.emplace_back([&] {
      Parser parser(truth, predictions);
      while (true) {
        Batch* batch;
        {
          std::unique_lock lock(mutex);
          ready.wait(lock, [&] { return closing || !queue.empty(); });
          if (queue.empty()) return;
          batch = queue.front();
          queue.pop_front();
        }
        work(*batch, parser);
        {
          std::lock_guard lock(mutex);
          batch->done = true;
        }
        finished.notify_one();
      }
    });
  const auto close = [&] {
    {
      std::lock_guard lock(mutex);
      closing = true;
    }
    ready.notify_all();
    for (auto& thread : threads) thread.join();
  };
  const auto take_front = [&] {
    {
      std::unique_lock lock(mutex);
      finished.wait(lock, [&] { return order.front()->done; });
    }
    take(*order.front());
    order.pop_front();
  };
  try {
    while (true) {
      auto batch = std::make_unique<Batch>();
      if (!fill(*batch)) break;
      {
        std::lock_guard lock(mutex);
        queue.push_back(batch.get());
      }
      order.push_back(std::move(batch));
      ready.notify_one();
      while (order.size() > static_cast<std::size_t>(2 * jobs)) take_front();
    }
    while (!order.empty()) take_front();
  } catch (...) {
    {
      std::lock_guard lock(mutex);
      queue.clear();
    }
    close();
    throw;
  }
  close();
  return counts;
}

}  // namespace tal::eval
