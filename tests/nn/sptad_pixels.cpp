// SP-TAD end to end from frames: shapes, gradients, learning, the input contract, video files and their faults.
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "libtal/base/error.h"
#include "libtal/models/core/model_file.h"
#include "libtal/models/sptad/sptad_model.h"
#include "libtal/nn/named_weights.h"
#include "libtal/train/record_set.h"
#include "tests/nn/frame_files.h"
#ifdef TAL_HAVE_VIDEO
#include "libtal/video/frame_reader.h"
#include "libtal/video/synth_render.h"
#endif

namespace {

using tal::test::Folder;
using tal::test::message_of;

using namespace tal;
using tal::test::image;

// 16 x 16 pixels at 10 frames a second: a square moves to the right (class 0) or downwards (class 1), and rests between
// actions.
class MovingSquares : public test::FrameSet {
 public:
  MovingSquares(const Folder& folder, std::size_t videos, const FrameContract& contract) {
    inputs_.classes = {"down", "right"};
    inputs_.frames = contract;
    Random random(11);
    for (std::size_t v = 0; v < videos; ++v) {
      Video video;
      video.id = "v" + std::to_string(v), video.rows = 32, video.duration = 3.2, video.time = frame_time(10);
      const std::int64_t start = 4 + static_cast<std::int64_t>(random.below(8)), end = start + 12;
      const auto label = static_cast<std::int64_t>(v % 2);
      video.truths.push_back({{static_cast<double>(start) / 10, static_cast<double>(end) / 10}, label});
      const auto values = [&](std::int64_t t, std::int64_t y, std::int64_t x, std::int64_t) {
        const std::int64_t moved = std::clamp<std::int64_t>(t - start, 0, 12) % 12, px = label == 1 ? moved : 5,
                           py = label == 0 ? moved : 5;
        return x >= px && x < px + 5 && y >= py && y < py + 5 ? 230 : 40;
      };
      add(video, image(folder / (video.id + ".npy"), video.rows, 16, 16, 3, values), 10);
    }
  }
};

constexpr const char* kSmall =
    R"({"input":"clips","size":16,"crop":16,"flip":false,"clip":32,"backbone-width":0.125,"backbone-bn-momentum":0.1,"dim":32,"heads":4,"hidden":8,"roi-rows":8,"ffn":64,"proposals":8,"stages":2})";

std::unique_ptr<Model> small_model(const InputContract& inputs, const std::string& more = "{}") {
  torch::manual_seed(1);
  auto model = make_model("sptad");
  model->settings().read_json(kSmall);
  model->settings().read_json(more);
  InputContract own = inputs;
  own.frames = model->frames();
  model->build(own);
  return model;
}

InputContract two_classes() {
  InputContract inputs;
  inputs.classes = {"down", "right"};
  return inputs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sptad_pixels)

BOOST_AUTO_TEST_CASE(shapes) {
  SptadOptions options;
  options.dim = 32, options.heads = 4, options.hidden = 8, options.ffn = 64, options.proposals = 7, options.stages = 2;
  for (const std::string modalities : {"rgb", "flow", "rgb+flow"}) {
    FrameContract contract;
    contract.modalities = modalities;
    SptadPixelNet net(contract, 3, options, BackboneOptions{0.125});
    net->eval();
    const auto x = torch::randint(0, 256, {2, contract.channels(), 32, 40, 48}, torch::kByte);
    const auto levels = net->levels(x);
    const std::int64_t both = modalities == "rgb+flow" ? 2 : 1;
    BOOST_TEST_REQUIRE(levels.size() == 3u);
    BOOST_TEST(levels[0].sizes() == (std::vector<std::int64_t>{2, both * 60, 16, 5, 6}));
    BOOST_TEST(levels[1].sizes() == (std::vector<std::int64_t>{2, both * 104, 8, 3, 3}));
    BOOST_TEST(levels[2].sizes() == (std::vector<std::int64_t>{2, both * 128, 4, 2, 2}));
    const auto out = net->forward(x);
    BOOST_TEST(out.detections.logits.sizes() == (std::vector<std::int64_t>{2, 2, 7, 3}));
    BOOST_TEST(out.detections.segments.sizes() == (std::vector<std::int64_t>{2, 2, 7, 2}));
    BOOST_TEST(out.clip_logits.sizes() == (std::vector<std::int64_t>{2, 3}));
    // Clips do not see each other.
    const auto alone = net->forward(x.narrow(0, 1, 1));
    BOOST_TEST(torch::allclose(alone.detections.logits.select(1, 0), out.detections.logits.select(1, 1), 1e-4, 1e-5));
  }
}

BOOST_AUTO_TEST_CASE(gradients_reach_the_backbone) {
  const Folder folder;
  auto probe = make_model("sptad");
  probe->settings().read_json(kSmall);
  const MovingSquares set(folder, 2, *probe->frames());
  for (const double lr : {0.0, 0.1}) {
    auto model = small_model(set.inputs(), R"({"backbone-lr":)" + std::to_string(lr) + "}");
    model->network().train();
    const auto before = weights_of(model->network());
    std::map<std::string, torch::Tensor> copies;
    for (const auto& [name, tensor] : before) copies[name] = tensor.clone();
    Random random(1);
    const auto samples = model->samples(set, 0);
    BOOST_TEST_REQUIRE(samples.size() == 2u);
    const auto groups = model->parameters(0);
    BOOST_TEST(groups.size() == (lr > 0 ? 2u : 1u));
    if (lr > 0) BOOST_TEST(groups[1].lr_factor == lr);
    model->loss(model->make_batch(set, samples, random, 0), 0).loss.backward();
    int with = 0, without = 0;
    for (const auto& item : model->network().named_parameters())
      if (item.key().starts_with("rgb."))
        ++(item.value().grad().defined() && item.value().grad().abs().max().item<float>() > 0 ? with : without);
    BOOST_TEST(with == (lr > 0 ? 171 : 0));  // 57 units: filters, scale, shift
    BOOST_TEST(without == (lr > 0 ? 0 : 171));
    // A frozen backbone keeps its statistics too.
    const std::string mean = "rgb.Mixed_4b.b0.bn.running_mean";
    BOOST_TEST(torch::equal(weights_of(model->network()).at(mean), copies.at(mean)) == (lr == 0));
  }
}

BOOST_AUTO_TEST_CASE(crops_mirrors_and_padding) {
  const Folder folder;
  const auto rgb = [](std::int64_t t, std::int64_t y, std::int64_t x, std::int64_t c) {
    return 60 * t + 10 * y + 2 * x + c;
  };
  const auto flow = [](std::int64_t t, std::int64_t y, std::int64_t x, std::int64_t c) {
    return c == 0 ? 100 + 10 * t + x : 90 + y;
  };
  std::vector<std::unique_ptr<MappedFile>> images;
  images.push_back(image(folder / "a.npy", 3, 4, 5, 3, rgb));
  images.push_back(image(folder / "b.npy", 3, 4, 5, 2, flow));
  const Frames frames(std::move(images), 10, 0.3);
  BOOST_TEST(frames.channels() == 5);
  for (const bool flip : {false, true}) {
    std::vector<std::uint8_t> out(5 * 2 * 3 * 5, 1);
    frames.copy(-1, 5, {1, 2, 2, 3, flip}, out.data());
    std::size_t i = 0;
    for (std::int64_t t = -1; t < 4; ++t)
      for (std::int64_t y = 1; y < 3; ++y)
        for (std::int64_t x = 0; x < 3; ++x)
          for (std::int64_t c = 0; c < 5; ++c) {
            const std::int64_t from = flip ? 4 - x : 2 + x;
            std::int64_t want = c < 3 ? rgb(t, y, from, c) : flow(t, y, from, c - 3);
            if (flip && c == 3) want = 256 - want;
            if (t < 0 || t > 2) want = kBlankByte;
            BOOST_TEST(static_cast<int>(out[i++]) == want);
          }
  }
  std::vector<std::uint8_t> out(100);
  BOOST_TEST(message_of([&] {
               frames.copy(0, 1, {1, 2, 4, 3}, out.data());
             }) == "a crop of 3 x 4 pixels does not fit into frames of 5 x 4");
  // Flow of another length or size, and other types.
  images.clear();
  images.push_back(image(folder / "c.npy", 3, 4, 5, 3, rgb)),
      images.push_back(image(folder / "d.npy", 2, 4, 5, 2, flow));
  BOOST_TEST(message_of([&] { Frames(std::move(images), 10, 1); }) == "the flow has 2 frames, the stream before 3");
}

// Shown 8 moving squares, it tells the directions apart and finds where they begin and end.
BOOST_AUTO_TEST_CASE(learns_moving_squares) {
  const Folder folder;
  auto probe = make_model("sptad");
  probe->settings().read_json(kSmall);
  const MovingSquares set(folder, 8, *probe->frames());
  auto model = small_model(set.inputs());
  model->network().train();
  std::vector<torch::Tensor> parameters = model->network().parameters();
  torch::optim::AdamW optimizer(parameters, torch::optim::AdamWOptions(2e-3));
  auto samples = model->samples(set, 0);
  Random random(3);
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    for (auto& sample : samples) sample.seed = random.bits();
    optimizer.zero_grad();
    const auto losses = model->loss(model->make_batch(set, samples, random, 0), 0);
    losses.loss.backward();
    optimizer.step();
    (step == 0 ? first : last) = losses.loss.item<double>();
  }
  BOOST_TEST_MESSAGE("loss " << first << " -> " << last);
  BOOST_TEST(last < 0.5 * first);
  model->network().eval();
  int right = 0;
  for (std::size_t v = 0; v < set.size(); ++v) {
    Record record = Record::make(set.video(v).id);
    model->propose(record, set.sequence(v));
    BOOST_TEST(record.duration().value() == 3.2);
    const auto& found = record.proposals();
    if (found.empty()) continue;
    const auto best =
        std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
    const auto& truth = set.video(v).truths.front();
    const double inter =
        std::min(best->segment.end, truth.segment.end) - std::max(best->segment.start, truth.segment.start);
    const double both =
        std::max(best->segment.end, truth.segment.end) - std::min(best->segment.start, truth.segment.start);
    right += best->label == set.inputs().classes[static_cast<std::size_t>(truth.label)] && inter / both > 0.5;
  }
  BOOST_TEST(right >= 7);
}

