// Every layer and network refuses what does not fit it with an Error of its own words, never with LibTorch's.
#include "libtal/nn/shapes.h"

#include <torch/torch.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/models/bmn/bmn.h"
#include "libtal/models/bsnpp/bsnpp.h"
#include "libtal/models/classifier/segment_classifier.h"
#include "libtal/models/cmsn/cmsn.h"
#include "libtal/models/etp/etp_an.h"
#include "libtal/models/etp/etp_ln.h"
#include "libtal/models/etp/etp_losses.h"
#include "libtal/models/etp/etp_rn.h"
#include "libtal/models/rpn/rpn.h"
#include "libtal/models/sptad/sptad.h"
#include "libtal/nn/attention.h"
#include "libtal/nn/backbones/bninception.h"
#include "libtal/nn/backbones/c3d_network.h"
#include "libtal/nn/backbones/efficientnet_lite.h"
#include "libtal/nn/backbones/i3d_network.h"
#include "libtal/nn/backbones/inception_v3.h"
#include "libtal/nn/backbones/mvit.h"
#include "libtal/nn/backbones/p3d.h"
#include "libtal/nn/backbones/resnet.h"
#include "libtal/nn/backbones/resnext3d.h"
#include "libtal/nn/backbones/segment_resnet.h"
#include "libtal/nn/backbones/slowfast.h"
#include "libtal/nn/backbones/swin3d.h"
#include "libtal/nn/backbones/video_resnet.h"
#include "libtal/nn/bilstm.h"
#include "libtal/nn/blockwise_attention.h"
#include "libtal/nn/boundary_matching_map.h"
#include "libtal/nn/cosine_loss.h"
#include "libtal/nn/linear.h"
#include "libtal/nn/losses.h"
#include "libtal/nn/lstm_recurrence.h"
#include "libtal/nn/non_local.h"
#include "libtal/nn/pyramid.h"
#include "libtal/nn/range_gru.h"
#include "libtal/nn/roi_align_1d.h"

