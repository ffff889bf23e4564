#include "libtal/nn/interval_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <tuple>
#include <unordered_map>

#include "libtal/base/error.h"
#include "libtal/nn/shapes.h"

namespace tal {

namespace {

// One resampled row: two rows of the sequence with weights 1 - r and r, or the maximum of a bin of rows.
struct Resampled {
  enum class Kind { interpolated, pooled } kind;
  RowRange rows;
  double r = 0;
};

Resampled resample_row(const Segment& interval, std::int64_t length, std::int64_t k) {
  const double n = interval.length(), l = static_cast<double>(length);
  if (n <= l) {
    const double p = interval.start + (static_cast<double>(k) + 0.5) * n / l - 0.5, floor = std::floor(p);
    const auto first = static_cast<std::int64_t>(floor);
    return {Resampled::Kind::interpolated, {first, first + 2}, p - floor};
  }
  const auto edge = [&](std::int64_t i) { return (l * interval.start + static_cast<double>(i) * n) / l; };
  return {Resampled::Kind::pooled,
          {static_cast<std::int64_t>(std::floor(edge(k))), static_cast<std::int64_t>(std::ceil(edge(k + 1)))}};
}

at::Tensor tensor_of(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

}  // namespace

at::Tensor normalise_rows(const at::Tensor& x) {
  check_shape(x, {kAny, kAny}, "normalised rows: rows [T, C]");
  return x / x.norm(2, {1}, true).clamp_min(1e-12);
}

at::Tensor rescale_rows(const at::Tensor& x, std::int64_t rows) {
  check_shape(x, {kAny, kAny}, "rescaled rows: rows [n, C]");
  const std::int64_t n = x.size(0);
  if (n == rows) return x;
  if (n < rows) return at::cat({x, x.new_zeros({rows - n, x.size(1)})});
  std::vector<at::Tensor> pooled;
  pooled.reserve(static_cast<std::size_t>(rows));
  for (std::int64_t k = 0; k < rows; ++k) {
    const RowRange bin{k * n / rows, ((k + 1) * n + rows - 1) / rows};
    pooled.push_back(x.slice(0, bin.first, bin.end).amax(0));
  }
  return at::stack(pooled);
}

at::Tensor resize_rows(const at::Tensor& x, std::int64_t rows) {
  check_shape(x, {at_least(1), kAny}, "resized rows: rows [n, C]");
  if (x.size(0) == rows) return x;
  return at::upsample_linear1d(x.t().unsqueeze(0), {rows}, /*align_corners=*/false)[0].t();
}

at::Tensor align_rows(const at::Tensor& x, std::int64_t rows) {
  check_shape(x, {at_least(1), kAny}, "aligned rows: rows [n, C]");
  const std::int64_t n = x.size(0);
  const double part = static_cast<double>(at::Half(static_cast<float>(n))) / static_cast<double>(rows);
  const auto points = static_cast<std::int64_t>(std::ceil(part));
  std::vector<std::int64_t> low, high;
  std::vector<double> share;
  for (std::int64_t k = 0; k < rows * points; ++k) {
    const double at = (static_cast<double>(k) + 0.5) * part / static_cast<double>(points) - 0.5;
    const double inside = std::clamp(at, 0.0, static_cast<double>(n - 1));
    low.push_back(static_cast<std::int64_t>(inside)), high.push_back(std::min(low.back() + 1, n - 1));
    share.push_back(inside - static_cast<double>(low.back()));
  }
  const at::Tensor values = x.to(at::kHalf).to(at::kDouble),
                   weight = at::tensor(share, at::kDouble).to(x.device()).unsqueeze(1),
                   i = tensor_of(low).to(x.device()), j = tensor_of(high).to(x.device());
  const at::Tensor between = (1 - weight) * values.index_select(0, i) + weight * values.index_select(0, j);
  return between.reshape({rows, points, x.size(1)}).mean(1).to(x.scalar_type());
}

at::Tensor resample_intervals(const at::Tensor& x, const std::vector<Segment>& intervals, std::int64_t length) {
  check_shape(x, {kAny, kAny}, "resampled intervals: rows [T, C]");
  const std::int64_t rows = x.size(0);
  if (intervals.empty()) return x.new_zeros({0, length, x.size(1)});
  const at::Tensor extended = at::cat({x, x.new_zeros({1, x.size(1)})});  // row `rows` stands for every row outside
  const auto inside = [&](std::int64_t row) { return row >= 0 && row < rows ? row : rows; };
  std::vector<at::Tensor> out;
  out.reserve(intervals.size());
  for (const Segment& interval : intervals) {
    if (interval.length() <= static_cast<double>(length)) {
      std::vector<std::int64_t> low, high;
      std::vector<double> r;
      for (std::int64_t k = 0; k < length; ++k) {
        const auto [kind, two, share] = resample_row(interval, length, k);
        low.push_back(inside(two.first)), high.push_back(inside(two.end - 1)), r.push_back(share);
      }
      const at::Tensor weight = at::tensor(r, at::kDouble).to(x.options()).unsqueeze(1);
      const at::Tensor i = tensor_of(low).to(x.device()), j = tensor_of(high).to(x.device());
      out.push_back((1 - weight) * extended.index_select(0, i) + weight * extended.index_select(0, j));
    } else {
      const auto widest = static_cast<std::int64_t>(std::ceil(interval.length() / static_cast<double>(length))) + 1;
      std::vector<std::int64_t> members;
      for (std::int64_t k = 0; k < length; ++k) {
        const RowRange bin = resample_row(interval, length, k).rows;
        for (std::int64_t m = 0; m < widest; ++m) members.push_back(inside(std::min(bin.first + m, bin.end - 1)));
      }
      out.push_back(
          extended.index_select(0, tensor_of(members).to(x.device())).view({length, widest, x.size(1)}).amax(1));
    }
  }
  return at::stack(out);
}

at::Tensor SharedRows::expand() const {
  check_shape(values, {kAny, kAny}, "shared rows: values [W, D]");
  check_shape(index, {kAny, kAny}, "shared rows: index [N, L]");
  return values.index_select(0, index.reshape({-1})).view({index.size(0), index.size(1), values.size(1)});
}

SharedRows SharedRows::of(const at::Tensor& rows) {
  check_shape(rows, {kAny, kAny, kAny}, "shared rows: rows [N, L, D]");
  const std::int64_t n = rows.size(0), l = rows.size(1);
  return {rows.reshape({n * l, rows.size(2)}), at::arange(n * l, rows.options().dtype(at::kLong)).view({n, l})};
}

// ---- planning ----

struct IntervalPlanner::State {
  std::int64_t length, total, reach;
  std::vector<std::int64_t> kernels;

