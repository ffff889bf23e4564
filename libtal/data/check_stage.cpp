// Certifies a foreign stage: runs it on conforming, odd and broken records and looks at what comes back.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

using Clock = std::chrono::steady_clock;
using StageJson = nlohmann::json;

// Both ends of a pipe, closed when it goes.
struct Pipe {
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  ~Pipe() { close(0), close(1); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  // The end stays with the caller, who never waits for it.
  int take(int end) {
    ::fcntl(ends[end], F_SETFL, O_NONBLOCK);
    return std::exchange(ends[end], -1);
  }
  int ends[2] = {-1, -1};
};

// A child `sh -c command` in its own process group with its ends in our hands. It can write without end: of its output
// `most` lines are read, and kMostBytes, of what it says on stderr the last part is kept.
class Child {
 public:
  Child(const std::string& command, std::size_t most) : most_(most) {
    Pipe in, out, err;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::dup2(in.ends[0], 0), ::dup2(out.ends[1], 1), ::dup2(err.ends[1], 2);
      ::signal(SIGPIPE, SIG_DFL);
      ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    if (pid_ < 0) throw Error(std::string("cannot start the stage: ") + std::strerror(errno));
    ::setpgid(pid_, pid_);
    in_ = in.take(1), out_ = out.take(0), err_ = err.take(0);
  }
  ~Child() {
    close_input(), close_output();
    if (err_ >= 0) ::close(err_);
    if (pid_ > 0 && !status_) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Writes `text` and collects output until `lines` lines are there, the output ends, or the time is over.
  void talk(std::string_view text, std::size_t lines, Clock::time_point until) {
    while (true) {
      if (text.empty() && lines_ >= lines) return;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0 || (out_ < 0 && (in_ < 0 || text.empty()))) return;
      pollfd fds[3] = {{out_, POLLIN, 0}, {text.empty() ? -1 : in_, POLLOUT, 0}, {err_, POLLIN, 0}};
      ::poll(fds, 3, static_cast<int>(left));
      if (fds[1].revents) {
        const ssize_t sent = ::write(in_, text.data(), std::min<std::size_t>(text.size(), 1 << 14));
        if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EAGAIN && errno != EINTR) close_input(), text = {};  // it reads no more
      }
      if (fds[0].revents) {
        char chunk[1 << 14];
        const ssize_t got = ::read(out_, chunk, sizeof chunk);
        if (got > 0) take({chunk, static_cast<std::size_t>(got)});
        else if (got == 0 || (errno != EAGAIN && errno != EINTR)) close_output();
      }
      if (fds[2].revents) hear();
    }
  }
  void close_input() {
    if (in_ >= 0) ::close(in_);
    in_ = -1;
  }
  void close_output() {
    if (out_ >= 0) ::close(out_);
    out_ = -1;
  }
  // Exit status (128 + signal), nullopt when it does not end in time.
  std::optional<int> wait(Clock::time_point until) {
    while (!status_) {
      int raw = 0;
      if (::waitpid(pid_, &raw, WNOHANG) == pid_) status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
      else if (Clock::now() >= until) break;
      else ::usleep(2000);
      hear();  // a full pipe would hold it up
    }
    return status_;
  }
  std::size_t lines() const { return lines_; }
  bool ended_output() const { return out_ < 0; }
  bool overflowed() const { return overflowed_; }

  std::string output, complaints;  // the end of what it wrote on stderr

 private:
  static constexpr std::size_t kMostBytes = std::size_t{1} << 28, kComplaints = 4096;

  void take(std::string_view chunk) {
    output += chunk;
    lines_ += static_cast<std::size_t>(std::count(chunk.begin(), chunk.end(), '\n'));
    if (lines_ <= most_ && output.size() <= kMostBytes) return;
    overflowed_ = true;
    close_output();  // which ends most of those that write on
  }
  void hear() {
    char chunk[1 << 12];
    ssize_t got = 1;
    for (int i = 0; i < 16 && err_ >= 0 && got > 0; ++i) {  // it may say more without end
      got = ::read(err_, chunk, sizeof chunk);
      if (got > 0) complaints.append(chunk, static_cast<std::size_t>(got));
      else if (got == 0 || (errno != EAGAIN && errno != EINTR)) ::close(std::exchange(err_, -1));
      if (complaints.size() > 2 * kComplaints) complaints.erase(0, complaints.size() - kComplaints);
    }
  }

