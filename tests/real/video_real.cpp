// The 17 real videos: decoded frame counts, time stamps and features.
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>

#include "libtal/base/error.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/features.h"
#include "libtal/io/jsonl.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decoder.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(video_real)

BOOST_AUTO_TEST_CASE(decoded_counts_are_those_of_the_data_table) {
  const auto data = tal::test::data_dir();
  if (tal::test::skip_without(data, "real videos")) return;
  // | file | what | codec | size | fps | header / decoded | seconds | audio |
  std::ifstream table(data + "/README.md");
  const std::regex row(R"(\| (\S+\.(?:mp4|avi|mkv)) \|.*\| (\d+)/(\d+) \| (\d+|-) / (\d+) \| ([0-9.]+) \|.*)");
  std::string line;
  int videos = 0;
  while (std::getline(table, line)) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    ++videos;
    Record record = Record::make(match[1].str());
    record.set_text("path", data + "/videos/" + match[1].str());
    ExtractOptions options;
    options.inline_data = true;
    const auto result = extract(record, options);
    const auto json = nlohmann::json::parse(record.str());
    const int decoded = std::stoi(match[5]);
    BOOST_TEST_CONTEXT(match[1].str()) {
      BOOST_TEST(json["frames"] == decoded);
      BOOST_TEST(json["features"]["hog-hof"]["rows"] == (decoded - 16) / 8 + 1);
      const double rate = std::stod(match[2]) / std::stod(match[3]);
      BOOST_TEST(std::abs(json["fps"].get<double>() - rate) < 1e-3);
      BOOST_TEST(std::abs(json["duration"].get<double>() - std::stod(match[6])) < 4 / rate);
      if (match[4] != "-" && match[4] != match[5]) {
        BOOST_REQUIRE(!result.notes.empty());
        BOOST_TEST(result.notes[0].find("claims " + match[4].str() + " frames, " + match[5].str() + " were decoded") !=
                   std::string::npos);
      }
    }
  }
  BOOST_TEST(videos == 17);
}

// Rows of video_features' encoders on the same file, and the ends of their windows, which it calls time stamps. (Its
// sampling at 1 and 5 frames per second drops the last frame, ours has the one nearest to each multiple up to the last
// time stamp: not compared.)
BOOST_AUTO_TEST_CASE(windows_are_those_of_reference_features) {
  const auto data = tal::test::data_dir();
  if (tal::test::skip_without(data, "real videos")) return;
  struct Reference {
    const char* features;
    std::string fps;
    std::int64_t window, stride;
    const char* ends;  // milliseconds; nullptr: only rows are known
  };
  for (const auto& [name, fps, window, stride, ends] :
       {Reference{"i3d_None_raft_None_None_None_rgb", "", 64, 64, "i3d_None_raft_None_None_None_timestamps_ms"},
        Reference{"i3d_None_raft_24_24_25_flow", "25", 24, 24, "i3d_None_raft_24_24_25_timestamps_ms"},
        Reference{"i3d_None_raft_24_12_15_rgb", "15", 24, 12, "i3d_None_raft_24_12_15_timestamps_ms"},
        Reference{"r21d_r2plus1d_18_16_kinetics_None_None_None_r21d", "", 16, 16, nullptr},
        Reference{"r21d_r2plus1d_34_8_ig65m_ft_kinetics_None_None_None_r21d", "", 8, 8, nullptr},
        Reference{"s3d_32_32_20_s3d", "20", 32, 32, nullptr}}) {
    const auto matrix = [&](const char* file) {
      return matrix_from_npy(read_file(data + "/features/video_features_v_GGSY1Qvo990/" + file + ".npy"));
    };
    ExtractOptions options;
    options.inline_data = true, options.fps = fps, options.window = window, options.stride = stride;
    Record record = Record::make("v_GGSY1Qvo990");
    record.set_text("path", data + "/videos/v_GGSY1Qvo990.mp4");
    extract(record, options);
    const auto stream = select_stream(record, "");
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(stream.rows == matrix(name).rows);
      if (!ends) continue;
      const auto expected = matrix(ends);
      BOOST_REQUIRE(expected.rows == stream.rows);
      const RowTime time = row_time(stream, record.duration());
      for (std::int64_t g = 0; g < stream.rows; ++g)
        BOOST_TEST(std::abs(1000 * (time.seconds(static_cast<double>(g) + 0.5) + 0.5 * time.window / time.fps) -
                            expected.at(g, 0)) < 0.01);
    }
  }
}

BOOST_AUTO_TEST_CASE(truncated_files_name_the_last_good_time) {
  const auto data = tal::test::data_dir();
  if (tal::test::skip_without(data, "real videos")) return;
  const std::string cut = (std::filesystem::temp_directory_path() / ("tal-cut-" + std::to_string(getpid()))).string();
  // An index at the end (mp4), in the headers (mkv), and none needed (avi).
  for (const std::string name : {"plastering.avi", "flipping_a_pancake.mkv", "mmaction2_demo.mp4"}) {
    const std::string whole = read_file(data + "/videos/" + name),
                      path = cut + std::filesystem::path(name).extension().string();
    std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() / 2);
    Record record = Record::make("cut");
    record.set_text("path", path);
    ExtractOptions options;
    options.inline_data = true;
    BOOST_TEST_CONTEXT(name) {
      const std::string expected = name == "mmaction2_demo.mp4" ? "0 frames" : "last good time stamp";
      BOOST_CHECK_EXCEPTION(extract(record, options), Error,
                            [&](const Error& e) { return std::string(e.what()).find(expected) != std::string::npos; });
    }
    std::filesystem::remove(path);
  }
}

BOOST_AUTO_TEST_SUITE_END()