  // A row under the kernel: nothing, one source, or two. Sources: used rows first, then bins (bins counted from 0 until
  // finish()).
  struct Mix {
    std::int32_t low = -1, high = -1;  // -1: zero
    bool bin = false;                  // low is a bin
    double r = 0;
    bool operator==(const Mix&) const = default;
  };
  struct MixHash {
    std::size_t operator()(const Mix& m) const {
      std::uint64_t bits;
      static_assert(sizeof bits == sizeof m.r);
      std::memcpy(&bits, &m.r, sizeof bits);
      bits ^=
          (static_cast<std::uint64_t>(static_cast<std::uint32_t>(m.low)) << 32 | static_cast<std::uint32_t>(m.high)) *
          0x9e3779b97f4a7c15u;
      bits = (bits ^ (bits >> 29) ^ (m.bin ? 0x51u : 0u)) * 0xbf58476d1ce4e5b9u;
      return bits ^ (bits >> 32);
    }
  };
  using Window = std::array<std::int32_t, 16>;  // mixes under the widest kernel; unused places 0
  struct WindowHash {
    std::size_t operator()(const Window& w) const {
      std::uint64_t h = 0;
      for (const std::int32_t id : w) h = (h ^ static_cast<std::uint32_t>(id)) * 0x9e3779b97f4a7c15u, h ^= h >> 31;
      return h;
    }
  };

  std::vector<std::int32_t> row_source;  // [total] number among the used rows; -1: not used
  std::vector<std::int64_t> rows;        // used rows
  // Rows of x under a bin, and whether the zero row takes part too.
  struct Bin {
    RowRange rows;
    bool zero = false;
    bool operator<(const Bin& other) const {
      return std::tie(rows.first, rows.end, zero) < std::tie(other.rows.first, other.rows.end, other.zero);
    }
  };
  std::map<Bin, std::int32_t> bins;  // -> number
  std::vector<Bin> bin_list;
  std::unordered_map<Mix, std::int32_t, MixHash> mix_ids;
  std::vector<Mix> mixes;  // 0: zero
  std::unordered_map<Window, std::int32_t, WindowHash> window_ids;
  std::vector<Window> windows;
  std::vector<std::int64_t> index;

