// Tables of poses, DeepLabCut's and SLEAP's, on small texts worked out by hand.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "libtal/formats/pose.h"
#include "libtal/io/features.h"

namespace {

using namespace tal;

std::string fault(std::vector<PoseTable> (*parse)(const SourceText&), const std::string& text) {
  try {
    parse({"t.csv", text});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

using Names = std::vector<std::string>;
using Numbers = std::vector<std::int64_t>;

// NaN as -1, which no table here has.
std::vector<float> row(const PoseTable& table, std::size_t index) {
  auto values = table.rows.at(index);
  std::replace_if(
      values.begin(), values.end(), [](float x) { return std::isnan(x); }, -1.0F);
  return values;
}

constexpr const char* kLabelled =
    "scorer,me,me,me,me\nbodyparts,A,A,B,B\ncoords,x,y,x,y\n"
    "labeled-data/left/img012.png,1,2,3,4\nlabeled-data\\right\\img7.png,5,6,,\nlabeled-data/left/img003.png,,,8,9.5\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(pose_formats)

// Images of two folders are two videos, by frame; empty cells are missing points.
BOOST_AUTO_TEST_CASE(labelled_images) {
  const auto videos = parse_deeplabcut_csv({"CollectedData_me.csv", kLabelled});
  BOOST_REQUIRE_EQUAL(videos.size(), 2u);
  BOOST_TEST(videos[0].video == "left");
  BOOST_TEST(videos[0].columns == (Names{"A.x", "A.y", "B.x", "B.y"}));
  BOOST_TEST(videos[0].frames == (Numbers{3, 12}));
  BOOST_TEST(row(videos[0], 0) == (std::vector<float>{-1, -1, 8, 9.5F}));
  BOOST_TEST(row(videos[0], 1) == (std::vector<float>{1, 2, 3, 4}));
  BOOST_TEST(videos[1].video == "right");
  BOOST_TEST(videos[1].frames == Numbers{7});
  BOOST_TEST(row(videos[1], 0) == (std::vector<float>{5, 6, -1, -1}));
}

// An index of three columns, and animals: their names stand before the points', but for DeepLabCut's "single".
BOOST_AUTO_TEST_CASE(several_animals) {
  const auto videos = parse_deeplabcut_csv(
      {"t.csv",
       "scorer,,,me,me,me,me\nindividuals,,,m1,m1,single,single\nbodyparts,,,nose,nose,corner,corner\n"
       "coords,,,x,y,x,y\nlabeled-data,clip,img001.png,1,2,3,4\nlabeled-data,clip,img002.png,5,6,7,8\n"});
  BOOST_REQUIRE_EQUAL(videos.size(), 1u);
  BOOST_TEST(videos[0].video == "clip");
  BOOST_TEST(videos[0].columns == (Names{"m1.nose.x", "m1.nose.y", "corner.x", "corner.y"}));
  BOOST_TEST(videos[0].frames == (Numbers{1, 2}));
  BOOST_TEST(row(videos[0], 1) == (std::vector<float>{5, 6, 7, 8}));
}

// An analysed video has numbers of frames; its file's name ends with the network's, which is the scorer.
BOOST_AUTO_TEST_CASE(analysed_videos) {
  const auto videos = parse_deeplabcut_csv({"/d/mouse 1DLC_resnet50_x.csv",
                                            "scorer,DLC_resnet50_x,DLC_resnet50_x,DLC_resnet50_x\n"
                                            "bodyparts,nose,nose,nose\ncoords,x,y,likelihood\n0,1,2,0.5\n1,3,4,1\n"});
  BOOST_REQUIRE_EQUAL(videos.size(), 1u);
  BOOST_TEST(videos[0].video == "mouse 1");
  BOOST_TEST(videos[0].columns == (Names{"nose.x", "nose.y", "nose.likelihood"}));
  BOOST_TEST(videos[0].frames == (Numbers{0, 1}));
  BOOST_TEST(row(videos[0], 0) == (std::vector<float>{1, 2, 0.5F}));
}

BOOST_AUTO_TEST_CASE(deeplabcut_tables_that_are_wrong) {
  const std::string head = "scorer,me,me\nbodyparts,A,A\ncoords,x,y\n";
  BOOST_TEST(fault(parse_deeplabcut_csv, "a,b\n1,2\n").find("must begin with the rows scorer, bodyparts and coords") !=
             std::string::npos);
  BOOST_TEST(fault(parse_deeplabcut_csv, "scorer,me\ncoords,x\n").find("t.csv:2: no row bodyparts") == 0u);
  BOOST_TEST(fault(parse_deeplabcut_csv, "scorer,me,me\nbodyparts,A\ncoords,x,y\n").find("not of one width") !=
             std::string::npos);
  BOOST_TEST(fault(parse_deeplabcut_csv, head + "0,1\n").find("t.csv:4: 2 fields, the header has 3") == 0u);
  BOOST_TEST(fault(parse_deeplabcut_csv, head + "0,1,up\n").find("t.csv:4: A.y: ") == 0u);
  BOOST_TEST(fault(parse_deeplabcut_csv, head + "labeled-data/v/img.png,1,2\n").find("no number of its frame") !=
             std::string::npos);
  BOOST_TEST(fault(parse_deeplabcut_csv, head + "0.5,1,2\n").find("t.csv:4: index: ") == 0u);
}

// SLEAP's rows are instances: of one track a frame has one, further ones without a name are told apart.
BOOST_AUTO_TEST_CASE(sleap_tables) {
  const auto videos = parse_sleap_csv({"labels.v000_clip.analysis.csv",
                                       "track,frame_idx,instance.score,A.x,A.y,A.score\n"
                                       "fly,4,0.5,1,2,0.25\n,4,nan,3,4,\n,4,0.1,5,,1\nfly,2,0.5,7,8,0.5\n"});
  BOOST_REQUIRE_EQUAL(videos.size(), 1u);
  BOOST_TEST(videos[0].columns == (Names{"fly.A.x", "fly.A.y", "fly.A.score", "A.x", "A.y", "A.score", "instance#2.A.x",
                                         "instance#2.A.y", "instance#2.A.score"}));
  BOOST_TEST(videos[0].frames == (Numbers{2, 4}));
  BOOST_TEST(row(videos[0], 0) == (std::vector<float>{7, 8, 0.5F, -1, -1, -1, -1, -1, -1}));
  BOOST_TEST(row(videos[0], 1) == (std::vector<float>{1, 2, 0.25F, 3, 4, -1, 5, -1, 1}));
  BOOST_TEST(fault(parse_sleap_csv, "a,b\n1,2\n").find("t.csv:1: needs the columns track and frame_idx") == 0u);
  BOOST_TEST(fault(parse_sleap_csv, "track,frame_idx,A.x\n,0,1\n,x,1\n").find("t.csv:3: frame_idx: ") == 0u);
  BOOST_TEST(fault(parse_sleap_csv, "track,frame_idx,A.x\n,0\n").find("t.csv:2: ") == 0u);
}

// Consecutive frames have the times of --fps, from their own first one on; others keep their numbers.
BOOST_AUTO_TEST_CASE(poses_as_features) {
  const auto folder = std::filesystem::temp_directory_path() / ("tal_pose_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto read = [&](const std::string& text, const std::string& stream = "") {
    const auto path = (folder / "clip.csv").string();
    std::ofstream(path) << text;
    ImportOptions options;
    options.fps = 25, options.features.inline_data = true, options.features.non_finite = "interpolate";
    options.features.stream = stream;
    std::string lines, notes;
    read_pose({path}, options,
              {[&](Record& record) { lines += record.str() + "\n"; },
               [](const Error& error, std::string_view) { throw error; },
               [&](const std::string& note) { notes += note + "\n"; }});
    return std::pair(lines, notes);
  };
  const std::string head = "scorer,me,me\nbodyparts,A,A\ncoords,x,y\n";
  const auto [lines, notes] = read(head + "5,0,1\n6,,3\n7,4,5\n");
  Record record;
  record.parse(lines);
  BOOST_REQUIRE_EQUAL(record.features().size(), 1u);
  const FeatureStream stream = record.features().front();
  BOOST_TEST(stream.name == "pose");
  BOOST_TEST(stream.rows == 3);
  BOOST_TEST(stream.stride == 1);
  BOOST_TEST(stream.offset == 5);
  BOOST_TEST(stream.fps->value() == 25);
  BOOST_TEST(stream.classes == (Names{"A.x", "A.y"}));
  BOOST_TEST(load_features(stream).at(1, 0) == 2);  // on the line between 0 and 4
  const auto [filled, told] = read(head + "5,0,1\n7,4,5\n", "full");
  record.parse(filled);
  BOOST_TEST(record.features().front().rows == 3);
  BOOST_TEST(record.features().front().offset == 5);
  BOOST_TEST(load_features(record.features().front()).at(1, 0) == 2);
  BOOST_TEST(told.find("clip: 1 frames without a row, whose values are missing") != std::string::npos);
  const auto [gaps, said] = read(head + "5,0,1\n70,4,5\n", "paws");
  BOOST_TEST(gaps.find("\"frames\":[5,70]") != std::string::npos);
  BOOST_TEST(gaps.find("\"paws\"") != std::string::npos);
  BOOST_TEST(said.find("2 frames with gaps between them") != std::string::npos);
  BOOST_CHECK_THROW(read_pose_hdf5((folder / "clip.csv").string()), Error);
  std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_SUITE_END()
