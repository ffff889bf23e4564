// Suppression of proposals that come window by window: each is given out once nothing that may still come can change
// it.
//
// What is given out, over all windows, is what suppress() keeps of all proposals together, to the last bit. The rules
// take the best remaining proposal again and again, but only those that overlap can change one another. So a proposal
// may be taken before the stream's end when no later window can bring one that overlaps it (a window starts at or
// behind its end) and none that waits, overlaps it and would change it, stands above it; scores only fall. Scores are
// multiplied in the order in which the whole stream takes its proposals (falling scores), whatever order they are
// decided in.
//
// A proposal waits for a better one that overlaps it, which may wait for a better one still: max_wait ends that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libtal/io/record.h"
#include "libtal/segment/suppress.h"

namespace tal {

// What of the options needs all proposals at once: "--top-k 200 keeps the best of the whole video"; "": nothing.
std::string needs_whole_video(const SuppressOptions& options);

// Of one video.
class LiveSuppressor {
 public:
  // max_wait: seconds behind a proposal's end, 0: no bound. Then it is decided with those that are known.
  // The options must be without a fault by needs_whole_video().
  LiveSuppressor(const SuppressOptions& options, double max_wait);
  ~LiveSuppressor();
  LiveSuppressor(const LiveSuppressor&) = delete;
  LiveSuppressor& operator=(const LiveSuppressor&) = delete;

  // Takes the proposals of one window; those to come start at `later` or behind it. duration: as of suppress().
  // Error with the field, and nothing is taken, when one of them starts before the `later` of the call before, or as
  // suppress().
  void add(const std::vector<Proposal>& proposals, double later, double duration);
  void end();  // nothing comes any more
  // What the last call decided, by falling score. The texts are good until the next call.
  const std::vector<Proposal>& decided() const { return decided_; }

  std::size_t held() const;                           // proposals in memory
  std::uint64_t overdue() const { return overdue_; }  // taken for want of time, by max_wait

 private:
  struct Item;
  class Group;
  void decide();

  const SuppressOptions options_;
  const double max_wait_;
  double later_, duration_ = 0;
  std::uint64_t count_ = 0, overdue_ = 0;
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;  // by label
  std::vector<std::unique_ptr<Item>> given_;                           // whose texts decided_ has
  std::vector<Proposal> decided_;
};

}  // namespace tal
