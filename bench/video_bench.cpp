// Extraction against a bare decode loop with as many videos at a time, and the default flow against OpenCV's cheapest, on one thread.
#ifdef TAL_HAVE_VIDEO
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <opencv2/videoio.hpp>
#include <thread>
#include <vector>

#include "bench/bench.h"
#include "libtal/video/decoder.h"
#include "libtal/video/encoder.h"
#include "libtal/video/extract.h"
#include "libtal/video/synth_video.h"

namespace tal::bench {
namespace {

struct Clip {
  std::string path;
  bool own = false;
  explicit Clip(std::string existing) : path(std::move(existing)) {}
  explicit Clip(double seconds) : own(true) {
    path = (std::filesystem::temp_directory_path() / ("tal-bench-" + std::to_string(::getpid()) + ".avi")).string();
    SynthVideoOptions options;
    options.width = 320, options.height = 240, options.duration = seconds;
    write_video(path, draw(options, 1, 0));
  }
  ~Clip() {
    std::error_code ignored;
    if (own) std::filesystem::remove(path, ignored);
  }
  Clip(const Clip&) = delete;
  Clip& operator=(const Clip&) = delete;
};

// A real mpeg4 video when there is one (it decodes faster than Motion JPEG, so the comparison is harder).
std::shared_ptr<Clip> clip() {
  const char* data = std::getenv("TAL_DATA_DIR");
  const std::string real = (data ? std::string(data) : std::string(TAL_SOURCE_DIR) + "/../shared/data") + "/videos/plastering.avi";
  return std::filesystem::exists(real) ? std::make_shared<Clip>(real) : std::make_shared<Clip>(40.0);
}

void at_a_time(int jobs, const std::function<void()>& work) {
  std::vector<std::jthread> threads;
  for (int i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
}

Case hog_hof(const std::string& name, int jobs) {
  const auto video = clip();
  double frames = 0;
  {
    VideoDecoder decoder(video->path);
    cv::Mat frame;
    while (decoder.read(frame)) ++frames;
  }
  const std::string many = jobs == 1 ? "one video" : std::to_string(jobs) + " videos at a time";
  Case c{name, "features of " + many, "bare OpenCV decode loop, " + many, "frames/s", jobs * frames, 7};
  c.subject = [=] {
    at_a_time(jobs, [&] {
      Record record = Record::make("v");
      record.set_text("path", video->path);
      ExtractOptions options;
      options.inline_data = true;
      options.decode_ahead = jobs < static_cast<int>(std::thread::hardware_concurrency());  // as the tool does
      extract(record, options);
    });
  };
  c.reference = [=] {
    at_a_time(jobs, [&] {
      cv::VideoCapture capture(video->path, cv::CAP_FFMPEG);
      cv::Mat frame;
      while (capture.read(frame)) {
      }
    });
  };
  return c;
}

Register hog_hof_1("extract/hog-hof", [] { return hog_hof("extract/hog-hof", 1); });
Register hog_hof_2("extract/hog-hof-j2", [] { return hog_hof("extract/hog-hof-j2", 2); });

Register flow("extract/flow", [] {
  auto frames = std::make_shared<std::vector<cv::Mat>>();
  {
    const Clip drawn(4.0);
    VideoDecoder decoder(drawn.path);
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
