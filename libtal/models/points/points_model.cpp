#include "libtal/models/points/points_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/models/core/guard.h"
#include "libtal/segment/suppress.h"

namespace tal {

Settings PointsModel::settings() {
  Settings s;
  std::vector<std::string> rules;
  for (const auto& preset : suppression_presets()) rules.push_back(preset.name);
  s.add("input", &input_,
        "What the network sees: rows of features as they are, all of a video resized to `rows`, or frames (clips)",
        {"windows", "rescale", "clips"});
  s.add("rows", &rows_, "Longest crop of a video in training; rows that a video is resized to for input=rescale")
      .between(1, 1 << 20);
  s.add("row-at", &row_at_,
        "Which moment of its part of the video a row stands for: the middle, or as OpenTAD has it the start",
        {"middle", "start"})
      .with("input", {"rescale", "clips"});
  s.append(features_.settings());
  s.add("one-class", &one_class_, "Learn where actions are, not which: proposals for tal-score --classification");
  s.add("empty-videos", &empty_videos_, "Train on videos without an action too");
  s.add("crop", &crop_, "A video that is no longer than `rows` is cropped to this share of it at least")
      .above(0)
      .between(0, 1);
  s.add("inside", &inside_, "An action counts in a crop when at least this share of it is inside").between(0, 1);
  s.append(settings_of(options_)).append(settings_of(losses_)).append(clips_.settings());
  s.add("val-nms", &validation_nms_, "Validation: preset of tal-nms", rules);
  return s;
}

Settings PointsModel::inference() {
  Settings s;
  s.add("min-score", &min_score_, "Detections below are left out").between(0, 1);
  s.add("top-k", &top_k_, "Detections of a level, window or video (0: all)").between(0, 1 << 24);
  s.add("top-k-of", &top_k_of_, "What top-k counts: a level of the pyramid, all levels of a window, or the video",
        {"level", "window", "video"});
  s.add("min-length", &min_length_, "Detections of so many rows or less are left out").between(0, 1e6);
  s.add("window", &window_,
        "Rows of the windows that a long video is cut into (0: it is not; of frames: as many as `rows`)")
      .between(0, 1 << 24)
      .without("input", {"rescale"});
  s.add("overlap", &overlap_, "Share of a window that the next one has too")
      .at_least(0)
      .below(1)
      .without("input", {"rescale"});
  s.add("clip", &clip_, "Cut detections to the video; false leaves it to tal-nms --clip, behind the suppression");
  s.add("quality-exponent", &quality_exponent_, "Score = class probability^(1 - e) x predicted overlap^e")
      .between(0, 1)
      .with("quality", {"true"});
  s.add("views", &views_, "Passes with the grid shifted by a row each, whose detections are joined").between(1, 64);
  return s;
}

std::string PointsModel::training_defaults() const {
  return R"({"optimizer":"adamw","lr":1e-4,"weight-decay":0.05,"epochs":35,"warmup-epochs":5,"batch":2,"schedule":"cosine","clip":1,"ema":0.999})";
}

void PointsModel::check_settings() const {
  check(options_);
  if (options_.position_rows > 0 && options_.dims < 2)
    throw Error("needs 2 channels and more").at_field("position-rows");
  input().check_settings();
}

void PointsModel::build(const InputContract& inputs) {
  check_settings();
  const auto dims = input().dims(inputs);
  if (inputs.classes.empty() && !one_class_)
    throw Error("gives labelled detections and needs classes: no annotation has a label (one-class=true needs none)");
  inputs_ = inputs;
  clips_.set_exact(options_.exact());
  detector_ = std::make_shared<PointsNetImpl>(dims, class_count(), options_);
  detector_->normalizer.fill_(losses_.normalizer);
  const auto backbone = input().make_network();
  if (!backbone) {
    network_ = detector_;
    return;
  }
  network_ = std::make_shared<torch::nn::Module>();
  network_->register_module("backbone", backbone);
  network_->register_module("detector", detector_);
}

std::vector<ParameterGroup> PointsModel::parameters(std::size_t) {
  std::vector<ParameterGroup> groups = {{{}, 1, 1}, {{}, 1, 0}};
  for (const auto& item : detector_->named_parameters())
    groups[decays(item.key()) ? 0 : 1].parameters.push_back(item.value());
  for (auto& group : input().parameters()) groups.push_back(std::move(group));
  return groups;
}

// ---- training ----

std::vector<GridSegment> PointsModel::truths(const TrainingSet::Video& video) const {
  std::vector<GridSegment> all;
  for (const auto& truth : video.truths) {
    if (truth.label < 0 && !one_class_) continue;
    const Segment s{grid(video, truth.segment.start), grid(video, truth.segment.end)};
    if (s.length() > 0) all.push_back({s, one_class_ ? 0 : truth.label});
  }
  return all;
}

PointsModel::Crop PointsModel::crop_of(const TrainingSet::Video& video, std::uint64_t seed) const {
  constexpr int kTries = 200;  // for a crop with an action
  Random random(seed);
  const std::int64_t T = input().grid_rows(video.rows);
  Crop crop{0, std::min(T, rows_), {}};
  if (T <= rows_) {
    const auto least = std::max<std::int64_t>(1, std::llround(crop_ * static_cast<double>(T)));
    crop.rows = least + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(T - least + 1)));
  }
  const auto all = truths(video);
  // Half a window reaches over each end of the crop, where its first and last row still see.
  const double reach = input_ == "windows" ? 0.5 * video.time.window / video.time.stride : 0.5;
  for (int i = 0; i < kTries; ++i) {
    crop.first = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(T - crop.rows + 1)));
    const double low = static_cast<double>(crop.first) - reach,
                 high = static_cast<double>(crop.first + crop.rows) + reach;
    crop.segments.clear();
    for (const auto& truth : all) {
      const Segment part{std::max(truth.segment.start, low), std::min(truth.segment.end, high)};
      if (part.length() <= 0 || part.length() < inside_ * truth.segment.length()) continue;
      crop.segments.push_back(
          {{part.start - static_cast<double>(crop.first), part.end - static_cast<double>(crop.first)}, truth.label});
    }
    if (!crop.segments.empty() || all.empty()) break;
  }
  return crop;
}

