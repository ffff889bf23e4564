// --encoder log-mel[@PRESET]: the mean of a logarithmic mel spectrogram over each window. Needs no weights.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libtal/encoder/encoder.h"

namespace tal {

inline constexpr const char* kLogMelEncoder = "log-mel";

// Frame j of the spectrogram lies around the time (j + 1/2) hop / rate, the middle of its part of the clock; a row is
// the mean over the frames whose middles lie in its window, or the one nearest to the window's middle when there is
// none. So at rate / hop sampled frames a second, with a window and stride of 1, rows are the spectrogram itself.
// preset: one of log_mel_presets(), "": vggish. changes: "name=value" of settings_of(LogMelOptions&). UsageError for
// what they cannot be.
std::unique_ptr<Encoder> make_log_mel(const std::string& preset, const std::vector<std::string>& changes);

}  // namespace tal
