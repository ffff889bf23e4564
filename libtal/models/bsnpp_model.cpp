#include "libtal/models/bsnpp_model.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {
namespace F = torch::nn::functional;
namespace {

// [R, C] -> [C, T] by linear interpolation between row centres.
torch::Tensor rescaled(const torch::Tensor& rows, std::int64_t length) {
  const auto x = rows.t().unsqueeze(0);
  if (rows.size(0) == length) return x[0];
  return F::interpolate(x, F::InterpolateFuncOptions().size(std::vector<std::int64_t>{length}).mode(torch::kLinear).align_corners(false))[0];
}

// Rows [first, first + length) of [R, C] as [C, length], zeros behind the last row.
torch::Tensor window(const torch::Tensor& rows, std::int64_t first, std::int64_t length) {
  const std::int64_t count = std::min(length, rows.size(0) - first);
  return F::pad(rows.narrow(0, first, count).t(), F::PadFuncOptions({0, length - count}));
}

// Truths in the rows of a sample: `scale` rows of the network for one of the stream.
std::vector<Segment> truth_rows(const TrainingSet::Video& video, double first, double scale) {
  std::vector<Segment> truths;
  for (const auto& truth : video.truths)
    truths.push_back({(video.time.row(truth.segment.start) - first) * scale, (video.time.row(truth.segment.end) - first) * scale});
  return truths;
}

// A whole truth, or a part of one that no window could hold.
bool holds_truth(const std::vector<Segment>& truths, double length) {
  return std::any_of(truths.begin(), truths.end(), [&](const Segment& t) {
    return (t.start >= 0 && t.end <= length) || (t.length() > length && t.start < length && t.end > 0);
  });
}

torch::Tensor as_double(const torch::Tensor& t) { return t.detach().cpu().to(torch::kDouble).contiguous(); }

void append_row(std::string& out, const double* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    out += i ? ',' : '[';
    append_number(out, values[i]);
  }
  out += ']';
}

void append_map(std::string& out, const char* name, const torch::Tensor& map) {
  const auto values = as_double(map);
  out += ",\"" + std::string(name) + "\":";
  if (map.dim() == 1) return append_row(out, values.data_ptr<double>(), map.size(0));
  for (std::int64_t j = 0; j < map.size(0); ++j) {
    out += j ? ',' : '[';
    append_row(out, values.data_ptr<double>() + j * map.size(1), map.size(1));
  }
  out += ']';
}

// {"0": {"rows": .., "segment": [s, e], "start": [T], "end": [T], "boundary": [D][T], "cls": [D][T], "reg": [D][T]}, ..}
std::string maps_json(const std::vector<MapWindow>& windows) {
  std::string out = "{";
  for (std::size_t k = 0; k < windows.size(); ++k) {
    const auto& w = windows[k];
    out += (k ? ",\"" : "\"") + std::to_string(k) + "\":{\"rows\":" + std::to_string(w.maps.start.size(0)) + ",\"segment\":[" + format_number(w.time.start) + "," +
           format_number(w.time.end) + "]";
    append_map(out, "start", w.maps.start);
    append_map(out, "end", w.maps.end);
    append_map(out, "boundary", w.maps.boundary);
    append_map(out, "cls", w.maps.classification);
    append_map(out, "reg", w.maps.regression);
    out += "}";
  }
  return out + "}";
}

struct MapProposal {
  Segment segment;
  double score, boundary, classification, regression;
};

// Valid proposals of one window by j, then i; those that reach into the padding are none.
template <class Sink>
void each_proposal(const MapWindow& w, Sink sink) {
  const std::int64_t rows = w.maps.start.size(0), durations = w.maps.boundary.size(0);
  const auto boundary = as_double(w.maps.boundary), classification = as_double(w.maps.classification), regression = as_double(w.maps.regression);
  const auto score = proposal_scores(boundary, regression, classification);
  const double row = w.time.length() / static_cast<double>(rows);
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t i = 0; i + j < w.used; ++i) {
      const std::int64_t at = j * rows + i;
      sink(j, i, MapProposal{{w.time.start + static_cast<double>(i) * row, w.time.start + static_cast<double>(i + j + 1) * row},
                             score.data_ptr<double>()[at], boundary.data_ptr<double>()[at], classification.data_ptr<double>()[at], regression.data_ptr<double>()[at]});
    }
}

}  // namespace

