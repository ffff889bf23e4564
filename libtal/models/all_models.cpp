#include "libtal/models/core/factory.h"

#include <map>

#include "libtal/models/bmn/bmn_model.h"
#include "libtal/models/bsnpp/bsnpp_model.h"
#include "libtal/models/catalogue/catalogue.h"
#include "libtal/models/classifier/segment_classifier_model.h"
#include "libtal/models/cmsn/cmsn_model.h"
#include "libtal/models/etp/etp_an_model.h"
#include "libtal/models/etp/etp_ln_model.h"
#include "libtal/models/etp/etp_rn_model.h"
#include "libtal/models/points/points_model.h"
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
  static const std::vector<ModelFactory> all = [] {
    const std::map<std::string, ModelMaker> makers = {
        {"bmn", make<BmnModel>},      {"bsnpp", make<BsnppModel>},
        {"rpn", make<RpnModel>},      {"sptad", make<SptadModel>},
        {"cmsn", make<CmsnModel>},    {"segment-classifier", make<SegmentClassifierModel>},
        {"etp-an", make<EtpAnModel>}, {"etp-rn", make<EtpRnModel>},
        {"etp-ln", make<EtpLnModel>}, {"points", make<PointsModel>},
    };
    std::vector<ModelFactory> factories;
    for (const auto& entry : model_catalogue()) factories.push_back({entry.name, entry.help, makers.at(entry.name)});
    return factories;
  }();
  return all;
}

}  // namespace tal
