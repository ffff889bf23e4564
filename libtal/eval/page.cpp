#include "libtal/eval/page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libtal/base/xml.h"
#include "libtal/eval/report.h"

namespace tal::eval {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--c0:#0072b2;--c1:#e69f00;--c2:#009e73;--c3:#cc79a7;--c4:#d55e00;--c5:#8a939c}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3d444d;--paper:#0d1117;--c0:#56b4e9;--c1:#f0b93a;--c2:#2bc49a;--c3:#e3a3c6;--c4:#f08a4b;--c5:#7d8590}}
*{box-sizing:border-box}body{margin:0 auto;padding:1rem;max-width:44rem;font:16px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.25rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:2rem 0 .4rem}p{margin:.3rem 0;overflow-wrap:anywhere}.soft{color:var(--soft)}.score{font-size:2.4rem;font-weight:650;line-height:1.2}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}td,th{padding:.15rem .7rem .15rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}td+td,th+th{font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}svg .g{stroke:var(--line)}
.row{margin:.35rem 0}.row div:first-child{display:flex;justify-content:space-between;gap:1rem;font-size:.9rem}.row span{overflow-wrap:anywhere}
.bar{position:relative;height:.7rem;background:color-mix(in srgb,var(--line) 45%,transparent);border-radius:2px}.bar i{position:absolute;top:0;bottom:0;left:0;border-radius:2px;background:var(--c0)}.bar b{position:absolute;top:.25rem;height:.2rem;background:var(--ink)}
.key{display:inline-block;margin-right:.9rem;font-size:.85rem}.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.3rem;vertical-align:-1px}
details{margin-top:.6rem}summary{cursor:pointer}
)";

