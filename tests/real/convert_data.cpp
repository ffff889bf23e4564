// The published files: counts as their origins state them, and exact round trips.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <tuple>

#include "libtal/base/video_id.h"
#include "libtal/data/mat_file.h"
#include "libtal/data/tables.h"
#include "libtal/formats/formats.h"
#include "tests/support.h"

namespace {

using namespace tal;

std::vector<Record> read(const std::string& format, const std::vector<std::string>& paths,
                         const ImportOptions& options = {}) {
  const auto& formats = import_formats();
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; });
  std::vector<Record> records;
  std::vector<std::string> files;
  for (const auto& path : paths) files.push_back(test::data_dir() + "/" + path);
  const ImportSink sink{[&](Record& record) { records.push_back(std::move(record)); },
                        [](const Error& error, std::string_view) { throw error; }, [](const std::string&) {}};
  found->reader(load_sources(files, found->extension), options, sink);
  return records;
}

SourceText load(const std::string& path) { return load_sources({test::data_dir() + "/" + path}, "").at(0); }

struct Count {
  std::size_t videos = 0, annotations = 0, proposals = 0;
  bool operator==(const Count&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Count& c) {
    return out << c.videos << "/" << c.annotations << "/" << c.proposals;
  }
};

Count count(const std::vector<Record>& records, const std::string& subset = "") {
  Count c;
  for (const auto& record : records) {
    if (!subset.empty() && record.text("subset") != subset) continue;
    ++c.videos;
    c.annotations += record.annotations(true).size();
    if (const auto raw = record.raw("proposals")) c.proposals += nlohmann::json::parse(*raw).size();
  }
  return c;
}

std::string write(const std::string& format, const std::vector<Record>& records, const ExportOptions& options = {}) {
  const auto& formats = export_formats();
  const auto writer =
      std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; })->make(options);
  std::string out;
  for (const auto& record : records) {
    Record again;  // what a pipe carries is the text
    again.parse(record.str());
    writer->add(again, out);
  }
  writer->end(out);
  return out;
}

// video start end class score, grouped by video, each video's rows in order
auto result_rows(const std::string& text) {
  std::vector<std::tuple<std::string, double, double, int, double>> rows;
  std::istringstream in(text);
  std::string video;
  double start, end, score;
  int id;
  while (in >> video >> start >> end >> id >> score) rows.emplace_back(video, start, end, id, score);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return std::get<0>(a) < std::get<0>(b); });
  return rows;
}

