#include "libtal/models/factory.h"

#include "libtal/models/bmn_model.h"
#include "libtal/models/bsnpp_model.h"
#include "libtal/models/rpn_model.h"
#include "libtal/models/segment_classifier_model.h"
#include "libtal/models/sptad_model.h"

namespace tal {
namespace {

template <class M>
std::unique_ptr<Model> make() {
  return std::make_unique<M>();
}

}  // namespace

const std::vector<ModelFactory>& model_factories() {
  static const std::vector<ModelFactory> all = {
      {"bmn", "Proposals: boundary-matching network", make<BmnModel>},
      {"bsnpp", "Proposals: complementary boundary generator and proposal relation block (BSN++)", make<BsnppModel>},
      {"rpn", "Proposals: anchors with recurrent attention and unit-level clues", make<RpnModel>},
      {"sptad", "Labelled detections: sparse learnable proposals (features)", make<SptadModel>},
      {"segment-classifier", "Class scores of segments: temporal pyramid and perceptron", make<SegmentClassifierModel>},
  };
  return all;
}

}  // namespace tal
