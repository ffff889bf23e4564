// tal-plot: records, evaluation results or training logs -> one self-contained SVG, HTML or PNG picture.
#include "libtal/stages/plot.h"

int main(int argc, char** argv) {
  tal::plot::PlotOptions options;
  tal::Tool tool(tal::plot::plot_info());
  tal::plot::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::plot::run_plot(tool, options); });
}
