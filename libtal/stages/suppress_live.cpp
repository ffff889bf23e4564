// tal-nms --live: windows of videos that go on, each out with what is decided when it has come.
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "libtal/base/number.h"
#include "libtal/io/window.h"
#include "libtal/segment/live_suppress.h"
#include "libtal/stages/suppress.h"

namespace tal {
namespace {

// The windows of one video so far.
struct Source {
  Source(const NmsOptions& o, const Window& first) : live(o, o.max_wait), last(first) {}
  LiveSuppressor live;
  Window last;
  WindowOrder order;
  std::uint64_t gaps = 0;
  double duration = 0;
  bool begun = false;
};

class LiveStream {
 public:
  LiveStream(Tool& tool, const NmsOptions& o) : tool_(tool), o_(o) {}

  void take(Record& record) {
    const auto& proposals = record.require_scored_proposals();
    const auto window = window_of(record);
    if (ended_.count(record.video())) throw Error("nothing may follow its final window").at_field("video");
    if (!window) {
      if (sources_.count(record.video())) throw Error("missing; the video's records are windows").at_field("window");
      whole(record, proposals);
      ended_.insert(record.video());
      return;
    }
    auto& source = sources_[record.video()];
    const bool first = !source;
    if (first) source = std::make_unique<Source>(o_, *window);
    try {
      add(*source, *window, record, proposals);
    } catch (...) {
      if (first) sources_.erase(record.video());
      throw;
    }
    record.set_proposals(source->live.decided());
    // The stream goes on, but what the missing ones held is in no answer.
    if (const auto gap = source->order.gap(*window); !gap.empty()) {
      if (source->gaps++ == 0)
        tool_.warn("video '" + record.video() + "': before window " + std::to_string(window->index) + ", " + gap);
      else ++more_gaps_;
    }
    if (!window->final) return;
    overdue_ += source->live.overdue();
    ended_.insert(record.video());
    gone_ = std::move(source);  // its texts are written with the record
    sources_.erase(record.video());
  }

  // What still waits when the input ends without final windows: a record each.
  void end(const std::string& history) {
    for (auto& [video, source] : sources_) {
      tool_.note("video '" + video + "': no final window; what waited goes out in one more record");
      Record record = Record::make(video);
      const Window& last = source->last;
      std::string window = "{\"index\":" + std::to_string(last.index + 1) + ",\"start\":" + format_number(last.start) +
                           ",\"end\":" + format_number(last.end) + ",\"final\":true}";
      record.set_raw("window", std::move(window));
      source->live.end();
      overdue_ += source->live.overdue();
      record.set_proposals(source->live.decided());
      record.append_history(history);
      tool_.out().write_line(record.str());
    }
    if (more_gaps_ > 0)
      tool_.warn(std::to_string(more_gaps_) + (more_gaps_ == 1 ? " further gap" : " further gaps") +
                 " between windows of these videos");
    if (overdue_ > 0)
      tool_.warn(std::to_string(overdue_) + (overdue_ == 1 ? " proposal was" : " proposals were") +
                 " taken before all that overlap them were known (--max-wait)");
  }

 private:
  void whole(Record& record, const std::vector<Proposal>& proposals) const {
    record.set_proposals(suppress(proposals, needs_duration() ? record.require_duration() : 0, o_));
  }
  bool needs_duration() const { return o_.method == "bsn" || o_.method == "rpn" || o_.clip; }

  void add(Source& source, const Window& window, const Record& record, const std::vector<Proposal>& proposals) {
    const double duration = needs_duration() ? record.require_duration() : 0;
    if (source.begun) {
      const Window& last = source.last;
      if (window.index <= last.index)
        throw Error("is " + std::to_string(window.index) + " after " + std::to_string(last.index) +
                    ": windows come in order")
            .at_field("window.index");
      if (window.start < last.start)
        throw Error("is " + format_number(window.start) + ", before the last window's " + format_number(last.start))
            .at_field("window.start");
      if (duration != source.duration)
        throw Error("is " + format_number(duration) + ", and " + format_number(source.duration) +
                    " in the window before")
            .at_field("duration");
    }
    source.live.add(proposals, window.final ? std::numeric_limits<double>::infinity() : window.start - o_.early,
                    duration);
    source.last = window, source.duration = duration, source.begun = true;
  }

  Tool& tool_;
  const NmsOptions& o_;
  std::map<std::string, std::unique_ptr<Source>> sources_;
  std::unique_ptr<Source> gone_;
  std::set<std::string> ended_;
  std::uint64_t overdue_ = 0, more_gaps_ = 0;
};

}  // namespace

void run_live_suppress(Tool& tool, const NmsOptions& o) {
  if (const auto why = needs_whole_video(o); !why.empty()) throw UsageError("--live: " + why);
  const std::string& history = tool.history_entry();
  tool.end_by_signal();
  LiveStream stream(tool, o);
  map_records(tool, [&](Record& record) { stream.take(record); });
  stream.end(history);
}

}  // namespace tal
