// Sampling by time stamp, window rules, the hog-hof encoder on drawn motion, extraction of synthetic videos.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include "libtal/base/error.h"
#include "libtal/base/sha256.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npy.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decode_ahead.h"
#include "libtal/video/decoder.h"
#include "libtal/video/flow.h"
#include "libtal/video/synth_render.h"
#include "tests/support.h"

using namespace tal;
using tal::test::Folder;
namespace fs = std::filesystem;

namespace {

std::vector<std::int64_t> stream(const std::vector<double>& times, double fps) {
  Resampler resampler(fps);
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto decided = resampler.push(times[i]);
    out.insert(out.end(), static_cast<std::size_t>(decided.previous), static_cast<std::int64_t>(i) - 1);
    out.insert(out.end(), static_cast<std::size_t>(decided.current), static_cast<std::int64_t>(i));
  }
  return out;
}

nlohmann::json extracted(const std::string& path, const ExtractOptions& options) {
  Record record = Record::make("v");
  record.set_text("path", path);
  extract(record, options);
  return nlohmann::json::parse(record.str());
}

// A textured picture moved by (dx, dy) pixels.
cv::Mat picture(double dx, double dy) {
  cv::Mat image(240, 320, CV_8UC3);
  for (int y = 0; y < image.rows; ++y)
    for (int x = 0; x < image.cols; ++x) {
      const double value = 127 + 50 * std::sin((x - dx) / 17) + 50 * std::sin((y - dy) / 13 + (x - dx) / 31);
      image.at<cv::Vec3b>(y, x) = cv::Vec3b::all(static_cast<std::uint8_t>(value));
    }
  return image;
}

// Fills the pictures of frames [first, last) of an AVI file with zeros; the file's structure stays.
std::string blank_frames(std::string avi, int first, int last) {
  std::size_t at = avi.find("movi") + 4;
  for (int k = 0; avi.compare(at, 4, "00dc") == 0; ++k) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(avi[at + 4 + i]));
    };
    const std::size_t size = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    if (k >= first && k < last) avi.replace(at + 8, size, std::string(size, '\0'));
    at += 8 + size + size % 2;
  }
  return avi;
}

// The plain form of the block flow: one Gauss-Newton step of a block, pixel by pixel.
void plain_step(const cv::Mat& previous, const cv::Mat& next, int x0, int y0, int size, float& u, float& v) {
  const int du = static_cast<int>(std::lround(u)), dv = static_cast<int>(std::lround(v));
  int xx = 0, xy = 0, yy = 0, xt = 0, yt = 0, count = 0;
  for (int y = y0; y < y0 + size; ++y)
    for (int x = x0; x < x0 + size; ++x) {
      const bool inside = x >= 1 && y >= 1 && x < previous.cols - 1 && y < previous.rows - 1 && x + du >= 0 &&
                          y + dv >= 0 && x + du < next.cols - 1 && y + dv < next.rows - 1;
      if (!inside) continue;
      const auto grey = [&](const cv::Mat& m, int row, int column) {
        return static_cast<int>(m.at<std::uint8_t>(row, column));
      };
      const int gx = grey(previous, y, x + 1) - grey(previous, y, x - 1),
                gy = grey(previous, y + 1, x) - grey(previous, y - 1, x);
      const int t = grey(next, y + dv, x + du) - grey(previous, y, x);
      xx += gx * gx, xy += gx * gy, yy += gy * gy, xt += gx * t, yt += gy * t, ++count;
    }
  if (count < size * size / 4) return;
  const float a = static_cast<float>(xx), b = static_cast<float>(xy), c = static_cast<float>(yy);
  if (0.5f * (a + c - std::sqrt((a - c) * (a - c) + 4 * b * b)) < 16.0f * static_cast<float>(count)) return;
  const float det = a * c - b * b;
  const float su = -2 * (c * static_cast<float>(xt) - b * static_cast<float>(yt)) / det;
  const float sv = -2 * (a * static_cast<float>(yt) - b * static_cast<float>(xt)) / det;
  if (std::abs(su) > 2.5f || std::abs(sv) > 2.5f) return;
  u = static_cast<float>(du) + su, v = static_cast<float>(dv) + sv;
}