  const std::size_t most_;
  std::size_t lines_ = 0;
  bool overflowed_ = false;
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  std::optional<int> status_;
};

// A field that no stage knows, with white space, escapes and number spellings that a careless rewrite would change.
constexpr const char* kOdd =
    "{\"a\": 1.0,\"b\" :[1e2, -0.0,1.50 ], \"c\":\"\\u00e9\\/\xc3\xa9\",\"big\":12345678901234567890}";

std::string conforming(int i) {
  const std::string n = std::to_string(i);
  return "{\"video\":\"stage_check_" + n + "\",\"x_unknown\":" + kOdd + ",\"duration\":" + std::to_string(100 + i) +
         ",\"fps\":[30000,1001],\"subset\":\"validation\",\"annotations\":[{\"segment\":[1.5,9.25],\"label\":\"Run\"}]"
         "," +
         "\"proposals\":[{\"segment\":[1,9.5],\"score\":0.9,\"label\":\"Run\"},{\"segment\":[20,31],\"score\":0.25,"
         "\"label\":\"Jump\"},{\"segment\":[40,41],\"score\":0.125}]}";
}

// Whether two texts are the same to a reader of JSON that has doubles for numbers.
bool same_value(const StageJson& a, const StageJson& b) {
  if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_object())
    return std::all_of(a.items().begin(), a.items().end(), [&](const auto& member) {
      const auto found = b.find(member.key());
      return found != b.end() && same_value(member.value(), *found);
    });
  if (a.is_array()) return std::equal(a.begin(), a.end(), b.begin(), same_value);
  return a == b;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string status_text(const std::optional<int>& status) {
  return status ? "status " + std::to_string(*status) : std::string("it did not end in time");
}

// What a stage did with an input: what it wrote, whether that was more than an answer can be, and its status if it
// ended in time.
struct Answer {
  std::string output;
  bool overflowed = false;
  std::optional<int> status;
};

// What can be shown of it: the last lines, without what would move a terminal.
std::string last_lines(std::string text) {
  constexpr std::ptrdiff_t kLines = 6;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  std::ptrdiff_t lines = 0;
  for (std::size_t at = text.size(); at-- > 0;)
    if (text[at] == '\n' && ++lines == kLines) {
      text.erase(0, at + 1);
      break;
    }
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; }, '?');
  return text;
}

class Certifier {
 public:
  Certifier(const std::string& command, double timeout) : command_(command), timeout_(timeout) {}

  // Error when there is no such command.
  void streaming() {
    constexpr int kCannotStart = 126, kNotFound = 127;  // what sh ends with
    Child child(command_, 1);
    const auto until = deadline();
    child.talk(conforming(0) + "\n", 1, until);
    if (child.ended_output() && child.output.empty())
      if (const int status = child.wait(until).value_or(0); status == kCannotStart || status == kNotFound) {
        const auto why = last_lines(child.complaints);
        throw Error("--stage: '" + command_ + "' cannot be started" + (why.empty() ? "" : ": " + why));
      }
    complaints_ = child.complaints;
    say("streaming: a record comes out before the next one goes in", child.lines() == 1,
        (child.overflowed() ? "more than 1 line" : std::to_string(child.lines()) + " lines") + " came back within " +
            format_number(timeout_) + " s while the input stayed open");
  }

