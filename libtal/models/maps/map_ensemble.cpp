#include "libtal/models/maps/map_ensemble.h"

#include <utility>

#include "libtal/base/error.h"
#include "libtal/models/core/guard.h"
#include "libtal/segment/suppress.h"
#include "libtal/stream/records.h"

namespace tal {
namespace {

const MapModel* as_map_model(const MapSource& source) { return dynamic_cast<const MapModel*>(source.model.get()); }

std::string sizes_text(const MapModel& model) {
  std::string text;
  for (const auto& [d, t] : model.map_sizes())
    text += (text.empty() ? "" : ", ") + std::to_string(d) + " x " + std::to_string(t);
  return text + " over " + model.map_extent();
}

void check_together(const MapSource& a, const MapSource& b) {
  const auto title = [](const MapSource& s) { return "'" + s.name + "' (" + s.model->name() + ")"; };
  const MapModel *first = as_map_model(a), *second = as_map_model(b);
  if (!first || !second)
    throw Error(title(a) + " and " + title(b) +
                " cannot be merged: only models that give maps of all proposals can (bsnpp, bmn)");
  if (first->map_sizes() != second->map_sizes() || first->map_extent() != second->map_extent())
    throw Error(title(a) + " has maps of " + sizes_text(*first) + ", " + title(b) + " of " + sizes_text(*second) +
                ": they cannot be merged");
}

}  // namespace

MapEnsemble::MapEnsemble(std::vector<MapSource> sources, std::vector<double> weights, const MapOutputOptions& output)
    : sources_(std::move(sources)), weights_(std::move(weights)), output_(output) {
  if (weights_.empty()) weights_.assign(sources_.size(), 1.0);
  (void)normalised_weights(weights_, sources_.size());
  const MapSource* first = nullptr;
  for (const auto& source : sources_) {
    if (!source.model) continue;
    if (first) check_together(*first, source);
    else first = &source;
  }
  if (first && sources_.size() > 1 && !as_map_model(*first))
    throw Error("'" + first->name + "' (" + first->model->name() +
                ") gives no maps of all proposals, as models of bsnpp and bmn do: it cannot be merged with '" +
                sources_.back().name + "'");
}

std::vector<MapWindow> MapEnsemble::maps_of(const MapSource& source, const Record& record) const {
  if (!source.model) return load_maps(source.name, record.video());
  return guarded(*source.model, [&] {
    return static_cast<MapModel&>(*source.model).map_windows(load_sequence(record, source.model->inputs()));
  });
}

std::vector<std::vector<MapWindow>> MapEnsemble::maps_of(const Record& record) const {
  std::vector<std::vector<MapWindow>> maps;
  for (const auto& source : sources_) maps.push_back(maps_of(source, record));
  return maps;
}

std::vector<std::string> MapEnsemble::names() const {
  std::vector<std::string> names;
  for (const auto& source : sources_) names.push_back(source.name);
  return names;
}

void MapEnsemble::propose(Record& record) const {
  write_map_proposals(record, record.duration().value_or(0), fuse_maps(maps_of(record), weights_, names()), "ensemble",
                      output_);
}

EnsembleWeights MapEnsemble::choose(Run& run, const EnsembleWeightOptions& options) const {
  struct Video {
    double duration = 0;
    std::vector<std::vector<MapWindow>> maps;
  };
  std::vector<Video> videos;
  ValidationTruth truth;
  for_each_record(run, options.from, [&](Record& record, const LineReader&) {
    truth.add(record, /*labelled=*/false);
    videos.push_back({record.require_duration(), maps_of(record)});
    (void)fuse_maps(videos.back().maps, std::vector<double>(sources_.size(), 1.0), names());  // whether they fit, while
                                                                                              // the place is known
    run.progress(videos.size(), 0, "validation videos");
  });
  if (videos.empty()) throw Error("'" + options.from + "' has no records");
  const auto& first = sources_.front().model;
  const SuppressOptions rule = preset_of(first ? first->suppression() : "bsn");
  return choose_weights(names(), "AUC", options.grid, [&](std::span<const double> weights) {
    return truth.auc([&](std::size_t k) {
      const Video& video = videos[k];
      return suppress(map_proposals(video.duration, fuse_maps(video.maps, weights), output_), video.duration, rule);
    });
  });
}

}  // namespace tal
