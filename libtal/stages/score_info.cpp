// The manual of tal-score, beside its options.
#include "libtal/stages/plugins.h"
#include "libtal/stages/score.h"

namespace tal {

ToolInfo score_info() {
  ToolInfo info;
  info.name = "tal-score";
  info.summary = "Give proposals their final scores";
  info.description =
      "Reads records with proposals and writes them with other scores; segments stay.\n\n"
      "With --model, a model scores the proposals of any proposer: a segment classifier or a localization network "
      "turns each into labelled detections, CMSN's evaluation subnet multiplies each score by the "
      "IoU that it expects. A model that sees the frames of videos reads the file that each record's path names.\n\n"
      "Without one, --fuse rpn takes what tal-propose left of an RPN in the record. A proposal's unit score p' is the "
      "best product of overlap, "
      "foreground and background score over the pairs of start and end units in its anchor's vicinity (RPN paper, Eq. "
      "8), and its score becomes "
      "BETA p + (1 - BETA) p' (Eq. 9), p being the segment score, or with --fusion product their product. The unit "
      "scores (maps.rpn, most of the "
      "record) then leave it; --keep-maps keeps them for another scoring.\n\n"
      "--fuse classes makes detections of proposals and the videos' class scores, as BSN++ and BMN do: a proposal's "
      "score, or with --combine the product of its factors, "
      "times the score of each of the video's best classes. The class scores stand in the record's field "
      "classification, in the files of --classification, or in a stream of the record whose header names its classes "
      "(stream:NAME); "
      "the weighted mean of several is taken. "
      "--weights-from VAL chooses their weights on records with proposals and annotations, whose videos the "
      "classifiers must score too: each classifier's share of the average mAPs that the "
      "detections have with it alone, or with --grid N the best of all multiples of 1/N that sum to 1. They are told "
      "on stderr and in the history, and --weights-out keeps them for --class-weights. "
      "Any of these options implies it. --merge puts the detections of another system beside them, for the suppression "
      "that follows.\n\n"
      "--beta-sweep reads records with annotations and prints a table instead of records: soft-NMS, as one of "
      "tal-nms's presets has it, and average recall for eleven values of BETA.";
  info.examples = {
      {"The RPN's combined score",
       "tal-propose -m rpn.safetensors < features.jsonl | tal-refine | tal-score --beta 0.8 | tal-nms --preset rpn"},
      {"Which weight is best on the validation part", "tal-score --beta-sweep < refined.jsonl"},
      {"Proposals times the two best classes of each video",
       "tal-propose -m bsnpp.safetensors < val.jsonl | tal-score --classification cls.jsonl --top-classes 2 | tal-nms "
       "--preset bsn"},
      {"Two classifiers' logits, and another model's detections",
       "tal-score --classification a.jsonl --classification b.jsonl --class-weights 2,1 --temperature 1 --merge "
       "bmn.jsonl < proposals.jsonl"},
      {"Two stages without a foreign file: class scores of an encoder, proposals of the same stream of records",
       "tal-extract --encoder hog-hof --encoder resnet50@scores:w.safetensors --classes classes.txt --videos a.mp4 | "
       "tal-propose --method grouping --curve motion | tal-score "
       "--classification stream:resnet50-scores --class-rows 20 | tal-nms --method gaussian"},
      {"Two classifiers' weights chosen on the validation part",
       "tal-score --classification a.jsonl --classification b.jsonl --temperature 1 --weights-from val-proposals.jsonl "
       "--grid 10 < test-proposals.jsonl"},
      {"Labels for proposals", "tal-score -m classes.safetensors < proposals.jsonl | tal-nms --method gaussian"},
  };
  info.see_also = {"tal-propose(1)", "tal-refine(1)", "tal-train(1)", "tal-nms(1)", "tal-eval(1)"};
  info.libraries = {network_library, video_library};
  return info;
}

}  // namespace tal
