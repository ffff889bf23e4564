// The SVG and HTML back ends.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <utility>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/base/xml.h"
#include "libtal/plot/canvas.h"

namespace tal::plot {
namespace {

// Hundredths of a pixel, without an exponent and whatever the locale.
void append_fixed(std::string& out, double value) {
  auto hundredths = static_cast<long long>(std::floor(std::fabs(value) * 100 + 0.5));
  if (value < 0 && hundredths > 0) out += '-';
  out += std::to_string(hundredths / 100);
  hundredths %= 100;
  if (hundredths == 0) return;
  out += '.';
  out += static_cast<char>('0' + hundredths / 10);
  if (hundredths % 10) out += static_cast<char>('0' + hundredths % 10);
}

void attribute(std::string& out, const char* name, double value) {
  out += ' ';
  out += name;
  out += "=\"";
  append_fixed(out, value);
  out += '"';
}

std::string hex(Rgb c) {
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", c.r, c.g, c.b);
  return text;
}

std::string ink_rules(bool dark) {
  std::string out;
  for (int ink = 0; ink < kInkCount; ++ink) {
    const std::string value = hex(colour(static_cast<Ink>(ink), dark)), number = std::to_string(ink);
    out += ".f" + number + "{fill:" + value + "}.s" + number + "{stroke:" + value + "}";
  }
  return out + "\n";
}

std::string style(Theme theme) {
  std::string out =
      "text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu "
      "Sans',Helvetica,Arial,sans-serif}.b{font-weight:600}.m{text-anchor:middle}.e{text-anchor:end}"
      ".l{fill:none}.z *,.l{vector-effect:non-scaling-stroke}\n";
  out += ink_rules(theme == Theme::kDark);
  if (theme == Theme::kAuto) out += "@media (prefers-color-scheme:dark){" + ink_rules(true) + "}\n";
  return out;
}

void paint_classes(std::string& out, const Item& item, const char* more = "") {
  out += " class=\"";
  if (item.fill != kNone) out += "f" + std::to_string(item.fill);
  if (item.stroke != kNone) out += (item.fill != kNone ? " s" : "s") + std::to_string(item.stroke);
  out += more;
  out += '"';
}

void append_points(std::string& out, const std::vector<Point>& points) {
  bool first = true;
  for (const Point& point : points) {
    if (!first) out += ' ';
    first = false;
    append_fixed(out, point.x);
    out += ',';
    append_fixed(out, point.y);
  }
}

// Classes of a text: where it is anchored, and bold.
const char* text_classes(const Item& item) {
  switch (item.align) {
    case Align::kCentre: return item.bold ? " m b" : " m";
    case Align::kRight: return item.bold ? " e b" : " e";
    default: return item.bold ? " b" : "";
  }
}

void attributes(std::string& out, std::initializer_list<std::pair<const char*, double>> values) {
  for (const auto& [name, value] : values) attribute(out, name, value);
}

// Opens the element of an item, with all that its kind has; returns the element's name.
const char* open_element(std::string& out, const Item& item) {
  switch (item.kind) {
    case Item::Kind::kLine:
      out += "<line";
      attributes(out, {{"x1", item.x}, {"y1", item.y}, {"x2", item.w}, {"y2", item.h}});
      paint_classes(out, item);
      if (item.opacity < 1) attribute(out, "opacity", item.opacity);
      return "line";
    case Item::Kind::kPolyline:
      out += "<polyline points=\"";
      append_points(out, item.points);
      out += '"';
      paint_classes(out, item, " l");
      if (item.opacity < 1) attribute(out, "opacity", item.opacity);
      return "polyline";
    case Item::Kind::kText:
      out += "<text";
      attributes(out, {{"x", item.x}, {"y", item.y}, {"font-size", item.size}});
      paint_classes(out, item, text_classes(item));
      return "text";
    case Item::Kind::kImage:
      out += "<image";
      attributes(out, {{"x", item.x}, {"y", item.y}, {"width", item.w}, {"height", item.h}});
      if (!item.jpeg.empty()) {
        out += " class=\"photo\" href=\"data:image/jpeg;base64," + base64_encode(item.jpeg) + "\"";
        return "image";
      }
      out += " preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64," +
             base64_encode(encode_png(item.columns, item.rows, item.pixels)) + "\"";
      return "image";
    case Item::Kind::kRect: break;
  }
  out += "<rect";
  attributes(out, {{"x", item.x}, {"y", item.y}, {"width", std::max(0.0, item.w)}, {"height", std::max(0.0, item.h)}});
  paint_classes(out, item, item.fill == kNone ? " l" : "");
  if (item.opacity < 1) attribute(out, item.stroke != kNone ? "fill-opacity" : "opacity", item.opacity);
  return "rect";
}

// The tip goes into a <title> child, which SVG viewers show, or into data-tip for the page's script.
void append_item(std::string& out, const Item& item, bool page) {
  const char* const element = open_element(out, item);
  if (item.stroke != kNone && item.width != 1) attribute(out, "stroke-width", item.width);
  if (item.dashed) out += " stroke-dasharray=\"4 4\"";
  if (page && !item.tip.empty()) out += " data-tip=\"" + escape_xml(item.tip) + "\"";
  const bool title = !page && !item.tip.empty();
  if (item.kind != Item::Kind::kText && !title) {
    out += "/>\n";
    return;
  }
  out += '>';
  if (title) out += "<title>" + escape_xml(item.tip) + "</title>";
  if (item.kind == Item::Kind::kText) out += escape_xml(item.text);
  out += "</";
  out += element;
  out += ">\n";
}

std::string drawing(const Canvas& canvas, std::string_view title, Theme theme, bool page) {
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ";
  append_fixed(out, canvas.width());
  out += ' ';
  append_fixed(out, canvas.height());
  out += '"';
  if (!page) attribute(out, "width", canvas.width()), attribute(out, "height", canvas.height());
  out += " role=\"img\" aria-label=\"" + escape_xml(title) + "\">\n";
  if (!page) out += "<title>" + escape_xml(title) + "</title>\n<style>" + style(theme) + "</style>\n";
  out += "<defs>\n";
  for (std::size_t i = 0; i < canvas.panels().size(); ++i) {
    const Panel& panel = canvas.panels()[i];
    out += "<clipPath id=\"c" + std::to_string(i) + "\"><rect";
    attribute(out, "x", panel.x), attribute(out, "y", panel.y), attribute(out, "width", panel.w),
        attribute(out, "height", panel.h);
    out += "/></clipPath>\n";
  }
  out += "</defs>\n<rect width=\"100%\" height=\"100%\" class=\"f0\"/>\n";
  const auto& items = canvas.items();
  for (std::size_t i = 0; i < items.size();) {
    if (items[i].panel < 0) {
      append_item(out, items[i++], page);
      continue;
    }
    const int number = items[i].panel;
    const Panel& panel = canvas.panels()[static_cast<std::size_t>(number)];
    std::size_t end = i;
    while (end < items.size() && items[end].panel == number) ++end;
    out += "<g class=\"p\" clip-path=\"url(#c" + std::to_string(number) + ")\"";
    if (page) {
      attribute(out, "data-x", panel.x), attribute(out, "data-y", panel.y), attribute(out, "data-w", panel.w),
          attribute(out, "data-h", panel.h);
      char range[160];
      std::snprintf(range, sizeof range, " data-low=\"%.12g\" data-high=\"%.12g\" data-time=\"%d\" data-above=\"%d\"%s",
                    panel.low, panel.high, panel.time ? 1 : 0, panel.above ? 1 : 0,
                    panel.whole ? " data-whole=\"1\"" : "");
      out += range;
    }
    out += ">\n<g class=\"a\">\n";
    for (std::size_t k = i; k < end; ++k)
      if (items[k].axis && items[k].kind != Item::Kind::kText) append_item(out, items[k], page);
    out += "</g>\n<g class=\"z\">\n";
    for (std::size_t k = i; k < end; ++k)
      if (!items[k].axis) append_item(out, items[k], page);
    out += "</g>\n</g>\n<g class=\"t\">\n";
    for (std::size_t k = i; k < end; ++k)
      if (items[k].axis && items[k].kind == Item::Kind::kText) append_item(out, items[k], page);
    out += "</g>\n";
    i = end;
  }
  return out + "</svg>\n";
}

// Texts from the data reach the page only as escaped attributes and through textContent.
const char* const kScript = R"js((() => {
const svg = document.querySelector('svg'), tip = document.getElementById('tip'), ns = svg.namespaceURI;
const nice = (span, time) => {
  if (time && span > 120) for (const s of [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400]) if (span / s <= 12) return s;
  const m = 10 ** Math.floor(Math.log10(span / 10));
  for (const f of [1, 2, 5, 10]) if (span / (f * m) <= 12) return f * m;
  return 20 * m;
};
const label = (v, step, time) => {
  if (!time) return String(+v.toPrecision(6));
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)), a = Math.abs(v);
  if (a < 60) return +v.toFixed(digits) + ' s';
  const units = Math.round(a * 10 ** digits), whole = Math.floor(units / 10 ** digits), part = units % 10 ** digits;
  const two = n => String(n).padStart(2, '0');
  const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
  return (h ? h + ':' + two(m) : m) + ':' + two(s) + (part ? '.' + String(part).padStart(digits, '0') : '');
};
const panels = [...document.querySelectorAll('g.p')].map(g => {
  const d = g.dataset, p = {g, x: +d.x, y: +d.y, w: +d.w, h: +d.h, low: +d.low, high: +d.high, time: d.time === '1', above: d.above === '1', whole: d.whole === '1', k: 1, t: 0};
  p.z = g.querySelector('.z'); p.a = g.querySelector('.a'); p.labels = g.nextElementSibling;
  p.texts = [...p.z.querySelectorAll('text,.photo')];
  return p;
});
const place = p => {
  p.k = Math.min(Math.max(p.k, 1), 5000);
  p.t = Math.min(0, Math.max(p.t, p.w * (1 - p.k)));
  p.z.setAttribute('transform', `translate(${p.x * (1 - p.k) + p.t},0) scale(${p.k},1)`);
  for (const e of p.texts) { const x = +e.getAttribute('x') + (+e.getAttribute('width') || 0) / 2; e.setAttribute('transform', `translate(${x * (1 - 1 / p.k)},0) scale(${1 / p.k},1)`); }
  const span = (p.high - p.low) / p.k, low = p.low - p.t / p.w * span, step = Math.max(p.whole ? 1 : 0, nice(span, p.time));
  p.a.replaceChildren(); p.labels.replaceChildren();
  for (let i = Math.ceil(low / step - 1e-9); i * step <= low + span * (1 + 1e-9); ++i) {
    const x = p.x + (i * step - low) / span * p.w;
    const line = document.createElementNS(ns, 'line');
    for (const [n, v] of [['x1', x], ['x2', x], ['y1', p.y], ['y2', p.y + p.h], ['class', 's4']]) line.setAttribute(n, v);
    p.a.append(line);
    for (const y of p.above ? [p.y + p.h + 14, p.y - 6] : [p.y + p.h + 14]) {
      const text = document.createElementNS(ns, 'text');
      for (const [n, v] of [['x', x], ['y', y], ['font-size', 12], ['class', 'f3 m']]) text.setAttribute(n, v);
      text.textContent = label(i * step, step, p.time);
      p.labels.append(text);
    }
  }
};
const zoom = (p, factor, at) => {
  const k = Math.min(Math.max(p.k * factor, 1), 5000);
  p.t = at - (at - p.t) * k / p.k; p.k = k; place(p);
};
const where = event => {
  const r = svg.getBoundingClientRect(), s = svg.viewBox.baseVal.width / r.width;
  return {x: (event.clientX - r.left) * s, y: (event.clientY - r.top) * s};
};
const hit = at => panels.find(p => at.x >= p.x && at.x <= p.x + p.w && at.y >= p.y && at.y <= p.y + p.h);
svg.addEventListener('wheel', event => {
  if (!event.ctrlKey && !event.shiftKey) return;
  const at = where(event), p = hit(at);
  if (!p) return;
  event.preventDefault();
  zoom(p, Math.exp(-(event.deltaY || event.deltaX) / 300), at.x - p.x);
}, {passive: false});
let drag = null;
svg.addEventListener('pointerdown', event => { const at = where(event), p = hit(at); if (p && p.k > 1) drag = {p, x: at.x, t: p.t}; });
addEventListener('pointerup', () => { drag = null; });
svg.addEventListener('dblclick', event => { const p = hit(where(event)); if (p) { p.k = 1; p.t = 0; place(p); } });
addEventListener('pointermove', event => {
  if (drag) { drag.p.t = drag.t + where(event).x - drag.x; place(drag.p); }
  const text = event.target.dataset ? event.target.dataset.tip : undefined;
  tip.hidden = !text || drag !== null;
  if (tip.hidden) return;
  tip.textContent = text;
  tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + 'px';
  tip.style.top = (event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18) + 'px';
});
for (const [id, f] of [['in', 2], ['out', 0.5]]) document.getElementById(id).onclick = () => panels.forEach(p => zoom(p, f, p.w / 2));
document.getElementById('all').onclick = () => panels.forEach(p => { p.k = 1; p.t = 0; place(p); });
})();
)js";

}  // namespace

