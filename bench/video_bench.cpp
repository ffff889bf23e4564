// Extraction against a bare decode loop with as many videos at a time, and the default flow against OpenCV's cheapest,
// on one thread.
#ifdef TAL_HAVE_VIDEO
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <thread>
#include <vector>

#include "bench/bench.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/encoder/recipes.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decode_ahead.h"
#include "libtal/video/decoder.h"
#include "libtal/video/flow.h"
#include "libtal/video/flow_fields.h"
#include "libtal/video/synth_render.h"

namespace tal::bench {
namespace {

struct Clip {
  std::string path;
  bool own = false;
  explicit Clip(std::string existing) : path(std::move(existing)) {}
  explicit Clip(double seconds) : own(true) {
    static int made = 0;
    path = (std::filesystem::temp_directory_path() /
            ("tal-bench-" + std::to_string(::getpid()) + "-" + std::to_string(++made) + ".avi"))
               .string();
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
  const std::string real =
      (data ? std::string(data) : std::string(TAL_SOURCE_DIR) + "/../shared/data") + "/videos/plastering.avi";
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
      options.decode_ahead = room_to_decode_ahead(jobs);
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
  Case c{"extract/flow", "block motion of 80 x 60 images",        "OpenCV DIS, ultrafast",
         "pairs/s",      static_cast<double>(frames->size() - 1), 5};
  const auto run = [frames](const std::string& method) {
    auto flow = make_flow(method);
    cv::Mat field;
    for (std::size_t i = 1; i < frames->size(); ++i) flow->compute((*frames)[i - 1], (*frames)[i], field);
  };
  c.subject = [=] { run("block"); };
  c.reference = [=] { run("dis"); };
  return c;
});

// Flow as networks see it (decoding ahead, 8-bit pictures at the end) against the loop that one writes with OpenCV,
// which ends with the fields.
Case flow_pictures(const std::string& method, double seconds) {
  const auto video = std::make_shared<Clip>(seconds);
  const auto preprocessing = find_recipe("bninception-flow")->preprocessing;
  Case c{
      "extract/flow-" + method,
      "flow pictures of a video, " + std::to_string(preprocessing.width) + " x " + std::to_string(preprocessing.height),
      "OpenCV: read, resize, grey, calc",
      "frames/s",
      25 * seconds,
      3};
  c.subject = [=] {
    VideoDecoder decoder(video->path);
    DecodeAhead frames(decoder);
    FlowFields fields(preprocessing, method);
    fields.reset("");
    cv::Mat frame;
    double time = 0;
    for (std::int64_t k = 0; frames.next(frame, time); ++k) fields.push(frame), fields.release(k);
  };
  c.reference = [=] {
    cv::VideoCapture capture(video->path, cv::CAP_FFMPEG);
    const auto flow = make_flow(method);  // OpenCV's class with its own settings
    cv::Mat frame, resized, grey, previous, field;
    while (capture.read(frame)) {
      cv::resize(frame, resized, {preprocessing.width, preprocessing.height}, 0, 0, cv::INTER_LINEAR);
      cv::cvtColor(resized, grey, cv::COLOR_BGR2GRAY);
      if (!previous.empty()) flow->compute(previous, grey, field);
      cv::swap(previous, grey);
    }
  };
  return c;
}

Register flow_dis("extract/flow-dis", [] { return flow_pictures("dis", 8.0); });
#ifdef TAL_HAVE_OPTFLOW
Register flow_tvl1("extract/flow-tvl1", [] { return flow_pictures("tvl1", 0.8); });
#endif

}  // namespace
}  // namespace tal::bench
#endif
