#include "libtal/encoder/picture/picture_encoder.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>

#include "libtal/base/error.h"
#include "libtal/base/sha256.h"
#include "libtal/encoder/picture/sound_input.h"
#include "libtal/video/flow_fields.h"
#include "libtal/video/held_pictures.h"
#include "libtal/video/preprocess.h"

namespace tal {
namespace {

class PictureEncoder : public Encoder {
 public:
  PictureEncoder(std::shared_ptr<const PictureNetwork> network, EncoderOptions options)
      : network_(std::move(network)), options_(std::move(options)) {}
  std::string name() const override { return network_->name(); }
  std::int64_t dim() const override { return network_->dim(); }
  const std::vector<std::string>& columns() const override { return network_->columns(); }
  std::string weights() const override { return network_->weights(); }
  bool uses_device() const override { return true; }
  std::string parameters() const override {
    std::string names;
    for (const auto& column : columns()) names += column + "\n";
    return network_->parameters() + " batch=" + std::to_string(options_.batch) + " [" +
           (hears(network_->recipe()) ? describe(network_->recipe().sound)
                                      : describe(network_->recipe().preprocessing)) +
           "]" + (names.empty() ? "" : " classes=" + sha256(names));
  }

 protected:
  std::shared_ptr<const PictureNetwork> network_;
  EncoderOptions options_;
};

// Rows that are means over pictures. A window waits until the features of all its pictures are there; every picture
// goes through the network once.
class AveragingEncoder : public PictureEncoder {
 public:
  using PictureEncoder::PictureEncoder;

  void reset(const std::string&) override { features_.clear(), waiting_.clear(), queue_.clear(), needed_from_ = 0; }
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
      for (const double sum : sums_)
        rows.push_back(static_cast<float>(sum / static_cast<double>(waiting_.front().size())));
    }
    forget();
  }

  bool complete(const std::vector<std::int64_t>& pictures) const {
    return std::none_of(pictures.begin(), pictures.end(),
                        [&](std::int64_t picture) { return features_.at(picture).empty(); });
  }

  void forget() {
    std::int64_t from = needed_from_;
    for (const auto& pictures : waiting_) from = std::min(from, pictures.front());
    while (!features_.empty() && features_.begin()->first < from && !features_.begin()->second.empty())
      features_.erase(features_.begin());
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

  void reset(const std::string& flow_cache) override {
    AveragingEncoder::reset(flow_cache);
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
      : AveragingEncoder(std::move(network), options), fields_(network_->recipe().preprocessing, options.flow) {}
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<FlowEncoder>(network_, options_); }
  bool uses_flow() const override { return true; }
  bool caches_flow() const override { return true; }
  std::string parameters() const override { return AveragingEncoder::parameters() + " flow=" + options_.flow; }
  void check_window(std::int64_t window) const override {
    if (window <= kFlowStack)
      throw UsageError("--encoder " + name() + " takes stacks of " + std::to_string(kFlowStack) +
                       " flow fields: --window must be at least " + std::to_string(kFlowStack + 1));
  }

  void reset(const std::string& flow_cache) override {
    AveragingEncoder::reset(flow_cache);
    fields_.reset(flow_cache);
  }
  void push(const cv::Mat& bgr) override { fields_.push(bgr); }
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
  cv::Mat stack(std::span<const std::int64_t> frames) const {
    cv::Mat out;
    cv::merge(fields_.between(frames), out);
    return out;
  }

  FlowFields fields_;
};

// Windows that are clips, several in one pass.
class ClipEncoder : public PictureEncoder {
 public:
  using PictureEncoder::PictureEncoder;
  void check_window(std::int64_t window) const override {
    const auto& recipe = network_->recipe();
    const bool stacks = recipe.input == EncoderRecipe::Input::kFlowStackClips;
    if (const std::int64_t frames = recipe.clip * (stacks ? kFlowStack : 1); recipe.clip > 0 && window != frames)
      throw UsageError("--encoder " + name() + " takes clips of " + std::to_string(recipe.clip) +
                       (stacks ? " stacks of " + std::to_string(kFlowStack) : "") + " frames: --window " +
                       std::to_string(frames));
    if (window % recipe.clip_step != 0)
      throw UsageError("--encoder " + name() + " takes clips of a multiple of " + std::to_string(recipe.clip_step) +
                       " frames, not --window " + std::to_string(window));
  }

  void reset(const std::string&) override { clips_.clear(); }
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    clips_.push_back(clip_of(frames));
    if (static_cast<std::int64_t>(clips_.size()) >= std::max<std::int64_t>(1, options_.batch / 4)) finish(rows);
  }
  void finish(std::vector<float>& rows) override {
    if (clips_.empty()) return;
    network_->run(clips_, rows);
    clips_.clear();
  }