  std::int32_t source(std::int64_t row) {
    std::int32_t& number = row_source[static_cast<std::size_t>(row)];
    if (number < 0) number = static_cast<std::int32_t>(rows.size()), rows.push_back(row);
    return number;
  }

  // row: of a sequence that is rows [offset, offset + count) of x.
  Mix mix_of(std::int64_t offset, std::int64_t count, const Resampled& row) {
    const auto inside = [&](std::int64_t r) { return r >= 0 && r < count; };
    if (row.kind == Resampled::Kind::interpolated) {
      Mix mix;
      if (inside(row.rows.first)) mix.low = source(offset + row.rows.first);
      if (row.r > 0 && inside(row.rows.end - 1)) mix.high = source(offset + row.rows.end - 1);
      if (mix.low >= 0 || mix.high >= 0) mix.r = row.r;
      return mix;
    }
    const RowRange part{std::max<std::int64_t>(row.rows.first, 0), std::min(row.rows.end, count)};
    if (part.count() <= 0) return {};
    const bool outside = part != row.rows;
    if (part.count() == 1 && !outside) return {source(offset + part.first), -1, false, 0};
    const Bin bin{{offset + part.first, offset + part.end}, outside};
    const auto [place, added] = bins.try_emplace(bin, static_cast<std::int32_t>(bin_list.size()));
    if (added) bin_list.push_back(place->first);
    return {place->second, -1, true, 0};
  }

