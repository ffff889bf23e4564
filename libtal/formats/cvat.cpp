// CVAT's XML 1.1: tracks of a video, there while their shapes are not outside, and tags of images. Frames are those of
// the source video, with a step where the task had one.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/formats/xml_parts.h"

namespace tal {
namespace {

struct CvatTask {
  std::string id, media;
  double step = 1;  // frames
};

class CvatReader {
 public:
  CvatReader(const SourceText& source, const ImportSink& sink, ToolRows& rows)
      : source_(source), sink_(sink), rows_(rows), file_(source, "annotations") {}

  void read() {
    read_meta();
    std::size_t shapes = 0;
    for (const auto& node : file_.root().children()) {
      const std::string_view name = node.name();
      if (name == "track") guard(node, [&] { read_track(node); });
      if (name == "image") guard(node, [&] { shapes += read_image(node); });
    }
    end_tags();
    for (const auto& task : tasks_) (void)video(task);
    if (shapes > 0)
      sink_.note(source_.name + ": " + std::to_string(shapes) +
                 (shapes == 1 ? " shape of an image is" : " shapes of images are") + " of no time, and left out");
  }

 private:
  template <class Fn>
  void guard(const pugi::xml_node& node, const Fn& fn) {
    try {
      fn();
    } catch (const Error& error) {
      sink_.error(file_.at(error, node), std::string("<") + node.name() + ">");
    }
  }

  void read_meta() {
    const auto meta = file_.root().child("meta");
    const auto add = [&](const pugi::xml_node& task) {
      CvatTask out{task.child_value("id"), task.child_value("source"), 1};
      if (out.media.empty()) out.media = meta.child_value("source");
      const std::string_view filter = task.child_value("frame_filter");
      if (const auto step = filter.find("step="); step != std::string_view::npos) {
        const auto number = filter.substr(step + 5, filter.find_first_not_of("0123456789", step + 5) - step - 5);
        out.step = static_cast<double>(parse_integer(number));
        if (out.step < 1) throw Error("must be positive").at_field("frame_filter");
      }
      tasks_.push_back(std::move(out));
    };
    guard(meta, [&] {
      for (const char* one : {"task", "job"})
        if (const auto task = meta.child(one)) add(task);
      for (const auto& task : meta.child("project").child("tasks").children("task")) add(task);
    });
    if (tasks_.empty()) tasks_.push_back({"", meta.child_value("source"), 1});
  }

  // Of a project, whose tracks and images name their task; else the only one.
  const CvatTask& task_of(const pugi::xml_node& node) const {
    const std::string_view id = node.attribute("task_id").value();
    for (const auto& task : tasks_)
      if (!id.empty() && task.id == id) return task;
    return tasks_.front();
  }
  VideoRows::Entry& video(const CvatTask& task) {
    const std::string stem = file_stem(source_, {".xml"});
    return rows_.video(task.media, tasks_.size() > 1 && !task.id.empty() ? stem + "-" + task.id : stem, source_);
  }

  void read_track(const pugi::xml_node& track) {
    struct Shape {
      double frame;
      bool outside;
      std::string attributes;
    };
    std::vector<Shape> shapes;
    for (const auto& shape : track.children()) {
      if (!shape.attribute("frame")) continue;  // the points of a skeleton are tracks of their own inside
      const std::string_view outside = shape.attribute("outside").value();
      shapes.push_back({file_.number(shape, "frame"), outside == "1" || outside == "True", attributes_of(shape)});
    }
    std::stable_sort(shapes.begin(), shapes.end(), [](const Shape& a, const Shape& b) { return a.frame < b.frame; });
    const CvatTask& task = task_of(track);
    auto& entry = video(task);
    if (shapes.empty()) return rows_.leave_out("track without a shape", "tracks without a shape", place(track));
    const double fps = rows_.rate(entry, "frame");
    ToolEvent event;
    event.label = file_.required(track, "label");
    event.tier = "track " + file_.required(track, "id");
    std::optional<double> begin;
    const auto add = [&](double first, double end) {
      event.segment = {first / fps, end / fps};
      rows_.add(entry, event);
    };
    // Where a mutable attribute changes, another segment begins.
    for (const auto& shape : shapes) {
      if (begin && (shape.outside || shape.attributes != event.members))
        add(*std::exchange(begin, std::nullopt), shape.frame);
      if (!shape.outside && !begin) begin = shape.frame, event.members = shape.attributes;
    }
    if (begin) add(*begin, shapes.back().frame + task.step);
  }

  static std::string attributes_of(const pugi::xml_node& shape) {
    std::string out;
    for (const auto& attribute : shape.children("attribute")) {
      out += out.empty() ? "{" : ",";
      out += Members().text(attribute.attribute("name").value(), XmlFile::text(attribute)).str();
    }
    return out.empty() ? "" : Members().json("attributes", out + "}").str();
  }

  // The tags of an image; those of images that follow each other make one segment. How many shapes it has.
  std::size_t read_image(const pugi::xml_node& image) {
    const CvatTask& task = task_of(image);
    auto& entry = video(task);
    std::size_t shapes = 0;
    std::map<std::string, std::string> tags;  // label -> members
    for (const auto& node : image.children()) {
      if (std::string_view(node.name()) != "tag") ++shapes;
      else tags.emplace(file_.required(node, "label"), attributes_of(node));
    }
    if (tags.empty()) return shapes;
    const double frame = file_.number(image, "id");
    (void)rows_.rate(entry, "image.id");
    for (const auto& [label, members] : tags) {
      auto& run = runs_[{&task, label}];
      const bool goes_on = run.end > run.begin && run.end == frame && run.members == members;
      if (!goes_on) end_run(task, label, run), run.begin = frame;
      run.end = frame + task.step, run.members = members;
    }
    return shapes;
  }

  struct Run {
    double begin = 0, end = 0;  // frames; equal: none
    std::string members;
  };
  void end_run(const CvatTask& task, const std::string& label, const Run& run) {
    if (run.end <= run.begin) return;
    auto& entry = video(task);
    const double fps = rows_.rate(entry, "image.id");
    ToolEvent event{{run.begin / fps, run.end / fps}, label, "tags"};
    event.members = run.members;
    rows_.add(entry, event);
  }
  void end_tags() {
    for (const auto& [key, run] : runs_) end_run(*key.first, key.second, run);
  }

  std::string place(const pugi::xml_node& node) const { return line_name(source_.name, file_.line(node)); }

  const SourceText& source_;
  const ImportSink& sink_;
  ToolRows& rows_;
  const XmlFile file_;
  std::vector<CvatTask> tasks_;
  std::map<std::pair<const CvatTask*, std::string>, Run> runs_;
};

}  // namespace

void read_cvat(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) CvatReader(source, sink, rows).read();
  rows.emit();
}

}  // namespace tal