Settings MapModel::settings() {
  Settings s;
  add_settings(s);
  s.add("input", &input_.input, "What the network sees: the whole video rescaled to its rows, or windows of as many rows", {"rescale", "windows"});
  s.add("train-overlap", &input_.train_overlap, "Overlap of training windows, share of their length");
  return s;
}

Settings MapModel::inference() {
  Settings s;
  add_inference(s);
  s.add("overlap", &inference_.overlap, "Overlap of windows, share of their length");
  s.add("scales", &inference_.scales, "Rows of a rescaled video: as trained (fixed), or 30, 80, 100 by its duration", {"fixed", "duration"});
  s.add("min-score", &inference_.min_score, "Proposals with a lower score are left out");
  s.add("top-k", &inference_.top_k, "Proposals kept of a video (0: all)");
  s.add("maps", &inference_.maps, "Write the score maps into the record", {"none", "inline"});
  return s;
}

std::vector<Sample> MapModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    if (video.truths.empty() || video.rows < 1) continue;
    if (input_.input == "rescale") {
      all.push_back({v, 0, video.rows, 0});
      continue;
    }
    for (const std::int64_t first : window_starts(video.rows, rows(), input_.train_overlap))
      if (holds_truth(truth_rows(video, static_cast<double>(first), 1), static_cast<double>(rows()))) all.push_back({v, first, rows(), 0});
  }
  return all;
}

Batch MapModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  const std::int64_t t = rows(), d = durations();
  std::vector<torch::Tensor> x, boundary, iou, sampled;
  Batch batch;
  for (const Sample& sample : samples) {
    const auto& video = set.video(sample.video);
    const bool rescale = input_.input == "rescale";
    const auto features = set.rows(sample.video, sample.first, sample.count);  // zeros outside the video
    x.push_back(rescale ? rescaled(features, t) : features.t());
    const auto truths = truth_rows(video, static_cast<double>(sample.first), rescale ? static_cast<double>(t) / static_cast<double>(sample.count) : 1.0);
    const auto labels = boundary_labels(truths, t, nearest_labels());
    boundary.push_back(torch::stack({torch::tensor(labels.start), torch::tensor(labels.end)}).to(torch::kFloat));
    const auto confidence = confidence_labels(truths, t, d);
    iou.push_back(torch::tensor(confidence).to(torch::kFloat).view({d, t}));
    Random random(sample.seed);
    sampled.push_back(torch::tensor(draw(confidence, random)).view({d, t}));
    batch.videos.push_back(video.id);
  }
  batch.tensors = {{"x", torch::stack(x)}, {"boundary", torch::stack(boundary)}, {"iou", torch::stack(iou)}, {"sampled", torch::stack(sampled)}};
  return batch;
}

std::vector<MapWindow> MapModel::map_windows(const Sequence& sequence) {
  const std::int64_t count = sequence.x.size(0);
  if (count < 1) throw Error("the features have no rows");
  std::vector<MapWindow> windows;
  std::vector<torch::Tensor> x;
  if (input_.input == "rescale") {
    const std::int64_t length = inference_.scales == "duration" ? multi_scale_rows(sequence.duration) : rows();
    if (inference_.scales == "duration" && !(sequence.duration > 0)) throw Error("missing: rows by duration need it").at_field("duration");
    windows.push_back({{sequence.time.seconds(0), sequence.time.seconds(static_cast<double>(count))}, 0, length, {}});
    x.push_back(rescaled(sequence.x, length));
  } else {
    if (inference_.scales != "fixed") throw Error("scales: windows have the rows that the model was trained on; '" + inference_.scales + "' is for rescaled videos");
    for (const std::int64_t first : window_starts(count, rows(), inference_.overlap)) {
      const double start = static_cast<double>(first);
      windows.push_back({{sequence.time.seconds(start), sequence.time.seconds(start + static_cast<double>(rows()))}, first, std::min(rows(), count - first), {}});
      x.push_back(window(sequence.x, first, rows()));
    }
  }
  constexpr std::size_t kTogether = 8;  // windows in one pass: bounds the memory of long videos
  for (std::size_t begin = 0; begin < x.size(); begin += kTogether) {
    const std::size_t end = std::min(begin + kTogether, x.size());
    const auto maps = infer(torch::stack(std::vector<torch::Tensor>(x.begin() + static_cast<std::ptrdiff_t>(begin), x.begin() + static_cast<std::ptrdiff_t>(end))).to(device));
    for (std::size_t k = begin; k < end; ++k) windows[k].maps = maps[k - begin];
  }
  return windows;
}

