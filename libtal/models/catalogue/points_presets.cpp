#include "libtal/models/catalogue/points_presets.h"

#include <nlohmann/json.hpp>

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

// Objects one after the other, later values over earlier ones.
Json with(Json base, const Json& more) {
  base.update(more);
  return base;
}

// What the repositories have in common (actionformer_release's libs/core/config.py).
Json frame() {
  return {{"dims", 512},
          {"head-dims", 512},
          {"stem", 2},
          {"levels", 6},
          {"droppath", 0.1},
          {"crop", 0.9},
          {"inside", 0.5},
          {"rows", 2304},
          {"train.optimizer", "adamw"},
          {"train.schedule", "cosine"},
          {"train.final-lr", 1e-8},
          {"train.warmup-epochs", 5},
          {"train.batch", 2},
          {"train.clip", 1},
          {"train.ema", 0.999},
          {"inference.clip", false}};  // they suppress before they cut to the video
}
// warmup + further epochs.
Json epochs(int warmup, int further) { return {{"train.warmup-epochs", warmup}, {"train.epochs", warmup + further}}; }
Json rates(double lr, double decay) { return {{"train.lr", lr}, {"train.weight-decay", decay}}; }

// OpenTAD's SingleStageDetector keeps the best of each window, of every length; of one class all points.
const Json kOpenTad = {{"code", "opentad"}, {"inference.top-k-of", "window"}, {"inference.min-length", 0}};
const Json kOpenTadOneClass = {{"one-class", true}, {"inference.min-score", 0}, {"inference.top-k", 0}};
// It cuts the detections of windows to the video before it suppresses them together.
const Json kOpenTadWindows = {{"inference.clip", true}};
// Its ResizeFeat, and seconds as shares of the duration.
const Json kOpenTadResized = {{"input", "rescale"}, {"rows", 192}, {"resize", "align"}, {"row-at", "start"}};

// What the data sets have in common.
const Json kActivityNet = {{"one-class", true},
                           {"smoothing", 0.1},
                           {"train.batch", 16},
                           {"inference.top-k", 2000},
                           {"val-nms", "actionformer-activitynet"}};
const Json kEpic = {{"ranges", "overlapping"},
                    {"inside", 0.3},
                    {"normalizer", 250},
                    {"inference.top-k", 5000},
                    {"val-nms", "actionformer-epic"}};
const Json kEgo4d = {{"ranges", "overlapping"}, {"inside", 0.3},           {"rows", 1024},
                     {"position-rows", 1024},   {"inference.top-k", 5000}, {"val-nms", "actionformer-ego4d"}};
// tal_for_har evaluates the last epoch's running weights; a mean over a thousand steps would be half untrained here.
const Json kSbhar = {{"train.ema", 0},    {"ranges", "overlapping"}, {"smoothing", 0.1},
                     {"normalizer", 250}, {"inference.top-k", 2000}, {"val-nms", "actionformer-epic"}};

// ---- ActionFormer ----

Json actionformer(const Json& more) {
  return with(with(with(frame(), {{"neck", "attention"}, {"head", "plain"}, {"windows", {19}}, {"heads", 4}}),
                   rates(1e-4, 0.05)),
              more);
}
Json actionformer_activitynet() {
  return with(with(actionformer(kActivityNet), epochs(5, 10)), {{"input", "rescale"},
                                                                {"rows", 192},
                                                                {"dims", 256},
                                                                {"head-dims", 256},
                                                                {"windows", {7, 7, 7, 7, 7, -1}},
                                                                {"position-rows", 192},
                                                                {"loss-weight", 2},
                                                                {"normalizer", 200},
                                                                {"inference.min-length", 0.001},
                                                                {"train.lr", 1e-3}});
}
Json actionformer_ego4d(const Json& more) {
  return with(with(with(actionformer(kEgo4d), epochs(5, 10)),
                   {{"windows", {9}}, {"levels", 8}, {"dropout", 0.1}, {"normalizer", 100}}),
              more);
}

// ---- TriDet ----

