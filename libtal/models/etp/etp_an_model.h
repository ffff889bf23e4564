// ETP's Actionness Network as a model: class curves of the rows, then Algorithm 1 (libtal/segment/grouping.h). For the
// propose stage.
#pragma once

#include "libtal/models/core/model.h"
#include "libtal/models/core/must_propose.h"
#include "libtal/models/etp/etp_an.h"
#include "libtal/segment/grouping.h"

namespace tal {

class EtpAnModel : public Model, public MustPropose {
 public:
  std::string name() const override { return "etp-an"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override {
    return R"({"optimizer":"adam","lr":1e-3,"weight-decay":1e-4,"epochs":20,"batch":16})";
  }
  void check_settings() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }

  // A sample is a chunk of rows.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool proposes() const override { return true; }
  void propose(Record& record, const Sequence& sequence) override;
  void require_proposals() const override { tally_.require_proposals(grouping_); }
  std::string suppression() const override { return "etp"; }

 private:
  void check_grouping() const;  // UsageError for what finds nothing

  EtpAnOptions options_;
  std::int64_t chunk_ = 256;
  GroupingOptions grouping_;
  GroupingTally tally_;
  std::string average_ = "mean";
  bool write_curves_ = false;
  EtpAn network_{nullptr};
};

}  // namespace tal
