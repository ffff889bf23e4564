#include "libtal/stream/records.h"

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "libtal/io/places.h"
#include "libtal/stream/ordered_pool.h"

namespace tal {
namespace {

using Transform = std::function<void(Record&, std::string&)>;

// The records read so far as progress: by bytes where the input's size is known.
class Seen {
 public:
  Seen(Run& run, const LineReader& reader) : run_(run), reader_(reader) {}
  void add(std::uint64_t records) {
    count_ += records;
    if (reader_.total_bytes() > 0) run_.progress(reader_.bytes() >> 10, reader_.total_bytes() >> 10, "KiB");
    else run_.progress(count_, 0, "records");
  }

 private:
  Run& run_;
  const LineReader& reader_;
  std::uint64_t count_ = 0;
};

// Errors get their place: source, line and video.
template <class Body>
void with_record(Record& record, std::string_view line, const std::string& source, std::uint64_t number, Body&& body) {
  try {
    record.parse(line);
    body();
  } catch (Error& error) {
    error.at_video(record.video());
    throw error.at_line(source, number);
  }
}

// A record that fails leaves nothing in the output.
void transform(const Transform& fn, Record& record, std::string_view line, const std::string& source,
               std::uint64_t number, std::string& output) {
  const std::size_t before = output.size();
  try {
    with_record(record, line, source, number, [&] { fn(record, output); });
  } catch (...) {
    output.resize(before);
    throw;
  }
}

void transform_one_by_one(Run& run, const Transform& fn) {
  Output& out = run.out();
  LineReader reader(run.options().input, run.meter());
  Seen seen(run, reader);
  Record record;
  record.look_in(places_of(reader.source(), run.options().features_root));
  std::string_view line;
  while (!run.stopped()) {
    if (!out.buffer().empty() && reader.would_block()) out.flush();
    if (!reader.next(line)) break;
    try {
      transform(fn, record, line, reader.source(), reader.line_number(), out.buffer());
    } catch (const Error& error) {
      run.record_error(error, line);
    }
    out.spill();
    seen.add(1);
  }
}

// Lines on their way through the workers. They are stored in one buffer, the results likewise.
struct Batch {
  struct Line {
    std::size_t begin, size;
    std::uint64_t number;
  };
  struct Fault {
    std::size_t output_size;  // the fault stands behind this many bytes of output
    Error error;
    std::string line;
  };
  std::string text, output;
  std::vector<Line> lines;
  std::vector<Fault> faults;
  std::exception_ptr broken;  // what is no fault of a record; the lines before it are done
};

void transform_batch(const Transform& fn, Record& record, const std::string& source, Batch& batch) {
  try {
    for (const auto& [begin, size, number] : batch.lines) {
      const auto line = std::string_view(batch.text).substr(begin, size);
      try {
        transform(fn, record, line, source, number, batch.output);
      } catch (const Error& error) {
        batch.faults.push_back({batch.output.size(), error, std::string(line)});
      }
    }
  } catch (...) {
    batch.broken = std::current_exception();
  }
}

void write(Run& run, const Batch& batch) {
  std::size_t at = 0;
  for (const auto& fault : batch.faults) {
    run.out().write(std::string_view(batch.output).substr(at, fault.output_size - at));
    at = fault.output_size;
    run.record_error(fault.error, fault.line);
  }
  run.out().write(std::string_view(batch.output).substr(at));
  if (batch.broken) std::rethrow_exception(batch.broken);
}

void transform_in_batches(Run& run, const Transform& fn) {
  constexpr std::size_t kBatchBytes = 1 << 17;
  Output& out = run.out();
  LineReader reader(run.options().input, run.meter());
  Seen seen(run, reader);
  const int jobs = run.options().jobs;
  OrderedPool<Batch> workers(
      jobs, [&fn, source = reader.source(), places = places_of(reader.source(), run.options().features_root)] {
        auto record = std::make_shared<Record>();
        record->look_in(places);
        return [&fn, source, record](Batch& batch) { transform_batch(fn, *record, source, batch); };
      });
  const auto write_down_to = [&](std::size_t left) {
    while (workers.size() > left) {
      const auto batch = workers.take();
      write(run, *batch);
      seen.add(batch->lines.size());
    }
  };
  std::string_view line;
  bool more = true;
  while (more && !run.stopped()) {
    auto batch = std::make_unique<Batch>();
    while (batch->text.size() < kBatchBytes) {
      if (reader.would_block()) {  // nothing waits for input that may be long in coming
        if (!batch->lines.empty()) break;
        write_down_to(0);
        out.flush();
      }
      if (!reader.next(line)) {
        more = false;
        break;
      }
      batch->lines.push_back({batch->text.size(), line.size(), reader.line_number()});
      batch->text += line;
    }
    if (batch->lines.empty()) break;
    workers.add(std::move(batch));
    write_down_to(2 * static_cast<std::size_t>(jobs) + 2);
  }
  write_down_to(0);
}

// A record on its way through map_record_groups().
struct GroupedRecord {
  std::string line;
  std::uint64_t number = 0;
  Record record;
  std::any loaded;
  std::function<void(Record&)> finish;
  std::optional<Error> fault;
  std::string output;
};

// body(), unless an earlier step failed. Errors get their place and stay with the record.
template <class Body>
void step(GroupedRecord& item, const std::string& source, Body&& body) {
  if (item.fault) return;
  try {
    body();
  } catch (Error& error) {
    error.at_video(item.record.video());
    item.fault = error.at_line(source, item.number);
  }
}

class GroupedRecords {
 public:
  GroupedRecords(Run& run, const RecordGroups& groups)
      : run_(run),
        groups_(groups),
        history_(run.history_entry()),
        out_(run.out()),
        reader_(run.options().input, run.meter()),
        seen_(run, reader_),
        places_(places_of(reader_.source(), run.options().features_root)),
        loading_(groups.threads, [this] { return [this](GroupedRecord& item) { load(item); }; }),
        finishing_(groups.threads, [this] { return [this](GroupedRecord& item) { finish(item); }; }) {}