std::string digits(double value, const char* format = "%.4f") {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string escaped(const std::string& text) { return escape_xml(text); }

std::string colour_of(std::size_t i) { return "var(--c" + std::to_string(i % 6) + ")"; }

std::string key_of(const std::string& name, const std::string& colour) {
  return "<span class=\"key\"><i style=\"background:" + colour + "\"></i>" + escaped(name) + "</span>";
}

struct Line {
  std::string name;
  std::vector<double> y, low, high;  // low and high: the band, or nothing
};

// Curves over x in [first x, last x], y in [0, top], with their bands.
class Plot {
 public:
  Plot(std::vector<double> x, double top) : x_(std::move(x)), top_(top > 0 ? top : 1) {}

  std::string svg(const std::vector<Line>& lines, const std::string& x_name) const {
    std::string out = "<svg viewBox=\"0 0 360 220\" role=\"img\">";
    for (int i = 0; i <= 4; ++i) {
      const double y = top_ * i / 4;
      out += "<line class=\"g\" x1=\"40\" x2=\"352\" y1=\"" + digits(down(y), "%.1f") + "\" y2=\"" +
             digits(down(y), "%.1f") + "\"/><text x=\"36\" y=\"" + digits(down(y) + 4, "%.1f") +
             "\" text-anchor=\"end\">" + digits(y, "%.3g") + "</text>";
    }
    const std::size_t step = std::max<std::size_t>(1, (x_.size() + 4) / 5);
    for (std::size_t i = 0; i < x_.size(); i += step)
      out += "<text x=\"" + digits(across(x_[i]), "%.1f") + "\" y=\"200\" text-anchor=\"middle\">" +
             digits(x_[i], "%.3g") + "</text>";
    out += "<text x=\"196\" y=\"215\" text-anchor=\"middle\">" + escaped(x_name) + "</text>";
    for (std::size_t k = 0; k < lines.size(); ++k) {
      const Line& line = lines[k];
      if (!line.low.empty()) {
        std::string points = points_of(line.high);
        for (std::size_t i = line.low.size(); i-- > 0;) points += point(i, line.low[i]);
        out += "<polygon points=\"" + points + "\" fill=\"" + colour_of(k) + "\" fill-opacity=\".22\"/>";
      }
      out += "<polyline points=\"" + points_of(line.y) + "\" fill=\"none\" stroke-width=\"2\" stroke=\"" +
             colour_of(k) + "\"/>";
    }
    return out + "</svg>";
  }

 private:
  double across(double x) const {
    const double width = x_.back() - x_.front();
    return width > 0 ? 40 + 312 * (x - x_.front()) / width : 196;
  }
  double down(double y) const { return 184 - 174 * std::clamp(y / top_, 0.0, 1.0); }
  std::string point(std::size_t i, double y) const {
    return digits(across(x_[i]), "%.1f") + "," + digits(down(y), "%.1f") + " ";
  }
  std::string points_of(const std::vector<double>& y) const {
    std::string out;
    for (std::size_t i = 0; i < y.size() && i < x_.size(); ++i) out += point(i, y[i]);
    return out;
  }

  std::vector<double> x_;
  double top_;
};

// A bar from 0 to value / top, with a mark of the interval.
std::string bar(const std::string& name, double value, double top, const json& low, const json& high) {
  const auto share = [&](double v) { return digits(100 * std::clamp(v / top, 0.0, 1.0), "%.1f") + "%"; };
  std::string out = "<div class=\"row\"><div><span>" + escaped(name) + "</span><span>" + digits(value);
  if (low.is_number() && high.is_number())
    out += " <span class=\"soft\">" + digits(low.get<double>(), "%.3f") + "&ndash;" +
           digits(high.get<double>(), "%.3f") + "</span>";
  out += "</span></div><div class=\"bar\"><i style=\"width:" + share(value) + "\"></i>";
  if (low.is_number() && high.is_number())
    out += "<b style=\"left:" + share(low.get<double>()) +
           ";width:" + digits(100 * std::max(0.0, (high.get<double>() - low.get<double>()) / top), "%.1f") + "%\"></b>";
  return out + "</div></div>";
}

std::string html_of(const Table& table) {
  std::string out = "<div class=\"wide\"><table><tr>";
  if (table.head != std::vector<std::string>{"key", "value"})
    for (const auto& cell : table.head) out += "<th>" + escaped(cell) + "</th>";
  out += "</tr>";
  for (const auto& cells : table.rows) {
    out += "<tr>";
    for (const auto& cell : cells) out += "<td>" + escaped(cell) + "</td>";
    out += "</tr>";
  }
  return out + "</table></div>";
}

class Page {
 public:
  explicit Page(const json& report) : r_(report), tables_(tables_of(report, false)) {}

  std::string html() {
    const std::string protocol = r_["protocol"].get<std::string>();
    out_ =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\"><title>" +
        escaped(protocol) + "</title><style>" + kStyle + "</style></head><body>\n";
    add_head(protocol);
    add_curves();
    add_classes();
    if (r_.contains("diagnosis")) add_diagnosis();
    for (const auto& table : tables_)
      if (!drawn(table.name)) add_table(table);
    out_ += "</body></html>\n";
    return std::move(out_);
  }

 private:
  static bool drawn(const std::string& name) { return name == "kinds" || name == "summary"; }

  void add_head(const std::string& protocol) {
    out_ += "<h1>" + escaped(protocol) + "</h1><p class=\"soft\">" + escaped(r_["source"].get<std::string>()) +
            "</p><p class=\"score\">" + digits(r_["score"]["value"].get<double>()) + "</p><p>" +
            escaped(r_["score"]["name"].get<std::string>());
    if (r_.contains("bootstrap"))
      out_ += ", 95 % of " + r_["bootstrap"]["samples"].dump() + " samples of the videos between " +
              digits(r_["bootstrap"]["low"].get<double>()) + " and " + digits(r_["bootstrap"]["high"].get<double>());
    if (r_.contains("ties_range"))
      out_ += "; equal scores in another order: " + digits(r_["ties_range"]["lowest"].get<double>()) + " to " +
              digits(r_["ties_range"]["highest"].get<double>());
    out_ += ".</p><p class=\"soft\">" + r_["instances"].dump() + " instances in " + r_["videos"].dump() + " videos, " +
            r_["coverage"]["with_record"].dump() + " of them with a record; " + r_["predictions"].dump() +
            " predictions.</p>\n";
    for (const auto& table : tables_)
      if (table.name == "summary" && table.rows.size() > 2) out_ += html_of(table);
  }

  void add_curves() {
    const auto list = [&](const json& value) { return value.get<std::vector<double>>(); };
    if (r_.contains("map")) {
      Line line{"mAP", list(r_["map"]), {}, {}};
      if (r_.contains("bootstrap") && r_["bootstrap"].contains("map_low"))
        line.low = list(r_["bootstrap"]["map_low"]), line.high = list(r_["bootstrap"]["map_high"]);
      if (line.y.size() > 1)
        section("mAP by threshold, with intervals of 95 %", Plot(list(r_["tiou"]), 1).svg({line}, "tIoU"));
    }
    if (r_.contains("precision_recall")) {
      std::vector<Line> lines;
      const json& curves = r_["precision_recall"]["precision"];
      std::string keys;
      for (std::size_t t = 0; t < curves.size(); t += std::max<std::size_t>(1, (curves.size() - 1) / 2)) {
        keys += key_of(tiou_name(r_["tiou"][t].get<double>()), colour_of(lines.size()));
        lines.push_back({"", list(curves[t]), {}, {}});
      }
      section("Precision by recall, mean over classes",
              keys + Plot(list(r_["precision_recall"]["recall"]), 1).svg(lines, "recall"));
    }
    if (r_.contains("an") && !r_["an"].empty()) {
      Line line{"AR", list(r_["ar"]), {}, {}};
      if (r_.contains("bootstrap") && r_["bootstrap"].contains("ar_low"))
        line.low = list(r_["bootstrap"]["ar_low"]), line.high = list(r_["bootstrap"]["ar_high"]);
      section("Average recall by average number of proposals, with intervals of 95 %",
              Plot(list(r_["an"]), 1).svg({line}, "average number of proposals"));
    }
    if (r_.contains("psds"))
      for (const auto& item : r_["psds"]) {
        std::vector<double> x = list(item["efpr"]);
        const std::vector<double> y = list(item["etpr"]);
        if (x.size() > 1)
          section("PSD-ROC of " + item["name"].get<std::string>() + ": " + digits(item["psds"].get<double>()),
                  Plot(std::move(x), 1).svg({{"", y, {}, {}}}, "effective false positives an hour"));
      }
  }

  void add_classes() {
    if (!r_.contains("classes") || r_["classes"].empty() || !r_["classes"][0].is_object()) return;
    // The number that a class's bar shows: the mean over thresholds, or the first of these that it has.
    const auto value_of = [&](const json& cls) -> json {
      if (cls.contains("ap") && cls["ap"].is_array()) {
        double sum = 0;
        for (const auto& ap : cls["ap"]) sum += ap.get<double>();
        return sum / static_cast<double>(std::max<std::size_t>(cls["ap"].size(), 1));
      }
      for (const char* key : {"ap", "f1", "tight", "tIoU 0.5"})
        if (cls.contains(key)) return cls[key];
      return nullptr;
    };
    std::string bars;
    const json* intervals =
        r_.contains("bootstrap") && r_["bootstrap"].contains("classes") ? &r_["bootstrap"]["classes"] : nullptr;
    for (std::size_t c = 0; c < r_["classes"].size(); ++c) {
      const json& cls = r_["classes"][c];
      const json value = value_of(cls);
      if (!value.is_number()) continue;
      const char* count = cls.contains("instances") ? "instances" : cls.contains("samples") ? "samples" : "positives";
      std::string name = cls["label"].is_null() ? "null" : cls["label"].get<std::string>();
      if (cls.contains(count)) name += " (" + cls[count].dump() + ")";
      bars += bar(name, value.get<double>(), 1, intervals ? (*intervals)[c]["low"] : json(),
                  intervals ? (*intervals)[c]["high"] : json());
    }
    if (!bars.empty()) section("Classes", bars);
  }

  void add_diagnosis() {
    const json& kinds = r_["diagnosis"]["kinds"];
    // Columns of the ranks from n to 10 n, filled by kind.
    std::string svg = "<svg viewBox=\"0 0 360 200\" role=\"img\">", keys;
    const std::size_t columns = kinds[0]["top"].size();
    for (std::size_t k = 0; k < columns; ++k) {
      double total = 0, y = 174;
      for (const auto& kind : kinds) total += kind["top"][k].get<double>();
      const double x = 8 + 344.0 / static_cast<double>(columns) * static_cast<double>(k);
      for (std::size_t i = 0; i < kinds.size() && total > 0; ++i) {
        const double height = 164 * kinds[i]["top"][k].get<double>() / total;
        y -= height;
        svg += "<rect x=\"" + digits(x, "%.1f") + "\" y=\"" + digits(y, "%.1f") + "\" width=\"" +
               digits(344.0 / static_cast<double>(columns) - 4, "%.1f") + "\" height=\"" + digits(height, "%.1f") +
               "\" fill=\"" + kind_colour(i) + "\"/>";
      }
      svg += "<text x=\"" + digits(x + 15, "%.1f") + "\" y=\"190\" text-anchor=\"middle\">" + std::to_string(k + 1) +
             "n</text>";
    }
    svg += "</svg>";
    for (std::size_t i = 0; i < kinds.size(); ++i) keys += key_of(kinds[i]["kind"].get<std::string>(), kind_colour(i));
    section("Kinds of detections by rank, of classes of n instances (DETAD)", keys + svg);
    double top = 0;
    for (const auto& kind : kinds)
      if (kind.contains("gain")) top = std::max(top, kind["gain"].get<double>());
    std::string bars;
    for (const auto& kind : kinds)
      if (kind.contains("gain"))
        bars += bar(kind["kind"].get<std::string>(), kind["gain"].get<double>(), top > 0 ? top : 1, {}, {});
    section("What average mAP_N (" + digits(r_["diagnosis"]["average_map_n"].get<double>()) + ") gains without a kind",
            bars);
  }

  static std::string kind_colour(std::size_t i) {
    constexpr const char* kColours[] = {"var(--c2)", "var(--c1)", "var(--c4)",  "var(--c0)",
                                        "var(--c3)", "var(--c5)", "var(--line)"};
    return kColours[i % std::size(kColours)];
  }

  void add_table(const Table& table) {
    std::string title = table.title.empty() ? table.name : table.title;
    if (table.name == "data") title = "Coverage and counts";
    if (table.name == "settings") title = "Settings";
    if (table.rows.size() > 30)
      out_ += "<h2>" + escaped(title) + "</h2><details><summary>" + std::to_string(table.rows.size()) +
              " rows</summary>" + html_of(table) + "</details>\n";
    else section(title, html_of(table));
  }

  void section(const std::string& title, const std::string& body) {
    out_ += "<h2>" + escaped(title) + "</h2>" + body + "\n";
  }

  const json& r_;
  const std::vector<Table> tables_;
  std::string out_;
};

}  // namespace

std::string page_of(const json& report) { return Page(report).html(); }

}  // namespace tal::eval
