#include "libtal/stages/group.h"

namespace tal {

void register_options(Options& table, GroupingOptions& o) {
  const std::string group = "Grouping";
  table.add("--stream", o.stream, "Feature stream to read (default: the only one)").group(group).type_name("NAME");
  table.add("--curve", o.curve, "Columns to group: names with commas, all (each column and their mean), mean, motion (default: motion if there is one, else all)")
      .group(group).type_name("NAMES");
  table.add("--threshold", o.threshold, "Actionness from which a row starts a component; several (0.3,0.5 or 0.2:0.2:0.8) are grouped one by one")
      .group(group).type_name("LIST");
  table.add("--min", o.min, "Components longer than ROWS").group(group).type_name("ROWS").not_negative();
  table.add("--max", o.max, "Components shorter than ROWS (0: no bound)").group(group).type_name("ROWS").not_negative();
  table.add("--sigma", o.sigma, "Smoothing of the second curve, in rows (0: only the raw curve)").group(group).between(0.0, 1e6);
  table.flag("--keep-growing", o.keep_growing, "Emitted components stay and grow on: nested proposals").group(group);
  table.add("--merge-nms", o.merge_nms, "tIoU of the suppression that merges the curves' proposals (1: none)").group(group).between(0.0, 1.0);
  table.add("--merge-nms-by", o.merge_nms_by, "What the merging suppression compares: all proposals of all curves (the paper), or those of each label").group(group)
      .one_of({"all", "label"});
  table.add("--normalize", o.normalize, "Scale each curve to 0..1: minmax, none, or auto (minmax for motion only)").group(group)
      .one_of({"auto", "none", "minmax"});
}

}  // namespace tal
