// Random changes of training clips: against Pillow and OpenCV (tests/nn/augmentation/make.py), hand-worked values, and
// what must hold of every draw.
// label: unit
#include "libtal/models/points/frame_augmentation.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <set>

#include "libtal/nn/tensors.h"
#include "tests/support.h"

using namespace tal;

namespace {

// One picture as a clip of one frame, and back.
torch::Tensor changed(const torch::Tensor& picture, const std::string& name, double sign) {
  return rand_augment(picture.unsqueeze(1), name, sign, 0.5, 0.5).select(1, 0);
}

torch::Tensor clip_of(std::vector<int> rgb) {  // one pixel
  return torch::tensor(rgb, torch::kByte).reshape({3, 1, 1, 1});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frame_augmentation)

BOOST_AUTO_TEST_CASE(other_libraries_make_the_same) {
  const auto file = read_tensors(std::string(test::kSourceDir) + "/tests/nn/augmentation/changes.safetensors").tensors;
  std::set<std::string> seen;
  for (const auto& [key, want] : file) {
    const auto name = key.substr(0, key.find('.'));
    if (name == "input") continue;
    const auto input = file.at("input." + key.substr(name.size() + 1, 1));
    const auto got = changed(input, name, key.ends_with(".down") ? -1 : 1).to(torch::kFloat);
    const auto apart = (got - want.to(torch::kFloat)).abs();
    // OpenCV's places are multiples of 1/32 of a pixel: of neighbours 255 apart that is 8.
    if (want.is_floating_point()) BOOST_TEST(apart.max().item<double>() <= 8.5, key);
    else BOOST_TEST(apart.max().item<double>() <= 1, key);  // one rounds, the other cuts
    BOOST_TEST(apart.mean().item<double>() < 1, key);
    seen.insert(name);
  }
  BOOST_TEST(seen.size() + 1 == rand_augment_names().size());  // all but cutout
}

BOOST_AUTO_TEST_CASE(cutout_cuts_a_square_at_its_place) {
  const auto clip = torch::full({3, 2, 20, 40}, 7, torch::kByte);
  const auto cut = rand_augment(clip, "cutout", 1, 0.25, 0.5);  // 18 % of 20 pixels, about (10, 10)
  auto want = clip.clone();
  want.slice(2, 8, 12).slice(3, 8, 12).fill_(128);
  BOOST_TEST(torch::equal(cut, want));
}

BOOST_AUTO_TEST_CASE(jitter_by_hand) {
  ColourJitter none;
  BOOST_TEST(torch::equal(colour_jittered(clip_of({10, 200, 31}), none), clip_of({10, 200, 31})));
  ColourJitter by;
  by.brightness = 0.5;
  BOOST_TEST(torch::equal(colour_jittered(clip_of({10, 200, 31}), by), clip_of({5, 100, 15})));
  by = {};
  by.saturation = 0;  // grey: 0.2989 * 10 + 0.587 * 200 + 0.114 * 31 = 123.9
  BOOST_TEST(torch::equal(colour_jittered(clip_of({10, 200, 31}), by), clip_of({123, 123, 123})));
  by = {};
  by.hue = 0.1;  // 25 half turns of 2 degrees: 50 degrees from pure red
  const auto turned = colour_jittered(clip_of({240, 0, 0}), by);
  BOOST_TEST(torch::equal(turned, clip_of({240, 200, 0})), turned);
  by = {};
  by.contrast = 0.5;
  const auto two = torch::cat({clip_of({0, 0, 0}), clip_of({100, 100, 100})}, 3);  // mean 50 (49.995)
  BOOST_TEST(torch::equal(colour_jittered(two, by), torch::cat({clip_of({24, 24, 24}), clip_of({74, 74, 74})}, 3)));
}

BOOST_AUTO_TEST_CASE(crops_lie_inside_and_fill_their_range) {
  Random random(3);
  double least = 1, most = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto crop = random_resized_crop(60, 100, random);
    BOOST_REQUIRE(crop.x >= 0 && crop.y >= 0 && crop.x + crop.width <= 100 && crop.y + crop.height <= 60);
    const double area = static_cast<double>(crop.width * crop.height) / 6000;
    least = std::min(least, area), most = std::max(most, area);
    const double aspect = static_cast<double>(crop.width) / static_cast<double>(crop.height);
    BOOST_REQUIRE(aspect > 0.7 && aspect < 1.43);
  }
  BOOST_TEST(least < 0.1);
  BOOST_TEST(most > 0.6);  // 4/3 of 60 wide: 0.8 at most
  const auto narrow = random_resized_crop(10, 1000, random);
  BOOST_TEST(narrow.height <= 10);
}

BOOST_AUTO_TEST_CASE(a_clip_changes_as_one_and_two_changes_are_made) {
  Random random(9);
  torch::manual_seed(1);
  const auto frame = torch::randint(0, 256, {3, 1, 24, 24}).to(torch::kByte);
  const auto clip = frame.expand({3, 40, 24, 24}).contiguous();
  std::set<std::string> found;
  for (int i = 0; i < 30; ++i) {
    const auto once = rand_augmented(clip, random);
    BOOST_REQUIRE(torch::equal(once, once.slice(1, 0, 1).expand_as(once)));
    found.insert(std::to_string(once.to(torch::kLong).sum().item<std::int64_t>()));
  }
  BOOST_TEST(found.size() > 20u);
  const auto small = resized_frames(clip, 12);
  BOOST_TEST(small.sizes() == torch::IntArrayRef({3, 40, 12, 12}));
  // Half the size without antialiasing: the mean of the middle pixels of each 2 x 2.
  const auto f = frame.to(torch::kFloat);
  const auto want = (f.slice(2, 0, 24, 2).slice(3, 0, 24, 2) + f.slice(2, 1, 24, 2).slice(3, 0, 24, 2) +
                     f.slice(2, 0, 24, 2).slice(3, 1, 24, 2) + f.slice(2, 1, 24, 2).slice(3, 1, 24, 2)) /
                    4;
  BOOST_TEST((small.slice(1, 0, 1).to(torch::kFloat) - want).abs().max().item<double>() <= 0.5);
}

BOOST_AUTO_TEST_SUITE_END()
