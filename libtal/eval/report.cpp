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

std::string rounded(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
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
class Tables {
 public:
  Tables(const json& report, bool exact) : r_(report), exact_(exact) {}

  std::vector<Table> all() {
    add_summary();
    if (r_.contains("map")) add_precision();
    if (r_.contains("ar_at")) add_recall();
    if (r_.contains("recall_at")) add_recall_at_k();
    if (r_.contains("ties_range") && r_["ties_range"].contains("map_lowest")) add_ties();
    if (r_.contains("diagnosis")) add_diagnosis();
    if (r_.contains("sample_wise")) add_samples();
    if (r_.contains("ar_by_length"))
      add_buckets("recall of all proposals by length of the instance", "length", r_["ar_by_length"]);
    if (r_.contains("oracle")) add_rows("oracle", {"step", "score", "gain"}, r_["oracle"]["waterfall"]);
    if (r_.contains("against"))
      add_rows("rules changed one after another", {"rule", "first", "second", "score", "change", "instances"},
               r_["against"]["rules"]);
    if (r_.contains("disagreements"))
      add_rows("disagreements", {"video", "segment", "label", "tiou", "found_by", "rule", "why"}, r_["disagreements"]);
    return std::move(tables_);
  }

 private:
  std::string text(const json& value) const { return exact_ ? plain(value) : shown(value); }
  std::vector<std::string> with_thresholds(const char* first) const {
    std::vector<std::string> head{first};
    for (const auto& t : r_["tiou"]) head.push_back("tIoU " + (exact_ ? plain(t) : shown(t).substr(0, 4)));
    return head;
  }
  std::string counted(const json& item, const char* name) const {
    return item[name].get<std::string>() + " (" + plain(item["instances"]) + ")";
  }

  void add_summary() {
    Table table{"summary", {"key", "value"}, {}};
    for (const auto& [key, value] : r_.items()) {
      if (value.is_array() || key == "per_class") continue;
      if (!value.is_object()) {
        table.rows.push_back({key, text(value)});
        continue;
      }
      if (key == "parameters" || key == "ar_at" || key == "recall_at" || key == "diagnosis") continue;
      for (const auto& [name, item] : value.items())
        if (!item.is_structured()) table.rows.push_back({key + "." + name, text(item)});
    }
    for (const auto& [key, value] : r_["parameters"].items()) table.rows.push_back({"parameters." + key, plain(value)});
    tables_.push_back(std::move(table));
  }

  void add_precision() {
    Table table{"mean average precision", with_thresholds("class"), {}};
    if (r_.contains("per_class"))
      for (const auto& item : r_["classes"]) row(table, counted(item, "label"), item["ap"], exact_);
    row(table, "mean", r_["map"], exact_);
    tables_.push_back(std::move(table));
  }

  void add_recall() {
    Table table{"average recall", {"AN", "AR"}, {}};
    const double last = r_["an"].empty() ? 0 : r_["an"].back().get<double>();  // more than the lists hold: THUMOS14's
                                                                               // curve goes on along the last two
                                                                               // points
    for (const auto& [key, value] : r_["ar_at"].items())
      table.rows.push_back({key, text(value) + (std::stod(key) > last ? " (extrapolated)" : "")});
    tables_.push_back(std::move(table));
  }

  void add_recall_at_k() {
    Table table{"Recall@kx", with_thresholds("k"), {}};
    for (const auto& [key, value] : r_["recall_at"].items()) row(table, key, value["recall"], exact_);
    tables_.push_back(std::move(table));
  }

  void add_ties() {
    Table table{"mean average precision in the best and worst order of ties", with_thresholds("order"), {}};
    row(table, "worst", r_["ties_range"]["map_lowest"], exact_);
    row(table, "best", r_["ties_range"]["map_highest"], exact_);
    tables_.push_back(std::move(table));
  }

  void add_diagnosis() {
    const json& d = r_["diagnosis"];
    Table kinds{"kinds of predictions by rank in their class of n instances, and the gain of average mAP_N (" +
                    text(d["average_map_n"]) + ") without them",
                {"kind", "gain"},
                {}};
    for (std::size_t k = 1; k <= d["kinds"][0]["top"].size(); ++k)
      kinds.head.push_back("to " + std::to_string(k) + "n");
    for (const auto& item : d["kinds"]) {
      std::vector<std::string> cells{item["kind"].get<std::string>(), item.contains("gain") ? text(item["gain"]) : ""};
      for (const auto& count : item["top"]) cells.push_back(exact_ ? plain(count) : rounded(count.get<double>()));
      kinds.rows.push_back(std::move(cells));
    }
    tables_.push_back(std::move(kinds));
    for (const char* key : {"coverage", "length", "instances"}) {
      const json& part = d["sensitivity"][key];
      const std::string unknown = part["unknown"] == 0 ? "" : ", unknown of " + plain(part["unknown"]) + " instances";
      add_buckets(std::string("average mAP_N (all: ") + text(d["sensitivity"]["average_map_n"]) +
                      "), false negatives (all: " + text(d["sensitivity"]["false_negatives"]) + ") and recall by " +
                      key + unknown,
                  key, part["buckets"]);
    }
    Table f1{"best F1 over all classes", with_thresholds("value"), {}};
    for (const char* key : {"score_threshold", "f1", "precision", "recall"}) row(f1, key, d["best_f1"][key], exact_);
    tables_.push_back(std::move(f1));
  }

  void add_samples() {
    const json& s = r_["sample_wise"];
    Table table{
        "samples, " + plain(s["rate"]) + " a second, of detections with a score above " + plain(s["score_above"]),
        {"class", "precision", "recall", "F1", "samples", "predicted"},
        {}};
    const auto add = [&](std::string name, const json& scores, std::string samples, std::string predicted) {
      table.rows.push_back({std::move(name), text(scores["precision"]), text(scores["recall"]), text(scores["f1"]),
                            std::move(samples), std::move(predicted)});
    };
    if (r_.contains("per_class"))
      for (const auto& item : s["classes"])
        add(plain(item["label"]), item, plain(item["samples"]), plain(item["predicted"]));
    add("mean", s["mean"], plain(s["samples"]), plain(s["samples"]));
    add("mean without null", s["mean_without_null"], exact_ ? "" : "-", exact_ ? "" : "-");
    tables_.push_back(std::move(table));
  }

  void add_buckets(const std::string& title, const char* name, const json& buckets) {
    Table table{title, with_thresholds(name), {}};
    const bool scored = !buckets.empty() && buckets[0].contains("average_map_n");
    if (scored) table.head.insert(table.head.begin() + 1, {"average mAP_N", "false negatives"});
    for (const auto& item : buckets) {
      row(table, counted(item, "bucket"), item["recall"], exact_);
      auto& cells = table.rows.back();
      if (scored) cells.insert(cells.begin() + 1, {text(item["average_map_n"]), text(item["false_negatives"])});
      if (!exact_ && item["instances"] == 0)
        std::fill(cells.begin() + 1, cells.end(), "-");  // nothing to recall is not a recall of 0
    }
    tables_.push_back(std::move(table));
  }

  // One row an object, one column a key.
  void add_rows(const char* title, std::vector<std::string> keys, const json& items) {
    Table table{title, std::move(keys), {}};
    for (const auto& item : items) {
      auto& cells = table.rows.emplace_back();
      for (const auto& key : table.head)
        cells.push_back(key == "tiou" || item[key].is_array() ? plain(item[key]) : text(item[key]));
    }
    tables_.push_back(std::move(table));
  }

  const json& r_;
  bool exact_;
  std::vector<Table> tables_;
};

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_line(const Table& table, const std::vector<std::string>& cells) {
  std::string out = csv_cell(table.title);
  for (const auto& cell : cells) out += "," + csv_cell(cell);
  return out + "\n";
}

std::string csv_of(const Table& table) {
  std::string out = csv_line(table, table.head);
  for (const auto& cells : table.rows) out += csv_line(table, cells);
  return out;
}

std::string markdown_line(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const auto& cell : cells) {
    out += ' ';
    for (const char c : cell) out += c == '|' ? std::string("\\|") : std::string(1, c);
    out += " |";
  }
  return out + "\n";
}

std::string markdown_of(const Table& table) {
  std::string out = "**" + table.title + "**\n\n" + markdown_line(table.head) +
                    markdown_line(std::vector<std::string>(table.head.size(), "---"));
  for (const auto& cells : table.rows) out += markdown_line(cells);
  return out + "\n";
}

std::string text_of(const Table& table) {
  std::vector<std::size_t> width(table.head.size(), 0);
  const auto measure = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) width[i] = std::max(width[i], cells[i].size());
  };
  measure(table.head);
  for (const auto& cells : table.rows) measure(cells);
  std::string out = table.title + "\n";
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += "  " + cells[i];
      if (i + 1 < cells.size()) out.append(width[i] - cells[i].size(), ' ');
    }
    out += "\n";
  };
  if (table.title != "summary") line(table.head);
  for (const auto& cells : table.rows) line(cells);
  return out;
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
  for (const auto& table : Tables(report, format == "csv").all()) {
    if (format == "csv") out += csv_of(table);
    else if (format == "markdown") out += markdown_of(table);
    else out += (out.empty() ? "" : "\n") + text_of(table);
  }
  return out;
}

}  // namespace tal::eval
