#include "libtal/plot/canvas.h"

#include <zlib.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "libtal/base/error.h"
#include "libtal/base/xml.h"
#include "libtal/plot/charts.h"
#include "libtal/plot/font.h"
#include "libtal/plot/text_setter.h"
#include "libtal/plot/timeline.h"
#include "libtal/plot/view_page.h"

using namespace tal;
using namespace tal::plot;

namespace {

struct Picture {
  unsigned width = 0, height = 0;
  std::vector<Rgb> pixels;
  Rgb at(unsigned x, unsigned y) const { return pixels[y * width + x]; }
};

unsigned u32(const std::string& s, std::size_t at) {
  unsigned out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | static_cast<unsigned char>(s[at + i]);
  return out;
}

// An independent reader of the one kind of PNG that is written: checks signature, CRCs and length.
Picture decode(const std::string& png) {
  BOOST_REQUIRE_EQUAL(png.substr(0, 8), std::string("\x89PNG\r\n\x1a\n", 8));
  Picture out;
  std::string packed;
  bool ended = false;
  for (std::size_t at = 8; at < png.size();) {
    const unsigned size = u32(png, at);
    const std::string type = png.substr(at + 4, 4), data = png.substr(at + 8, size);
    BOOST_TEST(u32(png, at + 8 + size) == ::crc32(0, reinterpret_cast<const Bytef*>(png.data() + at + 4), size + 4));
    if (type == "IHDR") out.width = u32(data, 0), out.height = u32(data, 4);
    if (type == "IDAT") packed += data;
    ended = type == "IEND";
    at += size + 12;
  }
  BOOST_TEST(ended);
  std::string raw((out.width * 3 + 1) * out.height, '\0');
  uLongf size = raw.size();
  BOOST_REQUIRE_EQUAL(::uncompress(reinterpret_cast<Bytef*>(raw.data()), &size,
                                   reinterpret_cast<const Bytef*>(packed.data()), packed.size()),
                      Z_OK);
  BOOST_REQUIRE_EQUAL(size, raw.size());
  std::vector<unsigned char> line(out.width * 3, 0);
  for (unsigned y = 0; y < out.height; ++y) {
    BOOST_REQUIRE_EQUAL(raw[y * (out.width * 3 + 1)], 2);
    for (unsigned i = 0; i < out.width * 3; ++i)
      line[i] = static_cast<unsigned char>(line[i] + raw[y * (out.width * 3 + 1) + 1 + i]);
    for (unsigned x = 0; x < out.width; ++x) out.pixels.push_back({line[3 * x], line[3 * x + 1], line[3 * x + 2]});
  }
  return out;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plot)

BOOST_AUTO_TEST_CASE(png_holds_what_was_drawn) {
  Canvas canvas(40);
  canvas.set_height(30);
  canvas.rect(5, 6, 10, 8, series(0));
  canvas.rect(20, 6, 10, 8, series(1), 0.5);
  canvas.line(0, 25, 40, 25, kText, 2);
  const Picture picture = decode(to_png(canvas, Theme::kAuto, 2));
  BOOST_TEST(picture.width == 80u);
  BOOST_TEST(picture.height == 60u);
  const Rgb white{255, 255, 255}, blue{0, 114, 178};
  BOOST_TEST((picture.at(0, 0) == white));
  BOOST_TEST((picture.at(10, 12) == blue));  // first pixel inside
  BOOST_TEST((picture.at(9, 12) == white));
  BOOST_TEST((picture.at(29, 27) == blue));  // last
  BOOST_TEST((picture.at(30, 27) == white));
  BOOST_TEST((picture.at(45, 20) == Rgb{234, 175, 128}));  // half vermillion (213, 94, 0) on white, rounded
  BOOST_TEST((picture.at(40, 50) == colour(kText, false)));
}

BOOST_AUTO_TEST_CASE(png_is_clipped_to_panels_and_bounded) {
  Canvas canvas(40);
  canvas.set_height(20);
  canvas.begin_panel({10, 5, 20, 10});
  canvas.rect(-1000, -1000, 2000, 2000, series(2));
  canvas.end_panel();
  const Picture picture = decode(to_png(canvas, Theme::kLight, 1));
  BOOST_TEST((picture.at(10, 5) == colour(series(2), false)));
  BOOST_TEST((picture.at(9, 5) == colour(kPaper, false)));
  BOOST_TEST((picture.at(29, 14) == colour(series(2), false)));
  BOOST_TEST((picture.at(30, 15) == colour(kPaper, false)));
  canvas.set_height(40000);
  BOOST_CHECK_THROW(to_png(canvas, Theme::kLight, 1), Error);
}

// Texts beyond the own font come from the setter, where they stand; others do not, nor is one asked for its text.
BOOST_AUTO_TEST_CASE(png_texts_in_other_scripts) {
  Canvas canvas(60);
  canvas.set_height(40);
  canvas.text(2, 12, "run \xc3\xa9", 12);
  const std::string plain = to_png(canvas, Theme::kLight, 1);
  canvas.text(50, 30, "\xd0\xb6\xd0\xb6 r", 12, kText, Align::kRight);
  BOOST_TEST(beyond_own_font(canvas) == std::vector<std::string>{"\xd0\xb6"});
  std::vector<std::string> asked;
  const TextSetter set = [&](const std::string& text, double size, bool bold, Rgb ink) {
    asked.push_back(text);
    BOOST_TEST(size == 24);
    BOOST_TEST(!bold);
    BOOST_TEST((ink == colour(kText, false)));
    // Two pixels: red, and blue of which half is seen; the text is 20 wide, its first pixel 3 right of and 4 above 0.
    return TextPicture{2, 1, 3, -4, 20, {255, 0, 0, 255, 0, 0, 255, 128}, 0};
  };
  const Picture picture = decode(to_png(canvas, Theme::kLight, 2, set));
  BOOST_TEST(asked == std::vector<std::string>{"\xd0\xb6\xd0\xb6 r"});
  BOOST_TEST((picture.at(2 * 50 - 20 + 3, 2 * 30 - 4) == Rgb{255, 0, 0}));
  BOOST_TEST((picture.at(2 * 50 - 20 + 4, 2 * 30 - 4) == Rgb{127, 127, 255}));
  BOOST_TEST((picture.at(2 * 50 - 20 + 5, 2 * 30 - 4) == colour(kPaper, false)));
  Canvas alone(60);
  alone.set_height(40);
  alone.text(2, 12, "run \xc3\xa9", 12);
  BOOST_TEST(to_png(alone, Theme::kLight, 1, set) == plain);
  BOOST_TEST(beyond_own_font(alone).empty());
  canvas.photo(0, 0, 10, 10, "jpeg");
  BOOST_CHECK_THROW(to_png(canvas, Theme::kLight, 1), Error);
}

BOOST_AUTO_TEST_CASE(font_has_every_letter_once) {
  for (char32_t a = 0x21; a < 0x7f; ++a)
    for (char32_t b = a + 1; b < 0x7f; ++b) {
      bool same = true;
      for (int y = 0; y < kGlyphHeight; ++y)
        for (int x = 0; x < kGlyphWidth; ++x) same = same && glyph_pixel(a, x, y) == glyph_pixel(b, x, y);
      BOOST_TEST(!same, "glyphs " << static_cast<char>(a) << " and " << static_cast<char>(b) << " look alike");
    }
  for (int y = 0; y < kGlyphHeight; ++y) BOOST_TEST(!glyph_pixel(' ', 5, y));
}

BOOST_AUTO_TEST_CASE(markup_in_texts_is_escaped) {
  BOOST_TEST(escape_xml("<a b=\"c\" d='e'>&") == "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
  BOOST_TEST(escape_xml(std::string("a\0b\x1b", 4)) ==
             "a\xef\xbf\xbd"
             "b\xef\xbf\xbd");
  BOOST_TEST(escape_xml("\xff\xc3") == "\xef\xbf\xbd\xef\xbf\xbd");
  BOOST_TEST(escape_xml("Gr\xc3\xb6\xc3\x9f"
                        "e") ==
             "Gr\xc3\xb6\xc3\x9f"
             "e");
  TimelineVideo video;
  video.video = "</title><script>alert(1)</script>", video.duration = 10;
  video.truth.push_back({{1, 2}, "\"><img src=x onerror=alert(1)>"});
  video.tracks.push_back({"found", {{{1, 3}, 0.5, "]]><script>"}}});
  TimelineStyle style;
  style.title = "<b>";
  const Canvas canvas = draw_timeline({video}, style);
  BOOST_TEST(count(to_html(canvas, "<x>", Theme::kAuto), "<script") == 1u);  // the page's own
  BOOST_TEST(count(to_svg(canvas, "<x>", Theme::kAuto), "<script") == 0u);
  BOOST_TEST(count(to_html(canvas, "<x>", Theme::kAuto), "<img") == 0u);
}

BOOST_AUTO_TEST_CASE(texts_are_shortened_in_the_middle) {
  BOOST_TEST(fit_text("short", 12, 100) == "short");
  const std::string fitted = fit_text("validation_v_0123456789_part2", 12, 100);
  BOOST_TEST(text_width(fitted, 12) <= 100);
  BOOST_TEST(fitted.substr(0, 4) == "vali");
  BOOST_TEST(fitted.substr(fitted.size() - 2) == "t2");
  const std::string umlauts =
      fit_text("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 12, 45);
  BOOST_TEST(escape_xml(umlauts).find("\xef\xbf\xbd") == std::string::npos);  // never cut inside a character
}

BOOST_AUTO_TEST_CASE(ticks_are_round_and_few) {
  BOOST_TEST((ticks(0, 10, 6) == std::vector<double>{0, 2, 4, 6, 8, 10}));
  BOOST_TEST((time_ticks(0, 180, 6) == std::vector<double>{0, 30, 60, 90, 120, 150, 180}) == true);
  for (const double high : {1e-3, 0.7, 3.0, 17.0, 99.0, 12345.0, 1e7}) {
    const auto t = ticks(0, high, 8);
    BOOST_TEST(t.size() >= 2u);
    BOOST_TEST(t.size() <= 8u);
    BOOST_TEST(t.back() <= high * (1 + 1e-9));
  }
  BOOST_TEST(time_label(12.5) == "12.5 s");
  BOOST_TEST(time_label(185) == "3:05");
  BOOST_TEST(time_label(183.4) == "3:03.4");
  BOOST_TEST(time_label(3723) == "1:02:03");
}

BOOST_AUTO_TEST_CASE(bars_stand_at_their_seconds) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.truth.push_back({{25, 50}, "jump"});
  video.tracks.push_back({"found", {{{30, 60}, 0.9, "jump"}}});
  const Canvas canvas = draw_timeline({video}, {});
  BOOST_REQUIRE_EQUAL(canvas.panels().size(), 1u);
  const Panel& panel = canvas.panels()[0];
  const auto seconds = [&](double x) { return (x - panel.x) / panel.w * (panel.high - panel.low) + panel.low; };
  std::vector<std::pair<double, double>> bars;
  for (const Item& item : canvas.items())
    if (item.panel == 0 && item.kind == Item::Kind::kRect) bars.emplace_back(seconds(item.x), seconds(item.x + item.w));
  BOOST_REQUIRE_EQUAL(bars.size(), 2u);
  BOOST_TEST(bars[0].first == 25, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bars[0].second == 50, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bars[1].first == 30, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(bars[1].second == 60, boost::test_tools::tolerance(1e-12));
}

// tIoU of [0, 10]: with [0, 20] of its own label 0.5; [0, 10] of another label would be 1.
BOOST_AUTO_TEST_CASE(a_tip_tells_the_overlap_with_its_own_label) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.truth = {{{0, 20}, "jump"}, {{0, 10}, "run"}};
  video.tracks.push_back({"found", {{{0, 10}, 0.9, "jump"}, {{0, 10}, 0.8, "swim"}, {{0, 10}, 0.7, ""}}});
  std::map<std::string, std::string> tips;  // score -> tIoU
  const Canvas canvas = draw_timeline({video}, {});
  for (const Item& item : canvas.items()) {
    const std::size_t score = item.tip.find("\nscore "), overlap = item.tip.find("\nbest tIoU ");
    if (score == std::string::npos || overlap == std::string::npos) continue;
    tips[item.tip.substr(score + 7, 3)] = item.tip.substr(overlap + 11);
  }
  BOOST_TEST(tips.size() == 3u);
  BOOST_TEST(tips["0.9"] == "0.5");
  BOOST_TEST(tips["0.8"] == "0");
  BOOST_TEST(tips["0.7"] == "1");
}

// A proposal without a label has the colour of the class that it finds, from tIoU 0.5 on.
BOOST_AUTO_TEST_CASE(what_has_no_label_is_coloured_by_what_it_finds) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.truth = {{{0, 20}, "jump"}, {{40, 60}, "run"}};
  video.tracks.push_back({"found", {{{42, 60}, 0.9, ""}, {{0, 10}, 0.8, ""}, {{0, 9}, 0.7, ""}, {{70, 80}, 0.6, ""}}});
  std::map<std::string, Ink> inks;  // by score
  const Canvas canvas = draw_timeline({video}, {});
  for (const Item& item : canvas.items())
    if (const auto score = item.tip.find("\nscore "); score != std::string::npos)
      inks[item.tip.substr(score + 7, 3)] = item.fill;
  BOOST_TEST(
      (inks == std::map<std::string, Ink>{{"0.9", series(1)}, {"0.8", series(0)}, {"0.7", kMuted}, {"0.6", kMuted}}));
}

BOOST_AUTO_TEST_CASE(the_best_of_a_row_are_drawn) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.tracks.push_back(
      {"found", {{{0, 10}, 0.2, ""}, {{20, 30}, 0.9, ""}, {{40, 50}, 0.1, ""}, {{60, 70}, 0.5, ""}}});
  TimelineStyle style;
  style.top_k = 2;
  std::set<std::string> scores;
  const Canvas canvas = draw_timeline({video}, style);
  for (const Item& item : canvas.items())
    if (const auto score = item.tip.find("\nscore "); score != std::string::npos)
      scores.insert(item.tip.substr(score + 7, 3));
  BOOST_TEST((scores == std::set<std::string>{"0.9", "0.5"}));
}

