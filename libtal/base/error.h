// The one error type of libtal. Nothing but the runner prints or exits: all else throws Error, and the
// runner (libtal/cli/tool.h) turns it into one line on stderr and an exit status.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tal {

// Something in the input, a file or the run is wrong (exit status 1). Places are filled in from the inside out:
// a parser knows the field, the record knows the video, the reader knows source and line.
class Error : public std::exception {
 public:
  // What went wrong, for callers that treat some errors differently; the message is for people.
  enum class Kind {
    kOther,
    kNoFile,  // the file is not there
    kNotUtf8,
    kNotFinite,    // a finite number was due: NaN, 1e999, or no number at all
    kRepeatedKey,  // of an object
  };

  explicit Error(std::string message, Kind kind = Kind::kOther) : message_(std::move(message)), kind_(kind) {
    compose();
  }

  // Each setter keeps what is already known (the innermost place wins) and returns *this for chaining.
  Error& in_file(std::string_view path);  // the message becomes "'path': message"
  Error& at_field(std::string_view field);
  Error& at_video(std::string_view video);
  Error& at_line(std::string_view source, std::uint64_t line);  // line 0: whole file

  Kind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::string& file() const { return file_; }  // that the error is about; "" when none is
  const std::string& source() const { return source_; }
  const std::string& video() const { return video_; }
  const std::string& field() const { return field_; }
  std::uint64_t line() const { return line_; }

  // "stdin:17: video 'v_x': proposals[3].segment: end 2.1 is not after start 4"
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  void compose();
  std::string message_, file_, source_, video_, field_, what_;
  Kind kind_;
  std::uint64_t line_ = 0;
};

// The command line asks for something that makes no sense (exit status 2).
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Error in words for errno, with the path: 'x.npy': No such file or directory.
[[noreturn]] void throw_errno(std::string_view path, int error_number);

// The member of `known` nearest to `word` by edit distance, or "" when none is near; for "did you mean".
template <class Range>
std::string_view nearest(std::string_view word, const Range& known);
std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::string_view nearest(std::string_view word, const Range& known) {
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 2;  // further away is not a typing error
  for (const auto& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) best_distance = distance, best = candidate;
  }
  return best;
}

}  // namespace tal
