// The shared runner: the same bytes whatever -j, no lost record, settings and their order, exit statuses.
#include "libtal/cli/tool.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>

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
  tool.command_line().add("--factor", factor, "Factor").without("--method", {"b"});
  tool.command_line().add("--method", method, "a or b");
  tool.command_line().settle([&](Tool& settled) {
    if (method == "p") settled.preset("--factor", "8");
  });
  return tool.run(static_cast<int>(argv.size()), argv.data(), [&] {
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
      out += std::string(k ? "," : "") + "{\"segment\":[" + std::to_string(k) + "," + std::to_string(k + 1 + i % 3) +
             ".5],\"score\":0." + std::to_string(k + 1) + "}";
    out += bad_every && i % bad_every == 0 ? "]\n" : "]}\n";
  }
  return out;
}

// What a run says on stderr and stdout, and its status.
struct Said {
  int status = 0;
  std::string error, output;
};

// A tool with every kind of condition. body_ran: whether the options were taken.
class RuledTool {
 public:
  Said operator()(std::vector<std::string> arguments) {
    body_ran = false;
    arguments.insert(arguments.begin(), "tal-test");
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    Tool tool{{"tal-test", "Conditions", "For tests.", {}, {}}};
    Values v;
    register_options(tool.command_line(), v);
    Said said;
    const Redirected error(2, folder_.name("error")), output(1, folder_.name("output"));
    said.status = tool.run(static_cast<int>(argv.size()), argv.data(), [&] {
      in_parts(tool, v);
      body_ran = true, values = v;
    });
    std::fflush(nullptr);
    said.error = read_file(folder_.name("error")), said.output = read_file(folder_.name("output"));
    return said;
  }
  std::string refusal(std::vector<std::string> arguments) {
    const Said said = (*this)(std::move(arguments));
    BOOST_TEST(said.status == 2);
    BOOST_TEST(!body_ran);
    return said.error.substr(0, said.error.find('\n'));
  }
  bool takes(std::vector<std::string> arguments) {
    const Said said = (*this)(std::move(arguments));
    BOOST_TEST(said.error == "");
    return said.status == 0 && body_ran;
  }

  struct Values {
    std::string method = "greedy", preset;
    double sigma = 1, alpha = 2, noise = 1;
    std::optional<double> voting;
    std::string weight = "score", log, board;
    int every = 1;
    bool live = false;
    std::vector<std::string> files, kinds = {"one"};
    int dim = 3;
  } values;
  bool body_ran = false;
  std::function<void(const Options&, Values&)> more = [](const Options&, Values&) {};
  std::function<void(Tool&, Values&)> in_parts = [](Tool&, Values&) {};  // of the body

 private:
  class Redirected {
   public:
    Redirected(int fd, const std::string& path) : fd_(fd), kept_(::dup(fd)) {
      const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(file, fd);
      ::close(file);
    }
    ~Redirected() { ::dup2(kept_, fd_), ::close(kept_); }

   private:
    int fd_, kept_;
  };

  void register_options(const Options& table, Values& v) const {
    table.settle([&v](Tool& tool) {
      if (v.preset == "soft") tool.preset("--method", "gaussian"), tool.preset("--sigma", "8");
    });
    table.add("--method", v.method, "Method").one_of({"greedy", "gaussian", "window"});
    table.add("--preset", v.preset, "Preset").one_of({{"soft", "Gaussian with 8"}, {"none", "Nothing"}});
    const Options rule = table.group("Rule"), window = rule.with("--method", {"window"});
    rule.add("--sigma", v.sigma, "Sigma").positive().with("--method", {"gaussian", "window"});
    window.add("--alpha", v.alpha, "Alpha").without("--live");
    table.add("--voting", v.voting, "Voting");
    table.add("--weight", v.weight, "Weight").with("--voting");
    table.add("--log", v.log, "Log");
    table.add("--board", v.board, "Board");
    table.add("--every", v.every, "Every").with_any({{"--log"}, {"--board"}});
    table.flag("--live", v.live, "Live");
    table.add("--kinds", v.kinds, "Kinds").comma_separated().one_of({"one", "two"});
    table.add("--noise", v.noise, "Noise");
    table.add("--dim", v.dim, "Dim").with_any({{"--kinds", {"two"}}, {"--noise", {"0"}, false}});
    table.add("files", v.files, "Files");
    table.row("--input").without("files");
    more(table, v);
  }

  Folder folder_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tool)

