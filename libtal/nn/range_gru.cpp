#include "libtal/nn/range_gru.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

using Index = std::vector<std::int64_t>;

// Parameters of one layer and direction.
struct Cell {
  torch::Tensor w_ih, w_hh, b_ih, b_hh;
  Cell(const torch::nn::GRU& gru, const std::string& suffix) {
    const auto parameters = gru->named_parameters();
    w_ih = parameters["weight_ih" + suffix], w_hh = parameters["weight_hh" + suffix];
    b_ih = parameters["bias_ih" + suffix], b_hh = parameters["bias_hh" + suffix];
  }
  std::int64_t hidden() const { return w_hh.size(1); }
};

// r, z = sigmoid(x + h U), n = tanh(x_n + r (h U)_n), h' = (1 - z) n + z h; x [B, 3H] holds the input's share with its
// bias.
torch::Tensor step(const Cell& cell, const torch::Tensor& x, const torch::Tensor& h) {
  const auto H = cell.hidden();
  const auto u = torch::addmm(cell.b_hh, h, cell.w_hh.t());
  const auto gates = torch::sigmoid(x.narrow(1, 0, 2 * H) + u.narrow(1, 0, 2 * H));
  const auto r = gates.narrow(1, 0, H), z = gates.narrow(1, H, H);
  const auto n = torch::tanh(torch::addcmul(x.narrow(1, 2 * H, H), r, u.narrow(1, 2 * H, H)));
  return torch::lerp(n, h, z);
}

// Several runs side by side, longest first, so that those still going are always the first rows.
class Runs {
 public:
  explicit Runs(Index lengths) : lengths_(std::move(lengths)) {
    offsets_.resize(lengths_.size() + 1, 0);
    std::partial_sum(lengths_.begin(), lengths_.end(), offsets_.begin() + 1);
    order_.resize(lengths_.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) {
      return lengths_[static_cast<std::size_t>(a)] > lengths_[static_cast<std::size_t>(b)];
    });
  }
  std::int64_t longest() const { return order_.empty() ? 0 : lengths_[static_cast<std::size_t>(order_[0])]; }
  std::int64_t states() const { return offsets_.back(); }
  std::int64_t offset(std::int64_t run) const { return offsets_[static_cast<std::size_t>(run)]; }
  // Value of `what(run)` for the runs still going at step k, in their order.
  template <class F>
  Index going(std::int64_t k, F&& what) const {
    Index values;
    for (const auto run : order_) {
      if (lengths_[static_cast<std::size_t>(run)] <= k) break;
      values.push_back(what(run));
    }
    return values;
  }
  const Index& order() const { return order_; }

 private:
  Index lengths_, offsets_, order_;
};

torch::Tensor index_of(const Index& values, const torch::Tensor& like) {
  return torch::tensor(values, torch::kLong).to(like.device());
}

// Layer 1 from several rows, in one direction. projected [U, 3H] -> states [sum of lengths, H], step k of a run at
// offset(run) + k.
torch::Tensor run_first_layer(const Cell& cell, const torch::Tensor& projected, const Index& from,
                              std::int64_t direction, const Runs& runs) {
  auto states = torch::empty({runs.states(), cell.hidden()}, projected.options());
  auto h = torch::zeros({static_cast<std::int64_t>(from.size()), cell.hidden()}, projected.options());
  for (std::int64_t k = 0; k < runs.longest(); ++k) {
    const auto rows = runs.going(k, [&](auto run) { return from[static_cast<std::size_t>(run)] + direction * k; });
    h = step(cell, projected.index_select(0, index_of(rows, h)),
             h.narrow(0, 0, static_cast<std::int64_t>(rows.size())));
    states.index_copy_(0, index_of(runs.going(k, [&](auto run) { return runs.offset(run) + k; }), h), h);
  }
  return states;
}

struct Layers {
  Cell forward1, backward1, forward2, backward2;
  explicit Layers(const torch::nn::GRU& gru)
      : forward1(gru, "_l0"), backward1(gru, "_l0_reverse"), forward2(gru, "_l1"), backward2(gru, "_l1_reverse") {}
};

// Runs of layer 1 in one direction: one for each distinct end of the group's ranges on its side.
struct Shared {
  Index from;                                   // row of each run
  std::map<std::int64_t, std::int64_t> run_of;  // row -> run
  Index lengths;
  void add(std::int64_t row, std::int64_t length) {
    const auto [it, fresh] = run_of.try_emplace(row, static_cast<std::int64_t>(from.size()));
    if (fresh) from.push_back(row), lengths.push_back(0);
    auto& longest = lengths[static_cast<std::size_t>(it->second)];
    longest = std::max(longest, length);
  }
};