BOOST_AUTO_TEST_CASE(the_file_keeps_the_contract) {
  const Folder folder;
  auto model =
      small_model(two_classes(), R"({"modalities":"rgb+flow","fps":12.5,"flow-method":"block","resize":"short"})");
  save_model(folder / "m.safetensors", *model, "{}");
  const auto loaded = load_model(folder / "m.safetensors");
  BOOST_TEST((loaded->inputs().frames == model->inputs().frames));
  BOOST_TEST(loaded->inputs().frames->fps == 12.5);
  BOOST_TEST(loaded->inputs().frames->modalities == "rgb+flow");

  // Features given to a model that sees frames, and the reverse.
  Record record;
  record.parse(R"({"video":"a","duration":4,"features":{"f":{"path":"a.npy","dim":2,"stride":1,"window":1,"fps":1}}})");
  BOOST_TEST(message_of([&] { load_sequence(record, loaded->inputs()); }) ==
             "video 'a': path: missing; the model sees the frames of videos, not features");
  record.parse(R"({"video":"a","path":"a.mp4"})");
  InputContract features;
  features.streams = {{"f", 2, 1, 1, 0, 1, "", ""}}, features.classes = {"x"};
  BOOST_TEST(message_of([&] { load_sequence(record, features); }) ==
             "video 'a': features: missing; the model was trained on features, not on the frames of videos "
             "(tal-extract makes features)");
  RecordSet set(RecordSetOptions{});
  BOOST_TEST(message_of([&] { set.add(record); }) ==
             "features: missing; these settings train on features, not on the frames of videos");
  auto sees_features = make_model("sptad");
  InputContract frames = two_classes();
  frames.frames = FrameContract{};
  BOOST_TEST(message_of([&] { sees_features->build(frames); }) == "the frames are not those that the settings ask for");
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense) {
  const auto fault = [](const std::string& settings) {
    return message_of([&] { small_model(two_classes(), settings); });
  };
  BOOST_TEST(fault(R"({"clip":40})") == "clip: must be a multiple of 16 for input=clips, not 40");
  BOOST_TEST(fault(R"({"crop":17})") == "crop: must lie in 1..16, the size of the frames");
  BOOST_TEST(fault(R"({"fps":0})").starts_with("fps: must be"));
  BOOST_TEST(fault(R"({"backbone-lr":-1})").starts_with("backbone-lr: must be"));
  BOOST_TEST(fault(R"({"backbone-width":0})").starts_with("backbone-width: must be"));
  BOOST_TEST(fault(R"({"pyramid":"high"})") ==
             "clip: must be 64 or more for pyramid=high: its last level is pooled three times");
  auto model = small_model(two_classes(), R"({"backbone-rgb":"/nowhere/i3d.safetensors"})");
  BOOST_TEST(message_of([&] { model->initialise(); }).find("/nowhere/i3d.safetensors") != std::string::npos);
}

