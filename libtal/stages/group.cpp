#include "libtal/stages/group.h"

namespace tal {

void register_options(const Options& table, GroupingOptions& o) {
  const Options group = table.group("Grouping"), grouping = group.with("--method", {"grouping"});
  group.add("--stream", o.stream, "Feature stream to read (default: the only one)").type_name("NAME");
  group
      .add("--curve", o.curve,
           "Columns to group: names with commas, all (each column and their mean), mean, motion (default: motion if "
           "there is one, else all)")
      .type_name("NAMES");
  group
      .add("--threshold", o.threshold,
           "Actionness from which a row starts a component; several (0.3,0.5 or 0.2:0.2:0.8) are grouped one by one. "
           "Shots: "
           "probability above which a row is one of a cut")
      .type_name("LIST")
      .number_list();
  grouping.add("--min", o.min, "Components longer than ROWS").type_name("ROWS").not_negative();
  grouping.add("--max", o.max, "Components shorter than ROWS (0: no bound)").type_name("ROWS").not_negative();
  grouping.add("--sigma", o.sigma, "Smoothing of the second curve, in rows (0: only the raw curve)").between(0.0, 1e6);
  grouping.flag("--keep-growing", o.keep_growing, "Emitted components stay and grow on: nested proposals");
  grouping.add("--merge-nms", o.merge_nms, "tIoU of the suppression that merges the curves' proposals (1: none)")
      .between(0.0, 1.0);
  grouping
      .add("--merge-nms-by", o.merge_nms_by,
           "What the merging suppression compares: all proposals of all curves (the paper), or those of each label")
      .one_of({"all", "label"})
      .without("--merge-nms", {"1"});
  grouping.add("--normalize", o.normalize, "Scale each curve to 0..1: minmax, none, or auto (minmax for motion only)")
      .one_of({"auto", "none", "minmax"});
}

}  // namespace tal
