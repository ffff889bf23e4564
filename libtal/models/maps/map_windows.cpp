#include "libtal/models/maps/map_windows.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/maps.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMapFormat = "tal-maps/1";

struct MapMember {
  const char* name;
  torch::Tensor ProposalMaps::*tensor;
};
constexpr MapMember kMembers[] = {{"start", &ProposalMaps::start},
                                  {"end", &ProposalMaps::end},
                                  {"boundary", &ProposalMaps::boundary},
                                  {"cls", &ProposalMaps::classification},
                                  {"reg", &ProposalMaps::regression}};

torch::Tensor as_double(const torch::Tensor& t) { return t.detach().cpu().to(torch::kDouble).contiguous(); }

WindowArray array_of(const char* name, const torch::Tensor& map) {
  const auto values = as_double(map);
  const double* const begin = values.data_ptr<double>();
  return {name, map.size(0), map.dim() == 1 ? 0 : map.size(1), {begin, begin + values.numel()}};
}

std::vector<WindowMaps> window_maps(const std::vector<MapWindow>& windows) {
  std::vector<WindowMaps> out;
  for (const auto& w : windows) {
    auto& maps = out.emplace_back(WindowMaps{w.time, w.maps.start.size(0), {}});
    for (const auto& member : kMembers) maps.arrays.push_back(array_of(member.name, w.maps.*member.tensor));
  }
  return out;
}

struct MapProposal {
  Segment segment;
  double score, boundary, classification, regression;
};

// Valid proposals of one window by j, then i; those that reach into the padding are none.
template <class Sink>
void each_proposal(const MapWindow& w, Sink sink) {
  const std::int64_t rows = w.maps.start.size(0), durations = w.maps.boundary.size(0);
  const auto boundary = as_double(w.maps.boundary), classification = as_double(w.maps.classification),
             regression = as_double(w.maps.regression);
  const auto score = map_scores(boundary, regression, classification);
  const double row = w.time.length() / static_cast<double>(rows);
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t i = 0; i + j < w.used; ++i) {
      const std::int64_t at = j * rows + i;
      sink(j, i,
           MapProposal{
               {w.time.start + static_cast<double>(i) * row, w.time.start + static_cast<double>(i + j + 1) * row},
               score.data_ptr<double>()[at],
               boundary.data_ptr<double>()[at],
               classification.data_ptr<double>()[at],
               regression.data_ptr<double>()[at]});
    }
}

// Windows overlap: of the proposals of the same rows of the stream the best one stays. Row i of a window begins first T
// + i extent T-ths of a stream row after the stream's begin, so that places compare exactly, rescaled windows included.
std::vector<MapProposal> found_proposals(const std::vector<MapWindow>& windows, double duration, double min_score) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> known;
  std::vector<MapProposal> found;
  for (const auto& window : windows)
    each_proposal(window, [&](std::int64_t j, std::int64_t i, MapProposal p) {
      p.segment.start = std::max(p.segment.start, 0.0);
      if (duration > 0) p.segment.end = std::min(p.segment.end, duration);
      if (!(p.segment.start < p.segment.end) || p.score < min_score) return;
      if (windows.size() > 1) {
        const auto [place, fresh] =
            known.try_emplace({window.first * window.maps.start.size(0) + i * window.extent, j}, found.size());
        if (!fresh) {
          if (p.score > found[place->second].score) found[place->second] = p;
          return;
        }
      }
      found.push_back(p);
    });
  return found;
}

// Those that the options keep.
std::vector<MapProposal> best_proposals(const std::vector<MapWindow>& windows, double duration,
                                        const MapOutputOptions& options) {
  std::vector<MapProposal> found = found_proposals(windows, duration, options.min_score);
  if (const auto k = static_cast<std::size_t>(std::max<std::int64_t>(options.top_k, 0)); k > 0 && found.size() > k) {
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    found.resize(k);
  }
  return found;
}

