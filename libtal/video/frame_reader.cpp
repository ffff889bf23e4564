#include "libtal/video/frame_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/sha256.h"
#include "libtal/io/jsonl.h"
#include "libtal/video/decode_ahead.h"
#include "libtal/video/decoder.h"
#include "libtal/video/flow.h"
#include "libtal/video/opencv_info.h"

namespace tal {
namespace {

constexpr const char* kVersion = "frames/3";  // change it when the same contract gives other bytes
constexpr std::size_t kHeaderBytes = 128;

std::string npy_header(std::int64_t count, std::int64_t height, std::int64_t width, std::int64_t channels) {
  std::string dict = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(count) + ", " +
                     std::to_string(height) + ", " + std::to_string(width) + ", " + std::to_string(channels) + "), }";
  dict.resize(kHeaderBytes - 11, ' ');
  const auto length = static_cast<unsigned>(kHeaderBytes - 10);
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length & 255) + static_cast<char>(length >> 8) + dict +
         "\n";
}

// Frames on their way into an .npy image: a temporary file that goes with its mapping.
class Spool {
 public:
  explicit Spool(std::int64_t channels) : file_(std::tmpfile(), std::fclose), channels_(channels) {
    if (!file_) throw_errno("temporary file", errno);
    write(std::string(kHeaderBytes, ' ').data(), kHeaderBytes);
  }
  void add(const cv::Mat& frame) {
    if (count_ == 0) size_ = frame.size();
    for (int y = 0; y < frame.rows; ++y) write(frame.ptr(y), static_cast<std::size_t>(frame.cols * channels_));
    ++count_;
  }
  std::int64_t count() const { return count_; }
  std::unique_ptr<MappedFile> finish() {
    const std::string header = npy_header(count_, size_.height, size_.width, channels_);
    if (std::fflush(file_.get()) != 0 ||
        ::pwrite(fileno(file_.get()), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()))
      throw_errno("temporary file", errno);
    return std::make_unique<MappedFile>("/proc/self/fd/" + std::to_string(fileno(file_.get())));
  }

 private:
  void write(const void* data, std::size_t bytes) {
    if (std::fwrite(data, 1, bytes, file_.get()) != bytes) throw_errno("temporary file", errno);
  }
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::int64_t channels_, count_ = 0;
  cv::Size size_;
};

cv::Size target_size(const cv::Size& frame, const FrameContract& contract) {
  const int side = static_cast<int>(contract.side);
  if (contract.resize == "square") return {side, side};
  if (contract.resize == "stretch") return {static_cast<int>(contract.width), side};
  const double scale = static_cast<double>(side) / std::min(frame.width, frame.height);
  return {std::max(side, static_cast<int>(std::lround(frame.width * scale))),
          std::max(side, static_cast<int>(std::lround(frame.height * scale)))};
}

// A decoded frame -> RGB of the first frame's target size.
class Shrink {
 public:
  explicit Shrink(const FrameContract& contract) : contract_(contract) {}
  const cv::Mat& operator()(const cv::Mat& bgr) {
    if (size_.empty()) size_ = target_size(bgr.size(), contract_);
    // Area means where pixels are lost, interpolation where there are too few.
    const bool smaller = size_.width <= bgr.cols && size_.height <= bgr.rows;
    cv::resize(bgr, small_, size_, 0, 0, smaller ? cv::INTER_AREA : cv::INTER_LINEAR);
    cv::cvtColor(small_, rgb_, cv::COLOR_BGR2RGB);
    return rgb_;
  }