void MapModel::write_proposals(Record& record, const Sequence& sequence, const std::vector<MapWindow>& windows) const {
  // Windows overlap: of the proposals of the same rows of the stream the best one stays.
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> known;
  std::vector<MapProposal> found;
  for (const auto& window : windows)
    each_proposal(window, [&](std::int64_t j, std::int64_t i, MapProposal p) {
      p.segment.start = std::max(p.segment.start, 0.0);
      if (sequence.duration > 0) p.segment.end = std::min(p.segment.end, sequence.duration);
      if (!(p.segment.start < p.segment.end) || p.score < inference_.min_score) return;
      if (windows.size() > 1) {
        const auto [place, fresh] = known.try_emplace({window.first + i, j}, found.size());
        if (!fresh) {
          if (p.score > found[place->second].score) found[place->second] = p;
          return;
        }
      }
      found.push_back(p);
    });
  if (const auto k = static_cast<std::size_t>(std::max<std::int64_t>(inference_.top_k, 0)); k > 0 && found.size() > k) {
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    found.resize(k);
  }
  std::vector<Proposal> proposals(found.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    proposals[k].segment = found[k].segment;
    proposals[k].score = found[k].score;
    std::string scores = "\"scores\":{\"boundary\":";
    append_number(scores, found[k].boundary);
    scores += ",\"cls\":";
    append_number(scores, found[k].classification);
    scores += ",\"reg\":";
    append_number(scores, found[k].regression);
    proposals[k].extra = record.keep(scores + "}");
  }
  record.set_proposals(proposals);
  if (inference_.maps == "inline") record.set_raw("maps", maps_json(windows));
}

void MapModel::propose(Record& record, const Sequence& sequence) { write_proposals(record, sequence, map_windows(sequence)); }

std::vector<MapWindow> fuse_maps(std::span<const std::vector<MapWindow>> models, std::span<const double> weights) {
  if (models.empty()) throw Error("no maps to fuse");
  if (weights.size() != models.size()) throw UsageError(std::to_string(weights.size()) + " weights for " + std::to_string(models.size()) + " models");
  double sum = 0;
  for (const double w : weights) {
    if (!(w >= 0) || !std::isfinite(w)) throw UsageError("weights of models must be 0 or more");
    sum += w;
  }
  if (!(sum > 0)) throw UsageError("the weights of the models are all 0");
  std::vector<MapWindow> fused = models[0];
  for (std::size_t k = 0; k < fused.size(); ++k) {
    ProposalMaps& to = fused[k].maps;
    for (auto member : {&ProposalMaps::start, &ProposalMaps::end, &ProposalMaps::boundary, &ProposalMaps::regression, &ProposalMaps::classification})
      to.*member = as_double(to.*member) * (weights[0] / sum);
  }
  for (std::size_t m = 1; m < models.size(); ++m) {
    if (models[m].size() != fused.size())
      throw Error("model " + std::to_string(m + 1) + " has " + std::to_string(models[m].size()) + " windows, the first one " + std::to_string(fused.size()));
    for (std::size_t k = 0; k < fused.size(); ++k) {
      const MapWindow& other = models[m][k];
      ProposalMaps& to = fused[k].maps;
      const double tolerance = 0.01 * fused[k].time.length();
      if (other.maps.boundary.sizes() != to.boundary.sizes() || std::abs(other.time.start - fused[k].time.start) > tolerance || std::abs(other.time.end - fused[k].time.end) > tolerance)
        throw Error("the maps of model " + std::to_string(m + 1) + " are " + std::to_string(other.maps.boundary.size(0)) + " x " + std::to_string(other.maps.boundary.size(1)) + " over " +
                    format_number(other.time.start) + " .. " + format_number(other.time.end) + " s, those of the first one " + std::to_string(to.boundary.size(0)) + " x " +
                    std::to_string(to.boundary.size(1)) + " over " + format_number(fused[k].time.start) + " .. " + format_number(fused[k].time.end) + " s");
      for (auto member : {&ProposalMaps::start, &ProposalMaps::end, &ProposalMaps::boundary, &ProposalMaps::regression, &ProposalMaps::classification})
        to.*member += as_double(other.maps.*member) * (weights[m] / sum);
    }
  }
  return fused;
}