cv::Mat plain_half(const cv::Mat& in) {
  cv::Mat out(in.rows / 2, in.cols / 2, CV_8U);
  for (int y = 0; y < out.rows; ++y)
    for (int x = 0; x < out.cols; ++x)
      out.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(
          (in.at<std::uint8_t>(2 * y, 2 * x) + in.at<std::uint8_t>(2 * y, 2 * x + 1) +
           in.at<std::uint8_t>(2 * y + 1, 2 * x) + in.at<std::uint8_t>(2 * y + 1, 2 * x + 1) + 2) /
          4);
  return out;
}

bool says(const Error& error, const std::string& text) {
  BOOST_TEST_MESSAGE(error.what());
  return std::string(error.what()).find(text) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(video_extract)

BOOST_AUTO_TEST_CASE(sampling_takes_the_nearest_frame_and_the_earlier_on_a_tie) {
  std::vector<double> times;
  for (int i = 0; i < 11; ++i) times.push_back(i * 0.04);  // 25 frames per second
  // Samples at 0, 0.1 (between 0.08 and 0.12: a tie), 0.2, 0.3 (a tie), 0.4.
  const std::vector<std::int64_t> expected = {0, 2, 5, 7, 10};
  BOOST_TEST(stream(times, 10) == expected, boost::test_tools::per_element());
  // A gap: 0, then nothing until 1 s; every sample is the nearer end, the middle the earlier.
  const std::vector<std::int64_t> gap = {0, 0, 0, 1, 1};
  BOOST_TEST(stream({0, 1}, 4) == gap, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(streaming_agrees_with_searching_all_times) {
  std::uint64_t state = 7;
  for (int round = 0; round < 50; ++round) {
    std::vector<double> times = {0};
    for (int i = 0; i < 60; ++i) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      times.push_back(times.back() + 0.01 + 0.01 * static_cast<double>(state >> 61));
    }
    for (const double fps : {5.0, 10.0, 24.0, 29.97, 60.0})
      BOOST_TEST(stream(times, fps) == resample(times, fps), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(shrinking_is_the_mean_over_blocks) {
  const cv::Mat image = picture(0, 0);
  cv::Mat grey, expected, mean;
  shrink_grey(image, 4, grey);
  cv::resize(image, mean, cv::Size(80, 60), 0, 0, cv::INTER_AREA);
  cv::cvtColor(mean, expected, cv::COLOR_BGR2GRAY);
  BOOST_TEST(cv::norm(grey, expected, cv::NORM_INF) <= 1.0);
}

// Rec. 601 over every block, rounded once: the same integers whatever the factor.
BOOST_AUTO_TEST_CASE(shrinking_is_exact) {
  for (const auto& [size, factor] :
       {std::pair(cv::Size(320, 240), 4), std::pair(cv::Size(331, 243), 4), std::pair(cv::Size(9, 3), 4),
        std::pair(cv::Size(100, 90), 3), std::pair(cv::Size(77, 50), 1), std::pair(cv::Size(640, 400), 7)}) {
    cv::Mat image(size, CV_8UC3), grey;
    cv::randu(image, 0, 256);
    shrink_grey(image, factor, grey);
    const int tall = std::min(factor, image.rows), wide = std::min(factor, image.cols);
    for (int y = 0; y < grey.rows; ++y)
      for (int x = 0; x < grey.cols; ++x) {
        std::int64_t sum = 0;
        for (int dy = 0; dy < tall; ++dy)
          for (int dx = 0; dx < wide; ++dx) {
            const auto& bgr = image.at<cv::Vec3b>(y * factor + dy, x * wide + dx);
            sum += 114 * bgr[0] + 587 * bgr[1] + 299 * bgr[2];
          }
        const std::int64_t whole = std::int64_t{tall} * wide * 1000;
        BOOST_REQUIRE_EQUAL(int{grey.at<std::uint8_t>(y, x)}, (2 * sum + whole) / (2 * whole));
      }
  }
}

BOOST_AUTO_TEST_CASE(every_flow_finds_a_known_shift) {
  for (const std::string method : {"block", "dis", "farneback"}) {
    cv::Mat a, b, flow;
    shrink_grey(picture(0, 0), 4, a);
    shrink_grey(picture(6, -4), 4, b);  // 1.5 and -1 pixels of the small image
    make_flow(method)->compute(a, b, flow);
    const cv::Scalar mean = cv::mean(flow(cv::Rect(16, 16, 48, 28)));
    BOOST_TEST_CONTEXT(method) {
      BOOST_TEST(std::abs(mean[0] - 1.5) < 0.3);
      BOOST_TEST(std::abs(mean[1] + 1.0) < 0.3);
    }
  }
}

BOOST_AUTO_TEST_CASE(block_flow_is_that_of_the_plain_loop) {
  std::uint32_t state = 5;
  const auto random = [&] { return (state = state * 1664525u + 1013904223u) >> 24; };
  for (const auto& [rows, cols] : {std::pair{60, 80}, {61, 83}, {17, 9}, {64, 85}, {2, 40}}) {
    cv::Mat a(rows, cols, CV_8U), b;
    for (int y = 0; y < rows; ++y)
      for (int x = 0; x < cols; ++x)
        a.at<std::uint8_t>(y, x) =
            static_cast<std::uint8_t>(120 + 60 * std::sin(x * 0.4) + 40 * std::cos(y * 0.5 + x * 0.1) + random() % 16);
    const cv::Mat shift = (cv::Mat_<double>(2, 3) << 1, 0, 2.3, 0, 1, -1.6);
    cv::warpAffine(a, b, shift, a.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    cv::Mat flow;
    make_flow("block")->compute(a, b, flow);
    const cv::Mat half_a = plain_half(a), half_b = plain_half(b);
    int different = 0, moving = 0;
    for (int y = 0; y < rows; ++y)
      for (int x = 0; x < cols; ++x) {
        float u = 0, v = 0;
        plain_step(half_a, half_b, x / 8 * 4, y / 8 * 4, 4, u, v);
        u *= 2, v *= 2;
        plain_step(a, b, x / 8 * 8, y / 8 * 8, 8, u, v);
        const auto got = flow.at<cv::Vec2f>(y, x);
        different += got[0] != std::clamp(u, -20.0f, 20.0f) || got[1] != std::clamp(v, -20.0f, 20.0f);
        moving += got[0] != 0;
      }
    BOOST_TEST_CONTEXT(rows << " x " << cols) {
      BOOST_TEST(different == 0);
      if (rows > 50) BOOST_TEST(moving > rows * cols / 2);
    }
  }
}

BOOST_AUTO_TEST_CASE(hog_hof_rows) {
  auto encoder = make_encoder("hog-hof", {});
  BOOST_TEST(encoder->dim() == static_cast<std::int64_t>(encoder->columns().size()));
  BOOST_TEST(encoder->columns().back() == "motion");
  const auto dim = static_cast<std::size_t>(encoder->dim());
  std::vector<float> still, moving, again;
  const std::vector<std::int64_t> window = {1, 2, 3};
  for (int i = 0; i < 4; ++i) encoder->push(picture(0, 0));
  encoder->encode(window, still);
  encoder->reset();
  for (int i = 0; i < 4; ++i) encoder->push(picture(4 * i, 0));
  encoder->encode(window, moving);
  BOOST_REQUIRE(still.size() == dim);
  // One pixel of 60 per frame is 1.67 per cent.
  BOOST_TEST(still.back() == 0.0f);
  BOOST_TEST(std::abs(moving.back() - 1.67) < 0.35);
  double hog = 0;
  for (std::size_t i = 0; i < 128; ++i) hog += moving[i];
  BOOST_TEST(std::abs(hog - 1) < 1e-4);  // shares
  encoder->reset();
  for (int i = 0; i < 4; ++i) encoder->push(picture(4 * i, 0));
  encoder->encode(window, again);
  BOOST_TEST(moving == again, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(unknown_encoders_and_weights_are_refused) {
  BOOST_CHECK_THROW(make_encoder("hog-hoff", {}), UsageError);
  BOOST_CHECK_THROW(make_encoder("hog-hof:w.safetensors", {}), UsageError);
  BOOST_CHECK_THROW(make_flow("none"), UsageError);
}

BOOST_AUTO_TEST_CASE(synthetic_videos_have_their_actions_where_they_say) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 12;
  const auto video = draw(options, 5, 0);
  BOOST_TEST(video.frames == 300);
  BOOST_REQUIRE(!video.annotations.empty());
  const auto path = folder / "v.avi";
  write_video(path, video);
  write_video(folder / "w.avi", draw(options, 5, 0));
  BOOST_TEST(read_file(path) == read_file(folder / "w.avi"));  // deterministic
  BOOST_CHECK_THROW(write_video(folder / "v.webm", video), Error);
  write_video(folder / "v.mp4", video), write_video(folder / "w.mp4", video);
  BOOST_TEST(read_file(folder / "v.mp4") == read_file(folder / "w.mp4"));
  BOOST_TEST(read_file(folder / "v.mp4").size() < read_file(path).size() / 2);

  ExtractOptions extract_options;
  extract_options.out_dir = folder / "f";
  extract_options.window = 4, extract_options.stride = 2;
  const auto record = extracted(path, extract_options);
  BOOST_TEST(record["frames"] == 300);
  BOOST_TEST(std::abs(record["duration"].get<double>() - 12) < 1e-6);
  const auto& stream = record["features"]["hog-hof"];
  BOOST_TEST(stream["rows"] == (300 - 4) / 2 + 1);
  const std::string npy = read_file(stream["path"]);
  const std::size_t dim = stream["dim"], rows = stream["rows"];
  const auto* values = reinterpret_cast<const float*>(npy.data() + npy.size() - rows * dim * 4);
  double inside = 0, outside = 0;
  int inside_count = 0, outside_count = 0;
  for (std::size_t g = 0; g < rows; ++g) {
    const double time = (static_cast<double>(g) * 2 + 2) / 25;
    bool in = false;
    for (const auto& action : video.annotations) in = in || (time >= action.segment.start && time < action.segment.end);
    (in ? inside : outside) += values[g * dim + dim - 1];
    (in ? inside_count : outside_count)++;
  }
  BOOST_TEST_MESSAGE("motion inside " << inside / inside_count << ", outside " << outside / outside_count);
  BOOST_TEST(inside / inside_count > 4 * outside / outside_count);
}

BOOST_AUTO_TEST_CASE(tails_inline_and_half) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 2;
  options.actions = 0;
  const auto path = folder / "v.avi";
  write_video(path, draw(options, 1, 0));  // 50 frames
  ExtractOptions o;
  o.inline_data = true;
  auto stream = extracted(path, o)["features"]["hog-hof"];
  BOOST_TEST(stream["rows"] == 5);
  BOOST_TEST(stream["data"].get<std::string>().size() == (5 * 161 * 4 + 2) / 3 * 4);
  o.tail = "shift";
  o.half = true;
  stream = extracted(path, o)["features"]["hog-hof"];
  BOOST_TEST(stream["rows"] == 6);
  BOOST_TEST(stream["last_start"] == 34);
  BOOST_TEST(stream["dtype"] == "float16");
  BOOST_TEST(stream["data"].get<std::string>().size() == (6 * 161 * 2 + 2) / 3 * 4);
  o.window = 64;
  o.tail = "drop";
  BOOST_CHECK_THROW(extracted(path, o), Error);
  o.tail = "pad";
  BOOST_TEST(extracted(path, o)["features"]["hog-hof"]["rows"] == 1);
  o.fps = "10";
  o.window = 4, o.stride = 4;
  stream = extracted(path, o)["features"]["hog-hof"];
  BOOST_TEST(stream["frames"] == 20);  // 0, 0.1, ... 1.9; the last frame is at 1.96 s
  BOOST_TEST(stream["fps"] == 10);
  BOOST_TEST(stream["resample"] == "pts");
}

BOOST_AUTO_TEST_CASE(resume_and_faults) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 4;
  const auto path = folder / "v.avi";
  write_video(path, draw(options, 2, 0));
  ExtractOptions o;
  o.out_dir = folder / "f";
  const auto first = extracted(path, o);
  const auto written = fs::last_write_time(folder / "f/v.hog-hof.npy");
  o.resume = true;
  BOOST_TEST(extracted(path, o) == first);
  BOOST_TEST((fs::last_write_time(folder / "f/v.hog-hof.npy") == written));
  o.stride = 4;  // other settings: extracted anew
  BOOST_TEST(extracted(path, o)["features"]["hog-hof"]["rows"] == (100 - 16) / 4 + 1);
  BOOST_TEST((fs::last_write_time(folder / "f/v.hog-hof.npy") != written));

  std::ofstream(folder / "text.avi") << "not a video";
  std::ofstream(folder / "empty.mp4") << "";
  for (const std::string name : {"text.avi", "empty.mp4", "missing.mp4", "."})
    BOOST_CHECK_THROW(extracted(folder / name, o), Error);
  fs::remove_all(folder / "f");
  const std::string whole = read_file(path);
  std::ofstream(folder / "cut.avi", std::ios::binary) << whole.substr(0, whole.size() / 2);
  BOOST_CHECK_EXCEPTION(extracted(folder / "cut.avi", o), Error, [](const Error& e) {
    return std::string(e.what()).find("last good time stamp") != std::string::npos;
  });
  BOOST_TEST(!fs::exists(folder / "f"));  // nothing half-written
  o.partial = true;
  const auto kept = extracted(folder / "cut.avi", o);
  BOOST_TEST(kept["frames"].get<int>() < 60);
  BOOST_TEST(kept["frames"].get<int>() > 40);
}

BOOST_AUTO_TEST_CASE(decoding_ahead_gives_the_same_frames_in_order) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 4;
  const auto path = folder / "v.avi";
  write_video(path, draw(options, 3, 0));
  std::vector<std::pair<double, std::string>> plain, ahead;
  const auto digest = [](const cv::Mat& frame) {
    return sha256({reinterpret_cast<const char*>(frame.data), frame.total() * frame.elemSize()});
  };
  {
    VideoDecoder decoder(path);
    for (cv::Mat frame; decoder.read(frame);) plain.emplace_back(decoder.time(), digest(frame));
  }
  {
    VideoDecoder decoder(path);
    DecodeAhead frames(decoder);
    cv::Mat frame;
    double time = 0;
    while (frames.next(frame, time)) ahead.emplace_back(time, digest(frame));
    BOOST_TEST(!frames.next(frame, time));  // the end stays the end
    BOOST_TEST(decoder.frames() == 100);
  }
  BOOST_TEST((plain == ahead));
  VideoDecoder decoder(path);  // left early: must neither hang nor decode on
  DecodeAhead frames(decoder);
  cv::Mat frame;
  double time = 0;
  BOOST_TEST(frames.next(frame, time));
}

BOOST_AUTO_TEST_CASE(frames_that_do_not_decode_stop_the_video_at_the_last_good_time) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 12;
  write_video(folder / "v.avi", draw(options, 2, 0));
  std::ofstream(folder / "damaged.avi", std::ios::binary) << blank_frames(read_file(folder / "v.avi"), 100, 120);
  ExtractOptions o;
  o.out_dir = folder / "f";
  BOOST_CHECK_EXCEPTION(extracted(folder / "damaged.avi", o), Error, [](const Error& e) {
    return says(e,
                "corrupt: no frame between 3.960 and 4.800 s: last good time stamp 3.960 s, 280 of 300 frames decoded");
  });
  BOOST_TEST(!fs::exists(folder / "f"));
  o.partial = true;
  BOOST_TEST(extracted(folder / "damaged.avi", o)["frames"] == 100);
}

BOOST_AUTO_TEST_CASE(a_hole_in_the_middle_is_damage_and_what_lies_behind_it_is_not_kept) {
  Folder folder;
  const auto path = folder / "v.mkv";
  {
    prepare_opencv();
    // Pictures at 25 a second for 30 s; Matroska begins a new cluster every five seconds.
    cv::VideoWriter writer(path, cv::CAP_FFMPEG, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 25, cv::Size(320, 240));
    if (!writer.isOpened()) {
      std::cout << "SKIPPED: no data: this OpenCV writes no Matroska" << std::endl;
      return;
    }
    for (int i = 0; i < 750; ++i) writer.write(picture(i % 50, 0));
  }
  ExtractOptions o;
  o.out_dir = folder / "f";
  const auto whole = extracted(path, o);
  BOOST_TEST(whole["frames"] == 750);
  const auto rows = read_file(folder / "f/v.hog-hof.npy");
  fs::remove_all(folder / "f");

  std::string bytes = read_file(path);
  for (std::size_t i = bytes.size() * 2 / 5; i < bytes.size() / 2; ++i) bytes[i] = 0;
  std::ofstream(folder / "hole.mkv", std::ios::binary) << bytes;
  BOOST_CHECK_EXCEPTION(extracted(folder / "hole.mkv", o), Error, [](const Error& e) {
    return says(e, "corrupt: no frame between ") && says(e, "last good time stamp ");
  });
  BOOST_TEST(!fs::exists(folder / "f"));

  o.partial = true;
  const auto kept = extracted(folder / "hole.mkv", o);
  const int frames = kept["frames"];
  BOOST_TEST(frames > 200);
  BOOST_TEST(frames < 320);  // the damage begins at two fifths of the bytes
  // What is kept is the beginning of the whole.
  const auto part = read_file(folder / "f/v.hog-hof.npy");
  const std::size_t kept_rows = kept["features"]["hog-hof"]["rows"], row = 161 * 4;
  BOOST_TEST(kept_rows == static_cast<std::size_t>((frames - 16) / 8 + 1));
  const std::size_t head = rows.size() - row * whole["features"]["hog-hof"]["rows"].get<std::size_t>();
  BOOST_TEST((part.substr(part.size() - kept_rows * row) == rows.substr(head, kept_rows * row)));
}

BOOST_AUTO_TEST_CASE(headers_carry_hashes_that_resuming_checks) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 2;
  const auto path = folder / "v.avi", npy = folder / "f/v.hog-hof.npy";
  write_video(path, draw(options, 2, 0));
  ExtractOptions o;
  o.out_dir = folder / "f";
  extracted(path, o);
  const auto header = nlohmann::json::parse(read_file(folder / "f/v.hog-hof.json"));
  BOOST_TEST(header["feature"]["hash"] == sha256(header["settings"].get<std::string>()));
  BOOST_TEST(header["content"] == sha256(read_file(npy)));
  const std::string good = read_file(npy);
  std::string bad = good;
  bad.back() = static_cast<char>(bad.back() ^ 1);
  std::ofstream(npy, std::ios::binary) << bad;
  o.resume = true;
  extracted(path, o);  // the rows are not those of the header: extracted again
  BOOST_TEST((read_file(npy) == good));
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_extraction_then_gives) {
  Folder folder;
  SynthVideoOptions options;
  options.duration = 5;
  const auto path = folder / "v.avi";
  write_video(path, draw(options, 2, 0));
  for (const std::string fps : {"", "10", "30000/1001"})
    for (const std::string tail : {"drop", "pad", "shift"}) {
      ExtractOptions o;
      o.out_dir = folder / ("f" + tail + std::to_string(fps.size()));
      o.fps = fps, o.tail = tail, o.resume = true, o.half = tail == "pad";
      Record record = Record::make("v");
      record.set_text("path", path);
      const auto before = plan(record, o);
      BOOST_TEST(!before.finished);
      BOOST_TEST(!fs::exists(o.out_dir));
      const auto json = extracted(path, o);
      BOOST_TEST_CONTEXT(fps << " " << tail) {
        BOOST_TEST(*before.rows == json["features"]["hog-hof"]["rows"].get<std::int64_t>());
        BOOST_TEST(*before.frames == json["frames"].get<std::int64_t>());
        const auto header = parse_npy_header(read_file(json["features"]["hog-hof"]["path"]));
        BOOST_TEST(*before.streams.at(0).bytes == header.count() * header.bytes);
        BOOST_TEST(plan(record, o).finished);
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()
