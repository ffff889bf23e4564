#include "libtal/eval/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/utf8.h"
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

std::string one_digit(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

bool is_flat(const json& object) {
  return object.is_object() &&
         std::none_of(object.begin(), object.end(), [](const json& item) { return item.is_structured(); });
}

// Members that have tables of their own, or stand in the summary or the settings.
const std::set<std::string>& told_elsewhere() {
  static const std::set<std::string> keys = {"protocol",    "source",     "score",           "scores",  "bootstrap",
                                             "ties_range",  "parameters", "parameters_hash", "ar_at",   "recall_at",
                                             "compare",     "diagnosis",  "oracle",          "against", "sample_wise",
                                             "average_map", "auc",        "per_class",       "tiou",    "psds"};
  return keys;
}

// A class's row in a table whose other rows are called `taken`: "class mean" where the class is called mean, so that
// every row has a name of its own and these keep theirs. (A class that is itself called "class mean" moves on.)
std::string class_row(const std::string& label, const std::set<std::string>& taken) {
  constexpr std::string_view kMark = "class ";
  std::string_view rest = label;
  while (rest.starts_with(kMark)) rest.remove_prefix(kMark.size());
  return (taken.contains(std::string(rest)) ? std::string(kMark) : "") + label;
}

// Every part of one report as tables.
class Tables {
 public:
  Tables(const json& report, bool exact) : r_(report), exact_(exact) {}

  std::vector<Table> all() {
    const bool per_class = r_.contains("per_class");
    add_summary();
    if (r_.contains("map")) add_precision(), details_from(per_class ? tables_.size() - 1 : tables_.size());
    if (r_.contains("ar_at")) add_recall();
    const auto detail = [&](auto&& add) {
      const std::size_t first = tables_.size();
      add(), details_from(first);
    };
    if (r_.contains("recall_at")) detail([&] { add_recall_at_k(); });
    add_own();
    detail([&] { add_asked(); });
    if (r_.contains("ar_by_length")) {
      add_buckets("recall.length", "recall of all proposals by length of the instance", r_["ar_by_length"]);
      tables_.back().detail = r_.contains("length_bins");
    }
    detail([&] { add_explanations(); });
    add_data();
    add_settings();
    return std::move(tables_);
  }

 private:
  void details_from(std::size_t first) {
    for (; first < tables_.size(); ++first) tables_[first].detail = true;
  }
  void add_asked() {
    if (r_.contains("compare")) add_comparisons();
    if (r_.contains("ties_range") && r_["ties_range"].contains("map_lowest")) add_ties();
    if (r_.contains("diagnosis")) add_diagnosis();
    if (!r_.contains("sample_wise")) return;
    const json& s = r_["sample_wise"];
    add_samples(
        s, "samples, " + plain(s["rate"]) + " a second, of detections with a score above " + plain(s["score_above"]));
  }
  void add_explanations() {
    if (r_.contains("oracle")) add_rows("oracle", "oracle", {"step", "score", "gain"}, r_["oracle"]["waterfall"]);
    if (r_.contains("against"))
      add_rows("rules", "rules changed one after another", {"rule", "first", "second", "score", "change", "instances"},
               r_["against"]["rules"]);
    if (!r_.contains("disagreements")) return;
    add_rows("disagreements", "disagreements", {"video", "segment", "label", "tiou", "found_by", "rule", "why"},
             r_["disagreements"]);
    tables_.back().keyed = false;
  }

  std::string text(const json& value) const { return exact_ ? plain(value) : shown(value); }
  void row(Table& table, std::string name, const json& values) const {
    std::vector<std::string> cells{std::move(name)};
    for (const auto& value : values) cells.push_back(text(value));
    table.rows.push_back(std::move(cells));
  }
  static std::vector<std::string> with_thresholds(std::vector<std::string> head, const json& thresholds) {
    for (const auto& t : thresholds) head.push_back(tiou_name(t.get<double>()));
    return head;
  }
  void members(Table& table, const std::string& prefix, const json& object) const {
    for (const auto& [key, value] : object.items())
      if (!value.is_structured()) table.rows.push_back({prefix + key, text(value)});
  }

  void add_summary() {
    Table table{"summary", "summary", {"key", "value"}, {}};
    table.rows.push_back({"protocol", plain(r_["protocol"])});
    const std::string name = r_["score"]["name"].get<std::string>();
    table.rows.push_back({name, text(r_["score"]["value"])});
    for (const char* key : {"scores", "bootstrap", "ties_range"}) {
      if (!r_.contains(key)) continue;
      for (const auto& [member, value] : r_[key].items())
        if (!value.is_structured() && !(std::string(key) == "scores" && member == name))
          table.rows.push_back({std::string(key) == "scores" ? member : std::string(key) + "." + member, text(value)});
    }
    for (const char* key : {"against", "oracle"})
      if (r_.contains(key)) members(table, std::string(key) + ".", r_[key]);
    if (r_.contains("sample_wise")) {
      const json& s = r_["sample_wise"];
      table.rows.push_back({"sample_wise.f1", text(s["mean"]["f1"])});
      table.rows.push_back({"sample_wise.accuracy", text(s["accuracy"])});
    }
    tables_.push_back(std::move(table));
  }

  void add_precision() {
    Table table{"map", "mean average precision", with_thresholds({"class", "instances"}, r_["tiou"]), {}};
    if (r_.contains("per_class"))
      for (const auto& item : r_["classes"]) {
        row(table, class_row(item["label"].get<std::string>(), {"mean"}), item["ap"]);
        table.rows.back().insert(table.rows.back().begin() + 1, plain(item["instances"]));
      }
    row(table, "mean", r_["map"]);
    table.rows.back().insert(table.rows.back().begin() + 1, plain(r_["instances"]));
    tables_.push_back(std::move(table));
  }

  void add_recall() {
    Table table{"ar", "average recall", {"AN", "AR"}, {}};
    // More than the lists hold: THUMOS14's curve goes on along the last two points.
    const double last = r_["an"].empty() ? 0 : r_["an"].back().get<double>();
    for (const auto& [key, value] : r_["ar_at"].items()) {
      const bool beyond = !exact_ && std::stod(key) > last;
      table.rows.push_back({key, value.is_null() ? "-" : text(value) + (beyond ? " (extrapolated)" : "")});
    }
    tables_.push_back(std::move(table));
  }

  void add_recall_at_k() {
    const json& recall = r_["recall_at"];
    for (const auto& [name, title, key] :
         {std::tuple{"recall_at", "Recall@kx", "recall"},
          std::tuple{"recall_at_mean", "Recall@kx, mean over classes", "class_mean"}}) {
      Table table{name, title, with_thresholds({"k"}, r_["recall_tiou"]), {}};
      for (const auto& [k, item] : recall.items()) row(table, k, item[key]);
      tables_.push_back(std::move(table));
    }
  }

  // What a protocol with numbers of its own reports: lists of flat objects and, of a kind, objects of numbers.
  void add_own() {
    if (!r_.contains("scores")) return;
    if (r_.contains("confusion")) {
      const std::size_t first = tables_.size();
      add_samples(r_, "samples");
      tables_[first].detail = r_.contains("per_class");
      return;
    }
    Table numbers{"numbers", "numbers", {"number", "value"}, {}};
    for (const auto& [key, value] : r_.items()) {
      if (is_flat(value) && !told_elsewhere().contains(key) && key != "unknown" && key != "unknown_predictions" &&
          key != "coverage" && key != "ties" && key != "score_filter")
        members(numbers, key + ".", value);
      if (value.is_array() && !value.empty() && value[0].is_object() && key != "psds") add_list(key, value);
    }
    if (r_.contains("psds"))
      for (const auto& item : r_["psds"])
        numbers.rows.push_back({item["name"].get<std::string>() + ".f1_macro", text(item["f1_macro"])});
    if (!numbers.rows.empty()) tables_.push_back(std::move(numbers));
    if (exact_ && r_.contains("psds")) add_psds();
  }

  void add_list(const std::string& key, const json& list) {
    const bool classes = key.ends_with("classes");
    if (key == "compare" || key == "disagreements" || (classes && !r_.contains("per_class")) ||
        (key == "by_video" && !exact_))
      return;
    Table table{key, key, {}, {}};
    table.detail = classes;
    for (const auto& [column, value] : list[0].items())
      if (!value.is_array()) table.head.push_back(column);
    for (const auto& item : list) {
      auto& cells = table.rows.emplace_back();
      for (const auto& column : table.head) cells.push_back(text(item[column]));
    }
    tables_.push_back(std::move(table));
  }

  void add_psds() {
    for (const auto& item : r_["psds"]) {
      Table curve{"roc." + item["name"].get<std::string>(), "", {"point", "efpr", "etpr"}, {}};
      for (std::size_t i = 0; i < item["efpr"].size(); ++i)
        curve.rows.push_back({std::to_string(i + 1), plain(item["efpr"][i]), plain(item["etpr"][i])});
      tables_.push_back(std::move(curve));
    }
  }

  void add_comparisons() {
    Table table{"compare",
                "difference to other predictions, with intervals of 95 %",
                {"file", "score", "difference", "low", "high", "p_value"},
                {}};
    for (const auto& item : r_["compare"]) {
      auto& cells = table.rows.emplace_back();
      for (const auto& column : table.head) cells.push_back(text(item[column]));
    }
    tables_.push_back(std::move(table));
    for (const auto& item : r_["compare"]) {
      if (!item.contains("map")) continue;
      const std::string file = item["file"].get<std::string>();
      const auto add = [&](const char* name, const char* what, const char* first, const json& rows) {
        Table part{std::string(name) + "." + file,
                   std::string("difference to ") + file + " " + what,
                   {first, "difference", "low", "high"},
                   {}};
        for (const auto& entry : rows)
          part.rows.push_back({first == std::string("tIoU") ? tiou_name(entry["tiou"].get<double>())
                                                            : entry["label"].get<std::string>(),
                               text(entry["difference"]), text(entry["low"]), text(entry["high"])});
        tables_.push_back(std::move(part));
      };
      add("compare.map", "by threshold", "tIoU", item["map"]);
      if (exact_ || r_.contains("per_class")) add("compare.classes", "by class", "class", item["classes"]);
    }
  }

  void add_ties() {
    Table table{"ties",
                "mean average precision in the best and worst order of ties",
                with_thresholds({"order"}, r_["tiou"]),
                {}};
    row(table, "worst", r_["ties_range"]["map_lowest"]);
    row(table, "best", r_["ties_range"]["map_highest"]);
    tables_.push_back(std::move(table));
  }

  void add_diagnosis() {
    const json& d = r_["diagnosis"];
    Table kinds{"kinds",
                "kinds of predictions by rank in their class of n instances, and the gain of average mAP_N (" +
                    text(d["average_map_n"]) + ") without them",
                {"kind", "gain"},
                {}};
    for (std::size_t k = 1; k <= d["kinds"][0]["top"].size(); ++k)
      kinds.head.push_back("to " + std::to_string(k) + "n");
    for (const auto& item : d["kinds"]) {
      std::vector<std::string> cells{item["kind"].get<std::string>(), item.contains("gain") ? text(item["gain"]) : ""};
      for (const auto& count : item["top"]) cells.push_back(exact_ ? plain(count) : one_digit(count.get<double>()));
      kinds.rows.push_back(std::move(cells));
    }
    tables_.push_back(std::move(kinds));
    for (const char* key : {"coverage", "length", "instances"}) {
      const json& part = d["sensitivity"][key];
      const std::string unknown = part["unknown"] == 0 ? "" : ", unknown of " + plain(part["unknown"]) + " instances";
      add_buckets(std::string("sensitivity.") + key,
                  std::string("average mAP_N (all: ") + text(d["sensitivity"]["average_map_n"]) +
                      "), false negatives (all: " + text(d["sensitivity"]["false_negatives"]) + ") and recall by " +
                      key + unknown,
                  part["buckets"]);
    }
    Table f1{"best_f1", "best F1 over all classes", with_thresholds({"value"}, r_["tiou"]), {}};
    for (const char* key : {"score_threshold", "f1", "precision", "recall"}) row(f1, key, d["best_f1"][key]);
    tables_.push_back(std::move(f1));
  }

  void add_samples(const json& s, const std::string& title) {
    Table table{"samples", title, {"class", "precision", "recall", "F1", "samples", "predicted"}, {}};
    const auto add = [&](std::string name, const json& scores, std::string samples, std::string predicted) {
      table.rows.push_back({std::move(name), text(scores["precision"]), text(scores["recall"]), text(scores["f1"]),
                            std::move(samples), std::move(predicted)});
    };
    static const std::set<std::string> taken = {
        "null", "mean", "mean without null", "micro", "micro without null", "weighted", "weighted without null"};
    if (r_.contains("per_class"))
      for (const auto& item : s["classes"])
        add(item["label"].is_null() ? "null" : class_row(item["label"].get<std::string>(), taken), item,
            plain(item["samples"]), plain(item["predicted"]));
    const std::string none = exact_ ? "" : "-";
    add("mean", s["mean"], plain(s["samples"]), plain(s["samples"]));
    add("mean without null", s["mean_without_null"], none, none);
    for (const char* kind : {"micro", "weighted"}) {
      add(kind, s[kind], plain(s["samples"]), plain(s["samples"]));
      add(std::string(kind) + " without null", s[std::string(kind) + "_without_null"], none, none);
    }
    tables_.push_back(std::move(table));
    if (exact_) add_list("by_video", s["by_video"]);
  }

  void add_buckets(const std::string& id, const std::string& title, const json& buckets) {
    Table table{id, title, {"range", "instances"}, {}};
    const bool scored = !buckets.empty() && buckets[0].contains("average_map_n");
    if (scored) table.head.insert(table.head.end(), {"average mAP_N", "false negatives"});
    table.head = with_thresholds(std::move(table.head), r_["tiou"]);
    for (const auto& item : buckets) {
      std::vector<std::string> cells{item["bucket"].get<std::string>(), plain(item["instances"])};
      if (scored) cells.insert(cells.end(), {text(item["average_map_n"]), text(item["false_negatives"])});
      for (const auto& value : item["recall"]) cells.push_back(text(value));
      if (!exact_ && item["instances"] == 0)
        std::fill(cells.begin() + 2, cells.end(), "-");  // nothing to recall is not a recall of 0
      table.rows.push_back(std::move(cells));
    }
    tables_.push_back(std::move(table));
  }

  // One row an object, one column a key.
  void add_rows(const char* name, const char* title, std::vector<std::string> keys, const json& items) {
    Table table{name, title, std::move(keys), {}};
    for (const auto& item : items) {
      auto& cells = table.rows.emplace_back();
      for (const auto& key : table.head)
        cells.push_back(key == "tiou" || item[key].is_array() ? plain(settled(item[key])) : text(item[key]));
    }
    tables_.push_back(std::move(table));
  }

  // What was counted.
  void add_data() {
    Table table{"data", "data", {"key", "value"}, {}};
    for (const auto& [key, value] : r_.items()) {
      if (told_elsewhere().contains(key)) continue;
      if (!value.is_structured()) table.rows.push_back({key, text(value)});
      else if (key == "unknown" || key == "unknown_predictions" || key == "coverage" || key == "ties" ||
               key == "score_filter")
        members(table, key + ".", value);
    }
    if (r_.contains("sample_wise"))
      for (const char* key : {"samples", "contested", "detections"})
        table.rows.push_back({std::string("sample_wise.") + key, plain(r_["sample_wise"][key])});
    tables_.push_back(std::move(table));
  }

  void add_settings() {
    Table table{"settings", "settings", {"key", "value"}, {}};
    table.rows.push_back({"source", plain(r_["source"])});
    for (const auto& [key, value] : r_["parameters"].items()) table.rows.push_back({key, plain(settled(value))});
    if (r_.contains("sample_wise"))
      for (const char* key : {"rate", "score_above", "overlap", "undefined"})
        table.rows.push_back({std::string("sample_wise.") + key, plain(r_["sample_wise"][key])});
    table.rows.push_back({"parameters_hash", plain(r_["parameters_hash"])});
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

// Tabs and line ends have no place in a cell.
std::string tsv_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\t') out += "\\t";
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\\') out += "\\\\";
    else out += c;
  }
  return out;
}

// One rectangle: a value a line.
std::string rectangle_of(const std::vector<json>& reports, char separator) {
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out += separator;
      out += separator == ',' ? csv_cell(cells[i]) : tsv_cell(cells[i]);
    }
    out += '\n';
  };
  line({"protocol", "table", "row", "column", "value"});
  for (const auto& report : reports)
    for (const auto& table : tables_of(report, true))
      for (std::size_t i = 0; i < table.rows.size(); ++i) {
        const auto& cells = table.rows[i];
        const std::string name = table.keyed ? cells[0] : std::to_string(i + 1);
        for (std::size_t c = table.keyed; c < cells.size(); ++c)
          line({report["protocol"].get<std::string>(), table.name, name, table.head[c], cells[c]});
      }
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
  const bool headed = table.head != std::vector<std::string>{"key", "value"};
  const auto measure = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) width[i] = std::max(width[i], terminal_columns(cells[i]));
  };
  if (headed) measure(table.head);
  for (const auto& cells : table.rows) measure(cells);
  std::string out = table.title + "\n";
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += "  " + cells[i];
      if (i + 1 < cells.size()) out.append(width[i] - terminal_columns(cells[i]), ' ');
    }
    out += "\n";
  };
  if (headed) line(table.head);
  for (const auto& cells : table.rows) line(cells);
  return out;
}