std::string to_svg(const Canvas& canvas, std::string_view title, Theme theme) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + drawing(canvas, title, theme, false);
}

std::string to_html(const Canvas& canvas, std::string_view title, Theme theme) {
  const char* scheme = theme == Theme::kAuto ? "light dark" : theme == Theme::kDark ? "dark" : "light";
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"UTF-8\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
      escape_xml(title) + "</title>\n<style>\n";
  out += style(theme);
  const auto page = [](bool dark) {
    return "body,#tip,button{background:" + hex(colour(kPaper, dark)) + ";color:" + hex(colour(kText, dark)) +
           "}#tip,button{border:1px solid " + hex(colour(kMuted, dark)) + "}\n";
  };
  out += page(theme == Theme::kDark);
  if (theme == Theme::kAuto) out += "@media (prefers-color-scheme:dark){" + page(true) + "}\n";
  out += std::string(":root{color-scheme:") + scheme +
         "}body{margin:12px;font:14px system-ui,sans-serif}svg{display:block;width:100%;max-width:";
  append_fixed(out, canvas.width() * 1.6);
  out +=
      "px;margin:auto}nav{text-align:center}button{font:inherit;border-radius:4px;padding:2px "
      "10px;margin:2px;cursor:pointer}"
      "#tip{position:fixed;white-space:pre-line;overflow-wrap:anywhere;padding:4px "
      "8px;border-radius:4px;pointer-events:none;max-width:32em}"
      "[data-tip]:hover{filter:brightness(1.15)}.p{cursor:grab}\n</style>\n</head>\n<body>\n"
      "<nav><button id=\"in\" type=\"button\">Zoom in</button><button id=\"out\" type=\"button\">Zoom out</button>"
      "<button id=\"all\" type=\"button\">Show all</button> Ctrl+wheel zooms at the pointer, drag moves, double click "
      "shows all</nav>\n";
  out += drawing(canvas, title, theme, true);
  out += "<div id=\"tip\" role=\"tooltip\" hidden=\"hidden\"></div>\n<script>\n//<![CDATA[\n";
  out += kScript;
  out += "//]]>\n</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace tal::plot
