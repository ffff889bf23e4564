#include "libtal/models/core/factory.h"

#include "libtal/models/bmn/bmn_model.h"
#include "libtal/models/bsnpp/bsnpp_model.h"
#include "libtal/models/classifier/segment_classifier_model.h"
#include "libtal/models/cmsn/cmsn_model.h"
#include "libtal/models/etp/etp_an_model.h"
#include "libtal/models/etp/etp_ln_model.h"
#include "libtal/models/etp/etp_rn_model.h"
#include "libtal/models/rpn/rpn_model.h"
#include "libtal/models/sptad/sptad_model.h"

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
      {"sptad", "Labelled detections: sparse learnable proposals (features, or video frames end to end)", make<SptadModel>},
      {"segment-classifier", "Class scores of segments: temporal pyramid and perceptron", make<SegmentClassifierModel>},
      {"cmsn", "CMSN: action stages with the variable margin cosine loss, candidates and their evaluation", make<CmsnModel>},
      {"etp-an", "ETP's Actionness Network: class curves of the rows, grouped by Algorithm 1", make<EtpAnModel>},
      {"etp-rn", "ETP's Refinement Network: moves the boundaries of any proposals", make<EtpRnModel>},
      {"etp-ln", "ETP's Localization Network: classes, completeness and location of any proposals", make<EtpLnModel>},
  };
  return all;
}

}  // namespace tal
