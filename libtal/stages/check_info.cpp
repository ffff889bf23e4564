// The manual of tal-check, beside its options.
#include "libtal/stages/check.h"

namespace tal {

ToolInfo check_info() {
  return {
      "tal-check",
      "Find every fault of a stream, feature file, model or folder",
      "Reads records and prints every fault in one pass, by class, with line, video and field. It goes on behind "
      "broken lines. The exit "
      "status is 1 when a fault was found and not repaired. Feature files that records name are read too: rows and "
      "columns against the "
      "record, values, and the header that tal-extract wrote beside them, whose hashes tell whether settings or "
      "rows changed afterwards, and which knows the video's duration, rate and frames. The video is opened where "
      "its path leads to a file (but for --no-videos), and what its container says of them is compared with the "
      "record. Members of another type than tal-jsonl(5) says, and those that stand twice in an object at any "
      "depth, are faults, and so are windows of a live stream that are missing between others (missing-window). What "
      "cannot be found in records without a duration, or a frame rate, is said behind the "
      "counts, and so are a folder's files that it does not read, by their endings. Names of videos and labels that "
      "look alike but have other characters are faults (look-alike). Members "
      "that "
      "no tool reads pass; where the name of one is nearly that of one that is read, such as scroe, that is a warning. "
      "A "
      "file of another format is one fault (foreign-format), which says what makes records of it; so are annotations "
      "of "
      "other formats in a folder.\n\n"
      "Of a model file it prints what the model is: classes, inputs with the settings of their features, settings, and "
      "the training's summary; of a bundle of tal-detect its pipe, the encoder weights that it asks for, and each "
      "model.\n\n"
      "With --fix the records are written, repaired by the named rules, and the report goes to stderr, with the "
      "counts of what was found and fixed, by class. Of a repaired line only the numbers of segments and the "
      "order of lists change, and items leave. clip "
      "moves ends behind the video to its end and negative starts to 0. drop leaves out what cannot be repaired: "
      "lines that are no records, and annotations and proposals that are empty, outside the video, or without a "
      "proper segment, label or score. dedup leaves out annotations and proposals that are equal in all members (of "
      "proposals that differ in their scores alone the better one stays), and a record that stands in the stream "
      "before. Annotations of one time and label that differ in another member are two. "
      "sort puts annotations into the order of "
      "their times and proposals best score first; another order is a fault with sort alone. order "
      "swaps reversed ends. Without drop, broken lines pass unchanged.\n\n"
      "With --gt, videos and labels that the ground truth does not know, and its videos without a record, are "
      "faults too.\n\n"
      "--complete says what a run over shards has left out: videos of LIST, its input, without a record in the "
      "outputs, "
      "those that live windows leave unfinished, and records that came twice, are not in LIST, or are torn. --missing "
      "writes their lines of LIST, which are the input of the run that makes up for them. --logs joins what the shards "
      "left beside their records: the last error that names a missing video stands with it; failed jobs of GNU "
      "parallel's --joblog, runs whose --stats have no last line, which were killed, errors that name no video, and "
      "the sums of all --stats go to stderr and are no faults, since another try may have made up for them.\n\n"
      "--stage runs a foreign program on conforming, odd and broken records and says which promises of "
      "tal-jsonl(5) it keeps; one that re-formats what it does not know, as a JSON library does, keeps its values "
      "and alters its bytes, which is told but is no fault. Below what it breaks stand the last lines that it wrote on "
      "stderr. A command that sh cannot start is an error; of output that goes on behind an answer's end no more is "
      "read. --replay "
      "prints the pipelines that made the records, and below each, as comments, the files that its steps read "
      "with their SHA-256. FOREIGN-STAGE stands where something changed the records and wrote no history. "
      "--compare-features says how far two feature files differ - of what a tool here makes and what is already "
      "there - and ends with status 1 when they do: the least and the mean cosine of their common rows, and best_lag, "
      "by how many rows the second lags behind the first: the lag, of up to half the rows and at most 250, at which "
      "the "
      "rows, each less its own file's mean, have the greatest mean cosine. A lag other than 0 points to windows, an "
      "offset or a frame rate that are not the same.",
      {{"All faults of a ground truth", "tal-check < annotations.jsonl"},
       {"What a model was trained on, and how", "tal-check model.safetensors"},
       {"Clip and go on", "tal-check --fix clip,drop,dedup,sort < annotations.jsonl > clean.jsonl"},
       {"What is left of a run over shards, and why",
        "tal-check --complete videos.jsonl --logs shard-*.log --missing rest.jsonl shard-*.jsonl"},
       {"What made these records, from which files", "tal-check --replay < detections.jsonl"},
       {"Does my stage keep the protocol", "tal-check --stage './my_stage.py'"}},
      {"tal-convert(1)", "tal-eval(1)"}};
}

}  // namespace tal
