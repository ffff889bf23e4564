// The page that plays videos under a timeline of labels and detections and lets them be corrected: one HTML file that
// needs nothing but the videos beside it. Its parts are in libtal/plot/view.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libtal/io/thumbnail.h"
#include "libtal/plot/canvas.h"

namespace tal::plot {

// The files of libtal/plot/view, compiled in (cmake/EmbedText.cmake).
extern const char* const kViewHtml;
extern const char* const kViewCss;
extern const char* const kViewScript;

struct ViewVideo {
  enum class State { kNone, kFound, kMissing, kRemote, kLive };  // kRemote: http(s); kLive: what no page can play
  // The record's members in their order, the values as JSON text that a page's export gives back as it is.
  std::vector<std::pair<std::string, std::string>> members;
  std::optional<std::string> truth;  // JSON text of annotations in the place of the record's own
  std::string file;                  // as the record names it; "": it names none
  std::string url;                   // as seen from the page (relative_url), or remote; "": none
  State state = State::kNone;
  // Seconds on the player's clock at which time 0 of the record stands: its member time_origin, else its first picture;
  // nullopt: not known.
  std::optional<double> start;
  // For exports to other tools: what their files keep beside the video, names and texts, and whether it is only sound.
  std::vector<std::pair<std::string, std::string>> facts;
  bool sound = false;
  std::vector<Thumbnail> thumbnails;  // in order of time
};

struct ViewPage {
  std::string title;
  std::string name;  // of the page's file, without folder and extension: exports are named after it
  Theme theme = Theme::kAuto;
  std::optional<double> threshold;  // the score from which detections are shown first; nullopt: all
  std::vector<ViewVideo> videos;
};

// No text of the records can end or change the page: it is JSON in which every '<' is escaped.
std::string view_page(const ViewPage& page);

// `path` as a URL relative to the folder `from`: both are made absolute, and what is no letter, digit or one of
// "-._~/" is written as %XX.
std::string relative_url(const std::string& path, const std::string& from);

}  // namespace tal::plot
