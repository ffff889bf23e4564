#include "libtal/video/thumbnails.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

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

}  // namespace

std::vector<Thumbnail> make_thumbnails(const std::string& path, int count) {
  prepare_opencv();
  DecodeOptions options;
  options.threads = 1;  // more would each want pictures that nobody looks at
  MediaReader reader(path, 0, options);
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
  double last = -1;
  for (int i = 0; i < count; ++i) {
    const double wanted = first + (i + 0.5) / count * length;
    if (!reader.seek(wanted) && !reader.seek(first)) throw Error("'" + path + "': cannot be searched");
    frame = reader.next();
    if (!frame) continue;  // damaged there
    const double time = std::max(0.0, reader.stamp(*frame) - first);
    if (!std::isfinite(time) || time < last + kSamePicture) continue;
    last = time;
    maker.make(*frame, picture);
    out.push_back(thumbnail(time, picture.bgr));
  }
  return out;
}

}  // namespace tal