std::vector<Sample> PointsModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v)
    if (set.video(v).rows > 0 && (empty_videos_ || !truths(set.video(v)).empty()))
      all.push_back({v, 0, set.video(v).rows, 0});
  return all;
}

std::vector<std::int64_t> PointsModel::level_rows(std::int64_t rows) const {
  std::vector<std::int64_t> all = {rows};
  while (static_cast<std::int64_t>(all.size()) < options_.levels) all.push_back((all.back() + 1) / 2);
  return all;
}

double PointsModel::step_total(const TrainingSet& set, std::span<const Sample> samples, std::size_t) const {
  std::int64_t positives = 0;
  for (const auto& sample : samples) {
    const auto crop = crop_of(set.video(sample.video), sample.seed);
    const auto rows = level_rows(crop.rows);
    positives += assign_points(grid_points(rows, losses_.ranges), crop.segments, class_count(), losses_).positives;
  }
  return static_cast<double>(positives);
}

void PointsModel::begin_step(double total) {
  constexpr double kMomentum = 0.9;
  torch::NoGradGuard guard;
  detector_->normalizer.mul_(kMomentum).add_((1 - kMomentum) * std::max(total, 1.0));
}

namespace {
constexpr std::uint64_t kOfPixels = 1;  // what a sample's seed is drawn for besides the place of its crop
}

