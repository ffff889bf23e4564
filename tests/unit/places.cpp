// Where the files of records are looked for.
#include "libtal/io/places.h"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include "libtal/base/error.h"
#include "tests/support.h"

using namespace tal;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(working_folder_then_the_records_own) {
  const test::Folder folder;
  const fs::path before = fs::current_path();
  fs::create_directories(folder / "work");
  fs::create_directories(folder / "set");
  const auto write = [&](const std::string& name) { std::ofstream(folder / name) << name; };
  write("set/r.jsonl"), write("set/there.npy"), write("work/here.npy"), write("set/both.npy"), write("work/both.npy");
  fs::current_path(folder / "work");
  const auto places = places_of("../set/r.jsonl", "");
  BOOST_TEST(places->beside == "../set");
  BOOST_TEST(located("there.npy", places.get()) == "../set/there.npy");
  BOOST_TEST(located("here.npy", places.get()) == "here.npy");
  BOOST_TEST(located("none.npy", places.get()) == "none.npy");
  BOOST_TEST(located("/abs/there.npy", places.get()) == "/abs/there.npy");
  BOOST_TEST(located("rtsp://there.npy", places.get()) == "rtsp://there.npy");
  BOOST_TEST(located("there.npy", nullptr) == "there.npy");
  BOOST_CHECK_THROW(located("both.npy", places.get()), Error);  // two different files
  fs::remove("both.npy");
  fs::create_hard_link("../set/both.npy", "both.npy");
  BOOST_TEST(located("both.npy", places.get()) == "both.npy");  // one file

  FeatureStream stream;
  stream.path = "there.npy", stream.places = places_of("../set/r.jsonl", "root");
  BOOST_TEST(located_features(stream) == "root/there.npy");
  BOOST_TEST(places_of("stdin", "")->beside == "");
  fs::current_path(folder / "set");
  BOOST_TEST(places_of("r.jsonl", "")->beside == ".");
  fs::current_path(before);
}

BOOST_AUTO_TEST_SUITE_END()
