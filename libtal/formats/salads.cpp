// 50 Salads (Stein & McKenna, 2013), of which two layouts are about:
//
//   01-1-activityAnnotation.txt    53704269 268768513 cut_and_mix_ingredients    start, end, activity: microseconds of
//   the
//                                                                                recording's clock, on which the video
//                                                                                begins some tens of seconds after 0
//   rgb-01-1.txt                   1,603,action_start,0                          first and last frame (from 1, both in
//                                                                                the action), activity, class; 30 fps
//
// Labels of frames, the third, are --from frame-labels. The first layout mixes two levels, activities and their parts
// _prep, _core and _post; all are read.
#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/formats.h"
#include "libtal/io/table.h"

namespace tal {
namespace {

constexpr double kSaladsFps = 30;

std::string salads_video(const std::string& name, const ImportOptions& options) {
  return id_of(without_ending(without_text_ending(name), {"-activityannotation"}), options);
}

std::vector<std::string_view> salads_fields(std::string_view line) {
  return line.find(',') == std::string_view::npos ? split_blanks(line) : split_fields(line, ',');
}

bool are_frames(const std::vector<std::string_view>& fields) {
  return fields.size() == 4 && class_number(fields[0]) && class_number(fields[1]) && class_number(fields[3]) &&
         !class_number(fields[2]);
}
bool is_clock(const std::vector<std::string_view>& fields) {
  return fields.size() == 3 && class_number(fields[0]) && class_number(fields[1]) && !class_number(fields[2]);
}

std::int64_t salads_number(std::string_view text, const char* field) {
  return whole_number(field_number(text, '.', field), text, field);
}

// Seconds of the clock at which a video begins, by --starts.
const double* clock_start(const std::string& video, const ImportOptions& options) {
  const auto found = options.tables.starts.find(video);
  return found == options.tables.starts.end() ? nullptr : &found->second;
}

}  // namespace

void read_50salads(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  std::size_t unshifted = 0;
  for (const auto& source : sources) {
    const std::string id = salads_video(source.name, options);
    const double* start = clock_start(id, options);
    bool clock = false;
    const auto lines = split_lines(source);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (trim(lines[i]).empty()) continue;
      guard_row(source, i + 1, id, lines[i], sink, [&] {
        const auto fields = salads_fields(lines[i]);
        VideoInfo info = known_of(id, options);
        Segment segment;
        std::string label;
        if (are_frames(fields)) {
          info.fps = options.fps > 0 ? options.fps : info.fps.value_or(kSaladsFps);
          segment = frame_range_of(fields[0], fields[1], *info.fps);
          label = fields[2];
        } else if (is_clock(fields)) {
          if (start == nullptr && !options.tables.starts.empty())
            throw Error("--starts says none of this video").at_field("start");
          const double begin = start ? *start : 0;
          segment = {static_cast<double>(salads_number(fields[0], "start")) / 1e6 - begin,
                     static_cast<double>(salads_number(fields[1], "end")) / 1e6 - begin};
          check_segment(segment);
          label = fields[2];
          clock = true;
        } else {
          throw Error("must be 'START END ACTIVITY' in microseconds or 'FIRST,LAST,ACTIVITY,CLASS' in frames");
        }
        auto& entry = rows.at(id);
        entry.facts.add(info, line_name(source.name, i + 1));
        entry.has_annotations = true;
        append_item(entry.annotations, segment, std::nullopt, label);
      });
    }
    unshifted += clock && start == nullptr;
  }
  if (unshifted > 0)
    sink.note("times of " + std::to_string(unshifted) + (unshifted == 1 ? " file" : " files") +
              " are those of the recording's clock, not of the video: --starts says where on it each video begins");
  rows.emit(options, sink);
}

Fit looks_like_50salads(const FileLook& file) {
  const auto lines = file.lines(50);
  const auto all = [&](auto&& is) {
    return !lines.empty() &&
           std::all_of(lines.begin(), lines.end(), [&](auto line) { return is(salads_fields(line)); });
  };
  if (all(are_frames)) return Fit::kOwn;
  return all(is_clock) && file.ends_with("-activityannotation.txt") ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
