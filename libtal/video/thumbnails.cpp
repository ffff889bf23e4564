#include "libtal/video/thumbnails.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/video/decoder.h"
#include "libtal/video/media_reader.h"
#include "libtal/video/picture_maker.h"

namespace tal {
namespace {

constexpr int kJpegQuality = 70;
constexpr double kSamePicture = 1e-6;  // seconds

Thumbnail thumbnail(double time, const cv::Mat& picture) {
  const double scale = static_cast<double>(kThumbnailHeight) / picture.rows;
  const int width = std::clamp(static_cast<int>(std::lround(picture.cols * scale)), 1, 8 * kThumbnailHeight);
  cv::Mat small;
  cv::resize(picture, small, cv::Size(width, kThumbnailHeight), 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  std::vector<unsigned char> bytes;
  cv::imencode(".jpg", small, bytes, {cv::IMWRITE_JPEG_QUALITY, kJpegQuality});
  return {time, {bytes.begin(), bytes.end()}, width, kThumbnailHeight};
}

// Looks for pictures from part to part: the one that can be decoded by itself before a part's middle, or, where that
// lies in a part before, the first picture of the part, decoded on the way from there.
class PartReader {
 public:
  PartReader(const std::string& path, const DecodeOptions& options)
      : path_(path), options_(options), keys_(path, 0, options) {}

  MediaReader& keys() { return keys_; }
  // nullptr: the part has none that can be decoded. Good until the next call.
  const AVFrame* find(double begin, double middle, double end, double first) {
    if (!keys_.seek(middle) && !keys_.seek(first)) throw Error("'" + path_ + "': cannot be searched");
    const AVFrame* key = keys_.next();
    if (!key) return nullptr;  // damaged there
    const double key_time = keys_.stamp(*key);
    if (!std::isfinite(key_time)) return nullptr;
    if (key_time > begin - kSamePicture) return key_time < end ? key : nullptr;
    return walk_to(begin, middle, end, key_time);
  }

 private:
  // With a reader of its own, so that what several parts share is decoded once.
  const AVFrame* walk_to(double begin, double middle, double end, double key_time) {
    if (!walker_) walker_.emplace(path_, 0, options_);
    if (at_ < key_time - kSamePicture) {
      if (!walker_->seek(middle)) return nullptr;
      walked_ = walker_->next();
    }
    for (; walked_; walked_ = walker_->next()) {
      at_ = walker_->stamp(*walked_);
      if (!std::isfinite(at_)) return nullptr;
      if (at_ > begin - kSamePicture) return at_ < end ? walked_ : nullptr;
    }
    return nullptr;
  }

  std::string path_;
  DecodeOptions options_;
  MediaReader keys_;
  std::optional<MediaReader> walker_;
  const AVFrame* walked_ = nullptr;  // of walker_, not passed yet
  double at_ = -1e300;               // its time
};

}  // namespace

std::vector<Thumbnail> make_thumbnails(const std::string& path, int count) {
  prepare_opencv();
  DecodeOptions options;
  options.threads = 1;  // more would each want pictures that nobody looks at
  PartReader parts(path, options);
  MediaReader& reader = parts.keys();
  bool exact = false;
  const auto* matrix = reader.display_matrix();
  PictureMaker maker(options, matrix ? turn_of(matrix, exact) : PictureTurn{});
  const AVFrame* frame = reader.next();
  if (!frame) throw Error("'" + path + "': no picture can be decoded");
  const double stamp = reader.stamp(*frame), first = std::isfinite(stamp) ? stamp : 0;
  const double length = reader.claims().end - first;
  if (!(length > 0)) throw Error("'" + path + "': states no duration");

  std::vector<Thumbnail> out;
  VideoPicture picture;
  const auto edge = [&](double part) { return first + part / count * length; };
  for (int i = 0; i < count; ++i) {
    frame = parts.find(edge(i), edge(i + 0.5), edge(i + 1.0), first);
    if (!frame) continue;
    maker.make(*frame, picture);
    out.push_back(thumbnail(std::max(0.0, reader.stamp(*frame) - first), picture.bgr));
  }
  return out;
}

}  // namespace tal
