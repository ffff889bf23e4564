// Ensembles of map-based models (BSN++ improvement A): the maps of several models, on the same or other streams of a record, and of earlier runs become one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libtal/models/bsnpp_model.h"

namespace tal {

// One side of an ensemble: a model that is run, or a folder of maps that an earlier run left (--maps DIR).
struct MapSource {
  std::string name;                 // path, for messages
  std::shared_ptr<Model> model;     // nullptr: a folder
};

class MapEnsemble {
 public:
  // weights: one each, or none for equal ones. Error, with both sides named, when a model gives no maps of all proposals or when two models' maps differ
  // in extent or size; UsageError for wrong weights.
  MapEnsemble(std::vector<MapSource> sources, std::vector<double> weights, const MapOutputOptions& output);
  // Each model's maps on the streams that it reads, fused; proposals (and maps) as for one model.
  void propose(Record& record) const;

 private:
  std::vector<MapWindow> maps_of(const MapSource& source, const Record& record) const;

  std::vector<MapSource> sources_;
  std::vector<double> weights_;
  MapOutputOptions output_;
};

}  // namespace tal