// A backbone starts from weights, or says that it does not; random ones that stay as they are are an error.
BOOST_AUTO_TEST_CASE(where_backbones_start) {
  const auto start = [](const std::string& settings) {
    SptadModel model;
    Settings all = model.settings();
    all.nest("inference", model.inference());
    all.read_json(settings);
    return message_of([&] { model.check_start(); });
  };
  const std::string missing =
      "missing; the %s backbone starts from weights, a file of tal-convert --weights, or says 'random' and is trained "
      "from random ones";
  const auto of = [&](const std::string& stream) {
    return std::string(missing).replace(missing.find("%s"), 2, stream);
  };
  BOOST_TEST(start(R"({"input":"windows"})") == "no error");
  BOOST_TEST(start(R"({"input":"clips"})") == "backbone-rgb: " + of("RGB"));
  BOOST_TEST(start(R"({"input":"clips","modalities":"flow"})") == "backbone-flow: " + of("flow"));
  BOOST_TEST(start(R"({"input":"clips","modalities":"rgb+flow","backbone-rgb":"random"})") ==
             "backbone-flow: " + of("flow"));
  BOOST_TEST(start(R"({"input":"clips","modalities":"rgb+flow","backbone-rgb":"random","backbone-flow":"random"})") ==
             "no error");
  BOOST_TEST(start(R"({"input":"clips","backbone-rgb":"/nowhere/i3d.safetensors"})") ==
             "backbone-rgb: no file '/nowhere/i3d.safetensors'");
  BOOST_TEST(start(R"({"input":"clips","backbone-rgb":"random","backbone-lr":0})") ==
             "backbone-rgb: random weights would stay random with backbone-lr=0; name a file of weights");
  for (const auto& preset : make_model("sptad")->presets())
    if (preset.name.ends_with("-clips"))
      BOOST_TEST(start(preset.settings) == "backbone-rgb: " + of("RGB"), preset.name);
}

