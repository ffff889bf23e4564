// Video files as people have them: written here with libavformat, one oddity each, and read again.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>

#include "libtal/base/error.h"
#include "libtal/base/sha256.h"
#include "libtal/data/synth_video.h"
#include "libtal/io/jsonl.h"
#include "libtal/video/container_facts.h"
#include "libtal/video/decoder.h"
#include "libtal/video/flow.h"
#include "libtal/video/sound_decoder.h"
#include "libtal/video/stamp_rate.h"
#include "libtal/video/stream_clock.h"
#include "libtal/video/synth_render.h"
#include "tests/support.h"
#include "tests/unit/media_file.h"

using namespace tal;
using tal::test::Folder;
using tal::test::MediaFile;
namespace fs = std::filesystem;

namespace {

std::vector<int> steady(int count, int from = 0) {
  std::vector<int> stamps(static_cast<std::size_t>(count));
  std::iota(stamps.begin(), stamps.end(), from);
  return stamps;
}

// A texture that moves.
void paint_texture(int k, AVFrame& frame) {
  for (int p = 0; p < 3; ++p) {
    const int rows = p == 0 ? frame.height : (frame.height + 1) / 2,
              columns = p == 0 ? frame.width : (frame.width + 1) / 2;
    for (int y = 0; y < rows; ++y)
      for (int x = 0; x < columns; ++x)
        frame.data[p][y * frame.linesize[p] + x] = static_cast<std::uint8_t>(
            p == 0 ? 126 + 50 * std::sin((x - 2 * k) / 7.0) + 40 * std::sin((y + k) / 5.0 + x / 11.0)
                   : 128 + 3 * (x % 7) - 9);
  }
}

// The same, as bytes of one plane.
void paint_grey(int k, AVFrame& frame) {
  for (int y = 0; y < frame.height; ++y)
    for (int x = 0; x < frame.width; ++x)
      frame.data[0][y * frame.linesize[0] + x] = static_cast<std::uint8_t>(x * 3 + y * y + 7 * k);
}

MediaFile::Video texture(int frames, int from = 0) {
  MediaFile::Video video;
  video.stamps = steady(frames, from);
  video.paint = paint_texture;
  return video;
}

void write_file(const std::string& path, const MediaFile::Video& video) {
  MediaFile file(path);
  file.add(video);
  file.write();
}

std::int64_t decode(VideoDecoder& decoder) {
  VideoPicture picture;
  while (decoder.read(picture)) {
  }
  return decoder.frames();
}

std::string all(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string digest(const cv::Mat& m) {
  return sha256({reinterpret_cast<const char*>(m.data), m.total() * m.elemSize()});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(video_media)

BOOST_AUTO_TEST_CASE(sound_may_be_longer_than_the_picture) {
  const Folder folder;
  for (const std::string name : {"v.mkv", "v.mp4", "v.ts", "v.avi"}) {
    {
      MediaFile file(folder / name);
      file.add(texture(50));
      file.add_sound(5);
      file.write();
    }
    VideoDecoder decoder(folder / name);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(decode(decoder) == 50);
      BOOST_TEST(std::abs(decoder.duration() - 2) < 1e-9);
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
      BOOST_TEST(all(decoder.warnings()).empty(), all(decoder.warnings()));
      BOOST_TEST(has(all(decoder.notes()), "the file goes on for "), all(decoder.notes()));
    }
    // Cut off while both go on, it is damaged: where the container states a length.
    const std::string whole = read_file(folder / name);
    std::ofstream(folder / name, std::ios::binary) << whole.substr(0, whole.size() * 3 / 10);
    if (name == "v.ts" || name == "v.mp4") continue;  // states none; has its index at the end
    VideoDecoder cut(folder / name);
    decode(cut);
    BOOST_TEST_CONTEXT("cut " << name)
    BOOST_TEST(has(cut.damage().message, "truncated or corrupt: last good time stamp"));
  }
}

BOOST_AUTO_TEST_CASE(a_windows_media_file_that_is_cut_off_is_told) {
  const Folder folder;
  const std::string path = folder / "v.wmv";
  {
    MediaFile file(path);
    auto video = texture(100);
    video.codec = "wmv2";
    file.add(video);
    file.write();
  }
  const std::string whole = read_file(path);
  BOOST_TEST(std::abs(asf_duration(whole).value_or(0) - 4) < 0.05);
  BOOST_TEST(!asf_duration("RIFF").has_value());
  BOOST_TEST(!asf_duration(whole.substr(0, 60)).has_value());
  {
    VideoDecoder decoder(path);
    BOOST_TEST(decode(decoder) == 100);
    BOOST_TEST(!decoder.damage().found, decoder.damage().message);
  }
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() / 2);
  VideoDecoder cut(path);
  decode(cut);
  BOOST_TEST(has(cut.damage().message, "truncated or corrupt: last good time stamp"), cut.damage().message);
}

BOOST_AUTO_TEST_CASE(containers_that_state_no_length_show_at_their_end_that_they_are_cut_off) {
  const Folder folder;
  struct Container {
    std::string name, codec, part;
  };
  for (const auto& [name, codec, part] : {Container{"v.ogv", "libtheora", "page"},
                                          {"v.ts", "mpeg2video", "packet"},
                                          {"v.m2ts", "mpeg2video", "packet"},
                                          {"v.mpg", "mpeg1video", "packet"},
                                          {"v.flv", "flv", "tag"}}) {
    const std::string path = folder / name;
    {
      MediaFile file(path);
      auto video = texture(100);
      video.codec = codec, video.width = 320, video.height = 192;  // more than the headers
      file.add(video);
      if (name != "v.flv" && name != "v.ogv") file.add_sound(4);
      file.write(name == "v.ogv" ? "page_duration" : nullptr, "100000");  // microseconds
    }
    const std::string whole = read_file(path);
    BOOST_TEST_CONTEXT("whole " << name) {
      VideoDecoder decoder(path);
      BOOST_TEST(decode(decoder) == 100);
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
      BOOST_TEST(all(decoder.warnings()).empty(), all(decoder.warnings()));
    }
    for (const std::size_t tenths : {3, 5, 9, 10}) {
      const std::size_t size = whole.size() * tenths / 10 - 5;
      std::ofstream(path, std::ios::binary) << whole.substr(0, size);
      VideoDecoder cut(path);
      const auto frames = decode(cut);
      const auto damage = cut.damage();
      BOOST_TEST_CONTEXT(name << " of " << size << " bytes: " << damage.message) {
        BOOST_TEST(has(damage.message, "truncated or corrupt: last good time stamp "));
        BOOST_TEST(has(damage.message, "(the file ends within a " + part + ")"));
        BOOST_TEST(damage.good == frames);
        BOOST_TEST((tenths > 5 || frames < 90));
      }
    }
  }
}

// Matroska as live recorders write it, which cannot go back to the header; pictures as they are; GIF.
BOOST_AUTO_TEST_CASE(files_without_a_length_that_are_cut_off_are_told) {
  const Folder folder;
  for (const std::string name : {"v.mkv", "v.webm", "v.y4m", "v.gif", "v.apng", "v.ivf"}) {
    {
      MediaFile file(folder / name);
      auto video = texture(100);
      video.width = 160, video.height = 96;
      if (name == "v.webm" || name == "v.ivf") video.codec = "libvpx";
      if (name == "v.y4m") video.codec = "wrapped_avframe";
      if (name == "v.gif") video.codec = "gif", video.format = AV_PIX_FMT_RGB8;
      if (name == "v.apng") video.codec = "apng", video.format = AV_PIX_FMT_GRAY8;
      if (name == "v.gif" || name == "v.apng") video.paint = paint_grey;
      file.add(video);
      file.write(name == "v.mkv" || name == "v.webm" ? "live" : nullptr, "1");
    }
    const std::string whole = read_file(folder / name);
    const auto damage = [&](std::size_t size) {
      std::ofstream(folder / name, std::ios::binary) << whole.substr(0, size);
      VideoDecoder decoder(folder / name);
      decode(decoder);
      return decoder.damage().message;
    };
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(damage(whole.size()) == "");
      for (const std::size_t tenths : {3, 6, 9}) {
        const auto said = damage(whole.size() * tenths / 10 - 3);
        BOOST_TEST(has(said, "truncated or corrupt: last good time stamp "), said);
        BOOST_TEST(has(said, "(the file ends within a "), said);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(sound_alone_without_a_length_that_is_cut_off_is_told) {
  const Folder folder;
  {
    MediaFile file(folder / "v.mka");
    file.add_sound(8);
    file.write("live", "1");
  }
  const std::string whole = read_file(folder / "v.mka");
  const auto damage = [&](std::size_t size) {
    std::ofstream(folder / "v.mka", std::ios::binary) << whole.substr(0, size);
    SoundDecoder sound(folder / "v.mka", 8000, -1);
    sound.finish();
    return sound.damage(false).message;
  };
  BOOST_TEST(damage(whole.size()) == "");
  for (const std::size_t tenths : {3, 6, 9})
    BOOST_TEST(has(damage(whole.size() * tenths / 10 - 3), "(the file ends within a "), tenths);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_file_is_read_by_its_container) {
  const auto end = [](const std::string& bytes) {
    std::istringstream file(bytes);
    return file_end(file);
  };
  const auto page = [](char flags, const std::string& data) {
    std::string out = "OggS";
    out += std::string(1, '\0') + flags + std::string(20, '\0');
    out += static_cast<char>(data.size() / 255 + 1);
    out += std::string(data.size() / 255, '\xff') + static_cast<char>(data.size() % 255);
    return out + data;
  };
  const std::string first = page(2, std::string(300, 'x')), last = page(4, "OggS within");
  BOOST_TEST(end("").empty());
  BOOST_TEST(end("no video").empty());
  BOOST_TEST(end(first + last).empty());
  BOOST_TEST(end(first) == "its last page does not say that the stream ends");
  for (std::size_t cut = 1; cut < last.size(); ++cut)
    BOOST_TEST(!end(first + last.substr(0, last.size() - cut)).empty(), cut);
  BOOST_TEST(end(first + last + "Og") == "the file ends within a page");
  // A page of Vorbis' header, one of its other headers, and those with sound, whose granule positions are not 0.
  const auto vorbis = [&](const std::string& serial, char last, char granule, const std::string& data) {
    std::string out = page(last, data);
    out[6] = granule;
    return out.replace(14, 4, serial);
  };
  const auto in_one = [](const std::string& bytes) {
    std::istringstream file(bytes);
    return vorbis_in_one_page(file);
  };
  const std::string headers = vorbis("one.", 2, 0, "\1vorbis") + vorbis("one.", 0, 0, "\3vorbis"),
                    others = vorbis("two.", 2, 0, "fishead") + vorbis("two.", 4, 9, "x");
  BOOST_TEST(in_one(headers + vorbis("one.", 4, 9, "sound")));
  BOOST_TEST(in_one(others + headers + vorbis("one.", 4, 9, "sound")));
  BOOST_TEST(!in_one(headers + vorbis("one.", 0, 9, "sound") + vorbis("one.", 4, 10, "sound")));
  BOOST_TEST(!in_one(headers + vorbis("two.", 2, 0, "\1vorbis") + vorbis("one.", 4, 9, "sound")));
  BOOST_TEST(!in_one(headers));
  BOOST_TEST(!in_one("no video"));
  // Sound that states its size.
  const std::string caf = "caff" + std::string("\0\1\0\0", 4) + "desc" + std::string("\0\0\0\0\0\0\0\x20", 8) +
                          std::string(32, 'd') + "data" + std::string("\0\0\0\0\0\0\0\x40", 8) + std::string(64, 'x');
  const std::string w64 = "riff" + std::string(12, 'g') + std::string("\x64\0\0\0\0\0\0\0", 8) + std::string(76, 'x');
  const std::string rf64 = "RF64" + std::string(4, '\xff') + "WAVEds64" + std::string("\x1c\0\0\0", 4) +
                           std::string("\x5c\0\0\0\0\0\0\0", 8) + std::string(72, 'x');
  for (const auto& sound : {caf, w64, rf64}) {
    BOOST_TEST(end(sound).empty());
    for (const std::size_t cut : {1, 40})
      BOOST_TEST(end(sound.substr(0, sound.size() - cut)) == "the file is shorter than its header says");
  }
  // Packets of transport streams, also with time stamps before them, and of a recording that begins within one.
  std::string packets, stamped;
  for (int i = 0; i < 40; ++i) {
    packets += "G" + std::string(187, static_cast<char>(i));
    stamped += std::string(4, '\1') + "G" + std::string(187, static_cast<char>(i));
  }
  for (const std::string& stream : {packets, stamped, packets.substr(70), stamped.substr(70)}) {
    BOOST_TEST(end(stream).empty());
    for (const std::size_t cut : {1, 100, 187})
      BOOST_TEST(end(stream.substr(0, stream.size() - cut)) == "the file ends within a packet");
  }
  // Packs and packets of program streams, with the end code and without.
  const std::string pack = std::string("\0\0\1\xba\x44", 5) + std::string(8, '\1') + std::string(1, '\xf8'),
                    packet = std::string("\0\0\1\xe0\0\x50", 6) + std::string(80, 'x');
  const std::string program = pack + packet + packet + pack + packet;
  BOOST_TEST(end(program).empty());
  BOOST_TEST(end(program + std::string("\0\0\1\xb9", 4)).empty());
  BOOST_TEST(end(program + std::string(50, '\0')).empty());
  for (const std::size_t cut : {1, 40, 79, 81}) BOOST_TEST(!end(program.substr(0, program.size() - cut)).empty());
  // Matroska: clusters with a size, and without one.
  const std::string head("\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff", 18),
      block = std::string("\xa3\x40\x50", 3) + std::string(80, 'b'),
      sized = std::string("\x1f\x43\xb6\x75\x40\xa9\xe7\x81\0", 9) + block + block,
      unsized = std::string("\x1f\x43\xb6\x75\xff\xe7\x81\0", 8) + block + block,
      cues = std::string("\x1c\x53\xbb\x6b\x40\x50", 6) + std::string(80, 'c');
  for (const std::string& file : {head + sized + sized, head + unsized + unsized, head + unsized + sized + cues}) {
    BOOST_TEST(end(file).empty());
    BOOST_TEST(end(file + std::string(100, '\0')).empty());
  }
  for (const std::size_t cut : {1, 40, 82, 100, 168, 170})
    BOOST_TEST(end((head + sized + sized).substr(0, head.size() + 2 * sized.size() - cut)) ==
               "the file ends within a cluster");
  for (const std::size_t cut : {1, 40, 80}) {
    BOOST_TEST(end((head + unsized).substr(0, head.size() + unsized.size() - cut)) == "the file ends within a block");
    BOOST_TEST(end((head + sized + cues).substr(0, head.size() + sized.size() + cues.size() - cut)).empty());
  }
  // GIF, with a table of colours for all and one for the second picture; the trailer may be missing.
  const std::string gif = std::string("GIF89a\x10\0\x10\0\x80\0\0", 13) + std::string(6, 'c') +
                          std::string("\x21\xf9\4abcd\0", 8) + std::string("\x2c\0\0\0\0\x10\0\x10\0\0\2\3abc\0", 16) +
                          std::string("\x2c\0\0\0\0\x10\0\x10\0\x80", 10) + std::string(6, 'c') +
                          std::string("\2\3abc\2ab\0", 9);
  BOOST_TEST(end(gif).empty());
  BOOST_TEST(end(gif + ";").empty());
  for (const std::size_t cut : {1, 3, 8, 9, 12, 24, 26, 30})
    BOOST_TEST(end(gif.substr(0, gif.size() - cut)) == "the file ends within a picture", cut);
  // PNG, animated or not; IVF; y4m.
  const std::string png = std::string("\x89PNG\r\n\x1a\n\0\0\0\2IHDRabcrc!\0\0\0\0IENDcrc!", 34);
  BOOST_TEST(end(png).empty());
  for (const std::size_t cut : {1, 8, 12, 13})
    BOOST_TEST(end(png.substr(0, png.size() - cut)) == "the file ends within a chunk");
  const std::string frame = std::string("\3\0\0\0", 4) + std::string(8, '\0') + "abc",
                    ivf = std::string("DKIF\0\0\x20\0", 8) + std::string(24, 'h') + frame + frame;
  BOOST_TEST(end(ivf).empty());
  for (const std::size_t cut : {1, 3, 14})
    BOOST_TEST(end(ivf.substr(0, ivf.size() - cut)) == "the file ends within a picture");
  const std::string y4m = "YUV4MPEG2 W2 H2 F25:1 Cmono\nFRAME\nabcdFRAME Ip\nabcd";
  const auto end_of_y4m = [](const std::string& bytes) {
    std::istringstream file(bytes);
    return file_end(file, 4);
  };
  BOOST_TEST(end_of_y4m(y4m).empty());
  for (const std::size_t cut : {1, 4, 5, 10})
    BOOST_TEST(end_of_y4m(y4m.substr(0, y4m.size() - cut)) == "the file ends within a picture");
  // Tags of FLV; the size behind the last one may be wrong.
  const auto tag = [](const std::string& data) {
    return std::string("\x09\0\0", 3) + static_cast<char>(data.size()) + std::string(7, '\0') + data +
           std::string(3, '\0') + static_cast<char>(11 + data.size());
  };
  const std::string flv = std::string("FLV\1\1\0\0\0\x09\0\0\0\0", 13) + tag("first") + tag(std::string(90, 'x'));
  BOOST_TEST(end(flv).empty());
  BOOST_TEST(end(flv.substr(0, flv.size() - 1) + "\1").empty());
  for (const std::size_t cut : {5, 50, 94, 100})
    BOOST_TEST(end(flv.substr(0, flv.size() - cut)) == "the file ends within a tag");
}

BOOST_AUTO_TEST_CASE(the_end_of_chunks_fragments_and_indices_is_read) {
  const auto end = [](const std::string& bytes) {
    std::istringstream file(bytes);
    return file_end(file);
  };
  // Boxes of MP4: fragments and their pictures, then what pictures do not lie in.
  const auto box = [](const std::string& kind, const std::string& data) {
    return std::string(3, '\0') + static_cast<char>(8 + data.size()) + kind + data;
  };
  const std::string fragment = box("moof", "where") + box("mdat", std::string(50, 'x')),
                    start = box("ftyp", "isom") + box("moov", "tracks"), index = box("mfra", std::string(30, 'i'));
  BOOST_TEST(end(start + fragment + fragment + index).empty());
  BOOST_TEST(end(start + fragment + std::string(100, '\0')).empty());
  BOOST_TEST(end(start + fragment + index.substr(0, 20)).empty());
  BOOST_TEST(end(start + box("mdat", "whole").substr(0, 10)).empty());  // its index tells
  for (std::size_t cut = 1; cut < fragment.size() - 3; ++cut)           // three bytes may fill the file up
    BOOST_TEST(end(start + fragment + fragment.substr(0, fragment.size() - cut)) == "the file ends within a fragment",
               cut);
  std::string large = box("mdat", std::string(8, '\0') + std::string(50, 'x'));
  large[15] = large[3], large[3] = 1;  // its size stands behind its kind
  BOOST_TEST(end(start + box("moof", "where") + large).empty());
  BOOST_TEST(!end(start + box("moof", "where") + large.substr(0, 40)).empty());
  // AVI whose writer could not go back; the last chunk may lack what fills it up.
  const auto chunk = [](const std::string& kind, const std::string& data) {
    return kind + static_cast<char>(data.size()) + std::string(3, '\0') + data + std::string(data.size() % 2, '\0');
  };
  const std::string unknown(4, '\xff'),
      pictures = chunk("00dc", "first") + chunk("00dc", std::string(50, 'x')),
      avi = "RIFF" + unknown + "AVI " + chunk("LIST", "hdrlabcd") + "LIST" + unknown + "movi" + pictures;
  BOOST_TEST(end(avi).empty());
  BOOST_TEST(end(avi + chunk("00dc", "abc").substr(0, 11)).empty());
  for (const std::size_t cut : {1, 49, 50, 54, 57})
    BOOST_TEST(end(avi.substr(0, avi.size() - cut)) == "the file ends within a chunk", cut);
  // NUT, whose index may have other bytes behind it.
  const std::string nut = "nut/multimedia container" + std::string(1, '\0') + std::string(80, 'f'),
                    entries = std::string("NX\xdd\x67\x2f\x23\xe6\x4e\x14", 9) + std::string(20, 'i');
  BOOST_TEST(end(nut + entries).empty());
  BOOST_TEST(end(nut + entries + std::string(1000, 'x')).empty());
  BOOST_TEST(end(nut) == "the index at its end is missing");
  for (const std::size_t cut : {1, 20, 21, 25})
    BOOST_TEST(!end(nut + entries.substr(0, entries.size() - cut)).empty(), cut);
}

// What stands in the header before the file is finished stays there when it is written into a pipe.
BOOST_AUTO_TEST_CASE(files_of_pipes_are_whole_and_those_that_are_cut_off_are_told) {
  const Folder folder;
  for (const std::string name : {"v.avi", "v.ivf"}) {
    auto video = texture(60);
    if (name == "v.ivf") video.codec = "libvpx";
    if (!avcodec_find_encoder_by_name(video.codec.c_str())) continue;
    write_file(folder / name, video);
    std::string bytes = read_file(folder / name);
    const std::string unknown(4, '\xff');
    if (name == "v.ivf") {
      bytes.replace(24, 4, unknown);
    } else {
      bytes.resize(bytes.rfind("idx1"));
      bytes.replace(4, 4, unknown);
      bytes.replace(bytes.find("movi") - 4, 4, unknown);
      bytes.replace(bytes.find("strh") + 40, 4, std::string("\0\0\0\x40", 4));
    }
    for (const std::size_t cut : {0, 5}) {
      std::ofstream(folder / name, std::ios::binary) << bytes.substr(0, bytes.size() - cut);
      VideoDecoder decoder(folder / name);
      BOOST_TEST_CONTEXT(name << ", cut by " << cut) {
        BOOST_TEST(decode(decoder) >= 59);
        BOOST_TEST(std::abs(decoder.duration() - 2.4) < 0.05);
        BOOST_TEST(decoder.damage().found == (cut > 0), decoder.damage().message);
        if (cut > 0) BOOST_TEST(has(decoder.damage().message, "the file ends within a "), decoder.damage().message);
        else BOOST_TEST(all(decoder.notes()).empty(), all(decoder.notes()));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(mp4_that_is_cut_off_is_told_wherever_that_is) {
  const Folder folder;
  for (const bool fragments : {true, false}) {
    {
      MediaFile file(folder / "v.mp4");
      file.add(texture(300));
      file.write("movflags", fragments ? "frag_keyframe+empty_moov" : "faststart");
    }
    const std::string whole = read_file(folder / "v.mp4");
    const auto pictures = fragments ? whole.rfind("mfra") - 4 : whole.size();
    for (const std::size_t cut : {std::size_t{1}, std::size_t{300}, pictures / 4, pictures / 3, pictures / 2}) {
      std::ofstream(folder / "cut.mp4", std::ios::binary) << whole.substr(0, pictures - cut);
      VideoDecoder decoder(folder / "cut.mp4");
      decode(decoder);
      BOOST_TEST(has(decoder.damage().message,
                     fragments ? "(the file ends within a fragment)" : "(the file is shorter than its index says)"),
                 cut << ": " << decoder.damage().message);
    }
    VideoDecoder decoder(folder / "v.mp4");
    BOOST_TEST(decode(decoder) == 300);
    BOOST_TEST(!decoder.damage().found, decoder.damage().message);
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_pictures_says_so) {
  const Folder folder;
  {
    MediaFile file(folder / "v.mp4");
    file.add(texture(5));
    file.write("movflags", "empty_moov");
  }
  const std::string bytes = read_file(folder / "v.mp4");
  std::ofstream(folder / "v.mp4", std::ios::binary) << bytes.substr(0, bytes.find("moof") - 4);
  VideoDecoder decoder(folder / "v.mp4");
  BOOST_TEST(decode(decoder) == 0);
  BOOST_TEST(has(decoder.damage().message, "it holds no pictures"), decoder.damage().message);
}

BOOST_AUTO_TEST_CASE(what_is_no_video_says_what_it_is) {
  const Folder folder;
  const auto refusal = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(folder / name, std::ios::binary) << bytes;
    try {
      VideoDecoder decoder(folder / name);
      return std::string("opened");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  BOOST_TEST(has(refusal("t.mp4", "# notes of today\nnone\n"), "it is text, which begins '# notes of today'"));
  // RIFF, size, WEBP, then a chunk VP8X whose flags say animation, and one ANIM.
  const std::string webp("RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x3f\0\0\x3f\0\0ANIM\x06\0\0\0\xff\xff\xff\xff\0\0",
                         44);
  BOOST_TEST(is_animated_webp(webp));
  BOOST_TEST(!is_animated_webp(std::string(webp).replace(20, 1, 1, '\0')));
  const auto said = refusal("a.webp", webp);
  BOOST_TEST((has(said, "an animated WebP") || !has(said, "opened")), said);
}

BOOST_AUTO_TEST_CASE(a_gap_is_told_with_its_place) {
  const Folder folder;
  for (const std::string name : {"v.mp4", "v.mkv", "v.ts"}) {
    auto video = texture(100);
    for (std::size_t k = 50; k < 100; ++k) video.stamps[k] += 250;  // ten seconds
    write_file(folder / name, video);
    VideoDecoder decoder(folder / name);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(decode(decoder) == 100);
      BOOST_TEST(std::abs(decoder.time() - 349 / 25.0) < 1e-6);
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
      BOOST_TEST(has(all(decoder.warnings()), "no picture between 1.960 s and 12.000 s"), all(decoder.warnings()));
    }
  }
}

// Only the clock pauses: nothing shows that pictures are missing.
BOOST_AUTO_TEST_CASE(a_pause_is_no_damage) {
  const Folder folder;
  for (const std::string name : {"v.mp4", "v.mkv", "v.webm", "v.flv", "v.ts", "v.avi"})
    for (const int pause : {5, 25}) {
      auto video = texture(200 - pause);
      for (std::size_t k = 100; k < video.stamps.size(); ++k) video.stamps[k] += pause;
      if (name == "v.webm") video.codec = "libvpx";
      if (name == "v.flv") video.codec = "flv";
      if (name == "v.ts") video.codec = "mpeg2video";
      {
        MediaFile file(folder / name);
        file.add(video);
        file.write();
      }
      VideoDecoder decoder(folder / name);
      BOOST_TEST_CONTEXT(name << ", " << pause) {
        BOOST_TEST(decode(decoder) == 200 - pause);
        BOOST_TEST(std::abs(decoder.duration() - 8) < 0.002);
        BOOST_TEST(!decoder.damage().found, decoder.damage().message);
        const auto told = all(decoder.warnings());
        BOOST_TEST(has(told, pause == 5 ? "no picture between 3.960 s and 4.200 s" : "3.960 s and 5.000 s"), told);
        const bool slots = name == "v.avi";  // whose header counts ticks
        BOOST_TEST(has(all(decoder.notes()), "the container claims 200 frames") == slots, all(decoder.notes()));
      }
    }
}

// Packets that were lost where the container does not count them: H.264 numbers its pictures. MP4 counts those that it
// got.
BOOST_AUTO_TEST_CASE(lost_pictures_are_damage_in_containers_that_count_none) {
  const Folder folder;
  if (!avcodec_find_encoder_by_name("libx264")) {
    std::cout << "SKIPPED: no data: this FFmpeg has no libx264 to write H.264 with" << std::endl;
    return;
  }
  for (const std::string name : {"v.mkv", "v.ts", "v.mp4"})
    for (const int threads : {1, 4}) {
      auto video = texture(100);
      video.codec = "libx264";
      {
        MediaFile file(folder / name);
        file.add(video);
        file.drop(49, 57);  // key pictures at 36, 48, 60 ...
        file.write();
      }
      DecodeOptions options;
      options.threads = threads;
      VideoDecoder decoder(folder / name, options);
      const auto frames = decode(decoder);
      BOOST_TEST_CONTEXT(name << ", threads " << threads) {
        BOOST_TEST(frames == 92);
        const std::string message = name == "v.mp4" ? "" : "corrupt: no frame between 1.920 and 2.280 s";
        BOOST_TEST(has(decoder.damage().message, message), decoder.damage().message);
        BOOST_TEST(decoder.damage().found == !message.empty());
        BOOST_TEST(has(all(decoder.warnings()), "no picture between 1.920 s and 2.280 s"), all(decoder.warnings()));
      }
    }
}

BOOST_AUTO_TEST_CASE(a_late_start_is_told) {
  const Folder folder;
  for (const std::string name : {"v.mkv", "v.mp4", "v.ts"}) {
    {
      MediaFile file(folder / name);
      file.add(texture(50, 35));
      file.add_sound(3.4);
      file.write();
    }
    VideoDecoder decoder(folder / name);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(decode(decoder) == 50);
      BOOST_TEST(std::abs(decoder.duration() - 2) < 1e-9);
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
      BOOST_TEST(has(all(decoder.notes()), "the video starts 1.4"), all(decoder.notes()));
    }
  }
}

BOOST_AUTO_TEST_CASE(edit_lists_hide_pictures) {
  const Folder folder;
  {
    MediaFile file(folder / "v.mp4");
    file.add(texture(60, -8));
    file.write("keep", "1");
  }
  VideoDecoder decoder(folder / "v.mp4");
  BOOST_TEST(decoder.claimed() == 52);
  BOOST_TEST(decode(decoder) == 52);
  BOOST_TEST(std::abs(decoder.duration() - 52 / 25.0) < 1e-9);
  BOOST_TEST(!decoder.damage().found, decoder.damage().message);
  BOOST_TEST(all(decoder.notes()).empty(), all(decoder.notes()));
}

BOOST_AUTO_TEST_CASE(at_a_variable_rate_the_last_picture_lasts_as_long_as_its_container_says) {
  const Folder folder;
  for (const std::string name : {"v.mp4", "v.mkv"}) {
    auto video = texture(60);
    for (int k = 0; k < 40; ++k) video.stamps[static_cast<std::size_t>(k)] = 2 * k;  // then each tick: the last is 99
    for (int k = 40; k < 60; ++k) video.stamps[static_cast<std::size_t>(k)] = 40 + k;
    write_file(folder / name, video);
    VideoDecoder decoder(folder / name);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(decode(decoder) == 60);
      BOOST_TEST(std::abs(decoder.time() - 99 / 25.0) < 1e-9);
      BOOST_TEST(std::abs(decoder.duration() - 4) < 1e-9);
      BOOST_TEST(decoder.deviation() > 0.1);
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
    }
  }
}

BOOST_AUTO_TEST_CASE(few_pictures_last_as_long_as_their_container_says) {
  const Folder folder;
  for (const std::string name : {"v.mp4", "v.mkv"}) {
    auto video = texture(4);
    video.stamps = {0, 250, 275, 1250};
    write_file(folder / name, video);
    VideoDecoder decoder(folder / name);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(decode(decoder) == 4);
      BOOST_TEST(std::abs(decoder.duration() - 50.04) < 1e-9);
      BOOST_TEST(decoder.varies());
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
    }
  }
}

// Packets last as long as the next one is decoded later: where pictures are coded in another order than they are shown,
// the stream's end is not that of the last picture.
BOOST_AUTO_TEST_CASE(the_last_picture_lasts_as_long_where_pictures_are_coded_in_another_order) {
  const Folder folder;
  for (const int b_frames : {0, 1, 2}) {
    auto video = texture(150);
    video.rate = 60, video.b_frames = b_frames;
    for (int k = 120; k < 150; ++k) video.stamps[static_cast<std::size_t>(k)] = 120 + 4 * (k - 120);
    write_file(folder / "v.mp4", video);
    VideoDecoder decoder(folder / "v.mp4");
    BOOST_TEST_CONTEXT(b_frames) {
      BOOST_TEST(decode(decoder) == 150);
      BOOST_TEST(std::abs(decoder.time() - 236.0 / 60) < 1e-5);
      BOOST_TEST(std::abs(decoder.duration() - (b_frames > 0 ? 4 : 237.0 / 60)) < 1e-5);
      BOOST_TEST(decoder.varies());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_rate_is_that_of_the_time_stamps) {
  const Folder folder;
  struct Case {
    std::string name;
    int frames, ticks, stated;  // ticks of 25 a second
    double fps;
  };
  for (const auto& one : std::vector<Case>{{"short.mp4", 10, 10, 0, 2.5},
                                           {"short.mp4", 50, 2, 0, 12.5},
                                           {"second.mp4", 20, 25, 0, 1},
                                           {"third.mp4", 34, 3, 0, 25.0 / 3},
                                           {"third.mkv", 34, 3, 25, 25.0 / 3},
                                           {"half.mkv", 100, 2, 25, 12.5},
                                           {"half.webm", 100, 2, 25, 12.5},
                                           {"double.mkv", 100, 1, 50, 25}}) {
    auto video = texture(one.frames);
    if (one.name.ends_with("webm")) video.codec = "libvpx";
    if (!avcodec_find_encoder_by_name(video.codec.c_str())) continue;
    video.stated = one.stated;
    for (auto& stamp : video.stamps) stamp *= one.ticks;
    write_file(folder / one.name, video);
    VideoDecoder decoder(folder / one.name);
    BOOST_TEST_CONTEXT(one.name << ", " << one.frames) {
      BOOST_TEST(decode(decoder) == one.frames);
      BOOST_TEST(decoder.fps() == one.fps);
      BOOST_TEST(std::abs(decoder.duration() - one.frames / one.fps) < 1e-6);
      BOOST_TEST(!decoder.varies());
      BOOST_TEST(!decoder.damage().found, decoder.damage().message);
      BOOST_TEST(has(all(decoder.notes()), "the container states "), all(decoder.notes()));
      BOOST_TEST(!has(all(decoder.notes()), "claims"), all(decoder.notes()));
    }
  }
}

BOOST_AUTO_TEST_CASE(rates_are_told_from_rounded_time_stamps) {
  const auto rate_of = [](double fps, int frames, double tick) {
    StampRate rate(tick);
    for (int k = 1; k < frames; ++k) rate.add(std::round(k / fps / tick) * tick);
    BOOST_TEST(rate.constant());
    return rate.rate();
  };
  for (const double fps : {1.0, 2.5, 12.5, 24.0, 25.0, 30.0, 50.0, 60.0, 1e3 / 60, 25.0 / 3, 0.1})
    for (const double tick : {1e-3, 1.0 / 90000}) BOOST_TEST(std::abs(rate_of(fps, 300, tick) - fps) < 1e-9 * fps, fps);
  for (const double whole : {24.0, 30.0, 60.0})
    BOOST_TEST(std::abs(rate_of(whole * 1000 / 1001, 3000, 1e-3) - whole * 1000 / 1001) < 1e-9, whole);
  StampRate varies(1e-3), coarse(0.02);
  for (int k = 1; k < 40; ++k) varies.add(k < 20 ? k * 0.04 : 0.8 + (k - 20) * 0.05), coarse.add(k * 0.04);
  BOOST_TEST(!varies.constant());
  BOOST_TEST(!coarse.constant());
  StampRate two(1e-3);
  two.add(0.16);
  BOOST_TEST(!two.constant());
}

// Writers copy a variable rate to AVI with a fine clock, most of whose ticks are empty.
BOOST_AUTO_TEST_CASE(the_rate_of_avi_is_that_of_its_pictures) {
  const Folder folder;
  for (const std::string codec : {"libx264", "mpeg4"}) {
    if (!avcodec_find_encoder_by_name(codec.c_str())) continue;
    auto video = texture(280);
    video.codec = codec, video.rate = 600;
    for (std::size_t k = 0; k < 280; ++k)
      video.stamps[k] = static_cast<int>(std::lround(static_cast<double>(k) * 600 / 28));
    {
      MediaFile file(folder / "v.avi");
      file.add(video);
      file.write();
    }
    const std::string whole = read_file(folder / "v.avi");
    {
      VideoDecoder decoder(folder / "v.avi");
      BOOST_TEST_CONTEXT(codec) {
        BOOST_TEST(decoder.claimed() == 280);
        BOOST_TEST(decode(decoder) == 280);
        BOOST_TEST(decoder.fps() == 28);
        BOOST_TEST(std::abs(decoder.duration() - 10) < 0.05);  // its clock stops at the last picture's tick
        BOOST_TEST(!decoder.varies());
        BOOST_TEST(!decoder.damage().found, decoder.damage().message);
        BOOST_TEST(all(decoder.notes()).empty(), all(decoder.notes()));
      }
    }
    std::istringstream bytes(whole);
    BOOST_TEST(avi_pictures(bytes, 0).value_or(0) == 280);
    BOOST_TEST(avi_pictures(bytes, 1).value_or(9) == 0);
    std::istringstream more(whole + "RIFFmore");
    BOOST_TEST(!avi_pictures(more, 0).has_value());
    std::ofstream(folder / "v.avi", std::ios::binary) << whole.substr(0, whole.size() / 2);
    std::istringstream half(whole.substr(0, whole.size() / 2));
    BOOST_TEST(!avi_pictures(half, 0).has_value());
    VideoDecoder cut(folder / "v.avi");
    decode(cut);
    BOOST_TEST(has(cut.damage().message, "truncated or corrupt: last good time stamp"), cut.damage().message);
  }
}

// Recordings that follow each other in one transport stream; in the second one the clock begins anew.
BOOST_AUTO_TEST_CASE(a_clock_that_jumps_is_told_and_goes_on) {
  const Folder folder;
  const auto recording = [&](double seconds) {
    {
      MediaFile file(folder / "part.ts");
      auto video = texture(100, static_cast<int>(25 * seconds));
      video.codec = "mpeg2video";
      file.add(video);
      MediaFile::Sound sound;
      sound.seconds = 4, sound.start = seconds, sound.codec = AV_CODEC_ID_MP2;
      file.add(sound);
      file.write();
    }
    return read_file(folder / "part.ts");
  };
  const std::string first = recording(0);
  for (const double apart : {20.0, 100.0, 700.0, 30000.0})
    for (const bool back : {false, true}) {
      const std::string other = recording(apart);
      std::ofstream(folder / "v.ts", std::ios::binary) << (back ? other + first : first + other);
      VideoDecoder decoder(folder / "v.ts");
      BOOST_TEST_CONTEXT(apart << (back ? " back" : " forward")) {
        BOOST_TEST(decode(decoder) == 200);
        BOOST_TEST(std::abs(decoder.duration() - 8) < 0.05);
        BOOST_TEST(!decoder.varies());
        BOOST_TEST(!decoder.damage().found, decoder.damage().message);
        const auto told = all(decoder.warnings());
        BOOST_TEST(has(told, back ? "its clock jumps back by " : "its clock jumps forward by "), told);
        BOOST_TEST(has(told, " s at 4.0"), told);
      }
      SoundDecoder sound(folder / "v.ts", 8000, -1);
      sound.begin(decoder.zero());
      sound.finish();
      BOOST_TEST(std::abs(sound.duration() - 8) < 0.2, sound.duration());
      BOOST_TEST(!sound.damage(true).found, sound.damage(true).message);
    }
  // Around the end of the clock's 33 bits: no jump. (Encoders' time stamps are 32 bits here.)
  auto packet = make_packet();
  LibavPtr<AVFormatContext> format(avformat_alloc_context());
  AVStream* stream = avformat_new_stream(format.get(), nullptr);
  stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO, stream->pts_wrap_bits = 33, stream->time_base = {1, 90000};
  StreamClock clock;
  constexpr std::int64_t kAll = std::int64_t{1} << 33;
  const auto place = [&](std::int64_t stamp) {
    packet->pts = packet->dts = stamp, packet->duration = 3600;
    return clock.place(*packet, *stream);
  };
  BOOST_TEST(place(kAll - 3600) == 0);
  BOOST_TEST(place(0) == 0);
  BOOST_TEST(packet->dts == kAll);
  BOOST_TEST(place(3600) == 0);
  BOOST_TEST(packet->dts == kAll + 3600);
  BOOST_TEST(place(7200 + 90000 * 100) == 100);
  BOOST_TEST(packet->dts == kAll + 7200);
}

BOOST_AUTO_TEST_CASE(one_picture_is_no_video) {
  const Folder folder;
  const auto picture = [](const std::string& kind, int grey) {
    std::vector<std::uint8_t> bytes;
    cv::imencode(kind, cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(grey)), bytes);
    return std::string(bytes.begin(), bytes.end());
  };
  for (const std::string kind : {".png", ".jpg", ".bmp"})
    for (const std::string name : {"v.mp4", "v.mkv", "v.avi", "v"}) {
      const std::string one = picture(kind, 90);
      std::ofstream(folder / name, std::ios::binary) << one;
      BOOST_CHECK_EXCEPTION(VideoDecoder(folder / name), Error, [&](const Error& e) {
        return has(e.what(), "(one picture, of the format ") && has(e.what(), "*" + kind + "' -c:v ffv1");
      });
      std::ofstream(folder / name, std::ios::binary) << one << picture(kind, 160);
      VideoDecoder decoder(folder / name);
      BOOST_TEST_CONTEXT(kind << " as " << name) BOOST_TEST(decode(decoder) == 2);
    }
}

BOOST_AUTO_TEST_CASE(rates_up_to_those_of_high_speed_cameras) {
  const Folder folder;
  for (const int rate : {1000, 2000, 60000}) {
    auto video = texture(100);
    video.codec = "mjpeg", video.format = AV_PIX_FMT_YUVJ420P, video.rate = rate;
    {
      MediaFile file(folder / "v.mp4");
      file.add(video);
      file.write("video_track_timescale", "60000");
    }
    VideoDecoder decoder(folder / "v.mp4");
    BOOST_TEST_CONTEXT(rate) {
      BOOST_TEST(decode(decoder) == 100);
      BOOST_TEST(std::abs(decoder.fps() / rate - 1) < 1e-9);
      BOOST_TEST(std::abs(decoder.duration() * rate - 100) < 1e-6);
    }
  }
  // Matroska's clock has 1000 ticks a second, which is too few for 2000 pictures.
  auto video = texture(100);
  video.rate = 2000;
  {
    MediaFile file(folder / "v.mkv");
    file.add(video);
    file.write();
  }
  try {
    VideoDecoder decoder(folder / "v.mkv");
    BOOST_TEST(std::abs(decoder.fps() / 2000 - 1) < 0.01);  // a libavformat that states the rate
  } catch (const Error& error) {
    BOOST_TEST(has(error.what(), "share one tick"), error.what());
  }
}

BOOST_AUTO_TEST_CASE(one_of_several_video_streams) {
  const Folder folder;
  auto small = texture(30), large = texture(40), cover = texture(1);
  large.width = 192, large.height = 128;
  cover.width = 320, cover.height = 240, cover.codec = "mjpeg", cover.format = AV_PIX_FMT_YUVJ420P;
  cover.disposition = AV_DISPOSITION_ATTACHED_PIC;
  {
    MediaFile file(folder / "two.mp4");
    file.add(small);
    file.add(large);
    file.write();
  }
  const auto frames = [&](const std::string& name, int stream) {
    DecodeOptions options;
    options.video_stream = stream;
    VideoDecoder decoder(folder / name, options);
    decode(decoder);
    return std::pair{decoder.frames(), all(decoder.notes())};
  };
  BOOST_TEST(frames("two.mp4", -1).first == 30);  // movenc makes the first one the default, which counts more
  BOOST_TEST(has(frames("two.mp4", -1).second, "2 video streams; number 0 is taken (--video-stream)"));
  BOOST_TEST(frames("two.mp4", 0).first == 30);
  BOOST_TEST(frames("two.mp4", 1).first == 40);
  BOOST_TEST(!has(frames("two.mp4", 1).second, "video streams"));
  BOOST_CHECK_EXCEPTION(frames("two.mp4", 2), Error,
                        [](const Error& e) { return has(e.what(), "it has 2 video streams, counted from 0"); });
  {
    MediaFile file(folder / "cover.mp4");
    file.add(cover);
    file.add(small);
    file.write();
  }
  BOOST_TEST(frames("cover.mp4", -1).first == 30);
  BOOST_TEST(!has(frames("cover.mp4", -1).second, "video streams"));
  {
    MediaFile file(folder / "sound.mp4");
    file.add_sound(1);
    file.write();
  }
  BOOST_CHECK_EXCEPTION(frames("sound.mp4", -1), Error, [](const Error& e) {
    return has(e.what(), "no video that can be decoded (0 frames; it holds sound alone,");
  });
}

// Luma in uncompressed 4:2:2 (U Y V Y), so that what is shown can be compared to the last bit.
BOOST_AUTO_TEST_CASE(pictures_are_turned_as_they_are_shown) {
  const Folder folder;
  const cv::Size size(158, 134);  // leaves pixels over at both edges when it is shrunk by two
  const auto luma = [&](int k) {
    cv::Mat out(size, CV_8U);
    for (int y = 0; y < out.rows; ++y)
      for (int x = 0; x < out.cols; ++x)
        out.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(120 + 60 * std::sin((x - k) / 9.0) +
                                                               40 * std::sin(y / 5.0 + x / 17.0) + (x * y) % 13);
    return out;
  };
  const auto write = [&](const std::string& name, const std::int32_t* matrix,
                         const std::function<cv::Mat(int)>& shown) {
    MediaFile::Video video;
    video.width = shown(0).cols, video.height = shown(0).rows, video.codec = "rawvideo";
    video.format = AV_PIX_FMT_UYVY422, video.stamps = steady(4), video.matrix = matrix;
    video.paint = [&](int k, AVFrame& frame) {
      const cv::Mat picture = shown(k);
      for (int y = 0; y < frame.height; ++y)
        for (int x = 0; x < frame.width; ++x) {
          frame.data[0][y * frame.linesize[0] + 2 * x] = 128;
          frame.data[0][y * frame.linesize[0] + 2 * x + 1] = picture.at<std::uint8_t>(y, x);
        }
    };
    MediaFile file(folder / name);
    file.add(video);
    file.write();
  };
  struct Case {
    const char* name;
    int a, b, c, d;
    std::function<void(const cv::Mat&, cv::Mat&)> how;
  };
  const auto flip = [](int code) { return [code](const cv::Mat& in, cv::Mat& out) { cv::flip(in, out, code); }; };
  const auto rotate = [](int code) { return [code](const cv::Mat& in, cv::Mat& out) { cv::rotate(in, out, code); }; };
  // (x, y) is shown at (a x + c y, b x + d y), y downwards: the corner that goes where tells the turn.
  const std::vector<Case> cases = {
      {"as it is", 1, 0, 0, 1, [](const cv::Mat& in, cv::Mat& out) { in.copyTo(out); }},
      {"mirrored", -1, 0, 0, 1, flip(1)},
      {"upside down", 1, 0, 0, -1, flip(0)},
      {"half a turn", -1, 0, 0, -1, rotate(cv::ROTATE_180)},
      {"clockwise", 0, 1, -1, 0, rotate(cv::ROTATE_90_CLOCKWISE)},
      {"anticlockwise", 0, -1, 1, 0, rotate(cv::ROTATE_90_COUNTERCLOCKWISE)},
      {"along the diagonal", 0, 1, 1, 0, [](const cv::Mat& in, cv::Mat& out) { cv::transpose(in, out); }},
      {"along the other diagonal", 0, -1, -1, 0,
       [](const cv::Mat& in, cv::Mat& out) {
         cv::transpose(in, out);
         cv::flip(out, out, -1);
       }},
  };
  for (const auto& one : cases) {
    const std::int32_t matrix[9] = {one.a * 65536, one.b * 65536, 0, one.c * 65536, one.d * 65536, 0, 0, 0, 1 << 30};
    write("turned.mov", matrix, luma);
    write("shown.mov", nullptr, [&](int k) {
      cv::Mat out;
      one.how(luma(k), out);
      return out;
    });
    DecodeOptions options;
    options.grey = true;
    VideoDecoder turned(folder / "turned.mov", options), shown(folder / "shown.mov", options);
    VideoPicture a, b;
    int frames = 0;
    BOOST_TEST_CONTEXT(one.name) {
      while (shown.read(b)) {
        BOOST_REQUIRE(turned.read(a));
        BOOST_REQUIRE((a.grey.size() == b.grey.size() && a.bgr.size() == b.bgr.size()));
        BOOST_TEST(cv::norm(a.grey, b.grey, cv::NORM_INF) == 0);
        BOOST_TEST(cv::norm(a.bgr, b.bgr, cv::NORM_INF) <= 2);  // libswscale's rounding goes by position
        // The shown luma, shrunk here: limited range.
        cv::Mat expected, grey;
        one.how(luma(frames), expected);
        shrink_luma(expected, shrink_factor(expected.size()), false, grey);
        BOOST_TEST(cv::norm(a.grey, grey, cv::NORM_INF) == 0);
        ++frames;
      }
      BOOST_TEST(frames == 4);
    }
  }
  // 45 degrees is no turn of pixels: said, not guessed.
  std::int32_t oblique[9];
  av_display_rotation_set(oblique, 45);
  write("oblique.mov", oblique, luma);
  VideoDecoder decoder(folder / "oblique.mov");
  decode(decoder);
  BOOST_TEST(has(all(decoder.warnings()), "display matrix is no quarter turn"));
}

BOOST_AUTO_TEST_CASE(a_size_that_changes_is_scaled_to_the_first_and_told) {
  const Folder folder;
  const auto jpeg = [](int k, int width, int height) {
    cv::Mat picture(height, width, CV_8UC3);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        picture.at<cv::Vec3b>(y, x) = cv::Vec3b::all(static_cast<std::uint8_t>(
            127 + 80 * std::sin(20 * (x + 0.5) / width - 0.2 * k) * std::cos(15 * (y + 0.5) / height)));
    std::vector<std::uint8_t> bytes;
    cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, 98});
    return std::string(bytes.begin(), bytes.end());
  };
  std::string same, grows;
  for (int k = 0; k < 20; ++k) same += jpeg(k, 96, 64), grows += k < 10 ? jpeg(k, 96, 64) : jpeg(k, 192, 128);
  std::ofstream(folder / "same.mjpeg", std::ios::binary) << same;
  std::ofstream(folder / "grows.mjpeg", std::ios::binary) << grows;
  DecodeOptions options;
  options.grey = true;
  VideoDecoder constant(folder / "same.mjpeg", options), growing(folder / "grows.mjpeg", options);
  VideoPicture a, b;
  while (constant.read(a)) {
    BOOST_REQUIRE(growing.read(b));
    BOOST_REQUIRE((b.bgr.size() == a.bgr.size() && b.grey.size() == a.grey.size()));
    BOOST_TEST(cv::norm(a.grey, b.grey, cv::NORM_INF) < 8);
    BOOST_TEST(cv::norm(a.bgr, b.bgr, cv::NORM_L1) / static_cast<double>(3 * a.bgr.total()) < 2);
  }
  BOOST_TEST(growing.frames() == 20);
  BOOST_TEST(has(all(growing.warnings()), "from 96 x 64 to 192 x 128 pixels at 0.400 s"), all(growing.warnings()));
  BOOST_TEST(all(constant.warnings()).empty());
}

BOOST_AUTO_TEST_CASE(damaged_pictures_are_counted_and_decoded_alike_again) {
  const Folder folder;
  {
    MediaFile file(folder / "v.mkv");
    file.add(texture(100));
    for (const std::size_t k : {std::size_t{30}, std::size_t{70}}) {
      auto& packet = file.packet(k);
      for (int i = packet.size / 3; i < packet.size; ++i) packet.data[i] = static_cast<std::uint8_t>(37 * i + 11);
    }
    file.write();
  }
  std::vector<std::string> runs;
  for (int round = 0; round < 3; ++round) {
    DecodeOptions options;
    options.threads = 1;
    VideoDecoder decoder(folder / "v.mkv", options);
    std::string bytes;
    for (cv::Mat frame; decoder.read(frame);) bytes += digest(frame);
    runs.push_back(bytes);
    BOOST_TEST(decoder.frames() >= 98);
    BOOST_TEST(!decoder.damage().found, decoder.damage().message);
    BOOST_TEST(decoder.damaged() >= 1);
    BOOST_TEST(decoder.damaged() <= 2);
    BOOST_TEST(has(all(decoder.warnings()), "concealed by the decoder"), all(decoder.warnings()));
  }
  BOOST_TEST(runs[0] == runs[1]);
  BOOST_TEST(runs[0] == runs[2]);
}

// A codec may find nothing wrong where whole pictures are gone; the transport stream counts its packets.
BOOST_AUTO_TEST_CASE(lost_pieces_of_a_transport_stream_are_counted) {
  const Folder folder;
  {
    MediaFile file(folder / "whole.ts");
    auto video = texture(100);
    video.codec = "mpeg2video";
    file.add(video);
    file.write();
  }
  constexpr std::size_t kPacket = 188;
  const std::string whole = read_file(folder / "whole.ts");
  BOOST_REQUIRE(whole.size() % kPacket == 0);
  const std::size_t packets = whole.size() / kPacket;
  const auto of_video = [&](std::size_t i) {
    return (whole[i * kPacket + 1] & 0x1f) == 1 && whole[i * kPacket + 2] == 0;
  };
  const auto decoded = [&](const std::string& bytes) {
    std::ofstream(folder / "v.ts", std::ios::binary) << bytes;
    VideoDecoder decoder(folder / "v.ts");
    const auto frames = decode(decoder);
    BOOST_TEST(frames > 80);
    return all(decoder.warnings());
  };
  BOOST_TEST(!has(decoded(whole), "missing in the stream"));
  for (const int places : {1, 3}) {
    std::string lost;
    std::size_t left_out = 0;
    for (std::size_t i = 0; i < packets; ++i) {
      const bool here = of_video(i) && i >= (left_out + 1) * packets / 5 && left_out < static_cast<std::size_t>(places);
      if (here) ++left_out;
      else lost.append(whole, i * kPacket, kPacket);
    }
    const auto said = decoded(lost);
    BOOST_TEST(has(said, "pieces of " + std::to_string(places) + (places == 1 ? " picture" : " pictures") +
                             " are missing in the stream"),
               said);
  }
}

// Codecs whose decoder would make up pictures on a grey ground.
BOOST_AUTO_TEST_CASE(nothing_is_made_up_before_the_first_key_picture) {
  const Folder folder;
  for (const std::string codec : {"mpeg4", "libx265"})
    for (const std::string name : {"v.ts", "v.mkv"}) {
      if (!avcodec_find_encoder_by_name(codec.c_str())) continue;
      auto video = texture(100);
      video.codec = codec;
      {
        MediaFile file(folder / name);
        file.add(video);
        file.drop(0, 5);  // key pictures at 0, 12, 24 ...
        file.write();
      }
      VideoDecoder decoder(folder / name);
      BOOST_TEST_CONTEXT(codec << ", " << name) {
        BOOST_TEST(decode(decoder) == 88);
        BOOST_TEST(!decoder.damage().found, decoder.damage().message);
        BOOST_TEST(decoder.damaged() == 0);
        BOOST_TEST(has(all(decoder.warnings()), "cannot be decoded (7 pictures before the first key picture"),
                   all(decoder.warnings()));
      }
    }
  // Where none comes, all are given.
  {
    MediaFile file(folder / "v.mkv");
    file.add(texture(12));
    file.drop(0, 1);
    file.write();
  }
  VideoDecoder decoder(folder / "v.mkv");
  BOOST_TEST(decode(decoder) == 11);
}

BOOST_AUTO_TEST_CASE(what_comes_before_the_first_key_picture_is_told) {
  const Folder folder;
  if (!avcodec_find_encoder_by_name("libx264")) {
    std::cout << "SKIPPED: no data: this FFmpeg has no libx264 to write H.264 with" << std::endl;
    return;
  }
  auto video = texture(100);
  video.codec = "libx264";
  {
    MediaFile file(folder / "v.ts");
    file.add(video);
    file.drop(0, 5);  // key pictures at 0, 12, 24 ...
    file.write();
  }
  VideoDecoder decoder(folder / "v.ts");
  BOOST_TEST(decode(decoder) == 88);
  BOOST_TEST(!decoder.damage().found, decoder.damage().message);
  BOOST_TEST(has(all(decoder.warnings()), "its beginning cannot be decoded ("), all(decoder.warnings()));
}

BOOST_AUTO_TEST_CASE(names_are_no_protocols_and_no_patterns) {
  const Folder folder;
  {
    MediaFile file(folder / "v.mp4");
    file.add(texture(20));
    file.write();
  }
  const auto home = fs::current_path();
  fs::current_path(folder.path);
  for (const std::string name :
       {"12:30:05.mp4", "http:x.mp4", "file:x.mp4", "concat:a|b.mp4", "50%.mp4", "a%03d.mp4"}) {
    fs::copy_file("v.mp4", name);
    VideoDecoder decoder(name);
    BOOST_TEST_CONTEXT(name) BOOST_TEST(decode(decoder) == 20);
  }
  cv::imwrite("p.png", cv::Mat(64, 64, CV_8UC3, cv::Scalar(1, 2, 3)));
  fs::rename("p.png", "p%02d.png");
  BOOST_CHECK_EXCEPTION(VideoDecoder("p%02d.png"), Error,
                        [](const Error& e) { return has(e.what(), "(one picture,"); });
  fs::current_path(home);
}

BOOST_AUTO_TEST_CASE(threads_and_opencv_give_the_same_pixels) {
  const Folder folder;
  SynthVideoOptions options;
  options.duration = 3, options.width = 330, options.height = 242;  // no whole vectors
  write_video(folder / "v.mp4", draw(options, 3, 0));
  std::vector<std::string> one, four, peer;
  for (auto [threads, digests] : {std::pair{1, &one}, std::pair{4, &four}}) {
    DecodeOptions with;
    with.threads = threads;
    VideoDecoder decoder(folder / "v.mp4", with);
    for (cv::Mat frame; decoder.read(frame);) digests->push_back(digest(frame));
  }
  cv::VideoCapture capture(folder / "v.mp4", cv::CAP_FFMPEG);
  for (cv::Mat frame; capture.read(frame);) peer.push_back(digest(frame));
  BOOST_TEST(one.size() == 75);
  BOOST_TEST((one == four));
  BOOST_TEST((one == peer));
}

// Against plain sums; and near to what Rec. 601 makes of the same picture by way of BGR.
BOOST_AUTO_TEST_CASE(luma_is_shrunk_exactly) {
  for (const bool full : {false, true})
    for (const auto& [size, factor] :
         {std::pair(cv::Size(320, 240), 4), std::pair(cv::Size(331, 243), 4), std::pair(cv::Size(100, 90), 3),
          std::pair(cv::Size(77, 50), 1), std::pair(cv::Size(640, 400), 7)}) {
      cv::Mat luma(size, CV_8U), grey;
      cv::randu(luma, 0, 256);
      shrink_luma(luma, factor, full, grey);
      BOOST_REQUIRE((grey.size() == cv::Size(size.width / factor, size.height / factor)));
      for (int y = 0; y < grey.rows; ++y)
        for (int x = 0; x < grey.cols; ++x) {
          double sum = 0;
          for (int dy = 0; dy < factor; ++dy)
            for (int dx = 0; dx < factor; ++dx) sum += luma.at<std::uint8_t>(y * factor + dy, x * factor + dx);
          const double mean = sum / (factor * factor), value = full ? mean : (mean - 16) * 255 / 219;
          BOOST_REQUIRE(std::abs(std::clamp(value, 0.0, 255.0) - grey.at<std::uint8_t>(y, x)) <= 0.5 + 1e-9);
        }
    }
  const Folder folder;
  {
    MediaFile file(folder / "v.mp4");
    auto video = texture(10);
    video.width = 320, video.height = 240;
    file.add(video);
    file.write();
  }
  DecodeOptions options;
  options.grey = true;
  VideoDecoder decoder(folder / "v.mp4", options);
  VideoPicture picture;
  cv::Mat grey;
  while (decoder.read(picture)) {
    shrink_grey(picture.bgr, shrink_factor(picture.bgr.size()), grey);
    BOOST_TEST(cv::norm(grey, picture.grey, cv::NORM_INF) <= 2);
  }
  BOOST_TEST(decoder.frames() == 10);
}

BOOST_AUTO_TEST_CASE(devices_that_are_not_there_are_refused_with_those_of_this_ffmpeg) {
  BOOST_CHECK_EXCEPTION(check_hwaccel("abacus"), UsageError, [](const UsageError& e) {
    return has(e.what(), "--hwaccel abacus: this FFmpeg has no such kind of device (it has ");
  });
}

BOOST_AUTO_TEST_SUITE_END()
