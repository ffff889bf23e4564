// What every learned system is to the tools: options, one network, how it is trained, and the pipe stages that it can
// stand for.
//
// A system's folder entry: <name>.h/.cpp is the network, read beside the paper (options, blocks, forward, losses;
// nothing of files, training or command lines), <name>_model.cpp makes it a Model (samples, batches, stages).
// make_model() knows them all.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libtal/base/random.h"
#include "libtal/base/settings.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/frames.h"
#include "libtal/io/record.h"

namespace tal {

// What a row of the features is; a model keeps the contract that it was trained on and refuses another.
struct StreamContract {
  std::string name;
  std::int64_t dim = 0;
  double stride = 0, window = 0, offset = 0;  // frames; stride 0: rescaled to a fixed number of rows
  double fps = 0;                             // sampled frames per second; 0: unknown
  std::string resample, weights;
  std::string settings;   // what the values depend on (io/feature_settings.h); "": unknown
  bool unstated = false;  // of an imported model: only `dim` is known; the others fit any stream
};
// What becomes of streams that are not what a model was trained on.
class FeaturePolicy {
 public:
  // accept: they are taken as they are, each difference said once; else they are errors.
  FeaturePolicy(bool accept, std::function<void(const std::string&)> warn, std::function<void(const std::string&)> note)
      : accepts_(accept), warn_(std::move(warn)), note_(std::move(note)) {}
  bool accepts() const { return accepts_; }
  void warn_once(const std::string& text) const { say_once(warn_, text); }
  void note_once(const std::string& text) const { say_once(note_, text); }

 private:
  void say_once(const std::function<void(const std::string&)>& say, const std::string& text) const;
  bool accepts_;
  std::function<void(const std::string&)> warn_, note_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> said_;
};
// How streams of different numbers of rows become one sequence (streams of equal numbers stand side by side as they
// are).
struct StreamFit {
  enum class Rule {
    refuse,   // they do not
    rescale,  // each as a whole becomes `rows` rows: zero rows at the end, or the maximum over adaptive bins
    align,    // the others are resampled to the rows of the first: linear interpolation, or the maximum of what a row
              // covers
  };
  Rule rule = Rule::refuse;
  std::int64_t rows = 0;
};
struct InputContract {
  std::vector<StreamContract> streams;  // side by side, in this order
  std::vector<std::string> classes;     // label of class k; empty for class-agnostic models
  // Column c reaches the network as (x - mean[c]) * scale[c]; empty: as it is. Rows outside a video stay zero.
  std::vector<float> mean, scale;
  // Columns [first, first + columns) of rows [count, columns], in place.
  void normalize(float* rows, std::int64_t count, std::int64_t first, std::int64_t columns) const;
  std::int64_t dim() const;  // sum over the streams
  // Set for models that see the frames of videos instead of features; there are no streams then, and rows are frames.
  std::optional<FrameContract> frames = {};
  StreamFit fit = {};                                // of the model's settings
  std::shared_ptr<const FeaturePolicy> policy = {};  // of the run; nullptr: every difference is an error
};

// One video as a network sees it.
struct Sequence {
  std::string video;
  double duration = 0;                        // seconds
  RowTime time;                               // row coordinates <-> seconds; row i is the interval [i, i + 1]
  torch::Tensor x;                            // [T, C] float32, contiguous
  std::shared_ptr<const Frames> frames = {};  // instead of x, for models that see frames
};

struct TruthSegment {
  Segment segment;          // seconds
  std::int64_t label = -1;  // class index; -1: not among InputContract::classes
};
struct ProposedSegment {
  Segment segment;  // seconds
  double score = 0;
};

// The videos to train on, in file order. Thread safe. Features and frames stay in their files (memory-mapped).
class TrainingSet {
 public:
  struct Video {
    std::string id, path;
    double duration = 0;    // seconds
    std::int64_t rows = 0;  // T, of features or frames
    RowTime time;
    std::vector<TruthSegment> truths;
    std::vector<ProposedSegment> proposals;  // for models that are trained on another stage's proposals
  };
  virtual ~TrainingSet() = default;
  virtual const InputContract& inputs() const = 0;
  virtual std::size_t size() const = 0;
  virtual const Video& video(std::size_t index) const = 0;
  // Rows [first, first + count), [count, C]; rows outside the video are zero.
  virtual torch::Tensor rows(std::size_t index, std::int64_t first, std::int64_t count) const = 0;
  torch::Tensor all_rows(std::size_t index) const { return rows(index, 0, video(index).rows); }
  // Of sets whose inputs() are frames; Error for others.
  virtual const Frames& frames(std::size_t index) const;
};

// What one training example is made of; `item` is the model's own (an anchor, a proposal, a clip).
struct Sample {
  std::uint32_t video = 0;
  std::int64_t first = 0, count = 0;  // rows
  std::int64_t item = 0;
  // Set by the trainer from run seed, epoch and position: what is drawn for this sample with Random(seed) does not
  // depend on how a batch is split over processes.
  std::uint64_t seed = 0;
};

// Tensors by name, first dimension as the model likes; moved to the device as a whole.
struct Batch {
  std::map<std::string, torch::Tensor> tensors;
  std::vector<std::string> videos;  // for messages
  double share = 1;  // of the samples of its optimiser step: a step may be split over processes and parts
  const torch::Tensor& at(const std::string& name) const { return tensors.at(name); }
  Batch to(const torch::Device& device) const;
};

// Named scalar tensors; "loss" is what is minimised, the others are logged. Weight of the batch in an epoch's mean:
// `weight`.
struct Losses {
  torch::Tensor loss;
  std::vector<std::pair<std::string, torch::Tensor>> parts;
};

struct ParameterGroup {
  std::vector<torch::Tensor> parameters;
  double lr_factor = 1, weight_decay_factor = 1;
};

// One stretch of training (CMSN has two). epochs 0: as the training options say; lr 0: the same.
struct Phase {
  std::string name;
  std::int64_t epochs = 0;
  double lr = 0;
  bool validate_scores = false;  // of a model that proposes: its score stage is what is trained, and validation runs it
                                 // behind the proposals
};

// A named set of settings: a row of a paper's table.
struct Preset {
  std::string name;
  std::string help;      // one line: which row of which table it is
  std::string settings;  // JSON object for settings(), "train." and "inference." ones included
};

class Model {
 public:
  virtual ~Model() = default;
  virtual std::string name() const = 0;
  // Architecture, labels, losses; fixed once the network is built, stored in the model file.
  virtual Settings settings() = 0;
  // What may be changed at inference without another training (thresholds, fusion); stored too, --set overrides.
  virtual Settings inference() { return {}; }
  // The paper's training options ("train." values) as JSON, e.g. {"lr":1e-3,"optimizer":"adam"}.
  virtual std::string training_defaults() const { return "{}"; }
  // In the order of the paper's tables.
  virtual std::vector<Preset> presets() const { return {}; }

