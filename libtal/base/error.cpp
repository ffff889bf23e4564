#include "libtal/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "libtal/base/text.h"

namespace tal {

Error& Error::in_file(std::string_view path) {
  if (file_.empty()) file_ = path, message_ = "'" + file_ + "': " + message_;
  compose();
  return *this;
}

Error& Error::at_field(std::string_view field) {
  if (field_.empty()) field_ = field;
  compose();
  return *this;
}

Error& Error::at_video(std::string_view video) {
  if (video_.empty()) video_ = video;
  compose();
  return *this;
}

Error& Error::at_line(std::string_view source, std::uint64_t line) {
  if (source_.empty()) source_ = source, line_ = line;
  compose();
  return *this;
}

void Error::compose() {
  what_.clear();
  if (!source_.empty()) {
    what_ += source_;
    if (line_ > 0) (what_ += ":") += std::to_string(line_);
    what_ += ": ";
  }
  if (!video_.empty()) ((what_ += "video '") += video_) += "': ";
  if (!field_.empty()) (what_ += field_) += ": ";
  what_ += message_;
}

void throw_errno(std::string_view path, int error_number) {
  const auto kind = error_number == ENOENT ? Error::Kind::kNoFile : Error::Kind::kOther;
  throw Error(std::strerror(error_number), kind).in_file(path);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (ascii_lower(a[i - 1]) != ascii_lower(b[j - 1]))});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace tal
