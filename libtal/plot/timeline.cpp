#include "libtal/plot/timeline.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace tal::plot {
namespace {

constexpr double kLeft = 210, kRight = 46, kSide = 14;
constexpr double kTruthHeight = 14, kLaneHeight = 15, kBandHeight = 72;
constexpr int kMaxLanes = 5;

std::string span_text(const Segment& s, bool point = false) {
  char text[120];
  if (point) std::snprintf(text, sizeof text, "at %.2f s", s.start);
  else std::snprintf(text, sizeof text, "%.2f - %.2f s (%.2f s)", s.start, s.end, s.length());
  return text;
}

std::string count_text(std::size_t n, const char* what) { return std::to_string(n) + " " + what; }

std::string truth_text(const TimelineVideo& video) {
  if (video.truth.empty() && !video.truth_given) return "no truth given";
  return count_text(video.truth.size(), video.truth.size() == 1 ? "truth" : "truths");
}

double shown_duration(const TimelineVideo& video) {
  double end = video.duration;
  if (end <= 0) {
    for (const auto& a : video.truth) end = std::max(end, a.segment.end);
    for (const auto& track : video.tracks)
      for (const auto& found : track.found) end = std::max(end, found.segment.end);
  }
  return end > 0 ? end : 1;
}

double head(Canvas& canvas, const TimelineStyle& style) {
  double y = kSide + 16;
  canvas.text(kSide, y, fit_text(style.title, 16, style.width - 2 * kSide), 16).bold = true;
  if (!style.remark.empty()) {
    y += 19;
    canvas.text(kSide, y, fit_text(style.remark, 12, style.width - 2 * kSide), 12, kMuted).tip = style.remark;
  }
  return y + 12;
}

double video_title(Canvas& canvas, const TimelineVideo& video, double y, double width, const std::string& counts,
                   const std::string& tip = "") {
  const double room = width - 2 * kSide - text_width(counts, 12) - 16;
  canvas.text(kSide, y + 15, fit_text(video.video, 13, room), 13).bold = true;
  canvas.text(width - kSide, y + 15, counts, 12, kMuted, Align::kRight).tip = tip;
  return y + 24;
}

// One row of a track: bars in lanes while they fit, else a band in which the height is the score.
struct Placed {
  const Found* found;
  int lane;
};

struct Row {
  std::string label;
  const Track* track = nullptr;  // null: truth
  std::vector<Placed> placed;
  bool band = false;
  double height = 0;
};

struct Bar {
  double x = 0, w = 0;
};

struct Scale {
  double x = 0, w = 1, duration = 1;
  double at(double t) const { return x + std::clamp(t / duration, 0.0, 1.0) * w; }
  // Inside the panel and wide enough to be seen: a point, and what is behind the end, too.
  Bar bar(const Segment& segment, bool point) const {
    constexpr double kLeast = 2, kPoint = 5;
    const double from = at(segment.start), least = point ? kPoint : kLeast;
    const double left = point ? from - kPoint / 2 : from, width = std::max(least, at(segment.end) - from);
    return {std::clamp(left, x, std::max(x, x + w - width)), width};
  }
};

constexpr double kOver = 1e-3;  // seconds, that people round to

bool reaches_out(const Segment& segment, double duration) {
  return segment.end > duration + kOver || segment.start < -kOver;
}

// Where a segment goes on over the end, or begins before 0: an arrow there.
void mark_outside(Canvas& canvas, const Segment& segment, const Scale& scale, double top, double height) {
  constexpr double kWide = 5;
  const double half = std::max(3.0, height / 2 - 1), middle = top + height / 2;
  const auto arrow = [&](double tip, double back) {
    canvas.polyline({{back, middle - half}, {tip, middle}, {back, middle + half}}, kText, 2).tip =
        "outside of the video: " + span_text(segment);
  };
  if (segment.end > scale.duration + kOver) arrow(scale.x + scale.w - 1, scale.x + scale.w - 1 - kWide);
  if (segment.start < -kOver) arrow(scale.x + 1, scale.x + 1 + kWide);
}

struct Range {
  double low = 0, high = 1;
  double of(double score) const { return high > low ? std::clamp((score - low) / (high - low), 0.0, 1.0) : 1; }
};

Range score_range(const Track& track) {
  Range range;
  bool inside = true;
  for (const auto& found : track.found) inside = inside && found.score >= 0 && found.score <= 1;
  if (inside || track.found.empty()) return range;
  range.low = range.high = track.found.front().score;
  for (const auto& found : track.found)
    range.low = std::min(range.low, found.score), range.high = std::max(range.high, found.score);
  return range;
}

// Three digits say enough of a score, however small it is.
std::string score_text(double score) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3g", score);
  return text;
}