// Layer 2 over the ranges of a group; its input at a row is the sum of what the forward and the backward run of layer 1
// give there.
torch::Tensor run_second_layer(const Cell& cell, bool reverse, const torch::Tensor& from_forward,
                               const torch::Tensor& from_backward, std::span<const RowRange> ranges,
                               const Shared& starts, const Runs& start_runs, const Shared& ends, const Runs& end_runs) {
  Index lengths;
  for (const auto& range : ranges) lengths.push_back(range.count());
  const Runs runs(lengths);
  const auto size = static_cast<std::int64_t>(ranges.size());
  auto h = torch::zeros({size, cell.hidden()}, from_forward.options());
  auto last = torch::empty_like(h);  // in runs.order()
  for (std::int64_t k = 0; k < runs.longest(); ++k) {
    // Place of row t in a range: t - first in the run from its start, last - 1 - t in the run from its end.
    const auto place = [&](std::int64_t run, bool from_start) {
      const auto& range = ranges[static_cast<std::size_t>(run)];
      const std::int64_t t = reverse ? range.end - 1 - k : range.first + k;
      return from_start ? start_runs.offset(starts.run_of.at(range.first)) + t - range.first
                        : end_runs.offset(ends.run_of.at(range.end - 1)) + range.end - 1 - t;
    };
    const auto a = runs.going(k, [&](auto run) { return place(run, true); }),
               b = runs.going(k, [&](auto run) { return place(run, false); });
    const auto active = static_cast<std::int64_t>(a.size());
    if (active < h.size(0)) last.narrow(0, active, h.size(0) - active).copy_(h.narrow(0, active, h.size(0) - active));
    const auto x = from_forward.index_select(0, index_of(a, h)) + from_backward.index_select(0, index_of(b, h));
    h = step(cell, x, h.narrow(0, 0, active));
  }
  last.narrow(0, 0, h.size(0)).copy_(h);
  return torch::empty_like(last).index_copy_(0, index_of(runs.order(), last), last);
}

torch::Tensor run_group(const Layers& layers, const torch::Tensor& forward, const torch::Tensor& backward,
                        std::span<const RowRange> ranges) {
  Shared starts, ends;
  for (const auto& range : ranges) starts.add(range.first, range.count()), ends.add(range.end - 1, range.count());
  const Runs start_runs(starts.lengths), end_runs(ends.lengths);
  const auto f = run_first_layer(layers.forward1, forward, starts.from, +1, start_runs);
  const auto b = run_first_layer(layers.backward1, backward, ends.from, -1, end_runs);
  const auto second = [&](const Cell& cell, bool reverse) {
    const auto H = f.size(1);
    const auto from_f = torch::addmm(cell.b_ih, f, cell.w_ih.narrow(1, 0, H).t()),
               from_b = torch::mm(b, cell.w_ih.narrow(1, H, H).t());
    return run_second_layer(cell, reverse, from_f, from_b, ranges, starts, start_runs, ends, end_runs);
  };
  return torch::cat({second(layers.forward2, false), second(layers.backward2, true)}, 1);
}

}  // namespace

torch::Tensor range_gru(const torch::nn::GRU& gru, const torch::Tensor& input, std::span<const RowRange> ranges,
                        std::int64_t budget) {
  torch::NoGradGuard guard;
  const OwnPrecision own;
  if (gru->options.num_layers() != 2 || !gru->options.bidirectional())
    throw Error("GRU over ranges: the GRU must have two bidirectional layers");
  check_shape(input, {kAny, gru->options.input_size()}, "GRU over ranges: rows [U, C]");
  for (const auto& range : ranges)
    if (range.first < 0 || range.count() < 1 || range.end > input.size(0))
      throw Error("GRU over ranges: a range must hold rows of the sequence");
  const Layers layers(gru);
  const torch::Tensor x = input.to(layers.forward1.w_ih.scalar_type());
  const auto projected = [&](const Cell& cell) { return torch::addmm(cell.b_ih, x, cell.w_ih.t()); };  // [U, 3H]
  const auto forward = projected(layers.forward1), backward = projected(layers.backward1);

  // Distinct ranges by start, so that groups share most; each range's state goes to all that equal it.
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> distinct;
  for (const auto& range : ranges) distinct.try_emplace({range.first, range.end}, 0);
  std::vector<RowRange> unique;
  for (auto& [key, place] : distinct)
    place = static_cast<std::int64_t>(unique.size()), unique.push_back({key.first, key.second});
  std::vector<torch::Tensor> states;
  for (std::size_t begin = 0; begin < unique.size();) {
    std::size_t end = begin;
    for (std::int64_t held = 0; end < unique.size() && (end == begin || held + unique[end].count() <= budget); ++end)
      held += unique[end].count();
    states.push_back(run_group(layers, forward, backward, std::span(unique).subspan(begin, end - begin)));
    begin = end;
  }
  if (states.empty()) return torch::empty({0, 2 * layers.forward1.hidden()}, x.options());
  Index places;
  for (const auto& range : ranges) places.push_back(distinct.at({range.first, range.end}));
  return torch::cat(states).index_select(0, index_of(places, x));
}

}  // namespace tal