 private:
  const FrameContract& contract_;
  cv::Size size_;
  cv::Mat small_, rgb_;
};

struct Pictures {
  std::unique_ptr<MappedFile> image;
  double fps = 0, duration = 0;
};

// fps 0: the container's own. threads: of the codec, as DecodeOptions.
Pictures decode(const std::string& path, const FrameContract& contract, double fps, int threads = 0) {
  DecodeOptions decoding;
  decoding.threads = threads;
  VideoDecoder decoder(path, decoding);
  const double wanted = fps;
  if (fps == 0) fps = decoder.fps();
  Spool spool(3);
  Shrink shrink(contract);
  {
    DecodeAhead frames(decoder);
    Resampler resampler(fps);
    cv::Mat current, last;
    double time = 0;
    while (frames.next(current, time)) {
      const auto decided = resampler.push(time);
      for (std::int64_t k = 0; k < decided.previous; ++k) spool.add(last);
      const auto& rgb = shrink(current);
      for (std::int64_t k = 0; k < decided.current; ++k) spool.add(rgb);
      rgb.copyTo(last);
    }
    // A fixed number of frames: the last one fills up what rounding left open.
    while (contract.count > 0 && spool.count() > 0 && spool.count() < contract.count) spool.add(last);
  }
  const auto damage = decoder.damage();
  // What a codec makes of damaged pictures may depend on its threads: frames must not.
  if ((decoder.damaged() > 0 || damage.found) && !decoder.single()) return decode(path, contract, wanted, 1);
  if (damage.found) throw Error(damage.message);
  // Time stamps that tell another rate than the container does.
  if (wanted == 0 && decoder.fps() != fps) return decode(path, contract, decoder.fps(), threads);
  if (spool.count() == 0) throw Error("'" + path + "': no frame");
  return {spool.finish(), fps, decoder.duration()};
}

// contract.count frames over the duration that the container states; again when decoding finds another one.
Pictures decode_evenly(const std::string& path, const FrameContract& contract) {
  const auto count = static_cast<double>(contract.count);
  double duration;
  {
    const VideoDecoder probe(path);
    duration = probe.claimed() > 0 ? static_cast<double>(probe.claimed()) / probe.fps() : count / probe.fps();
  }
  auto pictures = decode(path, contract, count / duration);
  if (std::abs(pictures.duration - duration) > 0.5 * duration / count)
    pictures = decode(path, contract, count / pictures.duration);
  return pictures;
}

std::unique_ptr<MappedFile> flow_between(const MappedFile& pictures, const std::string& method) {
  prepare_opencv();
  const NpyHeader header = parse_npy_header(pictures.bytes());
  const int height = static_cast<int>(header.shape[1]), width = static_cast<int>(header.shape[2]);
  const auto flow = make_flow(method);
  Spool spool(2);
  cv::Mat previous, next, field, bytes = cv::Mat::zeros(height, width, CV_8UC2) + cv::Scalar::all(kBlankByte);
  for (std::int64_t k = 0; k < header.shape[0]; ++k) {
    auto* rgb = const_cast<char*>(pictures.bytes().data()) + header.data_offset +
                static_cast<std::size_t>(k * height * width * 3);  // only read
    cv::cvtColor(cv::Mat(height, width, CV_8UC3, rgb), next, cv::COLOR_RGB2GRAY);
    if (k > 0) {
      flow->compute(previous, next, field);
      field.convertTo(bytes, CV_8U, kFlowScale, kBlankByte);
      spool.add(bytes);
    }
    cv::swap(previous, next);
  }
  spool.add(bytes);
  return spool.finish();
}

// The files of one video in a cache folder.
class Cache {
 public:
  Cache(const std::string& folder, const std::string& path, const FrameContract& contract) {
    if (folder.empty()) return;
    struct stat state {};
    if (::stat(path.c_str(), &state) != 0) throw_errno(path, errno);
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) throw Error("'" + folder + "': " + failed.message());
    const std::string rate =
        contract.count > 0 ? "count " + std::to_string(contract.count) : "fps " + format_number(contract.fps);
    const std::string key = std::string(kVersion) + " opencv " + CV_VERSION + " " + libav_version() + " | " +
                            std::filesystem::absolute(path).string() + " " + std::to_string(state.st_size) + " " +
                            std::to_string(state.st_mtim.tv_sec) + "." + std::to_string(state.st_mtim.tv_nsec) + " | " +
                            rate + " " + contract.resize + " " +
                            (contract.resize == "stretch" ? std::to_string(contract.width) + "x" : "") +
                            std::to_string(contract.side);
    base_ = (std::filesystem::path(folder) /
             (std::filesystem::path(path).stem().string() + "-" + sha256(key).substr(7, 16)))
                .string();
  }
  // Maps a finished file, or makes it.
  template <class Make>
  std::unique_ptr<MappedFile> image(const std::string& kind, Make&& make) const {
    if (base_.empty()) return make();
    const std::string path = base_ + "." + kind + ".npy";
    if (!std::filesystem::exists(path)) {
      const auto made = make();
      AtomicFile file(path);
      file.write(made->bytes());
      file.commit();
    }
    return std::make_unique<MappedFile>(path);
  }
  std::string facts() const { return base_.empty() ? "" : base_ + ".json"; }

 private:
  std::string base_;
};

Pictures pictures_of(const std::string& path, const FrameContract& contract, const Cache& cache) {
  Pictures pictures;
  pictures.fps = contract.fps;
  const std::string facts = cache.facts();
  const auto make = [&] {
    auto made = contract.count > 0 ? decode_evenly(path, contract) : decode(path, contract, contract.fps);
    pictures.fps = made.fps, pictures.duration = made.duration;
    return std::move(made.image);
  };
  if (!facts.empty() && std::filesystem::exists(facts)) {
    try {
      const auto known = nlohmann::json::parse(read_file(facts));
      pictures.fps = known.at("fps"), pictures.duration = known.at("duration");
    } catch (const nlohmann::json::exception&) {
      throw Error("'" + facts + "' is damaged; without it the video is read anew");
    }
    pictures.image = cache.image("rgb", make);
  } else if (facts.empty()) {
    pictures.image = make();
  } else {  // the facts come last: pictures without them are not finished
    std::filesystem::remove(facts.substr(0, facts.size() - 4) + "rgb.npy");
    pictures.image = cache.image("rgb", make);
    AtomicFile file(facts);
    file.write(nlohmann::ordered_json{{"path", path}, {"fps", pictures.fps}, {"duration", pictures.duration}}.dump() +
               "\n");
    file.commit();
  }
  return pictures;
}

}  // namespace

std::shared_ptr<const Frames> open_frames(const std::string& path, const FrameContract& contract,
                                          const std::string& cache_folder) {
  if (contract.has_flow()) make_flow(contract.flow);  // refuse before decoding
  try {
    const Cache cache(cache_folder, path, contract);
    auto pictures = pictures_of(path, contract, cache);
    std::vector<std::unique_ptr<MappedFile>> images;
    std::unique_ptr<MappedFile> flow;
    if (contract.has_flow())
      flow = cache.image("flow-" + contract.flow, [&] { return flow_between(*pictures.image, contract.flow); });
    if (contract.rgb()) images.push_back(std::move(pictures.image));
    if (flow) images.push_back(std::move(flow));
    try {
      return std::make_shared<const Frames>(std::move(images), pictures.fps, pictures.duration);
    } catch (const Error& error) {
      throw Error("'" + path + "': " +
                  (cache_folder.empty()
                       ? ""
                       : "the frames in '" + cache_folder + "' are damaged (without them the video is read anew): ") +
                  error.message());
    }
  } catch (const cv::Exception& error) {
    throw Error("'" + path + "': " + error.err);
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error("'" + error.path1().string() + "': " + error.code().message());
  }
}

}  // namespace tal
