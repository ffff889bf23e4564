// The options of tal-convert.
#include "libtal/data/feature_import.h"
#include "libtal/data/weight_maps.h"
#include "libtal/stages/convert.h"

namespace tal {
namespace {

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& format : table) names.push_back(format.name);
  return names;
}

void register_feature_options(Options& table, FeatureImport& f, SignalImport& s) {
  const std::string both = "Features and signals";
  table.add("--pattern", f.pattern, "Regular expression searched in the file name (path below the folder; name in an archive); other files are left out")
      .group(both).type_name("REGEX");
  table.add("--id", f.id, "The video in terms of --pattern: $1 its first group, $& the match").group(both).type_name("FORMAT");
  table.add("--stream", f.stream, "Name of the feature stream; may use the groups of --pattern").group(both).type_name("FORMAT");
  table.add("--per", f.per, "What belongs to a video: a file, or an array of an archive; auto: arrays when one archive is read").group(both)
      .one_of({"auto", "file", "array"});
  table.add("--stride", f.stride, "Frames (samples) from row to row").group(both).type_name("N").positive();
  table.add("--window", f.window, "Frames (samples) that a row covers; features: the stride when not given").group(both).type_name("N")
      .positive();
  table.add("--offset", f.offset, "First frame of the first row").group(both).type_name("N").number();
  table.add("--vectors", f.vectors, "A one-dimensional array is one column (a value a row) or one row").group(both)
      .one_of({"columns", "rows"});
  table.flag("--transpose", f.transpose, "The files hold [dim, rows]").group(both);
  table.flag("--duration-from-rows", f.duration_from_rows, "features: a video without a known duration lasts as long as its rows cover").group(both);
  table.add("--non-finite", f.non_finite, "NaN and infinity in rows that are rewritten; zero: become 0, counted on stderr").group(both)
      .one_of({"fail", "zero"});
  table.add("--out-dir", f.out_dir, "Folder for VIDEO.STREAM.npy; made when missing").group(both).type_name("DIR");
  table.flag("--inline", f.inline_data, "Rows into the record (base64)").group(both);
  table.flag("--half", f.half, "Write float16").group(both);
  table.add("--rate", s.rate, "Samples per second").group(both).type_name("HZ").positive();
  table.add("--channels", s.channels, "Columns of every file, by header name or number from 1 (default: all)").group(both).type_name("LIST")
      .comma_separated();
  table.add("--signal-features", s.statistics, "What a row holds of its window, in this order").group(both).comma_separated()
      .one_of({"raw", "mean", "std", "min", "max", "energy"});
  table.add("--tail", s.tail, "Samples behind the last whole window").group(both).one_of({"drop", "pad", "shift"});
  table.add("--labels", s.labels, "Table of annotations (read as segments-csv: --columns, --where, --time frames for samples)").group(both)
      .type_name("FILE");
}

void register_weight_options(Options& table, WeightOptions& o) {
  const std::string weights = "Weights";
  table.add("--weights", o.file, "Weights to convert (.pt, .pth, .npz, .safetensors) into the safetensors file --output; without one the tensors are listed")
      .group(weights).type_name("FILE");
  table.add("--key", o.key, "Where the tensors lie in a PyTorch checkpoint: state_dict, a/b for nested ones, . for everything")
      .group(weights).type_name("KEY");
  std::string known;
  for (const auto& map : named_maps()) known += (known.empty() ? "" : ", ") + map.name;
  table.add("--map", o.rules, "Rules for new names, one a line: REGEX -> NAME [SHAPE]; NAME - leaves a tensor out. Or a known checkpoint: " + known).group(weights).type_name("FILE|NAME");
  table.add("--model-input", o.inputs, "Feature stream that an imported model reads: NAME[:KEY=VALUE,...] with dim, fps, stride, window, offset, resample, weights (repeatable)")
      .group(weights).type_name("STREAM");
  table.add("--unmatched", o.unmatched, "Tensors that no rule names").group(weights).one_of({"fail", "keep", "drop"});
  table.add("--metadata", o.metadata, "Metadata of the safetensors file (repeatable)").group(weights).type_name("KEY=VALUE");
}

}  // namespace

void register_options(Options& table, ConvertOptions& o) {
  const std::string formats = "Formats", input = "Reading", output = "Writing";
  table.add("paths", o.paths, "Files (or folders, where the format is one) to read; none: --input").type_name("PATH");
  table.add("--from", o.from, "Format to read").group(formats).one_of(names_of(import_formats()));
  table.add("--to", o.to, "Format to write").group(formats).one_of(names_of(export_formats()));
  table.add("--durations,--meta", o.durations, "Seconds, fps, frames, subset of the videos: CSV, THUMOS14's two lines a video, annotation JSON, or records")
      .group(input).type_name("FILE");
  table.add("--classes", o.classes, "Class names: 'number name' lines, names alone (from 0), or a JSON list").group(input).type_name("FILE");
  table.add("--class-offset", o.import.class_offset, "Added to a class number before it is looked up").group(input).type_name("N")
      .between(-1000000, 1000000);
  table.add("--time", o.import.time, "Unit of the times read").group(input).one_of({"seconds", "frames", "relative"});
  table.add("--fps", o.import.fps, "Frames per second, for --time frames; of features: at which they were sampled").group(input).type_name("FPS").positive();
  table.flag("--unit-duration", o.import.unit_duration, "Leave relative times as they are: every record lasts 1").group(input);
  table.add("--columns", o.columns, "Names of columns: video=NAME start=NAME end=NAME label=NAME score=NAME duration=NAME fps=NAME frames=NAME subset=NAME")
      .group(input).type_name("ROLE=NAME").comma_separated().one_value();
  table.add("--where", o.where, "Only rows whose COLUMN is VALUE").group(input).type_name("COLUMN=VALUE");
  table.add("--window-weights", o.window_weights, "scnn-mat: weights of window length and class (.mat or CSV)").group(input).type_name("FILE");
  table.add("--prefix", o.prefix, "Text to put before every id (scnn-mat: video_test_)").group(input).type_name("TEXT");
  table.add("--ids", o.ids, "ActivityNet's v_ before the ids").group(input).one_of({"keep", "strip", "add"});
  table.add("--subset", o.subset, "Only records of this subset").group(input).type_name("NAME");
  table.add("--split", o.splits, "Ids of a subset, one a line (repeatable)").group(input).type_name("SUBSET=FILE").repeatable();
  table.add("--merge", o.merge, "Records to join by video (left join): missing fields are taken from there").group(input).type_name("FILE");
  table.add("--segments", o.exported.segments, "Which segments to write; auto: the proposals where a record has them").group(output)
      .one_of({"auto", "proposals", "annotations"});
  table.add("--dataset-version", o.exported.version, "\"version\" of the file written (else the one read, or VERSION 1.3)").group(output).type_name("TEXT");
  register_feature_options(table, o.import.features, o.import.signals);
  register_weight_options(table, o.weights);
}

}  // namespace tal
