// tal-convert: annotation, proposal and result files of the field <-> records.
#include "libtal/data/convert.h"

int main(int argc, char** argv) {
  tal::Tool tool{{"tal-convert", "Convert annotation, proposal and result files from and to records",
                  "Reads files of one format and writes records, or reads records and writes another format. Times become seconds; whatever else "
                  "a file says of a video is kept, so that the way back gives the same values. gzip files are read as they are.\n\n"
                  "Formats that have one file a video are written below --output FOLDER/; a single video may go to stdout.\n\n"
                  "--merge adds to each record the fields it lacks from another file of records. Videos on one side only are named on stderr.\n\n" +
                      tal::describe_formats(),
                  {{"ActivityNet's ground truth, validation videos", "tal-convert --from activitynet-gt --subset validation activity_net.v1-3.min.json > gt.jsonl"},
                   {"THUMOS14's annotations with durations", "tal-convert --from thumos14-gt --durations test_durations.txt annotations_test/ > gt.jsonl"},
                   {"SSN's proposals in seconds", "tal-convert --from ssn-proposals --durations activity_net.v1-2.min.json list.txt.gz > proposals.jsonl"},
                   {"Results for the ActivityNet server", "tal-nms --preset bsn < detections.jsonl | tal-convert --from tal --to activitynet-results > results.json"},
                   {"Subtitles of one video's detections", "grep v_x detections.jsonl | tal-convert --from tal --to webvtt > v_x.vtt"}},
                  {"tal-eval(1)", "tal-nms(1)", "tal-check(1)"}}};
  tal::ConvertOptions options;
  tal::register_options(tool.app(), options);
  return tool.run(argc, argv, [&] { tal::convert(tool, options); });
}
