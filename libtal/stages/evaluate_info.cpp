// The manual of tal-eval, beside its options.
#include "libtal/stages/evaluate.h"

namespace tal::eval {

ToolInfo evaluate_info() {
  return {
      "tal-eval",
      "Score proposals and detections with the field's protocols",
      "Reads records with proposals, compares them with the annotations of --gt (or of the stream itself) and prints "
      "one report. "
      "A ground-truth video without a record is a video without predictions.\n\n"
      "The protocols differ in matching, averaging and in what they leave out; the report begins with the numbers, and "
      "ends with what was counted (videos, instances, predictions, unknown names, Ambiguous rows, tied scores, "
      "duplicates, segments outside the video) and the settings: whose code or paper, parameters and their hash, so "
      "that "
      "two numbers can be told apart. Several protocols in one --protocol read the data once and give one table of "
      "numbers, then the details that options ask for, protocol by protocol, what was counted, and the settings. Each "
      "has the options that it takes alone; one that none takes is an error. csv and tsv are one rectangle, a value a "
      "line: protocol, table, row, column, value, whose names never change; a class that is called as another row "
      "(mean, null, micro) is there \"class mean\".\n\n"
      "The protocols of neighbouring fields give the numbers of the fields' own code:\n\n"
      "segmentation (eval.py of MS-TCN): every frame has the label of the segment in which its middle lies; frames at "
      "the "
      "video's fps or --rate, videos need a duration. Accuracy counts background, edit and F1@10, 25 and 50 (--tiou) "
      "do "
      "not (--count-background: they do). Proposals need no score; of several the best one has the frame. A video of "
      "which neither side has a segment that counts has edit 100 (eval.py: 0/0); the report counts such "
      "videos.\n\n"
      "samples (scikit-learn): --sample-wise alone, with its options.\n\n"
      "soccernet (SoccerNet 0.2.0): points in time, \"at\": seconds in the place of a segment, for annotations and "
      "proposals; a half of a game is a video; an annotation with \"visibility\": \"not shown\" is unshown. Loose, "
      "tight and "
      "at-k mAP of all, of visible and of unshown actions, over the 17 classes of SoccerNet-v2 or those of "
      "--classes.\n\n"
      "sound-events (sed_eval 0.2.1, psds_eval 0.3.0 or --psds-version 0.5.3): precision, recall, F1 and error rates "
      "by event, with collars of "
      "--collar seconds or, for offsets, --offset-share of the length, and optimal matching, and by segments of "
      "--segment-length; PSDS of DCASE's scenarios 1 and 2 or of --psds, over the operating points of the stream and "
      "--operating-point, or else over the detections above each of the scores' thresholds. A class of which nothing "
      "is found is left out of psds_eval's "
      "mean F1; 0/0 is null and is left out of means, as in sed_eval. PSDS follows psds_eval 0.3.0; 0.5.3, which PyPI "
      "has, gives other numbers where alpha_CT is above 0 (--psds-version). That one refuses overlapping events of a "
      "class, and has 0/0 for cross triggers of a single class: a warning says so here, and the PSDS of one class is "
      "null.\n\n"
      "epic (C2-Action-Detection): labels are \"VERB,NOUN\"; mAP of verbs, nouns and actions at tIoU 0.1 to 0.5.\n\n"
      "ego4d-mq (episodic-memory MQ): mAP at tIoU 0.1 to 0.5, and Recall@kx, k 1 to 5, at 0.3, 0.5 and 0.7, of "
      "detections "
      "in the order of the stream and strictly above the threshold; --subset val takes one subset.\n\n"
      "multithumos (OpenTAD): mAP at tIoU 0.1 to 0.9 and Recall@1x and @5x, mean over classes; instances listed twice "
      "are "
      "taken out first.\n\n"
      "charades (Charades_v1_localize.m): scores of classes at 25 points of each video, as \"at\": seconds or as "
      "segments "
      "that cover them; mAP over the classes with positives, as written (null if a class has none), and weighted.\n\n"
      "activitynet-detad, thumos14-detad (DETAD): mAP_N, precision as if each class had the mean number of instances; "
      "with --diagnose the rest of DETAD.\n\n"
      "--compare gives the difference to other predictions, for detection protocols also by threshold and by class, "
      "with "
      "intervals from the same samples of the videos for both. "
      "--html writes one page with curves, classes, DETAD's diagnosis, the range of ties and what was counted.\n\n"
      "--ties-range gives the lowest and highest score that the order of equal scores allows, each threshold by "
      "itself; `exact` is false where more "
      "than six tied detections compete for the same instances, or their order also decides what later ones find, and "
      "for proposals, whose range "
      "holds every order but need not be attained. --diagnose counts DETAD's kinds of false positives among the first "
      "10 n predictions of a class "
      "of n instances, says what average mAP_N gains without each kind, and gives average mAP_N by coverage, length "
      "and number of instances "
      "(detections matched to instances of another bucket are left out), beside DETAD's false negatives there: the "
      "share "
      "that no detection finds down to a normalised precision of 0.05, mean over thresholds. The ranges are DETAD's "
      "for ActivityNet, with thumos14 protocols those for THUMOS14; --length-bins and its like set others. "
      "--score-above leaves out predictions from every number. --oracle all makes labels, boundaries and "
      "ranking perfect one after another. "
      "--against changes the rules in which two protocols differ one by one, and says what each moves; --explain adds "
      "every instance that one "
      "finds and the other does not, with the rule and the detection concerned.\n\n"
      "--sample-wise cuts each video's duration into samples. One has the class of the annotation in which its middle "
      "lies, or null; the detections with a score above --sample-score give it the class of the best of those that "
      "touch "
      "it, or null. Precision, recall and F1 are those of scikit-learn's precision_recall_fscore_support, their means "
      "are over the classes, with null and without. The experiments of Bock et al. (IMWUT 2024) are told so: the best "
      "detection, scores above 0.3 (SBHAR), 0.2 (WEAR, Opportunity) or 0.15 (Wetlab, Hang-Time), all classes of the "
      "data "
      "set (--sample-classes), the mean over folds; what that code logs after an epoch has --sample-score 0 "
      "--sample-overlap lowest --sample-undefined 1. The report as JSON has the confusion matrix, rows of the ground "
      "truth.\n\n"
      "Reversed segments, numbers that are not finite and videos that stand twice are errors with their place; an "
      "empty ground truth is an "
      "error. Labels without ground truth are left out and counted; videos without ground truth are false positives "
      "and counted.",
      {{"Average precision on the validation subset", "tal-eval --gt gt.jsonl --subset validation < detections.jsonl"},
       {"Area under the average-recall curve, as JSON",
        "tal-eval --protocol activitynet-proposal --gt gt.jsonl --format json < proposals.jsonl"},
       {"What is wrong, and what is it worth?",
        "tal-eval --gt gt.jsonl --subset validation --diagnose --oracle all < detections.jsonl"},
       {"Activities from sensors: classes of samples, and DETAD's normalised mAP of what is likely enough",
        "tal-eval --protocol thumos14-detection --sample-wise 50 --per-class --gt gt.jsonl < detections.jsonl; "
        "tal-eval "
        "--protocol thumos14-detection --score-above 0.3 --diagnose --gt gt.jsonl < detections.jsonl"},
       {"Why do the two THUMOS14 codes differ?",
        "tal-eval --protocol thumos14-official --gt gt.jsonl --against thumos14-detection --explain < "
        "detections.jsonl"},
       {"Is A better than B, or C, and where?",
        "tal-eval --gt gt.jsonl --per-class --compare b.jsonl --compare c.jsonl --bootstrap 1000 --seed 1 < a.jsonl"},
       {"Frames, segments and samples in one table",
        "tal-eval --protocol segmentation,activitynet-detection,samples --gt gt.jsonl < detections.jsonl"},
       {"Sound events with the operating points of other thresholds",
        "tal-eval --protocol sound-events --gt gt.jsonl --operating-point at0.1.jsonl --operating-point at0.9.jsonl < "
        "at0.5.jsonl"},
       {"A page to look at", "tal-eval --gt gt.jsonl --diagnose --ties-range --html report.html < detections.jsonl"}},
      {"tal-nms(1)", "tal-convert(1)", "tal-plot(1)"}};
}

}  // namespace tal::eval
