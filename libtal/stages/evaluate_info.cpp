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
      "The protocols differ in matching, averaging and in what they leave out; the report names the protocol, its "
      "parameters with a hash, "
      "and counts videos, instances, predictions, unknown names, Ambiguous rows and tied scores, so that two numbers "
      "can be told apart.\n\n"
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
       {"Is A better than B?", "tal-eval --gt gt.jsonl --compare b.jsonl --bootstrap 1000 --seed 1 < a.jsonl"}},
      {"tal-nms(1)", "tal-convert(1)", "tal-plot(1)"}};
}

}  // namespace tal::eval
