// The sound of files as people have them: resampled, on the clock of the pictures, with what is missing told.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "libtal/base/error.h"
#include "libtal/io/jsonl.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decoder.h"
#include "libtal/video/sound_decoder.h"
#include "tests/support.h"
#include "tests/unit/media_file.h"

using namespace tal;
using tal::test::Folder;
using tal::test::MediaFile;
using tal::test::message_of;
namespace fs = std::filesystem;

namespace {

constexpr double kPi = std::numbers::pi;

double tone(double t, int) { return 0.5 * std::sin(2 * kPi * 440 * t); }

// 25 pictures a second, the first one at frame `from`.
MediaFile::Video pictures(int count, int from = 0) {
  MediaFile::Video video;
  for (int k = 0; k < count; ++k) video.stamps.push_back(from + k);
  video.paint = [](int k, AVFrame& frame) {
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < (p == 0 ? frame.height : frame.height / 2); ++y)
        std::fill_n(frame.data[p] + y * frame.linesize[p], p == 0 ? frame.width : frame.width / 2,
                    static_cast<std::uint8_t>(p == 0 ? 40 + 5 * (k % 20) : 128));
  };
  return video;
}

struct Made {
  std::string path;
  Made(const Folder& folder, const std::string& name, const std::vector<MediaFile::Video>& videos,
       const std::vector<MediaFile::Sound>& sounds)
      : path(folder / name) {
    MediaFile file(path);
    for (const auto& video : videos) file.add(video);
    for (const auto& sound : sounds) file.add(sound);
    file.write();
  }
};

double worst(SoundDecoder& sound, double rate, double from, double to, const std::function<double(double)>& want) {
  const auto first = std::llround(from * rate), count = std::llround((to - from) * rate);
  const auto got = sound.samples(first, count);
  double out = 0;
  for (std::int64_t k = 0; k < count; ++k)
    out = std::max(out, std::abs(static_cast<double>(got[static_cast<std::size_t>(k)]) -
                                 want(static_cast<double>(first + k) / rate)));
  return out;
}

double silence(double) { return 0; }

// Seconds by which what is heard comes later than a tone of 440 Hz, to half a period; of what lies inside.
double lateness(SoundDecoder& sound, double rate, double until) {
  const auto count = std::llround(until * rate), aside = count / 5;
  const auto got = sound.samples(0, count);
  double in = 0, across = 0;
  for (std::int64_t k = aside; k < count - aside; ++k) {
    const double turn = 2 * kPi * 440 * static_cast<double>(k) / rate,
                 value = static_cast<double>(got[static_cast<std::size_t>(k)]);
    in += value * std::sin(turn), across += value * std::cos(turn);
  }
  return -std::atan2(across, in) / (2 * kPi * 440);
}

struct Coded {
  std::string name;
  AVCodecID codec;
  int rate;
};

