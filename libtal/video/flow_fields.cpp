#include "libtal/video/flow_fields.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <vector>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "libtal/base/error.h"
#include "libtal/io/jsonl.h"
#include "libtal/video/preprocess.h"

namespace tal {
namespace {

std::uint8_t level(float value) {
  return static_cast<std::uint8_t>(
      cvRound(255 * (std::clamp(value, -kFlowBound, kFlowBound) + kFlowBound) / (2 * kFlowBound)));
}

cv::Mat levels_of(const cv::Mat& field) {
  cv::Mat levels(field.size(), CV_8UC2);
  for (int y = 0; y < field.rows; ++y)
    std::transform(field.ptr<float>(y), field.ptr<float>(y) + 2 * field.cols, levels.ptr<std::uint8_t>(y), level);
  return levels;
}

std::array<std::string, 2> cache_files(const std::string& folder, std::int64_t field) {
  std::array<std::string, 2> out;
  for (std::size_t c = 0; c < 2; ++c) {
    char name[40];
    std::snprintf(name, sizeof name, "/flow_%c_%05lld.png", c == 0 ? 'x' : 'y', static_cast<long long>(field + 1));
    out[c] = folder + name;
  }
  return out;
}

// Empty when one is missing, damaged, or of another size.
cv::Mat read_cached(const std::array<std::string, 2>& files, const cv::Size& size) {
  std::vector<cv::Mat> parts;
  for (const auto& file : files) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return {};
    const cv::Mat part = cv::imread(file, cv::IMREAD_UNCHANGED);
    if (part.size() != size || part.type() != CV_8UC1) return {};
    parts.push_back(part);
  }
  cv::Mat levels;
  cv::merge(parts, levels);
  return levels;
}

void write_cached(const std::array<std::string, 2>& files, const cv::Mat& levels) {
  std::vector<cv::Mat> parts;
  cv::split(levels, parts);
  for (std::size_t c = 0; c < 2; ++c) {
    std::vector<std::uint8_t> bytes;
    cv::imencode(".png", parts[c], bytes);
    AtomicFile file(files[c]);
    file.write(bytes.data(), bytes.size());
    file.commit();
  }
}

}  // namespace

FlowFields::FlowFields(const Preprocessing& preprocessing, const std::string& method)
    : preprocessing_(preprocessing), method_(method) {
  if (method == "block") throw UsageError("networks that see flow need --flow tvl1, dis or farneback");
  flow_ = make_flow(method);
  still_ = cv::Mat(preprocessing.crop, preprocessing.crop, CV_8UC2, cv::Scalar(level(0), level(0)));
}

void FlowFields::reset(const std::string& cache) {
  cache_ = cache;
  fields_.clear();
  previous_.release();
  frames_ = 0;
}

void FlowFields::push(const cv::Mat& bgr) {
  cv::Mat resized, grey, picture;
  cv::resize(bgr, resized, resized_size(bgr.size(), preprocessing_), 0, 0, cv::INTER_LINEAR);
  cv::cvtColor(resized, grey, cv::COLOR_BGR2GRAY);
  if (!previous_.empty()) {
    preprocess(field_to(grey), preprocessing_, picture);
    fields_.push(std::move(picture));
  }
  previous_ = grey;
  ++frames_;
}

std::vector<cv::Mat> FlowFields::between(std::span<const std::int64_t> frames) const {
  std::vector<cv::Mat> fields;
  for (std::size_t i = 0; i + 1 < frames.size(); ++i)
    fields.push_back(frames[i] == frames[i + 1] ? still_ : fields_.at(frames[i]));
  return fields;
}

cv::Mat FlowFields::field_to(const cv::Mat& grey) {
  std::array<std::string, 2> files;
  if (!cache_.empty()) {
    const auto folder = cache_ + "/" + method_ + "-" + std::to_string(grey.cols) + "x" + std::to_string(grey.rows);
    if (frames_ == 1) std::filesystem::create_directories(folder);
    files = cache_files(folder, frames_ - 1);
    if (cv::Mat levels = read_cached(files, grey.size()); !levels.empty()) return levels;
  }
  cv::Mat field;
  flow_->compute(previous_, grey, field);
  const cv::Mat levels = levels_of(field);
  if (!cache_.empty()) write_cached(files, levels);
  return levels;
}

}  // namespace tal