// [0, 5] meets [0, 10] with 0.5.
BOOST_AUTO_TEST_CASE(anchors_cover_from_the_bound_on) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.truth = {{{0, 10}, "jump"}, {{40, 50}, "jump"}};
  video.tracks.push_back({"found", {{{0, 5}, 0.5, ""}}});
  for (const auto& [positive, wanted] : {std::pair{0.5, "1 of 2 truths covered"}, {0.51, "0 of 2 truths covered"}}) {
    TimelineStyle style;
    style.positive = positive;
    const Canvas canvas = draw_anchors({video}, style);
    bool told = false;
    for (const Item& item : canvas.items()) told = told || item.text.find(wanted) != std::string::npos;
    BOOST_TEST(told, wanted);
  }
}

// Of a point there is no logarithm; those beside it keep their scale.
BOOST_AUTO_TEST_CASE(anchors_of_no_length_are_drawn_at_the_bottom) {
  TimelineVideo video;
  video.video = "v", video.duration = 10;
  video.tracks.push_back({"found", {{{1, 2}, 0.5, ""}, {{3, 3}, 0.5, ""}}});
  const Canvas canvas = draw_anchors({video}, TimelineStyle());
  std::size_t anchors = 0;
  for (const Item& item : canvas.items()) anchors += item.tip.starts_with("anchor");
  BOOST_TEST(anchors == 2u);
  BOOST_TEST(canvas.items().size() < 100u);
}

