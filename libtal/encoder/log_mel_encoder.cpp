#include "libtal/encoder/log_mel_encoder.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "libtal/base/error.h"
#include "libtal/sound/log_mel.h"

namespace tal {
namespace {

constexpr double kTieOfFrames = 1e-6;  // frames; a middle that near to a window's edge lies on it

class LogMelEncoder : public Encoder {
 public:
  LogMelEncoder(std::string name, std::shared_ptr<const LogMel> mel) : name_(std::move(name)), mel_(std::move(mel)) {}

  std::string name() const override { return name_; }
  std::int64_t dim() const override { return mel_->options().mels; }
  const std::vector<std::string>& columns() const override { return none_; }
  std::string parameters() const override {
    auto options = mel_->options();
    return "log-mel/1 " + settings_of(options).json();
  }
  std::int64_t sound_rate() const override { return mel_->options().rate; }
  double sound_frames() const override {
    return static_cast<double>(mel_->options().rate) / static_cast<double>(mel_->options().hop);
  }
  std::unique_ptr<Encoder> twin() const override { return std::make_unique<LogMelEncoder>(name_, mel_); }

  void reset(const std::string&) override { sound_.reset(), held_.clear(), first_ = 0; }
  void hear(std::shared_ptr<SoundTrack> sound, double fps) override { sound_ = std::move(sound), fps_ = fps; }
  void push(const cv::Mat&) override {}
  void encode(std::span<const std::int64_t> frames, std::vector<float>& rows) override {
    const auto start = static_cast<double>(frames.front()), count = static_cast<double>(frames.size());
    std::int64_t from = first_at(start), to = first_at(start + count);
    if (from == to)
      from = std::max<std::int64_t>(0, std::llround((start + 0.5 * count) * per_frame() - 0.5)), to = from + 1;
    std::vector<double> sums(static_cast<std::size_t>(dim()), 0);
    for (std::int64_t j = from; j < to; ++j) {
      const auto& values = frame(j);
      for (std::size_t m = 0; m < sums.size(); ++m) sums[m] += static_cast<double>(values[m]);
    }
    for (const double sum : sums) rows.push_back(static_cast<float>(sum / static_cast<double>(to - from)));
  }
  void release(std::int64_t before) override {
    const auto needed = first_at(static_cast<double>(before)) - 1;  // one more: of windows between two middles
    for (; first_ < needed && !held_.empty(); ++first_) held_.pop_front();
    if (sound_) sound_->release(std::max(needed, first_) * mel_->options().hop - mel_->options().window);
  }

 private:
  double per_frame() const { return sound_frames() / fps_; }  // spectrogram frames in a sampled one
  // The first frame whose middle does not lie before this place, in sampled frames.
  std::int64_t first_at(double place) const {
    return static_cast<std::int64_t>(std::ceil(place * per_frame() - 0.5 - kTieOfFrames));
  }
  // Frames come in the order of time: of those that windows share, each is computed once.
  const std::vector<float>& frame(std::int64_t number) {
    const auto end = first_ + static_cast<std::int64_t>(held_.size());
    if (number > end) held_.clear(), first_ = number;
    while (first_ + static_cast<std::int64_t>(held_.size()) <= number) {
      const auto j = first_ + static_cast<std::int64_t>(held_.size());
      const auto& o = mel_->options();
      const auto middle = j * o.hop + o.hop / 2;
      mel_->frame(sound_->samples(middle - o.window / 2, o.window),
                  held_.emplace_back(static_cast<std::size_t>(o.mels)));
    }
    return held_.at(static_cast<std::size_t>(number - first_));
  }

  std::string name_;
  std::shared_ptr<const LogMel> mel_;
  std::shared_ptr<SoundTrack> sound_;
  double fps_ = 0;
  std::deque<std::vector<float>> held_;  // frames from first_ on
  std::int64_t first_ = 0;
  std::vector<std::string> none_;
};

}  // namespace

std::unique_ptr<Encoder> make_log_mel(const std::string& preset, const std::vector<std::string>& changes) {
  const std::string& usual = log_mel_presets().front();
  auto options = log_mel_preset(preset.empty() ? usual : preset);
  Settings settings = settings_of(options);
  for (const auto& change : changes) settings.set_pair(change);
  const std::string name = std::string(kLogMelEncoder) + (preset.empty() || preset == usual ? "" : "-" + preset);
  return std::make_unique<LogMelEncoder>(name, std::make_shared<LogMel>(options));
}

}  // namespace tal
