// Logarithmic mel spectrograms with the settings of the field's networks. No FFmpeg, no OpenCV, no LibTorch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/sound/fourier.h"

namespace tal {

// One frame: `window` samples, less their mean (dc), less `preemphasis` times the sample before, times the shape of the
// window, in the middle of `fft` zeros; |Fourier transform| to the power of `power`; sums over `mels` triangles that
// lie equally spaced on the mel scale from `low` to `high`; x -> log(max(x, floor) + offset), cut to [least, most], (x
// - mean) / deviation.
struct LogMelOptions {
  std::int64_t rate = 16000;             // samples a second
  std::int64_t window = 400, hop = 160;  // samples; hop: from one frame to the next
  std::int64_t fft = 512;                // length of the Fourier transform, a product of 2, 3 and 5
  std::string shape = "hann";            // hann, hamming (periodic), or symmetric: hann-symmetric, hamming-symmetric
  bool dc = false;                       // take the frame's mean away (Kaldi's remove_dc_offset)
  double preemphasis = 0;                // Kaldi's; the first sample loses its own share
  std::int64_t power = 1;                // 1: magnitudes, 2: energies
  std::int64_t mels = 64;                // bands: the numbers of a frame
  double low = 125, high = 7500;         // hertz, where the first band begins and the last one ends; high 0: rate / 2
  std::string scale = "htk";             // htk: 2595 log10(1 + f / 700); slaney: linear to 1000 Hz, then logarithmic
  std::string triangles = "mel";         // straight edges over mel (VGGish, Kaldi) or hertz (librosa, torchaudio)
  std::string norm = "none";             // slaney: each band divided by half its width in hertz
  std::string log = "natural";           // natural, or db: 20 log10 of magnitudes, 10 log10 of energies
  double floor = 0, offset = 0.01;       // of the sums, before the logarithm; not both 0
  double least = -1e9, most = 1e9;       // of the logarithm
  double mean = 0, deviation = 1;
};
Settings settings_of(LogMelOptions& options);

// vggish (the default): AudioSet's VGGish, mel_features.py. panns: PANNs, torchlibrosa (32 kHz). ast: the Audio
// Spectrogram Transformer, Kaldi's filter bank, normalised. desed: the DCASE task 4 baseline, torchaudio.
const std::vector<std::string>& log_mel_presets();
LogMelOptions log_mel_preset(const std::string& name);  // UsageError for a name that is none of them

// Sums of mel_filters() over a spectrum: of one band, weights from bin `first` on.
struct MelBand {
  std::size_t first = 0;
  std::vector<double> weights;
};
std::vector<MelBand> mel_filters(const LogMelOptions& options);

// Which frames a clip has. inside: those that lie in it, the first one at its beginning (VGGish, Kaldi). reflect and
// zero: one around each sample j hop, j = 0 .. length / hop, over the clip's edges into its mirror image (librosa,
// torchlibrosa) or silence.
enum class ClipEdges { inside, reflect, zero };

class LogMel {
 public:
  // UsageError for settings that contradict each other.
  explicit LogMel(const LogMelOptions& options);
  const LogMelOptions& options() const { return options_; }
  // One frame: `window` samples -> `mels` values. Safe to call from several threads, as all others.
  void frame(std::span<const float> samples, std::span<float> values) const;
  // Frames x mels of a clip. Empty when it holds no frame.
  std::vector<float> clip(std::span<const float> samples, ClipEdges edges) const;
  std::int64_t clip_frames(std::int64_t samples, ClipEdges edges) const;

 private:
  LogMelOptions options_;
  Fourier fourier_;
  std::vector<double> shape_;
  std::vector<MelBand> bands_;
};

}  // namespace tal