BOOST_AUTO_TEST_CASE(crowds_are_drawn_and_counted) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.tracks.push_back({"found", {}});
  for (int i = 0; i < 5000; ++i) video.tracks[0].found.push_back({{i * 0.01, i * 0.01 + 20}, i / 5000.0, ""});
  TimelineStyle style;
  style.top_k = 300;
  const Canvas canvas = draw_timeline({video}, style);
  std::size_t bars = 0;
  bool told = false;
  for (const Item& item : canvas.items()) {
    bars += item.panel == 0 && item.kind == Item::Kind::kRect;
    told = told || item.text.find("5000 found, 4700 low-scored not drawn") != std::string::npos;
  }
  BOOST_TEST(bars == 300u);
  BOOST_TEST(told);
  BOOST_TEST(canvas.height() < 300);
}

// Equal scores of crowded rows stand equally high, in all rows and videos.
BOOST_AUTO_TEST_CASE(crowds_share_one_scale) {
  std::vector<TimelineVideo> videos(2);
  for (int v = 0; v < 2; ++v) {
    videos[v].video = std::to_string(v), videos[v].duration = 100;
    videos[v].tracks.push_back({"found", {}});
    for (int i = 0; i < 40; ++i)
      videos[v].tracks[0].found.push_back({{10, 90}, (v == 0 ? 0.5 : 0.3) + i / 100.0, "jump"});
  }
  const Canvas canvas = draw_timeline(videos, {});
  std::map<std::string, std::set<long>> heights;  // pixels below the panel's top, by score
  std::set<std::string> ends;
  for (const Item& item : canvas.items()) {
    if (const auto score = item.tip.find("\nscore "); score != std::string::npos) {
      const auto begin = score + 7;
      heights[item.tip.substr(begin, item.tip.find('\n', begin) - begin)].insert(
          std::lround(item.y - canvas.panels()[static_cast<std::size_t>(item.panel)].y));
    }
    if (item.size == 11 && item.x > canvas.panels()[0].x + canvas.panels()[0].w) ends.insert(item.text);
  }
  BOOST_TEST(heights.size() == 60u);  // 20 of them in both
  for (const auto& [score, at] : heights) BOOST_TEST(at.size() == 1u, score);
  BOOST_TEST((ends == std::set<std::string>{"0.3", "0.89"}));
}

