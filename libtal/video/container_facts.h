// What a file's first and last bytes say of it that FFmpeg does not.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

namespace tal {

// Seconds that an ASF file (WMV) plays by its header (file properties object: play duration less preroll); nullopt: it
// is none, or was never finished. libavformat keeps this to itself where the file is shorter than the header says.
std::optional<double> asf_duration(std::string_view head);

// Bytes that a RIFF file (WAV, AVI) has by its header; nullopt: it is none, or does not say.
std::optional<std::uint64_t> riff_bytes(std::string_view head);

// How the end of a file shows that it was cut off, where libavformat does not tell: Ogg, MPEG-TS, MPEG-PS, FLV,
// Matroska, GIF, PNG, IVF, y4m, NUT, fragments of MP4, AVI of pipes; files of sound that state their size. "the file
// ends within a page", "its last page does not say that the stream ends"; "": nothing shows it. picture: bytes of one
// in a file of pictures as they are (y4m); 0: it is none.
std::string file_end(std::istream& file, std::uint64_t picture = 0);

// Pictures of an AVI file's stream by its index (idx1), without empty chunks, where the last one stays; nullopt: it has
// no such index, or parts behind the first, of which it does not tell.
std::optional<std::int64_t> avi_pictures(std::istream& file, int stream);

// Whether an Ogg file has one Vorbis stream, and all its sound is in one page, the stream's last: the page's granule
// position is then the number of samples, from 0 on. libavformat takes them to begin later, and cuts off what is none.
bool vorbis_in_one_page(std::istream& file);

// Whether it is a WebP with several pictures.
bool is_animated_webp(std::string_view head);

}  // namespace tal
