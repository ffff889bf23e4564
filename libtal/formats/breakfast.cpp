// Breakfast (Kuehne et al., CVPR 2014): segmentation_coarse and _fine, a file a video, named as it:
//
//   P03_cam01_P03_coffee.txt    1-30 SIL            first and last frame (from 1, both in the unit), unit; 15 fps
//                               31-150 take_cup
//
// Units of --background, SIL for one, are no segments. Labels of frames are --from frame-labels.
#include <algorithm>
#include <optional>

#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/io/digits.h"

namespace tal {
namespace {

constexpr double kBreakfastFps = 15;

struct FrameRange {
  std::string_view first, last, unit;
};

// nullopt: the line is none.
std::optional<FrameRange> frame_range(std::string_view line) {
  const auto words = split_blanks(line);
  if (words.size() != 2) return std::nullopt;
  const auto dash = words[0].find('-');
  if (dash == std::string_view::npos || !is_digits(words[0].substr(0, dash)) || !is_digits(words[0].substr(dash + 1)))
    return std::nullopt;
  return FrameRange{words[0].substr(0, dash), words[0].substr(dash + 1), words[1]};
}

}  // namespace

void read_breakfast(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    const std::string id = id_of(without_text_ending(source.name), options);
    if (rows.find(id)) throw Error("another file has units of this video").at_video(id).at_line(source.name, 0);
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (trim(lines[i]).empty()) continue;
      guard_row(source, i + 1, id, lines[i], sink, [&] {
        const auto range = frame_range(lines[i]);
        if (!range) throw Error("must be 'FIRST-LAST UNIT', frames that count from 1");
        VideoInfo info = known_of(id, options);
        info.fps = options.fps > 0 ? options.fps : info.fps.value_or(kBreakfastFps);
        const Segment segment = frame_range_of(range->first, range->last, *info.fps);
        auto& entry = rows.at(id);
        entry.facts.add(info, line_name(source.name, i + 1));
        entry.has_annotations = true;
        if (std::find(options.background.begin(), options.background.end(), range->unit) == options.background.end())
          append_item(entry.annotations, segment, std::nullopt, range->unit);
      });
    }
  }
  rows.emit(options, sink);
}

Fit looks_like_breakfast(const FileLook& file) {
  const auto lines = file.lines(50);
  const bool all = !lines.empty() &&
                   std::all_of(lines.begin(), lines.end(), [](auto line) { return frame_range(line).has_value(); });
  return all ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
