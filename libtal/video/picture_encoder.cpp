#include "libtal/video/picture_encoder.h"

#include <algorithm>
#include <deque>
#include <map>

#include <opencv2/imgproc.hpp>

#include "libtal/base/error.h"
#include "libtal/video/preprocess.h"

namespace tal {
namespace {

// Prepared pictures of the frames that may still be asked for, by number.
class HeldPictures {
 public:
  void clear() { held_.clear(), first_ = 0; }
  void push(cv::Mat picture) { held_.push_back(std::move(picture)); }
  const cv::Mat& at(std::int64_t number) const { return held_.at(static_cast<std::size_t>(number - first_)); }
  void release(std::int64_t before) {
    for (; first_ < before && !held_.empty(); ++first_) held_.pop_front();
  }

 private:
  std::deque<cv::Mat> held_;
  std::int64_t first_ = 0;
};

class PictureEncoder : public Encoder {
 public:
  PictureEncoder(std::shared_ptr<const PictureNetwork> network, EncoderOptions options) : network_(std::move(network)), options_(std::move(options)) {}
  std::string name() const override { return network_->name(); }
  std::int64_t dim() const override { return network_->dim(); }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::string weights() const override { return network_->weights(); }
  bool uses_device() const override { return true; }
  std::string parameters() const override {
    return network_->parameters() + " batch=" + std::to_string(options_.batch) + " [" + describe(network_->recipe().preprocessing) + "]";
  }

 protected:
  std::shared_ptr<const PictureNetwork> network_;
  EncoderOptions options_;

 private:
  std::vector<std::string> columns_;
};

// Rows that are means over pictures. A window waits until the features of all its pictures are there; every picture goes through the network once.
class AveragingEncoder : public PictureEncoder {
 public:
  using PictureEncoder::PictureEncoder;

  void reset() override { features_.clear(), waiting_.clear(), queue_.clear(), needed_from_ = 0; }
  void finish(std::vector<float>& rows) override {
    pass();
    collect(rows);
  }
  void release(std::int64_t before) override {
    needed_from_ = before;
    forget();
  }

 protected:
  // Whether this picture has its features or waits for them.
  bool known(std::int64_t picture) const { return features_.count(picture) > 0; }
  void enqueue(std::int64_t picture, cv::Mat pixels) {
    features_[picture] = {};
    queue_.push_back({picture, std::move(pixels)});
    if (static_cast<std::int64_t>(queue_.size()) >= options_.batch) pass();
  }
  void ask(std::vector<std::int64_t> pictures, std::vector<float>& rows) {
    waiting_.push_back(std::move(pictures));
    collect(rows);
  }

 private:
  struct Picture {
    std::int64_t number;
    cv::Mat pixels;
  };

  void pass() {
    if (queue_.empty()) return;
    std::vector<NetworkInput> inputs;
    for (const auto& picture : queue_) inputs.push_back({picture.pixels});
    std::vector<float> values;
    network_->run(inputs, values);
    const auto dim = static_cast<std::ptrdiff_t>(network_->dim());
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i) * dim;
      features_[queue_[i].number].assign(begin, begin + dim);
    }
    queue_.clear();
  }

  void collect(std::vector<float>& rows) {
    for (; !waiting_.empty() && complete(waiting_.front()); waiting_.pop_front()) {
      sums_.assign(static_cast<std::size_t>(network_->dim()), 0);
      for (const auto picture : waiting_.front()) {
        const auto& features = features_.at(picture);
        for (std::size_t i = 0; i < features.size(); ++i) sums_[i] += features[i];
      }
      for (const double sum : sums_) rows.push_back(static_cast<float>(sum / static_cast<double>(waiting_.front().size())));
    }
    forget();
  }

  bool complete(const std::vector<std::int64_t>& pictures) const {
    return std::none_of(pictures.begin(), pictures.end(), [&](std::int64_t picture) { return features_.at(picture).empty(); });
  }

  void forget() {
    std::int64_t from = needed_from_;
    for (const auto& pictures : waiting_) from = std::min(from, pictures.front());
    while (!features_.empty() && features_.begin()->first < from && !features_.begin()->second.empty()) features_.erase(features_.begin());
  }

  std::map<std::int64_t, std::vector<float>> features_;  // empty: in the queue
  std::deque<std::vector<std::int64_t>> waiting_;        // windows, as pictures
  std::vector<Picture> queue_;
  std::vector<double> sums_;
  std::int64_t needed_from_ = 0;
};

class FrameEncoder : public AveragingEncoder {
 public:
  using AveragingEncoder::AveragingEncoder;
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<FrameEncoder>(network_, options_); }

  void reset() override {
    AveragingEncoder::reset();
    held_.clear();
  }
  void push(const cv::Mat& bgr) override {
    cv::Mat picture;
    preprocess(bgr, network_->recipe().preprocessing, picture);
    held_.push(std::move(picture));
  }
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    for (const auto frame : frames)
      if (!known(frame)) enqueue(frame, held_.at(frame));
    ask({frames.begin(), frames.end()}, rows);
  }
  void release(std::int64_t before) override {
    held_.release(before);
    AveragingEncoder::release(before);
  }

 private:
  HeldPictures held_;
};

