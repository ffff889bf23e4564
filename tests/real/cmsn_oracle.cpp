// What CMSN's reading of a decoded sequence leaves of perfect labels: THUMOS14's own test annotations as stages, back
// to candidates, evaluated.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/data/tables.h"
#include "libtal/eval/proposal.h"
#include "libtal/formats/formats.h"
#include "libtal/segment/action_stages.h"
#include "tests/support.h"

using namespace tal;

namespace {

constexpr double kSnippet = 8.0 / 30;  // seconds: C3D's eight frames at THUMOS14's 30 frames a second

struct AnnotatedVideo {
  std::string id;
  double duration = 0;
  std::vector<Segment> instances;  // seconds
};

SourceText load(const std::string& path) { return load_sources({test::data_dir() + "/" + path}, "").at(0); }

std::vector<AnnotatedVideo> thumos14_test() {
  ImportOptions options;
  options.tables.videos = parse_videos(load("thumos14/test_durations.txt"));
  const auto& formats = import_formats();
  const auto found =
      std::find_if(formats.begin(), formats.end(), [](const auto& format) { return format.name == "thumos14-gt"; });
  std::vector<AnnotatedVideo> videos;
  const ImportSink sink{[&](Record& record) {
                          const auto* info = options.tables.find(record.video());
                          BOOST_TEST_REQUIRE((info && info->duration));
                          AnnotatedVideo video{record.video(), *info->duration, {}};
                          for (const auto& annotation : record.annotations())
                            if (annotation.label != "Ambiguous" && annotation.segment.start < video.duration)
                              video.instances.push_back(annotation.segment);
                          if (!video.instances.empty()) videos.push_back(video);
                        },
                        [](const Error& error, std::string_view) { throw error; }, [](const std::string&) {}};
  found->reader(load_sources({test::data_dir() + "/thumos14/annotations_test"}, found->extension), options, sink);
  return videos;
}

// Pairs of snippets -> preset score, of windows that overlap by half; a window of 0: of the whole sequence.
std::map<std::pair<std::int64_t, std::int64_t>, double> candidates_of(const std::vector<std::uint8_t>& labels,
                                                                      RunEnd ends, std::int64_t cap,
                                                                      std::size_t window) {
  std::map<std::pair<std::int64_t, std::int64_t>, double> found;
  if (window == 0) window = labels.size();
  for (std::size_t first = 0;; first += window / 2) {
    const auto part = std::span(labels).subspan(first, std::min(window, labels.size() - first));
    for (const auto& c : action_candidates(part, kPresetDecay, cap, ends)) {
      double& preset = found[{static_cast<std::int64_t>(first) + c.first, static_cast<std::int64_t>(first) + c.end}];
      preset = std::max(preset, c.preset);
    }
    if (first + window >= labels.size()) return found;
  }
}

// AR@100 of THUMOS14's protocol (5.1: tIoU 0.5:0.05:1) of the candidates of perfect labels, the `cap` of highest preset
// score of every run.
double oracle_ar100(const std::vector<AnnotatedVideo>& videos, RunEnd ends, std::int64_t cap, std::size_t window) {
  eval::Dataset data;
  for (const auto& video : videos) {
    std::vector<eval::Truth> truths;
    std::vector<Segment> snippets;
    for (const auto& instance : video.instances) {
      truths.push_back({instance, data.labels.id("action")});
      snippets.push_back({instance.start / kSnippet, instance.end / kSnippet});
    }
    data.add_truth(video.id, "", video.duration, 30, truths);
    const auto id = data.video(video.id);
    data.videos[id].predicted = true;
    const auto labels = action_stage_labels(snippets, static_cast<std::int64_t>(std::ceil(video.duration / kSnippet)));
    for (const auto& [pair, preset] : candidates_of(labels, ends, cap, window))
      data.predictions.push_back({{static_cast<double>(pair.first) * kSnippet,
                                   std::min(static_cast<double>(pair.second) * kSnippet, video.duration)},
                                  preset,
                                  eval::kNoLabel,
                                  id});
  }
  data.index();
  eval::Filter filter;
  filter.class_agnostic = true;
  const auto selection = eval::select(data, filter);
  eval::ProposalRules rules;
  rules.inclusive_frames = rules.videos_from_proposals = true;
  const auto curve = eval::thumos_curve(eval::match_proposals(selection, linspace(0.5, 1.0, 11), rules));
  return 100 * eval::interpolate(curve.an, curve.ar, 100);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cmsn_oracle)

BOOST_AUTO_TEST_CASE(perfect_labels_of_thumos14) {
  if (test::skip_without(test::data_dir(), "THUMOS14")) return;
  const auto videos = thumos14_test();
  BOOST_TEST(videos.size() == 212u);  // all instances of one of the 213 lie behind its end
  for (const std::size_t window : {std::size_t{0}, std::size_t{96}}) {  // the sequence of the whole video, and 5.1's
                                                                        // windows of 768 frames
    const double split = oracle_ar100(videos, RunEnd::kOrder, 100, window),
                 merged = oracle_ar100(videos, RunEnd::kBackground, 100, window);
    BOOST_TEST_MESSAGE("AR@100 of perfect labels, window " << window << ": " << split
                                                           << "; sequences that end at Background alone: " << merged);
    BOOST_TEST(split >= 81);
    BOOST_TEST(merged < 50);
  }
}

BOOST_AUTO_TEST_SUITE_END()
