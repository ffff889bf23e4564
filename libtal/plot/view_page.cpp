#include "libtal/plot/view_page.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include "libtal/base/base64.h"
#include "libtal/base/number.h"
#include "libtal/base/version.h"
#include "libtal/base/xml.h"
#include "libtal/io/record.h"

namespace tal::plot {
namespace {

// The inks by the names that view.css uses, each for both backgrounds.
std::string page_colours() {
  static constexpr std::array<std::pair<const char*, Ink>, 5> kNamed = {
      {{"paper", kPaper}, {"panel", kPanel}, {"text", kText}, {"muted", kMuted}, {"line", kGrid}}};
  std::string out = ":root{";
  const auto add = [&](const std::string& name, Ink ink) {
    const Rgb light = colour(ink, false), dark = colour(ink, true);
    char text[80];
    std::snprintf(text, sizeof text, ":light-dark(#%02x%02x%02x,#%02x%02x%02x);", light.r, light.g, light.b, dark.r,
                  dark.g, dark.b);
    out += "--" + name + text;
  };
  for (const auto& [name, ink] : kNamed) add(name, ink);
  for (std::size_t i = 0; i < kShades; ++i) add("s" + std::to_string(i), shade(i));
  return out + "}\n";
}

void add_member(std::string& out, const char* name, const std::string& json) {
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out += ':' + json;
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

const char* state_name(ViewVideo::State state) {
  switch (state) {
    case ViewVideo::State::kFound: return "found";
    case ViewVideo::State::kMissing: return "missing";
    case ViewVideo::State::kRemote: return "remote";
    case ViewVideo::State::kLive: return "live";
    default: return "none";
  }
}

std::string video_json(const ViewVideo& video) {
  std::string members = "[", thumbnails = "[", facts = "[", out = "{";
  for (const auto& [name, text] : video.facts)
    facts += (facts.size() > 1 ? ",[" : "[") + json_text(name) + ',' + json_text(text) + ']';
  for (const auto& [key, text] : video.members)
    members += (members.size() > 1 ? ",[" : "[") + json_text(key) + ',' + json_text(text) + ']';
  for (const auto& one : video.thumbnails)
    thumbnails += (thumbnails.size() > 1 ? ",[" : "[") + format_number(one.time) + ",\"data:image/jpeg;base64," +
                  base64_encode(one.jpeg) + "\"]";
  add_member(out, "members", members + ']');
  add_member(out, "truth", video.truth ? json_text(*video.truth) : "null");
  add_member(out, "file", json_text(video.file));
  add_member(out, "url", json_text(video.url));
  add_member(out, "state", json_text(state_name(video.state)));
  add_member(out, "start", video.start ? format_number(*video.start) : "null");
  add_member(out, "facts", facts + ']');
  add_member(out, "sound", video.sound ? "true" : "false");
  add_member(out, "thumbnails", thumbnails + ']');
  return out + '}';
}

std::string page_json(const ViewPage& page) {
  std::string videos = "[", out = "{";
  for (const auto& video : page.videos) videos += (videos.size() > 1 ? ",\n" : "\n") + video_json(video);
  add_member(out, "title", json_text(page.title));
  add_member(out, "name", json_text(page.name));
  add_member(out, "version", json_text(version()));
  if (page.threshold) add_member(out, "threshold", format_number(*page.threshold));
  add_member(out, "videos", videos + "\n]");
  out += '}';
  // '<' stands only inside of JSON's strings.
  std::string safe;
  safe.reserve(out.size());
  for (const char c : out)
    if (c == '<') safe += "\\u003c";
    else safe += c;
  return safe;
}

}  // namespace

std::string relative_url(const std::string& path, const std::string& from) {
  namespace fs = std::filesystem;
  const std::string relative =
      fs::absolute(path).lexically_normal().lexically_relative(fs::absolute(from).lexically_normal()).generic_string();
  std::string out;
  for (const char c : relative) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    char text[4];
    std::snprintf(text, sizeof text, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    if (plain) out += c;
    else out += text;
  }
  return out;
}

std::string view_page(const ViewPage& page) {
  bool remote = false;
  for (const auto& video : page.videos) remote = remote || video.state == ViewVideo::State::kRemote;
  const auto value = [&](std::string_view name) -> std::string {
    if (name == "theme") return page.theme == Theme::kDark ? "dark" : page.theme == Theme::kLight ? "light" : "auto";
    if (name == "remote") return remote ? " https: http:" : "";
    if (name == "title") return escape_xml(page.title);
    if (name == "style") return page_colours() + kViewCss;
    if (name == "data") return page_json(page);
    return kViewScript;
  };
  // Filled from left to right, so that nothing of a value is taken for a place.
  std::string out;
  for (std::string_view rest = kViewHtml; !rest.empty();) {
    std::size_t at = std::string_view::npos;
    std::string_view place;
    for (const std::string_view name : {"theme", "remote", "title", "style", "data", "script"}) {
      const auto found = rest.find("@" + std::string(name) + "@");
      if (found < at) at = found, place = name;
    }
    out += rest.substr(0, at);
    if (at == std::string_view::npos) break;
    out += value(place);
    rest.remove_prefix(at + place.size() + 2);
  }
  return out;
}

}  // namespace tal::plot