  void map() {
    const std::size_t ahead = groups_.threads > 1 ? 2 * groups_.size : groups_.size;
    std::string_view line;
    while (!run_.stopped()) {
      if (reader_.would_block()) {  // nothing waits for input that may be long in coming
        work_down_to(0);
        write_down_to(0);
        out_.flush();
      }
      if (!reader_.next(line)) break;
      auto item = std::make_unique<GroupedRecord>();
      item->line = line;
      item->number = reader_.line_number();
      loading_.add(std::move(item));
      if (loading_.size() >= ahead) work_down_to(ahead - groups_.size);
    }
    work_down_to(0);
    write_down_to(0);
  }

 private:
  void load(GroupedRecord& item) const {
    item.record.look_in(places_);
    step(item, reader_.source(), [&] {
      item.record.parse(item.line);
      item.loaded = groups_.load(item.record);
    });
  }

  void finish(GroupedRecord& item) const {
    step(item, reader_.source(), [&] {
      item.finish(item.record);
      item.record.append_history(history_);
      item.record.write(item.output);
      item.output += '\n';
    });
  }

  void work_down_to(std::size_t left) {
    while (loading_.size() > left) {
      std::vector<std::unique_ptr<GroupedRecord>> group;
      while (group.size() < groups_.size && !loading_.empty()) group.push_back(loading_.take());
      work(group);
      for (auto& item : group) finishing_.add(std::move(item));
      write_down_to(groups_.threads > 1 ? 2 * groups_.size : 0);
    }
  }

  void work(std::span<std::unique_ptr<GroupedRecord>> group) const {
    std::vector<GroupedRecord*> good;
    for (const auto& item : group)
      if (!item->fault) good.push_back(item.get());
    if (good.empty()) return;
    if (good.size() > 1) try {
        return work_on(good);
      } catch (const Error&) {  // whose it is shows when each is alone
      }
    for (GroupedRecord* item : good) step(*item, reader_.source(), [&] { work_on({&item, 1}); });
  }

  void work_on(std::span<GroupedRecord* const> items) const {
    std::vector<std::any> loaded;
    for (const GroupedRecord* item : items) loaded.push_back(item->loaded);
    auto finishes = groups_.work(loaded);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i]->finish = std::move(finishes.at(i));
      items[i]->loaded.reset();
    }
  }

  void write_down_to(std::size_t left) {
    while (finishing_.size() > left) {
      const auto item = finishing_.take();
      if (item->fault) run_.record_error(*item->fault, item->line);
      out_.write(item->output);
      seen_.add(1);
    }
  }

  Run& run_;
  const RecordGroups& groups_;
  const std::string& history_;
  Output& out_;
  LineReader reader_;
  Seen seen_;
  const std::shared_ptr<const FilePlaces> places_;
  OrderedPool<GroupedRecord> loading_, finishing_;
};

}  // namespace

void map_record_groups(Run& run, const RecordGroups& groups) { GroupedRecords(run, groups).map(); }

void transform_records(Run& run, const Transform& fn) {
  run.options().jobs > 1 ? transform_in_batches(run, fn) : transform_one_by_one(run, fn);
}

void map_records(Run& run, const std::function<void(Record&)>& fn) {
  const std::string& history = run.history_entry();
  transform_records(run, [&](Record& record, std::string& out) {
    fn(record);
    record.append_history(history);
    record.write(out);
    out += '\n';
  });
}

void for_each_record(Run& run, const std::string& path, const std::function<void(Record&, const LineReader&)>& fn) {
  LineReader reader(path, run.meter());
  Seen seen(run, reader);
  Record record;
  record.look_in(places_of(reader.source(), run.options().features_root));
  std::string_view line;
  while (!run.stopped() && reader.next(line)) {
    try {
      with_record(record, line, reader.source(), reader.line_number(), [&] { fn(record, reader); });
    } catch (const Error& error) {
      run.record_error(error, line);
    }
    seen.add(1);
  }
}

}  // namespace tal