// Scores are written out: behind the bar, before it at the panel's end, inside where it fills the panel.
BOOST_AUTO_TEST_CASE(scores_stand_where_there_is_room) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.tracks.push_back(
      {"found", {{{10, 20}, 0.000123, "a"}, {{70, 100}, -1234.5678, "b"}, {{0, 100}, 0.98765, "c"}}});
  const Canvas canvas = draw_timeline({video}, {});
  const Panel& panel = canvas.panels()[0];
  std::map<std::string, Align> found;
  for (const Item& item : canvas.items())
    if (item.panel == 0 && item.kind == Item::Kind::kText && !item.axis) {
      found[item.text] = item.align;
      const double width = text_width(item.text, item.size);
      BOOST_TEST((item.align == Align::kRight ? item.x - width : item.x) >= panel.x);
      BOOST_TEST((item.align == Align::kRight ? item.x : item.x + width) <= panel.x + panel.w);
    }
  BOOST_TEST((found == std::map<std::string, Align>{
                           {"0.000123", Align::kLeft}, {"-1.23e+03", Align::kRight}, {"0.988", Align::kLeft}}));
}

BOOST_AUTO_TEST_CASE(no_truth_is_no_zero_and_tall_panels_have_two_axes) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  video.tracks.push_back({"found", {}});
  for (int i = 0; i < 30; ++i)
    video.tracks[0].found.push_back({{1.0 * i, 2.0 * i + 1}, 0.5, "label " + std::to_string(i)});
  TimelineStyle style;
  const auto texts = [&] {
    std::multiset<std::string> out;
    const Canvas canvas = draw_timeline({video}, style);
    for (const Item& item : canvas.items()) out.insert(item.text), out.insert(item.tip);
    return out;
  };
  const auto told = [&](const std::string& words) {
    const auto all = texts();
    return std::any_of(all.begin(), all.end(), [&](const auto& text) { return text.find(words) != std::string::npos; });
  };
  BOOST_TEST(told("no truth given"));
  BOOST_TEST(told("18 labels not drawn (--max-rows)"));
  BOOST_TEST(told("label 29"));  // by name, in the tip
  BOOST_TEST(texts().count("30 s") == 1u);
  video.truth_given = true, style.max_rows = 0;
  BOOST_TEST(told("0 truths"));
  BOOST_TEST(!told("not drawn"));
  BOOST_TEST(texts().count("30 s") == 2u);
}