// Where a bar's score stands: behind it, before it where the panel ends, and inside where the bar fills the panel.
struct ScorePlace {
  enum { kBehind, kBefore, kInside } side = kBehind;
  double from = 0, to = 0;  // what bar and score take
};

ScorePlace score_place(const Found& found, const Scale& scale) {
  constexpr double kGap = 4, kNext = 6;  // pixels between bar and score, and to the next bar
  const auto [x, w] = scale.bar(found.segment, found.point);
  const double end = x + w, text = text_width(score_text(found.score), 11) + kGap;
  if (end + text <= scale.x + scale.w) return {ScorePlace::kBehind, x, end + text + kNext};
  if (x - text >= scale.x) return {ScorePlace::kBefore, x - text - kNext, end};
  return {ScorePlace::kInside, x, end};
}

void place(Row& row, std::vector<const Found*> found, const Scale& scale) {
  std::vector<std::vector<std::pair<double, double>>> lanes;
  for (const Found* one : found) {
    const auto [side, from, to] = score_place(*one, scale);
    std::size_t lane = 0;
    for (; lane < lanes.size(); ++lane) {
      bool free = true;
      for (const auto& [a, b] : lanes[lane]) free = free && (to <= a || from >= b);
      if (free) break;
    }
    if (lane == static_cast<std::size_t>(kMaxLanes)) {
      row.band = true;
      break;
    }
    if (lane == lanes.size()) lanes.emplace_back();
    lanes[lane].emplace_back(from, to);
    row.placed.push_back({one, static_cast<int>(lane)});
  }
  if (row.band) {
    row.placed.clear();
    for (const Found* one : found) row.placed.push_back({one, 0});
    row.height = kBandHeight;
  } else {
    row.height = std::max<double>(1, static_cast<double>(lanes.size())) * kLaneHeight + 3;
  }
}

// Without a label: the class that the segment finds, if any.
constexpr double kFinds = 0.5;
const Annotation* found_truth(const std::vector<Annotation>& truth, const Found& found) {
  const Annotation* best = nullptr;
  double overlap = kFinds;
  for (const auto& a : truth)
    if (const double value = tiou(a.segment, found.segment); value >= overlap && (!best || value > overlap))
      best = &a, overlap = value;
  return best;
}

double best_overlap(const std::vector<Annotation>& truth, const Found& found) {
  double best = 0;
  for (const auto& a : truth)
    if (found.label.empty() || a.label == found.label) best = std::max(best, tiou(a.segment, found.segment));
  return best;
}

