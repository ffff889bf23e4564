// Encoders that show prepared pictures, or sound, to a network: which pictures a window needs, each seen once, several
// windows in one pass.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "libtal/encoder/encoder.h"
#include "libtal/encoder/recipes.h"

namespace tal {

// What goes through a network as one: 8-bit pictures [H, W, C] of equal size in time order; one for frames and flow
// stacks, a window for clips. Of networks that hear: one array of float32, [1, S] samples or a spectrogram [T, M], or
// [M, T] where the recipe's axes say so.
using NetworkInput = std::vector<cv::Mat>;

// A network at inference, of whatever library. run() is safe to call from several threads.
class PictureNetwork {
 public:
  virtual ~PictureNetwork() = default;
  virtual std::string name() const = 0;                         // of the stream
  virtual std::int64_t dim() const = 0;                         // columns of a row
  virtual const std::vector<std::string>& columns() const = 0;  // their names, where they are scores of classes with
                                                                // names; else empty
  virtual const EncoderRecipe& recipe() const = 0;              // how it wants its pictures
  virtual std::string parameters() const = 0;                   // what its values depend on, besides the pictures
  virtual std::string weights() const = 0;                      // "sha256:..." of the file
  // Appends dim() values for each input; for each picture of each input where the recipe's input is kRuns.
  virtual void run(const std::vector<NetworkInput>& inputs, std::vector<float>& rows) const = 0;
};

// Frame-wise networks see each frame that a window needs once; a row is the mean over its window's frames. Flow
// networks see stacks of kFlowStack fields (u and v of each, in turn) that begin at a frame and end inside the window,
// which has at least kFlowStack + 1 frames; a row is the mean over its stacks. Clip networks see a window as one clip;
// of flow, a field for each frame (to the next one), the last field twice, so that rows of both streams describe the
// same time; or these fields in stacks of kFlowStack, one behind the other, whose window has kFlowStack frames a stack.
// Fields are those of FlowFields. A padded window is what repeating the last frame would give. UsageError for --flow
// block, which has no such pictures.
// Networks of runs (kRuns) see overlapping runs of the frames and give each frame a row; windows are of one frame.
// Networks that hear get the sound of each window. Error for windows that last longer or shorter than they take.
std::unique_ptr<Encoder> make_picture_encoder(std::shared_ptr<const PictureNetwork> network,
                                              const EncoderOptions& options);

// Black pictures as the recipe's network takes them, to learn what it gives; 16 frames where any number will do.
// Of sound: silence, as long as the recipe says, or a second.
NetworkInput blank_input(const EncoderRecipe& recipe);

// Sizes of what a network that hears gets, `count` inputs like this one: [N, S], [N, 1, T, M], ...
std::vector<int> sound_shape(const EncoderRecipe& recipe, int count, const cv::Mat& input);

// Names of the columns of class scores: --classes, or else those of the weights' file. Error when there are not `dim`
// of them.
std::vector<std::string> class_columns(const EncoderOptions& options, std::vector<std::string> of_file,
                                       std::int64_t dim, const std::string& encoder);

}  // namespace tal