Json tridet(const Json& more) {
  return with(with(frame(), {{"neck", "sgp"},
                             {"head", "trident"},
                             {"windows", {1}},
                             {"feed-forward", 768},
                             {"sgp-factor", 5},
                             {"sgp-init", 0},
                             {"bins", 16}}),
              more);
}
Json tridet_hacs(const Json& more) {
  return with(tridet({{"dims", 1024},
                      {"head-dims", 1024},
                      {"feed-forward", 1024},
                      {"head-kernel", 5},
                      {"boundary-kernel", 1},
                      {"sgp-factor", 1.2},
                      {"sgp-init", 0.1},
                      {"quality-power", 1},
                      {"smoothing", 0.1},
                      {"normalizer", 400},
                      {"train.batch", 16},
                      {"inference.top-k", 2000},
                      {"val-nms", "tridet-hacs"}}),
              more);
}

// ---- DyFADet ----

Json dyfadet(const Json& more) {
  return with(with(frame(), {{"neck", "dyn"},
                             {"head", "dynamic"},
                             {"windows", {1}},
                             {"feed-forward", 768},
                             {"sgp-factor", 5},
                             {"sgp-init", 0},
                             {"distance-of", "class"},
                             {"gate-tau", 1.5}}),
              more);
}

// ---- TemporalMaxer ----

Json temporalmaxer(const Json& more) {
  Json base = with(with(frame(), {{"neck", "pool"},
                                  {"head", "plain"},
                                  {"neck-norm", "group"},
                                  {"distance-target", "cheapest"},
                                  {"normalizer", 100}}),
                   rates(1e-4, 0.05));
  base.erase("stem"), base.erase("droppath");  // it has no blocks
  return with(base, more);
}

// ---- scans, as OpenTAD has them ----

Json scans(const char* neck, const Json& more) {
  return with(
      with(with(with(frame(), {{"neck", neck}, {"head", "plain"}, {"droppath", 0.3}}), kOpenTad), rates(1e-4, 0.05)),
      more);
}

// ---- AdaTAD (arXiv 2311.17241; configs/adatad of OpenTAD): ActionFormer on what a transformer with adapters makes of
// frames. Its stride of 4 frames of 30 a second is 7.5 here, whatever a video's own rate.

struct Backbone {
  const char *name, *suffix;
  double adapter_rate;  // of THUMOS14, as a multiple of the detector's
};
const std::vector<Backbone> kBackbones = {{"videomae-s", "", 2},
                                          {"videomae-b", "-b", 1},
                                          {"videomae-l", "-l", 1},
                                          {"videomae-h", "-h", 1},
                                          {"videomaev2-g", "-g", 1}};
Json adatad(const Json& more) {
  return with(with(with(actionformer({{"windows", {-1}}}), kOpenTad), {{"input", "clips"},
                                                                       {"row-at", "start"},
                                                                       {"size", 182},
                                                                       {"test-size", 160},
                                                                       {"crop-size", 160},
                                                                       {"crops", "resized"},
                                                                       {"flip", true},
                                                                       {"rand-augment", true},
                                                                       {"colour-jitter", true},
                                                                       {"backbone-clip", 16},
                                                                       {"backbone-droppath", 0.1},
                                                                       {"adapter", "tia"},
                                                                       {"adapter-share", 0.25}}),
              more);
}
Json adatad_thumos14(const Backbone& backbone) {
  return with(adatad({{"fps", 7.5},
                      {"frames-per-row", 1},
                      {"rows", 768},
                      {"inside", 0.75},
                      {"normalizer", 100},
                      {"backbone", backbone.name},
                      {"adapter-lr", backbone.adapter_rate},
                      {"inference.window", 768},
                      {"inference.overlap", 0.5},
                      {"train.epochs", 60},
                      {"train.schedule-epochs", 100},
                      {"inference.top-k", 2000},
                      {"val-nms", "adatad"}}),
              kOpenTadWindows);
}
Json adatad_activitynet(const Backbone& backbone) {
  return with(adatad({{"smoothing", 0.1},
                      {"frames", 768},
                      {"frames-per-row", 4},
                      {"rows", 192},
                      {"crop", 1},
                      {"dims", 256},
                      {"head-dims", 256},
                      {"position-rows", 192},
                      {"loss-weight", 2},
                      {"normalizer", 200},
                      {"backbone", backbone.name},
                      {"adapter-lr", 0.1},
                      {"train.batch", 16},
                      {"train.lr", 1e-3},
                      {"train.epochs", 15},
                      {"val-nms", "adatad-activitynet"}}),
              kOpenTadOneClass);
}

