#include "libtal/stages/synth.h"

#include <filesystem>

#include "libtal/io/npy.h"

namespace tal {
namespace {

void require(bool good, const std::string& what) {
  if (!good) throw UsageError(what);
}

void add_features(Record& record, const SynthFeatureOptions& o, std::uint64_t seed) {
  record.require_whole_video();
  FeatureStream stream;
  const FeatureMatrix features = make_features(record, o, seed, stream);
  if (o.inline_data) {
    stream.data = inline_rows(features.values, o.half);
    stream.dtype = o.half ? "float16" : "float32";
  } else {
    const std::string& id = record.video();
    if (id.empty() || id.size() > 200 || id[0] == '.' || id.find('/') != std::string::npos ||
        id.find('\0') != std::string::npos)
      throw Error("cannot be a file name; use --inline").at_field("video");
    stream.path = o.out_dir + "/" + id + "." + o.stream + ".npy";
    write_npy(stream.path, features.values.data(), features.rows, features.dim, o.half);
  }
  record.set_feature(stream.name, feature_json(stream));
}

void register_options(const Options& table, SynthAnnotationOptions& o) {
  table.add("-n,--videos", o.videos, "Number of records").type_name("N").between(0, 100000000);
  table.add("--classes", o.classes, "Number of classes").type_name("N").between(1, 100000);
  table.add("--prefix", o.prefix, "Beginning of the video ids").type_name("TEXT");
  table.add("--subset", o.subset, "Value of the field subset (default: none)").type_name("NAME");
  table.add("--fps", o.fps, "Frames per second; all boundaries lie on frames").type_name("X");
  table.add("--min-duration", o.min_duration, "Shortest video, seconds").type_name("S");
  table.add("--max-duration", o.max_duration, "Longest video, seconds").type_name("S");
  table.add("--min-instances", o.min_instances, "Fewest instances a video").type_name("N").between(0, 1000000);
  table.add("--max-instances", o.max_instances, "Most instances a video; fewer when they do not fit")
      .type_name("N")
      .between(0, 1000000);
  table.add("--min-length", o.min_length, "Shortest instance, seconds").type_name("S");
  table.add("--max-length", o.max_length, "Longest instance, seconds").type_name("S");
  table.add("--min-gap", o.min_gap, "Least gap between instances, seconds").type_name("S");
  table.add("--overlap", o.overlap, "Probability that an instance lies anywhere, over others too")
      .type_name("P")
      .between(0.0, 1.0);
  table.group("Proposals")
      .add("--proposals", o.proposals, "Proposals a video (0: none)")
      .type_name("N")
      .between(0, 1000000);
  const Options proposals = table.group("Proposals").without("--proposals", {"0"});
  proposals.add("--recall", o.recall, "Probability that an instance is found").type_name("P").between(0.0, 1.0);
  proposals.add("--tiou", o.tiou, "Lowest tIoU of a true proposal with its instance").type_name("X").between(0.01, 1.0);
  proposals.add("--false-tiou", o.false_tiou, "Highest tIoU of a false proposal with any instance")
      .type_name("X")
      .between(0.01, 1.0);
  proposals.add("--separation", o.separation, "Distance of true and false scores in standard deviations")
      .type_name("X")
      .between(0.0, 100.0);
  proposals.flag("--labelled", o.labelled, "Give the proposals labels (detections)");
  proposals.add("--label-accuracy", o.label_accuracy, "Probability that a true proposal's label is right")
      .type_name("P")
      .between(0.0, 1.0)
      .with("--labelled");
  for (const char* unused : {"--input", "--jobs"}) table.row(unused).never("annotations, which reads nothing");
}

void register_options(const Options& table, SynthFeatureOptions& o) {
  table.add("--out-dir", o.out_dir, "Write VIDEO.STREAM.npy files into this folder").type_name("DIR");
  table.flag("--inline", o.inline_data, "Put the data into the record (base64)");
  table.flag("--half", o.half, "float16 instead of float32");
  table.add("--stream", o.stream, "Name of the stream").type_name("NAME");
  table.add("--kind", o.kind, "signature: a random vector a class; scores: one column a class")
      .one_of({"signature", "scores"});
  table.add("--dim", o.dim, "Columns of kind signature")
      .type_name("N")
      .between(1, 1000000)
      .with("--kind", {"signature"});
  table.add("--class", o.classes, "Column of kind scores (repeatable; default: the record's labels)")
      .type_name("LABEL")
      .with("--kind", {"scores"});
  table.add("--fps", o.fps, "Sampled frames per second (0: the record's, else 25)").type_name("X").between(0.0, 1000.0);
  table.add("--stride", o.stride, "Frames from row to row").type_name("FRAMES");
  table.add("--window", o.window, "Frames that a row covers").type_name("FRAMES");
  table.add("--snr", o.snr, "RMS of an action's signature over the RMS of the noise")
      .type_name("X")
      .between(0.0, 1e6)
      .with_any({{"--kind", {"signature"}}, {"--noise", {"0"}, false}});
  table.add("--noise", o.noise, "RMS of the noise (0: none)").type_name("X").between(0.0, 1e6);
  table.add("--correlation", o.correlation, "Correlation of the noise of neighbouring rows")
      .type_name("R")
      .between(0.0, 0.999)
      .without("--noise", {"0"});
}

void write_annotations(Tool& tool, const SynthAnnotationOptions& o) {
  require(o.fps > 0 && o.fps <= 1000, "--fps must be above 0 and at most 1000");
  require(o.min_duration * o.fps >= 2 && o.max_duration >= o.min_duration && o.max_duration <= 1e7,
          "--min-duration must hold two frames and not be above --max-duration (at most 1e7)");
  require(o.min_length * o.fps >= 1 && o.max_length >= o.min_length,
          "--min-length must hold a frame and not be above --max-length");
  require(o.max_instances >= o.min_instances, "--min-instances must not be above --max-instances");
  require(o.min_gap >= 0, "--min-gap must not be negative");
  Output& out = tool.out();
  for (int i = 0; i < o.videos && !tool.stopped(); ++i) {
    Record record = make_annotations(o, tool.options().seed, static_cast<std::uint64_t>(i));
    record.append_history(tool.history_entry());
    record.write(out.buffer());
    out.buffer() += '\n';
    out.spill();
    tool.progress(static_cast<std::uint64_t>(i) + 1, static_cast<std::uint64_t>(o.videos), "records");
  }
}

void write_features(Tool& tool, const SynthFeatureOptions& o) {
  require(o.stride > 0 && o.window > 0 && o.stride <= 1e6 && o.window <= 1e6, "--stride and --window must be positive");
  require(o.inline_data != !o.out_dir.empty(), "say where the features go: either --out-dir DIR or --inline");
  require(!o.stream.empty() && o.stream.find('/') == std::string::npos, "--stream must be a name without '/'");
  if (!o.inline_data) std::filesystem::create_directories(o.out_dir);
  map_records(tool, [&](Record& record) { add_features(record, o, tool.options().seed); });
}

}  // namespace

void register_options(const Options& table, SynthOptions& o) {
  table.require_subcommand();
  register_options(table.subcommand("annotations", "Records with segments, and proposals of known quality"),
                   o.annotations);
  register_options(table.subcommand("features", "Feature streams for records with annotations"), o.features);
  register_options(table.subcommand("videos", "Video files with actions of known times"), o.videos);
}

void synthesize(Tool& tool, const SynthOptions& o) {
  const std::string chosen = tool.command_line().chosen();
  if (chosen == "annotations") write_annotations(tool, o.annotations);
  if (chosen == "features") write_features(tool, o.features);
  if (chosen == "videos") write_videos(tool, o.videos);
}

}  // namespace tal