Batch PointsModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  std::vector<Crop> crops;
  std::int64_t longest = 0;
  std::size_t most = 0;
  for (const auto& sample : samples) {
    crops.push_back(crop_of(set.video(sample.video), sample.seed));
    longest = std::max(longest, crops.back().rows), most = std::max(most, crops.back().segments.size());
    batch.videos.push_back(set.video(sample.video).id);
  }
  if (!options_.exact()) longest = reference_rows(options_, longest, rows_);
  const auto B = static_cast<std::int64_t>(samples.size()), G = static_cast<std::int64_t>(most);
  std::vector<torch::Tensor> parts;
  auto lengths = torch::zeros({B}, torch::kLong), labels = torch::zeros({B, G}, torch::kLong),
       count = torch::zeros({B}, torch::kLong);
  auto segments = torch::zeros({B, G, 2}, torch::kDouble);
  std::vector<torch::Tensor> classes, distances;
  const auto points = grid_points(level_rows(longest), losses_.ranges);
  for (std::int64_t b = 0; b < B; ++b) {
    const auto& crop = crops[static_cast<std::size_t>(b)];
    const auto video = samples[static_cast<std::size_t>(b)].video;
    Random random = Random::of(samples[static_cast<std::size_t>(b)].seed, kOfPixels);
    parts.push_back(input().training_part(set, video, crop.first, crop.rows, random));
    lengths[b] = crop.rows, count[b] = static_cast<std::int64_t>(crop.segments.size());
    for (std::size_t k = 0; k < crop.segments.size(); ++k) {
      const auto g = static_cast<std::int64_t>(k);
      segments[b][g][0] = crop.segments[k].segment.start, segments[b][g][1] = crop.segments[k].segment.end;
      labels[b][g] = crop.segments[k].label;
    }
    auto targets = assign_points(points, crop.segments, class_count(), losses_);
    classes.push_back(targets.classes), distances.push_back(targets.distances);
  }
  batch.tensors = {{"x", input().stacked(parts, longest)},
                   {"rows", torch::tensor({longest}, torch::kLong)},
                   {"lengths", lengths},
                   {"classes", torch::stack(classes)},
                   {"segments", segments},
                   {"labels", labels},
                   {"distances", torch::stack(distances)},
                   {"count", count}};
  return batch;
}

namespace {

std::vector<std::int64_t> list_of(const torch::Tensor& numbers) {
  const auto host = numbers.cpu();
  return {host.data_ptr<std::int64_t>(), host.data_ptr<std::int64_t>() + host.numel()};
}

std::vector<std::vector<GridSegment>> segments_of(const Batch& batch) {
  const auto segments = batch.at("segments").cpu(), labels = batch.at("labels").cpu();
  const auto count = list_of(batch.at("count"));
  const auto s = segments.accessor<double, 3>();
  const auto label = labels.accessor<std::int64_t, 2>();
  std::vector<std::vector<GridSegment>> all(count.size());
  for (std::size_t b = 0; b < count.size(); ++b)
    for (std::int64_t g = 0; g < count[b]; ++g) {
      const auto i = static_cast<std::int64_t>(b);
      all[b].push_back({{s[i][g][0], s[i][g][1]}, label[i][g]});
    }
  return all;
}

}  // namespace

Losses PointsModel::loss(const Batch& batch, std::size_t) {
  const auto lengths = list_of(batch.at("lengths"));
  const auto levels = detector_->forward(input().rows(batch.at("x"), lengths, list_of(batch.at("rows"))[0]), lengths);
  for (const auto& level : levels) require_finite(*this, batch, {level.logits, level.offsets});
  const double normalizer = detector_->normalizer.item<double>() * batch.share;
  const auto set =
      point_losses(levels, batch.at("classes"), batch.at("distances"), segments_of(batch), normalizer, losses_);
  Losses losses;
  losses.loss = set.loss;
  losses.parts = {{"class", set.classes}, {"distance", set.distances}};
  if (set.quality.defined()) losses.parts.emplace_back("quality", set.quality);
  return losses;
}

// ---- inference ----

InputContract PointsModel::test_inputs() const {
  auto inputs = inputs_;
  if (inputs.frames) inputs.frames = input().test_frames();
  return inputs;
}

torch::Tensor PointsModel::scores_of(const PointLevel& level) const {
  auto scores = level.logits[0].to(torch::kFloat).sigmoid();
  if (level.quality.defined() && quality_exponent_ > 0)
    scores = scores.pow(1 - quality_exponent_) * level.quality[0].to(torch::kFloat).sigmoid().pow(quality_exponent_);
  return scores;
}