// A stack is named by the frame at which it begins.
class FlowEncoder : public AveragingEncoder {
 public:
  FlowEncoder(std::shared_ptr<const PictureNetwork> network, const EncoderOptions& options)
      : AveragingEncoder(std::move(network), options), flow_(make_flow(options.flow)) {
    const int crop = network_->recipe().preprocessing.crop;
    still_ = cv::Mat(crop, crop, CV_8UC2, cv::Scalar(level(0), level(0)));
  }
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<FlowEncoder>(network_, options_); }
  bool uses_flow() const override { return true; }
  std::string parameters() const override { return AveragingEncoder::parameters() + " flow=" + options_.flow; }
  void check_window(std::int64_t window) const override {
    if (window <= kFlowStack) throw UsageError("--encoder " + name() + " takes stacks of " + std::to_string(kFlowStack) + " flow fields: --window must be at least " + std::to_string(kFlowStack + 1));
  }

  void reset() override {
    AveragingEncoder::reset();
    fields_.clear();
    previous_.release();
  }
  void push(const cv::Mat& bgr) override {
    const auto& p = network_->recipe().preprocessing;
    cv::Mat resized, grey;
    cv::resize(bgr, resized, resized_size(bgr.size(), p), 0, 0, cv::INTER_LINEAR);
    cv::cvtColor(resized, grey, cv::COLOR_BGR2GRAY);
    if (!previous_.empty()) fields_.push(picture_of(grey));
    previous_ = grey;
  }
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    std::vector<std::int64_t> stacks;
    for (std::size_t i = 0; i + kFlowStack < frames.size(); ++i) {
      stacks.push_back(frames[i]);
      if (!known(frames[i])) enqueue(frames[i], stack(frames.subspan(i, kFlowStack + 1)));
    }
    ask(std::move(stacks), rows);
  }
  void release(std::int64_t before) override {
    fields_.release(before);
    AveragingEncoder::release(before);
  }

 private:
  static std::uint8_t level(float value) { return static_cast<std::uint8_t>(cvRound(255 * (std::clamp(value, -kFlowBound, kFlowBound) + kFlowBound) / (2 * kFlowBound))); }

  // Field k leads from frame k to frame k + 1.
  cv::Mat picture_of(const cv::Mat& grey) {
    cv::Mat field, out;
    flow_->compute(previous_, grey, field);
    cv::Mat levels(field.size(), CV_8UC2);
    for (int y = 0; y < field.rows; ++y) {
      const auto* from = field.ptr<float>(y);
      auto* to = levels.ptr<std::uint8_t>(y);
      for (int x = 0; x < 2 * field.cols; ++x) to[x] = level(from[x]);
    }
    preprocess(levels, network_->recipe().preprocessing, out);
    return out;
  }

  cv::Mat stack(std::span<const std::int64_t> frames) const {
    std::vector<cv::Mat> fields;
    for (std::size_t i = 0; i + 1 < frames.size(); ++i) fields.push_back(frames[i] == frames[i + 1] ? still_ : fields_.at(frames[i]));
    cv::Mat out;
    cv::merge(fields, out);
    return out;
  }

  std::unique_ptr<Flow> flow_;
  HeldPictures fields_;
  cv::Mat previous_, still_;
};

class ClipEncoder : public PictureEncoder {
 public:
  using PictureEncoder::PictureEncoder;
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<ClipEncoder>(network_, options_); }
  void check_window(std::int64_t window) const override {
    const std::int64_t clip = network_->recipe().clip;
    if (clip > 0 && window != clip) throw UsageError("--encoder " + name() + " takes clips of " + std::to_string(clip) + " frames: --window " + std::to_string(clip));
  }

  void reset() override { held_.clear(), clips_.clear(); }
  void push(const cv::Mat& bgr) override {
    cv::Mat picture;
    preprocess(bgr, network_->recipe().preprocessing, picture);
    held_.push(std::move(picture));
  }
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    auto& clip = clips_.emplace_back();
    for (const auto frame : frames) clip.push_back(held_.at(frame));
    if (static_cast<std::int64_t>(clips_.size()) >= std::max<std::int64_t>(1, options_.batch / 4)) finish(rows);
  }
  void finish(std::vector<float>& rows) override {
    if (clips_.empty()) return;
    network_->run(clips_, rows);
    clips_.clear();
  }
  void release(std::int64_t before) override { held_.release(before); }

 private:
  HeldPictures held_;
  std::vector<NetworkInput> clips_;
};

}  // namespace

std::unique_ptr<Encoder> make_picture_encoder(std::shared_ptr<const PictureNetwork> network, const EncoderOptions& options) {
  const auto input = network->recipe().input;
  if (input == EncoderRecipe::Input::kClips) return std::make_unique<ClipEncoder>(std::move(network), options);
  if (input == EncoderRecipe::Input::kFrames) return std::make_unique<FrameEncoder>(std::move(network), options);
  if (options.flow == "block") throw UsageError("--encoder " + network->name() + " needs --flow tvl1, dis or farneback");
  return std::make_unique<FlowEncoder>(std::move(network), options);
}

}  // namespace tal