  void records() {
    const auto answer = converse(input_, kCount);
    const auto lines = split(answer.output);
    say("status 0 on good records", answer.status == 0, status_text(answer.status));
    std::string parse_fault, order_fault, unknown_fault, bytes_fault;  // the first of each
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string line = "line " + std::to_string(i + 1);
      Record record;
      try {
        record.parse(lines[i]);
        record.annotations(true, Points::kTaken), record.proposals(Points::kTaken), record.features(),
            record.duration();
      } catch (const Error& error) {
        if (parse_fault.empty()) parse_fault = line + ": " + error.what();
        continue;
      }
      if (order_fault.empty() && record.video() != "stage_check_" + std::to_string(i))
        order_fault = line + " is '" + record.video() + "'";
      const auto raw = record.raw("x_unknown");
      const std::string what = line + ": " + (raw ? "became " + std::string(*raw) : std::string("the field is gone"));
      if (bytes_fault.empty() && (!raw || *raw != kOdd)) bytes_fault = what;
      if (unknown_fault.empty() && (!raw || !same_value(StageJson::parse(*raw), StageJson::parse(kOdd))))
        unknown_fault = what;
    }
    const bool all = lines.size() == kCount && !answer.overflowed;
    say("stdout carries valid records only", parse_fault.empty() && !lines.empty(),
        lines.empty() ? "nothing came out" : parse_fault);
    say("no record lost or added", all,
        std::to_string(kCount) + " in, " +
            (answer.overflowed ? "more out, of which " + std::to_string(lines.size()) + " were read"
                               : std::to_string(lines.size()) + " out"));
    say("order kept", order_fault.empty() && all, order_fault.empty() ? "records are missing" : order_fault);
    say("unknown fields keep their values", unknown_fault.empty() && !lines.empty(),
        lines.empty() ? "nothing came out" : unknown_fault);
    say("unknown fields pass byte for byte", bytes_fault.empty() && !lines.empty(),
        lines.empty() ? "nothing came out" : bytes_fault, /*required=*/false);
    say("the last line ends with a newline", !answer.output.empty() && answer.output.back() == '\n', "it does not");
    say("the same input gives the same bytes", converse(input_, kCount).output == answer.output, "two runs differ");
  }

  void ends_of_input() {
    const auto nothing = converse("", 0);
    say("empty input: no output, status 0", nothing.status == 0 && nothing.output.empty(),
        status_text(nothing.status) + ", " + std::to_string(nothing.output.size()) + " bytes" +
            (nothing.overflowed ? " and more" : ""));
    const auto unended = converse(conforming(0) + "\n" + conforming(1), 2);
    const auto count = split(unended.output).size();
    say("a last line without newline is a record", unended.status == 0 && count == 2 && !unended.overflowed,
        status_text(unended.status) + ", " + std::to_string(count) + " of 2 records");
  }

  void broken_record() {
    const auto answer = converse(conforming(0) + "\n{\"video\":\"cut\",\"duration\":3,\"propo\n", 2);
    // 128 and more: by a signal.
    say("a broken record ends it with a status that is not 0",
        answer.status && *answer.status > 0 && *answer.status < 126, status_text(answer.status));
    const auto kept = split(answer.output);
    bool first = false;
    if (!kept.empty()) {
      Record record;
      try {
        record.parse(kept[0]);
        first = record.video() == "stage_check_0";
      } catch (const Error&) {
      }
    }
    say("records before a broken one are not lost", first, "the good record did not come out");
  }

  void closed_output() {
    Child child(command_, 0);
    child.close_output();
    const auto until = deadline();
    child.talk(input_, 0, until);
    child.close_input();
    const auto status = child.wait(until);
    complaints_ = child.complaints;
    say("ends when its output is closed", status.has_value(), status_text(status));
  }

  std::vector<Promise> promises;

 private:
  static constexpr int kCount = 300;

  static std::string many() {
    std::string input;
    for (int i = 0; i < kCount; ++i) input += conforming(i) + "\n";
    return input;
  }
  Clock::time_point deadline() const {
    return Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(timeout_ * 1000));
  }
  void say(std::string name, bool kept, std::string detail, bool required = true) {
    promises.push_back({std::move(name), kept ? "" : std::move(detail), kept, required,
                        kept || !required ? "" : last_lines(complaints_)});
  }
  // Input larger than a pipe must go in while output comes out: one conversation, then the end of the input.
  Answer converse(const std::string& input, std::size_t most) {
    Child child(command_, most);
    const auto until = deadline();
    child.talk(input, 0, until);
    child.close_input();
    child.talk("", SIZE_MAX, until);
    auto status = child.wait(until);
    complaints_ = child.complaints;
    return {child.output, child.overflowed(), status};
  }

  const std::string& command_;
  const double timeout_;
  const std::string input_ = many();
  std::string complaints_;  // of the last conversation
};

}  // namespace

std::vector<Promise> certify_stage(const std::string& command, double timeout) {
  // Writing to a stage that went away must come back as an error, not end the caller.
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  Certifier certifier(command, timeout);
  certifier.streaming();
  certifier.records();
  certifier.ends_of_input();
  certifier.broken_record();
  certifier.closed_output();
  ::signal(SIGPIPE, before);
  return std::move(certifier.promises);
}

}  // namespace tal
