#include "libtal/models/catalogue/catalogue.h"

namespace tal {

const std::vector<CatalogueEntry>& model_catalogue() {
  static const std::vector<CatalogueEntry> all = {
      {"bmn", "Proposals: boundary-matching network"},
      {"bsnpp", "Proposals: complementary boundary generator and proposal relation block (BSN++)"},
      {"rpn", "Proposals: anchors with recurrent attention and unit-level clues"},
      {"sptad", "Labelled detections: sparse learnable proposals (features, or video frames end to end)"},
      {"points",
       "Labelled detections, or proposals: points of a pyramid (ActionFormer, TriDet, TemporalMaxer, DyFADet, DBM, "
       "CausalTAD)"},
      {"segment-classifier", "Class scores of segments: temporal pyramid and perceptron"},
      {"cmsn", "CMSN: action stages with the variable margin cosine loss, candidates and their evaluation"},
      {"etp-an", "ETP's Actionness Network: class curves of the rows, grouped by Algorithm 1"},
      {"etp-rn", "ETP's Refinement Network: moves the boundaries of any proposals"},
      {"etp-ln", "ETP's Localization Network: classes, completeness and location of any proposals"},
  };
  return all;
}

}  // namespace tal
