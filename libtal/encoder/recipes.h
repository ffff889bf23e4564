// The encoder networks by name: what they see, and how their reference prepares it. No LibTorch, so that every build
// can name them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/encoder/preprocessing.h"
#include "libtal/sound/log_mel.h"

namespace tal {

struct EncoderRecipe {
  enum class Input {
    kFrames,     // each frame by itself; a window's row is the mean over its frames
    kClips,      // a window is one clip
    kFlowClips,  // a window is one clip of flow fields
    kFlow,  // stacks of kFlowStack consecutive flow fields, u and v of each: a window's row is the mean over the stacks
            // inside it
    kFlowStackClips,  // a window is one clip of such stacks, one behind the other: kFlowStack frames each
    kRuns,            // overlapping runs of `clip` frames, a row for each frame; windows are of one frame
    kWaveform,        // the sound of a window
    kLogMel,          // its logarithmic mel spectrogram
  };
  std::string name;
  Input input = Input::kFrames;
  Preprocessing preprocessing;
  std::int64_t clip = 0;                   // frames that a clip must have; 0: any
  std::string head;                        // the tensor whose rows are the classes
  std::vector<std::string> head_prefixes;  // names that belong to the classifier alone, and may be absent all together
  std::vector<std::string> ignored_prefixes = {};  // names that files of the reference have and inference does not need
  std::int64_t clip_step = 1;                      // a clip's frames are a multiple of it
  std::int64_t context = 0;                        // of kRuns: frames at both ends of a run whose rows are not taken
  // Vision transformers, whose other sizes are those of the weights; heads 0: no transformer.
  struct Transformer {
    std::int64_t dim = 0, depth = 0, heads = 0, hidden = 0, patch = 16, tubelet = 0;
    double epsilon = 1e-6;
    bool quick_gelu = false, gated = false;
    bool sized = false;           // pictures are of the size for which the weights have positions
    std::int64_t pool_heads = 0;  // InternVideo2's attention pooling
  } transformer = {};
  // Of networks that hear; waveforms have the rate alone.
  struct Sound {
    LogMelOptions mel;
    std::string edges = "inside";  // ClipEdges; beyond: inside, of the window and as much of the sound behind it as
                                   // makes hop samples a frame
    std::string axes;              // what follows the batch: s, 1s; 1tm, tm, 1mt, mt
    std::int64_t frames = 0;       // of its spectrogram: cut, or filled up with zeros before mean and deviation; 0: all
    double seconds = 0;            // of a window; 0: any
  } sound = {};
};

inline constexpr int kFlowStack = 5;  // fields, Simonyan & Zisserman and TSN

// What a row of the network's usual layer has: its columns.
std::int64_t dim_of(const EncoderRecipe& recipe);
// Every encoder, a line each: name, columns of a row, what a row is made of, preprocessing, whose weights it takes.
std::string encoder_table();

bool hears(const EncoderRecipe& recipe);       // sound instead of pictures
bool sees_clips(const EncoderRecipe& recipe);  // of frames or of flow: its inputs have an axis of time
int channels_of(const EncoderRecipe& recipe);  // of its pictures

// Every network that --encoder can name, with the reference in a comment (recipes.cpp).
const std::vector<EncoderRecipe>& encoder_recipes();
const EncoderRecipe* find_recipe(const std::string& name);  // nullptr: no such network

// "resize short side 256 (pillow), crop 224, RGB, / 255, mean ..., deviation ...": for documents and hashes.
std::string describe(const Preprocessing& preprocessing);
std::string describe(const EncoderRecipe::Sound& sound);

}  // namespace tal
