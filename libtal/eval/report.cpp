#include "libtal/eval/report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "libtal/base/number.h"
#include "libtal/io/record.h"

namespace tal::eval {
namespace {

using json = nlohmann::ordered_json;

void append(std::string& out, const json& value) {
  if (value.is_object() || value.is_array()) {
    bool first = true;
    out += value.is_object() ? '{' : '[';
    for (const auto& [key, item] : value.items()) {
      if (!first) out += ',';
      first = false;
      if (value.is_object()) append_json_string(out, key), out += ':';
      append(out, item);
    }
    out += value.is_object() ? '}' : ']';
  } else if (value.is_number_float()) {
    append_number(out, value.get<double>());
  } else if (value.is_string()) {
    append_json_string(out, value.get_ref<const std::string&>());
  } else {
    out += value.dump();
  }
}

std::string plain(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string out;
  append(out, value);
  return out;
}

std::string shown(const json& value) {
  if (!value.is_number_float()) return plain(value);
  char text[40];
  std::snprintf(text, sizeof text, "%.4f", value.get<double>());
  return text;
}

struct Table {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

void row(Table& table, std::string name, const json& values, bool exact) {
  std::vector<std::string> cells{std::move(name)};
  for (const auto& value : values) cells.push_back(exact ? plain(value) : shown(value));
  table.rows.push_back(std::move(cells));
}

// Every part of the report as tables; exact: full precision (csv).
std::vector<Table> tables(const json& r, bool exact) {
  std::vector<Table> out;
  const auto text = [&](const json& value) { return exact ? plain(value) : shown(value); };
  Table summary{"summary", {"key", "value"}, {}};
  for (const auto& [key, value] : r.items()) {
    if (value.is_array()) continue;
    if (value.is_object()) {
      if (key == "parameters" || key == "ar_at" || key == "recall_at" || key == "diagnosis") continue;
      for (const auto& [name, item] : value.items())
        if (!item.is_structured()) summary.rows.push_back({key + "." + name, text(item)});
      continue;
    }
    summary.rows.push_back({key, text(value)});
  }
  for (const auto& [key, value] : r["parameters"].items()) summary.rows.push_back({"parameters." + key, plain(value)});
  out.push_back(std::move(summary));
  const auto thresholds = [&](Table& table) {
    for (const auto& t : r["tiou"]) table.head.push_back("tIoU " + (exact ? plain(t) : shown(t).substr(0, 4)));
  };
  if (r.contains("map")) {
    Table table{"mean average precision", {"class"}, {}};
    thresholds(table);
    if (r.contains("per_class"))
      for (const auto& item : r["classes"]) row(table, item["label"].get<std::string>() + " (" + plain(item["instances"]) + ")", item["ap"], exact);
    row(table, "mean", r["map"], exact);
    out.push_back(std::move(table));
  }
  if (r.contains("ar_at")) {
    Table table{"average recall", {"AN", "AR"}, {}};
    for (const auto& [key, value] : r["ar_at"].items()) table.rows.push_back({key, text(value)});
    out.push_back(std::move(table));
  }
  if (r.contains("recall_at")) {
    Table table{"Recall@kx", {"k"}, {}};
    thresholds(table);
    for (const auto& [key, value] : r["recall_at"].items()) row(table, key, value["recall"], exact);
    out.push_back(std::move(table));
  }
  if (r.contains("diagnosis")) {
    const auto& d = r["diagnosis"];
    Table kinds{"kinds of predictions among the first k times n of every class", {"kind"}, {}};
    for (const auto& item : d["top"]) kinds.head.push_back("k=" + plain(item["k"]));
    for (const auto& [name, ignored] : d["top"][0]["kinds"].items()) {
      json values = json::array();
      for (const auto& item : d["top"]) values.push_back(item["kinds"][name]);
      row(kinds, name, values, exact);
    }
    out.push_back(std::move(kinds));
    for (const char* key : {"length", "coverage", "instances"}) {
      Table table{std::string("recall by ") + key, {key}, {}};
      thresholds(table);
      for (const auto& item : d[key]) row(table, item["bucket"].get<std::string>() + " (" + plain(item["instances"]) + ")", item["recall"], exact);
      out.push_back(std::move(table));
    }
    Table f1{"best F1 over all classes", {"value"}, {}};
    thresholds(f1);
    for (const char* key : {"score_threshold", "f1", "precision", "recall"}) row(f1, key, d["best_f1"][key], exact);
    out.push_back(std::move(f1));
  }
  if (r.contains("ar_by_length")) {
    Table table{"recall of all proposals by length of the instance", {"length"}, {}};
    thresholds(table);
    for (const auto& item : r["ar_by_length"]) row(table, item["bucket"].get<std::string>() + " (" + plain(item["instances"]) + ")", item["recall"], exact);
    out.push_back(std::move(table));
  }
  if (r.contains("disagreements")) {
    Table table{"disagreements", {"video", "segment", "label", "tIoU", "found by", "why"}, {}};
    for (const auto& item : r["disagreements"])
      table.rows.push_back({plain(item["video"]), plain(item["segment"]), plain(item["label"]), plain(item["tiou"]), plain(item["found_by"]), plain(item["why"])});
    out.push_back(std::move(table));
  }
  return out;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::string to_json(const json& value) {
  std::string out;
  append(out, value);
  return out;
}

std::string render(const json& report, const std::string& format) {
  if (format == "json") return to_json(report) + "\n";
  std::string out;
  for (const auto& table : tables(report, format == "csv")) {
    if (format == "csv") {
      const auto line = [&](const std::vector<std::string>& cells) {
        out += csv_cell(table.title);
        for (const auto& cell : cells) out += "," + csv_cell(cell);
        out += '\n';
      };
      line(table.head);
      for (const auto& cells : table.rows) line(cells);
    } else if (format == "markdown") {
      out += "**" + table.title + "**\n\n";
      const auto line = [&](const std::vector<std::string>& cells) {
        out += "|";
        for (const auto& cell : cells) {
          out += ' ';
          for (const char c : cell) out += c == '|' ? std::string("\\|") : std::string(1, c);
          out += " |";
        }
        out += '\n';
      };
      line(table.head);
      line(std::vector<std::string>(table.head.size(), "---"));
      for (const auto& cells : table.rows) line(cells);
      out += '\n';
    } else {
      std::vector<std::size_t> width(table.head.size(), 0);
      const auto measure = [&](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) width[i] = std::max(width[i], cells[i].size());
      };
      const auto line = [&](const std::vector<std::string>& cells) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) {
          text += (i ? "  " : "  ") + cells[i];
          if (i + 1 < cells.size()) text.append(width[i] - cells[i].size(), ' ');
        }
        out += text + "\n";
      };
      measure(table.head);
      for (const auto& cells : table.rows) measure(cells);
      if (!out.empty()) out += '\n';
      out += table.title + "\n";
      if (table.title != "summary") line(table.head);
      for (const auto& cells : table.rows) line(cells);
    }
  }
  return out;
}

}  // namespace tal::eval