void PointsModel::detect(const torch::Tensor& rows, double first, std::vector<Candidate>& found) {
  const std::int64_t length = rows.size(1);
  auto x = rows;
  if (!options_.exact()) {
    const auto padded = reference_rows(options_, length, rows_);
    if (padded > length) x = torch::constant_pad_nd(x, {0, 0, 0, padded - length});
  }
  const auto levels = detector_->forward(x.to(device), {length});
  double stride = 1;
  for (const auto& level : levels) {
    const auto scores = scores_of(level).slice(0, 0, level.lengths[0]);
    if (!all_finite({scores, level.offsets})) finite_on_host(*this, scores), finite_on_host(*this, level.offsets);
    const auto flat = scores.reshape({-1});
    auto kept = (flat > min_score_).nonzero().squeeze(1);
    const auto order = flat.index({kept}).argsort(/*stable=*/true, 0, /*descending=*/true);
    kept = kept.index({order});
    if (top_k_ > 0) kept = kept.slice(0, 0, top_k_);  // no more of a level are among the best of a window either
    const auto t = kept.div(scores.size(1), "floor"), c = kept.remainder(scores.size(1));
    const auto distances = finite_on_host(*this, point_distances(level, torch::zeros_like(t), t, c));
    const auto places = t.cpu(), labels = c.cpu(), values = flat.index({kept}).cpu();
    const auto d = distances.accessor<float, 2>();
    const auto place = places.accessor<std::int64_t, 1>(), label = labels.accessor<std::int64_t, 1>();
    const auto value = values.accessor<float, 1>();
    for (std::int64_t i = 0; i < place.size(0); ++i) {
      const double at = first + static_cast<double>(place[i]) * stride;
      const Segment segment{at - static_cast<double>(d[i][0]) * stride, at + static_cast<double>(d[i][1]) * stride};
      if (segment.length() > min_length_) found.push_back({segment, value[i], label[i]});
    }
    stride *= 2;
  }
}

torch::Tensor PointsModel::rows_at(const Sequence& sequence, std::int64_t first, std::int64_t count) {
  // As published, the backbone too sees a short video's last frame again and again up to the longest.
  const std::int64_t longest = sees_frames() && !options_.exact() ? reference_rows(options_, count, rows_) : count;
  const auto stacked = input().stacked({input().test_part(sequence, first, count)}, longest);
  return input().rows(sees_frames() ? stacked.to(device) : stacked, {count}, longest).slice(1, 0, count);
}

void PointsModel::keep_best(std::vector<Candidate>& found, std::size_t from) const {
  const auto most = static_cast<std::size_t>(top_k_);
  if (most == 0 || found.size() - from <= most) return;
  std::stable_sort(found.begin() + static_cast<std::ptrdiff_t>(from), found.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  found.resize(from + most);
}

void PointsModel::propose(Record& record, const Sequence& sequence) {
  const torch::NoGradGuard guard;
  std::vector<Candidate> found;
  const std::int64_t rows = input().input_rows(sequence), T = rows > 0 ? input().grid_rows(rows) : 0;
  const std::int64_t longest = window_ > 0 ? window_ : sees_frames() ? rows_ : T;
  const std::int64_t window = input_ == "rescale" ? T : std::min(longest, T);
  const auto step = std::max<std::int64_t>(1, std::llround(static_cast<double>(window) * (1 - overlap_)));
  for (std::int64_t first = 0; T > 0; first += step) {
    first = std::min(first, T - window);
    const auto x = rows_at(sequence, first, window);
    const std::size_t of_others = found.size();
    for (std::int64_t view = 0; view < views_; ++view)  // coarse levels stand elsewhere
      detect(view > 0 ? torch::constant_pad_nd(x, {0, 0, view, 0}) : x, static_cast<double>(first - view), found);
    if (top_k_of_ == "window") keep_best(found, of_others);
    if (first + window >= T) break;
  }
  if (top_k_of_ == "video") keep_best(found, 0);
  std::vector<Proposal> proposals;
  proposals.reserve(found.size());
  const PointsInput::Clock clock{sequence.time, rows, sequence.duration};
  for (const auto& candidate : found) {
    Proposal proposal;
    proposal.segment = {input().seconds(clock, candidate.segment.start), input().seconds(clock, candidate.segment.end)};
    if (clip_) {
      proposal.segment.start = std::max(proposal.segment.start, 0.0);
      if (sequence.duration > 0) proposal.segment.end = std::min(proposal.segment.end, sequence.duration);
    }
    if (!(proposal.segment.length() > 0)) continue;  // outside the video
    proposal.score = candidate.score;
    if (!one_class_) proposal.label = record.keep(inputs_.classes[static_cast<std::size_t>(candidate.label)]);
    proposals.push_back(proposal);
  }
  record.set_proposals(proposals);
}

}  // namespace tal