// A class-agnostic proposer's row does not compete with the labels of the truth.
BOOST_AUTO_TEST_CASE(proposals_without_a_label_are_always_drawn) {
  TimelineVideo video;
  video.video = "v", video.duration = 100;
  for (int k = 0; k < 4; ++k)
    video.truth.push_back({{20.0 * k, 20.0 * k + 10}, std::string(1, static_cast<char>('a' + k))});
  video.tracks.push_back({"found", {{{30, 60}, 0.9, ""}}});
  TimelineStyle style;
  style.max_rows = 3;
  const Canvas canvas = draw_timeline({video}, style);
  std::size_t bars = 0;
  bool told = false;
  for (const Item& item : canvas.items()) {
    bars += item.panel == 0 && item.kind == Item::Kind::kRect;
    told = told || item.text.find("1 labels not drawn (--max-rows)") != std::string::npos;
  }
  BOOST_TEST(bars == 4u);  // three truths and the proposal
  BOOST_TEST(told);
}

// The axis of a constant is of its size: a learning rate of 0.001 does not look like 0.
BOOST_AUTO_TEST_CASE(constants_have_an_axis_of_their_size) {
  for (const auto& [value, wanted, absent] : {std::tuple{0.001, "0.001", "-0.2"}, std::tuple{0.0, "-0.2", "0.001"}}) {
    const Canvas canvas = draw_charts({{"lr", "step", "lr", {{"lr", {{1, value}, {2, value}}}}}}, 800, "");
    std::set<std::string> texts;
    for (const Item& item : canvas.items()) texts.insert(item.text);
    BOOST_TEST(texts.count(wanted) == 1u, wanted);
    BOOST_TEST(texts.count(absent) == 0u, absent);
  }
}

