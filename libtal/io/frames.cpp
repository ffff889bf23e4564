#include "libtal/io/frames.h"

#include <algorithm>
#include <cstring>

#include "libtal/base/error.h"

namespace tal {

namespace {
FrameOpener opener_of_the_program = nullptr;
}

void set_frame_opener(FrameOpener opener) { opener_of_the_program = opener; }
FrameOpener frame_opener() { return opener_of_the_program; }

Frames::Frames(std::vector<std::unique_ptr<MappedFile>> images, double fps, double duration)
    : fps_(fps), duration_(duration) {
  for (auto& file : images) {
    const NpyHeader header = parse_npy_header(file->bytes());
    if (header.kind != 'u' || header.bytes != 1 || header.fortran || header.shape.size() != 4 ||
        (header.shape[3] != 3 && header.shape[3] != 2))
      throw Error("stored frames must be bytes [frames, height, width, 3 or 2]");
    if (images_.empty()) count_ = header.shape[0], height_ = header.shape[1], width_ = header.shape[2];
    if (header.shape[0] != count_)
      throw Error(std::string(header.shape[3] == 2 ? "the flow has " : "the pictures have ") +
                  std::to_string(header.shape[0]) + " frames, the stream before " + std::to_string(count_));
    if (header.shape[1] != height_ || header.shape[2] != width_)
      throw Error("stored pictures and flow are of different sizes");
    const auto* values = reinterpret_cast<const std::uint8_t*>(file->bytes().data()) + header.data_offset;
    channels_ += header.shape[3];
    images_.push_back({std::move(file), values, header.shape[3]});
  }
  if (images_.empty()) throw Error("no frames");
}

void Frames::copy(std::int64_t first, std::int64_t count, const FrameCrop& crop, std::uint8_t* out) const {
  if (crop.y < 0 || crop.x < 0 || crop.y + crop.height > height_ || crop.x + crop.width > width_)
    throw Error("a crop of " + std::to_string(crop.width) + " x " + std::to_string(crop.height) +
                " pixels does not fit into frames of " + std::to_string(width_) + " x " + std::to_string(height_));
  const std::int64_t size = crop.height * crop.width * channels_;
  for (std::int64_t k = 0; k < count; ++k, out += size) {
    const std::int64_t frame = first + k;
    if (frame < 0 || frame >= count_) {
      std::fill_n(out, size, kBlankByte);
      continue;
    }
    std::int64_t channel = 0;
    for (const auto& image : images_) {
      const std::int64_t own = image.channels;
      for (std::int64_t y = 0; y < crop.height; ++y) {
        const std::uint8_t* from = image.values + ((frame * height_ + crop.y + y) * width_ + crop.x) * own;
        std::uint8_t* to = out + y * crop.width * channels_ + channel;
        if (own == channels_ && !crop.flip) {
          std::memcpy(to, from, static_cast<std::size_t>(crop.width * own));
          continue;
        }
        for (std::int64_t x = 0; x < crop.width; ++x, to += channels_) {
          const std::uint8_t* pixel = from + (crop.flip ? crop.width - 1 - x : x) * own;
          for (std::int64_t c = 0; c < own; ++c) to[c] = pixel[c];
          // -128 pixels / 127 * 20 do not occur (kFlowScale); a damaged byte stays in range.
          if (own == 2 && crop.flip) to[0] = static_cast<std::uint8_t>(std::min(255, 2 * kBlankByte - pixel[0]));
        }
      }
      channel += own;
    }
  }
}

}  // namespace tal
