// tal-convert's logic: options, the table of formats, and the passage of records from a reader to a writer.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/formats/formats.h"
#include "libtal/stages/convert_weights.h"

namespace tal {

struct ConvertOptions {
  std::string from = "auto", to = "tal";
  std::vector<std::string> paths;  // none: --input
  std::string ids = "keep";        // keep, strip or add ActivityNet's `v_`
  std::string subset;              // only records of this subset
  std::string durations, classes, videos, window_weights, merge, where, starts;  // files; where: COLUMN=VALUE
  std::vector<std::string> columns;                                              // ROLE=NAME
  std::vector<std::string> background;                                           // of frames or samples, both ways
  std::string label_scores;                                                      // yes, no; empty: written, not read
  std::string decimal, header;                                                   // of tables; empty: as they look
  ImportOptions import;
  ExportOptions exported;
  std::string prefix;
  std::string points = "keep";  // PointRule
  int id_folders = 0;
  std::vector<std::string> splits;           // SUBSET=FILE, or a table with a column of subsets
  WeightOptions weights;                     // instead of --from
  std::string bundle;                        // instead of --from: a folder or file (libtal/data/bundle.h)
  std::vector<std::string> encoder_weights;  // files that a bundle's encoders read
  std::string bundle_reads;                  // videos or records; empty: its stages as they are
};

ToolInfo convert_info();  // of tal-convert
void register_options(const Options& table, ConvertOptions& options);
void convert(Tool& tool, ConvertOptions& options);

}  // namespace tal