BOOST_AUTO_TEST_CASE(options_without_effect) {
  RuledTool tool;
  // A value; a group's and a row's own condition.
  BOOST_TEST(tool.refusal({"--sigma", "3"}) == "tal-test: error: --sigma has no effect with --method greedy");
  BOOST_TEST(tool.takes({"--sigma", "3", "--method", "gaussian"}));
  BOOST_TEST(tool.takes({"--sigma", "3", "--method", "window"}));
  BOOST_TEST(tool.refusal({"--alpha", "3", "--method", "gaussian"}) ==
             "tal-test: error: --alpha has no effect with --method gaussian");
  BOOST_TEST(tool.takes({"--alpha", "3", "--method", "window"}));
  BOOST_TEST(tool.refusal({"--alpha", "3", "--method", "window", "--live"}) ==
             "tal-test: error: --alpha has no effect with --live");
  // Whether another is there, also when it is there with a default of its own or stands by itself.
  BOOST_TEST(tool.refusal({"--weight", "x"}) == "tal-test: error: --weight has no effect without --voting");
  BOOST_TEST(tool.takes({"--weight", "x", "--voting", "0"}));
  BOOST_TEST(tool.refusal({"--every", "2"}) == "tal-test: error: --every has no effect without --log or --board");
  BOOST_TEST(tool.takes({"--every", "2", "--board", "b"}));
  BOOST_TEST(tool.refusal({"--input", "x", "file"}) ==
             "tal-test: error: --input has no effect with files on the command line");
  // One of several kinds; a list has the values of its elements.
  BOOST_TEST(tool.takes({"--dim", "4"}));
  BOOST_TEST(tool.refusal({"--dim", "4", "--noise", "0"}) ==
             "tal-test: error: --dim has no effect with --kinds one --noise 0");
  BOOST_TEST(tool.takes({"--dim", "4", "--noise", "0", "--kinds", "one,two"}));
}

BOOST_AUTO_TEST_CASE(options_without_effect_wherever_they_are_set) {
  Folder folder;
  RuledTool tool;
  const auto config = folder.file("c.json", "{\"sigma\": 3}"),
             both = folder.file("d.json", "{\"sigma\": 3, \"method\": \"gaussian\"}");
  const std::string refused = "tal-test: error: --sigma has no effect with --method greedy";
  BOOST_TEST(tool.refusal({"--config", config}) == refused);
  BOOST_TEST(tool.takes({"--config", both}));
  BOOST_TEST(tool.values.sigma == 3);
  ::setenv("TAL_SIGMA", "5", 1);
  BOOST_TEST(tool.refusal({}) == refused);
  BOOST_TEST(tool.takes({"--method", "gaussian"}));
  BOOST_TEST(tool.values.sigma == 5);
  ::unsetenv("TAL_SIGMA");
  BOOST_TEST(tool.refusal({"--config", config, "--print-config"}) == refused);
}

// A run with a part for each of --kinds: what has no effect with one has its default there.
BOOST_AUTO_TEST_CASE(options_of_one_part) {
  RuledTool tool;
  tool.in_parts = [](Tool& run, RuledTool::Values& v) {
    v.kinds = {"one"}, v.voting.reset();
    run.unset_useless();
  };
  BOOST_TEST(tool.takes({"--dim", "7", "--noise", "0", "--kinds", "one,two", "--voting", "2", "--weight", "x",
                         "--sigma", "5", "--method", "gaussian"}));
  BOOST_TEST((tool.values.dim == 3 && tool.values.noise == 0));
  BOOST_TEST((tool.values.weight == "score" && tool.values.sigma == 5 && tool.values.method == "gaussian"));
  tool.in_parts = [](Tool& run, RuledTool::Values& v) {
    v.method = "greedy";
    run.unset_useless();
  };
  BOOST_TEST(tool.takes(
      {"--dim", "7", "--noise", "2", "--method", "window", "--alpha", "9", "--voting", "2", "--weight", "x"}));
  BOOST_TEST((tool.values.alpha == 2 && tool.values.dim == 7 && tool.values.weight == "x"));
}

BOOST_AUTO_TEST_CASE(presets_before_conditions) {
  RuledTool tool;
  BOOST_TEST(tool.takes({"--preset", "soft", "--sigma", "3"}));  // the method is the preset's
  BOOST_TEST((tool.values.method == "gaussian" && tool.values.sigma == 3));
  BOOST_TEST(tool.takes({"--preset", "soft"}));
  BOOST_TEST(tool.values.sigma == 8);
  BOOST_TEST(tool.takes({"--preset", "soft", "--method", "greedy"}));  // a preset's sigma is nobody's mistake
  BOOST_TEST((tool.values.method == "greedy" && tool.values.sigma == 8));
  BOOST_TEST(tool.refusal({"--preset", "soft", "--method", "greedy", "--sigma", "3"}) ==
             "tal-test: error: --sigma has no effect with --method greedy");
}

