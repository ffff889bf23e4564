// What tools without --key say of PyTorch's files: advice that exists. The files are pickles by hand.
#include "libtal/data/weights.h"

#include <boost/test/unit_test.hpp>

#include "libtal/base/error.h"
#include "libtal/io/torch_file.h"

using namespace tal;

namespace {

std::string text(const std::string& value) {
  return "X" + std::string{static_cast<char>(value.size()), 0, 0, 0} + value;
}

// One float32 of storage "0".
std::string tensor() {
  const std::string storage = "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\x01NtQ";
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + std::string("K\0", 2) +
         "K\x01\x85K\x01\x85\x89"
         "ccollections\nOrderedDict\n)RtR";
}

std::string dict(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out = "}(";
  for (const auto& [key, value] : members) out += text(key) + value;
  return out + "u";
}

std::string legacy(const std::string& objects) {
  return std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") + "\x80\x02M\xe9\x03." + "\x80\x02}" +
         text("little_endian") + "\x88s." + "\x80\x02" + objects + "." + "\x80\x02]" + text("0") + "a." +
         std::string("\1\0\0\0\0\0\0\0\0\0\x80\x3f", 12);
}

std::string advice(const std::string& objects, const std::string& path) {
  try {
    (void)read_weights_at_top(legacy(objects), path);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(weights)

BOOST_AUTO_TEST_CASE(tensors_at_the_top_are_read) {
  const std::string file = legacy(dict({{"w", tensor()}}));
  const ImportedWeights got = read_weights_at_top(file, "x.pth");
  BOOST_REQUIRE_EQUAL(got.tensors.size(), 1u);
  BOOST_TEST(got.tensors[0].name == "w");
  BOOST_TEST(got.tensors[0].data == std::string("\0\0\x80\x3f", 4));
}

BOOST_AUTO_TEST_CASE(a_tensor_that_cannot_be_read_hinders_only_who_wants_it) {
  const std::string sparse = "ctorch._utils\n_rebuild_sparse_tensor\n(NNtR";
  const std::string file = legacy(dict({{"s", sparse}, {"w", tensor()}}));
  const ImportedWeights got = read_weights(file, "");
  BOOST_REQUIRE_EQUAL(got.tensors.size(), 2u);
  BOOST_TEST(got.tensors[0].problem.find("_rebuild_sparse_tensor") != std::string::npos);
  BOOST_TEST(got.tensors[1].problem == "");
  const Renamed kept = rename_tensors(got.tensors, parse_rules({"rules", "s -> -\nw -> w\n"}), "rules");
  BOOST_REQUIRE_EQUAL(kept.tensors.size(), 1u);
  check_readable(kept.tensors);
  BOOST_CHECK_EXCEPTION(check_readable(got.tensors), Error, [](const Error& error) {
    return error.message().find("tensor 's': is made by") == 0 &&
           error.message().find("leave it out by a rule") != std::string::npos;
  });
  BOOST_CHECK_THROW((void)read_weights_at_top(file, "x.pth"), Error);
}

BOOST_AUTO_TEST_CASE(tensors_below_keys_come_with_a_command) {
  const std::string two = dict({{"a", tensor()}, {"b", tensor()}});
  BOOST_TEST(advice(dict({{"optimizer", dict({{"m", tensor()}})}, {"state_dict", two}}), "dir/input.pth") ==
             "'dir/input.pth': the tensors lie further down: optimizer (1), state_dict (2); take them out first: "
             "tal-convert --weights dir/input.pth --key state_dict -o FILE.safetensors");
  BOOST_TEST(advice(dict({{"my key's", two}, {"ema", dict({{"m", tensor()}})}}), "a b.pth") ==
             "'a b.pth': the tensors lie further down: my key's (2), ema (1); take them out first: "
             "tal-convert --weights 'a b.pth' --key 'my key'\\''s' -o FILE.safetensors");
  // One key alone, {"model": {...}}, leaves nothing to choose.
  BOOST_TEST(read_weights_at_top(legacy(dict({{"model", two}})), "x.pth").tensors.size() == 2u);
  const std::string file = legacy(dict({{"a/b", two}}));
  BOOST_CHECK_THROW((void)read_weights(file, ""), TensorsBelow);
  BOOST_TEST(read_weights(file, "a/b").tensors.size() == 2u);
}

BOOST_AUTO_TEST_CASE(other_faults_name_the_file) {
  BOOST_TEST(
      advice("cnets\nNet\n)\x81" + dict({{"w", tensor()}}) + "b", "x.pth") ==
      "'x.pth': no tensors; there are 1 inside an object of the class 'nets.Net': save its state_dict() instead");
  BOOST_TEST(advice("cos\nsystem\n" + text("true") + "\x85R", "x.pth").find("'os.system'") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
