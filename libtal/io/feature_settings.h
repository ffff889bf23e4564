// What the values of a feature stream depend on, as text: "hog-hof/2 side=60 grid=4 flow=dis", words NAME=VALUE behind
// the encoder's name, and what is done to pictures in brackets. Streams whose texts differ mean different things.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tal {

// Of everything that changes a stream's values (Encoder::parameters()), what says what they are; without the words that
// say how they were computed (device, precision, batch, version of LibTorch), which change last digits only.
std::string feature_settings(std::string_view parameters);

// The words in which two texts differ, each as "flow=block"; "" for a side that lacks one.
struct SettingsDifference {
  std::string first, second;
};
std::vector<SettingsDifference> settings_differences(std::string_view first, std::string_view second);
// Those of one side in a line: "flow=block, side=60"; "nothing of the kind" when it lacks all of them.
std::string first_sides(const std::vector<SettingsDifference>& differences);
std::string second_sides(const std::vector<SettingsDifference>& differences);

}  // namespace tal