 private:
  virtual NetworkInput clip_of(std::span<const std::int64_t> frames) const = 0;
  std::vector<NetworkInput> clips_;
};

class FrameClipEncoder : public ClipEncoder {
 public:
  using ClipEncoder::ClipEncoder;
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<FrameClipEncoder>(network_, options_); }
  void reset(const std::string& flow_cache) override {
    ClipEncoder::reset(flow_cache);
    held_.clear();
  }
  void push(const cv::Mat& bgr) override {
    cv::Mat picture;
    preprocess(bgr, network_->recipe().preprocessing, picture);
    held_.push(std::move(picture));
  }
  void release(std::int64_t before) override { held_.release(before); }

 private:
  NetworkInput clip_of(std::span<const std::int64_t> frames) const override {
    NetworkInput clip;
    for (const auto frame : frames) clip.push_back(held_.at(frame));
    return clip;
  }
  HeldPictures held_;
};

class FlowClipEncoder : public ClipEncoder {
 public:
  FlowClipEncoder(std::shared_ptr<const PictureNetwork> network, const EncoderOptions& options)
      : ClipEncoder(std::move(network), options), fields_(network_->recipe().preprocessing, options.flow) {}
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<FlowClipEncoder>(network_, options_); }
  bool uses_flow() const override { return true; }
  bool caches_flow() const override { return true; }
  std::string parameters() const override { return ClipEncoder::parameters() + " flow=" + options_.flow; }
  void check_window(std::int64_t window) const override {
    ClipEncoder::check_window(window);
    if (window < 2)
      throw UsageError("--encoder " + name() +
                       " sees flow between the frames of a window: --window must be at least 2");
  }
  void reset(const std::string& flow_cache) override {
    ClipEncoder::reset(flow_cache);
    fields_.reset(flow_cache);
  }
  void push(const cv::Mat& bgr) override { fields_.push(bgr); }
  void release(std::int64_t before) override { fields_.release(before); }

 private:
  // As many fields as frames, the last one twice: a row sees its window alone, and has the geometry of the RGB stream's
  // row.
  NetworkInput clip_of(std::span<const std::int64_t> frames) const override {
    NetworkInput fields = fields_.between(frames);
    fields.push_back(fields.back());
    if (network_->recipe().input == EncoderRecipe::Input::kFlowClips) return fields;
    NetworkInput stacks;
    for (std::size_t i = 0; i < fields.size(); i += kFlowStack)
      cv::merge(&fields[i], kFlowStack, stacks.emplace_back());
    return stacks;
  }
  FlowFields fields_;
};

// A row for each frame that is asked for, out of the run that has it in its middle: run r is the frames
// [r step - context, r step - context + clip) of which [r step, (r + 1) step) are taken, step = clip - 2 context.
// Before the first frame stands the first, behind the last the last.
class RunEncoder : public PictureEncoder {
 public:
  using PictureEncoder::PictureEncoder;
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<RunEncoder>(network_, options_); }
  void check_window(std::int64_t window) const override {
    if (window != 1)
      throw UsageError("--encoder " + name() + " gives each frame a row: --window 1, not " + std::to_string(window));
  }

  void reset(const std::string&) override { held_.clear(), asked_.clear(), count_ = released_ = 0; }
  void push(const cv::Mat& bgr) override {
    cv::Mat picture;
    preprocess(bgr, network_->recipe().preprocessing, picture);
    held_.push(std::move(picture)), ++count_;
  }
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    asked_.push_back(frames.front());
    // The runs that have all their frames, once they are enough for a pass.
    const std::int64_t first = run_of(asked_.front()), complete = (count_ - context()) / step();
    if (complete - first >= std::max<std::int64_t>(1, options_.batch / 4)) pass(complete, rows);
  }
  void finish(std::vector<float>& rows) override {
    if (!asked_.empty()) pass(run_of(asked_.back()) + 1, rows);
  }
  void release(std::int64_t before) override { released_ = before, forget(); }

 private:
  std::int64_t context() const { return network_->recipe().context; }
  std::int64_t step() const { return network_->recipe().clip - 2 * context(); }
  std::int64_t run_of(std::int64_t frame) const { return frame / step(); }

  // The rows that are asked for of the runs before `end`.
  void pass(std::int64_t end, std::vector<float>& rows) {
    const auto dim = network_->dim(), clip = network_->recipe().clip;
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, options_.batch / 4));
    std::vector<NetworkInput> inputs;
    std::vector<std::int64_t> numbers;  // of the runs
    const auto run = [&] {
      std::vector<float> values;
      network_->run(inputs, values);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto values_of = static_cast<std::int64_t>(i) * clip + context() - numbers[i] * step();
        for (; !asked_.empty() && run_of(asked_.front()) == numbers[i]; asked_.pop_front()) {
          const auto row = values.begin() + (values_of + asked_.front()) * dim;
          rows.insert(rows.end(), row, row + dim);
        }
      }
      inputs.clear(), numbers.clear();
    };
    for (const auto frame : std::vector<std::int64_t>(asked_.begin(), asked_.end())) {
      const auto number = run_of(frame);
      if (number >= end) break;
      if (!numbers.empty() && numbers.back() == number) continue;
      if (inputs.size() == most) run();
      numbers.push_back(number);
      auto& input = inputs.emplace_back();
      const auto from = number * step() - context();
      for (auto k = from; k < from + clip; ++k) input.push_back(held_.at(std::clamp<std::int64_t>(k, 0, count_ - 1)));
    }
    if (!inputs.empty()) run();
    forget();
  }

  // Of the frames that are not needed any more, the last stays: it may stand behind the end.
  void forget() {
    const auto next = asked_.empty() ? released_ : std::min(asked_.front(), released_);
    held_.release(std::min(run_of(next) * step() - context(), count_ - 1));
  }

  HeldPictures held_;
  std::deque<std::int64_t> asked_;
  std::int64_t count_ = 0, released_ = 0;  // frames pushed; frames before are not asked for again
};

