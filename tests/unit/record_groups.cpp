// Records worked on several at a time (stream/records.h): the order, the places of errors, and what stays with whom.
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>

#include "libtal/base/error.h"
#include "libtal/stream/records.h"
#include "tests/support.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(record_groups)

namespace {

class FileRun : public Run {
 public:
  FileRun(const test::Folder& folder, const std::string& lines, const std::string& on_error) : Run("test") {
    common_.input = folder / "in.jsonl", common_.output = folder / "out.jsonl", common_.rejects = folder / "bad.jsonl";
    common_.on_error = on_error, common_.no_history = true;
    std::ofstream(common_.input) << lines;
  }
};

std::string text_of(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// Each record gets the number of its group's records, its own "n" doubled, and its place in the group.
struct Doubling {
  std::vector<std::size_t> sizes;  // of the groups

  RecordGroups groups(std::size_t size, int threads) {
    return {size, threads,
            [](Record& record) -> std::any {
              const auto n = record.number("n");
              if (!n) throw Error("missing").at_field("n");
              return *n;
            },
            [this](std::span<std::any> loaded) {
              sizes.push_back(loaded.size());
              std::vector<std::function<void(Record&)>> rest;
              for (auto& one : loaded) {
                const double n = std::any_cast<double>(one);
                if (n == 666) throw Error("the network broke");
                rest.emplace_back([n](Record& record) {
                  if (n == 13) throw Error("unlucky").at_field("n");
                  record.set_raw("twice", std::to_string(static_cast<int>(2 * n)));
                });
              }
              return rest;
            }};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(order_and_groups) {
  std::string lines, expected;
  for (int n = 1; n <= 100; ++n)
    if (n != 13) {
      lines += R"({"video":"v)" + std::to_string(n) + R"(","n":)" + std::to_string(n) + "}\n";
      expected += R"({"video":"v)" + std::to_string(n) + R"(","n":)" + std::to_string(n) + R"(,"twice":)" +
                  std::to_string(2 * n) + "}\n";
    }
  for (const std::size_t size : {1, 7, 99, 500})
    for (const int threads : {1, 3}) {
      const test::Folder folder;
      FileRun run(folder, lines, "fail");
      Doubling doubling;
      map_record_groups(run, doubling.groups(size, threads));
      run.close();
      BOOST_TEST(text_of(folder / "out.jsonl") == expected);
      BOOST_TEST(doubling.sizes.front() == std::min<std::size_t>(size, 99));
      BOOST_TEST(doubling.sizes.size() == (99 + size - 1) / size);
    }
}

BOOST_AUTO_TEST_CASE(errors_stay_with_their_records) {
  const std::string lines =
      "{\"video\":\"a\",\"n\":1}\n{\"video\":\"b\"}\n{\"video\":\"c\",\"n\":666}\n{\"video\":\"d\",\"n\":4}\n"
      "{\"video\":\"e\",\"n\":13}\nno record\n{\"video\":\"f\",\"n\":6}\n";
  const std::string good =
      "{\"video\":\"a\",\"n\":1,\"twice\":2}\n{\"video\":\"d\",\"n\":4,\"twice\":8}\n"
      "{\"video\":\"f\",\"n\":6,\"twice\":12}\n";
  const std::string bad = "{\"video\":\"b\"}\n{\"video\":\"c\",\"n\":666}\n{\"video\":\"e\",\"n\":13}\nno record\n";
  for (const std::size_t size : {1, 2, 3, 16})
    for (const int threads : {1, 3}) {
      const test::Folder folder;
      FileRun run(folder, lines, "skip");
      Doubling doubling;
      map_record_groups(run, doubling.groups(size, threads));
      run.close();
      BOOST_TEST(text_of(folder / "out.jsonl") == good);
      BOOST_TEST(text_of(folder / "bad.jsonl") == bad);
    }
  // With --on-error fail what was good before stands, and the error says where it was.
  const test::Folder folder;
  FileRun run(folder, lines.substr(lines.find("{\"video\":\"c\"")), "fail");
  Doubling doubling;
  try {
    map_record_groups(run, doubling.groups(16, 3));
    BOOST_ERROR("no error");
  } catch (const Error& error) {
    BOOST_TEST(std::string(error.what()).find("in.jsonl:1: video 'c': the network broke") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
