// Ensembles of map-based models (BSN++ improvement A): the maps of several models, on the same or other streams of a
// record, and of earlier runs become one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libtal/fusion/ensemble_weights.h"
#include "libtal/models/maps/map_model.h"

namespace tal {

// One side of an ensemble: a model that is run, or a folder of maps that an earlier run left (--maps DIR).
struct MapSource {
  std::string name;              // path, for messages
  std::shared_ptr<Model> model;  // nullptr: a folder
};

class MapEnsemble {
 public:
  // weights: one each, or none for equal ones. Error, with both sides named, when a model gives no maps of all
  // proposals or when two models' maps differ in extent or size; UsageError for wrong weights.
  MapEnsemble(std::vector<MapSource> sources, std::vector<double> weights, const MapOutputOptions& output);
  // Each model's maps on the streams that it reads, fused; proposals (and maps) as for one model.
  void propose(Record& record) const;
  // Weights by the members' proposals on the records of options.from, suppressed as the first model's paper does (maps
  // alone: BSN's): area under the AR-AN curve. The maps of all its videos stay in memory. Error (with its place) for
  // records without annotations or duration.
  EnsembleWeights choose(Run& run, const EnsembleWeightOptions& options) const;
  void set_weights(std::vector<double> weights) { weights_ = std::move(weights); }
  std::vector<std::string> names() const;

 private:
  std::vector<std::vector<MapWindow>> maps_of(const Record& record) const;  // of each member
  std::vector<MapWindow> maps_of(const MapSource& source, const Record& record) const;

  std::vector<MapSource> sources_;
  std::vector<double> weights_;
  MapOutputOptions output_;
};

}  // namespace tal
