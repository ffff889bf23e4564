#include "libtal/plot/stats.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "libtal/base/error.h"

namespace tal::plot {
namespace {

using nlohmann::json;
using Sample = StageStats::Sample;

constexpr double kStatsMargin = 14, kBarHeight = 44, kLeastBar = 2;

struct Part {
  const char* name;
  Ink ink;
  double (*seconds)(const Sample&);
};
// From the bottom of a bar upwards.
constexpr Part kParts[] = {
    {"at work", kSeries0, [](const Sample& s) { return s.working(); }},
    {"waits for input", static_cast<Ink>(kSeries0 + 1), [](const Sample& s) { return s.wait_in; }},
    {"waits for output", static_cast<Ink>(kSeries0 + 2), [](const Sample& s) { return s.wait_out; }}};

std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

std::string amount(double value, const char* unit) {
  static constexpr const char* kPrefixes[] = {"", " k", " M", " G", " T"};
  std::size_t prefix = 0;
  for (; value >= 1000 && prefix + 1 < std::size(kPrefixes); ++prefix) value /= 1000;
  return tick_label(value) + (prefix ? kPrefixes[prefix] : " ") + unit;
}
std::string rate(double count, double seconds) { return seconds > 0 ? tick_label(count / seconds) : "0"; }

double end_of(const StageStats& stage) { return stage.started + stage.samples.back().elapsed; }
double share_at_work(const StageStats& stage) {
  const Sample& last = stage.samples.back();
  return last.elapsed > 0 ? last.working() / last.elapsed : 0;
}

// Runs follow one another; the stages of one in the order of their processes.
void put_in_order(std::vector<StageStats>& stages) {
  std::sort(stages.begin(), stages.end(),
            [](const auto& a, const auto& b) { return std::tie(a.started, a.pid) < std::tie(b.started, b.pid); });
  for (std::size_t begin = 0; begin < stages.size();) {
    double until = end_of(stages[begin]);
    std::size_t end = begin + 1;
    for (; end < stages.size() && stages[end].started < until; ++end) until = std::max(until, end_of(stages[end]));
    std::sort(stages.begin() + static_cast<std::ptrdiff_t>(begin), stages.begin() + static_cast<std::ptrdiff_t>(end),
              [](const auto& a, const auto& b) { return std::tie(a.host, a.pid) < std::tie(b.host, b.pid); });
    begin = end;
  }
}

std::string name_of(const StageStats& stage) {
  return stage.tool + "  (" + stage.host + ", process " + std::to_string(stage.pid) + ")";
}

std::string told(const StageStats& stage) {
  const Sample& last = stage.samples.back();
  std::string text;
  for (const Part& part : kParts)
    text += std::string(text.empty() ? "" : ", ") + percent(last.elapsed > 0 ? part.seconds(last) / last.elapsed : 0) +
            " " + part.name;
  text += "; " + amount(last.records_in, "records") + ", " + rate(last.records_in, last.elapsed) + "/s, " +
          amount(last.elapsed > 0 ? last.bytes_in / last.elapsed : 0, "B/s") + "; at most " +
          amount(stage.peak_memory, "B");
  if (!stage.status) text += "; no last line: killed, or running still";
  else if (*stage.status != 0) text += "; exit status " + std::to_string(*stage.status);
  return text;
}

std::string tip_of(const Sample& from, const Sample& to) {
  const double seconds = to.elapsed - from.elapsed;
  std::string text = time_label(from.elapsed) + " to " + time_label(to.elapsed) + ":";
  for (const Part& part : kParts)
    text += std::string(" ") + percent((part.seconds(to) - part.seconds(from)) / seconds) + " " + part.name + ",";
  return text + " " + rate(to.records_in - from.records_in, seconds) + " records/s, " +
         rate(to.lines_out - from.lines_out, seconds) + " lines/s out, " + amount(to.memory, "B");
}

void draw_bars(Canvas& canvas, const StageStats& stage, const Panel& panel, double began) {
  const auto x_of = [&](double elapsed) {
    return panel.x + (stage.started - began + elapsed) / (panel.high - panel.low) * panel.w;
  };
  Sample from;
  for (std::size_t i = 0; i < stage.samples.size(); ++i) {
    const Sample& to = stage.samples[i];
    const double left = x_of(from.elapsed), right = x_of(to.elapsed), seconds = to.elapsed - from.elapsed;
    if (!(seconds > 0) || (right - left < kLeastBar && i + 1 < stage.samples.size())) continue;
    double y = panel.y + panel.h;
    for (const Part& part : kParts) {
      const double h = std::clamp((part.seconds(to) - part.seconds(from)) / seconds, 0.0, 1.0) * panel.h;
      if (h > 0) canvas.rect(left, y - h, right - left, h, part.ink, 0.85).tip = tip_of(from, to);
      y -= h;
    }
    from = to;
  }
}

void draw_key(Canvas& canvas, double x, double y) {
  for (const Part& part : kParts) {
    canvas.rect(x, y - 10, 12, 12, part.ink, 0.85);
    canvas.text(x + 18, y, part.name, 12);
    x += 18 + text_width(part.name, 12) + 20;
  }
}

}  // namespace

void read_stats(const std::string& text, const std::string& source, std::vector<StageStats>& stages) {
  std::map<std::tuple<std::string, std::uint64_t, double>, std::size_t> known;
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1, ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      const json stats = json::parse(line);
      const auto real = [&](const char* key) { return stats.at(key).get<double>(); };
      StageStats stage;
      stage.tool = stats.at("tool").get<std::string>(), stage.host = stats.at("host").get<std::string>();
      stage.pid = stats.at("pid").get<std::uint64_t>(), stage.started = real("started");
      const Sample sample{real("elapsed"),  real("wait_in"),   real("wait_out"), real("records_in"),
                          real("bytes_in"), real("lines_out"), real("memory")};
      const auto [place, fresh] = known.try_emplace({stage.host, stage.pid, stage.started}, stages.size());
      if (fresh) stages.push_back(std::move(stage));
      StageStats& own = stages[place->second];
      if (sample.elapsed < (own.samples.empty() ? 0 : own.samples.back().elapsed))
        throw Error("comes before an earlier line of its process").at_field("elapsed");
      own.samples.push_back(sample);
      own.peak_memory = real("peak_memory");
      if (stats.contains("status")) own.status = stats["status"].get<int>();
    } catch (const json::exception&) {
      throw Error("is not a line of --stats").at_line(source, number);
    } catch (Error& error) {
      throw error.at_line(source, number);
    }
  }
}

