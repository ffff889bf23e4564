// label: parity
// The RPN's layers, losses and whole networks against the reference cases: outputs and gradients, in double.
#include "tests/nn/parity_nn.h"

#include "libtal/models/etp/etp_losses.h"
#include "libtal/models/rpn/rpn.h"
#include "libtal/nn/losses.h"
#include "libtal/segment/anchors.h"

using namespace tal;
using tal::test::for_each_case;
using tal::test::NnCase;

namespace {

std::vector<Segment> segments(const torch::Tensor& t) {
  std::vector<Segment> out;
  for (std::int64_t k = 0; k < t.size(0); ++k) out.push_back({t[k][0].item<double>(), t[k][1].item<double>()});
  return out;
}

torch::Tensor tensor(const std::vector<Segment>& list) {
  auto t = torch::empty({static_cast<std::int64_t>(list.size()), 2}, torch::kDouble);
  for (std::size_t k = 0; k < list.size(); ++k)
    t[static_cast<std::int64_t>(k)][0] = list[k].start, t[static_cast<std::int64_t>(k)][1] = list[k].end;
  return t;
}

torch::Tensor vector(const nlohmann::json& values) {
  return torch::tensor(values.get<std::vector<double>>(), torch::kDouble);
}

// Options that have these weights.
RpnOptions options_of(const NnCase& c) {
  RpnOptions o;
  const auto rows = [&](const std::string& name) { return c.weight(name).size(0); };
  const bool recurrent = c.has_weight("anchor_lstm.weight_hh_l0"),
             own_backbones = c.has_weight("vicinity_backbone.conv1.weight");
  o.shared = c.has_weight("backbone.conv1.weight");
  o.variant = c.text("path", "B") + (own_backbones && c.has_weight("anchor_backbone.conv.weight") ? "2" : "");
  if (own_backbones || o.shared) o.width = rows(o.shared ? "backbone.conv1.weight" : "vicinity_backbone.conv1.weight");
  o.anchor_rows = c.integer("L", o.anchor_rows), o.vicinity_rows = c.integer("L_vicinity", o.vicinity_rows);
  o.recurrence = recurrent ? "bilstm" : "none";
  if (recurrent) o.hidden = c.weight("anchor_lstm.weight_hh_l0").size(1);
  o.attention = c.has_weight("anchor_attention.score.weight") ? "soft"
                : c.has_weight("anchor_attention.token")      ? "multi-head"
                                                              : "none";
  o.attention_units = c.integer("units", 1), o.heads = c.integer("heads", 8),
  o.projected = c.integer("projected", 1) != 0;
  o.head_widths = {rows("score_head.fc1.weight"), rows("score_head.fc2.weight")};
  o.regression = c.has_weight("offset_head.var.weight") ? "kl" : "smooth-l1";
  if (o.kl()) o.variance_width = rows("offset_head.fc3.weight");
  o.unit = c.has_weight("unit.predict.weight");
  if (o.unit)
    o.unit_widths = {rows("unit.branch1.conv1.weight"), rows("unit.branch5.conv1.weight"),
                     rows("unit.branch5.conv5.weight")};
  o.weighting = c.has_weight("log_var") ? "mtl" : "sum";
  o.gamma = c.number("gamma", o.gamma);
  return o;
}

std::string without_segment(const std::string& name) { return name.rfind("segment.", 0) ? name : name.substr(8); }

}  // namespace

BOOST_AUTO_TEST_SUITE(rpn_parity)

BOOST_AUTO_TEST_CASE(rescale) {
  for_each_case("rpn_rescale", [](NnCase& c) { c.check({{"y", rescale_rows(c.input("x"), c.integer("T"))}}); });
}

BOOST_AUTO_TEST_CASE(anchors) {
  for_each_case("rpn_anchors", [](NnCase& c) {
    const std::int64_t rows = c.integer("T");
    std::vector<double> scales;
    for (std::int64_t k = 0; k < c.input("lengths").numel(); ++k)
      scales.push_back(c.input("lengths")[k].item<double>() / static_cast<double>(rows));
    const auto list = make_anchors(rows, scales);
    std::vector<Segment> clipped, vicinities;
    for (const Segment& a : list)
      clipped.push_back(clip_to_window(a, static_cast<double>(rows))), vicinities.push_back(vicinity_of(a));
    c.check({{"anchors", tensor(list)}, {"clipped", tensor(clipped)}, {"vicinity", tensor(vicinities)}});
  });
}

