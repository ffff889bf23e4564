// The presets of the points detectors against the tables of their repositories' configurations (actionformer_release
// 61ea7eb, TriDet 764b816, TemporalMaxer 4030cdf, DyFADet f645caf, OpenTAD 3dd7b03), typed in again row by row.
#include "libtal/models/catalogue/points_presets.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "libtal/segment/suppress.h"

using namespace tal;
using Json = nlohmann::json;

namespace {

Json preset(const std::string& name) {
  for (const auto& one : points_presets())
    if (one.name == name) return Json::parse(one.settings);
  BOOST_FAIL("no preset " << name);
  return {};
}

// Columns of a table and one of its rows: a column that is null there is not looked at.
void is(const std::string& name, const std::vector<std::string>& columns, const Json& row) {
  const auto settings = preset(name);
  BOOST_REQUIRE(columns.size() == row.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (row[i].is_null()) continue;
    BOOST_REQUIRE_MESSAGE(settings.contains(columns[i]), name << " says nothing of " << columns[i]);
    BOOST_TEST(settings.at(columns[i]) == row[i],
               name << ": " << columns[i] << " is " << settings.at(columns[i]) << ", not " << row[i]);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(points_tables)

BOOST_AUTO_TEST_CASE(actionformer) {
  // lr, decay, epochs with the 5 of warmup, batch, longest crop, windows, dims, smoothing, normaliser, kept share.
  const std::vector<std::string> columns = {
      "train.lr", "train.weight-decay", "train.epochs", "train.batch", "rows", "windows",
      "dims",     "normalizer",         "inside",       "droppath"};
  is("actionformer-thumos14", columns, {1e-4, 0.05, 35, 2, 2304, {19}, 512, 100, 0.5, 0.1});
  is("actionformer", columns, {1e-4, 0.05, 35, 2, 2304, {19}, 512, 100, 0.5, 0.1});
  is("actionformer-activitynet", columns, {1e-3, 0.05, 15, 16, 192, {7, 7, 7, 7, 7, -1}, 256, 200, 0.5, 0.1});
  is("actionformer-epic-verb", columns, {1e-4, 0.05, 21, 2, 2304, {9}, 512, 250, 0.3, 0.1});
  is("actionformer-epic-noun", columns, {1e-4, 0.05, 21, 2, 2304, {9}, 512, 250, 0.3, 0.1});
  is("actionformer-ego4d-egovlp", columns, {1e-4, 0.05, 15, 2, 1024, {9}, 384, 100, 0.3, 0.1});
  is("actionformer-ego4d-slowfast", columns, {1e-4, 0.05, 15, 2, 1024, {9}, 512, 100, 0.3, 0.1});
  is("actionformer-ego4d-omnivore", columns, {1e-4, 0.05, 15, 2, 1024, {9}, 512, 100, 0.3, 0.1});
  is("actionformer-ego4d-two", columns, {1e-4, 0.05, 15, 2, 1024, {9}, 768, 100, 0.3, 0.1});
  is("actionformer-ego4d-three", columns, {1e-4, 0.05, 15, 2, 1024, {9}, 1024, 100, 0.3, 0.1});
  is("actionformer-sbhar", columns, {1e-4, 0.05, 105, 2, 2304, {9}, 512, 250, 0.5, 0.1});
  const std::vector<std::string> more = {"levels",    "heads",   "ranges",         "position-rows",
                                         "smoothing", "dropout", "inference.top-k"};
  is("actionformer-ego4d-slowfast", more, {7, 4, "overlapping", 1024, nullptr, 0.1, 5000});
  is("actionformer-ego4d-omnivore", more, {8, 4, "overlapping", 1024, nullptr, 0.1, 5000});
  is("actionformer-ego4d-two", more, {8, 12, "overlapping", 1024, nullptr, 0.1, 5000});
  is("actionformer-ego4d-three", more, {8, 16, "overlapping", 1024, nullptr, 0.1, 5000});
  is("actionformer-epic-noun", more, {6, 4, "overlapping", nullptr, 0.1, nullptr, 5000});
  is("actionformer-thumos14", more, {6, 4, nullptr, nullptr, nullptr, nullptr, 2000});
  is("actionformer-ego4d-three", {"stream-dims"}, {{256, 384, 384}});
  is("actionformer-activitynet",
     {"input", "one-class", "loss-weight", "smoothing", "position-rows", "inference.min-length"},
     {"rescale", true, 2, 0.1, 192, 0.001});
  for (const char* name : {"actionformer-thumos14", "actionformer-epic-verb", "actionformer-ego4d-two"})
    is(name, {"train.optimizer", "train.schedule", "train.warmup-epochs", "train.clip", "train.ema", "crop", "stem"},
       {"adamw", "cosine", 5, 1, 0.999, 0.9, 2});
}

// Bock et al.'s protocol: the running weights of the last epoch.
BOOST_AUTO_TEST_CASE(inertial_data_take_no_mean_of_weights) {
  for (const char* name : {"actionformer-sbhar", "tridet-sbhar"}) is(name, {"train.ema"}, {0});
}

BOOST_AUTO_TEST_CASE(tridet) {
  const std::vector<std::string> columns = {
      "dims",         "head-dims",     "feed-forward", "windows",        "sgp-factor",         "sgp-init",
      "bins",         "quality-power", "train.lr",     "train.final-lr", "train.weight-decay", "train.warmup-epochs",
      "train.epochs", "train.batch",   "train.clip",   "rows",           "normalizer"};
  const Json thumos = {512, 512, 768, {1}, 5, 0, 16, 0.2, 1e-4, 1e-8, 0.025, 20, 40, 2, 1, 2304, 100};
  is("tridet-thumos14", columns, thumos);
  is("tridet", columns, thumos);
  is("tridet-activitynet", columns,
     {256, 512, 2048, {15}, 1.3, 0.2, 12, 1, 1e-3, 5e-5, 0.04, 10, 15, 16, 0.4, 768, 400});
  is("tridet-epic-verb", columns, {512, 512, 1024, {5}, 2, 0, 16, 0.25, 1e-4, 5e-5, 0.05, 5, 27, 2, 1, 2304, 250});
  is("tridet-epic-noun", columns, {512, 512, 1024, {1}, 4, 0, 16, 0.25, 1e-4, 1e-8, 0.05, 5, 19, 2, 1, 2304, 250});
  is("tridet-hacs-slowfast", columns,
     {1024, 1024, 1024, {3}, 1.2, 0.1, 14, 1, 1e-3, 5e-4, 0.03, 7, 11, 16, 0.5, 960, 400});
  is("tridet-hacs-i3d", columns, {1024, 1024, 1024, {15}, 1.2, 0.1, 12, 1, 1e-3, 2e-4, 0.03, 10, 13, 16, 1, 512, 400});
  is("tridet-sbhar", columns, {512, 512, 768, {1}, 4, 0, 16, 0.25, 1e-4, 1e-8, 0.05, 5, 105, 2, 1, 2304, 250});
  const std::vector<std::string> more = {"input-noise", "smoothing",   "position-rows",
                                         "levels",      "head-kernel", "boundary-kernel"};
  is("tridet-thumos14", more, {0.0005, nullptr, nullptr, 6, nullptr, nullptr});
  is("tridet-activitynet", more, {0.5, 0.1, 768, 6, nullptr, nullptr});
  is("tridet-epic-noun", more, {nullptr, 0.1, nullptr, 6, nullptr, nullptr});
  is("tridet-hacs-slowfast", more, {0.2, 0.1, 960, 6, 5, 1});
  is("tridet-hacs-i3d", more, {nullptr, 0.1, 512, 7, 5, 1});
  is("tridet-activitynet", {"inference.min-length", "one-class"}, {0.1, true});
}

BOOST_AUTO_TEST_CASE(temporalmaxer_and_dyfadet) {
  const std::vector<std::string> columns = {"train.lr",  "train.weight-decay", "train.epochs",   "embed-layers",
                                            "neck-norm", "normalizer",         "inference.top-k"};
  is("temporalmaxer-thumos14", columns, {1e-4, 0.05, 65, nullptr, "group", 100, 2000});
  is("temporalmaxer-multithumos", columns, {1e-4, 0.05, 65, 3, "shared", 100, 3000});
  is("temporalmaxer-epic-verb", columns, {1e-4, 0.05, 37, nullptr, "shared", 250, 5000});
  is("temporalmaxer-epic-noun", columns, {1e-4, 0.05, 37, nullptr, "group", 250, 5000});
  const std::vector<std::string> dynamic = {"dims",           "feed-forward",       "windows",
                                            "sgp-factor",     "sgp-init",           "train.lr",
                                            "train.final-lr", "train.weight-decay", "train.warmup-epochs",
                                            "train.epochs",   "train.batch",        "input-noise",
                                            "gate-tau"};
  is("dyfadet-thumos14", dynamic, {512, 768, {1}, 5, 0, 1e-4, 1e-8, 0.025, 20, 40, 2, 1e-5, 1.5});
  is("dyfadet-activitynet", dynamic, {256, 2048, {15}, 1.2, 0.15, 5e-4, 5e-5, 0.05, 5, 15, 8, 0.7, 1.5});
  is("dyfadet-hacs", dynamic, {1024, 1024, {3}, 1.2, 0.1, 5e-4, 5e-4, 0.025, 7, 11, 8, 0.2, 1.5});
  is("dyfadet-epic-verb", dynamic, {512, 1024, {5}, 2, 0, 1e-4, 5e-5, 0.05, 10, 25, 2, 1e-5, 1.5});
  is("dyfadet-epic-noun", dynamic, {512, 1024, {1}, 4, 0, 2e-4, 5e-5, 0.05, 5, 25, 2, 1e-6, 2});
}

BOOST_AUTO_TEST_CASE(scans) {
  const std::vector<std::string> columns = {"neck",         "dims",        "train.lr",
                                            "train.epochs", "train.batch", "input-dropout",
                                            "normalizer",   "droppath",    "inference.top-k-of"};
  is("videomamba", columns, {"dbm", 512, 1e-4, 50, 2, 0.1, 100, 0.3, "window"});
  is("videomamba-activitynet", columns, {"dbm", 256, 1e-3, 15, 16, 0.2, 200, 0.3, "window"});
  is("videomamba-hacs", columns, {"dbm", 256, 1e-3, 25, 16, 0.1, 400, 0.3, "window"});
  is("causaltad", columns, {"causal", 512, 1e-4, 50, 2, 0.3, 250, 0.3, "window"});
  is("causaltad-activitynet", columns, {"causal", 256, 1e-3, 15, 16, 0.2, 200, 0.3, "window"});
  is("causaltad-hacs", columns, {"causal", 256, 1e-3, 15, 16, 0.1, 400, 0.3, "window"});
  is("causaltad-epic-verb", columns, {"causal", 512, 1e-4, 35, 2, 0.2, 250, 0.3, "window"});
  is("causaltad-epic-noun", columns, {"causal", 512, 1e-4, 35, 2, 0.2, 250, 0.3, "window"});
  is("causaltad", {"inside", "inference.window", "rows"}, {0.75, 2304, 2304});
  is("causaltad-epic-noun", {"loss-weight", "smoothing", "position-rows"}, {0.5, 0.1, 2304});
  is("causaltad-epic-noun", {"inference.top-k"}, {5000});
  for (const char* name : {"causaltad-activitynet", "videomamba-activitynet"})
    is(name, {"input", "rows", "resize", "row-at"}, {"rescale", 192, "align", "start"});
}

// From points to detections. The repositories of ActionFormer and its heirs cut to the video behind the suppression
// (libs/modeling/meta_archs.py: inference_single_video, postprocessing), as OpenTAD does (single_stage.py) but with
// sliding windows. There no length is too short, and one class is neither thresholded nor counted.
BOOST_AUTO_TEST_CASE(detections) {
  for (const char* name : {"actionformer-thumos14", "actionformer-activitynet", "actionformer-ego4d-three", "tridet",
                           "tridet-hacs-i3d", "temporalmaxer-epic-verb", "dyfadet-hacs"})
    is(name, {"inference.clip"}, {false});
  const std::vector<std::string> columns = {"inference.clip", "inference.top-k-of", "inference.min-length"};
  for (const char* name : {"videomamba", "videomamba-hacs", "causaltad-activitynet", "adatad-activitynet"})
    is(name, columns, {false, "window", 0});
  for (const char* name : {"causaltad", "causaltad-epic-verb", "adatad-thumos14-g"})
    is(name, columns, {true, "window", 0});
  for (const char* name : {"videomamba-activitynet", "videomamba-hacs", "causaltad-hacs", "adatad-activitynet-b"})
    is(name, {"one-class", "inference.min-score", "inference.top-k"}, {true, 0, 0});
  is("dyfadet-hacs", {"inference.min-length", "val-nms"}, {0.1, "dyfadet-hacs"});
}

BOOST_AUTO_TEST_CASE(adatad) {
  // configs/adatad/{thumos,anet} of OpenTAD: all sizes have those of S but for the adapters' rate.
  const std::vector<std::string> columns = {"backbone",
                                            "adapter-lr",
                                            "train.lr",
                                            "train.weight-decay",
                                            "train.batch",
                                            "train.epochs",
                                            "train.warmup-epochs",
                                            "train.clip",
                                            "train.ema",
                                            "rows",
                                            "frames-per-row",
                                            "size",
                                            "test-size",
                                            "crop-size",
                                            "row-at",
                                            "backbone-clip",
                                            "backbone-droppath",
                                            "adapter-share"};
  is("adatad-thumos14", columns,
     {"videomae-s", 2, 1e-4, 0.05, 2, 60, 5, 1, 0.999, 768, 1, 182, 160, 160, "start", 16, 0.1, 0.25});
  is("adatad-thumos14-b", columns,
     {"videomae-b", 1, 1e-4, 0.05, 2, 60, 5, 1, 0.999, 768, 1, 182, 160, 160, "start", 16, 0.1, 0.25});
  is("adatad-thumos14-l", columns,
     {"videomae-l", 1, 1e-4, 0.05, 2, 60, 5, 1, 0.999, 768, 1, 182, 160, 160, "start", 16, 0.1, 0.25});
  is("adatad-thumos14-h", columns,
     {"videomae-h", 1, 1e-4, 0.05, 2, 60, 5, 1, 0.999, 768, 1, 182, 160, 160, "start", 16, 0.1, 0.25});
  is("adatad-thumos14-g", columns,
     {"videomaev2-g", 1, 1e-4, 0.05, 2, 60, 5, 1, 0.999, 768, 1, 182, 160, 160, "start", 16, 0.1, 0.25});
  for (const char* size : {"", "-b", "-l", "-h", "-g"}) {
    is("adatad-activitynet" + std::string(size), columns,
       {nullptr, 0.1, 1e-3, 0.05, 16, 15, 5, 1, 0.999, 192, 4, 182, 160, 160, "start", 16, 0.1, 0.25});
    is("adatad-activitynet" + std::string(size),
       {"frames", "dims", "windows", "position-rows", "loss-weight", "normalizer", "smoothing", "one-class", "val-nms"},
       {768, 256, {-1}, 192, 2, 200, 0.1, true, "adatad-activitynet"});
    is("adatad-thumos14" + std::string(size),
       {"fps", "inside", "crop", "windows", "dims", "normalizer", "inference.window", "inference.overlap",
        "train.schedule-epochs", "adapter", "rand-augment", "colour-jitter", "val-nms"},
       {7.5, 0.75, 0.9, {-1}, 512, 100, 768, 0.5, 100, "tia", true, true, "adatad"});
  }
}

BOOST_AUTO_TEST_CASE(suppression) {
  // sigma, kept of a video, voting (0: none), one group for all labels.
  const auto rule = [](const char* name, double sigma, long long top_k, double voting, const char* weight) {
    const auto o = preset_of(name);
    BOOST_TEST(o.method == "gaussian");
    BOOST_TEST((o.sigma == sigma && o.top_k == top_k && o.clip), name);
    BOOST_TEST(o.min_score == (name == std::string("adatad") ? 0 : 0.001), name);
    BOOST_TEST(o.voting.value_or(0) == voting, name);
    BOOST_TEST(o.class_agnostic == (voting > 0), name);
    if (voting > 0) BOOST_TEST(o.voting_weight == weight, name);
  };
  rule("actionformer", 0.5, 200, 0, "");
  rule("actionformer-activitynet", 0.75, 100, 0.9, "score-iou");
  rule("actionformer-epic", 0.4, 2000, 0, "");
  rule("actionformer-ego4d", 0.9, 2000, 0, "");
  rule("tridet", 0.5, 2000, 0, "");
  rule("tridet-activitynet", 0.7, 200, 0.95, "score");
  rule("tridet-hacs", 0.75, 250, 0, "");
  rule("temporalmaxer-multithumos", 0.5, 300, 0, "");
  rule("opentad", 0.5, 2000, 0, "");
  rule("opentad-activitynet", 0.75, 100, 0.9, "score");
  rule("opentad-hacs", 0.75, 100, 0.7, "score");
  rule("opentad-epic", 0.4, 3000, 0, "");
  rule("adatad", 0.7, 2000, 0, "");
  rule("dyfadet-hacs", 0.75, 250, 0.95, "score");
  rule("adatad-activitynet", 0.7, 100, 0.9, "score");
}

BOOST_AUTO_TEST_SUITE_END()
