#include "libtal/stages/plugins.h"

#include <fstream>

#include "libtal/base/error.h"
#include "libtal/base/shared_library.h"
#include "libtal/encoder/encoder.h"
#include "libtal/stages/torch_library.h"

namespace tal {
namespace {

// Beside libtal.so, or in a folder `tal` there: Debian has plug-ins apart from the libraries that programs link.
std::string place_of(const std::string& library) {
  const std::string apart = own_folder() + "/tal/" + library;
  return std::ifstream(apart) ? apart : own_folder() + "/" + library;
}

// The table that `library` offers through its function `entry`.
template <class Table>
const Table& table_of(const std::string& what, const std::string& library, const char* entry,
                      int interface = kPluginInterface) {
  const auto offered = [&]() -> const Table* {
    try {
      const SharedLibrary opened(place_of(library));
      return opened.symbol<const Table* (*)(int)>(entry)(interface);
    } catch (const Error& error) {
      throw Error(what + " need " + library + ", which cannot be opened: " + error.message());
    }
  }();
  if (!offered) throw Error(library + " is not of this version of tal");
  return *offered;
}

// What opens with the LibTorch that was found; where that does not fit, the Error says which one it is.
template <class Table>
const Table& torch_table_of(const std::string& what, const std::string& library, const char* entry) {
  const TorchLibrary& torch = open_torch();
  try {
    return table_of<Table>(what, library, entry);
  } catch (const Error& error) {
    throw Error(error.message() + " (with the LibTorch " + torch.version + (torch.version.empty() ? "of " : " of ") +
                torch.folder + ", " + torch.origin + ")");
  }
}

std::shared_ptr<const Frames> open_frames(const std::string& path, const FrameContract& contract,
                                          const std::string& cache) {
  return video_stages().open_frames(path, contract, cache);
}

}  // namespace

const NetworkStages& network_stages() {
  static const NetworkStages& stages = []() -> const NetworkStages& {
    const auto& table = torch_table_of<NetworkStages>("networks", "libtal-nn.so", "tal_network_stages");
    set_frame_opener(open_frames);  // some models see videos
    return table;
  }();
  return stages;
}

const VideoStages& video_stages() {
  static const auto& stages = table_of<VideoStages>("videos", "libtal-video.so", "tal_video_stages");
  return stages;
}

const EncoderNetworks& encoder_networks() {
  static const EncoderNetworks& networks = []() -> const EncoderNetworks& {
    network_stages();
    return torch_table_of<EncoderNetworks>("networks as encoders", "libtal-encode.so", "tal_encoder_networks");
  }();
  return networks;
}

const plot::TextSetting& text_setting() {
  static const auto& setting =
      table_of<plot::TextSetting>("texts in other scripts", "libtal-text.so", "tal_text_setting", plot::kTextInterface);
  return setting;
}

NetworkFactory network_encoders() {
  return [](const EncoderSpec& spec, const EncoderOptions& options) { return encoder_networks().make(spec, options); };
}

std::string network_library() {
  try {
    const std::string version = network_stages().version();
    const TorchLibrary& torch = open_torch();
    const bool other = version.find("LibTorch " + torch.version) == std::string::npos;
    return version + ", " + (other ? "running with " + torch.version + " of " : "") + torch.folder + " (" +
           torch.origin + ")" + (torch.remark.empty() ? "" : ", " + torch.remark);
  } catch (const Error& error) {
    return std::string("no networks: ") + error.what();
  }
}

std::string video_library() {
  try {
    return video_stages().version();
  } catch (const Error& error) {
    return std::string("no videos: ") + error.what();
  }
}

std::string text_library() {
  try {
    return text_setting().version();
  } catch (const Error& error) {
    return std::string("no other scripts in PNG: ") + error.what();
  }
}

}  // namespace tal