#ifdef TAL_HAVE_VIDEO

namespace {

// As tal-train and tal-propose do.
const bool kOpensVideos = (set_frame_opener(open_frames), true);

SynthVideo write_synth(const std::string& path, double duration, double fps = 25) {
  SynthVideoOptions options;
  options.duration = duration, options.fps = fps, options.width = 64, options.height = 48, options.actions = 1,
  options.min_action = 1, options.max_action = 1.5;
  options.min_gap = 0.5, options.noise = 0;
  const SynthVideo video = draw(options, 5, 0);
  write_video(path, video);
  return video;
}

std::vector<std::uint8_t> all_bytes(const Frames& frames) {
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(frames.count() * frames.height() * frames.width() * frames.channels()));
  frames.copy(0, frames.count(), {0, 0, frames.height(), frames.width()}, bytes.data());
  return bytes;
}

Record record_of(const std::string& id, const std::string& path) {
  Record record = Record::make(id);
  record.set_text("path", path);
  return record;
}

}  // namespace

BOOST_AUTO_TEST_CASE(frames_of_a_video) {
  const Folder folder;
  const auto video = write_synth(folder / "v.avi", 4);
  FrameContract contract{10, 0, 24, "short", "rgb+flow", "block"};
  const auto frames = open_frames(folder / "v.avi", contract, "");
  BOOST_TEST(frames->count() == 40);  // samples 0 .. 3.9 s; the last frame is at 3.96 s
  BOOST_TEST(frames->height() == 24);
  BOOST_TEST(frames->width() == 32);
  BOOST_TEST(frames->fps() == 10);
  BOOST_TEST(std::abs(frames->duration() - 4) < 0.01);
  const auto bytes = all_bytes(*frames);
  // Motion inside the action, none well outside (the shape rests).
  const auto motion = [&](double from, double to) {
    double sum = 0;
    for (auto t = static_cast<std::size_t>(from * 10); t < static_cast<std::size_t>(to * 10); ++t)
      for (std::size_t pixel = 0; pixel < 24 * 32; ++pixel)
        sum +=
            std::abs(bytes[(t * 24 * 32 + pixel) * 5 + 3] - 128) + std::abs(bytes[(t * 24 * 32 + pixel) * 5 + 4] - 128);
    return sum / std::max(0.1, to - from);
  };
  const auto& action = video.annotations.front().segment;
  BOOST_TEST(motion(action.start, action.end) > 20 * std::max(1.0, motion(0, action.start - 0.2)));

  // A folder keeps them: the same bytes, and no second decoding.
  const auto kept = open_frames(folder / "v.avi", contract, folder / "cache");
  BOOST_TEST(all_bytes(*kept) == bytes, boost::test_tools::per_element());
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "cache")) files += entry.is_regular_file();
  BOOST_TEST(files == 3u);  // rgb, flow, facts
  const auto again = open_frames(folder / "v.avi", contract, folder / "cache");
  BOOST_TEST(again->duration() == kept->duration());
  BOOST_TEST(all_bytes(*again) == bytes, boost::test_tools::per_element());
  // Kept flow of another length.
  for (const auto& entry : std::filesystem::directory_iterator(folder / "cache"))
    if (entry.path().string().find("flow-block") != std::string::npos)
      image(entry.path(), 39, 24, 32, 2, [](auto, auto, auto, auto) { return 128; });
  BOOST_TEST(message_of([&] {
               open_frames(folder / "v.avi", contract, folder / "cache");
             }).find("the flow has 39 frames, the stream before 40") != std::string::npos);

  // So many frames over the whole video.
  contract.count = 96, contract.modalities = "rgb", contract.resize = "square";
  const auto even = open_frames(folder / "v.avi", contract, "");
  BOOST_TEST(even->count() == 96);
  BOOST_TEST(even->width() == 24);
  BOOST_TEST(std::abs(even->fps() - 24) < 1e-6);
}