BOOST_AUTO_TEST_CASE(encode) {
  for_each_case("rpn_encode", [](NnCase& c) {
    const auto f = normalise_rows(c.input("x"));
    c.check({{"f", f}, {"y", resample_intervals(f, segments(c.input("intervals")), c.integer("L"))}});
  });
}

// The shared form: a kernel of one tap with the identity as weights gives the encoding itself.
BOOST_AUTO_TEST_CASE(encode_shared) {
  for_each_case("rpn_encode", [](NnCase& c) {
    const auto f = normalise_rows(c.input("x"));
    IntervalPlanner planner(c.integer("L"), {1}, f.size(0));
    for (const Segment& s : segments(c.input("intervals"))) planner.add({0, f.size(0)}, s);
    const IntervalPlan plan = planner.finish();
    const auto identity = torch::eye(f.size(1), torch::kDouble).unsqueeze(2);
    const SharedRows rows{plan.convolve(plan.sources(f), identity, torch::zeros({f.size(1)}, torch::kDouble)),
                          plan.index};
    c.check({{"f", f}, {"y", rows.expand()}});
  });
}

BOOST_AUTO_TEST_CASE(backbone) {
  for_each_case("rpn_backbone", [](NnCase& c) {
    const bool inception = c.has_weight("conv1.weight");
    RpnBackbone net(c.input("x").size(1), c.weight(inception ? "conv1.weight" : "conv.weight").size(0), inception);
    c.load(*net);
    c.check({{"y", net->forward(c.input("x"))}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(soft_attention) {
  for_each_case("rpn_soft_attention", [](NnCase& c) {
    SoftAttention net(c.input("h").size(2));
    c.load(*net);
    c.check({{"att", net(c.input("h"))}, {"alpha", net->weights(c.input("h"))}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(multi_head) {
  for_each_case("rpn_multi_head", [](NnCase& c) {
    TokenAttention net(c.input("h").size(2), c.integer("heads", 8), c.integer("units", 1),
                       c.integer("projected", 1) != 0);
    c.load(*net);
    c.check({{"att", net(c.input("h"))}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(bilstm) {
  for_each_case("rpn_bilstm", [](NnCase& c) {
    BiLstm net(c.input("x").size(2), c.weight("weight_hh_l0").size(1));
    c.load(*net);
    const auto y = net(c.input("x"));
    {
      const torch::NoGradGuard guard;
      c.compare("y of the shared form", net->forward_shared(SharedRows::of(c.input("x"))), c.expected("y"));
    }
    c.check({{"y", y}, {"summary", torch::cat({y.select(1, 0), y.select(1, y.size(1) - 1)}, 1)}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(segment) {
  for_each_case("rpn_segment", [](NnCase& c) {
    RpnOptions o = options_of(c);
    o.unit = o.attention == "none" && c.has_weight("vicinity_lstm.weight_hh_l0");  // without attention the vicinity
                                                                                   // BiLSTM only serves path A
    if (o.unit) o.variant = "A";
    RpnSegmentModule net(c.input("a").size(2), o);
    c.load(*net);
    const auto rows = [&](const char* name) {
      return c.has_input(name) ? SharedRows::of(c.input(name)) : SharedRows{};
    };
    const RpnSegments out = net(rows("a"), rows("v"));
    c.check({{"kappa", out.kappa},
             {"logit", out.logit},
             {"score", out.logit.sigmoid()},
             {"offset", out.offsets.offset},
             {"alpha", out.offsets.alpha}},
            *net);
  });
}

BOOST_AUTO_TEST_CASE(unit) {
  for_each_case("rpn_unit", [](NnCase& c) {
    const auto width = [&](const char* name) { return c.weight(name).size(0); };
    RpnUnitModule net(c.input("x").size(1),
                      std::vector<std::int64_t>{width("branch1.conv1.weight"), width("branch5.conv1.weight"),
                                                width("branch5.conv5.weight")});
    c.load(*net);
    const auto logit = net(SharedRows::of(c.input("x").transpose(1, 2)));
    c.check({{"logit", logit}, {"score", logit.sigmoid()}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(losses) {
  for_each_case("rpn_loss_cls", [](NnCase& c) {
    c.check({{"loss", focal_loss(c.input("logit"), c.input("label"), c.number("gamma")).mean()}});
  });
  for_each_case("rpn_loss_reg", [](NnCase& c) {
    const auto target = rpn_offset_targets(c.input("anchors"), c.input("gt"));
    const RpnOffsets offsets{c.input("offset"), c.has_input("alpha") ? c.input("alpha") : torch::Tensor()};
    c.check({{"target", target},
             {"refined", rpn_refine(c.input("anchors"), c.input("offset"))},
             {"loss", rpn_regression_loss(offsets, target, c.input("positive"))}});
  });
  for_each_case("rpn_loss_unit", [](NnCase& c) {
    const auto each = rpn_unit_losses(c.input("logit"), c.input("label"), c.input("positive"));
    c.check({{"losses", each}, {"loss", each.sum()}});
  });
  for_each_case("rpn_loss_total", [](NnCase& c) {
    const auto log_var = c.has_weight("log_var") ? c.weight("log_var") : c.input("log_var");
    c.check({{"sum", c.input("losses").sum()}, {"loss", multi_task_terms(c.input("losses"), log_var).sum()}});
  });
}

// The same losses with their values and derivatives worked out from the formulas.
BOOST_AUTO_TEST_CASE(loss_formulas) {
  const std::string dir = tal::test::parity_dir();
  if (tal::test::skip_without(dir, "TAL_PARITY_DIR")) return;
  const auto file = tal::test::load(dir + "/formulas/losses.json");
  const double absolute = file.at("tolerance").at("abs"), relative = file.at("tolerance").at("rel");
  int compared = 0;
  const auto close = [&](const std::string& what, const torch::Tensor& got, const nlohmann::json& want) {
    const auto w = want.is_array() ? (want.empty()         ? torch::empty({0}, torch::kDouble)
                                      : want[0].is_array() ? torch::stack([&] {
                                          std::vector<torch::Tensor> lines;
                                          for (const auto& line : want) lines.push_back(vector(line));
                                          return lines;
                                        }())
                                                           : vector(want))
                                   : torch::tensor(want.get<double>(), torch::kDouble);
    const auto g = got.detach().to(torch::kDouble).reshape(-1);
    BOOST_TEST((g.numel() == w.numel() && torch::allclose(g, w.reshape(-1), relative, absolute)), what);
    ++compared;
  };
  const auto matrix = [](const nlohmann::json& lines) {
    std::vector<torch::Tensor> out;
    for (const auto& line : lines) out.push_back(vector(line));
    return out.empty() ? torch::empty({0, 2}, torch::kDouble) : torch::stack(out);
  };
  for (const auto& item : file.at("cases")) {
    const auto &in = item.at("input"), &out = item.at("expected");
    const std::string kind = in.at("kind"), name = item.at("name");
    if (kind == "focal") {
      const auto logit = vector(in["logit"]).requires_grad_();
      const auto each =
          focal_loss(logit, vector(in["label"]), in["gamma"], in["alpha"].is_null() ? -1.0 : in["alpha"].get<double>());
      each.mean().backward();
      close(name + ": each", each, out["each"]), close(name, each.mean(), out["loss"]),
          close(name + ": gradient", logit.grad(), out["grad_logit"]);
    } else if (kind == "smooth_l1" || kind == "kl") {
      const auto x = vector(in["x"]).requires_grad_();
      const auto alpha = kind == "kl" ? vector(in["alpha"]).requires_grad_() : torch::Tensor();
      const auto each = alpha.defined() ? kl_regression(x, alpha) : smooth_l1(x);
      each.sum().backward();
      close(name + ": each", each, out["each"]), close(name, each.sum(), out["loss"]),
          close(name + ": gradient", x.grad(), out["grad_x"]);
      if (alpha.defined()) close(name + ": gradient of alpha", alpha.grad(), out["grad_alpha"]);
    } else if (kind == "regression") {
      const auto offset = matrix(in["offset"]).requires_grad_();
      const auto alpha = in["alpha"].is_null() ? torch::Tensor() : matrix(in["alpha"]).requires_grad_();
      const auto target = rpn_offset_targets(matrix(in["anchors"]), matrix(in["ground_truth"]));
      const auto loss = rpn_regression_loss({offset, alpha}, target, vector(in["positive"]));
      loss.backward();
      close(name + ": target", target, out["target"]),
          close(name + ": refined", rpn_refine(matrix(in["anchors"]), offset), out["refined"]);
      close(name, loss, out["loss"]), close(name + ": gradient", offset.grad(), out["grad_offset"]);
      if (alpha.defined()) close(name + ": gradient of alpha", alpha.grad(), out["grad_alpha"]);
    } else if (kind == "logistic") {
      const auto logit = vector(in["logit"]).requires_grad_();
      const auto loss = balanced_logistic(logit, vector(in["label"]));
      loss.backward();
      close(name, loss, out["loss"]), close(name + ": gradient", logit.grad(), out["grad_logit"]);
    } else if (kind == "mtl") {
      const auto losses = vector(in["losses"]).requires_grad_(), log_var = vector(in["log_var"]).requires_grad_();
      const auto loss = multi_task_terms(losses, log_var).sum();
      loss.backward();
      close(name, loss, out["loss"]), close(name + ": plain", losses.sum(), out["plain"]);
      close(name + ": gradient", losses.grad(), out["grad_losses"]),
          close(name + ": gradient of log_var", log_var.grad(), out["grad_log_var"]);
    } else if (kind == "location") {
      const auto pred = matrix(in["pred"]).requires_grad_();
      const auto target = location_targets(matrix(in["proposals"]), matrix(in["ground_truth"]));
      const auto loss = location_loss(pred, target, vector(in["used"]));
      loss.backward();
      close(name + ": target", target, out["target"]), close(name, loss, out["loss"]),
          close(name + ": gradient", pred.grad(), out["grad_pred"]);
    } else if (kind == "completeness") {
      const auto score = vector(in["score"]).requires_grad_();
      const auto result = completeness_loss(score, vector(in["kind_of"]).to(torch::kLong));
      result.loss.backward();
      close(name + ": each", result.hinge, out["each"]), close(name + ": kept", result.kept, out["kept"]);
      close(name, result.loss, out["loss"]), close(name + ": gradient", score.grad(), out["grad_score"]);
    } else {
      BOOST_ERROR("kind that is not known here: " << kind);
    }
  }
  BOOST_TEST(compared > 0);
}

// Whole networks, in the fast and in the plain form.
BOOST_AUTO_TEST_CASE(network) {
  for (const bool direct : {false, true}) {
    for_each_case("rpn_network", [&](NnCase& c) {
      if (direct) c.topic += " (direct)";
      RpnNetwork net(c.input("x").size(1), options_of(c));
      c.load(*net, without_segment);
      const auto anchors = segments(c.input("anchors"));
      const auto x = normalise_rows(c.input("x"));
      RpnInput input{x, {}, {}};
      RpnNetworkImpl::Planner planner(net->options(), x.size(0));
      planner.add({0, x.size(0)}, anchors);
      planner.finish(input);
      const RpnOutput out = direct ? net->direct(x, anchors) : net->forward(input);
      const RpnTargets targets{c.input("positive"), rpn_offset_targets(c.input("anchors"), c.input("gt")),
                               c.has_input("unit_label") ? c.input("unit_label") : torch::Tensor()};
      const torch::Tensor unit = out.unit_logit.defined() ? out.unit_logit.sigmoid() : torch::Tensor();
      const RpnLosses losses = rpn_losses(out, targets, *net);
      std::vector<Segment> clipped, vicinities;
      for (const Segment& a : anchors)
        clipped.push_back(clip_to_window(a, static_cast<double>(x.size(0)))), vicinities.push_back(vicinity_of(a));
      c.check({{"anchor_rows", resample_intervals(x, clipped, net->options().anchor_rows)},
               {"vicinity_rows", resample_intervals(x, vicinities, net->options().vicinity_rows)},
               {"anchor_backbone", out.anchor_rows.expand().transpose(1, 2)},
               {"vicinity_backbone", out.vicinity_rows.expand().transpose(1, 2)},
               {"kappa", out.segments.kappa},
               {"logit", out.segments.logit},
               {"score", out.segments.logit.sigmoid()},
               {"offset", out.segments.offsets.offset},
               {"alpha", out.segments.offsets.alpha},
               {"unit_logit", out.unit_logit},
               {"unit", unit},
               {"losses", losses.parts},
               {"loss", losses.total}},
              *net, without_segment);
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()
