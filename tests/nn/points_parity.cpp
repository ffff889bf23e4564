// The points detectors against reference cases of the published implementations (TAL_PARITY_DIR/points): networks with
// their checkpoints' names, targets, losses, gradients, decoding and suppression.
// label: parity
#include <boost/test/unit_test.hpp>

#include "libtal/fusion/class_fusion.h"
#include "libtal/nn/losses.h"
#include "tests/nn/points_cases.h"

using namespace tal;
using namespace tal::test;

BOOST_AUTO_TEST_SUITE(points_parity)

BOOST_AUTO_TEST_CASE(networks_give_what_the_published_ones_give) {
  for_each_point_case({"infer"}, [](PointCase& c) {
    PointsNet net(c.stream_dims(), c.classes(), c.options());
    c.load(*net);
    net->eval();
    torch::NoGradGuard guard;
    c.compare_levels(net->forward(c.padded_rows(), c.lengths()), /*single=*/true);
    net->to(torch::kDouble);
    c.compare_levels(net->forward(c.padded_rows().to(torch::kDouble), c.lengths()), /*single=*/false);
  });
}

BOOST_AUTO_TEST_CASE(targets_losses_and_gradients_are_the_published_ones) {
  for_each_point_case({"train"}, [](PointCase& c) {
    for (const bool single : {false, true}) {
      const auto type = single ? torch::kFloat : torch::kDouble;
      PointsNet net(c.stream_dims(), c.classes(), c.options());
      c.load(*net);
      net->eval();  // no branch is dropped
      net->to(type);
      const auto levels = net->forward(c.padded_rows().to(type), c.lengths());
      const auto o = c.loss_options();
      std::vector<std::int64_t> rows;
      for (const auto& level : levels) rows.push_back(level.logits.size(1));
      const auto points = grid_points(rows, o.ranges);
      const auto segments = c.segments();
      const auto valid = c.at("expected.valid");
      std::vector<torch::Tensor> classes, distances;
      for (std::size_t b = 0; b < segments.size(); ++b) {
        auto targets = assign_points(points, segments[b], c.classes(), o);
        classes.push_back(targets.classes), distances.push_back(targets.distances);
      }
      const auto hot = torch::stack(classes), away = torch::stack(distances);
      c.compare("targets", hot * valid.unsqueeze(2), c.at("expected.targets"), single);
      // Theirs of a point that is none are what was left there.
      const auto positive = (c.at("expected.targets").sum(2) > 0).unsqueeze(2);
      if (o.distance_target == "shortest")
        c.compare("distances", away * positive, c.at("expected.distances") * positive, single);
      const double before = c.entry.at("options").at("loss_normalizer");
      const double positives = positive.sum().item<double>();
      const double normalizer = 0.9 * before + 0.1 * std::max(1.0, positives);
      c.compare("normalizer", torch::tensor({normalizer}), c.at("expected.normalizer"), true);
      const auto losses = point_losses(levels, hot.to(type), away.to(type), segments, normalizer, o);
      c.compare("class loss", losses.classes.reshape({1}), c.at("expected.cls_loss"), single);
      c.compare("distance loss", losses.distances.reshape({1}), c.at("expected.reg_loss"), single);
      c.compare("loss", losses.loss.reshape({1}), c.at("expected.final_loss"), single);
      losses.loss.backward();
      // Gradients under the reference's names, which the map sends to ours.
      for (const auto& [key, want] : c.tensors) {
        if (!key.starts_with(c.name + ".grad.")) continue;
        const auto theirs = key.substr(c.name.size() + 6);
        const auto one = rename_tensors(
            {view_of(theirs, want)},
            parse_rules({"map", find_named_map(c.opentad() ? "points-opentad" : "points")->rules}), "map");
        BOOST_REQUIRE(one.tensors.size() == 1);
        const auto gradient = net->named_parameters()[one.tensors[0].name].grad();
        c.compare("gradient of " + theirs,
                  (gradient.defined() ? gradient : torch::zeros_like(want)).reshape(want.sizes()), want, single);
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(points_are_assigned_as_published) {
  for_each_point_case({"assign"}, [](PointCase& c) {
    PointLossOptions o;
    const auto& given = c.entry.at("options");
    o.center_sampling = given.at("center_sample") == "radius", o.center_radius = given.at("radius");
    o.all_labels = !given.at("filter_similar_gt").get<bool>();
    const auto p = c.at("input.points").to(torch::kDouble), s = c.at("input.segments").to(torch::kDouble);
    std::vector<GridPoint> points;
    for (std::int64_t i = 0; i < p.size(0); ++i)
      points.push_back(
          {p[i][0].item<double>(), p[i][1].item<double>(), p[i][2].item<double>(), p[i][3].item<double>()});
    std::vector<GridSegment> segments;
    for (std::int64_t i = 0; i < s.size(0); ++i)
      segments.push_back(
          {{s[i][0].item<double>(), s[i][1].item<double>()}, c.at("input.labels")[i].item<std::int64_t>()});
    const auto targets = assign_points(points, segments, given.at("classes"), o);
    c.compare("targets", targets.classes, c.at("expected.targets"), false);
    c.compare("distances", targets.distances, c.at("expected.distances"), true);
    BOOST_TEST(targets.positives == c.entry.at("positives").get<std::int64_t>());
  });
}

BOOST_AUTO_TEST_CASE(losses_are_the_published_ones) {
  for_each_point_case({"focal", "diou", "iou"}, [](PointCase& c) {
    for (const bool single : {false, true}) {
      const auto type = single ? torch::kFloat : torch::kDouble;
      const std::string kind = c.entry.at("kind"), first = kind == "focal"       ? "logits"
                                                           : c.has("input.pred") ? "pred"
                                                                                 : "a";
      std::map<std::string, torch::Tensor> in;
      for (const auto& [key, tensor] : c.tensors)
        if (key.starts_with(c.name + ".input."))
          in[key.substr(c.name.size() + 7)] =
              tensor.to(type).clone().set_requires_grad(c.has("grad." + key.substr(c.name.size() + 7)));
      torch::Tensor loss;
      if (kind == "focal") {
        loss = soft_focal_loss(in.at("logits"), in.at("targets"), c.entry.at("options").at("gamma"),
                               c.entry.at("options").at("alpha"));
      } else {
        std::vector<std::string> names;
        for (const auto& [key, tensor] : in) names.push_back(key);
        BOOST_REQUIRE_MESSAGE(names.size() == 2, c.where());
        const auto &a = in[names[0]], &b = in[names[1]];
        loss = kind == "diou" ? offsets_diou_loss(a, b) : 1 - offsets_iou(a, b);
      }
      c.compare("loss", loss, c.at("expected.loss"), single);
      if (loss.requires_grad()) loss.sum().backward();
      for (auto& [key, tensor] : in)
        if (c.has("grad." + key)) c.compare("gradient of " + key, tensor.grad(), c.at("grad." + key), single);
    }
  });
}

BOOST_AUTO_TEST_CASE(losses_of_segments_are_those_of_their_offsets) {
  // OpenTAD's losses take segments. A network's and its target share a point, and then offsets say the same; other
  // pairs, which only the published functions can be asked for, are left out.
  for_each_point_case({"diou_segments", "giou_segments"}, [](PointCase& c) {
    auto predicted = c.at("input.pred").to(torch::kDouble).clone();
    const auto target = c.at("input.target").to(torch::kDouble);
    const auto low = torch::maximum(predicted.select(1, 0), target.select(1, 0)),
               high = torch::minimum(predicted.select(1, 1), target.select(1, 1)), point = (low + high) / 2;
    const auto shared = high > low;
    BOOST_TEST(shared.sum().item<std::int64_t>() > 3, c.where());
    const auto offsets = [&](const torch::Tensor& s) {
      return torch::stack({point - s.select(1, 0), s.select(1, 1) - point}, 1).index({shared});
    };
    predicted.set_requires_grad(true);
    const auto a = offsets(predicted), b = offsets(target);
    const auto loss = c.entry.at("kind") == "diou_segments" ? offsets_diou_loss(a, b) : 1 - offsets_iou(a, b);
    c.compare("loss", loss, c.at("expected.loss").index({shared}), true);
    loss.sum().backward();
    c.compare("gradient", predicted.grad().index({shared}), c.at("grad.pred").index({shared}), true);
  });
}

BOOST_AUTO_TEST_CASE(trident_decodes_as_published) {
  for_each_point_case({"trident"}, [](PointCase& c) {
    for (const bool single : {false, true}) {
      const auto type = single ? torch::kFloat : torch::kDouble;
      std::map<std::string, torch::Tensor> in;
      for (const char* key : {"start", "end", "bins"})
        in[key] = c.at(std::string("input.") + key).to(type).clone().set_requires_grad(true);
      PointLevel level;
      level.starts = in["start"].t().unsqueeze(0), level.ends = in["end"].t().unsqueeze(0),
      level.offsets = in["bins"].unsqueeze(0);
      const auto C = in["start"].size(0), T = in["start"].size(1);
      const auto all = torch::ones({C, T}).nonzero();
      const auto distances =
          trident_distances(level, torch::zeros({C * T}, torch::kLong), all.select(1, 1), all.select(1, 0))
              .reshape({C, T, 2});
      c.compare("distances", distances, c.at("expected.distances"), single);
      (distances * c.at("upstream.distances").to(type)).sum().backward();
      for (auto& [key, tensor] : in) c.compare("gradient of " + key, tensor.grad(), c.at("grad." + key), single);
    }
  });
}

BOOST_AUTO_TEST_CASE(classes_are_fused_as_published) {
  for_each_point_case({"fusion"}, [](PointCase& c) {
    const auto& given = c.entry.at("options");
    const auto s = c.at("input.segments").to(torch::kDouble), scores = c.at("input.scores").to(torch::kDouble),
               video = c.at("input.class_scores").to(torch::kDouble);
    std::vector<Proposal> proposals(static_cast<std::size_t>(s.size(0)));
    for (std::size_t i = 0; i < proposals.size(); ++i) {
      const auto k = static_cast<std::int64_t>(i);
      proposals[i].segment = {s[k][0].item<double>(), s[k][1].item<double>()};
      proposals[i].score = scores[k].item<double>();
    }
    std::stable_sort(proposals.begin(), proposals.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    proposals.resize(std::min(proposals.size(), given.at("num_pred").get<std::size_t>()));
    std::vector<ClassScore> classes;
    for (std::int64_t k = 0; k < video.size(0); ++k) classes.push_back({std::to_string(k), video[k].item<double>()});
    classes = best_classes(classes, given.at("topk"));
    Record record = Record::make("v");
    const auto found = detections_of(record, proposals, classes, ClassProduct::kRoot);
    // Theirs class by class, ours proposal by proposal.
    const auto n = static_cast<std::int64_t>(found.size()), C = static_cast<std::int64_t>(classes.size());
    auto segments = torch::zeros({n, 2}, torch::kDouble), values = torch::zeros({n}, torch::kDouble);
    auto labels = torch::zeros({n}, torch::kLong);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto& one = found[static_cast<std::size_t>(i)];
      const auto at = i % C * (n / C) + i / C;
      segments[at][0] = one.segment.start, segments[at][1] = one.segment.end;
      values[at] = one.score, labels[at] = std::stoll(std::string(one.label));
    }
    c.compare("scores", values, c.at("expected.scores"), true);
    c.compare("segments", segments, c.at("expected.segments"), true);
    c.compare("labels", labels, c.at("expected.labels"), true);
  });
}

BOOST_AUTO_TEST_CASE(suppression_keeps_what_the_published_one_keeps) {
  for_each_point_case({"suppress"}, [](PointCase& c) {
    const auto& given = c.entry.at("options");
    const bool soft = given.at("nms") == "soft", multi = given.at("multiclass");
    SuppressOptions o = defaults_of(soft ? "gaussian" : "greedy");
    o.sigma = given.at("sigma"), o.threshold = given.at("iou_threshold"), o.min_score = given.at("min_score");
    o.top_k = given.at("max_seg_num"), o.class_agnostic = !multi;
    if (!multi && given.at("voting_thresh").get<double>() > 0) o.voting = given.at("voting_thresh").get<double>();
    o.voting_weight = given.at("voting") == "score" ? "score" : "score-iou";
    // A class whose best score is below the least is kept there: only a decay drops.
    if (c.entry.at("note").get<std::string>().find("all below min_score") != std::string::npos) o.min_score = 0;
    const auto s = c.at("input.segments").to(torch::kDouble), scores = c.at("input.scores").to(torch::kDouble);
    std::vector<std::string> labels;
    for (std::int64_t i = 0; i < s.size(0); ++i)
      labels.push_back(std::to_string(c.at("input.labels")[i].item<std::int64_t>()));
    std::vector<Proposal> proposals(static_cast<std::size_t>(s.size(0)));
    for (std::size_t i = 0; i < proposals.size(); ++i) {
      const auto k = static_cast<std::int64_t>(i);
      proposals[i].segment = {s[k][0].item<double>(), s[k][1].item<double>()},
      proposals[i].score = scores[k].item<double>();
      proposals[i].label = labels[i];
    }
    const auto kept = suppress(proposals, 0, o);
    const auto n = static_cast<std::int64_t>(kept.size());
    auto got = torch::zeros({n, 2}, torch::kDouble), value = torch::zeros({n}, torch::kDouble);
    auto label = torch::zeros({n}, torch::kLong);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto& p = kept[static_cast<std::size_t>(i)];
      got[i][0] = p.segment.start, got[i][1] = p.segment.end, value[i] = p.score,
      label[i] = std::stoll(std::string(p.label));
    }
    c.compare("segments", got, c.at("expected.segments"), true);
    c.compare("scores", value, c.at("expected.scores"), true);
    c.compare("labels", label, c.at("expected.labels"), true);
  });
}

BOOST_AUTO_TEST_SUITE_END()
