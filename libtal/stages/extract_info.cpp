// The manual of tal-extract, beside its options.
#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/sound/log_mel.h"
#include "libtal/stages/extract_options.h"
#include "libtal/stages/plugins.h"

namespace tal {
namespace {

// Every setting of log-mel with its values in the presets.
std::string log_mel_settings() {
  std::string text;
  LogMelOptions any;
  const Settings settings = settings_of(any);
  for (const auto& entry : settings.entries()) {
    std::vector<std::string> values;
    for (const auto& preset : log_mel_presets()) {
      auto options = log_mel_preset(preset);
      values.push_back(settings_of(options).value_text(entry.name));
    }
    const bool same = std::all_of(values.begin(), values.end(), [&](const auto& value) { return value == values[0]; });
    text +=
        (text.empty() ? "" : "; ") + entry.name + ": " + entry.help + " (" + (same ? values[0] : joined(values)) + ")";
  }
  return text;
}

}  // namespace

ToolInfo extract_info() {
  ToolInfo info;
  info.name = "tal-extract";
  info.summary = "Extract features from videos and sound";
  info.description =
      "Decodes each video once, from beginning to end, and gives every window of sampled frames to the encoders. Row g "
      "of a stream "
      "with stride s and window w (frames at the sampled rate) describes the time (g s + w / 2) / fps. The number of "
      "decoded frames and "
      "their presentation time stamps are the truth; a container that claims another number of frames is reported on "
      "stderr, and so is a record that states another duration, rate or number of frames than its video has (the "
      "record's own duration and fps stay).\n\n"
      "Whatever FFmpeg's libraries read is read. Pictures are turned and mirrored as the file's display matrix says, "
      "as players show them; pixels that are not square stay as they were coded. Pictures that an edit list hides "
      "(a cut without encoding anew) are decoded and not taken. Of several video streams, the one is taken that ffmpeg "
      "would take, unless --video-stream says which; cover pictures are none. When pictures change their size, they "
      "are scaled to the first one's. Two sorts of lines on stderr tell what a file is like. Warnings, which -q keeps: "
      "the rate varies and --fps is not given; pictures are damaged (the decoder conceals them as well as it can, and "
      "pictures that were predicted from them suffer too); the beginning cannot be decoded, because it was cut off "
      "before a key picture (no picture is made up there); the size changes; time stamps are missing or run back; the "
      "clock of a transport stream "
      "jumps by ten seconds or more, back or (where recordings are joined) forward, and what follows is placed right "
      "behind; no picture comes for two seconds, or in a video of otherwise steady rate for more than four frames and "
      "1 %; the record contradicts the file. "
      "Notes: the video starts later than the file (time 0 is still its first picture, so the times of a player are "
      "others by as much), the sound goes on behind it, there are several video streams, the file has no time "
      "stamps.\n\n"
      "With --fps, sample k is the decoded frame whose time stamp is nearest to k / F (the earlier one on a tie), up "
      "to the last time "
      "stamp. No frame is interpolated. Without it, every decoded frame is a sample. Time 0 is the first decoded "
      "frame. A video's duration is the time of its last frame and 1 / fps; at a variable rate, and what its container "
      "says of the last frame. The rate of an AVI file is that of its pictures, where its clock has empty ticks. Where "
      "all time stamps are those of one constant rate, but for rounding, and the container states another one, the "
      "time stamps' rate is taken, which a note says; a --live video keeps the rate that it begins with.\n\n"
      "The encoder hog-hof needs no weights: orientation histograms of the gradients in 4 x 4 cells, histograms of the "
      "optical flow in "
      "2 x 2 cells and a column `motion`, the mean length of the flow in per cent of the frame's shorter side; each is "
      "the mean "
      "over the window. It sees the luma of the pictures (of coded RGB, its Rec. 601 grey); networks see BGR by the "
      "file's own matrix and range, Rec. 601 where it states none.\n\n"
      "The other encoders are networks (builds with LibTorch) and need their weights: NAME:FILE, a .safetensors file "
      "or a PyTorch state dict (.pth) with the names of the "
      "reference, whose tensors must all fit; nothing in it is executed. NAME@LAYER:FILE asks for another layer than "
      "the default, averaged over space and time; "
      "`logits` and `scores` (softmax) are there when the file has the classifier. Pictures are prepared as the "
      "reference does it. Networks of single pictures (resnet, resnest, "
      "inception-v3, bninception, efficientnet-lite0, clip, dinov2) see each frame once and a row is the mean over its "
      "window; i3d, r2plus1d, slowfast, tsm, tin, p3d, resnext101-3d, c3d, swin3d, mvit, videomae, videomaev2 and "
      "internvideo2 see a window as one clip. transnetv2 sees overlapping runs of 100 frames and gives each frame a "
      "row (--window 1): "
      "the probability that it is the last of its shot, and that it is one of a transition; tal-propose --method "
      "shots makes shots of them. --list-encoders says how many columns and frames each has, whose weights "
      "it takes and how pictures are prepared. clip, dinov2, videomae, videomaev2 and internvideo2 take files of their "
      "authors and of the transformers library as they are (model.safetensors): their channels must be those of the "
      "name, because tensors do not say how many heads there are; depth, patches and all else come from the tensors, "
      "of clip the size of the pictures too, of internvideo2 the frames of a clip. Pictures are cut as the authors' "
      "code "
      "does it, which for odd sizes is a pixel beside the transformers library's own image processors. --precision "
      "bfloat16 changes a transformer's features by up to 1 % of the largest. Layers are `pool`, `tokens` (the mean of "
      "the last tokens, of InternVideo2 before its attention pooling), `block1`, `block2` ..., and CLIP's "
      "`projection`. "
      "Those that end with -flow see optical flow (--flow tvl1, dis or farneback), cut to 20 pixels and written with 8 "
      "bits: networks of single pictures stacks of five fields, "
      "tsm and tin a clip of eight such stacks (--window 40), i3d, slowfast and p3d a clip with a field for each "
      "frame, so that its rows describe the time of the RGB stream's rows. "
      "--flow-cache keeps these fields as images for the next run.\n\n"
      "onnx:FILE (through OpenCV) and torchscript:FILE (a program, which is run) are networks from elsewhere; "
      "FILE.json beside them says what pictures they take: "
      "{\"input\":\"frames\", \"height\":256, \"crop\":224, \"rgb\":true, \"divisor\":255, \"mean\":[...], "
      "\"deviation\":[...]}, with \"clips\", \"flow\", \"flow-clips\" or \"flow-stack-clips\" for frames, and where "
      "wanted "
      "\"name\", \"filter\" (pillow, pillow-bicubic, torch, opencv), \"width\", \"clip\" and \"classes\".\n\n"
      "log-mel hears instead of seeing: the mean of a logarithmic mel spectrogram over each window, of the audio track "
      "of "
      "a video or of a file of sound (.wav, .flac, .mp3, .ogg, ...). log-mel@PRESET has the settings of AudioSet's "
      "VGGish "
      "(vggish, the default), of PANNs (panns), of the Audio Spectrogram Transformer (ast, with its normalisation) or "
      "of "
      "the DCASE task 4 baseline (desed); --set changes one. The channels' mean is resampled to the setting `rate`. "
      "Frame "
      "j of the spectrogram lies around the time (j + 1/2) hop / rate, and a row is the mean over the frames whose "
      "middles lie in its window, or the nearest one. Rows describe the same times as all others: time 0 is the first "
      "decoded picture, presentation time stamps say where a sample lies, and silence is taken where there is none (a "
      "late start, an early end, a gap, which is told). Where all encoders hear, the pictures are still decoded, for "
      "the "
      "clock. Of a file of sound alone, time 0 is its first sample and the samples are as many as begin in it at "
      "--fps; what its encoder padded in front and behind is no part of it, where the file states that (Ogg, WebM, "
      "edit lists of MP4, MP3 with LAME's header); "
      "without --fps, one for each frame of the spectrogram, so that --window 1 --stride 1 gives the spectrogram "
      "itself. "
      "Sound is read from files, not from pipes. --list-encoders shows the presets. The "
      "settings, with the values of " +
      joined(log_mel_presets()) + " where they differ: " + log_mel_settings() + ".\n\n" +
      "Networks of sound are described by "
      "{\"input\":\"waveform\", \"rate\":16000} or {\"input\":\"log-mel\", \"preset\":\"vggish\", "
      "\"settings\":{...}} in FILE.json, "
      "with \"seconds\" (what a window must last), \"axes\" behind the batch (s, 1s; 1tm, tm, 1mt, mt for time and "
      "mel), "
      "and of spectrograms \"frames\" (cut, or filled up with zeros as the Audio Spectrogram Transformer's 1024) and "
      "\"edges\": inside (frames that lie in the window, as Kaldi), beyond (into the sound behind it, so that it has "
      "hop samples a frame, as VGGish's 96 of 0.96 s), reflect (around its samples, over its edges into its mirror "
      "image, "
      "as librosa and PANNs) or zero. They see the sound of a window as one input.\n\n"
      "A stream of class scores (the layers `scores` and `logits`) names its classes when --classes or the weights do; "
      "tal-score --classification stream:NAME takes them from the record.\n\n"
      "Each stream goes into VIDEO.STREAM.npy under --out-dir (rows x columns, float32 or float16) with its header "
      "beside it in "
      "VIDEO.STREAM.json, which is written last. Its hash is the SHA-256 of its settings (everything that affects the "
      "values: preprocessing, "
      "weights, versions), its content that of the .npy file. --resume leaves streams alone whose header tells the "
      "same settings and the same "
      "source file and whose rows are those of the header. Stages hold a record against the header beside its rows: "
      "one of "
      "an earlier run, whose files another has written over with other settings, is refused. A video that stands in "
      "the "
      "input twice, whose rows would be written over, is an error. With --inline the rows travel in the record.\n\n"
      "A video that cannot be decoded, ends early, or lacks pictures in the middle (more than four frames and 1 % of "
      "what its container promises: it counts more pictures, packets gave none or were lost, the codec found errors or "
      "pictures of H.264 that are not there; a pause of the time stamps alone is a warning) is an error that names the "
      "last good time stamp. Nothing of it is kept, unless --partial asks for "
      "what lies before the damage; where packets were lost here and there, for all that could be decoded. A file "
      "whose sound is longer than its pictures is whole. A file of sound alone is cut off when it ends before its "
      "header says (FLAC: by one sample; WAV: 2 ms; MP3: more than a frame; MP4: before its index does; others: 0.1 s "
      "and 1 %). Of Ogg the last page must be whole and say that the stream ends, of MPEG-TS, MPEG-PS, FLV, "
      "Matroska, WebM, IVF, GIF, animated PNG and y4m the last packet must be whole, with pictures and without. One "
      "picture under a video's name is no video.\n\n"
      "Each video is decoded on a thread of its own, a bounded number of frames ahead of the encoders, unless --jobs "
      "alone keeps every core busy. The output does not depend on --jobs. --hwaccel decodes on a device of the kinds "
      "that FFmpeg was built with; nothing falls back to the processor unsaid. "
      "--dry-run prints what each video would give, from what its container claims, and the time to expect, and to "
      "stderr the sums. "
      "--check re-reads the streams on disk (those that the records name, or all of their videos under --out-dir) and "
      "prints, one JSON object a fault, what disagrees with its header or its "
      "video: missing, unfinished, header, record, rows, shape, content, values, video. The exit status is 1 when "
      "there is a fault.\n\n"
      "--live follows one video while it is being made. A record goes out for each --live-window seconds of it, as "
      "soon as they are there, with the rows inline and "
      "`window` telling its part of the video; the last one is final. A camera that states no frame rate has that of "
      "its first 16 time stamps. Sound is followed in files that grow, alone or beside the pictures, and gives the "
      "rows "
      "that the whole file would give; where pictures go on for more than ten seconds without the sound of their time, "
      "it is silence, and when it comes later, that is told. What a header states only once the file is finished (the "
      "padding of MP3) is not known before. Of a URL one encoder can hear sound that has no pictures beside it; a file "
      "that is recorded from it has both.";
  info.examples = {
      {"Features of some videos, two at a time", "tal-extract -j 2 --videos *.mp4 --out-dir features > features.jsonl"},
      {"Ten frames per second, a row for every 16 frames",
       "tal-extract --fps 10 --stride 16 --window 16 < videos.jsonl > features.jsonl"},
      {"ResNet-50 and two-stream flow, with imported weights",
       "tal-extract --encoder resnet50:resnet50.safetensors --encoder bninception-flow:flow.safetensors --flow tvl1 "
       "--videos *.mp4 > features.jsonl"},
      {"VideoMAE as its model hub has it, a row for every second",
       "tal-extract --encoder videomae-b:model.safetensors --fps 16 --window 16 --stride 16 --videos *.mp4"},
      {"Mel spectrograms of sound files, a row every 20 ms; and of a video, beside its pictures",
       "tal-extract --encoder log-mel@desed --fps 50 --window 1 --stride 1 --videos *.flac > sound.jsonl; "
       "tal-extract --encoder hog-hof --encoder log-mel --fps 10 --videos a.mp4 > both.jsonl"},
      {"What will a long list give", "tal-extract --dry-run --resume --out-dir features < videos.jsonl > plan.jsonl"},
      {"Is what is on disk whole, and of these videos", "tal-extract --check < features.jsonl"},
      {"A camera, and proposals while it runs",
       "tal-extract --live --videos rtsp://camera/stream | tal-propose --method grouping --curve motion"},
      {"Straight into proposals, no files", "tal-extract --inline --videos a.mp4 | tal-propose --method grouping"},
  };
  info.see_also = {"tal-propose(1)", "tal-detect(1)", "tal-convert(1)", "tal-check(1)"};
  info.libraries = {video_library, network_library};
  return info;
}

}  // namespace tal