Canvas draw_stats(std::vector<StageStats> stages, double width, const std::string& title) {
  Canvas canvas(width);
  double y = kStatsMargin + 16;
  canvas.text(kStatsMargin, y, fit_text(title, 16, width - 2 * kStatsMargin), 16).bold = true;
  y += 24;
  if (stages.empty()) {
    canvas.text(kStatsMargin, y + 6, "No lines of --stats.", 13, kMuted);
    canvas.set_height(y + 20);
    return canvas;
  }
  put_in_order(stages);
  double began = stages.front().started, ended = began;
  for (const auto& stage : stages) began = std::min(began, stage.started), ended = std::max(ended, end_of(stage));
  const auto busiest = std::max_element(
      stages.begin(), stages.end(), [](const auto& a, const auto& b) { return share_at_work(a) < share_at_work(b); });
  if (stages.size() > 1) {
    const std::string text =
        "Least waiting: " + name_of(*busiest) + ", " + percent(share_at_work(*busiest)) + " of its time at work; " +
        (share_at_work(*busiest) < 0.5 ? "all wait for what is not drawn: a stage without --stats, or the pipe's ends"
                                       : "the others wait for it");
    canvas.text(kStatsMargin, y, fit_text(text, 13, width - 2 * kStatsMargin), 13);
    y += 24;
  }
  draw_key(canvas, kStatsMargin, y);
  y += 14;
  for (const auto& stage : stages) {
    canvas.text(kStatsMargin, y + 16, fit_text(name_of(stage), 13, width - 2 * kStatsMargin), 13).bold = true;
    canvas.text(kStatsMargin, y + 32, fit_text(told(stage), 12, width - 2 * kStatsMargin), 12, kMuted);
    y += 40;
    const Panel panel{kStatsMargin, y, width - 2 * kStatsMargin, kBarHeight, 0, std::max(ended - began, 1e-3), true};
    canvas.begin_panel(panel);
    canvas.rect(panel.x, panel.y, panel.w, panel.h, kPanel);
    draw_x_axis(canvas, panel);
    draw_bars(canvas, stage, panel, began);
    canvas.end_panel();
    y += kBarHeight + 26;
  }
  canvas.set_height(y);
  return canvas;
}

}  // namespace tal::plot