  std::int32_t mix_id(const Mix& mix) {
    const auto [place, added] = mix_ids.try_emplace(mix, static_cast<std::int32_t>(mixes.size()));
    if (added) mixes.push_back(mix);
    return place->second;
  }
};

IntervalPlanner::IntervalPlanner(std::int64_t length, std::vector<std::int64_t> kernels, std::int64_t total)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.length = length, s.total = total, s.kernels = std::move(kernels), s.reach = 0;
  for (const std::int64_t size : s.kernels) {
    if (size % 2 == 0 || size > 15) throw Error("kernel sizes must be odd and at most 15");
    s.reach = std::max(s.reach, size / 2);
  }
  s.row_source.assign(static_cast<std::size_t>(total), -1);
  s.mix_id({});  // number 0
}

IntervalPlanner::~IntervalPlanner() = default;

void IntervalPlanner::add(const RowRange& sequence, const Segment& interval) {
  State& s = *state_;
  std::vector<std::int32_t> ids(static_cast<std::size_t>(s.length + 2 * s.reach), 0);  // zero padding at both ends
  for (std::int64_t k = 0; k < s.length; ++k)
    ids[static_cast<std::size_t>(s.reach + k)] =
        s.mix_id(s.mix_of(sequence.first, sequence.count(), resample_row(interval, s.length, k)));
  for (std::int64_t k = 0; k < s.length; ++k) {
    State::Window window{};
    std::copy_n(ids.begin() + k, 2 * s.reach + 1, window.begin());
    const auto [place, added] = s.window_ids.try_emplace(window, static_cast<std::int32_t>(s.windows.size()));
    if (added) s.windows.push_back(window);
    s.index.push_back(place->second);
  }
}

IntervalPlan IntervalPlanner::finish() {
  State& s = *state_;
  IntervalPlan plan;
  plan.length = s.length;
  plan.rows = tensor_of(s.rows);
  plan.index = tensor_of(s.index).view({-1, s.length});

  std::int64_t widest = 1;
  for (const auto& bin : s.bin_list) widest = std::max(widest, bin.rows.count() + (bin.zero ? 1 : 0));
  std::vector<std::int64_t> members;
  members.reserve(s.bin_list.size() * static_cast<std::size_t>(widest));
  for (const auto& bin : s.bin_list)
    for (std::int64_t m = 0; m < widest; ++m)
      members.push_back(m < bin.rows.count() ? bin.rows.first + m : bin.zero ? s.total : bin.rows.end - 1);
  plan.bins = tensor_of(members).view({-1, widest});

  const auto used = static_cast<std::int64_t>(s.rows.size());
  for (const std::int64_t size : s.kernels) {
    std::vector<std::int64_t> entries, begin{0};
    std::vector<double> weights;
    for (const auto& window : s.windows) {
      for (std::int64_t tap = 0; tap < size; ++tap) {
        const State::Mix& mix =
            s.mixes[static_cast<std::size_t>(window[static_cast<std::size_t>(s.reach - size / 2 + tap)])];
        if (mix.low >= 0)
          entries.push_back((mix.bin ? used + mix.low : mix.low) * size + tap), weights.push_back(1 - mix.r);
        if (mix.high >= 0) entries.push_back(mix.high * size + tap), weights.push_back(mix.r);
      }
      begin.push_back(static_cast<std::int64_t>(entries.size()));
    }
    plan.taps[size] = {tensor_of(entries), at::tensor(weights, at::kDouble), tensor_of(begin)};
  }
  return plan;
}

// ---- the plan at work ----

IntervalPlan IntervalPlan::to(const at::Device& device, at::ScalarType dtype) const {
  IntervalPlan moved{length, rows.to(device), bins.to(device), index.to(device), {}};
  for (const auto& [size, t] : taps)
    moved.taps[size] = {t.entries.to(device), t.weights.to(device, dtype), t.begin.to(device)};
  return moved;
}

void IntervalPlan::store(std::map<std::string, at::Tensor>& tensors, const std::string& prefix) const {
  tensors[prefix + ".rows"] = rows, tensors[prefix + ".bins"] = bins, tensors[prefix + ".index"] = index;
  for (const auto& [size, t] : taps) {
    const std::string name = prefix + ".taps" + std::to_string(size);
    tensors[name + ".entries"] = t.entries, tensors[name + ".weights"] = t.weights, tensors[name + ".begin"] = t.begin;
  }
}

IntervalPlan IntervalPlan::load(const std::map<std::string, at::Tensor>& tensors, const std::string& prefix) {
  const auto get = [&](const std::string& name) { return tensors.at(prefix + name); };
  IntervalPlan plan{0, get(".rows"), get(".bins"), get(".index"), {}};
  plan.length = plan.index.size(1);
  for (std::int64_t size = 1; size <= 15; size += 2) {
    const std::string name = ".taps" + std::to_string(size);
    if (tensors.count(prefix + name + ".begin"))
      plan.taps[size] = {get(name + ".entries"), get(name + ".weights"), get(name + ".begin")};
  }
  return plan;
}

at::Tensor IntervalPlan::sources(const at::Tensor& x) const {
  check_shape(x, {kAny, kAny}, "interval plan: rows [T, C]");
  const at::Tensor used = x.index_select(0, rows);
  if (!bins.size(0)) return used;
  const at::Tensor extended = at::cat({x, x.new_zeros({1, x.size(1)})});
  at::Tensor pooled = extended.index_select(0, bins.select(1, 0));
  for (std::int64_t m = 1; m < bins.size(1); ++m)
    pooled = at::maximum(pooled, extended.index_select(0, bins.select(1, m)));
  return at::cat({used, pooled});
}

at::Tensor IntervalPlan::convolve(const at::Tensor& sources, const at::Tensor& weight, const at::Tensor& bias) const {
  check_shape(weight, {kAny, kAny, kAny}, "interval plan: weight [D, C, size]");
  check_shape(sources, {rows.size(0) + bins.size(0), weight.size(1)}, "interval plan: sources [R + B, C]");
  check_shape(bias, {weight.size(0)}, "interval plan: bias [D]");
  if (!taps.count(weight.size(2)))
    throw Error("interval plan: made for other kernels than one of size " + std::to_string(weight.size(2)));
  const std::int64_t width = weight.size(0), channels = weight.size(1), size = weight.size(2);
  const Taps& t = taps.at(size);
  const at::Tensor matrix = weight.permute({2, 0, 1}).reshape({size * width, channels});  // a view when tap-major
  const at::Tensor product = at::mm(sources, matrix.t()).view({-1, width});  // [(R + B) size, D], row (source, tap)
  return std::get<0>(at::embedding_bag(product, t.entries, t.begin, false, 0, false,
                                       t.weights.to(product.scalar_type()), true)) +
         bias;
}

at::Tensor tap_major(const at::Tensor& weight) {
  check_shape(weight, {kAny, kAny, kAny}, "interval plan: weight [D, C, size]");
  return weight.permute({2, 0, 1}).contiguous().permute({1, 2, 0});
}

}  // namespace tal
