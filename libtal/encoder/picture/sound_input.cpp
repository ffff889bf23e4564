#include "libtal/encoder/picture/sound_input.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/encoder/picture/picture_encoder.h"

namespace tal {

SoundInput::SoundInput(const EncoderRecipe& recipe) : sound_(recipe.sound) {
  if (recipe.input == EncoderRecipe::Input::kLogMel) mel_.emplace(sound_.mel);
  if (sound_.edges == "reflect") edges_ = ClipEdges::reflect;
  if (sound_.edges == "zero") edges_ = ClipEdges::zero;
  filling_ = -sound_.mel.mean / sound_.mel.deviation;
}

double SoundInput::frames_a_second() const {
  return mel_ ? static_cast<double>(sound_.mel.rate) / static_cast<double>(sound_.mel.hop) : 0;
}

void SoundInput::check_samples(std::int64_t count, const std::string& encoder) const {
  const auto rate = static_cast<double>(sound_.mel.rate), lasts = static_cast<double>(count) / rate;
  if (sound_.seconds > 0 && std::llround(sound_.seconds * rate) != count)
    throw Error("--encoder " + encoder + " takes " + format_number(sound_.seconds) +
                " s of sound: a window (--window, --fps) must last that, not " + format_number(lasts) + " s");
  if (count < 1 || (mel_ && mel_->clip_frames(needed(count), edges_) < 1))
    throw Error("--encoder " + encoder + ": a window of " + format_number(lasts) +
                " s holds no frame of its spectrogram");
}

std::int64_t SoundInput::needed(std::int64_t count) const {
  return sound_.edges == "beyond" ? count + std::max<std::int64_t>(0, sound_.mel.window - sound_.mel.hop) : count;
}

cv::Mat SoundInput::make(std::span<const float> samples) const {
  const auto count = static_cast<std::int64_t>(samples.size());
  if (!mel_) return cv::Mat(1, static_cast<int>(count), CV_32F, const_cast<float*>(samples.data())).clone();
  auto values = mel_->clip(samples, edges_);
  const auto frames = sound_.frames > 0 ? sound_.frames : mel_->clip_frames(count, edges_);
  values.resize(static_cast<std::size_t>(frames * sound_.mel.mels), static_cast<float>(filling_));
  const cv::Mat spectrogram(static_cast<int>(frames), static_cast<int>(sound_.mel.mels), CV_32F, values.data());
  return sound_.axes.ends_with("mt") ? cv::Mat(spectrogram.t()) : spectrogram.clone();
}

cv::Mat SoundInput::blank() const {
  const auto count = std::llround((sound_.seconds > 0 ? sound_.seconds : 1) * static_cast<double>(sound_.mel.rate));
  check_samples(count, "of FILE.json");
  return make(std::vector<float>(static_cast<std::size_t>(needed(count)), 0));
}

std::vector<int> sound_shape(const EncoderRecipe& recipe, int count, const cv::Mat& input) {
  std::vector<int> shape = {count};
  if (recipe.sound.axes.starts_with("1")) shape.push_back(1);
  if (recipe.input == EncoderRecipe::Input::kLogMel) shape.push_back(input.rows);
  shape.push_back(input.cols);
  return shape;
}

}  // namespace tal