void draw_found(Canvas& canvas, const Row& row, double y, const Scale& scale, const Range& range,
                const std::map<std::string, std::size_t>& colours, const TimelineVideo& video) {
  // Best last, so that it lies on top.
  for (std::size_t i = row.placed.size(); i-- > 0;) {
    const Found& found = *row.placed[i].found;
    const Annotation* finds = found.label.empty() ? found_truth(video.truth, found) : nullptr;
    const Ink ink = !found.label.empty() ? shade(colours.at(found.label))
                    : finds              ? shade(colours.at(finds->label))
                    : colours.empty()    ? series(0)
                                         : kMuted;
    const auto [x, w] = scale.bar(found.segment, found.point);
    const double strength = range.of(found.score);
    std::string tip = row.track->name + (found.label.empty() ? "" : ": " + found.label) + "\nscore " +
                      tick_label(found.score) + "\n" + span_text(found.segment, found.point);
    if (!video.truth.empty() && !found.point)
      tip += "\nbest tIoU " + tick_label(std::floor(best_overlap(video.truth, found) * 1000 + 0.5) / 1000);
    if (row.band) {
      const double at = y + 4 + (1 - strength) * (row.height - 12), high = found.point ? 5 : finds ? 4 : 3;
      auto& mark = canvas.rect(x, at, w, high, ink, finds || found.point ? 1 : row.placed.size() > 60 ? 0.45 : 0.65);
      mark.stroke = found.point ? kText : kNone, mark.tip = tip;
      mark_outside(canvas, found.segment, scale, at, high);
      continue;
    }
    const double top = y + row.placed[i].lane * kLaneHeight + 2;
    auto& bar = canvas.rect(x, top, w, kLaneHeight - 4, ink, 0.2 + 0.8 * strength);
    bar.stroke = ink, bar.tip = tip;
    mark_outside(canvas, found.segment, scale, top, kLaneHeight - 4);
    const std::string score = score_text(found.score);
    switch (score_place(found, scale).side) {
      case ScorePlace::kBehind: canvas.text(x + w + 4, top + 9.5, score, 11, kMuted); break;
      case ScorePlace::kBefore: canvas.text(x - 4, top + 9.5, score, 11, kMuted, Align::kRight); break;
      case ScorePlace::kInside: canvas.text(x + 4, top + 9.5, score, 11, strength < 0.55 ? kText : kPaper);
    }
  }
}

// The scores of what crowded rows draw, by the name of the track: one scale through the whole picture.
using BandRanges = std::map<std::string, Range>;

struct Legend {
  BandRanges ranges;
  bool bars = false, crowded = false, labelled = false;  // what the picture holds of what was found
  bool truths = false;
  bool found() const { return bars || crowded; }
};

// Explains only what the picture holds, in as many lines as `width` needs. Returns the height.
double draw_legend(Canvas& canvas, double y, const Legend& legend, double width) {
  constexpr double kLine = 20, kTextAt = 32, kSwatches = 78;
  double x = kSide;
  if (legend.truths) {
    canvas.rect(x, y + 2, 26, 10, kMuted).stroke = kText;
    canvas.text(x + kTextAt, y + 11, "ground truth", 12, kMuted);
    x += kTextAt + text_width("ground truth", 12) + 14;
  }
  if (!legend.found()) return kLine;
  const Ink ink = legend.labelled || !legend.truths ? series(0) : kMuted;
  const double top = y;
  const auto add = [&](double room, const std::string& text, const auto& swatch) {
    if (x + room + text_width(text, 12) > width - kSide && x > kSide) x = kSide, y += kLine;
    swatch();
    canvas.text(x + room, y + 11, fit_text(text, 12, width - x - room - kSide), 12, kMuted);
    x += room + text_width(text, 12) + 14;
  };
  if (legend.bars)
    add(kSwatches, "found: the fuller, the higher the score", [&] {
      for (int i = 0; i < 4; ++i) canvas.rect(x + 18 * i, y + 2, 16, 10, ink, 0.2 + 0.2667 * i).stroke = ink;
    });
  if (legend.crowded)
    add(kTextAt, legend.bars ? "crowded: height = score, one scale" : "found: height = score, one scale",
        [&] { canvas.rect(x, y + 6, 26, 3, ink, 0.65); });
  if (!legend.labelled && legend.truths) add(0, "coloured: tIoU with that truth >= " + tick_label(kFinds), [] {});
  return y - top + kLine;
}

// One video's panel: its rows by label, the truth's first, then a row a track.
class VideoPanel {
 public:
  VideoPanel(Canvas& canvas, const TimelineVideo& video, const TimelineStyle& style,
             const std::map<std::string, std::size_t>& colours, Legend& legend)
      : canvas_(canvas),
        video_(video),
        style_(style),
        colours_(colours),
        legend_(legend),
        scale_{kLeft, style.width - kLeft - kRight, shown_duration(video)},
        truth_(video.truth) {
    const auto earlier = [](const Annotation& a, const Annotation& b) { return a.segment.start < b.segment.start; };
    std::stable_sort(truth_.begin(), truth_.end(), earlier);
    make_rows(choose_labels());
  }