BOOST_AUTO_TEST_CASE(videos_to_detections) {
  const Folder folder;
  write_synth(folder / "long.avi", 8), write_synth(folder / "short.avi", 2.4);
  auto model = small_model(two_classes(), R"({"modalities":"rgb+flow","flow-method":"block"})");
  model->inference().read_json(R"({"test-stride":16,"min-score":0,"detections":5})");
  model->network().eval();
  for (const std::string name : {"long", "short"}) {
    Record record = record_of(name, folder / (name + ".avi"));
    model->propose(record, load_sequence(record, model->inputs()));
    const double duration = name == "long" ? 8 : 2.4;  // 80 frames: clips at 0, 16, 32, 48; 24 frames: one padded clip
    BOOST_TEST(std::abs(record.duration().value() - duration) < 0.01);
    BOOST_TEST(!record.proposals().empty());
    BOOST_TEST(record.proposals().size() <= (name == "long" ? 20u : 5u));
    for (const auto& p : record.proposals()) {
      BOOST_TEST(!p.label.empty());
      BOOST_TEST(p.segment.start >= 0);
      BOOST_TEST(p.segment.end <= duration + 0.01);
    }
  }
}

BOOST_AUTO_TEST_CASE(training_on_records) {
  const Folder folder;
  write_synth(folder / "a.avi", 2.5);
  auto model = small_model(two_classes());
  RecordSetOptions options;
  options.frames = model->frames();
  options.classes = {"down", "right"};
  Record record = record_of("a", folder / "a.avi");
  record.set_annotations({{{0.5, 1.5}, "right"}, {{1.6, 2.0}, "left"}});
  RecordSet set(options);
  set.add(record);
  set.finish();
  BOOST_TEST(set.unknown_labels() == 1u);  // "left" is not in the list
  BOOST_TEST((set.inputs().frames == model->frames()));
  BOOST_TEST(set.video(0).rows == 25);
  const auto samples = model->samples(set, 0);
  BOOST_TEST_REQUIRE(samples.size() == 1u);
  Random random(1);
  const auto batch = model->make_batch(set, samples, random, 0);
  const auto x = batch.at("x");
  BOOST_TEST(x.sizes() == (std::vector<std::int64_t>{1, 3, 32, 16, 16}));
  BOOST_TEST(x.scalar_type() == torch::kByte);
  BOOST_TEST((x.narrow(2, 25, 7) == kBlankByte).all().item<bool>());  // behind the video
  BOOST_TEST(!(x.narrow(2, 0, 25) == kBlankByte).all().item<bool>());
  BOOST_TEST(batch.at("count").item<std::int64_t>() == 1);
  BOOST_TEST(batch.at("labels").item<std::int64_t>() == 1);
  BOOST_TEST(std::abs(batch.at("segments")[0][0][1].item<double>() - 15.0 / 32) < 1e-6);

  RecordSet without(options);
  Record features;
  features.parse(R"({"video":"b","features":{"f":{"path":"b.npy"}}})");
  BOOST_TEST(message_of([&] { without.add(features); }) ==
             "video 'b': path: missing; the model sees the frames of videos, not features");
  options.standardize = true;
  RecordSet standard(options);
  standard.add(record);
  BOOST_TEST(message_of([&] { standard.finish(); }) == "standardize is for columns of features, not for frames");
}