std::string describe(const MapWindow& w) {
  return std::to_string(w.maps.boundary.size(0)) + " x " + std::to_string(w.maps.boundary.size(1)) + " over " +
         format_number(w.time.start) + " .. " + format_number(w.time.end) + " s";
}

// Ends that differ by less than a row of the maps: streams of one video begin and end a little apart.
bool same_place(const MapWindow& a, const MapWindow& b) {
  const double tolerance = a.time.length() / static_cast<double>(a.maps.start.size(0));
  return a.maps.boundary.sizes() == b.maps.boundary.sizes() && std::abs(a.time.start - b.time.start) < tolerance &&
         std::abs(a.time.end - b.time.end) < tolerance;
}

MapWindow window_of(const Json& entry, const std::string& prefix, std::map<std::string, torch::Tensor>& tensors) {
  MapWindow w;
  w.time = {entry.at("segment").at(0).get<double>(), entry.at("segment").at(1).get<double>()};
  w.first = entry.at("first").get<std::int64_t>(), w.extent = entry.at("extent").get<std::int64_t>(),
  w.used = entry.at("used").get<std::int64_t>();
  for (const auto& member : kMembers) {
    const auto found = tensors.find(prefix + member.name);
    if (found == tensors.end()) throw Error("no tensor '" + prefix + member.name + "'");
    w.maps.*member.tensor = found->second;
  }
  const auto& m = w.maps;
  const bool fits = m.start.dim() == 1 && m.boundary.dim() == 2 && m.start.sizes() == m.end.sizes() &&
                    m.boundary.size(1) == m.start.size(0) && m.boundary.sizes() == m.classification.sizes() &&
                    m.boundary.sizes() == m.regression.sizes();
  if (!fits || !(w.time.start < w.time.end) || w.used < 0 || w.used > m.start.size(0))
    throw Error("the maps of window " + prefix.substr(0, prefix.size() - 1) + " do not fit each other");
  for (const auto& member : kMembers)
    if (const auto& map = m.*member.tensor; !map.is_floating_point() || !map.isfinite().all().item<bool>())
      throw Error("tensor '" + prefix + member.name + "' has values that are no finite numbers");
  return w;
}

}  // namespace

Settings settings_of(MapOutputOptions& o) {
  Settings s;
  s.add("min-score", &o.min_score, "Proposals with a lower score are left out").between(0, 1);
  s.add("top-k", &o.top_k, "Proposals kept of a video (0: all)").between(0, 1e9);
  s.add("maps", &o.maps, "Where the score maps go too: nowhere (none), the record (inline), or this folder");
  return s;
}

std::vector<Proposal> map_proposals(double duration, const std::vector<MapWindow>& windows,
                                    const MapOutputOptions& options) {
  std::vector<Proposal> proposals;
  for (const auto& found : best_proposals(windows, duration, options)) {
    auto& proposal = proposals.emplace_back();
    proposal.segment = found.segment, proposal.score = found.score;
  }
  return proposals;
}

void write_map_proposals(Record& record, double duration, const std::vector<MapWindow>& windows,
                         const std::string& model, const MapOutputOptions& options) {
  const std::vector<MapProposal> found = best_proposals(windows, duration, options);
  std::vector<Proposal> proposals(found.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    proposals[k].segment = found[k].segment;
    proposals[k].score = found[k].score;
    proposals[k].scores = record.keep_scores(
        {{"boundary", found[k].boundary}, {"cls", found[k].classification}, {"reg", found[k].regression}});
  }
  record.set_proposals(proposals);
  if (options.maps == "none") return;
  if (options.maps == "inline") return set_window_maps(record, window_maps(windows));
  save_maps(options.maps, record.video(), model, windows);
  set_maps_file(record, map_file(options.maps, record.video()));
}

