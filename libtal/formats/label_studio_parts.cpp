#include "libtal/formats/label_studio_parts.h"

#include <algorithm>
#include <numeric>
#include <pugixml.hpp>

#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/formats/tool_rows.h"

namespace tal {
namespace {

constexpr const char* kUsual[] = {"video", "video_url", "audio", "audio_url", "url", "csv", "timeseries", "ts"};
constexpr double kUsualRate = 24;  // of a <Video> whose configuration says none

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The value of src in "<video src='x.mp4' muted>", from behind the tag's name; "": there is none.
std::string_view source_in_tag(std::string_view rest) {
  while (!rest.empty() && rest.front() != '>') {
    const auto name_end = std::min(rest.find_first_of(" \t\r\n=>/"), rest.size());
    if (name_end == 0 && rest.front() != '=') {
      rest.remove_prefix(1);
      continue;
    }
    const auto name = rest.substr(0, name_end);
    rest.remove_prefix(name_end);
    const auto text = std::min(rest.find_first_not_of(" \t\r\n"), rest.size());
    if (text == rest.size() || rest[text] != '=') continue;  // an attribute without a value
    rest.remove_prefix(text + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    const bool quoted = !rest.empty() && (rest.front() == '"' || rest.front() == '\'');
    const auto end = quoted ? rest.find(rest.front(), 1) : rest.find_first_of(" \t\r\n>");
    const auto value = rest.substr(quoted ? 1 : 0, end == rest.npos ? rest.npos : end - (quoted ? 1 : 0));
    if (name.size() == 3 && begins_alike(name, "src")) return value;
    rest.remove_prefix(end == rest.npos ? rest.size() : end + (quoted ? 1 : 0));
  }
  return {};
}

// What plays a video in a text field is markup: "<video src='https://x.org/four.mp4' width=100% muted />". "": its
// medium has no name.
std::string_view source_in_markup(std::string_view markup) {
  for (auto at = markup.find('<'); at != markup.npos; at = markup.find('<', at + 1))
    for (const std::string_view tag : {"video", "audio", "source"}) {
      const auto rest = markup.substr(at + 1);
      if (!begins_alike(rest, tag) || rest.size() == tag.size() ||
          !is_any_of(rest.substr(tag.size(), 1), {" ", "\t", "\r", "\n"}))
        continue;
      if (const auto source = source_in_tag(rest.substr(tag.size())); !source.empty()) return source;
    }
  return {};
}

// Elements with attributes or an end; "<NA>" is a name like any other.
bool is_markup(std::string_view text) {
  text = trim(text);
  return text.starts_with('<') && (text.find('=') != text.npos || text.find("</") != text.npos);
}

std::string address_of(const JsonNode& value) {
  std::string text = value.text();
  if (!is_markup(text)) return text;
  const auto source = source_in_markup(text);
  if (source.empty())
    throw Error("markup that plays no medium: neither <video>, <audio> nor <source> with src").at_field(value.path());
  return std::string(source);
}

std::string id_of_medium(const TaskMedium& medium) { return video_id(media_name(medium.address)); }

// Whether a result of this type may be about a medium of this name.
bool may_have(const TaskMedium& medium, std::string_view type) {
  const bool media = is_media_file(media_name(medium.address)), sound = is_sound(media_name(medium.address));
  if (type == "timeserieslabels") return !media;
  if (type == "timelinelabels" || type == "videorectangle") return media && !sound;
  return type != "labels" || sound;
}

}  // namespace

std::vector<MediaTag> media_tags(const std::string& xml) {
  std::vector<MediaTag> tags;
  pugi::xml_document document;
  if (!document.load_string(xml.c_str())) return tags;
  struct Walker : pugi::xml_tree_walker {
    std::vector<pugi::xml_node> media;
    std::string labelled = " ";  // names, with a blank around each
    bool for_each(pugi::xml_node& node) override {
      if (is_any_of(node.name(), {"Video", "Audio", "AudioPlus", "TimeSeries"})) media.push_back(node);
      std::string to = node.attribute("toName").value();
      std::replace(to.begin(), to.end(), ',', ' ');
      if (!to.empty()) labelled += to + ' ';
      return true;
    }
  } walker;
  document.traverse(walker);
  for (const auto& node : walker.media) {
    const std::string_view value = node.attribute("value").value();
    MediaTag tag;
    tag.name = node.attribute("name").value();
    if (value.starts_with('$')) tag.member = value.substr(1);
    tag.labelled = walker.labelled.find(' ' + tag.name + ' ') != std::string::npos;
    if (std::string_view(node.name()) == "Video") {
      const auto stated = node.attribute("framerate") ? node.attribute("framerate") : node.attribute("frameRate");
      if (const std::string_view text = stated.value(); text.starts_with('$')) tag.rate_member = text.substr(1);
      else tag.framerate = stated.as_double(kUsualRate) > 0 ? stated.as_double(kUsualRate) : kUsualRate;
    }
    tags.push_back(std::move(tag));
  }
  return tags;
}

bool is_usual_medium(std::string_view member) {
  return std::find(std::begin(kUsual), std::end(kUsual), member) != std::end(kUsual);
}

bool names_medium(std::string_view text) {
  return is_media_file(media_name(is_markup(text) ? source_in_markup(text) : text));
}

std::vector<TaskMedium> media_of_task(const JsonNode& data, const std::vector<MediaTag>& tags) {
  std::vector<TaskMedium> media;
  const auto take = [&](const std::string& member, const MediaTag* tag) {
    const auto value = member.empty() ? std::nullopt : data.find(member);
    if (!value || !value->is_text() || value->text().empty()) return;
    for (const auto& known : media)
      if (known.member == member && !tag) return;
    media.push_back({member, address_of(*value), tag});
  };
  for (const auto& tag : tags) take(tag.member, &tag);
  if (!media.empty()) return media;
  for (const char* member : kUsual) take(member, nullptr);
  if (data.is_object())
    for (const auto& [member, value] : data.members())
      if (value.is_text() && names_medium(value.text())) take(member, nullptr);
  if (media.empty()) media.push_back({});
  return media;
}

ChosenMedium medium_of_result(const std::vector<TaskMedium>& media, const ResultMedium& result) {
  for (std::size_t i = 0; i < media.size(); ++i)
    if (!media[i].member.empty() && result.source == '$' + media[i].member) return {i};
  for (std::size_t i = 0; i < media.size(); ++i)
    if (!result.to.empty() && result.to == (media[i].tag ? media[i].tag->name : media[i].member)) return {i};
  std::vector<std::size_t> fit;
  for (std::size_t i = 0; i < media.size(); ++i)
    if (may_have(media[i], result.type)) fit.push_back(i);
  if (fit.empty()) fit = shown_media(media);
  const auto same = [&](std::size_t i) { return id_of_medium(media[i]) == id_of_medium(media[fit[0]]); };
  if (std::all_of(fit.begin(), fit.end(), same)) return {fit[0]};
  // JSON-MIN does not say which medium its regions are of; a usual name is a good guess, which is told.
  if (result.to.empty() && is_usual_medium(media[fit[0]].member)) return {fit[0], true};
  std::string named;
  for (const auto i : fit)
    named += (named.empty() ? "'" : ", '") + media[i].member + "' (" + media[i].address.substr(0, 60) + ")";
  throw Error("the task has several media, " + named + ", and " +
              (result.to.empty() ? "the result does not say which of them it is of"
                                 : "neither a labelling configuration (label_config) nor a member of its data says "
                                   "which of them '" +
                                       result.to + "' is"))
      .at_field("to_name");
}

std::vector<std::size_t> shown_media(const std::vector<TaskMedium>& media) {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < media.size(); ++i)
    if (media[i].tag && media[i].tag->labelled) shown.push_back(i);
  if (!shown.empty()) return shown;
  if (!media[0].tag && is_usual_medium(media[0].member)) return {0};
  shown.resize(media.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  return shown;
}

}  // namespace tal
