// The shared runner: the same bytes whatever -j, no lost record, settings and their order, exit statuses.
#include "libtal/cli/tool.h"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace tal;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("tal-tool-test-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
  std::string name(const std::string& leaf) const { return (path / leaf).string(); }
};

// A tool that multiplies every score by --factor.
int run(std::vector<std::string> arguments, double* factor_seen = nullptr) {
  arguments.insert(arguments.begin(), "tal-test");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  Tool tool{{"tal-test", "Scale scores", "For tests.", {{"halve", "tal-test --factor 0.5"}}, {}}};
  double factor = 1;
  std::string method = "a";
  tool.command_line().add("--factor", factor, "Factor");
  tool.command_line().add("--method", method, "a or b");
  return tool.run(static_cast<int>(argv.size()), argv.data(), [&] {
    if (method == "b") tool.refuse({"--factor"}, "--method b");
    if (method == "p") tool.preset("--factor", "8");
    if (factor_seen) *factor_seen = factor;
    map_records(tool, [&](Record& record) {
      auto proposals = record.require_proposals();
      for (auto& proposal : proposals) proposal.score *= factor;
      record.set_proposals(proposals);
    });
  });
}

std::string records(int count, int bad_every = 0) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += "{\"video\":\"v" + std::to_string(i) + "\",\"n\":[" + std::to_string(i) + ", 1.0],\"proposals\":[";
    const int size = i % 50;
    for (int k = 0; k < size; ++k)
      out += std::string(k ? "," : "") + "{\"segment\":[" + std::to_string(k) + "," + std::to_string(k + 1 + i % 3) + ".5],\"score\":0." + std::to_string(k + 1) + "}";
    out += bad_every && i % bad_every == 0 ? "]\n" : "]}\n";
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tool)

BOOST_AUTO_TEST_CASE(same_bytes_whatever_the_jobs) {
  Folder folder;
  const auto in = folder.file("in.jsonl", records(3000));
  std::string first;
  for (const char* jobs : {"1", "2", "5", "0"}) {
    BOOST_TEST(run({"--factor", "0.5", "-i", in, "-o", folder.name("out"), "-j", jobs}) == 0);
    const std::string out = read_file(folder.name("out"));
    if (first.empty()) first = out;
    BOOST_TEST((out == first), "jobs " << jobs);
  }
  BOOST_TEST(std::count(first.begin(), first.end(), '\n') == 3000);
  BOOST_TEST(first.find("\"history\":[{\"tool\":\"tal-test\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost) {
  Folder folder;
  const auto text = records(500, 7);
  const auto in = folder.file("in.jsonl", text);
  for (const char* jobs : {"1", "3"}) {
    BOOST_TEST(run({"-i", in, "-o", folder.name("out"), "--on-error", "skip", "--rejects", folder.name("bad"), "-j", jobs, "--no-history"}) == 1);
    const std::string out = read_file(folder.name("out")), bad = read_file(folder.name("bad"));
    BOOST_TEST(std::count(out.begin(), out.end(), '\n') == 428);
    BOOST_TEST(std::count(bad.begin(), bad.end(), '\n') == 72);
    BOOST_TEST(out.size() + bad.size() == text.size());  // factor 1: every byte is somewhere
    BOOST_TEST(run({"-i", in, "-o", folder.name("never"), "-j", jobs}) == 1);
    BOOST_TEST(!std::filesystem::exists(folder.name("never")));
    BOOST_TEST(run({"-i", in, "-o", folder.name("never"), "--on-error", "skip", "--max-errors", "3", "-j", jobs}) == 1);
    BOOST_TEST(!std::filesystem::exists(folder.name("never")));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder.path))
    BOOST_TEST(entry.path().string().find(".tmp-") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(settings_and_their_order) {
  Folder folder;
  const auto in = folder.file("in.jsonl", "{\"video\":\"v\",\"proposals\":[]}\n");
  const auto config = folder.file("c.json", "{\"factor\": 2}");
  const auto sections = folder.file("s.json", "{\"tal-test\":{\"factor\": 3},\"tal-other\":{\"x\":1}}");
  const auto typo = folder.file("t.json", "{\"facter\": 2}");
  double seen = 0;
  const std::vector<std::string> io = {"-i", in, "-o", "/dev/null"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), io.begin(), io.end());
    return run(more, &seen);
  };
  BOOST_TEST((with({}) == 0 && seen == 1));
  BOOST_TEST((with({"--config", config}) == 0 && seen == 2));
  BOOST_TEST((with({"--config", sections}) == 0 && seen == 3));
  ::setenv("TAL_FACTOR", "4", 1);
  BOOST_TEST((with({"--config", config}) == 0 && seen == 4));
  BOOST_TEST((with({"--config", config, "--factor=5"}) == 0 && seen == 5));
  ::unsetenv("TAL_FACTOR");
  BOOST_TEST((with({"--method", "p"}) == 0 && seen == 8));
  BOOST_TEST((with({"--method", "p", "--factor", "6"}) == 0 && seen == 6));
  BOOST_TEST(with({"--config", typo}) == 2);
  BOOST_TEST(with({"--factr", "1"}) == 2);
  BOOST_TEST(with({"--factor", "x"}) == 2);
  BOOST_TEST(with({"--method", "b", "--factor", "1"}) == 2);
  BOOST_TEST(with({"--rejects", "x"}) == 2);
  BOOST_TEST(with({"-o", "/dev/full"}) == 2);  // given twice
  BOOST_TEST(run({"-i", in, "-o", "/dev/full"}) == 1);
  BOOST_TEST(run({"-i", folder.name("missing"), "-o", "/dev/null"}) == 1);
  BOOST_TEST(run({"-i", folder.path.string(), "-o", "/dev/null"}) == 1);
  BOOST_TEST(run({"-i", folder.file("x.gz", "\x1f\x8b\x08garbage\n"), "-o", "/dev/null"}) == 1);
  BOOST_TEST(run({"-i", folder.file("bom", "\xef\xbb\xbf{\"video\":\"v\",\"proposals\":[]}\r\n\r\n"), "-o", folder.name("o"), "--no-history"}) == 0);
  BOOST_TEST(read_file(folder.name("o")) == "{\"video\":\"v\",\"proposals\":[]}\n");
}

BOOST_AUTO_TEST_SUITE_END()
