// What is asked of a decoder, and what it gives.
#pragma once

#include <string>

#include <opencv2/core.hpp>

namespace tal {

struct DecodeOptions {
  bool bgr = true;        // fill VideoPicture::bgr
  bool grey = false;      // fill VideoPicture::grey
  int threads = 0;        // of the codec; 0: as many as there are cores. Intact videos give the same bytes with any
  std::string hwaccel;    // kind of device that decodes: "cuda", "vaapi", ... (check_hwaccel); "": the processor
  int video_stream = -1;  // number among the file's video streams, from 0; -1: the one that ffmpeg takes
  bool sound = false;     // read the sound instead of the pictures (MediaReader)
  int audio_stream = -1;  // as video_stream
};

// One picture of a video, turned and mirrored as its display matrix says, of the size of the video's first picture.
// Pixels are as they were coded: their aspect ratio is not evened out.
struct VideoPicture {
  cv::Mat bgr;   // 8 bits, by the stream's own matrix and range (Rec. 601, limited, where it states none)
  cv::Mat grey;  // 8 bits, shrunk (libtal/video/flow.h); of streams with a luma plane that plane, full range
};

}  // namespace tal