// Videos that a table names; a file's name means its video too.
std::size_t videos_in(const std::string& path) {
  std::set<std::string> ids;
  for (const auto& [name, info] : parse_videos(load(path))) ids.insert(video_id(name));
  return ids.size();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(convert_data)

BOOST_AUTO_TEST_CASE(activitynet) {
  if (test::skip_without(test::data_dir(), "ActivityNet")) return;
  const auto v13 = read("activitynet-gt", {"activitynet/activity_net.v1-3.reconstructed.min.json"});
  BOOST_TEST(count(v13, "training") == (Count{10024, 15410, 0}));
  BOOST_TEST(count(v13, "validation") == (Count{4926, 7654, 0}));
  BOOST_TEST(count(v13, "testing") == (Count{5044, 0, 0}));
  const auto v12 = read("activitynet-gt", {"activitynet/activity_net.v1-2.min.json"});
  BOOST_TEST(count(v12, "training") == (Count{4819, 7151, 0}));
  BOOST_TEST(count(v12, "validation") == (Count{2383, 3582, 0}));
  BOOST_TEST(count(v12, "testing").videos == 2480u);

  ImportTables tables;
  tables.videos = parse_videos(load("activitynet/video_info_new.csv"));
  BOOST_TEST(tables.videos.size() == 19228u);
  std::map<std::string, Count> subsets;
  for (const auto& record : read("bsn-annotations", {"activitynet/anet_anno_action.json"})) {
    const auto* info = tables.find(record.video());
    BOOST_REQUIRE(info);
    auto& c = subsets[info->subset];
    ++c.videos;
    c.annotations += record.annotations(true).size();
  }
  BOOST_TEST(subsets["training"] == (Count{9649, 14859, 0}));
  BOOST_TEST(subsets["validation"] == (Count{4728, 7293, 0}));
  BOOST_TEST(subsets["testing"] == (Count{4851, 0, 0}));

  BOOST_TEST(count(read("activitynet-gt", {"activitynet/mmaction2_eval_localization/gt.json"}), "validation").videos ==
             2u);
  BOOST_TEST(count(read("activitynet-results", {"activitynet/sample_detection_prediction.json"})) ==
             (Count{4926, 0, 7654}));
  BOOST_TEST(count(read("activitynet-results", {"activitynet/mmaction2_eval_localization/result.json"})).videos == 2u);
  std::size_t labels = 0, videos = 0;
  for (const auto& record : read("activitynet-classification", {"activitynet/sample_classification_prediction.json"}))
    ++videos, labels += record.classification().size();
  BOOST_TEST(videos == 4926u);
  BOOST_TEST(labels == 4933u);
  BOOST_TEST(read("activitynet-classification", {"activitynet/stale_best_score.json"}).size() == 4926u);
}

BOOST_AUTO_TEST_CASE(activitynet_round_trips) {
  if (test::skip_without(test::data_dir(), "ActivityNet")) return;
  for (const char* file :
       {"activitynet/activity_net.v1-3.reconstructed.min.json", "activitynet/activity_net.v1-2.min.json"}) {
    auto wanted = test::load(test::data_dir() + "/" + file);
    if (wanted.size() == 1) wanted["version"] = "VERSION 1.3";  // nothing but "database": the writer's own version
    const bool same = nlohmann::json::parse(write("activitynet-gt", read("activitynet-gt", {file}))) == wanted;
    BOOST_TEST(same, file);
  }
  // Twelve of these detections have no length; they come back all the same.
  const std::string results = "activitynet/sample_detection_prediction.json";
  const bool same = nlohmann::json::parse(write("activitynet-results", read("activitynet-results", {results}))) ==
                    test::load(test::data_dir() + "/" + results);
  BOOST_TEST(same);
}

BOOST_AUTO_TEST_CASE(thumos14) {
  if (test::skip_without(test::data_dir(), "THUMOS14")) return;
  BOOST_TEST(count(read("thumos14-gt", {"thumos14/annotations_val"}), "validation") == (Count{200, 3096, 0}));
  const auto records = read("thumos14-gt", {"thumos14/annotations_test"});
  BOOST_TEST(count(records, "test") == (Count{213, 3457, 0}));
  std::size_t ambiguous = 0;
  for (const auto& record : records)
    for (const auto& annotation : record.annotations()) ambiguous += annotation.label == "Ambiguous";
  BOOST_TEST(ambiguous == 99u);
  BOOST_TEST(videos_in("thumos14/test_durations.txt") == 1574u);
  BOOST_TEST(videos_in("thumos14/validation_durations.txt") == 1010u);
  BOOST_TEST(videos_in("thumos14/thumos14_valid_metadata.csv") == 200u);
  BOOST_TEST(videos_in("thumos14/thumos_frames_info.json") == 413u);
  const auto gt = read("activitynet-gt", {"thumos14/thumos_gt.json"});
  BOOST_TEST(count(gt, "train") == (Count{200, 3007, 0}));
  BOOST_TEST(count(gt, "test") == (Count{210, 3311, 0}));
  const auto former = read("activitynet-gt", {"thumos14/thumos14_actionformer.json"});
  BOOST_TEST(count(former, "Validation") == (Count{200, 3007, 0}));
  BOOST_TEST(count(former, "Test") == (Count{212, 3358, 0}));
  BOOST_TEST(count(read("activitynet-gt", {"thumos14/multithumos.json"})) == (Count{413, 38690, 0}));
  BOOST_TEST(count(read("segments-csv", {"thumos14/test_Annotation.csv"})) == (Count{213, 3457, 0}));
  BOOST_TEST(count(read("segments-csv", {"thumos14/test_Annotation_ours.csv"})) == (Count{212, 3358, 0}));
  BOOST_TEST(count(read("segments-csv", {"thumos14/val_Annotation.csv"})) == (Count{200, 3096, 0}));
  BOOST_TEST(count(read("segments-csv", {"thumos14/val_Annotation_ours.csv"})) == (Count{200, 3007, 0}));
  ImportOptions frames;
  frames.time = "frames";
  BOOST_TEST(count(read("segments-csv", {"thumos14/thumos14_test_groundtruth.csv"}, frames)) == (Count{213, 3457, 0}));
}

BOOST_AUTO_TEST_CASE(tables) {
  if (test::skip_without(test::data_dir(), "TSP tables")) return;
  ImportOptions actions;
  actions.where_column = "temporal-region-label";
  actions.where_value = "Action";
  const std::string valid = "activitynet/activitynet_v1-3_valid_tsp_groundtruth.csv.gz",
                    train = "activitynet/activitynet_v1-3_train_tsp_groundtruth.csv.gz";
  BOOST_TEST(count(read("segments-csv", {valid})) == (Count{4926, 15401, 0}));
  BOOST_TEST(count(read("segments-csv", {valid}, actions)) == (Count{4926, 7654, 0}));
  BOOST_TEST(count(read("segments-csv", {train})) == (Count{10024, 31366, 0}));
  BOOST_TEST(count(read("segments-csv", {train}, actions)) == (Count{10024, 15410, 0}));
  BOOST_TEST(parse_classes(load("activitynet/action_name.csv")).size() == 200u);
  BOOST_TEST(parse_classes(load("activitynet/activitynet_v1-3_action_label_mapping.json")).size() == 200u);
}

BOOST_AUTO_TEST_CASE(turn_detections) {
  if (test::skip_without(test::data_dir(), "TURN")) return;
  const std::pair<const char*, std::size_t> files[] = {
      {"0.1", 11062}, {"0.3", 11887}, {"0.4", 13468}, {"0.5", 16565}, {"0.7", 24793}};
  ImportOptions options;
  options.tables.classes = parse_classes(load("thumos14/annotations_test/detclasslist.txt"));
  BOOST_TEST(options.tables.classes.size() == 20u);
  ExportOptions to;
  to.classes = options.tables.classes;
  for (const auto& [tiou, rows] : files) {
    const std::string file = std::string("results/turn_tap/TURN-FLOW-16_SCNN_thumos14_iou") + tiou + ".txt";
    const auto records = read("thumos14-results", {file}, options);
    BOOST_TEST(count(records).proposals == rows);
    const bool same = result_rows(load(file).text) == result_rows(write("thumos14-results", records, to));
    BOOST_TEST(same, file);
  }
}

BOOST_AUTO_TEST_CASE(autoloc_detections) {
  if (test::skip_without(test::data_dir(), "AutoLoc")) return;
  ImportOptions options;
  options.prefix = "video_test_";
  options.time = "relative";
  options.class_offset = 1;  // its classes count from 0
  options.tables.videos = parse_videos(load("results/autoloc/thumos14_test_meta.csv"));
  options.tables.classes = parse_classes(load("thumos14/detclasslist_scnn_1to20.txt"));
  BOOST_TEST(options.tables.videos.size() == 213u);
  const auto detections = read("detections-csv", {"results/autoloc/thumos14_test_detections.csv"}, options);
  BOOST_TEST(count(detections) == (Count{213, 0, 20763}));
  BOOST_TEST(detections.at(0).video() == "video_test_0000179");
  BOOST_TEST(detections.at(0).proposals().at(0).label == "BaseballPitch");
  BOOST_TEST(detections.at(0).proposals().at(0).segment.start == 0.616881371 * *detections.at(0).duration());
  BOOST_TEST(count(read("segments-csv", {"results/autoloc/thumos14_test_gt.csv"}, options)) == (Count{210, 3234, 0}));
}

BOOST_AUTO_TEST_CASE(ssn_and_bsn_proposals) {
  if (test::skip_without(test::data_dir(), "proposal lists")) return;
  ImportOptions unit;
  unit.unit_duration = true;
  const std::string list = "activitynet/activitynet1.2_tag_val_normalized_proposal_list.txt.gz";
  BOOST_TEST(count(read("ssn-proposals", {list}, unit)) == (Count{2383, 3582, 120148}));
  ImportOptions seconds;
  seconds.tables.videos = parse_videos(load("activitynet/activity_net.v1-2.min.json"));
  const auto records = read("ssn-proposals", {list}, seconds);
  BOOST_TEST(count(records) == (Count{2383, 3582, 120148}));
  const auto scores = named_scores(records.at(0).proposals().at(0));
  BOOST_REQUIRE_EQUAL(scores.size(), 3u);
  BOOST_TEST(scores[0].value == 58);
  BOOST_TEST(scores[1].value == 0.9684);
  BOOST_TEST(scores[2].value == 0.9996);
  ImportOptions frames;
  frames.time = "frames";
  frames.fps = 1;
  BOOST_TEST(count(read("ssn-proposals", {"features/mmaction2/annotations_proposal_test_list.txt"}, frames)) ==
             (Count{1, 2, 10}));
  BOOST_TEST(count(read("ssn-proposals", {"features/mmaction2/annotations_proposal_normalized_list.txt"}, unit)) ==
             (Count{1, 2, 10}));
  const auto bsn = read("bsn-proposals",
                        {"features/mmaction2/proposals_v_test1.csv", "features/mmaction2/proposals_v_test2.csv"}, unit);
  BOOST_TEST(count(bsn) == (Count{2, 0, 15}));
}

// Row n is test video n + 1 and column c is UCF101's class c + 1: shifted by one, the best class of few videos would be
// one that the ground truth has.
BOOST_AUTO_TEST_CASE(untrimmednet_class_scores) {
  if (test::skip_without(test::data_dir(), "UntrimmedNet")) return;
  std::string list;
  for (int n = 1; n <= 1574; ++n) {
    const std::string number = std::to_string(n);
    list += "video_test_" + std::string(7 - number.size(), '0') + number + '\n';
  }
  ImportOptions options;
  options.tables.rows = row_videos({"list", list});
  const auto all = read("class-scores", {"thumos14/uNet_test.npy"}, options);
  BOOST_REQUIRE_EQUAL(all.size(), 1574u);
  double sum = 0;
  for (const auto& score : all[7].classification()) sum += score.score;
  BOOST_TEST(std::abs(sum - 2) < 1e-4);  // as its README says
  options.tables.classes = parse_classes(load("thumos14/annotations_test/detclasslist.txt"));
  std::map<std::string, std::set<std::string>> truth;
  for (const auto& record : read("thumos14-gt", {"thumos14/annotations_test"}))
    for (const auto& annotation : record.annotations()) truth[record.video()].insert(annotation.label);
  for (const std::int64_t offset : {1, 0}) {
    options.class_offset = offset;
    std::size_t right = 0;
    for (const auto& record : read("class-scores", {"thumos14/uNet_test.npy"}, options)) {
      const auto scores = record.classification();
      BOOST_REQUIRE_EQUAL(scores.size(), 20u);
      const auto best = std::max_element(scores.begin(), scores.end(),
                                         [](const auto& a, const auto& b) { return a.score < b.score; });
      const auto found = truth.find(record.video());
      right += found != truth.end() && found->second.count(best->label);
    }
    BOOST_TEST((offset == 1 ? right > 213u * 8 / 10 : right < 213u / 4), right << " of 213 with offset " << offset);
  }
}

BOOST_AUTO_TEST_CASE(scnn_windows) {
  if (test::skip_without(test::data_dir(), "S-CNN")) return;
  const auto arrays = parse_mat(load("results/scnn/c3d_res_seg_swin.mat").text);
  BOOST_REQUIRE_EQUAL(arrays.size(), 1u);
  BOOST_TEST(arrays[0].name == "seg_swin");
  BOOST_TEST(arrays[0].shape == (std::vector<std::size_t>{79475, 14}), boost::test_tools::per_element());
  ImportOptions options;
  options.tables.window_weights = parse_window_weights(load("results/scnn/c3d_weight.mat"));
  options.tables.classes = parse_classes(load("thumos14/detclasslist_scnn_1to20.txt"));
  BOOST_REQUIRE_EQUAL(options.tables.window_weights.size(), 6u);
  const auto rounded = parse_window_weights(load("results/scnn/c3d_weight.csv"));
  for (std::size_t r = 0; r < 6; ++r)
    for (std::size_t c = 0; c < 20; ++c)
      BOOST_TEST(std::abs(options.tables.window_weights[r][c] - rounded[r][c]) < 1e-4);
  BOOST_TEST(count(read("scnn-mat", {"results/scnn/c3d_res_seg_swin.mat"}, options)) == (Count{213, 0, 79475 - 9912}));
  BOOST_TEST(!parse_mat(load("results/scnn/c3d_res_scnn_thumos14.mat").text).empty());
  BOOST_TEST(!parse_mat(load("thumos14/test_info.mat").text).empty());
}

BOOST_AUTO_TEST_SUITE_END()