  // Draws it from y on; returns where it ends.
  double draw(double y) {
    std::string hidden;
    for (const auto& label : hidden_labels_) hidden += (hidden.empty() ? "not drawn: " : ", ") + label;
    y = video_title(canvas_, video_, y, style_.width, counts(), hidden);
    strip_ = video_.thumbnails.empty() ? 0 : kStrip + 4;
    double height = 4 + strip_;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      height += rows_[i].height + (i > 0 && begins_label(i) ? kLabelGap : 0);
    height = std::max(height + 2, 34.0 + strip_);
    const bool tall = height > kTall;
    if (tall) y += 14;
    const Panel panel{scale_.x, y, scale_.w, height, 0, scale_.duration, true, tall};
    canvas_.rect(panel.x, panel.y, panel.w, panel.h, kPanel);
    draw_names(panel);  // first: they stand outside the panel
    canvas_.begin_panel(panel);
    draw_x_axis(canvas_, panel);
    draw_strip(panel);
    draw_rows(panel);
    if (rows_.empty()) canvas_.text(panel.x + 10, y + strip_ + 21, "no annotations, no proposals", 12, kMuted);
    canvas_.end_panel();
    const auto is_empty = [](const Track& track) { return track.found.empty(); };
    if (!rows_.empty() && std::all_of(video_.tracks.begin(), video_.tracks.end(), is_empty))
      canvas_.text(kSide, y + height + 14, "no proposals", 12, kMuted);
    return y + height + 32;
  }

 private:
  static constexpr double kStrip = 44;                 // height of thumbnails
  static constexpr double kLabelGap = 5, kTall = 320;  // from there on the axis stands above as well

  bool begins_label(std::size_t row) const { return row == 0 || rows_[row].label != rows_[row - 1].label; }

  // Labels of the truth in order of time, then those only found, by best score; as many as the style shows.
  std::vector<std::string> choose_labels() {
    std::vector<std::string> labels;
    const auto add = [&](const std::string& label) {
      if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
    };
    for (const auto& a : truth_) add(a.label);
    std::map<std::string, double> best;
    for (const auto& track : video_.tracks)
      for (const auto& found : track.found) {
        const auto [entry, fresh] = best.emplace(found.label, found.score);
        if (!fresh) entry->second = std::max(entry->second, found.score);
      }
    std::vector<std::pair<std::string, double>> only_found(best.begin(), best.end());
    std::stable_sort(only_found.begin(), only_found.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [label, score] : only_found) add(label);
    // Segments without a label are no label more: a class-agnostic proposer's row is always drawn.
    std::size_t named = 0;
    std::erase_if(labels, [&](const std::string& label) {
      const bool hidden = !label.empty() && style_.max_rows > 0 && ++named > style_.max_rows;
      if (hidden) hidden_labels_.push_back(label);
      return hidden;
    });
    return labels;
  }

  void make_rows(const std::vector<std::string>& labels) {
    for (const auto& label : labels) {
      if (std::any_of(truth_.begin(), truth_.end(), [&](const Annotation& a) { return a.label == label; })) {
        Row row;
        row.label = label, row.height = kTruthHeight + 4;
        rows_.push_back(row);
      }
      for (const auto& track : video_.tracks) add_track(track, label);
    }
  }

  void add_track(const Track& track, const std::string& label) {
    std::vector<const Found*> found;
    for (const auto& one : track.found)
      if (one.label == label) found.push_back(&one);
    if (found.empty()) return;
    std::stable_sort(found.begin(), found.end(), [](const Found* a, const Found* b) { return a->score > b->score; });
    if (style_.top_k > 0 && found.size() > style_.top_k)
      left_out_ += found.size() - style_.top_k, found.resize(style_.top_k);
    Row row;
    row.label = label, row.track = &track;
    place(row, std::move(found), scale_);
    (row.band ? legend_.crowded : legend_.bars) = true;
    if (row.band)
      for (const auto& [one, lane] : row.placed) {
        auto& range = legend_.ranges.try_emplace(track.name, Range{one->score, one->score}).first->second;
        range.low = std::min(range.low, one->score), range.high = std::max(range.high, one->score);
      }
    rows_.push_back(std::move(row));
  }

