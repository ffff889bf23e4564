// Encoders that show prepared pictures to a network: which pictures a window needs, each seen once, several windows in one pass.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libtal/encode/recipes.h"
#include "libtal/video/encoder.h"

namespace tal {

// What goes through a network as one: 8-bit pictures [H, W, C] of equal size in time order; one for frames and flow stacks, a window for clips.
using NetworkInput = std::vector<cv::Mat>;

// A network at inference, of whatever library. run() is safe to call from several threads.
class PictureNetwork {
 public:
  virtual ~PictureNetwork() = default;
  virtual std::string name() const = 0;                 // of the stream
  virtual std::int64_t dim() const = 0;                 // columns of a row
  virtual const EncoderRecipe& recipe() const = 0;      // how it wants its pictures
  virtual std::string parameters() const = 0;           // what its values depend on, besides the pictures
  virtual std::string weights() const = 0;              // "sha256:..." of the file
  // Appends dim() values for each input.
  virtual void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const = 0;
};

// Frame-wise networks see each frame that a window needs once; a row is the mean over its window's frames. Flow networks see stacks of kFlowStack
// fields (u and v of each, in turn) that begin at a frame and end inside the window, which has at least kFlowStack + 1 frames; a row is the mean over its
// stacks. Fields are computed between resized frames, cut to +-kFlowBound and written with 8 bits: round(255 (v + 20) / 40). Clip networks
// see a window as one clip. A padded window is what repeating the last frame would give. UsageError for --flow block, which has no such pictures.
std::unique_ptr<Encoder> make_picture_encoder(std::shared_ptr<const PictureNetwork> network, const EncoderOptions& options);

}  // namespace tal
