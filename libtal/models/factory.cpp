#include "libtal/models/factory.h"

#include "libtal/models/rpn_model.h"
#include "libtal/models/segment_classifier_model.h"

namespace tal {
namespace {

template <class M>
std::unique_ptr<Model> make() {
  return std::make_unique<M>();
}

}  // namespace

const std::vector<ModelFactory>& model_factories() {
  static const std::vector<ModelFactory> all = {
      {"rpn", "Proposals: anchors with recurrent attention and unit-level clues", make<RpnModel>},
      {"segment-classifier", "Class scores of segments: temporal pyramid and perceptron", make<SegmentClassifierModel>},
  };
  return all;
}

}  // namespace tal
