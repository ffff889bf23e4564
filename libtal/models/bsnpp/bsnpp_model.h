// BSN++ as a model.
#pragma once

#include "libtal/models/bsnpp/bsnpp.h"
#include "libtal/models/maps/map_model.h"

namespace tal {

class BsnppModel : public MapModel {
 public:
  std::string name() const override { return "bsnpp"; }
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  void check_settings() const override { check(options_); }
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }
  Losses loss(const Batch& batch, std::size_t phase) override;
  std::string suppression() const override { return "bsn"; }

 protected:
  std::int64_t rows() const override { return options_.rows; }
  std::int64_t least_rows() const override { return kLeastRows; }
  std::int64_t durations() const override { return options_.durations; }
  bool nearest_labels() const override { return options_.boundary_labels == "nearest"; }
  std::vector<float> draw(std::span<const double> confidence, Random& random) const override;
  std::vector<ProposalMaps> infer(const torch::Tensor& x) override { return network_->infer(x, backward_pass_); }
  Settings network_settings() override { return settings_of(options_); }
  Settings network_inference() override;

 private:
  BsnppOptions options_;
  bool backward_pass_ = true;
  Bsnpp network_{nullptr};
};

}  // namespace tal