std::vector<double> normalised_weights(std::span<const double> weights, std::size_t count) {
  if (weights.size() != count)
    throw UsageError(std::to_string(weights.size()) + " weights for " + std::to_string(count) + " models");
  double sum = 0;
  for (const double w : weights) {
    if (!(w >= 0) || !std::isfinite(w)) throw UsageError("weights of models must be 0 or more");
    sum += w;
  }
  if (!(sum > 0)) throw UsageError("the weights of the models are all 0");
  std::vector<double> shares;
  for (const double w : weights) shares.push_back(w / sum);
  return shares;
}

std::vector<MapWindow> fuse_maps(std::span<const std::vector<MapWindow>> sources, std::span<const double> weights,
                                 std::span<const std::string> names) {
  if (sources.empty()) throw Error("no maps to fuse");
  const auto shares = normalised_weights(weights, sources.size());
  const auto name = [&](std::size_t m) {
    return m < names.size() ? "'" + names[m] + "'" : "model " + std::to_string(m + 1);
  };
  std::vector<MapWindow> fused = sources[0];
  for (auto& window : fused)
    for (const auto& member : kMembers) window.maps.*member.tensor = as_double(window.maps.*member.tensor) * shares[0];
  for (std::size_t m = 1; m < sources.size(); ++m) {
    if (sources[m].size() != fused.size())
      throw Error(name(m) + " has maps of " + std::to_string(sources[m].size()) + " windows, " + name(0) + " of " +
                  std::to_string(fused.size()));
    for (std::size_t k = 0; k < fused.size(); ++k) {
      const MapWindow& other = sources[m][k];
      if (!same_place(fused[k], other))
        throw Error("the maps of " + name(m) + " are " + describe(other) + ", those of " + name(0) + " " +
                    describe(fused[k]));
      for (const auto& member : kMembers)
        fused[k].maps.*member.tensor += as_double(other.maps.*member.tensor) * shares[m];
    }
  }
  return fused;
}

std::string map_file(const std::string& folder, const std::string& video) {
  return (std::filesystem::path(folder) / (video + ".maps.safetensors")).string();
}

void save_maps(const std::string& folder, const std::string& video, const std::string& model,
               const std::vector<MapWindow>& windows) {
  if (video.find('/') != std::string::npos || video == "." || video == "..")
    throw Error("'" + video + "' cannot be part of a file name").at_field("video");
  std::filesystem::create_directories(folder);
  std::map<std::string, torch::Tensor> tensors;
  Json list = Json::array();
  for (std::size_t k = 0; k < windows.size(); ++k) {
    const auto& w = windows[k];
    list.push_back(
        {{"segment", {w.time.start, w.time.end}}, {"first", w.first}, {"extent", w.extent}, {"used", w.used}});
    for (const auto& member : kMembers) tensors[std::to_string(k) + "/" + member.name] = w.maps.*member.tensor;
  }
  write_tensors(map_file(folder, video), tensors,
                {{"format", kMapFormat}, {"video", video}, {"model", model}, {"windows", list.dump()}});
}

std::vector<MapWindow> load_maps(const std::string& folder, const std::string& video) {
  const std::string path = map_file(folder, video);
  TensorFile file = read_tensors(path);
  if (file.metadata["format"] != kMapFormat)
    throw Error("'" + path + "' is no file of maps: its format is '" + file.metadata["format"] + "', not '" +
                kMapFormat + "'");
  if (file.metadata["video"] != video)
    throw Error("'" + path + "' holds the maps of video '" + file.metadata["video"] + "', not of '" + video + "'");
  try {
    const Json list = Json::parse(file.metadata["windows"]);
    std::vector<MapWindow> windows;
    for (std::size_t k = 0; k < list.size(); ++k)
      windows.push_back(window_of(list.at(k), std::to_string(k) + "/", file.tensors));
    if (windows.empty()) throw Error("no windows");
    return windows;
  } catch (const nlohmann::json::exception&) {
    throw Error("'" + path + "': the metadata are damaged");
  } catch (const Error& error) {
    throw Error("'" + path + "': " + error.what());
  }
}

}  // namespace tal
