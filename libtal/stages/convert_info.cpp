// The manual of tal-convert, beside its options.
#include "libtal/stages/convert.h"

namespace tal {

ToolInfo convert_info() {
  return {
      "tal-convert",
      "Convert the field's annotation, proposal, result, feature and weight files",
      "Reads files of one format and writes records, or reads records and writes another format. Times become seconds; "
      "whatever else "
      "a file says of a video is kept, so that the way back gives the same values. gzip files are read as they "
      "are, but files of records (--from tal, --merge) are not: zcat unpacks them into a pipe.\n\n"
      "Without --from (or with --from auto) the format is the one that the files look like, by their first bytes, "
      "names "
      "of members or columns; it is said on stderr, and a file that looks like none or like several is an error that "
      "names them. Formats whose bytes tell nothing (class-scores, scnn-mat, signals) must be named. stdin is read to "
      "its "
      "end before anything is written: for a live stream give --from tal.\n\n"
      "Tables are read as spreadsheets, pandas, R and people write them: columns separated by comma, semicolon, tab or "
      "bar (found by itself; a first line sep=; says it), decimal points or commas, quotes, any line ends, and a "
      "byte-order mark. Columns are known by their usual names, whatever the case; --columns names others. Times are "
      "seconds, hh:mm:ss.mmm, numbers with units (12s, 1h2m3s, PT1M2S), time codes hh:mm:ss:ff where the frame rate is "
      "known, or frames; dates and points in time are refused; a column whose name states another unit (start_ms, "
      "Start (ms), Duration "
      "(min)) is "
      "read in it, which is said; whole minutes beside less than 60 seconds (start_min and start_sec) are parts of one "
      "time, which is said; per cent (start (%), start_pct) are shares of the duration, for --time relative. A "
      "start and a length (column length, or duration where there is no end) do "
      "as well; a duration that is end - start in every row is the segments' and not the videos', and one without a "
      "unit "
      "beside times in another unit than seconds is refused where it may be in either. In tables of numbers "
      "a first column that numbers or "
      "times the rows is left out, which is said, as a column that counts the rows and is read is; where it leaves "
      "rows out, or contradicts --rate (or --fps and "
      "--stride) by more than 2 %, that is an error. What may be read in two ways is refused with its reason. A video "
      "in "
      "a column or list may be a path, "
      "also of Windows: folders and the ending of a video file, in any case, are taken off, as tal-extract does; files "
      "of one name in different folders are refused where --id-folders does not say what they are. Blanks that show "
      "nothing (no-break, zero-width, byte-order marks) are no part of a field at its ends. A column split, set or "
      "partition that holds nothing but train, val, test and their like is one of subsets. Columns that mean the same "
      "(subset and split, label and action, score and confidence, video and filename, start and t_start) must say the "
      "same in every row, or --columns names the one that counts; numbers beside names number them. Lines above a "
      "table that begin with # are comments, but for one that has a name for each column; any other title is an "
      "error. Separators at the end of all lines make no columns. Signs between thousands and per cent signs are "
      "errors; a column called score (%) is in per cent. Files of a folder called README, LICENSE and the like are "
      "left "
      "out, which is said. In "
      "--durations, --split, --merge and lists of classes' scores an id that stands there as it is written is that "
      "video, any other one is looked up without folder and ending. Two "
      "durations, frame rates or subsets of one video are an error. Names of videos that look alike but have other "
      "characters (letters with accents as one or two characters, full-width signs, dashes, blanks, Cyrillic and Greek "
      "letters that look as Latin ones) stay different, and are said with these characters.\n\n"
      "--classes takes number and name on each line or in two columns, in either order and with a header or not, a "
      "name on each line, or JSON: a list of names, a list of objects with id and name, or an object of numbers and "
      "names, by itself or under categories, classes or names; YAML's lists of names and label maps of protocol "
      "buffers (item { id: 1 name: \"run\" }) are read too. Lines that begin with # are comments where there are "
      "others.\n\n"
      "JSON that has a member twice is refused, with its place: every reader would keep one and lose the other. "
      "Durations, frame rates and subsets that are null, and a frame rate of 0, are not known and left out.\n\n"
      "Files of annotation tools (elan, boris, label-studio, audacity, textgrid, via, cvat, dcase, raven, subtitles, "
      "rttm, datavyu) become annotations of the media file that they name, without folder and ending, else of a video "
      "with the file's own name. What groups a tool's labels and is none (a tier, a track, an observation, a column, "
      "the tag of a region) is the member tier of each annotation, and goes out with it; all are read unless --tier "
      "names some. What else belongs to a label (low and high frequency, subject, modifiers, comments, codes) are "
      "members too, and media is the media's name as the file has it. Events without a length are points. Labels of "
      "a whole clip become its classification, with score 1. Where a tool counts frames (Label Studio's timelines, "
      "CVAT), their rate is in the file or given with --fps or --durations. UTF-16 with its mark is read where the "
      "tool writes it. What no record holds is counted on stderr: BORIS's starts without a stop, cancelled "
      "annotations of Label Studio, regions without a time; a segment that ends before it begins is an error.\n\n"
      "ELAN: a time slot without a time lies at equal steps in the chain of annotations of its tier that share slots, "
      "annotations that refer to another take its interval, several of one tier share it; TIME_ORIGIN is said and "
      "kept as time_origin, and moves nothing. BORIS: state events are paired by observation, subject, behaviour and "
      "modifiers; the video is the file of player 1, of a queue of several files and of live observations it is the "
      "observation, whose time runs on; time offsets are added. Label Studio: times of a series are seconds, or "
      "samples with --time frames and --fps; milliseconds since 1970 and dates become seconds; predictions become "
      "proposals, and the way back. CVAT: a track is there from a shape that is not outside to the next that is; "
      "tags of frames that follow each other are one segment. Raven: --columns label=NAME says which column has the "
      "labels, where it has no usual name; a selection in several views is read once. Tables of behaviour with "
      "several raters are segments-csv, with --columns tier=NAME.\n\n"
      "Formats that have one file a video are written below --output FOLDER/; a single video may go to stdout. Nothing "
      "is "
      "lost on the way out: a video that comes twice is an error; windows of a live stream become one video's results, "
      "or "
      "are refused where a format holds whole videos; a video without a segment, which has no line in a table and no "
      "cue in subtitles, is said, and so is what a format does not hold (scores, labels, members of segments such as "
      "subject) or rounds to whole frames. Where a format names videos as files, an id that would be read as another "
      "one, such as a/b or x.mp4, stands beside the media's name as tal_video (VIA, Label Studio, ELAN), or is "
      "refused. Tables with the header that --to csv and --to tsv write are read as they were written: ids are no "
      "paths, NA in quotes is a name, a row without a score is an annotation, an end may lie behind the duration. "
      "With --on-error skip, --rejects holds the lines of a table or list that were left out, of JSON the video as a "
      "document of its own, of feature files and sensor recordings their names. "
      "Subtitles and ELAN show times to the millisecond, at least one long, so that points are a millisecond; "
      "subtitles, "
      "ELAN, Audacity and TextGrid show scores of three digits behind the labels; --min-score and "
      "--top-k choose what is worth showing.\n\n"
      "--merge adds to each record the fields it lacks from another file of records. Videos on one side only are named "
      "on stderr.\n\n"
      "--from features makes records of feature files. Who a file belongs to is in its name: --pattern finds it, --id "
      "and --stream say "
      "which part is the video and which the stream. In archives (.npz, HDF5, MATLAB) an array is a video, or a stream "
      "of the video "
      "that the file is (--per); HDF5 groups are read as VIDEO/STREAM. --fps, --stride, --window and --offset state "
      "the time of row g: it "
      "describes (offset + g stride + window / 2) / fps seconds. Numbers and HDF5 attributes of these names in the "
      "file are read, those of the data "
      "set or beside it, "
      "else of the groups around it; a frame rate may be two whole numbers, such as 30000 and 1001. One that is no "
      "such "
      "number, and two that differ, are refused, unless the option gives it. Without a "
      "stride the rows share "
      "the video's duration equally, as in features rescaled to a fixed length. .npy files stay where they are; other "
      "rows are written "
      "to --out-dir or into the record (--inline).\n\n"
      "--from class-scores reads the scores of whole videos, an array of a row a video and a column a class (.npy or a "
      "table). A column video names the rows, or --videos lists the videos in their order. A table's header names the "
      "classes; "
      "without one, columns are classes 0, 1, ...; --class-offset 1 where "
      "the file of --classes counts from 1; columns that it does not name are left out.\n\n"
      "--from signals cuts sensor recordings into windows of --window samples every --stride samples. The files of one "
      "recording (the same "
      "id) are put side by side in the order of their names. --labels adds annotations from a table.\n\n"
      "--from frame-labels reads a label a frame (the groundTruth folders of action segmentation, and its results, "
      "which "
      "become proposals without a score): runs of equal labels are segments, [first / fps, end / fps), those of "
      "--background are none. --classes is the mapping file; a label that it does not have is an error. --to "
      "frame-labels writes them; there overlaps are errors, and frames in no segment get the first --background. "
      "sample-labels is the same for tables of sensor samples with a column of the label and perhaps one of "
      "predictions; "
      "--rate, or the column of times, says how long a sample is. 50salads reads that data set's two other layouts: "
      "microseconds of the recording's clock (--starts says where on it each video begins; without it times are "
      "the clock's, which is said) and ranges of frames.\n\n"
      "soccernet, spotting-json, ava and charades-results are points (tal-jsonl(5)). A half of a match of SoccerNet is "
      "a "
      "video, GAME/1 and GAME/2; team, visibility and what else an event has stay beside it. charades-results needs "
      "--durations, such as the records of Charades' table. In epic-kitchens --columns label=NAME says which column is "
      "the label (verb_class when nothing is said; action: the classes of verb and noun, \"0,2\"), all others stay "
      "beside the segment; in epic-results it is verb, noun or action. ego4d-mq makes a video of each clip; --where "
      "primary=true takes the labels that the benchmark counts. coco-segments reads videos, categories and annotations "
      "that refer to each other by number. HACS, FineAction and the like have ActivityNet's layout.\n\n"
      "--from pose makes features of poses: columns NODE.x, NODE.y and what else the table has, with the animal or "
      "track "
      "before it where there are several. Consecutive frames are rows at --fps; frames with gaps between them, as "
      "labelled images are, stay rows without a time, with their numbers in the stream's member frames. Missing "
      "points are what --non-finite says. DeepLabCut's .h5 and SLEAP's .slp do not name their points where tal "
      "reads it: their columns are numbered.\n\n"
      "--weights reads PyTorch's .pt and .pth files (zip and legacy format), .npz and safetensors. What is pickled in "
      "a file is read as data, and nothing is ever run: tensors are taken, objects of other classes (NumPy's scalars, "
      "argparse's Namespace) are left out and named, and a file that names what runs commands (os.system, eval) is "
      "refused. "
      "Views are laid out "
      "anew, each tensor gets its own data. --map renames with rules, one a line: REGEX -> NAME [SHAPE], where REGEX "
      "must match the whole "
      "name, the first such rule counts, NAME is the whole new name and may use $1, $2, NAME - leaves the tensor out, "
      "and "
      "SHAPE ([64, *, 3]) is checked. "
      "The names of published checkpoints are known: --map bmn-mmaction2 and its like make a model file for "
      "tal-propose, whose feature streams --model-input states.\n\n"
      "--bundle packs a folder with models and a file pipeline (tal-detect(1)) into one safetensors file that "
      "tal-detect -m runs. It holds the stages with their options - extraction, suppression, fusion - and the models "
      "with their classes, settings and the settings of the features that they were trained on. Weights that an "
      "encoder "
      "reads stay a file of their own: the bundle has their SHA-256, and --encoder-weights says where they are. The "
      "models of a bundle are for the other tools as well: -m FILE/MODEL.",
      {{"ActivityNet's ground truth, validation videos",
        "tal-convert --from activitynet-gt --subset validation activity_net.v1-3.min.json > gt.jsonl"},
       {"THUMOS14's annotations with durations",
        "tal-convert --from thumos14-gt --durations test_durations.txt annotations_test/ > gt.jsonl"},
       {"SSN's proposals in seconds",
        "tal-convert --from ssn-proposals --durations activity_net.v1-2.min.json list.txt.gz > proposals.jsonl"},
       {"Results for the ActivityNet server",
        "tal-nms --preset bsn < detections.jsonl | tal-convert --from tal --to activitynet-results > results.json"},
       {"I3D features of two streams, 16 frames a row",
        "tal-convert --from features --pattern '(.*)_(rgb|flow).npy' --stream 'i3d_$2' --fps 25 --stride 16 --merge "
        "gt.jsonl i3d/ > videos.jsonl"},
       {"The HAPT recordings with their annotations",
        "tal-convert --from signals --pattern 'exp[0-9]+_user[0-9]+' --rate 50 --window 50 --stride 25 --labels "
        "hapt/segments.csv --columns video=sequence,start=start_s,end=end_s,label=class_name,subset=split --out-dir "
        "features hapt/RawData > hapt.jsonl"},
       {"Rows of 150 values from three accelerometer axes, axis after axis",
        "tal-convert --from signals --pattern 'exp[0-9]+_user[0-9]+' --rate 50 --window 50 --stride 25 "
        "--signal-features raw-by-channel --out-dir features hapt/RawData/acc_*.txt.gz > acc.jsonl"},
       {"What a checkpoint holds, then its tensors under new names",
        "tal-convert --weights model.pth --key state_dict; tal-convert --weights model.pth --key state_dict --map "
        "rules.txt -o model.safetensors"},
       {"mmaction2's BMN for features rescaled to 100 rows",
        "tal-convert --weights bmn_400x100.pth --map bmn-mmaction2 --model-input cuhk -o bmn.safetensors"},
       {"Models and pipe as one file for tal-detect", "tal-convert --bundle mine/ -o mine.safetensors"},
       {"What an observer marked in BORIS, and one of ELAN's tiers",
        "tal-convert --from boris project.boris > gt.jsonl; tal-convert --from elan --tier gestures v_x.eaf > "
        "gt.jsonl"},
       {"Detections as predictions to correct in Label Studio",
        "tal-convert --from tal --to label-studio --min-score 0.3 detections.jsonl > tasks.json"},
       {"Subtitles of one video's best detections",
        "grep v_x detections.jsonl | tal-convert --from tal --to webvtt --min-score 0.3 --top-k 20 > v_x.vtt"},
       {"UntrimmedNet's scores of THUMOS14's test videos, for tal-score --classification",
        "tal-convert --from class-scores --videos test_videos.txt --classes detclasslist.txt --class-offset 1 "
        "uNet_test.npy "
        "> classes.jsonl"}},
      {"tal-eval(1)", "tal-nms(1)", "tal-check(1)"}};
}

}  // namespace tal