// The sound of each window, several in one pass.
class SoundClipEncoder : public PictureEncoder {
 public:
  SoundClipEncoder(std::shared_ptr<const PictureNetwork> network, const EncoderOptions& options)
      : PictureEncoder(std::move(network), options), input_(network_->recipe()) {}
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<SoundClipEncoder>(network_, options_); }
  std::int64_t sound_rate() const override { return network_->recipe().sound.mel.rate; }
  double sound_frames() const override { return input_.frames_a_second(); }

  void reset(const std::string&) override { clips_.clear(), sound_.reset(); }
  void hear(std::shared_ptr<SoundTrack> sound, double fps) override { sound_ = std::move(sound), fps_ = fps; }
  void push(const cv::Mat&) override {}
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    const auto count = sample_at(static_cast<std::int64_t>(frames.size()));
    input_.check_samples(count, name());
    clips_.push_back({input_.make(sound_->samples(sample_at(frames.front()), input_.needed(count)))});
    if (static_cast<std::int64_t>(clips_.size()) >= std::max<std::int64_t>(1, options_.batch / 4)) finish(rows);
  }
  void finish(std::vector<float>& rows) override {
    if (clips_.empty()) return;
    network_->run(clips_, rows);
    clips_.clear();
  }
  void release(std::int64_t before) override {
    if (sound_) sound_->release(sample_at(before));
  }

 private:
  std::int64_t sample_at(std::int64_t frame) const {
    return std::llround(static_cast<double>(frame) * static_cast<double>(sound_rate()) / fps_);
  }
  SoundInput input_;
  std::shared_ptr<SoundTrack> sound_;
  double fps_ = 1;
  std::vector<NetworkInput> clips_;
};

}  // namespace

std::unique_ptr<Encoder> make_picture_encoder(std::shared_ptr<const PictureNetwork> network,
                                              const EncoderOptions& options) {
  const auto input = network->recipe().input;
  using Input = EncoderRecipe::Input;
  if (hears(network->recipe())) return std::make_unique<SoundClipEncoder>(std::move(network), options);
  if (input == Input::kFrames) return std::make_unique<FrameEncoder>(std::move(network), options);
  if (input == Input::kClips) return std::make_unique<FrameClipEncoder>(std::move(network), options);
  if (input == Input::kRuns) return std::make_unique<RunEncoder>(std::move(network), options);
  if (options.flow == "block")
    throw UsageError("--encoder " + network->name() + " needs --flow tvl1, dis or farneback");
  if (input == Input::kFlow) return std::make_unique<FlowEncoder>(std::move(network), options);
  return std::make_unique<FlowClipEncoder>(std::move(network), options);
}

NetworkInput blank_input(const EncoderRecipe& recipe) {
  if (hears(recipe)) return {SoundInput(recipe).blank()};
  const auto& p = recipe.preprocessing;
  return NetworkInput(
      static_cast<std::size_t>(!sees_clips(recipe) ? 1
                               : recipe.clip > 0   ? recipe.clip
                                                   : 16),
      cv::Mat::zeros(p.crop > 0 ? cv::Size(p.crop, p.crop) : cv::Size(p.width, p.height), CV_8UC(channels_of(recipe))));
}

std::vector<std::string> class_columns(const EncoderOptions& options, std::vector<std::string> of_file,
                                       std::int64_t dim, const std::string& encoder) {
  auto names = options.classes.empty() ? std::move(of_file) : options.classes;
  if (!names.empty() && static_cast<std::int64_t>(names.size()) != dim)
    throw Error("--encoder " + encoder + " scores " + std::to_string(dim) + " classes, and " +
                std::to_string(names.size()) + " are named");
  return names;
}

}  // namespace tal