std::string all(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

// Rows of log-mel at --fps 50, one a sampled frame; 64 columns.
nlohmann::json extracted(const Folder& folder, const std::string& path, ExtractOptions options = {}) {
  options.encoders = {"log-mel"}, options.fps = options.fps.empty() ? "50" : options.fps;
  options.stride = options.window = 1, options.out_dir = folder / "features";
  Record record = Record::make("v");
  record.set_text("path", path);
  extract(record, options);
  return nlohmann::json::parse(record.str());
}

std::int64_t loudest(const nlohmann::json& record) {
  const std::string raw = read_file(record.at("features").at("log-mel").at("path").get<std::string>());
  const auto rows = record.at("features").at("log-mel").at("rows").get<std::size_t>();
  const auto* values = reinterpret_cast<const float*>(raw.data() + raw.size() - rows * 64 * sizeof(float));
  std::size_t best = 0;
  const auto sum = [&](std::size_t g) {
    double out = 0;
    for (std::size_t m = 0; m < 64; ++m) out += static_cast<double>(values[64 * g + m]);
    return out;
  };
  for (std::size_t g = 1; g < rows; ++g)
    if (sum(g) > sum(best)) best = g;
  return static_cast<std::int64_t>(best);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(video_sound)

BOOST_AUTO_TEST_CASE(samples_are_those_of_the_file) {
  const Folder folder;
  MediaFile::Sound stereo;
  stereo.channels = 2, stereo.value = [](double t, int channel) { return channel == 0 ? tone(t, 0) : 0.25; };
  SoundDecoder sound(Made(folder, "s.wav", {}, {stereo}).path, 16000, -1);
  BOOST_TEST(!sound.pictures());
  BOOST_TEST(sound.claimed_duration() == 1.0);
  // The mean of the channels, which were rounded to 16 bits.
  BOOST_TEST(worst(sound, 16000, 0, 1, [](double t) { return 0.5 * (tone(t, 0) + 0.25) * 32767 / 32768; }) < 2e-5);
  BOOST_TEST(worst(sound, 16000, 1, 1.1, silence) == 0);
  BOOST_TEST(worst(sound, 16000, -0.1, 0, silence) == 0);
  sound.finish();
  BOOST_TEST(sound.duration() == 1.0);
  BOOST_TEST(!sound.damage(false).found);
  BOOST_TEST(all(sound.warnings()).empty());
}

BOOST_AUTO_TEST_CASE(resampling_moves_nothing) {
  const Folder folder;
  const auto bump = [](double t, int) { return 0.9 * std::exp(-std::pow((t - 0.5) / 0.002, 2)); };
  for (const int from : {8000, 44100, 48000})
    for (const int to : {16000, 22050, 32000}) {
      MediaFile::Sound one;
      one.rate = from, one.value = tone;
      SoundDecoder steady(Made(folder, "tone.wav", {}, {one}).path, to, -1);
      BOOST_TEST(worst(steady, to, 0.05, 0.95, [](double t) { return tone(t, 0); }) < 1e-3, from << " to " << to);
      one.value = bump;
      SoundDecoder short_one(Made(folder, "bump.wav", {}, {one}).path, to, -1);
      BOOST_TEST(worst(short_one, to, 0, 1, [&](double t) { return bump(t, 0); }) < 2e-3, from << " to " << to);
    }
}

// Encoders pad the sound in front and behind; the container counts that as sound.
BOOST_AUTO_TEST_CASE(padding_of_mpeg_audio_is_not_missing) {
  if (!avcodec_find_encoder(AV_CODEC_ID_MP3)) {
    BOOST_TEST_MESSAGE("skipped: this FFmpeg writes no MP3");
    return;
  }
  const Folder folder;
  for (const int rate : {8000, 11025, 12000, 44100})
    for (const double seconds : {0.5, 3.0}) {
      MediaFile::Sound tones;
      tones.rate = rate, tones.seconds = seconds, tones.codec = AV_CODEC_ID_MP3;
      tones.value = [](double t, int) { return 0.5 * std::sin(2 * kPi * 440 * t); };
      const std::string path = Made(folder, "s.mp3", {}, {tones}).path;
      SoundDecoder sound(path, 8000, -1);
      sound.finish();
      const double frame = (rate < 16000 ? 576.0 : 1152.0) / rate;  // the test's last one is full
      BOOST_TEST_CONTEXT(rate << " Hz, " << seconds << " s") {
        BOOST_TEST(sound.damage(false).message == "");
        BOOST_TEST(sound.duration() > seconds - 1e-3);
        BOOST_TEST(sound.duration() < seconds + frame);
      }
      std::filesystem::resize_file(path, std::filesystem::file_size(path) * 3 / 4);
      SoundDecoder cut(path, 8000, -1);
      cut.finish();
      BOOST_TEST_CONTEXT(rate << " Hz, cut") {
        BOOST_TEST(cut.damage(false).message.find("truncated or corrupt: last good time stamp") != std::string::npos);
      }
    }
}

// Encoders begin with what they padded and fill up their last frame: containers state it, each in its own way.
BOOST_AUTO_TEST_CASE(sound_is_as_long_as_what_was_coded) {
  const Folder folder;
  for (const auto& [name, codec, rate] : {Coded{"s.ogg", AV_CODEC_ID_VORBIS, 8000},
                                          {"s.ogg", AV_CODEC_ID_VORBIS, 16000},
                                          {"s.ogg", AV_CODEC_ID_VORBIS, 44100},
                                          {"s.opus", AV_CODEC_ID_OPUS, 48000},
                                          {"s.mkv", AV_CODEC_ID_OPUS, 48000},
                                          {"s.mp3", AV_CODEC_ID_MP3, 16000},
                                          {"s.mp3", AV_CODEC_ID_MP3, 44100},
                                          {"s.mp4", AV_CODEC_ID_AAC, 16000},
                                          {"s.mp4", AV_CODEC_ID_AAC, 48000},
                                          {"s.mov", AV_CODEC_ID_PCM_S16LE, 22050},
                                          {"s.flac", AV_CODEC_ID_FLAC, 16000}})
    for (const double seconds : {0.3, 1.0, 5.0, 7.123}) {
      if (!avcodec_find_encoder(codec)) {
        BOOST_TEST_MESSAGE("skipped: this FFmpeg writes no " << avcodec_get_name(codec));
        break;
      }
      MediaFile::Sound one;
      one.rate = rate, one.seconds = seconds, one.codec = codec, one.exact = true, one.channels = 1;
      one.value = tone;
      const std::string path = folder / name;
      {
        MediaFile file(path);
        file.add(one);
        file.write(name == "s.mkv" ? nullptr : "keep", "1");  // Matroska's muxer makes room for what lies before 0
      }
      SoundDecoder sound(path, rate, -1);
      const double late = lateness(sound, rate, seconds);
      sound.finish();
      BOOST_TEST_CONTEXT(avcodec_get_name(codec) << " in " << name << ", " << rate << " Hz, " << seconds << " s") {
        BOOST_TEST(std::abs(sound.duration() - seconds) * rate < 1.01, sound.duration());
        BOOST_TEST(std::abs(late) * rate < 1, late);
        BOOST_TEST(sound.damage(false).message == "");
        BOOST_TEST(all(sound.warnings()).empty());
        BOOST_TEST(worst(sound, rate, seconds + 1.01 / rate, seconds + 0.5, silence) == 0);
      }
    }
}

// Recordings that were joined go on behind the end that the last one states.
BOOST_AUTO_TEST_CASE(what_goes_on_behind_the_stated_end_is_heard) {
  const Folder folder;
  MediaFile::Sound coded;
  coded.value = tone, coded.codec = AV_CODEC_ID_FLAC;
  std::string both;
  for (const double seconds : {3.0, 1.0}) {
    coded.seconds = seconds;
    both += read_file(Made(folder, "one.ogg", {}, {coded}).path);
  }
  std::ofstream(folder / "joined.ogg", std::ios::binary) << both;
  SoundDecoder joined(folder / "joined.ogg", 16000, -1);
  BOOST_TEST(worst(joined, 16000, 0, 3, [](double t) { return tone(t, 0); }) < 1e-4);
  joined.finish();
  BOOST_TEST(joined.duration() > 3.9);
}

BOOST_AUTO_TEST_CASE(a_little_that_is_cut_off_is_missed) {
  const Folder folder;
  for (const auto& [name, codec, rate] : {Coded{"c.flac", AV_CODEC_ID_FLAC, 16000},
                                          {"c.ogg", AV_CODEC_ID_FLAC, 16000},
                                          {"c.ogg", AV_CODEC_ID_VORBIS, 16000},
                                          {"c.opus", AV_CODEC_ID_OPUS, 48000},
                                          {"c.wav", AV_CODEC_ID_PCM_S16LE, 16000}}) {
    if (!avcodec_find_encoder(codec)) continue;
    MediaFile::Sound one;
    one.rate = rate, one.seconds = 20.03, one.codec = codec, one.exact = true, one.value = tone;
    const std::string path = Made(folder, name, {}, {one}).path, whole = read_file(path);
    std::vector<std::size_t> cuts{whole.size() - 100, whole.size() * 995 / 1000, whole.size() / 2};
    if (codec == AV_CODEC_ID_FLAC) cuts.push_back(whole.size() - 1);
    if (whole.starts_with("OggS")) {  // between pages
      cuts.push_back(whole.rfind("OggS"));
      cuts.push_back(whole.find("OggS", whole.size() / 2));
    }
    for (const std::size_t cut : cuts) {
      std::ofstream(path, std::ios::binary) << whole.substr(0, cut);
      SoundDecoder sound(path, rate, -1);
      sound.finish();
      BOOST_TEST_CONTEXT(avcodec_get_name(codec) << " in " << name << ", " << cut << " of " << whole.size())
      BOOST_TEST(sound.damage(false).message.find("truncated or corrupt: last good time stamp of its sound ") !=
                     std::string::npos,
                 sound.damage(false).message);
    }
  }
  // The index of a file that states it first.
  MediaFile::Sound coded;
  coded.seconds = 20, coded.value = tone, coded.codec = AV_CODEC_ID_AAC;
  const std::string path = folder / "c.mp4";
  {
    MediaFile file(path);
    file.add(coded);
    file.write("movflags", "+faststart");
  }
  SoundDecoder all_of_it(path, 16000, -1);
  all_of_it.finish();
  BOOST_TEST(all_of_it.damage(false).message == "");
  fs::resize_file(path, fs::file_size(path) - 10);
  SoundDecoder sound(path, 16000, -1);
  sound.finish();
  BOOST_TEST(sound.damage(false).message.find("(the file is shorter than its index says)") != std::string::npos,
             sound.damage(false).message);
}

BOOST_AUTO_TEST_CASE(time_stamps_are_the_clock) {
  const Folder folder;
  MediaFile::Sound late;
  late.start = 1.25, late.seconds = 2, late.value = tone;
  // Sound that starts later than the pictures; pictures that start later than the sound.
  for (const std::string name : {"late.mkv", "late.mov"}) {
    const Made made(folder, name, {pictures(100)}, {late});
    SoundDecoder sound(made.path, 16000, -1);
    BOOST_TEST(sound.pictures());
    sound.begin(0);
    BOOST_TEST(worst(sound, 16000, 0, 1.25, silence) == 0);
    BOOST_TEST(worst(sound, 16000, 1.25, 3.25, [](double t) { return tone(t, 0); }) < 1e-4);
    BOOST_TEST(worst(sound, 16000, 3.25, 4, silence) == 0);
    sound.finish();
    BOOST_TEST(all(sound.notes(4)) ==
               "the sound starts at 1.250 s: silence is taken before\n"
               "the sound ends at 3.250 s: silence is taken behind it\n");
  }
  MediaFile::Sound early;
  early.seconds = 4, early.value = tone;
  const Made made(folder, "early.mkv", {pictures(50, 40)}, {early});
  VideoDecoder decoder(made.path);
  cv::Mat bgr;
  BOOST_TEST_REQUIRE(decoder.read(bgr));
  BOOST_TEST(std::abs(decoder.zero() - 1.6) < 1e-9);
  SoundDecoder sound(made.path, 16000, -1);
  sound.begin(decoder.zero());
  BOOST_TEST(worst(sound, 16000, -0.5, 2, [](double t) { return tone(t + 1.6, 0); }) < 1e-4);
  sound.finish();
  BOOST_TEST(all(sound.warnings()) == "");
}

BOOST_AUTO_TEST_CASE(gaps_are_silence_and_overlaps_are_left_out) {
  const Folder folder;
  MediaFile::Sound broken;
  broken.seconds = 3, broken.value = tone, broken.gap_at = 1, broken.gap = 0.5;
  SoundDecoder sound(Made(folder, "gap.mkv", {}, {broken}).path, 16000, -1);
  BOOST_TEST(worst(sound, 16000, 0, 1, [](double t) { return tone(t, 0); }) < 1e-4);
  BOOST_TEST(worst(sound, 16000, 1, 1.5, silence) == 0);
  BOOST_TEST(worst(sound, 16000, 1.5, 3.5, [](double t) { return tone(t, 0); }) < 1e-4);
  sound.finish();
  BOOST_TEST(sound.duration() == 3.5);
  BOOST_TEST(all(sound.warnings()) == "no sound for 0.500 s at 1.000 s: silence is taken\n");
  broken.gap = -0.1;
  SoundDecoder twice(Made(folder, "overlap.mkv", {}, {broken}).path, 16000, -1);
  BOOST_TEST(worst(twice, 16000, 0, 2.9, [](double t) { return tone(t, 0); }) < 1e-4);
  // Time stamps that stay behind: recordings that were joined.
  MediaFile::Sound coded;
  coded.seconds = 2, coded.value = tone, coded.codec = AV_CODEC_ID_MP2;
  const std::string once = read_file(Made(folder, "once.ts", {}, {coded}).path);
  std::ofstream(folder / "joined.ts", std::ios::binary) << once << once;
  SoundDecoder joined(folder / "joined.ts", 16000, -1);
  joined.finish();
  BOOST_TEST(std::abs(joined.duration() - 4) < 0.1);
  BOOST_TEST(all(joined.warnings()).find("the time stamps of its sound run back by ") != std::string::npos,
             all(joined.warnings()));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_heard_is_said) {
  const Folder folder;
  const auto refused = [](const std::string& path, int stream) {
    return message_of([&] { SoundDecoder(path, 16000, stream); });
  };
  const std::string still = Made(folder, "still.mkv", {pictures(10)}, {}).path;
  BOOST_TEST(refused(still, -1) ==
             "'" + still + "': no sound that can be decoded (it has pictures and no audio track)");
  MediaFile::Sound low, high;
  low.value = tone, high.value = [](double t, int) { return 0.25 * std::sin(2 * kPi * 1000 * t); };
  const std::string two = Made(folder, "two.mkv", {}, {low, high}).path;
  BOOST_TEST(refused(two, 2) == "'" + two + "': --audio-stream 2: it has 2 audio streams, counted from 0");
  SoundDecoder second(two, 16000, 1);
  BOOST_TEST(worst(second, 16000, 0, 1, [&](double t) { return high.value(t, 0); }) < 1e-4);
  BOOST_TEST(all(second.notes(0)).empty());
  BOOST_TEST(all(SoundDecoder(two, 16000, -1).notes(0)).find("it has 2 audio streams; number 0") == 0u);
  std::ofstream(folder / "x.wav") << "no sound";
  BOOST_TEST(refused(folder / "x.wav", -1).find("no sound that can be decoded") != std::string::npos);
  BOOST_TEST(refused(folder / "none.wav", -1).find("No such file") != std::string::npos);
  BOOST_TEST(refused(folder.path, -1).find("Is a directory") != std::string::npos);
  BOOST_TEST(refused("/dev/null", -1).find("not from pipes or devices") != std::string::npos);
  // Cut off in the middle, as videos.
  low.seconds = 4;
  const std::string cut = Made(folder, "cut.wav", {}, {low}).path;
  fs::resize_file(cut, fs::file_size(cut) / 2);
  SoundDecoder half(cut, 16000, -1);
  half.finish();
  BOOST_TEST(half.damage(false).found);
  // Whatever the container: some state a length, others show at their end that more was to come.
  for (const auto& [name, codec, rate] : {std::tuple("c.ogg", AV_CODEC_ID_FLAC, 16000),
                                          {"c.opus", AV_CODEC_ID_OPUS, 48000},
                                          {"c.ts", AV_CODEC_ID_MP2, 16000},
                                          {"c.mpg", AV_CODEC_ID_MP2, 16000},
                                          {"c.flac", AV_CODEC_ID_FLAC, 16000},
                                          {"c.mka", AV_CODEC_ID_PCM_S16LE, 16000},
                                          {"c.w64", AV_CODEC_ID_PCM_S16LE, 16000},
                                          {"c.caf", AV_CODEC_ID_PCM_S16LE, 16000},
                                          {"c.aiff", AV_CODEC_ID_PCM_S16BE, 16000},
                                          {"c.au", AV_CODEC_ID_PCM_S16BE, 16000}}) {
    low.codec = codec, low.rate = rate;
    const std::string path = Made(folder, name, {}, {low}).path;
    SoundDecoder whole(path, 16000, -1);
    whole.finish();
    BOOST_TEST(!whole.damage(false).found, whole.damage(false).message);
    BOOST_TEST(all(whole.warnings()).empty(), name << ": " << all(whole.warnings()));
    fs::resize_file(path, fs::file_size(path) / 2 - 3);
    SoundDecoder early(path, 16000, -1);
    early.finish();
    BOOST_TEST(early.damage(false).message.find("truncated or corrupt: last good time stamp of its sound ") !=
                   std::string::npos,
               name << ": " << early.damage(false).message);
  }
  BOOST_TEST(half.damage(false).message.find("truncated or corrupt: last good time stamp of its sound 1.99") !=
                 std::string::npos,
             half.damage(false).message);
}

BOOST_AUTO_TEST_CASE(rows_of_sound_and_pictures_share_the_clock) {
  const Folder folder;
  for (const double at : {0.51, 1.51, 2.75}) {
    MediaFile::Sound click;
    click.seconds = 3.5, click.start = 0.4;
    click.value = [at](double t, int) { return std::abs(t - at) < 5e-4 ? 0.9 : 0.0; };
    // By themselves; with pictures from the file's zero on; with pictures that begin at 0.2 s.
    auto alone = click;
    alone.start = 0;
    BOOST_TEST(loudest(extracted(folder, Made(folder, "c.wav", {}, {alone}).path)) == std::floor(50 * at));
    const auto from_zero = extracted(folder, Made(folder, "c.mkv", {pictures(100)}, {click}).path);
    BOOST_TEST(loudest(from_zero) == std::floor(50 * at));
    BOOST_TEST(from_zero.at("features").at("log-mel").at("rows") == 199);  // of 100 pictures, 25 a second
    BOOST_TEST(from_zero.at("frames") == 100);
    BOOST_TEST(loudest(extracted(folder, Made(folder, "d.mkv", {pictures(100, 5)}, {click}).path)) ==
               std::floor(50 * (at - 0.2)));
  }
}

BOOST_AUTO_TEST_CASE(files_of_sound_alone_have_rows) {
  const Folder folder;
  MediaFile::Sound one;
  one.seconds = 2, one.value = tone;
  const std::string path = Made(folder, "s.wav", {}, {one}).path;
  ExtractOptions own;
  own.encoders = {"log-mel"}, own.stride = own.window = 1, own.out_dir = folder / "features";
  Record record = Record::make("v");
  record.set_text("path", path);
  extract(record, own);
  const auto made = nlohmann::json::parse(record.str());
  BOOST_TEST(made.at("features").at("log-mel").at("fps") == 100);  // log-mel's own frames
  BOOST_TEST(made.at("features").at("log-mel").at("rows") == 200);
  BOOST_TEST(made.at("duration") == 2.0);
  BOOST_TEST(!made.contains("fps"));
  BOOST_TEST(!made.contains("frames"));
  const auto planned = plan(record, own);
  BOOST_TEST(planned.rows.value_or(0) == 200);
  BOOST_TEST(!planned.frames);
  // Encoders that see get nothing from it, and those that hear nothing from a silent film.
  own.encoders = {"hog-hof"};
  BOOST_TEST(message_of([&] { extract(record, own); }).find("it holds sound alone, which log-mel") !=
             std::string::npos);
  own.encoders = {"log-mel", "log-mel@desed"};
  BOOST_TEST(message_of([&] { extract(record, own); }).find("own frames a second differ") != std::string::npos);
  fs::resize_file(path, fs::file_size(path) / 2);
  own.encoders = {"log-mel"};
  BOOST_TEST(message_of([&] { extract(record, own); }).find("(--partial keeps what is there)") != std::string::npos);
  own.partial = true;
  const auto kept = extract(record, own);
  BOOST_TEST(all(kept.warnings).find("kept in part") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