void propose_ensemble(std::span<MapModel* const> models, std::span<const double> weights, Record& record, std::span<const Sequence> sequences) {
  if (models.empty() || models.size() != sequences.size()) throw Error("an ensemble needs a sequence for each of its models");
  std::vector<std::vector<MapWindow>> maps;
  for (std::size_t m = 0; m < models.size(); ++m) maps.push_back(models[m]->map_windows(sequences[m]));
  const std::vector<double> equal(models.size(), 1.0);
  models[0]->write_proposals(record, sequences[0], fuse_maps(maps, weights.empty() ? std::span<const double>(equal) : weights));
}

void BsnppModel::add_settings(Settings& settings) {
  const Settings own = settings_of(options_);
  for (const auto& entry : own.entries()) settings.add(entry.name, entry.target, entry.help, entry.choices);
}

void BsnppModel::add_inference(Settings& settings) { settings.add("backward-pass", &backward_pass_, "Fuse the boundaries with those of the reversed features"); }

std::string BsnppModel::training_defaults() const {
  return R"({"optimizer":"adam","lr":1e-3,"batch":16,"epochs":10,"schedule":"step","milestones":[7],"gamma":0.1})";
}

std::map<std::string, std::string> BsnppModel::presets() const {
  return {{"activitynet", "{}"},
          {"baseline", R"({"generator":"plain","deep-supervision":false,"branches":["plain"],"sampling":"none"})"},
          {"cbg-u-net", R"({"generator":"u-net","deep-supervision":false,"branches":["plain"],"sampling":"none"})"},
          {"cbg-nested", R"({"generator":"nested","branches":["plain"],"sampling":"none"})"},
          {"prb-position", R"({"branches":["position","plain"],"sampling":"none"})"},
          {"prb-channel", R"({"branches":["channel","plain"],"sampling":"none"})"},
          {"prb", R"({"sampling":"none"})"},
          {"iou-sampling", R"({"sampling":"iou"})"},
          {"windows", R"({"input":"windows"})"}};
}

void BsnppModel::build(const InputContract& inputs) {
  inputs_ = inputs;
  network_ = Bsnpp(inputs.dim(), options_);
}

Losses BsnppModel::loss(const Batch& batch, std::size_t) {
  const auto out = network_->forward(batch.at("x"));
  const auto loss = bsnpp_loss(out.logits, out.maps, batch.at("boundary"), batch.at("iou"), batch.at("sampled"), network_->parameters(), options_);
  return {loss.total, {{"boundary", loss.boundary}, {"regression", loss.regression}, {"classification", loss.classification}, {"l2", loss.l2}}};
}

std::vector<float> BsnppModel::draw(std::span<const double> confidence, Random& random) const {
  SamplingOptions o;
  o.rule = options_.sampling == "none" ? SamplingOptions::Rule::kAll : options_.sampling == "iou" ? SamplingOptions::Rule::kIou : SamplingOptions::Rule::kScale;
  o.positive = options_.positive, o.negative = options_.negative, o.lambda = options_.scale_ratio;
  return draw_proposals(confidence, rows(), durations(), o, random);
}

}  // namespace tal
