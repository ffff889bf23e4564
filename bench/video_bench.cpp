// Extraction against a bare decode loop, and the default flow against OpenCV's cheapest. Both on one thread.
#ifdef TAL_HAVE_VIDEO
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <opencv2/videoio.hpp>

#include "bench/bench.h"
#include "libtal/video/decoder.h"
#include "libtal/video/encoder.h"
#include "libtal/video/extract.h"
#include "libtal/video/synth_video.h"

namespace tal::bench {
namespace {

struct Clip {
  std::string path;
  explicit Clip(double seconds) {
    path = (std::filesystem::temp_directory_path() / ("tal-bench-" + std::to_string(::getpid()) + ".avi")).string();
    SynthVideoOptions options;
    options.width = 320, options.height = 240, options.duration = seconds;
    write_video(path, draw(options, 1, 0));
  }
  ~Clip() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

Register hog_hof("extract/hog-hof", [] {
  // A real mpeg4 video when there is one (it decodes faster than Motion JPEG, so the comparison is harder).
  const char* data = std::getenv("TAL_DATA_DIR");
  const std::string real = (data ? std::string(data) : std::string(TAL_SOURCE_DIR) + "/../shared/data") + "/videos/plastering.avi";
  std::shared_ptr<Clip> clip;
  std::string path = real;
  if (!std::filesystem::exists(real)) {
    clip = std::make_shared<Clip>(40);
    path = clip->path;
  }
  double frames = 0;
  {
    VideoDecoder decoder(path);
    cv::Mat frame;
    while (decoder.read(frame)) ++frames;
  }
  Case c{"extract/hog-hof", "features of one video, one thread", "bare OpenCV decode loop", "frames/s", frames, 5};
  c.subject = [=] {
    (void)clip;
    Record record = Record::make("v");
    record.set_text("path", path);
    ExtractOptions options;
    options.inline_data = true;
    extract(record, options);
  };
  c.reference = [=] {
    cv::VideoCapture capture(path, cv::CAP_FFMPEG);
    cv::Mat frame;
    while (capture.read(frame)) {
    }
  };
  return c;
});

Register flow("extract/flow", [] {
  auto frames = std::make_shared<std::vector<cv::Mat>>();
  {
    Clip clip(4);
    VideoDecoder decoder(clip.path);
    cv::Mat frame, grey;
    while (decoder.read(frame)) {
      shrink_grey(frame, shrink_factor(frame.size()), grey);
      frames->push_back(grey.clone());
    }
  }
  Case c{"extract/flow", "block motion of 80 x 60 images", "OpenCV DIS, ultrafast", "pairs/s", static_cast<double>(frames->size() - 1), 5};
  const auto run = [frames](const std::string& method) {
    auto flow = make_flow(method);
    cv::Mat field;
    for (std::size_t i = 1; i < frames->size(); ++i) flow->compute((*frames)[i - 1], (*frames)[i], field);
  };
  c.subject = [=] { run("block"); };
  c.reference = [=] { run("dis"); };
  return c;
});

}  // namespace
}  // namespace tal::bench
#endif
