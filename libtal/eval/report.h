// One report object, or those of several protocols, five ways to print them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace tal::eval {

// Compact JSON with shortest round-trip numbers.
std::string to_json(const nlohmann::ordered_json& value);

// A setting as it is told, without the last digits of what was computed: 0.9, not 0.8999999999999999. Numbers inside
// lists and objects too.
double settled(double value);
nlohmann::ordered_json settled(const nlohmann::ordered_json& value);

// "tIoU 0.9": what a threshold is called in every table, however its double was made (0.8999999999999999).
std::string tiou_name(double threshold);

// A part of a report as people read it. Names of tables, rows and columns are the same in every run and format.
struct Table {
  std::string name;   // "map", "sensitivity.length": of csv and tsv
  std::string title;  // with what the numbers need to be understood
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  // the first cell names the row
  bool keyed = true;                           // else rows have no names of their own, and count from 1
  bool detail = false;  // what an option asks for, or a protocol has besides: shown by itself where several protocols
                        // share a report
};
// The report in tables, the summary first, what was counted and the settings last. exact: all digits (csv), and the
// lists that are too long to be read.
std::vector<Table> tables_of(const nlohmann::ordered_json& report, bool exact);

// format: text, json, csv, tsv, markdown. A report is the object of --format json; of several, json prints
// {"protocols":[...]}, and text and markdown their numbers in one table, what details each has one after another, and
// what was counted and the settings in a table each. csv and tsv are one rectangle: protocol, table, row, column,
// value.
std::string render(const std::vector<nlohmann::ordered_json>& reports, const std::string& format);

}  // namespace tal::eval