  // What frames the settings ask for; nullopt for models of features.
  virtual std::optional<FrameContract> frames() const { return {}; }
  // What the settings say of streams with different numbers of rows.
  virtual StreamFit stream_fit() const { return {}; }
  // Error (its field: the setting) when settings contradict each other, whatever the inputs; for tal-train before any
  // data are read.
  virtual void check_settings() const {}
  // Makes the network for these inputs. Error when the settings contradict each other or the inputs.
  virtual void build(const InputContract& inputs) = 0;
  // Error when a new network of these settings cannot be trained, because weights to start from are missing. Called
  // before any data are read; not for a network that starts from another model (--init-from).
  virtual void check_start() const {}
  // A new network before its training: weights that the settings take from elsewhere.
  virtual void initialise() {}
  virtual torch::nn::Module& network() = 0;
  const InputContract& inputs() const { return inputs_; }
  // What propose(), refine() and score() see: of frames perhaps another size than in training.
  virtual InputContract test_inputs() const { return inputs_; }
  void set_policy(std::shared_ptr<const FeaturePolicy> policy) { inputs_.policy = std::move(policy); }

  // Training. samples: every example of one epoch, in a fixed order (the trainer shuffles). make_batch is called from
  // several threads.
  virtual std::vector<Phase> phases() const { return {{}}; }
  virtual void begin_phase(std::size_t /*phase*/) {}
  virtual std::vector<ParameterGroup> parameters(std::size_t phase);
  virtual std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const = 0;
  virtual Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                           std::size_t phase) const = 0;
  // The loss is a mean over the batch's samples: the trainer weighs it by batch.share.
  virtual Losses loss(const Batch& batch, std::size_t phase) = 0;
  // For models whose loss depends on all samples of an optimiser step, of which a batch may be a share: what they need
  // of them, and the call that hands it over before the step's batches, in every process. step_total() is called from
  // several threads.
  virtual double step_total(const TrainingSet& /*set*/, std::span<const Sample> /*samples*/,
                            std::size_t /*phase*/) const {
    return 0;
  }
  virtual void begin_step(double /*total*/) {}

  // Stages of the pipe; each adds or replaces its fields of the record. Error when the model does not stand for the
  // stage.
  virtual bool proposes() const { return false; }
  virtual bool refines() const { return false; }
  virtual bool scores() const { return false; }
  virtual void propose(Record& record, const Sequence& sequence);
  // propose() for several videos whose sequences go through the network together (on a GPU: faster): for each the call
  // that does the rest, from any thread, and throws what propose() would have. Only of models that say so.
  virtual bool proposes_together() const { return false; }
  virtual std::vector<std::function<void(Record&)>> propose_together(std::span<const Sequence> sequences);
  virtual void refine(Record& record, const Sequence& sequence);
  virtual void score(Record& record, const Sequence& sequence);
  // For validation during training: what the stages without a model that follow in the pipe make of the record, but for
  // suppression, and the preset of tal-nms that comes last.
  virtual void complete(Record& /*record*/) const {}
  virtual std::string suppression() const { return ""; }

  torch::Device device = torch::kCPU;

 protected:
  InputContract inputs_;
};

// UsageError for an unknown name (names the nearest).
std::unique_ptr<Model> make_model(const std::string& name);
std::vector<std::string> model_names();

StreamContract contract_of(const FeatureStream& stream);
// Error (field features.NAME....) that names both sides when a stream is not what the model was trained on, or, with
// another `wanted`, "the first record has". With a policy that accepts, another number of columns only.
void check_contract(const StreamContract& model, const StreamContract& record, const FeaturePolicy* policy = nullptr,
                    const std::string& wanted = "the model was trained on");

// The whole sequence of a record for a model with this contract: streams side by side, or the frames of the record's
// `path` (kept in the folder frame_cache, if any). Error (field features.NAME) when a stream is missing or its contract
// is not the model's, with both sides named; (field path) when a model that sees frames gets features only.
Sequence load_sequence(const Record& record, const InputContract& inputs, const std::string& frame_cache = "");
// The record's video as frames. Error (field path) when there is no path, with what was there instead, and in a build
// without OpenCV.
std::shared_ptr<const Frames> load_frames(const Record& record, const FrameContract& contract,
                                          const std::string& frame_cache);
// Frame k is [k, k + 1] / fps seconds.
RowTime frame_time(double fps);

}  // namespace tal