  std::string counts() const {
    std::string text =
        time_label(scale_.duration) + (video_.duration > 0 ? "" : " (duration unknown)") + ", " + truth_text(video_);
    for (const auto& track : video_.tracks) text += ", " + count_text(track.found.size(), track.name.c_str());
    std::size_t outside = 0;
    for (const auto& a : video_.truth) outside += reaches_out(a.segment, scale_.duration) ? 1 : 0;
    for (const auto& track : video_.tracks)
      for (const auto& found : track.found) outside += reaches_out(found.segment, scale_.duration) ? 1 : 0;
    if (outside > 0) text += ", " + count_text(outside, "outside of the video (arrows)");
    if (left_out_ > 0) text += ", " + count_text(left_out_, "low-scored not drawn");
    if (!hidden_labels_.empty()) text += ", " + count_text(hidden_labels_.size(), "labels not drawn (--max-rows)");
    return text;
  }

  void draw_strip(const Panel& panel) {
    double free = panel.x;
    for (const auto& one : video_.thumbnails) {
      const double w = kStrip * one.columns / std::max(1, one.rows);
      const double x = std::clamp(scale_.at(one.time) - w / 2, panel.x, std::max(panel.x, panel.x + panel.w - w));
      if (x < free) continue;
      canvas_.photo(x, panel.y + 3, w, kStrip, one.jpeg).tip = time_label(one.time);
      free = x + w + 2;
    }
  }

  void draw_names(const Panel& panel) {
    double at = panel.y + 4 + strip_;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const Row& row = rows_[i];
      if (i > 0 && begins_label(i)) at += kLabelGap;
      const std::string tag = row.track ? fit_text(row.track->name, 11, 62) : "truth";
      const double tag_width = text_width(tag, 11);
      const double middle = row.track ? at + std::min(row.height, kLaneHeight + 3) / 2 + 4 : at + kTruthHeight / 2 + 4;
      if (begins_label(i) && !row.label.empty())
        canvas_.text(kSide, middle, fit_text(row.label, 12, kLeft - kSide - tag_width - 20), 12).tip = row.label;
      canvas_.text(kLeft - 8, middle, tag, 11, kMuted, Align::kRight);
      if (row.band) {
        const Range& range = legend_.ranges.at(row.track->name);
        for (const auto& [score, y] : {std::pair{range.high, at + 10}, {range.low, at + row.height - 3}}) {
          const std::string text = score_text(score);  // into the panel rather than over the picture's edge
          canvas_.text(std::min(panel.x + panel.w + 4, style_.width - 2 - text_width(text, 11)), y, text, 11, kMuted);
        }
      }
      at += row.height;
    }
  }

  void draw_rows(const Panel& panel) {
    double at = panel.y + 4 + strip_;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const Row& row = rows_[i];
      if (i > 0 && begins_label(i)) {
        canvas_.line(panel.x, at + 2.5, panel.x + panel.w, at + 2.5, kGrid);
        at += kLabelGap;
      }
      if (row.track)
        draw_found(canvas_, row, at, scale_, row.band ? legend_.ranges.at(row.track->name) : score_range(*row.track),
                   colours_, video_);
      else draw_truth(row, at);
      at += row.height;
    }
  }

  void draw_truth(const Row& row, double y) {
    const Ink ink = shade(colours_.at(row.label));
    for (const auto& a : truth_) {
      if (a.label != row.label) continue;
      const auto [x, w] = scale_.bar(a.segment, a.point);
      auto& bar = canvas_.rect(x, y, w, kTruthHeight, ink);
      bar.stroke = kText, bar.tip = "truth: " + a.label + "\n" + span_text(a.segment, a.point);
      mark_outside(canvas_, a.segment, scale_, y, kTruthHeight);
    }
  }

  Canvas& canvas_;
  const TimelineVideo& video_;
  const TimelineStyle& style_;
  const std::map<std::string, std::size_t>& colours_;
  Legend& legend_;
  const Scale scale_;
  std::vector<Annotation> truth_;  // in order of time
  std::vector<Row> rows_;
  std::vector<std::string> hidden_labels_;
  std::size_t left_out_ = 0;
  double strip_ = 0;  // height of what stands above the rows
};