std::vector<PointsPreset> make_presets() {
  std::vector<PointsPreset> all;
  const auto add = [&](const char* name, const char* help, const Json& settings) {
    all.push_back({name, help, settings.dump()});
  };
  // Chosen on 12 recordings of HAPT's training part (examples/points).
  add("tal",
      "Ours, for sensors and small data: attention in narrow windows, TriDet's head whose boundaries train the neck "
      "too, a short moving mean of the weights, four views",
      {{"neck", "attention"},
       {"windows", {9}},
       {"heads", 4},
       {"stem", 1},
       {"dims", 96},
       {"head-dims", 96},
       {"levels", 7},
       {"head", "trident"},
       {"bins", 16},
       {"boundary-gradient", true},
       {"quality-power", 0.2},
       {"smoothing", 0.1},
       {"rows", 4096},
       {"inside", 0.5},
       {"normalizer", 100},
       {"inference.views", 4},
       {"val-nms", "tal"},
       {"train.standardize", true},
       {"train.optimizer", "adamw"},
       {"train.lr", 1e-3},
       {"train.weight-decay", 0.05},
       {"train.epochs", 30},
       {"train.warmup-epochs", 2},
       {"train.batch", 2},
       {"train.schedule", "cosine"},
       {"train.clip", 1},
       {"train.ema", 0.99}});
  add("actionformer", "ActionFormer on THUMOS14; the same as actionformer-thumos14",
      with(actionformer({{"normalizer", 100}, {"inference.top-k", 2000}}), epochs(5, 30)));
  add("actionformer-thumos14", "ActionFormer, I3D features of THUMOS14 (stride 4 of 30 fps)",
      with(actionformer({{"normalizer", 100}, {"inference.top-k", 2000}}), epochs(5, 30)));
  add("actionformer-activitynet", "ActionFormer, TSP or I3D features of ActivityNet, one class, resized to 192 rows",
      actionformer_activitynet());
  add("actionformer-epic-verb", "ActionFormer, SlowFast features of EPIC-Kitchens 100, verbs",
      with(with(actionformer(kEpic), epochs(5, 16)), {{"windows", {9}}}));
  add("actionformer-epic-noun", "ActionFormer, SlowFast features of EPIC-Kitchens 100, nouns",
      with(with(actionformer(kEpic), epochs(5, 16)), {{"windows", {9}}, {"smoothing", 0.1}}));
  add("actionformer-ego4d-slowfast", "ActionFormer, SlowFast features of Ego4D", actionformer_ego4d({{"levels", 7}}));
  add("actionformer-ego4d-omnivore", "ActionFormer, Omnivore features of Ego4D", actionformer_ego4d(Json::object()));
  add("actionformer-ego4d-egovlp", "ActionFormer, EgoVLP features of Ego4D",
      actionformer_ego4d({{"dims", 384}, {"head-dims", 384}}));
  add("actionformer-ego4d-two", "ActionFormer, EgoVLP beside SlowFast or Omnivore features of Ego4D",
      actionformer_ego4d({{"dims", 768}, {"head-dims", 768}, {"heads", 12}}));
  add("actionformer-ego4d-three", "ActionFormer, SlowFast, Omnivore and EgoVLP features of Ego4D",
      actionformer_ego4d({{"dims", 1024}, {"head-dims", 1024}, {"heads", 16}, {"stream-dims", {256, 384, 384}}}));
  add("actionformer-sbhar", "ActionFormer on inertial data as tal_for_har trains it (SBHAR)",
      with(with(actionformer(kSbhar), epochs(5, 100)), {{"windows", {9}}}));

  add("tridet", "TriDet on THUMOS14; the same as tridet-thumos14",
      with(with(tridet({{"normalizer", 100},
                        {"quality-power", 0.2},
                        {"input-noise", 0.0005},
                        {"inference.top-k", 2000},
                        {"val-nms", "tridet"}}),
                epochs(20, 20)),
           rates(1e-4, 0.025)));
  all.push_back({"tridet-thumos14", "TriDet, I3D features of THUMOS14", all.back().settings});
  add("tridet-activitynet", "TriDet, TSP features of ActivityNet, one class, 768 rows padded",
      with(with(with(tridet(kActivityNet), epochs(10, 5)), rates(1e-3, 0.04)), {{"rows", 768},
                                                                                {"dims", 256},
                                                                                {"feed-forward", 2048},
                                                                                {"windows", {15}},
                                                                                {"sgp-factor", 1.3},
                                                                                {"sgp-init", 0.2},
                                                                                {"bins", 12},
                                                                                {"position-rows", 768},
                                                                                {"quality-power", 1},
                                                                                {"input-noise", 0.5},
                                                                                {"normalizer", 400},
                                                                                {"inference.min-length", 0.1},
                                                                                {"train.final-lr", 5e-5},
                                                                                {"train.clip", 0.4},
                                                                                {"val-nms", "tridet-activitynet"}}));
  add("tridet-epic-verb", "TriDet, SlowFast features of EPIC-Kitchens 100, verbs",
      with(with(with(tridet(kEpic), epochs(5, 22)), rates(1e-4, 0.05)), {{"windows", {5}},
                                                                         {"sgp-factor", 2},
                                                                         {"feed-forward", 1024},
                                                                         {"quality-power", 0.25},
                                                                         {"train.final-lr", 5e-5}}));
  add("tridet-epic-noun", "TriDet, SlowFast features of EPIC-Kitchens 100, nouns",
      with(with(with(tridet(kEpic), epochs(5, 14)), rates(1e-4, 0.05)),
           {{"sgp-factor", 4}, {"feed-forward", 1024}, {"quality-power", 0.25}, {"smoothing", 0.1}}));
  add("tridet-hacs-slowfast", "TriDet, SlowFast features of HACS",
      with(with(with(tridet_hacs(Json::object()), epochs(7, 4)), rates(1e-3, 0.03)), {{"rows", 960},
                                                                                      {"position-rows", 960},
                                                                                      {"windows", {3}},
                                                                                      {"bins", 14},
                                                                                      {"input-noise", 0.2},
                                                                                      {"train.final-lr", 5e-4},
                                                                                      {"train.clip", 0.5}}));
  add("tridet-hacs-i3d", "TriDet, I3D features of HACS (2 rows a second)",
      with(with(with(tridet_hacs(Json::object()), epochs(10, 3)), rates(1e-3, 0.03)), {{"rows", 512},
                                                                                       {"position-rows", 512},
                                                                                       {"windows", {15}},
                                                                                       {"levels", 7},
                                                                                       {"bins", 12},
                                                                                       {"train.final-lr", 2e-4}}));
  add("tridet-sbhar", "TriDet on inertial data as tal_for_har trains it (SBHAR)",
      with(with(with(tridet(kSbhar), epochs(5, 100)), rates(1e-4, 0.05)),
           {{"sgp-factor", 4}, {"quality-power", 0.25}}));

  add("temporalmaxer", "TemporalMaxer on THUMOS14; the same as temporalmaxer-thumos14",
      with(temporalmaxer({{"inference.top-k", 2000}}), epochs(5, 60)));
  all.push_back({"temporalmaxer-thumos14", "TemporalMaxer, I3D features of THUMOS14", all.back().settings});
  add("temporalmaxer-multithumos", "TemporalMaxer, I3D features of MultiTHUMOS",
      with(with(temporalmaxer({{"inference.top-k", 3000}}), epochs(5, 60)),
           {{"embed-layers", 3}, {"neck-norm", "shared"}, {"val-nms", "temporalmaxer-multithumos"}}));
  add("temporalmaxer-epic-verb", "TemporalMaxer, SlowFast features of EPIC-Kitchens 100, verbs",
      with(with(temporalmaxer(kEpic), epochs(5, 32)), {{"neck-norm", "shared"}}));
  add("temporalmaxer-epic-noun", "TemporalMaxer, SlowFast features of EPIC-Kitchens 100, nouns",
      with(temporalmaxer(kEpic), epochs(5, 32)));

  add("dyfadet", "DyFADet on THUMOS14; the same as dyfadet-thumos14",
      with(
          with(with(dyfadet(
                        {{"normalizer", 100}, {"input-noise", 1e-5}, {"inference.top-k", 2000}, {"val-nms", "tridet"}}),
                    epochs(20, 20)),
               rates(1e-4, 0.025)),
          Json::object()));
  all.push_back({"dyfadet-thumos14", "DyFADet, I3D features of THUMOS14", all.back().settings});
  add("dyfadet-activitynet", "DyFADet, TSP features of ActivityNet, one class, 768 rows padded",
      with(with(with(dyfadet(kActivityNet), epochs(5, 10)), rates(5e-4, 0.05)), {{"rows", 768},
                                                                                 {"dims", 256},
                                                                                 {"feed-forward", 2048},
                                                                                 {"windows", {15}},
                                                                                 {"sgp-factor", 1.2},
                                                                                 {"sgp-init", 0.15},
                                                                                 {"position-rows", 768},
                                                                                 {"input-noise", 0.7},
                                                                                 {"normalizer", 400},
                                                                                 {"inference.min-length", 0.1},
                                                                                 {"train.batch", 8},
                                                                                 {"train.final-lr", 5e-5},
                                                                                 {"train.clip", 0.4},
                                                                                 {"val-nms", "tridet-activitynet"}}));
  add("dyfadet-hacs", "DyFADet, SlowFast features of HACS",
      with(with(with(dyfadet({{"dims", 1024},
                              {"head-dims", 1024},
                              {"feed-forward", 1024},
                              {"head-kernel", 5},
                              {"windows", {3}},
                              {"sgp-factor", 1.2},
                              {"sgp-init", 0.1},
                              {"smoothing", 0.1},
                              {"rows", 960},
                              {"position-rows", 960},
                              {"input-noise", 0.2},
                              {"normalizer", 400}}),
                     epochs(7, 4)),
                rates(5e-4, 0.025)),
           {{"train.batch", 8},
            {"train.final-lr", 5e-4},
            {"train.clip", 0.5},
            {"inference.top-k", 2000},
            {"inference.min-length", 0.1},
            {"val-nms", "dyfadet-hacs"}}));
  add("dyfadet-epic-verb", "DyFADet, SlowFast features of EPIC-Kitchens 100, verbs",
      with(with(with(dyfadet(kEpic), epochs(10, 15)), rates(1e-4, 0.05)), {{"windows", {5}},
                                                                           {"sgp-factor", 2},
                                                                           {"feed-forward", 1024},
                                                                           {"input-noise", 1e-5},
                                                                           {"train.final-lr", 5e-5}}));
  add("dyfadet-epic-noun", "DyFADet, SlowFast features of EPIC-Kitchens 100, nouns",
      with(with(with(dyfadet(kEpic), epochs(5, 20)), rates(2e-4, 0.05)), {{"sgp-factor", 4},
                                                                          {"feed-forward", 1024},
                                                                          {"smoothing", 0.1},
                                                                          {"gate-tau", 2},
                                                                          {"input-noise", 1e-6},
                                                                          {"train.final-lr", 5e-5}}));

  add("videomamba", "Video Mamba Suite's DBM on THUMOS14 (InternVideo2 features)",
      with(scans("dbm",
                 {{"normalizer", 100}, {"input-dropout", 0.1}, {"inference.top-k", 2000}, {"val-nms", "opentad"}}),
           epochs(5, 45)));
  add("videomamba-activitynet", "Video Mamba Suite's DBM, InternVideo2 features of ActivityNet, resized to 192 rows",
      with(with(with(with(scans("dbm", kActivityNet), kOpenTadOneClass), kOpenTadResized), epochs(5, 10)),
           {{"dims", 256},
            {"head-dims", 256},
            {"input-dropout", 0.2},
            {"loss-weight", 2},
            {"normalizer", 200},
            {"train.lr", 1e-3},
            {"val-nms", "opentad-activitynet"}}));
  add("videomamba-hacs", "Video Mamba Suite's DBM, InternVideo2 features of HACS, one class",
      with(with(with(scans("dbm", {{"smoothing", 0.1}, {"train.batch", 16}}), kOpenTadOneClass), epochs(5, 20)),
           {{"dims", 256},
            {"head-dims", 256},
            {"position-rows", 2304},
            {"input-dropout", 0.1},
            {"normalizer", 400},
            {"train.lr", 1e-3},
            {"val-nms", "opentad-hacs"}}));
  add("causaltad", "CausalTAD on THUMOS14: windows of 2304 rows, half overlapping at test",
      with(with(scans("causal", {{"normalizer", 250},
                                 {"heads", 4},
                                 {"inside", 0.75},
                                 {"input-dropout", 0.3},
                                 {"inference.window", 2304},
                                 {"inference.top-k", 2000},
                                 {"val-nms", "opentad"}}),
                kOpenTadWindows),
           epochs(5, 45)));
  add("causaltad-activitynet", "CausalTAD, TSP features of ActivityNet, one class, resized to 192 rows",
      with(with(with(with(scans("causal", kActivityNet), kOpenTadOneClass), kOpenTadResized), epochs(5, 10)),
           {{"heads", 4},
            {"dims", 256},
            {"head-dims", 256},
            {"position-rows", 192},
            {"input-dropout", 0.2},
            {"loss-weight", 2},
            {"normalizer", 200},
            {"train.lr", 1e-3},
            {"val-nms", "opentad-activitynet"}}));
  add("causaltad-hacs", "CausalTAD, SlowFast features of HACS, one class",
      with(with(with(scans("causal", {{"smoothing", 0.1}, {"train.batch", 16}}), kOpenTadOneClass), epochs(5, 10)),
           {{"heads", 4},
            {"dims", 256},
            {"head-dims", 256},
            {"rows", 960},
            {"position-rows", 960},
            {"input-dropout", 0.1},
            {"normalizer", 400},
            {"train.lr", 1e-3},
            {"val-nms", "opentad-hacs"}}));
  const Json epic =
      with(with(with(scans("causal", kEpic), kOpenTadWindows), epochs(5, 30)), {{"heads", 4},
                                                                                {"position-rows", 2304},
                                                                                {"input-dropout", 0.2},
                                                                                {"loss-weight", 0.5},
                                                                                {"inference.window", 2304},
                                                                                {"val-nms", "opentad-epic"}});
  add("causaltad-epic-verb", "CausalTAD, SlowFast features of EPIC-Kitchens 100, verbs", epic);
  add("causaltad-epic-noun", "CausalTAD, SlowFast features of EPIC-Kitchens 100, nouns",
      with(epic, {{"smoothing", 0.1}}));

  for (const auto& backbone : kBackbones) {
    const std::string of = std::string(" on ") + backbone.name + ", end to end from frames; needs backbone-weights";
    all.push_back(
        {"adatad-thumos14" + std::string(backbone.suffix), "AdaTAD, THUMOS14" + of, adatad_thumos14(backbone).dump()});
    all.push_back({"adatad-activitynet" + std::string(backbone.suffix), "AdaTAD, ActivityNet, one class" + of,
                   adatad_activitynet(backbone).dump()});
  }
  return all;
}

}  // namespace

const std::vector<PointsPreset>& points_presets() {
  static const std::vector<PointsPreset> all = make_presets();
  return all;
}

}  // namespace tal
