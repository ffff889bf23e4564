// Published feature files, the HAPT recordings and published weights: shapes and counts as their origins state them.
#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "libtal/data/weights.h"
#include "libtal/formats/feature_import.h"
#include "libtal/io/hdf5.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npz.h"
#include "libtal/io/torch_file.h"
#include "tests/support.h"

namespace {

using namespace tal;

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("tal-feature-data-" + std::to_string(::getpid()));
  ~Folder() { std::filesystem::remove_all(path); }
};

struct Read {
  std::vector<Record> records;
  std::vector<Error> errors;
  std::vector<std::string> notes;
};

Read read(PathReader reader, const std::string& path, const ImportOptions& options) {
  Read out;
  const ImportSink sink{[&](Record& record) {
                          Record again;  // what a pipe carries is the text
                          again.parse(record.str());
                          out.records.push_back(std::move(again));
                        },
                        [&](const Error& error, std::string_view) { out.errors.push_back(error); },
                        [&](const std::string& note) { out.notes.push_back(note); }};
  reader({test::data_dir() + "/" + path}, options, sink);
  return out;
}

ImportOptions inlined() {
  ImportOptions options;
  options.features.inline_data = true;
  return options;
}

using Shape = std::pair<std::int64_t, std::int64_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(feature_data)

BOOST_AUTO_TEST_CASE(npy_files_where_they_are) {
  if (test::skip_without(test::data_dir(), "feature files")) return;
  // rows x dim as stated for each file; timestamps are one column
  const std::map<std::string, Shape> wanted = {{"clip_ViT-B_32_1_5_clip", {90, 512}},
                                               {"clip_ViT-B_32_1_5_timestamps_ms", {90, 1}},
                                               {"i3d_None_raft_24_12_15_flow", {21, 1024}},
                                               {"i3d_None_raft_24_12_15_rgb", {21, 1024}},
                                               {"i3d_None_raft_24_12_15_timestamps_ms", {21, 1}},
                                               {"i3d_None_raft_24_24_25_flow", {18, 1024}},
                                               {"i3d_None_raft_24_24_25_rgb", {18, 1024}},
                                               {"i3d_None_raft_24_24_25_timestamps_ms", {18, 1}},
                                               {"i3d_None_raft_None_None_None_flow", {5, 1024}},
                                               {"i3d_None_raft_None_None_None_rgb", {5, 1024}},
                                               {"i3d_None_raft_None_None_None_timestamps_ms", {5, 1}},
                                               {"r21d_r2plus1d_18_16_kinetics_None_None_None_r21d", {22, 512}},
                                               {"r21d_r2plus1d_34_8_ig65m_ft_kinetics_None_None_None_r21d", {44, 512}},
                                               {"resnet_resnet101_1_1_resnet", {18, 2048}},
                                               {"resnet_resnet101_1_1_timestamps_ms", {18, 1}},
                                               {"s3d_32_32_20_s3d", {11, 1024}},
                                               {"s3d_None_None_None_s3d", {7, 1024}},
                                               {"vggish_vggish", {18, 128}}};
  std::map<std::string, Shape> got;
  for (const auto& record : read(read_features, "features/video_features_v_GGSY1Qvo990", {}).records) {
    const FeatureMatrix m = load_features(select_stream(record, "features"));
    got[record.video()] = {m.rows, m.dim};
  }
  BOOST_TEST((got == wanted));

  // The same files as streams of one video, with the time contract of 64-frame windows at 19.62 frames per second.
  ImportOptions options;
  options.features.pattern = "i3d_None_raft_None_None_None_(rgb|flow)\\.npy$", options.features.id = "v_GGSY1Qvo990",
  options.features.stream = "i3d_$1";
  options.fps = 19.62, options.features.stride = 64;
  const auto i3d = read(read_features, "features/video_features_v_GGSY1Qvo990", options);
  BOOST_REQUIRE(i3d.records.size() == 1u);
  BOOST_TEST(i3d.records[0].features().size() == 2u);
  const auto rgb = select_stream(i3d.records[0], "i3d_rgb");
  BOOST_TEST(rgb.stride == 64);
  BOOST_TEST(rgb.window == 64);
  BOOST_TEST(rgb.fps->value() == 19.62);
  BOOST_REQUIRE(i3d.notes.size() == 1u);
  BOOST_TEST(i3d.notes[0].find("16 files") != std::string::npos);

  for (const auto& [path, shape] :
       {std::pair<const char*, Shape>{"features/mmaction2/bsp_features_v_test1.npy", {665, 32}},
        {"features/paddlevideo/example_feat.npy", {100, 400}},
        {"thumos14/uNet_test.npy", {1574, 101}}}) {
    const auto records = read(read_features, path, {}).records;
    BOOST_REQUIRE(records.size() == 1u);
    const FeatureMatrix m = load_features(select_stream(records[0], ""));
    BOOST_TEST((Shape{m.rows, m.dim} == shape));
    const auto again = read(read_features, path, inlined()).records;
    BOOST_TEST((load_features(select_stream(again[0], "")).values == m.values));
  }
  // each row of the class scores sums to 2
  const FeatureMatrix scores =
      load_features(select_stream(read(read_features, "thumos14/uNet_test.npy", {}).records[0], ""));
  for (std::int64_t r = 0; r < scores.rows; ++r) {
    double sum = 0;
    for (std::int64_t c = 0; c < scores.dim; ++c) sum += scores.at(r, c);
    BOOST_REQUIRE(std::abs(sum - 2) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(csv_files) {
  if (test::skip_without(test::data_dir(), "feature files")) return;
  ImportOptions options = inlined();
  options.features.pattern = "activitynet_features_(v_test[0-9])\\.csv";
  const auto got = read(read_features, "features/mmaction2", options);
  BOOST_REQUIRE(got.records.size() == 2u);
  BOOST_TEST(got.records[0].video() == "v_test1");
  for (const auto& record : got.records) {
    const FeatureMatrix m = load_features(select_stream(record, "features"));
    BOOST_TEST((Shape{m.rows, m.dim} == Shape{5, 400}));
  }
  options.features.pattern = "(tem_results_.*)\\.csv";
  for (const auto& record : read(read_features, "features/mmaction2", options).records)
    BOOST_TEST((Shape{select_stream(record, "").rows, select_stream(record, "").dim} == Shape{10, 5}));
}

BOOST_AUTO_TEST_CASE(hdf5_files) {
  if (test::skip_without(test::data_dir(), "feature files")) return;
  if (!have_hdf5()) {
    std::cout << "SKIPPED: no data: built without HDF5" << std::endl;
    return;
  }
  // 755 rows of the second video are NaN in the published file: named, or zero when asked for.
  const auto strict = read(read_features, "features/daps/c3d_after_pca.hdf5", inlined());
  BOOST_REQUIRE(strict.records.size() == 1u);
  BOOST_REQUIRE(strict.errors.size() == 1u);
  BOOST_TEST(strict.errors[0].video() == "video_test_0000541");
  BOOST_TEST(strict.errors[0].field() == "features.c3d_features");
  ImportOptions options = inlined();
  options.features.non_finite = "zero";
  const auto got = read(read_features, "features/daps/c3d_after_pca.hdf5", options);
  BOOST_REQUIRE(got.records.size() == 2u);
  BOOST_REQUIRE(got.notes.size() == 1u);
  BOOST_TEST(got.notes[0].find("377500 values") != std::string::npos);
  const auto first = select_stream(got.records[0], "c3d_features"),
             second = select_stream(got.records[1], "c3d_features");
  BOOST_TEST((Shape{first.rows, first.dim} == Shape{1418, 500}));
  BOOST_TEST((Shape{second.rows, second.dim} == Shape{863, 500}));

  options.features.vectors = "rows";
  const auto vectors = read(read_features, "features/tsp/thumos14_r2plus1d_34-max_gvf.h5", options);
  BOOST_TEST(vectors.records.size() == 413u);
  for (const auto& record : vectors.records)
    BOOST_REQUIRE((Shape{select_stream(record, "").rows, select_stream(record, "").dim} == Shape{1, 512}));

  const Hdf5File anchors(test::data_dir() + "/weights/daps/T512K64_anchors_thumos14.hdf5");
  BOOST_REQUIRE(anchors.datasets().size() == 1u);
  const FeatureMatrix m = anchors.read(anchors.datasets()[0].name);
  BOOST_TEST((Shape{m.rows, m.dim} == Shape{64, 2}));

  // A real file cut off anywhere is an error, not a crash.
  const std::string whole = read_file(test::data_dir() + "/weights/daps/T512K64_anchors_thumos14.hdf5");
  for (std::size_t cut = 0; cut < whole.size(); cut += 97) {
    try {
      const auto file = Hdf5File::from_memory(whole.substr(0, cut));
      for (const auto& dataset : file.datasets()) (void)file.read(dataset.name);
      BOOST_ERROR("cut at " << cut << " was read");
    } catch (const Error&) {
    }
  }
}

BOOST_AUTO_TEST_CASE(hapt) {
  if (test::skip_without(test::data_dir(), "HAPT")) return;
  const Folder folder;
  ImportOptions options;
  options.features.pattern = "exp[0-9]+_user[0-9]+", options.features.out_dir = folder.path.string();
  options.features.window = 50, options.features.stride = 25;
  options.signals.rate = 50, options.signals.labels = test::data_dir() + "/hapt/segments.csv";
  options.columns = {
      {"video", "sequence"}, {"start", "start_s"}, {"end", "end_s"}, {"label", "class_name"}, {"subset", "split"}};
  const auto got = read(read_signals, "hapt/RawData", options);
  BOOST_TEST(got.errors.empty());
  BOOST_REQUIRE(got.notes.size() == 1u);
  BOOST_TEST(got.notes[0] == "columns left out: 'class_id'");  // of the labels, which number class_name
  std::map<std::string, int> subsets, labels;
  std::size_t samples = 0;
  for (const auto& record : got.records) {
    ++subsets[*record.text("subset")];
    for (const auto& annotation : record.annotations()) ++labels[annotation.label];
    const auto frames = static_cast<std::int64_t>(*record.number("frames"));
    samples += static_cast<std::size_t>(frames);
    const auto stream = select_stream(record, "signals");
    BOOST_TEST(stream.dim == 300);
    BOOST_TEST(stream.rows == (frames - 50) / 25 + 1);
    BOOST_TEST(*record.duration() == static_cast<double>(frames) / 50);
  }
  BOOST_TEST(got.records.size() == 61u);
  BOOST_TEST(subsets["train"] == 42);
  BOOST_TEST(subsets["test"] == 19);
  BOOST_TEST(samples == 1122772u);
  BOOST_TEST((labels == std::map<std::string, int>{{"WALKING", 127},
                                                   {"WALKING_UPSTAIRS", 183},
                                                   {"WALKING_DOWNSTAIRS", 186},
                                                   {"SITTING", 120},
                                                   {"STANDING", 120},
                                                   {"LAYING", 120},
                                                   {"STAND_TO_SIT", 60},
                                                   {"SIT_TO_STAND", 62},
                                                   {"SIT_TO_LIE", 60},
                                                   {"LIE_TO_SIT", 60},
                                                   {"STAND_TO_LIE", 58},
                                                   {"LIE_TO_STAND", 58}}));
  // The first samples of the first recording stand in its first row: accelerometer, then gyroscope.
  const FeatureMatrix m = load_features(select_stream(got.records[0], ""));
  BOOST_TEST(m.at(0, 0) == 0.9180555898766518f);
  BOOST_TEST(m.at(0, 2) == 0.5097222514293852f);
  BOOST_TEST(m.at(0, 6) == 0.9111111304603812f);
}

BOOST_AUTO_TEST_CASE(weights) {
  if (test::skip_without(test::data_dir(), "weights")) return;
  const std::string folder = test::data_dir() + "/weights/";
  for (const auto& [path, key, tensors] :
       {std::tuple<const char*, const char*, std::size_t>{"cmcs_thumos_i3d/model-both-15000", "", 22},
        {"cmcs_thumos_i3d/model-flow-15000", "", 22},
        {"cmcs_thumos_i3d/model-rgb-15000", "", 22},
        {"super_events/multithumos_rgb_super_event", "", 18},
        {"bsn_pem/pem_best.pth.tar", "state_dict", 4},
        {"daps/T512K64_thumos14.npz", "", 21}}) {
    const MappedFile file(folder + path);
    const auto weights = read_weights(file.bytes(), key);
    BOOST_TEST(weights.tensors.size() == tensors, path);
    for (const auto& tensor : weights.tensors) {
      std::size_t count = 1;
      for (const auto extent : tensor.shape) count *= static_cast<std::size_t>(extent);
      BOOST_REQUIRE(tensor.data.size() == count * dtype_bytes(tensor.dtype));
      for (std::size_t i = 0; tensor.dtype == Dtype::kF32 && i < count; ++i) {
        float value;
        std::memcpy(&value, tensor.data.data() + 4 * i, 4);
        BOOST_REQUIRE(std::isfinite(value));
      }
    }
  }
  // fc1 256 x 32 and fc2 1 x 256
  const MappedFile file(folder + "bsn_pem/pem_best.pth.tar");
  const auto pem = read_weights(file.bytes(), "state_dict");
  BOOST_TEST(shape_text(pem.tensors.at(0).shape) == "[256, 32]");
  BOOST_TEST(shape_text(pem.tensors.at(2).shape) == "[1, 256]");
  const auto renamed =
      rename_tensors(pem.tensors, parse_rules({"rules", "module\\.(fc[12])\\.(.*) -> $1.$2\n"}), "rules");
  BOOST_TEST(renamed.unmatched.empty());
  BOOST_TEST(renamed.tensors.at(3).name == "fc2.bias");
  // A legacy file cut off anywhere is refused.
  for (std::size_t cut = 0; cut < file.bytes().size(); cut += 1013)
    BOOST_CHECK_THROW(TorchFile(file.bytes().substr(0, cut)).state_dict("state_dict"), Error);
}

BOOST_AUTO_TEST_SUITE_END()
