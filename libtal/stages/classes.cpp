#include "libtal/stages/classes.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "libtal/base/error.h"
#include "libtal/base/spelling.h"
#include "libtal/base/video_id.h"
#include "libtal/io/features.h"
#include "libtal/segment/suppress.h"
#include "libtal/stages/ensemble_options.h"

namespace tal {
namespace {

constexpr int kTopClasses = 2;  // when classes are asked for without saying how many
constexpr std::string_view kStream = "stream:";

// One classifier's scores of a record's video.
using Classifier = std::function<std::vector<ClassScore>(const Record&)>;

// Why the video is not among them: "; 'V1' here seems to be 'v1' there: upper and lower case", or "".
template <class Videos>
std::string reason_of(const Videos& videos, const std::string& video) {
  std::vector<std::string> names;
  for (const auto& [name, value] : videos) names.push_back(name);
  std::sort(names.begin(), names.end());
  return Spellings(names, true).reason(video);
}

Classifier file_classifier(Run& run, const std::string& path) {
  const auto videos = std::make_shared<VideoMap<std::vector<ClassScore>>>();
  for_each_record(run, path, [&](Record& record, const LineReader&) {
    if (!record.has("classification")) throw Error("missing").at_field("classification");
    if (!videos->try_emplace(record.video(), record.classification()).second) throw Error("the video has two lines");
  });
  return [path, videos](const Record& record) {
    const auto* video = videos->find(record.video());
    if (!video)
      throw Error("'" + path + "' has no line of this video" + reason_of(*videos, record.video()))
          .at_field("classification");
    return video->second;
  };
}

bool is_stream(const std::string& classifier) { return classifier.starts_with(kStream); }

Classifier classifier_of(Run& run, const std::string& text, int best_rows) {
  if (!is_stream(text)) return file_classifier(run, text);
  return [name = text.substr(kStream.size()), best_rows](const Record& record) {
    return stream_classes(select_stream(record, name), best_rows);
  };
}

// The proposals of another stream, by video; they live as long as this.
class OtherProposals {
 public:
  OtherProposals(Run& run, const std::string& path) {
    for_each_record(run, path, [&](Record& record, const LineReader&) {
      const auto [place, fresh] = videos_.try_emplace(record.video());
      if (!fresh) throw Error("the video has two lines");
      place->second.parse(record.line());  // the reader goes on with its own
      (void)place->second.require_proposals();
    });
  }
  std::span<const Proposal> of(const std::string& video) const {
    const auto* found = videos_.find(video);
    if (found) return found->second.proposals();
    if (const auto reason = reason_of(videos_, video); !reason.empty()) {
      const std::lock_guard lock(seen_->mutex);
      if (seen_->count++ == 0) seen_->reason = reason;
    }
    return {};
  }
  void report(Run& run) const {
    if (seen_->count > 0)
      run.warn(std::to_string(seen_->count) + (seen_->count == 1 ? " video is" : " videos are") +
               " not in the file of --merge" + seen_->reason);
  }

 private:
  struct Seen {  // videos that the file spells otherwise
    std::mutex mutex;
    std::size_t count = 0;
    std::string reason;
  };
  VideoMap<Record> videos_;
  std::unique_ptr<Seen> seen_ = std::make_unique<Seen>();
};

class ClassFusion {
 public:
  ClassFusion(Run& run, const ClassFusionOptions& o)
      : options_(o),
        top_(static_cast<std::size_t>(o.top_classes)),
        product_(o.product == "root" ? ClassProduct::kRoot : ClassProduct::kPlain) {
    if (!o.combine.empty()) rule_ = factor_rule(o.combine);
    if (!o.weights.empty()) weights_ = read_weights(o.weights, o.classifiers);
    if (!weights_.empty()) check_classifier_weights(weights_, o.classifiers.size());
    for (const auto& path : o.classifiers) classifiers_.push_back(classifier_of(run, path, o.class_rows));
    if (!o.merge.empty()) others_.emplace_back(run, o.merge);
  }

  // Weights by the detections that the proposals of options.choice.from make with the classifiers, suppressed by BSN's
  // rule: average mAP.
  void choose_weights(Run& run) {
    struct Video {
      double duration = 0;
      Record record;  // its proposals live there
      std::vector<Proposal> proposals;
      std::vector<std::vector<ClassScore>> scores;  // of each classifier
    };
    std::deque<Video> videos;  // records do not move
    ValidationTruth truth;
    for_each_record(run, options_.choice.from, [&](Record& record, const LineReader&) {
      truth.add(record, /*labelled=*/true);
      Video& video = videos.emplace_back();
      video.duration = record.require_duration();
      video.record.parse(record.line());  // the reader goes on with its own
      video.proposals = scored_proposals(video.record);
      for (const auto& classifier : classifiers_) video.scores.push_back(classifier(record));
      // Faults, while their place is known.
      (void)detections_of(video.record, video.proposals,
                          best_classes(fuse_classes(video.scores, {}, options_.temperature), top_), product_);
    });
    if (videos.empty()) throw Error("'" + options_.choice.from + "' has no records");
    const SuppressOptions rule = preset_of("bsn");
    std::vector<ClassScore> classes;  // of the video that is worked on: its detections' labels
    const auto chosen = tal::choose_weights(
        options_.classifiers, "average mAP", options_.choice.grid, [&](std::span<const double> weights) {
          return truth.average_map([&](std::size_t k) {
            classes = best_classes(fuse_classes(videos[k].scores, weights, options_.temperature), top_);
            std::vector<Proposal> detections;
            for (const auto& proposal : videos[k].proposals)
              for (const auto& [label, score] : classes) {
                auto& detection = detections.emplace_back();
                detection.segment = proposal.segment;
                detection.score = class_product(proposal.score, score, product_);
                detection.label = label;
              }
            return suppress(detections, videos[k].duration, rule);
          });
        });
    report_weights(run, chosen, options_.choice);
    weights_ = chosen.weights;
  }