// Draws the panels from y on; returns where they end. Notes in `legend` how segments were drawn.
double draw_videos(Canvas& canvas, double y, const std::vector<TimelineVideo>& videos, const TimelineStyle& style,
                   const std::map<std::string, std::size_t>& colours, Legend& legend) {
  for (const auto& video : videos) y = VideoPanel(canvas, video, style, colours, legend).draw(y);
  return y;
}

Canvas without_records(Canvas& canvas, double y) {
  canvas.text(kSide, y + 20, "No records to draw.", 13, kMuted);
  canvas.set_height(y + 44);
  return std::move(canvas);
}

// What there is to draw of a video's anchors: each with its best tIoU with a truth, the best first.
struct ShownAnchors {
  std::vector<std::pair<double, const Found*>> anchors;
  std::size_t left_out = 0, covered = 0;  // covered: truths
  double shortest = 1, longest = 10;      // lengths of anchors and truths, with room
};

// Those that cover a truth best get half of the room; the rest is thinned evenly, so that the pattern stays visible.
void thin(ShownAnchors& shown, std::size_t most, double positive) {
  const auto& all = shown.anchors;
  if (most == 0 || all.size() <= most) return;
  shown.left_out = all.size() - most;
  const auto others = std::find_if(all.begin(), all.end(), [&](const auto& anchor) { return anchor.first < positive; });
  std::vector<std::pair<double, const Found*>> kept(
      all.begin(), std::min(others, all.begin() + static_cast<std::ptrdiff_t>(most / 2 + 1)));
  const std::size_t room = most - kept.size(), rest = all.size() - kept.size();
  for (std::size_t i = 0; i < room; ++i) kept.push_back(all[all.size() - rest + i * rest / room]);
  shown.anchors = std::move(kept);
}

ShownAnchors shown_anchors(const std::vector<Found>& anchors, const std::vector<Annotation>& truths,
                           const TimelineStyle& style) {
  ShownAnchors shown;
  double low = 1e300, high = 0;
  const auto measure = [&](const Segment& segment) {  // the logarithm of no length is no place
    if (segment.length() <= 0) return;
    low = std::min(low, segment.length()), high = std::max(high, segment.length());
  };
  for (const auto& anchor : anchors) measure(anchor.segment);
  for (const auto& truth : truths) measure(truth.segment);
  if (high > 0) shown.shortest = low, shown.longest = high;
  shown.shortest /= 1.3, shown.longest *= 1.3;
  std::vector<char> covered(truths.size());
  for (const auto& anchor : anchors) {
    double best = 0;
    for (std::size_t k = 0; k < truths.size(); ++k) {
      const double overlap = tiou(truths[k].segment, anchor.segment);
      best = std::max(best, overlap);
      covered[k] |= overlap >= style.positive;
    }
    shown.anchors.emplace_back(best, &anchor);
  }
  shown.covered = static_cast<std::size_t>(std::count(covered.begin(), covered.end(), 1));
  std::stable_sort(shown.anchors.begin(), shown.anchors.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  thin(shown, style.top_k, style.positive);
  return shown;
}

// Anchors over time and, upwards, the logarithm of their length. Returns where the next video begins.
double draw_video_anchors(Canvas& canvas, double y, const TimelineVideo& video, const TimelineStyle& style) {
  constexpr double kAxis = 70, kHeight = 190;
  static const std::vector<Found> kNone;
  const auto& anchors = video.tracks.empty() ? kNone : video.tracks.front().found;
  const double duration = shown_duration(video);
  const auto shown = shown_anchors(anchors, video.truth, style);
  std::string counts =
      time_label(duration) + (video.duration > 0 ? "" : " (duration unknown)") + ", " +
      count_text(anchors.size(), "anchors") + ", " +
      (video.truth.empty() ? truth_text(video)
                           : std::to_string(shown.covered) + " of " + count_text(video.truth.size(), "truths covered"));
  if (shown.left_out > 0) counts += ", " + count_text(shown.left_out, "not drawn");
  y = video_title(canvas, video, y, style.width, counts);
  const Panel panel{kAxis, y, style.width - kAxis - kRight, kHeight, 0, duration, true};
  canvas.rect(panel.x, panel.y, panel.w, panel.h, kPanel);
  const double span = std::log(shown.longest / shown.shortest);
  const auto level = [&](double length) {
    return y + kHeight - std::log(std::max(length, shown.shortest) / shown.shortest) / span * kHeight;
  };
  double last = 1e9;
  for (double length = std::pow(2, std::ceil(std::log2(shown.shortest))); length <= shown.longest; length *= 2) {
    if (last - level(length) < 16) continue;
    last = level(length);
    canvas.line(panel.x, last, panel.x + panel.w, last, kGrid);
    canvas.text(kAxis - 6, last + 4, time_label(length), 11, kMuted, Align::kRight);
  }
  canvas.begin_panel(panel);
  draw_x_axis(canvas, panel);
  const double thick = shown.anchors.size() > 400 ? 2 : 3;
  for (std::size_t i = shown.anchors.size(); i-- > 0;) {
    const auto& [best, anchor] = shown.anchors[i];
    const bool positive = best >= style.positive && !video.truth.empty();
    const double x = panel.x + anchor->segment.start / duration * panel.w,
                 w = std::max(1.5, anchor->segment.length() / duration * panel.w);
    canvas
        .rect(x, level(anchor->segment.length()) - thick / 2, w, thick, positive ? series(1) : series(0),
              positive                     ? 0.9
              : shown.anchors.size() > 400 ? 0.3
                                           : 0.5)
        .tip = "anchor" + (anchor->label.empty() ? "" : ": " + anchor->label) + "\n" + span_text(anchor->segment) +
               (video.truth.empty() ? "" : "\nbest tIoU " + tick_label(std::floor(best * 1000 + 0.5) / 1000));
  }
  for (const auto& a : video.truth) {
    const double x = panel.x + a.segment.start / duration * panel.w;
    canvas.rect(x, level(a.segment.length()) - 3, std::max(2.0, a.segment.length() / duration * panel.w), 6, kText)
        .tip = "truth: " + a.label + "\n" + span_text(a.segment);
  }
  if (shown.anchors.empty()) canvas.text(panel.x + 10, y + 21, "no anchors", 12, kMuted);
  canvas.end_panel();
  return y + kHeight + 34;
}

}  // namespace

