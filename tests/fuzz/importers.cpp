// tal-convert's readers: the input's first line names the format (or a table), the rest is the file. Every record that
// comes out can be read.
#include "libtal/data/mat_file.h"
#include "libtal/data/tables.h"
#include "libtal/formats/formats.h"
#include "libtal/io/csv.h"
#include "libtal/io/json_check.h"
#include "tests/fuzz/fuzz.h"

using tal::fuzz::answers;
using tal::fuzz::hold;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = tal::fuzz::text_of(data, size);
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return 0;
  auto name = text.substr(0, end);
  const bool go_on = name.ends_with('+');  // as with --on-error skip
  if (go_on) name.remove_suffix(1);
  const tal::SourceText source{"v_1.txt", std::string(text.substr(end + 1))};
  if (name == "videos") answers([&] { tal::parse_videos(source); });
  if (name == "classes") answers([&] { tal::parse_classes(source); });
  if (name == "list") answers([&] { tal::parse_video_list(source); });
  if (name == "json") answers([&] { tal::check_json_file(source, go_on); });  // + here: with comments
  if (name == "numbers")
    answers([&] {
      const auto table = tal::parse_number_table(source);
      hold(static_cast<std::int64_t>(table.values.values.size()) == table.values.rows * table.values.dim,
           "a table of numbers is full");
    });
  if (name == "window-weights") answers([&] { tal::parse_window_weights(source); });
  if (name == "mat") answers([&] { tal::parse_mat(source.text); });
  if (name == "gzip") answers([&] { tal::inflate_if_gzip(source.text, 1 << 20); });

  tal::ImportOptions options;
  tal::VideoInfo info;
  info.duration = 100, info.fps = 25, info.frames = 2500, info.subset = "validation";
  for (const char* video : {"v", "v_1", "a"}) options.tables.videos[video] = info;
  options.tables.classes[7] = "jump";
  if (name == "class-scores") options.tables.classes = {{0, "jump"}}, options.tables.rows = {"v", "w"};
  options.tables.window_weights.assign(6, std::vector<double>(20, 1));
  tal::ImportSink sink;
  sink.record = [](tal::Record& record) {
    tal::Record again;
    again.parse(record.str());
    hold(again.video() == record.video(), "the id survives");
    for (const char* field : {"annotations", "proposals"})
      hold(!again.has(field) || again.raw(field)->front() == '[', "segments are lists");
    answers([&] { again.proposals(); });
  };
  sink.error = [&](const tal::Error& error, std::string_view) {
    hold(!error.source().empty(), "a fault names its file");
    if (!go_on) throw error;
  };
  sink.note = [](const std::string&) {};
  for (const auto& format : tal::import_formats())
    if (format.reader && format.name == name) answers([&] { format.reader({source}, options, sink); });
  return 0;
}