// Charts below one another have axes of one width, whatever their curves are called.
BOOST_AUTO_TEST_CASE(panels_of_charts_are_equally_wide) {
  const Canvas canvas = draw_charts(
      {{"a", "x", "y", {{"short", {{1, 1}, {2, 2}}}}}, {"b", "x", "y", {{"a much longer name", {{1, 1}, {2, 2}}}}}},
      800, "");
  BOOST_REQUIRE_EQUAL(canvas.panels().size(), 2u);
  BOOST_TEST(canvas.panels()[0].w == canvas.panels()[1].w);
}

BOOST_AUTO_TEST_CASE(curves_of_results_and_logs) {
  std::vector<Chart> charts;
  read_curves(R"({"an":[1,2,3],"ar":[0.1,0.2,0.3],"tiou":[0.5,0.7],"recall":[[0.2,0.3,0.4],[0,0.1,0.2]]})", "a", "",
              charts);
  BOOST_REQUIRE_EQUAL(charts.size(), 1u);
  BOOST_REQUIRE_EQUAL(charts[0].curves.size(), 3u);
  BOOST_TEST(charts[0].curves[2].name == "tIoU 0.7");
  BOOST_TEST(charts[0].curves[2].points[1].y == 0.1);
  charts.clear();
  read_curves("{\"epoch\":0,\"train.loss\":2,\"val.loss\":3}\n{\"epoch\":1,\"train.loss\":1,\"val.loss\":2}\n", "log",
              "", charts);
  BOOST_REQUIRE_EQUAL(charts.size(), 1u);
  BOOST_REQUIRE_EQUAL(charts[0].curves.size(), 2u);
  BOOST_TEST(charts[0].curves[1].name == "val");
  BOOST_TEST(charts[0].curves[1].points[1].y == 2);
  charts.clear();
  // Of tal-train: steps are finer than epochs; parts of the loss and means of epochs.
  read_curves(
      "{\"step\":1,\"phase\":0,\"epoch\":0,\"loss\":4,\"parts\":{\"l1\":3}}\n{\"step\":2,\"phase\":0,\"epoch\":0,"
      "\"loss\":2,\"parts\":{\"l1\":1}}\n"
      "{\"step\":2,\"phase\":0,\"epoch\":0,\"mean\":{\"loss\":3,\"l1\":2}}\n",
      "log", "", charts);
  BOOST_REQUIRE_EQUAL(charts.size(), 2u);
  BOOST_TEST(charts[0].title == "loss against step");
  BOOST_REQUIRE_EQUAL(charts[0].curves.size(), 2u);
  BOOST_TEST(charts[0].curves[0].points.size() == 2u);
  BOOST_TEST(charts[0].curves[1].name == "mean");
  BOOST_TEST(charts[0].curves[1].points[0].x == 2);
  BOOST_TEST(charts[1].curves[0].points[1].y == 1);
  BOOST_CHECK_THROW(read_curves("{\"a\":1}", "x", "", charts), Error);
  BOOST_CHECK_THROW(read_curves("{\"an\":[1,2],\"ar\":[1]}", "x", "", charts), Error);
  BOOST_CHECK_THROW(read_curves("nonsense", "x", "", charts), Error);
  BOOST_CHECK_THROW(read_curves("", "x", "", charts), Error);
}