  void operator()(Record& record) const {
    std::vector<Proposal> proposals = scored_proposals(record);
    if (top_ > 0) {
      const auto classes = best_classes(classes_of(record), top_);
      if (classes.empty() && !proposals.empty()) empty_.add(record.video());
      proposals = detections_of(record, proposals, classes, product_);
    }
    for (const auto& other : others_) append(proposals, other.of(record.video()));
    record.set_proposals(proposals);
  }

  void report(Run& run) const {
    for (const auto& other : others_) other.report(run);
    if (empty_.count > 0)
      run.warn(std::to_string(empty_.count) + (empty_.count == 1 ? " video has" : " videos have") +
               " proposals, but class scores of no class, and so no detections, such as '" + empty_.first + "'");
  }

 private:
  // Videos that lose their proposals, of several threads; the first by name.
  struct Empty {
    std::mutex mutex;
    std::size_t count = 0;
    std::string first;
    void add(const std::string& video) {
      const std::lock_guard lock(mutex);
      if (count++ == 0 || video < first) first = video;
    }
  };
  std::vector<Proposal> scored_proposals(const Record& record) const {
    const bool multiplies = options_.combine.empty() && top_ > 0;
    std::vector<Proposal> proposals = multiplies ? record.require_scored_proposals() : record.require_proposals();
    if (!options_.combine.empty()) combine_scores(rule_, proposals);
    return proposals;
  }

  std::vector<ClassScore> classes_of(const Record& record) const {
    std::vector<std::vector<ClassScore>> scores;
    for (const auto& classifier : classifiers_) scores.push_back(classifier(record));
    if (scores.empty()) {
      if (!record.has("classification"))
        throw Error("missing: the video's class scores (or give --classification FILE)").at_field("classification");
      scores.push_back(record.classification());
    }
    return fuse_classes(scores, weights_, options_.temperature);
  }

  static void append(std::vector<Proposal>& proposals, std::span<const Proposal> others) {
    if (!proposals.empty() && !others.empty() && proposals.front().label.empty() != others.front().label.empty())
      throw Error(std::string("the proposals of --merge ") +
                  (others.front().label.empty() ? "have no labels, these do" : "have labels, these do not"))
          .at_field("proposals");
    proposals.insert(proposals.end(), others.begin(), others.end());
  }

  const ClassFusionOptions& options_;
  std::size_t top_;
  ClassProduct product_;
  FactorRule rule_;
  std::vector<double> weights_;
  std::vector<Classifier> classifiers_;
  std::vector<OtherProposals> others_;  // none or one
  mutable Empty empty_;
};

}  // namespace

void register_options(const Options& table, ClassFusionOptions& o) {
  table.settle([&o](Tool&) {
    if (o.top_classes == 0 && (!o.classifiers.empty() || (o.combine.empty() && o.merge.empty())))
      o.top_classes = kTopClasses;
  });
  const Options labelled = table.with_any({{"--classification"}, {"--top-classes"}});
  table
      .add("--combine", o.combine,
           "A proposal's score from its factors: geometric (boundary sqrt(cls reg), BSN++ Eq. 8), product, or "
           "weighted:NAME=EXPONENT,...")
      .type_name("RULE");
  table
      .add("--classification", o.classifiers,
           "Records with the videos' class scores, or stream:NAME: the record's own stream, as tal-extract writes it "
           "of a layer `scores` or `logits` "
           "(repeat for several classifiers; default: the record's own field)")
      .type_name("FILE")
      .repeatable()
      .reads();
  table
      .add("--class-rows", o.class_rows,
           "A stream's class scores: the mean over each class's best K rows (default: over all)")
      .type_name("K")
      .between(1, 1 << 30);
  labelled
      .add("--class-weights", o.weights,
           "Weights of the classifiers, or the file of --weights-out (default: equal ones)")
      .type_name("W,W,...|FILE.json")
      .reads();
  register_options(table, o.choice, "--class-weights", "classifiers");
  table
      .add("--top-classes", o.top_classes,
           "Detections of a proposal: the video's best K classes (default with --classification: 2)")
      .type_name("K")
      .between(1, 1 << 20);
  labelled
      .add("--class-fusion", o.product,
           "A detection's score: the product of its proposal's and its class's, or the root of that")
      .one_of({"product", "root"});
  labelled.add("--temperature", o.temperature, "Class scores are logits: take the softmax of their (mean) value / T")
      .type_name("T")
      .positive();
  table
      .add("--merge", o.merge,
           "Records whose proposals are put behind those of the same video, such as another model's detections")
      .type_name("FILE")
      .reads();
}

void run_class_fusion(Tool& tool, const ClassFusionOptions& o) {
  if (o.classifiers.size() < 2) tool.refuse({"--class-weights"}, "a single classifier");
  if (std::none_of(o.classifiers.begin(), o.classifiers.end(), is_stream))
    tool.refuse({"--class-rows"}, "class scores from files (--classification stream:NAME has rows)");
  check_options(o.choice, "--class-weights", o.classifiers.size());
  ClassFusion fusion(tool, o);
  if (!o.choice.from.empty()) fusion.choose_weights(tool);
  map_records(tool, [&](Record& record) { fusion(record); });
  fusion.report(tool);
}

}  // namespace tal