Canvas draw_timeline(const std::vector<TimelineVideo>& videos, const TimelineStyle& style) {
  Canvas canvas(style.width);
  double y = head(canvas, style);
  if (videos.empty()) return without_records(canvas, y);

  // One colour a label through the whole picture.
  Legend legend;
  std::map<std::string, std::size_t> colours;
  for (const auto& video : videos)
    for (const auto& a : video.truth) legend.truths = true, colours.emplace(a.label, 0);
  for (const auto& video : videos)
    for (const auto& track : video.tracks)
      for (const auto& found : track.found)
        if (!found.label.empty()) legend.labelled = true, colours.emplace(found.label, 0);
  std::size_t next = 0;
  for (auto& [label, index] : colours) index = next++;

  // Once beside the picture, to know what there is to explain above it.
  Canvas trial(style.width);
  draw_videos(trial, 0, videos, style, colours, legend);
  y += draw_legend(canvas, y, legend, style.width) + 8;
  y = draw_videos(canvas, y, videos, style, colours, legend);
  canvas.set_height(y);
  return canvas;
}

Canvas draw_anchors(const std::vector<TimelineVideo>& videos, const TimelineStyle& style) {
  Canvas canvas(style.width);
  double y = head(canvas, style);
  if (videos.empty()) return without_records(canvas, y);
  canvas.rect(kSide, y + 2, 26, 6, kText);
  canvas.text(kSide + 32, y + 11, "ground truth", 12, kMuted);
  canvas.rect(kSide + 140, y + 4, 26, 3, series(1));
  const std::string covers = "tIoU with a truth >= " + tick_label(style.positive);
  canvas.text(kSide + 172, y + 11, covers, 12, kMuted);
  canvas.rect(kSide + 196 + text_width(covers, 12), y + 4, 26, 3, series(0), 0.5);
  canvas.text(kSide + 228 + text_width(covers, 12), y + 11, "other; height: length (logarithmic)", 12, kMuted);
  y += 28;
  for (const auto& video : videos) y = draw_video_anchors(canvas, y, video, style);
  canvas.set_height(y);
  return canvas;
}

}  // namespace tal::plot