// What was counted, of every protocol: one line where all say the same.
Table counts_of(const std::vector<std::pair<std::string, Table>>& data) {
  Table out{"data", "data", {"protocol", "count", "value"}, {}};
  std::vector<std::string> keys;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> values;  // protocol, value
  for (const auto& [protocol, table] : data)
    for (const auto& row : table.rows) {
      auto& known = values[row[0]];
      if (known.empty()) keys.push_back(row[0]);
      known.emplace_back(protocol, row[1]);
    }
  for (const auto& key : keys) {
    const auto& known = values[key];
    const bool same = known.size() == data.size() && std::all_of(known.begin(), known.end(), [&](const auto& v) {
                        return v.second == known[0].second;
                      });
    if (same) out.rows.push_back({"all", key, known[0].second});
    else
      for (const auto& [protocol, value] : known) out.rows.push_back({protocol, key, value});
  }
  return out;
}

// The numbers of several reports in one table, then the details that each has, what was counted and the settings.
std::vector<Table> together(const std::vector<json>& reports) {
  Table numbers{"protocols", "protocols", {"protocol", "number", "value"}, {}};
  Table settings{"settings", "settings", {"protocol", "setting", "value"}, {}};
  std::vector<Table> details;
  std::vector<std::pair<std::string, Table>> data;
  for (const auto& report : reports) {
    const std::string protocol = report["protocol"].get<std::string>();
    for (auto& table : tables_of(report, false)) {
      if (table.name == "data") data.emplace_back(protocol, table);
      if (table.name == "summary")
        for (std::size_t i = 1; i < table.rows.size(); ++i)
          numbers.rows.push_back({protocol, table.rows[i][0], table.rows[i][1]});
      if (table.name == "map")
        for (std::size_t i = 2; i < table.head.size(); ++i)
          numbers.rows.push_back({protocol, table.head[i], table.rows.back()[i]});
      if (table.name == "ar")
        for (const auto& row : table.rows) numbers.rows.push_back({protocol, "AR@" + row[0], row[1]});
      if (table.name == "settings")
        for (const auto& row : table.rows) settings.rows.push_back({protocol, row[0], row[1]});
      if (!table.detail) continue;
      table.title = protocol + ": " + table.title;
      details.push_back(std::move(table));
    }
  }
  std::vector<Table> out{std::move(numbers)};
  std::move(details.begin(), details.end(), std::back_inserter(out));
  out.push_back(counts_of(data)), out.push_back(std::move(settings));
  return out;
}

}  // namespace

std::string to_json(const json& value) {
  std::string out;
  append(out, value);
  return out;
}

double settled(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.12g", value);
  return parse_number(text);
}

json settled(const json& value) {
  if (value.is_number_float()) return settled(value.get<double>());
  if (!value.is_structured()) return value;
  json out = value;
  for (auto& item : out) item = settled(item);
  return out;
}

std::string tiou_name(double threshold) { return "tIoU " + format_number(std::round(threshold * 1e9) / 1e9); }

std::vector<Table> tables_of(const json& report, bool exact) { return Tables(report, exact).all(); }

std::string render(const std::vector<json>& reports, const std::string& format) {
  if (format == "json") return to_json(reports.size() == 1 ? reports.front() : json{{"protocols", reports}}) + "\n";
  if (format == "csv" || format == "tsv") return rectangle_of(reports, format == "csv" ? ',' : '\t');
  std::string out;
  for (const auto& table : reports.size() == 1 ? tables_of(reports.front(), false) : together(reports)) {
    if (format == "markdown") out += markdown_of(table);
    else out += (out.empty() ? "" : "\n") + text_of(table);
  }
  return out;
}

}  // namespace tal::eval
