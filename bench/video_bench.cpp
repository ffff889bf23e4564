// Extraction against ffmpeg that only decodes, and the default flow against OpenCV's cheapest,
// on one thread.
#ifdef TAL_HAVE_VIDEO
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <stdexcept>
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

std::string new_name() {
  static int made = 0;
  return (std::filesystem::temp_directory_path() /
          ("tal-bench-" + std::to_string(::getpid()) + "-" + std::to_string(++made) + ".avi"))
      .string();
}

struct Clip {
  std::string path;
  bool own = false;
  explicit Clip(std::string existing, bool to_make = false) : path(std::move(existing)), own(to_make) {
    if (to_make) path = new_name();
  }
  explicit Clip(double seconds) : path(new_name()), own(true) {
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

bool have_ffmpeg() { return std::system("ffmpeg -version >/dev/null 2>&1") == 0; }

// Five times the clip, so that starting programs counts for little.
std::shared_ptr<Clip> long_clip() {
  auto once = clip();
  if (!have_ffmpeg()) return once;
  auto out = std::make_shared<Clip>(std::string(), true);
  const std::string command =
      "ffmpeg -v quiet -nostdin -y -stream_loop 4 -i '" + once->path + "' -map 0:v -c copy '" + out->path + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  return out;
}

// As many threads decode and encode as ffmpeg may decode with.
Case hog_hof(const std::string& name, int jobs) {
  const auto video = long_clip();
  double frames = 0;
  {
    VideoDecoder decoder(video->path);
    cv::Mat frame;
    while (decoder.read(frame)) ++frames;
  }
  const std::string many = jobs == 1 ? "one video" : std::to_string(jobs) + " videos at a time";
  const std::string command =
      "ffmpeg -v quiet -nostdin -threads " + std::to_string(jobs) + " -i '" + video->path + "' -f null -";
  Case c{name,       "features of " + many, "ffmpeg -threads " + std::to_string(jobs) + " -i x -f null -",
         "frames/s", jobs * frames,         5};
  c.available = have_ffmpeg;
  c.subject = [=] {
    at_a_time(jobs, [&] {
      Record record = Record::make("v");
      record.set_text("path", video->path);
      ExtractOptions options;
      options.inline_data = true;
      options.decode_ahead = room_to_decode_ahead(jobs);
      options.decode_threads = decode_threads(jobs);
      extract(record, options);
    });
  };
  c.reference = [=] {
    for (int i = 0; i < jobs; ++i)
      if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
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
