// The options of tal-convert.
#include <algorithm>
#include <set>

#include "libtal/base/text.h"
#include "libtal/data/weight_maps.h"
#include "libtal/formats/feature_import.h"
#include "libtal/models/catalogue/points_presets.h"
#include "libtal/stages/convert.h"

namespace tal {
namespace {

template <class Format>
std::vector<Choice> choices_of(const std::vector<Format>& formats) {
  std::vector<Choice> choices;
  for (const auto& format : formats) choices.push_back({format.name, format.help});
  return choices;
}

// The formats that an option has an effect on, by name.
template <class Format>
std::vector<std::string> users_of(const std::string& option, const std::vector<Format>& formats) {
  std::vector<std::string> names;
  for (const auto& format : formats)
    if (std::find(format.options.begin(), format.options.end(), option) != format.options.end())
      names.push_back(format.name);
  return names;
}

// An option that a format's row names has an effect with the formats that name it.
void register_format_conditions(const Options& table) {
  std::set<std::string> options;
  for (const auto& format : import_formats()) options.insert(format.options.begin(), format.options.end());
  for (const auto& format : export_formats()) options.insert(format.options.begin(), format.options.end());
  for (const auto& option : options) {
    std::vector<Condition> any;
    if (auto readers = users_of(option, import_formats()); !readers.empty())
      any.push_back({"--from", std::move(readers)});
    if (auto writers = users_of(option, export_formats()); !writers.empty())
      any.push_back({"--to", std::move(writers)});
    table.row(option).with_any(std::move(any));
  }
}

void register_feature_options(const Options& table, FeatureImport& f, SignalImport& s) {
  table
      .add("--pattern", f.pattern,
           "Regular expression searched in the file name (path below the folder; name in an archive); other files are "
           "left out")
      .type_name("REGEX");
  table.add("--id", f.id, "The video in terms of --pattern: $1 its first group, $& the match").type_name("FORMAT");
  table.add("--stream", f.stream, "Name of the feature stream; may use the groups of --pattern").type_name("FORMAT");
  table
      .add("--per", f.per,
           "What belongs to a video: a file, or an array of an archive; auto: arrays when one archive is named that "
           "holds "
           "nothing else")
      .one_of({"auto", "file", "array"});
  table.add("--stride", f.stride, "Frames (samples) from row to row").type_name("N").positive();
  table.add("--window", f.window, "Frames (samples) that a row covers; features: the stride when not given")
      .type_name("N")
      .positive();
  table
      .add("--offset", f.offset, "First frame of the first row; the number of the first sample, which --rate puts at 0")
      .type_name("N")
      .number();
  table.add("--vectors", f.vectors, "A one-dimensional array is one column (a value a row) or one row")
      .one_of({"columns", "rows"});
  table.flag("--transpose", f.transpose, "The files hold [dim, rows]");
  table.flag("--duration-from-rows", f.duration_from_rows,
             "features: a video without a known duration lasts as long as its rows cover");
  table
      .add("--non-finite", f.non_finite,
           "NaN and infinity in rows that are rewritten, missing points of poses; what changes is counted on stderr")
      .one_of(
          {"fail", {"zero", "they become 0"}, {"interpolate", "they lie on the line between the rows around them"}});
  table.add("--out-dir", f.out_dir, "Folder for VIDEO.STREAM.npy; made when missing").type_name("DIR");
  table.flag("--inline", f.inline_data, "Rows into the record (base64)");
  table.flag("--half", f.half, "Write float16");
  table.add("--rate", s.rate, "Samples per second").type_name("HZ").positive();
  table
      .add("--channels", s.channels,
           "Columns of every file (features: of tables of text), by header name, number from 1 or range (2-5, ax-az) "
           "(default: all that hold values)")
      .type_name("LIST")
      .comma_separated();
  table.add("--signal-features", s.statistics, "What a row holds of its window, in this order")
      .comma_separated()
      .one_of({{"raw", "the samples, one after the other"},
               {"raw-by-channel", "the samples of the first channel, then those of the second, ..."},
               "mean",
               "std",
               "min",
               "max",
               "energy"});
  table.add("--tail", s.tail, "Samples behind the last whole window").one_of({"drop", "pad", "shift"});
  table
      .add("--labels", s.labels,
           "Table of annotations (read as segments-csv: --columns, --where, --time frames for samples)")
      .type_name("FILE")
      .reads();
}

void register_weight_options(const Options& table, WeightOptions& o) {
  std::vector<std::string> maps;
  for (const auto& map : named_maps()) maps.push_back(map.name);
  table
      .add("--weights", o.file,
           "Weights to convert (.pt, .pth, .npz, .safetensors) into the safetensors file --output; without one the "
           "tensors are listed")
      .type_name("FILE");
  const Options given = table.with("--weights");
  given
      .add("--key", o.key,
           "Where the tensors lie in a PyTorch checkpoint: state_dict, a/b for nested ones (or a key with a slash), an "
           "index of a list, . for everything")
      .type_name("KEY");
  given
      .add("--map", o.rules,
           "Rules for new names, one a line: REGEX -> NAME [SHAPE]; NAME - leaves a tensor out. Or a known "
           "checkpoint: " +
               joined(maps) +
               "; none: the names stay (default: points and points-opentad where they are known by their names)")
      .type_name("FILE|NAME")
      .completes(maps);
  given
      .add("--model-input", o.inputs,
           "Feature stream that an imported model reads: NAME[:KEY=VALUE,...] with dim, fps, stride, window, offset, "
           "resample, weights (repeatable)")
      .type_name("STREAM")
      .without("--map", {"none"});
  std::vector<Choice> presets;
  for (const auto& preset : points_presets()) presets.push_back({preset.name, preset.help});
  given
      .add("--model-preset", o.preset,
           "Settings of an imported model of points that its tensors do not say: attention windows, rows, ranges")
      .one_of(presets)
      .without("--map", {"none"});
  given.add("--model-classes", o.classes, "Labels of an imported model's classes, in a form that --classes reads")
      .type_name("FILE")
      .without("--map", {"none"});
  given.add("--unmatched", o.unmatched, "Tensors that no rule names")
      .one_of({"fail", "keep", "drop"})
      .without("--map", {"none"});
  given.add("--metadata", o.metadata, "Metadata of the safetensors file (repeatable)")
      .type_name("KEY=VALUE")
      .without("--output", {"-"});
}

}  // namespace

void register_options(const Options& table, ConvertOptions& o) {
  table.settle([&o](Tool& tool) {
    if (!o.weights.file.empty() || !o.bundle.empty()) {
      if (tool.given("--from") || !o.paths.empty())
        throw UsageError(std::string(o.bundle.empty() ? "--weights FILE" : "--bundle BUNDLE") +
                         " converts one file by itself: no --from and no further paths");
    } else if (o.from == "auto") {  // before the conditions of the options, which name formats
      const auto paths = o.paths.empty() ? std::vector{tool.options().input} : o.paths;
      if (std::find(paths.begin(), paths.end(), "-") != paths.end()) keep_stdin();
      if (o.paths.empty() && !tool.given("--from") && paths.front() == "-" && FileLook::of("-").head().empty())
        throw UsageError("nothing to read: name files, or give --from FORMAT (or --weights FILE, --bundle BUNDLE)");
      const auto& format = recognise_format(paths, [&](const std::string& text) { tool.note(text); });
      tool.resolve("--from", format.name);
    }
  });
  const Options records = table.without("--weights").without("--bundle");
  const Options formats = table.group("Formats"), input = records.group("Reading"), output = records.group("Writing");
  table.add("paths", o.paths, "Files (or folders, where the format is one) to read; none: --input")
      .type_name("PATH")
      .reads();
  auto readable = choices_of(import_formats());
  readable.insert(readable.begin(),
                  Choice("auto", "the one that the files look like, which is said; stdin is first read to its end"));
  formats.add("--from", o.from, "Format to read").one_of(readable);
  formats.add("--to", o.to, "Format to write")
      .one_of(choices_of(export_formats()))
      .without("--weights")
      .without("--bundle");
  input
      .add("--durations,--meta", o.durations,
           "Seconds, fps, frames, subset of the videos: CSV, THUMOS14's two lines a video, annotation JSON (whole "
           "numbers alone are frames), or records")
      .type_name("FILE")
      .reads();
  input
      .add("--classes", o.classes,
           "Class names: number and name on each line or in columns, names alone (from 0), JSON, or a label map")
      .type_name("FILE")
      .reads();
  input.add("--class-offset", o.import.class_offset, "Added to a class number before it is looked up")
      .type_name("N")
      .between(-1000000, 1000000);
  input
      .add("--videos", o.videos,
           "class-scores: the video of each row, one id a line, in their order (or a column video)")
      .type_name("FILE")
      .reads();
  input.add("--time", o.import.time, "Unit of the times read").one_of({"seconds", "frames", "relative"});
  input.add("--fps", o.import.fps, "Frames per second, for --time frames; of features: at which they were sampled")
      .type_name("FPS")
      .positive();
  input.flag("--unit-duration", o.import.unit_duration, "Leave relative times as they are: every record lasts 1");
  input
      .add("--columns", o.columns,
           "Names of columns: video=NAME start=NAME end=NAME length=NAME at=NAME label=NAME score=NAME tier=NAME "
           "subject=NAME "
           "duration=NAME fps=NAME frames=NAME subset=NAME; raven: label=NAME; sample-labels: video, time, label, "
           "prediction; "
           "epic-kitchens: label=verb_class, noun_class, narration, action, ...; epic-results: label=verb, noun, "
           "action; "
           "activitynet-gt: label=MEMBER")
      .type_name("ROLE=NAME")
      .comma_separated();
  input.add("--decimal", o.decimal, "What separates decimals in a table's numbers (default: as they look)")
      .one_of({"point", "comma"});
  input
      .add("--header", o.header,
           "Whether the first line of a table of numbers names its columns (default: as it looks)")
      .one_of({"yes", "no"});
  input.add("--where", o.where, "Only rows whose COLUMN is VALUE").type_name("COLUMN=VALUE");
  input
      .add("--tier", o.import.tiers,
           "Only this tier of an annotation tool's file (track, observation, column, tag; repeatable)")
      .type_name("NAME")
      .repeatable();
  input.add("--background", o.background, "Labels of frames or samples that are in no segment; the first is written")
      .type_name("LABEL")
      .repeatable();
  input
      .add("--starts", o.starts,
           "50salads: where each video begins on its recording's clock, a table with the columns video and start")
      .type_name("FILE")
      .reads();
  input.add("--window-weights", o.window_weights, "scnn-mat: weights of window length and class (.mat or CSV)")
      .type_name("FILE")
      .reads();
  input.add("--prefix", o.prefix, "Text to put before every id (scnn-mat: video_test_)").type_name("TEXT");
  input
      .add("--id-folders", o.id_folders,
           "Last N folders of a file's path that stay in its id: a/v.mp4 is a_v with 1, and v with 0 (default: 0, and "
           "files of one name in different folders are refused)")
      .type_name("N")
      .between(0, 16)
      .without("--pattern");
  input.add("--ids", o.ids, "ActivityNet's v_ before the ids").one_of({"keep", "strip", "add"});
  input.add("--subset", o.subset, "Only records of this subset").type_name("NAME");
  input
      .add("--split", o.splits,
           "Videos of a subset, one a line or in a column video; FILE alone: a table with columns video and subset or "
           "split, or JSON with a list of each subset (repeatable)")
      .type_name("[SUBSET=]FILE")
      .repeatable()
      .reads();
  input
      .add("--points", o.points,
           "Points in time, for steps that need segments: keep, drop, or the seconds that a segment around each lasts")
      .type_name("keep|drop|S");
  input.add("--merge", o.merge, "Records to join by video (left join): missing fields are taken from there")
      .type_name("FILE")
      .reads();
  output.add("--segments", o.exported.segments, "Which segments to write; auto: the proposals where a record has them")
      .one_of({"auto", "proposals", "annotations"});
  output
      .add("--dataset-version", o.exported.version,
           "\"version\" of the file written (else the one read, or VERSION 1.3)")
      .type_name("TEXT");
  output.add("--min-score", o.exported.min_score, "Write proposals from score X on")
      .type_name("X")
      .without("--segments", {"annotations"});
  output.add("--top-k", o.exported.top_k, "Write the N highest scores of a video (0: all)")
      .type_name("N")
      .not_negative()
      .without("--segments", {"annotations"});
  output
      .add("--label-scores", o.label_scores,
           "Scores behind the labels, of formats with no other place for them: whether they are written there, and "
           "whether a number there is read as one (default: written, not read)")
      .one_of({"yes", "no"});
  register_feature_options(records.group("Features and signals"), o.import.features, o.import.signals);
  register_weight_options(table.group("Weights").without("--bundle"), o.weights);
  const Options bundles = table.group("Bundles");
  bundles
      .add("--bundle", o.bundle,
           "Folder with models and a file pipeline, to pack into the one file --output for tal-detect; without one its "
           "stages are printed, ready for sh, and so are those of a packed file")
      .type_name("BUNDLE");
  bundles
      .add("--encoder-weights", o.encoder_weights,
           "Weights that a packed bundle's encoders read, known by their SHA-256 (repeatable)")
      .type_name("FILE")
      .repeatable()
      .reads()
      .with("--bundle")
      .with("--output", {"-"});
  bundles
      .add("--bundle-for", o.bundle_reads,
           "Print the stages for videos, which the first one must read, or for records with features, without the "
           "extraction")
      .one_of({"videos", "records"})
      .with("--bundle")
      .with("--output", {"-"});
  register_format_conditions(table);
  table.row("--input").without("paths").without("--weights").without("--bundle");
  table.row("--class-offset").with_any({{"--classes"}, {"--from", {"class-scores"}}, {"--to", {"thumos14-results"}}});
  table.row("--unit-duration")
      .without("--time", {"seconds", "frames"})
      .with_any({{"--time"}, {"--from", {"ssn-proposals", "bsn-proposals"}}});  // whose times are relative by
                                                                                // themselves
  table.row("--fps").with_any(
      {{"--time", {"frames"}},
       {"--from",
        {"features", "label-studio", "cvat", "frame-labels", "50salads", "breakfast", "spotting-json", "pose"}}});
  for (const char* option : {"--columns", "--where", "--time", "--classes", "--class-offset"})  // of signals they say
                                                                                                // how --labels is read
    table.row(option).with_any({{"--from", {"signals"}, false}, {"--labels"}});
}

}  // namespace tal
