// A fast hash that tells texts apart which differ by accident; where somebody may want two to collide, sha256.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tal {

// wyhash, final version 4.2 (Wang Yi, github.com/wangyi-fudan/wyhash), with its default secret: some 20 GB/s.
std::uint64_t wyhash(std::string_view bytes, std::uint64_t seed = 0);

std::string hex16(std::uint64_t value);  // 16 lower-case digits

}  // namespace tal
