// CrossTask (Zhukov et al., CVPR 2019): the steps of a task in a video, a file each, annotations/TASK_VIDEO.csv,
//
//   step,start,end        2,48.95,53.25        without a header
//
// The steps of a task are numbered from 1; step 2 of another task is another action, so that the label is TASK:STEP.
#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

// "23521_LSDg1wOxfq8" -> "23521", "LSDg1wOxfq8"; two empty ones of another name.
std::pair<std::string, std::string> task_and_video(const std::string& stem) {
  const auto bar = stem.find('_');
  if (bar == std::string::npos || bar == 0 || bar + 1 == stem.size() || stem.find_first_not_of("0123456789") != bar)
    return {};
  return {stem.substr(0, bar), stem.substr(bar + 1)};
}

}  // namespace

void read_crosstask(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    const auto parts = task_and_video(file_stem(source, {".csv"}));
    const std::string &task = parts.first, &name = parts.second;
    if (name.empty()) {
      sink.error(
          Error("a file of CrossTask is called TASK_VIDEO.csv, as 23521_LSDg1wOxfq8.csv").at_line(source.name, 0), "");
      continue;
    }
    const std::string id = options.prefix.value_or("") + name;
    auto& entry = rows.at(id);
    entry.facts.add(known_of(id, options), source.name);
    entry.has_annotations = true;
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (trim(lines[i]).empty()) continue;
      guard_row(source, i + 1, id, lines[i], sink, [&] {
        const auto fields = split_fields(lines[i], ',');
        if (fields.size() != 3) throw Error("must be 'step,start,end'");
        const auto step = whole_number(field_number(fields[0], '.', "step"), fields[0], "step");
        if (step < 1) throw Error("steps are numbered from 1").at_field("step");
        const Segment segment{field_number(fields[1], '.', "start"), field_number(fields[2], '.', "end")};
        check_segment(segment);
        append_item(entry.annotations, segment, std::nullopt, task + ":" + std::to_string(step));
      });
    }
  }
  rows.emit(options, sink);
}

Fit looks_like_crosstask(const FileLook& file) {
  const auto lines = file.lines(100);
  const auto is_step = [](std::string_view line) {
    const auto fields = split_fields(line, ',');
    return fields.size() == 3 && class_number(fields[0]).value_or(0) > 0 && is_table_number(fields[1], '.') &&
           is_table_number(fields[2], '.') && table_number(fields[1], '.') <= table_number(fields[2], '.');
  };
  const bool named = !task_and_video(file_stem(SourceText{file.path(), {}}, {".csv"})).second.empty();
  return named && file.ends_with(".csv") && !lines.empty() && std::all_of(lines.begin(), lines.end(), is_step)
             ? Fit::kOwn
             : Fit::kNone;
}

}  // namespace tal