BOOST_AUTO_TEST_CASE(subcommands_have_conditions_of_their_own) {
  RuledTool tool;
  int rows = 1;
  double step = 1;
  std::string kind = "a";
  tool.more = [&](const Options& table, RuledTool::Values&) {
    const Options make = table.subcommand("make", "Make"), draw = table.subcommand("draw", "Draw");
    make.row("--input").never("make, which reads nothing");
    make.add("--rows", rows, "Rows").with("--method", {"window"});
    draw.add("--kind", kind, "Kind").one_of({"a", "b"});
    draw.add("--step", step, "Step").with("--kind", {"b"});
  };
  BOOST_TEST(tool.refusal({"make", "--input", "x"}) ==
             "tal-test: error: --input has no effect with make, which reads nothing");
  BOOST_TEST(tool.takes({"draw", "--input", "x"}));
  BOOST_TEST(tool.refusal({"make", "--rows", "2"}) == "tal-test: error: --rows has no effect with --method greedy");
  BOOST_TEST(tool.takes({"make", "--rows", "2", "--method", "window"}));
  BOOST_TEST(tool.refusal({"draw", "--step", "2"}) == "tal-test: error: --step has no effect with --kind a");
  BOOST_TEST(tool.takes({"draw", "--step", "2", "--kind", "b"}));
}

BOOST_AUTO_TEST_CASE(conditions_that_cannot_hold) {
  // Found in any run, not only in one that gives the option.
  double x = 0;
  const auto fault = [&](const std::function<void(const Options&)>& add) {
    RuledTool tool;
    tool.more = [&](const Options& table, RuledTool::Values&) { add(table); };
    const Said said = tool({});
    BOOST_TEST(said.status == 1);
    BOOST_TEST(!tool.body_ran);
    return said.error.substr(0, said.error.find('\n'));
  };
  BOOST_TEST(fault([&](const Options& table) { table.add("--x", x, "X").with("--methd", {"greedy"}); }) ==
             "tal-test: error: a condition names --methd, which the table does not have");
  BOOST_TEST(fault([&](const Options& table) {
               table.add("--x", x, "X").without("--method", {"greedy", "gausian"});
             }) == "tal-test: error: a condition names --method gausian, which is no choice");
  Tool tool{{"tal-test", "Conditions", "For tests.", {}, {}}};
  BOOST_CHECK_THROW((void)tool.command_line().row("--method"), std::logic_error);
  BOOST_CHECK_THROW((void)tool.given("--method"), std::logic_error);
}

BOOST_AUTO_TEST_CASE(choices_and_ranges) {
  RuledTool tool;
  BOOST_TEST(tool.refusal({"--method", "gredy"}) ==
             "tal-test: error: unknown --method 'gredy'; did you mean 'greedy'?");
  BOOST_TEST(tool.refusal({"--method", "x"}) ==
             "tal-test: error: unknown --method 'x' (known: greedy, gaussian, window)");
  BOOST_TEST(tool.refusal({"--kinds", "two,on"}) == "tal-test: error: unknown --kinds 'on'; did you mean 'one'?");
  BOOST_TEST(tool.refusal({"--method", "gaussian", "--sigma", "0"}) ==
             "tal-test: error: --sigma: must be positive, not 0");
  BOOST_TEST(tool.refusal({"--jobs", "2000"}) == "tal-test: error: --jobs: 2000 is not between 0 and 1024");
}

BOOST_AUTO_TEST_CASE(documents_come_from_the_rows) {
  RuledTool tool;
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const std::string man = tool({"--generate", "man"}).output, help = tool({"--help"}).output,
                    bash = tool({"--generate", "bash"}).output;
  BOOST_TEST(has(man, ".br\nOnly with \\-\\-method gaussian or window.\n"), man);
  BOOST_TEST(has(man, ".br\nOnly with \\-\\-method window. Not with \\-\\-live.\n"), man);
  BOOST_TEST(has(man, ".br\nOnly with \\-\\-kinds two or \\-\\-noise other than 0.\n"), man);
  BOOST_TEST(has(man, ".RS\n.TP\n.B soft\nGaussian with 8\n.TP\n.B none\nNothing\n.RE\n"), man);
  BOOST_TEST(!has(man, "[]"), man);
  BOOST_TEST(has(help, "soft: Gaussian with 8\n"), help);
  BOOST_TEST(!has(help, "[]"), help);
  BOOST_TEST(has(bash, "--method) COMPREPLY=($(compgen -W 'greedy gaussian window'"), bash);
}

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
    BOOST_TEST(run({"-i", in, "-o", folder.name("out"), "--on-error", "skip", "--rejects", folder.name("bad"), "-j",
                    jobs, "--no-history"}) == 1);
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
  BOOST_TEST(run({"-i", folder.file("bom", "\xef\xbb\xbf{\"video\":\"v\",\"proposals\":[]}\r\n\r\n"), "-o",
                  folder.name("o"), "--no-history"}) == 0);
  BOOST_TEST(read_file(folder.name("o")) == "{\"video\":\"v\",\"proposals\":[]}\n");
}

BOOST_AUTO_TEST_SUITE_END()
