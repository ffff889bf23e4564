// The record stream: bytes per second of pass-through and of reading, changing and writing proposals, on one core.
#include <nlohmann/json.hpp>

#include <memory>

#include "bench/bench.h"
#include "libtal/base/number.h"
#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal::bench {
namespace {

// Lines with 1,000 scored proposals each, as a proposal network writes them (9 significant digits).
std::vector<std::string> lines() {
  std::vector<std::string> out;
  std::uint64_t state = 1;
  const auto uniform = [&] {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state >> 40) / 16777216.0;
  };
  for (int i = 0; i < 40; ++i) {
    std::string line = "{\"video\":\"v_" + std::to_string(i) + "\",\"duration\":180.5,\"proposals\":[";
    for (int k = 0; k < 1000; ++k) {
      const double start = uniform() * 170;
      line += (k ? ",{\"segment\":[" : "{\"segment\":[") + format_number(start) + "," +
              format_number(start + 0.5 + uniform() * 9) + "],\"score\":" + format_number(uniform()) + "}";
    }
    out.push_back(line + "]}");
  }
  return out;
}

double megabytes(const std::vector<std::string>& all) {
  double bytes = 0;
  for (const auto& line : all) bytes += static_cast<double>(line.size());
  return bytes / 1e6;
}

Register pass_through("stream/pass-through", [] {
  auto all = std::make_shared<std::vector<std::string>>(lines());
  auto record = std::make_shared<Record>();
  auto out = std::make_shared<std::string>();
  Case c{"stream/pass-through",
         "records whose proposals are not touched, one core",
         "nlohmann::json parse + dump",
         "MB/s",
         megabytes(*all),
         5};
  c.subject = [=] {
    out->clear();
    for (const auto& line : *all) {
      record->parse(line);
      record->append_history("{\"tool\":\"bench\"}");
      record->write(*out);
    }
  };
  c.reference = [=] {
    out->clear();
    for (const auto& line : *all) {
      auto json = nlohmann::ordered_json::parse(line);
      json["history"].push_back({{"tool", "bench"}});
      *out += json.dump();
    }
  };
  return c;
});

Register rewrite("stream/rewrite", [] {
  auto all = std::make_shared<std::vector<std::string>>(lines());
  auto record = std::make_shared<Record>();
  auto out = std::make_shared<std::string>();
  Case c{"stream/rewrite",
         "read, rescore and write every proposal, one core",
         "nlohmann::json parse + dump",
         "MB/s",
         megabytes(*all),
         5};
  c.subject = [=] {
    out->clear();
    for (const auto& line : *all) {
      record->parse(line);
      auto proposals = record->proposals();
      for (auto& proposal : proposals) proposal.score *= 0.5;
      record->set_proposals(proposals);
      record->write(*out);
    }
  };
  c.reference = [=] {
    out->clear();
    for (const auto& line : *all) {
      auto json = nlohmann::ordered_json::parse(line);
      for (auto& proposal : json["proposals"]) proposal["score"] = proposal["score"].get<double>() * 0.5;
      *out += json.dump();
    }
  };
  return c;
});

Register check("stream/check", [] {
  auto all = std::make_shared<std::vector<std::string>>(lines());
  Case c{"stream/check",
         "tal-check of records without a fault, one core",
         "every item by the check's plain reference",
         "MB/s",
         megabytes(*all),
         5};
  const auto checked = [all](bool one_by_one) {
    CheckOptions options;
    options.one_by_one = one_by_one;
    RecordChecker checker(options, [](const Fault&) {});
    for (const auto& line : *all) checker.line(line, "stdin", 1);
  };
  c.subject = [=] { checked(false); };
  c.reference = [=] { checked(true); };
  return c;
});

}  // namespace
}  // namespace tal::bench