namespace {

using namespace tal;
using Shape = std::vector<std::int64_t>;
using Layer = std::function<void(const torch::Tensor&)>;

void refused(const std::string& what, const std::function<void()>& call) {
  try {
    call();
    BOOST_ERROR(what + " is taken");
  } catch (const Error& error) {
    BOOST_TEST(std::string(error.what()).find("must") != std::string::npos, what + ": " + error.what());
  } catch (const std::exception& error) {
    BOOST_ERROR(what + ": " + std::string(error.what()).substr(0, 200));
  }
}

// The layer takes zeros of the shape, and neither fewer or more axes, nor another size of the axes `fixed`,
// nor an undefined tensor.
void takes_only(const std::string& name, const Shape& shape, const std::vector<std::size_t>& fixed,
                const Layer& layer) {
  BOOST_CHECK_NO_THROW(layer(torch::zeros(shape)));
  refused(name + ", undefined", [&] { layer({}); });
  refused(name + ", an axis more", [&] { layer(torch::zeros(shape).unsqueeze(0)); });
  refused(name + ", an axis less", [&] { layer(torch::zeros(shape).select(0, 0)); });
  for (const auto axis : fixed) {
    Shape other = shape;
    ++other[axis];
    refused(name + ", axis " + std::to_string(axis), [&] { layer(torch::zeros(other)); });
  }
}

// Any axes before the last one.
void takes_rows(const std::string& name, std::int64_t columns, const Layer& layer) {
  for (const Shape& shape : {Shape{4, columns}, Shape{2, 3, columns}}) BOOST_CHECK_NO_THROW(layer(torch::zeros(shape)));
  refused(name + ", undefined", [&] { layer({}); });
  refused(name + ", a number", [&] { layer(torch::zeros({})); });
  refused(name + ", a column more", [&] { layer(torch::zeros({4, columns + 1})); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shapes)

BOOST_AUTO_TEST_CASE(words_of_the_error) {
  const auto text = [](const torch::Tensor& x, std::initializer_list<AxisSize> sizes) -> std::string {
    try {
      check_shape(x, sizes, "BMN: features [B, C, T]");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  BOOST_TEST(text(torch::zeros({2, 400, 4}), {kAny, 400, at_least(4)}) == "");
  BOOST_TEST(text(torch::zeros({2, 300, 10}), {kAny, 400, at_least(4)}) ==
             "BMN: features [B, C, T] must be [any, 400, 4 or more], not [2, 300, 10]");
  BOOST_TEST(text(torch::zeros({2, 12}), {kAny, multiple_of(8)}) ==
             "BMN: features [B, C, T] must be [any, a multiple of 8], not [2, 12]");
  BOOST_TEST(text(torch::zeros({3}), {kAxes, 4}) == "BMN: features [B, C, T] must be [..., 4], not [3]");
  BOOST_TEST(text(torch::zeros({3, 1, 5}), {kAny, 2, kAxes}) ==
             "BMN: features [B, C, T] must be [any, 2, ...], not [3, 1, 5]");
  BOOST_TEST(text({}, {}) == "BMN: features [B, C, T] must be [], not an undefined tensor");
  BOOST_CHECK_NO_THROW(check_shape(torch::zeros({4}), {kAxes, 4}, ""));
  BOOST_CHECK_NO_THROW(check_shape(torch::zeros({4, 2}), {kAny, 2, kAxes}, ""));
  BOOST_CHECK_THROW(check_shape(torch::zeros({0, 8}), {multiple_of(8), 8}, ""), Error);
  BOOST_CHECK_THROW(check_same_shape(torch::zeros({2, 3}), torch::zeros({3, 2}), ""), Error);
}

BOOST_AUTO_TEST_CASE(layers) {
  const torch::NoGradGuard guard;
  takes_rows("linear", 6, [](const auto& x) { tal::linear(x, torch::zeros({5, 6}), {}); });
  refused("linear, bias", [] { tal::linear(torch::zeros({3, 6}), torch::zeros({5, 6}), torch::zeros({4})); });
  SoftAttention soft(6);
  takes_only("soft attention", {2, 4, 6}, {2}, [&](const auto& x) { soft(x); });
  takes_only("soft attention, weights", {2, 4, 6}, {2}, [&](const auto& x) { soft->weights(x); });
  AttentionUnit unit(6, 2, true);
  takes_only("attention unit", {2, 4, 6}, {2}, [&](const auto& x) { unit(x); });
  TokenAttention token(6, 2, 2, false);
  takes_only("token attention", {2, 4, 6}, {2}, [&](const auto& x) { token(x); });
  BiLstm lstm(6, 3);
  takes_only("BiLSTM", {2, 4, 6}, {2}, [&](const auto& x) { lstm(x); });
  const auto index = torch::zeros({2, 4}, torch::kLong);
  takes_only("BiLSTM, shared rows", {5, 6}, {1}, [&](const auto& x) { lstm->forward_shared({x, index}); });
  takes_only("LSTM recurrence", {12, 3}, {0, 1}, [](const auto& x) { LstmRecurrence{x}; });
  NonLocal block(6, 3);
  takes_only("non-local block", {2, 4, 6}, {2}, [&](const auto& x) { block(x); });
  takes_rows("1x1 convolution", 6, [&](const auto& x) { pointwise(block->theta, x); });
  const auto queries = torch::zeros({2, 4, 6}), values = torch::zeros({2, 5, 3});
  takes_only("attention, keys", {2, 5, 6}, {0, 1, 2}, [&](const auto& x) { blockwise_attention(queries, x, values); });
  takes_only("attention, values", {2, 5, 3}, {0, 1}, [&](const auto& x) {
    blockwise_attention(queries, torch::zeros({2, 5, 6}), x);
  });
  const auto table = boundary_matching_table({5, 3, 2, 1, 0.5, false});
  const auto proposals = table->proposals();
  const auto weight = torch::zeros({4, 6, 2}), square = torch::zeros({4, 6, 3, 3}), bias = torch::zeros({4}),
             outside = torch::zeros({6});
  takes_only("boundary matching", {2, 6, 5}, {1, 2},
             [&](const auto& x) { tal::boundary_matching(x, weight, bias, *table, true); });
  takes_only("boundary matching, products", {2, 6, 5}, {1, 2},
             [&](const auto& x) { boundary_matching_products(x, weight, bias, *table, true); });
  takes_only("proposal map", {2, proposals, 6}, {1}, [&](const auto& x) { proposals_to_map(x, *table); });
  takes_only("proposals of a map", {2, 6, 3, 5}, {2, 3}, [&](const auto& x) { map_to_proposals(x, *table); });
  takes_only("convolved proposals", {2, proposals, 6}, {1, 2},
             [&](const auto& x) { convolve_proposals(x, square, bias, outside, *table); });
  ActionStageClassifier stages(6, CosineLossOptions{});
  takes_rows("stage classifier", 6, [&](const auto& x) { stages(x); });
  takes_rows("stage probabilities", 6, [&](const auto& x) { stages->probabilities(x); });
  refused("stage loss", [&] { stages->loss(torch::zeros({3, 6}), torch::zeros({4}, torch::kLong)); });
}

BOOST_AUTO_TEST_CASE(convolutions) {
  const torch::NoGradGuard guard;
  for (const std::int64_t axes : {1, 2, 3}) {
    const Shape ones(static_cast<std::size_t>(axes), 1), none(static_cast<std::size_t>(axes), 0);
    Shape kernel(static_cast<std::size_t>(axes) + 2, 3), input(static_cast<std::size_t>(axes) + 2, 5), small = input;
    kernel[0] = kernel[1] = input[1] = small[1] = 16, small.back() = 2;
    const auto weight = torch::zeros(kernel);
    const FixedConvolution fixed(weight, {}, ones, ones);
    takes_only("fixed convolution", input, {1}, [&](const auto& x) { fixed(x); });
    takes_only("convolution", input, {1}, [&](const auto& x) { convolve(x, weight, {}, ones, none); });
    refused("convolution of less than its kernel", [&] { convolve(torch::zeros(small), weight, {}, ones, none); });
  }
  const WinogradFilters filters(torch::zeros({16, 16, 3, 3}));
  takes_only("Winograd", {1, 16, 4, 4}, {1}, [&](const auto& x) {
    if (x.defined() && x.dim() == 5) throw Error("must be a picture");  // frames one by one are taken
    filters.convolve(x, {});
  });
}

BOOST_AUTO_TEST_CASE(rows_of_sequences) {
  takes_only("sums of rows", {5, 3}, {}, [](const auto& x) { PrefixSums{x}; });
  const std::vector<RowRange> within{{0, 2}, {2, 5}}, beyond{{3, 6}}, empty{{2, 2}};
  for (const bool gradients : {false, true}) {
    const PrefixSums sums(torch::zeros({5, 6}).requires_grad_(gradients));
    BOOST_CHECK_NO_THROW(sums.means(within));
    BOOST_CHECK_NO_THROW(sums.means(empty));
    BOOST_CHECK_THROW(sums.means(beyond), Error);
    BOOST_CHECK_THROW(sums.part_sums(beyond, 1), Error);
  }
  const std::vector<Segment> segments{{0, 3}};
  takes_only("pyramid pooling", {5, 3}, {}, [&](const auto& x) { pyramid_pool(x, segments); });
  takes_only("RoI pooling", {5, 3}, {}, [&](const auto& x) { roi_max_pool(x, within, 2); });
  const torch::nn::GRU gru(torch::nn::GRUOptions(3, 4).num_layers(2).bidirectional(true).batch_first(true));
  takes_only("GRU over ranges", {5, 3}, {1}, [&](const auto& x) { range_gru(gru, x, within); });
  takes_only("RoIAlign, levels", {2, 3, 4}, {}, [](const auto& x) { PyramidRows({x}); });
  refused("RoIAlign, levels that differ", [] { PyramidRows({torch::zeros({2, 3, 4}), torch::zeros({2, 4, 2})}); });
  const PyramidRows pyramid({torch::zeros({2, 3, 4})});
  takes_only("RoIAlign, segments", {2, 5, 2}, {0, 2}, [&](const auto& x) { roi_align_1d(pyramid, x, 4, 2); });
  takes_only("normalised rows", {5, 3}, {}, [](const auto& x) { normalise_rows(x); });
  takes_only("rescaled rows", {5, 3}, {}, [](const auto& x) { rescale_rows(x, 4); });
  takes_only("resized rows", {5, 3}, {}, [](const auto& x) { resize_rows(x, 4); });
  takes_only("resampled intervals", {5, 3}, {}, [&](const auto& x) { resample_intervals(x, segments, 4); });
  IntervalPlanner planner(4, {3}, 5);
  planner.add({0, 5}, segments[0]);
  const auto plan = planner.finish();
  takes_only("interval plan", {5, 3}, {}, [&](const auto& x) { plan.sources(x); });
  const auto weight = torch::zeros({2, 3, 3}), bias = torch::zeros({2});
  takes_only("interval plan, sources", plan.sources(torch::zeros({5, 3})).sizes().vec(), {0, 1},
             [&](const auto& x) { plan.convolve(x, weight, bias); });
}

BOOST_AUTO_TEST_CASE(losses) {
  takes_only("focal loss", {2, 3}, {0, 1}, [](const auto& x) { focal_loss(torch::zeros({2, 3}), x, 2); });
  takes_only("balanced logistic loss", {2, 3}, {0, 1}, [](const auto& x) {
    balanced_logistic(torch::zeros({2, 3}), x);
  });
  takes_only("KL loss", {2, 3}, {0, 1}, [](const auto& x) { kl_regression(torch::zeros({2, 3}), x); });
  takes_only("multi-task loss", {3}, {0}, [](const auto& x) { multi_task_terms(x, torch::zeros({3})); });
  const auto pairs = torch::ones({3, 2});
  takes_only("location targets", {3, 2}, {0, 1}, [&](const auto& x) { location_targets(pairs, x); });
  takes_only("moved proposals", {3, 2}, {0, 1}, [&](const auto& x) { move_proposals(pairs, x); });
  takes_only("completeness loss", {3}, {0}, [](const auto& x) { completeness_loss(torch::zeros({3}), x); });
  takes_only("offset targets", {3, 2}, {0, 1}, [&](const auto& x) { rpn_offset_targets(pairs, x); });
  takes_only("refined anchors", {3, 2}, {0, 1}, [&](const auto& x) { rpn_refine(pairs, x); });
  takes_only("GIoU", {3, 2}, {0, 1}, [&](const auto& x) { giou(pairs, x); });
  takes_only("deltas", {3, 2}, {0, 1}, [&](const auto& x) { decode_segments(pairs, x); });
  takes_only("clip labels", {2, 3}, {0, 1}, [](const auto& x) { activity_loss(torch::zeros({2, 3}), x); });
  takes_only("evaluation loss", {3}, {0}, [](const auto& x) { evaluation_loss(torch::zeros({3}), x); });
}

BOOST_AUTO_TEST_CASE(networks_of_maps) {
  const torch::NoGradGuard guard;
  BmnOptions b;
  b.rows = b.durations = 8, b.samples = 2, b.per_bin = 1, b.base_filters = b.boundary_filters = 4,
  b.reduced_filters = 4, b.proposal_filters = 8, b.head_filters = 4;
  Bmn paper(6, b);
  takes_only("BMN", {2, 6, 8}, {1}, [&](const auto& x) { paper(x); });
  b.form = "public", b.groups = 2;
  Bmn checkpoint(6, b);
  takes_only("BMN of the checkpoints", {2, 6, 8}, {1}, [&](const auto& x) { checkpoint->infer(x); });
  BsnppOptions o;
  o.rows = o.durations = 8, o.samples = 2, o.per_bin = 1,
  o.first_filters = o.base_filters = o.generator_filters = o.reduced_filters = 4;
  o.proposal_filters = 8, o.attention_filters = o.head_filters = 4;
  Bsnpp bsnpp(6, o);
  bsnpp->eval();
  takes_only("BSN++", {2, 6, 8}, {1}, [&](const auto& x) { bsnpp(x); });
  takes_only("BSN++, both passes", {2, 6, 8}, {1}, [&](const auto& x) { bsnpp->infer(x, true); });
  refused("BSN++, three rows", [&] { bsnpp(torch::zeros({2, 6, 3})); });
  BsnppBase base(6, o);
  takes_only("BSN++ base module", {2, 6, 8}, {1}, [&](const auto& x) { base(x); });
  BoundaryGenerator generator(4, o);
  takes_only("boundary generator", {2, 4, 8}, {1}, [&](const auto& x) { generator(x); });
  takes_only("boundary generator, passes", {2, 4, 8}, {0, 1, 2}, [&](const auto& x) {
    generator->passes(torch::zeros({2, 4, 8}), x);
  });
  const auto table = boundary_matching_table({8, 8, 2, 1, 0.5, false});
  ProposalRelation relation(4, o);
  takes_only("relation block", {2, 4, 8}, {1, 2}, [&](const auto& x) { relation(x, *table); });
  for (const std::string kind : {"position", "channel", "plain"}) {
    RelationBranch branch(kind, o);
    takes_only("relation branch, " + kind, {2, 5, 8}, {2}, [&](const auto& x) {
      branch->through(x, {torch::zeros({4, 8})});
    });
  }
  takes_only("map of boundaries", {8}, {0}, [](const auto& x) { boundary_map(torch::zeros({8}), x, 4); });
}

BOOST_AUTO_TEST_CASE(networks_of_sequences) {
  const torch::NoGradGuard guard;
  CmsnOptions c;
  c.hidden = c.lstm_hidden = 4, c.evaluation_hidden = 4, c.pooled_length = 2, c.norm = "none";
  Cmsn cmsn(6, c);
  takes_only("CMSN", {2, 6, 8}, {1}, [&](const auto& x) { cmsn->stages_of(x); });
  takes_only("CMSN, stage subnet", {2, 6, 8}, {1}, [&](const auto& x) { cmsn->stages(x); });
  takes_only("CMSN, evaluation subnet", {3, 4, 2}, {1, 2}, [&](const auto& x) { cmsn->evaluation(x); });
  c.input = "clips", c.width = 1.0 / 64;
  Cmsn clips(6, c);
  takes_only("CMSN of clips", {1, 3, 8, 16, 16}, {1, 2}, [&](const auto& x) { clips->stages_of(x); });
  EtpAn an(6, 2, EtpAnOptions{});
  an->eval();
  takes_only("ETP actionness network", {2, 5, 6}, {2}, [&](const auto& x) { an(x); });
  takes_rows("ETP curves", 3, [&](const auto& x) { an->curves(x); });
  EtpLn ln(6, 2, EtpLnOptions{});
  ln->eval();
  takes_only("ETP localization network", {3, 5, 6}, {1, 2}, [&](const auto& x) { ln(x); });
  const std::vector<Segment> segments{{0, 3}};
  takes_only("ETP localization network, rows", {5, 6}, {1}, [&](const auto& x) { ln->score(x, segments); });
  EtpRnOptions r;
  r.hidden = 4;
  EtpRn rn(6, r);
  rn->eval();
  takes_only("ETP refinement network, units", {3, 5, 6}, {1, 2}, [&](const auto& x) { rn->unit_features(x); });
  const auto lengths = torch::full({2}, 3, torch::kLong);
  takes_only("ETP refinement network", {2, 3, 30}, {0, 2}, [&](const auto& x) { rn(x, lengths); });
  SegmentClassifierOptions s;
  s.hidden = 4;
  SegmentClassifier classifier(6, 2, s);
  classifier->eval();
  takes_only("segment classifier", {3, 6}, {1}, [&](const auto& x) { classifier(x); });
  takes_only("segment descriptions", {5, 6}, {}, [&](const auto& x) { describe_segments(x, segments, s); });
}

BOOST_AUTO_TEST_CASE(networks_of_anchors) {
  const torch::NoGradGuard guard;
  RpnOptions o;
  o.width = 8, o.hidden = 4, o.anchor_rows = 4, o.vicinity_rows = 6, o.head_widths = {4, 4}, o.unit_widths = {4, 4, 4};
  RpnNetwork network(6, o);
  const std::vector<Segment> anchors{{1, 3}, {2, 6}};
  takes_only("RPN", {8, 6}, {1}, [&](const auto& x) { network->direct(x, anchors); });
  RpnNetworkImpl::Planner planner(o, 8);
  planner.add({0, 8}, anchors);
  RpnInput input;
  planner.finish(input);
  takes_only("RPN, planned", {8, 6}, {1}, [&](const auto& x) {
    input.x = x;
    network(input);
  });
  RpnBackbone backbone(6, 8, true);
  takes_only("RPN backbone", {2, 6, 4}, {1}, [&](const auto& x) { backbone->forward(x); });
  RpnHead head(6, Shape{4, 4}, 1);
  takes_only("RPN head", {2, 6}, {1}, [&](const auto& x) { head(x); });
  RpnOffsetHead offsets(6, o);
  takes_only("RPN offset head", {2, 6}, {1}, [&](const auto& x) { offsets(x); });
  RpnUnitModule units(8, Shape{4, 4, 4});
  takes_only("RPN unit module", {2, 6, 8}, {2}, [&](const auto& x) { units(SharedRows::of(x)); });
}

BOOST_AUTO_TEST_CASE(networks_of_sparse_proposals) {
  const torch::NoGradGuard guard;
  SptadOptions o;
  o.stages = 2, o.proposals = 3, o.dim = 8, o.heads = 2, o.roi_rows = 2, o.hidden = 4, o.ffn = 8, o.stem_filters = 4;
  SptadFeatureNet features(6, 2, o);
  takes_only("SP-TAD", {2, 6, 16}, {1}, [&](const auto& x) { features(x); });
  FrameContract frames;
  frames.modalities = "rgb";
  BackboneOptions b;
  b.width = 0.05;
  SptadPixelNet pixels(frames, 2, o, b);
  pixels->eval();
  takes_only("SP-TAD of clips", {1, 3, 16, 32, 32}, {1}, [&](const auto& x) { pixels(x); });
  Perceptron perceptron(Shape{6, 4, 2});
  takes_rows("perceptron", 6, [&](const auto& x) { perceptron(x); });
  for (const std::string kind : {"inter", "high", "single"}) {
    TemporalPyramid pyramid(Shape{4, 4, 4}, kind, 8);
    takes_only("temporal pyramid, " + kind, {2, 4, 8}, {1}, [&](const auto& x) {
      pyramid(std::vector<torch::Tensor>{torch::zeros({x.defined() ? x.size(0) : 2, 4, 32}),
                                         torch::zeros({x.defined() ? x.size(0) : 2, 4, 16}), x});
    });
    refused("temporal pyramid of two levels", [&] { pyramid(std::vector<torch::Tensor>(2, torch::zeros({2, 4, 8}))); });
  }
  DynamicInteraction interaction(8, 4, 2);
  takes_only("dynamic interaction", {2, 3, 2, 8}, {0, 1, 2, 3}, [&](const auto& x) {
    interaction(torch::zeros({2, 3, 8}), x);
  });
  SptadHead head(2, o);
  takes_only("SP-TAD head", {2, 8, 4}, {1}, [&](const auto& x) { head(std::vector<torch::Tensor>{x}); });
  ClipClassifier clip(4, 2);
  refused("clip classifier", [&] { clip(std::vector<torch::Tensor>{torch::zeros({2, 5, 4})}); });
  refused("clip classifier, no time", [&] { clip(std::vector<torch::Tensor>{torch::zeros({2, 4})}); });
}

// Pictures that are too small for a network are either taken or refused in our words.
void takes_only_frames(const std::string& name, EncoderNetwork& network, const Shape& shape,
                       const std::vector<std::size_t>& fixed) {
  const torch::NoGradGuard guard;
  network.eval();
  takes_only(name, shape, fixed, [&](const auto& x) { network.forward(x, "scores"); });
  for (const std::int64_t side : {0, 1, 2, 7, 15, 40}) {
    Shape small = shape;
    small[small.size() - 1] = small[small.size() - 2] = side;
    try {
      network.forward(torch::zeros(small), "scores");
    } catch (const Error&) {
    } catch (const std::exception& error) {
      BOOST_ERROR(name + " of " + std::to_string(side) + " pixels: " + std::string(error.what()).substr(0, 200));
    }
  }
}

BOOST_AUTO_TEST_CASE(encoder_networks) {
  ResNetOptions r;
  r.width = 4, r.classes = 2, r.blocks = {1, 1, 1, 1};
  ResNet resnet(r);
  takes_only_frames("ResNet", resnet, {1, 3, 64, 64}, {1});
  r.bottleneck = true, r.radix = 2, r.stem = 4;
  ResNet resnest(r);
  takes_only_frames("ResNeSt", resnest, {1, 3, 64, 64}, {1});
  SegmentResNetOptions s;
  s.resnet.width = 16, s.resnet.classes = 2, s.resnet.blocks = {1, 1, 1, 1}, s.frames = 4;
  for (const auto exchange : {SegmentResNetOptions::Exchange::kShift, SegmentResNetOptions::Exchange::kInterlace}) {
    s.exchange = exchange;
    SegmentResNet segments(s);
    takes_only_frames("TSM or TIN", segments, {1, 3, 4, 64, 64}, {1, 2});
  }
  InceptionV3 inception(InceptionV3Options{2, 16});
  takes_only_frames("Inception-v3", inception, {1, 3, 80, 80}, {1});
  BnInception bninception(BnInceptionOptions{3, 2, 16});
  takes_only_frames("BN-Inception", bninception, {1, 3, 64, 64}, {1});
  C3dNetwork c3d(C3dNetworkOptions{1.0 / 64, 4, 2});
  takes_only_frames("C3D", c3d, {1, 3, 16, 112, 112}, {1, 2, 3, 4});
  I3dNetwork i3d(I3dNetworkOptions{I3dOptions{3, 0.05}, 2});
  takes_only_frames("I3D", i3d, {1, 3, 16, 64, 64}, {1});
  P3dOptions p;
  p.blocks = {1, 1, 1, 1}, p.width = 4, p.classes = 2;
  P3d p3d(p);
  takes_only_frames("P3D", p3d, {1, 3, 16, 64, 64}, {1, 2});
  VideoResNetOptions v;
  v.blocks = {1, 1, 1, 1}, v.width = v.stem = 4, v.classes = 2;
  VideoResNet video(v);
  takes_only_frames("R(2+1)D", video, {1, 3, 8, 64, 64}, {1});
  ResNext3dOptions x;
  x.blocks = {1, 1, 1, 1}, x.stem = 4, x.width = 8, x.groups = 2, x.classes = 2;
  ResNext3d resnext(x);
  takes_only_frames("ResNeXt-3D", resnext, {1, 3, 8, 64, 64}, {1});
  SlowFastOptions f;
  f.blocks = {1, 1, 1, 1}, f.width = 8, f.classes = 2;
  SlowFast slowfast(f);
  takes_only_frames("SlowFast", slowfast, {1, 3, 8, 64, 64}, {1, 2});
  Swin3dOptions w;
  w.dim = 8, w.depths = w.heads = {1, 2}, w.classes = 2;
  Swin3d swin(w);
  takes_only_frames("Video Swin", swin, {1, 3, 8, 32, 32}, {1});
  MvitOptions m;
  m.depths = {1, 1}, m.width = 8, m.grid = {4, 8, 8}, m.classes = 2;
  Mvit mvit(m);
  takes_only_frames("MViTv2", mvit, {1, 3, 8, 32, 32}, {1});
  m.second = false;
  Mvit first_mvit(m);
  takes_only_frames("MViT", first_mvit, {1, 3, 8, 32, 32}, {1, 2, 3, 4});
  EfficientNetLiteOptions e;
  e.stem = 4, e.stages = {{1, 3, 1, 1, 4}, {2, 5, 2, 6, 4}}, e.head = 8, e.classes = 2;
  EfficientNetLite efficientnet(e);
  takes_only_frames("EfficientNet-Lite", efficientnet, {1, 3, 32, 32}, {1});
}

BOOST_AUTO_TEST_SUITE_END()
