// Feeds LLVMFuzzerTestOneInput without libFuzzer: the seeds, all their beginnings, and some thousands of mutations of
// them, the same ones in every run. usage: fuzz-NAME RUNS SEED_FILE...   A crash leaves the input in crash-input.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#include "tests/fuzz/fuzz.h"

extern "C" int __attribute__((weak)) LLVMFuzzerInitialize(int*, char***) { return 0; }

namespace {

std::string current;
int messages = 2;  // stderr, kept although a target may send its own elsewhere

void save_input(int number) {
  std::ofstream("crash-input", std::ios::binary).write(current.data(), static_cast<std::streamsize>(current.size()));
  const std::string text = "fuzz smoke: ended by signal " + std::to_string(number) + ", the input is in crash-input\n";
  [[maybe_unused]] const auto ignored = ::write(messages, text.data(), text.size());
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void feed(const std::string& input) {
  current = input;
  // A copy of exactly this size, so that AddressSanitizer sees a read behind it.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string next() {
    std::string text = seeds_[below(seeds_.size())];
    for (std::size_t n = 1 + below(4); n > 0; --n) change(text);
    if (text.size() > 1 << 16) text.resize(1 << 16);
    return text;
  }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

  void change(std::string& text) {
    static const std::vector<std::string> words = {"NaN",
                                                   "-Infinity",
                                                   "1e999",
                                                   "-0",
                                                   "1e-400",
                                                   "9223372036854775808",
                                                   "null",
                                                   "true",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   "\"",
                                                   "\\",
                                                   "\\u0000",
                                                   "\\ud800",
                                                   ",",
                                                   ":",
                                                   "\n",
                                                   "\r\n",
                                                   "\xff",
                                                   "\xef\xbb\xbf",
                                                   std::string(1, '\0'),
                                                   "0x10",
                                                   "--",
                                                   "=",
                                                   "\xc3\xa9",
                                                   std::string(40, '['),
                                                   "00",
                                                   "1/0",
                                                   "-1"};
    const std::size_t at = below(text.size() + 1), rest = text.size() - at;
    switch (below(8)) {
      case 0:
        if (rest > 0) text[at] = static_cast<char>(below(256));
        break;
      case 1:
        if (rest > 0) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 2: text.erase(at, 1 + below(std::min<std::size_t>(rest, 16))); break;
      case 3: text.insert(at, words[below(words.size())]); break;
      case 4: text.insert(at, text.substr(below(text.size() + 1), 1 + below(32))); break;  // a piece twice
      case 5: text.resize(at); break;
      case 6: {  // the end of another seed
        const std::string& other = seeds_[below(seeds_.size())];
        text.resize(at);
        text += other.substr(below(other.size() + 1));
        break;
      }
      default: {  // a number of binary headers, little-endian
        static const std::uint64_t values[] = {
            0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff};
        const std::uint64_t value = values[below(10)];
        for (std::size_t i = 0, width = std::size_t{1} << below(4); i < width && at + i < text.size(); ++i)
          text[at + i] = static_cast<char>(value >> (8 * i));
      }
    }
  }

  const std::vector<std::string>& seeds_;
  std::mt19937_64 random_{20240229};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: " << argv[0] << " RUNS SEED_FILE...\n";
    return 2;
  }
  const long runs = std::atol(argv[1]);
  std::vector<std::string> seeds;
  for (int i = 2; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    if (!in) {
      std::cerr << "cannot read " << argv[i] << "\n";
      return 1;
    }
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  messages = ::dup(2);
  LLVMFuzzerInitialize(&argc, &argv);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<std::intptr_t>(messages)));
#endif
  for (const int number : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL}) ::signal(number, save_input);
  std::size_t fed = 0;
  for (const auto& seed : seeds)
    for (std::size_t length = 0; length <= seed.size(); length += 1 + seed.size() / 400, ++fed)
      feed(seed.substr(0, length));
  for (const auto& seed : seeds) feed(seed), ++fed;
  Mutator mutator(seeds);
  for (long i = 0; i < runs; ++i, ++fed) feed(mutator.next());
  const std::string text = std::to_string(seeds.size()) + " seeds, " + std::to_string(fed) + " inputs\n";
  return ::write(messages, text.data(), text.size()) < 0;
}
