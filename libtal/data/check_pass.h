// The check of one record, in parts: its members (check_members.cpp), its lists (check_lists.cpp), and what stands
// outside it (check_record.cpp). For check*.cpp alone.
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal {

// Members that tell equal items apart: two people who do the same at the same time are two instances.
inline constexpr std::array<std::string_view, 4> kWhose = {"tier", "subject", "annotator", "channel"};

class RecordChecker::Pass {
 public:
  Pass(RecordChecker& checker, const std::string& source, std::uint64_t line);
  // The line, repaired; nullopt when it is left out.
  std::optional<std::string> run(std::string_view text);

 private:
  using Json = nlohmann::json;
  // An annotation or proposal with a proper segment or point (start = end), or (broken) one without.
  struct Item {
    std::size_t index = 0;
    double start = 0, end = 0, score = 0;
    std::string label, whose, text;  // whose: tier, subject, annotator and channel, which tell equal ones apart
    bool point = false, broken = false, again = false;  // again: the list has it before
  };
  // Items of one time and label: the place of the first, and, once there are more, all by their further members.
  struct Namesakes {
    std::size_t first;
    std::map<Json, std::size_t> by_members;
  };
  // By times, label, and whether it is a point.
  using Twins = std::map<std::tuple<double, double, std::string, bool>, Namesakes>;

  void add(const char* kind, std::string field, std::string message, bool fixed = false) const;
  // An Error becomes a fault.
  template <class Body>
  void guard(const char* kind, Body&& body) const {
    try {
      body();
    } catch (const Error& error) {
      add(kind, error.field(), error.message());
    }
  }
  bool reads_as_record(std::string_view& text);  // text: becomes what numbers that are none were taken out of
  std::string gone() const;                      // what is said of a record that goes
  void leave_out(const Error& error);
  std::optional<std::string> without_lists();

  // check_members.cpp: types, members that stand twice, history, window.
  void twins(std::string_view text);
  void spelling(const char* kind, const Json& object, const std::string& field) const;
  bool is_foreign(const char* kind, std::string_view member) const;
  void head();
  void window();
  void history() const;
  void classification();
  void features();
  bool stream_members(const std::string& name, const Json& stream) const;

  // check_lists.cpp: annotations and proposals.
  void list(const char* key);
  bool plain(const char* key, PlainList& items);
  void item(const char* key, std::size_t index, std::string_view text, std::vector<Item>& kept, Twins& same,
            bool& changed);
  bool times(Item& item, const Json& json, const std::string& field);
  bool segment(Item& item, const std::string& where);
  bool point(const Item& item, const std::string& where);
  bool item_members(const Json& item, const std::string& field, bool annotation) const;
  bool twin(const char* key, Item& item, const Json& json, std::vector<Item>& kept, Twins& same, bool& changed) const;
  bool sort(const char* key, std::vector<Item>& items) const;
  void overlaps(const char* key, std::vector<Item> items) const;

  // check_record.cpp: the stream, the record's files.
  bool identity();
  void stream(const FeatureStream& stream);
  void span(const FeatureStream& stream, const std::string& field);
  void feature_file(const FeatureStream& stream, const std::string& field) const;
  void video() const;
  void against(const VideoFacts& facts, const std::string& whose) const;

  RecordChecker& checker_;
  const std::string& source_;
  const std::uint64_t line_;
  Record record_;
  std::string repaired_;  // the line without numbers that are none
  Json data_;
  bool faultless_ = false;            // JSON in which no member stands twice
  bool parsed_apart_ = false;         // data_ is without the lists, which are in the checker's PlainLists
  std::set<std::string> twin_items_;  // "annotations[3]": a member stands twice in it
  bool whole_ = true;                 // reads as a record; only then is it repaired
  bool left_out_ = false;
  bool no_ends_ = false, no_rows_ = false;  // what cannot be compared with the duration: segments, rows of features
  double duration_ = 0, fps_ = 0;           // 0: unknown
};

}  // namespace tal