BOOST_AUTO_TEST_CASE(damaged_videos) {
  const Folder folder;
  write_synth(folder / "v.avi", 6);
  const FrameContract contract{10, 0, 24, "square", "rgb", "dis"};
  std::string bytes;
  {
    std::ifstream in(folder / "v.avi", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  std::ofstream(folder / "cut.avi", std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  const auto cut = message_of([&] { open_frames(folder / "cut.avi", contract, folder / "cache"); });
  BOOST_TEST(cut.find("cut.avi': truncated or corrupt: last good time stamp ") != std::string::npos, cut);
  for (const auto& entry : std::filesystem::directory_iterator(folder / "cache"))
    BOOST_TEST(false, "left behind: " << entry.path());
  std::ofstream(folder / "text.avi") << "no video";
  BOOST_TEST(message_of([&] { open_frames(folder / "text.avi", contract, ""); }).find("no video that can be decoded") !=
             std::string::npos);
  BOOST_TEST(message_of([&] { open_frames(folder / "none.avi", contract, ""); }).find("No such file") !=
             std::string::npos);
  Record record = record_of("c", folder / "cut.avi");
  record.set_annotations({{{0.5, 1.5}, "right"}});
  RecordSetOptions options;
  options.frames = contract;
  RecordSet set(options);
  BOOST_TEST(message_of([&] { set.add(record); }).find("truncated or corrupt") != std::string::npos);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
