// The RPN's presets: the models of the paper's Tables 1 to 5, a row of this file for a row of a table. Tables 2 and 5
// and the lower half of Table 4 show models of Tables 1 and 3 again.
#include <nlohmann/json.hpp>

#include "libtal/base/number.h"
#include "libtal/models/rpn/rpn_model.h"

namespace tal {
namespace {

enum Flag : unsigned {
  kShared = 1,      // one backbone
  kMtl = 2,         // + MTL: learned task weights
  kKl = 4,          // + KL: KL loss of the offsets, (ev) or not
  kOneUnit = 8,     // *: multi-head attention
  kTwoUnits = 16,   // **: a stack of two units
  kWindow128 = 32,  // dagger: T = 128, not 256
  kNoUnits = 64,    // no unit-level module (Table 4)
  kNoRnn = 128,
  kNoAttention = 256,
};

struct Row {
  const char *name, *variant;
  int anchor_rows, vicinity_times;  // L, L^ / L
  double gamma;                     // of the focal loss
  unsigned flags;
  const char* help;
};

// ActivityNet-1.3 (Table 1).
constexpr Row kActivityNet[] = {
    {"table1-shared-A-12x3-0.25", "A", 12, 3, 0.25, kShared, "Table 1, shared: M_A"},
    {"table1-shared-A-12x3-0.35", "A", 12, 3, 0.35, kShared, "Table 1, shared: M_A"},
    {"table1-shared-A-14x2-0.25", "A", 14, 2, 0.25, kShared, "Table 1, shared: M_A"},
    {"table1-shared-A-14x2-0.35", "A", 14, 2, 0.35, kShared, "Table 1, shared: M_A"},
    {"table1-shared-B-12x3-0.2", "B", 12, 3, 0.20, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-12x3-0.25", "B", 12, 3, 0.25, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-12x3-0.35", "B", 12, 3, 0.35, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-14x2-0.2", "B", 14, 2, 0.20, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-14x2-0.25", "B", 14, 2, 0.25, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-14x2-0.35", "B", 14, 2, 0.35, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-14x3-0.2", "B", 14, 3, 0.20, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-14x3-0.25", "B", 14, 3, 0.25, kShared, "Table 1, shared: M_B"},
    {"table1-shared-B-14x3-0.35", "B", 14, 3, 0.35, kShared, "Table 1, shared: M_B"},
    {"table1-B-14x3-0.2", "B", 14, 3, 0.20, 0, "Table 1, unshared: M_B"},
    {"table1-B-14x3-0.25", "B", 14, 3, 0.25, 0, "Table 1, unshared: M_B"},
    {"table1-B-14x3-0.3", "B", 14, 3, 0.30, 0, "Table 1, unshared: M_B"},
    {"table1-B2-14x3-0.2", "B2", 14, 3, 0.20, 0, "Table 1, unshared: M_B2"},
    {"table1-B2-14x3-0.25", "B2", 14, 3, 0.25, 0, "Table 1, unshared: M_B2"},
    {"table1-B2-14x3-0.3", "B2", 14, 3, 0.30, 0, "Table 1, unshared: M_B2"},
    {"table1-B2-i3d", "B2", 14, 3, 0.25, 0, "Table 1, unshared: M_B2(I3D), on features of I3D and ResNet152"},
    {"table1-B2-heads1", "B2", 14, 3, 0.25, kOneUnit, "Table 1, unshared: M_B2 *"},
    {"table1-B2-heads2", "B2", 14, 3, 0.25, kTwoUnits, "Table 1, unshared: M_B2 **"},
    {"table1-B2-mtl", "B2", 14, 3, 0.25, kMtl, "Table 1, unshared: M_B2 + MTL"},
    {"table1-B2-mtl-heads1", "B2", 14, 3, 0.25, kMtl | kOneUnit, "Tables 1 and 2, unshared: M_B2 + MTL *"},
    {"table1-B2-mtl-heads2", "B2", 14, 3, 0.25, kMtl | kTwoUnits, "Table 1, unshared: M_B2 + MTL **"},
    {"table1-B2-kl-mtl", "B2", 14, 3, 0.25, kKl | kMtl, "Table 1, unshared: M_B2 + KL(ev) + MTL"},
};

// THUMOS14 (Tables 3 and 4).
constexpr Row kThumos14[] = {
    {"table3-A-0.2", "A", 14, 3, 0.20, 0, "Table 3: M_A"},
    {"table3-A-0.25", "A", 14, 3, 0.25, 0, "Table 3: M_A"},
    {"table3-A2-0.2", "A2", 14, 3, 0.20, 0, "Table 3: M_A2"},
    {"table3-A2-0.25", "A2", 14, 3, 0.25, 0, "Table 3: M_A2"},
    {"table3-B-0.2", "B", 14, 3, 0.20, 0, "Table 3: M_B"},
    {"table3-B-0.25", "B", 14, 3, 0.25, 0, "Table 3: M_B"},
    {"table3-B2-0", "B2", 14, 3, 0.00, 0, "Table 3: M_B2, cross entropy"},
    {"table3-B2-0.2", "B2", 14, 3, 0.20, 0, "Table 3: M_B2"},
    {"table3-B2-0.25", "B2", 14, 3, 0.25, 0, "Tables 3, 4 and 5: M_B2"},
    {"table3-B2-0.3", "B2", 14, 3, 0.30, 0, "Table 3: M_B2"},
    {"table3-B2-mtl", "B2", 14, 3, 0.25, kMtl, "Tables 3, 4 and 5: M_B2 + MTL"},
    {"table3-B2-kl-mtl", "B2", 14, 3, 0.25, kKl | kMtl,
     "Tables 3, 4 and 5: M_B2 + KL + MTL and, scored with --kl-ev, M_B2 + KL(ev) + MTL"},
    {"table3-B2-kl-mtl-128", "B2", 14, 3, 0.25, kKl | kMtl | kWindow128,
     "Tables 3, 4 and 5: M_B2 + KL(ev) + MTL, T = 128"},
    {"table3-B2-kl-mtl-128-heads1", "B2", 14, 3, 0.25, kKl | kMtl | kWindow128 | kOneUnit,
     "Tables 3, 4 and 5: M_B2 + KL(ev) + MTL, T = 128, *"},
    {"table3-B2-kl-mtl-128-heads2", "B2", 14, 3, 0.25, kKl | kMtl | kWindow128 | kTwoUnits,
     "Tables 3 and 5: M_B2 + KL(ev) + MTL, T = 128, **"},
    {"table4-attention", "B2", 14, 3, 0.25, kNoUnits | kNoRnn, "Table 4: baseline (-) RNN (+) attention"},
    {"table4-rnn", "B2", 14, 3, 0.25, kNoUnits | kNoAttention, "Table 4: baseline (+) RNN (-) attention"},
    {"table4-rnn-attention", "B2", 14, 3, 0.25, kNoUnits, "Table 4: baseline (+) RNN (+) attention"},
    {"table4-rnn-attention-128", "B2", 14, 3, 0.25, kNoUnits | kWindow128,
     "Table 4: baseline (+) RNN (+) attention, T = 128"},
    {"table4-rnn-attention-128-heads1", "B2", 14, 3, 0.25, kNoUnits | kWindow128 | kOneUnit,
     "Table 4: baseline (+) RNN (+) attention, T = 128, *"},
    {"table4-rnn-attention-mtl", "B2", 14, 3, 0.25, kNoUnits | kMtl, "Table 4: baseline (+) RNN (+) attention (+) MTL"},
};

using Json = nlohmann::ordered_json;

// 3.3 to 3.6.
Json network_settings(const Row& row) {
  const auto has = [&](unsigned flag) { return (row.flags & flag) != 0; };
  Json s{{"variant", row.variant}, {"anchor-rows", row.anchor_rows}, {"gamma", row.gamma}};
  if (!(has(kNoUnits) && has(kNoAttention)))
    s["vicinity-rows"] = row.anchor_rows * row.vicinity_times;           // else nothing reads them
  if (std::string(row.variant).size() == 1) s["shared"] = has(kShared);  // A2 and B2 have two backbones
  s["regression"] = has(kKl) ? "kl" : "smooth-l1";
  s["weighting"] = has(kMtl) ? "mtl" : "sum";
  s["recurrence"] = has(kNoRnn) ? "none" : "bilstm";
  s["attention"] = has(kNoAttention) ? "none" : has(kOneUnit | kTwoUnits) ? "multi-head" : "soft";
  if (has(kOneUnit | kTwoUnits)) s["attention-units"] = has(kTwoUnits) ? 2 : 1;
  s["unit"] = !has(kNoUnits);
  return s;
}

// 4.2, and what validates a model as its table evaluates it: the weight of the segment score that the tables' captions
// give.
Json activitynet_settings(const Row& row) {
  Json s = network_settings(row);
  s.update({{"rows", 100},
            {"input", "rescale"},
            {"scales", {1, 3.0 / 4, 1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 50, 1.0 / 100}}});
  s["val-beta"] = 0.2, s["val-nms"] = "rpn";
  if (row.flags & kKl) s["val-kl-ev"] = true;
  s.update({{"train.lr", row.flags & kKl ? 1e-4 : 1e-3}, {"train.weight-decay", 1e-9}});
  return s;
}

Json thumos14_settings(const Row& row) {
  Json s = network_settings(row);
  const int rows = row.flags & kWindow128 ? 128 : 256;
  s.update({{"rows", rows}, {"input", "windows"}, {"stride", rows / 2}});
  s["scales"] = {1.0 / 2,  3.0 / 8,  1.0 / 4,  1.0 / 8,  1.0 / 16, 3.0 / 16,
                 1.0 / 32, 3.0 / 32, 5.0 / 32, 1.0 / 64, 1.0 / 128};
  s["val-nms"] = row.flags & kTwoUnits ? "rpn-thumos14-2" : "rpn-thumos14";
  if (!(row.flags & kNoUnits)) s["val-beta"] = row.flags & kTwoUnits ? 0.9 : 0.8;
  if (row.flags & kKl) s["val-kl-ev"] = true;
  s.update({{"train.lr", 1e-4}, {"train.weight-decay", 1e-5}});
  return s;
}

std::string help_of(const Row& row) {
  return std::string(row.help) + "; L " + std::to_string(row.anchor_rows) + ", L^ " +
         std::to_string(row.anchor_rows * row.vicinity_times) + ", gamma " + format_number(row.gamma);
}

}  // namespace

std::vector<Preset> RpnModel::presets() const {
  std::vector<Preset> all;
  for (const Row& row : kActivityNet) all.push_back({row.name, help_of(row), activitynet_settings(row).dump()});
  for (const Row& row : kThumos14) all.push_back({row.name, help_of(row), thumos14_settings(row).dump()});
  return all;
}

}  // namespace tal
