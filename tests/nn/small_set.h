// A small training set in memory: two classes of action whose column rises inside, a video a row of numbers. What tests
// of models do with it.
#pragma once

#include <string>
#include <vector>

#include "libtal/models/core/model.h"

namespace tal::test {

class ActionSet : public TrainingSet {
 public:
  // 4 columns at 1 row a second; column `label` is 1 inside an action, 2 in its first and 3 in its last third, noise
  // elsewhere.
  ActionSet(std::size_t videos, std::int64_t rows, std::uint64_t seed, double noise = 0.1) {
    inputs_.streams = {{"a", 3, 1, 1, 0, 1, "", ""}, {"b", 1, 1, 1, 0, 1, "", ""}};
    inputs_.classes = {"x", "y"};
    Random random(seed);
    for (std::size_t v = 0; v < videos; ++v) {
      Video video;
      video.id = std::string("v").append(std::to_string(v));
      video.rows = rows, video.duration = static_cast<double>(rows);
      auto x = torch::zeros({rows, 4});
      auto values = x.accessor<float, 2>();
      for (double t = 6 + 6 * random.uniform(); t < video.duration - 24; t += 24 + 10 * random.uniform()) {
        const double length = 8 + 8 * random.uniform();
        video.truths.push_back({{t, t + length}, static_cast<std::int64_t>(random.below(2))});
      }
      for (std::int64_t t = 0; t < rows; ++t) {
        for (std::int64_t c = 0; c < 4; ++c) values[t][c] = static_cast<float>(noise * random.normal());
        for (const auto& truth : video.truths) {
          const double place = (static_cast<double>(t) + 0.5 - truth.segment.start) / truth.segment.length();
          if (place < 0 || place >= 1) continue;
          values[t][truth.label] += place < 1.0 / 3 ? 2.0f : place < 2.0 / 3 ? 1.0f : 3.0f;
        }
      }
      videos_.push_back(video);
      features_.push_back(x);
    }
  }
  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t i) const override { return videos_[i]; }
  Video& video(std::size_t i) { return videos_[i]; }
  torch::Tensor rows(std::size_t i, std::int64_t first, std::int64_t count) const override {
    const auto& x = features_[i];
    auto out = torch::zeros({count, x.size(1)});
    const std::int64_t from = std::clamp<std::int64_t>(first, 0, x.size(0)),
                       to = std::clamp<std::int64_t>(first + count, from, x.size(0));
    out.narrow(0, from - first, to - from).copy_(x.narrow(0, from, to - from));
    return out;
  }
  Sequence sequence(std::size_t i) const { return {videos_[i].id, videos_[i].duration, videos_[i].time, features_[i]}; }

 private:
  InputContract inputs_;
  std::vector<Video> videos_;
  std::vector<torch::Tensor> features_;
};

// Plain epochs of Adam over one phase; the mean loss of the first and of the last.
inline std::pair<double, double> train(Model& model, const TrainingSet& set, int epochs, double lr, std::size_t batch,
                                       std::size_t phase = 0) {
  model.network().train();
  model.begin_phase(phase);
  auto parameters = model.parameters(phase);
  torch::optim::Adam optimizer(parameters.front().parameters, torch::optim::AdamOptions(lr));
  auto samples = model.samples(set, phase);
  std::pair<double, double> ends{0, 0};
  for (int epoch = 0; epoch < epochs; ++epoch) {
    Random::of(5, static_cast<std::uint64_t>(epoch)).shuffle(samples);
    double sum = 0;
    std::size_t steps = 0;
    for (std::size_t at = 0; at < samples.size(); at += batch, ++steps) {
      std::vector<Sample> chosen(samples.begin() + static_cast<std::ptrdiff_t>(at),
                                 samples.begin() + static_cast<std::ptrdiff_t>(std::min(samples.size(), at + batch)));
      for (std::size_t k = 0; k < chosen.size(); ++k)
        chosen[k].seed = Random::of(9, static_cast<std::uint64_t>(epoch), at + k).bits();
      Random random(1);
      optimizer.zero_grad();
      const auto losses = model.loss(model.make_batch(set, chosen, random, phase), phase);
      losses.loss.backward();
      optimizer.step();
      sum += losses.loss.item<double>();
    }
    (epoch == 0 ? ends.first : ends.second) = sum / static_cast<double>(std::max<std::size_t>(1, steps));
  }
  model.network().eval();
  return ends;
}

inline Record record_of(const Sequence& sequence, const std::vector<Segment>& proposals = {}) {
  Record record = Record::make(sequence.video);
  record.set_number("duration", sequence.duration);
  std::vector<Proposal> all;
  for (const auto& segment : proposals) {
    Proposal p;
    p.segment = segment, p.score = 0.5;
    all.push_back(p);
  }
  record.set_proposals(all);
  return record;
}

inline double best_tiou(const Record& record, const Segment& truth, std::string_view label = {}) {
  double best = 0;
  for (const auto& p : record.proposals())
    if (label.empty() || p.label == label) best = std::max(best, tiou(p.segment, truth));
  return best;
}

inline double worst(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace tal::test
