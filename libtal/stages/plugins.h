// The stages that need LibTorch or OpenCV. They live in libraries of their own beside libtal.so, which are opened when
// a run asks for what they do: who wants no network pays for none, and may lack LibTorch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/encoder/encoder_spec.h"
#include "libtal/io/frames.h"
#include "libtal/io/thumbnail.h"
#include "libtal/io/video_facts.h"
#include "libtal/plot/text_setter.h"
#include "libtal/stages/extract_options.h"
#include "libtal/stages/propose.h"
#include "libtal/stages/train_options.h"

namespace tal {

struct SynthVideo;
class VideoList;

inline constexpr int kPluginInterface = 6;  // of the tables below; change it with them

// libtal-nn.so: models as pipe stages, and their training (libtal/stages/networks).
struct NetworkStages {
  std::string (*version)();  // "LibTorch 2.11.0 with CUDA kernels (sm 80)"
  void (*run)(Tool&, const ModelOptions&, Stage);
  void (*propose)(Tool&, const ProposeOptions&);
  void (*train)(Tool&, const TrainCommand&);
};
// Opens LibTorch (torch_library.h) and the library once. Error that says what is missing and where it was looked for.
const NetworkStages& network_stages();

// libtal-video.so: what reads and writes video files (libtal/stages/video, libtal/video).
struct VideoStages {
  std::string (*version)();  // "OpenCV 4.6.0, libavcodec 59.37.100"
  void (*extract)(Tool&, const ExtractOptions&, VideoList& videos);
  void (*write_video)(const std::string& path, const SynthVideo& video);
  FrameOpener open_frames;
  VideoFacts (*claims)(const std::string& path);  // Error when it is no video or sound
  std::vector<Thumbnail> (*thumbnails)(const std::string& path, int count);
  double (*first_on_players_clock)(const std::string& path);
};
const VideoStages& video_stages();  // Error as network_stages()

// libtal-encode.so: encoders that are networks (libtal/encoder/networks). Needs both of the others.
struct EncoderNetworks {
  std::unique_ptr<Encoder> (*make)(const EncoderSpec&, const EncoderOptions&);
};
const EncoderNetworks& encoder_networks();  // Error as network_stages()
NetworkFactory network_encoders();          // the same, opened when the first network is made

// libtal-text.so: texts in the fonts of the system (libtal/plot/text). Error as network_stages().
const plot::TextSetting& text_setting();

// For --version -v: what a tool opens when it is asked to, and where it lies, or why it is not there.
std::string network_library();  // "LibTorch 2.11.0, /opt/libtorch/lib (TAL_TORCH)"
std::string video_library();
std::string text_library();

}  // namespace tal