// Rows downwards, columns to the right, from Viridis' purple to its yellow; cells that share a pixel are averaged.
BOOST_AUTO_TEST_CASE(heatmaps_by_hand) {
  const Rgb low{68, 1, 84}, middle{33, 144, 141}, high{253, 231, 37};
  const auto pixels = [](int rows, int columns, std::vector<double> values, bool each_row = false) {
    const Canvas canvas = draw_heatmaps({{"m", rows, columns, std::move(values), "", ""}}, 480, "", "", each_row);
    const auto map = std::find_if(canvas.items().begin(), canvas.items().end(),
                                  [](const Item& item) { return item.kind == Item::Kind::kImage; });
    return map->pixels;
  };
  BOOST_TEST((pixels(2, 3, {0, 4, 2, 4, 4, 0}) == std::vector<Rgb>{low, high, middle, high, high, low}));
  BOOST_TEST((pixels(2, 3, {0, 4, 2, 10, 30, 20}, true) == std::vector<Rgb>{low, high, middle, low, high, middle}));
  BOOST_TEST((pixels(1, 2, {3, 3}) == std::vector<Rgb>{middle, middle}));
  // More columns than pixels, so that pixels hold 33 or 34 of them: a half of ones and a half of twos.
  std::vector<double> many(20000, 1);
  std::fill(many.begin() + 10000, many.end(), 2);
  const auto wide = pixels(1, 20000, many);
  BOOST_TEST_REQUIRE(wide.size() < 1000u);
  for (std::size_t i = 0; i < wide.size(); ++i)
    if (2 * i + 2 < wide.size() || 2 * i > wide.size() + 2)
      BOOST_TEST((wide[i] == (2 * i < wide.size() ? low : high)), "pixel " << i);
}

BOOST_AUTO_TEST_CASE(maps_are_read_row_by_row) {
  std::vector<Matrix> maps;
  read_maps(R"({"confidence":[[1,2,3],[4,5,6]],"start":[0,1]})", "v", maps);
  BOOST_REQUIRE_EQUAL(maps.size(), 2u);
  BOOST_TEST(maps[0].rows == 2);
  BOOST_TEST(maps[0].columns == 3);
  BOOST_TEST(maps[0].values[4] == 5);
  BOOST_TEST(maps[1].rows == 1);
  BOOST_CHECK_THROW(read_maps("{\"m\":[[1,2],[3]]}", "v", maps), Error);
  BOOST_CHECK_THROW(read_maps("{\"m\":[\"a\"]}", "v", maps), Error);
}

// Whatever the records hold, it stays data; every place of the page is filled.
BOOST_AUTO_TEST_CASE(a_view_page_keeps_data_apart_from_markup) {
  ViewPage page;
  page.title = "a <b> & @data@", page.name = "p", page.theme = Theme::kDark, page.threshold = 0.25;
  ViewVideo video;
  video.members = {{"video", "\"</script><!--@script@\""}, {"<k>", "1.50"}};
  video.state = ViewVideo::State::kFound, video.url = "v.mp4";
  video.thumbnails = {{1.5, std::string("\xff\xd8", 2)}};
  page.videos = {video};
  const std::string html = view_page(page);
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    for (auto at = html.find(what); at != std::string::npos; at = html.find(what, at + 1)) ++n;
    return n;
  };
  BOOST_TEST(count("</script>") == 2u);
  BOOST_TEST(count("<!--") == 0u);
  BOOST_TEST(count("a &lt;b&gt; &amp; @data@") == 2u);  // not filled once more
  BOOST_TEST(count("<html lang=\"en\" data-theme=\"dark\">") == 1u);
  BOOST_TEST(count("\"threshold\":0.25") == 1u);
  BOOST_TEST(count("[1.5,\"data:image/jpeg;base64,/9g=\"]") == 1u);
  BOOST_TEST(count("\\u003c/script>\\u003c!--@script@") == 1u);
  BOOST_TEST(count("media-src 'self' file: blob:\"") == 1u);
  page.videos[0].state = ViewVideo::State::kRemote;
  BOOST_TEST(view_page(page).find("blob: https: http:\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(urls_are_relative_to_the_page) {
  BOOST_TEST(relative_url("/a/b/c.mp4", "/a/b") == "c.mp4");
  BOOST_TEST(relative_url("/a/x y/50%#1?.mp4", "/a/b") == "../x%20y/50%25%231%3F.mp4");
  BOOST_TEST(relative_url("/a/./b/../\xc3\xa9.mp4", "/a/") == "%C3%A9.mp4");
  BOOST_TEST(relative_url("v/c.mp4", ".") == "v/c.mp4");
}

BOOST_AUTO_TEST_SUITE_END()
